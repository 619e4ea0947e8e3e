"""A super admin in a browser: accounts, domains, and whose a mailbox is."""

import pytest

from browser import Browser, LOOKS
from mariadb import SQL
from webmailboxes import CHEAP
from webportal import PASSWORD, Portal

pytestmark = pytest.mark.limit(300)
ROOT, USER = "root@post.test", "user@post.test"


@pytest.fixture(scope="module")
def portal():
    with Portal(base_url="http://127.0.0.1:{port}", manage_domains="yes",
                limit_login_address="1000/15m", **CHEAP) as portal:
        portal.db.load(SQL / "grants-web-domains.sql")
        portal.add_account(ROOT, role="super_admin")
        portal.add_domain("two.test")
        yield portal


def start(portal, language):
    """One account with a mailbox and a second factor, anew."""
    portal.db.sql("UPDATE pymailadmin_account SET language = %s", language)
    portal.db.sql("DELETE FROM pymailadmin_account WHERE email = %s", USER)
    portal.db.sql("DELETE FROM users")
    portal.db.sql("DELETE FROM pymailadmin_request")
    portal.add_account(USER, domains=["one.test"])
    portal.add_mailbox("box@one.test", USER)
    portal.db.sql("UPDATE pymailadmin_account SET totp_secret = 'x', "
                  "totp_confirmed_at = UTC_TIMESTAMP() WHERE email = %s", USER)
    portal.log_in(USER)


@pytest.mark.parametrize("look", LOOKS,
                         ids=lambda look: "-".join(map(str, look)))
def test_a_super_admin(portal, look):
    language, width, scheme, scripts = look
    start(portal, language)
    with Browser(portal.web.base_url, scripts=scripts) as browser:
        browser.show_as(width, scheme, language)
        browser.open("/login").send(email=ROOT, password=PASSWORD)

        def see(name):
            browser.look(f"admin-{name}-{language}{width}-{scheme}")
        browser.click("details summary")
        with browser.leaving():
            browser.click('header nav a[href="/administration"]')
        see("administration")
        browser.follow("/accounts")
        see("accounts")
        change_account(portal, browser, see)
        change_domains(portal, browser, see)
        give_mailbox(browser, see)


def change_account(portal, browser, see):
    browser.fill(search="user@")
    with browser.leaving():
        browser.click("main form button")
    browser.follow(f"/accounts/account?id={portal.account_id(USER)}")
    see("account")
    browser.follow("/accounts/limits")
    browser.send(max_mailboxes="many")
    see("limits-wrong")
    browser.send(max_mailboxes="7")
    browser.follow("/accounts/domains")
    see("account-domains")
    browser.click('label[for^="domain-"]')
    with browser.leaving():
        browser.click('main form[action="/accounts/domains"] button')
    see("domain-given")
    browser.send_form("/accounts/domains/take")
    see("domain-taken")
    browser.open(f"/accounts/account?id={portal.account_id(USER)}")
    for name in ("two-factor", "role", "active"):
        browser.follow(f"/accounts/{name}")
        see(name)
        browser.send_form(f"/accounts/{name}")
        see(f"{name}-done")
    browser.follow("/accounts/active").send()
    see("active-again")
    portal.log_in(USER)
    browser.open(f"/accounts/account?id={portal.account_id(USER)}")
    browser.follow("/accounts/log-out")
    see("log-out")
    browser.send()
    see("logged-out")


def change_domains(portal, browser, see):
    browser.open("/domains")
    see("domains")
    browser.follow("/domains/add").send(name="not a domain")
    see("add-wrong")
    browser.send(name="added.test")
    assert "added.test" in browser.text
    see("added")
    browser.follow("/domains/remove?name=added.test")
    see("remove")
    browser.send()
    see("removed")


def give_mailbox(browser, see):
    browser.open("/mailbox?address=box@one.test")
    see("mailbox")
    browser.follow("/mailbox/owner")
    see("owner")
    browser.send(email="nobody@post.test")
    see("owner-wrong")
    browser.send(email=ROOT)
    assert ROOT in browser.text
    see("owner-given")
    browser.follow("/mailbox/owner")
    with browser.leaving():
        browser.click('[aria-labelledby="danger"] button')
    see("owner-taken")

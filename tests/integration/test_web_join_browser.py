"""A newcomer in a browser: from the log-in page to an account and the first
look at it, and the moderator who decides."""

import re

import pytest

from browser import Browser, LOOKS
from joining import FROM, NEW, REASON
from mailcatcher import MailCatcher
from webmailboxes import CHEAP
from webportal import PASSWORD, Portal

pytestmark = pytest.mark.limit(300)
ROOT, ADMIN = "root@post.test", "admin@post.test"


@pytest.fixture(scope="module")
def portal():
    with MailCatcher() as catcher, Portal(
            base_url="http://127.0.0.1:{port}", smtp_url=catcher.url,
            mail_from=FROM, registration="open",
            limit_login_address="1000/15m", **CHEAP) as portal:
        portal.catcher = catcher
        portal.add_account(ROOT, role="super_admin")
        portal.add_account(ADMIN, role="admin", domains=["one.test"])
        portal.add_domain("two.test")
        yield portal


@pytest.mark.parametrize("look", LOOKS,
                         ids=lambda look: "-".join(map(str, look)))
def test_a_newcomer(portal, look):
    language, width, scheme, scripts = look
    email = f"newcomer-{language}{width}@new.test"
    with Browser(portal.web.base_url, scripts=scripts) as browser:
        browser.show_as(width, scheme, language)

        def see(name):
            browser.look(f"join-{name}-{language}{width}-{scheme}")
        browser.open("/login").follow("/register")
        see("register")
        browser.send(email=email, new="short", repeat="short", reason="please")
        see("register-wrong")
        browser.send(new=NEW, repeat=NEW, reason=REASON)
        see("register-sent")
        [link] = re.findall(r"http://127\.0\.0\.1\S+",
                            portal.catcher.wait(email).get_content())
        browser.driver.get(link)
        see("register-confirm")
        browser.send()
        see("register-confirmed")
        browser.driver.get(link)
        see("register-expired")
        decide(portal, browser, email, see)
        browser.forget().open("/login").send(email=email, password=NEW)
        assert browser.path == "/home" and "one.test" in browser.text
        see("home")
        browser.follow("/mailbox/create")
        see("create")


def decide(portal, browser, email, see):
    """An admin accepts, and makes a code besides."""
    browser.forget().open("/login").send(email=ADMIN, password=PASSWORD)
    browser.open("/moderation")
    see("moderation")
    assert email in browser.text and REASON in browser.text
    browser.follow("/moderation/answer")
    see("answer")
    assert browser.find("#domain-0").is_selected()
    browser.send(max_mailboxes="many")
    see("answer-wrong")
    browser.send(max_mailboxes="2")
    see("accepted")
    assert email in browser.text
    browser.follow("/moderation")
    see("moderation-empty")
    browser.follow("/moderation/invitations")
    see("invitations")
    browser.send_form("/moderation/invitations", note="the choir")
    see("invitation-made")
    browser.send_form("/moderation/invitations/end")
    see("invitation-ended")

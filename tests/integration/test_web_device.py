"""Browsers the portal knows: who logs in with another one is told of by mail."""

import re

import pytest

import totp
from changes import name_of
from mailcatcher import MailCatcher
from mariadb import wait_until
from webportal import PASSWORD, Portal

FROM = "portal@post.test"
COOKIE = "__Host-pymailadmin-device"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 " \
    "Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) " \
    "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/604.1"
NEW = "seven purple elephants sing quietly"


@pytest.fixture(scope="module")
def catcher():
    with MailCatcher() as catcher:
        yield catcher


@pytest.fixture(scope="module")
def portal(catcher):
    with Portal(smtp_url=catcher.url, mail_from=FROM) as portal:
        yield portal


@pytest.fixture(autouse=True)
def clean(portal, catcher):
    portal.forget_limits()
    portal.db.sql("DELETE FROM pymailadmin_outbox")
    catcher.clear()


@pytest.fixture
def user(portal, request):
    email = f"{name_of(request)}@post.test"
    portal.add_account(email)
    return email


def log_in(portal, email, browser=None, **options):
    """A browser that is logged in by the form."""
    browser = browser or portal.browser(**options)
    browser.cookies.pop("__Host-pymailadmin", None)
    browser.log_in(email).expect(303, "/home")
    return browser


def told(portal, email):
    """How many mails of log-ins there are."""
    return portal.db.value(
        "SELECT COUNT(*) FROM pymailadmin_outbox WHERE account_id = %s AND "
        "template = 'new-login'", portal.account_id(email))


def text_of(mail):
    return mail.get_content().replace("\r\n", "\n")


def known(portal, email):
    return portal.db.value("SELECT COUNT(*) FROM pymailadmin_known_device "
                           "WHERE account_id = %s", portal.account_id(email))


def test_another_browser_is_told_of(portal, catcher, user):
    browser = log_in(portal, user, agent=FIREFOX)
    assert (known(portal, user), told(portal, user)) == (1, 0)
    log_in(portal, user, browser)
    assert (known(portal, user), told(portal, user)) == (1, 0)
    other = log_in(portal, user, agent=SAFARI, address="2001:db8:1:2:3::4")
    assert (known(portal, user), told(portal, user)) == (2, 1)
    mail = catcher.wait(user)
    assert mail["Subject"] == "New log-in to your account at pymailadmin"
    text = text_of(mail)
    assert f"your account {user} on " in text
    assert re.search(r"\n\nSafari, iPhone\n2001:db8:1:2::/64\n\n", text), text
    assert "https://mail.example.org/account\n" in text
    # Where it was told to be, the password is changed and sessions are ended.
    page = browser.get("/account").expect()
    assert {"/account/password", "/account/sessions"} <= set(page.parsed.links)
    log_in(portal, user, other)
    log_in(portal, user, browser)
    assert told(portal, user) == 1 and len(catcher.raw) == 1


def test_in_the_accounts_language_and_without_a_name(portal, catcher):
    portal.add_account("louise@post.test", language="fr")
    log_in(portal, "louise@post.test")
    log_in(portal, "louise@post.test", language="en", agent="x\t\"'{url}<b>",
           address="192.0.2.7")
    mail = catcher.wait("louise@post.test")
    assert mail["Subject"] == "Nouvelle connexion à votre compte sur " \
        "pymailadmin"
    assert "\n\nUn navigateur inconnu\n192.0.2.7\n\n" in text_of(mail)
    assert not re.search(r"[{}<]", text_of(mail))


def test_the_cookie(portal, user):
    browser = portal.browser()
    page = browser.log_in(user)
    [cookie] = [each for each in page.set_cookies if each.startswith(COOKIE)]
    assert re.fullmatch(
        COOKIE + r"=[0-9a-f]{64}; Path=/; Max-Age=34560000; HttpOnly; "
        r"SameSite=Lax; Secure", cookie)
    token = browser.cookies[COOKIE]
    # Nowhere but in the browser, and of no use by itself.
    stored = portal.db.sql("SELECT * FROM pymailadmin_known_device")
    assert token not in str(stored) and \
        bytes.fromhex(token) not in [row["token_hash"] for row in stored]
    assert token not in portal.web.log.read_text()
    browser.submit(browser.get("/home"), "/logout")
    assert browser.cookies[COOKIE] == token
    browser.get("/home").expect(303, "/login")
    browser.log_in(user, "wrong").expect(422)
    log_in(portal, user, browser)
    assert browser.cookies[COOKIE] == token


@pytest.mark.parametrize("value", ["", "x", "0" * 63, "0" * 65, "G" * 64])
def test_a_cookie_that_is_none_of_ours_is_replaced(portal, user, value):
    log_in(portal, user)
    browser = portal.browser()
    browser.cookies[COOKIE] = value
    log_in(portal, user, browser)
    assert re.fullmatch("[0-9a-f]{64}", browser.cookies[COOKIE])
    assert told(portal, user) == 1


def test_the_accounts_of_a_browser_have_nothing_in_common(portal, user):
    other = "b" + user
    portal.add_account(other)
    browser = log_in(portal, user)
    log_in(portal, other)
    log_in(portal, other, browser)
    assert told(portal, user) == 0 and told(portal, other) == 1
    hashes = [row["token_hash"] for row in portal.db.sql(
        "SELECT token_hash FROM pymailadmin_known_device WHERE account_id IN "
        "(%s, %s)", portal.account_id(user), portal.account_id(other))]
    assert len(set(hashes)) == 3


def test_a_password_alone_is_no_log_in(portal, user):
    """With a second factor nothing is known or told before the code."""
    browser = log_in(portal, user)
    page = browser.get("/account/two-factor")
    secret = re.search(r'<code class="secret">([^<]*)<', page.html)[1]
    browser.submit(page, "/account/two-factor", code=totp.code(secret),
                   password=PASSWORD).expect()
    portal.db.sql("UPDATE pymailadmin_account SET totp_last_step = 0")
    other = portal.browser()
    page = other.log_in(user).expect(303, "/login/code")
    assert COOKIE not in other.cookies
    assert (known(portal, user), told(portal, user)) == (1, 0)
    page = other.follow(page)
    other.submit(page, "/login/code", code="000000").expect(422)
    assert (known(portal, user), told(portal, user)) == (1, 0)
    other.submit(page, "/login/code", code=totp.code(secret)).expect(
        303, "/home")
    assert (known(portal, user), told(portal, user)) == (2, 1)
    assert COOKIE in other.cookies


def test_a_new_password_forgets_all_other_browsers(portal, user):
    browser, other = log_in(portal, user), log_in(portal, user)
    page = browser.get("/account/password")
    browser.submit(page, "/account/password", old=PASSWORD, new=NEW,
                   repeat=NEW).expect(303, "/account")
    assert known(portal, user) == 1 and told(portal, user) == 1
    for each, count in ((browser, 1), (other, 2)):
        each.cookies.pop("__Host-pymailadmin", None)
        each.log_in(user, NEW).expect(303, "/home")
        assert told(portal, user) == count


def test_a_password_by_mail_forgets_all_browsers(portal, catcher, user):
    browser = log_in(portal, user)
    browser.cookies.pop("__Host-pymailadmin")
    browser.submit(browser.get("/password/forgotten"), "/password/forgotten",
                   email=user).expect()
    [link] = re.findall(r"https://[^/\s]+(/password/reset\S*)",
                        catcher.wait(user).get_content())
    browser.submit(browser.get(link), "/password/reset", new=NEW,
                   repeat=NEW).expect(303, "/login")
    assert known(portal, user) == 0
    browser.log_in(user, NEW).expect(303, "/home")
    # It is not the account's first.
    assert told(portal, user) == 1


def test_ending_all_other_sessions_forgets_their_browsers(portal, user):
    browser, other = log_in(portal, user), log_in(portal, user)
    browser.post("/account/sessions/end", {"all": "1"}).expect(
        303, "/account/sessions")
    assert known(portal, user) == 1
    log_in(portal, user, browser)
    assert told(portal, user) == 1
    log_in(portal, user, other)
    assert told(portal, user) == 2


def test_only_so_many_are_known(portal, user):
    first = log_in(portal, user)
    account = portal.account_id(user)
    portal.db.sql("UPDATE pymailadmin_known_device SET seen_at = "
                  "UTC_TIMESTAMP() - INTERVAL 2 DAY")
    portal.db.sql("INSERT INTO pymailadmin_known_device (account_id, "
                  "token_hash, seen_at) SELECT %s, UNHEX(SHA2(seq, 256)), "
                  "UTC_TIMESTAMP() - INTERVAL 1 DAY FROM seq_1_to_60", account)
    newest = log_in(portal, user)
    assert (known(portal, user), told(portal, user)) == (50, 1)
    log_in(portal, user, newest)
    assert told(portal, user) == 1
    log_in(portal, user, first)
    assert told(portal, user) == 2


def test_what_was_not_seen_for_long_is_forgotten(portal, user):
    browser = log_in(portal, user)
    portal.db.sql("UPDATE pymailadmin_known_device SET seen_at = "
                  "UTC_TIMESTAMP() - INTERVAL 401 DAY WHERE account_id = %s",
                  portal.account_id(user))
    portal.web.stop()
    portal.web.start()
    wait_until(lambda: known(portal, user) == 0, "it is forgotten")
    log_in(portal, user, browser)
    assert told(portal, user) == 1


@pytest.mark.parametrize("table", ["known_device", "outbox", "event"])
def test_a_log_in_is_whole_or_none(portal, user, table):
    log_in(portal, user)
    account = portal.account_id(user)
    tables = ("session", "known_device", "outbox")

    def counts():
        return [portal.db.value(f"SELECT COUNT(*) FROM pymailadmin_{each} "
                                "WHERE account_id = %s", account)
                for each in tables]
    before = counts()
    browser = portal.browser()
    page = browser.get("/login")
    portal.db.sql(f"RENAME TABLE pymailadmin_{table} TO away")
    try:
        answer = browser.submit(page, "/login", email=user, password=PASSWORD)
        assert answer.status == 500 and not answer.set_cookies, answer
    finally:
        portal.db.sql(f"RENAME TABLE away TO pymailadmin_{table}")
    assert counts() == before
    portal.forget_errors()
    log_in(portal, user, browser)
    assert counts() == [count + 1 for count in before]

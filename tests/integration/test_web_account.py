"""One's own account: password, sessions, second factor, forgotten password, and
the mails that tell of it."""

import concurrent.futures
import email
import email.header
import email.utils
import re
import time

import pytest

from mailcatcher import MailCatcher
from mariadb import wait_until
from webportal import PASSWORD, WEB_PASSWORD, Portal
from webserver import WebServer

USER, OTHER, INACTIVE = (
    f"{name}@post.test" for name in ("user", "other", "inactive"))
NEW = "seven purple elephants sing quietly"
FROM = "noreply@portal.test"
# More than one encoded word.
PRODUCT = "Pörtal, für «é»: " + "ü" * 18


@pytest.fixture(scope="module")
def catcher():
    with MailCatcher() as catcher:
        yield catcher


@pytest.fixture(scope="module")
def portal(catcher):
    with Portal(smtp_url=catcher.url, mail_from=FROM,
                product_name=PRODUCT) as portal:
        portal.add_account(USER, domains=["one.test"])
        portal.add_account(OTHER, language="fr")
        portal.add_account(INACTIVE, active=0)
        yield portal


@pytest.fixture(autouse=True)
def clean(portal, catcher):
    portal.forget_limits()
    portal.db.sql("DELETE FROM pymailadmin_session")
    portal.db.sql("DELETE FROM pymailadmin_outbox")
    portal.db.sql("DELETE FROM pymailadmin_password_reset")
    catcher.clear()


def sessions(portal, email):
    return portal.db.value("SELECT COUNT(*) FROM pymailadmin_session WHERE "
                           "account_id = %s", portal.account_id(email))


def outbox(portal, template):
    return portal.db.value("SELECT COUNT(*) FROM pymailadmin_outbox "
                           "WHERE template = %s", template)


def last_event(portal):
    return portal.db.value("SELECT kind FROM pymailadmin_event "
                           "ORDER BY id DESC LIMIT 1")


# ---- password

def change(browser, old, new, repeat=None):
    page = browser.get("/account/password").expect()
    return browser.submit(page, "/account/password", old=old, new=new,
                          repeat=new if repeat is None else repeat)


def test_the_account_page(portal):
    page = portal.log_in(USER).get("/account").expect()
    assert USER in page.text and "In 1 place" in page.text
    assert "Off" in page.text
    for path in ("/account/password", "/account/two-factor",
                 "/account/sessions"):
        assert path in page.parsed.links


def test_change_of_the_password(portal, catcher):
    email_ = "change@post.test"
    portal.add_account(email_)
    browser, elsewhere = portal.log_in(email_), portal.log_in(email_)
    before = browser.session
    page = change(browser, "wrong", NEW).expect(422)
    assert "This is not the password." in page.text
    assert browser.session == before and sessions(portal, email_) == 2
    page = change(browser, PASSWORD, NEW).expect(303, "/account")
    assert browser.session != before and sessions(portal, email_) == 1
    assert "was changed" in browser.follow(page).text
    elsewhere.get("/home").expect(303, "/login")
    stale = portal.browser()
    stale.cookies["__Host-pymailadmin"] = before
    stale.get("/home").expect(303, "/login")
    assert last_event(portal) == "account-password-changed"
    portal.browser().log_in(email_).expect(422)
    portal.browser().log_in(email_, NEW).expect(303, "/home")
    mail = catcher.wait(email_)
    assert "password" in mail["Subject"] and NEW not in mail.get_content()


@pytest.mark.parametrize("new, repeat, words", [
    ("short", None, "needs at least 12 characters"),
    ("x" * 129, None, "at most 128 characters"),
    ("password1234", None, "too easy to guess"),
    ("user@post.test", None, "too easy to guess"),
    (NEW, NEW + "x", "differ"),
    ("", None, "needs at least 12 characters"),
    ("a\tb\tc purple elephants sing", None, ""),
])
def test_passwords_that_are_not_taken(portal, new, repeat, words):
    browser = portal.log_in(USER)
    page = change(browser, PASSWORD, new, repeat).expect(422)
    assert words in page.text
    form = page.form("/account/password")
    assert (form["old"], form["new"], form["repeat"]) == ("", "", "")


def test_the_password_can_be_tried_only_so_often(portal):
    portal.restart(limit_login_account="2/15m")
    try:
        got = [change(portal.log_in(USER), "wrong", NEW).status
               for _ in range(4)]
        assert got == [422, 422, 429, 429]
    finally:
        portal.restart(limit_login_account="10/15m")


def test_two_changes_at_once(portal):
    email_ = "at-once@post.test"
    portal.add_account(email_)
    browsers = [portal.log_in(email_) for _ in range(3)]
    tokens = [each.get("/account/password").csrf for each in browsers]

    def one(number):
        new = f"{NEW} {number}"
        return browsers[number].post("/account/password", {
            "old": PASSWORD, "new": new, "repeat": new},
            csrf=tokens[number]).status
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        got = list(pool.map(one, range(3)))
    assert got.count(303) >= 1
    works = [each for each in browsers if each.get("/home").status == 200]
    assert len(works) == 1 and sessions(portal, email_) == 1


# ---- sessions

def test_the_list_of_sessions(portal):
    agents = ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 "
              "Firefox/140.0",
              "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) "
              "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
              "Mobile/15E148 Safari/604.1", "<script>alert(1)</script>"]
    browsers = [portal.log_in(USER, agent=agent) for agent in agents]
    stranger = portal.log_in(OTHER)
    page = browsers[0].get("/account/sessions").expect()
    for text in ("Firefox, Linux", "Safari, iPhone", "Unknown browser",
                 browsers[1].address):
        assert text in page.text, page
    assert page.text.count("This one") == 1
    assert not any(each.session in page.html for each in browsers)
    ids = [form["fields"]["id"] for form in page.parsed.forms
           if form["action"] == "/account/sessions/end"
           and "id" in form["fields"]]
    assert len(ids) == 2
    # nobody else can end them
    stranger.post("/account/sessions/end", {"id": ids[0]}).expect(
        303, "/account/sessions")
    assert sessions(portal, USER) == 3
    for odd in ("", "x", ids[0].upper(), ids[0] + "00"):
        browsers[0].post("/account/sessions/end", {"id": odd}).expect(400)
    answer = browsers[0].post("/account/sessions/end", {"id": ids[0]})
    assert "You are logged out there." in browsers[0].follow(answer).text
    alive = [each.get("/home").status for each in browsers]
    assert sorted(alive) == [200, 200, 303] and alive[0] == 200
    browsers[0].post("/account/sessions/end", {"all": "1"})
    assert [each.get("/home").status for each in browsers] == [200, 303, 303]
    stranger.get("/home").expect()


def test_the_metrics_know_sessions_and_mails(portal):
    """Those that open pages, of whichever portal; it is not said what is not
    known."""
    def told():
        text = portal.web.monitor("/metrics").text
        return re.findall(r"^pymailadmin_web_(?:sessions|mails_waiting) (.+)$",
                          text, re.MULTILINE)
    assert told() == ["0", "0"]
    first = portal.log_in(USER)
    for user in (USER, OTHER):
        portal.log_in(user)
    portal.log_in(INACTIVE)
    portal.log_in(USER, stage="code")
    assert told() == ["3", "0"]
    first.submit(first.get("/account"), "/logout")
    portal.db.sql(
        "INSERT INTO pymailadmin_outbox (account_id, template, retry_at) "
        "VALUES (%s, 'two-factor-on', UTC_TIMESTAMP() + INTERVAL 1 DAY)",
        portal.account_id(USER))
    assert told() == ["2", "1"]
    portal.db.sql("UPDATE pymailadmin_session SET "
                  "seen_at = UTC_TIMESTAMP() - INTERVAL 3 HOUR")
    assert told() == ["0", "1"]
    portal.db.sql("REVOKE SELECT ON pymailadmin_session "
                  "FROM 'pymailadmin_web'@'%'")
    try:
        assert told() == []
    finally:
        portal.db.sql("GRANT SELECT ON pymailadmin_session "
                      "TO 'pymailadmin_web'@'%'")


def test_an_account_has_twenty_sessions(portal):
    for _ in range(20):
        portal.log_in(USER)
    portal.browser().log_in(USER).expect(303, "/home")
    assert sessions(portal, USER) == 20


# ---- a forgotten password

def ask(portal, email_):
    browser = portal.browser()
    page = browser.get("/password/forgotten").expect()
    return browser.submit(page, "/password/forgotten", email=email_)


def link_in(mail):
    [link] = re.findall(r"https://mail.example.org(/password/reset\S*)",
                        mail.get_content())
    return link


def reset(browser, link, new=NEW):
    page = browser.get(link).expect()
    return browser.submit(page, "/password/reset", new=new, repeat=new)


def test_a_forgotten_password(portal, catcher):
    email_ = "forgot@post.test"
    portal.add_account(email_)
    mailbox_words = "The password of a mailbox cannot be reset by anybody"
    assert mailbox_words in portal.browser().get("/password/forgotten").text
    known = portal.log_in(email_)
    page = ask(portal, email_).expect()
    assert "1 hour" in page.text
    mail = catcher.wait(email_)
    assert mail.get_content_type() == "text/plain"
    assert "mailboxes" in mail.get_content()
    link = link_in(mail)
    token = link.partition("=")[2]
    assert re.fullmatch("[0-9a-f]{64}", token)
    assert portal.db.value("SELECT COUNT(*) FROM pymailadmin_password_reset "
                           "WHERE token_hash IN (%s, UNHEX(%s))",
                           token, token) == 0
    browser = portal.browser()
    browser.get(link).expect()
    # nothing is used up by looking, or by a password that is not taken
    reset(browser, link, "short").expect(422)
    page = reset(browser, link).expect(303, "/login")
    assert "new password is saved" in browser.follow(page).text
    known.get("/home").expect(303, "/login")
    assert sessions(portal, email_) == 0
    for again in (browser.get(link), browser.post("/password/reset", {
            "token": token, "new": NEW, "repeat": NEW})):
        again.expect(404)
        assert "This link no longer works" in again.text
    portal.browser().log_in(email_).expect(422)
    portal.browser().log_in(email_, NEW).expect(303, "/home")
    assert token not in portal.web.log.read_text()
    catcher.wait(email_, "was changed")


def test_links_that_are_not_good(portal, catcher):
    email_ = "late@post.test"
    portal.add_account(email_)
    browser = portal.browser()
    for odd in ("", "?token=", "?token=x", "?token=" + "0" * 64):
        browser.get("/password/reset" + odd).expect(404)
    ask(portal, email_)
    link = link_in(catcher.wait(email_))
    assert portal.db.value(
        "SELECT TIMESTAMPDIFF(SECOND, created_at, expires_at) "
        "FROM pymailadmin_password_reset") == 3600
    catcher.clear()
    ask(portal, email_)
    newer = link_in(catcher.wait(email_))
    browser.get(link).expect(404)
    browser.get(newer).expect()
    portal.db.sql("UPDATE pymailadmin_password_reset SET expires_at = "
                  "UTC_TIMESTAMP() - INTERVAL 1 SECOND")
    browser.get(newer).expect(404)


def test_a_link_is_used_once_by_whoever_is_first(portal, catcher):
    email_ = "first@post.test"
    portal.add_account(email_)
    ask(portal, email_)
    link = link_in(catcher.wait(email_))
    browsers = [portal.browser() for _ in range(3)]
    pages = [each.get(link) for each in browsers]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        got = sorted(pool.map(
            lambda i: browsers[i].submit(
                pages[i], "/password/reset", new=f"{NEW} {i}",
                repeat=f"{NEW} {i}").status, range(3)))
    assert got == [303, 404, 404]


def test_known_and_unknown_are_answered_alike(portal, catcher):
    emails = (OTHER, INACTIVE, "no@post.test")
    times, answers = {email_: [] for email_ in emails}, set()
    for _ in range(9):
        portal.forget_limits()
        for email_ in emails:
            browser = portal.browser()
            page = browser.get("/password/forgotten")
            begin = time.monotonic()
            page = browser.submit(page, "/password/forgotten", email=email_)
            times[email_].append(time.monotonic() - begin)
            answers.add(re.sub(r'value="[^"]*"', "", page.expect().html)
                        .replace(email_, "E"))
    assert len(answers) == 1
    # of which a busy machine takes nothing away
    quickest = [min(each) for each in times.values()]
    assert max(quickest) < 2 * min(quickest) + 0.005, times
    mail = catcher.wait(OTHER)
    assert "mot de passe" in str(mail["Subject"])
    assert mail["Content-Language"] == "fr"
    wait_until(lambda: outbox(portal, "password-reset") > 0, "rows")
    # one to somebody else may still have been on its way
    assert {to for _, [to] in catcher.envelopes} & set(emails) == {OTHER}


def test_links_can_be_asked_for_only_so_often(portal):
    got = [ask(portal, "often@post.test").status for _ in range(5)]
    assert got == [200] * 3 + [429] * 2
    page = ask(portal, "nonsense").expect(422)
    assert "Enter an email address" in page.text


WEAK = {
    "passwordpassword": ("common password or word", "est un mot courant"),
    "{address}": ("parts of the address", "des parties de l’adresse"),
    "sdfghjklkjhg": ("keys that lie side by side", "des touches voisines"),
    "}}}}}}}}}}}}}}}}": ("repeats itself", "se répète"),
    "abcdefghijklmn": ("a series such as abcd", "une suite comme abcd"),
    "24/11/1987": ("a date", "une date"),
}


def weak_forms(portal, catcher, number):
    """A person's forms for new passwords, each with the address that the
    password opens: path, address, what sends it a new password."""
    email_ = f"weak{number}@post.test"
    portal.add_account(email_, language=("en", "fr")[number],
                       domains=["one.test"])
    portal.add_mailbox(f"weakbox{number}@one.test", email_)
    ask(portal, email_)
    return portal.log_in(email_), {
        ("/account/password", email_): {},
        (link_in(catcher.wait(email_)), email_): {},
        (f"/mailbox/password?address=weakbox{number}@one.test",
         f"weakbox{number}@one.test"): {},
        ("/mailbox/create?domain=one.test", "newbox99@one.test"):
            {"name": "newbox99"},
    }


@pytest.mark.parametrize("number", [0, 1], ids=["en", "fr"])
def test_each_form_says_why_a_password_is_weak(portal, catcher, number):
    portal.restart(password_min_length=8)
    browser, forms = weak_forms(portal, catcher, number)
    for (path, address), fields in forms.items():
        for password, words in WEAK.items():
            new = password.replace("{address}", address)
            page = browser.submit(browser.get(path).expect(),
                                  path.partition("?")[0], old=PASSWORD,
                                  new=new, repeat=new, **fields).expect(422)
            assert words[number] in page.text, (path, password, page.text)
            form = page.form(path.partition("?")[0])
            assert form["new"] == form["repeat"] == ""
    portal.restart(password_min_length=12)


# ---- mails

def add_mail(portal, template, address=None, account=USER):
    portal.db.sql("INSERT INTO pymailadmin_outbox (account_id, template, "
                  "address) VALUES (%s, %s, %s)", portal.account_id(account),
                  template, address)


def test_mails_are_well_made(portal, catcher):
    add_mail(portal, "password-filed", "anna+b@one.test")
    mail = catcher.wait(USER)
    [raw] = catcher.raw
    assert raw.decode("ascii") and b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 76
    assert email.utils.parseaddr(str(mail["From"]))[1] == FROM
    words = email.message_from_bytes(raw)["From"]
    assert str(email.header.make_header(
        email.header.decode_header(words))) == f"{PRODUCT} <{FROM}>"
    assert str(mail["Subject"]) == \
        "A new password for anna+b@one.test was asked for"
    assert email.utils.parsedate_to_datetime(mail["Date"])
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@portal.test>")
    assert ("https://mail.example.org/mailbox?address=anna%2Bb%40one.test"
            in mail.get_content())
    assert catcher.envelopes == [(FROM, [USER])]


def test_nothing_ends_a_header_line(portal, catcher):
    add_mail(portal, "password-done", "a@b.test\r\nBcc: evil@evil.test\r\n\r\nx")
    mail = catcher.wait(USER)
    assert mail["Bcc"] is None
    assert catcher.envelopes == [(FROM, [USER])]
    portal.db.sql("INSERT INTO pymailadmin_outbox (recipient, template) "
                  "VALUES (%s, 'two-factor-on')",
                  "a@b.test\r\nBcc: evil@evil.test")
    add_mail(portal, "no-such-template")
    wait_until(lambda: portal.db.value(
        "SELECT COUNT(*) FROM pymailadmin_outbox WHERE sent_at IS NULL") == 0,
        "given up", 15)
    portal.forget_errors()
    assert len(catcher.raw) == 1


def test_what_was_not_taken_is_sent_later(portal, catcher):
    catcher.answer = "451 later"
    try:
        add_mail(portal, "two-factor-on")
        [row] = wait_until(lambda: portal.db.sql(
            "SELECT attempts, TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), retry_at)"
            " AS secs FROM pymailadmin_outbox WHERE attempts = 1 AND "
            "retry_at < UTC_TIMESTAMP() + INTERVAL 90 SECOND AND "
            "retry_at > UTC_TIMESTAMP()"), "a try", 15)
        assert 30 <= row["secs"] <= 60
    finally:
        catcher.answer = "250 OK"
    portal.db.sql("UPDATE pymailadmin_outbox SET retry_at = UTC_TIMESTAMP()")
    catcher.wait(USER)
    wait_until(lambda: portal.db.value(
        "SELECT COUNT(*) FROM pymailadmin_outbox WHERE sent_at IS NOT NULL "
        "AND attempts = 2"), "sent", 10)


def test_two_portals_send_each_mail_once(portal, catcher):
    with WebServer(database_socket=portal.db.socket, base_url="https://b.test",
                   database_password=WEB_PASSWORD, smtp_url=catcher.url,
                   mail_from=FROM):
        account = portal.account_id(USER)
        portal.db.sql("INSERT INTO pymailadmin_outbox (account_id, template, "
                      "address) SELECT %s, 'password-done', CONCAT(seq, "
                      "'@one.test') FROM seq_1_to_30", account)
        wait_until(lambda: portal.db.value(
            "SELECT COUNT(*) FROM pymailadmin_outbox "
            "WHERE sent_at IS NULL") == 0, "all sent", 20)
    subjects = [str(mail["Subject"]) for mail in catcher.mails]
    assert len(subjects) == len(set(subjects)) == 30

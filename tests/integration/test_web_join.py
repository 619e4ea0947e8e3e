"""Asking for an account: the form, the mail, the link, and codes."""

import os
import pathlib
import re
import statistics

import pytest

from joining import (
    FROM, NEW, REASON, clear, confirm, count, link_in, register, registration,
    wait_for_failure)
from mailcatcher import MailCatcher
from mariadb import wait_until
from webmailboxes import at_once
from webportal import PASSWORD, Portal

pytestmark = pytest.mark.limit(180)
USER, ROOT, ADMIN = "user@post.test", "root@post.test", "admin@post.test"
OPEN = {"registration": "open", "limit_registration_address": "5/1h",
        "limit_registration_account": "3/1d"}


@pytest.fixture(scope="module")
def catcher():
    with MailCatcher() as catcher:
        yield catcher


@pytest.fixture(scope="module")
def portal(catcher):
    with Portal(smtp_url=catcher.url, mail_from=FROM, **OPEN) as portal:
        portal.add_account(USER)
        portal.add_account(ROOT, role="super_admin", language="fr")
        portal.add_account(ADMIN, role="admin", domains=["one.test"])
        yield portal


@pytest.fixture(autouse=True)
def clean(portal, catcher):
    clear(portal, catcher)


def test_the_whole_way(portal, catcher):
    browser = portal.browser()
    assert "/register" in browser.get("/login").parsed.links
    page = register(browser, "anna@new.test").expect()
    assert "48 hours" in page.text and "anna@new.test" in page.text
    mail = catcher.wait("anna@new.test")
    link = link_in(mail)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert REASON not in mail.get_content() and NEW not in mail.get_content()
    # who only looks, as a mail scanner does, confirms nothing
    for _ in range(2):
        page = portal.browser().get(link).expect()
    browser.request("HEAD", link)
    assert REASON in page.text and browser.address in page.text
    assert registration(portal, "anna@new.test")["confirmed_at"] is None
    assert count(portal, "event") == 0
    page = confirm(browser, link).expect()
    assert "waits for an answer" in page.text
    assert registration(portal, "anna@new.test")["confirmed_at"]
    # it is no account yet
    browser.log_in("anna@new.test", NEW).expect(422)
    assert "demande un compte" in str(catcher.wait(ROOT)["Subject"])
    assert "/moderation" in catcher.wait(ADMIN).get_content()
    assert USER not in {to for _, [to] in catcher.envelopes}
    token = link.partition("=")[2]
    assert portal.db.value("SELECT kind FROM pymailadmin_event") == \
        "registration-confirmed"
    assert not {token, NEW, REASON} & set(portal.web.log.read_text().split())
    for again in (browser.get(link), browser.post(
            "/register/confirm", {"token": token})):
        again.expect(404)
        assert "all is well" in again.text
    portal.db.sql("DELETE FROM pymailadmin_event")


@pytest.mark.parametrize("fields, words", [
    ({"email": ""}, "address"), ({"email": "anna"}, "address"),
    ({"email": "a@b.test\nBcc: c@d.test"}, "address"),
    ({"email": "é@new.test"}, "address"),
    ({"email": "a" * 250 + "@new.test"}, "address"),
    ({"new": "short"}, "at least 12"), ({"new": ""}, "at least 12"),
    ({"new": "anna@new.test"}, "too easy"),
    ({"repeat": NEW + "x"}, "differ"),
    ({"reason": ""}, "a sentence or two"),
    ({"reason": " \n\n          "}, "a sentence or two"),
    ({"reason": "please"}, "a sentence or two"),
    ({"reason": "é" * 1001}, "too long"),
])
def test_forms_that_are_not_taken(portal, fields, words):
    sent = {"email": "anna@new.test", "reason": REASON, **fields}
    page = register(portal.browser(), **sent).expect(422)
    assert words in page.text
    form = page.form("/register")
    assert (form["new"], form["repeat"]) == ("", "")
    assert count(portal, "registration") == 0
    assert count(portal, "rate_limit") == 0


def test_the_longest_reason_in_any_letters(portal, catcher):
    reason = "ä𝄞" * 500
    register(portal.browser(), "anna@new.test", reason).expect()
    page = portal.browser().get(link_in(catcher.wait("anna@new.test")))
    assert reason in page.expect().text


def cpu_seconds(portal):
    fields = pathlib.Path(f"/proc/{portal.web.process.pid}/stat").read_text()
    user, system = fields.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def test_known_and_unknown_are_answered_alike(portal, catcher):
    """In words, and in what is done for the answer."""
    waits = "waits@new.test"
    register(portal.browser(), waits).expect()
    confirm(portal.browser(), link_in(catcher.wait(waits))).expect()
    emails = (USER, waits, "no@new.test")
    work, answers = {email: [] for email in emails}, set()
    for _ in range(3):
        portal.forget_limits()
        for email in emails:
            begin = cpu_seconds(portal)
            page = register(portal.browser(), email).expect()
            work[email].append(cpu_seconds(portal) - begin)
            answers.add(re.sub(r'value="[^"]*"', "", page.html)
                        .replace(email, "E"))
    assert len(answers) == 1
    medians = [statistics.median(each) for each in work.values()]
    assert max(medians) < 1.6 * min(medians) and min(medians) > 0.03, work
    # the mails tell, to whom the address belongs
    mail = catcher.wait(USER, "already").get_content()
    assert "have one already" in mail and "confirm" not in mail
    mail = catcher.wait(waits, "waits already").get_content()
    assert "is confirmed" in mail and "token" not in mail
    assert link_in(catcher.wait("no@new.test"))


def test_a_link_of_what_became_an_account_meanwhile(portal, catcher):
    email = "meanwhile@new.test"
    register(portal.browser(), email).expect()
    link = link_in(catcher.wait(email))
    portal.add_account(email)
    page = confirm(portal.browser(), link).expect()
    assert "You have an account already" in page.text
    assert registration(portal, email)["confirmed_at"] is None


def test_links_that_are_not_good(portal, catcher):
    browser = portal.browser()
    for odd in ("", "?token=", "?token=x", "?token=" + "0" * 64):
        browser.get("/register/confirm" + odd).expect(404)
    browser.post("/register/confirm", {"token": "0" * 64}).expect(404)
    browser.post("/register/confirm", {}).expect(404)
    register(browser, "late@new.test").expect()
    link = link_in(catcher.wait("late@new.test"))
    page = browser.get(link).expect()
    portal.db.sql("UPDATE pymailadmin_registration SET expires_at = "
                  "expires_at - INTERVAL 48 HOUR")
    browser.get(link).expect(404)
    browser.submit(page, "/register/confirm").expect(404)
    # it blocks nobody
    catcher.clear()
    register(browser, "late@new.test").expect()
    confirm(browser, link_in(catcher.wait("late@new.test"))).expect()


def test_a_link_used_by_many_at_once(portal, catcher):
    register(portal.browser(), "twice@new.test").expect()
    link = link_in(catcher.wait("twice@new.test"))
    browsers = [portal.browser() for _ in range(6)]
    pages = [each.get(link) for each in browsers]
    got = at_once([lambda i=i: browsers[i].submit(
        pages[i], "/register/confirm").status for i in range(6)])
    assert sorted(got) == [200] + [404] * 5
    assert len(portal.db.sql(
        "SELECT 1 FROM pymailadmin_outbox "
        "WHERE template = 'registration-waiting'")) == 2


def test_two_registrations_of_an_address_confirmed_at_once(portal, catcher):
    email = "double@new.test"
    for reason in ("The words of Anna.", "The words of Berta."):
        register(portal.browser(), email, reason).expect()
    wait_until(lambda: len(catcher.mails) == 2, "two mails")
    links = [link_in(mail) for mail in catcher.mails]
    browsers = [portal.browser() for _ in links]
    pages = [each.get(link).expect() for each, link in zip(browsers, links)]
    at_once([lambda i=i: browsers[i].submit(pages[i], "/register/confirm")
             for i in range(2)])
    rows = portal.db.sql("SELECT reason FROM pymailadmin_registration "
                         "WHERE confirmed_at IS NOT NULL")
    assert len(rows) == 1 and rows[0]["reason"].startswith("The words of")


def test_limits_of_an_address_and_of_a_network(portal):
    got = [register(portal.browser(), "often@new.test").status
           for _ in range(5)]
    assert got == [200] * 3 + [429] * 2
    browser = portal.browser()
    got = [register(browser, f"{number}@new.test").status
           for number in range(7)]
    assert got == [200] * 5 + [429] * 2
    # an IPv6 network is one
    got = [register(portal.browser(address=f"2001:db8:1:2::{number:x}"),
                    f"six{number}@new.test").status for number in range(7)]
    assert got == [200] * 5 + [429] * 2
    assert registration(portal, "six0@new.test")["network"] == \
        "2001:db8:1:2::/64"
    # and closes nothing else
    portal.log_in(USER, address=browser.address).get("/home").expect()


def test_the_token_of_the_form_is_needed(portal):
    browser = portal.browser()
    fields = {"email": "a@new.test", "new": NEW, "repeat": NEW,
              "reason": REASON}
    browser.post("/register", fields, csrf=False).expect(403)
    browser.post("/register", fields, csrf="0" * 64).expect(403)
    browser.post("/register/confirm", {"token": "0" * 64},
                 csrf=False).expect(403)
    assert count(portal, "registration") == 0


def test_what_was_typed_is_text(portal, catcher):
    reason = '</textarea><script>alert(1)</script>"\'&lt; {{ v.email }}'
    page = register(portal.browser(), "x", reason).expect(422)
    assert "<script>alert" not in page.html
    assert "&lt;/textarea&gt;&lt;script&gt;" in page.html
    register(portal.browser(), "x@new.test", reason).expect()
    page = portal.browser().get(link_in(catcher.wait("x@new.test")))
    assert "<script>alert" not in page.html and reason in page.text


def test_who_is_logged_in_has_an_account(portal):
    portal.log_in(USER).get("/register").expect(303, "/home")


def test_in_french(portal, catcher):
    browser = portal.browser(language="fr")
    page = browser.get("/register").expect()
    assert page.language == "fr" and "Une vraie personne lit" in page.text
    register(browser, "fr@new.test").expect()
    mail = catcher.wait("fr@new.test", "Confirmez")
    assert mail["Content-Language"] == "fr"
    page = confirm(browser, link_in(mail)).expect()
    assert "attend maintenant une réponse" in page.text
    assert registration(portal, "fr@new.test")["language"] == "fr"


def test_a_relay_that_is_away_delays_the_mail_and_nothing_else(
        portal, catcher):
    catcher.answer = "451 Later"
    try:
        register(portal.browser(), "later@new.test").expect()
        wait_for_failure(portal)
        first = registration(portal, "later@new.test")["token_hash"]
    finally:
        catcher.answer = "250 OK"
    # what was about to be sent an hour ago
    portal.db.sql("UPDATE pymailadmin_registration SET expires_at = "
                  "expires_at - INTERVAL 1 HOUR")
    portal.db.sql("UPDATE pymailadmin_outbox SET retry_at = UTC_TIMESTAMP()")
    link = link_in(catcher.wait("later@new.test"))
    assert len(catcher.mails) == 1
    assert registration(portal, "later@new.test")["token_hash"] != first
    assert portal.db.value(
        "SELECT TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), expires_at) "
        "FROM pymailadmin_registration") in (2879, 2880)
    confirm(portal.browser(), link).expect()


def test_the_database_goes_away_between_two_statements(portal, catcher):
    """The row is written, its mail is not yet: one of each is there then."""
    browser = portal.browser()
    page = browser.get("/register").expect()
    connection = portal.db.connect()

    def cut():
        def stuck():
            return portal.db.value(
                "SELECT ID FROM information_schema.PROCESSLIST WHERE "
                "STATE LIKE 'Waiting for table%' AND "
                "INFO REGEXP 'registration_file|INTO pymailadmin_outbox'")
        try:
            portal.db.sql(f"KILL {wait_until(stuck, 'the mail')}")
        finally:
            connection.close()
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLES pymailadmin_outbox WRITE")
    answer, _ = at_once([lambda: browser.submit(
        page, "/register", email="cut@new.test", new=NEW, repeat=NEW,
        reason=REASON), cut])
    filed = [portal.db.value(f"SELECT COUNT(*) FROM pymailadmin_{table}")
             for table in ("registration", "outbox")]
    assert (answer.status, filed) in ((200, [1, 1]), (503, [0, 0]))
    if answer.status == 200:
        catcher.wait("cut@new.test")
        assert len(catcher.mails) == 1
    portal.forget_errors()


# ---- settings

@pytest.fixture
def closed(portal):
    portal.restart(registration="off")
    yield portal
    portal.restart(registration="open")


def test_it_can_be_switched_off(closed):
    browser = closed.browser()
    assert "/register" not in browser.get("/login").parsed.links
    for path in ("/register", "/register/confirm?token=" + "0" * 64):
        browser.get(path).expect(404)
    browser.post("/register", {"email": "a@new.test", "new": NEW, "repeat":
                               NEW, "reason": REASON}).expect(404)
    browser.post("/register/confirm", {"token": "0" * 64}).expect(404)
    assert count(closed, "registration") == 0


def test_the_administrator_says_what_to_write(portal):
    portal.restart(registration_text_fr="Dites <b>qui</b> vous êtes.")
    try:
        assert "Dites <b>qui</b> vous êtes." in portal.browser(
            language="fr").get("/register").text
        assert "A human reads this" in portal.browser().get("/register").text
    finally:
        del portal.web.settings["registration_text_fr"]
        portal.restart()


# ---- codes

@pytest.fixture
def invited(portal):
    portal.restart(registration="invitation")
    yield portal
    portal.restart(registration="open")


def make_code(portal, maker=ADMIN, **fields):
    browser = portal.log_in(maker)
    page = browser.get("/moderation/invitations").expect()
    sent = {"note": "the choir", "uses": "1", "days": "7", **fields}
    page = browser.submit(page, "/moderation/invitations", **sent)
    found = re.search(r"<strong>([a-z0-9]{4}(?:-[a-z0-9]{4}){2})</strong>",
                      page.html)
    return page, found and found[1]


def test_only_with_a_code(invited, catcher):
    portal = invited
    page, code = make_code(portal, uses="2", domain_0="one.test")
    assert f"/register?code={code}" in page.expect().text
    assert code not in portal.log_in(ADMIN).get(
        "/moderation/invitations").text
    assert count(portal, "invitation") == 1
    assert code not in repr(portal.db.sql("SELECT * FROM "
                                          "pymailadmin_invitation"))
    for wrong in ("", "x", "2222-2222-2222"):
        page = register(portal.browser(), "a@new.test", code=wrong)
        assert "This code is not good" in page.expect(422).text
    page = portal.browser().get(f"/register?code={code}").expect()
    assert page.form("/register")["code"] == code
    # as people type it
    register(portal.browser(), "a@new.test",
             code=code.upper().replace("-", " ")).expect()
    register(portal.browser(), "b@new.test", code=code).expect()
    register(portal.browser(), "c@new.test", code=code).expect(422)
    confirm(portal.browser(), link_in(catcher.wait("a@new.test"))).expect()
    number = registration(portal, "a@new.test")["id"]
    page = portal.log_in(ADMIN).get(f"/moderation/answer?id={number}")
    assert "the choir" in page.text and ADMIN in page.text
    assert re.search(r'value="one.test" checked', page.html)


def test_the_last_use_goes_to_one_of_many_at_once(invited):
    portal = invited
    portal.restart(limit_registration_address="100/1h")
    _, code = make_code(portal)
    browsers = [portal.browser() for _ in range(6)]
    pages = [each.get("/register") for each in browsers]
    got = at_once([lambda i=i: browsers[i].submit(
        pages[i], "/register", email=f"{i}@new.test", new=NEW, repeat=NEW,
        reason=REASON, code=code).status for i in range(6)])
    assert sorted(got) == [200] + [422] * 5
    portal.restart(**OPEN)


@pytest.mark.parametrize("fields, words", [
    ({"uses": "0"}, "from 1 to 1,000"), ({"uses": "1001"}, "from 1 to 1,000"),
    ({"uses": "²"}, "from 1 to"), ({"uses": "-1"}, "from 1 to"),
    ({"days": "367"}, "from 1 to 366"), ({"days": ""}, "from 1 to 366"),
    ({"days": "9" * 30}, "from 1 to 366"),
    ({"note": "é" * 101}, "in 100 characters"),
    ({"domain_0": "two.test"}, "only such that you may give"),
    ({"domain_5": '"]x'}, "only such that you may give"),
    ({"domains": "one.test none.test"}, "only such that you may give"),
])
def test_codes_that_cannot_be_made(portal, fields, words):
    portal.add_domain("two.test")
    page, code = make_code(portal, **fields)
    assert words in page.expect(422).text and code is None
    assert count(portal, "invitation") == 0


def test_who_sees_and_ends_codes(portal):
    portal.add_account("other-admin@post.test", role="admin")
    make_code(portal, ADMIN, note="é" * 100)
    make_code(portal, ROOT, note="<b>Paul</b>", domains="two.test")
    number = portal.db.value("SELECT MAX(id) FROM pymailadmin_invitation")
    page = portal.log_in(ADMIN).get("/moderation/invitations").expect()
    assert "é" * 100 in page.text and "Paul" not in page.text
    page = portal.log_in(ROOT).get("/moderation/invitations").expect()
    assert "é" * 100 in page.text and "<b>Paul</b>" in page.text
    portal.log_in(USER).get("/moderation/invitations").expect(404)
    portal.browser().get("/moderation/invitations").expect(303, "/login")
    for email in ("other-admin@post.test", ADMIN, ROOT):
        before = portal.db.value(
            "SELECT COUNT(*) FROM pymailadmin_invitation "
            "WHERE expires_at > UTC_TIMESTAMP()")
        assert before == 2
        portal.log_in(email).post("/moderation/invitations/end",
                                  {"id": number}).expect(
            303, "/moderation/invitations")
    assert "Paul" not in portal.log_in(ROOT).get(
        "/moderation/invitations").text
    portal.log_in(USER).post("/moderation/invitations/end",
                             {"id": number - 1}).expect(404)
    assert PASSWORD not in page.text

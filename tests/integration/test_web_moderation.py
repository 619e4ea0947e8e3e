"""Deciding who gets an account: the queue, accepting, declining, and the mails
about it."""

import html
import re

import pytest

from joining import (
    FROM, NEW, REASON, apply, clear, confirm, count, link_in, register,
    registration, wait_for_failure)
from mailcatcher import MailCatcher
from mariadb import wait_until
from webmailboxes import at_once
from webportal import Portal

pytestmark = pytest.mark.limit(180)
USER, ROOT, ADMIN, OTHER = (
    f"{name}@post.test" for name in ("user", "root", "admin", "other"))


@pytest.fixture(scope="module")
def catcher():
    with MailCatcher() as catcher:
        yield catcher


@pytest.fixture(scope="module")
def portal(catcher):
    with Portal(smtp_url=catcher.url, mail_from=FROM, registration="open",
                ) as portal:
        for number in range(45):
            portal.add_domain(f"many{number:02}.test")
        portal.add_account(USER, domains=["one.test"])
        portal.add_account(ROOT, role="super_admin")
        portal.add_account(ADMIN, role="admin",
                           domains=["one.test", "two.test"])
        portal.add_account(OTHER, role="admin", domains=["two.test"],
                           language="fr")
        yield portal


@pytest.fixture(autouse=True)
def clean(portal, catcher):
    clear(portal, catcher)


def insert(portal, email, hours=0, reason=REASON):
    """A registration that waits, without the way there: its id."""
    portal.db.sql(
        "INSERT INTO pymailadmin_registration (email, password, reason, "
        "network, confirmed_at, expires_at) VALUES (%s, REPEAT('x', 60), %s, "
        "'198.51.100.7', UTC_TIMESTAMP() - INTERVAL %s HOUR, "
        "UTC_TIMESTAMP() - INTERVAL %s HOUR)", email, reason, hours, hours)
    return registration(portal, email)["id"]


def answer_page(browser, number):
    return browser.get(f"/moderation/answer?id={number}").expect()


def accept(browser, number, *domains, **fields):
    page = answer_page(browser, number)
    sent = {f"domain_{i}": name for i, name in enumerate(domains)}
    return browser.submit(page, "/moderation/accept", **sent, **fields)


def decline(browser, number, message=""):
    return browser.submit(answer_page(browser, number), "/moderation/decline",
                          message=message)


def account(portal, email):
    rows = portal.db.sql("SELECT * FROM pymailadmin_account WHERE email = %s",
                         email)
    return rows[0] if rows else None


def domains_of(portal, email):
    return [row["domain"] for row in portal.db.sql(
        "SELECT d.domain FROM pymailadmin_account_domain d JOIN "
        "pymailadmin_account a ON a.id = d.account_id WHERE a.email = %s "
        "ORDER BY d.domain", email)]


def last_event(portal):
    row, = portal.db.sql("SELECT actor, kind, text FROM pymailadmin_event "
                         "ORDER BY id DESC LIMIT 1")
    return row["actor"], row["kind"], row["text"]


def test_accepted_from_the_form_to_the_log_in(portal, catcher):
    email = "anna@new.test"
    number = apply(portal, catcher, email, language="fr")
    browser = portal.log_in(ADMIN)
    page = browser.get("/moderation").expect()
    assert email in page.text and REASON in page.text
    assert "198.18." in page.text and "second" in page.text
    assert f"/moderation/answer?id={number}" in page.parsed.links
    page = accept(browser, number, "one.test", max_mailboxes="2")
    assert email in page.expect().text
    made = account(portal, email)
    assert (made["role"], made["language"], made["max_mailboxes"],
            made["max_aliases"], made["active"]) == ("user", "fr", 2, None, 1)
    assert domains_of(portal, email) == ["one.test"]
    assert last_event(portal) == (ADMIN, "registration-accepted",
                                  f'{email} ["one.test"]')
    assert email not in browser.get("/moderation").text
    mail = catcher.wait(email, "est prêt")
    assert mail["Content-Language"] == "fr"
    newcomer = portal.browser()
    newcomer.log_in(email, NEW).expect(303, "/home")
    assert "one.test" in newcomer.get("/home").text
    assert NEW not in portal.web.log.read_text()


def test_declined_with_a_message_or_silently(portal, catcher):
    email, browser = "berta@new.test", portal.log_in(OTHER)
    number = apply(portal, catcher, email)
    catcher.clear()
    message = 'We are "full" – sorry.\n\nNext year, <b>perhaps</b>? \\n é'
    page = decline(browser, number, message).expect()
    assert email in page.text
    mail = catcher.wait(email)
    assert message.replace("\r\n", "\n") in mail.get_content().replace(
        "\r\n", "\n")
    assert mail["Content-Language"] == "en"
    assert last_event(portal) == (OTHER, "registration-declined", email)
    assert registration(portal, email) is None and not account(portal, email)
    # who was declined may ask again
    catcher.clear()
    number = apply(portal, catcher, email)
    wait_until(lambda: portal.db.value(
        "SELECT COUNT(*) FROM pymailadmin_outbox WHERE sent_at IS NULL") == 0,
        "all mails are sent")
    before = count(portal, "outbox")
    decline(browser, number, " \n ").expect()
    assert count(portal, "outbox") == before
    assert last_event(portal) == (OTHER, "registration-dropped", email)
    page = portal.browser().log_in(email, NEW).expect(422)


def test_only_moderators_see_and_decide(portal):
    number = insert(portal, "c@new.test")
    paths = ["/moderation", f"/moderation/answer?id={number}"]
    for path in paths:
        portal.browser().get(path).expect(303, "/login")
        portal.log_in(USER).get(path).expect(404)
        for email in (ADMIN, OTHER, ROOT):
            assert "c@new.test" in portal.log_in(email).get(path).text
    assert "/moderation" not in portal.log_in(USER).get("/home").parsed.links
    assert "/moderation" in portal.log_in(ADMIN).get("/home").parsed.links
    for action in ("accept", "decline"):
        fields = {"id": number, "domain-0": "one.test"}
        portal.log_in(USER).post(f"/moderation/{action}", fields).expect(404)
        portal.browser().post(f"/moderation/{action}", fields).expect(
            303, "/login")
        portal.log_in(ROOT).post(f"/moderation/{action}", fields,
                                 csrf=False).expect(403)
        portal.log_in(ROOT).get(f"/moderation/{action}?id={number}"
                                "&domain-0=one.test").expect(405)
    assert registration(portal, "c@new.test")


@pytest.mark.parametrize("email, fields", [
    (OTHER, {"domain-0": "one.test"}),
    (OTHER, {"domain-0": "two.test", "domain-1": "one.test"}),
    (OTHER, {"domains": "one.test"}), (ADMIN, {"domain-0": "many00.test"}),
    (ADMIN, {}), (ROOT, {}), (ROOT, {"domain-0": "none.test"}),
    (ADMIN, {"domain-0": '"], "one.test'}), (ADMIN, {"domain-0": "\\"}),
    (ROOT, {"domains": " ".join(["one.test"] * 101)})])
def test_an_admin_gives_only_domains_that_are_theirs(portal, email, fields):
    number = insert(portal, "d@new.test")
    page = portal.log_in(email).post("/moderation/accept",
                                     {"id": number, **fields}).expect(422)
    assert re.search("only such that you may give|que vous pouvez donner",
                     page.text)
    assert registration(portal, "d@new.test")
    assert not account(portal, "d@new.test")


def test_boxes_for_few_domains_and_a_field_for_many(portal):
    number = insert(portal, "e@new.test")
    page = answer_page(portal.log_in(ADMIN), number)
    boxes = re.findall(r'type="checkbox" value="([^"]*)"( checked)?',
                       page.html)
    assert boxes == [("one.test", ""), ("two.test", "")]
    assert 'name="domains"' not in page.html
    # one only: it is chosen
    page = answer_page(portal.log_in(OTHER), number)
    assert re.findall(r'type="checkbox" value="([^"]*)"( checked)?',
                      page.html) == [("two.test", " checked")]
    browser = portal.log_in(ROOT)
    page = answer_page(browser, number)
    assert page.html.count('type="checkbox"') == 40
    page = accept(browser, number, "many00.test",
                  domains="two.test, none.test").expect(422)
    assert page.form("/moderation/accept")["domains"] == "two.test none.test"
    assert 'value="many00.test" checked' in page.html
    accept(browser, number, "many00.test", domains="Two.test one.test").expect()
    assert domains_of(portal, "e@new.test") == \
        ["many00.test", "one.test", "Two.test"]


@pytest.mark.parametrize("value", ["-1", "10001", "x", "²", "1 ", "9" * 40,
                                   "1e3"])
def test_limits_that_are_none(portal, value):
    number = insert(portal, "f@new.test")
    for field in ("max_mailboxes", "max_aliases"):
        page = accept(portal.log_in(ADMIN), number, "one.test",
                      **{field: value}).expect(422)
        assert "from 0 to 10,000" in page.text
        # what was chosen stays so
        assert 'value="one.test" checked' in page.html
    assert registration(portal, "f@new.test")


@pytest.mark.parametrize("odd", ["", "0", "x", "²", "-1", "1' OR '1",
                                 "9" * 30, "99999999", "1.0", "+1"])
def test_ids_that_are_none(portal, odd):
    browser = portal.log_in(ROOT)
    fields = {"id": odd, "domain-0": "one.test"}
    browser.request("GET", "/moderation/answer?id=" + html.unescape(
        "%27".join(odd.split("'"))).replace(" ", "%20").replace(
            "²", "%C2%B2")).expect(404)
    browser.post("/moderation/accept", fields).expect(404)
    browser.post("/moderation/decline", fields).expect(404)
    browser.get("/moderation?after=x").expect()


def test_what_was_not_confirmed_is_not_shown(portal):
    register(portal.browser(), "g@new.test").expect()
    number = registration(portal, "g@new.test")["id"]
    browser = portal.log_in(ROOT)
    assert "g@new.test" not in browser.get("/moderation").text
    browser.get(f"/moderation/answer?id={number}").expect(404)
    browser.post("/moderation/accept", {
        "id": number, "domain-0": "one.test"}).expect(404)


def test_moderators_who_decide_at_once(portal):
    for attempt in range(3):
        email = f"once{attempt}@new.test"
        number = insert(portal, email)
        browsers = [portal.log_in(each) for each in (
            ADMIN, ROOT, OTHER, ADMIN, ROOT, OTHER)]
        pages = [answer_page(each, number) for each in browsers]
        got = at_once([lambda i=i: browsers[i].submit(
            pages[i], "/moderation/accept", domain_0="two.test").status
            if i < 3 else browsers[i].submit(
                pages[i], "/moderation/decline", message="No.").status
            for i in range(6)])
        assert sorted(got) == [200] + [404] * 5, got
        made = account(portal, email) is not None
        assert made == (got.index(200) < 3)
        sent = [row["template"] for row in portal.db.sql(
            "SELECT template FROM pymailadmin_outbox o LEFT JOIN "
            "pymailadmin_account a ON a.id = o.account_id "
            "WHERE %s IN (o.recipient, a.email)", email)]
        assert sent == [f"registration-{'accepted' if made else 'declined'}"]
    page = portal.log_in(ROOT).post("/moderation/decline", {"id": number})
    assert "decided already" in page.expect(404).text


def test_what_strangers_wrote_is_text(portal):
    reason = '<script>alert(1)</script><img src=x onerror="x()">\n\'"&amp;'
    number = insert(portal, "x'\"&<b>@new.test", reason=reason)
    browser = portal.log_in(ROOT)
    for path in ("/moderation", f"/moderation/answer?id={number}"):
        page = browser.get(path).expect()
        assert "<script>alert" not in page.html and "<img" not in page.html
        assert '<script>alert(1)</script><img src=x' in page.text
        assert "x'\"&<b>@new.test" in page.text
    page = decline(browser, number, "<script>alert(2)</script>" * 50)
    assert "alert(2)</script>" not in page.expect(422).html
    assert "in 900 characters" in page.text


def test_a_long_queue_is_paged_oldest_first(portal):
    for number in range(45):
        insert(portal, f"q{number:02}@new.test", hours=1)
    browser = portal.log_in(ADMIN)
    seen, path = [], "/moderation"
    for _ in range(3):
        page = browser.get(path).expect()
        seen += re.findall(r"<h2[^>]*>(q\d+)@", page.html)
        path = ([link for link in page.parsed.links if "after=" in link]
                or [None])[-1]
    assert path is None and seen == [f"q{number:02}" for number in range(45)]
    assert "1 hour" in page.text


def test_moderators_are_reminded_and_what_waits_stays(portal, catcher):
    insert(portal, "new@new.test", hours=35)
    insert(portal, "waits@new.test", hours=37)
    portal.restart()
    mail = catcher.wait(OTHER, "attend toujours")
    assert "/moderation" in mail.get_content()
    catcher.wait(ROOT, "still waits")
    catcher.wait(ADMIN, "still waits")
    assert registration(portal, "waits@new.test")["reminded_at"]
    assert registration(portal, "new@new.test")["reminded_at"] is None
    portal.db.sql("UPDATE pymailadmin_registration SET confirmed_at = "
                  "confirmed_at - INTERVAL 90 DAY WHERE reminded_at IS NOT "
                  "NULL")
    portal.db.sql("INSERT INTO pymailadmin_registration (email, password, "
                  "reason, expires_at) VALUES ('gone@new.test', "
                  "REPEAT('x', 60), 'x', UTC_TIMESTAMP() - INTERVAL 1 MINUTE)")
    catcher.clear()
    portal.restart()
    wait_until(lambda: registration(portal, "gone@new.test") is None,
               "what was not confirmed is deleted")
    number = registration(portal, "waits@new.test")["id"]
    page = portal.log_in(ADMIN).get("/moderation").expect()
    assert "waits@new.test" in page.text and "92 days" in page.text
    assert [mail for mail in catcher.mails
            if "still" in str(mail["Subject"])] == []
    accept(portal.log_in(ADMIN), number, "one.test").expect()


def test_the_mail_of_what_is_gone_is_not_sent(portal, catcher):
    catcher.answer = "451 Later"
    try:
        register(portal.browser(), "h@new.test").expect()
        wait_for_failure(portal)
    finally:
        catcher.answer = "250 OK"
    portal.db.sql("DELETE FROM pymailadmin_registration")
    portal.db.sql("UPDATE pymailadmin_outbox SET retry_at = UTC_TIMESTAMP()")
    wait_until(lambda: portal.db.value(
        "SELECT sent_at FROM pymailadmin_outbox"), "it is dropped")
    assert catcher.mails == []


def test_statements_do_not_grow_with_the_queue(portal):
    browser = portal.log_in(ADMIN)

    def statements():
        def asked():
            return int(portal.db.value(
                "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS "
                "WHERE VARIABLE_NAME = 'COM_STMT_EXECUTE'"))
        counted = []
        for _ in range(5):
            before = asked()
            browser.get("/moderation").expect()
            counted.append(asked() - before)
        return min(counted)
    insert(portal, "i0@new.test")
    few = statements()
    for number in range(1, 15):
        insert(portal, f"i{number}@new.test")
    assert statements() == few


def test_confirming_goes_on_when_a_moderator_is_gone(portal, catcher):
    register(portal.browser(), "j@new.test").expect()
    link = link_in(catcher.wait("j@new.test"))
    portal.db.sql("UPDATE pymailadmin_account SET active = 0 WHERE email = %s",
                  OTHER)
    try:
        confirm(portal.browser(), link).expect()
        catcher.wait(ADMIN)
        assert portal.db.value(
            "SELECT COUNT(*) FROM pymailadmin_outbox WHERE account_id = %s",
            portal.account_id(OTHER)) == 0
    finally:
        portal.db.sql("UPDATE pymailadmin_account SET active = 1 "
                      "WHERE email = %s", OTHER)

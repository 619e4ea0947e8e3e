"""What waits and what failed, and what super admins are warned of."""

import html
import re
import secrets

import pytest

from webportal import Portal

USER, ADMIN, ROOT = "user@post.test", "admin@post.test", "root@post.test"


@pytest.fixture(scope="module")
def portal():
    with Portal() as portal:
        portal.add_account(USER, domains=["one.test"])
        portal.add_account(ADMIN, role="admin", domains=["one.test"])
        portal.add_account(ROOT, role="super_admin")
        yield portal


@pytest.fixture(autouse=True)
def clean(portal):
    for table in ("request", "heartbeat", "outbox", "account_mailbox"):
        portal.db.sql(f"DELETE FROM pymailadmin_{table}")
    portal.db.sql("DELETE FROM users")


def ask(portal, address, kind="password", state="pending", account=USER,
        outcome=None, days=0, retry=None):
    ended = state in ("done", "failed", "expired", "canceled")
    portal.db.sql(
        "INSERT INTO pymailadmin_request (id, kind, address, account_id, "
        "state, created_at, outcome, quota, retry_at, ended_at) SELECT %s, "
        "%s, %s, "
        "(SELECT id FROM pymailadmin_account WHERE email = %s), %s, "
        "UTC_TIMESTAMP() - INTERVAL %s DAY, %s, %s, "
        "UTC_TIMESTAMP() + INTERVAL %s SECOND, "
        "IF(%s, UTC_TIMESTAMP() - INTERVAL %s DAY, NULL)",
        secrets.token_hex(16), kind, address, account, state, days, outcome,
        1 if kind == "create" else None, retry, ended, days)


def addresses(page):
    return re.findall(r'/mailbox\?address=([a-z0-9]+)%40', page.html)


def row_of(page, address):
    text = page.html.partition(f">{address}</a>")[2].partition("</tr>")[0]
    return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", text).split()))


@pytest.mark.parametrize("who", [USER, ADMIN])
def test_only_super_admins_see_what_others_asked(portal, who):
    for path in ("/requests", "/requests?show=failed"):
        portal.log_in(who).get(path).expect(404)
        portal.browser().get(path).expect(303, "/login")
    ask(portal, "a@one.test", state="failed", outcome="seal")
    page = portal.log_in(who).get("/home").expect()
    assert "/requests" not in page.html and "No mail host" not in page.text


def test_what_waits_is_listed_with_who_asked(portal):
    ask(portal, "a@one.test")
    ask(portal, "b@one.test", kind="delete")
    ask(portal, "c@one.test", kind="create", account=ADMIN)
    ask(portal, "d@one.test", kind="encrypt", state="storing", account=None)
    ask(portal, "e@one.test", state="done")
    ask(portal, "f@one.test", state="canceled", outcome="canceled")
    ask(portal, "g@one.test", outcome="busy")
    page = portal.log_in(ROOT).get("/requests").expect()
    assert sorted(addresses(page)) == ["a", "b", "c", "d", "g"]
    for address, words in (
            ("a@one.test", ("Change of password", "asked", USER)),
            ("b@one.test", ("Deletion", "Will be deleted on", USER)),
            ("c@one.test", ("Creation", "Being created", ADMIN)),
            ("d@one.test", ("Encryption of stored mail",
                            "The mail host’s administrator")),
            ("g@one.test", ("A mail program has the mailbox open",))):
        for word in words:
            assert word in row_of(page, address), (word, row_of(page, address))


def test_what_is_kept_closed_waits_for_no_host(portal):
    """It is said where it is looked for, and counted nowhere."""
    portal.db.sql("INSERT INTO users (domain_id, email, crypt) SELECT "
                  "id, 'h@one.test', 'x' FROM domain WHERE domain = 'one.test'")
    ask(portal, "h@one.test", state="failed", outcome="seal", days=1)
    ask(portal, "h@one.test", kind="close", state="done", account=None)
    root = portal.log_in(ROOT)
    # What an administrator did since then hides no failure.
    assert "the last change failed" in root.get("/home?search=h").expect().text
    ask(portal, "h@one.test", kind="close", account=None, retry=300)
    page = root.get("/requests").expect()
    assert "Closed for maintenance" in row_of(page, "h@one.test")
    assert "Closed by the administrator until" in row_of(page, "h@one.test")
    assert "<form method=\"post\" action=\"/requests" not in page.html
    home = root.get("/home?search=h").expect()
    assert "Closed by the administrator until" in home.text
    assert "1 request failed within" in home.text
    assert "waits or is being done" not in home.text
    mailbox = root.get("/mailbox?address=h@one.test").expect()
    assert "Nobody can log in to it until then" in mailbox.text
    assert "No mail host" not in mailbox.text
    assert "/mailbox/password" not in mailbox.html
    assert "/mailbox/cancel" not in mailbox.html
    # Its time is over, and no run of the mail host has seen it.
    portal.db.sql("UPDATE pymailadmin_request SET retry_at = UTC_TIMESTAMP() "
                  "WHERE retry_at IS NOT NULL")
    mailbox = root.get("/mailbox?address=h@one.test").expect()
    assert "Open" in mailbox.text and "Closed by" not in mailbox.text


def test_what_failed_is_listed_with_reason_and_remedy(portal):
    ask(portal, "a@one.test")
    ask(portal, "b@one.test", state="failed", outcome="wrong_password", days=1)
    ask(portal, "c@one.test", state="expired", outcome="expired", days=20)
    root = portal.log_in(ROOT)
    page = root.get("/requests?show=failed").expect()
    assert addresses(page) == ["b", "c"]
    assert "password" in row_of(page, "b@one.test")
    home = root.get("/home").expect()
    assert "1 request failed within the last seven days" in home.text
    assert "1 request waits or is being done" in home.text
    assert {"/requests", "/requests?show=failed"} <= set(home.parsed.links)


@pytest.mark.parametrize("show, state", [("", "pending"),
                                         ("failed", "failed")])
def test_lists_are_paged(portal, show, state):
    """Also where many are of the same second."""
    for number in range(120):
        ask(portal, f"m{number}@one.test", state=state, days=number // 40,
            outcome="expired" if state == "failed" else None)
    root = portal.log_in(ROOT)
    path, seen = f"/requests?show={show}", []
    for count in (50, 50, 20):
        page = root.get(path).expect()
        seen += addresses(page)
        assert len(addresses(page)) == count
        later = re.findall(r'href="(/requests\?[^"]*after=[0-9a-f]{32})"',
                           page.html)
        path = later[0].replace("&amp;", "&") if later else None
    assert path is None and len(set(seen)) == 120
    assert "No request" in root.get("/requests?show=failed&after=gone").text \
        or show == ""


def test_a_long_list_costs_no_more(portal):
    """Of all that have ended, about as many rows are read as are shown."""
    portal.db.sql(
        "INSERT INTO pymailadmin_request (id, kind, address, state, "
        "created_at, ended_at) SELECT MD5(seq), 'password', "
        "CONCAT('m', seq, '@one.test'), IF(seq % 2, 'done', "
        "IF(seq % 3, 'failed', 'expired')), '2020-01-01', "
        "'2020-01-01' + INTERVAL seq DIV 5 MINUTE FROM seq_1_to_15000")
    root = portal.log_in(ROOT)

    def read(path):
        def total():
            return sum(int(row["Value"]) for row in portal.db.sql(
                "SHOW GLOBAL STATUS LIKE 'Handler\\_read%'"))
        before = total()
        page = root.get(path).expect()
        return page, total() - before
    # Half of them failed; all of those long ago; a handful.
    for change, counts in (
            ("state = state", [50] * 3),
            ("state = 'done' WHERE ended_at > '2020-01-02'", [50] * 3),
            ("state = 'done' WHERE ended_at > '2020-01-01 00:05'", [14])):
        portal.db.sql(f"UPDATE pymailadmin_request SET {change}")
        portal.db.sql("ANALYZE TABLE pymailadmin_request")
        path = "/requests?show=failed"
        for count in counts:
            page, number = read(path)
            assert len(addresses(page)) == count
            assert number < 1000, (path, change, number)
            path = "/requests?show=failed&after=" + portal.db.value(
                "SELECT id FROM pymailadmin_request WHERE address = %s",
                f"{addresses(page)[-1]}@one.test")
        assert read("/home")[1] < 1000


def test_without_any_the_page_says_so(portal):
    root = portal.log_in(ROOT)
    assert "Nothing waits" in root.get("/requests").expect().text
    assert "No request has failed" in root.get("/requests?show=failed").text
    assert "/requests" not in root.get("/home").html


def test_a_mail_host_that_never_came_or_has_another_key(portal):
    root = portal.log_in(ROOT)
    assert "No mail host has looked for requests" in root.get("/home").text
    portal.beat()
    page = root.get("/home")
    assert "No mail host" not in page.text and "cannot open" not in page.text
    portal.db.sql("UPDATE pymailadmin_heartbeat SET seal_key_id = %s, "
                  "host = 'imap1.post.test'", "0" * 16)
    assert "imap1.post.test cannot open" in root.get("/home").text


def test_each_of_several_mail_hosts_is_missed(portal):
    root = portal.log_in(ROOT)
    portal.beat()
    insert = "INSERT INTO pymailadmin_heartbeat (host, backend, seal_key_id, " \
        "version, last_run_at) SELECT %s, %s, seal_key_id, '1', " \
        "UTC_TIMESTAMP() - INTERVAL %s SECOND FROM pymailadmin_heartbeat " \
        "WHERE host = 'mx'"
    portal.db.sql(insert, "imap2.post.test", "b", 290)
    assert "Not answering" not in root.get("/home").text
    portal.db.sql("UPDATE pymailadmin_heartbeat SET last_run_at = "
                  "UTC_TIMESTAMP() - INTERVAL 310 SECOND WHERE backend = 'b'")
    assert "Not answering: imap2.post.test." in root.get("/home").text
    # another works for the same mailboxes
    portal.db.sql(insert, "imap3.post.test", "b", 10)
    page = root.get("/home")
    assert "Not answering" not in page.text and "cannot open" not in page.text
    portal.db.sql("UPDATE pymailadmin_heartbeat SET seal_key_id = %s WHERE "
                  "host = 'imap3.post.test'", "0" * 16)
    assert "imap3.post.test cannot open" in root.get("/home").text
    # long gone, and nothing waits for it
    portal.db.sql("UPDATE pymailadmin_heartbeat SET last_run_at = "
                  "UTC_TIMESTAMP() - INTERVAL 8 DAY WHERE backend = 'b'")
    assert "Not answering" not in root.get("/home").text
    portal.add_mailbox("several@one.test", USER)
    ask(portal, "several@one.test")
    assert "Not answering" not in root.get("/home").text
    portal.db.sql("UPDATE pymailadmin_request SET backend = 'b'")
    assert "Not answering: imap2.post.test, imap3.post.test." in \
        root.get("/home").text
    waits = "The mail host is not answering"
    assert waits in root.get("/mailbox?address=several@one.test").text
    portal.db.sql("UPDATE pymailadmin_request SET backend = NULL")
    assert waits not in root.get("/mailbox?address=several@one.test").text


def test_a_mail_host_that_is_missing_altogether(portal):
    """Nobody calls itself what the mailbox's host is called."""
    root = portal.log_in(ROOT)
    portal.beat()
    said = "no mail host without pymailadmin_backend"

    def home():
        text = root.get("/home").expect().text
        return re.findall(r"Not answering: (.*?)\.", text), said in text
    ask(portal, "a@one.test")
    ask(portal, "b@one.test")
    ask(portal, "c@one.test", kind="close", account=None, retry=300)
    assert home() == ([], False)
    portal.db.sql("UPDATE pymailadmin_request SET backend = IF(kind = 'close', "
                  "'closed', 'imap9')")
    assert home() == (["imap9"], False)
    portal.db.sql("UPDATE pymailadmin_request SET backend = 'imap8' WHERE "
                  "address = 'b@one.test'")
    assert home() == (["imap8, imap9"], False)
    portal.db.sql("UPDATE pymailadmin_heartbeat SET backend = 'imap9'")
    assert home() == (["imap8"], False)
    portal.db.sql("UPDATE pymailadmin_request SET backend = NULL WHERE "
                  "address = 'b@one.test'")
    assert home() == ([], True)
    # One that did come, and is silent, is named.
    portal.db.sql("INSERT INTO pymailadmin_heartbeat (host, seal_key_id, "
                  "version, last_run_at) SELECT 'old-one', seal_key_id, '1', "
                  "UTC_TIMESTAMP() - INTERVAL 8 DAY FROM pymailadmin_heartbeat")
    assert home() == (["old-one"], False)
    portal.db.sql("DELETE FROM pymailadmin_request WHERE kind <> 'close'")
    portal.db.sql("UPDATE pymailadmin_request SET backend = NULL")
    assert home() == ([], False)


# ---- what super admins can do

def state_of(portal, address):
    row, = portal.db.sql("SELECT state, retry_at, sealed "
                         "FROM pymailadmin_request WHERE address = %s",
                         address)
    return row


def actions(page, address):
    """To which pages the buttons of a row lead."""
    text = page.html.partition(f">{address}</a>")[2].partition("</tr>")[0]
    return re.findall(r'action="([^"]*)"', text)


def last_event(portal):
    row, = portal.db.sql("SELECT actor, address, kind FROM pymailadmin_event "
                         "ORDER BY id DESC LIMIT 1")
    return tuple(row.values())


def test_what_can_be_done_with_each(portal):
    ask(portal, "a@one.test")
    ask(portal, "b@one.test", outcome="busy", retry=60)
    ask(portal, "c@one.test", state="claimed")
    ask(portal, "d@one.test", state="storing", kind="encrypt", retry=60)
    ask(portal, "e@one.test", kind="delete", retry=-60)
    ask(portal, "f@one.test", state="failed", outcome="seal", retry=60)
    root = portal.log_in(ROOT)
    page = root.get("/requests")
    for name, paths in (("a", ["cancel"]), ("b", ["retry", "cancel"]),
                        ("c", []), ("d", ["retry"]), ("e", ["cancel"])):
        assert actions(page, f"{name}@one.test") == [
            f"/requests/{path}" for path in paths], name
    page = root.get("/requests?show=failed")
    assert actions(page, "f@one.test") == []
    assert "Whoever asked can ask again" in page.text


def test_what_nobody_works_on_is_taken_back(portal):
    portal.add_mailbox("a@one.test", USER)
    ask(portal, "a@one.test")
    portal.db.sql("UPDATE pymailadmin_request SET sealed = 'x'")
    root = portal.log_in(ROOT)
    page = root.submit(root.get("/requests"), "/requests/cancel").expect(
        303, "/requests")
    assert "The request was taken back." in root.follow(page).text
    row = state_of(portal, "a@one.test")
    assert (row["state"], row["sealed"]) == ("canceled", None)
    assert last_event(portal) == (ROOT, "a@one.test", "password-canceled")
    assert portal.db.sql(
        "SELECT account_id, template FROM pymailadmin_outbox "
        "WHERE address = 'a@one.test'") == [{
            "account_id": portal.account_id(USER),
            "template": "request-canceled"}]


def test_what_waits_is_tried_at_once(portal):
    ask(portal, "a@one.test", outcome="busy", retry=300)
    root = portal.log_in(ROOT)
    page = root.submit(root.get("/requests"), "/requests/retry").expect(
        303, "/requests")
    assert "next run of the mail host" in root.follow(page).text
    row = state_of(portal, "a@one.test")
    assert (row["state"], row["retry_at"]) == ("pending", None)
    assert last_event(portal) == (ROOT, "a@one.test", "password-retried")


@pytest.mark.parametrize("path", ["/requests/cancel", "/requests/retry"])
def test_what_has_changed_meanwhile_stays_as_it_is(portal, path):
    ask(portal, "a@one.test", outcome="busy", retry=300)
    root = portal.log_in(ROOT)
    page = root.get("/requests")
    portal.db.sql("UPDATE pymailadmin_request SET state = 'claimed', "
                  "retry_at = NULL")
    before = state_of(portal, "a@one.test")
    page = root.submit(page, path).expect(303, "/requests")
    assert "Nothing was changed" in root.follow(page).text
    assert state_of(portal, "a@one.test") == before


@pytest.mark.parametrize("who", [USER, ADMIN])
def test_only_super_admins_do(portal, who):
    portal.add_mailbox("b@one.test", USER)
    ask(portal, "b@one.test", outcome="busy", retry=300)
    request_id = portal.db.value("SELECT id FROM pymailadmin_request")
    before = state_of(portal, "b@one.test")
    browser = portal.log_in(who)
    for path in ("/requests/cancel", "/requests/retry"):
        browser.post(path, {"address": "b@one.test", "id": request_id}).expect(
            404)
    assert state_of(portal, "b@one.test") == before
    portal.db.sql("DELETE FROM users")


def test_numbers_that_are_none(portal):
    ask(portal, "a@one.test", retry=300)
    root = portal.log_in(ROOT)
    for number in ("", "x", "0" * 31, "g" * 32, "0" * 33, "0" * 31 + "'"):
        root.post("/requests/retry", {"id": number}).expect(400)
    root.post("/requests/retry", {"id": "0" * 32}).expect(303, "/requests")
    root.post("/requests/cancel", {"address": "x'@\"y"}).expect(
        303, "/requests")
    assert state_of(portal, "a@one.test")["retry_at"]

"""What the portal shows of mailboxes, and what it changes and asks for."""

import hashlib

import pytest

from webstores import ADMIN, OTHER, PUBLIC, USER, Stores, fill, serving_stores


pytestmark = pytest.mark.limit(180)

db, stores = serving_stores()


def names(answer):
    """Addresses of a list."""
    return [part.split()[0] for part in answer[1:].split(";")
            if part.strip() not in ("", "more")]


def file_password(stores, address="a@one.test", account=USER):
    return stores("file", account, "password", address, "old", "new", "{X}y",
                  0, 0)


def file_create(stores, address, account=USER, limit=3):
    return stores("file", account, "create", address, "", "new", "{X}y",
                  1 << 30, limit)


# What is shown

def test_an_account_sees_its_own(stores):
    assert stores("domains", USER, "", "") == "0 one.test=2"
    assert stores("domains", ADMIN, "", "") == "0 one.test=2 two.test=2"
    assert stores("domains", ADMIN, "two", "") == "0 two.test=2"
    assert stores("domains", ADMIN, "", "one.test") == "0 two.test=2"
    assert stores("domains", ADMIN, "%", "") == "0"
    assert stores("domain", USER, "one.test") == "1 one.test=2"
    assert stores("domain", USER, "two.test") == "0"
    assert stores("domain", ADMIN, "two.test") == "1 two.test=2"
    assert stores("own", USER) == \
        "0 a@one.test quota=1024 aliases=1 owner=user@post.test own;" \
        " b@one.test quota=2048 aliases=0 owner=user@post.test own;"
    assert stores("count", 7) == "0 2"
    for address, account, found in (
            ("a@one.test", USER, True), ("A@One.Test", USER, True),
            ("c@two.test", USER, False), ("d@two.test", OTHER, False),
            ("x@one.test", USER, False), ("x@one.test", ADMIN, False),
            ("d@two.test", ADMIN, True), ("a@one.test' OR '1", ADMIN, False)):
        assert (stores("mailbox", account, address) != "0") == found
        assert (stores("hash", account, address) != "0") == found
    assert stores("mailbox", ADMIN, "d@two.test") == \
        "1 d@two.test quota=0 aliases=1 owner=-;"
    assert stores("hash", USER, "a@one.test") == "1 hash of a"


def test_the_state_of_a_mailbox_is_that_of_its_newest_request(db, stores):
    file_password(stores)
    assert "password-pending" in stores("mailbox", USER, "a@one.test")
    db.sql("UPDATE pymailadmin_request SET state = 'storing'")
    assert "password-storing" in stores("own", USER)
    db.sql("UPDATE pymailadmin_request SET created_at = created_at - "
           "INTERVAL 1 HOUR")
    # Filed later, and has the mailbox.
    file_password(stores)
    assert names(stores("own", USER)) == ["a@one.test", "b@one.test"]
    assert "a@one.test quota=1024 aliases=1 owner=user@post.test own " \
        "password-pending;" in stores("own", USER)
    db.sql("UPDATE pymailadmin_request SET state = 'done', sealed = NULL, "
           "ended_at = UTC_TIMESTAMP() WHERE open_address IS NOT NULL")
    assert "password-storing" in stores("page", ADMIN, "one.test", "", "", "")


@pytest.mark.parametrize("account", [USER, ADMIN])
def test_pages_of_a_domain(db, stores, account):
    db.sql("INSERT INTO users (domain_id, email, crypt, quota) SELECT 1, "
           "CONCAT('u', LPAD(seq, 3, '0'), '@one.test'), 'x', "
           "1000 * (seq % 7) FROM seq_1_to_120")
    db.sql("INSERT INTO pymailadmin_account_mailbox (address, account_id) "
           "SELECT CONCAT('u', LPAD(seq, 3, '0'), '@one.test'), 7 "
           "FROM seq_1_to_120")
    everything = ["a@one.test", "b@one.test",
                  *(f"u{n:03}@one.test" for n in range(1, 121))]
    quotas = {row["email"]: row["quota"] for row in
              db.sql("SELECT email, quota FROM users")}
    by_quota = sorted(everything, key=lambda name: (quotas[name], name))
    for sort, expected in (("address", everything),
                           ("-address", everything[::-1]),
                           ("quota", by_quota), ("-quota", by_quota[::-1])):
        after, found, pages = "", [], 0
        while True:
            answer = stores("page", account, "one.test", "", sort, after)
            found += names(answer)
            pages += 1
            if not answer.endswith(" more"):
                break
            after = found[-1]
        assert (found, pages) == (expected, 3), sort
    assert names(stores("page", account, "one.test", "u01", "", "")) == \
        [f"u01{n}@one.test" for n in range(10)]
    assert names(stores("page", account, "one.test", "_", "", "")) == []
    assert names(stores("page", account, "one.test", "\\", "", "")) == []
    assert names(stores("page", USER, "two.test", "", "", "")) == []
    assert names(stores("page", OTHER, "one.test", "", "", "")) == []
    assert names(stores("search", account, "u119")) == ["u119@one.test"]
    assert names(stores("search", OTHER, "u119")) == []


def test_ten_thousand_mailboxes_are_listed_fast(db, stores):
    db.sql("INSERT INTO users (domain_id, email, crypt, quota) SELECT 1, "
           "CONCAT('user', seq, '@one.test'), 'x', seq FROM seq_1_to_10000")
    db.sql("INSERT INTO alias (domain_id, source, destination) SELECT 1, "
           "CONCAT('alias', seq, '@one.test'), "
           "CONCAT('user', seq, '@one.test') FROM seq_1_to_10000")
    db.sql("INSERT INTO pymailadmin_account_mailbox (address, account_id) "
           "SELECT CONCAT('user', seq, '@one.test'), 7 FROM seq_1_to_50")
    db.sql("INSERT INTO pymailadmin_request (id, kind, address, created_at, "
           "state) SELECT LPAD(seq, 32, '0'), 'password', "
           "CONCAT('user', seq, '@one.test'), UTC_TIMESTAMP(), 'pending' "
           "FROM seq_1_to_5000")
    db.sql("CREATE INDEX IF NOT EXISTS destination ON alias (destination)")
    db.sql("ANALYZE TABLE users, alias, pymailadmin_request")
    times = {" ".join(words): stores.msecs(*words) for words in (
        ("own", USER), ("page", USER, "one.test", "", "", ""),
        ("page", ADMIN, "one.test", "", "address", ""),
        ("page", ADMIN, "one.test", "", "-address", "user5@one.test"),
        ("page", ADMIN, "one.test", "", "quota", "user5000@one.test"),
        ("page", ADMIN, "one.test", "99", "", ""),
        ("mailbox", ADMIN, "user777@one.test"), ("search", ADMIN, "user77"),
        ("domains", ADMIN, "", ""))}
    print(times)
    # Some look at each row; the others must not.
    slow = {name: msecs for name, msecs in times.items()
            if msecs > (30 if "quota" in name or "search" in name or
                        "99" in name else 10)}
    assert not slow


# Aliases

def test_aliases_are_added_renamed_and_deleted(stores):
    add = ("alias_add", USER, "a@one.test")
    assert stores("aliases", "a@one.test").endswith("=a.alias@one.test")
    assert stores(*add, "sales-team@one.test", 2) == "1 done"
    assert stores(*add, "third-one@one.test", 2) == "1 limit"
    answer = stores("aliases", "a@one.test")
    number = answer.split("=a.alias")[1].split()[1].partition("=")[0]
    assert stores("alias", "a@one.test", number) == "1 sales-team@one.test"
    assert stores("alias", "b@one.test", number) == "0"
    rename = ("alias_rename", USER, "a@one.test", number)
    assert stores(*rename, "b@one.test") == "1 taken"
    assert stores(*rename, "sales-team@one.test") == "1 unchanged"
    assert stores(*rename, "sales-dept@one.test") == "1 done"
    for account, mailbox in ((OTHER, "a@one.test"), (USER, "b@one.test"),
                             (OTHER, "c@two.test")):
        assert stores("alias_delete", account, mailbox, number) == \
            "1 not-found"
    assert stores("alias_delete", USER, "a@one.test", number) == "1 done"
    assert stores("alias_delete", USER, "a@one.test", number) == "1 not-found"
    assert stores("events", USER, "a@one.test") == \
        f"0 {USER}:alias-delete:sales-dept@one.test " \
        f"{USER}:alias-rename:sales-team@one.test sales-dept@one.test " \
        f"{USER}:alias-add:sales-team@one.test"


@pytest.mark.parametrize("account, mailbox, source, result", [
    (USER, "a@one.test", "b@one.test", "taken"),
    (USER, "a@one.test", "a@one.test", "taken"),
    (USER, "a@one.test", "a.alias@one.test", "taken"),
    (USER, "a@one.test", "A.ALIAS@one.test", "malformed"),
    (USER, "a@one.test", "other@two.test", "malformed"),
    (USER, "a@one.test", "@one.test", "malformed"),
    (USER, "a@one.test", "a b@one.test", "malformed"),
    (USER, "a@one.test", "x+y@one.test", "malformed"),
    (USER, "a@one.test", "x@y@one.test", "malformed"),
    (USER, "a@one.test", "é@one.test", "malformed"),
    (USER, "a@one.test", "", "malformed"),
    (USER, "c@two.test", "other@two.test", "not-found"),
    (USER, "á@one.test", "other@one.test", "not-found"),
    (ADMIN, "á@one.test", "other@one.test", "not-found"),
    (ADMIN, "x@one.test", "other@one.test", "not-found"),
    ("nobody@post.test", "a@one.test", "other@one.test", "not-found"),
    (ADMIN, "a@one.test", "b@one.test", "taken"),
    (ADMIN, "a@one.test", "@one.test", "done"),
])
def test_what_becomes_no_alias(stores, account, mailbox, source, result):
    assert stores("alias_add", account, mailbox, source, 9) == f"1 {result}"


def test_no_alias_of_what_is_reserved_or_on_its_way(db, stores):
    assert file_create(stores, "coming@one.test").startswith("1 filed")
    assert stores("alias_add", USER, "a@one.test", "coming@one.test", 9) == \
        "1 taken"
    stores("file", USER, "delete", "a@one.test", "old", "", "", 0, 0)
    assert stores("alias_add", USER, "a@one.test", "other@one.test", 9) == \
        "1 busy"


def test_limits_of_an_account_go_before_those_of_the_portal(db, stores):
    db.sql("UPDATE pymailadmin_account SET max_aliases = 1, max_mailboxes = 2")
    assert stores("alias_add", USER, "a@one.test", "second@one.test", 9) == \
        "1 limit"
    assert file_create(stores, "third@one.test", limit=9).startswith("1 limit")


def test_races_for_an_alias_make_one(db, stores):
    answers = stores.threads(16, "alias_add", USER, "a@one.test",
                             "same-name@one.test", 99)
    assert answers.count("1 done") == 1 and answers.count("1 taken") == 15
    answers = stores.threads(16, "alias_add", USER, "b@one.test",
                             "name-#@one.test", 5)
    assert answers.count("1 done") == 5 and answers.count("1 limit") == 11


def test_races_for_a_change_of_an_alias(db, stores):
    """Each is as if it had been alone: the history has as many as were done."""
    number = stores("aliases", "a@one.test").split()[1].partition("=")[0]
    change = ("alias_rename", USER, "a@one.test", number)
    assert stores.threads(8, *change, "name-#@one.test") == ["1 done"] * 8
    answers = stores.threads(8, *change, "one-name@one.test")
    assert answers == ["1 done"] + ["1 unchanged"] * 7
    stores("alias_add", USER, "a@one.test", "other-name@one.test", 9)
    answers = stores.threads(8, *change, "other-name@one.test")
    assert answers == ["1 taken"] * 8
    answers = stores.threads(8, "alias_delete", USER, "a@one.test", number)
    assert answers == ["1 done"] + ["1 not-found"] * 7
    kinds = [row["kind"] for row in db.sql(
        "SELECT kind FROM pymailadmin_event ORDER BY id")]
    assert kinds == ["alias-rename"] * 9 + ["alias-add", "alias-delete"]


def test_a_new_name_that_is_none_deletes_nothing(db, stores):
    number = stores("aliases", "a@one.test").split()[1].partition("=")[0]
    account = db.value("SELECT id FROM pymailadmin_account WHERE email = %s",
                       USER)
    assert db.value("CALL pymailadmin_alias_rename(%s, 'a@one.test', %s, NULL)",
                    account, number) == "malformed"
    assert stores("aliases", "a@one.test").endswith("=a.alias@one.test")


# Requests

def test_a_filed_request_is_sealed_to_the_mail_host(db, stores):
    answer = file_password(stores)
    assert answer.startswith("1 filed ")
    row, = db.sql("SELECT *, TIMESTAMPDIFF(SECOND, created_at, "
                  "UTC_TIMESTAMP()) AS age FROM pymailadmin_request")
    assert row["id"] == answer.split()[2]
    assert row["age"] in (0, 1) and row["account_id"] == 7
    assert len(row["sealed"]) == 1661 and row["sealed"][:5] == b"PMSR\x01"
    assert b"new" not in row["sealed"] and b"{X}y" not in row["sealed"]
    assert stores("request", USER, "a@one.test") == \
        "1 password pending can-cancel closed 900 mails=0/0 []"
    assert stores("request", OTHER, "a@one.test") == "0"
    assert stores("request", ADMIN, "a@one.test")[0] == "1"
    assert stores("events", USER, "a@one.test") == \
        f"0 {USER}:password-pending:"
    assert stores("outbox_take").split()[2:] == \
        [USER, "en", "password-filed", "a@one.test"]


def test_what_is_not_filed(db, stores):
    assert file_password(stores, "c@two.test").startswith("1 not-found")
    assert file_password(stores, "x@one.test").startswith("1 not-found")
    assert file_password(stores, "x@one.test", ADMIN).startswith("1 not-found")
    assert file_create(stores, "a@one.test").startswith("1 taken")
    assert file_create(stores, "a.alias@one.test").startswith("1 taken")
    assert file_create(stores, "new@two.test").startswith("1 not-found")
    assert file_create(stores, "new@three.test", ADMIN) \
        .startswith("1 not-found")
    assert file_create(stores, "New@one.test").startswith("1 malformed")
    assert file_create(stores, "n w@one.test").startswith("1 malformed")
    assert db.sql("SELECT * FROM pymailadmin_request") == []
    assert db.value("SELECT COUNT(*) FROM pymailadmin_account_mailbox") == 3
    assert stores("outbox_count") == "0 0"
    assert stores("file", USER, "password", "a@one.test", "x" * 600, "new",
                  "{X}y", 0, 0).startswith("-1")


def test_one_request_at_a_time(stores):
    answers = stores.threads(8, "file", USER, "password", "a@one.test", "old",
                             "new", "{X}y", 0, 0)
    assert [answer.split()[1] for answer in answers].count("filed") == 1
    assert [answer.split()[1] for answer in answers].count("busy") == 7
    assert file_password(stores, "b@one.test").startswith("1 filed")


def test_eight_creates_at_the_limit_less_one_make_one(db, stores):
    answers = stores.threads(8, "file", USER, "create", "new-#@one.test", "",
                             "new", "{X}y", 1024, 3)
    results = [answer.split()[1] for answer in answers]
    assert (results.count("filed"), results.count("limit")) == (1, 7)
    assert stores("count", 7) == "0 3"
    assert db.value("SELECT quota FROM pymailadmin_request") == 1024
    assert " reserved inactive quota=0 aliases=0 owner=user@post.test own " \
        "create-pending;" in stores("own", USER)


def test_an_address_goes_to_one_of_two_accounts(db, stores):
    db.sql("INSERT INTO pymailadmin_account_domain VALUES (8, 'one.test')")
    one, two = Stores(db), Stores(db)
    for portal, account in ((one, USER), (two, OTHER)):
        portal.send("file", account, "create", "wanted@one.test", "", "new",
                    "{X}y", 1, 9)
    results = sorted(portal.answers()[0].split()[1] for portal in (one, two))
    assert results == ["filed", "taken"]
    one.close()
    two.close()
    db.sql("DELETE FROM pymailadmin_account_domain WHERE account_id = 8 AND "
           "domain = 'one.test'")


def test_a_canceled_create_frees_the_address(db, stores):
    file_create(stores, "mine@one.test")
    assert stores("count", 7) == "0 3"
    assert stores("cancel", OTHER, "mine@one.test") == "0"
    assert stores("cancel", USER, "mine@one.test") == "1"
    assert stores("cancel", USER, "mine@one.test") == "0"
    assert stores("count", 7) == "0 2"
    assert names(stores("own", USER)) == ["a@one.test", "b@one.test"]
    assert stores("events", USER, "mine@one.test").split()[1] == \
        f"{USER}:create-canceled:"
    assert file_create(stores, "mine@one.test", ADMIN).startswith("1 filed")
    assert db.value("SELECT account_id FROM pymailadmin_account_mailbox "
                    "WHERE address = 'mine@one.test'") == 9


def test_a_deletion_can_be_canceled_until_somebody_works_on_it(db, stores):
    delete = ("file", USER, "delete", "a@one.test", "old", "", "", 0, 0)
    assert stores(*delete).startswith("1 filed")
    assert stores("request", USER, "a@one.test") == \
        "1 delete pending can-cancel 0 mails=0/0 []"
    assert stores("cancel", USER, "a@one.test") == "1"
    assert stores(*delete).startswith("1 filed")
    db.sql("UPDATE pymailadmin_request SET state = 'claimed' "
           "WHERE state = 'pending'")
    assert stores("request", USER, "a@one.test").startswith("1 delete claimed")
    assert "can-cancel" not in stores("request", USER, "a@one.test")
    assert stores("cancel", USER, "a@one.test") == "0"
    templates = [row["template"] for row in db.sql(
        "SELECT template FROM pymailadmin_outbox ORDER BY id")]
    assert templates == ["delete-filed", "request-canceled", "delete-filed"]


def test_a_super_admin_deletes_without_a_password(db, stores):
    assert stores("file", ADMIN, "delete", "d@two.test", "", "", "", 0, 0) \
        .startswith("1 filed")
    assert db.value("SELECT sealed FROM pymailadmin_request") is None
    assert db.value("SELECT COUNT(*) FROM pymailadmin_outbox") == 0


def test_the_window_follows_the_state(db, stores):
    file_password(stores)
    for state, closed in (("claimed", " closed 900"), ("switching", " closed 0"),
                          ("switched", " closed 0"), ("rekeying", " closed 900"),
                          ("storing", " 0"), ("done", " 0")):
        db.sql("UPDATE pymailadmin_request SET state = %s, sealed = NULL, "
               "mails_done = 3, mails_total = 9, outcome = 'x', "
               "ended_at = IF(%s = 'done', UTC_TIMESTAMP(), NULL)",
               state, state)
        assert stores("request", USER, "a@one.test") == \
            f"1 password {state}{closed} mails=3/9 [x]"


def test_the_history_of_a_mailbox(stores):
    stores("event", "doveadm", "a@one.test", "password-done", "x" * 900, 0)
    stores("event", "doveadm", "a@one.test", "internal", "secret", 1)
    assert stores("events", USER, "a@one.test") == \
        "0 doveadm:password-done:" + "x" * 500
    assert "internal" in stores("events", ADMIN, "a@one.test")


def test_the_mail_host_that_opens_our_seals_is_found(db, stores):
    assert stores("heartbeat") == "0"
    db.sql("INSERT INTO pymailadmin_heartbeat "
           "(host, seal_key_id, version, last_run_at) VALUES "
           "('other', REPEAT('0', 16), '1', UTC_TIMESTAMP())")
    assert stores("heartbeat").split()[0::3] == ["1", "0"]
    key_id = seal_key_id()
    db.sql("INSERT INTO pymailadmin_heartbeat "
           "(host, seal_key_id, version, last_run_at) VALUES "
           "('ours', %s, '1', UTC_TIMESTAMP() - INTERVAL 9 MINUTE)", key_id)
    answer = stores("heartbeat").split()
    assert answer[1] == "ours" and int(answer[2]) in (540, 541)
    assert answer[3] == "1"


def seal_key_id():
    raw = bytes.fromhex(PUBLIC.rpartition(":")[2])
    return hashlib.sha256(raw).hexdigest()[:16]


@pytest.mark.limit(180)
def test_threads_do_not_meet_in_memory(db):
    fill(db)
    stores = Stores(db, sanitizer="thread")
    for words in (("file", USER, "create", "new-#@one.test", "", "new", "{X}y",
                   1024, 3), ("session_create", 7, "full", 3600, "x", "y"),
                  ("limit", "login", "x", 10, 86400), ("own", USER),
                  ("alias_add", USER, "a@one.test", "name-#@one.test", 99)):
        stores.threads(16, *words)
    db.stop()
    stores.threads(16, "own", USER)
    db.start()
    stores.close()

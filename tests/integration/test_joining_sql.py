"""Registrations, invitations and who decides: what the database enforces, tried
with the portal's rights."""

import json

import pytest

import databases
from databases import call, error_of, run, server
from mariadb import wait_until
from webmailboxes import at_once

HASH = "$argon2id$" + "x" * 60
NEW = "new@post.test"
DAY = 86400
# ER_CHECKREAD: what was read is not so any more.
CHANGED = 1020
ACCOUNTS = {1: ("user", 1), 2: ("admin", 1), 3: ("admin", 0),
            4: ("super_admin", 1), 5: ("admin", 1)}


@pytest.fixture(scope="module")
def domains(server):
    for name in ("one.test", "two.test"):
        server.sql("INSERT INTO domain (domain) VALUES (%s)", name)


@pytest.fixture
def db(server, domains):
    """Admin 2 may give one.test, admin 5 two.test; 3 is not active."""
    for table in ("registration", "invitation", "account", "outbox", "event"):
        server.sql(f"DELETE FROM pymailadmin_{table}")
    for number, (role, active) in ACCOUNTS.items():
        server.sql("INSERT INTO pymailadmin_account (id, email, password, "
                   "role, active) VALUES (%s, %s, %s, %s, %s)", number,
                   f"{role}{number}@post.test", HASH, role, active)
    for number, domain in ((1, "one.test"), (2, "one.test"), (3, "one.test"),
                           (5, "two.test")):
        server.sql("INSERT INTO pymailadmin_account_domain VALUES (%s, %s)",
                   number, domain)
    return server


def as_web(db):
    """As the portal connects."""
    web = databases.as_web(db)
    run(web, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    return web


def file(web, email=NEW, code=None, reason="I play the oboe.", secs=2 * DAY):
    return call(web, "registration_file", email, HASH, "fr", reason,
                "192.0.2.0/24", code, secs)


def newest(db):
    return db.value("SELECT MAX(id) FROM pymailadmin_registration")


def token(number):
    return bytes([number]) * 32


def link(web, db, number=1, secs=2 * DAY):
    return call(web, "registration_link", newest(db), token(number), secs)


def confirm(web, number=1):
    return call(web, "registration_confirm", token(number))


def waiting(web, db, email=NEW):
    """The id of a registration that waits for a moderator."""
    assert (file(web, email), link(web, db), confirm(web)) == ("done",) * 3
    return db.value("SELECT id FROM pymailadmin_registration "
                    "WHERE waiting_email = %s", email)


def accept(web, moderator, number, *names, mailboxes=None, aliases=None):
    return call(web, "registration_accept", moderator, number,
                json.dumps(names), mailboxes, aliases)


def decline(web, moderator, number, message=None):
    return call(web, "registration_decline", moderator, number, message)


def mails(db, template):
    return db.sql("SELECT account_id, recipient, args FROM pymailadmin_outbox "
                  "WHERE template = %s ORDER BY account_id", template)


def events(db):
    return [(row["actor"], row["kind"], row["text"]) for row in db.sql(
        "SELECT actor, kind, text FROM pymailadmin_event ORDER BY id")]


def rows(db):
    return [db.sql(f"SELECT * FROM pymailadmin_{table}") for table in (
        "account", "account_domain", "registration", "invitation", "outbox",
        "event")]


# ---- asking

def test_the_whole_way(db):
    web = as_web(db)
    assert file(web) == "done"
    row, = mails(db, "registration")
    assert row["recipient"] == NEW and json.loads(row["args"]) == {
        "registration": newest(db), "language": "fr"}
    assert link(web, db) == "done" and not events(db)
    assert confirm(web) == "done"
    assert [row["account_id"] for row in mails(db, "registration-waiting")] \
        == [2, 4, 5]
    assert accept(web, 2, newest(db), "one.test", mailboxes=2) == "done"
    account, = db.sql("SELECT * FROM pymailadmin_account WHERE email = %s",
                      NEW)
    assert (account["password"], account["role"], account["language"],
            account["active"], account["max_mailboxes"],
            account["max_aliases"]) == (HASH, "user", "fr", 1, 2, None)
    assert db.sql("SELECT domain FROM pymailadmin_account_domain "
                  "WHERE account_id = %s", account["id"]) == \
        [{"domain": "one.test"}]
    assert [row["account_id"] for row in mails(db, "registration-accepted")] \
        == [account["id"]]
    assert newest(db) is None
    assert events(db) == [
        (NEW, "registration-confirmed", ""),
        ("admin2@post.test", "registration-accepted",
         f'{NEW} ["one.test"]')]


@pytest.mark.parametrize("email, reason, secs", [
    ("", "x", 9), ("a", "x", 9), ("@", "x", 9), ("a b@c.test", "x", 9),
    ("a@b@c.test", "x", 9), ("a@c.test\r\nBcc: d@e.test", "x", 9),
    (None, "x", 9), (NEW, "", 9), (NEW, None, 9), (NEW, "x", 0),
    (NEW, "x", None)])
def test_what_is_malformed_is_not_filed(db, email, reason, secs):
    before, web = rows(db), as_web(db)
    assert file(web, email, None, reason, secs) == "malformed"
    assert rows(db) == before


def test_known_addresses_are_filed_alike_and_cannot_be_confirmed(db):
    web = as_web(db)
    assert file(web, "USER1@post.test") == "done"
    assert link(web, db) == "account"
    # as often as the mail is tried
    assert link(web, db) == "account"
    assert confirm(web) == "not_found"


def test_one_that_waits_is_not_asked_for_again(db):
    web = as_web(db)
    number = waiting(web, db)
    assert file(web, NEW.upper()) == "done" and link(web, db, 2) == "waiting"
    assert confirm(web, 2) == "not_found"
    db.sql("UPDATE pymailadmin_registration SET token_hash = %s "
           "WHERE id <> %s", token(2), number)
    assert confirm(web, 2) == "waiting"
    assert accept(web, 4, number, "two.test") == "done"
    assert confirm(web, 2) == "account"


def test_a_link_is_good_once_and_for_its_time(db):
    web = as_web(db)
    for age, result in ((DAY, "done"), (3 * DAY, "not_found")):
        file(web, f"{age}@post.test")
        assert link(web, db) == "done"
        db.sql("UPDATE pymailadmin_registration SET expires_at = expires_at - "
               "INTERVAL %s SECOND WHERE confirmed_at IS NULL", age)
        assert confirm(web) == result
        assert confirm(web) == "not_found"
    # nor can another be made for what has expired
    assert link(web, db) == "not_found"


def test_a_new_link_ends_the_old_one(db):
    web = as_web(db)
    file(web)
    assert link(web, db, 1) == link(web, db, 2) == "done"
    assert confirm(web, 1) == "not_found"
    assert confirm(web, 2) == "done"
    # its mail is not to be sent again
    assert link(web, db, 3) == "not_found"


def test_each_link_confirms_what_was_typed_for_it(db):
    """Somebody else's, typed later, neither blocks nor replaces it."""
    web = as_web(db)
    file(web, reason="The owner's words.")
    link(web, db, 1)
    file(web, reason="Somebody else's.")
    link(web, db, 2)
    assert confirm(web, 1) == "done"
    assert db.sql("SELECT reason FROM pymailadmin_registration") == \
        [{"reason": "The owner's words."}]
    assert confirm(web, 2) == "not_found"


def test_a_link_used_by_many_at_once_counts_once(db):
    for attempt in range(5):
        web = as_web(db)
        file(web, f"{attempt}@post.test")
        link(web, db)
        connections = [as_web(db) for _ in range(6)]
        got = at_once([lambda each=each: confirm(each)
                       for each in connections])
        assert sorted(got) == ["done"] + ["not_found"] * 5
    assert [kind for _, kind, _ in events(db)] == \
        ["registration-confirmed"] * 5


def test_many_confirmations_are_one_mail_until_it_is_sent(db):
    web = as_web(db)
    for name in "abc":
        waiting(web, db, f"{name}@post.test")
    assert len(mails(db, "registration-waiting")) == 3
    db.sql("UPDATE pymailadmin_outbox SET sent_at = UTC_TIMESTAMP() "
           "WHERE account_id = 2")
    waiting(web, db, "d@post.test")
    assert len(mails(db, "registration-waiting")) == 4


def test_an_address_has_an_account_or_waits_for_one(db):
    """Not both, if a super admin makes it in the moment it is asked for."""
    adder, asker, third = as_web(db), as_web(db), db.connect()
    file(asker)
    link(asker, db)
    # What the account is made with has been looked at, and then it waits.
    run(third, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    third.begin()
    run(third, "SELECT id FROM pymailadmin_account WHERE email = %s FOR UPDATE",
        NEW)
    confirmed = []

    def waiting_for_locks(count):
        [row] = db.sql("SHOW GLOBAL STATUS LIKE "
                       "'Innodb_row_lock_current_waits'")
        return int(row["Value"]) >= count

    def ask():
        wait_until(lambda: waiting_for_locks(1), "who makes it")
        confirmed.append(confirm(asker))

    def go_on():
        wait_until(lambda: confirmed or waiting_for_locks(2), "who asks")
        third.rollback()
    made, *_ = at_once([
        lambda: call(adder, "account_add", 4, NEW, "user", "en", "[]", None,
                     None), ask, go_on])
    assert (made, confirmed) == ("done", ["account"])


# ---- deciding

@pytest.mark.parametrize("moderator", [None, 1, 3, 99])
def test_only_moderators_decide(db, moderator):
    web = as_web(db)
    number = waiting(web, db)
    before = rows(db)
    assert accept(web, moderator, number, "one.test") == "not_found"
    assert decline(web, moderator, number) == "not_found"
    assert decline(web, moderator, number, "No.") == "not_found"
    assert call(web, "invitation_add", moderator, token(9), "", 1, DAY,
                "[]") == "not_found"
    assert rows(db) == before


@pytest.mark.parametrize("moderator, names", [
    (2, '["two.test"]'), (2, '["one.test", "two.test"]'), (5, '["one.test"]'),
    (2, '["none.test"]'), (2, "[]"), (4, "[]"), (4, '["none.test"]'),
    (4, '["one.test", null]'), (4, '["one.test", ["two.test"]]'),
    (4, '"one.test"'), (4, '{"a": "one.test"}'), (4, "one.test"), (4, ""),
    (4, None), (2, '["öne.test"]'), (4, '["öne.test"]'), (4, '["one.test "]'),
    (4, json.dumps(["one.test"] * 101)), (4, json.dumps(["o" * 300])),
    (2, '["%"]'), (2, '["one.test\' OR \'1"]')])
def test_an_admin_gives_only_domains_that_are_theirs(db, moderator, names):
    web = as_web(db)
    number = waiting(web, db)
    before = rows(db)
    assert call(web, "registration_accept", moderator, number, names, None,
                None) == "domains"
    assert rows(db) == before


def test_a_domain_taken_away_from_an_admin_counts_at_once(db):
    """Whatever an older view of the tables shows."""
    web = as_web(db)
    number = waiting(web, db)
    run(web, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    web.begin()
    run(web, "SELECT * FROM pymailadmin_account_domain")
    db.sql("DELETE FROM pymailadmin_account_domain WHERE account_id = 2")
    assert error_of(web, "CALL pymailadmin_registration_accept(2, %s, "
                    "'[\"one.test\"]', NULL, NULL)", number) == CHANGED
    web.rollback()
    assert accept(web, 2, number, "one.test") == "domains"


def test_a_super_admin_gives_any_domain_once(db):
    web = as_web(db)
    number = waiting(web, db)
    assert accept(web, 4, number, "one.test", "two.test", "ONE.test",
                  aliases=0) == "done"
    assert db.value("SELECT COUNT(*) FROM pymailadmin_account_domain d JOIN "
                    "pymailadmin_account a ON a.id = d.account_id "
                    "WHERE a.email = %s AND a.max_aliases = 0", NEW) == 2


def test_declining_silently_or_with_a_message(db):
    web = as_web(db)
    assert decline(web, 2, waiting(web, db)) == "done"
    assert mails(db, "registration-declined") == []
    message = 'We are "full".\nNext year, <b>maybe</b> – é \\ \u2028'
    number = waiting(web, db)
    assert decline(web, 5, number, "x" * 901) == "malformed"
    assert decline(web, 5, number, "") == "malformed"
    assert decline(web, 5, number, message) == "done"
    mail, = mails(db, "registration-declined")
    assert mail["recipient"] == NEW
    assert json.loads(mail["args"]) == {"language": "fr", "message": message}
    # the longest, however much of it has to be escaped
    assert decline(web, 5, waiting(web, db), "\"\n" * 450) == "done"
    assert [event[:2] for event in events(db)
            if event[0] != NEW] == [
        ("admin2@post.test", "registration-dropped"),
        ("admin5@post.test", "registration-declined"),
        ("admin5@post.test", "registration-declined")]
    assert newest(db) is None


def test_what_is_not_confirmed_is_not_decided(db):
    web = as_web(db)
    file(web)
    link(web, db)
    assert accept(web, 4, newest(db), "one.test") == "not_found"
    assert decline(web, 4, newest(db)) == "not_found"
    assert confirm(web) == "done"


def test_moderators_who_decide_at_once(db):
    for attempt in range(5):
        email = f"{attempt}@post.test"
        number = waiting(as_web(db), db, email)
        web = [as_web(db) for _ in range(6)]
        got = at_once([
            lambda: accept(web[0], 2, number, "one.test"),
            lambda: accept(web[1], 4, number, "two.test"),
            lambda: accept(web[2], 5, number, "two.test"),
            lambda: decline(web[3], 2, number, "No."),
            lambda: decline(web[4], 4, number),
            lambda: accept(web[5], 4, number, "one.test", "two.test")])
        assert sorted(got) == ["done"] + ["not_found"] * 5
        made = db.value("SELECT COUNT(*) FROM pymailadmin_account "
                        "WHERE email = %s", email)
        assert made == (got.index("done") not in (3, 4))
        assert db.value("SELECT COUNT(*) FROM pymailadmin_event WHERE kind "
                        "LIKE 'registration-%%' AND text LIKE %s",
                        email + "%") == 1


def test_an_account_made_meanwhile_is_not_made_twice(db):
    web = as_web(db)
    number = waiting(web, db)
    db.sql("INSERT INTO pymailadmin_account (email, password) "
           "VALUES (%s, %s)", NEW, HASH)
    assert accept(web, 4, number, "one.test") == "account"
    assert decline(web, 4, number) == "done"


# ---- time

def test_what_expires_goes_and_what_waits_stays(db):
    web = as_web(db)
    number = waiting(web, db, "waits@post.test")
    file(web, "late@post.test")
    file(web, "fresh@post.test")
    db.sql("UPDATE pymailadmin_registration SET expires_at = UTC_TIMESTAMP() "
           "- INTERVAL 9 DAY WHERE email <> 'fresh@post.test'")
    run(web, "CALL pymailadmin_registrations_keep(999999)")
    assert {row["email"] for row in db.sql(
        "SELECT email FROM pymailadmin_registration")} == \
        {"waits@post.test", "fresh@post.test"}
    assert accept(web, 4, number, "one.test") == "done"


def test_moderators_are_reminded_once(db):
    web = as_web(db)
    waiting(web, db)
    connections = [as_web(db) for _ in range(4)]

    def remind():
        at_once([lambda each=each: run(
            each, "CALL pymailadmin_registrations_keep(3600)")
            for each in connections])
        return [row["account_id"]
                for row in mails(db, "registration-reminder")]
    assert remind() == []
    db.sql("UPDATE pymailadmin_registration SET confirmed_at = "
           "UTC_TIMESTAMP() - INTERVAL 61 MINUTE")
    assert remind() == [2, 4, 5]
    db.sql("UPDATE pymailadmin_outbox SET sent_at = UTC_TIMESTAMP()")
    assert remind() == [2, 4, 5]


# ---- invitations

def invite(web, number=9, maker=2, uses=1, names=("one.test",), secs=DAY):
    return call(web, "invitation_add", maker, token(number), "the choir", uses,
                secs, json.dumps(names))


def test_a_code_is_good_for_so_many(db):
    web = as_web(db)
    assert file(web, code=token(9)) == "invitation"
    assert invite(web, uses=2) == "done"
    assert file(web, "a@post.test", token(9)) == "done"
    assert link(web, db, 1) == "done"
    assert file(web, "b@post.test", token(9)) == "done"
    assert file(web, "c@post.test", token(9)) == "invitation"
    assert confirm(web) == "done"
    assert file(web, "c@post.test", token(9)) == "invitation"
    # who does not confirm gives it back
    db.sql("UPDATE pymailadmin_registration SET expires_at = UTC_TIMESTAMP() "
           "WHERE email = 'b@post.test'")
    assert file(web, "c@post.test", token(9)) == "done"
    assert db.sql("SELECT uses, used FROM pymailadmin_invitation") == \
        [{"uses": 2, "used": 1}]


def test_the_last_use_of_a_code_is_given_once(db):
    for attempt in range(5):
        web = [as_web(db) for _ in range(6)]
        assert invite(web[0], 10 + attempt, uses=2) == "done"
        got = at_once([lambda name=name, each=each: file(
            each, f"{name}-{attempt}@post.test", token(10 + attempt))
            for name, each in enumerate(web)])
        assert sorted(got) == ["done"] * 2 + ["invitation"] * 4


@pytest.mark.parametrize("statement", [
    "UPDATE pymailadmin_invitation SET expires_at = UTC_TIMESTAMP()",
    "UPDATE pymailadmin_account SET active = 0 WHERE id = 2",
    "UPDATE pymailadmin_account SET role = 'user' WHERE id = 2",
    "DELETE FROM pymailadmin_account WHERE id = 2"])
def test_a_code_is_worth_what_its_maker_is(db, statement):
    web = as_web(db)
    invite(web)
    db.sql(statement)
    assert file(web, code=token(9)) == "invitation"


@pytest.mark.parametrize("uses, secs, names, result", [
    (0, DAY, [], "malformed"), (1001, DAY, [], "malformed"),
    (1, 1, [], "malformed"), (1, 400 * DAY, [], "malformed"),
    (None, DAY, [], "malformed"), (1, DAY, ["two.test"], "domains"),
    (1, DAY, [], "done"), (1000, 366 * DAY, ["one.test"], "done")])
def test_codes_that_can_be_made(db, uses, secs, names, result):
    assert invite(as_web(db), uses=uses, secs=secs, names=names) == result


def test_one_ends_ones_own_codes(db):
    web = as_web(db)
    for number, maker in ((11, 2), (12, 2), (13, 4)):
        assert invite(web, number, maker, names=()) == "done"
    ids = [row["id"] for row in db.sql(
        "SELECT id FROM pymailadmin_invitation ORDER BY id")]
    for moderator, number, result in (
            (5, ids[0], "not_found"), (1, ids[0], "not_found"),
            (2, ids[2], "not_found"), (2, ids[0], "done"),
            (2, ids[0], "not_found"), (4, ids[1], "done"),
            (4, ids[2], "done")):
        assert call(web, "invitation_end", moderator, number) == result
    assert file(web, code=token(12)) == "invitation"


def test_not_more_than_a_hundred_codes_are_out(db):
    web = as_web(db)
    got = [invite(web, number, names=()) for number in range(101)]
    assert got == ["done"] * 100 + ["limit"]

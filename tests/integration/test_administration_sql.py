"""What super admins change of accounts and mailboxes: what the database
enforces, tried with the portal's rights."""

import json

import pytest

from administering import (
    ACCOUNTS, HASH, OTHERS, account, add, add_mailbox, as_web, ask, email,
    events, fill, give, log_in, mails, rows, sessions, set_active, set_domains,
    set_role)
from databases import DENIED, call, error_of, run, server
from webmailboxes import at_once

ROOT, OTHER_ROOT = email(4), email(5)


@pytest.fixture
def db(server):
    fill(server)
    return server


def owner(db, address="box@one.test"):
    return db.value("SELECT account_id FROM pymailadmin_account_mailbox "
                    "WHERE address = %s", address)


# ---- roles

def test_a_role_is_given_and_taken(db):
    web = as_web(db)
    assert set_role(web, 4, 1, "admin") == "done"
    assert account(db, 1)["role"] == "admin"
    # a session of another role would not be honoured
    assert sessions(db) == [2, 4, 5]
    assert set_role(web, 5, 1, "super_admin", "admin") == "done"
    assert set_role(web, 5, 4, "user") == "done"
    assert account(db, 4)["role"] == "user"
    assert events(db) == [
        (ROOT, None, "account-role", f"{email(1)} user admin"),
        (OTHER_ROOT, None, "account-role", f"{email(1)} admin super_admin"),
        (OTHER_ROOT, None, "account-role", f"{ROOT} super_admin user")]
    assert mails(db) == [(number, None, "account-role", None)
                         for number in (1, 1, 4)]


@pytest.mark.parametrize("number, role, was, result", [
    (4, "user", "super_admin", "self"), (4, "super_admin", "user", "self"),
    (1, "", "user", "malformed"), (1, "root", "user", "malformed"),
    (1, None, "user", "malformed"), (1, "user", "user", "unchanged"),
    (1, "user", "admin", "unchanged"), (1, "admin", "super_admin", "stale"),
    (1, "admin", None, "stale"), (99, "admin", "user", "not_found"),
    (None, "admin", "user", "not_found")])
def test_roles_that_are_not_given(db, number, role, was, result):
    before, web = rows(db), as_web(db)
    assert call(web, "account_set_role", 4, number, role, was) == result
    assert rows(db) == before


@pytest.mark.parametrize("actor", OTHERS)
def test_only_active_super_admins_act(db, actor):
    before, web = rows(db), as_web(db)
    assert [set_role(web, actor, 1, "super_admin"),
            set_role(web, actor, 4, "user"), set_active(web, actor, 4, 0),
            set_active(web, actor, 3, 1),
            call(web, "account_set_limits", actor, 1, 9, 9),
            call(web, "account_log_out", actor, 4, 0),
            call(web, "account_log_out", actor, 4, 1),
            add(web, actor), add(web, actor, "super_admin"),
            call(web, "account_delete", actor, 1),
            call(web, "account_delete", actor, 4),
            set_domains(web, actor, 1, "two.test"),
            set_domains(web, actor, 1, "one.test", take=True),
            give(web, actor, email(2)), give(web, actor, None),
            call(web, "domain_add", actor, "new.test"),
            call(web, "domain_remove", actor, "empty.test")] == \
        ["not_found"] * 17
    assert rows(db) == before


def test_two_who_demote_each_other(db):
    """One of them stays, whatever they do."""
    acts = [lambda web, a, b: set_role(web, a, b, "user"),
            lambda web, a, b: set_active(web, a, b, 0),
            lambda web, a, b: call(web, "account_delete", a, b)]
    for attempt in range(9):
        fill(db)
        one, two = as_web(db), as_web(db)
        first, second = acts[attempt % 3], acts[attempt // 3 % 3]
        got = at_once([lambda: first(one, 4, 5), lambda: second(two, 5, 4)])
        assert sorted(got) == ["done", "not_found"]
        assert db.value("SELECT COUNT(*) FROM pymailadmin_account WHERE "
                        "active AND role = 'super_admin'") == 1


def test_many_who_demote_all_others(db):
    for _ in range(4):
        fill(db)
        db.sql("UPDATE pymailadmin_account SET role = 'super_admin', "
               "active = 1")
        pairs = [(actor, number) for actor in ACCOUNTS for number in ACCOUNTS
                 if actor != number]
        connections = [as_web(db) for _ in pairs]
        got = at_once([lambda web=web, pair=pair: set_role(
            web, *pair, "user", "super_admin")
            for web, pair in zip(connections, pairs)])
        assert set(got) <= {"done", "not_found", "unchanged"}
        # nobody who was demoted did that to others later
        assert db.value("SELECT COUNT(*) FROM pymailadmin_account WHERE "
                        "active AND role = 'super_admin'") == \
            len(ACCOUNTS) - got.count("done") >= 1


# ---- made and deleted

def test_an_account_is_made(db):
    web = as_web(db)
    assert add(web, 4, "admin", domains=["One.test", "two.test"],
               language="fr", limits=(5, 0)) == "done"
    number = db.value("SELECT MAX(id) FROM pymailadmin_account")
    row = account(db, number)
    assert (row["email"], row["role"], row["language"], row["active"],
            row["max_mailboxes"], row["max_aliases"]) == \
        ("new@post.test", "admin", "fr", 1, 5, 0)
    # nobody's: there is no such hash
    assert not row["password"].startswith("$")
    assert db.sql("SELECT domain FROM pymailadmin_account_domain WHERE "
                  "account_id = %s ORDER BY domain", number) == \
        [{"domain": "one.test"}, {"domain": "two.test"}]
    assert mails(db) == [(number, None, "account-made", None)]
    assert events(db) == [(ROOT, None, "account-made", "new@post.test admin "
                           '["One.test", "two.test"]')]
    assert add(web, 5, address="NEW@post.test") == "taken"
    assert add(web, 5, address=email(3)) == "taken"


@pytest.mark.parametrize("wrong, result", [
    ({"role": "root"}, "malformed"), ({"role": None}, "malformed"),
    ({"address": "new"}, "malformed"), ({"address": None}, "malformed"),
    ({"address": "new@post.test\n"}, "malformed"),
    ({"address": "n w@post.test"}, "malformed"),
    ({"address": "a@b@post.test"}, "malformed"),
    ({"language": ""}, "malformed"), ({"language": "fr\n"}, "malformed"),
    ({"language": None}, "malformed"), ({"domains": None}, "domains"),
    ({"domains": ["none.test"]}, "domains"), ({"domains": {}}, "domains"),
    ({"domains": ["one.test", None]}, "domains")])
def test_what_is_not_made(db, wrong, result):
    before = rows(db)
    assert add(as_web(db), 4, **wrong) == result
    assert rows(db) == before


def test_who_has_asked_for_an_account_is_answered(db):
    """With the password that person has chosen."""
    db.sql("INSERT INTO pymailadmin_registration (email, password, reason, "
           "expires_at) VALUES ('new@post.test', %s, 'x', '2999-01-01')", HASH)
    web = as_web(db)
    db.sql("UPDATE pymailadmin_registration SET confirmed_at = '2026-01-01'")
    before = rows(db)
    assert add(web, 4) == "waiting" and rows(db) == before
    # what anybody can type is no obstacle
    db.sql("UPDATE pymailadmin_registration SET confirmed_at = NULL")
    assert add(web, 4) == "done"


def test_an_account_made_by_two_at_once(db):
    for _ in range(4):
        fill(db)
        web = [as_web(db) for _ in range(4)]
        got = at_once([lambda each=each: add(each, 4 + web.index(each) % 2)
                       for each in web])
        assert sorted(got) == ["done"] + ["taken"] * 3
        assert len(mails(db)) == len(events(db)) == 1


def test_an_account_is_deleted(db):
    web = as_web(db)
    add_mailbox(db, "second@one.test", 1)
    # a mailbox that never came to be
    db.sql("INSERT INTO pymailadmin_account_mailbox (address, account_id) "
           "VALUES ('never@one.test', 1)")
    db.sql("UPDATE pymailadmin_account SET language = 'fr' WHERE id = 1")
    assert call(web, "account_delete", 4, 1) == "done"
    assert not db.sql("SELECT * FROM pymailadmin_account WHERE id = 1")
    assert sessions(db) == [2, 4, 5] and owner(db) is None
    assert db.value("SELECT COUNT(*) FROM pymailadmin_mailbox") == 2
    assert sorted(events(db), key=str) == sorted([
        (ROOT, "box@one.test", "owner-changed", f"{email(1)} -"),
        (ROOT, "second@one.test", "owner-changed", f"{email(1)} -"),
        (ROOT, None, "account-deleted", email(1))], key=str)
    assert mails(db) == [(None, email(1), "account-deleted", None)]
    assert json.loads(db.value("SELECT args FROM pymailadmin_outbox")) == \
        {"language": "fr"}
    assert call(web, "account_delete", 4, 1) == "not_found"
    # a super admin, and one that is switched off
    assert call(web, "account_delete", 4, 5) == "done"
    assert call(web, "account_delete", 4, 3) == "done"
    assert call(web, "account_delete", 5, 4) == "not_found"


@pytest.mark.parametrize("number, result", [
    (4, "self"), (99, "not_found"), (None, "not_found")])
def test_what_is_not_deleted(db, number, result):
    before = rows(db)
    assert call(as_web(db), "account_delete", 4, number) == result
    assert rows(db) == before


@pytest.mark.parametrize("address, asker, state, result", [
    ("box@one.test", 4, "pending", "busy"),
    ("box@one.test", None, "storing", "busy"),
    ("new@one.test", 1, "claimed", "busy"),
    ("box@one.test", 1, "done", "done"),
    ("other@one.test", 2, "pending", "done")])
def test_nothing_is_under_way_for_a_deleted_account(db, address, asker, state,
                                                    result):
    ask(db, address, state=state)
    db.sql("UPDATE pymailadmin_request SET account_id = %s, ended_at = "
           "IF(state = 'done', UTC_TIMESTAMP(), NULL)", asker)
    before = rows(db)
    assert call(as_web(db), "account_delete", 5, 1) == result
    assert (rows(db) == before) == (result == "busy")


# ---- switching off and on

def test_an_account_is_switched_off_and_on(db):
    web = as_web(db)
    db.sql("INSERT INTO pymailadmin_password_reset (token_hash, account_id, "
           "expires_at) VALUES (REPEAT('t', 32), 1, '2999-01-01')")
    db.sql("UPDATE pymailadmin_account SET language = 'fr' WHERE id = 1")
    assert set_active(web, 4, 1, 0) == "done"
    assert set_active(web, 5, 1, 0) == "unchanged"
    assert not account(db, 1)["active"] and sessions(db) == [2, 4, 5]
    assert not db.value("SELECT COUNT(*) FROM pymailadmin_password_reset")
    # whom no mail reaches by the account any more
    assert mails(db) == [(None, email(1), "account-deactivated", None)]
    assert json.loads(db.value("SELECT args FROM pymailadmin_outbox")) == \
        {"language": "fr"}
    assert owner(db) == 1
    assert set_active(web, 4, 1, 1) == "done" and account(db, 1)["active"]
    assert mails(db)[1:] == [(1, None, "account-activated", None)]
    assert [event[2:] for event in events(db)] == [
        ("account-deactivated", email(1)), ("account-activated", email(1))]


@pytest.mark.parametrize("number, active, result", [
    (4, 0, "self"), (4, 1, "self"), (1, 1, "unchanged"), (3, 0, "unchanged"),
    (1, None, "unchanged"), (99, 0, "not_found")])
def test_what_is_not_switched(db, number, active, result):
    before = rows(db)
    assert set_active(as_web(db), 4, number, active) == result
    assert rows(db) == before


# ---- limits, sessions, the second factor

def test_limits_are_set(db):
    web = as_web(db)

    def limits():
        row = account(db, 1)
        return row["max_mailboxes"], row["max_aliases"]
    for mailboxes, aliases, result in ((5, 0, "done"), (5, 0, "unchanged"),
                                       (None, 7, "done"), (9, None, "done"),
                                       (None, None, "done")):
        assert call(web, "account_set_limits", 4, 1, mailboxes, aliases) == \
            result
        assert limits() == (mailboxes, aliases)
    assert [event[3] for event in events(db)] == [
        f"{email(1)} {text}" for text in ("5 0", "- 7", "9 -", "- -")]
    # one's own bind nobody who is a super admin
    assert call(web, "account_set_limits", 4, 4, 1, 1) == "done"
    assert call(web, "account_set_limits", 4, 99, 1, 1) == "not_found"


def test_sessions_are_ended(db):
    web = as_web(db)
    for number in (1, 2):
        db.sql("INSERT INTO pymailadmin_known_device (account_id, token_hash) "
               "VALUES (%s, REPEAT('t', 32))", number)
    assert call(web, "account_log_out", 4, 1, 0) == "done"
    assert sessions(db) == [2, 4, 5]
    # a log-in from a browser that was known is news to its owner then
    assert db.sql("SELECT account_id FROM pymailadmin_known_device") == \
        [{"account_id": 2}]
    assert call(web, "account_log_out", 4, 4, 0) == "self"
    assert sessions(db) == [2, 4, 5] and mails(db) == []
    assert events(db) == [(ROOT, None, "account-sessions-ended", email(1))]


def test_a_lost_second_factor_is_reset(db):
    web = as_web(db)
    assert call(web, "account_log_out", 4, 1, 1) == "unchanged"
    assert sessions(db) == [1, 2, 4, 5]
    db.sql("UPDATE pymailadmin_account SET totp_secret = 'x', "
           "totp_last_step = 7, totp_confirmed_at = UTC_TIMESTAMP()")
    for number in (1, 4):
        db.sql("INSERT INTO pymailadmin_backup_code (account_id, code_hash) "
               "VALUES (%s, REPEAT('c', 32))", number)
    assert call(web, "account_log_out", 4, 4, 1) == "self"
    assert call(web, "account_log_out", 4, 1, 1) == "done"
    row = account(db, 1)
    assert (row["totp_secret"], row["totp_confirmed_at"],
            row["totp_last_step"]) == (None,) * 3
    assert db.sql("SELECT account_id FROM pymailadmin_backup_code") == \
        [{"account_id": 4}]
    assert account(db, 4)["totp_secret"] and sessions(db) == [2, 4, 5]
    assert mails(db) == [(1, None, "two-factor-reset", None)]
    assert events(db) == [(ROOT, None, "account-two-factor-reset", email(1))]


# ---- domains of an account

def test_domains_are_given_and_taken(db):
    web = as_web(db)

    def domains():
        return [row["domain"] for row in db.sql(
            "SELECT domain FROM pymailadmin_account_domain WHERE "
            "account_id = 1 ORDER BY domain")]
    assert set_domains(web, 4, 1, "TWO.test", "one.test") == "done"
    assert domains() == ["one.test", "two.test"]
    assert set_domains(web, 4, 1, "two.test") == "unchanged"
    assert set_domains(web, 4, 1, "one.test", take=True) == "done"
    assert set_domains(web, 4, 1, "one.test", take=True) == "unchanged"
    assert domains() == ["two.test"] and owner(db) == 1
    # one that is gone from the mail server's table
    db.sql("DELETE FROM domain WHERE domain = 'two.test'")
    assert set_domains(web, 4, 1, "two.test", take=True) == "done"
    assert [event[2:] for event in events(db)] == [
        ("account-domains-given", email(1) + ' ["TWO.test", "one.test"]'),
        ("account-domains-taken", email(1) + ' ["one.test"]'),
        ("account-domains-taken", email(1) + ' ["two.test"]')]


@pytest.mark.parametrize("names", [
    '["none.test"]', '["one.test", "none.test"]', "[]", "{}", "", None, "7",
    '"one.test"', '["öne.test"]', '["two.test", null]', '["%"]',
    json.dumps(["one.test"] * 101), json.dumps(["o" * 300])])
def test_what_is_no_domain_is_not_given(db, names):
    before = rows(db)
    assert call(as_web(db), "account_set_domains", 4, 1, names, 0) == "domains"
    assert rows(db) == before


# ---- whose a mailbox is

def test_a_mailbox_is_given_taken_and_given_again(db):
    web = as_web(db)
    assert give(web, 4, email(2).upper()) == "done" and owner(db) == 2
    assert give(web, 4, None, email(2)) == "done" and owner(db) is None
    assert give(web, 4, email(5), None) == "done" and owner(db) == 5
    assert events(db) == [
        (ROOT, "box@one.test", "owner-changed", text) for text in (
            f"{email(1)} {email(2)}", f"{email(2)} -", f"- {email(5)}")]
    assert mails(db) == [
        (number, None, template, "box@one.test") for number, template in (
            (1, "mailbox-taken"), (2, "mailbox-given"), (2, "mailbox-taken"),
            (5, "mailbox-given"))]


@pytest.mark.parametrize("to, was, address, result", [
    ("nobody@post.test", email(1), "box@one.test", "account"),
    (email(3), email(1), "box@one.test", "account"),
    ("", email(1), "box@one.test", "account"),
    (email(1), email(1), "box@one.test", "unchanged"),
    (email(1), None, "box@one.test", "unchanged"),
    (email(2), None, "box@one.test", "stale"),
    (None, email(2), "box@one.test", "stale"),
    (email(2), email(1), "none@one.test", "not_found"),
    (email(2), email(1), "other@one.test", "not_found"),
    (email(2), email(1), "bóx@one.test", "not_found"),
    (email(2), email(1), "%", "not_found"),
    (email(2), email(1), None, "not_found")])
def test_what_is_not_given(db, to, was, address, result):
    before = rows(db)
    assert give(as_web(db), 4, to, was, address) == result
    assert rows(db) == before


@pytest.mark.parametrize("kind", ["password", "create", "delete"])
@pytest.mark.parametrize("state", ["pending", "claimed"])
def test_not_while_something_is_asked_for_it(db, kind, state):
    ask(db, "box@one.test", kind, state)
    before, web = rows(db), as_web(db)
    assert give(web, 4, email(2)) == give(web, 4, None) == "busy"
    assert rows(db) == before
    db.sql("UPDATE pymailadmin_request SET state = 'canceled'")
    # nobody owns any more what did not come to be
    assert give(web, 4, email(2)) == ("stale" if kind == "create" else "done")


def test_one_mailbox_given_to_many_at_once(db):
    for _ in range(5):
        fill(db)
        web = [as_web(db) for _ in range(5)]
        got = at_once([
            lambda: give(web[0], 4, email(2)), lambda: give(web[1], 5, email(2)),
            lambda: give(web[2], 4, email(5)), lambda: give(web[3], 5, None),
            lambda: call(web[4], "alias_add", 1, "box@one.test", "a@one.test",
                         9)])
        assert got[:4].count("done") == 1
        assert set(got[:4]) <= {"done", "stale", "unchanged"}
        assert got[4] in ("done", "not_found")
        kinds = [event[2] for event in events(db)]
        assert kinds.count("owner-changed") == 1


def test_a_deletion_asked_and_a_mailbox_given_at_once(db):
    """Who owns it is told: the one of the time it was asked."""
    for attempt in range(6):
        fill(db)
        one, two = as_web(db), as_web(db)
        now = db.value("SELECT UNIX_TIMESTAMP()")
        given, asked = at_once([
            lambda: give(one, 4, email(2)),
            lambda: call(two, "request_file", 5, f"{attempt:032x}", "delete",
                         "box@one.test", now, None, None, 3)])
        assert asked == "done" and given in ("done", "busy")
        told = [mail[0] for mail in mails(db) if mail[2] == "delete-filed"]
        assert told == [owner(db)]


# ---- what others do to a mailbox

def test_an_owner_is_told_of_changed_aliases(db):
    web = as_web(db)

    def alias(actor, name):
        return call(web, "alias_add", actor, "box@one.test", name, 9)
    assert alias(1, "mine@one.test") == "done" and mails(db) == []
    assert alias(4, "a@one.test") == alias(4, "b@one.test") == "done"
    assert mails(db) == [(1, None, "aliases-changed", "box@one.test")]
    db.sql("UPDATE pymailadmin_outbox SET sent_at = UTC_TIMESTAMP()")
    number = db.value("SELECT id FROM alias WHERE source = 'a@one.test'")
    assert call(web, "alias_delete", 5, "box@one.test", number) == "done"
    assert len(mails(db)) == 2
    # a mailbox that nobody owns, or who acts
    add_mailbox(db, "free@one.test")
    add_mailbox(db, "roots@one.test", 4)
    for address in ("free", "roots"):
        assert call(web, "alias_add", 4, f"{address}@one.test",
                    f"{address}2@one.test", 9) == "done"
    assert len(mails(db)) == 2


# ---- as a whole

def test_all_is_rolled_back_with_what_it_is_part_of(db):
    before, web = rows(db), as_web(db)
    web.begin()
    assert [set_role(web, 4, 1, "admin"), set_active(web, 4, 2, 0),
            set_domains(web, 4, 1, "two.test"), give(web, 4, email(5)),
            call(web, "domain_add", 4, "new.test"),
            call(web, "domain_remove", 4, "empty.test"),
            call(web, "domain_add", 4, "two.test")] == ["done"] * 6 + ["taken"]
    web.rollback()
    assert rows(db) == before
    assert db.value("SELECT COUNT(*) FROM domain") == 3


def test_what_a_session_may_switch_off_decides_nothing(db):
    web = as_web(db)
    run(web, "SET SESSION check_constraint_checks = 0, unique_checks = 0, "
        "foreign_key_checks = 0, timestamp = 1000000000, sql_mode = '', "
        "tx_isolation = 'READ-UNCOMMITTED'")
    assert call(web, "account_set_limits", 4, 1, 70000, None) != "done" or \
        account(db, 1)["max_mailboxes"] <= 65535
    assert set_active(web, 4, 1, 0) == "done"
    log_in(db, 2) if 2 not in sessions(db) else None
    assert db.value("SELECT MIN(created_at) > '2020-01-01' FROM "
                    "pymailadmin_event") == 1


def test_steps_of_procedures_are_not_the_portals(db):
    assert error_of(as_web(db), "CALL pymailadmin_account_lock(4, 1, @a, @b, "
                    "@c)") in DENIED

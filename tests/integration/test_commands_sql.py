"""What the administrator's commands ask of the database, and only they."""

import time

import pytest

from databases import (
    DENIED, ID, as_plugin, as_web, call, db, error_of, portal_file, run,
    server)

NEW = "new@example.test"


def create(connection, request_id=ID, address=NEW, age=0, sealed=b"sealed",
           quota=1, owner="", text="by root"):
    return call(connection, "create_file", request_id, address,
                int(time.time()) - age, sealed, quota, owner, text)


def owners(db, address=NEW):
    return [row["account_id"] for row in db.sql(
        "SELECT account_id FROM pymailadmin_account_mailbox "
        "WHERE address = %s", address)]


@pytest.mark.parametrize("owner, account", [("", None),
                                            ("alice@other.test", 7)])
def test_a_mailbox_is_asked_for_with_event_and_owner(db, owner, account):
    """The limits of accounts do not hold: there is no mailbox too many."""
    assert create(as_plugin(db), owner=owner) == "done"
    assert db.sql("SELECT id, kind, state, address, account_id, sealed, quota "
                  "FROM pymailadmin_request") == [
        {"id": ID, "kind": "create", "state": "pending", "address": NEW,
         "account_id": account, "sealed": b"sealed", "quota": 1}]
    assert db.sql("SELECT actor, address, kind, request_id, text "
                  "FROM pymailadmin_event") == [
        {"actor": "doveadm", "address": NEW, "kind": "create-pending",
         "request_id": ID, "text": "by root"}]
    assert owners(db) == ([account] if account else [])
    # What comes to nothing is nobody's.
    db.sql("UPDATE pymailadmin_request SET state = 'failed', sealed = NULL")
    assert owners(db) == []


@pytest.mark.parametrize("change, result", [
    ({"address": "New@example.test"}, "malformed"),
    ({"address": "néw@example.test"}, "malformed"),
    ({"address": "new+a@example.test"}, "malformed"),
    ({"address": "@example.test"}, "malformed"),
    ({"address": "new@example.test\n"}, "malformed"),
    ({"address": "x" * 65 + "@example.test"}, "malformed"),
    ({"address": None}, "malformed"), ({"sealed": None}, "malformed"),
    ({"quota": None}, "malformed"), ({"owner": None}, "malformed"),
    ({"age": 100}, "malformed"), ({"age": -100}, "malformed"),
    ({"address": "new@other.test"}, "unknown_domain"),
    ({"owner": "nobody@other.test"}, "unknown_owner"),
    ({"owner": "left@other.test"}, "unknown_owner"),
    ({"address": "alice@example.test"}, "taken"),
    ({"address": "a@example.test"}, "taken"),
    ({"address": "gone@example.test"}, "reserved"),
    ({"address": "asked@example.test"}, "busy")])
def test_what_is_not_filed(db, change, result):
    db.sql("INSERT INTO pymailadmin_account (email, password, active) VALUES "
           "('left@other.test', REPEAT('x', 60), 0)")
    db.sql("INSERT INTO pymailadmin_reserved_address (address, reserved_until) "
           "VALUES ('gone@example.test', UTC_TIMESTAMP() + INTERVAL 1 DAY)")
    assert portal_file(as_web(db), "f" * 32, "asked@example.test", "create",
                       quota=1) == "done"
    tables = ("request", "event", "account_mailbox")
    before = [db.sql(f"SELECT * FROM pymailadmin_{table}") for table in tables]
    assert create(as_plugin(db), **change) == result
    assert [db.sql(f"SELECT * FROM pymailadmin_{table}")
            for table in tables] == before


@pytest.mark.parametrize("statement", [
    "INSERT INTO pymailadmin_account_mailbox (address, account_id) "
    "VALUES ('bob@example.test', 7)",
    "UPDATE pymailadmin_account_mailbox SET account_id = 7",
    "UPDATE pymailadmin_request SET retry_at = NULL, kind = 'close'",
    "CALL pymailadmin_address_taken('x@example.test', @taken)"])
def test_the_plugin_gives_nothing_away_past_it(db, statement):
    assert error_of(as_plugin(db), statement) in DENIED


def test_the_portal_may_not_file_so(db):
    assert error_of(as_web(db), "CALL pymailadmin_create_file('', '', 0, NULL, "
                    "0, '', '')") in DENIED


def test_what_the_mail_host_keeps_closed_is_not_the_portals_to_open(db):
    root, web = db.connect(), as_web(db)
    run(root, "INSERT INTO pymailadmin_request (id, kind, address, created_at, "
        "retry_at) VALUES (%s, 'close', 'alice@example.test', "
        "UTC_TIMESTAMP(), UTC_TIMESTAMP() + INTERVAL 9 MINUTE)", ID)
    db.sql("UPDATE pymailadmin_account SET role = 'super_admin'")
    before = db.sql("SELECT * FROM pymailadmin_request")
    assert run(web, "CALL pymailadmin_request_cancel(%s)", ID) == 0
    assert call(web, "request_retry", 7, ID) == "not_found"
    assert portal_file(web, "f" * 32) == "busy"
    assert db.sql("SELECT * FROM pymailadmin_request") == before

"""The rights of the two accounts: all of them tried, and what they lack."""

import pymysql
import pytest

from databases import (
    DENIED, ID, as_plugin, as_web, db, enum_values, error_of, file_request,
    run, server)
from mariadb import SQL


# The portal's rights

def test_the_portal_files_and_follows_a_request(db):
    web = as_web(db)
    assert file_request(web) == 1
    with web.cursor() as cursor:
        cursor.execute("SELECT state, kind, outcome, ended_at FROM "
                       "pymailadmin_request WHERE open_address = %s",
                       "alice@example.test")
        assert cursor.fetchall() == [{"state": "pending", "kind": "password",
                                      "outcome": None, "ended_at": None}]
    assert db.sql("SELECT state, attempts, claimed_by FROM "
                  "pymailadmin_request") == \
        [{"state": "pending", "attempts": 0, "claimed_by": None}]


def test_the_portal_cancels_what_nobody_works_on(db):
    web = as_web(db)
    file_request(web)
    assert run(web, "CALL pymailadmin_request_cancel(%s)", "f" * 32) == 0
    assert run(web, "CALL pymailadmin_request_cancel(%s)", ID) == 1
    row, = db.sql("SELECT state, sealed, outcome, "
                  "TIMESTAMPDIFF(SECOND, ended_at, UTC_TIMESTAMP()) AS age "
                  "FROM pymailadmin_request")
    assert row["age"] in range(0, 10)
    assert (row["state"], row["sealed"], row["outcome"]) == \
        ("canceled", None, "canceled")
    # The mailbox may be asked for again.
    assert file_request(web, "f" * 32) == 1


def test_the_portal_cancels_nothing_else(db):
    web = as_web(db)
    file_request(web)
    for state in enum_values(db, "state"):
        if state == "pending":
            continue
        db.sql("UPDATE pymailadmin_request SET state = %s, sealed = NULL",
               state)
        assert run(web, "CALL pymailadmin_request_cancel(%s)", ID) == 0
        assert db.value("SELECT state FROM pymailadmin_request") == state


WEB_MAY = [
    "SELECT * FROM pymailadmin_domain",
    "SELECT * FROM pymailadmin_mailbox",
    "SELECT * FROM pymailadmin_alias",
    "INSERT INTO pymailadmin_account (email, password, language, active) "
    "VALUES ('bob@other.test', REPEAT('x', 60), 'fr', 0)",
    "UPDATE pymailadmin_account SET email = 'b@other.test', language = 'fr', "
    "password = REPEAT('y', 60), active = 1, "
    "password_changed_at = UTC_TIMESTAMP() WHERE id = 7",
    "SELECT * FROM pymailadmin_account",
    "INSERT INTO pymailadmin_session (id_hash, account_id, csrf_key, "
    "expires_at) VALUES (REPEAT('i', 32), 7, REPEAT('c', 32), "
    "UTC_TIMESTAMP() + INTERVAL 1 DAY)",
    "UPDATE pymailadmin_session SET seen_at = UTC_TIMESTAMP()",
    "SELECT * FROM pymailadmin_session",
    "DELETE FROM pymailadmin_session",
    "INSERT INTO pymailadmin_registration (email, password, reason, "
    "token_hash, expires_at) VALUES ('c@other.test', REPEAT('x', 60), 'why', "
    "REPEAT('t', 32), UTC_TIMESTAMP() + INTERVAL 1 DAY)",
    "UPDATE pymailadmin_registration SET confirmed_at = UTC_TIMESTAMP()",
    "SELECT * FROM pymailadmin_registration",
    "DELETE FROM pymailadmin_registration",
    "INSERT INTO pymailadmin_account_domain VALUES (7, 'example.test')",
    "DELETE FROM pymailadmin_account_domain",
    "INSERT INTO pymailadmin_account_mailbox (address, account_id) "
    "VALUES ('alice@example.test', 7)",
    "SELECT * FROM pymailadmin_account_mailbox",
    "DELETE FROM pymailadmin_account_mailbox",
    "INSERT INTO pymailadmin_outbox (recipient, template, args) "
    "VALUES ('c@other.test', 'confirm', '{}')",
    "UPDATE pymailadmin_outbox SET sent_at = UTC_TIMESTAMP(), args = NULL",
    "DELETE FROM pymailadmin_outbox",
    "INSERT INTO pymailadmin_rate_limit VALUES ('login', '127.0.0.1', 5, "
    "UTC_TIMESTAMP(3)) ON DUPLICATE KEY UPDATE tokens = tokens - 1",
    "DELETE FROM pymailadmin_rate_limit",
    "INSERT INTO pymailadmin_event (actor, address, kind, text) "
    "VALUES ('a@other.test', 'alice@example.test', 'login', 'x')",
    "SELECT * FROM pymailadmin_event",
    "SELECT * FROM pymailadmin_heartbeat",
    "SELECT * FROM pymailadmin_schema_version",
    "DELETE FROM pymailadmin_account",
]


def test_what_the_portal_may_do_works(db):
    web = as_web(db)
    for statement in WEB_MAY:
        run(web, statement)


WEB_MAY_NOT = [
    # Sealed secrets and what is the administrator's.
    "SELECT * FROM pymailadmin_request",
    "SELECT sealed FROM pymailadmin_request",
    "SELECT id FROM pymailadmin_request WHERE sealed LIKE 'a%'",
    "SELECT id FROM pymailadmin_request ORDER BY sealed",
    "SELECT COUNT(sealed) FROM pymailadmin_request",
    "SELECT reason FROM pymailadmin_request",
    "SELECT claimed_by FROM pymailadmin_request",
    "INSERT INTO pymailadmin_event (actor, kind, text) "
    "SELECT 'x', 'x', sealed FROM pymailadmin_request",
    # Requests move only as the plugin moves them.
    "UPDATE pymailadmin_request SET state = 'switching'",
    "UPDATE pymailadmin_request SET state = 'canceled'",
    "UPDATE pymailadmin_request SET sealed = NULL",
    "UPDATE pymailadmin_request SET address = 'bob@example.test'",
    "UPDATE pymailadmin_request SET created_at = UTC_TIMESTAMP()",
    "UPDATE pymailadmin_request SET outcome = 'ok'",
    "DELETE FROM pymailadmin_request",
    "INSERT INTO pymailadmin_request (id, kind, address, created_at, state) "
    f"VALUES ('{ID}', 'password', 'b@example.test', UTC_TIMESTAMP(), "
    "'switching')",
    "INSERT INTO pymailadmin_request (id, kind, address, created_at, "
    f"retry_at) VALUES ('{ID}', 'password', 'b@example.test', "
    "UTC_TIMESTAMP(), '2999-01-01')",
    "INSERT INTO pymailadmin_request (id, kind, address, created_at, "
    f"claimed_by) VALUES ('{ID}', 'password', 'b@example.test', "
    "UTC_TIMESTAMP(), 'me')",
    "INSERT INTO pymailadmin_request (id, kind, address, created_at, "
    f"lease_until) VALUES ('{ID}', 'password', 'b@example.test', "
    "UTC_TIMESTAMP(), '2999-01-01')",
    f"REPLACE INTO pymailadmin_request (id, kind, address, created_at) "
    f"VALUES ('{ID}', 'password', 'b@example.test', UTC_TIMESTAMP())",
    "INSERT INTO pymailadmin_request (id, kind, address, created_at) "
    f"VALUES ('{ID}', 'password', 'b@example.test', UTC_TIMESTAMP()) "
    "ON DUPLICATE KEY UPDATE state = 'switching'",
    # The mail server's tables, through the views and past them.
    "UPDATE pymailadmin_mailbox SET password = 'x'",
    "UPDATE pymailadmin_mailbox SET active = 0",
    "UPDATE pymailadmin_mailbox SET quota = 0",
    "UPDATE pymailadmin_mailbox SET address = 'mallory@example.test'",
    "INSERT INTO pymailadmin_mailbox (domain_id, address, password) "
    "VALUES (1, 'mallory@example.test', 'x')",
    "DELETE FROM pymailadmin_mailbox",
    "INSERT INTO pymailadmin_domain (name) VALUES ('mallory.test')",
    "UPDATE pymailadmin_domain SET name = 'mallory.test'",
    "DELETE FROM pymailadmin_domain",
    "INSERT INTO pymailadmin_alias (domain_id, source, destination) "
    "VALUES (1, 'alice@example.test', 'mallory@example.test')",
    "UPDATE pymailadmin_alias SET destination = 'mallory@example.test'",
    "DELETE FROM pymailadmin_alias",
    "SELECT * FROM users",
    "UPDATE users SET crypt = 'x'",
    "INSERT INTO alias (domain_id, source, destination) VALUES (1, 'x', 'y')",
    "SELECT * FROM domain",
    # History, roles, and the schema itself.
    "UPDATE pymailadmin_event SET text = ''",
    "DELETE FROM pymailadmin_event",
    "INSERT INTO pymailadmin_event (created_at, actor, kind) "
    "VALUES ('2000-01-01', 'x', 'x')",
    "UPDATE pymailadmin_account SET role = 'super_admin'",
    "INSERT INTO pymailadmin_account (email, password, role) "
    "VALUES ('m@other.test', REPEAT('x', 60), 'super_admin')",
    "UPDATE pymailadmin_heartbeat SET seal_key_id = REPEAT('0', 16)",
    "INSERT INTO pymailadmin_heartbeat (host, version, last_run_at) "
    "VALUES ('x', '1', UTC_TIMESTAMP())",
    "DELETE FROM pymailadmin_heartbeat",
    "UPDATE pymailadmin_schema_version SET version = 9",
    "DROP TABLE pymailadmin_request",
    "ALTER TABLE pymailadmin_request DROP COLUMN sealed",
    "CREATE TABLE mine (id INT)",
    "CREATE OR REPLACE VIEW pymailadmin_mailbox AS SELECT 1",
    "DROP TRIGGER pymailadmin_request_not_from_the_future",
    "DROP PROCEDURE pymailadmin_request_cancel",
    "ALTER PROCEDURE pymailadmin_request_cancel SQL SECURITY INVOKER",
    "GRANT SELECT ON pymailadmin_request TO 'pymailadmin_web'@'%'",
    "SELECT * FROM mysql.global_priv",
    "SELECT LOAD_FILE('/etc/passwd') INTO OUTFILE '/tmp/x'",
    "SET GLOBAL general_log = 1",
    "SET SESSION check_constraint_checks = 0, GLOBAL event_scheduler = 1",
]


@pytest.mark.parametrize("statement", WEB_MAY_NOT)
def test_what_the_portal_may_not_do_is_refused(db, statement):
    assert error_of(as_web(db), statement) in DENIED


def test_the_portal_cannot_switch_uniqueness_off(db):
    """A session may switch checks off: what matters must not hang on them."""
    web = as_web(db)
    run(web, "SET SESSION check_constraint_checks = 0, unique_checks = 0, "
        "foreign_key_checks = 0")
    rows = [(f"{n:032x}", "alice@example.test") for n in range(3)]
    # Found at the row or, by InnoDB's bulk insert, at the commit.
    with pytest.raises(pymysql.err.MySQLError), web.cursor() as cursor:
        cursor.execute("INSERT INTO pymailadmin_request (id, kind, address, "
                       "created_at) VALUES " +
                       ", ".join(["(%s, 'password', %s, UTC_TIMESTAMP())"] * 3),
                       sum(rows, ()))
    assert db.value("SELECT COUNT(*) FROM pymailadmin_request") == 0


def test_rights_given_before_are_taken_away_from_the_portal(db):
    db.sql("GRANT SELECT ON users TO 'pymailadmin_web'@'%'")
    run(as_web(db), "SELECT * FROM users")
    db.load(SQL / "grants-web.sql")
    assert error_of(as_web(db), "SELECT * FROM users") in DENIED


def test_other_accounts_are_one_substitution_away(db):
    db.sql("CREATE OR REPLACE USER 'portal'@'127.0.0.1' IDENTIFIED BY 'p'")
    text = (SQL / "grants-web.sql").read_text()
    db.load(text.replace("'pymailadmin_web'@'%'", "'portal'@'127.0.0.1'"))
    connection = pymysql.connect(host="127.0.0.1", port=db.port,
                                 user="portal", password="p", database="mail",
                                 autocommit=True)
    assert file_request(connection) == 1
    assert error_of(connection, "UPDATE pymailadmin_request "
                    "SET state = 'done'") in DENIED
    connection.close()


def test_grants_for_an_account_that_is_not_there_make_none(db):
    text = (SQL / "grants-plugin.sql").read_text()
    with pytest.raises(RuntimeError, match="matching row in the user table"):
        db.load(text.replace("'dovecot'@'localhost'", "'nobody'@'localhost'"))


# The plugin's rights

PLUGIN_MAY = [
    "SELECT * FROM pymailadmin_request",
    "UPDATE pymailadmin_request SET state = 'claimed', claimed_by = 'h/1/2', "
    "lease_until = UTC_TIMESTAMP(), attempts = attempts + 1, "
    "retry_at = NULL, updated_at = UTC_TIMESTAMP()",
    "UPDATE pymailadmin_request SET state = 'failed', sealed = NULL, "
    "outcome = 'old_password', reason = 'x', ended_at = UTC_TIMESTAMP()",
    "DELETE FROM pymailadmin_request",
    "INSERT INTO pymailadmin_outbox (account_id, template, address, args) "
    "VALUES (7, 'changed', 'alice@example.test', NULL)",
    "INSERT INTO pymailadmin_event (actor, address, kind, request_id, text) "
    f"VALUES ('doveadm@host', 'alice@example.test', 'done', '{ID}', '')",
    "SELECT * FROM pymailadmin_event",
    "INSERT INTO pymailadmin_heartbeat (host, seal_key_id, version, "
    "last_run_at) VALUES ('host', REPEAT('0', 16), '1', UTC_TIMESTAMP()) "
    "ON DUPLICATE KEY UPDATE last_run_at = UTC_TIMESTAMP()",
    "SELECT * FROM pymailadmin_heartbeat",
    "SELECT * FROM pymailadmin_schema_version",
    "SELECT * FROM pymailadmin_domain",
    "SELECT * FROM pymailadmin_alias",
    "SELECT * FROM pymailadmin_mailbox",
    "UPDATE pymailadmin_mailbox SET password = 'x', active = 0",
    "DELETE FROM pymailadmin_account_mailbox "
    "WHERE address = 'alice@example.test'",
]


def test_what_the_plugin_may_do_works(db):
    plugin = as_plugin(db)
    file_request(plugin)
    for statement in PLUGIN_MAY:
        run(plugin, statement)


PLUGIN_MAY_NOT = [
    "UPDATE pymailadmin_request SET address = 'bob@example.test'",
    "UPDATE pymailadmin_request SET created_at = UTC_TIMESTAMP()",
    "UPDATE pymailadmin_request SET kind = 'delete'",
    "UPDATE pymailadmin_mailbox SET address = 'x@example.test'",
    "UPDATE users SET crypt = 'x'",
    "INSERT INTO pymailadmin_alias (domain_id, source, destination) "
    "VALUES (1, 'x@example.test', 'y@example.test')",
    "DELETE FROM pymailadmin_domain",
    "DELETE FROM pymailadmin_event",
    "SELECT * FROM pymailadmin_session",
    "SELECT * FROM pymailadmin_account",
    "SELECT * FROM pymailadmin_registration",
    "SELECT * FROM pymailadmin_outbox",
    "DROP TABLE pymailadmin_request",
    "CREATE TABLE mine (id INT)",
]


@pytest.mark.parametrize("statement", PLUGIN_MAY_NOT)
def test_what_the_plugin_may_not_do_is_refused(db, statement):
    assert error_of(as_plugin(db), statement) in DENIED

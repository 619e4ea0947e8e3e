"""The rights of the two accounts: all of them tried, and what they lack."""

import time

import pymysql
import pytest

from databases import (
    CHECK_FAILED, DENIED, FINAL, ID, as_plugin, as_web, call, db, enum_values,
    error_of, file_request, portal_file, run, server)
from mariadb import SQL


# The portal's rights

def test_the_portal_files_and_follows_a_request(db):
    web = as_web(db)
    assert portal_file(web) == "done"
    with web.cursor() as cursor:
        cursor.execute("SELECT state, kind, outcome, ended_at FROM "
                       "pymailadmin_request_view WHERE open_address = %s",
                       "alice@example.test")
        assert cursor.fetchall() == [{"state": "pending", "kind": "password",
                                      "outcome": None, "ended_at": None}]
    assert db.sql("SELECT state, attempts, claimed_by FROM "
                  "pymailadmin_request") == \
        [{"state": "pending", "attempts": 0, "claimed_by": None}]


def test_the_portal_cancels_what_nobody_works_on(db):
    web = as_web(db)
    portal_file(web)
    assert run(web, "CALL pymailadmin_request_cancel(%s)", "f" * 32) == 0
    assert run(web, "CALL pymailadmin_request_cancel(%s)", ID) == 1
    row, = db.sql("SELECT state, sealed, outcome, "
                  "TIMESTAMPDIFF(SECOND, ended_at, UTC_TIMESTAMP()) AS age "
                  "FROM pymailadmin_request")
    assert row["age"] in range(0, 10)
    assert (row["state"], row["sealed"], row["outcome"]) == \
        ("canceled", None, "canceled")
    # The mailbox may be asked for again.
    assert portal_file(web, "f" * 32) == "done"


def test_the_portal_cancels_nothing_else(db):
    web = as_web(db)
    portal_file(web)
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
    "UPDATE pymailadmin_account SET language = 'fr', "
    "password = REPEAT('y', 60), password_changed_at = UTC_TIMESTAMP(), "
    "totp_secret = 'x', totp_confirmed_at = UTC_TIMESTAMP(), "
    "totp_last_step = 1 WHERE id = 7",
    "SELECT * FROM pymailadmin_account",
    "INSERT INTO pymailadmin_session (id_hash, account_id, csrf_key, "
    "expires_at) VALUES (REPEAT('i', 32), 7, REPEAT('c', 32), "
    "UTC_TIMESTAMP() + INTERVAL 1 DAY)",
    "UPDATE pymailadmin_session SET seen_at = UTC_TIMESTAMP()",
    "SELECT * FROM pymailadmin_session",
    "DELETE FROM pymailadmin_session",
    "INSERT INTO pymailadmin_backup_code (account_id, code_hash) "
    "VALUES (7, REPEAT('c', 32))",
    "UPDATE pymailadmin_backup_code SET used_at = UTC_TIMESTAMP()",
    "DELETE FROM pymailadmin_backup_code",
    "UPDATE pymailadmin_account SET devices_since = UTC_TIMESTAMP()",
    "INSERT INTO pymailadmin_known_device (account_id, token_hash) "
    "VALUES (7, REPEAT('t', 32))",
    "UPDATE pymailadmin_known_device SET seen_at = UTC_TIMESTAMP()",
    "SELECT * FROM pymailadmin_known_device",
    "DELETE FROM pymailadmin_known_device",
    f"CALL pymailadmin_request_retry(7, '{ID}')",
    "INSERT INTO pymailadmin_password_reset (token_hash, account_id, "
    "expires_at) VALUES (REPEAT('t', 32), 7, UTC_TIMESTAMP())",
    "SELECT * FROM pymailadmin_password_reset",
    "DELETE FROM pymailadmin_password_reset",
    "SELECT * FROM pymailadmin_account_domain",
    "SELECT * FROM pymailadmin_account_mailbox",
    "INSERT INTO pymailadmin_outbox (recipient, template, args) "
    "VALUES ('c@other.test', 'confirm', '{}')",
    "UPDATE pymailadmin_outbox SET sent_at = UTC_TIMESTAMP(), args = NULL",
    "DELETE FROM pymailadmin_outbox",
    "INSERT INTO pymailadmin_rate_limit VALUES ('login', '127.0.0.1', 5, "
    "UTC_TIMESTAMP(3)) ON DUPLICATE KEY UPDATE tokens = tokens - 1",
    "DELETE FROM pymailadmin_rate_limit",
    "INSERT INTO pymailadmin_event (actor, address, kind, text, hidden) "
    "VALUES ('a@other.test', 'alice@example.test', 'login', 'x', 1)",
    "SELECT * FROM pymailadmin_event",
    "SELECT retry_at, mails_done, mails_total, bytes_done, bytes_total, storing_since, "
    "quota, backend FROM pymailadmin_request_view",
    "SELECT * FROM pymailadmin_heartbeat",
    "SELECT * FROM pymailadmin_schema_version",
    "CALL pymailadmin_reservations_clear()",
    "CALL pymailadmin_address_free(7, 'gone@example.test')",
    "SELECT address, reserved_until FROM pymailadmin_reserved_address",
    "CALL pymailadmin_registrations_keep(3600)",
    "SELECT id, email, language, reason, network, invitation_id, token_hash, "
    "created_at, confirmed_at, expires_at "
    "FROM pymailadmin_registration_view",
    "SELECT id, account_id, note, domains, uses, used, created_at, expires_at "
    "FROM pymailadmin_invitation_view",
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
    "UPDATE pymailadmin_request SET retry_at = NULL",
    "UPDATE pymailadmin_request SET address = 'bob@example.test'",
    "UPDATE pymailadmin_request SET created_at = UTC_TIMESTAMP()",
    "UPDATE pymailadmin_request SET outcome = 'ok'",
    "DELETE FROM pymailadmin_request",
    "INSERT INTO pymailadmin_request (id, kind, address, created_at) "
    f"VALUES ('{ID}', 'delete', 'alice@example.test', UTC_TIMESTAMP())",
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
    # Who owns what, and who there is.
    "INSERT INTO pymailadmin_account_mailbox (address, account_id) "
    "VALUES ('bob@example.test', 7)",
    "UPDATE pymailadmin_account_mailbox SET account_id = 7",
    "DELETE FROM pymailadmin_account_mailbox",
    "INSERT INTO pymailadmin_account_domain VALUES (7, 'example.test')",
    "DELETE FROM pymailadmin_account_domain",
    "INSERT INTO pymailadmin_account (email, password) "
    "VALUES ('m@other.test', REPEAT('x', 60))",
    "UPDATE pymailadmin_account SET email = 'm@other.test'",
    "UPDATE pymailadmin_account SET active = 1",
    "UPDATE pymailadmin_account SET max_mailboxes = 1000",
    "UPDATE pymailadmin_account SET max_aliases = 1000",
    "DELETE FROM pymailadmin_account",
    "SELECT * FROM pymailadmin_registration",
    "SELECT password FROM pymailadmin_registration",
    "INSERT INTO pymailadmin_registration (email, password, reason, "
    "expires_at) VALUES ('m@other.test', REPEAT('x', 60), 'x', '2999-01-01')",
    "UPDATE pymailadmin_registration SET confirmed_at = UTC_TIMESTAMP()",
    "UPDATE pymailadmin_registration SET email = 'm@other.test'",
    "DELETE FROM pymailadmin_registration",
    "SELECT code_hash FROM pymailadmin_invitation",
    "INSERT INTO pymailadmin_invitation (account_id, code_hash, domains, "
    "uses, expires_at) VALUES (7, REPEAT('c', 32), '[]', 9, '2999-01-01')",
    "UPDATE pymailadmin_invitation SET uses = 1000",
    "DELETE FROM pymailadmin_invitation",
    # Steps of procedures, without what comes before them.
    "CALL pymailadmin_address_taken('x@example.test', @taken)",
    "CALL pymailadmin_request_claim('', 'pending', '', 'h/1/2', '', 300)",
    "SELECT pymailadmin_backend_of('alice@example.test')",
    "SELECT pymailadmin_mailbox_backend('example.test', 'a@example.test')",
    "CALL pymailadmin_mailbox_lock(7, 'x@example.test', @a, @b, @c, @d, @e)",
    "CALL pymailadmin_alias_check('x@example.test', 'y', 1, @result)",
    "CALL pymailadmin_alias_change(7, 'x@example.test', '1', NULL)",
    "CALL pymailadmin_create_check(7, 'x@example.test', 9, @a, @result)",
    "CALL pymailadmin_moderator_lock(7, @a, @b, @result)",
    "CALL pymailadmin_domains_check(7, 1, '[]', @result)",
    "CALL pymailadmin_moderators_tell('registration-waiting')",
    "CALL pymailadmin_deletion_finish('x', 'y', 'z', 1)",
    # Addresses that were somebody's.
    "INSERT INTO pymailadmin_reserved_address (address, reserved_until) "
    "VALUES ('x@example.test', '2999-01-01')",
    "UPDATE pymailadmin_reserved_address SET reserved_until = '2000-01-01'",
    "DELETE FROM pymailadmin_reserved_address",
    "CALL pymailadmin_account_lock(7, 7, @a, @b, @result)",
    # What has a file of its own.
    "CALL pymailadmin_domain_add(7, 'gmail.com')",
    "CALL pymailadmin_domain_remove(7, 'example.test')",
    "INSERT INTO pymailadmin_domain (name) VALUES ('gmail.com')",
    "DELETE FROM pymailadmin_domain",
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
    "DROP TRIGGER pymailadmin_request_not_from_the_future",
    "DROP PROCEDURE pymailadmin_request_cancel",
    "ALTER PROCEDURE pymailadmin_request_cancel SQL SECURITY INVOKER",
    "CREATE OR REPLACE PROCEDURE pymailadmin_alias_add() SELECT 1",
    "SELECT LOAD_FILE('/etc/passwd') INTO OUTFILE '/tmp/x'",
    "SET SESSION check_constraint_checks = 0, GLOBAL event_scheduler = 1",
]


@pytest.mark.parametrize("statement", WEB_MAY_NOT)
def test_what_the_portal_may_not_do_is_refused(db, statement):
    assert error_of(as_web(db), statement) in DENIED


SWITCHES = "SET SESSION check_constraint_checks = 0, unique_checks = 0, " \
    "foreign_key_checks = 0, timestamp = 1000000000, sql_mode = '', " \
    "sql_select_limit = 0, tx_isolation = 'READ-UNCOMMITTED'"


def test_a_reservation_ends_by_the_real_time_only(db):
    db.sql("INSERT INTO pymailadmin_reserved_address VALUES ('gone@example.test',"
           " UTC_TIMESTAMP() + INTERVAL 1 DAY, UTC_TIMESTAMP())")
    web = as_web(db)
    run(web, "SET SESSION timestamp = 4000000000")
    run(web, "CALL pymailadmin_reservations_clear()")
    run(web, "SET SESSION timestamp = 4000000000")
    assert call(web, "alias_add", 7, "alice@example.test",
                "gone@example.test", 9) == "taken"
    assert call(web, "address_free", 7, "gone@example.test") == "not_found"
    db.sql("UPDATE pymailadmin_account SET role = 'super_admin'")
    assert call(web, "address_free", 7, "gone@example.test") == "done"
    assert call(web, "alias_add", 7, "alice@example.test",
                "gone@example.test", 9) == "done"


def test_what_a_session_may_switch_off_decides_nothing(db):
    """What matters must not hang on what the portal may set."""
    web = as_web(db)
    run(web, SWITCHES)
    assert error_of(web, "CALL pymailadmin_request_file(7, 'no id', "
                    "'password', 'alice@example.test', %s, 's', NULL, 3)",
                    int(time.time())) == CHECK_FAILED
    for request_id, created, result in (
            ("1", 1000000000, "malformed"), ("2", int(time.time()), "done"),
            ("3", int(time.time()), "busy")):
        run(web, SWITCHES)
        assert call(web, "request_file", 7, request_id * 32, "password",
                    "alice@example.test", created, "s", None, 3) == result
    run(web, SWITCHES)
    assert call(web, "alias_add", 7, "alice@example.test",
                "a@example.test", 9) == "taken"
    assert db.value("SELECT COUNT(*) FROM pymailadmin_request") == 1


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
                                 autocommit=True,
                                 cursorclass=pymysql.cursors.DictCursor)
    assert portal_file(connection) == "done"
    assert error_of(connection, "UPDATE pymailadmin_request "
                    "SET state = 'done'") in DENIED
    connection.close()


def test_grants_for_an_account_that_is_not_there_make_none(db):
    text = (SQL / "grants-plugin.sql").read_text()
    with pytest.raises(RuntimeError, match="matching row in the user table"):
        db.load(text.replace("'dovecot'@'localhost'", "'nobody'@'localhost'"))


# Who takes the portal over has its rights: what can be done with them

@pytest.mark.parametrize("statement", [
    # a mailbox that is there: neither owned, nor shadowed by an alias
    ("request_file", 7, ID, "create", "bob@example.test", 0, "s", 1, 9),
    ("request_file", 7, ID, "delete", "bob@example.test", 0, "s", None, 9),
    ("request_file", 7, ID, "password", "bob@example.test", 0, "s", None, 9),
    ("request_file", 7, ID, "create", "b@example.test", 0, "s", 1, 9),
    ("request_file", 7, ID, "encrypt", "alice@example.test", 0, "s", None, 9),
    ("request_file", 7, ID, "", "alice@example.test", 0, "s", None, 9),
    ("request_file", 7, ID, None, "alice@example.test", 0, "s", None, 9),
    ("request_file", None, ID, "delete", "alice@example.test", 0, "s", None, 9),
    ("request_file", 7, ID, "delete", None, 0, "s", None, 9),
    ("request_file", 7, ID, "password", "alice@example.test", 0, None, None, 9),
    ("request_file", 7, ID, "create", "new@example.test", 0, "s", 1, None),
    ("alias_add", 7, "alice@example.test", "bob@example.test", 9),
    ("alias_add", 7, "alice@example.test", "b@example.test", 9),
    ("alias_add", 7, "alice@example.test", "@example.test", 9),
    ("alias_add", 7, "alice@example.test", None, 9),
    ("alias_add", 7, "alice@example.test", "new@example.test", None),
    ("alias_add", 7, "bob@example.test", "new@example.test", 9),
    ("alias_add", None, "alice@example.test", "new@example.test", 9),
    ("alias_rename", 7, "alice@example.test", "2", "new@example.test"),
    ("alias_rename", 7, "alice@example.test", "1' OR '1", "new@example.test"),
    ("alias_delete", 7, "alice@example.test", "2"),
    ("alias_delete", 7, "bob@example.test", "2"),
    ("mailbox_give", 7, "bob@example.test", "alice@other.test", None),
    ("mailbox_give", None, "bob@example.test", "alice@other.test", None),
    ("account_set_role", 7, 7, "super_admin", "user"),
    ("account_set_limits", 7, 7, 1000, 1000),
    ("account_set_domains", 7, 7, '["example.test"]', False),
])
def test_nothing_is_taken_from_others(db, statement):
    db.sql("INSERT INTO users (domain_id, email, crypt) "
           "VALUES (1, 'bob@example.test', 'x')")
    db.sql("DELETE FROM alias")
    db.sql("INSERT INTO alias (id, domain_id, source, destination) VALUES "
           "(1, 1, 'a@example.test', 'alice@example.test'), "
           "(2, 1, 'b@example.test', 'bob@example.test')")
    tables = ("users", "alias", "pymailadmin_account_mailbox",
              "pymailadmin_request", "pymailadmin_event")
    before = [db.sql(f"SELECT * FROM {table}") for table in tables]
    arguments = list(statement[1:])
    if statement[0] == "request_file":
        arguments[4] = int(time.time())
    assert call(as_web(db), statement[0], *arguments) != "done"
    assert [db.sql(f"SELECT * FROM {table}") for table in tables] == before


@pytest.mark.parametrize("role, active, wait, result", [
    ("super_admin", 1, 60, "done"), ("super_admin", 1, None, "not_found"),
    ("super_admin", 1, -60, "not_found"), ("super_admin", 0, 60, "not_found"),
    ("admin", 1, 60, "not_found"), ("user", 1, 60, "not_found")])
def test_what_waits_is_tried_at_once_by_super_admins(db, role, active, wait,
                                                     result):
    portal_file(as_web(db))
    db.sql("UPDATE pymailadmin_account SET role = %s, active = %s", role,
           active)
    db.sql("DELETE FROM pymailadmin_event")
    root = db.connect()
    for state in enum_values(db, "state"):
        ended = state in FINAL
        run(root, "UPDATE pymailadmin_request SET state = %s, sealed = NULL, "
            "retry_at = UTC_TIMESTAMP() + INTERVAL %s SECOND, "
            "ended_at = IF(%s, UTC_TIMESTAMP(), NULL)", state, wait, ended)
        before = db.value("SELECT retry_at FROM pymailadmin_request")
        expected = "not_found" if ended else result
        assert call(as_web(db), "request_retry", 7, ID) == expected, state
        row, = db.sql("SELECT state, retry_at FROM pymailadmin_request")
        assert row == {"state": state, "retry_at":
                       None if expected == "done" else before}
    assert call(as_web(db), "request_retry", 7, "f" * 32) == "not_found"
    assert call(as_web(db), "request_retry", None, ID) == "not_found"
    events = db.sql("SELECT actor, address, kind, request_id "
                    "FROM pymailadmin_event")
    count = len(enum_values(db, "state")) - len(FINAL)
    assert events == [{"actor": "alice@other.test", "kind": "password-retried",
                       "address": "alice@example.test", "request_id": ID}] * (
        count if result == "done" else 0)


def test_a_procedure_is_whole_or_nothing_within_a_transaction(db):
    web = as_web(db)
    web.begin()
    assert call(web, "alias_add", 7, "alice@example.test", "x@example.test",
                9) == "done"
    assert portal_file(web) == "done"
    web.rollback()
    assert db.value("SELECT COUNT(*) FROM alias") == 1
    assert db.value("SELECT COUNT(*) FROM pymailadmin_request") == 0
    assert db.value("SELECT COUNT(*) FROM pymailadmin_event") == 0


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
    "SELECT id, role, active FROM pymailadmin_account_view",
    "SELECT * FROM pymailadmin_reserved_address",
    "DELETE FROM pymailadmin_reserved_address",
    "CALL pymailadmin_deletion_finish('x', 'y', 'z', 1)",
    "UPDATE pymailadmin_mailbox SET password = 'x'",
    "CALL pymailadmin_create_begin('', '', '', 0)",
    "CALL pymailadmin_create_activate('', '', '', 0)",
    "CALL pymailadmin_create_end('', '', '', '', '')",
    "CALL pymailadmin_mapping_check()",
    "SELECT pymailadmin_backend_of('alice@example.test')",
    "CALL pymailadmin_request_claim('', 'pending', '', 'h/1/2', '', 300)",
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
    # whose hosts work on it
    "UPDATE pymailadmin_request SET backend = 'x'",
    "SELECT pymailadmin_mailbox_backend('example.test', 'a@example.test')",
    "UPDATE pymailadmin_mailbox SET address = 'x@example.test'",
    "UPDATE pymailadmin_mailbox SET active = 1",
    "DELETE FROM pymailadmin_mailbox",
    "INSERT INTO pymailadmin_mailbox (domain_id, address, password) "
    "VALUES (1, 'x@example.test', 'x')",
    # only with a request
    "CALL pymailadmin_mailbox_insert('x@example.test', 'x', 0)",
    "CALL pymailadmin_mailbox_activate('alice@example.test')",
    "CALL pymailadmin_mailbox_remove('alice@example.test')",
    "DELETE FROM pymailadmin_alias",
    "UPDATE users SET crypt = 'x'",
    "INSERT INTO pymailadmin_alias (domain_id, source, destination) "
    "VALUES (1, 'x@example.test', 'y@example.test')",
    "DELETE FROM pymailadmin_domain",
    "DELETE FROM pymailadmin_event",
    "SELECT * FROM pymailadmin_session",
    "SELECT * FROM pymailadmin_account",
    "SELECT password FROM pymailadmin_account",
    "UPDATE pymailadmin_account SET role = 'super_admin'",
    "INSERT INTO pymailadmin_reserved_address (address, reserved_until) "
    "VALUES ('x@example.test', '2999-01-01')",
    "CALL pymailadmin_address_free(7, 'x@example.test')",
    "SELECT * FROM pymailadmin_registration",
    "SELECT * FROM pymailadmin_outbox",
    "DROP TABLE pymailadmin_request",
    "CREATE TABLE mine (id INT)",
]


@pytest.mark.parametrize("statement", PLUGIN_MAY_NOT)
def test_what_the_plugin_may_not_do_is_refused(db, statement):
    assert error_of(as_plugin(db), statement) in DENIED

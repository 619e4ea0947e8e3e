"""The schema, the views and the two accounts' rights, on a real MariaDB."""

import re
import subprocess

import pymysql
import pytest

from mariadb import SQL, MariaDB

TOP = SQL.parent
ID = "0123456789abcdef0123456789abcdef"
HASH = "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$c2FsdHNhbHQ$aGFzaA"
FINAL = ("done", "failed", "expired", "canceled")

# Refusals, by MariaDB's error numbers.
DENIED = (1044, 1045, 1142, 1143, 1227, 1370)
DUPLICATE = 1062
CHECK_FAILED = 4025
NOT_NULL = 1048
TOO_LONG = 1406


@pytest.fixture(scope="module")
def server():
    with MariaDB() as db:
        db.create_mail_database("dv", web_password="web")
        db.sql("INSERT INTO domain (domain) VALUES ('example.test')")
        yield db


@pytest.fixture
def db(server):
    """The server with one mailbox, one alias, one account, no request."""
    for table in ("request", "account", "outbox", "event", "registration",
                  "rate_limit", "heartbeat", "account_mailbox"):
        server.sql(f"DELETE FROM pymailadmin_{table}")
    server.sql("DELETE FROM users")
    server.sql("DELETE FROM alias")
    server.sql("INSERT INTO users (domain_id, email, crypt) "
               "VALUES (1, 'alice@example.test', %s)", HASH)
    server.sql("INSERT INTO alias (domain_id, source, destination) VALUES "
               "(1, 'a@example.test', 'alice@example.test')")
    server.sql("INSERT INTO pymailadmin_account (id, email, password) "
               "VALUES (7, 'alice@other.test', REPEAT('x', 60))")
    return server


def as_web(db):
    return db.connect("pymailadmin_web", "web")


def as_plugin(db):
    return db.connect("dovecot", "dv")


def run(connection, statement, *args):
    """Number of affected rows."""
    with connection.cursor() as cursor:
        return cursor.execute(statement, args or None)


def error_of(connection, statement, *args):
    with pytest.raises(pymysql.err.MySQLError) as caught:
        run(connection, statement, *args)
    return caught.value.args[0]


def file_request(connection, request_id=ID, address="alice@example.test",
                 kind="password"):
    return run(connection,
               "INSERT INTO pymailadmin_request "
               "(id, kind, address, account_id, created_at, sealed) "
               "VALUES (%s, %s, %s, NULL, UTC_TIMESTAMP(), 'sealed')",
               request_id, kind, address)


def enum_values(db, column):
    text = db.value("SELECT COLUMN_TYPE FROM information_schema.COLUMNS "
                    "WHERE TABLE_SCHEMA = 'mail' AND "
                    "TABLE_NAME = 'pymailadmin_request' AND COLUMN_NAME = %s",
                    column)
    return re.findall(r"'([^']*)'", text)


def own_tables(db):
    return [row["TABLE_NAME"] for row in db.sql(
        "SELECT TABLE_NAME FROM information_schema.TABLES "
        "WHERE TABLE_SCHEMA = 'mail' AND TABLE_TYPE = 'BASE TABLE' AND "
        "TABLE_NAME LIKE 'pymailadmin\\_%' ORDER BY TABLE_NAME")]


# The schema

def test_the_tables_of_the_design_are_there(db):
    assert own_tables(db) == ["pymailadmin_" + name for name in (
        "account", "account_domain", "account_mailbox", "event", "heartbeat",
        "outbox", "rate_limit", "registration", "request", "schema_version",
        "session")]
    for row in db.sql("SELECT ENGINE, TABLE_COLLATION FROM "
                      "information_schema.TABLES WHERE TABLE_SCHEMA = 'mail' "
                      "AND TABLE_NAME LIKE 'pymailadmin\\_%' AND "
                      "TABLE_TYPE = 'BASE TABLE'"):
        assert row == {"ENGINE": "InnoDB",
                       "TABLE_COLLATION": "utf8mb4_uca1400_nopad_as_ci"}


def test_every_table_and_index_is_commented(db):
    assert db.sql("SELECT TABLE_NAME FROM information_schema.TABLES "
                  "WHERE TABLE_SCHEMA = 'mail' AND TABLE_TYPE = 'BASE TABLE' "
                  "AND TABLE_NAME LIKE 'pymailadmin\\_%' "
                  "AND TABLE_COMMENT = ''") == []
    assert db.sql("SELECT DISTINCT TABLE_NAME, INDEX_NAME "
                  "FROM information_schema.STATISTICS "
                  "WHERE TABLE_SCHEMA = 'mail' AND "
                  "TABLE_NAME LIKE 'pymailadmin\\_%' "
                  "AND INDEX_COMMENT = ''") == []
    # What the name says already needs no comment.
    assert db.sql("SELECT TABLE_NAME, COLUMN_NAME "
                  "FROM information_schema.COLUMNS c "
                  "JOIN information_schema.TABLES t "
                  "USING (TABLE_SCHEMA, TABLE_NAME) "
                  "WHERE TABLE_SCHEMA = 'mail' AND TABLE_TYPE = 'BASE TABLE' "
                  "AND TABLE_NAME LIKE 'pymailadmin\\_%' "
                  "AND COLUMN_NAME NOT IN ('id', 'account_id') "
                  "AND COLUMN_COMMENT = ''") == []


def test_loading_twice_changes_nothing(db):
    file_request(db.connect())
    before = dump(db)
    for name in ("0001-initial.sql", "views-default.sql", "grants-web.sql",
                 "grants-plugin.sql"):
        db.load(SQL / name)
    assert dump(db) == before
    assert "password_changed_at" in before and ID in before


def dump(db):
    text = subprocess.run(
        ["mariadb-dump", "--no-defaults", f"--socket={db.socket}",
         "--user=root", "--skip-dump-date", "--routines", "--triggers",
         "--order-by-primary", "mail"],
        check=True, capture_output=True, text=True).stdout
    return text + str([db.sql(f"SELECT {columns} FROM mysql.{table} "
                              f"ORDER BY {columns}") for table, columns in (
        ("tables_priv", "Host, User, Table_name, Table_priv, Column_priv"),
        ("columns_priv", "Host, User, Table_name, Column_name, Column_priv"),
        ("procs_priv", "Host, User, Routine_name, Proc_priv"))])


def test_no_foreign_key_reaches_the_admins_tables(db):
    keys = db.sql("SELECT TABLE_NAME, REFERENCED_TABLE_NAME FROM "
                  "information_schema.REFERENTIAL_CONSTRAINTS "
                  "WHERE CONSTRAINT_SCHEMA = 'mail'")
    ours = [key for key in keys
            if any(name.startswith("pymailadmin_") for name in key.values())]
    assert ours
    for key in ours:
        assert key["TABLE_NAME"].startswith("pymailadmin_")
        assert key["REFERENCED_TABLE_NAME"].startswith("pymailadmin_")


def test_the_files_that_are_installed_are_those_that_are_there():
    listed = re.findall(r"\S+\.sql", (SQL / "Makefile.am").read_text())
    assert sorted(listed) == sorted(path.name for path in SQL.glob("*.sql"))


@pytest.mark.parametrize("column, prefix",
                         [("state", "REQUEST_STATE_"),
                          ("kind", "REQUEST_KIND_")])
def test_states_and_kinds_are_those_of_the_contract(db, column, prefix):
    contract = TOP / "plugin" / "contract"
    names = dict(re.findall(rf'\[({prefix}\w+)\] = \{{? ?"([a-z]+)"',
                            (contract / "request-state.c").read_text()))
    order = re.findall(rf"^\t({prefix}\w+),$",
                       (contract / "request-state.h").read_text(), re.M)
    assert len(order) >= 3
    # Same names, same order: the index of an ENUM sorts like the C enum.
    assert enum_values(db, column) == [names[name] for name in order]


# What the tables refuse

def test_one_open_request_per_mailbox(db):
    root = db.connect()
    assert file_request(root) == 1
    other = "f" * 32
    for address in ("alice@example.test", "ALICE@Example.TEST"):
        assert error_of(root, "INSERT INTO pymailadmin_request "
                        "(id, kind, address, created_at) "
                        "VALUES (%s, 'delete', %s, UTC_TIMESTAMP())",
                        other, address) == DUPLICATE
    for state in enum_values(db, "state"):
        run(root, "UPDATE pymailadmin_request SET state = %s, sealed = NULL "
            "WHERE id = %s", state, ID)
        filed = "INSERT INTO pymailadmin_request (id, kind, address, " \
            "created_at) VALUES (%s, 'password', 'alice@example.test', " \
            "UTC_TIMESTAMP())"
        if state in FINAL:
            assert run(root, filed, other) == 1, state
            run(root, "DELETE FROM pymailadmin_request WHERE id = %s", other)
        else:
            assert error_of(root, filed, other) == DUPLICATE, state


def test_addresses_differ_by_accents_and_trailing_spaces(db):
    root = db.connect()
    for n, address in enumerate(("alice@example.test", "alicé@example.test",
                                 "alice@example.test ")):
        assert file_request(root, f"{n:032x}", address) == 1


@pytest.mark.parametrize("column, value, error", [
    ("id", "0123456789ABCDEF0123456789ABCDEF", CHECK_FAILED),
    ("id", "01234567", CHECK_FAILED),
    ("address", "a@", CHECK_FAILED),
    ("address", "a" * 255, TOO_LONG),
    ("sealed", b"", CHECK_FAILED),
    ("sealed", b"x" * 2049, TOO_LONG),
    ("sealed", b"x" * 1000000, TOO_LONG),
    ("created_at", "2999-01-01 00:00:00", NOT_NULL),
    ("created_at", None, NOT_NULL),
])
def test_a_malformed_request_is_not_taken(db, column, value, error):
    row = {"id": ID, "kind": "password", "address": "alice@example.test",
           "created_at": "2020-01-01 00:00:00", "sealed": b"x", column: value}
    assert error_of(db.connect(), "INSERT INTO pymailadmin_request "
                    "(id, kind, address, created_at, sealed) "
                    "VALUES (%s, %s, %s, %s, %s)", *row.values()) == error


def test_a_clock_set_back_stops_no_work_on_a_request(db):
    root = db.connect()
    file_request(root)
    run(root, "SET timestamp = UNIX_TIMESTAMP() - 86400")
    assert run(root, "UPDATE pymailadmin_request SET state = 'claimed', "
               "updated_at = UTC_TIMESTAMP() WHERE id = %s", ID) == 1


@pytest.mark.parametrize("state", FINAL)
def test_a_request_cannot_end_with_its_secrets(db, state):
    root = db.connect()
    file_request(root)
    end = "UPDATE pymailadmin_request SET state = %s"
    assert error_of(root, end, state) == CHECK_FAILED
    assert run(root, end + ", sealed = NULL", state) == 1


# The views

def test_an_update_through_the_view_and_a_request_is_one_statement(db):
    plugin = as_plugin(db)
    file_request(plugin)
    run(plugin, "UPDATE pymailadmin_request SET state = 'switching', "
        "claimed_by = 'host/1/2' WHERE id = %s", ID)
    switch = "UPDATE pymailadmin_request r, pymailadmin_mailbox m " \
        "SET m.password = %s, r.state = 'switched' WHERE r.id = %s AND " \
        "r.state = 'switching' AND r.claimed_by = %s AND m.address = %s"
    new = HASH + "new"
    # Not ours, or no such mailbox: nothing at all changes.
    assert run(plugin, switch, new, ID, "host/9/9", "alice@example.test") == 0
    assert run(plugin, switch, new, ID, "host/1/2", "nobody@example.test") == 0
    assert db.value("SELECT crypt FROM users") == HASH
    assert run(plugin, switch, new, ID, "host/1/2", "alice@example.test") == 2
    assert db.value("SELECT crypt FROM users") == new
    assert db.value("SELECT state FROM pymailadmin_request") == "switched"
    assert run(plugin, switch, new, ID, "host/1/2", "alice@example.test") == 0


def test_the_views_map_every_column(db):
    assert db.sql("SELECT name FROM pymailadmin_domain") == \
        [{"name": "example.test"}]
    assert db.sql("SELECT address, password, quota, active "
                  "FROM pymailadmin_mailbox") == \
        [{"address": "alice@example.test", "password": HASH, "quota": 0,
          "active": 1}]
    assert db.sql("SELECT source, destination FROM pymailadmin_alias") == \
        [{"source": "a@example.test", "destination": "alice@example.test"}]
    assert db.sql("SELECT TABLE_NAME FROM information_schema.VIEWS WHERE "
                  "TABLE_SCHEMA = 'mail' AND (IS_UPDATABLE <> 'YES' OR "
                  "ALGORITHM <> 'MERGE' OR SECURITY_TYPE <> 'DEFINER')") == []


def test_the_plugin_makes_and_removes_a_mailbox(db):
    plugin = as_plugin(db)
    assert run(plugin, "INSERT INTO pymailadmin_mailbox (domain_id, address, "
               "password, quota, active) "
               "VALUES (1, 'bob@example.test', %s, 0, 0)", HASH) == 1
    assert run(plugin, "UPDATE pymailadmin_mailbox SET active = 1 "
               "WHERE address = 'bob@example.test'") == 1
    assert run(plugin, "DELETE FROM pymailadmin_alias "
               "WHERE destination = 'alice@example.test'") == 1
    assert run(plugin, "DELETE FROM pymailadmin_mailbox "
               "WHERE address = 'alice@example.test'") == 1
    assert db.sql("SELECT email, active FROM users") == \
        [{"email": "bob@example.test", "active": 1}]


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

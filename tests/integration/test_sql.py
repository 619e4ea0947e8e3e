"""The schema and the views, on a real MariaDB."""

import re
import subprocess

import pytest

from databases import (
    CHECK_FAILED, DUPLICATE, FINAL, HASH, ID, NOT_NULL, TOO_LONG, as_plugin,
    call, db, enum_values, error_of, file_request, run, server)
from mariadb import SQL

TOP = SQL.parent


def own_tables(db):
    return [row["TABLE_NAME"] for row in db.sql(
        "SELECT TABLE_NAME FROM information_schema.TABLES "
        "WHERE TABLE_SCHEMA = 'mail' AND TABLE_TYPE = 'BASE TABLE' AND "
        "TABLE_NAME LIKE 'pymailadmin\\_%' ORDER BY TABLE_NAME")]


# The schema

def test_the_tables_of_the_design_are_there(db):
    assert own_tables(db) == ["pymailadmin_" + name for name in (
        "account", "account_domain", "account_mailbox", "backup_code", "event",
        "heartbeat", "invitation", "known_device", "outbox", "password_reset",
        "rate_limit", "registration", "request", "reserved_address",
        "schema_version", "session")]
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
    for path in (*sorted(SQL.glob("0*.sql")), SQL / "views-default.sql",
                 SQL / "grants-web.sql", SQL / "grants-plugin.sql"):
        db.load(path)
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
        if state in (*FINAL, "storing"):
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
    db.sql("INSERT INTO pymailadmin_request (id, kind, address, created_at, "
           "state, claimed_by, quota) VALUES (%s, 'create', "
           "'bob@example.test', UTC_TIMESTAMP(), 'claimed', 'h/1/2', 7)", ID)
    assert call(plugin, "create_begin", ID, "h/9/9", HASH,
                60) == "lost"
    assert call(plugin, "create_begin", ID, "h/1/2", HASH,
                60) == "done"
    assert db.sql("SELECT quota, active FROM users "
                  "WHERE email = 'bob@example.test'") == \
        [{"quota": 7, "active": 0}]
    assert call(plugin, "create_activate", ID, "h/1/2", "other",
                60) == "unknown_mailbox"
    assert call(plugin, "create_activate", ID, "h/1/2", HASH,
                60) == "done"
    db.sql("INSERT INTO pymailadmin_request (id, kind, address, created_at, "
           "state, claimed_by) VALUES (REVERSE(%s), 'delete', "
           "'alice@example.test', UTC_TIMESTAMP(), 'rekeying', 'h/1/2')", ID)
    for claimed_by, result in (("h/9/9", "lost"), ("h/1/2", "done")):
        assert call(plugin, "deletion_finish", ID[::-1], claimed_by, "/home",
                    60) == result
    assert db.sql("SELECT source FROM alias") == []
    assert db.sql("SELECT email, active FROM users") == \
        [{"email": "bob@example.test", "active": 1}]


# The statement of each log-in

def test_the_log_in_statement_reads_one_row_by_the_index(db):
    db.sql("INSERT INTO pymailadmin_request (id, kind, address, created_at, "
           "state) SELECT LPAD(seq, 32, '0'), 'password', "
           "CONCAT('user', seq, '@example.test'), UTC_TIMESTAMP(), "
           "IF(seq % 2, 'pending', 'done') FROM seq_1_to_10000")
    db.sql("ANALYZE TABLE pymailadmin_request")
    source = (TOP / "plugin" / "auth-lookup.c").read_text()
    define = re.search(r"#define LOOKUP_QUERY((?:.*\\\n)+.*\n)", source)[1]
    source = "".join(re.findall(r'"([^"]*)"', define))
    assert source.startswith("SELECT") and source.count("?") == 1
    for charset in ("utf8mb4", "latin1"):
        plugin = db.connect("dovecot", "dv", read_timeout=5)
        run(plugin, f"SET NAMES {charset}")
        with plugin.cursor() as cursor:
            cursor.execute("EXPLAIN " + source.replace("?", "%s"),
                           "User4711@example.test")
            plan, = cursor.fetchall()
            assert (plan["type"], plan["key"], int(plan["rows"])) == \
                ("const", "open_address", 1)
            cursor.execute(source.replace("?", "%s"), "User4711@example.test")
            assert len(cursor.fetchall()) == 1
            cursor.execute(source.replace("?", "%s"), "user4712@example.test")
            assert not cursor.fetchall()


# Housekeeping

def test_owners_of_nothing_are_looked_for_in_an_index(db):
    """Of a million owners, no row is read but those that go."""
    db.sql("INSERT IGNORE INTO pymailadmin_account_mailbox (address, "
           "account_id, created_at) SELECT CONCAT('m', seq, '@example.test'), "
           "7, UTC_TIMESTAMP() - INTERVAL seq HOUR FROM seq_1_to_3000")
    db.sql("INSERT INTO users (domain_id, email, crypt) SELECT 1, address, 'x' "
           "FROM pymailadmin_account_mailbox WHERE address LIKE 'm%'")
    db.sql("ANALYZE TABLE pymailadmin_account_mailbox, users")
    text = (SQL / "0014-scale.sql").read_text()
    [select] = re.findall(r"CURSOR FOR\n(.*?);", text, re.DOTALL)
    plan = {row["table"]: row for row in db.sql("EXPLAIN " + select)}
    assert plan["o"]["key"] == "created_at", plan
    assert "Using index" in plan["o"]["Extra"], plan


def test_housekeeping_waits_for_nobody_it_does_not_clear(db):
    """Of a million owners, somebody always is being looked at."""
    db.sql("INSERT INTO pymailadmin_account (id, email, password) "
           "VALUES (77, 'seventy-seven@post.test', REPEAT('x', 60))")
    db.sql("INSERT IGNORE INTO pymailadmin_account_mailbox (address, "
           "account_id, created_at) SELECT email, 77, '2001-01-01' FROM users")
    db.sql("INSERT INTO pymailadmin_account_mailbox (address, account_id, "
           "created_at) VALUES ('old@example.test', 77, '2001-01-01'), "
           "('new@example.test', 77, UTC_TIMESTAMP())")
    owned = db.value("SELECT COUNT(*) FROM pymailadmin_account_mailbox")
    holder = db.connect(autocommit=False)
    run(holder, "SELECT * FROM pymailadmin_account_mailbox "
        "WHERE address = 'new@example.test' FOR UPDATE")
    run(holder, "SELECT * FROM pymailadmin_account WHERE id = 77 FOR UPDATE")
    keeper = db.connect(init_command="SET innodb_lock_wait_timeout = 1")
    run(keeper, "CALL pymailadmin_reservations_clear()")
    run(keeper, "UPDATE pymailadmin_account SET totp_secret=NULL,"
        "totp_last_step=NULL WHERE totp_secret IS NOT NULL AND "
        "totp_confirmed_at IS NULL AND NOT EXISTS (SELECT 1 FROM "
        "pymailadmin_session s WHERE s.account_id=pymailadmin_account.id)")
    holder.close()
    keeper.close()
    assert db.value("SELECT COUNT(*) FROM pymailadmin_account_mailbox") == \
        owned - 1

"""Every right tried on everything that is in the database, for both accounts:
what rights.py names is allowed, and nothing else."""

import re

import pymysql
import pytest

import rights
from databases import DENIED, as_plugin, as_web, db, server

__all__ = ["db", "server"]
ACCOUNTS = {"web": (as_web, rights.WEB), "plugin": (as_plugin, rights.PLUGIN)}
RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "EXECUTE")
PREFIX = "pymailadmin_"
SYNTAX = 1064
DENIED = (*DENIED, 1698)


def parse(text):
    """{name: {right: columns, or None for all}}"""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found = {}
    for line in "\n".join(lines).replace("\n\t", " ").splitlines():
        if not line:
            continue
        names, _, allowed = line.partition(":")
        each = {match[1]: match[2] and set(match[2].split()) for match in
                re.finditer(r"([A-Z]+)(?:\(([^)]*)\))?", allowed)}
        assert set(each) <= set(RIGHTS), line
        for name in names.split():
            assert name not in found, name
            found[name] = each
    return found


def tables(db):
    """{name: columns} of all, views too."""
    found = {}
    for row in db.sql("SELECT TABLE_NAME AS t, COLUMN_NAME AS c FROM "
                      "information_schema.COLUMNS WHERE "
                      "TABLE_SCHEMA = DATABASE() ORDER BY 1, 2"):
        found.setdefault(row["t"], []).append(row["c"])
    return found


def routines(db):
    """{name: (kind, [mode of each parameter])}"""
    found = {row["n"]: (row["k"], []) for row in db.sql(
        "SELECT ROUTINE_NAME AS n, ROUTINE_TYPE AS k FROM "
        "information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()")}
    for row in db.sql("SELECT SPECIFIC_NAME AS n, PARAMETER_MODE AS m FROM "
                      "information_schema.PARAMETERS WHERE SPECIFIC_SCHEMA = "
                      "DATABASE() AND ORDINAL_POSITION > 0 ORDER BY "
                      "SPECIFIC_NAME, ORDINAL_POSITION"):
        found[row["n"]][1].append(row["m"])
    return found


def is_allowed(connection, statement):
    """Whatever else is wrong with a statement, its rights come first."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            cursor.fetchall()
    except pymysql.err.MySQLError as error:
        assert error.args[0] != SYNTAX, statement
        return error.args[0] not in DENIED
    finally:
        if connection.get_autocommit() is False:
            connection.rollback()
    return True


def call_of(name, kind, modes):
    arguments = ", ".join(f"@out{i}" if mode != "IN" else "NULL"
                          for i, mode in enumerate(modes))
    return f"CALL {name}({arguments})" if kind == "PROCEDURE" else \
        f"SELECT {name}({arguments})"


def attempts(table, column):
    """None of them meets a row."""
    return {
        "SELECT": f"SELECT {column} FROM {table} WHERE FALSE",
        "INSERT": f"INSERT INTO {table} ({column}) "
                  "SELECT NULL FROM DUAL WHERE FALSE",
        "UPDATE": f"UPDATE {table} SET {column} = NULL WHERE FALSE",
    }


def expected(allowed, columns):
    """{(right, column)}; a right to the whole table has no column."""
    found = set()
    for right, some in allowed.items():
        if right in ("DELETE", "EXECUTE"):
            found.add((right, None))
        else:
            assert not some or some <= set(columns), some - set(columns)
            found |= {(right, column) for column in some or columns}
    return found


@pytest.mark.parametrize("account", ACCOUNTS)
def test_everything_is_named(db, account):
    """So that what is new is thought about."""
    names = parse(ACCOUNTS[account][1])
    there = {name for name in (*tables(db), *routines(db))
             if name not in rights.MAIL_TABLES}
    assert {PREFIX + name for name in names} == there


@pytest.mark.parametrize("account", ACCOUNTS)
def test_each_column_of_each_table(db, account):
    connect, text = ACCOUNTS[account]
    names, connection = parse(text), connect(db)
    views = {row["name"] for row in db.sql(
        "SELECT TABLE_NAME AS name FROM information_schema.VIEWS "
        "WHERE TABLE_SCHEMA = DATABASE()")}
    if account == "plugin":
        own = {name: {"SELECT": None} for name in rights.MAIL_TABLES}
    else:
        own = {name: {} for name in rights.MAIL_TABLES}
    wrong = {}
    for table, columns in tables(db).items():
        allowed = own[table] if table in own else \
            names[table.removeprefix(PREFIX)]
        seen = {(right, column) for column in columns
                for right, statement in attempts(table, column).items()
                if is_allowed(connection, statement)}
        if is_allowed(connection, f"DELETE FROM {table} WHERE FALSE"):
            seen.add(("DELETE", None))
        # These are rights to all columns, as is one to some.
        if table not in views:
            whole = {("SELECT", column) for column in columns} <= seen
            for statement in (f"HANDLER {table} OPEN AS x",
                              f"CHECKSUM TABLE {table}"):
                if is_allowed(connect(db), statement) != whole:
                    seen.add(("SELECT", statement))
        difference = seen ^ expected(allowed, columns)
        if difference:
            wrong[table] = sorted(map(str, difference))
    assert wrong == {}


@pytest.mark.parametrize("account", ACCOUNTS)
def test_each_routine(db, account):
    connect, text = ACCOUNTS[account]
    names, connection = parse(text), connect(db)
    connection.begin()
    for name, (kind, modes) in routines(db).items():
        allowed = "EXECUTE" in names[name.removeprefix(PREFIX)]
        assert is_allowed(connection, call_of(name, kind, modes)) == allowed, \
            name
        for statement in (f"DROP {kind} {name}",
                          f"ALTER {kind} {name} SQL SECURITY INVOKER"):
            assert not is_allowed(connection, statement), statement


@pytest.mark.parametrize("account", ACCOUNTS)
def test_the_tables_are_nobodys_to_change(db, account):
    connection = ACCOUNTS[account][0](db)
    root = db.connect()
    for table, columns in tables(db).items():
        for statement in (
                f"DROP TABLE {table}", f"DROP VIEW {table}",
                f"TRUNCATE TABLE {table}",
                f"ALTER TABLE {table} DROP COLUMN {columns[0]}",
                f"ALTER TABLE {table} COMMENT 'x'",
                f"RENAME TABLE {table} TO away",
                f"CREATE INDEX x ON {table} ({columns[0]})",
                f"CREATE TRIGGER x BEFORE INSERT ON {table} FOR EACH ROW "
                "SET @x = 1",
                f"CREATE OR REPLACE VIEW {table} AS SELECT 1",
                f"CREATE OR REPLACE TABLE {table} (id INT)",
                f"LOCK TABLES {table} WRITE",
                f"GRANT SELECT ON {table} TO CURRENT_USER",
                f"GRANT SELECT ON {table} TO PUBLIC"):
            assert not is_allowed(connection, statement), statement
    for row in db.sql("SELECT TRIGGER_NAME AS name FROM "
                      "information_schema.TRIGGERS WHERE "
                      "TRIGGER_SCHEMA = DATABASE()"):
        assert not is_allowed(connection, f"DROP TRIGGER {row['name']}")
    assert is_allowed(root, "SELECT 1")


# Of the server, whatever the database.
NOBODY_MAY = [
    "CREATE TABLE mine (id INT)", "CREATE TEMPORARY TABLE mine (id INT)",
    "CREATE VIEW mine AS SELECT 1", "CREATE PROCEDURE mine() SELECT 1",
    "CREATE FUNCTION mine() RETURNS INT RETURN 1",
    "CREATE FUNCTION mine RETURNS STRING SONAME 'udf.so'",
    "CREATE AGGREGATE FUNCTION mine RETURNS STRING SONAME 'udf.so'",
    "CREATE EVENT mine ON SCHEDULE EVERY 1 SECOND DO SELECT 1",
    "CREATE SEQUENCE mine", "CREATE DATABASE mine", "DROP DATABASE mail",
    "ALTER DATABASE mail COMMENT 'x'",
    "CREATE USER mine", "DROP USER root@localhost", "CREATE ROLE mine",
    "RENAME USER root@localhost TO me@localhost",
    "ALTER USER root@localhost IDENTIFIED BY 'x'",
    "SET PASSWORD FOR root@localhost = PASSWORD('x')",
    "GRANT ALL ON *.* TO CURRENT_USER", "GRANT PROXY ON root TO CURRENT_USER",
    "GRANT FILE ON *.* TO CURRENT_USER",
    "CREATE SERVER mine FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'x')",
    # files
    "SELECT 1 INTO OUTFILE '/tmp/mine'", "SELECT 1 INTO DUMPFILE '/tmp/mine'",
    "LOAD DATA INFILE '/etc/passwd' INTO TABLE pymailadmin_event (actor)",
    "SELECT 1 FROM mysql.user", "SELECT 1 FROM mysql.global_priv",
    "SELECT 1 FROM mysql.proc", "SELECT 1 FROM mysql.general_log",
    "SELECT 1 FROM mysql.procs_priv", "SELECT 1 FROM mysql.tables_priv",
    "SELECT 1 FROM sys.session", "SELECT 1 FROM other.secret",
    "INSERT INTO other.secret VALUES (1)", "CREATE TABLE other.mine (id INT)",
    "USE mysql", "USE other", "SHOW TABLES FROM other",
    # other people's statements, and the server itself
    "SHOW ENGINE INNODB STATUS", "SHOW MASTER STATUS", "SHOW BINARY LOGS",
    "SHOW BINLOG EVENTS", "SHOW RELAYLOG EVENTS",
    "SHOW GRANTS FOR root@localhost", "SHOW CREATE USER root@localhost",
    "SET GLOBAL general_log = 1", "SET GLOBAL event_scheduler = 1",
    "SET GLOBAL max_connections = 1", "SET GLOBAL read_only = 1",
    "SET SESSION sql_log_bin = 0", "SET SESSION binlog_format = 'STATEMENT'",
    "SHUTDOWN", "FLUSH PRIVILEGES", "FLUSH TABLES WITH READ LOCK",
    "FLUSH LOGS", "RESET MASTER", "RESET QUERY CACHE", "PURGE BINARY LOGS "
    "BEFORE NOW()", "CHANGE MASTER TO MASTER_HOST = 'x'", "START SLAVE",
    "BACKUP STAGE START", "INSTALL SONAME 'x'", "INSTALL PLUGIN x SONAME 'x'",
    "UNINSTALL SONAME 'x'", "EXECUTE IMMEDIATE 'DROP TABLE users'",
    "CREATE DEFINER = root@localhost PROCEDURE mine() SELECT 1",
    "CREATE DEFINER = root@localhost VIEW mine AS SELECT * FROM users",
    "BEGIN NOT ATOMIC DELETE FROM users; END",
    "WITH x AS (SELECT password FROM pymailadmin_registration) SELECT 1 FROM x",
    "CALL mysql.AddGeometryColumn('a', 'b', 'c', 'd', 1)",
]


@pytest.fixture
def other(server):
    """Another database, of which neither account may even know."""
    server.load("CREATE DATABASE IF NOT EXISTS other; CREATE TABLE IF NOT "
                "EXISTS other.secret (id INT)")
    yield
    server.sql("DROP DATABASE other")


@pytest.mark.parametrize("account", ACCOUNTS)
def test_nothing_of_the_server(db, other, account):
    wrong = [statement for statement in NOBODY_MAY
             if is_allowed(ACCOUNTS[account][0](db), statement)]
    assert wrong == []


@pytest.mark.parametrize("account", ACCOUNTS)
def test_what_is_not_seen(db, other, account):
    """Where MariaDB hides instead of refusing."""
    connection = ACCOUNTS[account][0](db)
    root = db.connect()

    def rows(statement):
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return [tuple(row.values()) for row in cursor.fetchall()]

    assert rows("SELECT LOAD_FILE('/etc/passwd')") == [(None,)]
    assert {row[0] for row in rows("SHOW DATABASES")} == \
        {"information_schema", "mail"}
    assert rows("SELECT * FROM information_schema.TABLES "
                "WHERE TABLE_SCHEMA = 'other'") == []
    assert {row[1] for row in rows("SHOW FULL PROCESSLIST")} == \
        {rows("SELECT SUBSTRING_INDEX(USER(), '@', 1)")[0][0]}
    assert {row[0] for row in rows(
        "SELECT ROUTINE_DEFINITION FROM information_schema.ROUTINES "
        "WHERE ROUTINE_SCHEMA = 'mail'")} == {None}
    with pytest.raises(pymysql.err.MySQLError, match="not owner"):
        rows(f"KILL {root.thread_id()}")
    # Nobody got what was tried above.
    assert {row[0] for row in db.sql(
        "SELECT User FROM mysql.user", cursorclass=pymysql.cursors.Cursor)} \
        <= {"root", "mariadb.sys", "mysql", "dovecot", "pymailadmin_web"}

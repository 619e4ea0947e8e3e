"""The files of views for the tables of others, with their own tables."""

import re

import pymysql
import pytest

from databases import ID, TOO_LONG, call, error_of, file_request, run
from mariadb import MariaDB, SQL
from schemas import POSTFIXADMIN, WITH_FILES

ALICE, BOB, CAROL = (f"{name}@example.test" for name in
                     ("alice", "bob", "carol"))
HASH = "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$c2FsdHNhbHRzYWx0$" + "a" * 43
NO_SUCH_DOMAIN = 1644
OWNER, ROOT = 7, 8


@pytest.fixture(scope="module", params=WITH_FILES, ids=lambda each: each.name)
def loaded(request):
    """A server with the schema and all of ours."""
    schema = request.param
    with MariaDB() as db:
        schema.create(db)
        schema.load(db)
        db.sql("CREATE USER 'dovecot'@'localhost' IDENTIFIED BY 'dv'")
        schema.add_domain(db, "example.test")
        schema.add_domain(db, "other.test")
        schema.add_mailbox(db, ALICE, HASH)
        db.sql("INSERT INTO pymailadmin_account (id, email, password, role) "
               "VALUES (7, 'a@post.test', REPEAT('x', 60), 'user'), "
               "(8, 'r@post.test', REPEAT('x', 60), 'super_admin')")
        db.sql("INSERT INTO pymailadmin_account_mailbox (address, account_id) "
               "VALUES (%s, 7)", ALICE)
        yield schema, db


@pytest.fixture
def schema(loaded):
    return loaded[0]


@pytest.fixture
def db(loaded):
    """What a test changes, it takes back."""
    return loaded[1]


@pytest.fixture
def connection(db):
    """One that nothing remains of."""
    connection = db.connect(autocommit=False, init_command="SET SESSION "
                            "sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE'")
    connection.begin()
    yield connection
    connection.rollback()
    connection.close()


def rows(connection, statement, *args):
    with connection.cursor() as cursor:
        cursor.execute(statement, args or None)
        return cursor.fetchall()


def test_what_there_is_is_seen(db):
    domains = {row["name"]: row["id"]
               for row in db.sql("SELECT * FROM pymailadmin_domain")}
    assert set(domains) == {"example.test", "other.test"}
    [mailbox] = db.sql("SELECT * FROM pymailadmin_mailbox")
    assert mailbox == {
        "id": mailbox["id"], "domain_id": domains["example.test"],
        "address": ALICE, "password": HASH, "quota": 1 << 30, "active": 1}
    assert db.sql("SELECT * FROM pymailadmin_alias") == []


def test_a_mailbox_comes_and_goes(schema, connection):
    run(connection, "CALL pymailadmin_mailbox_insert(%s, %s, %s)", BOB, HASH,
        5 << 30)
    has_active = not schema.name.startswith("ispmail")
    [mailbox] = rows(connection, "SELECT m.*, d.name FROM pymailadmin_mailbox "
                     "m JOIN pymailadmin_domain d ON d.id = m.domain_id "
                     "WHERE m.address = %s", BOB)
    assert (mailbox["name"], mailbox["password"], mailbox["quota"],
            mailbox["active"]) == ("example.test", HASH, 5 << 30,
                                   0 if has_active else 1)
    run(connection, "CALL pymailadmin_mailbox_activate(%s)", BOB)
    assert run(connection, "UPDATE pymailadmin_mailbox SET password = 'new' "
               "WHERE address = %s", BOB) == 1
    assert rows(connection, "SELECT password, active FROM pymailadmin_mailbox "
                "WHERE address = %s", BOB) == [
                    {"password": "new", "active": 1}]
    run(connection, "CALL pymailadmin_alias_insert(%s, %s)", BOB, CAROL)
    run(connection, "CALL pymailadmin_mailbox_remove(%s)", BOB)
    run(connection, "CALL pymailadmin_mailbox_remove(%s)", BOB)
    assert [row["address"] for row in rows(
        connection, "SELECT address FROM pymailadmin_mailbox")] == [ALICE]
    # Its aliases are the caller's.
    assert run(connection, "DELETE FROM pymailadmin_alias "
               "WHERE destination = %s", BOB) == 1


def test_a_mailbox_of_no_domain_is_refused(connection):
    for address in ("bob@nowhere.test", "bob", ""):
        assert error_of(connection,
                        "CALL pymailadmin_mailbox_insert(%s, 'x', 0)",
                        address) == NO_SUCH_DOMAIN
    assert error_of(connection, "CALL pymailadmin_mailbox_insert(%s, 'x', 0)",
                    ALICE) == pymysql.constants.ER.DUP_ENTRY
    assert len(rows(connection, "SELECT 1 FROM pymailadmin_mailbox")) == 1


def test_the_procedures_leave_transactions_alone(connection):
    for statement in ("mailbox_insert(%s, 'x', 1)", "mailbox_activate(%s)",
                      "alias_insert(%s, 'a@example.test')",
                      "mailbox_remove(%s)"):
        with connection.cursor() as cursor:
            cursor.execute(f"CALL pymailadmin_{statement}", BOB)
            # And select nothing.
            assert cursor.description is None
        assert rows(connection, "SELECT @@in_transaction AS t") == [{"t": 1}]


def test_a_password_is_switched(db):
    """As the mail host does it, with a request at once."""
    db.load(SQL / "grants-plugin.sql")
    plugin = db.connect("dovecot", "dv", autocommit=False)
    file_request(plugin, address=ALICE)
    assert run(plugin, "UPDATE pymailadmin_request r,pymailadmin_mailbox m "
               "SET m.password=%s,r.state='switched',"
               "r.updated_at=UTC_TIMESTAMP() WHERE r.id=%s AND "
               "r.state='pending' AND m.address=%s AND BINARY m.password=%s",
               "new", ID, ALICE, HASH) == 2
    assert rows(plugin, "SELECT password FROM pymailadmin_mailbox "
                "WHERE address=%s", ALICE) == [{"password": "new"}]
    plugin.rollback()
    plugin.close()


def test_a_hash_that_is_too_long_is_not_cut(db):
    loose = db.connect(autocommit=False, init_command="SET sql_mode=''")
    assert error_of(loose, "CALL pymailadmin_mailbox_insert(%s, %s, 0)", BOB,
                    "x" * 256) == TOO_LONG
    loose.close()


def test_an_alias_comes_changes_and_goes(schema, db):
    web = db.connect()
    assert call(web, "alias_add", OWNER, ALICE, "wonderland@example.test",
                3) == "done"
    assert schema.aliases(db) == {"wonderland@example.test": ALICE}
    [alias] = db.sql("SELECT * FROM pymailadmin_alias")
    [mailbox] = db.sql("SELECT domain_id FROM pymailadmin_mailbox")
    assert alias == {"id": alias["id"], "domain_id": mailbox["domain_id"],
                     "source": "wonderland@example.test", "destination": ALICE}
    assert call(web, "alias_add", OWNER, ALICE, "wonderland@example.test",
                3) == "taken"
    assert call(web, "alias_rename", OWNER, ALICE, str(alias["id"]),
                "rabbit@example.test") == "done"
    assert schema.aliases(db) == {"rabbit@example.test": ALICE}
    [alias] = db.sql("SELECT * FROM pymailadmin_alias")
    assert call(web, "alias_delete", OWNER, ALICE, str(alias["id"])) == "done"
    assert schema.aliases(db) == {}
    # The mailbox itself, whatever row the schema has for it, is untouched.
    assert call(web, "alias_add", OWNER, ALICE, ALICE, 3) == "taken"
    assert call(web, "alias_delete", OWNER, ALICE, ALICE) == "not_found"


def test_a_super_admin_adds_a_catch_all(schema, db):
    web = db.connect()
    assert call(web, "alias_add", ROOT, ALICE, "@example.test", 3) == "done"
    assert schema.aliases(db) == {"@example.test": ALICE}
    [alias] = db.sql("SELECT * FROM pymailadmin_alias")
    assert call(web, "alias_delete", ROOT, ALICE, str(alias["id"])) == "done"


def test_loading_twice_changes_nothing(schema, db):
    def shown():
        return [db.sql(f"SHOW CREATE VIEW pymailadmin_{view}")
                for view in ("domain", "mailbox", "alias")] + db.sql(
            "SELECT ROUTINE_NAME, ROUTINE_DEFINITION, SECURITY_TYPE "
            "FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s "
            "ORDER BY 1", schema.database)
    before = shown()
    db.load(SQL / schema.views)
    assert shown() == before


def test_all_files_have_the_same_names():
    names = {path.name: re.findall(
        r"^CREATE .*?\b(?:VIEW|PROCEDURE|FUNCTION) (?:IF NOT EXISTS )?(\w+)",
        path.read_text(),
        re.MULTILINE | re.DOTALL) for path in SQL.glob("views-*.sql")}
    assert len(names) == 3
    for found in names.values():
        assert found == names["views-default.sql"]
        assert len(found) == 8


def test_where_a_mailbox_is_can_be_said(schema, db):
    """As the comments of the file say it, by domain or by mailbox."""
    text = (SQL / schema.views).read_text()
    [by_domain, by_mailbox] = re.findall(
        r"^--   (RETURN [^$]*?) \$\$$", text, re.MULTILINE)
    [start] = re.findall(r"^CREATE FUNCTION IF NOT EXISTS.*?(?=\tRETURN NULL)",
                         text, re.MULTILINE | re.DOTALL)
    start = start.replace("FUNCTION IF NOT EXISTS", "OR REPLACE FUNCTION")
    tables = dict(re.findall(r"FROM (\w+) AS v\n.*?WHERE v\.(\w+)", by_mailbox))
    assert len(tables) == 2
    of = "SELECT pymailadmin_backend_of(%s)"
    assert db.value(of, ALICE) is None
    for table in tables:
        db.sql(f"ALTER TABLE {table} ADD COLUMN host VARCHAR(60) NOT NULL "
               "DEFAULT ''")
    try:
        (mailboxes, address), (domains, name) = tables.items()
        db.sql(f"UPDATE {domains} SET host = 'a' WHERE {name} = 'example.test'")
        db.sql(f"UPDATE {domains} SET host = '' WHERE {name} = 'other.test'")
        for body, of_alice in ((by_domain, "a"), (by_mailbox, "b")):
            db.sql(f"UPDATE {mailboxes} SET host = 'b' WHERE {address} = %s",
                   ALICE)
            db.load("DELIMITER $$\n" + start + body.replace("\n--", "\n") +
                    " $$\nDELIMITER ;\n")
            assert [db.value(of, each) for each in (
                ALICE, BOB, ALICE.upper(), "x@other.test", "x@no.test", "x",
                "")] == [of_alice, "a", of_alice, None, None, None, None]
        # One that is made without the column is where its domain is.
        db.sql("CALL pymailadmin_mailbox_insert(%s, 'x', 0)", BOB)
        assert db.value(of, BOB) == "a"
        # It stays if the file is loaded as it is.
        db.load(SQL / schema.views)
        assert db.value(of, ALICE) == "b"
    finally:
        db.sql("CALL pymailadmin_mailbox_remove(%s)", BOB)
        db.sql("DROP FUNCTION pymailadmin_mailbox_backend")
        db.load(SQL / schema.views)
        for table in tables:
            db.sql(f"ALTER TABLE {table} DROP COLUMN host")
    assert db.value(of, ALICE) is None


# PostfixAdmin

@pytest.fixture(scope="module", params=[each for each in WITH_FILES
                                        if each.views == POSTFIXADMIN.views],
                ids=lambda each: each.name)
def postfixadmin(request):
    with MariaDB() as db:
        request.param.create(db)
        request.param.load(db)
        for name in ("ALL", "example.test", "backup.test"):
            request.param.add_domain(db, name)
        db.sql("UPDATE domain SET backupmx = 1 WHERE domain = 'backup.test'")
        request.param.add_mailbox(db, ALICE, HASH)
        db.sql("INSERT INTO pymailadmin_account (id, email, password, role) "
               "VALUES (8, 'r@post.test', REPEAT('x', 60), 'super_admin')")
        yield db


def test_domains_without_mailboxes_are_not_seen(postfixadmin):
    assert postfixadmin.sql("SELECT id, name FROM pymailadmin_domain") == [
        {"id": "example.test", "name": "example.test"}]
    connection = postfixadmin.connect()
    for domain in ("ALL", "backup.test"):
        assert error_of(connection,
                        "CALL pymailadmin_mailbox_insert(%s, 'x', 0)",
                        f"x@{domain}") == NO_SUCH_DOMAIN


def test_rows_of_mailboxes_and_of_several_are_nobodys_aliases(postfixadmin):
    db = postfixadmin
    db.sql("INSERT INTO mailbox (username, password, name, maildir, "
           "local_part, domain) VALUES (%s, 'x', '', 'm', 'bob', "
           "'example.test')", BOB)
    # Bob's mail is led to Alice's mailbox: that is no alias of hers.
    db.sql("INSERT INTO alias (address, goto, domain) VALUES "
           "(%s, %s, 'example.test'), "
           "('team@example.test', %s, 'example.test')", BOB, ALICE,
           f"{ALICE},{BOB}")
    assert db.sql("SELECT source FROM pymailadmin_alias "
                  "WHERE destination = %s", ALICE) == []
    web = db.connect()
    for source in (BOB, "team@example.test"):
        assert call(web, "alias_add", ROOT, ALICE, source, 9) == "taken"
        assert call(web, "alias_delete", ROOT, ALICE, source) == "not_found"
    assert db.value("SELECT COUNT(*) FROM alias") == 3
    # It goes with the mailbox that it is of.
    db.sql("CALL pymailadmin_mailbox_remove(%s)", BOB)
    assert {row["address"] for row in db.sql("SELECT address FROM alias")} == {
        ALICE, "team@example.test"}
    db.sql("DELETE FROM alias WHERE address = 'team@example.test'")


@pytest.mark.parametrize("form, expected", [
    ("example.test/alice/", "example.test/bob/"),
    ("example.test/alice@example.test/", "example.test/bob@example.test/"),
    ("alice@example.test/", "bob@example.test/"),
    ("/odd/alice", "example.test/bob/")])
def test_a_mailbox_is_complete(postfixadmin, form, expected):
    db = postfixadmin
    db.sql("UPDATE mailbox SET maildir = %s", form)
    db.sql("CALL pymailadmin_mailbox_insert(%s, %s, %s)", BOB, HASH, 1 << 30)
    [mailbox] = db.sql("SELECT *, created > NOW() - INTERVAL 1 MINUTE AS new, "
                       "password_expiry > NOW() + INTERVAL 364 DAY AS valid "
                       "FROM mailbox WHERE username = %s", BOB)
    assert {name: mailbox[name] for name in (
        "username", "password", "name", "maildir", "quota", "local_part",
        "domain", "active", "new", "valid")} == {
        "username": BOB, "password": HASH, "name": "", "maildir": expected,
        "quota": 1 << 30, "local_part": "bob", "domain": "example.test",
        "active": 0, "new": 1, "valid": 1}
    alias = "SELECT goto, domain, active FROM alias WHERE address = %s"
    assert db.sql(alias, BOB) == [
        {"goto": BOB, "domain": "example.test", "active": 0}]
    db.sql("CALL pymailadmin_mailbox_activate(%s)", BOB)
    assert db.value("SELECT active FROM mailbox WHERE username = %s", BOB)
    assert db.sql(alias, BOB)[0]["active"] == 1
    db.sql("CALL pymailadmin_mailbox_remove(%s)", BOB)
    assert db.sql(alias, BOB) == []


def test_all_that_belongs_to_a_mailbox_goes_with_it(postfixadmin):
    db = postfixadmin
    db.sql("CALL pymailadmin_mailbox_insert(%s, 'x', 0)", BOB)
    own = {"fetchmail": "mailbox", "vacation": "email", "quota": "username",
           "quota2": "username", "vacation_notification": "on_vacation"}
    if db.sql("SHOW TABLES LIKE 'mailbox_app_password'"):
        own |= {"mailbox_app_password": "username",
                "totp_exception_address": "username"}
    loose = db.connect(init_command="SET sql_mode=''")
    for address in (ALICE, BOB):
        for table, column in own.items():
            run(loose, f"INSERT INTO {table} ({column}) VALUES (%s)", address)
    db.sql("CALL pymailadmin_mailbox_remove(%s)", BOB)
    for table, column in own.items():
        assert db.sql(f"SELECT {column} FROM {table}") == [{column: ALICE}]


def test_what_is_compared_with_ours_is_comparable(loaded):
    """Though some tables are in latin1."""
    _, db = loaded
    db.sql("CALL pymailadmin_reservations_clear()")
    for view, column in (("domain", "name"), ("mailbox", "address"),
                         ("alias", "destination")):
        db.sql("SELECT 1 FROM pymailadmin_account_mailbox o JOIN "
               f"pymailadmin_{view} v ON v.{column} = "
               "CAST(o.address AS CHAR)")

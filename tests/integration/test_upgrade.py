"""Tables of each earlier version become those of the newest, by the command
and by hand, with what is in them; and who meets tables it does not know."""

import contextlib
import re
import shutil
import subprocess

import pymysql
import pytest

import mailclients
import messages
import seals
from changes import assert_opens
from mailhost import MailHost
from mariadb import SQL, VERSIONS, MariaDB, free_port
from webserver import WebServer

NEWEST = VERSIONS[-1]
FILES = {int(path.name[:4]): path for path in SQL.glob("0*.sql")}
CHECK = SQL.parent / "plugin" / "sql-check.h"
NEEDED = int(re.search(r"SQL_SCHEMA_VERSION (\d+)", CHECK.read_text())[1])
PLUGIN, WEB = "'dovecot'@'localhost'", "'pymailadmin_web'@'%'"

# One row of each kind, since which version, all of whose columns stay.
ROWS = [
    (1, "INSERT INTO pymailadmin_account (id, email, password) "
     "VALUES (7, 'sam@other.test', REPEAT('x', 60))"),
    (1, "INSERT INTO pymailadmin_session (id_hash, account_id, csrf_key, "
     "expires_at) VALUES (REPEAT('s', 32), 7, REPEAT('c', 32), '2999-01-01')"),
    (1, "INSERT INTO pymailadmin_registration (email, password, language, "
     "reason, token_hash, expires_at) VALUES ('new@other.test', "
     "REPEAT('x', 60), 'fr', 'ça', REPEAT('t', 32), '2999-01-01')"),
    (1, "INSERT INTO pymailadmin_account_domain VALUES (7, 'example.test')"),
    (1, "INSERT INTO pymailadmin_account_mailbox (address, account_id) "
     "VALUES ('sam@example.test', 7)"),
    (1, "INSERT INTO pymailadmin_request (id, kind, address, created_at, "
     "state, outcome, ended_at) VALUES (REPEAT('1', 32), 'password', "
     "'sam@example.test', '2026-01-01', 'done', 'done', '2026-01-01')"),
    (2, "INSERT INTO pymailadmin_request (id, kind, address, created_at, "
     "state, sealed, mails_done, storing_since) VALUES (REPEAT('2', 32), "
     "'password', 'old@example.test', UTC_TIMESTAMP(), 'storing', 'x', 1, "
     "UTC_TIMESTAMP())"),
    (1, "INSERT INTO pymailadmin_outbox (account_id, template, address) "
     "VALUES (7, 'password-done', 'sam@example.test')"),
    (1, "INSERT INTO pymailadmin_event (actor, kind, text) "
     "VALUES ('sam@other.test', 'login', 'é')"),
    (1, "INSERT INTO pymailadmin_rate_limit (name, subject, tokens, "
     "updated_at) VALUES ('login', 'x', 1, UTC_TIMESTAMP(3))"),
    (1, "INSERT INTO pymailadmin_heartbeat (host, version, last_run_at) "
     "VALUES ('elsewhere', '0', '2026-01-01')"),
    (3, "INSERT INTO pymailadmin_backup_code (account_id, code_hash) "
     "VALUES (7, REPEAT('b', 32))"),
    (3, "INSERT INTO pymailadmin_password_reset (token_hash, account_id, "
     "expires_at) VALUES (REPEAT('r', 32), 7, '2999-01-01')"),
    (4, "INSERT INTO pymailadmin_invitation (account_id, code_hash, domains, "
     "uses, expires_at) VALUES (7, REPEAT('i', 32), '[\"example.test\"]', 3, "
     "'2999-01-01')"),
    (6, "INSERT INTO pymailadmin_known_device (account_id, token_hash) "
     "VALUES (7, REPEAT('d', 32))"),
    (8, "INSERT INTO pymailadmin_reserved_address (address, reserved_until) "
     "VALUES ('gone@example.test', '2999-01-01')"),
]


def names(db, what="TABLE_TYPE = 'BASE TABLE'"):
    return [row["name"] for row in db.sql(
        "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE "
        "TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'pymailadmin%' AND " +
        what)]


def routines(db):
    """[(kind, name)]: procedures and functions."""
    return [tuple(row.values()) for row in db.sql(
        "SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES "
        "WHERE ROUTINE_SCHEMA = DATABASE() ORDER BY 2")]


def triggers(db):
    return [row["name"] for row in db.sql(
        "SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS "
        "WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY 1")]


def drop_ours(db):
    statements = ["SET foreign_key_checks = 0"]
    statements += [f"DROP VIEW {name}"
                   for name in names(db, "TABLE_TYPE = 'VIEW'")]
    statements += [f"DROP TABLE {name}" for name in names(db)]
    statements += [f"DROP {kind} {name}" for kind, name in routines(db)]
    statements += [f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {account}"
                   for account in (PLUGIN, WEB)]
    statements += [f"GRANT SELECT ON {table} TO {PLUGIN}"
                   for table in ("domain", "users", "alias")]
    db.load("; ".join(statements) + ";")


def load_version(db, version):
    """Tables of that version with rows in them, and of the rights those that
    all versions have."""
    drop_ours(db)
    for number in VERSIONS:
        if number <= version:
            db.load(FILES[number])
    db.load(SQL / "views-default.sql")
    statements = [row for since, row in ROWS if since <= version]
    statements += [
        f"GRANT SELECT ON pymailadmin_request TO {PLUGIN}",
        f"GRANT SELECT ON pymailadmin_schema_version TO {PLUGIN}",
        f"GRANT INSERT ON pymailadmin_heartbeat TO {PLUGIN}",
        f"GRANT SELECT, INSERT ON pymailadmin_session TO {WEB}"]
    db.load("; ".join(statements) + ";")


def described(db):
    """All that is ours, as a server tells it."""
    found = {}
    for name in names(db, "TRUE"):
        found[name] = list(db.sql(f"SHOW CREATE TABLE {name}")[0].values())[1]
    for kind, name in routines(db):
        found[name] = list(
            db.sql(f"SHOW CREATE {kind} {name}")[0].values())[1:3]
    for name in triggers(db):
        found[name] = list(
            db.sql(f"SHOW CREATE TRIGGER {name}")[0].values())[1:3]
    found["versions"] = db.sql("SELECT version, description FROM "
                               "pymailadmin_schema_version ORDER BY 1")
    for account in (PLUGIN, WEB):
        found[account] = sorted(
            next(iter(row.values()))
            for row in db.sql(f"SHOW GRANTS FOR {account}"))
    return {name: re.sub(r" AUTO_INCREMENT=\d+", "", str(text))
            for name, text in found.items()}


def contents(db, like=None):
    """Rows of all tables: of the columns of an earlier time."""
    return {name: db.sql(f"SELECT {', '.join(like[name][0])} FROM {name}"
                         if like and like[name] else f"SELECT * FROM {name}")
            for name in (like or names(db))
            if name != "pymailadmin_schema_version"}


@contextlib.contextmanager
def altered(db, statement):
    before = db.sql("SELECT * FROM pymailadmin_schema_version")
    db.sql(statement)
    try:
        yield
    finally:
        db.sql("DELETE FROM pymailadmin_schema_version")
        for row in before:
            db.sql("INSERT INTO pymailadmin_schema_version VALUES "
                   "(%s, %s, %s)", *row.values())


@pytest.fixture(scope="module")
def host():
    with MailHost() as host:
        host.db.add_web_account("web")
        host.fresh = described(host.db)
        host.other = host.create("other")
        yield host


def upgrade(host, *words, **options):
    return host.doveadm("-f", "json", "pymailadmin", "upgrade", *words,
                        **options)


def loaded(result):
    return [(row["file"], row["for"], row["result"]) for row in result.json]


def rights(result):
    return [("grants-plugin.sql", PLUGIN, result),
            ("grants-web.sql", WEB, result)]


# From each version

@pytest.mark.parametrize("version", VERSIONS[:-1])
def test_the_command_makes_the_newest(host, version):
    mailbox = host.create(f"sealed{version}")
    load_version(host.db, version)
    mailbox.deliver(messages.small(version))
    everything = mailbox.everything()
    seals.file(mailbox, mailbox.password, "new")
    before, kept = described(host.db), contents(host.db)
    if version < NEEDED:
        refused = host.process().expect(78)
        assert f"of version {version}, {NEEDED} is needed; run: " \
            "doveadm pymailadmin upgrade" in refused.stderr
        assert contents(host.db) == kept
    # Nobody is locked out by that, but whose mailbox is closed.
    host.other.imap().shutdown()
    with pytest.raises(mailclients.Refused, match="UNAVAILABLE"):
        mailbox.imap()

    missing = [FILES[number].name for number in VERSIONS if number > version]
    shown = upgrade(host, "--dry-run").expect(0)
    assert loaded(shown) == [(name, "", "to be loaded") for name in missing] \
        + rights("to be loaded")
    assert described(host.db) == before
    done = upgrade(host).expect(0)
    assert loaded(done) == [(name, "", "loaded") for name in missing] \
        + rights("loaded")
    assert described(host.db) == host.fresh
    assert contents(host.db, {name: rows and [list(rows[0])] for name, rows
                              in kept.items()}) == kept
    # What was sealed before is opened after.
    host.process().expect(0)
    assert host.row(mailbox)["state"] == "done"
    assert_opens(mailbox, "new", everything)


@pytest.fixture(scope="module")
def by_hand():
    with MariaDB() as db:
        db.create_mail_database("dv", web_password="web")
        db.fresh = described(db)
        yield db


@pytest.mark.parametrize("version", VERSIONS[:-1])
def test_the_files_make_the_newest(by_hand, version):
    load_version(by_hand, version)
    kept = contents(by_hand)
    for number in VERSIONS:
        if number > version:
            by_hand.load(FILES[number])
    for name in ("views-default.sql", "grants-plugin.sql", "grants-web.sql"):
        by_hand.load(SQL / name)
    assert described(by_hand) == by_hand.fresh
    assert contents(by_hand, {name: rows and [list(rows[0])] for name, rows
                              in kept.items()}) == kept


# What else the command meets

def test_it_goes_on_where_it_stopped(host, tmp_path):
    """And says in which file and line."""
    load_version(host.db, NEWEST)
    folder = shutil.copytree(SQL, tmp_path / "sql")
    (folder / "0901-one.sql").write_text(
        "CREATE TABLE one (id INT);\n"
        "INSERT IGNORE INTO pymailadmin_schema_version "
        "(version, description) VALUES (901, 'one');\n")
    (folder / "0902-two.sql").write_text(
        "-- two\n\nCREATE TABLE two (id INT);\nCREATE TABEL three (id INT);\n")
    try:
        stopped = upgrade(host, "--files", folder).expect(70)
        assert loaded(stopped) == [("0901-one.sql", "", "loaded"),
                                   ("0902-two.sql", "", "failed")]
        assert f"load({folder}/0902-two.sql) failed: ERROR 1064" in \
            stopped.stderr
        assert "at line 4" in stopped.stderr
        (folder / "0902-two.sql").write_text("CREATE TABLE IF NOT EXISTS two "
                                             "(id INT);\n")
        done = upgrade(host, "--files", folder).expect(0)
        assert loaded(done) == [("0902-two.sql", "", "loaded")] + \
            rights("loaded")
        # An older pymailadmin's files do nothing to it.
        before = described(host.db)
        refused = upgrade(host).expect(78)
        assert f"of version 901, the files in /usr/share/pymailadmin/sql " \
            f"end with version {NEWEST}" in refused.stderr
        assert described(host.db) == before
    finally:
        host.db.load("DROP TABLE IF EXISTS one, two; DELETE FROM "
                     "pymailadmin_schema_version WHERE version > 900;")
    assert loaded(upgrade(host).expect(0)) == rights("loaded")
    assert described(host.db) == host.fresh


def test_a_missing_one_in_between_is_loaded_with_all_after_it(host):
    load_version(host.db, NEWEST)
    gap = VERSIONS[-3]
    with altered(host.db, "DELETE FROM pymailadmin_schema_version "
                 f"WHERE version = {gap}"):
        shown = upgrade(host, "--dry-run").expect(0)
    assert [name for name, _, _ in loaded(shown)[:3]] == \
        [FILES[number].name for number in VERSIONS[-3:]]


def test_accounts_of_other_names_keep_what_they_had(host):
    db = host.db
    load_version(db, NEWEST)
    db.load("CREATE USER 'portal'@'10.0.0.2', 'backup'@'localhost';"
            "GRANT SELECT ON mail.* TO 'backup'@'localhost';"
            "GRANT INSERT ON pymailadmin_session TO 'backup'@'localhost';"
            f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {WEB};")
    for name in ("grants-web.sql", "grants-web-domains.sql"):
        db.load((SQL / name).read_text().replace(WEB, "'portal'@'10.0.0.2'"))
    try:
        before = db.sql("SHOW GRANTS FOR 'portal'@'10.0.0.2'")
        assert loaded(upgrade(host).expect(0)) == [
            ("grants-plugin.sql", PLUGIN, "loaded"),
            ("grants-web.sql", "'backup'@'localhost'", "left out: the account "
             "has rights to a whole database, which this takes away"),
            ("grants-web.sql", "'portal'@'10.0.0.2'", "loaded"),
            ("grants-web-domains.sql", "'portal'@'10.0.0.2'", "loaded")]
        assert sorted(map(str, db.sql("SHOW GRANTS FOR 'portal'@'10.0.0.2'"))) \
            == sorted(map(str, before))
        assert len(db.sql("SHOW GRANTS FOR 'backup'@'localhost'")) == 3
    finally:
        db.load("DROP USER 'portal'@'10.0.0.2', 'backup'@'localhost'")


@pytest.mark.parametrize("more", ["mail.*", "mysql.*", "*.*"])
def test_dovecots_account_may_read_whole_databases(host, more):
    """As that of ISPmail's guide, which is to read its tables."""
    load_version(host.db, VERSIONS[-2])
    host.db.sql(f"GRANT SELECT ON {more} TO {PLUGIN}")
    try:
        assert loaded(upgrade(host).expect(0))[-2:] == rights("loaded")
        host.process().expect(0)
    finally:
        host.db.sql(f"REVOKE SELECT ON {more} FROM {PLUGIN}")
    assert described(host.db) == host.fresh


def test_dovecots_account_is_not_found(host):
    """It has lost the right by which it is."""
    load_version(host.db, NEWEST)
    host.db.sql(f"REVOKE INSERT ON pymailadmin_heartbeat FROM {PLUGIN}")
    result = upgrade(host).expect(78)
    assert loaded(result) == rights("loaded")[1:]
    assert "denied" in result.stderr
    assert "lacks rights: load /usr/share/pymailadmin/sql/grants-plugin.sql" \
        in result.stderr
    host.db.load(SQL / "grants-plugin.sql")
    upgrade(host).expect(0)


def test_the_mapping_is_missed(host):
    load_version(host.db, NEWEST)
    host.db.sql("DROP PROCEDURE pymailadmin_alias_insert")
    result = upgrade(host).expect(78)
    assert "pymailadmin_alias_insert does not exist: load the mapping of " \
        "your tables again" in result.stderr.replace("PROCEDURE ", "")
    host.db.load(SQL / "views-default.sql")
    upgrade(host).expect(0)


def test_an_account_with_a_password(host):
    """Which is in no argument, and of any characters."""
    password = '# "it\'s" \\n ; é'
    load_version(host.db, NEWEST)
    host.db.sql("CREATE USER boss@'%%' IDENTIFIED BY %s", password)
    host.db.sql("GRANT ALL ON *.* TO boss@'%' WITH GRANT OPTION")
    try:
        for words in ((), ("--host", "127.0.0.1", "--port", host.db.port)):
            done = upgrade(host, "--user", "boss", *words,
                           input=password + "\n").expect(0)
            assert loaded(done) == rights("loaded")
            wrong = upgrade(host, "--user", "boss", *words, input="x\n")
            assert "Access denied" in wrong.expect(77).stderr
            assert password not in wrong.output + done.output
    finally:
        host.db.sql("DROP USER boss@'%'")


def test_the_client_does_not_get_there(host, tmp_path):
    """Which is not for want of an account."""
    (tmp_path / "doveadm").symlink_to(shutil.which("doveadm"))
    for words, code, text, env in (
            ((), 69, "posix_spawn(mariadb) failed: No such file or directory; "
             "install mariadb-client", {"PATH": str(tmp_path)}),
            (("--host", "127.0.0.1", "--port", free_port()), 75,
             "ERROR 2002", {})):
        result = upgrade(host, *words, env=env).expect(code)
        assert text in result.stderr and "--user" not in result.stderr


def test_another_server_is_not_changed(host):
    load_version(host.db, NEWEST)
    with MariaDB() as other:
        other.create_mail_database("x", web_password="x")
        load_version(other, 1)
        before = described(other)
        result = upgrade(host, "--host", "127.0.0.1", "--port", other.port)
        assert "and not debian13" in result.expect(78).stderr
        assert described(other) == before


# Tables that are not known

@pytest.mark.parametrize("name, statement, text", [
    ("older",
     f"DELETE FROM pymailadmin_schema_version WHERE version >= {NEEDED}",
     f"{NEEDED} is needed; run: doveadm pymailadmin upgrade"),
    ("newer", "INSERT INTO pymailadmin_schema_version "
     "(version, description) VALUES (999, 'x')",
     f"of version 999, this plugin knows version {NEWEST}; install")])
def test_nothing_is_done_and_logins_go_on(host, name, statement, text):
    load_version(host.db, NEWEST)
    host.db.load(SQL / "grants-plugin.sql")
    mailbox = host.create(name)
    seals.file(mailbox, mailbox.password, "new")
    with altered(host.db, statement):
        kept = contents(host.db)
        said = host.process().expect(78).stderr
        assert text in said and "switching" not in said
        assert contents(host.db) == kept
        host.db.sql("UPDATE pymailadmin_request SET state = 'switched' "
                    "WHERE id = %s", mailbox.request_id)
        assert "keep their mailboxes closed until then: 1\n" in \
            host.process().expect(78).stderr
        host.db.sql("UPDATE pymailadmin_request SET state = 'pending' "
                    "WHERE id = %s", mailbox.request_id)
        host.other.imap().shutdown()
        with pytest.raises(mailclients.Refused, match="UNAVAILABLE"):
            mailbox.imap()
        host.other.deliver(messages.small(1))
    host.process().expect(0)
    assert host.row(mailbox)["state"] == "done"


@pytest.mark.parametrize("statement, text", [
    ("DELETE FROM pymailadmin_schema_version",
     r"of version 0, the portal needs version \d+; run on the mail host: "
     "doveadm pymailadmin upgrade"),
    ("INSERT INTO pymailadmin_schema_version (version, description) "
     "VALUES (999, 'x')",
     f"of version 999, this portal knows version {NEWEST}; install")],
    ids=["older", "newer"])
def test_the_portal_does_not_start(by_hand, statement, text):
    load_version(by_hand, NEWEST)
    by_hand.load(SQL / "grants-web.sql")
    web = WebServer(database_socket=by_hand.socket, database_password="web")
    with altered(by_hand, statement):
        done = subprocess.run(web.command(), capture_output=True, text=True,
                              timeout=30)
        assert done.returncode == 71
        assert re.search(text, done.stderr), done
    with web:
        assert web.monitor("/healthz").status == 200

"""The first set-up of the portal, from fresh tables of a mail server to the
super admin's first page."""

import dataclasses
import hashlib
import os
import re
import stat
import types

import pytest

from mariadb import MariaDB, SQL
from schemas import DEFAULT, ISPMAIL_OLD, WITH_FILES
from setupdialog import (EMAIL, MAILBOX_PASSWORD, PASSWORD, SEAL_KEY, Answers,
                         make_group)
from webportal import Browser, Portal, hash_password
from webserver import WebServer

ALICE = "alice@example.test"
MAILBOX = "/mailbox?address=alice%40example.test"
HASH = "{ARGON2ID}" + hash_password(MAILBOX_PASSWORD, (19456, 2))
# What a person does who has tables as nobody else has.
ODD_TABLES = """
CREATE TABLE `mail domains` (
	nr INT AUTO_INCREMENT PRIMARY KEY,
	`the name` VARCHAR(190) NOT NULL UNIQUE) ENGINE=InnoDB;
CREATE TABLE people (
	nr INT AUTO_INCREMENT PRIMARY KEY,
	place INT NOT NULL,
	mail VARCHAR(190) NOT NULL UNIQUE,
	secret VARCHAR(255) NOT NULL,
	may TINYINT NOT NULL DEFAULT 1) ENGINE=InnoDB;
CREATE TABLE leads (
	nr INT AUTO_INCREMENT PRIMARY KEY,
	place INT NOT NULL,
	`from` VARCHAR(190) NOT NULL,
	`to` VARCHAR(190) NOT NULL) ENGINE=InnoDB;
INSERT INTO `mail domains` (`the name`) VALUES ('example.test');
"""
# The default ones, in an old character set.
LATIN1 = dataclasses.replace(DEFAULT, name="latin1", tables=re.sub(
    "utf8mb4 COLLATE=utf8mb4_general_ci", "latin1", DEFAULT.tables))
ALL = [*WITH_FILES, ISPMAIL_OLD, LATIN1]
ODD_NAMES = ["mail domains", "nr", "the name", "people", "nr", "place",
             "mail", "secret", "-", "may", "leads", "nr", "place", "from",
             "to"]


@pytest.fixture(scope="module", autouse=True)
def group():
    return make_group()


def fill(db, schema):
    """As fresh as after its installation, with one mailbox."""
    schema.create(db)
    db.sql("CREATE USER 'dovecot'@'localhost' IDENTIFIED BY 'dv'")
    schema.add_domain(db, "example.test")
    schema.add_mailbox(db, ALICE, HASH)


@pytest.fixture(params=ALL, ids=lambda each: each.name)
def fresh(request):
    with MariaDB() as db:
        fill(db, request.param)
        yield types.SimpleNamespace(schema=request.param, db=db)


@pytest.fixture(scope="module")
def server():
    with MariaDB() as db:
        yield db


@pytest.fixture
def db(server):
    server.database = None
    server.sql("DROP DATABASE IF EXISTS mail")
    for row in server.sql("SELECT User, Host FROM mysql.user WHERE User IN "
                          "('adm', 'dovecot', 'pymailadmin_web')"):
        server.sql("DROP USER %s@%s", *row.values())
    fill(server, DEFAULT)
    yield server
    server.log_statements(False)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "etc"


class SetUpPortal(Portal):
    """The portal with the settings that the set-up has written."""

    def __init__(self, db, answers):
        super().__init__(mailhost=types.SimpleNamespace(db=db))
        self.web = WebServer(port=answers.port)
        self.web.config = answers.config
        self.web.settings.update(answers.settings())

    def start(self):
        self.web.start()
        return self


def tables_of_ours(db):
    return db.sql("SELECT TABLE_NAME FROM information_schema.TABLES "
                  "WHERE TABLE_NAME LIKE 'pymailadmin\\_%'")


# From the beginning to the end

def test_a_portal_works_after_its_set_up(fresh, folder):
    db, schema = fresh.db, fresh.schema
    answers = Answers(db, schema, folder, mailbox=ALICE,
                      mailbox_password=MAILBOX_PASSWORD, imap="-")
    done = answers.pipe().expect(
        0, "was taken back: the views are right", "which is ARGON2ID",
        "Welcome|The set-up is closed from now on")
    assert PASSWORD not in done.text and MAILBOX_PASSWORD not in done.text
    with SetUpPortal(db, answers) as portal:
        db.sql("CALL pymailadmin_reservations_clear()")
        browser = Browser(portal)
        browser.log_in(EMAIL, PASSWORD).expect(303, "/home")
        assert "example.test" in browser.get("/home").text
        assert ALICE in browser.get("/domain?name=example.test").text
        page = browser.get(f"/alias/add?mailbox={ALICE}").expect(200)
        browser.submit(page, "/alias/add", name="wonderland").expect(
            303, MAILBOX)
        assert schema.aliases(db) == {"wonderland@example.test": ALICE}
        page = browser.get(f"/mailbox?address={ALICE}")
        assert "wonderland@example.test" in page.text
        [link] = [link for link in page.parsed.links
                  if link.startswith("/alias/delete")]
        browser.submit(browser.get(link), "/alias/delete").expect(
            303, MAILBOX)
        assert schema.aliases(db) == {}
        portal.beat()
        page = browser.get(f"/mailbox/password?address={ALICE}").expect(200)
        browser.submit(page, "/mailbox/password", old=MAILBOX_PASSWORD,
                       new=PASSWORD, repeat=PASSWORD)
        assert db.sql("SELECT kind, address, state FROM pymailadmin_request") \
            == [{"kind": "password", "address": ALICE, "state": "pending"}]


def test_what_it_leaves(fresh, folder, group):
    db, schema = fresh.db, fresh.schema
    answers = Answers(db, schema, folder)
    answers.pipe().expect(0)
    # Of the trial nothing is left, and the tables are as they were.
    assert db.value("SELECT COUNT(*) FROM pymailadmin_mailbox") == 1
    assert schema.aliases(db) == {}
    versions = [row["version"] for row in db.sql(
        "SELECT version FROM pymailadmin_schema_version ORDER BY 1")]
    assert versions == sorted(int(path.name[:4])
                              for path in SQL.glob("0*.sql"))
    [account] = db.sql("SELECT email, role, language, active, password "
                       "FROM pymailadmin_account")
    assert account.pop("password").startswith("$argon2id$")
    assert account == {"email": EMAIL, "role": "super_admin",
                       "language": "en", "active": 1}
    assert db.sql("SELECT actor, kind FROM pymailadmin_event") == [
        {"actor": EMAIL, "kind": "setup-done"}]
    files = {path.name: path for path in folder.iterdir()}
    assert set(files) == {"web.conf", "web-database.password",
                          "web-secret.key"}
    for path in files.values():
        status = path.stat()
        assert (stat.S_IMODE(status.st_mode), status.st_uid,
                status.st_gid) == (0o640, 0, group.gr_gid)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    assert re.fullmatch("[0-9a-f]{64}\n", files["web-secret.key"].read_text())
    settings = answers.settings()
    assert {key: settings.get(key) for key in (
        "base_url", "database_name", "database_socket", "database_user",
        "seal_key", "max_mailboxes", "max_aliases", "default_language",
        "password_scheme", "registration", "smtp_url")} == {
        "base_url": "https://mail.example.org",
        "database_name": schema.database, "database_socket": str(db.socket),
        "database_user": "pymailadmin_web", "seal_key": SEAL_KEY,
        "max_mailboxes": "4", "max_aliases": "50", "default_language": "en",
        "password_scheme": "ARGON2ID", "registration": "off", "smtp_url": ""}
    # With its comments.
    assert "# What the portal calls itself" in answers.config.read_text()


def test_accounts_have_the_rights_of_the_files(db, folder):
    Answers(db, DEFAULT, folder).pipe().expect(0)
    by_set_up = {user: grants(db, user) for user in ("pymailadmin_web",
                                                     "dovecot")}
    text = (SQL / "grants-web.sql").read_text()
    db.load(text.replace("'pymailadmin_web'@'%'",
                         "'pymailadmin_web'@'localhost'"))
    db.load(SQL / "grants-plugin.sql")
    for user, found in by_set_up.items():
        assert found == grants(db, user) and len(found) > 5
    password = (folder / "web-database.password").read_text().strip()
    assert re.fullmatch("[0-9a-f]{48}", password)
    assert db.value("SELECT 1", user="pymailadmin_web",
                    password=password) == 1


def grants(db, user):
    # With the hash of its password.
    return sorted(next(iter(row.values()))
                  for row in db.sql(f"SHOW GRANTS FOR '{user}'@'localhost'"))


def definitions(db):
    """Of views, procedures and triggers; without comments, which the client
    leaves out."""
    found = [tuple(row.values()) for row in db.sql(
        "SELECT ROUTINE_NAME, ROUTINE_DEFINITION, SECURITY_TYPE, SQL_MODE "
        "FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'mail' "
        "UNION SELECT TRIGGER_NAME, ACTION_STATEMENT, '', SQL_MODE "
        "FROM information_schema.TRIGGERS UNION "
        "SELECT TABLE_NAME, VIEW_DEFINITION, SECURITY_TYPE, '' "
        "FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'mail'")]
    return {name: (" ".join(re.sub("-- .*", "", text).split()), *rest)
            for name, text, *rest in found}


def test_it_loads_what_the_client_loads(db, folder):
    Answers(db, DEFAULT, folder).pipe().expect(0)
    with MariaDB() as other:
        DEFAULT.create(other)
        DEFAULT.load(other)
        by_hand = definitions(other)
    assert len(by_hand) > 20 and definitions(db) == by_hand


def test_tables_of_nobody_else_are_asked_for(folder):
    with MariaDB() as db:
        db.sql("CREATE DATABASE odd")
        db.database = "odd"
        db.load(ODD_TABLES)
        schema = types.SimpleNamespace(database="odd")
        answers = Answers(db, schema, folder, use=None, dovecot_account="-",
                          **{f"name{number}": name for number, name
                             in enumerate(ODD_NAMES)})
        done = answers.pipe().expect(0, "the views are right",
                                     "has no rights yet")
        assert "FROM `mail domains` AS v" in done.text
        db.sql("CALL pymailadmin_mailbox_insert('bob@example.test', 'x', 7)")
        assert db.sql("SELECT place, mail, secret, may FROM people") == [
            {"place": 1, "mail": "bob@example.test", "secret": "x", "may": 0}]
        assert db.sql("SELECT quota, active FROM pymailadmin_mailbox") == [
            {"quota": 0, "active": 0}]
        db.sql("CALL pymailadmin_alias_insert('bob@example.test', "
               "'b@example.test')")
        assert db.sql("SELECT source, destination FROM pymailadmin_alias") == [
            {"source": "b@example.test", "destination": "bob@example.test"}]


# Refused, interrupted, begun again

def test_with_a_super_admin_nothing_of_it_can_be_reached(db, folder):
    answers = Answers(db, DEFAULT, folder)
    answers.pipe().expect(0)
    before = {path.name: (path.read_text(), path.stat().st_mtime_ns)
              for path in folder.iterdir()}
    rows = db.sql("SELECT * FROM pymailadmin_account")
    done = answers.pipe().expect(77, "There is a super admin already")
    assert "The mail server" not in done.text
    # Wherever the settings are to be.
    Answers(db, DEFAULT, folder / "other").pipe().expect(77)
    assert db.sql("SELECT * FROM pymailadmin_account") == rows
    assert {path.name: (path.read_text(), path.stat().st_mtime_ns)
            for path in folder.iterdir()} == before


def test_a_super_admin_that_comes_meanwhile_ends_it(db, folder):
    answers = Answers(db, DEFAULT, folder)
    with answers.terminal() as terminal:
        for line in answers.lines(until="finish"):
            terminal.ask("", line)
        terminal.expect("super admin.*> $")
        db.sql("INSERT INTO pymailadmin_account (email, password, role) "
               "VALUES ('other@post.test', REPEAT('x', 60), 'super_admin')")
        terminal.send("yes")
        assert terminal.ended() == 77
    assert db.value("SELECT email FROM pymailadmin_account") == \
        "other@post.test"


def test_two_at_once_are_one_too_many(db, folder):
    answers = Answers(db, DEFAULT, folder)
    with answers.terminal() as terminal:
        for line in answers.lines(until="use"):
            terminal.ask("", line)
        terminal.expect("Use them.*> $")
        answers.pipe().expect(77, "Another set-up is at work")


@pytest.mark.parametrize("until", [
    "place", "database", "use", "load", "dovecot_account", "base_url",
    "seal_key", "mailbox", "email", "repeat", "smtp", "finish"])
def test_it_can_be_begun_again(db, folder, until):
    answers = Answers(db, DEFAULT, folder)
    answers.pipe(until=until).expect(66, "begin again")
    if tables_of_ours(db):
        if db.value("SELECT COUNT(*) FROM information_schema.TABLES "
                    "WHERE TABLE_NAME='pymailadmin_account'"):
            assert db.value("SELECT COUNT(*) FROM pymailadmin_account") == 0
    kept = folder / "web-database.password"
    password = kept.read_text() if kept.exists() else None
    if db.sql("SELECT 1 FROM information_schema.VIEWS "
              "WHERE TABLE_NAME='pymailadmin_alias'"):
        answers.values.update(again="no", use=None, load=None)
    done = answers.pipe().expect(0)
    if password:
        assert kept.read_text() == password
        assert "0001-initial.sql: was loaded before" in done.text
    assert db.value("SELECT email FROM pymailadmin_account") == EMAIL


def test_settings_that_are_there_stay(db, folder):
    answers = Answers(db, DEFAULT, folder, base_url="", aliases="77")
    folder.mkdir()
    old = ("# mine\nproduct_name = Ours\nbase_url = https://old.example.org\n"
           "max_aliases = 5\nreserved_names = abuse\n\tpostmaster\n")
    answers.config.write_text(old)
    answers.pipe().expect(0)
    text = answers.config.read_text()
    assert text.startswith("# mine\nproduct_name = Ours\n"
                           "base_url = https://old.example.org\n"
                           "max_aliases = 77\nreserved_names = abuse\n"
                           "\tpostmaster\n")
    assert (folder / "web.conf.old").read_text() == old


# Wrong answers

@pytest.mark.parametrize("name, answer, says", [
    ("language", "de", "en, fr"),
    ("database", "nowhere", "no such database"),
    ("use", "perhaps", "yes or no"),
    ("web_account", "x'@'y", "name@host"),
    ("dovecot_account", "nobody@localhost", "no such account"),
    ("base_url", "mail.example.org", "https"),
    ("base_url", "https://mail.example.org/x", "slash"),
    ("proxies", "nginx", "nginx"),
    ("listen", "here", "address:port"),
    ("mailboxes", "many", "."),
    ("aliases", "-1", "."),
    ("seal_key", SEAL_KEY[:-1], "."),
    ("seal_key", SEAL_KEY.replace("public", "private"), "."),
    ("seal_key", "/nowhere", "no such file"),
    ("mailbox", "bob@example.test", "no such mailbox"),
    ("scheme", "MD5", "ARGON2ID"),
    ("email", "root", "."),
    ("password", "short", "12"),
    ("password", "aaaaaaaaaaaaaaaa", "."),
    ("repeat", "another password", "."),
    ("smtp", "relay", "smtp://"),
    ("finish", "\x01", "cannot be there"),
    ("place", "x" * 2000, "too long")])
def test_a_wrong_answer_is_told(db, folder, name, answer, says):
    answers = Answers(db, DEFAULT, folder, **{name: answer})
    answers.pipe().expect(65, f"That will not do: .*{says}")
    assert not answers.config.exists()
    if answers.values[name] == answer and name in ("language", "database",
                                                   "use", "place"):
        assert tables_of_ours(db) == []


def test_a_password_of_a_mailbox_that_is_wrong(db, folder):
    answers = Answers(db, DEFAULT, folder, mailbox=ALICE,
                      mailbox_password="not this one")
    answers.pipe().expect(65, "not the one whose hash is stored")


def test_the_database_cannot_be_reached(db, folder):
    Answers(db, DEFAULT, folder, place="/nowhere.sock").pipe().expect(
        69, r"database\(connect\) failed")


def test_an_administrators_password_is_asked_for(db, folder):
    db.sql("CREATE USER 'adm'@'localhost' IDENTIFIED BY 'thistle moon'")
    db.sql("GRANT ALL ON *.* TO 'adm'@'localhost' WITH GRANT OPTION")
    Answers(db, DEFAULT, folder, user="adm",
            admin_password="wrong").pipe().expect(69, "Access denied")
    done = Answers(db, DEFAULT, folder, user="adm",
                   admin_password="thistle moon").pipe().expect(0)
    assert "thistle" not in done.text
    for path in folder.iterdir():
        assert "thistle" not in path.read_text()


def test_over_tcp(db, folder):
    db.sql("CREATE USER 'adm'@'%%' IDENTIFIED BY 'thistle moon'")
    db.sql("GRANT ALL ON *.* TO 'adm'@'%%' WITH GRANT OPTION")
    answers = Answers(db, DEFAULT, folder, user="adm",
                      place=f"127.0.0.1:{db.port}",
                      admin_password="thistle moon")
    answers.pipe().expect(0)
    settings = answers.settings()
    assert (settings["database_host"], settings["database_port"]) == (
        "127.0.0.1", str(db.port))
    assert "database_socket" not in settings
    assert db.value("SELECT Host FROM mysql.user "
                    "WHERE User='pymailadmin_web'") == "127.0.0.1"


def test_views_that_do_not_fit_are_found(db, folder):
    db.sql("ALTER TABLE users MODIFY quota INT NOT NULL DEFAULT 0")
    done = Answers(db, DEFAULT, folder).pipe().expect(
        69, "is an INT and holds no more than 2 GB", "Out of range")
    assert "ALTER TABLE users MODIFY quota BIGINT" in done.text
    # Nothing but the views.
    assert db.value("SELECT COUNT(*) FROM users") == 1
    db.sql("UPDATE users SET crypt = '{PLAIN}x'")
    db.sql("ALTER TABLE users MODIFY quota BIGINT NOT NULL DEFAULT 0, "
           "MODIFY crypt VARCHAR(60) NOT NULL")
    Answers(db, DEFAULT, folder, again="no", use=None,
            load=None).pipe().expect(69, "Data too long")


def test_in_tables_that_take_nothing_back_nothing_is_written(db, folder):
    db.sql("ALTER TABLE alias DROP FOREIGN KEY alias_ibfk_1")
    db.sql("ALTER TABLE alias ENGINE=MyISAM")
    before = len(db.logged())
    db.log_statements()
    done = Answers(db, DEFAULT, folder).pipe().expect(
        0, "table alias is not InnoDB")
    assert "was taken back" not in done.text
    assert "CALL pymailadmin_mailbox_insert(@" not in \
        db.logged()[before:]
    assert db.value("SELECT COUNT(*) FROM users") == 1


# Secrets

def test_secrets_are_nowhere_else(db, folder):
    answers = Answers(db, DEFAULT, folder, mailbox=ALICE,
                      mailbox_password=MAILBOX_PASSWORD, imap="-")
    db.log_statements()
    with answers.terminal() as terminal:
        for name, line in answers.values.items():
            if line is None:
                continue
            terminal.expect(r"> $")
            hidden = name in ("password", "repeat", "mailbox_password")
            assert terminal.echoes() != hidden, name
            terminal.send(line)
        terminal.expect("Waiting for the mail host")
        pid = terminal.process.pid
        for name in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{name}", "rb") as file:
                assert PASSWORD.encode() not in file.read()
        terminal.send("")
        assert terminal.ended() == 0
        shown = terminal.shown
    database_password = (folder / "web-database.password").read_text().strip()
    logged = db.logged()
    assert "INSERT INTO pymailadmin_account" in logged
    for secret in (PASSWORD, MAILBOX_PASSWORD, database_password,
                   (folder / "web-secret.key").read_text().strip()):
        assert secret not in shown and secret not in logged


@pytest.mark.parametrize("key", [b"\x03", None])
def test_ctrl_c_gives_the_terminal_back(db, folder, key):
    answers = Answers(db, DEFAULT, folder)
    with answers.terminal() as terminal:
        for line in answers.lines(until="password"):
            terminal.ask("", line)
        terminal.expect("Password for the portal > $")
        assert not terminal.echoes()
        if key:
            terminal.press(key)
        else:
            terminal.process.terminate()
        terminal.expect("begin again")
        assert terminal.echoes()
        assert terminal.ended() == 66


def test_a_person_is_asked_again(db, folder):
    answers = Answers(db, DEFAULT, folder)
    with answers.terminal() as terminal:
        terminal.ask("Langue", "fr")
        terminal.expect("Voici l’installation du portail")
        terminal.ask("MariaDB", "/nowhere.sock")
        terminal.ask("administration", "root")
        terminal.ask("Recommencer cette étape", "oui")
        terminal.ask("MariaDB", str(db.socket))
        terminal.ask("administration", "")
        terminal.ask("Base avec", "nulle part")
        terminal.expect("Cela ne convient pas")
        # The one whose tables are known is proposed.
        terminal.ask(r"Base avec.*\[mail\]", "")
        terminal.ask(r"telles.*\[oui\]", "n")
        terminal.expect("Quelles tables")


# The mail host reports

def test_the_light_turns_green(db, folder):
    answers = Answers(db, DEFAULT, folder)
    key = bytes.fromhex(SEAL_KEY.rpartition(":")[2])
    beat = ("REPLACE INTO pymailadmin_heartbeat (host, seal_key_id, version, "
            "last_run_at) VALUES ('mx.test', %s, '1', UTC_TIMESTAMP())")
    with answers.terminal() as terminal:
        for line in answers.lines():
            terminal.ask("", line)
        terminal.expect("systemctl restart dovecot")
        terminal.expect("Waiting for the mail host")
        db.sql(beat, "0" * 16)
        terminal.expect("mx.test has reported with another key")
        db.sql(beat, hashlib.sha256(key).hexdigest()[:16])
        terminal.expect("\x1b\\[32m● mx.test has reported")
        assert terminal.ended() == 0


def test_only_root_sets_up(db, folder):
    answers = Answers(db, DEFAULT, folder)
    pid = os.fork()
    if pid == 0:
        os.setuid(65534)
        os._exit(answers.pipe().code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 77
    assert not folder.exists() and tables_of_ours(db) == []

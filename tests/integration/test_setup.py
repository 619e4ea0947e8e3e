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
from setupdialog import (ALICE, EMAIL, MAILBOX_PASSWORD, PASSWORD, SEAL_KEY,
                         Answers, SetUpPortal, db, fill, folder, group, server,
                         tables_of_ours)
from webportal import Browser

MAILBOX = "/mailbox?address=alice%40example.test"
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


@pytest.fixture(params=ALL, ids=lambda each: each.name)
def fresh(request):
    with MariaDB() as db:
        fill(db, request.param)
        yield types.SimpleNamespace(schema=request.param, db=db)


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
        for path in ("/domain?name=example.test&sort=quota&search=ali",
                     "/domain?name=example.test&after=a", "/home?search=ali",
                     "/requests", "/account"):
            browser.get(path).expect(200)
        portal.beat()
        page = browser.get("/mailbox/create?domain=example.test").expect(200)
        browser.submit(page, "/mailbox/create", name="rabbit", quota="2G",
                       new=PASSWORD, repeat=PASSWORD)
        assert db.value("SELECT quota FROM pymailadmin_request WHERE kind = "
                        "'create' AND address = 'rabbit@example.test'") == \
            2 << 30
        db.sql("DELETE FROM pymailadmin_request")
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

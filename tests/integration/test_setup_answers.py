"""The portal's set-up with other answers: none any more, and wrong ones."""

import pytest

from schemas import DEFAULT
from setupdialog import (ALICE, EMAIL, SEAL_KEY, Answers, db, folder, group,
                         server, tables_of_ours)


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

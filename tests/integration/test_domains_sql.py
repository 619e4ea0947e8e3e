"""Domains that super admins add and remove, in mail servers' tables of other
people: what the database enforces, tried with the portal's rights."""

import contextlib

import pytest

import databases
from administering import add_mailbox, as_web, ask, email, events, fill, rows
from databases import DENIED, call, error_of, server
from mariadb import SQL
from webmailboxes import at_once


@pytest.fixture
def db(server):
    fill(server)
    return server


def domains(db):
    return [row["name"] for row in db.sql(
        "SELECT name FROM pymailadmin_domain ORDER BY name")]


def add(web, name, actor=4):
    return call(web, "domain_add", actor, name)


def remove(web, name, actor=4):
    return call(web, "domain_remove", actor, name)


@contextlib.contextmanager
def changed(db, change, repair):
    """The administrator's tables are others meanwhile."""
    db.load(change)
    try:
        yield
    finally:
        db.load(repair)
        db.load(SQL / "views-default.sql")


def test_a_domain_is_added_and_removed(db):
    web = as_web(db)
    assert add(web, "new-1.sub.test") == "done"
    assert "new-1.sub.test" in domains(db)
    assert add(web, "new-1.sub.test") == "taken"
    assert remove(web, "NEW-1.sub.test") == "done"
    assert remove(web, "new-1.sub.test") == "not_found"
    assert domains(db) == ["empty.test", "one.test", "two.test"]
    assert events(db) == [
        (email(4), None, "domain-added", "new-1.sub.test"),
        (email(4), None, "domain-removed", "new-1.sub.test")]


@pytest.mark.parametrize("name", [
    "", None, "test", ".test", "new.", "new..test", "-new.test", "new-.test",
    "NEW.test", "new test.test", "new_x.test", "@new.test", "a@new.test",
    "néw.test", "new.test\n", "x" * 64 + ".test", "*.test", "new.test.",
    ".".join(["x" * 63] * 4) + ".test", "new.test'"])
def test_what_is_no_name_of_a_domain_is_not_added(db, name):
    before, web = domains(db), as_web(db)
    if name is not None and len(name) > 253:
        assert error_of(web, "CALL pymailadmin_domain_add(4, %s)", name)
    else:
        assert add(web, name) == "malformed"
    assert domains(db) == before and events(db) == []


def test_the_longest_name_and_an_international_one(db):
    web = as_web(db)
    for name in (".".join(["x" * 63, "y" * 63, "0" * 61]),
                 "xn--bcher-kva.test"):
        assert (add(web, name), remove(web, name)) == ("done", "done")


@pytest.mark.parametrize("name", ["one.test", "ONE.TEST"])
def test_what_is_used_stays(db, name):
    web = as_web(db)
    before = rows(db)
    assert remove(web, name) == "used"
    # an alias alone
    db.sql("DELETE FROM users")
    assert remove(web, name) == "used"
    db.sql("DELETE FROM alias")
    ask(db, "new@One.test", "create")
    assert remove(web, name) == "used"
    assert rows(db) == before and "one.test" in domains(db)
    db.sql("UPDATE pymailadmin_request SET state = 'done'")
    assert remove(web, name) == "done" and "one.test" not in domains(db)


def test_what_accounts_were_given_of_it_goes(db):
    web = as_web(db)
    # another of that name only without accents
    db.sql("INSERT INTO pymailadmin_account_domain VALUES (1, 'émpty.test')")
    assert remove(web, "empty.test") == "done"
    assert db.sql("SELECT account_id, domain FROM pymailadmin_account_domain "
                  "ORDER BY account_id, domain") == [
        {"account_id": 1, "domain": "émpty.test"},
        {"account_id": 1, "domain": "one.test"},
        {"account_id": 2, "domain": "one.test"}]


@pytest.mark.parametrize("name", ["émpty.test", "empty.test ", "empty", "%",
                                  "", None])
def test_others_are_not_removed(db, name):
    before = domains(db)
    assert remove(as_web(db), name) == "not_found"
    assert domains(db) == before


def test_one_name_added_by_many_at_once(db):
    """Also where the table would take it twice."""
    with changed(db, "ALTER TABLE domain DROP INDEX domain",
                 "DELETE FROM domain; ALTER TABLE domain ADD UNIQUE KEY "
                 "domain (domain)"):
        for attempt in range(5):
            web = [as_web(db) for _ in range(5)]
            got = at_once([lambda each=each, actor=actor: add(
                each, f"new{attempt}.test", actor)
                for each, actor in zip(web, (4, 5, 4, 5, 4))])
            assert sorted(got) == ["done"] + ["taken"] * 4


def test_removed_while_a_mailbox_is_asked_for_in_it(db):
    for attempt in range(8):
        fill(db)
        one, two = as_web(db), as_web(db)
        now = db.value("SELECT UNIX_TIMESTAMP()")
        removed, asked = at_once([
            lambda: remove(one, "empty.test"),
            lambda: call(two, "request_file", 2, f"{attempt:032x}", "create",
                         "new@empty.test", now, "sealed", 1, 3)])
        assert (removed, asked) in (("done", "not_found"), ("used", "done"))
        assert ("empty.test" in domains(db)) == (asked == "done")


# ---- other people's tables

REFUSE_ADD = {
    "a column without a default":
        ("ALTER TABLE domain ADD transport VARCHAR(255) NOT NULL",
         "ALTER TABLE domain DROP transport"),
    "a view that is no table's":
        ("CREATE OR REPLACE VIEW pymailadmin_domain AS SELECT DISTINCT id, "
         "domain AS name FROM domain", "DO 0"),
    "an expression for a name":
        ("CREATE OR REPLACE VIEW pymailadmin_domain AS SELECT id, "
         "LOWER(domain) AS name FROM domain", "DO 0"),
    "a condition that a new one does not meet":
        ("CREATE OR REPLACE VIEW pymailadmin_domain AS SELECT id, domain AS "
         "name FROM domain WHERE domain NOT LIKE 'n%'", "DO 0"),
    "a condition that is checked":
        ("CREATE OR REPLACE VIEW pymailadmin_domain AS SELECT id, domain AS "
         "name FROM domain WHERE domain NOT LIKE 'n%' WITH CHECK OPTION",
         "DO 0"),
    "a constraint":
        ("ALTER TABLE domain ADD CONSTRAINT short CHECK "
         "(domain NOT LIKE 'n%')", "ALTER TABLE domain DROP CONSTRAINT short"),
    "a trigger":
        ("CREATE TRIGGER refuse BEFORE INSERT ON domain FOR EACH ROW SIGNAL "
         "SQLSTATE '45000' SET MESSAGE_TEXT = 'by hand'",
         "DROP TRIGGER refuse"),
    "a definer who may not":
        ("CREATE OR REPLACE USER reader@localhost; GRANT SELECT ON mail.* TO "
         "reader@localhost; CREATE OR REPLACE DEFINER = reader@localhost VIEW "
         "pymailadmin_domain AS SELECT id, domain AS name FROM domain",
         "DO 0"),
    "a short column":
        ("ALTER TABLE domain MODIFY domain VARCHAR(10) NOT NULL",
         "ALTER TABLE domain MODIFY domain VARCHAR(253) NOT NULL"),
}


@pytest.mark.parametrize("mode", ["", "STRICT_TRANS_TABLES"])
@pytest.mark.parametrize("what", REFUSE_ADD)
def test_tables_that_take_no_domain_from_us(db, what, mode):
    web = as_web(db)
    databases.run(web, "SET SESSION sql_mode = %s", mode)
    before = db.sql("SELECT domain FROM domain")
    with changed(db, *REFUSE_ADD[what]):
        assert add(web, "new-one.test") == "unsupported"
    assert db.sql("SELECT domain FROM domain") == before and events(db) == []
    assert add(web, "new-one.test") == "done"


REFUSE_REMOVE = {
    "something else refers to it":
        ("CREATE TABLE dkim (domain_id INT, FOREIGN KEY (domain_id) "
         "REFERENCES domain (id)); INSERT INTO dkim SELECT id FROM domain",
         "DROP TABLE dkim"),
    "a view of two tables":
        ("CREATE OR REPLACE VIEW pymailadmin_domain AS SELECT d.id, d.domain "
         "AS name FROM domain d JOIN (SELECT 1 AS one) x", "DO 0"),
    "a trigger":
        ("CREATE TRIGGER refuse BEFORE DELETE ON domain FOR EACH ROW SIGNAL "
         "SQLSTATE '45000' SET MESSAGE_TEXT = 'by hand'",
         "DROP TRIGGER refuse"),
    "a definer who may not": REFUSE_ADD["a definer who may not"],
    "two of the name":
        ("ALTER TABLE domain DROP INDEX domain; INSERT INTO domain (domain) "
         "VALUES ('empty.test')",
         "DELETE FROM domain ORDER BY id DESC LIMIT 1; ALTER TABLE domain ADD "
         "UNIQUE KEY domain (domain)"),
}


@pytest.mark.parametrize("what", REFUSE_REMOVE)
def test_tables_that_give_no_domain_away(db, what):
    web, before = as_web(db), rows(db)
    with changed(db, *REFUSE_REMOVE[what]):
        assert remove(web, "empty.test") == "unsupported"
    assert rows(db) == before and "empty.test" in domains(db)
    assert remove(web, "empty.test") == "done"


# ---- rights

def test_the_portal_has_to_be_let(db):
    """Only with the file for it."""
    db.load(SQL / "grants-web.sql")
    web = databases.as_web(db)
    for statement in ("add", "remove"):
        assert error_of(web, f"CALL pymailadmin_domain_{statement}"
                        "(4, 'empty.test')") in DENIED
    assert add(as_web(db), "new.test") == "done"
    assert add_mailbox(db, "a@new.test") is None
    assert remove(as_web(db), "new.test") == "used"

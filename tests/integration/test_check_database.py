"""doveadm pymailadmin check: what it says of the database and the timer."""

import contextlib
import re

import pytest

from mariadb import SQL, VERSIONS
from test_check import (NAMES, check, differing, expect, healthy, host,
                        lines_of)

__all__ = ["healthy", "host"]
ACCOUNT = "'dovecot'@'localhost'"


@contextlib.contextmanager
def sql(host, broken, repair):
    """The database is broken meanwhile."""
    host.db.load(broken)
    try:
        yield
    finally:
        host.db.load(repair)


def test_database_down(host, healthy):
    host.db.stop()
    try:
        result = host.doveadm("-f", "json", "pymailadmin", "check")
    finally:
        host.db.start()
    lines = lines_of(result.json)
    assert result.code == 75
    assert list(differing(lines, healthy)) == ["database"]
    assert lines["database"][0] == "error"
    assert "cannot be reached" in lines["database"][1]
    assert set(NAMES) - set(lines) == {"tables", "rights", "timer",
                                       "backend"}


@pytest.mark.parametrize("table", [
    "domain", "mailbox", "alias"])
def test_a_view_is_missing(host, healthy, table):
    with sql(host, f"DROP VIEW pymailadmin_{table}",
             SQL / "views-default.sql"):
        expect(host, healthy, 78, "error",
               tables=f"pymailadmin_{table}.*load .*views-default.sql")


def test_a_view_that_cannot_be_updated(host, healthy):
    with sql(host, "CREATE OR REPLACE VIEW pymailadmin_mailbox AS SELECT id,"
             "domain_id,email address,CONCAT(crypt,'') password,quota,active "
             "FROM users", SQL / "views-default.sql"):
        expect(host, healthy, 78, "error",
               tables="UPDATE of pymailadmin_mailbox.*not updatable")


@pytest.mark.parametrize("table", [
    "request", "account_mailbox", "outbox", "event", "heartbeat",
    "reserved_address", "schema_version"])
def test_a_table_is_missing(host, healthy, table):
    with sql(host, f"RENAME TABLE pymailadmin_{table} TO away",
             f"RENAME TABLE away TO pymailadmin_{table}"):
        code, lines = check(host)
    assert code == 78
    changed = differing(lines, healthy)
    assert list(changed) == ["tables"]
    assert changed["tables"][0] == "error"
    assert f"pymailadmin_{table}" in changed["tables"][1]


def file_versions(versions):
    values = ",".join(f"({version},'x')" for version in versions)
    return "INSERT INTO pymailadmin_schema_version (version,description) " \
        f"VALUES {values}"


def test_a_column_is_missing(host, healthy):
    with sql(host, "ALTER TABLE pymailadmin_request CHANGE retry_at away "
             "DATETIME NULL", "ALTER TABLE pymailadmin_request CHANGE away "
             "retry_at DATETIME NULL"):
        expect(host, healthy, 78, "error", tables="retry_at.*load")


NEEDED = int(re.search(r"SQL_SCHEMA_VERSION (\d+)", (
    SQL.parent / "plugin" / "sql-check.h").read_text())[1])


def without(first):
    """Statements: the files from one on are not loaded, and are again."""
    return (f"DELETE FROM pymailadmin_schema_version WHERE version>={first}",
            file_versions([each for each in VERSIONS if each >= first]))


CASES = [
    (*without(NEEDED), 78, "error", f"{NEEDED} is needed; run: doveadm "
     "pymailadmin upgrade; until then requests are not worked on"),
    (*without(1), 78, "error", f"of version 0, {NEEDED} is needed; run:"),
    ("INSERT INTO pymailadmin_schema_version (version,description) "
     "VALUES (999,'x')", "DELETE FROM pymailadmin_schema_version "
     "WHERE version=999", 78, "error",
     f"version 999, this plugin knows version {VERSIONS[-1]}; install")]
if NEEDED < VERSIONS[-1]:
    CASES.append((*without(VERSIONS[-1]), 0, "warning",
                  f"version {VERSIONS[-1]} is there; run: doveadm"))


@pytest.mark.parametrize("broken, repair, code, result, text", CASES)
def test_schema_version(host, healthy, broken, repair, code, result, text):
    with sql(host, broken, repair):
        expect(host, healthy, code, result, tables=text)


@pytest.mark.parametrize("right, table", [
    ("SELECT", "domain"), ("SELECT", "mailbox"),
    ("UPDATE (password)", "mailbox"), ("SELECT", "alias"),
    ("SELECT", "request"), ("INSERT", "request"),
    ("DELETE", "request"), ("UPDATE (state)", "request"),
    ("UPDATE (ended_at)", "request"), ("SELECT", "account_mailbox"),
    ("DELETE", "account_mailbox"), ("INSERT (args)", "outbox"),
    ("SELECT", "account_view"), ("SELECT", "owner_view"),
    ("SELECT", "reserved_address"),
    ("DELETE", "reserved_address"),
    ("SELECT", "event"), ("INSERT (text)", "event"),
    ("SELECT", "heartbeat"), ("INSERT", "heartbeat"),
    ("UPDATE", "heartbeat"), ("SELECT", "schema_version")])
def test_a_right_is_missing(host, healthy, right, table):
    with sql(host, f"REVOKE {right} ON pymailadmin_{table} FROM {ACCOUNT}",
             SQL / "grants-plugin.sql"):
        code, lines = check(host)
    assert code == 78
    changed = differing(lines, healthy)
    if (right, table) == ("SELECT", "schema_version"):
        assert changed.pop("tables")[0] == "ok"
    assert list(changed) == ["rights"]
    result, text = changed["rights"]
    assert result == "error"
    assert f"pymailadmin_{table}" in text and "denied" in text
    assert text.endswith("; load grants-plugin.sql")


@pytest.mark.parametrize("procedure", [
    "create_file", "create_begin", "create_activate", "create_end", "deletion_finish",
    "mapping_check"])
def test_a_procedure_may_not_be_called(host, healthy, procedure):
    with sql(host, f"REVOKE EXECUTE ON PROCEDURE pymailadmin_{procedure} "
             f"FROM {ACCOUNT}", SQL / "grants-plugin.sql"):
        expect(host, healthy, 78, "error",
               rights=f"pymailadmin_{procedure}.*denied.*; load "
               "grants-plugin.sql$")


@pytest.mark.parametrize("procedure", [
    "mailbox_insert", "mailbox_activate", "mailbox_remove"])
def test_a_procedure_of_the_mapping_is_missing(host, healthy, procedure):
    host.db.load(f"DROP PROCEDURE pymailadmin_{procedure}")
    try:
        code, lines = check(host)
    finally:
        host.db.load(SQL / "views-default.sql")
        host.db.load(SQL / "grants-plugin.sql")
    assert code == 78
    result, text = differing(lines, healthy)["tables"]
    assert result == "error" and f"pymailadmin_{procedure}" in text
    assert "views-default.sql" in text


@pytest.mark.parametrize("age, result, text", [
    (4 * 60, "ok", None), (6 * 60, "warning", "not run on .* for 6 minutes; "
     "run: systemctl enable --now pymailadmin-process.timer")])
def test_the_timer(host, healthy, age, result, text):
    with sql(host, "UPDATE pymailadmin_heartbeat SET last_run_at="
             f"UTC_TIMESTAMP()-INTERVAL {age} SECOND",
             "UPDATE pymailadmin_heartbeat SET last_run_at=UTC_TIMESTAMP()"):
        expect(host, healthy, 0, result, **({"timer": text} if text else {}))


def test_the_timer_never_ran_here(host, healthy):
    with sql(host, "UPDATE pymailadmin_heartbeat SET host='other.test',"
             "last_run_at=UTC_TIMESTAMP()-INTERVAL 1 HOUR",
             "UPDATE pymailadmin_heartbeat SET host='debian13'"):
        expect(host, healthy, 0, "warning", timer="has never run on debian13")

"""What can be done with what is stolen: the portal's account of the database,
its configuration, a dump."""

import base64
import hashlib
import pathlib
import random
import re
import subprocess
import time

import pymysql
import pytest

import rights
import seals
from databases import as_web, db, file_request, server
from mailhost import MailHost
from test_rights import parse
from webportal import PASSWORD, Portal

__all__ = ["db", "server"]


# The account: in nobody's name but a user's, the database is asked for all
# that is not theirs.

NEWLINES = ["bob@example.test\n", "new@example.test\n", "\nnew@example.test",
            "new@example.test\r\n", "new@example.test\nbob@example.test",
            "new\x00@example.test", "new@example.test\u2028",
            "new@example.test "]
ADDRESSES = ["bob@example.test", "BOB@EXAMPLE.TEST", "b@example.test",
             "alice@example.test", "new@example.test", "@example.test",
             "new@elsewhere.test", "", None, "x" * 254, *NEWLINES]
TIMES = {"now": 0, "yesterday": -86400, "tomorrow": 86400}
# By what a parameter is called, else by its type; the first is what a user
# would say of what is theirs.
HOSTILE = {
    "p_source": ["own@example.test", *ADDRESSES],
    "p_email": ["own@other.test", *ADDRESSES],
    "p_kind": ["password", "create", "delete", "encrypt", "", None, "x"],
    "p_created": ["now", 0, "yesterday", "tomorrow", 2 ** 40, 2 ** 62, None],
    "p_sealed": [b"x", b"", b"x" * 2048, None],
    "p_quota": [None, 0, 2 ** 64 - 1],
    "p_limit": [9, 0, 2 ** 32 - 1, None],
    "p_secs": [60, 0, 1, 2 ** 32 - 1, None],
    "p_domains": ['["example.test"]', '["example.test\\n"]', "[]", "x", None],
    "p_name": ["example.test", "example.test\n", "elsewhere.test", None],
    "p_was": ["user", "admin", "super_admin", None],
    "p_role": ["user", "admin", "super_admin", None],
    "p_language": ["en", "en\n", "", None],
    "p_password": ["x" * 60, "", None],
    "p_reason": ["x", "", None],
    "p_network": [None, "192.0.2.0/24", "\n"],
    "p_code_hash": [None, b"x" * 32, b""],
}
# A user, one who is switched off and had been a super admin, none. Not the
# other user: in their name what is theirs could be changed, for the database
# believes the portal who it is.
PEOPLE = [7, 9, 0, 2 ** 64 - 1, None]
IDS = ["1", "2", "0", "2' OR '1", "f" * 32, "F" * 32, "\n", "", None]
BY_TYPE = {"bigint": PEOPLE, "varchar": ["alice@example.test", *ADDRESSES],
           "char": ["a" * 32, *IDS], "binary": [b"x" * 32, b"", None],
           "varbinary": [b"x", b"", None], "text": ["x", "", None],
           "int": [1, 0, 2 ** 32 - 1, None], "smallint": [1, 0, 65535, None],
           "tinyint": [1, 0, None]}


def values_of(parameter):
    if parameter["name"] == "p_id" and parameter["type"] == "varchar":
        return IDS
    if parameter["name"] == "p_id" and parameter["type"] == "bigint":
        return [1, 8, *PEOPLE]
    return HOSTILE.get(parameter["name"]) or BY_TYPE[parameter["type"]]


def calls(db):
    """(statement, arguments) of all that the portal may call: one or two of
    the arguments are not what they should be."""
    granted = [name for name, allowed in parse(rights.WEB).items()
               if "EXECUTE" in allowed]
    chance = random.Random(1)
    for name in granted:
        values = list(map(values_of, db.sql(
            "SELECT PARAMETER_NAME AS name, DATA_TYPE AS type FROM "
            "information_schema.PARAMETERS WHERE SPECIFIC_SCHEMA = DATABASE() "
            "AND SPECIFIC_NAME = %s AND ORDINAL_POSITION > 0 "
            "ORDER BY ORDINAL_POSITION", f"pymailadmin_{name}")))
        good = [each[0] for each in values]
        statement = f"CALL pymailadmin_{name}({', '.join(['%s'] * len(good))})"
        for i, each in enumerate(values):
            for value in each:
                yield statement, [*good[:i], value, *good[i + 1:]]
        for _ in range(60 if len(good) > 1 else 0):
            arguments = list(good)
            for i in chance.sample(range(len(good)), 2):
                arguments[i] = chance.choice(values[i])
            yield statement, arguments


OTHERS = {
    "domains": "SELECT * FROM domain",
    "mailboxes": "SELECT * FROM users",
    "aliases of others": "SELECT * FROM alias WHERE destination <> "
                         "'alice@example.test'",
    "roles and limits": "SELECT id, email, password, role, active, "
                        "max_mailboxes, max_aliases FROM pymailadmin_account",
    "domains of accounts": "SELECT * FROM pymailadmin_account_domain",
    "other people's mailboxes": "SELECT address, account_id FROM "
                                "pymailadmin_account_mailbox WHERE address IN "
                                "('bob@example.test', 'alice@example.test')",
    "other people's requests": "SELECT * FROM pymailadmin_request "
                               "WHERE address LIKE 'bob@%'",
    "invitations": "SELECT id, account_id, code_hash, domains, uses FROM "
                   "pymailadmin_invitation",
    "versions": "SELECT * FROM pymailadmin_schema_version",
    "hosts": "SELECT * FROM pymailadmin_heartbeat",
    "reservations": "SELECT * FROM pymailadmin_reserved_address",
}
UNDO = ["DELETE FROM pymailadmin_request WHERE address NOT LIKE 'bob@%'",
        "DELETE FROM alias WHERE source LIKE 'own@%' OR source LIKE 'new@%'",
        "DELETE FROM pymailadmin_registration",
        "DELETE FROM pymailadmin_outbox",
        "DELETE FROM pymailadmin_account_mailbox "
        "WHERE address LIKE 'new@%'"]
NEVER = {
    "address with what is none": "SELECT address FROM pymailadmin_request "
    "WHERE address REGEXP '[[:cntrl:][:space:]]'",
    "request for somebody else's mailbox": "SELECT address FROM "
    "pymailadmin_request WHERE account_id IS NOT NULL AND "
    "(address LIKE 'bob@%' OR account_id <> 7)",
    "request out of its time": "SELECT id FROM pymailadmin_request WHERE "
    "ABS(TIMESTAMPDIFF(SECOND, created_at, UTC_TIMESTAMP())) > 600",
    "alias with what is none": "SELECT source FROM alias "
    "WHERE source REGEXP '[[:cntrl:][:space:]]' OR source LIKE '@%'",
    "alias of an address that is taken": "SELECT source FROM alias "
    "WHERE source IN (SELECT email FROM users)",
    "alias of another domain": "SELECT source FROM alias "
    "WHERE source NOT LIKE '%@example.test'",
    "registration with what is none": "SELECT email FROM "
    "pymailadmin_registration WHERE email REGEXP '[[:cntrl:][:space:]]'",
    "mail to what is none": "SELECT recipient FROM pymailadmin_outbox "
    "WHERE recipient REGEXP '[[:cntrl:][:space:]]'",
    "mailbox of nobody's making": "SELECT address FROM "
    "pymailadmin_account_mailbox WHERE address REGEXP '[[:cntrl:][:space:]]'",
}


def test_hostile_arguments_change_nothing_of_others(db):
    db.sql("INSERT INTO users (domain_id, email, crypt) "
           "VALUES (1, 'bob@example.test', 'x')")
    db.sql("INSERT INTO alias (domain_id, source, destination) VALUES "
           "(1, 'b@example.test', 'bob@example.test')")
    db.sql("INSERT INTO pymailadmin_account (id, email, password, role, "
           "active) VALUES (8, 'bob@other.test', REPEAT('x', 60), 'user', 1), "
           "(9, 'was@other.test', REPEAT('x', 60), 'super_admin', 0)")
    db.sql("INSERT INTO pymailadmin_account_domain "
           "VALUES (9, 'example.test')")
    db.sql("INSERT INTO pymailadmin_account_mailbox (address, account_id) "
           "VALUES ('bob@example.test', 8)")
    file_request(db.connect(), "b" * 32, "bob@example.test")
    db.sql("INSERT INTO pymailadmin_reserved_address (address, "
           "reserved_until) VALUES ('gone@example.test', '2999-01-01')")
    before = {what: db.sql(query) for what, query in OTHERS.items()}
    connection, root, done = as_web(db), db.connect(), set()

    def found(queries):
        with root.cursor() as cursor:
            rows = {}
            for what, query in queries.items():
                cursor.execute(query)
                rows[what] = list(cursor.fetchall())
        return rows
    for statement, arguments in calls(db):
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, [
                    int(time.time()) + TIMES[each] if each in TIMES else each
                    for each in arguments])
                row = cursor.fetchone()
        except pymysql.err.MySQLError:
            continue
        if row is None or row.get("result") != "done":
            continue
        done.add(statement)
        wrong = {what: rows for what, rows in found(NEVER).items() if rows}
        assert wrong == {}, (statement, arguments)
        # What a user may do can be done again.
        with root.cursor() as cursor:
            for undo in UNDO:
                cursor.execute(undo)
    # Some of it is what a user may do, or all of it would prove nothing.
    assert len(done) >= 4, done
    assert found(OTHERS) == before


@pytest.mark.parametrize("address", NEWLINES)
def test_an_address_ends_where_it_ends(db, address):
    web = as_web(db)

    def result(statement, *arguments):
        try:
            with web.cursor() as cursor:
                cursor.execute(statement, arguments)
                return cursor.fetchone()["result"]
        except pymysql.err.MySQLError as error:
            return error.args[1]
    assert result("CALL pymailadmin_registration_file(%s, REPEAT('x', 60), "
                  "'en', 'x', NULL, NULL, 60)", address) == "malformed"
    assert result("CALL pymailadmin_alias_add(7, 'alice@example.test', %s, "
                  "9)", address) == "malformed"
    # Its domain may be none then.
    assert result("CALL pymailadmin_request_file(7, REPEAT('a', 32), 'create',"
                  " %s, %s, 'x', 1, 9)", address, int(time.time())) \
        in ("malformed", "not_found")


# The dump, with the configuration

def candidates(*texts):
    """Whatever in them might be a key of 32 bytes, or make one."""
    found = set()
    for text in texts:
        for word in set(re.findall(rb"[^\s'\",;=]+", text)):
            found.add(hashlib.sha256(word).digest())
            if len(word) >= 32:
                found |= {word[:32], word[-32:]}
            for part in re.findall(rb"[0-9a-fA-F]{64}", word):
                found |= {bytes.fromhex(part.decode()),
                          hashlib.sha256(bytes.fromhex(part.decode()))
                          .digest()}
            for part in re.findall(rb"[A-Za-z0-9+/_-]{43}", word):
                found.add(base64.urlsafe_b64decode(
                    part.replace(b"+", b"-").replace(b"/", b"_") + b"="))
    return sorted(found)


def dump(host):
    return subprocess.run(
        ["mariadb-dump", "--no-defaults", f"--socket={host.db.socket}",
         "--user=root", "--hex-blob", "--routines", "mail"],
        capture_output=True, check=True).stdout


@pytest.mark.limit(300)
def test_a_dump_and_the_portals_configuration_open_no_request():
    with MailHost() as host, Portal(host) as portal:
        private = bytes.fromhex(
            host.seal_key.read_text().strip().rpartition(":")[2])
        rows, secrets = [], []
        for name in ("one", "two", "three"):
            mailbox = host.create(name)
            secrets += [mailbox.password, f"new-{name}-Pq7"]
            portal.add_account(f"{name}@other.test")
            portal.give(mailbox.address, f"{name}@other.test")
            portal.log_in(f"{name}@other.test")
            seals.file(mailbox, *secrets[-2:])
            rows.append(host.row(mailbox))
        browser = portal.browser()
        browser.log_in("one@other.test")
        configuration = b"\n".join(
            path.read_bytes() for path in pathlib.Path(
                portal.web.folder).rglob("*")
            if path.is_file() and path.stat().st_size < 100_000)
        stolen = dump(host)
        assert portal.web.settings["seal_key"].encode() in configuration
        keys = candidates(stolen, configuration, PASSWORD.encode(),
                          *(secret.encode() for secret in secrets),
                          browser.session.encode())
        assert len(keys) > 100 and private not in keys
        for row, old in zip(rows, secrets[::2]):
            assert row["sealed"].hex().upper().encode() in stolen.upper()
            assert seals.opened_by(row, keys) == {}
            # The seal key does, and at once.
            assert seals.opened_by(row, [keys[0], private]) == {1: old}

        # One is done, one has expired, one was canceled: nothing is left.
        host.process("--one", "one@example.test").expect(0)
        host.must("pymailadmin", "cancel", "-u", "two@example.test")
        host.db.sql("UPDATE pymailadmin_request SET created_at = created_at - "
                    "INTERVAL 1 HOUR WHERE address = 'three@example.test'")
        host.process().expect(0)
        assert [state["state"] for state in host.db.sql(
            "SELECT state FROM pymailadmin_request ORDER BY address")] == \
            ["done", "expired", "canceled"]
        stolen = dump(host)
        for row in rows:
            assert row["id"].encode() in stolen
            assert row["sealed"].hex().upper()[100:200].encode() \
                not in stolen.upper()
        for secret in secrets:
            assert secret.encode() not in stolen

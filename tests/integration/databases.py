"""A database with one mailbox, and what to try on it."""

import re
import time

import pymysql
import pytest

from mariadb import MariaDB

ID = "0123456789abcdef0123456789abcdef"
HASH = "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$c2FsdHNhbHQ$aGFzaA"
FINAL = ("done", "failed", "expired", "canceled")

# Refusals, by MariaDB's error numbers.
DENIED = (1044, 1045, 1142, 1143, 1227, 1370)
DUPLICATE = 1062
CHECK_FAILED = 4025
NOT_NULL = 1048
TOO_LONG = 1406


@pytest.fixture(scope="module")
def server():
    with MariaDB(mail=True) as db:
        db.create_mail_database("dv", web_password="web")
        db.sql("INSERT INTO domain (domain) VALUES ('example.test')")
        yield db


@pytest.fixture
def db(server):
    """The server with one mailbox, one alias, one account, no request."""
    for table in ("request", "account", "outbox", "event", "registration",
                  "rate_limit", "heartbeat", "account_mailbox",
                  "reserved_address"):
        server.sql(f"DELETE FROM pymailadmin_{table}")
    server.sql("DELETE FROM users")
    server.sql("DELETE FROM alias")
    server.sql("INSERT INTO users (domain_id, email, crypt) "
               "VALUES (1, 'alice@example.test', %s)", HASH)
    server.sql("INSERT INTO alias (domain_id, source, destination) VALUES "
               "(1, 'a@example.test', 'alice@example.test')")
    server.sql("INSERT INTO pymailadmin_account (id, email, password) "
               "VALUES (7, 'alice@other.test', REPEAT('x', 60))")
    server.sql("INSERT INTO pymailadmin_account_domain "
               "VALUES (7, 'example.test')")
    server.sql("INSERT INTO pymailadmin_account_mailbox (address, account_id) "
               "VALUES ('alice@example.test', 7)")
    return server


def as_web(db):
    return db.connect("pymailadmin_web", "web")


def as_plugin(db):
    return db.connect("dovecot", "dv")


def run(connection, statement, *args):
    """Number of affected rows."""
    with connection.cursor() as cursor:
        return cursor.execute(statement, args or None)


def error_of(connection, statement, *args):
    with pytest.raises(pymysql.err.MySQLError) as caught:
        run(connection, statement, *args)
    return caught.value.args[0]


def file_request(connection, request_id=ID, address="alice@example.test",
                 kind="password"):
    return run(connection,
               "INSERT INTO pymailadmin_request "
               "(id, kind, address, account_id, created_at, sealed) "
               "VALUES (%s, %s, %s, NULL, UTC_TIMESTAMP(), 'sealed')",
               request_id, kind, address)


def call(connection, procedure, *args):
    """The result that a procedure of the portal's selects."""
    marks = ", ".join(["%s"] * len(args))
    with connection.cursor() as cursor:
        cursor.execute(f"CALL pymailadmin_{procedure}({marks})", args)
        return cursor.fetchone()["result"]


def portal_file(connection, request_id=ID, address="alice@example.test",
                kind="password", account=7, age=0, sealed=b"sealed",
                quota=None, limit=3):
    """What the portal does to file a request."""
    created = int(time.time()) - age
    return call(connection, "request_file", account, request_id, kind, address,
                created, sealed, quota, limit)


def enum_values(db, column):
    text = db.value("SELECT COLUMN_TYPE FROM information_schema.COLUMNS "
                    "WHERE TABLE_SCHEMA = 'mail' AND "
                    "TABLE_NAME = 'pymailadmin_request' AND COLUMN_NAME = %s",
                    column)
    return re.findall(r"'([^']*)'", text)

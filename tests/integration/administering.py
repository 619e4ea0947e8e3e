"""Accounts of each role in a database, and what super admins do to them with
the portal's rights."""

import json

import databases
from databases import call, run
from mariadb import SQL

HASH = "$argon2id$" + "x" * 60
# 4 and 5 are super admins, 6 is one that is not active.
ACCOUNTS = {1: ("user", 1), 2: ("admin", 1), 3: ("user", 0),
            4: ("super_admin", 1), 5: ("super_admin", 1),
            6: ("super_admin", 0)}
# Who may do nothing of it.
OTHERS = [None, 1, 2, 3, 6, 99]
TABLES = ("account", "account_domain", "account_mailbox", "session",
          "backup_code", "outbox", "event")


def email(number):
    return f"{ACCOUNTS[number][0]}{number}@post.test"


def fill(server):
    """Each active account is logged in, and 1 has a mailbox and an alias."""
    for table in ("registration", "request", "account", "outbox", "event"):
        server.sql(f"DELETE FROM pymailadmin_{table}")
    for table in ("users", "alias", "domain"):
        server.sql(f"DELETE FROM {table}")
    for name in ("one.test", "two.test", "empty.test"):
        server.sql("INSERT INTO domain (domain) VALUES (%s)", name)
    for number, (role, active) in ACCOUNTS.items():
        server.sql("INSERT INTO pymailadmin_account (id, email, password, "
                   "role, active) VALUES (%s, %s, %s, %s, %s)", number,
                   email(number), HASH, role, active)
        log_in(server, number)
    for number, domain in ((1, "one.test"), (2, "one.test"),
                           (2, "empty.test")):
        server.sql("INSERT INTO pymailadmin_account_domain VALUES (%s, %s)",
                   number, domain)
    add_mailbox(server, "box@one.test", 1)
    server.sql("INSERT INTO alias (domain_id, source, destination) SELECT id, "
               "'other@one.test', 'box@one.test' FROM domain "
               "WHERE domain = 'one.test'")


def add_mailbox(server, address, owner=None):
    server.sql("INSERT INTO users (domain_id, email, crypt) SELECT id, %s, "
               "'x' FROM domain WHERE domain = %s", address,
               address.partition("@")[2])
    if owner is not None:
        server.sql("INSERT INTO pymailadmin_account_mailbox (address, "
                   "account_id) VALUES (%s, %s)", address, owner)


def log_in(server, number):
    server.sql("INSERT INTO pymailadmin_session (id_hash, account_id, "
               "csrf_key, role, expires_at) SELECT %s, id, REPEAT('c', 32), "
               "role, UTC_TIMESTAMP() + INTERVAL 1 DAY FROM "
               "pymailadmin_account WHERE id = %s AND active",
               bytes([number]) * 32, number)


def ask(server, address, kind="delete", state="pending"):
    server.sql("INSERT INTO pymailadmin_request (id, kind, address, "
               "account_id, created_at, state) VALUES (MD5(%s), %s, %s, 1, "
               "UTC_TIMESTAMP(), %s)", address, kind, address, state)


def as_web(db):
    """As the portal connects, with the right to add domains."""
    db.load(SQL / "grants-web-domains.sql")
    web = databases.as_web(db)
    run(web, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    return web


def rows(db, tables=TABLES):
    return [db.sql(f"SELECT * FROM pymailadmin_{table}") for table in tables]


def account(db, number):
    row, = db.sql("SELECT * FROM pymailadmin_account WHERE id = %s", number)
    return row


def sessions(db):
    return sorted(row["account_id"] for row in db.sql(
        "SELECT account_id FROM pymailadmin_session"))


def events(db):
    return [(row["actor"], row["address"], row["kind"], row["text"])
            for row in db.sql("SELECT actor, address, kind, text FROM "
                              "pymailadmin_event ORDER BY id")]


def mails(db):
    return [(row["account_id"], row["recipient"], row["template"],
             row["address"]) for row in db.sql(
                 "SELECT * FROM pymailadmin_outbox ORDER BY id")]


def set_role(web, actor, number, role, was=None):
    return call(web, "account_set_role", actor, number, role,
                was or ACCOUNTS.get(number, ("user",))[0])


def add(web, actor, role="user", address="new@post.test", language="en",
        domains=(), limits=(None, None)):
    return call(web, "account_add", actor, address, role, language,
                json.dumps(domains), *limits)


def set_active(web, actor, number, active):
    return call(web, "account_set_active", actor, number, active)


def set_domains(web, actor, number, *names, take=False):
    return call(web, "account_set_domains", actor, number, json.dumps(names),
                take)


def give(web, actor, to, was=email(1), address="box@one.test"):
    return call(web, "mailbox_give", actor, address, to, was)

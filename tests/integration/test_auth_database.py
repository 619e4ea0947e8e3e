"""The auth driver without the database: nobody gets in, whatever else would
answer."""

import contextlib
import socket

import pytest

from mailhost import WORKER_CORE, WORKER_KILLED
from mariadb import wait_until
from windows import (
    CLOSED, MORE_LOGINS, SUBMISSION, UNAVAILABLE, ask, close, host,
    is_refused, log_in_again, may_log_in, open_again, restart, shut_down,
    statements_of, words_of)


def workers(host):
    """Process ids of the auth workers."""
    found = host.must("-f", "json", "process", "status", "auth-worker").json
    return [int(row["pid"]) for row in found]


# The database is away

@pytest.mark.parametrize("password", [None, "wrong"])
def test_nobody_gets_in_without_the_database(host, password):
    shut_down(host)
    is_refused(host.alice, UNAVAILABLE, password)
    assert ask(host.imap_port, "a LOGIN nobody@example.test x") == \
        "a NO [UNAVAILABLE] " + UNAVAILABLE


def test_the_log_says_that_the_database_is_away(host):
    shut_down(host)
    seen = host.log_position()
    words_of(host.alice.imap)
    line = host.wait_log("Login refused: request lookup failed: ", seen)
    assert f"auth-worker({host.alice.address},127.0.0.1)" in line
    assert ": Error: " in line


@pytest.mark.parametrize("breakage, repair", [
    ("RENAME TABLE pymailadmin_request TO pymailadmin_request_away",
     "RENAME TABLE pymailadmin_request_away TO pymailadmin_request"),
    ("REVOKE SELECT ON pymailadmin_request FROM 'dovecot'@'localhost'",
     "GRANT SELECT ON pymailadmin_request TO 'dovecot'@'localhost'"),
    ("ALTER TABLE pymailadmin_request DROP INDEX open_address, "
     "DROP COLUMN open_address",
     "ALTER TABLE pymailadmin_request ADD COLUMN open_address VARCHAR(254) "
     "GENERATED ALWAYS AS (IF(state IN ('done', 'failed', 'expired', "
     "'canceled'), NULL, address)) STORED COMMENT 'x', "
     "ADD UNIQUE KEY open_address (open_address)"),
], ids=["table", "right", "column"])
def test_nobody_gets_in_while_the_requests_cannot_be_read(host, breakage,
                                                          repair):
    host.db.sql(breakage)
    try:
        is_refused(host.alice, UNAVAILABLE)
    finally:
        host.db.sql(repair)
    may_log_in(host.alice)


def test_the_database_is_found_again_within_seconds(host):
    """Dovecot's mysql driver waits longer each time, and then kills its
    process, or connects in vain."""
    shut_down(host)
    seen = set(workers(host))

    def changes():
        assert words_of(host.alice.imap) == "NO [UNAVAILABLE] " + UNAVAILABLE
        seen.update(workers(host))
        return len(seen) > 3
    wait_until(changes, "third worker that tries")
    host.db.start()
    log_in_again(host)


# With the auth cache, which answers when the database does not

@pytest.fixture
def cached(host):
    """The cache knows both: without the driver they would get in."""
    restart(
        host, auth_cache=True, extra=MORE_LOGINS +
        f"mysql {host.db.socket} {{\n  connect_timeout = 2s\n"
        "  read_timeout = 2s\n}\n")
    for mailbox in (host.alice, host.bob):
        may_log_in(mailbox)
        may_log_in(mailbox)
    yield host
    restart(host, auth_cache=False, extra=MORE_LOGINS)


def test_the_cache_is_what_lets_in(host):
    """What the tests below rely on: the others need no database."""
    restart(host, auth_cache=True, driver=False, extra=SUBMISSION)
    try:
        may_log_in(host.bob)
        shut_down(host)
        may_log_in(host.bob)
    finally:
        restart(host, auth_cache=False, driver=True, extra=MORE_LOGINS)


def test_a_cached_login_is_asked_for_each_time(cached):
    opens = close(cached.alice)
    is_refused(cached.alice, CLOSED.format(opens))
    may_log_in(cached.bob)
    cached.db.sql("DELETE FROM pymailadmin_request")
    may_log_in(cached.alice)
    assert statements_of(cached, lambda: cached.alice.imap().logout()) == 1


def test_the_cache_does_not_stand_in_for_the_database(cached):
    shut_down(cached)
    is_refused(cached.alice, UNAVAILABLE)
    is_refused(cached.bob, UNAVAILABLE, "wrong")


def test_a_database_that_hangs_lets_nobody_in(cached):
    # The mysql driver connects twice in a row after a timeout.
    cached.expect_log(WORKER_KILLED + "|Worker process died")
    cached.expect_core(WORKER_CORE)
    cached.db.suspend()
    try:
        assert words_of(cached.alice.imap) == \
            "NO [UNAVAILABLE] " + UNAVAILABLE
    finally:
        cached.db.resume()
    log_in_again(cached)


@pytest.mark.parametrize("login", [
    "{0.address} {0.password}", '"{0.address}*adm" of-the-master',
], ids=["passdb", "userdb"])
def test_a_worker_that_dies_lets_nobody_in(cached, login):
    """Dovecot takes that for an answer and would ask the next database."""
    cached.expect_log(r"killed with signal 9|Worker process died")
    with contextlib.closing(cached.db.connect()) as connection, \
            connection.cursor() as cursor, \
            socket.create_connection(("127.0.0.1", cached.imap_port),
                                     30) as client:
        # The lookup waits for this lock, and meanwhile its worker is killed.
        cursor.execute("LOCK TABLES pymailadmin_request WRITE")
        file = client.makefile("rwb")
        file.readline()
        file.write(f"a LOGIN {login.format(cached.alice)}\r\n".encode())
        file.flush()

        def waits():
            cursor.execute("SHOW PROCESSLIST")
            return [row for row in cursor.fetchall()
                    if row["User"] == "dovecot" and row["Info"]]
        wait_until(waits, "lookup that waits")
        for pid in workers(cached):
            cached.command("kill", "-KILL", pid)
        # What is asked from now on is answered.
        cursor.execute("UNLOCK TABLES")
        answer = file.readline().decode().rstrip()
        # Past the passdb, Dovecot may just close the connection.
        assert answer == f"a NO [UNAVAILABLE] {UNAVAILABLE}" or \
            (answer == "" and "adm" in login)
    log_in_again(cached)

"""What "process" reads of the requests there are, every few seconds on every mail
host: what it can work on, and no more; and whom it lets wait."""

import contextlib
import re
import socket
import threading

import pytest

import creations
from builds import SOURCE
from changes import assert_ended, name_of
from databases import ID
from mailhost import MailHost

WAITING = 500


@pytest.fixture(scope="module")
def host():
    with MailHost() as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    yield host.create(name_of(request))
    host.db.sql("DELETE FROM pymailadmin_request")


def rows_read(host, *words):
    """How many rows a run is sent by the database."""
    def sent():
        return int(host.db.sql("SHOW GLOBAL STATUS LIKE 'Rows_sent'")[0]
                   ["Value"])
    before = sent()
    host.process(*words).expect(0)
    return sent() - before


def add(host, kind, values):
    """Many of a kind."""
    host.db.sql("INSERT INTO pymailadmin_request (id, kind, address, "
                "created_at, sealed, outcome, retry_at, claimed_by, "
                "lease_until, state) SELECT CONCAT(%s, LPAD(seq, 24, '0')), "
                "%s, CONCAT('x', seq, '-', %s), UTC_TIMESTAMP(), "
                f"{values} FROM seq_1_to_{WAITING}",
                ID[:4] + "%04x" % len(values), kind, f"{len(values)}@a.test")


HOUR = "UTC_TIMESTAMP() + INTERVAL 1 HOUR"


def test_what_waits_is_not_read(host, mailbox):
    nothing = rows_read(host)
    add(host, "delete", "NULL, 'confirmed', NULL, NULL, NULL, 'pending'")
    add(host, "password", f"'x', 'busy', {HOUR}, NULL, NULL, 'pending'")
    add(host, "create", f"'x', NULL, NULL, 'other.host/1/1', {HOUR}, "
        "'claimed'")
    assert rows_read(host) == nothing
    # Among them, what can be worked on is found.
    host.request(mailbox, "new").expect(0)
    assert rows_read(host) < nothing + 50
    assert_ended(mailbox, "done")


def test_what_is_due_is_read(host, mailbox):
    """The lease is over, by time or because its process is gone."""
    for change in ("lease_until = UTC_TIMESTAMP() - INTERVAL 1 SECOND, "
                   "claimed_by = 'other.host/1/1'",
                   f"lease_until = {HOUR}, claimed_by = "
                   "CONCAT((SELECT host FROM pymailadmin_heartbeat), "
                   "'/999999/1')"):
        host.request(mailbox, "new").expect(0)
        host.db.sql(f"UPDATE pymailadmin_request SET {change}, "
                    "state = 'claimed' WHERE id = %s", mailbox.request_id)
        host.process().expect(0)
        mailbox.password = "new"
        assert_ended(mailbox, "done")


def test_one_of_many_needs_no_list(host, mailbox):
    add(host, "password", "'x', NULL, NULL, NULL, NULL, 'pending'")
    host.request(mailbox, "new").expect(0)
    assert rows_read(host, "--one", mailbox.address) < 50
    assert_ended(mailbox, "done")
    # Those that have ended are left alone.
    before = host.row(mailbox)
    host.process("--one", mailbox.address).expect(0)
    assert host.row(mailbox) == before


@contextlib.contextmanager
def slow_anvil(host, answer):
    """One in anvil's place that takes 0.6 s for each answer."""
    path, ended = host.run / "anvil", threading.Event()
    path.rename(host.run / "anvil.away")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve():
        with contextlib.suppress(OSError):
            while True:
                with listener.accept()[0] as client, \
                        client.makefile("rw") as stream:
                    name = next(line.split()[1] for line in stream
                                if line.startswith("KICK-USER"))
                    reply = answer(name)
                    ended.wait(0.6)
                    stream.write(f"{reply}\n")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()
        (host.run / "anvil.away").rename(path)


def test_nobody_waits_for_sessions_that_do_not_answer(host, mailbox):
    """Nor are they asked for again; but each is, whatever that takes."""
    host.db.sql("INSERT INTO pymailadmin_request (id, kind, address, "
                "created_at, retry_at) SELECT MD5(seq), 'close', "
                "CONCAT('closed', seq, '@example.test'), UTC_TIMESTAMP() - "
                "INTERVAL 1 MINUTE, UTC_TIMESTAMP() + INTERVAL 5 MINUTE "
                "FROM seq_1_to_4")
    host.request(mailbox, "new").expect(0)
    kicked, states = [], []

    def answer(name):
        if name.startswith("closed"):
            kicked.append(name[:7])
            states.append(host.row(mailbox)["state"])
        return "x" if name.startswith("closed1") else "0"

    with slow_anvil(host, answer):
        result = host.process().expect(0)
    assert set(states) == {"done"}
    assert set(kicked) == {"closed1", "closed2", "closed3", "closed4"}
    assert kicked.count("closed1") == 1
    assert "sessions of closed1@example.test failed: " in result.stderr


# ---- what pymailadmin-scale(7) says

SCALE = (SOURCE / "plugin/man/pymailadmin-scale.7").read_text()


def statements(host):
    """What a run asks of the database."""
    host.db.log_statements()
    begin = len(host.db.logged())
    host.process().expect(0)
    host.db.log_statements(False)
    return re.findall(r" Query\t(.*)", host.db.logged()[begin:])


def test_a_run_with_nothing_to_do_asks_four_times(host):
    assert "one connection and four statements" in SCALE
    # but for what this test itself asks
    found = [text for text in statements(host)
             if not text.startswith("SET ")]
    assert len(found) == 4, found


def test_how_many_statements_a_change_and_a_creation_are(host, mailbox):
    assert "About fifteen statements" in SCALE and \
        "new password, thirteen\nfor a new mailbox" in SCALE
    nothing = len(statements(host))
    host.request(mailbox, "new").expect(0)
    change = len(statements(host)) - nothing
    assert_ended(mailbox, "done")
    new = creations.new_mailbox(host, "statements")
    creations.file(new)
    creation = len(statements(host)) - nothing
    assert_ended(new, "done")
    assert 13 <= change <= 17 and 11 <= creation <= 15, (change, creation)


def test_history_is_shortened(host, mailbox):
    """By what is said there; of what is open nothing goes."""
    deletes = re.findall(r"^DELETE [^;]*;", SCALE, re.MULTILINE)
    assert len(deletes) == 2
    host.request(mailbox, "new").expect(0)
    host.process().expect(0)
    done = host.row(mailbox)["id"]
    host.request(mailbox, "newer", old="new").expect(0)
    for table, column in (("event", "created_at"), ("request", "created_at"),
                          ("request", "ended_at")):
        host.db.sql(f"UPDATE pymailadmin_{table} SET {column} = {column} - "
                    "INTERVAL 3 YEAR")
    for statement in deletes:
        host.db.sql(statement)
    rows = host.db.sql("SELECT id FROM pymailadmin_request")
    assert len(rows) == 1 and rows[0]["id"] != done
    assert host.db.value("SELECT COUNT(*) FROM pymailadmin_event") == 0
    host.doveadm("pymailadmin", "status", "-u", mailbox.address).expect(0)

"""No mailbox is closed for longer than fifteen minutes."""

import os
import pathlib
import signal

import pytest

from changes import (answers, assert_ended, assert_opens, assert_refused,
                     change, fill, name_of, refused_until_open)
from mailhost import WORKER_CORE, WORKER_KILLED, MailHost
from mariadb import wait_until

WINDOW = 15 * 60
UNAVAILABLE = ("Your mailbox cannot be opened right now, try again later")


@pytest.fixture(scope="module", params=["maildir", "sdbox"])
def host(request):
    with MailHost(mail_driver=request.param, clock=True) as host:
        # See test_stock.py: the database hangs or dies here.
        host.expect_log(WORKER_KILLED + "|Worker process died")
        host.expect_core(WORKER_CORE)
        yield host


@pytest.fixture
def mailbox(host, request):
    mailbox = host.create(name_of(request))
    fill(mailbox)
    return mailbox


def database_time(host):
    return host.db.value("SELECT TIMESTAMPDIFF(SECOND, '1970-01-01', "
                         "UTC_TIMESTAMP())")


def test_the_clock_of_the_database_moves(host):
    before = database_time(host)
    host.clock.move(WINDOW)
    assert WINDOW <= database_time(host) - before < WINDOW + 10


def test_the_timer_is_dead(host, mailbox):
    """Nobody ever runs process: the mailbox opens by time alone."""
    before = mailbox.everything()
    host.request(mailbox, "new").expect(0)
    host.clock.move(WINDOW - 20)
    refused_until_open(mailbox)
    host.clock.move(21)
    assert_opens(mailbox, mailbox.password, before)
    assert_refused(mailbox, "new")
    [row] = host.requests(mailbox)
    assert row["state"] == "pending" and row["closed-until"] == ""
    # When the timer is back, it ends what nobody waits for any more.
    host.process().expect(0)
    row = assert_ended(mailbox, "expired", "expired")
    assert "nobody worked on it in time" in row["reason"]
    assert_opens(mailbox, mailbox.password, before)
    change(mailbox, "new")


def test_a_request_that_waits_expires(host, mailbox):
    """Every try fails for a passing reason until the time is over."""
    before = mailbox.everything()
    host.request(mailbox, "new").expect(0)
    host.db.sql("UPDATE pymailadmin_request SET attempts = 9, "
                "retry_at = UTC_TIMESTAMP() + INTERVAL 5 SECOND, "
                "reason = 'was busy' WHERE id = %s", mailbox.request_id)
    host.process().expect(0)
    refused_until_open(mailbox)
    host.clock.move(WINDOW + 1)
    assert_opens(mailbox, mailbox.password, before)
    host.process().expect(0)
    assert assert_ended(mailbox, "expired")["reason"] == "was busy"


def test_a_process_that_hangs(host, mailbox):
    """It has claimed the request and then does nothing for long."""
    before = mailbox.everything()
    host.request(mailbox, "new").expect(0)
    with host.db.connect(autocommit=False) as connection:
        cursor = connection.cursor()
        # The row of the mailbox cannot be read by who wants to change it.
        cursor.execute("LOCK TABLES pymailadmin_heartbeat WRITE")
        run = host.spawn("pymailadmin", "process")
        wait_until(lambda: host.db.value(
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST "
            "WHERE STATE LIKE 'Waiting for table%%'"), "process waits", 10)
        run.send_signal(signal.SIGSTOP)
        cursor.execute("UNLOCK TABLES")
    host.clock.move(WINDOW + 1)
    assert_opens(mailbox, mailbox.password, before)
    run.send_signal(signal.SIGCONT)
    output = run.communicate(timeout=30)[0]
    assert run.returncode == 0, output
    assert_ended(mailbox, "expired")
    assert_opens(mailbox, mailbox.password, before)


def test_the_database_is_dead(host, mailbox):
    """Nobody can log in without it; when it is back, the time counts."""
    before = mailbox.everything()
    host.request(mailbox, "new").expect(0)
    host.db.stop()
    heard = answers(mailbox, mailbox.password)
    assert heard["imap"] == f"NO [UNAVAILABLE] {UNAVAILABLE}"
    assert heard["pop3"] == f"-ERR [SYS/TEMP] {UNAVAILABLE}"
    assert host.process().code == 75
    with host.lmtp() as lmtp:
        code, _ = lmtp.deliver(mailbox.address, b"Subject: x\r\n\r\nx\r\n")
        assert 400 <= code < 500
    host.clock.move(WINDOW + 1)
    host.db.start()
    # Dovecot's own connections wait before they try again.
    host.restart_dovecot()
    assert_opens(mailbox, mailbox.password, before)
    host.process().expect(0)
    assert_ended(mailbox, "expired")


def has_socket(pid):
    try:
        return any(os.readlink(fd).startswith("socket:") for fd in
                   pathlib.Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:
        # A descriptor was closed meanwhile.
        return False


def test_the_database_dies_during_the_change(host, mailbox):
    """The lock on the mailbox goes with the process, whatever it met."""
    before = mailbox.everything()
    host.request(mailbox, "new").expect(0)
    host.db.suspend()
    run = host.spawn("pymailadmin", "process")
    try:
        wait_until(lambda: has_socket(run.pid), "process has connected", 10)
        run.kill()
        run.communicate(timeout=10)
    finally:
        host.db.resume()
    host.clock.move(WINDOW + 1)
    assert_opens(mailbox, mailbox.password, before)
    host.process().expect(0)
    assert_ended(mailbox, "expired")


def test_only_the_switch_keeps_a_mailbox_closed(host, mailbox):
    """Key and hash may disagree: it stays closed until it is repaired."""
    before = mailbox.everything()
    host.request(mailbox, "new").expect(0)
    host.db.sql("UPDATE pymailadmin_request SET state = 'switching', "
                "claimed_by = 'elsewhere/1/1', lease_until = UTC_TIMESTAMP() "
                "WHERE id = %s", mailbox.request_id)
    host.clock.move(WINDOW + 3600)
    assert "It opens again by the end of the change." in \
        refused_until_open(mailbox)["imap"]
    assert host.requests(mailbox)[0]["closed-until"] == "repaired"
    host.process().expect(0)
    assert_ended(mailbox, "done")
    assert_opens(mailbox, "new", before)


def test_after_the_switch_the_new_password_holds(host, mailbox):
    """Killed before it could say so: time alone opens with the new one."""
    before = mailbox.everything()
    change(mailbox, "new")
    host.request(mailbox, "newer").expect(0)
    host.process().expect(0)
    host.db.sql("UPDATE pymailadmin_request SET state = 'rekeying', "
                "ended_at = NULL, claimed_by = 'elsewhere/1/1', "
                "lease_until = UTC_TIMESTAMP() WHERE id = %s",
                mailbox.request_id)
    refused_until_open(mailbox)
    host.clock.move(WINDOW + 1)
    assert_opens(mailbox, "newer", before)
    host.process().expect(0)
    assert_ended(mailbox, "done")
    assert_opens(mailbox, "newer", before)


def test_the_setting_may_shorten_the_window(host, mailbox):
    host.restart_dovecot(extra="pymailadmin_rekey_window = 1 min\n")
    try:
        before = mailbox.everything()
        host.request(mailbox, "new").expect(0)
        refused_until_open(mailbox)
        host.clock.move(61)
        assert_opens(mailbox, mailbox.password, before)
        host.process().expect(0)
        assert_ended(mailbox, "expired")
    finally:
        host.restart_dovecot(extra="")


@pytest.mark.parametrize("value", ["16 min", "0", "-1 s"])
def test_the_setting_may_not_lengthen_it(host, value):
    result = host.doveadm("-o", f"pymailadmin_rekey_window={value}",
                          "pymailadmin", "process")
    result.expect(78)
    assert "pymailadmin_rekey_window" in result.stderr

"""Who comes late: was let in before the mailbox was deleted, and is there when it
is gone. Nobody makes it again."""

import concurrent.futures
import os
import signal
import subprocess

import pytest

import messages
from changes import fill, name_of
from deletions import GRACE, ask, assert_gone
from mailhost import MailHost
from mariadb import wait_until
from test_mailbox_lock import BYE

# Mail can be stored without a key password, and a user be known from the cache:
# what makes it worst.
WORST = "crypt_user_key_require_encrypted = no\n"
# The process of a session is there before it.
READY = "service imap {\n  process_min_avail = 1\n  restart_request_count = 1\n}\n"


@pytest.fixture(scope="module")
def host():
    with MailHost(clock=True, auth_cache=True, extra_conf=WORST) as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    mailbox = host.create(name_of(request))
    fill(mailbox)
    ask(mailbox)
    host.process().expect(0)
    host.clock.move(GRACE)
    return mailbox


def delete(mailbox):
    mailbox.host.process().expect(0)
    assert mailbox.host.row(mailbox)["state"] == "done"
    assert not mailbox.home.exists()


@pytest.mark.parametrize("begun", [False, True], ids=["rcpt", "data"])
def test_a_mail_whose_recipient_was_accepted(host, mailbox, begun):
    seen = host.log_position()
    with host.lmtp() as lmtp:
        lmtp.ehlo_or_helo_if_needed()
        assert lmtp.mail("sender@elsewhere.test")[0] == 250
        assert lmtp.rcpt(mailbox.address)[0] == 250
        if begun:
            assert lmtp.docmd("DATA")[0] == 354
            lmtp.send(messages.small(9))
        delete(mailbox)
        if begun:
            lmtp.send(b".\r\n")
            code, text = lmtp.getreply()
        else:
            code, text = lmtp.data(messages.small(9))
    assert not mailbox.home.exists(), list(mailbox.home.rglob("*"))
    assert code == 451, text
    host.wait_log("there is no such mailbox any more", seen)
    # It comes again, and its sender is told.
    assert_gone(mailbox)


def imap_processes(host):
    """Those that Dovecot has started."""
    found = subprocess.run(
        ["pgrep", "-x", "imap", "-P", str(host.dovecot.pid)],
        capture_output=True, text=True).stdout
    return list(map(int, found.split()))


def waits_for_a_process(host):
    """Has a log-in been handed on to the socket of the sessions?"""
    lines = subprocess.run(["ss", "-xlH"], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    return any(int(line.split()[2]) > 0 for line in lines
               if f"{host.run}/login/imap " in line)


def test_a_session_that_was_logged_in(host, mailbox):
    """Its process looks at the mailbox when that is gone."""
    host.restart_dovecot(extra=WORST + READY)
    pids = wait_until(lambda: imap_processes(host), "a process for a session")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    seen = host.log_position()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        try:
            session = pool.submit(mailbox.imap)
            wait_until(lambda: waits_for_a_process(host), "a log-in")
            delete(mailbox)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        imap = session.result()
    assert imap.readline().rstrip() == BYE.encode()
    imap.shutdown()
    host.wait_log("there is no such mailbox any more", seen)
    assert not mailbox.home.exists()
    host.restart_dovecot(extra=WORST)


def test_the_first_mail_of_a_mailbox_makes_its_home(host, request):
    mailbox = host.create(name_of(request), key=False)
    assert not mailbox.home.exists()
    mailbox.deliver(messages.small(1))
    assert (mailbox.home / "pymailadmin.lock").exists()


def test_a_home_that_is_not_there_yet_is_made(host):
    """Of a mailbox that somebody else made: mail may be the first to come."""
    mailbox = host.create("not-there-yet", key=False)
    mailbox.deliver(messages.small(4))
    assert mailbox.home.is_dir()

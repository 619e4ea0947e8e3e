"""The mailbox lock: what sessions and deliveries meet while it is held."""

import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import time

import pytest

import locks
import messages
from mailclients import Refused
from mailhost import MailHost
from mariadb import wait_until

# What Dovecot tells clients; the reason is in the log only.
BYE = ("* BYE Internal error occurred. "
       "Refer to server log for more information.")
POP3_ERROR = ("-ERR [SYS/TEMP] Internal error occurred. "
              "Refer to server log for more information.")


@pytest.fixture(scope="module", params=["maildir", "sdbox"])
def host(request):
    with MailHost(mail_driver=request.param, driver=False) as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    name = re.sub(r"\W+", "-", request.node.name).strip("-")[:60].lower()
    mailbox = host.create(name)
    mailbox.deliver(messages.small(1), messages.small(2))
    return mailbox


def test_imap_is_refused_while_the_lock_is_held(host, mailbox):
    seen = host.log_position()
    with locks.exclusive(mailbox.home):
        session = mailbox.imap()
        assert session.login_answer == \
            "OK Logged in, but initialization failed."
        assert session.readline().rstrip() == BYE.encode()
        assert session.readline() == b""
        session.shutdown()
    line = host.wait_log("the mailbox is closed while its password is being "
                         "changed", seen)
    assert f"is held by python3 (process {os.getpid()})" in line
    assert f"doveadm pymailadmin status -u {mailbox.address}" in line
    assert len(mailbox.mails()) == 2


def test_pop3_is_refused_while_the_lock_is_held(host, mailbox):
    with locks.exclusive(mailbox.home):
        with pytest.raises(Refused) as refused:
            mailbox.pop3()
        assert str(refused.value) == POP3_ERROR
    session = mailbox.pop3()
    assert session.stat()[0] == 2
    session.quit()


def test_doveadm_is_refused_while_the_lock_is_held(host, mailbox):
    command = ("mailbox", "status", "-u", mailbox.address, "messages", "INBOX")
    with locks.exclusive(mailbox.home):
        result = host.doveadm(*command)
        result.expect(75)
        assert "the mailbox is closed while its password is being changed" \
            in result.stderr
    host.must(*command)


def test_a_delivery_waits_for_the_lock(host, mailbox):
    """The mail is accepted, once the lock is given back."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        with locks.exclusive(mailbox.home):
            delivery = pool.submit(mailbox.deliver, messages.small(3))
            wait_until(lambda: "lmtp" in locks.users(mailbox.home / locks.GATE),
                       "a delivery that waits", 10)
            assert not delivery.done()
        delivery.result(10)
    assert [mail.delivered for mail in mailbox.mails()] == \
        [messages.small(number) for number in (1, 2, 3)]


def test_a_delivery_is_deferred_after_five_seconds(host, mailbox):
    with locks.exclusive(mailbox.home), host.lmtp() as lmtp:
        began = time.monotonic()
        answer = lmtp.deliver(mailbox.address, messages.small(3))
        took = time.monotonic() - began
    assert answer == (451, f"4.3.0 <{mailbox.address}> "
                           "Temporary internal error")
    assert 4.9 < took < 6.5
    assert len(mailbox.mails()) == 2


def test_only_the_locked_recipient_is_deferred(host, mailbox):
    other = host.create(mailbox.address.partition("@")[0] + "-other")
    with locks.exclusive(mailbox.home), host.lmtp() as lmtp:
        answers = [lmtp.deliver(each.address, messages.small(4))
                   for each in (other, mailbox, other)]
    assert [code for code, _ in answers] == [250, 451, 250]
    assert len(other.mails()) == 2


def test_a_session_holds_the_lock_as_long_as_it_lives(mailbox):
    assert locks.is_free(mailbox.home)
    for opener in (mailbox.imap, mailbox.pop3):
        session = opener()
        assert not locks.is_free(mailbox.home)
        (session.logout if opener == mailbox.imap else session.quit)()
        wait_until(lambda: locks.is_free(mailbox.home), "free lock", 10)


def test_sessions_share_the_lock(mailbox):
    with mailbox.imap(), mailbox.imap():
        session = mailbox.pop3()
        mailbox.deliver(messages.small(5))
        session.quit()
    assert len(mailbox.mails()) == 3


def test_no_process_keeps_the_lock_between_users(host, mailbox):
    for _ in range(3):
        with mailbox.imap() as imap:
            imap.mails()
        mailbox.deliver(messages.small(6))
    wait_until(lambda: locks.users(mailbox.home / locks.LOCK) == [],
               "nobody has the lock file open", 10)


def test_a_killed_holder_frees_the_lock(mailbox):
    holder = subprocess.Popen(
        [sys.executable, "-c",
         "import sys, locks, pathlib\n"
         "with locks.exclusive(pathlib.Path(sys.argv[1])):\n"
         "    print('held', flush=True); sys.stdin.read()", mailbox.home],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=os.path.dirname(locks.__file__))
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Refused):
        mailbox.pop3()
    holder.send_signal(signal.SIGKILL)
    holder.wait(10)
    holder.stdin.close()
    holder.stdout.close()
    mailbox.pop3().quit()


def test_the_lock_files_are_private_and_stay(mailbox):
    before = {}
    for name in (locks.GATE, locks.LOCK):
        status = (mailbox.home / name).stat()
        assert status.st_mode & 0o7777 == 0o600
        assert status.st_uid == mailbox.home.stat().st_uid != 0
        before[name] = status.st_ino
    mailbox.mails()
    for name, inode in before.items():
        assert (mailbox.home / name).stat().st_ino == inode


def test_a_symlink_in_place_of_the_lock_is_refused(mailbox, tmp_path):
    target = mailbox.home.parent / "target"
    (mailbox.home / locks.LOCK).unlink()
    (mailbox.home / locks.LOCK).symlink_to(target)
    with pytest.raises(Refused) as refused:
        mailbox.pop3()
    assert str(refused.value) == POP3_ERROR
    assert not target.exists()


def test_a_user_with_neither_home_nor_mail_gets_both(host):
    mailbox = host.create("fresh", key=False)
    assert not mailbox.home.exists()
    with mailbox.imap() as imap:
        imap.ask("append", "INBOX", None, None, messages.small(7))
    assert mailbox.home.stat().st_mode & 0o7777 == 0o700
    assert [mail.body for mail in mailbox.mails()] == [messages.small(7)]

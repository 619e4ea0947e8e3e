"""The bench itself: Dovecot as it is packaged, none of our modules loaded."""

import contextlib
import fcntl
import socket
import struct
import termios

import pytest

import messages
from mailclients import Refused
from mailhost import (ANVIL_CORE, ANVIL_KILLED, AUTH_KILLED, WORKER_CORE,
                      WORKER_KILLED, MailHost, key_password)
from mariadb import wait_until


@pytest.fixture(scope="module", params=["maildir", "sdbox"])
def host(request):
    with MailHost(mail_driver=request.param, stock=True) as host:
        yield host


def test_a_rebuilt_mdbox_has_one_mail_for_two_folders():
    """A copy in another folder has the same GUID and a key of its own. When
    Dovecot 2.4.1 rebuilds an mdbox it takes both for one mail, and then one of
    the folders cannot read it."""
    with MailHost(mail_driver="mdbox", stock=True) as host:
        host.expect_log("rebuilding indexes|Duplicate GUID|Decryption error|"
                        "read|Private key")
        mailbox = host.create("copied")
        mailbox.deliver(messages.small(1))
        with mailbox.imap() as imap:
            imap.create("Other")
            imap.ask("select", "INBOX")
            imap.ask("uid", "COPY", "1", "Other")
        assert mailbox.mails()[0].body == mailbox.mails("Other")[0].body
        host.must("force-resync", "-u", mailbox.address, "*")
        readable = 0
        for folder in ("INBOX", "Other"):
            result = host.doveadm(
                "-o", "crypt_user_key_password=" +
                key_password(mailbox.password), "fetch", "-u",
                mailbox.address, "body", "mailbox", folder)
            readable += result.code == 0
        assert readable == 1


@pytest.fixture(scope="module")
def filled(host):
    """A mailbox with every awkward message, delivered by LMTP."""
    mailbox = host.create("awkward")
    mailbox.deliver(*messages.awkward().values())
    return mailbox


def test_imap_gives_back_what_lmtp_was_given(filled):
    given = messages.awkward()
    found = filled.mails()
    assert len(found) == len(given)
    for (name, message), mail in zip(given.items(), found):
        assert mail.delivered == message, name
        assert mail.size == len(mail.body), name


def test_pop3_gives_back_what_imap_does(filled):
    bodies = [mail.body for mail in filled.mails()]
    session = filled.pop3()
    found = [session.retrieve(number + 1) for number in range(len(bodies))]
    session.quit()
    assert found == bodies


def test_no_mail_is_readable_on_disk(filled):
    files = [path for path in filled.home.rglob("*") if path.is_file()
             and "CRYPTED" in path.read_text(errors="replace")[:512]]
    assert len(files) == len(messages.awkward())
    for path in files:
        assert b"Subject:" not in path.read_bytes()


def test_a_wrong_password_is_refused(host, filled):
    with pytest.raises(Refused, match="AUTHENTICATIONFAILED"):
        filled.imap("wrong")
    with pytest.raises(Refused, match=r"-ERR \[AUTH\]"):
        filled.pop3("wrong")
    assert filled.smtp_auth("wrong").startswith("FAIL\t1")
    assert filled.smtp_auth().startswith("OK\t1")


def test_detail_goes_to_a_folder(host):
    mailbox = host.create("detail")
    mailbox.deliver(messages.small(1), detail="Lists")
    mailbox.deliver(messages.small(2))
    assert [mail.delivered for mail in mailbox.mails("Lists")] == \
        [messages.small(1)]
    assert [mail.delivered for mail in mailbox.mails()] == [messages.small(2)]


def test_large_messages(host):
    mailbox = host.create("large")
    given = [messages.large(number, 3_000_000) for number in range(2)]
    mailbox.deliver(*given)
    assert [mail.delivered for mail in mailbox.mails()] == given


def test_a_key_that_does_not_open_loses_mail_by_pop3(host):
    """Why all this exists; if Dovecot changes it, we want to know."""
    mailbox = host.create("mismatch")
    mailbox.deliver(messages.small(3))
    host.db.sql("UPDATE users SET crypt = %s WHERE email = %s",
                host.hash("other"), mailbox.address)
    session = mailbox.pop3("other")
    assert session.retrieve(1) == b"\r\n"
    session.dele(1)
    session.quit()
    assert host.doveadm("-f", "tab", "mailbox", "status", "-u",
                        mailbox.address, "messages",
                        "INBOX").stdout.split()[-1] == "0"


def test_http_api_and_doveadm_agree(host, filled):
    status, answer = host.http(
        ["mailboxStatus", {"user": filled.address, "field": ["messages"],
                           "mailboxMask": ["INBOX"]}, "t"])
    assert status == 200
    rows = host.must("-f", "json", "mailbox", "status", "-u", filled.address,
                     "messages", "INBOX").json
    assert answer == [["doveadmResponse", rows, "t"]]
    assert int(rows[0]["messages"]) == len(messages.awkward())


def unread(sock):
    """Bytes sent that the other side has not read."""
    return struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, b"\0" * 4))[0]


def userdb_client(host):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(host.run / "auth-userdb"))
    # The greeting: auth has taken what came before.
    assert sock.recv(100).startswith(b"VERSION")
    return sock


@pytest.mark.limit(120)
def test_auth_dies_of_a_client_that_dies_in_its_lookup(host):
    """Why the tests that kill processes expect it; if Dovecot mends it, we
    want to know."""
    mailbox = host.create("gone", key=False)
    host.expect_log(AUTH_KILLED)
    position = host.log_position()

    def killed():
        host.db.suspend()
        try:
            with userdb_client(host) as client:
                client.sendall(
                    b"VERSION\t1\t1\nUSER\t1\t%s\tprotocol=lmtp\n" %
                    mailbox.address.encode())
                wait_until(lambda: unread(client) == 0, "the lookup")
            userdb_client(host).close()
        finally:
            host.db.resume()
        # What is freed may look whole for a while: not each time.
        with contextlib.suppress(TimeoutError):
            return host.wait_log("killed with signal 11", position)
        return None
    wait_until(killed, "death of auth", 60)
    assert mailbox.smtp_auth().startswith("OK\t1")


def test_an_auth_worker_dies_of_a_refused_connection(host):
    """Why the auth driver asks no more in a process that was refused; if
    Dovecot mends it, we want to know."""
    mailbox = host.create("refused", key=False)
    host.expect_log(WORKER_KILLED)
    host.expect_core(WORKER_CORE)
    position = host.log_position()
    host.db.kill()
    host.restart_dovecot()
    try:
        def killed():
            assert mailbox.smtp_auth().startswith("FAIL\t1")
            return "killed with signal 11" in host.log_since(position)
        wait_until(killed, "death of an auth-worker")
    finally:
        host.db.start()
    wait_until(lambda: mailbox.smtp_auth().startswith("OK\t1"),
               "log-in after the database came back")


def test_anvil_dies_of_a_kick_after_a_hundred():
    """Why the tests that kick for minutes expect it; if Dovecot mends it, we
    want to know."""
    with MailHost(stock=True,
                  extra_conf="mail_max_userip_connections = 0\n") as host:
        host.expect_log(ANVIL_KILLED)
        host.expect_core(ANVIL_CORE)
        mailbox = host.create("kicked")
        sessions = [mailbox.imap() for _ in range(101)]
        host.must("kick", mailbox.address)
        position = host.log_position()
        sessions.append(mailbox.imap())
        for path in (host.run / "srv.imap").iterdir():
            path.unlink()
        host.doveadm("kick", mailbox.address)
        for session in sessions:
            session.shutdown()
        host.wait_log("anvil: Panic: file admin-client.c", position)

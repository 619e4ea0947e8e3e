"""Closed windows, and all the ways to log in that meet one."""

import base64
import contextlib
import datetime
import imaplib
import smtplib
import socket

import pytest

from mailclients import Refused
from mailhost import MailHost
from mariadb import free_port, wait_until

WINDOW_SECS = 15 * 60
CLOSED = "Your mailbox is closed while its password is being changed. " \
    "It opens again by {}."
SWITCHING = CLOSED.format("the end of the change")
CREATION = "Your mailbox is being made, try again in a few minutes"
UNAVAILABLE = "Your mailbox cannot be opened right now, try again later"
WRONG = "NO [AUTHENTICATIONFAILED] Authentication failed."

SUBMISSION_PORT = free_port()
SUBMISSION = f"""
protocols {{
  submission = yes
}}
submission_relay_host = 127.0.0.1
submission_relay_port = 1
service submission-login {{
  inet_listener submission {{
    port = {SUBMISSION_PORT}
  }}
  inet_listener submissions {{
    port = 0
  }}
}}
"""
MORE_LOGINS = SUBMISSION + """
auth_mechanisms = plain login cram-md5
auth_master_user_separator = *
passdb master {
  driver = static
  master = yes
  passdb_static_password = of-the-master
}
"""


@pytest.fixture(scope="module")
def host():
    with MailHost(plugin=False, extra_conf=MORE_LOGINS) as host:
        host.alice = host.create("alice", scheme="PLAIN")
        host.bob = host.create("bob")
        yield host


def restart(host, **changed):
    """And waits for an answer: Dovecot's own processes, told to end before
    they are all up, are killed by it seconds later and leave a core."""
    host.restart_dovecot(**changed)
    with contextlib.suppress(Refused):
        host.bob.imap().logout()


@pytest.fixture(autouse=True)
def open_again(host):
    yield
    if host.db.process is None:
        host.db.start()
        # which else waits some seconds before it looks for the database
        restart(host)
    host.db.sql("DELETE FROM pymailadmin_request")


def close(mailbox, state="pending", age=0, kind="password"):
    """Files a request as the portal does, and moves it on. Returns the time by
    which the mailbox opens, as the driver writes it."""
    db = mailbox.host.db
    # In the middle of a minute: the time to be shown is certain.
    age += int(db.value("SELECT MOD(SECOND(UTC_TIMESTAMP()) + 30, 60)"))
    final = state in ("done", "failed", "expired", "canceled")
    db.sql("INSERT INTO pymailadmin_request "
           "(id, kind, address, created_at, state, sealed) "
           "VALUES (LOWER(HEX(RANDOM_BYTES(16))), %s, %s, "
           "UTC_TIMESTAMP() - INTERVAL %s SECOND, %s, %s)",
           kind, mailbox.address, age, state, None if final else b"sealed")
    now = datetime.datetime.now().astimezone()
    opens = now + datetime.timedelta(seconds=WINDOW_SECS - age + 59)
    text = opens.strftime("%H:%M %Z")
    return text if opens.date() == now.date() else f"{opens.date()} {text}"


def shut_down(host):
    host.db.kill()


def words_of(log_in):
    """The words a log-in is refused with."""
    with pytest.raises(Refused) as refused:
        log_in()
    return str(refused.value)


def ask(port, *lines):
    """The last answer of a server to some lines."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        file = connection.makefile("rwb")
        answer = file.readline()
        for line in lines:
            file.write(line.encode() + b"\r\n")
            file.flush()
            answer = file.readline()
        return answer.decode().rstrip("\r\n")


def plain(mailbox, password=None):
    return base64.b64encode(f"\0{mailbox.address}\0"
                            f"{password or mailbox.password}".encode()).decode()


def imap_authenticate(mailbox, password=None):
    return ask(mailbox.host.imap_port,
               f"a AUTHENTICATE PLAIN {plain(mailbox, password)}")


def pop3_auth(mailbox, password=None):
    return ask(mailbox.host.pop3_port, f"AUTH PLAIN {plain(mailbox, password)}")


def submission_auth(mailbox, password=None):
    session = smtplib.SMTP("127.0.0.1", SUBMISSION_PORT, timeout=30)
    try:
        session.ehlo()
        return session.docmd("AUTH PLAIN", plain(mailbox, password))
    finally:
        # There is no relay behind it: who is let in is sent away at once.
        session.close()


def cram_md5(mailbox):
    session = imaplib.IMAP4("127.0.0.1", mailbox.host.imap_port)
    try:
        session.login_cram_md5(mailbox.address, mailbox.password)
        return "OK"
    except imaplib.IMAP4.error as error:
        return str(error)
    finally:
        session.shutdown()


def may_log_in(mailbox):
    mailbox.imap().logout()
    mailbox.pop3().quit()
    assert imap_authenticate(mailbox).startswith("a OK ")
    assert pop3_auth(mailbox) == "+OK Logged in."
    assert mailbox.smtp_auth() == f"OK\t1\tuser={mailbox.address}"


def is_refused(mailbox, text, password=None):
    """Word for word, whatever the password."""
    words = "[UNAVAILABLE] " + text
    assert words_of(lambda: mailbox.imap(password)) == "NO " + words
    assert imap_authenticate(mailbox, password) == "a NO " + words
    words = "-ERR [SYS/TEMP] " + text
    assert words_of(lambda: mailbox.pop3(password)) == words
    assert pop3_auth(mailbox, password) == words
    assert mailbox.smtp_auth(password).split("\t") == [
        "FAIL", "1", f"user={mailbox.address}", "code=temp_fail",
        f"reason={text}", "nodelay="]
    code, answer = submission_auth(mailbox, password)
    assert code == 454
    assert answer.startswith(b"4.7.0 Temporary authentication failure.")


def log_in_again(host):
    """Until Dovecot has found the database again."""
    def works():
        try:
            host.alice.imap().logout()
            return True
        except Refused:
            return False
    wait_until(works, "log-in after the database came back", 10)


def statements_of(host, action):
    """How often the table of requests is asked."""
    host.db.log_statements()
    before = len(host.db.logged())
    action()
    host.db.log_statements(False)
    found = [line for line in host.db.logged()[before:].splitlines()
             if "pymailadmin_request" in line]
    for line in found:
        assert "Query" in line and "WHERE open_address = '" in line
    return len(found)

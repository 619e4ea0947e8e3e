"""The key guard: what a session meets whose key does not open."""

import re

import pytest

import messages
from mailclients import Refused
from mailhost import MailHost, key_password
from test_mailbox_lock import BYE, POP3_ERROR

NO_KEY_PASSWORD = """
passdb sql {
  fields {
    userdb_crypt_user_key_password =
  }
}
"""


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


def set_hash(mailbox, password):
    """The admin changes the hash by hand and forgets the key."""
    mailbox.host.db.sql("UPDATE users SET crypt = %s WHERE email = %s",
                        mailbox.host.hash(password), mailbox.address)


def count(mailbox):
    """Mails that are stored, asked of doveadm, which needs no key."""
    rows = mailbox.host.must("-f", "json", "mailbox", "status", "-u",
                             mailbox.address, "messages", "INBOX").json
    return int(rows[0]["messages"])


def test_imap_is_refused_if_the_key_does_not_open(host, mailbox):
    set_hash(mailbox, "other")
    seen = host.log_position()
    session = mailbox.imap("other")
    assert session.login_answer == "OK Logged in, but initialization failed."
    assert session.readline().rstrip() == BYE.encode()
    assert session.readline() == b""
    session.shutdown()
    line = host.wait_log("the session's key password is not the mailbox's: "
                         "user key", seen)
    assert f"doveadm pymailadmin check -u {mailbox.address}" in line
    for secret in ("other", key_password("other"), mailbox.password,
                   key_password(mailbox.password)):
        assert not re.search(rf"\b{secret}\b", host.log_since(seen))


def test_pop3_is_refused_if_the_key_does_not_open(mailbox):
    set_hash(mailbox, "other")
    for _ in range(3):
        with pytest.raises(Refused) as refused:
            mailbox.pop3("other")
        assert str(refused.value) == POP3_ERROR
    assert count(mailbox) == 2


def test_all_is_well_when_the_hash_is_set_back(mailbox):
    before = mailbox.everything()
    set_hash(mailbox, "other")
    with pytest.raises(Refused):
        mailbox.pop3("other")
    set_hash(mailbox, mailbox.password)
    assert mailbox.everything() == before
    session = mailbox.pop3()
    assert session.retrieve(1) == before["INBOX"][0].body
    session.quit()


def test_deliveries_and_doveadm_pass_if_the_key_does_not_open(mailbox):
    set_hash(mailbox, "other")
    mailbox.deliver(messages.small(3))
    assert count(mailbox) == 3
    set_hash(mailbox, mailbox.password)
    assert [mail.delivered for mail in mailbox.mails()] == \
        [messages.small(number) for number in (1, 2, 3)]


def test_a_user_without_a_key_passes(host):
    mailbox = host.create("keyless", key=False)
    session = mailbox.pop3()
    assert session.stat()[0] == 0
    session.quit()
    assert mailbox.everything() == {"INBOX": [], "Sent": [], "Trash": []}


def test_without_key_password_pop3_is_refused_and_imap_not(host, mailbox):
    host.restart_dovecot(extra=NO_KEY_PASSWORD)
    try:
        with pytest.raises(Refused) as refused:
            mailbox.pop3()
        assert str(refused.value) == POP3_ERROR
        with mailbox.imap() as imap:
            assert imap.ask("select", "INBOX", True) == [b"2"]
            assert imap.ask("fetch", "1:*", "(FLAGS)")
    finally:
        host.restart_dovecot(extra="")
    assert count(mailbox) == 2


def test_a_changed_key_is_noticed_by_the_next_session(host, mailbox):
    """Key and hash drift apart while a session is open."""
    with mailbox.imap() as imap:
        before = imap.mails()
        old, new = key_password(mailbox.password), key_password("other")
        # With the lock this is what the process of a change does.
        host.must("-o", "mail_plugins/pymailadmin=no", "mailbox", "cryptokey",
                  "password", "-u", mailbox.address, "-O", "-N",
                  input=f"{old}\n{new}\n{new}\n")
        assert imap.mails() == before
    with pytest.raises(Refused):
        mailbox.pop3()
    set_hash(mailbox, "other")
    assert mailbox.mails(password="other") == before

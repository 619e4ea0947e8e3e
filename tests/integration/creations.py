"""Requests to create a mailbox, and what must be true after one."""

import re
import secrets

import messages
import seals
import storedmail
from changes import answers, assert_clean, folder_keys, keys, user_keys
from mailhost import DOMAIN, Mailbox
from windows import CREATION

GIB = 1024 ** 3
FOLDERS = {"INBOX", "Sent", "Trash"}


def new_mailbox(host, name):
    """One that is not there yet."""
    return Mailbox(host, f"{name}@{DOMAIN}", secrets.token_urlsafe(12))


def add_account(host, email="owner@elsewhere.test"):
    host.db.sql("INSERT IGNORE INTO pymailadmin_account (email, password) "
                "VALUES (%s, %s)", email, "x" * 40)
    return host.db.value("SELECT id FROM pymailadmin_account WHERE email = %s",
                         email)


def file(mailbox, *, quota=GIB, owner=None, age=0, new_hash=None, public=None,
         sealed_address=None, sealed_kind="create", old="", sealed=None):
    """Files it as the portal does, with the address reserved for its owner: by
    default a good request. Returns its id."""
    host = mailbox.host
    request_id = secrets.token_hex(16)
    created = host.db.value("SELECT TIMESTAMPDIFF(SECOND, '1970-01-01', "
                            "UTC_TIMESTAMP())") - age
    if sealed is None:
        sealed = seals.seal(
            public or host.seal_public_key,
            sealed_address or mailbox.address, request_id, created, old,
            mailbox.password, new_hash or host.hash(mailbox.password),
            sealed_kind)
    owner = owner or add_account(host)
    seals.by_hand(host, "INSERT INTO pymailadmin_request (id, kind, address, "
                  "account_id, created_at, sealed, quota) VALUES (%s, "
                  "'create', %s, %s, TIMESTAMPADD(SECOND, %s, '1970-01-01'), "
                  "%s, %s)", request_id, mailbox.address, owner, created,
                  sealed, quota)
    host.db.sql("INSERT INTO pymailadmin_account_mailbox (address, account_id) "
                "VALUES (%s, %s) ON DUPLICATE KEY UPDATE "
                "account_id = VALUES(account_id)", mailbox.address, owner)
    mailbox.request_id = request_id
    return request_id


def users_row(mailbox):
    rows = mailbox.host.db.sql("SELECT * FROM users WHERE email = %s",
                               mailbox.address)
    return rows[0] if rows else None


def owner_of(mailbox):
    return mailbox.host.db.value(
        "SELECT account_id FROM pymailadmin_account_mailbox "
        "WHERE address = %s", mailbox.address)


def deliver(mailbox, message):
    """The answer to a delivery, whatever it is."""
    with mailbox.host.lmtp() as lmtp:
        return lmtp.deliver(mailbox.address, message)


def assert_deferred(mailbox):
    code, text = deliver(mailbox, messages.small(99))
    assert 400 <= code < 500, (code, text)


def assert_closed(mailbox):
    """Nobody gets in, and is told that it is for a while."""
    heard = answers(mailbox, mailbox.password)
    assert heard == {"imap": f"NO [UNAVAILABLE] {CREATION}",
                     "pop3": f"-ERR [SYS/TEMP] {CREATION}"}, heard
    assert mailbox.smtp_auth().startswith("FAIL\t1\t")


def assert_made(mailbox, quota=GIB):
    """A whole mailbox, which nobody has looked at yet."""
    row = users_row(mailbox)
    assert (row["active"], row["quota"]) == (1, quota)
    assert owner_of(mailbox) is not None
    assert len(user_keys(mailbox)) == 1
    assert len(folder_keys(mailbox)) == len(FOLDERS)
    (user_key,) = user_keys(mailbox)
    for kind, _, by in keys(mailbox).values():
        assert by == ("2" if kind == "user" else user_key), by
    assert_clean(mailbox)


def assert_works(mailbox):
    """The first mail before the first log-in, which then shows it."""
    mail = messages.small(7)
    mailbox.deliver(mail)
    (stored,) = storedmail.facts(mailbox.home).values()
    assert stored.kind == storedmail.ENCRYPTED
    assert stored.key in folder_keys(mailbox)
    with mailbox.imap() as imap:
        assert set(imap.folders()) == FOLDERS
        subscribed = imap.ask("lsub")
        assert {re.search(rb'(\w+)"?$', line)[1].decode()
                for line in subscribed} == FOLDERS - {"INBOX"}
        (shown,) = imap.mails()
        assert shown.delivered == mail
    session = mailbox.pop3()
    assert session.stat()[0] == 1
    session.quit()


def assert_not_made(mailbox):
    """As if nobody had asked for it."""
    assert users_row(mailbox) is None
    assert owner_of(mailbox) is None
    if (mailbox.home / "dovecot-attributes").exists():
        assert keys(mailbox) == {}
    code, text = deliver(mailbox, messages.small(98))
    assert code == 550, (code, text)

"""Deletions of mailboxes, and what must be true of one."""

import os

import pytest

import seals
from mailclients import Refused

GRACE = 48 * 3600
QUARANTINE = 30 * 24 * 3600
CLOSED = "This mailbox is being deleted"


def ask(mailbox, password=None, **options):
    """Files what the portal files for the mailbox's owner."""
    return seals.file(mailbox, password or mailbox.password, "", kind="delete",
                      new_hash="-", **options)


def destroy(mailbox, **options):
    """Asks, and runs until it has been done."""
    host = mailbox.host
    ask(mailbox, **options)
    host.process().expect(0)
    host.clock.move(GRACE)
    done = host.process()
    done.expect(0)
    return done


def every_byte(folder):
    """What the files below a folder hold."""
    return b"".join(path.read_bytes() for path in folder.rglob("*")
                    if path.is_file() and not path.is_symlink())


def answers(mailbox):
    heard = {}
    for name, opener in (("imap", mailbox.imap), ("pop3", mailbox.pop3)):
        try:
            opener().shutdown()
            heard[name] = None
        except Refused as refusal:
            heard[name] = str(refusal)
    with mailbox.host.lmtp() as lmtp:
        heard["lmtp"] = lmtp.deliver(mailbox.address, b"Subject: x\r\n\r\nx\r\n")
    return heard


def assert_closed(mailbox):
    """Being destroyed: nobody gets in, and mail is to come later."""
    heard = answers(mailbox)
    assert heard["imap"] == "NO [UNAVAILABLE] " + CLOSED, heard
    assert heard["pop3"] == "-ERR [SYS/TEMP] " + CLOSED, heard
    assert heard["lmtp"][0] in (450, 451), heard
    assert mailbox.smtp_auth().startswith("FAIL\t1\t")


def assert_gone(mailbox, reserved=True):
    """As if it had never been, but for the history and the reservation."""
    host, db, address = mailbox.host, mailbox.host.db, mailbox.address
    row = host.row(mailbox)
    assert (row["state"], row["outcome"]) == ("done", "done"), row
    assert row["sealed"] is None and row["ended_at"] is not None
    assert not os.path.lexists(mailbox.home)
    for table, column in (("users", "email"), ("alias", "destination"),
                          ("pymailadmin_account_mailbox", "address")):
        assert db.value(f"SELECT COUNT(*) FROM {table} WHERE {column} = %s",
                        address) == 0, table
    assert db.value("SELECT COUNT(*) FROM pymailadmin_event WHERE address = %s "
                    "AND kind = 'delete-done' AND request_id = %s", address,
                    mailbox.request_id) == 1
    assert db.value("SELECT COUNT(*) FROM pymailadmin_reserved_address WHERE "
                    "address = %s", address) == int(reserved)
    with pytest.raises(Refused, match=r"^NO \[AUTHENTICATIONFAILED\]"):
        mailbox.imap().shutdown()
    with host.lmtp() as lmtp:
        answer = lmtp.deliver(address, b"Subject: x\r\n\r\nx\r\n")
    assert answer[0] == 550, answer

"""What only maildir has: names that tell sizes, and hard links."""

import pytest

import messages
import snapshots
import storedmail
import stores
from changes import name_of
from mailhost import MailHost
from storagejobs import (assert_finished, assert_verified, encrypt, rekey)

NEW = "the new password"


@pytest.fixture(scope="module")
def host():
    with MailHost(depth="storage") as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    return stores.create(host, name_of(request))


def put(mailbox, folder, name, data):
    """A file as another mail server, or a user's copy, left it."""
    path = storedmail.folder_path(mailbox, folder) / name
    path.write_bytes(data)
    mailbox.host.command("chown", "vmail:vmail", path).expect(0)
    return path


def test_plain_mail_with_names_that_tell_no_size(mailbox):
    lines = messages.small(1)
    put(mailbox, "Archive", "cur/1700000000.M1P1.old:2,FS",
        lines.replace(b"\r\n", b"\n"))
    put(mailbox, "Archive", "cur/1700000001.M1P1.old:2,", lines)
    put(mailbox, "INBOX", "new/1700000002.M1P1.old",
        lines.replace(b"\r\n", b"\n"))
    large = messages.large(1, 100_000)
    put(mailbox, "INBOX", f"cur/1700000003.M1P1.old,W={len(large)}:2,T",
        large.replace(b"\r\n", b"\n"))
    put(mailbox, "INBOX", f"cur/1700000004.M1P1.old,S={len(large)}:2,T", large)
    before = snapshots.take(mailbox, saved="no")
    encrypt(mailbox).expect(0)
    mailbox.host.process().expect(0)
    snapshots.assert_same(before, snapshots.take(mailbox, saved="no"))
    assert_finished(mailbox)
    assert_verified(mailbox)
    # Nor from the files, when all that is remembered is gone.
    for path in mailbox.home.rglob("dovecot.index*"):
        path.unlink()
    sizes = {name: {uid: (mail.size, mail.length, mail.digest, mail.guid)
                    for uid, mail in folder.mails.items()}
             for name, folder in before.folders.items()}
    assert sizes == {
        name: {uid: (mail.size, mail.length, mail.digest, mail.guid)
               for uid, mail in folder.mails.items()}
        for name, folder in snapshots.take(mailbox, saved="no")
        .folders.items()}
    rekey(mailbox, NEW)
    assert_finished(mailbox)


def test_plain_mail_that_no_client_has_seen(mailbox):
    """It is in no index yet."""
    data = messages.small(1)
    put(mailbox, "Archive", "new/1700000000.M1P1.old",
        data.replace(b"\r\n", b"\n"))
    encrypt(mailbox).expect(0)
    mailbox.host.process().expect(0)
    assert_finished(mailbox)
    mails = mailbox.mails("Archive")
    assert [mail.body for mail in mails].count(data) == 1
    assert mails[-1].size == len(data)


def test_hard_linked_copies(mailbox):
    with mailbox.imap() as imap:
        imap.ask("select", "Archive")
        imap.ask("uid", "COPY", "1:4", "Archive")
    linked = [fact for fact in storedmail.facts(mailbox.home).values()
              if fact.links > 1]
    assert len(linked) == 6
    before = snapshots.take(mailbox, saved="no")
    disk = storedmail.facts(mailbox.home)
    rekey(mailbox, NEW)
    snapshots.assert_same(before, snapshots.take(mailbox, saved="no"))
    assert snapshots.disk_differences(
        disk, storedmail.facts(mailbox.home)) == []
    assert_finished(mailbox)


def test_a_hard_link_outside_stays_as_it_is(mailbox):
    """A backup made of hard links: old mails for old keys."""
    copy = mailbox.home.with_name("backup-of-links")
    mailbox.host.command("cp", "-al", mailbox.home, copy).expect(0)
    before = {path: path.read_bytes() for path in storedmail.files(copy)}
    rekey(mailbox, NEW)
    assert {path: path.read_bytes()
            for path in storedmail.files(copy)} == before
    assert_finished(mailbox)

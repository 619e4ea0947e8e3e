"""What only dbox has: alternative storage, attachments in files."""

import base64
import random

import pytest

import messages
import snapshots
import storedmail
import stores
from changes import assert_clean, name_of
from mailhost import MailHost
from storagejobs import assert_finished, folder_keys, rekey

NEW = "the new password"
ALT = """
mail_alt_path = ~/alternative
"""
ATTACHMENTS = """
mail_ext_attachment_path = ~/attachments
mail_ext_attachment_min_size = 4k
mail_ext_attachment {
  fs posix {
  }
}
"""


@pytest.fixture(scope="module", params=["sdbox", "mdbox"])
def host(request):
    with MailHost(mail_driver=request.param, depth="storage") as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    return stores.create(host, name_of(request))


def alternative(mailbox):
    """Mails that are in alternative storage, by names that they keep."""
    return {name for name in storedmail.facts(mailbox.home)
            if name.startswith("alternative/")}


def test_alternative_storage(host, mailbox):
    host.restart_dovecot(extra=ALT)
    try:
        host.must("altmove", "-u", mailbox.address, "mailbox", "Archive",
                  "UID", "1:5")
        # Of an mdbox, only this moves them.
        host.must("purge", "-u", mailbox.address)
        before = snapshots.take(mailbox, saved="no")
        moved = alternative(mailbox)
        assert moved
        keys = storedmail.key_ids(mailbox.home)
        disk = storedmail.facts(mailbox.home)
        rekey(mailbox, NEW)
        snapshots.assert_same(before, snapshots.take(mailbox, saved="no"))
        assert snapshots.disk_differences(
            disk, storedmail.facts(mailbox.home)) == []
        assert alternative(mailbox) == moved
        assert not keys & storedmail.key_ids(mailbox.home)
        assert storedmail.temporary(mailbox.home) == []
        assert [len(each) for each in folder_keys(mailbox).values()
                if len(each) != 1] == []
    finally:
        host.restart_dovecot(extra="")


def with_attachment(size):
    data = base64.encodebytes(random.Random(size).randbytes(size)).decode()
    return messages.on_the_wire((
        "From: a@elsewhere.test\nSubject: with attachment\n"
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
        "--b\nContent-Type: text/plain\n\nlook\n--b\n"
        "Content-Type: application/octet-stream\n"
        "Content-Transfer-Encoding: base64\n\n" + data + "--b--\n").encode())


def test_attachments_in_files_of_their_own(host, mailbox):
    host.restart_dovecot(extra=ATTACHMENTS)
    try:
        mailbox.deliver(with_attachment(50_000), with_attachment(100_000))
        files = [path for path in (mailbox.home / "attachments").rglob("*")
                 if path.is_file()]
        assert files
        before = snapshots.take(mailbox)
        rekey(mailbox, NEW)
        snapshots.assert_same(before, snapshots.take(mailbox))
        assert_finished(mailbox)
        assert all(path.exists() for path in files)
    finally:
        host.restart_dovecot(extra="")


def test_temporary_files_of_an_earlier_run_go(mailbox):
    folder = storedmail.places(mailbox.home)[0]
    ours = folder / ".temp.pymailadmin.1.2.3"
    theirs = folder / ".temp.1700000000.1.elsewhere"
    for path in (ours, theirs):
        path.write_bytes(b"something")
        mailbox.host.command("chown", "vmail:vmail", path).expect(0)
    rekey(mailbox, NEW)
    assert not ours.exists()
    assert theirs.exists()
    assert_clean(mailbox)


def expunge_with_attachment(mailbox):
    with mailbox.imap() as imap:
        imap.ask("select", "INBOX")
        uid = imap.ask("uid", "SEARCH", "HEADER", "Subject",
                       "attachment")[0].split()[0].decode()
        imap.ask("uid", "STORE", uid, "+FLAGS.SILENT", "(\\Deleted)")
        imap.ask("uid", "EXPUNGE", uid)


@pytest.mark.parametrize("host", ["mdbox"], indirect=True)
def test_expunged_mail_with_attachments_is_left_to_purge(host, mailbox):
    """Only Dovecot can take the files of its attachments along."""
    host.restart_dovecot(extra=ATTACHMENTS)
    try:
        mailbox.deliver(with_attachment(50_000), with_attachment(100_000))
        expunge_with_attachment(mailbox)
        attachments = mailbox.home / "attachments"
        files = {path for path in attachments.rglob("*") if path.is_file()}
        before = snapshots.take(mailbox)
        keys = storedmail.key_ids(mailbox.home)
        rekey(mailbox, NEW)
        snapshots.assert_same(before, snapshots.take(mailbox))
        assert not keys & storedmail.key_ids(mailbox.home)
        assert files == {path for path in attachments.rglob("*")
                         if path.is_file()}
        host.must("purge", "-u", mailbox.address)
        snapshots.assert_same(before, snapshots.take(mailbox))
        assert len(files) > len([path for path in attachments.rglob("*")
                                 if path.is_file()])
        assert_finished(mailbox)
    finally:
        host.restart_dovecot(extra="")

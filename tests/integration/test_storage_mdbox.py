"""What only mdbox has: many mails in a file, a map that leads to them, mails
that several folders have, and mails that were expunged and not purged."""

import shutil

import pytest

import faults
import mdboxes
import messages
import snapshots
import storedmail
import stores
from changes import name_of
from mailhost import MailHost
from storagejobs import (assert_finished, assert_verified, encrypt,
                         folder_keys, rekey, settle, verify)

NEW = "the new password"


@pytest.fixture(scope="module")
def host():
    with MailHost(mail_driver="mdbox", depth="storage") as host:
        host.expect_log(r"killed with signal 9")
        # What Dovecot says when it rebuilds a storage.
        host.expect_log(r"rebuilding indexes|Inconsistency in map index|"
                        r"force-resync|corrupted")
        yield host


@pytest.fixture
def mailbox(host, request):
    return stores.create(host, name_of(request))


def storage(mailbox):
    return mailbox.home / "mail" / "storage"


def killed(mailbox, call, path, when):
    """Kills process, before the nth time that a call is about a path."""
    host = mailbox.host
    host.request(mailbox, NEW).expect(0)
    done = faults.traced(host, "-o", "/dev/null", "-e", f"trace={call}",
                         "-P", path, "-e",
                         f"inject={call}:signal=KILL:when={when}")
    assert "killed" in done.stderr or done.returncode != 0, done


def never_copied(host, request):
    """A mailbox in which no mail has the GUID of another: of two in different
    folders, Dovecot's rebuild keeps one for both, which then has the key of one
    (test_stock.py)."""
    mailbox = host.create(name_of(request), stores.PASSWORD)
    for folder in ("INBOX", "Lists", "Archive"):
        mailbox.deliver(*(stores.message(number, 40_000 + number)
                          for number in range(8)),
                        detail=None if folder == "INBOX" else folder)
    return mailbox


def rebuild(mailbox):
    """As Dovecot does it when it finds its map to be damaged."""
    mailbox.host.must("force-resync", "-u", mailbox.address, "*")


def contents(snapshot):
    """Without what a rebuild changes."""
    return {name: {uid: mail._replace(modseq=0)
                   for uid, mail in folder.mails.items()}
            for name, folder in snapshot.folders.items()}


MOMENTS = {
    # The new file has its name, and the map leads to the old one.
    "named": lambda home: ("write", home / "dovecot.map.index.log", 2),
    # The map leads to the new file, and the old one is still there.
    "led": lambda home: ("unlink", home / "m.3", 1)}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("rebuilt", [False, True])
def test_killed_between_file_and_map(host, request, moment, rebuilt):
    mailbox = never_copied(host, request)
    before = snapshots.take(mailbox)
    call, path, when = MOMENTS[moment](storage(mailbox))
    killed(mailbox, call, path, when)
    assert mdboxes.unmapped(mailbox.home)
    if rebuilt:
        rebuild(mailbox)
        assert mdboxes.unmapped(mailbox.home) == []
        # Nothing is there twice, and all of it opens.
        assert snapshots.unreadable(mailbox, mailbox.home, NEW)[0] == set()
    settle(mailbox, NEW)
    after = snapshots.take(mailbox)
    if rebuilt:
        assert contents(before) == contents(after)
    else:
        snapshots.assert_same(before, after)
    assert_finished(mailbox)
    assert_verified(mailbox)


def test_a_file_that_is_not_ours_to_remove(mailbox):
    """It is said, and what it needs stays: Dovecot takes its mails back when
    it rebuilds the storage."""
    before = snapshots.take(mailbox)
    keys = folder_keys(mailbox)
    path = storage(mailbox) / "m.777"
    shutil.copy2(storedmail.containers(mailbox.home)[0], path)
    shutil.chown(path, "vmail", "vmail")
    data = path.read_bytes()
    rekey(mailbox, NEW)
    row = mailbox.host.row(mailbox)
    assert row["outcome"] == "storage_left", row
    snapshots.assert_same(before, snapshots.take(mailbox))
    assert path.read_bytes() == data
    assert {key for each in keys.values() for key in each} <= \
        {key for each in folder_keys(mailbox).values() for key in each}
    path.unlink()
    rekey(mailbox, "another")
    assert_finished(mailbox)


def test_what_a_delivery_left_half_written(mailbox):
    """Its file is left as it is, and its keys stay."""
    before = snapshots.take(mailbox)
    path = storedmail.containers(mailbox.home)[0]
    with path.open("ab") as file:
        file.write(b"\1\2N  half a mail")
    rekey(mailbox, NEW)
    row = mailbox.host.row(mailbox)
    assert row["outcome"] == "storage_left", row
    snapshots.assert_same(before, snapshots.take(mailbox))
    path.write_bytes(path.read_bytes()[:-16])
    encrypt(mailbox).expect(0)
    mailbox.host.process().expect(0)
    snapshots.assert_same(before, snapshots.take(mailbox))
    assert_finished(mailbox)


def test_copies_in_one_folder(mailbox):
    with mailbox.imap() as imap:
        imap.ask("select", "Archive")
        imap.ask("uid", "COPY", "1:4", "Archive")
    assert [mail for mail in mdboxes.mails(mailbox.home) if mail.refcount == 2]
    before = snapshots.take(mailbox)
    print(rekey(mailbox, NEW))
    snapshots.assert_same(before, snapshots.take(mailbox))
    assert_finished(mailbox)


def test_plain_mail_that_several_folders_have(host, mailbox):
    """mail_crypt looks for a mail's key only in its folder, so none of theirs
    would do: the mail stays as it is, and readable, and that is said."""
    plain = ("-o", "mail_plugins/mail_crypt=no")
    host.must(*plain, "save", "-u", mailbox.address, "-m", "Sent",
              input=messages.small(7).decode())
    host.must(*plain, "copy", "-u", mailbox.address, "Archive", "mailbox",
              "Sent", "smaller", "500")
    shared = [mail for mail in mdboxes.mails(mailbox.home)
              if len(mail.folders) > 1]
    assert len(shared) == 1
    before = snapshots.take(mailbox)
    rekey(mailbox, NEW)
    row = host.row(mailbox)
    assert row["outcome"] == "storage_left" and "1 mails" in row["reason"], row
    snapshots.assert_same(before, snapshots.take(mailbox))
    result, counts = verify(mailbox)
    assert result.code == 1
    assert counts["Archive"]["plain"] == counts["Sent"]["plain"] == 1
    # All others have new keys, and the old ones are gone.
    assert {len(keys) for keys in folder_keys(mailbox).values()} == {1}


def test_expunged_mail_leaves_the_disk(host, mailbox):
    with mailbox.imap() as imap:
        imap.ask("select", "Archive")
        imap.ask("uid", "STORE", "1:4", "+FLAGS.SILENT", "(\\Deleted)")
        imap.ask("uid", "EXPUNGE", "1:4")
    result, _ = verify(mailbox)
    result.expect(0)
    # Two were expunged before.
    assert "In no folder: 5 mails of an mdbox, 0 of them" in result.stderr
    before = snapshots.take(mailbox)
    attributes = (mailbox.home / "dovecot-attributes").read_bytes()
    rekey(mailbox, NEW)
    snapshots.assert_same(before, snapshots.take(mailbox))
    assert [mail for mail in mdboxes.every(mailbox.home)
            if mail.refcount == 0] == []
    snapshots.assert_old_keys_open_nothing(mailbox, attributes,
                                           stores.PASSWORD, before)
    result, _ = verify(mailbox)
    assert "In no folder" not in result.stderr
    host.must("purge", "-u", mailbox.address)
    snapshots.assert_same(before, snapshots.take(mailbox))

"""Mailboxes that are more than some folders of plain files."""

import pytest

import messages
import snapshots
import storedmail
import stores
from changes import assert_clean, assert_refused, name_of
from mailhost import MailHost
from storagejobs import (MDBOX_LATER, assert_finished, assert_verified, rekey,
                         verify)
from test_dovecot_unbroken import SHARED as ACL

NEW = "the new password"
COMPRESS = """
mail_plugins {
  mail_compress = yes
}
mail_compress_write_method = %s
"""
SHARED = ACL + """
mail_plugins {
  mail_crypt_acl = yes
}
"""
NAMESPACE = """
namespace other {
  prefix = Other/
  separator = /
  mail_driver = %s
  mail_path = ~/other
  mail_inbox_path =
}
"""
VIRTUAL = """
mail_plugins {
  virtual = yes
}
namespace virtual {
  prefix = Virtual/
  separator = /
  mail_driver = virtual
  mail_path = ~/virtual
  mail_inbox_path =
}
"""
PUBLIC = """
namespace public {
  type = public
  prefix = Public/
  separator = /
  mail_path = %s
  subscriptions = no
}
"""


@pytest.fixture(scope="module", params=["maildir", "sdbox", "mdbox"])
def host(request):
    with MailHost(mail_driver=request.param, depth="storage") as host:
        yield host


@pytest.fixture
def configure(host):
    yield lambda extra: host.restart_dovecot(extra=extra)
    host.restart_dovecot(extra="")


@pytest.fixture
def mailbox(host, request):
    return stores.create(host, name_of(request))


def test_compressed_mail(configure, mailbox):
    for method in ("gz", "zstd"):
        configure(COMPRESS % method)
        mailbox.deliver(messages.small(1, 2000), messages.small(2, 2000),
                        detail="Archive")
    before = snapshots.take(mailbox)
    rekey(mailbox, NEW)
    snapshots.assert_same(before, snapshots.take(mailbox))
    assert_finished(mailbox)
    assert_verified(mailbox)


@pytest.mark.parametrize("host", MDBOX_LATER, indirect=True)
def test_a_folder_shared_with_another_user(host, configure, mailbox):
    configure(SHARED % (host.homes / "shared-mailboxes"))
    other = host.create(mailbox.address.partition("@")[0] + "-other")
    other.deliver(messages.small(1))
    # Who has the password wraps the folder's key for the other, too.
    with mailbox.imap() as imap:
        imap.ask("setacl", "Archive", other.address, "lrwi")
    name = f"shared/{mailbox.address}/Archive"
    theirs = other.mails(name)
    assert len(theirs) == 10
    before = snapshots.take(mailbox)
    done = rekey(mailbox, NEW)
    snapshots.assert_same(before, snapshots.take(mailbox))
    with other.imap() as imap:
        assert name in imap.folders()
    # As readable for the other as before, by the keys that stay.
    assert other.mails(name) == theirs, done
    row = mailbox.host.row(mailbox)
    assert row["outcome"] == "storage_left", row
    assert "1 folders are shared with others by ACL" in row["reason"]
    result, _ = verify(mailbox)
    assert "Shared with others by ACL, so it keeps its keys and its mail " \
        "stays under them: folder Archive\n" in result.stderr
    assert_clean(mailbox)


def copy_into(mailbox, folder):
    with mailbox.imap() as imap:
        imap.create(folder)
        imap.ask("select", "Archive")
        imap.ask("uid", "COPY", "1:4", folder)


def row_says(mailbox, word):
    row = mailbox.host.row(mailbox)
    assert row["state"] == "done" and word in (row["reason"] or ""), row


@pytest.mark.parametrize("host", ["maildir"], indirect=True)
def test_a_format_that_is_not_handled(configure, mailbox):
    """It is refused by name; its mails stay readable, the others are done."""
    driver = "mbox"
    configure(NAMESPACE % driver)
    copy_into(mailbox, "Other/more")
    # In mbox this is listed, but no folder.
    before = snapshots.take(mailbox, without=["Other"])
    assert len(before.folders["Other/more"].mails) == 3
    rekey(mailbox, NEW)
    snapshots.assert_same(before, snapshots.take(mailbox, without=["Other"]))
    row_says(mailbox, driver)
    result, _ = verify(mailbox)
    assert result.code == 1 and driver in result.stderr
    assert_clean(mailbox)
    assert_refused(mailbox, stores.PASSWORD)


def test_a_namespace_of_the_same_format(configure, host, mailbox):
    configure(NAMESPACE % host.mail_driver)
    copy_into(mailbox, "Other/more")
    before = snapshots.take(mailbox)
    keys = storedmail.key_ids(mailbox.home)
    rekey(mailbox, NEW)
    snapshots.assert_same(before, snapshots.take(mailbox))
    assert not keys & storedmail.key_ids(mailbox.home)
    assert storedmail.temporary(mailbox.home) == []


@pytest.mark.parametrize("host", ["sdbox"], indirect=True)
def test_virtual_folders(configure, mailbox):
    configure(VIRTUAL)
    folder = mailbox.home / "virtual" / "all"
    folder.mkdir(parents=True)
    (folder / "dovecot-virtual").write_text("*\n  all\n")
    mailbox.host.command("chown", "-R", "vmail:vmail",
                         mailbox.home / "virtual").expect(0)
    before = snapshots.take(mailbox, saved="no")
    assert len(before.folders["Virtual/all"].mails) > 50
    rekey(mailbox, NEW)
    snapshots.assert_same(before, snapshots.take(mailbox, saved="no"))
    assert_verified(mailbox)
    assert storedmail.temporary(mailbox.home) == []
    assert_clean(mailbox)


@pytest.mark.parametrize("host", ["maildir"], indirect=True)
def test_public_folders_are_left_alone(configure, host, mailbox):
    public = host.homes / "public"
    public.mkdir(exist_ok=True)
    host.command("chown", "vmail:vmail", public).expect(0)
    configure(PUBLIC % public)
    with mailbox.imap() as imap:
        imap.create("Public/news")
    before = snapshots.take(mailbox)
    rekey(mailbox, NEW)
    snapshots.assert_same(before, snapshots.take(mailbox))
    assert_clean(mailbox)

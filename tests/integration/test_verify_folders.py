"""doveadm pymailadmin verify: in which folders it looks, and what it says of
those it does not look at and of what remains in the clear."""

import base64
import os
import random
import shutil
import subprocess

import pytest

import messages
from changes import fill, name_of
from mailhost import MailHost, key_password
from verifying import (NOT_CURRENT, configured, folder_path, full, mails,
                       verify)


@pytest.fixture(scope="module", params=["maildir", "sdbox"])
def host(request):
    with MailHost(mail_driver=request.param) as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    mailbox = host.create(name_of(request))
    fill(mailbox)
    return mailbox


# ---- what cannot be looked at

def test_a_mail_that_may_not_be_read(mailbox):
    path = mails(mailbox)[0]
    path.chmod(0)
    shutil.chown(path, "root", "root")
    counts, said = verify(mailbox, os.EX_TEMPFAIL)
    assert counts["INBOX"] == {"current": 2}
    assert "Permission denied" in said and path.name in said
    assert "all are encrypted" not in said


def test_a_folder_that_may_not_be_read(mailbox):
    """It must not be taken for one that does not exist."""
    path = folder_path(mailbox, "Lists")
    path.chmod(0)
    try:
        result = mailbox.host.doveadm("pymailadmin", "verify", "-u",
                                      mailbox.address)
    finally:
        path.chmod(0o700)
    result.expect(os.EX_TEMPFAIL)
    assert "Permission denied" in result.stderr
    assert result.stdout == ""


def test_another_format(host, mailbox):
    driver, reason = "mbox", "mail_crypt cannot encrypt it"
    with configured(host, f"""
namespace old {{
  prefix = Old/
  separator = /
  mail_driver = {driver}
  mail_path = ~/old
}}
"""):
        # Nothing is in it, and nothing is to be said.
        assert driver not in verify(mailbox, 0)[1]
        host.must("mailbox", "create", "-u", mailbox.address, "Old/Box")
        counts, said = verify(mailbox, NOT_CURRENT)
    assert counts == {"INBOX": {"current": 3}, "Lists": {"current": 2}}
    assert (f"Not looked at: namespace old: storage format {driver} is not "
            f"handled: {reason}\n") in said


def test_namespaces_of_others_and_aliases(host, mailbox):
    root = host.homes / "public"
    with configured(host, f"""
namespace public {{
  type = public
  prefix = Public/
  separator = /
  mail_path = {root}
}}
namespace alias {{
  prefix = Again/
  separator = /
  alias_for = inbox
  hidden = yes
  list = no
}}
"""):
        assert "public" not in verify(mailbox, 0)[1]
        news = root / ("mailboxes/News/dbox-Mails"
                       if host.mail_driver == "sdbox" else "News")
        for part in ("cur", "new", "tmp"):
            (news / part).mkdir(parents=True)
        subprocess.run(["chown", "-R", "vmail:vmail", root], check=True)
        counts, said = verify(mailbox, 0)
    shutil.rmtree(root)
    assert counts == {"INBOX": {"current": 3}, "Lists": {"current": 2}}
    assert "Of others: namespace public is public: left alone\n" in said


def test_a_link_to_a_folder_is_counted_once(host, mailbox):
    if host.mail_driver != "maildir":
        pytest.skip("sdbox does not list links")
    path = folder_path(mailbox, "Lists")
    path.with_name("Again").symlink_to(path)
    moved = shutil.copytree(path, mailbox.home / "elsewhere")
    subprocess.run(["chown", "-R", "vmail:vmail", moved], check=True)
    path.with_name("Moved").symlink_to(moved)
    counts, _ = verify(mailbox, 0)
    # With the list of its mails it has the GUID of what it was copied from.
    [name] = {"Lists", "Again"} & set(counts)
    assert counts == {"INBOX": {"current": 3}, name: {"current": 2},
                      "Moved": {"current": 2}}


@pytest.mark.parametrize("layout", ["index", "maildir++"])
def test_other_layouts(host, request, layout):
    if layout == "maildir++" and host.mail_driver != "maildir":
        pytest.skip("sdbox has no such layout")
    with configured(host, f"mailbox_list_layout = {layout}\n"
                    "mail_index_path = ~/indexes\n"):
        mailbox = host.create(name_of(request))
        fill(mailbox)
        mailbox.deliver(messages.small(9), detail="Lists/Deep")
        counts, said = full(mailbox, 0)
    assert counts == {"INBOX": {"current": 3}, "Lists": {"current": 2},
                      "Lists/Deep": {"current": 1}}
    assert "In the clear: 3 index caches" in said
    assert list((mailbox.home / "indexes").rglob("dovecot.index.cache"))


def test_alternative_storage(host, mailbox):
    if host.mail_driver != "sdbox":
        pytest.skip("maildir has none")
    with configured(host, "mail_alt_path = ~/alternative\n"):
        host.must("-o", "crypt_user_key_password=" +
                  key_password(mailbox.password), "altmove", "-u",
                  mailbox.address, "mailbox", "INBOX", "uid", "1:2")
        assert len(list((mailbox.home / "alternative").rglob("u.*"))) == 2
        assert len(mails(mailbox)) == 1
        assert full(mailbox, 0)[0]["INBOX"] == {"current": 3}


def test_a_folder_that_an_acl_hides(host, mailbox):
    with configured(host, "mail_plugins {\n  acl = yes\n}\n"
                    "acl_driver = vfile\n"):
        acl = folder_path(mailbox, "Lists") / "dovecot-acl"
        acl.write_text("owner i\n")
        listed = host.must("mailbox", "list", "-u", mailbox.address).stdout
        assert "Lists" not in listed
        counts, _ = verify(mailbox, 0)
    assert counts == {"INBOX": {"current": 3}, "Lists": {"current": 2}}


# ---- what remains in the clear

def test_index_caches(host, mailbox):
    with mailbox.imap() as imap:
        imap.mails("INBOX")
        imap.ask("fetch", "1:*", "(ENVELOPE)")
    caches = list(mailbox.home.rglob("dovecot.index.cache"))
    assert any(b"Number" in path.read_bytes() for path in caches)
    said = verify(mailbox, 0)[1]
    count = f"{len(caches)} index cache" + ("s" if len(caches) > 1 else "")
    size = sum(path.stat().st_size for path in caches) / 1024
    assert (f"In the clear: {count}, {size:.1f} KiB, with Subject, From, To "
            "and other headers\n") in said
    for path in caches:
        path.unlink()
    assert "index cache" not in verify(mailbox, 0)[1]


def test_full_text_indexes(mailbox):
    assert "full-text" not in verify(mailbox, 0)[1]
    index = folder_path(mailbox) / "fts-flatcurve"
    (index / "current.1").mkdir(parents=True)
    (index / "current.1" / "termlist.glass").write_bytes(b"word" * 500)
    assert (f"In the clear: 1 full-text index, 2.0 KiB, with the words of "
            f"mails: {index}\n") in verify(mailbox, 0)[1]
    (mailbox.home / "xapian-indexes").mkdir()
    assert "In the clear: 2 full-text indexes, 2.0 KiB, " in \
        verify(mailbox, 0)[1]


def test_attachments_in_files_of_their_own():
    with MailHost(mail_driver="sdbox", extra_conf="""
mail_ext_attachment_path = ~/attachments
mail_ext_attachment_min_size = 1k
mail_ext_attachment {
  fs posix {
  }
}
""") as host:
        mailbox = host.create("attachments")
        content = random.Random(1).randbytes(30_000)
        text = base64.encodebytes(content).decode()
        mailbox.deliver(messages.small(1), messages.on_the_wire((
            "Subject: One\nMIME-Version: 1.0\n"
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
            "Content-Type: application/octet-stream\n"
            "Content-Disposition: attachment; filename=a\n"
            f"Content-Transfer-Encoding: base64\n\n{text}\n--b--\n").encode()))
        assert any(path.read_bytes() == content for path in
                   (mailbox.home / "attachments").rglob("*")
                   if path.is_file())
        counts, said = full(mailbox, 0)
        assert counts == {"INBOX": {"current": 2}}
        assert "In the clear: attachments of 1 mail, in files" in said

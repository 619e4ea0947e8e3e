"""A mailbox is deleted: usable for two days, then nothing of it is left."""

import os
import shutil

import pytest

import messages
from changes import assert_opens, fill, name_of
from deletions import (
    GRACE, ask, assert_closed, assert_gone, destroy, every_byte)
from mailclients import Refused
from mailhost import MailHost
from storedmail import files


@pytest.fixture(scope="module", params=["maildir", "sdbox", "mdbox"])
def host(request):
    with MailHost(mail_driver=request.param, clock=True) as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    mailbox = host.create(name_of(request))
    fill(mailbox)
    return mailbox


@pytest.fixture
def other(host, request):
    other = host.create(name_of(request) + "-other")
    fill(other)
    return other


def test_nothing_changes_for_two_days(host, mailbox):
    before = mailbox.everything()
    ask(mailbox)
    for seconds in (0, GRACE - 60):
        host.clock.move(seconds)
        host.process().expect(0)
        row = host.row(mailbox)
        assert (row["state"], row["sealed"], row["claimed_by"]) == \
            ("pending", None, None)
        assert_opens(mailbox, mailbox.password, before)
        assert mailbox.smtp_auth().startswith("OK\t1")
    mailbox.deliver(messages.small(9))
    assert len(mailbox.mails()) == len(before["INBOX"]) + 1
    # Also "--one" waits.
    host.process("--one", mailbox.address).expect(0)
    assert host.row(mailbox)["state"] == "pending"
    host.clock.move(60)
    host.process().expect(0)
    assert_gone(mailbox)


def test_nothing_is_left(host, mailbox, other):
    before = other.everything()
    host.db.sql("INSERT INTO alias (domain_id, source, destination) VALUES "
                "(1, %s, %s), (1, %s, %s), (1, %s, %s)",
                "a-" + mailbox.address, mailbox.address,
                "b-" + mailbox.address, mailbox.address + "," + other.address,
                "c-" + mailbox.address, other.address)
    with (mailbox.home / "dovecot-attributes").open("rb") as keys:
        assert b"privkeys" in keys.read()
        done = destroy(mailbox)
        # Whoever has the file open, or finds its blocks, finds no key.
        keys.seek(0)
        assert set(keys.read()) <= {0}
    assert "Warning" not in done.stderr and "Error" not in done.stderr, done
    assert done.stdout.split()[-1] == "done"
    assert_gone(mailbox)
    assert [row["source"][0] for row in host.db.sql(
        "SELECT source FROM alias WHERE source LIKE %s ORDER BY source",
        "_-" + mailbox.address)] == ["b", "c"]
    assert_opens(other, other.password, before)


def test_the_keys_go_first(host, mailbox):
    """What holds up the mail does not hold up the keys."""
    wrapped = [value.encode() for name, value in mailbox.attributes().items()
               if "privkeys" in name]
    assert wrapped and all(key in every_byte(mailbox.home) for key in wrapped)
    for name in ("pymailadmin.journal", "pymailadmin.journal.tmp",
                 "dovecot-attributes.lock"):
        (mailbox.home / name).write_bytes(b"\n".join(wrapped))
        shutil.chown(mailbox.home / name, "vmail", "vmail")
    ask(mailbox)
    host.process().expect(0)
    host.clock.move(GRACE)
    mount = mailbox.home / "mounted"
    mount.mkdir()
    shutil.chown(mount, "vmail", "vmail")
    host.command("mount", "-t", "tmpfs", "none", mount).expect(0)
    try:
        host.process().expect(75)
        row = host.row(mailbox)
        assert (row["state"], row["outcome"]) == ("switched", "mail_left")
        assert "another file system is mounted" in row["reason"]
        left = every_byte(mailbox.home)
        # Index logs have names of attributes, and no values.
        assert not [key for key in wrapped if key in left]
        assert_closed(mailbox)
        host.command("umount", mount).expect(0)
    finally:
        host.command("umount", mount)
    host.must("pymailadmin", "retry", "-u", mailbox.address)
    host.process().expect(0)
    assert_gone(mailbox)


def test_a_session_that_is_open_is_ended(host, mailbox):
    sessions = [mailbox.imap(), mailbox.imap()]
    sessions[0].mails()
    destroy(mailbox)
    assert_gone(mailbox)
    for imap in sessions:
        with pytest.raises((Refused, OSError, imap.abort)):
            imap.mails()
        imap.shutdown()


def test_links_lead_nowhere(host, mailbox, other):
    """Symbolic links out of the home, as folders and anywhere."""
    outside = host.scratch / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "file").write_text("kept")
    shutil.chown(outside, "vmail", "vmail")
    shutil.chown(outside / "file", "vmail", "vmail")
    for place in (mailbox.home, mailbox.home / "mail"):
        (place / "to-dir").symlink_to(outside)
        (place / "to-file").symlink_to(outside / "file")
        (place / "to-home").symlink_to(other.home / "mail")
        (place / "to-nothing").symlink_to("/nothing")
    if host.mail_driver != "mdbox":
        for number, folder in enumerate({path.parent for path in
                                         files(other.home)}):
            (mailbox.home / "mail" / f"of-other-{number}").symlink_to(folder)
            inner = mailbox.home / "mail" / f"in-other-{number}"
            inner.mkdir()
            shutil.chown(inner, "vmail", "vmail")
            (inner / folder.name).symlink_to(folder)
    before = other.everything()
    destroy(mailbox)
    assert_gone(mailbox)
    assert (outside / "file").read_text() == "kept"
    assert_opens(other, other.password, before)


def test_mail_that_others_have_too_stays(host, mailbox, other):
    """Hard links: of each file only the mailbox's name goes."""
    before = every_byte(other.home)
    copies = mailbox.home / "mail" / "copies"
    copies.mkdir()
    for number, path in enumerate(sorted(
            path for path in other.home.rglob("*") if path.is_file())):
        os.link(path, copies / str(number))
    # Also where keys are looked for.
    (mailbox.home / "pymailadmin.journal").hardlink_to(
        other.home / "dovecot-attributes")
    shutil.chown(copies, "vmail", "vmail")
    destroy(mailbox)
    assert_gone(mailbox)
    assert every_byte(other.home) == before


def test_alternative_storage_goes_too(host, mailbox):
    """And indexes, wherever they are; not what may be somebody else's."""
    if host.mail_driver == "maildir":
        pytest.skip("maildir has none")
    roots = {name: host.scratch / name for name in ("alt", "index", "all")}
    for root in roots.values():
        root.mkdir(exist_ok=True)
        shutil.chown(root, "vmail", "vmail")
    host.restart_dovecot(extra=(
        f"mail_alt_path = {roots['alt']}/%{{user}}\n"
        f"mail_index_path = {roots['index']}/%{{user | username}}\n"
        f"mail_control_path = {roots['all']}\n"))
    try:
        (roots["all"] / "kept").write_text("x")
        mailbox = host.create("alt-" + mailbox.address.partition("@")[0])
        fill(mailbox)
        host.must("altmove", "-u", mailbox.address, "ALL")
        assert [path for path in (roots["alt"] / mailbox.address).rglob("*")
                if path.name[:2] in ("u.", "m.")]
        assert list(roots["index"].rglob("dovecot*"))
        done = destroy(mailbox)
        assert_gone(mailbox)
        assert not (roots["alt"] / mailbox.address).exists()
        assert not list(roots["index"].rglob("dovecot*"))
        assert (roots["all"] / "kept").exists()
        assert f"left as it is: {roots['all']} may be other" in \
            done.stderr
    finally:
        host.restart_dovecot(extra="")

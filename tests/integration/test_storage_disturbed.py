"""Stored mail is re-encrypted while other things change under it."""

import shutil
import signal

import pytest

import faults
import messages
import snapshots
import storedmail
import stores
from changes import name_of
from mailhost import MailHost
from mariadb import wait_until
from storagejobs import (MDBOX_LATER, assert_finished, assert_verified,
                         encrypt, folder_keys, rekey, verify)

NEW = "the new password"
# So slow that there is time to disturb it.
SLOW = "pymailadmin_rekey_rate = {}\npymailadmin_rekey_workers = 1\n"


@pytest.fixture(scope="module", params=["maildir", "sdbox", "mdbox"])
def host(request):
    with MailHost(mail_driver=request.param, depth="storage") as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    mailbox = stores.create(host, name_of(request))
    yield mailbox
    host.restart_dovecot(extra="")


def old_keys_again(mailbox):
    """All stored mail is under keys that are not the current ones."""
    host = mailbox.host
    host.restart_dovecot(depth="keys", extra="")
    rekey(mailbox, NEW)
    host.restart_dovecot(depth="storage", extra=SLOW.format("800 k"))


def begun(mailbox):
    def some_done():
        row = mailbox.host.row(mailbox)
        return 0 < (row["mails_done"] or 0) < row["mails_total"]
    wait_until(some_done, "the first mails")


def start(mailbox):
    encrypt(mailbox).expect(0)
    process = mailbox.host.spawn("pymailadmin", "process")
    begun(mailbox)
    return process


def finish(process, code=0):
    output, _ = process.communicate(timeout=60)
    assert process.returncode == code, output
    return output


@pytest.mark.parametrize("host", MDBOX_LATER, indirect=True)
def test_a_folder_is_renamed(mailbox):
    old_keys_again(mailbox)
    before = snapshots.take(mailbox)
    process = start(mailbox)
    with mailbox.imap() as imap:
        imap.ask("rename", "Sent", "Renamed")
        imap.ask("rename", "Archive", "Zebra/Archive")
    finish(process)
    after = snapshots.take(mailbox)
    assert after.folders["Renamed"].mails == before.folders["Sent"].mails
    assert after.folders["Zebra/Archive"].mails == \
        before.folders["Archive"].mails
    assert_verified(mailbox)
    assert_finished(mailbox)


def test_a_folder_is_deleted_and_mails_are_moved(mailbox):
    old_keys_again(mailbox)
    before = snapshots.take(mailbox)
    process = start(mailbox)
    with mailbox.imap() as imap:
        imap.ask("create", "Elsewhere")
        imap.ask("select", "Archive")
        imap.ask("uid", "MOVE", "1:*", "Elsewhere")
        imap.ask("select", "INBOX")
        imap.ask("delete", "Archive/2024")
    finish(process)
    after = snapshots.take(mailbox)
    assert [mail.digest for mail in after.folders["Elsewhere"].mails.values()] \
        == [mail.digest for mail in before.folders["Archive"].mails.values()]
    assert_verified(mailbox)


@pytest.mark.parametrize("host", MDBOX_LATER, indirect=True)
def test_the_database_goes_away_meanwhile(mailbox):
    host = mailbox.host
    old_keys_again(mailbox)
    before = snapshots.take(mailbox)
    process = start(mailbox)
    host.db.stop()
    try:
        output = finish(process, 75)
        assert "stopped" in output and "signal" not in output
    finally:
        host.db.start()
    host.restart_dovecot(extra="")
    assert host.row(mailbox)["state"] == "storing"
    host.process().expect(0)
    assert host.row(mailbox)["state"] == "done"
    snapshots.assert_same(before, snapshots.take(mailbox))
    assert_verified(mailbox)


def test_it_is_told_to_stop(mailbox):
    host = mailbox.host
    old_keys_again(mailbox)
    before = snapshots.take(mailbox)
    process = start(mailbox)
    process.send_signal(signal.SIGTERM)
    finish(process, 75)
    row = host.row(mailbox)
    assert (row["state"], row["claimed_by"]) == ("storing", None), row
    assert row["mails_done"] < row["mails_total"]
    snapshots.assert_same(before, snapshots.take(mailbox))
    host.restart_dovecot(extra="")
    host.process().expect(0)
    snapshots.assert_same(before, snapshots.take(mailbox))
    assert_finished(mailbox)


@pytest.mark.parametrize("host", MDBOX_LATER, indirect=True)
def test_the_password_changes_again_meanwhile(mailbox):
    host = mailbox.host
    old_keys_again(mailbox)
    before = snapshots.take(mailbox)
    process = start(mailbox)
    first = mailbox.request_id
    host.request(mailbox, "a third password").expect(0)
    wait_until(lambda: host.row(mailbox)["state"] != "pending",
               "the second request")
    output = finish(process)
    mailbox.password = "a third password"
    states = {row["request"]: (row["state"], row["outcome"])
              for row in host.requests(mailbox)}
    assert states[mailbox.request_id] == ("done", "done"), output
    assert states[first][0] == "done", output
    snapshots.assert_same(before, snapshots.take(mailbox))
    assert_finished(mailbox)


@pytest.mark.parametrize("driver", ["sdbox", "mdbox"])
def test_alternative_storage_that_is_not_mounted(request, driver):
    with MailHost(mail_driver=driver, depth="storage") as host:
        alternative = host.scratch / "alternative"
        alternative.mkdir()
        shutil.chown(alternative, "vmail", "vmail")
        host.restart_dovecot(
            extra=f"mail_alt_path = {alternative}/%{{user}}\n")
        mailbox = host.create(name_of(request))
        mailbox.deliver(*map(messages.small, range(6)))
        before = mailbox.everything()
        host.must("altmove", "-u", mailbox.address, "uid", "1:3")
        host.must("purge", "-u", mailbox.address)
        away = host.scratch / "away"
        alternative.rename(away)
        rekey(mailbox, NEW)
        row = host.row(mailbox)
        assert row["outcome"] == "storage_left" and \
            "not where it should be" in row["reason"], row
        away.rename(alternative)
        assert mailbox.everything() == before
        encrypt(mailbox).expect(0)
        host.process().expect(0)
        assert mailbox.everything() == before
        result, counts = verify(mailbox, "--full")
        result.expect(0)
        assert counts["INBOX"]["current"] == 6


def files_of(mailbox, folder):
    """In the order of their UIDs."""
    path = storedmail.folder_path(mailbox, folder)
    return sorted((each for each in storedmail.files(mailbox.home)
                   if path in (each.parent.parent, each.parent)),
                  key=lambda each: (len(each.name)
                                    if each.name.startswith("u.") else 0,
                                    each.name))


def file_of(mailbox, number):
    """With a mail of a folder, or with many."""
    if mailbox.host.mail_driver == "mdbox":
        return storedmail.containers(mailbox.home)[number]
    return files_of(mailbox, "Archive")[number]


@pytest.mark.parametrize("host", MDBOX_LATER, indirect=True)
@pytest.mark.parametrize("number", [0, 3, -1])
def test_a_mail_that_cannot_be_opened_keeps_its_keys(mailbox, number):
    """Dovecot follows a link, and so can read it."""
    path = file_of(mailbox, number)
    target = mailbox.home / "elsewhere"
    shutil.copy2(path, target)
    shutil.chown(target, "vmail", "vmail")
    path.unlink()
    path.symlink_to(target)
    before = snapshots.take(mailbox)
    rekey(mailbox, NEW)
    row = mailbox.host.row(mailbox)
    assert row["outcome"] == "storage_left", row
    after = snapshots.take(mailbox)
    assert {name: folder.mails for name, folder in after.folders.items()} == \
        {name: folder.mails for name, folder in before.folders.items()}


@pytest.mark.parametrize("host", MDBOX_LATER, indirect=True)
def test_a_key_that_does_not_open_gets_no_mail(mailbox):
    host = mailbox.host
    host.restart_dovecot(depth="keys", extra="")
    rekey(mailbox, NEW)
    host.restart_dovecot(depth="storage", extra="")
    active = folder_keys(mailbox)["Archive"][0]
    path = mailbox.home / "dovecot-attributes"
    lines = path.read_text().split("\n")
    [at] = [number for number, line in enumerate(lines)
            if line.startswith("priv/") and line.endswith(f"/{active}")]
    del lines[at:at + 2]
    path.write_text("\n".join(lines))
    before = snapshots.take(mailbox)
    encrypt(mailbox).expect(0)
    host.process().expect(0)
    assert host.row(mailbox)["outcome"] == "storage_left"
    snapshots.assert_same(before, snapshots.take(mailbox))


def test_a_folder_takes_the_name_of_another(mailbox):
    host = mailbox.host
    old_keys_again(mailbox)
    before = snapshots.take(mailbox).folders["Archive"].mails
    process = start(mailbox)
    with mailbox.imap() as imap:
        imap.ask("delete", "Sent")
        imap.ask("rename", "Archive", "Sent")
    done = host.row(mailbox)["mails_done"]
    wait_until(lambda: process.poll() is not None or
               host.row(mailbox)["mails_done"] > done + 8, "some more mails")
    assert snapshots.take(mailbox).folders["Sent"].mails == before
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    host.restart_dovecot(extra="")
    host.process().expect(0)
    assert snapshots.take(mailbox).folders["Sent"].mails == before
    assert_verified(mailbox)


@pytest.mark.parametrize("host", MDBOX_LATER, indirect=True)
def test_a_folder_is_made(mailbox):
    old_keys_again(mailbox)
    process = start(mailbox)
    with mailbox.imap() as imap:
        imap.ask("create", "Fresh")
        imap.ask("select", "INBOX")
        imap.ask("uid", "COPY", "1:5", "Fresh")
    assert "has no key" not in finish(process)
    assert mailbox.host.row(mailbox)["outcome"] == "done"
    assert_finished(mailbox)
    assert_verified(mailbox)


@pytest.mark.parametrize("host", ["maildir", "sdbox"], indirect=True)
def test_files_cannot_be_exchanged(mailbox):
    """As on NFS: they are replaced one by one, under Dovecot's locks."""
    host = mailbox.host
    before = snapshots.take(mailbox)
    host.request(mailbox, NEW).expect(0)
    done = faults.traced(host, "-o", "/dev/null", "-e", "trace=renameat2",
                         "-e", "inject=renameat2:error=EINVAL")
    assert done.returncode == 0, done.stderr
    assert "cannot exchange files" in done.stderr
    mailbox.password = NEW
    snapshots.assert_same(before, snapshots.take(mailbox))
    assert_finished(mailbox)
    assert_verified(mailbox)

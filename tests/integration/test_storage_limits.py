"""Re-encryption that cannot do all it should, or must not take all it could:
damage, unknown keys, no place, no rights, large mails."""

import os
import subprocess

import pytest

import messages
import snapshots
import storedmail
import stores
from changes import assert_clean, assert_opens, name_of
from mailhost import MailHost
from storagejobs import (MDBOX_LATER, assert_finished, children, encrypt,
                         folder_keys, peak_memory, rekey, settle, verify)

NEW = "the new password"
MIB = 1024 * 1024


@pytest.fixture(scope="module", params=["maildir", "sdbox", "mdbox"])
def host(request):
    with MailHost(mail_driver=request.param, depth="storage") as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    return stores.create(host, name_of(request))


def bodies(snapshot, without=()):
    return {(name, uid): mail for name, folder in snapshot.folders.items()
            for uid, mail in folder.mails.items() if (name, uid) not in without}


def archive(mailbox, index=0):
    """A mail of a folder: file and UID."""
    found = storedmail.uid_of_files(storedmail.folder_path(mailbox, "Archive"))
    return sorted(found.items(), key=lambda each: each[1])[index]


def assert_all_but_one(mailbox, before, uid):
    """What clients see of all other mails is the same."""
    with mailbox.imap() as imap:
        for name, folder in before.folders.items():
            imap.ask("select", f'"{name}"', True)
            uids = [each for each in folder.mails
                    if (name, each) != ("Archive", uid)]
            seen = dict(snapshots.fetch(
                imap, uids, snapshots.ITEMS.format("SAVEDATE ")))
            assert seen == {each: folder.mails[each] for each in uids}


def job_ends_with_reason(mailbox, before, path, uid, what):
    """The broken mail keeps its key, all others have new ones."""
    host = mailbox.host
    content, broken = path.read_bytes(), storedmail.stored(path)
    old = folder_keys(mailbox)
    host.request(mailbox, NEW).expect(0)
    done = host.process()
    mailbox.password = NEW
    row = host.row(mailbox)
    assert row["state"] == "done" and row["reason"], (row, done)
    # In an mdbox it goes on with the others.
    assert archive(mailbox, 2)[0].read_bytes() == content
    assert_all_but_one(mailbox, before, uid)
    kept = {key for keys in folder_keys(mailbox).values() for key in keys}
    if broken.key in {key for keys in old.values() for key in keys}:
        assert broken.key in kept
    result, counts = verify(mailbox, "--full")
    assert result.code == 65 and counts["Archive"][what] == 1, result
    assert sum(each["current"] for each in counts.values()) == \
        len(storedmail.files(mailbox.home)) - 1
    assert storedmail.temporary(mailbox.home) == []
    assert_clean(mailbox)


@pytest.mark.parametrize("how", ["bit", "cut", "tag"])
def test_a_damaged_mail(mailbox, how):
    if how == "cut" and mailbox.host.mail_driver == "mdbox":
        pytest.skip("others follow it in its file")
    before = snapshots.take(mailbox)
    path, uid = archive(mailbox, 2)
    data = bytearray(path.read_bytes())
    stat = path.stat()
    # dbox has its metadata at the end
    end = data.rfind(b"\n\x01\x03\n") \
        if mailbox.host.mail_driver != "maildir" else len(data)
    if how == "bit":
        data[end // 2] ^= 1
    elif how == "tag":
        data[end - 3] ^= 1
    else:
        del data[end // 2:]
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    job_ends_with_reason(mailbox, before, path, uid, "damaged")
    # And once it is gone, all is well again.
    with mailbox.imap() as imap:
        imap.ask("select", "Archive")
        imap.ask("uid", "STORE", str(uid), "+FLAGS.SILENT", "(\\Deleted)")
        imap.ask("uid", "EXPUNGE", str(uid))
    rekey(mailbox, "another")
    assert_finished(mailbox)


def test_a_mail_under_an_unknown_key(host, mailbox):
    """As a mail that somebody copied in from another mailbox."""
    before = snapshots.take(mailbox)
    path, uid = archive(mailbox, 2)
    if host.mail_driver == "mdbox":
        key = bytes.fromhex(storedmail.stored(path).key)
        path.write_bytes(path.read_bytes().replace(key, key[::-1]))
        job_ends_with_reason(mailbox, before, path, uid, "unknown")
        return
    other = stores.create(host, mailbox.address.partition("@")[0] + "-other")
    rekey(other, NEW)
    path.write_bytes(storedmail.files(other.home)[0].read_bytes())
    job_ends_with_reason(mailbox, before, path, uid, "unknown")


@pytest.mark.parametrize("host", MDBOX_LATER, indirect=True)
def test_files_that_are_no_mails(mailbox):
    """They are not Dovecot's, so they are left alone."""
    folder = storedmail.places(mailbox.home)[0]
    before = snapshots.take(mailbox)
    names = [".hidden"] + {
        "cur": [], "dbox-Mails": ["u.x", "u.7.broken"],
        "storage": ["m.x", "m.7.broken"]}[folder.name]
    for name in names:
        (folder / name).write_bytes(b"x")
        mailbox.host.command("chown", "vmail:vmail", folder / name).expect(0)
    rekey(mailbox, NEW)
    for name in names:
        assert (folder / name).read_bytes() == b"x"
        (folder / name).unlink()
    snapshots.assert_same(before, snapshots.take(mailbox))
    assert_finished(mailbox)


def test_a_symbolic_link_is_not_followed(mailbox):
    # Not more: a client may meet the link as a new mail.
    before = mailbox.everything()
    target = mailbox.home / "target"
    target.write_bytes(messages.small(1))
    link = storedmail.containers(mailbox.home)[0].with_name(
        "m.999999" if mailbox.host.mail_driver == "mdbox" else "u.999999")
    link.symlink_to(target)
    host = mailbox.host
    host.request(mailbox, NEW).expect(0)
    host.process()
    assert target.read_bytes() == messages.small(1)
    assert link.is_symlink()
    link.unlink()
    if host.row(mailbox)["ended_at"] is None:
        settle(mailbox, NEW)
    mailbox.password = NEW
    assert mailbox.everything() == before
    rekey(mailbox, "another")
    assert mailbox.everything() == before
    assert_finished(mailbox)


@pytest.fixture
def mount():
    """Mounts that end with the test."""
    mounted = []

    def mount(*words):
        subprocess.run(["mount", *words], check=True)
        mounted.append(words[-1])
    yield mount
    for path in reversed(mounted):
        subprocess.run(["umount", "-l", path], check=False)


def test_a_folder_that_is_read_only(host, mailbox, mount):
    """What can be done is done; the keys that are needed stay."""
    before = snapshots.take(mailbox)
    folder = storedmail.folder_path(mailbox, "Archive/2024")
    if host.mail_driver == "mdbox":
        [folder] = storedmail.places(mailbox.home)
    mount("--bind", folder, folder)
    mount("-o", "remount,bind,ro", folder, folder)
    host.request(mailbox, NEW).expect(0)
    host.process()
    mailbox.password = NEW
    row = host.row(mailbox)
    subprocess.run(["umount", folder], check=True)
    if row["ended_at"] is None:
        # It is to be tried again.
        settle(mailbox, NEW)
    else:
        snapshots.assert_same(before, snapshots.take(mailbox))
        assert row["state"] == "done" and row["reason"], row
        encrypt(mailbox).expect(0)
        host.process().expect(0)
    snapshots.assert_same(before, snapshots.take(mailbox))
    assert_finished(mailbox)


def small_disk(mailbox, mount, size):
    """Its home is a file system of its own from now on."""
    run, home = mailbox.host.command, mailbox.home
    copy = home.with_name(f"{home.name}-copy")
    home.rename(copy)
    home.mkdir()
    mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", home)
    run("cp", "-a", "-T", copy, home).expect(0)


def fill_up(mailbox, left):
    """Leaves so many bytes of its file system."""
    state = os.statvfs(mailbox.home)
    filler = mailbox.home / "filler"
    filler.write_bytes(bytes(state.f_bavail * state.f_bsize - left))
    return filler


def test_low_disk_space(host, request, mount):
    """It stops in time, says so, and goes on when there is room."""
    mailbox = host.create(name_of(request))
    small_disk(mailbox, mount, "40m")
    mailbox.deliver(*(messages.large(number, 500_000) for number in range(20)))
    before = mailbox.everything()
    files = {path: storedmail.kind_and_key(path)
             for path in storedmail.files(mailbox.home)}
    filler = fill_up(mailbox, 7 * MIB)
    host.request(mailbox, NEW).expect(0)
    enough = ["-o", "pymailadmin_rekey_min_free=8M"]
    said = host.doveadm(*enough, "pymailadmin", "process")
    row = host.row(mailbox)
    assert row["ended_at"] is None, (row, said)
    assert "space" in said.output, said
    assert files == {path: storedmail.kind_and_key(path)
                     for path in storedmail.files(mailbox.home)}
    assert storedmail.temporary(mailbox.home) == []
    filler.unlink()
    settle(mailbox, NEW, options=enough)
    assert_opens(mailbox, NEW, before)
    assert_finished(mailbox)


@pytest.mark.parametrize("host", MDBOX_LATER, indirect=True)
def test_the_disk_is_full(host, request, mount):
    """However little is free: no mail is lost."""
    mailbox = host.create(name_of(request))
    small_disk(mailbox, mount, "12m")
    mailbox.deliver(*(messages.large(number, 900_000) for number in range(8)))
    before = mailbox.everything()
    filler = fill_up(mailbox, 300_000)
    none = ["-o", "pymailadmin_rekey_min_free=0"]
    host.request(mailbox, NEW).expect(0)
    said = host.doveadm(*none, "pymailadmin", "process")
    assert host.row(mailbox)["state"] != "done", said
    filler.unlink()
    # There is never room for all of it.
    for _ in range(5):
        if host.row(mailbox)["ended_at"] is None:
            host.must("pymailadmin", "retry", "-u", mailbox.address)
            said = host.doveadm(*none, "pymailadmin", "process")
    assert host.row(mailbox)["state"] == "done", said
    assert_opens(mailbox, NEW, before)
    mailbox.password = NEW
    assert_finished(mailbox)


def highest_memory(run):
    """Of process and of its workers."""
    own = workers = 0
    while run.poll() is None:
        own = max(own, peak_memory(run.pid))
        for child in children(run.pid):
            workers = max(workers, peak_memory(child))
    return own, workers


@pytest.mark.parametrize("host", [
    "maildir", pytest.param("sdbox", marks=pytest.mark.soak),
    pytest.param("mdbox", marks=pytest.mark.soak)], indirect=True)
@pytest.mark.limit(120)
def test_memory_of_a_huge_mail(host, request):
    mailbox = host.create(name_of(request))
    size = 200 * MIB
    data = stores.message(1, 4 * MIB)
    data += data[-2 * MIB:] * (size // (2 * MIB))
    with mailbox.imap() as imap:
        stores.multiappend(imap, "INBOX", [((), stores.NEWEST, data)])
    mailbox.deliver(messages.small(1))
    before = mailbox.mails()
    host.request(mailbox, NEW).expect(0)
    run = host.spawn("pymailadmin", "process")
    own, workers = highest_memory(run)
    said, _ = run.communicate()
    assert run.returncode == 0, said
    mailbox.password = NEW
    assert mailbox.mails() == before
    assert_finished(mailbox)
    print(f"process {own // MIB} MiB, workers {workers // MIB} MiB")
    assert 0 < workers < 64 * MIB and own < 64 * MIB

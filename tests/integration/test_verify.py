"""doveadm pymailadmin verify: which keys stored mail is encrypted with, and
what nobody can read."""

import os
import pathlib
import re
import signal
import subprocess

import pytest

import messages
from changes import change, fill, folder_keys, name_of
from mailhost import MailHost, key_password
from mariadb import wait_until
from verifying import (KINDS, NOT_CURRENT, edit, folder_path, full, mails, put,
                       verify)

# What mail_crypt's files begin with, before a byte that is the version.
MAGIC = b"CRYPTED\x03\x07"


@pytest.fixture(scope="module", params=["maildir", "sdbox"])
def host(request):
    with MailHost(mail_driver=request.param) as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    mailbox = host.create(name_of(request))
    fill(mailbox)
    return mailbox


def flip(data, offset):
    return data[:offset] + bytes([data[offset] ^ 0x40]) + data[offset + 1:]


def new_keys(mailbox):
    """New folder keys; the old ones stay, and so does the mail."""
    mailbox.host.must(
        "-o", "crypt_user_key_password=" + key_password(mailbox.password),
        "mailbox", "cryptokey", "generate", "-u", mailbox.address, "-f", "*")


# ---- which keys

def test_a_fresh_mailbox(mailbox):
    counts, said = verify(mailbox, 0)
    assert counts == {"INBOX": {"current": 3}, "Lists": {"current": 2}}
    assert re.search(r"^5 mails in 2 folders, \d+ KiB: all are encrypted with "
                     r"current keys; --full proves", said, re.MULTILINE)
    counts, said = full(mailbox, 0)
    assert counts == {"INBOX": {"current": 3}, "Lists": {"current": 2}}
    assert "all are whole, and encrypted with current keys" in said


def test_bytes_are_those_of_the_files(mailbox):
    rows = mailbox.host.must("-f", "json", "pymailadmin", "verify", "-u",
                             mailbox.address).json
    assert {row["folder"]: row["bytes"] for row in rows} == {
        folder: sum(path.stat().st_size for path in mails(mailbox, folder))
        for folder in ("INBOX", "Lists")}


def test_empty_and_nested_folders(mailbox):
    mailbox.host.must("mailbox", "create", "-u", mailbox.address, "Empty",
                      "A/B/C", "Été & hiver")
    counts, _ = verify(mailbox, 0)
    assert counts == {"INBOX": {"current": 3}, "Lists": {"current": 2},
                      "Empty": {}, "A/B/C": {}, "Été & hiver": {}}


def test_new_folder_keys(mailbox):
    new_keys(mailbox)
    counts, said = verify(mailbox, NOT_CURRENT)
    assert counts == {"INBOX": {"retired": 3}, "Lists": {"retired": 2}}
    assert "5 not encrypted with current keys" in said
    mailbox.deliver(messages.small(10))
    for look in verify, full:
        counts, _ = look(mailbox, NOT_CURRENT)
        assert counts == {"INBOX": {"current": 1, "retired": 3},
                          "Lists": {"retired": 2}}


def test_a_changed_password(mailbox):
    """At depth "keys" new mail gets new keys, and stored mail keeps its."""
    change(mailbox, "new password")
    mailbox.deliver(messages.small(10), detail="Lists")
    counts, _ = full(mailbox, NOT_CURRENT)
    assert {folder: each for folder, each in counts.items() if each} == {
        "INBOX": {"retired": 3}, "Lists": {"current": 1, "retired": 2}}


def test_a_mail_of_somebody_else(host, mailbox, request):
    other = host.create(name_of(request))
    fill(other)
    copy = mails(mailbox)[0].with_name(
        "u.77" if host.mail_driver == "sdbox" else "1.other.host:2,")
    put(copy, mails(other)[0].read_bytes())
    put(copy.with_name(copy.name.replace("77", "78").replace("1.", "2.")),
        mails(other)[1].read_bytes())
    [key] = [key for key in folder_keys(other)
             if bytes.fromhex(key) in copy.read_bytes()]
    for look in verify, full:
        counts, said = look(mailbox, os.EX_DATAERR)
        assert counts["INBOX"] == {"current": 3, "unknown": 2}
        # Named once in a folder: there may be thousands.
        assert said.count("does not have its key") == 1
        assert f"does not have its key {key}" in said


def test_a_plain_mail(host, mailbox):
    path = mails(mailbox)[0]
    if host.mail_driver == "maildir":
        put(path.with_name("1.plain.host:2,"), messages.small(20))
        expected = {"current": 3, "plain": 1}
    else:
        host.must("-o", "crypt_write_algorithm=", "save", "-u",
                  mailbox.address, input=messages.small(20).decode())
        expected = {"current": 3, "plain": 1}
    for look in verify, full:
        counts, said = look(mailbox, NOT_CURRENT)
        assert counts["INBOX"] == expected
        assert "1 not encrypted" in said


def test_files_that_are_no_mails(host, mailbox):
    """Temporary files of Dovecot and of ours."""
    path = folder_path(mailbox)
    if host.mail_driver == "sdbox":
        names = [".temp.1.P1.host", ".temp.pymailadmin.1", "u.1.lock", "u."]
    else:
        names = ["tmp/1.P1.host", "tmp/pymailadmin.1", "cur/.hidden"]
    for name in names:
        (path / name).write_bytes(b"x")
    assert verify(mailbox, 0)[0]["INBOX"] == {"current": 3}


# ---- what nobody can read

@pytest.mark.parametrize("harm", [
    lambda data, start: data[:start + 100],
    lambda data, start: flip(data, start + len(MAGIC)),
], ids=["cut-off", "version"])
def test_a_damaged_header_is_seen_at_once(mailbox, harm):
    path = mails(mailbox)[1]
    edit(path, lambda data: harm(data, data.index(MAGIC)))
    for look in verify, full:
        counts, said = look(mailbox, os.EX_DATAERR)
        assert counts["INBOX"] == {"current": 2, "damaged": 1}
        assert re.search(rf"folder INBOX: {re.escape(str(path))} is damaged: .",
                         said)


@pytest.mark.parametrize("place", [300, -30], ids=["body", "tag"])
def test_a_damaged_body_is_seen_by_full(host, mailbox, place):
    path = mails(mailbox, "Lists")[0]

    def harm(data):
        start = data.index(MAGIC)
        end = data.index(b"\n\x01\x03\n") if host.mail_driver == "sdbox" \
            else len(data)
        return flip(data, (start if place > 0 else end + 16) + place)
    edit(path, harm)
    assert verify(mailbox, 0)[0]["Lists"] == {"current": 2}
    counts, said = full(mailbox, os.EX_DATAERR)
    assert counts == {"INBOX": {"current": 3},
                      "Lists": {"current": 1, "damaged": 1}}
    assert f"folder Lists: {path} is damaged: " in said


def test_a_body_that_is_cut_off(mailbox):
    path = mails(mailbox, "Lists")[1]
    edit(path, lambda data: data[:-50_000])
    counts, said = full(mailbox, os.EX_DATAERR)
    assert counts["Lists"] == {"current": 1, "damaged": 1}
    assert f"{path} is damaged: " in said


def test_a_key_that_does_not_open(mailbox):
    """The user key that a folder key is wrapped to is gone."""
    old = [key for key in mailbox.attributes()
           if "/pvt/server/" in key and "keys/" in key]
    host = mailbox.host
    host.must("-o", "crypt_user_key_password=" +
              key_password(mailbox.password), "mailbox", "cryptokey",
              "generate", "-u", mailbox.address, "-U", "-f")
    path = mailbox.home / "dovecot-attributes"
    path.write_text("".join(f"{key}\n{value}\n" for key, value
                            in mailbox.attributes().items()
                            if key not in old))
    assert verify(mailbox, 0)[0]["INBOX"] == {"current": 3}
    counts, said = full(mailbox, os.EX_DATAERR)
    assert counts["INBOX"] == {"damaged": 3}
    assert said.count("does not open") == 5


# ---- the command

def test_the_table(mailbox):
    result = mailbox.host.must("pymailadmin", "verify", "-u", mailbox.address)
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["folder", *KINDS, "bytes"]
    assert [line[:-1] for line in sorted(lines[1:])] == [
        ["INBOX", "3", "0", "0", "0", "0"], ["Lists", "2", "0", "0", "0", "0"]]


def test_a_wrong_password(mailbox):
    result = mailbox.host.doveadm(
        "pymailadmin", "verify", "-u", mailbox.address, "--full",
        input="wrong\n")
    result.expect(os.EX_NOPERM)
    assert "the password does not open the keys" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("words, input, code, text", [
    (["-u", "nobody@example.test"], None, os.EX_NOUSER, "does not know"),
    (["--full"], "x\n", os.EX_USAGE, "name the mailbox with -u"),
    (["-u", "nobody@example.test", "--full"], "", os.EX_NOINPUT,
     "end of file"),
    (["-u", "nobody@example.test", "--full"], "\n", os.EX_DATAERR, "is empty"),
], ids=["nobody", "no-user", "no-password", "empty-password"])
def test_usage(host, words, input, code, text):
    result = host.doveadm("pymailadmin", "verify", *words, input=input)
    result.expect(code)
    assert text in result.stderr and result.stdout == ""


def test_without_a_running_dovecot(host, mailbox):
    host.stop_dovecot()
    try:
        result = host.doveadm("pymailadmin", "verify", "-u", mailbox.address)
    finally:
        host.start_dovecot()
    result.expect(os.EX_TEMPFAIL)


def test_a_mailbox_without_keys(host, request):
    mailbox = host.create(name_of(request), key=False)
    counts, said = full(mailbox, 0)
    assert set(counts) <= {"INBOX"} and not any(counts.values())
    assert "0 mails" in said


def test_it_works_while_the_mailbox_is_closed(host, mailbox):
    host.request(mailbox, "new").expect(0)
    assert verify(mailbox, 0)[0]["INBOX"] == {"current": 3}
    host.must("pymailadmin", "cancel", "-u", mailbox.address)


def test_three_hundred_folders(host, mailbox):
    names = [f"Many/{number}" for number in range(300)]
    host.must("mailbox", "create", "-u", mailbox.address, *names, timeout=50)
    result = host.doveadm("pymailadmin", "verify", "-u", mailbox.address,
                          timeout=10)
    result.expect(0)
    assert len(result.stdout.splitlines()) == 303
    assert "5 mails in 302 folders" in result.stderr


def test_it_stops_when_it_is_told_to(host, mailbox):
    first = mails(mailbox)[0]
    for number in range(30_000):
        os.link(first, first.with_name(
            f"u.{1000 + number}" if host.mail_driver == "sdbox" else
            f"3.{number}.host:2,"))
    process = host.spawn("pymailadmin", "verify", "-u", mailbox.address,
                         "--full", stdin=subprocess.PIPE)
    process.stdin.write(mailbox.password + "\n")
    process.stdin.flush()
    mail = str(first.parent)

    def reads():
        try:
            return any(mail in os.readlink(each) for each in
                       pathlib.Path(f"/proc/{process.pid}/fd").iterdir())
        except FileNotFoundError:
            return False
    wait_until(reads, "mails are being read", 20)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=20)
    assert process.returncode == os.EX_TEMPFAIL, said
    assert "stopped" in said

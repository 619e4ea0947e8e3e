"""Requests that cannot be met: a reason, and everything as it was."""

import errno
import os
import secrets
import subprocess

import pytest

import seals
from changes import (assert_ended, assert_not_changed, assert_opens,
                     assert_refused, change, fill, name_of)
from mailhost import MailHost

EX_DATAERR, EX_NOINPUT, EX_NOUSER, EX_TEMPFAIL, EX_NOPERM, EX_CONFIG = (
    os.EX_DATAERR, os.EX_NOINPUT, os.EX_NOUSER, os.EX_TEMPFAIL, os.EX_NOPERM,
    os.EX_CONFIG)


@pytest.fixture(scope="module", params=["maildir", "sdbox"])
def host(request):
    with MailHost(mail_driver=request.param) as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    mailbox = host.create(name_of(request))
    fill(mailbox)
    return mailbox


def assert_fails(mailbox, before, outcome, reason, code=EX_DATAERR):
    """The open request fails so, the window opens, nothing has changed."""
    host = mailbox.host
    result = host.process()
    result.expect(code)
    row = assert_ended(mailbox, "failed", outcome)
    assert reason in row["reason"], row["reason"]
    assert reason in result.stderr
    # Not simply the first: requests of one second have no order.
    assert [each["reason"] for each in host.requests(mailbox)
            if each["request"] == mailbox.request_id] == [row["reason"]]
    assert len(row["reason"]) <= 500
    assert_not_changed(mailbox, "new", before)


# What "request password" does not even file

REFUSALS = [
    ("wrong\nnew\n", EX_NOPERM, "old password: "),
    ("\nnew\n", EX_DATAERR, "old password is empty"),
    ("{old}\n\n", EX_DATAERR, "new password is empty"),
    ("{old}\na\tb\n", EX_DATAERR, "it has a control character"),
    ("{old}\n" + "x" * 513 + "\n", EX_DATAERR, "new password is too long"),
    ("x" * 2000 + "\nnew\n", EX_DATAERR, "old password is too long"),
    ("{old}\nne\0w\n", EX_DATAERR, "new password is too long or has a NUL"),
    ("{old}\n", EX_NOINPUT, "end of file"),
    ("", EX_NOINPUT, "end of file"),
]


@pytest.mark.parametrize("text, code, reason", REFUSALS,
                         ids=[each[2] + str(n) for n, each in
                              enumerate(REFUSALS)])
def test_what_is_not_filed(host, mailbox, text, code, reason):
    result = host.doveadm("pymailadmin", "request", "password", "-u",
                          mailbox.address,
                          input=text.replace("{old}", mailbox.password))
    result.expect(code)
    assert reason in result.stderr
    assert host.row(mailbox) is None
    assert_opens(mailbox, mailbox.password, mailbox.everything())


def test_an_unknown_mailbox(host):
    result = host.doveadm("pymailadmin", "request", "password", "-u",
                          "nobody@example.test", input="old\nnew\n")
    result.expect(EX_NOUSER)
    assert "there is no such mailbox" in result.stderr


def test_without_a_user(host):
    result = host.doveadm("pymailadmin", "request", "password",
                          input="old\nnew\n")
    assert result.code == os.EX_USAGE


def test_without_a_seal_key(host, mailbox):
    hidden = host.seal_key.with_suffix(".hidden")
    host.seal_key.rename(hidden)
    try:
        result = host.request(mailbox, "new")
        result.expect(EX_CONFIG)
        assert "doveadm pymailadmin keygen" in result.stderr
    finally:
        hidden.rename(host.seal_key)
    assert host.row(mailbox) is None


def test_a_scheme_that_makes_no_hash(host, mailbox):
    result = host.doveadm(
        "-o", "pymailadmin_password_scheme=NOSUCH", "pymailadmin", "request",
        "password", "-u", mailbox.address, input=f"{mailbox.password}\nnew\n")
    result.expect(EX_CONFIG)
    assert "pymailadmin_password_scheme" in result.stderr
    assert host.row(mailbox) is None


# What somebody else filed

def test_a_good_request_of_the_portal(host, mailbox):
    """The bench itself: what the tests below break is whole."""
    before = mailbox.everything()
    seals.file(mailbox, mailbox.password, "new")
    result = host.process()
    result.expect(0)
    assert_opens(mailbox, "new", before)


def test_a_wrong_old_password(mailbox):
    before = mailbox.everything()
    seals.file(mailbox, "wrong", "new")
    assert_fails(mailbox, before, "wrong_password", "old password")


def test_an_old_password_that_does_not_open_the_key(host, mailbox):
    """The admin has set the hash by hand: the key is still the old one's."""
    before = mailbox.everything()
    stored = mailbox.stored_hash()
    host.db.sql("UPDATE users SET crypt = %s WHERE email = %s",
                host.hash("by hand"), mailbox.address)
    seals.file(mailbox, "by hand", "new")
    result = host.process()
    result.expect(EX_DATAERR)
    row = assert_ended(mailbox, "failed", "key_password")
    assert "pymailadmin_key_password" in row["reason"]
    host.db.sql("UPDATE users SET crypt = %s WHERE email = %s", stored,
                mailbox.address)
    assert_not_changed(mailbox, "new", before)


def test_a_mailbox_that_went_away(host, mailbox):
    seals.file(mailbox, mailbox.password, "new")
    host.db.sql("DELETE FROM users WHERE email = %s", mailbox.address)
    host.process().expect(EX_DATAERR)
    row = assert_ended(mailbox, "failed", "unknown_mailbox")
    assert "there is no such mailbox" in row["reason"]


def test_a_mailbox_that_never_was(host):
    mailbox = host.create("never")
    host.db.sql("DELETE FROM users WHERE email = %s", mailbox.address)
    seals.file(mailbox, mailbox.password, "new")
    host.process().expect(EX_DATAERR)
    assert_ended(mailbox, "failed", "unknown_mailbox")


@pytest.mark.parametrize("damage", [
    lambda sealed: sealed[:1], lambda sealed: sealed[:40],
    lambda sealed: sealed[:-1], lambda sealed: sealed + b"\0",
    lambda sealed: bytes(len(sealed)), lambda sealed: b"\xff" * 2048,
    lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]),
    lambda sealed: bytes([sealed[0] ^ 0x80]) + sealed[1:],
    lambda sealed: sealed[:60] + bytes([sealed[60] ^ 1]) + sealed[61:],
], ids=["one-byte", "truncated", "last-byte-missing", "longer",
        "zeros", "ones", "last-bit", "first-bit", "a-bit"])
def test_a_damaged_seal(host, mailbox, damage):
    before = mailbox.everything()
    request_id = seals.file(mailbox, mailbox.password, "new")
    [row] = host.db.sql("SELECT sealed FROM pymailadmin_request "
                        "WHERE id = %s", request_id)
    seals.by_hand(host, "UPDATE pymailadmin_request SET sealed = %s "
                  "WHERE id = %s", damage(row["sealed"]), request_id)
    assert_fails(mailbox, before, "seal", "sealed request")


def test_no_seal_at_all(host, mailbox):
    before = mailbox.everything()
    request_id = seals.file(mailbox, mailbox.password, "new")
    host.db.sql("UPDATE pymailadmin_request SET sealed = NULL WHERE id = %s",
                request_id)
    assert_fails(mailbox, before, "seal", "sealed request")


def test_a_seal_of_a_megabyte(host, mailbox):
    before = mailbox.everything()
    host.db.sql("ALTER TABLE pymailadmin_request MODIFY sealed LONGBLOB NULL, "
                "DROP CONSTRAINT request_sealed_length")
    try:
        seals.file(mailbox, "", "", sealed=secrets.token_bytes(2 ** 20))
        assert_fails(mailbox, before, "seal", "sealed request")
    finally:
        host.db.sql("ALTER TABLE pymailadmin_request "
                    "MODIFY sealed VARBINARY(2048) NULL, ADD CONSTRAINT "
                    "request_sealed_length "
                    "CHECK (LENGTH(sealed) BETWEEN 1 AND 2048)")


def test_a_row_that_the_database_lets_nobody_touch(host, mailbox):
    """What is inserted with checks off stops no other request."""
    before = mailbox.everything()
    poisoned = host.create(name_of_victim(mailbox))
    seals.file(poisoned, "", "", sealed=b"")
    host.request(mailbox, "new").expect(0)
    result = host.process().expect(EX_TEMPFAIL)
    assert "request_sealed_length" in result.stderr
    assert_opens(mailbox, "new", before)
    host.db.sql("DELETE FROM pymailadmin_request WHERE id = %s",
                poisoned.request_id)


def test_a_seal_for_another_host(tmp_path, host, mailbox):
    before = mailbox.everything()
    other = host.must("-o", f"pymailadmin_seal_key_path={tmp_path}/other",
                      "pymailadmin", "keygen").stdout.strip()
    seals.file(mailbox, mailbox.password, "new", public=other)
    assert_fails(mailbox, before, "seal", "key")


def test_a_row_moved_to_another_mailbox(host, mailbox):
    """Both have the same password, so that nothing but the seal can tell."""
    before = mailbox.everything()
    victim = host.create(name_of_victim(mailbox), mailbox.password)
    fill(victim)
    victims = victim.everything()
    victim.request_id = seals.file(mailbox, mailbox.password, "new")
    host.db.sql("UPDATE pymailadmin_request SET address = %s WHERE id = %s",
                victim.address, victim.request_id)
    assert_fails(victim, victims, "seal", "sealed request")
    assert_not_changed(mailbox, "new", before)


def name_of_victim(mailbox):
    return mailbox.address.partition("@")[0] + "-victim"


def test_a_replayed_seal_under_a_new_id(host, mailbox):
    """An old request, though its passwords are right once more."""
    first = mailbox.password
    request_id = seals.file(mailbox, first, "second")
    [row] = host.db.sql("SELECT sealed FROM pymailadmin_request "
                        "WHERE id = %s", request_id)
    host.process().expect(0)
    mailbox.password = "second"
    change(mailbox, first)
    before = mailbox.everything()
    seals.file(mailbox, "", "", sealed=row["sealed"])
    assert_fails(mailbox, before, "seal", "sealed request")
    assert_refused(mailbox, "second")


def test_a_request_made_younger(host, mailbox):
    before = mailbox.everything()
    seals.file(mailbox, mailbox.password, "new", sealed_age=600)
    assert_fails(mailbox, before, "seal", "sealed request")


@pytest.mark.parametrize("new_hash", [
    "{NOSUCH}abc", "not a hash", "{SSHA512}truncated", "{ARGON2ID}$argon2id$",
    "{PLAIN}other", "{BLF-CRYPT}$2y$05$short"])
def test_a_hash_that_does_not_verify(mailbox, new_hash):
    before = mailbox.everything()
    seals.file(mailbox, mailbox.password, "new", new_hash=new_hash)
    assert_fails(mailbox, before, "new_hash", "new password")


def test_a_hash_that_cannot_be_told(host, mailbox):
    """The reason quotes what is not UTF-8."""
    before = mailbox.everything()
    seals.file(mailbox, mailbox.password, "new", new_hash=b"{\xff\xfe\x80}x")
    assert_fails(mailbox, before, "new_hash", "new password")


def test_a_hash_of_another_password(host, mailbox):
    before = mailbox.everything()
    seals.file(mailbox, mailbox.password, "new", new_hash=host.hash("other"))
    assert_fails(mailbox, before, "new_hash", "new password")
    assert_refused(mailbox, "other")


def test_empty_passwords_in_a_seal(mailbox):
    before = mailbox.everything()
    for old, new in ((mailbox.password, ""), ("", "new")):
        seals.file(mailbox, old, new, new_hash=mailbox.host.hash("new"))
        assert_fails(mailbox, before, "seal", "lacks a password")


@pytest.mark.parametrize("new", ["a\tb", "\x01", "a\x7f"])
def test_a_new_password_nobody_could_log_in_with(mailbox, new):
    before = mailbox.everything()
    seals.file(mailbox, mailbox.password, new,
               new_hash=mailbox.host.hash("new"))
    assert_fails(mailbox, before, "new_password", "control character")


def test_one_bad_request_does_not_stop_the_others(host, mailbox):
    before = mailbox.everything()
    bad = host.create(name_of_victim(mailbox))
    seals.file(bad, "wrong", "new")
    host.request(mailbox, "new").expect(0)
    result = host.process()
    result.expect(EX_DATAERR)
    assert_ended(bad, "failed", "wrong_password")
    assert_opens(mailbox, "new", before)


# What the host cannot do

def test_a_seal_key_that_others_may_read(host, mailbox):
    before = mailbox.everything()
    host.request(mailbox, "new").expect(0)
    host.seal_key.chmod(0o644)
    try:
        result = host.process()
    finally:
        host.seal_key.chmod(0o600)
    result.expect(EX_CONFIG)
    assert "reading the seal key failed" in result.stderr
    assert_ended(mailbox, "failed", "seal")
    assert_not_changed(mailbox, "new", before)


@pytest.fixture
def own_disk(mailbox):
    """The mailbox's home is a file system of its own."""
    home = mailbox.home
    copy = home.with_name(home.name + "-copy")
    subprocess.run(["cp", "-a", home, copy], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700,size=2m", "tmpfs",
                    home], check=True)
    subprocess.run(["cp", "-a", f"{copy}/.", home], check=True)
    yield home
    subprocess.run(["umount", "-l", home], check=True)


def test_a_full_disk(host, mailbox, own_disk):
    before = mailbox.everything()
    host.request(mailbox, "new").expect(0)
    filler = own_disk / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError as error:
        assert error.errno == errno.ENOSPC
    assert_fails_for(host, mailbox, "No space left on device")
    filler.unlink()
    assert_not_changed(mailbox, "new", before)
    change(mailbox, "newer")


def test_a_read_only_home(host, mailbox, own_disk):
    before = mailbox.everything()
    host.request(mailbox, "new").expect(0)
    subprocess.run(["mount", "-o", "remount,ro", own_disk], check=True)
    assert_fails_for(host, mailbox, "Read-only file system")
    subprocess.run(["mount", "-o", "remount,rw", own_disk], check=True)
    assert_not_changed(mailbox, "new", before)
    change(mailbox, "newer")


def assert_fails_for(host, mailbox, reason):
    """The window opens at once, though nothing can be written."""
    result = host.process()
    result.expect(EX_DATAERR)
    assert reason in assert_ended(mailbox, "failed")["reason"]
    assert reason in result.stderr
    assert mailbox.smtp_auth().startswith("OK\t1")
    assert mailbox.smtp_auth("new").startswith("FAIL\t1")


def test_a_damaged_user_key(host, mailbox):
    """The wrapped key is cut: nothing opens it."""
    before = mailbox.everything()
    path = mailbox.home / "dovecot-attributes"
    whole = path.read_text()
    [(name, value)] = [
        (name, value) for name, value in mailbox.attributes().items()
        if name.startswith("priv/") and "/pvt/server/" in name]
    host.request(mailbox, "new").expect(0)
    path.write_text(whole.replace(value, value[:-80]))
    result = host.process()
    result.expect(EX_DATAERR)
    assert_ended(mailbox, "failed")
    path.write_text(whole)
    assert_not_changed(mailbox, "new", before)

"""Password changes of mailboxes that are not as most are."""

import contextlib
import fcntl
import re

import pytest

import locks
import messages
from changes import (BY_PASSWORD, assert_clean, assert_opens, assert_refused,
                     change, fill, folder_keys, keys, name_of, user_keys)
from mailhost import MailHost, key_password

USER_KEYS = ("vendor/vendor.dovecot/pvt/server/vendor/vendor.dovecot/pvt/"
             "crypt/privkeys/")


@pytest.fixture(scope="module", params=["maildir", "sdbox"])
def host(request):
    with MailHost(mail_driver=request.param) as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    mailbox = host.create(name_of(request))
    fill(mailbox)
    return mailbox


def test_a_busy_mailbox_goes_back_to_the_queue(host, mailbox):
    """Somebody holds the lock whom no kick reaches."""
    before = mailbox.everything()
    with (mailbox.home / locks.LOCK).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        host.request(mailbox, "new").expect(0)
        result = host.process()
        result.expect(75)
        [row] = host.requests(mailbox)
        assert row["state"] == "pending"
        assert "is held by" in row["reason"]
        assert not (mailbox.home / "pymailadmin.journal").exists()
    # The next run comes after some seconds, or when the admin says so.
    host.must("pymailadmin", "retry", "-u", mailbox.address)
    host.process().expect(0)
    assert_opens(mailbox, "new", before)


@pytest.mark.limit(120)
def test_a_very_busy_mailbox(host, mailbox):
    """Its holders are more than the reason has room for."""
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            file = stack.enter_context((mailbox.home / locks.LOCK).open("rb"))
            fcntl.flock(file, fcntl.LOCK_SH)
        host.request(mailbox, "new").expect(0)
        host.process().expect(75)
    [row] = host.requests(mailbox)
    assert row["state"] == "pending" and "is held by" in row["reason"]


def test_a_user_without_a_key(host):
    mailbox = host.create("keyless", key=False)
    # Only a first session makes the home: one that is missing may be a
    # storage that is not mounted.
    host.request(mailbox, "new").expect(0)
    host.process().expect(75)
    assert host.row(mailbox)["outcome"] == "no_home"
    host.must("pymailadmin", "cancel", "-u", mailbox.address)
    mailbox.imap().logout()
    host.request(mailbox, "new").expect(0)
    host.process().expect(0)
    with mailbox.imap("new") as imap:
        imap.ask("append", "INBOX", None, None, messages.small(1))
    assert_refused(mailbox, mailbox.password)
    mailbox.password = "new"
    change(mailbox, "newer")


def test_several_user_keys(host, mailbox):
    """A second user key, as "generate -f" leaves it."""
    host.must("-o", f"crypt_user_key_password={key_password(mailbox.password)}",
              "mailbox", "cryptokey", "generate", "-u", mailbox.address,
              "-U", "-f")
    mailbox.deliver(messages.small(30), detail="Second")
    assert len(user_keys(mailbox)) == 2
    change(mailbox, "new password")
    mailbox.deliver(messages.small(31))
    change(mailbox, "newer password")


def test_a_key_in_the_clear(host, mailbox):
    old = key_password(mailbox.password)
    host.must("mailbox", "cryptokey", "password", "-u", mailbox.address, "-O",
              "-C", input=f"{old}\n")
    before = mailbox.everything()
    host.request(mailbox, "new").expect(0)
    host.process().expect(0)
    assert_opens(mailbox, "new", before)
    assert {wrapped for kind, _, wrapped in keys(mailbox).values()
            if kind == "user"} == {BY_PASSWORD}


def test_a_folder_key_that_nothing_opens_is_left_alone(host, mailbox):
    """Older damage: the user key of a folder key is gone."""
    host.must("-o", "crypt_user_key_password=" + key_password("lost"),
              "mailbox", "cryptokey", "generate", "-u", mailbox.address,
              "-U", "-f")
    mailbox.deliver(messages.small(40), detail="Damaged")
    lost = [key for key in user_keys(mailbox)
            if any(by == key for kind, guid, by in keys(mailbox).values()
                   if kind == "folder") and len(user_keys(mailbox)) == 2]
    damaged = mailbox_guid(host, mailbox, "Damaged")
    [(key, by)] = [(key, by) for key, (kind, guid, by) in
                   keys(mailbox).items() if guid == damaged]
    assert by in lost
    host.must("mailbox", "metadata", "unset", "-u", mailbox.address, "INBOX",
              f"/private/{USER_KEYS}{by}")
    [remaining] = user_keys(mailbox)
    host.must("mailbox", "metadata", "set", "-u", mailbox.address, "INBOX",
              f"/shared/{USER_KEYS.replace('privkeys/', 'active')}", remaining)
    line = mailbox.attributes()
    with mailbox.imap() as imap:
        before = {name: imap.mails(name) for name in ("INBOX", "Lists")}
    host.request(mailbox, "new").expect(0)
    result = host.process()
    result.expect(0)
    assert f"folder key {key}" in result.stderr
    with mailbox.imap("new") as imap:
        assert {name: imap.mails(name) for name in before} == before
    name = next(name for name in line if name.endswith(key)
                and name.startswith("priv/"))
    assert mailbox.attributes()[name] == line[name]


def mailbox_guid(host, mailbox, folder):
    return host.must("-f", "json", "mailbox", "status", "-u", mailbox.address,
                     "guid", folder).json[0]["guid"]


@pytest.mark.limit(120)
def test_three_hundred_folders(host):
    mailbox = host.create("folders")
    with host.lmtp() as lmtp:
        for number in range(300):
            local, _, domain = mailbox.address.partition("@")
            assert lmtp.deliver(f"{local}+f{number}@{domain}",
                                messages.small(number, 3))[0] == 250
    assert len(folder_keys(mailbox)) == 300
    before = mailbox.everything()
    host.request(mailbox, "new").expect(0)
    result = host.process()
    result.expect(0)
    locked = int(re.search(r"was locked for (\d+) ms", result.output)[1])
    assert locked < 1000
    assert mailbox.everything("new") == before
    assert_clean(mailbox)


def test_process_without_a_running_dovecot(host, mailbox):
    before = mailbox.everything()
    host.request(mailbox, "new").expect(0)
    host.stop_dovecot()
    try:
        result = host.process()
    finally:
        host.start_dovecot()
    # The userdb cannot be asked: it is tried again.
    result.expect(75)
    [row] = host.requests(mailbox)
    assert row["state"] == "pending"
    assert "looking up the user failed" in row["reason"]
    host.must("pymailadmin", "retry", "-u", mailbox.address)
    host.process().expect(0)
    assert_opens(mailbox, "new", before)

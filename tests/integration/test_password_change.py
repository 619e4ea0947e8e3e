"""A mailbox password is changed: nothing is lost, nothing old is left."""

import re

import pytest

import messages
from changes import (BY_PASSWORD, assert_ended, assert_opens, assert_refused,
                     change, fill, folder_keys, keys, name_of,
                     refused_until_open, user_keys)
from mailhost import MailHost


@pytest.fixture(scope="module", params=["maildir-keys", "maildir-password",
                                        "sdbox-keys", "sdbox-password"])
def host(request):
    driver, _, depth = request.param.partition("-")
    with MailHost(mail_driver=driver, depth=depth) as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    mailbox = host.create(name_of(request))
    fill(mailbox)
    return mailbox


def renews(host):
    return host.options["depth"] == "keys"


def test_every_mail_stays_readable(host, mailbox):
    mailbox.deliver(*messages.awkward().values())
    change(mailbox, "new password")


def test_user_and_folder_keys(host, mailbox):
    users, folders = user_keys(mailbox), folder_keys(mailbox)
    change(mailbox, "new password")
    after = keys(mailbox)
    [user] = user_keys(mailbox)
    assert after[user][2] == BY_PASSWORD
    # What old mails need stays; each folder has one more key for new mails.
    assert folder_keys(mailbox) >= folders
    assert {after[key][2] for key in folder_keys(mailbox)} == {user}
    if renews(host):
        assert user not in users
        new = folder_keys(mailbox) - folders
        assert {after[key][1] for key in new} == \
            {after[key][1] for key in folders}
    else:
        assert {user} == users and folder_keys(mailbox) == folders


def test_mail_that_comes_later_is_readable(host, mailbox):
    change(mailbox, "new password")
    mailbox.deliver(messages.small(10))
    mailbox.deliver(messages.small(11), detail="Later")
    assert mailbox.mails()[-1].delivered == messages.small(10)
    assert [mail.delivered for mail in mailbox.mails("Later")] == \
        [messages.small(11)]
    change(mailbox, "newer password")


def test_many_changes_in_a_row(host, mailbox):
    first = len(folder_keys(mailbox))
    for number in range(6):
        mailbox.deliver(messages.small(20 + number))
        change(mailbox, f"password {number}")
    assert len(user_keys(mailbox)) == 1
    assert len(folder_keys(mailbox)) == \
        (first + 6 * first if renews(host) else first)


@pytest.mark.parametrize("password", [
    "é ü 漢字 \U0001f4e7", "'\"\\;-- %{user} $x `", " spaces at the ends ",
    "x" * 512, "=a=b&c<d>"])
def test_any_password(host, mailbox, password):
    before = mailbox.everything()
    old = mailbox.password
    host.request(mailbox, password).expect(0)
    host.process().expect(0)
    # Not every password can be typed in IMAP's LOGIN: ask the auth process.
    assert mailbox.smtp_auth(password).startswith("OK\t1")
    assert mailbox.smtp_auth(old).startswith("FAIL\t1")
    if password.isascii() and len(password) < 200:
        assert_opens(mailbox, password, before)
    # And back again, which proves that the key was wrapped with it.
    host.request(mailbox, "plain", old=password).expect(0)
    host.process().expect(0)
    assert_opens(mailbox, "plain", before)


def test_while_the_window_is_closed(host, mailbox):
    before = len(mailbox.mails())
    host.request(mailbox, "new").expect(0)
    heard = refused_until_open(mailbox)
    for text in heard.values():
        assert re.search(r"It opens again by \d\d:\d\d UTC\.$", text), text
    assert host.requests(mailbox)[0]["state"] == "pending"
    with host.lmtp() as lmtp:
        assert lmtp.deliver(mailbox.address, messages.small(5))[0] == 250
    host.process().expect(0)
    mails = mailbox.mails(password="new")
    assert len(mails) == before + 1
    assert mails[-1].delivered == messages.small(5)


def test_sessions_are_ended(host, mailbox):
    imap, pop3 = mailbox.imap(), None
    if host.mail_driver != "maildir":
        pop3 = mailbox.pop3()
    host.request(mailbox, "new").expect(0)
    host.process().expect(0)
    assert imap.readline().startswith(b"* BYE ")
    imap.shutdown()
    if pop3 is not None:
        assert pop3.file.readline().startswith(b"-ERR [SYS/TEMP] ")
        pop3.close()


def test_a_second_request_is_refused_while_one_is_open(host, mailbox):
    before = mailbox.everything()
    host.request(mailbox, "first").expect(0)
    second = host.request(mailbox, "second")
    assert second.code == 75
    assert (f"{mailbox.address} has an open request already; see: doveadm "
            f"pymailadmin status -u {mailbox.address}") in second.stderr
    host.process().expect(0)
    assert_opens(mailbox, "first", before)
    host.request(mailbox, "third", old="first").expect(0)
    host.process().expect(0)
    assert_opens(mailbox, "third", before)


def test_two_processes_at_once(host, mailbox):
    before = mailbox.everything()
    host.request(mailbox, "new").expect(0)
    runs = [host.spawn("pymailadmin", "process") for _ in range(4)]
    outputs = [run.communicate(timeout=30)[0] for run in runs]
    assert sum("done" in output.split() for output in outputs) == 1
    assert {run.returncode for run in runs} == {0}
    assert_opens(mailbox, "new", before)
    assert host.requests(mailbox)[0]["attempts"] == 1


def test_a_canceled_request(host, mailbox):
    before = mailbox.everything()
    host.request(mailbox, "new").expect(0)
    host.must("pymailadmin", "cancel", "-u", mailbox.address)
    assert_opens(mailbox, mailbox.password, before)
    assert_ended(mailbox, "canceled", "canceled")
    host.process().expect(0)
    assert_refused(mailbox, "new")
    assert host.doveadm("pymailadmin", "cancel", "-u",
                        mailbox.address).code != 0


def test_one_and_max_jobs(host, mailbox):
    others = [host.create(f"{mailbox.address.partition('@')[0]}-{n}")
              for n in range(3)]
    for each in (mailbox, *others):
        host.request(each, "new").expect(0)
    host.process("--one", others[1].address).expect(0)
    assert {each.address: host.row(each)["state"] for each in others} == {
        others[0].address: "pending", others[1].address: "done",
        others[2].address: "pending"}
    host.process("--max-jobs", "1").expect(0)
    assert [host.row(each)["state"] for each in
            (mailbox, *others)].count("done") == 2
    host.process().expect(0)
    assert {host.row(each)["state"] for each in (mailbox, *others)} == {"done"}


def test_the_auth_cache_forgets_the_old_password(host, mailbox):
    host.restart_dovecot(auth_cache=True)
    try:
        before = mailbox.everything()
        assert_opens(mailbox, mailbox.password, before)
        change(mailbox, "new password")
    finally:
        host.restart_dovecot(auth_cache=False)


def test_an_address_in_other_case(host, mailbox):
    """Whatever the case of the address, it is the one mailbox."""
    before = mailbox.everything()
    filed = host.doveadm("pymailadmin", "request", "password", "-u",
                         mailbox.address.upper(),
                         input=f"{mailbox.password}\nnew\n")
    filed.expect(0)
    refused_until_open(mailbox)
    host.process().expect(0)
    assert_opens(mailbox, "new", before)
    assert_refused(mailbox, mailbox.password)

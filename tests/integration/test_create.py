"""A mailbox is made: row, keys and folders, then it opens."""

import pytest

import creations
from changes import assert_ended, name_of
from creations import (assert_closed, assert_deferred, assert_made,
                       assert_not_made, assert_works, file, new_mailbox)
from mailhost import AUTH_KILLED, MailHost


@pytest.fixture(scope="module", params=["maildir", "sdbox", "mdbox"])
def host(request):
    with MailHost(mail_driver=request.param, auth_cache=True) as host:
        host.expect_log(AUTH_KILLED)
        yield host


@pytest.fixture
def mailbox(host, request):
    return new_mailbox(host, name_of(request))


def test_a_mailbox_is_made(host, mailbox):
    file(mailbox, quota=3 * creations.GIB)
    result = host.process().expect(0)
    assert mailbox.address in result.stdout
    assert_ended(mailbox, "done", "done")
    assert_made(mailbox, quota=3 * creations.GIB)
    assert_works(mailbox)


def test_mail_before_it_is_there_comes_again(host, mailbox):
    file(mailbox)
    assert_deferred(mailbox)
    assert_closed(mailbox)
    assert not mailbox.home.exists()
    host.process().expect(0)
    assert_works(mailbox)


def test_what_the_auth_cache_knew_is_forgotten(host, mailbox):
    """That there was no such user, neither for mail nor for a log-in."""
    assert creations.deliver(mailbox, b"Subject: early\r\n\r\n")[0] == 550
    assert mailbox.smtp_auth().startswith("FAIL\t1\t")
    file(mailbox)
    assert_deferred(mailbox)
    host.process().expect(0)
    assert_works(mailbox)


def test_an_address_that_is_taken(host, mailbox):
    host.create(mailbox.address.split("@")[0], mailbox.password)
    mailbox.deliver(b"Subject: mine\r\n\r\n")
    before = mailbox.everything()
    file(mailbox)
    host.process().expect(65)
    assert_ended(mailbox, "failed", "taken")
    assert mailbox.everything() == before
    assert creations.owner_of(mailbox) is None

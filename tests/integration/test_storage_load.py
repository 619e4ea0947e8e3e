"""Stored mail is re-encrypted in a loop while the mailbox is in use: every
mail is where it belongs, once, and readable at any time."""

import itertools
import time

import pytest

from changes import name_of
from mailhost import ANVIL_CORE, ANVIL_KILLED, AUTH_KILLED, MailHost
from storagejobs import assert_finished, rekey
from storageload import Load


@pytest.fixture(scope="module", params=["maildir", "sdbox", "mdbox"])
def host(request):
    with MailHost(mail_driver=request.param, depth="storage") as host:
        # See test_stock.py.
        host.expect_log(AUTH_KILLED)
        host.expect_log(ANVIL_KILLED)
        host.expect_core(ANVIL_CORE)
        yield host


def rekey_under_load(host, request, seconds):
    mailbox = host.create(name_of(request))
    with Load(mailbox) as load:
        begin = time.monotonic()
        for number in itertools.count():
            load.change(number)
            if time.monotonic() > begin + seconds and load.has_seen_all():
                break
    load.check()
    assert load.seen["encrypt done"] > seconds / 20
    # Mail came while the last change ended.
    rekey(mailbox, "the last")
    assert_finished(mailbox)


@pytest.mark.limit(120)
def test_in_use_for_a_moment(host, request):
    rekey_under_load(host, request,
                     10 if host.mail_driver == "mdbox" else 15)


@pytest.mark.soak
@pytest.mark.limit(900)
def test_in_use_for_three_minutes(host, request):
    rekey_under_load(host, request, 180)

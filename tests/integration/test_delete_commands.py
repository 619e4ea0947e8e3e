"""The administrator's commands about deletions."""

import pytest

from changes import assert_ended, fill, name_of
from deletions import GRACE, assert_gone, destroy
from mailhost import MailHost


@pytest.fixture(scope="module")
def host():
    with MailHost(clock=True) as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    mailbox = host.create(name_of(request))
    fill(mailbox)
    return mailbox


def delete(mailbox, *words, **options):
    result = mailbox.host.doveadm("pymailadmin", "delete", "-u",
                                  mailbox.address, *words, **options)
    if result.code == 0:
        mailbox.request_id = result.stdout.split()[1]
    return result


def test_delete(host, mailbox):
    said = delete(mailbox, "--yes").expect(0).stdout
    assert f"undelete -u {mailbox.address}" in said
    host.process().expect(0)
    [row] = host.requests(mailbox)
    assert (row["state"], row["kind"], row["outcome"], row["closed-until"]) \
        == ("pending", "delete", "confirmed", "")
    assert row["reason"].startswith("to be deleted after 2")
    check = {row["check"]: row for row in host.doveadm(
        "-f", "json", "pymailadmin", "check", "-u", mailbox.address).json}
    assert "to delete the mailbox after" in check["request"]["text"]
    mailbox.mails()
    host.clock.move(GRACE)
    host.process().expect(0)
    assert_gone(mailbox)
    events = host.must("-f", "json", "pymailadmin", "events", "-u",
                       mailbox.address).json
    assert [event["event"] for event in events] == \
        ["delete-done", "delete-pending"]
    assert {event["request"] for event in events} == {mailbox.request_id}


@pytest.mark.parametrize("typed", ["", "\n", "yes\n", "x" * 5000 + "\n"])
def test_the_address_has_to_be_typed(host, mailbox, typed):
    result = delete(mailbox, input=typed).expect(66)
    assert "the address was not typed" in result.stderr
    assert host.requests(mailbox) == []


def test_the_address_is_typed(host, mailbox):
    delete(mailbox, input=mailbox.address + "\n").expect(0)
    assert host.requests(mailbox)[0]["state"] == "pending"
    # One at a time.
    delete(mailbox, "--yes").expect(75)


def test_no_such_mailbox(host):
    host.doveadm("pymailadmin", "delete", "-u", "nobody@example.test",
                 "--yes").expect(67)
    host.doveadm("pymailadmin", "undelete", "-u",
                 "nobody@example.test").expect(67)
    host.doveadm("pymailadmin", "free", "-u",
                 "nobody@example.test").expect(67)
    assert host.must("-f", "json", "pymailadmin", "events", "-u",
                     "nobody@example.test").json == []


def test_undelete(host, mailbox):
    words = ("pymailadmin", "undelete", "-u", mailbox.address)
    host.request(mailbox, "new").expect(0)
    assert "is not going to be deleted" in host.doveadm(*words).expect(69) \
        .stderr
    host.must("pymailadmin", "cancel", "-u", mailbox.address)
    for verified in (False, True):
        delete(mailbox, "--yes").expect(0)
        if verified:
            host.process().expect(0)
        host.must(*words)
        assert_ended(mailbox, "canceled", "canceled")
    host.clock.move(GRACE)
    host.process().expect(0)
    mailbox.mails()
    host.doveadm(*words).expect(69)


def test_undelete_when_it_has_begun(host, mailbox):
    delete(mailbox, "--yes").expect(0)
    host.process().expect(0)
    host.clock.move(GRACE)
    host.db.sql("UPDATE pymailadmin_request SET state = 'switching' "
                "WHERE id = %s", mailbox.request_id)
    [row] = host.requests(mailbox)
    assert row["closed-until"] == "deleted"
    result = host.doveadm("pymailadmin", "undelete", "-u",
                          mailbox.address).expect(69)
    assert "is being deleted already" in result.stderr
    host.process().expect(0)
    assert_gone(mailbox)


def test_free(host, mailbox):
    destroy(mailbox)
    assert_gone(mailbox)
    host.must("pymailadmin", "free", "-u", mailbox.address)
    assert_gone(mailbox, reserved=False)
    host.doveadm("pymailadmin", "free", "-u", mailbox.address).expect(67)
    assert host.db.value("SELECT actor FROM pymailadmin_event WHERE "
                         "kind = 'address-freed' AND address = %s",
                         mailbox.address) == "doveadm"


def test_another_grace(host, mailbox):
    delete(mailbox, "--yes").expect(0)
    words = ("-o", "pymailadmin_deletion_grace=10 mins", "pymailadmin",
             "process")
    host.must(*words)
    host.clock.move(9 * 60)
    host.must(*words)
    mailbox.mails()
    host.clock.move(60)
    host.must(*words)
    assert_gone(mailbox)

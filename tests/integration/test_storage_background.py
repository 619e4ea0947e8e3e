"""What does not fit into the window goes on with the mailbox open; it can be
stopped, resumed, watched, and is in nobody's way."""

import pytest

import messages
import snapshots
import storedmail
import stores
from changes import assert_ended, name_of
from mailhost import MailHost
from mariadb import wait_until
from storagejobs import (assert_finished, encrypt, new_keys,
                         not_current, settle,
                         terminate, wait_for_state)

WINDOW = """
pymailadmin_rekey_window = 5s
"""


@pytest.fixture(scope="module", params=["maildir", "sdbox"])
def host(request):
    with MailHost(mail_driver=request.param, depth="storage",
                  extra_conf=WINDOW) as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    mailbox = stores.create(host, name_of(request))
    # Some seconds of work at the rates below.
    with mailbox.imap() as imap:
        for _ in range(4):
            stores.multiappend(imap, "Archive", [
                ((), stores.NEWEST, stores.message(number, 150_000))
                for number in range(10)])
    return mailbox


@pytest.fixture
def slow(host):
    """process that re-encrypts so many bytes in a second."""
    runs = []

    def start(rate="200k"):
        run = host.spawn("-o", f"pymailadmin_rekey_rate={rate}",
                         "pymailadmin", "process")
        runs.append(run)
        return run
    yield start
    for run in runs:
        if run.poll() is None:
            run.kill()
        run.communicate()


def store_slowly(mailbox, slow):
    """Until the mailbox is open and the mail is not done."""
    before = snapshots.take(mailbox)
    new_keys(mailbox, "the new password")
    encrypt(mailbox).expect(0)
    run = slow()
    wait_for_state(mailbox, "storing")
    # When it begins, clients are sent away for a moment.
    wait_until(lambda: mailbox.host.row(mailbox)["mails_done"], "a mail")
    return before, run


def test_it_is_stopped_and_goes_on(host, mailbox, slow):
    before, run = store_slowly(mailbox, slow)
    code, said = terminate(run)
    row = host.row(mailbox)
    assert row["state"] == "storing" and row["ended_at"] is None, (row, said)
    assert code in (0, 75), said
    assert storedmail.temporary(mailbox.home) == []
    snapshots.assert_same(before, snapshots.take(mailbox))
    settle(mailbox, mailbox.password)
    snapshots.assert_same(before, snapshots.take(mailbox))
    assert_finished(mailbox)


def test_the_mailbox_is_open_meanwhile(host, mailbox, slow):
    before, run = store_slowly(mailbox, slow)
    snapshots.assert_same(before, snapshots.take(mailbox))
    mailbox.deliver(messages.small(1))
    with mailbox.imap() as imap:
        imap.ask("select", "Archive")
        imap.ask("uid", "MOVE", "1", "Trash")
        imap.ask("uid", "STORE", "2", "+FLAGS", "(\\Flagged)")
    meanwhile = snapshots.take(mailbox)
    assert run.poll() is None
    terminate(run)
    settle(mailbox, mailbox.password)
    snapshots.assert_same(meanwhile, snapshots.take(mailbox))
    assert_finished(mailbox)


def test_others_do_not_wait(host, mailbox, slow, request):
    """A password is changed while the mail of another is re-encrypted."""
    other = host.create(name_of(request) + "-other")
    other.deliver(messages.small(1))
    _, run = store_slowly(mailbox, slow)
    host.request(other, "another").expect(0)
    wait_until(lambda: host.row(other)["state"] == "done", "the other's")
    assert host.row(mailbox)["state"] == "storing" and run.poll() is None
    other.password = "another"
    assert [mail.delivered for mail in other.mails()] == [messages.small(1)]
    terminate(run)
    settle(mailbox, mailbox.password)
    assert_finished(mailbox)


def test_a_second_change_while_it_runs(host, mailbox, slow):
    before, run = store_slowly(mailbox, slow)
    first = mailbox.request_id
    host.request(mailbox, "the second").expect(0)
    wait_until(lambda: host.row(mailbox)["state"] in ("storing", "done",
                                                      "expired"),
               "the second change", 30)
    terminate(run)
    host.process().expect(0)
    assert_ended(mailbox, "done")
    mailbox.password = "the second"
    ended = host.db.value("SELECT ended_at FROM pymailadmin_request "
                          "WHERE id = %s", first)
    assert ended is not None
    snapshots.assert_same(before, snapshots.take(mailbox))
    assert_finished(mailbox)


def test_retry_means_the_one_that_has_not_ended(host, mailbox, slow):
    """Also if one that has ended was filed within the same second."""
    _, run = store_slowly(mailbox, slow)
    terminate(run)
    row = host.row(mailbox)
    assert row["ended_at"] is None
    host.db.sql("UPDATE pymailadmin_request SET created_at = %s, "
                "updated_at = UTC_TIMESTAMP() + INTERVAL 1 MINUTE "
                "WHERE address = %s AND id <> %s",
                row["created_at"], mailbox.address, row["id"])
    host.must("pymailadmin", "retry", "-u", mailbox.address)
    host.process().expect(0)
    assert_ended(mailbox, "done")
    assert_finished(mailbox)


def test_the_window_ends_first(host, mailbox, slow):
    """A big mailbox: its owner is let in, with the new password, before the
    mail is done."""
    before = snapshots.take(mailbox)
    host.request(mailbox, "the new").expect(0)
    run = slow("100k")
    # However quick the machine is, this comes after the keys.
    wait_until(lambda: mailbox.smtp_auth("the new").startswith("OK\t1"),
               "the new password lets in")
    mailbox.password = "the new"
    snapshots.assert_same(before, snapshots.take(mailbox))
    if run.poll() is None:
        terminate(run)
    settle(mailbox, "the new")
    assert_finished(mailbox)


def test_progress_is_shown(host, slow, request):
    mailbox = stores.create(host, name_of(request))
    _, run = store_slowly(mailbox, slow)
    seen = set()

    def enough():
        row = host.row(mailbox)
        seen.add((row["mails_done"], row["bytes_done"]))
        return len(seen) > 2
    wait_until(enough, "progress")
    assert run.poll() is None
    shown = host.must("pymailadmin", "status", "-u", mailbox.address)
    assert "storing" in shown.stdout
    total = len(storedmail.files(mailbox.home))
    row = host.row(mailbox)
    assert row["mails_total"] == total and row["mails_done"] <= total
    terminate(run)
    settle(mailbox, mailbox.password)
    row = host.row(mailbox)
    assert (row["mails_done"], row["bytes_done"]) == \
        (row["mails_total"], row["bytes_total"])
    assert not_current(mailbox) == {}


@pytest.mark.soak
@pytest.mark.limit(3600)
def test_a_hundred_thousand_mails_in_three_hundred_folders(host, request):
    mailbox = host.create(name_of(request))
    with mailbox.imap() as imap:
        for folder in range(300):
            name = f"folder-{folder}"
            imap.create(name)
            stores.multiappend(imap, name, [
                ((), stores.NEWEST, messages.small(number))
                for number in range(folder, folder + 334)])
    host.request(mailbox, "the new").expect(0)
    # Three hundred keys may take longer than this host's window.
    run = host.spawn("-o", "pymailadmin_rekey_window=15mins",
                     "pymailadmin", "process")
    seen = set()
    while run.poll() is None:
        seen.add(host.row(mailbox)["mails_done"])
    assert run.returncode == 0, run.communicate()
    run.communicate()
    mailbox.password = "the new"
    assert len(seen) > 10
    assert host.row(mailbox)["mails_total"] == 100_200
    assert_finished(mailbox)
    with mailbox.imap() as imap:
        for folder in (0, 150, 299):
            assert [mail.body for mail in imap.mails(f"folder-{folder}")] == \
                [messages.small(number)
                 for number in range(folder, folder + 334)]

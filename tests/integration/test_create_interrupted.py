"""A mailbox that is being made, and whoever makes it is killed, cut off, or
failed by the disk: the next run finishes it or takes it back, and until then
nobody gets in and no mail is bounced."""

import random

import pytest

import creations
from changes import name_of
from creations import assert_made, assert_not_made, assert_works, new_mailbox
from faults import Proxy, count_calls, failing_at, killed_after, killed_at
from mailclients import Refused
from mailhost import AUTH_KILLED, MailHost
from mariadb import wait_until

KILLED = -9
CALLS = ("mkdir", "fsync", "fdatasync", "rename", "link", "unlink", "openat",
         "write", "pwrite64", "writev", "sendto", "flock", "ftruncate")


@pytest.fixture(scope="module", params=["maildir", "sdbox", pytest.param(
    "mdbox", marks=pytest.mark.soak)])
def host(request):
    with MailHost(mail_driver=request.param, auth_cache=True) as host:
        # See test_stock.py.
        host.expect_log(AUTH_KILLED)
        yield host


class Trial:
    """Mailboxes, each of which is made with a disturbance, and then to its
    end."""

    def __init__(self, host, request):
        self.host, self.name, self.number = host, name_of(request), 0

    def file(self):
        self.number += 1
        self.mailbox = new_mailbox(self.host, f"{self.name}-{self.number}")
        creations.file(self.mailbox)
        return self.mailbox

    def assert_closed(self):
        """While the request is open."""
        row = self.host.row(self.mailbox)
        if row["ended_at"] is None:
            assert wait_until(self.answer, "an auth process").startswith(
                "FAIL\t1\t")
            creations.assert_deferred(self.mailbox)

    def answer(self):
        """None if the auth process is just dying: see AUTH_KILLED."""
        try:
            return self.mailbox.smtp_auth()
        except (Refused, OSError):
            return None

    def settle(self, *disturbance):
        """One clean run makes it."""
        mailbox, host = self.mailbox, self.host
        print(self.number, *disturbance, flush=True)
        self.assert_closed()
        row = host.row(mailbox)
        if row["retry_at"] is not None:
            host.must("pymailadmin", "retry", "-u", mailbox.address)
        host.process(timeout=30).expect(0)
        # Dovecot waits for minutes for the lock that a failed rename() leaves.
        for path in mailbox.home.rglob("*.newlock"):
            path.unlink()
        row = host.row(mailbox)
        assert row["ended_at"] is not None and row["sealed"] is None, row
        if row["state"] == "done":
            assert_made(mailbox)
            assert_works(mailbox)
        else:
            assert row["state"] == "failed", row
            assert_not_made(mailbox)
        return row["state"]


@pytest.fixture
def trial(host, request):
    return Trial(host, request)


def kill_at_random(host, trial, times):
    chance = random.Random(times)
    hit = 0
    for _ in range(times):
        trial.file()
        hit += killed_after(host, chance.uniform(0, 0.12)) == KILLED
        assert trial.settle() == "done"
    assert hit > times / 3


@pytest.mark.limit(180)
def test_killed_at_random_moments(host, trial):
    kill_at_random(host, trial, 12)


@pytest.mark.soak
@pytest.mark.limit(7200)
def test_killed_at_three_hundred_random_moments(host, trial):
    kill_at_random(host, trial, 300)


def moments(host, trial):
    """Every use of a system call that changes something, in a whole run."""
    trial.file()
    counts = count_calls(host, CALLS)
    trial.settle()
    found = [(call, number + 1) for call, count in sorted(counts.items())
             for number in range(count)]
    assert {"fsync", "rename", "sendto", "mkdir"} <= set(counts), counts
    return found


def kill_at(host, trial, every):
    hit = 0
    for call, number in moments(host, trial)[::every]:
        trial.file()
        hit += killed_at(host, call, number) not in (0, 75)
        assert trial.settle(call, number) == "done"
    assert hit > 0


@pytest.mark.limit(300)
def test_killed_before_a_system_call(host, trial):
    kill_at(host, trial, 12)


@pytest.mark.soak
@pytest.mark.limit(7200)
def test_killed_before_any_system_call(host, trial):
    kill_at(host, trial, 1)


def fail_once(host, trial, error, every):
    disturbed = 0
    # Not rename(): Dovecot then waits for minutes for the lock of its own that it
    # has left.
    fails = [moment for moment in moments(host, trial)
             if moment[0] in ("mkdir", "fsync", "fdatasync", "link")]
    for call, number in fails[::every]:
        trial.file()
        done = failing_at(host, call, number, error)
        assert done.returncode in (0, 65, 75), done.stderr
        disturbed += done.returncode != 0
        trial.settle(call, number, done.returncode, done.stderr)
    assert disturbed > 0


@pytest.mark.limit(180)
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_the_disk_fails_once(host, trial, error):
    if (error == "EIO") != (host.mail_driver == "maildir"):
        pytest.skip("the long run has each error with each format")
    fail_once(host, trial, error, 4)


@pytest.mark.soak
@pytest.mark.limit(7200)
@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EDQUOT", "EROFS"])
def test_the_disk_fails_at_any_moment(host, trial, error):
    fail_once(host, trial, error, 1)


@pytest.mark.limit(300)
@pytest.mark.parametrize("comes_back", [False, True],
                         ids=["for-good", "for-a-moment"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_database_goes_away_at_a_statement(host, trial, moment,
                                               comes_back):
    if host.mail_driver != "maildir":
        pytest.skip("the statements are the same")
    proxy = Proxy(host)
    try:
        for number in range(1, 100):
            trial.file()
            proxy.arm(number, moment, comes_back)
            result = proxy.run()
            assert result.code in (0, 75), result
            assert trial.settle(number, result) == "done"
            if not proxy.cut:
                break
        assert 5 < number < 100
    finally:
        proxy.close()


# What can be neither gone on with nor left

def interrupt(trial):
    """The row and the keys are there, the mailbox is not active."""
    mailbox = trial.file()
    proxy = Proxy(trial.host)
    try:
        for number in range(1, 100):
            proxy.arm(number, "before", False)
            proxy.run().expect(75)
            if trial.host.row(mailbox)["state"] == "switching" and \
                    (mailbox.home / "dovecot-attributes").exists():
                break
    finally:
        proxy.close()
    assert creations.users_row(mailbox)["active"] == 0
    assert len(creations.user_keys(mailbox)) == 1
    return mailbox


def test_a_schema_without_active_keeps_it_closed(host, trial):
    """The row alone would let people and mail in: the request does not."""
    mailbox = interrupt(trial)
    host.db.sql("UPDATE users SET active = 1 WHERE email = %s",
                mailbox.address)
    # Also who has half of it already, and longer than a window.
    for keys in (True, False):
        creations.assert_closed(mailbox)
        creations.assert_deferred(mailbox)
        host.db.sql("UPDATE pymailadmin_request SET created_at = created_at "
                    "- INTERVAL 1 HOUR WHERE id = %s", mailbox.request_id)
        if keys:
            (mailbox.home / "dovecot-attributes").unlink()
    host.db.sql("UPDATE pymailadmin_request SET created_at = created_at "
                "+ INTERVAL 2 HOUR WHERE id = %s", mailbox.request_id)
    assert trial.settle() == "done"


def test_the_seal_does_not_open_any_more(host, trial):
    mailbox = interrupt(trial)
    host.db.sql("UPDATE pymailadmin_request SET sealed = REPEAT('x', 1661) "
                "WHERE id = %s", mailbox.request_id)
    host.process().expect(65)
    row = host.row(mailbox)
    assert (row["state"], row["outcome"]) == ("failed", "seal"), row
    assert_not_made(mailbox)
    # The address is as good as any.
    again = new_mailbox(host, mailbox.address.split("@")[0])
    creations.file(again)
    host.process().expect(0)
    assert_made(again)
    assert_works(again)


def test_a_day_later_it_is_taken_back(host, trial):
    mailbox = interrupt(trial)
    host.db.sql("UPDATE pymailadmin_request SET created_at = created_at - "
                "INTERVAL 25 HOUR WHERE id = %s", mailbox.request_id)
    host.process().expect(65)
    assert host.row(mailbox)["state"] == "failed"
    assert_not_made(mailbox)


def test_the_row_is_deleted_by_hand(host, trial):
    """Dovecot cannot say any more where its home is: the keys are left."""
    mailbox = interrupt(trial)
    host.db.sql("DELETE FROM users WHERE email = %s", mailbox.address)
    host.process().expect(65)
    row = host.row(mailbox)
    assert (row["state"], row["outcome"]) == ("failed", "unknown_user"), row
    assert creations.owner_of(mailbox) is None
    assert creations.users_row(mailbox) is None
    assert creations.deliver(mailbox, b"Subject: x\r\n\r\n")[0] == 550

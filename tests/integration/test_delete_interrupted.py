"""A deletion that is killed, cut off, or that the disk fails: the next clean run
ends it, and until then nobody gets in."""

import random
import shutil

import pytest

import creations
from changes import assert_opens, fill, name_of
from deletions import GRACE, answers, ask, assert_closed, assert_gone
from faults import Proxy, count_calls, failing_at, killed_after, killed_at
from mailhost import AUTH_KILLED, MailHost

KILLED = -9
CALLS = ("write", "pwrite64", "sendto", "fsync", "rename", "unlink",
         "unlinkat", "rmdir", "flock", "openat")
BEGUN = ("switching", "switched", "rekeying")


@pytest.fixture(scope="module", params=["maildir", "sdbox", "mdbox"])
def host(request):
    with MailHost(mail_driver=request.param, clock=True) as host:
        # See test_stock.py.
        host.expect_log(AUTH_KILLED)
        yield host


class Trial:
    """Deletions of copies of one mailbox, each disturbed and then run to its
    end."""

    def __init__(self, host, name):
        self.host, self.name, self.number = host, name, 0
        self.other = host.create(f"{name}-other")
        fill(self.other)
        self.before = self.other.everything()
        self.closed = 0

    def file(self):
        """One that is due."""
        self.number += 1
        self.mailbox = self.host.create(f"{self.name}-{self.number}")
        fill(self.mailbox)
        ask(self.mailbox)
        self.host.process().expect(0)
        self.host.clock.move(GRACE)

    def settle(self, *disturbance):
        print(self.number, *disturbance, flush=True)
        mailbox, host = self.mailbox, self.host
        row = host.row(mailbox)
        if row["state"] in BEGUN:
            self.closed += 1
            assert_closed(mailbox)
        elif row["state"] != "done":
            assert row["state"] in ("pending", "claimed"), row
            assert len(mailbox.mails()) == 3
        if row["retry_at"] is not None:
            host.must("pymailadmin", "retry", "-u", mailbox.address)
        host.process().expect(0)
        assert_gone(mailbox)

    def end(self):
        assert_opens(self.other, self.other.password, self.before)


def kill_at_random(host, name, times):
    trial = Trial(host, name)
    chance = random.Random(times)
    hit = 0
    for _ in range(times):
        trial.file()
        hit += killed_after(host, chance.uniform(0.02, 0.25)) == KILLED
        trial.settle()
    trial.end()
    assert hit > times / 4


@pytest.mark.limit(240)
def test_killed_at_random_moments(host, request):
    kill_at_random(host, name_of(request), 8)


@pytest.mark.soak
@pytest.mark.limit(7200)
def test_killed_at_three_hundred_random_moments(host, request):
    kill_at_random(host, name_of(request), 300)


def moments(trial):
    """Every use of a system call that changes something, in a whole run."""
    trial.file()
    counts = count_calls(trial.host, CALLS)
    trial.settle()
    assert {"pwrite64", "unlinkat", "rmdir", "fsync"} <= set(counts), counts
    return [(call, number + 1) for call, count in sorted(counts.items())
            if call != "openat" for number in range(count)]


def kill_at(host, name, chosen):
    trial = Trial(host, name)
    for call, number in chosen(moments(trial)):
        trial.file()
        killed_at(host, call, number)
        trial.settle(call, number)
    trial.end()
    assert trial.closed > 0


@pytest.mark.limit(300)
def test_killed_before_a_system_call(host, request):
    def some(found):
        """The keys', which are in the same files in each format, and some of
        all."""
        keys = [moment for moment in found if moment[0] == "pwrite64"]
        return [*(keys if host.mail_driver == "maildir" else ()),
                *random.Random(2).sample(found, 12)]
    kill_at(host, name_of(request), some)


@pytest.mark.soak
@pytest.mark.limit(7200)
def test_killed_before_any_system_call(host, request):
    kill_at(host, name_of(request), lambda found: found)


def fail_once(host, name, error, chosen):
    trial = Trial(host, name)
    disturbed = 0
    found = [moment for moment in moments(trial)
             if moment[0] in ("pwrite64", "fsync", "unlinkat", "rmdir",
                              "unlink")]
    for call, number in chosen(found):
        trial.file()
        done = failing_at(host, call, number, error)
        # 89: doveadm could not even read its settings.
        assert done.returncode in (0, 75, 89), done.stderr
        disturbed += done.returncode != 0
        trial.settle(call, number, done.returncode, done.stderr)
    trial.end()
    assert disturbed > 0


@pytest.mark.limit(300)
@pytest.mark.parametrize("error", ["EIO"])
def test_the_disk_fails_once(host, request, error):
    fail_once(host, name_of(request), error, lambda found:
              random.Random(3).sample(found, min(10, len(found))))


@pytest.mark.soak
@pytest.mark.limit(7200)
@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EROFS"])
def test_the_disk_fails_at_any_moment(host, request, error):
    fail_once(host, name_of(request), error, lambda found: found)


@pytest.mark.limit(600)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_database_goes_away_at_a_statement(host, request, moment):
    if host.mail_driver != "maildir":
        pytest.skip("the statements are the same")
    trial = Trial(host, name_of(request))
    proxy = Proxy(host)
    try:
        for number in range(1, 100):
            trial.file()
            proxy.arm(number, moment, False)
            result = proxy.run()
            assert result.code in (0, 75), result
            assert result.code == 75 or not proxy.cut
            trial.settle(number, result)
            if not proxy.cut:
                break
        assert 8 < number < 100
    finally:
        proxy.close()
    trial.end()


def test_the_home_is_gone_and_the_rows_are_not(host, request):
    trial = Trial(host, name_of(request))
    trial.file()
    host.db.sql("UPDATE pymailadmin_request SET state = 'rekeying' "
                "WHERE id = %s", trial.mailbox.request_id)
    shutil.rmtree(trial.mailbox.home)
    trial.settle()
    trial.end()


def test_the_rows_are_gone_and_the_request_is_not(host, request):
    trial = Trial(host, name_of(request))
    trial.file()
    mailbox = trial.mailbox
    host.db.sql("UPDATE pymailadmin_request SET state = 'rekeying', "
                "claimed_by = 'x/1/1' WHERE id = %s", mailbox.request_id)
    for path in mailbox.home.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif not path.name.startswith("pymailadmin."):
            path.unlink()
    (mailbox.home / "pymailadmin.deletion").touch()
    host.db.sql("CALL pymailadmin_deletion_finish(%s, 'x/1/1', %s, 3600)",
                mailbox.request_id, mailbox.home)
    host.db.sql("UPDATE pymailadmin_request SET claimed_by = NULL "
                "WHERE id = %s", mailbox.request_id)
    host.process().expect(0)
    assert_gone(mailbox)
    trial.end()


@pytest.mark.parametrize("state, end", [("switching", "failed"),
                                        ("switched", "done")])
def test_the_row_is_deleted_by_hand(host, request, state, end):
    """Nobody can say any more where the home is: that ends it, and whoever is
    to get the address next does not get what is left."""
    if host.mail_driver != "maildir":
        pytest.skip("the same")
    trial = Trial(host, name_of(request))
    trial.file()
    mailbox = trial.mailbox
    host.db.sql("UPDATE pymailadmin_request SET state = %s WHERE id = %s",
                state, mailbox.request_id)
    (mailbox.home / "pymailadmin.deletion").touch()
    host.db.sql("DELETE FROM users WHERE email = %s", mailbox.address)
    done = host.process()
    done.expect(65 if end == "failed" else 0)
    row = host.row(mailbox)
    assert row["state"] == end and row["ended_at"] is not None, row
    assert "row was deleted while" in (row["reason"] or "") + done.stderr
    assert answers(mailbox)["lmtp"][0] == 550
    host.db.sql("DELETE FROM pymailadmin_reserved_address WHERE address = %s",
                mailbox.address)
    creations.file(mailbox)
    host.process().expect(65)
    row = host.row(mailbox)
    assert (row["state"], row["outcome"]) == ("failed", "home_not_empty"), row
    assert "pymailadmin.deletion" in row["reason"]
    trial.end()

"""A change that is killed, cut off, or that the disk fails: the next clean run
ends it, and one password opens every mail."""

import random

import pytest

from changes import assert_clean, assert_opens, fill, name_of
from faults import Proxy, count_calls, failing_at, killed_after, killed_at
from mailhost import AUTH_KILLED, MailHost

KILLED = -9


@pytest.fixture(scope="module", params=[
    "maildir-keys", "sdbox-password",
    pytest.param("maildir-password", marks=pytest.mark.soak),
    pytest.param("sdbox-keys", marks=pytest.mark.soak)])
def host(request):
    driver, _, depth = request.param.partition("-")
    with MailHost(mail_driver=driver, depth=depth) as host:
        # See test_stock.py.
        host.expect_log(AUTH_KILLED)
        yield host


@pytest.fixture
def mailbox(host, request):
    mailbox = host.create(name_of(request))
    fill(mailbox)
    return mailbox


class Trial:
    """Changes of one mailbox, each disturbed and then run to its end.

    It takes Dovecot a minute to see that a lock on its attribute dict is a
    dead one's; only who is patient waits for that."""

    def __init__(self, mailbox, patient=False):
        self.mailbox, self.host = mailbox, mailbox.host
        self.patient = patient
        self.before = mailbox.everything()
        self.number = 0

    def file(self):
        self.number += 1
        self.new = f"password {self.number}"
        self.host.request(self.mailbox, self.new).expect(0)

    def settle(self, *disturbance):
        """One clean run; exactly one of both passwords holds."""
        mailbox = self.mailbox
        print(self.number, *disturbance, flush=True)
        row = self.host.row(mailbox)
        if row["retry_at"] is not None:
            self.host.must("pymailadmin", "retry", "-u", mailbox.address)
        if not self.patient:
            (mailbox.home / "dovecot-attributes.lock").unlink(missing_ok=True)
        self.host.process(timeout=90).expect(0)
        row = self.host.row(mailbox)
        assert row["ended_at"] is not None and row["sealed"] is None, row
        good = [password for password in (mailbox.password, self.new)
                if mailbox.smtp_auth(password).startswith("OK\t1")]
        assert len(good) == 1, (good, row)
        assert good == [self.new if row["state"] == "done"
                        else mailbox.password]
        assert_opens(mailbox, good[0], self.before)
        assert_clean(mailbox)
        mailbox.password = good[0]
        return row["state"]


def kill_at_random(mailbox, times, patient=False):
    trial = Trial(mailbox, patient)
    chance = random.Random(times)
    hit = 0
    for _ in range(times):
        trial.file()
        hit += killed_after(mailbox.host, chance.uniform(0, 0.12)) == KILLED
        trial.settle()
    # A test that never kills proves nothing.
    assert hit > times / 3


@pytest.mark.limit(120)
def test_killed_at_random_moments(mailbox):
    kill_at_random(mailbox, 12)


@pytest.mark.soak
@pytest.mark.limit(7200)
def test_killed_at_two_hundred_random_moments(mailbox):
    kill_at_random(mailbox, 200, patient=True)


def moments(host, mailbox, trial):
    """Every use of a system call that changes something, in a whole run."""
    trial.file()
    counts = count_calls(host)
    trial.settle()
    found = [(call, number + 1) for call, count in sorted(counts.items())
             for number in range(count)]
    assert {"fsync", "rename", "sendto"} <= set(counts) or \
        {"fdatasync", "rename", "sendto"} <= set(counts), counts
    return found


def kill_at(host, mailbox, every, patient=False):
    trial = Trial(mailbox, patient)
    hit = 0
    for call, number in moments(host, mailbox, trial)[::every]:
        trial.file()
        hit += killed_at(host, call, number) not in (0, 75)
        trial.settle(call, number)
    assert hit > 0


@pytest.mark.limit(120)
def test_killed_before_a_system_call(host, mailbox):
    kill_at(host, mailbox, 6)


@pytest.mark.soak
@pytest.mark.limit(7200)
def test_killed_before_any_system_call(host, mailbox):
    kill_at(host, mailbox, 1, patient=True)


@pytest.mark.limit(300)
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_the_disk_fails_once(host, mailbox, error):
    trial = Trial(mailbox)
    disturbed = 0
    for call, number in moments(host, mailbox, trial):
        if call in ("write", "sendto", "flock"):
            continue
        trial.file()
        done = failing_at(host, call, number, error)
        assert done.returncode in (0, 65, 75), done.stderr
        disturbed += done.returncode != 0
        if host.row(mailbox)["state"] == "failed":
            # The window has opened at once, with the old password.
            assert mailbox.smtp_auth().startswith("OK\t1")
        trial.settle(call, number, done.returncode, done.stderr)
    assert disturbed > 0


@pytest.mark.limit(300)
@pytest.mark.parametrize("comes_back", [False, True],
                         ids=["for-good", "for-a-moment"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_database_goes_away_at_a_statement(host, mailbox, moment,
                                               comes_back):
    if host.mail_driver != "maildir" and comes_back:
        pytest.skip("the statements are the same")
    trial = Trial(mailbox)
    proxy = Proxy(host)
    try:
        for number in range(1, 100):
            trial.file()
            proxy.arm(number, moment, comes_back)
            result = proxy.run()
            assert result.code in (0, 75), result
            assert result.code == 75 or not proxy.cut or comes_back
            trial.settle(number, result)
            if not proxy.cut:
                break
        assert 5 < number < 100
    finally:
        proxy.close()

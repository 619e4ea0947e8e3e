"""Re-encryption that is killed or loses power at any moment: the next clean
run ends it, and nothing of the mail has changed."""

import os
import random
import select
import signal
import time

import pytest

import snapshots
import storedmail
import stores
from changes import assert_clean, name_of
from mailhost import ANVIL_CORE, ANVIL_KILLED, AUTH_KILLED, MailHost
from mariadb import DEADLINE, wait_until
from powercut import PowerCut
from storagejobs import assert_finished, children, encrypt, new_keys, settle

WHO = ("process", "process", "worker", "all")


@pytest.fixture(scope="module", params=["maildir", "sdbox"])
def host(request):
    with MailHost(mail_driver=request.param, depth="storage") as host:
        # See test_stock.py.
        host.expect_log(AUTH_KILLED)
        host.expect_log(ANVIL_KILLED)
        host.expect_core(ANVIL_CORE)
        host.expect_log(r"killed with signal 9")
        yield host


@pytest.fixture
def mailbox(host, request):
    return stores.create(host, name_of(request))


class Trial:
    """Changes of one mailbox, each disturbed and then run to its end."""

    def __init__(self, mailbox, patient=False):
        self.mailbox, self.host = mailbox, mailbox.host
        self.patient = patient
        self.before = snapshots.take(mailbox)
        self.disk = storedmail.facts(mailbox.home)
        self.number = 0

    def file(self):
        """Every fourth has the mail alone to do."""
        self.number += 1
        if self.number % 4 == 0:
            self.new = f"password {self.number}"
            new_keys(self.mailbox, self.new)
            encrypt(self.mailbox).expect(0)
        else:
            self.new = f"password {self.number}"
            self.host.request(self.mailbox, self.new).expect(0)

    def settle(self, *disturbance):
        print(self.number, *disturbance, flush=True)
        row, done = settle(self.mailbox, self.new, self.patient)
        print(done.stderr, flush=True)
        snapshots.assert_same(self.before, snapshots.take(self.mailbox))
        assert snapshots.disk_differences(
            self.disk, storedmail.facts(self.mailbox.home)) == []
        assert storedmail.temporary(self.mailbox.home) == []
        if row["state"] == "done":
            assert_finished(self.mailbox)
        else:
            assert_clean(self.mailbox)
        return row["state"]

    def undisturbed(self):
        """Seconds of a whole run."""
        self.file()
        begin = time.monotonic()
        self.settle()
        return time.monotonic() - begin


def kill(run, who, chance):
    """Whether there was anybody to kill."""
    if who == "worker":
        workers = children(run.pid)
        if not workers:
            return False
        os.kill(chance.choice(workers), signal.SIGKILL)
    elif who == "all":
        os.killpg(run.pid, signal.SIGKILL)
    else:
        run.kill()
    return True


def killed_after(host, seconds, who, chance):
    """Whether process was killed, or one of its workers, in time."""
    run = host.spawn("pymailadmin", "process", start_new_session=True)
    # Its output comes at its end.
    select.select([run.stdout], [], [], seconds)
    hit = run.poll() is None and kill(run, who, chance)
    said, _ = run.communicate(timeout=DEADLINE)
    if hit and who == "worker":
        # It has noticed: that is for a later run.
        assert run.returncode in (0, 65, 75), said
    wait_until(lambda: no_group(run.pid), "the workers have ended")
    return hit


def no_group(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def kill_at_random(mailbox, times, patient=False):
    trial = Trial(mailbox, patient)
    chance = random.Random(times)
    length = trial.undisturbed()
    hit = 0
    for _ in range(times):
        trial.file()
        who, after = chance.choice(WHO), chance.uniform(0, length)
        hit += killed_after(mailbox.host, after, who, chance)
        trial.settle(who, after)
    # A test that never kills proves nothing.
    assert hit > times / 3


@pytest.mark.limit(120)
def test_killed_at_random_moments(mailbox):
    kill_at_random(mailbox, 6)


@pytest.mark.soak
@pytest.mark.limit(14400)
def test_killed_at_five_hundred_random_moments(mailbox):
    kill_at_random(mailbox, 500, patient=True)


@pytest.mark.soak
@pytest.mark.limit(14400)
def test_a_big_mailbox_killed_at_random_moments(host, request):
    kill_at_random(stores.create(host, name_of(request), "big"), 20)


def cut_the_power(mailbox, times):
    trial = Trial(mailbox)
    power = PowerCut(mailbox.host, mailbox.home)
    chance = random.Random(times)
    trial.file()
    assert power.run() == 0
    trial.settle("power stays")
    # Some have less to do: the mail alone.
    length = len(power.operations())
    hits = names = contents = 0
    for _ in range(times):
        trial.file()
        at = chance.randrange(1, length)
        hit, undone, torn = power.cut(at, chance)
        hits += hit
        names += undone
        contents += torn
        trial.settle("power cut at", at, hit, undone, torn)
    assert hits > times / 2 and names > hits and contents > 0


@pytest.mark.limit(120)
def test_power_cut_at_random_moments(mailbox):
    cut_the_power(mailbox, 6)


@pytest.mark.soak
@pytest.mark.limit(7200)
def test_power_cut_at_a_hundred_random_moments(mailbox):
    cut_the_power(mailbox, 100)

"""The power goes while a mailbox is made or destroyed: the next run ends it, and
until then nobody gets in."""

import random

import pytest

from changes import name_of
from mailhost import AUTH_KILLED, MailHost
from powercut import PowerCut, take_back
from test_create_interrupted import Trial as Creation
from test_delete_interrupted import Trial as Deletion


@pytest.fixture(scope="module", params=[
    "maildir", pytest.param("sdbox", marks=pytest.mark.soak),
    pytest.param("mdbox", marks=pytest.mark.soak)])
def host(request):
    with MailHost(mail_driver=request.param, clock=True,
                  auth_cache=True) as host:
        # See test_stock.py.
        host.expect_log(AUTH_KILLED)
        yield host


class Worst(random.Random):
    """Of what is not synced, nothing lasts."""

    def choice(self, seq):
        return seq[0]


def lose_power_afterwards(power, trial):
    """The database has been told that it is done: nothing may be lost."""
    assert power.run() == 0
    assert trial.host.row(trial.mailbox)["state"] == "done"
    lost = take_back(power.home, power.operations(), Worst(), power.sizes)
    trial.settle("power cut after the end", lost)


def cut_the_power(host, trial, times):
    """Also of homes, which come and go in the folder of their domain."""
    chance = random.Random(times)
    trial.file()
    power = PowerCut(host, trial.mailbox.home.parent)
    lose_power_afterwards(power, trial)
    length = len(power.operations())
    hits = lost = 0
    for _ in range(times):
        trial.file()
        at = chance.randrange(1, length + 1)
        hit, undone, torn = power.cut(at, chance)
        hits += hit
        lost += undone + torn
        trial.settle("power cut at", at, "of", length, hit, undone, torn)
    assert hits > times / 2
    assert lost > 0


@pytest.mark.limit(180)
def test_power_cut_while_mailboxes_are_made(host, request):
    cut_the_power(host, Creation(host, request), 3)


@pytest.mark.limit(180)
def test_power_cut_while_mailboxes_are_destroyed(host, request):
    trial = Deletion(host, name_of(request))
    cut_the_power(host, trial, 3)
    trial.end()


@pytest.mark.soak
@pytest.mark.limit(7200)
def test_power_cut_at_a_hundred_moments_of_making(host, request):
    cut_the_power(host, Creation(host, request), 100)


@pytest.mark.soak
@pytest.mark.limit(7200)
def test_power_cut_at_a_hundred_moments_of_destroying(host, request):
    trial = Deletion(host, name_of(request))
    cut_the_power(host, trial, 100)
    trial.end()

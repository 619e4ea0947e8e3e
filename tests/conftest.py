"""What all tests share: the time limit, the builds, the closing line."""

import signal

import pytest

import parallel
from builds import Builds

pytest.register_assert_rewrite("changes", "storagejobs", "snapshots",
                              "storageload")
DEFAULT_LIMIT = 60
outcomes = {}


class TimeLimit(Exception):
    pass


def limited(item):
    """Ends a setup, test or teardown that takes too long."""
    marker = item.get_closest_marker("limit")
    seconds = marker.args[0] if marker else DEFAULT_LIMIT

    def expired(_signum, _frame):
        raise TimeLimit(f"not done after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, expired)
    signal.alarm(seconds)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    return (yield from limited(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    return (yield from limited(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    return (yield from limited(item))


def pytest_runtest_logreport(report):
    # A test counts once, though it and the end of what it used may both fail.
    if report.failed:
        outcomes[report.nodeid] = "failed"
    elif report.skipped:
        outcomes.setdefault(report.nodeid, "skipped")
    elif report.when == "call":
        outcomes.setdefault(report.nodeid, "passed")


def pytest_collectreport(report):
    if report.failed:
        outcomes[report.nodeid] = "failed"
    elif report.skipped:
        outcomes[report.nodeid] = "skipped"


def pytest_unconfigure(config):
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or config.option.collectonly:
        return
    found = list(outcomes.values())
    reporter.write_line(", ".join(
        f"{found.count(word)} {word}"
        for word in ("passed", "failed", "skipped")))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return parallel.Scheduling(config, log)


@pytest.fixture(scope="session")
def builds(tmp_path_factory):
    return Builds(tmp_path_factory.mktemp("builds"))

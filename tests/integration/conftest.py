"""Shows what servers said and browsers showed during a test that failed; what
all tests here share."""

import sys

import pytest

import mailhost
import mariadb
import websanitizer

MAX_LINES = 60


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes():
    mariadb.template(mail=True)


def pytest_collection_finish(session):
    if any(item.path.name.startswith("test_web_") for item in session.items) \
            and not session.config.option.collectonly:
        websanitizer.prepare()


# The outermost: what ends only with its module is heard of as well.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown():
    try:
        return (yield)
    finally:
        reports = websanitizer.take_reports()
        if reports:
            pytest.fail(reports, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    item.logs_seen = {
        path: path.stat().st_size
        for host in mailhost.running for path in host.logs()}
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for host in mailhost.running:
            for path in host.logs():
                add(report, path, getattr(item, "logs_seen", {}).get(path, 0))
        # It takes long to load for those who need none.
        browser = sys.modules.get("browser")
        report.sections += [each.told()
                            for each in getattr(browser, "running", ())]
    return report


def add(report, path, seen):
    with path.open("rb") as file:
        file.seek(seen)
        lines = [line for line in
                 file.read().decode(errors="replace").splitlines()
                 if "[Note]" not in line]
    if len(lines) > MAX_LINES:
        lines[:-MAX_LINES] = [f"({len(lines) - MAX_LINES} lines before)"]
    if lines:
        report.sections.append((str(path), "\n".join(lines)))

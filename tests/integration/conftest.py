"""What the servers said during a test that failed; what they all share."""

import pytest

import mailhost
import mariadb

MAX_LINES = 60


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes():
    mariadb.make_template()


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

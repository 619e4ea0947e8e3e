"""tests/run -j: what the processes that run the tests have to themselves, and
that what they found is put together."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import pytest

from builds import SOURCE

ALONE = """
import os
import pathlib
import socket

import pytest


def test_processes():
    shell = os.getppid()
    numbers = [name for name in os.listdir("/proc") if name.isdigit()]
    assert sorted(map(int, numbers)) == [1, os.getpid()] and shell == 1


def test_ports():
    with socket.create_server(("127.0.0.1", 143)):
        socket.create_connection(("127.0.0.1", 143)).close()


def test_files():
    for name in "/etc", "/root", "/run", "/src", "/tmp", "/var":
        path = pathlib.Path(name, "mine")
        assert not path.exists()
        path.touch()
    with pytest.raises(OSError, match="Read-only file system"):
        pathlib.Path("/usr/mine").touch()
"""
LIMIT = """
import threading

import pytest


@pytest.mark.limit(1)
def test_hangs():
    threading.Event().wait(30)


def test_skips():
    pytest.skip("no reason")


def test_fails():
    assert False
"""


@pytest.fixture
def files():
    # Not in /tmp, of which nobody has a copy.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        files = pathlib.Path(folder)
        (files / "test_alone.py").write_text(ALONE)
        (files / "test_alone_too.py").write_text(ALONE)
        (files / "test_limit.py").write_text(LIMIT)
        yield files


def test_counts_and_limits_and_isolation(files):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", SOURCE / "tests/pytest.ini",
         "-p", "conftest", "--rootdir", files, "--dist=load",
         f"--tx=2*popen//python={SOURCE}/tests/worker", files],
        cwd=SOURCE, text=True, capture_output=True, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": f"{SOURCE}/tests"})
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "6 passed, 2 failed, 1 skipped", \
        done.stdout
    assert re.search(r"TimeLimit: not done after 1 seconds", done.stdout)
    assert "no reason" in done.stdout


@pytest.mark.parametrize("option", ["-j", "-j0", "-j1x", "-jx"])
def test_a_wrong_number_is_refused(option):
    done = subprocess.run([SOURCE / "tests/run", option], text=True,
                          capture_output=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 64 and "usage: tests/run" in done.stderr

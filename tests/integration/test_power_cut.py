"""That the power cut of the tests takes back what was not synced, and only
that."""

import random
import sys

import pytest

from powercut import PowerCut

SYNC = """
def sync(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)
def write(path, data, synced):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(fd, data)
    if synced:
        os.fdatasync(fd)
    os.close(fd)
"""
END = "write('end', b'', False)\n"


class Host:
    def __init__(self, scratch):
        self.scratch = scratch


@pytest.fixture
def cut(tmp_path):
    """Runs a script in a folder whose machine then loses power. Returns what
    may be there afterwards: name -> content."""
    def run(script, before, times=25):
        seen, end = [], 0
        for number in range(times + 1):
            home = tmp_path / str(number)
            home.mkdir()
            for name, content in before.items():
                (home / name).write_bytes(content)
            power = PowerCut(Host(tmp_path), home)
            words = [sys.executable, "-c",
                     f"import os\nos.chdir({str(home)!r})\n{SYNC}{script}"]
            if number == 0:
                assert power.run(0, words) == 0
                end = len(power.operations())
                continue
            assert power.cut(end, random.Random(number), words)[0]
            found = {path.name: path.read_bytes() for path in home.iterdir()}
            found.pop("end", None)
            if found not in seen:
                seen.append(found)
        return seen
    return run


def test_what_is_synced_lasts(cut):
    assert cut("write('a', b'new', True)\nos.rename('a', 'b')\nsync('.')\n" +
               END, {"b": b"old"}, 10) == [{"b": b"new"}]


def test_a_name_that_is_not_synced_may_be_the_old(cut):
    seen = cut("write('a', b'new', True)\nos.rename('a', 'b')\n" + END,
               {"b": b"old"})
    assert {"b": b"old"} in seen and {"b": b"new"} in seen
    assert {"a": b"new", "b": b"old"} in seen
    assert all(each["b"] in (b"old", b"new") for each in seen)


def test_a_content_that_is_not_synced_may_be_torn(cut):
    seen = cut("write('a', b'new!', False)\nos.rename('a', 'b')\nsync('.')\n" +
               END, {"b": b"old"})
    contents = [each["b"] for each in seen]
    assert sorted(contents) == [b"", b"ne", b"ne\0\0", b"new!"]


def test_a_file_that_is_deleted_may_come_back(cut):
    seen = cut("os.unlink('a')\nos.link('b', 'c')\n" + END,
               {"a": b"1", "b": b"2"})
    assert {"a": b"1", "b": b"2"} in seen
    assert {"b": b"2", "c": b"2"} in seen
    # Never the second change without the first.
    assert {"a": b"1", "b": b"2", "c": b"2"} not in seen


def test_an_exchange_is_taken_back(cut):
    exchange = ("import ctypes\nassert ctypes.CDLL(None).renameat2("
                "-100, b'a', -100, b'b', 2) == 0\n")
    seen = cut(exchange + END, {"a": b"1", "b": b"2"})
    assert sorted(each["a"] for each in seen) == [b"1", b"2"]
    assert all({each["a"], each["b"]} == {b"1", b"2"} for each in seen)

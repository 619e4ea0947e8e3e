"""Linters of other people over our scripts, units, man pages and examples."""

import pathlib
import subprocess

import pytest

from builds import SOURCE, checkout_files

FILES = [path for path in checkout_files() if path.is_file()]


def first_line(path):
    with path.open("rb") as file:
        return file.readline(200)


def lines(command, **options):
    done = subprocess.run(command, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **options)
    return done.returncode, done.stdout


def names(paths):
    return [str(path.relative_to(SOURCE)) for path in paths]


def by(paths):
    return pytest.mark.parametrize("path", paths, ids=names(paths))


SHELL = [path for path in FILES if first_line(path).startswith(
    (b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash"))]
PYTHON = [path for path in FILES if path.suffix == ".py"
          or first_line(path).startswith(b"#!/usr/bin/env python3")]
MAN_PAGES = [path for path in FILES if first_line(path).startswith(
    (b".Dd", b".TH", b'.\\"'))]


@by(SHELL)
def test_shellcheck(path):
    status, output = lines(["shellcheck", "-x", path])
    assert (status, output) == (0, "")


@by(PYTHON)
def test_python_compiles_without_warnings(path):
    compile(path.read_bytes(), str(path), "exec", dont_inherit=True)


@by(MAN_PAGES)
def test_man_page(path):
    status, output = lines(["mandoc", "-Tlint", "-Wwarning", path])
    assert (status, output) == (0, "")


def installed_units():
    folder = pathlib.Path("/usr/lib/systemd/system")
    return sorted(folder.glob("pymailadmin*"))


@pytest.mark.parametrize("unit", installed_units(), ids=lambda unit: unit.name)
def test_systemd_unit(unit):
    status, output = lines(["systemd-analyze", "verify", "--man=no", unit])
    assert (status, output) == (0, "")


def test_scripts_are_executable():
    wrong = [name for path, name in zip(FILES, names(FILES))
             if first_line(path).startswith(b"#!")
             and not path.stat().st_mode & 0o100 and path.suffix != ".in"]
    assert wrong == []

"""What bash offers for "doveadm pymailadmin", as it is installed."""

import re
import subprocess

import pytest

from mailhost import MailHost

SCRIPT = "/usr/share/bash-completion/completions/doveadm"
TRY = r"""
source "$1"
COMP_LINE=$2 COMP_POINT=${#2} COMP_CWORD=0
$(complete -p doveadm | sed -n 's/.* -F \([^ ]*\) .*/\1/p')
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
"""


def offered(line, **options):
    done = subprocess.run(["bash", "-c", TRY, "bash", SCRIPT, line], text=True,
                          capture_output=True, **options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def usages():
    """What doveadm itself says of the commands."""
    listed = subprocess.run(["doveadm", "pymailadmin"], text=True,
                            stderr=subprocess.PIPE).stderr.splitlines()[1:]
    return dict(re.match(r" *(\S+) *(.*)", line).groups() for line in listed)


def test_commands_and_their_options_are_doveadms(usages):
    assert sorted(offered("doveadm pymailadmin ")) == sorted(usages)
    for command, usage in usages.items():
        if command == "request":
            assert offered("doveadm pymailadmin request ") == [usage]
            continue
        options = re.findall(r"(?:^|[ \[])(-[-a-zA-Z]+)", usage)
        assert sorted(offered(f"doveadm pymailadmin {command} -")) == \
            sorted(options)


@pytest.mark.parametrize("line, words", [
    ("doveadm pymailadmin c", ["cancel", "check", "close", "create"]),
    ("doveadm -f json -D pymailadmin op", ["open"]),
    ("doveadm -o a=b -c /x pymailadmin verify --f", ["--full"]),
    ("doveadm pymailadmin request password -", ["-u"]),
    ("doveadm -f t", ["tab", "table"]),
    ("doveadm pymailad", ["pymailadmin"]),
    ("doveadm pymailadmin close --for ", []),
    ("doveadm pymailadmin list a", []),
    ("doveadm mailbox li", []),
])
def test_words_are_completed(line, words):
    assert sorted(offered(line)) == words


def test_dovecots_own_commands_are_offered():
    assert {"fetch", "mailbox", "user"} <= set(offered("doveadm "))


def test_addresses_are_completed(tmp_path):
    with MailHost() as host:
        for name in ("anna", "anton", "bert"):
            host.create(name, key=False)
        # The one that the shell finds asks this host.
        (tmp_path / "doveadm").write_text(
            f'#!/bin/sh\nexec /usr/bin/doveadm -c {host.config_path} "$@"\n')
        (tmp_path / "doveadm").chmod(0o755)
        env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
        for line, words in (
                ("status -u an", ["anna@example.test", "anton@example.test"]),
                ("process --one be", ["bert@example.test"]),
                ("list an", ["anna@example.test", "anton@example.test"]),
                # bash completes what stands behind the @
                ("close -u anna@ex", ["example.test"]),
                ("close -u x*", []), ("close -u zz", [])):
            assert offered(f"doveadm pymailadmin {line}", env=env) == words
        host.db.kill()
        assert offered("doveadm pymailadmin close -u an", env=env) == []

"""The README's installation, step by step on a machine of its own, and what it
leaves there: the units in their sandbox and the configuration files."""

import contextlib
import imaplib
import re
import smtplib

import pytest

import messages
from builds import FILES, SOURCE
from machine import Machine, Unavailable
from mariadb import wait_until

pytestmark = pytest.mark.limit(600)

README = (SOURCE / "README.md").read_text()
MAILBOX = "alice@example.org"
OLD, NEW = "correct horse", "battery staple"
UNIT = "pymailadmin-process"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# Between two blocks the script waits for a line.
STEP = re.compile("\x1e(\\d+)\x1e")


def install_blocks():
    """What the README's chapter on installing says to type."""
    chapter = README.partition("\n## Install\n")[2].partition("\n## ")[0]
    return BLOCK.findall(chapter)


def packages(block):
    """The packages of a block of "apt install" lines, [] for others."""
    lines = block.splitlines()
    if not all(line.startswith("apt install ") for line in lines):
        return []
    return [word for line in lines for word in line.split()[2:]]


class Walk:
    """Follows the README as a new administrator."""

    def __init__(self, machine):
        self.machine = machine
        self.blocks = install_blocks()
        self.password = OLD
        self.screen = ""
        self.mails = []

    def prepare(self):
        """A new machine: nothing of us on it, and Debian's packages as their
        installation leaves them."""
        self.machine.run("make -s -C /src uninstall")
        left = self.machine.run(
            "find / -xdev -path /src -prune -o -path /proc -prune -o "
            "-name '*pymailadmin*' ! -name '*-tests*' -print").stdout.split()
        assert left == ["/usr/share/pymailadmin"] or left == []
        self.machine.run(
            "mkdir /root/pymailadmin && cd /src && "
            f"xargs -0 cp --parents -t /root/pymailadmin <{FILES} && "
            "rm -rf /src /usr/share/pymailadmin")
        self.machine.run(
            "mariadb-install-db --user=mysql --datadir=/var/lib/mysql && "
            "systemctl reset-failed mariadb && systemctl start mariadb")

    def script(self):
        parts = ["set -eEuo pipefail\n"]
        for number, block in enumerate(self.blocks):
            parts.append(f"printf '\\036{number}\\036'; read -r _\n")
            if not packages(block):
                parts.append(block)
        return "".join(parts)

    def answer(self, line):
        if step := STEP.fullmatch(line):
            self.before(self.blocks[int(step[1])])
            return ""
        if re.search(r"new password[^:]*: ?$", line, re.IGNORECASE):
            return NEW
        if re.search(r"password[^:]*: ?$", line, re.IGNORECASE):
            return self.password
        return None

    def before(self, block):
        for name in packages(block):
            status = self.machine.run(
                f"dpkg-query -W -f '${{db:Status-Abbrev}}' {name}")
            assert status.stdout.strip() == "ii", name
        if "request password" in block:
            self.mails = [messages.small(number) for number in range(3)]
            deliver(self.machine, *self.mails)
        elif "pymailadmin status" in block:
            wait_until(lambda: state(self.machine) == "done", "the change")
            self.password = NEW

    def go(self):
        self.prepare()
        self.screen = self.machine.talk(self.script(), self.answer,
                                        cwd="/root")
        return self


def deliver(machine, *mails):
    with smtplib.LMTP(str(machine.path("/run/dovecot/lmtp"))) as lmtp:
        for mail in mails:
            assert lmtp.sendmail("sender@elsewhere.test", MAILBOX, mail) == {}


@contextlib.contextmanager
def imap(password):
    with imaplib.IMAP4("127.0.0.1") as session:
        session.login(MAILBOX, password)
        yield session


def stored(password):
    """The ends of the mails in INBOX: what was delivered, after the headers
    of the delivery."""
    with imap(password) as session:
        session.select("INBOX", readonly=True)
        _, data = session.fetch("1:*", "(BODY.PEEK[])")
        return [part[1] for part in data if isinstance(part, tuple)]


def state(machine):
    """The state of the newest request of the mailbox."""
    return machine.run(f"doveadm -f tab pymailadmin status -u {MAILBOX} | "
                       "sed -n 2p | cut -f4").stdout.strip()


def request(machine, old, new):
    machine.run(f"doveadm pymailadmin request password -u {MAILBOX}",
                input=f"{old}\n{new}\n")


@pytest.fixture(scope="module")
def walk():
    with contextlib.ExitStack() as stack:
        try:
            machine = stack.enter_context(Machine())
        except Unavailable as reason:
            pytest.skip(f"no machine of its own: {reason}")
        yield Walk(machine).go()


@pytest.fixture
def machine(walk):
    """The machine after the walk, with the timer stopped."""
    walk.machine.run(f"systemctl stop {UNIT}.timer {UNIT}.service")
    return walk.machine


def test_readme_ends_with_a_changed_password(walk):
    assert walk.password == NEW
    found = stored(NEW)
    assert len(found) == len(walk.mails) > 0
    for body, mail in zip(found, walk.mails):
        assert body.endswith(mail)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        with imap(OLD):
            pass
    assert "auth succeeded" in walk.screen

"""What the READMEs say to type to install it all, typed on a machine of its own
as a new administrator does.

    walk = Walk(machine, BLOCKS)
    walk.go()

Tests say by the steps that are left out, and by adapt(), whose machine it is.
"""

import contextlib
import imaplib
import json
import re
import smtplib

import pytest

import messages
from builds import SOURCE
from machine import Machine, Unavailable, Visible
from mariadb import wait_until
from test_web_service import DROP_IN, WITHOUT_USERS

README = (SOURCE / "README.md").read_text()
PORTAL_README = (SOURCE / "web/README.md").read_text()
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MAILBOX = "alice@example.org"
OLD, NEW = "correct horse", "battery staple"
UNIT = "pymailadmin-process"
NAME = "mail.example.org"
ADMIN, PASSWORD = "admin@example.org", "rivers carry small boats"
SEAL_KEY = "/root/pymailadmin-seal.pub"
# A password that is not shown when it is typed.
HIDDEN = object()
# Between two blocks the script waits for a line.
STEP = re.compile("\x1e(\\d+)\x1e")


def steps(text):
    """{number: blocks} of the chapters "N. Title"."""
    parts = re.split(r"^##+ (\d+)\. .*$", text, flags=re.MULTILINE)
    return {int(number): BLOCK.findall(part)
            for number, part in zip(parts[1::2], parts[2::2])}


MAIL_HOST = steps(README.partition("\n## Install\n")[2].partition("\n## ")[0])
PORTAL = steps(PORTAL_README.partition("\n## Français\n")[0])
BLOCKS = [block for step in (MAIL_HOST, PORTAL) for blocks in step.values()
          for block in blocks]


def packages(block):
    """The packages of a block of "apt install" lines, [] for others."""
    lines = block.splitlines()
    if not all(line.startswith("apt install ") for line in lines):
        return []
    return [word for line in lines for word in line.split()[2:]]


@contextlib.contextmanager
def booted(**options):
    """A machine without the user vmail, whom other tests may have made."""
    with contextlib.ExitStack() as stack:
        try:
            machine = stack.enter_context(Machine(**options))
        except Unavailable as reason:
            pytest.skip(f"no machine of its own: {reason}")
        machine.run("userdel vmail", check=False)
        yield machine


def start_mariadb(machine):
    """As Debian's package leaves it."""
    machine.run(
        "mariadb-install-db --user=mysql --datadir=/var/lib/mysql && "
        "systemctl reset-failed mariadb && systemctl start mariadb")


class Walk:
    """The blocks, one after the other in a shell on a terminal."""

    # Answers to the portal's set-up: "" takes what it proposes. Language;
    # MariaDB's place and administrator, database; the views are there;
    # accounts; address, proxy, listen, limits; seal key; a mailbox as a proof,
    # no IMAP server, scheme; super admin; no relay; the end.
    SET_UP = ("en", "", "", "", "", "", "", f"https://{NAME}", "", "", "", "",
              SEAL_KEY, MAILBOX, HIDDEN, "-", "", ADMIN, HIDDEN, HIDDEN, "-",
              "yes")

    def __init__(self, machine, blocks):
        self.machine = machine
        self.blocks = [self.adapt(block) for block in blocks]
        self.password = OLD
        self.set_up = iter(self.SET_UP)
        self.hidden = iter(self.secrets())
        self.screen = ""
        self.mails = []

    def adapt(self, block):
        """What this administrator types in its place."""
        return block

    def secrets(self):
        """What the set-up is told in the places of HIDDEN."""
        return [NEW, PASSWORD, PASSWORD]

    def prepare(self):
        """What the machine is before."""

    def script(self):
        # What is typed does not get quicker, but libtool does.
        parts = ["set -eEuo pipefail\nexport CONFIG_SHELL=/bin/dash\n"]
        for number, block in enumerate(self.blocks):
            parts.append(f"printf '\\036{number}\\036'; read -r _\n")
            if not packages(block):
                parts.append(block)
        return "".join(parts)

    def answer(self, line):
        if step := STEP.fullmatch(line):
            self.before(self.blocks[int(step[1])])
            return ""
        if line.endswith("> "):
            answer = next(self.set_up)
            return next(self.hidden) if answer is HIDDEN else Visible(answer)
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
        elif "enable --now pymailadmin-web" in block:
            let_the_portal_start(self.machine)
        elif "nginx -t" in block:
            make_certificate(self.machine)

    def go(self):
        self.prepare()
        self.screen = self.machine.talk(self.script(), self.answer,
                                        cwd="/root", deadline=900)
        return self


class Installed(Walk):
    """Of a new administrator, but for step 2: what "make install" makes is in
    this root."""

    def __init__(self, machine, *parts):
        super().__init__(machine, [
            block for part in parts for blocks in part.values()
            for block in blocks if block not in MAIL_HOST[2]])

    def prepare(self):
        start_mariadb(self.machine)


def uninstall(machine):
    """Nothing of us is on the machine any more but the tree."""
    machine.run("make -s -C /src uninstall")
    left = machine.run(
        "find / -xdev -path /src -prune -o -path /proc -prune -o "
        # where tests keep what servers begin with
        "-path /srv -prune -o "
        "-name '*pymailadmin*' ! -name '*-tests*' -print").stdout.split()
    assert left == ["/usr/share/pymailadmin"] or left == []
    machine.run("rm -rf /usr/share/pymailadmin")


def let_the_portal_start(machine):
    """A machine inside another one may lack what its sandbox wants."""
    if machine.run("unshare --user true", check=False).returncode != 0:
        machine.run(f"mkdir -p {DROP_IN} && cat >{DROP_IN}/users.conf && "
                    "systemctl daemon-reload", input=WITHOUT_USERS)


def make_certificate(machine):
    """As certbot gets it, where there is none."""
    machine.run(
        "[ -d $0 ] || { mkdir -p $0; openssl req -x509 -newkey ec -pkeyopt "
        f"ec_paramgen_curve:P-256 -nodes -subj /CN={NAME} -keyout "
        "$0/privkey.pem -out $0/fullchain.pem; }".replace(
            "$0", f"/etc/letsencrypt/live/{NAME}"))


def deliver(machine, *mails, to=MAILBOX):
    with smtplib.LMTP(str(machine.path("/run/dovecot/lmtp"))) as lmtp:
        for mail in mails:
            assert lmtp.sendmail("sender@elsewhere.test", to, mail) == {}


@contextlib.contextmanager
def imap(password, address=MAILBOX, host="127.0.0.1"):
    session = imaplib.IMAP4(host)
    try:
        session.login(address, password)
        yield session
    finally:
        # Not imaplib's own way out, which leaves the socket open when it is
        # the server that ended the session.
        session.shutdown()


def stored(password, address=MAILBOX):
    """The mails in INBOX: what was delivered, after the headers of the
    delivery."""
    with imap(password, address) as session:
        session.select("INBOX", readonly=True)
        _, data = session.fetch("1:*", "(BODY.PEEK[])")
        return [part[1] for part in data if isinstance(part, tuple)]


def state(machine, address=MAILBOX):
    """The state of the newest request of the mailbox."""
    return json.loads(machine.run(
        f"doveadm -f json pymailadmin status -u {address}").stdout)[0]["state"]


def request(machine, old, new):
    machine.run(f"doveadm pymailadmin request password -u {MAILBOX}",
                input=f"{old}\n{new}\n")

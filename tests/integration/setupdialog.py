"""The portal's set-up, as a program and as a person answer it.

    answers = Answers(db, schema, folder, email="root@post.test")
    answers.pipe().expect(0)

    with answers.terminal() as terminal:
        terminal.expect("Language")
        terminal.send("en")
"""

import contextlib
import errno
import fcntl
import grp
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
import types

import pytest

from mariadb import MariaDB, free_port
from schemas import DEFAULT
from webportal import Portal, hash_password
from webserver import WebServer

PROGRAM = "pymailadmin-web"
SEAL_KEY = f"pymailadmin-seal-public:1:{'5a' * 32}"
EMAIL = "root@post.test"
PASSWORD = "marble Tuesday lantern riverboat"
ALICE = "alice@example.test"
MAILBOX_PASSWORD = "velvet compass Oslo thunderstorm"
HASH = "{ARGON2ID}" + hash_password(MAILBOX_PASSWORD, (19456, 2))
DEADLINE = 30


@pytest.fixture(scope="module", autouse=True)
def group():
    """As systemd-sysusers makes it."""
    try:
        return grp.getgrnam("pymailadmin-web")
    except KeyError:
        subprocess.run(["groupadd", "--system", "pymailadmin-web"], check=True)
        return grp.getgrnam("pymailadmin-web")


def fill(db, schema):
    """As fresh as after its installation, with one mailbox."""
    schema.create(db)
    db.sql("CREATE USER 'dovecot'@'localhost' IDENTIFIED BY 'dv'")
    schema.add_domain(db, "example.test")
    schema.add_mailbox(db, ALICE, HASH)


@pytest.fixture(scope="module")
def server():
    with MariaDB() as db:
        yield db


@pytest.fixture
def db(server):
    server.database = None
    server.sql("DROP DATABASE IF EXISTS mail")
    for row in server.sql("SELECT User, Host FROM mysql.user WHERE User IN "
                          "('adm', 'dovecot', 'pymailadmin_web')"):
        server.sql("DROP USER %s@%s", *row.values())
    fill(server, DEFAULT)
    yield server
    server.log_statements(False)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "etc"


class SetUpPortal(Portal):
    """The portal with the settings that the set-up has written."""

    def __init__(self, db, answers):
        super().__init__(mailhost=types.SimpleNamespace(db=db))
        self.web = WebServer(port=answers.port)
        self.web.config = answers.config
        self.web.settings.update(answers.settings())

    def start(self):
        self.web.start()
        return self


def tables_of_ours(db):
    return db.sql("SELECT TABLE_NAME FROM information_schema.TABLES "
                  "WHERE TABLE_NAME LIKE 'pymailadmin\\_%'")


class Done:
    def __init__(self, code, text):
        self.code, self.text = code, text

    def expect(self, code, *patterns):
        __tracebackhide__ = True
        assert self.code == code, f"{self.code}\n{self.text}"
        for pattern in patterns:
            assert re.search(pattern, self.text), f"{pattern}\n{self.text}"
        return self


class Answers:
    """One for each question of a first set-up, by names; None: the question
    does not come."""

    def __init__(self, db, schema, folder, **changes):
        self.config = folder / "web.conf"
        self.port = free_port()
        self.values = {
            "language": "en",
            "place": str(db.socket), "user": "root", "admin_password": None,
            "database": schema.database,
            "again": None, "use": "yes",
            **{f"name{number}": None for number in range(15)},
            "load": "yes",
            "web_account": "", "dovecot_account": "dovecot@localhost",
            "base_url": "https://mail.example.org", "proxies": "127.0.0.1",
            "listen": f"127.0.0.1:{self.port}", "mailboxes": "4",
            "aliases": "50",
            "seal_key": SEAL_KEY,
            "mailbox": "-", "mailbox_password": None, "imap": None,
            "imap_ca": None, "scheme": "",
            "email": EMAIL, "password": PASSWORD, "repeat": PASSWORD,
            "smtp": "-", "smtp_ca": None, "smtp_user": None,
            "smtp_password": None, "from": None, "registration": None,
            "test_mail": None,
            "finish": "yes"}
        unknown = set(changes) - set(self.values)
        assert not unknown, unknown
        self.values.update(changes)

    def lines(self, until=None):
        found = []
        for name, value in self.values.items():
            if name == until:
                break
            if value is not None:
                found.append(value)
        return found

    def pipe(self, until=None, *, text=None):
        """All at once; until names the first that is not given."""
        if text is None:
            text = "".join(f"{line}\n" for line in self.lines(until))
        run = subprocess.run(
            [PROGRAM, "--setup", self.config], input=text, text=True,
            check=False, timeout=DEADLINE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env={**os.environ, "LANG": "C.UTF-8"})
        return Done(run.returncode, run.stdout)

    @contextlib.contextmanager
    def terminal(self):
        terminal = Terminal([PROGRAM, "--setup", str(self.config)])
        try:
            yield terminal
        finally:
            terminal.close()

    def settings(self):
        """What the file sets."""
        return dict(re.findall(r"^([a-z_0-9]+) = *(.*)$",
                               self.config.read_text(), re.MULTILINE))


class Terminal:
    """A program whose terminal this is."""

    def __init__(self, command):
        self.shown, self.seen = "", 0
        master, slave = pty.openpty()
        self.master = master

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave,
            preexec_fn=take_terminal, env={**os.environ, "LANG": "C.UTF-8"})
        os.close(slave)

    def _read(self, seconds):
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError as error:
            assert error.errno == errno.EIO
            data = b""
        self.shown += data.decode(errors="replace")
        return bool(data)

    def expect(self, pattern):
        """Waits for what was not waited for yet; lines may break anywhere."""
        __tracebackhide__ = True
        pattern = re.sub(r" (?!\$)", r"\\s+", pattern)
        end = time.monotonic() + DEADLINE
        while not (match := re.search(pattern, self.shown[self.seen:])):
            if not self._read(max(0, end - time.monotonic())):
                raise AssertionError(f"{pattern} did not come:\n{self.shown}")
        self.seen += match.end()
        return match

    def ask(self, pattern, answer):
        """Answers a question that has come as a whole."""
        self.expect(pattern + r"[^\n>]*> $")
        self.send(answer)

    def send(self, line):
        os.write(self.master, f"{line}\n".encode())

    def press(self, key):
        os.write(self.master, key)

    def echoes(self):
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def ended(self):
        """Its exit code."""
        while self._read(DEADLINE):
            pass
        return self.process.wait(DEADLINE)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self.master)

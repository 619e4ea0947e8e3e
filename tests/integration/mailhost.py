"""A real mail host for tests: MariaDB and Dovecot in a scratch folder."""

import dataclasses
import hashlib
import json
import os
import pathlib
import pwd
import re
import resource
import secrets
import shlex
import shutil
import subprocess
import tempfile

import mailclients
import mailconfig
from mariadb import DEADLINE, MariaDB, free_port, wait_until

DOMAIN = "example.test"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
MODULES = "/usr/lib/dovecot/modules"
HIDE = f'mount --bind "$1" {MODULES} && shift && exec "$@"'
CORE_PATTERN = pathlib.Path("/proc/sys/kernel/core_pattern")
# Never in a log, whatever a test does.
UNWANTED = re.compile(
    r"Panic:|Fatal:|Raw backtrace|Assert|[Ll]eaked|killed with signal|"
    r"Segmentation|core dumped|Unknown setting|mem_equals")
# Dovecot 2.4.1: auth answers a client that has died since it asked for a user.
AUTH_KILLED = r"service\(auth\): child \d+ killed with signal 11"
# Dovecot 2.4.1 and libmariadb 3.4: a handle whose connection was refused is
# connected again.
WORKER_KILLED = r"service\(auth-worker\): child \d+ killed with signal 11"
WORKER_CORE = r"#0 .* in mysql_optionsv .*\n#1 .* in mysql_real_connect "
running = []


@dataclasses.dataclass
class Result:
    """What a command did."""
    command: str
    code: int
    stdout: str
    stderr: str

    @property
    def json(self):
        return json.loads(self.stdout)

    @property
    def output(self):
        return self.stdout + self.stderr

    def expect(self, code):
        """Fails, and shows all, if the exit code is another."""
        __tracebackhide__ = True
        if self.code != code:
            raise AssertionError(f"exit code {code} was expected: {self}")
        return self

    def __str__(self):
        return (f"{self.command}\nexit code {self.code}\n"
                f"stdout: {self.stdout}\nstderr: {self.stderr}")


class Clock:
    """Time as a process under libfaketime sees it, moved by a test."""

    def __init__(self, path):
        self.path = path
        self.offset = 0
        self.move(0)

    def move(self, seconds):
        self.offset += seconds
        new = self.path.with_suffix(".new")
        new.write_text(f"{self.offset:+d}\n")
        new.chmod(0o644)
        new.rename(self.path)

    @property
    def environment(self):
        return {**os.environ, "LD_PRELOAD": FAKETIME,
                "FAKETIME_TIMESTAMP_FILE": str(self.path),
                "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@dataclasses.dataclass
class Mailbox:
    """An account of the host, and the clients its owner uses."""
    host: "MailHost"
    address: str
    password: str
    request_id: str = None

    @property
    def home(self):
        local, _, domain = self.address.partition("@")
        return self.host.homes / domain / local

    def imap(self, password=None):
        session = mailclients.Imap(self.host.imap_port)
        try:
            return session.log_in(self.address, password or self.password)
        except BaseException:
            session.shutdown()
            raise

    def pop3(self, password=None):
        session = mailclients.Pop3(self.host.pop3_port)
        try:
            return session.log_in(self.address, password or self.password)
        except BaseException:
            session.close()
            raise

    def smtp_auth(self, password=None):
        return mailclients.smtp_auth(self.host.run / "auth-smtp",
                                     self.address, password or self.password)

    def deliver(self, *messages, detail=None):
        """Delivers by LMTP; fails unless all are accepted."""
        local, _, domain = self.address.partition("@")
        recipient = f"{local}+{detail}@{domain}" if detail else self.address
        with self.host.lmtp() as lmtp:
            for message in messages:
                answer = lmtp.deliver(recipient, message)
                assert answer[0] == 250, answer

    def mails(self, folder="INBOX", password=None):
        with self.imap(password) as imap:
            return imap.mails(folder)

    def everything(self, password=None):
        with self.imap(password) as imap:
            return imap.everything()

    def attributes(self):
        """Dovecot's attribute dict: key -> value."""
        lines = (self.home / "dovecot-attributes").read_text().split("\n")
        return dict(zip(lines[::2], lines[1::2]))

    def stored_hash(self):
        return self.host.db.value("SELECT crypt FROM users WHERE email = %s",
                                  self.address)


def key_password(password):
    """The key password that follows from a login password."""
    return hashlib.sha256(password.encode()).hexdigest()


class MailHost:
    """Dovecot with per-user keys and the database, on loopback ports.

    driver and plugin say which modules of pymailadmin are loaded; stock hides
    even those from Dovecot that it loads unasked. With clock, the database's
    time is that of self.clock."""

    def __init__(self, *, mail_driver="maildir", driver=True, plugin=True,
                 stock=False, auth_cache=False, clock=False,
                 scheme="SSHA512", depth="keys", extra_conf=""):
        self.scheme = scheme
        self.mail_driver = mail_driver
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="mailhost-",
                                                     dir="/tmp"))
        self.scratch.chmod(0o755)
        self.run = self.scratch / "run"
        self.homes = self.scratch / "homes"
        self.log_path = self.scratch / "dovecot.log"
        self.config_path = self.scratch / "dovecot.conf"
        self.seal_key = self.scratch / "seal.key"
        self.api_key = secrets.token_hex(8)
        self.database_password = secrets.token_hex(8)
        self.imap_port, self.pop3_port, self.lmtp_port, self.http_port = (
            free_port() for _ in range(4))
        self.clock = Clock(self.scratch / "clock") if clock else None
        self.options = dict(
            driver=driver, plugin=plugin, auth_cache=auth_cache,
            extra=extra_conf, mail_driver=mail_driver, depth=depth,
            settings=not stock)
        self.hide = []
        if stock:
            self.options.update(driver=False, plugin=False)
            self.hide = ["unshare", "--mount", "sh", "-c", HIDE, "sh",
                         stock_modules(self.scratch)]
        self.db = MariaDB(env=self.clock.environment if clock else None)
        self.dovecot = None
        self.expected, self.expected_cores, self.said = [], [], []
        self._log_seen = 0

    # ---- start and stop

    def start(self):
        ensure_user("vmail")
        self.homes.mkdir()
        shutil.chown(self.homes, "vmail", "vmail")
        self.log_path.touch()
        self.db.start()
        self.db.create_mail_database(self.database_password)
        self.db.sql("INSERT INTO domain (domain) VALUES (%s)", DOMAIN)
        self.write_config()
        running.append(self)
        self.start_dovecot()
        if not self.hide:
            self.seal_public_key = self.keygen().stdout.strip()
        return self

    def write_config(self, **changed):
        self.options.update(changed)
        self.config_path.write_text(self.config())
        self.config_path.chmod(0o600)

    def config(self, **changed):
        values = dict(
            folder=self.scratch, run=self.run, log=self.log_path, homes=self.homes,
            database_socket=self.db.socket,
            database_password=self.database_password, imap=self.imap_port,
            pop3=self.pop3_port, lmtp=self.lmtp_port, http=self.http_port,
            api_key=self.api_key, seal_key=self.seal_key, scheme=self.scheme,
            **self.options)
        return mailconfig.config(**{**values, **changed})

    def start_dovecot(self):
        seen = self.log_path.stat().st_size
        self.dovecot = subprocess.Popen(
            [*self.hide, "dovecot", "-F", "-c", self.config_path], cwd=self.scratch,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, preexec_fn=allow_cores,
            start_new_session=True)

        def started():
            if self.dovecot.poll() is not None:
                raise RuntimeError("dovecot ended: " +
                                   self.dovecot.stdout.read().decode() +
                                   self.log_since(seen))
            return "starting up" in self.log_since(seen)
        wait_until(started, "start of dovecot")
        # A greeting needs the processes that SIGTERM must find ready.
        mailclients.Imap(self.imap_port).shutdown()

    def stop_dovecot(self):
        if self.dovecot is None:
            return
        self.dovecot.terminate()
        try:
            self.dovecot.wait(DEADLINE)
        finally:
            self.dovecot.kill()
            self.dovecot.stdout.close()
            self.dovecot = None

    def restart_dovecot(self, **changed):
        """Ends all sessions, applies changed options, starts anew."""
        self.stop_dovecot()
        self.write_config(**changed)
        self.start_dovecot()

    def close(self):
        """Stops everything; fails if a server complained of a bug."""
        if self in running:
            running.remove(self)
        try:
            self.stop_dovecot()
        finally:
            self.db.kill()
        self.check()
        shutil.rmtree(self.scratch)
        shutil.rmtree(self.db.directory)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    # ---- what the servers said

    def log(self):
        return self.log_path.read_text(errors="replace")

    def log_since(self, position):
        with self.log_path.open("rb") as file:
            file.seek(position)
            return file.read().decode(errors="replace")

    def log_position(self):
        return self.log_path.stat().st_size

    def wait_log(self, text, position):
        """The first line from a position on that holds a text."""
        return wait_until(
            lambda: next((line for line in self.log_since(position).split("\n")
                          if text in line), None), f"{text!r} in the log", 10)

    def logs(self):
        return [self.log_path, self.db.error_log]

    def expect_log(self, pattern):
        """A line that is no bug here, though it looks like one."""
        self.expected.append(re.compile(pattern))

    def expect_core(self, pattern):
        """A backtrace of somebody else's bug."""
        self.expected_cores.append(re.compile(pattern))

    def complaints(self):
        return [line for line in self.log().splitlines() + self.said
                if UNWANTED.search(line)
                and not any(each.search(line) for each in self.expected)]

    def cores(self):
        """Backtraces of core dumps of anything that ran here."""
        pattern = CORE_PATTERN.read_text().strip()
        folders = [self.scratch, self.db.directory, pathlib.Path("/root")]
        if pattern.startswith("/"):
            folders.append(pathlib.Path(pattern).parent)
        found = [backtrace(path) for folder in folders
                 for path in folder.rglob("core*") if path.is_file()
                 and path.read_bytes()[:4] == b"\x7fELF"]
        return [core for core in found
                if not any(each.search(core) for each in self.expected_cores)]

    def check(self):
        complaints, cores = self.complaints(), self.cores()
        assert complaints == [] and cores == [], (complaints, cores)

    # ---- commands

    def command(self, *words, input=None, env=None, timeout=DEADLINE):
        """Runs a program of the host to its end."""
        done = subprocess.run(
            [*self.hide, *map(str, words)], capture_output=True, text=True,
            errors="replace", env={**os.environ, **(env or {})},
            cwd=self.scratch, timeout=timeout, preexec_fn=allow_cores,
            **({"stdin": subprocess.DEVNULL} if input is None
               else {"input": input}))
        self.said += [line for line in done.stderr.splitlines()
                      if UNWANTED.search(line) and "Fatal:" not in line]
        return Result(shlex.join(map(str, words)), done.returncode,
                      done.stdout, done.stderr)

    def doveadm(self, *words, **options):
        return self.command("doveadm", "-c", self.config_path, *words,
                            **options)

    def must(self, *words, **options):
        """doveadm that has to succeed: its result."""
        return self.doveadm(*words, **options).expect(0)

    def spawn(self, *words, **options):
        """doveadm in the background."""
        return subprocess.Popen(
            [*self.hide, "doveadm", "-c", self.config_path,
             *map(str, words)], cwd=self.scratch, text=True, preexec_fn=allow_cores,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
               "stderr": subprocess.STDOUT, **options})

    def http(self, *commands):
        return mailclients.doveadm_http(self.http_port, self.api_key,
                                        *commands)

    def lmtp(self):
        return mailclients.Lmtp(self.lmtp_port)

    def hash(self, password, scheme=None):
        return self.must("pw", "-s", scheme or self.scheme,
                         input=f"{password}\n{password}\n").stdout.strip()

    # ---- accounts

    def create(self, name, password=None, *, key=True, scheme=None):
        """A mailbox with its row and, if key, its user key."""
        mailbox = Mailbox(self, f"{name}@{DOMAIN}",
                          password or secrets.token_urlsafe(12))
        self.db.sql("INSERT INTO users (domain_id, email, crypt) "
                    "SELECT id, %s, %s FROM domain WHERE domain = %s",
                    mailbox.address, self.hash(mailbox.password, scheme),
                    DOMAIN)
        if key:
            self.must("-o", "crypt_user_key_password=" +
                      key_password(mailbox.password), "mailbox", "cryptokey",
                      "generate", "-u", mailbox.address, "-U")
        return mailbox

    # ---- the main job

    def keygen(self, *words):
        return self.must("pymailadmin", "keygen", *words)

    def request(self, mailbox, new, old=None):
        """Files a request for a new password."""
        result = self.doveadm(
            "pymailadmin", "request", "password", "-u", mailbox.address,
            input=f"{old or mailbox.password}\n{new}\n")
        if result.code == 0:
            mailbox.request_id = result.stdout.split()[1]
        return result

    def process(self, *words, **options):
        return self.doveadm("pymailadmin", "process", *words, **options)

    def requests(self, mailbox):
        """Rows of "status" of a mailbox, the open or newest first."""
        return self.must("-f", "json", "pymailadmin", "status", "-u",
                         mailbox.address).json

    def row(self, mailbox):
        """The request filed last as it is in the database."""
        rows = self.db.sql("SELECT * FROM pymailadmin_request WHERE id = %s",
                           mailbox.request_id)
        return rows[0] if rows else None


def stock_modules(folder):
    """A copy of Dovecot's modules without ours."""
    return shutil.copytree(MODULES, folder / "modules", symlinks=True,
                           ignore=shutil.ignore_patterns("*pymailadmin*"))


def ensure_user(name):
    try:
        pwd.getpwnam(name)
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home",
                        "--user-group", name], check=True)


def backtrace(core):
    """Who dumped core, and where."""
    name = subprocess.run(
        ["gdb", "-batch", "-nx", "-c", core], capture_output=True,
        text=True).stdout
    match = re.search(r"generated by `(\S+)", name)
    program = {"doveadm": "/usr/bin/doveadm"}.get(
        match[1], f"/usr/lib/dovecot/{match[1].rpartition('/')[2]}") \
        if match else ""
    return name + subprocess.run(
        ["gdb", "-batch", "-nx", "-ex", "bt", program, core],
        capture_output=True, text=True).stdout


def allow_cores():
    infinity = resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_CORE, (infinity, infinity))

"""No secret is anywhere but in the memory of who uses it."""

import base64
import pathlib
import signal
import subprocess
import threading

import pytest

import creations
import faults
from changes import assert_opens, fill, name_of
from mailhost import CORE_PATTERN, MailHost, key_password
from mariadb import wait_until

OLD, NEW = "old-Pa55word-of-the-test", "new-Pa55word-of-the-test"


@pytest.fixture(scope="module", params=["maildir", "sdbox"])
def host(request):
    # What an admin may switch on to find a fault, and forget.
    with MailHost(mail_driver=request.param, scheme="ARGON2ID",
                  extra_conf="auth_debug = yes\nauth_verbose = yes\n"
                             "mail_debug = yes\n") as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    mailbox = host.create(name_of(request), OLD)
    fill(mailbox)
    return mailbox


def forms(*passwords):
    """A secret and what follows from it, in the ways it could be written."""
    found = {}
    for password in passwords:
        for secret in (password, key_password(password)):
            data = secret.encode()
            for form in (data, data.hex().encode(),
                         data.hex().upper().encode(),
                         base64.b64encode(data).rstrip(b"=")[:-1]):
                found[form] = f"{secret[:8]} as {form[:12]}"
    return found


def leaks(data, secrets):
    return {what for form, what in secrets.items() if form in data}


class Watch:
    """Reads what every user of the machine may see of all processes."""

    def __init__(self, secrets):
        self.secrets, self.found, self.rounds = secrets, set(), 0
        self.names = set()
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join(30)

    def _run(self):
        while not self.stopped.is_set():
            self.rounds += 1
            for name in ("cmdline", "environ"):
                for path in pathlib.Path("/proc").glob(f"[0-9]*/{name}"):
                    try:
                        data = path.read_bytes()
                    except OSError:
                        continue
                    self.found |= leaks(data, self.secrets)
                    if b"pymailadmin" in data and b"doveadm" in data:
                        self.names.add(data.split(b"\0")[-2])


def test_the_search_finds_what_is_there():
    secrets = forms(NEW)
    for text in (NEW, key_password(NEW), NEW.encode().hex(),
                 base64.b64encode(NEW.encode()).decode()):
        assert leaks(f"... {text} ...".encode(), secrets)
    with Watch(secrets) as watch:
        child = subprocess.Popen(["cat", "-", f"--{NEW}"],
                                 stdin=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL)
        sleeper = subprocess.Popen(["sh", "-c", "read x", NEW],
                                   stdin=subprocess.PIPE)
        wait_until(lambda: watch.found, "the secret of a command line", 10)
    for each in (child, sleeper):
        each.stdin.close()
        each.wait(10)


def test_a_change_tells_nobody(host, mailbox):
    secrets = forms(OLD, NEW)
    host.db.log_statements()
    seen = host.log_position()
    with Watch(secrets) as watch:
        filed = host.request(mailbox, NEW).expect(0)
        done = host.process().expect(0)
        rounds = watch.rounds
        wait_until(lambda: watch.rounds > rounds + 1, "a look after it", 30)
    host.db.log_statements(False)
    assert b"process" in watch.names, "process was never seen"
    assert watch.found == set()
    statements = host.db.logged()
    assert "pymailadmin_request" in statements and "UPDATE" in statements
    assert leaks(statements.encode(), secrets) == set()
    assert leaks((filed.output + done.output).encode(), secrets) == set()
    assert leaks(host.log_since(seen).encode(), secrets) == set()
    assert leaks(whole_database(host), secrets) == set()
    for path in mailbox.home.rglob("pymailadmin*"):
        assert leaks(path.read_bytes(), secrets) == set()


def test_a_mailbox_that_is_made_tells_nobody(host, request):
    mailbox = creations.new_mailbox(host, name_of(request))
    mailbox.password = NEW
    secrets = forms(NEW)
    host.db.log_statements()
    seen = host.log_position()
    creations.file(mailbox, new_hash=host.hash(NEW))
    assert leaks(whole_database(host), secrets) == set()
    with Watch(secrets) as watch:
        done = host.process().expect(0)
        rounds = watch.rounds
        wait_until(lambda: watch.rounds > rounds + 1, "a look after it", 30)
    host.db.log_statements(False)
    assert watch.found == set()
    statements = host.db.logged()
    assert "pymailadmin_create_begin" in statements
    assert leaks(statements.encode(), secrets) == set()
    assert leaks(done.output.encode(), secrets) == set()
    assert leaks(host.log_since(seen).encode(), secrets) == set()
    assert leaks(whole_database(host), secrets) == set()
    for path in mailbox.home.rglob("*"):
        if path.is_file():
            assert leaks(path.read_bytes(), secrets) == set(), path
    creations.assert_made(mailbox)


def whole_database(host):
    return subprocess.run(
        ["mariadb-dump", "--no-defaults", f"--socket={host.db.socket}",
         "--user=root", "--hex-blob", "mail"], check=True,
        capture_output=True).stdout


def test_the_sealed_request_tells_nothing(host, mailbox):
    """Before it is worked on, and after it is wiped."""
    secrets = forms(OLD, NEW)
    host.request(mailbox, NEW).expect(0)
    assert leaks(host.row(mailbox)["sealed"], secrets) == set()
    assert leaks(whole_database(host), secrets) == set()
    host.must("pymailadmin", "cancel", "-u", mailbox.address)
    assert host.row(mailbox)["sealed"] is None


def test_a_failed_change_tells_nobody(host, mailbox):
    secrets = forms(OLD, NEW, "a-wrong-0ld-word")
    seen = host.log_position()
    refused = host.request(mailbox, NEW, old="a-wrong-0ld-word")
    refused.expect(77)
    host.request(mailbox, NEW).expect(0)
    host.db.sql("UPDATE users SET crypt = %s WHERE email = %s",
                host.hash("something else"), mailbox.address)
    failed = host.process().expect(65)
    row = host.row(mailbox)
    for text in (refused.output, failed.output, row["reason"],
                 host.log_since(seen)):
        assert leaks(text.encode(), secrets) == set()


def test_the_journal_tells_nothing(host, mailbox):
    """Killed in the middle of the change: what is on the disk then."""
    secrets = forms(OLD, NEW)
    before = mailbox.everything()
    host.request(mailbox, NEW).expect(0)
    assert faults.killed_at(host, "rename", 2) not in (0, 75)
    journal = mailbox.home / "pymailadmin.journal"
    assert journal.stat().st_mode & 0o7777 == 0o600
    for path in mailbox.home.rglob("*"):
        if path.is_file():
            assert leaks(path.read_bytes(), secrets) == set(), path
    (mailbox.home / "dovecot-attributes.lock").unlink(missing_ok=True)
    host.process().expect(0)
    assert_opens(mailbox, NEW, before)


def test_process_dumps_no_core(host, mailbox):
    """Ended by SIGABRT while it holds the passwords."""
    host.request(mailbox, NEW).expect(0)
    with host.db.connect(autocommit=False) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT * FROM users WHERE email = %s FOR UPDATE",
                       mailbox.address)
        run = host.spawn("pymailadmin", "process")
        # It waits with the lock on the mailbox, before the hash is set.
        wait_until(lambda: host.db.value(
            "SELECT state FROM pymailadmin_request WHERE id = %s",
            mailbox.request_id) == "switching", "the switch", 20)
        assert not readable_memory(run.pid)
        run.send_signal(signal.SIGABRT)
        run.communicate(timeout=30)
        connection.rollback()
    assert run.returncode == -signal.SIGABRT
    assert host.cores() == []
    host.process().expect(0)
    assert mailbox.smtp_auth(NEW).startswith("OK\t1")


def readable_memory(pid):
    """May the mail user read the process's memory?"""
    done = subprocess.run(
        ["setpriv", "--reuid", "vmail", "--clear-groups", "cat",
         f"/proc/{pid}/environ"], capture_output=True)
    return done.returncode == 0


def test_cores_are_found(host):
    """The bench itself: what dumps core is noticed."""
    if CORE_PATTERN.read_text().startswith("|"):
        pytest.skip("this machine pipes core dumps to a program")
    run = subprocess.Popen(["sh", "-c", "ulimit -c unlimited; kill -ABRT $$"],
                           cwd=host.scratch)
    run.wait(10)
    found = host.cores()
    assert len(found) == 1 and "generated by" in found[0]
    for path in host.scratch.rglob("core*"):
        path.unlink()


def test_doveconf_shows_no_secret(host):
    shown = host.command("doveconf", "-c", host.config_path, "-n", "-P")
    assert "pymailadmin_seal_key_path" in shown.stdout
    assert host.seal_key.read_text().strip() not in shown.stdout


def test_the_seal_key_is_private(host):
    status = host.seal_key.stat()
    assert (status.st_uid, status.st_mode & 0o7777) == (0, 0o600)
    again = host.doveadm("pymailadmin", "keygen")
    assert again.code != 0
    assert host.seal_key.stat().st_mtime_ns == status.st_mtime_ns

"""What once went wrong with odd rows, tables, files, dicts and terminals. Each
test is named by what was seen."""

import contextlib
import os
import pty
import secrets
import select
import shutil
import subprocess
import termios
import time

import pymysql
import pytest

import locks
from changes import (assert_clean, assert_ended, assert_not_changed,
                     assert_opens, assert_refused, change, fill, name_of)
from mailhost import MailHost, allow_cores
from mariadb import DEADLINE, wait_until

EX_DATAERR, EX_TEMPFAIL, EX_CONFIG = 65, 75, 78
NEW = "the new password"
FS_DICT = """
mail_attribute {
  dict file {
    driver = fs
    fs posix {
      prefix = %{home}/attributes/
    }
  }
}
"""


@pytest.fixture(scope="module")
def host():
    with MailHost() as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    mailbox = host.create(name_of(request))
    fill(mailbox)
    return mailbox


# The database

@pytest.fixture
def no_odd_rows(host):
    yield
    host.db.sql("DELETE FROM pymailadmin_request WHERE sealed = 'odd'")


def insert_unstrict(host, **values):
    """A request of somebody who asks the database not to be strict."""
    row = {"id": secrets.token_hex(16), "kind": "password", "state": "pending",
           "address": "odd@example.test", "created_at": "2020-01-01 00:00:00",
           "sealed": b"odd", **values}
    with host.db.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = ''")
        cursor.execute(
            f"INSERT INTO pymailadmin_request ({', '.join(row)}) "
            f"VALUES ({', '.join(['%s'] * len(row))})", list(row.values()))
    return row["id"]


ODD_VALUES = {
    "no-kind": ({"kind": ""}, "request_kind_known"),
    "unknown-kind": ({"kind": "rename"}, "request_kind_known"),
    "no-state": ({"state": ""}, "request_state_known"),
    "date-of-zeros": ({"created_at": "0000-00-00 00:00:00"},
                      "request_created_after_2000"),
    "newline": ({"address": "a\nb@example.test"},
                "request_address_printable"),
    "escape": ({"address": "a\x1b[2J@example.test"},
               "request_address_printable"),
}


@pytest.mark.parametrize("values, constraint", ODD_VALUES.values(),
                         ids=ODD_VALUES)
@pytest.mark.usefixtures("no_odd_rows")
def test_an_unstrict_database_takes_odd_rows(host, values, constraint):
    with pytest.raises(pymysql.err.OperationalError, match=constraint):
        insert_unstrict(host, **values)


@contextlib.contextmanager
def without_constraint(host, name):
    [check] = host.db.sql(
        "SELECT CHECK_CLAUSE AS clause FROM information_schema."
        "CHECK_CONSTRAINTS WHERE CONSTRAINT_NAME = %s", name)
    host.db.sql(f"ALTER TABLE pymailadmin_request DROP CONSTRAINT {name}")
    try:
        yield
    finally:
        host.db.sql("DELETE FROM pymailadmin_request WHERE sealed = 'odd'")
        host.db.sql("ALTER TABLE pymailadmin_request ADD CONSTRAINT "
                    f"{name} CHECK ({check['clause']})")


@pytest.mark.parametrize("column", ["kind", "state"])
def test_one_odd_row_stops_all_changes(host, mailbox, column):
    before, old = mailbox.everything(), mailbox.password
    with without_constraint(host, f"request_{column}_known"):
        odd = insert_unstrict(host, **{column: ""})
        host.request(mailbox, NEW).expect(0)
        result = host.process().expect(0)
        assert f"request {odd} is of an unknown kind or state" in result.stderr
        assert [row["request"] for row in host.requests(mailbox)] == \
            [mailbox.request_id]
    mailbox.password = NEW
    assert_opens(mailbox, NEW, before)
    assert_refused(mailbox, old)


def test_a_hash_is_cut_to_the_width_of_its_column():
    with MailHost() as host:
        mailbox = host.create("short", scheme="SHA256-CRYPT")
        fill(mailbox)
        before = mailbox.everything()
        stored = mailbox.stored_hash()
        host.db.sql("ALTER TABLE users MODIFY crypt VARCHAR(90) NOT NULL")
        host.db.sql("SET GLOBAL sql_mode = ''")
        assert len(host.hash(NEW)) > 90
        host.request(mailbox, NEW).expect(0)
        host.process().expect(EX_DATAERR)
        row = assert_ended(mailbox, "failed", "hash_not_written")
        assert "Data too long" in row["reason"]
        assert mailbox.stored_hash() == stored
        assert_not_changed(mailbox, NEW, before)
        host.db.sql("ALTER TABLE users MODIFY crypt VARCHAR(255) NOT NULL")
        change(mailbox, NEW)


# The home

@pytest.mark.parametrize("age", [-3600, 3600], ids=["future", "old"])
def test_a_left_lock_of_the_attributes_blocks_for_long(host, mailbox, age):
    before, old = mailbox.everything(), mailbox.password
    host.request(mailbox, NEW).expect(0)
    lock = mailbox.home / "dovecot-attributes.lock"
    lock.touch(0o600)
    shutil.chown(lock, "vmail", "vmail")
    os.utime(lock, (time.time() - age,) * 2)
    begin = time.monotonic()
    result = host.process().expect(0)
    assert time.monotonic() - begin < 15
    assert "removing the lock file of a process that is gone" in result.stderr
    mailbox.password = NEW
    assert_opens(mailbox, NEW, before)
    assert_refused(mailbox, old)
    assert_clean(mailbox)


def test_a_change_trusts_lock_files_that_it_has_just_made(host, mailbox):
    before, old = mailbox.everything(), mailbox.password
    host.request(mailbox, NEW).expect(0)
    for name in (locks.GATE, locks.LOCK):
        (mailbox.home / name).unlink()
    host.process().expect(EX_TEMPFAIL)
    row = host.row(mailbox)
    assert (row["state"], row["outcome"]) == ("pending", "busy"), row
    assert "sessions from before are told to end" in row["reason"]
    host.must("pymailadmin", "retry", "-u", mailbox.address)
    host.process().expect(0)
    mailbox.password = NEW
    assert_opens(mailbox, NEW, before)
    assert_refused(mailbox, old)
    assert_clean(mailbox)


def test_a_session_from_before_the_lock_files_stays(host, mailbox):
    old = mailbox.password
    session = mailbox.imap()
    session.folders()
    for name in (locks.GATE, locks.LOCK):
        (mailbox.home / name).unlink()
    host.request(mailbox, NEW).expect(0)
    host.process().expect(EX_TEMPFAIL)

    def ended():
        try:
            session.noop()
        except (OSError, session.abort):
            return True
        return False
    wait_until(ended, "the session ends", 10)
    session.shutdown()
    host.must("pymailadmin", "retry", "-u", mailbox.address)
    host.process().expect(0)
    assert_refused(mailbox, old)
    assert mailbox.smtp_auth(NEW).startswith("OK\t1")


def test_folder_keys_that_nothing_opens_go_unsaid(host, mailbox):
    other = host.create(name_of_other(mailbox))
    fill(other)
    foreign = [(name, value) for name, value in other.attributes().items()
               if name.startswith("priv/") and "/pvt/server/" not in name
               and "/privkeys/" in name]
    assert len(foreign) > 1
    with (mailbox.home / "dovecot-attributes").open("a") as file:
        for name, value in foreign:
            file.write(f"{name}\n{value}\n")
    before, old = mailbox.everything(), mailbox.password
    host.request(mailbox, NEW).expect(0)
    host.process().expect(0)
    assert_ended(mailbox, "done", "done")
    [row] = host.requests(mailbox)
    assert row["reason"] == (f"{len(foreign)} folder keys that no user key "
                             "opens were left alone")
    assert dict(foreign).items() <= mailbox.attributes().items()
    mailbox.password = NEW
    assert_opens(mailbox, NEW, before)
    assert_refused(mailbox, old)


def name_of_other(mailbox):
    return mailbox.address.partition("@")[0] + "-other"


def test_nobody_logs_in_with_a_dict_that_changes_cannot_use():
    with MailHost(extra_conf=FS_DICT) as host:
        mailbox = host.create("fs")
        fill(mailbox)
        before = mailbox.everything()
        assert before["INBOX"]
        assert_opens(mailbox, mailbox.password, before)
        host.request(mailbox, NEW).expect(0)
        host.process().expect(EX_DATAERR)
        row = assert_ended(mailbox, "failed", "keys_unreadable")
        reason = "dict driver fs cannot change several keys"
        assert reason in row["reason"]
        checked = host.doveadm("pymailadmin", "check", "-u", mailbox.address)
        assert checked.code == EX_CONFIG and reason in checked.output, checked
        assert_not_changed(mailbox, NEW, before)


# The terminal

class Terminal:
    """"request password" at a terminal, and what it shows."""

    def __init__(self, mailbox):
        self.master, self.slave = pty.openpty()
        self.shown = b""
        assert self.echoes()
        self.run = subprocess.Popen(
            ["setsid", "--ctty", "doveadm", "-c", mailbox.host.config_path,
             "pymailadmin", "request", "password", "-u", mailbox.address],
            stdin=self.slave, stdout=self.slave, stderr=self.slave,
            cwd=mailbox.host.scratch, preexec_fn=allow_cores)

    def echoes(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def read(self):
        while select.select([self.master], [], [], 0)[0]:
            self.shown += os.read(self.master, 4096)
        return self.shown.decode()

    def type(self, prompt, line, end="\n"):
        """Types when it is asked to, and nothing is shown any more."""
        wait_until(lambda: self.read().rstrip().endswith(prompt + ":") and
                   not self.echoes(), f"the prompt {prompt!r}", 10)
        os.write(self.master, (line + end).encode())

    def end(self):
        """Exit code, and all it has shown."""
        try:
            self.run.wait(DEADLINE)
            assert self.echoes()
            return self.run.returncode, self.read()
        finally:
            self.run.kill()
            self.run.wait()
            os.close(self.master)
            os.close(self.slave)


def test_a_password_too_long_for_the_terminal_panics(host, mailbox):
    before = mailbox.everything()
    terminal = Terminal(mailbox)
    terminal.type("Old password", mailbox.password)
    terminal.type("New password", "x" * 600)
    code, shown = terminal.end()
    assert code == EX_DATAERR, shown
    assert "new password is too long" in shown
    assert "Panic" not in shown and "x" * 10 not in shown
    assert mailbox.password not in shown
    assert host.row(mailbox) is None
    assert_not_changed(mailbox, "x" * 512, before)


def test_ctrl_c_at_the_prompt_is_not_heard(host, mailbox):
    terminal = Terminal(mailbox)
    terminal.type("Old password", mailbox.password)
    terminal.type("New password", "half a pass", end="\x03")
    code, shown = terminal.end()
    assert code == os.EX_NOINPUT and "canceled" in shown, shown
    assert host.row(mailbox) is None


def test_a_password_mistyped_at_the_terminal_is_filed(host, mailbox):
    terminal = Terminal(mailbox)
    terminal.type("Old password", mailbox.password)
    terminal.type("New password", NEW)
    terminal.type("New password again", NEW + "x")
    code, shown = terminal.end()
    assert code == EX_DATAERR, shown
    assert "the two passwords differ" in shown
    assert NEW not in shown and mailbox.password not in shown
    assert host.row(mailbox) is None


def test_a_password_typed_at_the_terminal_is_shown(host, mailbox):
    before, old = mailbox.everything(), mailbox.password
    terminal = Terminal(mailbox)
    terminal.type("Old password", old)
    terminal.type("New password", NEW)
    terminal.type("New password again", NEW)
    code, shown = terminal.end()
    assert code == 0, shown
    assert NEW not in shown and old not in shown
    lines = shown.split("\r\n")
    assert lines[:3] == ["Old password: ", "New password: ",
                         "New password again: "]
    assert lines[3].startswith("Request ") and lines[4:] == [""]
    host.process().expect(0)
    mailbox.password = NEW
    assert_opens(mailbox, NEW, before)
    assert_refused(mailbox, old)

"""Jobs that re-encrypt stored mail, and what must be true after one."""

import collections
import pathlib
import re
import signal

import pytest

import changes
import snapshots
import storedmail
from mariadb import DEADLINE, wait_until

# For tests of which the mdbox form is for the long runs only.
MDBOX_LATER = ["maildir", "sdbox",
               pytest.param("mdbox", marks=pytest.mark.soak)]
COUNTS = ("current", "retired", "unknown", "plain", "damaged")


def rekey(mailbox, new, timeout=DEADLINE, **options):
    """Files and processes a change that has to succeed."""
    mailbox.host.request(mailbox, new).expect(0)
    done = mailbox.host.process(timeout=timeout, **options)
    done.expect(0)
    mailbox.password = new
    assert mailbox.host.row(mailbox)["state"] == "done", (
        mailbox.host.row(mailbox), str(done))
    return done


def encrypt(mailbox):
    """Files a request for the stored mail alone."""
    host = mailbox.host
    result = host.doveadm("pymailadmin", "encrypt", "-u", mailbox.address,
                          input=f"{mailbox.password}\n")
    if result.code == 0:
        mailbox.request_id = host.db.value(
            "SELECT id FROM pymailadmin_request WHERE address = %s AND "
            "ended_at IS NULL", mailbox.address)
    return result


def new_keys(mailbox, new):
    """Changes the password and the keys, and leaves the mail as it is: it is
    for a request of kind encrypt."""
    host = mailbox.host
    host.request(mailbox, new).expect(0)
    host.must("-o", "pymailadmin_rekey_depth=keys",
              "-o", "pymailadmin_rekey_window=1m", "pymailadmin", "process")
    mailbox.password = new
    assert len(not_current(mailbox)) == len(storedmail.files(mailbox.home))


def verify(mailbox, *words, password=None):
    """The result, and folder -> counts, of "verify"."""
    result = mailbox.host.doveadm(
        "-f", "json", "pymailadmin", "verify", "-u", mailbox.address, *words,
        input=f"{password or mailbox.password}\n")
    assert result.stdout.startswith("["), result
    return result, {row["folder"]: {
        name: int(row[name]) for name in COUNTS} for row in result.json}


# ---- keys

def folder_keys(mailbox):
    """Folder as doveadm names it -> its key ids, the active one first."""
    found = collections.defaultdict(list)
    rows = mailbox.host.must("-f", "json", "mailbox", "cryptokey", "list",
                             "-u", mailbox.address, "*").json
    for row in sorted(rows, key=lambda row: row["active"] != "yes"):
        found[row["box"]].append(row["pubid"])
    return found


def current_keys(mailbox):
    """Where a folder's mails are -> the key they must be encrypted to."""
    with mailbox.imap() as imap:
        names = imap.folders()
    active = folder_keys(mailbox)
    return {storedmail.folder_path(mailbox, name):
            active[snapshots.in_utf8(name)][0] for name in names
            if active.get(snapshots.in_utf8(name))}


def not_current(mailbox):
    """Files of mails that are not encrypted to their folder's key."""
    keys = current_keys(mailbox)
    return {str(path): storedmail.stored(path)
            for path in storedmail.files(mailbox.home)
            if storedmail.kind_and_key(path) not in
            [(storedmail.ENCRYPTED, keys.get(folder))
             for folder in storedmail.folders_of(path)]}


def assert_finished(mailbox):
    """All mail has the current keys, the only ones there are; nothing of the
    job is left."""
    assert not_current(mailbox) == {}
    assert {name: len(keys) for name, keys in folder_keys(mailbox).items()
            if len(keys) != 1} == {}
    assert len(changes.user_keys(mailbox)) == 1
    assert storedmail.temporary(mailbox.home) == []
    changes.assert_clean(mailbox)


def assert_verified(mailbox):
    """And so says "verify"."""
    for words in ((), ("--full",)):
        result, counts = verify(mailbox, *words)
        result.expect(0)
        assert sum(each["current"] for each in counts.values()) == \
            len(storedmail.files(mailbox.home))
        assert not [each for each in counts.values()
                    if any(each[name] for name in COUNTS[1:])]


# ---- jobs that somebody ends

def children(pid):
    """Processes that a process has forked."""
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(child) for child in path.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def peak_memory(pid):
    """Bytes, VmHWM; 0 if the process has gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
        match = re.search(r"^VmHWM:\s+(\d+) kB$", text, re.MULTILINE)
        # A zombie has none.
        return int(match[1]) * 1024 if match else 0
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def terminate(run):
    """Asks process to stop; its exit code and what it said."""
    run.send_signal(signal.SIGTERM)
    said, _ = run.communicate(timeout=DEADLINE)
    return run.returncode, said


def settle(mailbox, new, patient=False, options=()):
    """One clean run after a disturbed one: the row and the result; that of
    both passwords that holds now is the mailbox's. It takes Dovecot a minute
    to see that a lock on its attribute dict is a dead one's; only who is
    patient waits for that."""
    host = mailbox.host
    row = host.row(mailbox)
    if row["retry_at"] is not None and row["ended_at"] is None:
        host.must("pymailadmin", "retry", "-u", mailbox.address)
    if not patient:
        (mailbox.home / "dovecot-attributes.lock").unlink(missing_ok=True)
    done = host.doveadm(*options, "pymailadmin", "process", timeout=120)
    done.expect(0)
    row = host.row(mailbox)
    assert row["ended_at"] is not None and row["sealed"] is None, (row, done)
    good = [password for password in {mailbox.password, new}
            if mailbox.smtp_auth(password).startswith("OK\t1")]
    assert good == [new if row["state"] == "done" else mailbox.password], (
        row, str(done))
    mailbox.password = good[0]
    return row, done


def wait_for_state(mailbox, *states):
    return wait_until(lambda: mailbox.host.row(mailbox)["state"] in states,
                      f"state {' or '.join(states)}")

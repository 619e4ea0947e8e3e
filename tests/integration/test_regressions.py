"""Changes that once ended wrong after a crash, after a lost commit, or when an
administrator came in between. Each test is named by what was seen."""

import contextlib

import pytest

from changes import (assert_clean, assert_ended, assert_not_changed,
                     assert_opens, assert_refused, fill, name_of,
                     refused_until_open)
from mailhost import MailHost
from mariadb import wait_until

KILLED = -9
EX_DATAERR, EX_TEMPFAIL = 65, 75
WINDOW = 15 * 60
NEW = "the new password"
JOURNAL = "pymailadmin.journal"
# Dovecot knows only some of those whom the users table knows.
USERDB = """
userdb sql {
  query = SELECT email AS user FROM users WHERE email = '%{user}' AND active = 1
}
"""


@pytest.fixture(scope="module")
def host():
    with MailHost(extra_conf=USERDB, clock=True) as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    mailbox = host.create(name_of(request))
    fill(mailbox)
    return mailbox


@contextlib.contextmanager
def trigger(host, table, condition, action):
    """The database does something before such updates of a table."""
    host.db.sql(f"CREATE TRIGGER test_{table} BEFORE UPDATE ON {table} "
                f"FOR EACH ROW IF {condition} THEN {action}; END IF")
    try:
        yield
    finally:
        host.db.sql(f"DROP TRIGGER test_{table}")


def refuse_hashes(host):
    return trigger(host, "users", "NEW.crypt <> OLD.crypt",
                   "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no space'")


def sleeping_statements(host):
    return [row["ID"] for row in host.db.sql(
        "SELECT ID FROM information_schema.PROCESSLIST "
        "WHERE STATE = 'User sleep'")]


def kill_before(host, mailbox, state):
    """process is killed while the database sets a state, which is lost."""
    before = host.row(mailbox)["state"]
    with trigger(host, "pymailadmin_request",
                 f"NEW.state = '{state}' AND OLD.state <> '{state}'",
                 "DO SLEEP(60)"):
        run = host.spawn("pymailadmin", "process")
        try:
            [statement] = wait_until(lambda: sleeping_statements(host),
                                     "the statement waits", 5)
        finally:
            run.kill()
            said, _ = run.communicate()
        assert run.returncode == KILLED, said
        host.db.sql(f"KILL {statement}")
        wait_until(lambda: not sleeping_statements(host),
                   "the statement is gone", 20)
    row = host.row(mailbox)
    assert row["state"] not in (before, state), row
    return row["state"]


def kill_at_fsync_of_keys(host, mailbox, number):
    """process is killed after it has written keys for the nth time."""
    result = host.command(
        "strace", "-f", "-qq", "-o", "/dev/null",
        "-P", mailbox.home / "dovecot-attributes",
        "-e", "trace=fsync,fdatasync",
        "-e", f"inject=fsync,fdatasync:signal=KILL:when={number}",
        "doveadm", "-c", host.config_path, "pymailadmin", "process")
    assert result.code in (KILLED, 128 - KILLED), result


def retry(host, mailbox):
    if host.row(mailbox)["retry_at"] is not None:
        host.must("pymailadmin", "retry", "-u", mailbox.address)
    return host.process()


def assert_changed(mailbox, old, before):
    mailbox.password = NEW
    assert_opens(mailbox, NEW, before)
    assert_refused(mailbox, old)
    assert_clean(mailbox)
    return assert_ended(mailbox, "done", "done")


def test_an_interrupted_switch_is_dropped_when_the_userdb_forgets_the_user(
        host, mailbox):
    before, old = mailbox.everything(), mailbox.password
    host.request(mailbox, NEW).expect(0)
    assert kill_before(host, mailbox, "switched") == "switching"
    stored = mailbox.stored_hash()
    host.db.sql("UPDATE users SET active = 0 WHERE email = %s",
                mailbox.address)
    host.process().expect(EX_TEMPFAIL)
    row = host.row(mailbox)
    assert (row["state"], row["outcome"]) == ("switching", "stuck"), row
    assert "userdb does not know the mailbox" in row["reason"]
    assert row["sealed"] is not None and row["ended_at"] is None
    assert (mailbox.home / JOURNAL).exists()
    assert mailbox.stored_hash() == stored
    host.db.sql("UPDATE users SET active = 1 WHERE email = %s",
                mailbox.address)
    retry(host, mailbox).expect(0)
    assert_changed(mailbox, old, before)


def lose_commits(host, mailbox, stored):
    """The database is as it was when the request had been filed."""
    host.db.sql("UPDATE pymailadmin_request SET state = 'pending', "
                "claimed_by = NULL, lease_until = NULL, attempts = 0 "
                "WHERE id = %s", mailbox.request_id)
    host.db.sql("UPDATE users SET crypt = %s WHERE email = %s", stored,
                mailbox.address)


def in_switching(host, mailbox):
    assert kill_before(host, mailbox, "switched") == "switching"


def in_rekeying(host, mailbox):
    kill_at_fsync_of_keys(host, mailbox, 2)
    assert host.row(mailbox)["state"] == "rekeying"


def after_rekeying(host, mailbox):
    assert kill_before(host, mailbox, "done") == "rekeying"
    assert not (mailbox.home / JOURNAL).exists()


@pytest.mark.parametrize("interrupt", [in_switching, in_rekeying,
                                       after_rekeying])
def test_a_database_that_lost_its_last_commits_locks_the_owner_out(
        host, mailbox, interrupt):
    before, old = mailbox.everything(), mailbox.password
    stored = mailbox.stored_hash()
    host.request(mailbox, NEW).expect(0)
    interrupt(host, mailbox)
    lose_commits(host, mailbox, stored)
    host.process().expect(0)
    assert_changed(mailbox, old, before)


def test_the_journal_is_overwritten_with_keys_half_changed(host, mailbox):
    """After lost commits the change fails: the keys are to be the first."""
    before = mailbox.everything()
    attributes, stored = mailbox.attributes(), mailbox.stored_hash()
    host.request(mailbox, NEW).expect(0)
    in_switching(host, mailbox)
    assert mailbox.attributes() != attributes
    journal = (mailbox.home / JOURNAL).read_bytes()
    lose_commits(host, mailbox, stored)
    in_switching(host, mailbox)
    assert (mailbox.home / JOURNAL).read_bytes() == journal
    with refuse_hashes(host):
        host.process().expect(EX_DATAERR)
    assert_ended(mailbox, "failed", "hash_not_written")
    assert mailbox.attributes() == attributes
    assert_not_changed(mailbox, NEW, before)


def test_a_hash_that_the_admin_sets_meanwhile_is_overwritten(host, mailbox):
    before, stored = mailbox.everything(), mailbox.stored_hash()
    attributes = mailbox.attributes()
    host.request(mailbox, NEW).expect(0)
    in_switching(host, mailbox)
    admins = host.hash("set by hand")
    host.db.sql("UPDATE users SET crypt = %s WHERE email = %s", admins,
                mailbox.address)
    host.process().expect(EX_DATAERR)
    row = assert_ended(mailbox, "failed", "hash_not_written")
    assert "somebody else has changed its hash" in row["reason"]
    assert mailbox.stored_hash() == admins
    assert mailbox.attributes() == attributes
    assert mailbox.smtp_auth("set by hand").startswith("OK\t1")
    # With the old hash the old key password comes back.
    host.db.sql("UPDATE users SET crypt = %s WHERE email = %s", stored,
                mailbox.address)
    assert_not_changed(mailbox, NEW, before)


@pytest.mark.parametrize("interrupt, state", [
    (lambda host, mailbox: None, "pending"), (in_switching, "switching")],
    ids=["at-first", "in-switching"])
def test_storage_that_is_not_mounted_passes_for_an_empty_mailbox(
        host, mailbox, interrupt, state):
    before, old = mailbox.everything(), mailbox.password
    stored, elsewhere = mailbox.stored_hash(), mailbox.home.with_suffix(".away")
    host.request(mailbox, NEW).expect(0)
    interrupt(host, mailbox)
    mailbox.home.rename(elsewhere)
    host.process().expect(EX_TEMPFAIL)
    row = host.row(mailbox)
    assert (row["state"], row["outcome"]) == (state, "no_home"), row
    assert row["sealed"] is not None
    assert not mailbox.home.exists()
    assert mailbox.stored_hash() == stored
    elsewhere.rename(mailbox.home)
    retry(host, mailbox).expect(0)
    assert_changed(mailbox, old, before)


@pytest.mark.parametrize("fault_stays", [True, False],
                         ids=["for-good", "for-a-moment"])
def test_an_undone_switch_whose_end_is_lost_has_no_journal(host, mailbox,
                                                           fault_stays):
    before, old = mailbox.everything(), mailbox.password
    attributes = mailbox.attributes()
    host.request(mailbox, NEW).expect(0)
    with refuse_hashes(host):
        assert kill_before(host, mailbox, "failed") == "switching"
        assert (mailbox.home / JOURNAL).exists()
        assert mailbox.attributes() == attributes
        if fault_stays:
            host.process().expect(EX_DATAERR)
    if fault_stays:
        row = assert_ended(mailbox, "failed", "hash_not_written")
        assert "no space" in row["reason"]
        assert mailbox.attributes() == attributes
        assert_not_changed(mailbox, NEW, before)
    else:
        host.process().expect(0)
        assert_changed(mailbox, old, before)


def test_damaged_keys_keep_a_switched_mailbox_closed_for_good(host, mailbox):
    before, old = mailbox.everything(), mailbox.password
    host.request(mailbox, NEW).expect(0)
    assert kill_before(host, mailbox, "rekeying") == "switched"
    path = mailbox.home / "dovecot-attributes"
    whole = path.read_text()
    [value] = [value for name, value in mailbox.attributes().items()
               if name.startswith("priv/") and "/pvt/server/" in name]
    path.write_text(whole.replace(value, value[:-80]))
    host.process().expect(EX_TEMPFAIL)
    row = host.row(mailbox)
    assert row["state"] == "rekeying" and row["sealed"] is not None, row
    refused_until_open(mailbox)
    host.clock.move(WINDOW + 1)
    assert mailbox.smtp_auth(NEW).startswith("OK\t1")
    assert mailbox.smtp_auth(old).startswith("FAIL\t1")
    # What is left can still be done when the admin has put the keys back.
    path.write_text(whole)
    retry(host, mailbox).expect(0)
    assert_changed(mailbox, old, before)

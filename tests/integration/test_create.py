"""A mailbox is made: row, keys and folders, then it opens."""

import pytest

import creations
from changes import assert_ended, name_of
from creations import (assert_closed, assert_deferred, assert_made,
                       assert_not_made, assert_works, file, new_mailbox)
from mailhost import AUTH_KILLED, MailHost


@pytest.fixture(scope="module", params=["maildir", "sdbox", "mdbox"])
def host(request):
    with MailHost(mail_driver=request.param, auth_cache=True) as host:
        host.expect_log(AUTH_KILLED)
        yield host


@pytest.fixture
def mailbox(host, request):
    return new_mailbox(host, name_of(request))


def test_a_mailbox_is_made(host, mailbox):
    file(mailbox, quota=3 * creations.GIB)
    result = host.process().expect(0)
    assert mailbox.address in result.stdout
    assert_ended(mailbox, "done", "done")
    assert_made(mailbox, quota=3 * creations.GIB)
    assert_works(mailbox)


def test_mail_before_it_is_there_comes_again(host, mailbox):
    file(mailbox)
    assert_deferred(mailbox)
    assert_closed(mailbox)
    assert not mailbox.home.exists()
    host.process().expect(0)
    assert_works(mailbox)


def test_what_the_auth_cache_knew_is_forgotten(host, mailbox):
    """That there was no such user, neither for mail nor for a log-in."""
    assert creations.deliver(mailbox, b"Subject: early\r\n\r\n")[0] == 550
    assert mailbox.smtp_auth().startswith("FAIL\t1\t")
    file(mailbox)
    assert_deferred(mailbox)
    host.process().expect(0)
    assert_works(mailbox)


def test_an_address_that_is_taken(host, mailbox):
    host.create(mailbox.address.split("@")[0], mailbox.password)
    mailbox.deliver(b"Subject: mine\r\n\r\n")
    before = mailbox.everything()
    file(mailbox)
    host.process().expect(65)
    assert_ended(mailbox, "failed", "taken")
    assert mailbox.everything() == before
    assert creations.owner_of(mailbox) is None


# What cannot be made

def assert_failed(mailbox, outcome, code=65):
    mailbox.host.process().expect(code)
    row = assert_ended(mailbox, "failed", outcome)
    assert row["reason"]
    assert_not_made(mailbox)
    return row["reason"]


@pytest.mark.parametrize("wrong", [
    {"sealed": b"not a seal"}, {"sealed_address": "other@example.test"},
    {"sealed_kind": "password"}, {"old": "a password that there is not"}],
    ids=["damaged", "moved", "of-another-kind", "old-password"])
def test_a_seal_that_is_not_good(host, mailbox, wrong):
    file(mailbox, **wrong)
    assert_failed(mailbox, "seal")
    assert not mailbox.home.exists()


def test_a_seal_to_another_key(host, mailbox):
    other = host.doveadm("-o", "pymailadmin_seal_key_path="
                         f"{host.scratch}/{name_of_key(mailbox)}",
                         "pymailadmin", "keygen").expect(0).stdout.strip()
    file(mailbox, public=other)
    assert_failed(mailbox, "seal")


def name_of_key(mailbox):
    return mailbox.address.split("@")[0] + ".key"


@pytest.mark.parametrize("new_hash", [
    "no-scheme", "{SSHA512}damaged", "{NOSUCH}x", "of another password"])
def test_a_hash_that_is_not_the_passwords(host, mailbox, new_hash):
    if new_hash == "of another password":
        new_hash = host.hash("another one")
    file(mailbox, new_hash=new_hash)
    assert_failed(mailbox, "new_hash")


def test_a_password_nobody_could_log_in_with(host, mailbox):
    mailbox.password = "tab\tin it"
    file(mailbox)
    assert_failed(mailbox, "new_password")


def test_no_quota(host, mailbox):
    file(mailbox, quota=None)
    assert_failed(mailbox, "quota")


def test_an_unknown_domain(host, mailbox):
    mailbox.address = mailbox.address.replace("example.test", "nowhere.test")
    file(mailbox)
    assert_failed(mailbox, "unknown_domain")


def test_an_address_that_is_an_alias(host, mailbox):
    host.db.sql("INSERT INTO alias (domain_id, source, destination) "
                "SELECT id, %s, 'x@y.test' FROM domain", mailbox.address)
    file(mailbox)
    assert_failed(mailbox, "taken")


def test_a_row_that_the_table_refuses(host, mailbox):
    """The database refuses it; nothing is half made."""
    new_hash = host.hash(mailbox.password, "ARGON2ID")
    file(mailbox, new_hash=new_hash)
    host.db.sql("ALTER TABLE users ADD CONSTRAINT short "
                "CHECK (crypt NOT LIKE '%%ARGON2ID%%')")
    try:
        host.process().expect(75)
        row = host.row(mailbox)
        assert (row["state"], row["outcome"]) == ("pending", "row_not_written")
        assert "short" in row["reason"]
        assert creations.users_row(mailbox) is None
        assert not mailbox.home.exists()
        assert_deferred(mailbox)
    finally:
        host.db.sql("ALTER TABLE users DROP CONSTRAINT short")
    host.must("pymailadmin", "retry", "-u", mailbox.address)
    host.process().expect(0)
    assert_works(mailbox)


def test_the_mail_of_an_older_mailbox_is_left_alone(host, mailbox):
    """And so are its keys: the new password does not open them."""
    old = host.create(mailbox.address.split("@")[0])
    old.deliver(b"Subject: old\r\n\r\nold\r\n")
    before = old.everything()
    kept = creations.users_row(old)["crypt"]
    host.db.sql("DELETE FROM users WHERE email = %s", old.address)
    files = snapshot(mailbox.home)
    file(mailbox)
    reason = assert_failed_with_keys(mailbox)
    assert "there is mail" in reason
    assert snapshot(mailbox.home) == files
    host.db.sql("INSERT INTO users (domain_id, email, crypt) "
                "SELECT id, %s, %s FROM domain WHERE domain = 'example.test'",
                old.address, kept)
    host.must("auth", "cache", "flush", old.address)
    assert old.everything() == before


def assert_failed_with_keys(mailbox):
    mailbox.host.process().expect(65)
    row = assert_ended(mailbox, "failed", "home_not_empty")
    assert creations.users_row(mailbox) is None
    assert creations.owner_of(mailbox) is None
    return row["reason"]


def snapshot(home):
    return {path.relative_to(home): path.read_bytes()
            for path in home.rglob("*") if path.is_file()}


def test_the_keys_of_an_older_mailbox_are_left_alone(host, mailbox):
    old = host.create(mailbox.address.split("@")[0])
    host.db.sql("DELETE FROM users WHERE email = %s", old.address)
    host.must("auth", "cache", "flush", old.address)
    keys = creations.user_keys(old)
    file(mailbox)
    assert "keys of an older mailbox" in assert_failed_with_keys(mailbox)
    assert creations.user_keys(old) == keys


# What is not begun

def test_a_request_nobody_worked_on(host, mailbox):
    file(mailbox, age=24 * 3600 + 1)
    host.process().expect(0)
    assert_ended(mailbox, "expired", "expired")
    assert_not_made(mailbox)


def test_a_request_that_waited_for_a_day(host, mailbox):
    file(mailbox, age=24 * 3600 - 60)
    host.process().expect(0)
    assert_works(mailbox)


def test_a_request_that_is_canceled(host, mailbox):
    file(mailbox)
    host.must("pymailadmin", "cancel", "-u", mailbox.address)
    assert_ended(mailbox, "canceled", "canceled")
    host.process().expect(0)
    assert_not_made(mailbox)


def test_the_address_of_somebody_else_is_not_freed(host, mailbox):
    """An administrator has made the mailbox meanwhile, for another."""
    file(mailbox)
    other = creations.add_account(host, "another@elsewhere.test")
    host.create(mailbox.address.split("@")[0], key=False)
    host.db.sql("UPDATE pymailadmin_account_mailbox SET account_id = %s "
                "WHERE address = %s", other, mailbox.address)
    host.process().expect(65)
    assert_ended(mailbox, "failed", "taken")
    assert creations.owner_of(mailbox) == other


def test_two_runs_at_once_make_one_mailbox(host, mailbox):
    file(mailbox)
    runs = [host.spawn("pymailadmin", "process") for _ in range(3)]
    for run in runs:
        run.communicate(timeout=60)
    host.process().expect(0)
    assert_ended(mailbox, "done", "done")
    assert_made(mailbox)
    assert_works(mailbox)


def test_status_says_what_goes_on(host, mailbox):
    file(mailbox)
    (row,) = host.requests(mailbox)
    assert (row["kind"], row["state"], row["closed-until"]) == \
        ("create", "pending", "it is made"), row
    host.process().expect(0)
    (row,) = host.requests(mailbox)
    assert (row["state"], row["closed-until"]) == ("done", ""), row

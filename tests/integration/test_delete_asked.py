"""Who may have a mailbox deleted, who may change their mind, and when it has to
wait."""

import imaplib
import shutil

import pytest

import seals
from changes import assert_ended, assert_opens, fill, name_of
from deletions import (
    GRACE, QUARANTINE, answers, ask, assert_closed, assert_gone, destroy)
from mailclients import Refused
from mailhost import MailHost
from webmailboxes import CHEAP
from webportal import Portal


@pytest.fixture(scope="module")
def host():
    with MailHost(clock=True) as host:
        yield host


@pytest.fixture(scope="module")
def portal(host):
    with Portal(host, **CHEAP) as portal:
        portal.add_account("owner@elsewhere.test", domains=["example.test"])
        portal.add_account("root@elsewhere.test", role="super_admin")
        yield portal


@pytest.fixture
def mailbox(host, request):
    mailbox = host.create(name_of(request))
    fill(mailbox)
    return mailbox


def request_of(mailbox):
    mailbox.request_id = mailbox.host.db.value(
        "SELECT id FROM pymailadmin_request WHERE address = %s "
        "ORDER BY created_at DESC, updated_at DESC LIMIT 1", mailbox.address)
    return mailbox.host.row(mailbox)


def portal_delete(portal, mailbox, email, **fields):
    """What a browser does; the answer."""
    browser = portal.log_in(email)
    page = browser.get(f"/mailbox/delete?address={mailbox.address}")
    return browser, browser.submit(page, "/mailbox/delete", **fields)


# By the portal

def test_the_owner_asks_and_cancels(host, portal, mailbox):
    portal.give(mailbox.address, "owner@elsewhere.test")
    before = mailbox.everything()
    browser, page = portal_delete(portal, mailbox, "owner@elsewhere.test",
                                  password=mailbox.password)
    page.expect(303, "/mailbox/delete?address=" +
                mailbox.address.replace("@", "%40"))
    host.process().expect(0)
    row = request_of(mailbox)
    assert (row["state"], row["sealed"]) == ("pending", None)
    host.clock.move(GRACE - 60)
    host.process().expect(0)
    # The session is over by now.
    browser = portal.log_in("owner@elsewhere.test")
    page = browser.follow(page)
    page = browser.submit(page, "/mailbox/delete/cancel")
    assert page.status == 303
    host.clock.move(GRACE)
    host.process().expect(0)
    assert_ended(mailbox, "canceled", "canceled")
    assert_opens(mailbox, mailbox.password, before)


def test_the_owner_asks_and_means_it(host, portal, mailbox):
    portal.give(mailbox.address, "owner@elsewhere.test")
    browser, _ = portal_delete(portal, mailbox, "owner@elsewhere.test",
                               password=mailbox.password)
    host.process().expect(0)
    host.clock.move(GRACE)
    host.process().expect(0)
    request_of(mailbox)
    assert_gone(mailbox)
    assert mailbox.address not in browser.get("/home").text
    assert [row["template"] for row in host.db.sql(
        "SELECT template FROM pymailadmin_outbox WHERE address = %s "
        "ORDER BY id", mailbox.address)] == ["delete-filed", "delete-done"]


def test_a_super_admin_needs_no_password(host, portal, mailbox):
    _, page = portal_delete(portal, mailbox, "root@elsewhere.test",
                            typed=mailbox.address)
    assert page.status == 303
    assert request_of(mailbox)["sealed"] is None
    host.process().expect(0)
    row = request_of(mailbox)
    assert (row["state"], row["outcome"]) == ("pending", "confirmed")
    host.clock.move(GRACE)
    host.process().expect(0)
    assert_gone(mailbox)


# Who may not

def test_a_wrong_password_fails_at_once(host, mailbox):
    before = mailbox.everything()
    ask(mailbox, "wrong")
    host.process().expect(65)
    assert_ended(mailbox, "failed", "wrong_password")
    assert_opens(mailbox, mailbox.password, before)


def test_somebody_elses_seal_does_not_open(host, mailbox):
    other = host.create(mailbox.address.partition("@")[0] + "-other")
    ask(mailbox, other.password, sealed_address=other.address)
    host.process().expect(65)
    assert_ended(mailbox, "failed", "seal")


def test_no_seal_but_a_users_account(host, portal, mailbox):
    """What only somebody who has taken the portal over would file."""
    ask(mailbox, sealed=False,
        account_id=portal.account_id("owner@elsewhere.test"))
    host.process().expect(65)
    assert_ended(mailbox, "failed", "seal")
    mailbox.mails()


def test_no_such_mailbox(host, mailbox):
    host.db.sql("DELETE FROM users WHERE email = %s", mailbox.address)
    ask(mailbox)
    host.process().expect(65)
    assert_ended(mailbox, "failed", "unknown_mailbox")
    assert mailbox.home.exists()


# It waits

def test_it_waits_while_mail_is_encrypted_anew(host, mailbox):
    ask(mailbox)
    host.process().expect(0)
    host.clock.move(GRACE)
    seals.by_hand(host, "INSERT INTO pymailadmin_request (id, kind, address, "
                  "created_at, state, sealed) VALUES (%s, 'encrypt', %s, "
                  "UTC_TIMESTAMP(), 'storing', 'x')", "9" * 32,
                  mailbox.address)
    host.db.sql("UPDATE pymailadmin_request SET claimed_by = 'mx/1/1', "
                "lease_until = UTC_TIMESTAMP() + INTERVAL 1 HOUR "
                "WHERE id = %s", "9" * 32)
    host.process().expect(75)
    row = host.row(mailbox)
    assert (row["state"], row["outcome"]) == ("pending", "busy")
    assert "encrypt request" in row["reason"]
    mailbox.mails()
    host.db.sql("DELETE FROM pymailadmin_request WHERE id = %s", "9" * 32)
    host.must("pymailadmin", "retry", "-u", mailbox.address)
    host.process().expect(0)
    assert_gone(mailbox)


def test_no_other_request_meanwhile(host, mailbox):
    ask(mailbox)
    host.process().expect(0)
    host.request(mailbox, "new").expect(75)


@pytest.mark.parametrize("state", ["switching", "switched", "rekeying"])
def test_nobody_gets_in_while_it_is_destroyed(host, mailbox, state):
    ask(mailbox)
    host.process().expect(0)
    host.clock.move(GRACE)
    host.db.sql("UPDATE pymailadmin_request SET state = %s WHERE id = %s",
                state, mailbox.request_id)
    assert_closed(mailbox)
    host.clock.move(GRACE)
    assert_closed(mailbox)
    # Nor do the administrator's commands open it.
    result = host.doveadm("mailbox", "list", "-u", mailbox.address)
    assert result.code == 75, result
    assert host.doveadm("pymailadmin", "cancel", "-u",
                        mailbox.address).code == 69
    host.process().expect(0)
    assert_gone(mailbox)


def test_nobody_gets_in_without_the_driver(host, mailbox):
    """The mark in the home is enough, for whoever opens a mailbox."""
    mark = mailbox.home / "pymailadmin.deletion"
    mark.touch()
    assert answers(mailbox)["lmtp"][0] == 451
    # The log-in is answered before the session begins, and ends.
    imap = mailbox.imap()
    with pytest.raises((Refused, imaplib.IMAP4.abort, OSError)):
        imap.mails()
    imap.shutdown()
    assert "the mailbox is being deleted" in host.doveadm(
        "mailbox", "list", "-u", mailbox.address).stderr
    mark.unlink()
    mailbox.mails()


# Homes

def test_a_mailbox_that_was_never_used(host, mailbox):
    shutil.rmtree(mailbox.home)
    destroy(mailbox)
    assert_gone(mailbox)


def test_a_storage_that_is_not_mounted(host, mailbox):
    away = host.homes.with_name("away")
    ask(mailbox)
    host.process().expect(0)
    host.clock.move(GRACE)
    mailbox.home.parent.rename(away)
    try:
        host.process().expect(75)
        row = host.row(mailbox)
        assert (row["state"], row["outcome"]) == ("pending", "no_home")
        assert "is the storage mounted" in row["reason"]
    finally:
        if mailbox.home.parent.exists():
            shutil.rmtree(mailbox.home.parent)
        away.rename(mailbox.home.parent)
    mailbox.mails()
    host.must("pymailadmin", "retry", "-u", mailbox.address)
    host.process().expect(0)
    assert_gone(mailbox)


@pytest.mark.parametrize("home, reason", [
    ("{homes}", "may be other users'"),
    ("/", "may be other users'"),
    ("{homes}/%{{user | domain}}", "may be other users'"),
    ("{homes}/both/%{{user | username}}", "is not this mailbox's alone"),
    ("{homes}/both//%{{user | username}}/", "is not this mailbox's alone"),
    ("{homes}/%{{user | domain}}/{name}/../{name}", "may be other users'"),
], ids=["all", "root", "domain", "name", "slashes", "dots"])
def test_homes_that_are_not_the_mailboxes(host, mailbox, home, reason):
    name = mailbox.address.partition("@")[0]
    host.db.sql("INSERT IGNORE INTO domain (domain) VALUES ('second.test')")
    host.db.sql("INSERT INTO users (domain_id, email, crypt) SELECT id, %s, "
                "'x' FROM domain WHERE domain = 'second.test'",
                f"{name}@second.test")
    ask(mailbox)
    host.process().expect(0)
    host.clock.move(GRACE)
    (host.homes / "both").mkdir(exist_ok=True)
    process_with_home(host, home.format(homes=host.homes, name=name)).expect(65)
    row = assert_ended(mailbox, "failed", "no_home")
    assert reason in row["reason"], row
    assert mailbox.home.exists()
    mailbox.mails()


def process_with_home(host, home):
    config = host.scratch / "homes.conf"
    config.write_text(host.config(extra=f"mail_home = {home}"))
    return host.command("doveadm", "-c", config, "pymailadmin", "process")


def test_a_home_that_is_spelt_with_slashes(host, mailbox):
    """A table may say "example.org/alice/", with a query that adds the rest."""
    ask(mailbox)
    host.process().expect(0)
    host.clock.move(GRACE)
    process_with_home(host, f"{host.homes}//%{{user | domain}}/"
                      "%{user | username}/").expect(0)
    assert_gone(mailbox)


def test_a_home_that_is_somebody_elses(host, mailbox):
    shutil.chown(mailbox.home, "root")
    ask(mailbox)
    host.process().expect(0)
    host.clock.move(GRACE)
    host.process().expect(65)
    row = assert_ended(mailbox, "failed", "no_home")
    assert "belongs to user 0" in row["reason"]
    shutil.chown(mailbox.home, "vmail")
    mailbox.mails()


def test_a_parent_that_is_roots(host, mailbox):
    shutil.chown(mailbox.home.parent, "root", "root")
    mailbox.home.parent.chmod(0o755)
    try:
        destroy(mailbox)
        assert_gone(mailbox)
    finally:
        shutil.chown(mailbox.home.parent, "vmail", "vmail")


# The address

def taken(host, address):
    """What the procedures of the portal ask."""
    with host.db.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CALL pymailadmin_address_taken(%s, @taken)",
                       (address,))
        cursor.execute("SELECT @taken AS taken")
        return bool(cursor.fetchone()["taken"])


def test_the_address_is_reserved_for_a_time(host, mailbox):
    destroy(mailbox)
    assert_gone(mailbox)
    assert taken(host, mailbox.address)
    host.clock.move(QUARANTINE - 60)
    assert taken(host, mailbox.address.upper())
    host.clock.move(61)
    assert not taken(host, mailbox.address)
    host.db.sql("CALL pymailadmin_reservations_clear()")
    assert host.db.value("SELECT COUNT(*) FROM pymailadmin_reserved_address "
                         "WHERE address = %s", mailbox.address) == 0


def test_no_time_no_reservation(host, mailbox):
    ask(mailbox)
    host.process().expect(0)
    host.clock.move(GRACE)
    host.must("-o", "pymailadmin_address_quarantine=0", "pymailadmin",
              "process")
    assert_gone(mailbox, reserved=False)
    assert not taken(host, mailbox.address)


def test_a_super_admin_frees_it(host, portal, mailbox):
    destroy(mailbox)
    for email, result in (("owner@elsewhere.test", "not_found"),
                          ("root@elsewhere.test", "done"),
                          ("root@elsewhere.test", "not_found")):
        assert host.db.value(
            "CALL pymailadmin_address_free(%s, %s)",
            portal.account_id(email), mailbox.address) == result
    assert not taken(host, mailbox.address)
    assert host.db.value("SELECT actor FROM pymailadmin_event WHERE "
                         "kind = 'address-freed' AND address = %s",
                         mailbox.address) == "root@elsewhere.test"

"""Mails about what the mail host has done: each end of a request is told once,
whatever breaks down meanwhile."""

import pytest

import seals
from changes import name_of
from faults import Proxy
from mailcatcher import MailCatcher
from mailhost import AUTH_KILLED, MailHost
from mariadb import wait_until
from webmailboxes import CHEAP, NEW, PASSWORD, enter
from webportal import Portal

OWNER, ROOT = "owner@post.test", "root@post.test"
FROM = "portal@post.test"
HOUR = 3600


@pytest.fixture(scope="module")
def catcher():
    with MailCatcher() as catcher:
        yield catcher


@pytest.fixture(scope="module")
def portal(catcher):
    with MailHost(depth="password", clock=True) as host, \
            Portal(host, smtp_url=catcher.url, mail_from=FROM,
                   **CHEAP) as portal:
        # See test_stock.py.
        host.expect_log(AUTH_KILLED)
        portal.add_account(OWNER, max_mailboxes=1000,
                           domains=["example.test"])
        portal.add_account(ROOT, None, role="super_admin", language="fr")
        yield portal


@pytest.fixture(autouse=True)
def empty(portal, catcher):
    portal.db.sql("DELETE FROM pymailadmin_outbox")
    catcher.clear()
    catcher.answer = "250 OK"


@pytest.fixture
def host(portal):
    return portal.mailhost


@pytest.fixture
def mailbox(portal, host, request):
    mailbox = host.create(name_of(request)[-40:], PASSWORD)
    portal.give(mailbox.address, OWNER)
    return mailbox


def rows(portal, mailbox):
    """Who is told what about it."""
    return [tuple(row.values()) for row in portal.db.sql(
        "SELECT a.email, o.template FROM pymailadmin_outbox o "
        "JOIN pymailadmin_account a ON a.id = o.account_id "
        "WHERE o.address = %s ORDER BY o.id", mailbox.address)]


def asked_by(portal, mailbox, account):
    portal.db.sql("UPDATE pymailadmin_request SET account_id = %s "
                  "WHERE address = %s", portal.account_id(account),
                  mailbox.address)


def about(catcher, mailbox):
    """The subjects of mails that came about it."""
    return [mail["Subject"] for mail in catcher.mails
            if mailbox.address in mail["Subject"]]


def is_sent(portal, count):
    wait_until(lambda: portal.db.value(
        "SELECT COUNT(*) FROM pymailadmin_outbox WHERE sent_at IS NOT NULL")
        == count and portal.db.value(
            "SELECT COUNT(*) FROM pymailadmin_outbox") == count, "all is sent",
        30)


def change(portal, mailbox, new=NEW, old=PASSWORD):
    browser = enter(portal, OWNER)
    path = f"/mailbox/password?address={mailbox.address.replace('@', '%40')}"
    browser.submit(browser.get(path).expect(), "/mailbox/password", old=old,
                   new=new, repeat=new).expect(
        303, path.replace("/password", "/window"))


# ---- what is told

def test_a_change_from_the_form_to_the_mail(portal, host, catcher, mailbox):
    change(portal, mailbox)
    asked = catcher.wait(OWNER, "was asked for")
    assert "The mailbox is closed while" in asked.get_content()
    host.process().expect(0)
    done = catcher.wait(OWNER, f"The password of {mailbox.address} was changed")
    assert "is open with its new password" in done.get_content()
    assert f"/mailbox?address={mailbox.address.replace('@', '%40')}" in \
        done.get_content()
    is_sent(portal, 2)
    assert rows(portal, mailbox) == [(OWNER, "password-filed"),
                                     (OWNER, "password-done")]
    for mail in (asked, done):
        assert NEW not in mail.as_string() and PASSWORD not in mail.as_string()
    # Nothing is told again by what comes later.
    host.process().expect(0)
    assert len(rows(portal, mailbox)) == 2


def test_a_change_that_fails(portal, host, catcher, mailbox):
    seals.file(mailbox, "another", NEW)
    assert host.process().code != 0
    mail = catcher.wait(OWNER, f"of {mailbox.address} was not changed")
    assert "Nothing has changed" in mail.get_content()
    assert rows(portal, mailbox) == [(OWNER, "password-failed")]


def test_a_change_that_nobody_works_on(portal, host, catcher, mailbox):
    host.request(mailbox, NEW).expect(0)
    host.clock.move(901)
    host.process()
    catcher.wait(OWNER, f"of {mailbox.address} was not changed")
    assert rows(portal, mailbox) == [(OWNER, "password-expired")]


def test_a_change_that_the_mail_hosts_administrator_takes_back(
        portal, host, catcher, mailbox):
    host.request(mailbox, NEW).expect(0)
    host.must("pymailadmin", "cancel", "-u", mailbox.address)
    catcher.wait(OWNER, f"The request for {mailbox.address} was taken back")
    assert rows(portal, mailbox) == [(OWNER, "request-canceled")]


def test_a_change_that_its_owner_takes_back(portal, catcher, mailbox):
    change(portal, mailbox)
    enter(portal, OWNER).post("/mailbox/cancel", {"address": mailbox.address})
    catcher.wait(OWNER, f"The request for {mailbox.address} was taken back")
    assert rows(portal, mailbox) == [(OWNER, "password-filed"),
                                     (OWNER, "request-canceled")]


def test_the_owner_is_told_whoever_asked(portal, host, mailbox):
    host.request(mailbox, NEW).expect(0)
    asked_by(portal, mailbox, ROOT)
    host.process().expect(0)
    assert rows(portal, mailbox) == [(OWNER, "password-done")]


def test_who_asked_is_told_where_nobody_owns(portal, host, catcher, request):
    mailbox = host.create(name_of(request), PASSWORD)
    host.request(mailbox, NEW).expect(0)
    asked_by(portal, mailbox, ROOT)
    host.process().expect(0)
    mail = catcher.wait(ROOT, mailbox.address)
    assert "Le mot de passe" in mail["Subject"]
    assert rows(portal, mailbox) == [(ROOT, "password-done")]


def test_nobody_is_told_of_what_is_the_administrators_alone(portal, host,
                                                            request):
    mailbox = host.create(name_of(request), PASSWORD)
    host.request(mailbox, NEW).expect(0)
    host.process().expect(0)
    assert host.row(mailbox)["state"] == "done"
    assert rows(portal, mailbox) == []


def test_encryption_of_stored_mail_is_not_told(portal, host, mailbox):
    seals.file(mailbox, "another", NEW)
    portal.db.sql("UPDATE pymailadmin_request SET kind = 'encrypt' "
                  "WHERE address = %s", mailbox.address)
    assert host.process().code != 0
    assert host.row(mailbox)["state"] == "failed"
    assert rows(portal, mailbox) == []


# ---- once

def kinds(portal, mailbox):
    """Ends of requests, as the history has them, and as people are told."""
    ends = [row["kind"] for row in portal.db.sql(
        "SELECT kind FROM pymailadmin_event WHERE address = %s AND "
        "kind IN ('password-done', 'password-failed', 'password-expired') "
        "ORDER BY id", mailbox.address)]
    return ends, [template for _, template in rows(portal, mailbox)]


@pytest.mark.limit(300)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_database_goes_away_at_a_statement(portal, host, mailbox, moment):
    proxy = Proxy(host)
    try:
        for number in range(1, 100):
            new = f"{NEW} {number}"
            host.request(mailbox, new).expect(0)
            proxy.arm(number, moment, True)
            proxy.run()
            if host.row(mailbox)["retry_at"] is not None:
                host.must("pymailadmin", "retry", "-u", mailbox.address)
            (mailbox.home / "dovecot-attributes.lock").unlink(missing_ok=True)
            host.process(timeout=90)
            assert host.row(mailbox)["ended_at"] is not None
            ends, told = kinds(portal, mailbox)
            assert told == ends and len(ends) == number, (ends, told)
            if host.row(mailbox)["state"] == "done":
                mailbox.password = new
            if not proxy.cut:
                break
        assert 5 < number < 100
    finally:
        proxy.close()


def test_a_process_that_ends_late_tells_nothing(portal, host, mailbox):
    """The row is not its any more: another has ended it."""
    host.request(mailbox, NEW).expect(0)
    host.process().expect(0)
    assert host.process().code == 0
    assert kinds(portal, mailbox) == (["password-done"], ["password-done"])


# ---- who is away

def test_the_portal_is_down(portal, host, catcher, mailbox):
    portal.web.stop()
    try:
        host.request(mailbox, NEW).expect(0)
        host.process().expect(0)
        assert rows(portal, mailbox) == [(OWNER, "password-done")]
    finally:
        portal.web.start()
    catcher.wait(OWNER, f"The password of {mailbox.address} was changed")
    is_sent(portal, 1)
    assert len(about(catcher, mailbox)) == 1


def test_the_mail_server_is_down_for_an_hour(portal, host, catcher, mailbox):
    catcher.answer = "451 4.3.0 come back later"
    change(portal, mailbox)
    host.process().expect(0)
    # 1, 2, 4, 8, 16, 32 minutes
    for attempt in range(6):
        wait_until(lambda: portal.db.value(
            "SELECT COUNT(*) FROM pymailadmin_outbox WHERE attempts = %s AND "
            "sent_at IS NULL AND retry_at BETWEEN UTC_TIMESTAMP() + INTERVAL "
            "%s SECOND AND UTC_TIMESTAMP() + INTERVAL %s SECOND",
            attempt + 1, 60 * 2 ** attempt - 20, 60 * 2 ** attempt) == 2,
            f"attempt {attempt + 1} of both", 30)
        if attempt < 5:
            host.clock.move(60 * 2 ** attempt)
    assert not catcher.raw
    catcher.answer = "250 OK"
    host.clock.move(32 * 60)
    is_sent(portal, 2)
    assert len(about(catcher, mailbox)) == 2
    assert len({mail["Message-ID"] for mail in catcher.mails}) == 2
    portal.forget_errors()

"""Two processes of the portal with one database and one secret key, as behind a
balancer: people notice nothing, and nothing is done twice."""

import collections
import copy

import pytest

from mailcatcher import MailCatcher
from mariadb import wait_until
from webportal import Portal
from webserver import WebServer

ALICE, BOB = "alice@post.test", "bob@post.test"
MAILS = 40


@pytest.fixture(scope="module")
def catcher():
    with MailCatcher() as catcher:
        yield catcher


@pytest.fixture(scope="module")
def portals(catcher):
    """Both; the database is the first's."""
    with Portal(smtp_url=catcher.url, mail_from="portal@post.test",
                limit_login_account="3/1h") as first:
        other = WebServer(**{
            name: value for name, value in first.web.settings.items()
            if name not in ("listen", "metrics_listen")})
        second = copy.copy(first)
        second.web = other
        with other:
            first.add_account(ALICE, domains=["example.test"])
            first.add_account(BOB)
            first.add_mailbox("box@example.test", ALICE)
            yield first, second


def test_a_session_and_its_forms_are_good_for_both(portals):
    first, second = portals
    browser = first.log_in(ALICE)
    page = browser.get("/mailbox?address=box@example.test").expect()
    form = browser.get("/alias/add?mailbox=box@example.test").expect()
    browser.portal = second
    assert browser.get("/mailbox?address=box@example.test").expect().status \
        == page.status
    browser.submit(form, "/alias/add", name="wonderland").expect(
        303, "/mailbox?address=box%40example.test")
    browser.portal = first
    assert "wonderland@example.test" in browser.get(
        "/mailbox?address=box@example.test").text
    # Whoever logs out at one is logged out at the other.
    browser.submit(browser.get("/home"), "/logout")
    browser.portal = second
    browser.get("/home").expect(303, "/login")


def test_what_is_limited_is_limited_for_both_together(portals):
    first, second = portals
    statuses = []
    for number in range(4):
        browser = portals[number % 2].browser(address=first.new_address())
        page = browser.get("/login")
        statuses.append(browser.submit(page, "/login", email=BOB,
                                       password="wrong").status)
    assert statuses[-1] == 429 and 429 not in statuses[:3], statuses


def test_every_mail_is_sent_once(portals, catcher):
    first, _ = portals
    ids = [first.account_id(user) for user in (ALICE, BOB)]
    for number in range(MAILS):
        first.db.sql("INSERT INTO pymailadmin_outbox (account_id, template, "
                     "address) VALUES (%s, 'password-done', %s)",
                     ids[number % 2], f"m{number}@example.test")
    wait_until(lambda: first.db.value(
        "SELECT COUNT(*) = 0 FROM pymailadmin_outbox WHERE sent_at IS NULL"),
        "all mails", 60)
    bodies = [mail.get_body(("plain",)).get_content()
              for mail in catcher.mails]
    found = collections.Counter(
        number for number in range(MAILS) for body in bodies
        if f"m{number}@example.test" in body)
    assert found == collections.Counter(range(MAILS))
    assert first.db.value("SELECT MAX(attempts) FROM pymailadmin_outbox") == 1

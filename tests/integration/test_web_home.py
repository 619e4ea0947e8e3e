"""Home, the pages of domains, and the language they are in."""

import pytest

from webportal import DOMAIN, Portal

USER, OTHER, ADMIN, ROOT = (
    f"{name}@post.test" for name in ("user", "other", "admin", "root"))


@pytest.fixture(scope="module")
def portal():
    with Portal() as portal:
        portal.add_account(USER, domains=["one.test", "two.test"])
        portal.add_account(OTHER, domains=["one.test"])
        portal.add_account(ADMIN, role="admin", domains=["two.test"])
        portal.add_account(ROOT, role="super_admin")
        portal.add_mailbox("user-a@one.test", USER, quota=1 << 30)
        portal.add_mailbox("user-b@two.test", USER, quota=2 << 30)
        portal.add_mailbox("other-a@one.test", OTHER)
        portal.beat()
        yield portal


def test_the_start_page_leads_on(portal):
    browser = portal.browser()
    browser.get("/").expect(303, "/login")
    portal.log_in(USER).get("/").expect(303, "/home")


def test_home_shows_what_is_mine_and_nothing_else(portal):
    page = portal.log_in(USER).get("/home").expect()
    assert "user-a@one.test" in page.text and "two.test" in page.text
    assert "2 of 3" in page.text
    assert "other-a" not in page.html
    assert "/mailbox/create?domain=one.test" in page.parsed.links
    assert "not answering" not in page.text


def test_home_without_mailboxes(portal):
    page = portal.log_in(ADMIN).get("/home").expect()
    assert "no mailbox yet" in page.text
    assert "user-b@two.test" not in page.html


def test_pages_are_for_people_who_are_logged_in(portal):
    for path in ("/home", "/domain?name=one.test"):
        portal.browser().get(path).expect(303, "/login")

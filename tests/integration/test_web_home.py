"""Home, the pages of domains, and the language they are in."""

import concurrent.futures
import re
import secrets
import threading
import time

import pytest

from mariadb import wait_until
from webportal import Portal

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


def home_with(browser, text):
    """What others change is there within a second."""
    return wait_until(lambda: (page := browser.get("/home").expect()) and
                      text in page.html and page, f"{text} on /home", 10)


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
    for path in ("/home", "/domain?name=one.test", "/account",
                 "/account/sessions"):
        portal.browser().get(path).expect(303, "/login")


def test_a_mail_host_that_does_not_look(portal):
    """Of which each thread of the portal knows for a second."""
    browser = portal.log_in(USER)

    def silent():
        return "The mail host is not answering" in browser.get("/home").text
    for age, answer in ((0, False), (299, False), (400, True), (0, False)):
        portal.beat(age)
        wait_until(lambda expected=answer: [silent() for _ in range(8)] ==
                   [expected] * 8, f"silent for {age} s: {answer}", 10)


def aliases_at_home(browser, address):
    row = browser.get("/home").expect().html.partition(f"{address}</a>")[2]
    return int(re.search(r'data-label="Aliases">(\d+)', row)[1])


def test_what_one_changes_is_seen_at_once(portal):
    """While others look at the same page, which is kept for a second."""
    email, address = "quick@post.test", "quick-a@one.test"
    quoted = address.replace("@", "%40")
    portal.add_account(email, domains=["one.test"])
    portal.add_mailbox(address, email)
    browser, onlooker = portal.log_in(email), portal.log_in(email)
    done = threading.Event()

    def look_on():
        while not done.is_set():
            onlooker.get("/home").expect()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look_on)
        try:
            for count in range(1, 21):
                page = browser.get(f"/alias/add?mailbox={address}")
                browser.submit(page, "/alias/add",
                               name=f"quick-alias-{count}").expect(
                                   303, f"/mailbox?address={quoted}")
                assert aliases_at_home(browser, address) == count
        finally:
            done.set()
        looking.result()


def test_the_limit_is_each_accounts_own(portal):
    email = "full@post.test"
    portal.add_account(email, domains=["one.test"], max_mailboxes=1)
    page = portal.log_in(email).get("/home").expect()
    assert "no mailbox yet" in page.text
    assert "/mailbox/create?domain=one.test" in page.parsed.links
    portal.add_mailbox("full-a@one.test", email)
    page = home_with(portal.log_in(email), "1 of 1")
    assert "/mailbox/create?domain=one.test" not in page.parsed.links


def test_names_are_only_text(portal):
    email = "<b>&\"'@odd.test"
    portal.add_account(email, password=None, domains=["one.test"])
    portal.add_mailbox("<i>x</i>&'\"@one.test", email)
    page = portal.log_in(email).get("/home").expect()
    assert "<i>x</i>&'\"@one.test" in page.text
    assert "<b>" not in page.html and "<i>" not in page.html


@pytest.mark.parametrize("who, name, status", [
    (USER, "one.test", 200), (USER, "three.test", 404),
    (ADMIN, "one.test", 404), (ADMIN, "two.test", 200),
    (ROOT, "three.test", 200), (ROOT, "nowhere.test", 404),
    (ROOT, "%C2%B2", 404), (ROOT, "", 404), (ROOT, "x" * 300, 404),
    (ROOT, "one.test' OR '1", 404)])
def test_who_may_see_a_domain(portal, who, name, status):
    portal.add_domain("three.test")
    page = portal.log_in(who).get("/domain?name=" + name.replace(
        "'", "%27").replace(" ", "+"))
    assert page.status == status, page
    assert portal.log_in(who).get("/domain").status == 404


def test_a_user_sees_only_own_mailboxes_of_a_domain(portal):
    page = portal.log_in(OTHER).get("/domain?name=one.test").expect()
    assert "other-a@one.test" in page.text
    assert "user-a@one.test" not in page.html and "1 mailbox" in page.text


def addresses(page):
    return re.findall(r'href="/mailbox\?address=([^"]*)"', page.html)


def test_a_super_admin_finds_domains_and_mailboxes(portal):
    browser = portal.log_in(ROOT)
    for number in range(60):
        portal.add_domain(f"d{number:02}.many.test")
    page = browser.get("/home?search=many.test").expect()
    names = re.findall(r"/domain\?name=(d\d\d.many.test)", page.html)
    assert len(set(names)) == 50
    [following] = [link for link in page.parsed.links if "after=" in link]
    page = browser.get(following).expect()
    assert len(set(re.findall(r"/domain\?name=(d\d\d.many.test)",
                              page.html)) - set(names)) == 10
    page = browser.get("/home?search=user-a").expect()
    assert addresses(page) == ["user-a%40one.test"]
    page = browser.get("/home?search=%25").expect()
    assert "Nothing matches" in page.text
    page = browser.get("/home?search=%3Cb%3E%22").expect()
    assert '<b>"' not in page.html and "Nothing matches" in page.text


def walk(browser, path):
    """All addresses of a domain, page after page."""
    found, count = [], 0
    while path:
        page = browser.get(path).expect()
        found.append(addresses(page))
        path = next((link for link in page.parsed.links if "after=" in link),
                    None)
        count += 1
        assert count < 20
    return found


def test_large_domains_are_paged_sorted_and_searched(portal):
    portal.add_mailboxes("large.test", 230)
    browser = portal.log_in(ROOT)
    pages = walk(browser, "/domain?name=large.test")
    assert [len(page) for page in pages] == [50, 50, 50, 50, 30]
    every = sum(pages, [])
    assert every == sorted(set(every)) and len(every) == 230
    assert walk(browser, "/domain?name=large.test&sort=-address")[0][0] == \
        "m00230%40large.test"
    for sort in ("quota", "-quota"):
        found = sum(walk(browser, f"/domain?name=large.test&sort={sort}"), [])
        assert sorted(found) == every
    page = browser.get("/domain?name=large.test&search=m0001").expect()
    assert len(addresses(page)) == 10 and "10 mailboxes match" in page.text
    page = browser.get("/domain?name=large.test&search=_").expect()
    assert "No mailbox of large.test matches" in page.text
    browser.get("/domain?name=large.test&sort=%27;&after=%27").expect()


def test_ten_thousand_mailboxes_stay_fast(portal):
    portal.add_mailboxes("huge.test", 10000)
    browser = portal.log_in(ROOT)
    for path in ("/home", "/domain?name=huge.test&sort=-quota",
                 "/domain?name=huge.test&after=m05000%40huge.test",
                 "/domain?name=huge.test&search=m099",
                 "/home?search=m0999"):
        times = []
        for _ in range(3):
            begin = time.monotonic()
            page = browser.get(path).expect()
            times.append(time.monotonic() - begin)
        assert len(page.body) < 100_000
        assert min(times) < 0.5, (path, times)


def test_states_are_words(portal):
    for kind, state, words in [
            ("password", "pending", "Password change asked"),
            ("password", "rekeying", "Closed until"),
            ("delete", "pending", "Will be deleted on"),
            ("create", "pending", "Being created")]:
        address = f"{kind}-{state}@one.test"
        if kind == "create":
            portal.give(address, USER)
        else:
            portal.add_mailbox(address, USER)
        portal.db.sql(
            "INSERT INTO pymailadmin_request (id, kind, address, account_id, "
            "state, created_at, sealed, quota) VALUES (%s, %s, %s, %s, %s, "
            "UTC_TIMESTAMP(), 'sealed', %s)", secrets.token_hex(16), kind,
            address, portal.account_id(USER), state,
            1 << 30 if kind == "create" else None)
        page = home_with(portal.log_in(USER), address)
        row = page.html.partition(address)[2].partition("</tr>")[0]
        assert words in row, row
    portal.db.sql("DELETE FROM pymailadmin_request")


FAILED = {"en": "Open, the last change failed",
          "fr": "Ouverte, le dernier changement a échoué"}


def state_in(browser, path, address):
    row = browser.get(path).expect().html.partition(f"{address}</a>")[2]
    return re.sub("<[^>]*>", "", row.partition("</td>")[0]).strip()


@pytest.mark.parametrize("then, told", [
    ("failed 0", True), ("expired 6", True), ("failed 8", False),
    ("failed 2, done 1", False), ("done 2, failed 1", True),
    ("failed 2, canceled 1", False), ("canceled 2, expired 1", True)])
def test_lists_say_of_a_failure_what_its_own_page_says(portal, then, told):
    """The days since the requests for a mailbox ended."""
    address = "unlucky@one.test"
    portal.add_mailbox(address, USER)
    for part in then.split(", "):
        state, days = part.split()
        portal.db.sql(
            "INSERT INTO pymailadmin_request (id, kind, address, account_id, "
            "state, outcome, created_at, ended_at) VALUES (%s, 'password', %s,"
            " %s, %s, 'busy', UTC_TIMESTAMP() - INTERVAL %s DAY, "
            "UTC_TIMESTAMP() - INTERVAL %s DAY)", secrets.token_hex(16),
            address, portal.account_id(USER), state, days, days)
    user, root = portal.log_in(USER), portal.log_in(ROOT)
    try:
        for language in ("en", "fr"):
            portal.db.sql("UPDATE pymailadmin_account SET language = %s",
                          language)
            page = user.get(f"/mailbox?address={address}").expect()
            assert (FAILED[language] in page.text) == told
            home_with(user, address)
            for browser, path in ((user, "/home"),
                                  (user, "/domain?name=one.test"),
                                  (root, "/domain?name=one.test"),
                                  (root, "/home?search=unlucky")):
                # what /home lists is kept for a second
                assert wait_until(
                    lambda b=browser, p=path: (state_in(
                        b, p, address) == FAILED[language]) == told,
                    f"{FAILED[language]} is {told} on {path}", 10)
    finally:
        portal.db.sql("DELETE FROM pymailadmin_request")
        portal.db.sql("DELETE FROM users WHERE email = %s", address)
        portal.db.sql("UPDATE pymailadmin_account SET language = 'en'")


def test_every_page_says_what_it_is_in_both_languages(portal):
    for language, word in (("en", "Log out"), ("fr", "Se déconnecter")):
        portal.db.sql("UPDATE pymailadmin_account SET language = %s",
                      language)
        browser = portal.log_in(ROOT)
        for path in ("/home", "/domain?name=one.test", "/account",
                     "/account/password", "/account/sessions",
                     "/account/two-factor", "/nowhere"):
            page = browser.get(path)
            if path != "/nowhere":
                assert page.language == language and word in page.text, page
            assert page.header("Content-Type") == "text/html; charset=utf-8"

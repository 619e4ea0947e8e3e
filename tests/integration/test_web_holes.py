"""Holes that portals of this kind have had, looked for in this one.

tests/lint/web-holes.tsv names the test of each; those that stand elsewhere are
not repeated here."""

import re
import urllib.parse

import pytest

from webmailboxes import CHEAP, NEW
from webmailboxes import PASSWORD as MAILBOX_PASSWORD
from webportal import PASSWORD, Portal

USER, OTHER, ADMIN, ROOT = (
    f"{name}@post.test" for name in ("user", "other", "admin", "root"))
MAILBOX, ALIAS = "mailbox@one.test", "garden-gate@one.test"


def fill(portal):
    portal.add_account(USER, domains=["one.test", "two.test"])
    portal.add_account(OTHER, domains=["one.test"])
    portal.add_account(ADMIN, role="admin", domains=["two.test"])
    portal.add_account(ROOT, role="super_admin")
    portal.add_mailbox(MAILBOX, USER, hashed=f"{{PLAIN}}{MAILBOX_PASSWORD}")
    portal.db.sql("INSERT INTO alias (domain_id, source, destination) "
                  "SELECT id, %s, %s FROM domain WHERE domain = 'one.test'",
                  ALIAS, MAILBOX)
    portal.beat()


@pytest.fixture(scope="module")
def portal():
    with Portal(**CHEAP, limit_login_account="4/15m") as portal:
        fill(portal)
        yield portal


@pytest.fixture(autouse=True)
def clean(portal):
    portal.forget_limits()


def alias_id(portal):
    return portal.db.value("SELECT id FROM alias WHERE source = %s", ALIAS)


def pages_of(portal):
    """All that can be looked at, with what each of them is asked for."""
    mailbox = urllib.parse.quote(MAILBOX, safe="")
    alias = f"id={alias_id(portal)}&mailbox={mailbox}"
    return ["/home", "/home?search=mail", "/domain?name=one.test",
            "/domain?name=one.test&sort=-quota&search=mail", "/account",
            "/account/password", "/account/sessions", "/account/two-factor",
            f"/mailbox?address={mailbox}", "/mailbox/create?domain=one.test",
            f"/mailbox/password?address={mailbox}",
            f"/mailbox/delete?address={mailbox}",
            f"/mailbox/window?address={mailbox}",
            f"/mailbox/progress?address={mailbox}",
            f"/alias/add?mailbox={mailbox}", f"/alias/rename?{alias}",
            f"/alias/delete?{alias}", "/moderation", "/moderation?after=1",
            "/moderation/answer?id=1", "/moderation/invitations",
            "/administration", "/accounts?search=post", "/domains",
            f"/mailbox/owner?address={mailbox}", *(
                f"/accounts/{name}?id={portal.account_id(USER)}" for name in (
                    "account", "role", "active", "limits", "domains",
                    "log-out", "two-factor"))]


FOR_ALL = ["/", "/login", "/login/code", "/password/forgotten", "/register",
           "/register/confirm?token=" + "0" * 64,
           "/password/reset?token=" + "0" * 64, "/nowhere", "/logout",
           "/static/none.css"]

# ---- what an answer has and has not

ALWAYS = {"Content-Length", "Content-Security-Policy",
          "X-Content-Type-Options", "Referrer-Policy",
          "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy",
          "Permissions-Policy", "Strict-Transport-Security", "Cache-Control",
          "Date", "Connection"}
SOMETIMES = {"Content-Type", "Location", "Set-Cookie", "Allow", "Retry-After"}


def test_every_answer_has_the_headers_it_should(portal):
    for browser in (portal.browser(), portal.log_in(USER),
                    portal.log_in(ROOT)):
        for path in FOR_ALL + pages_of(portal):
            page = browser.get(path)
            names = {name for name, _ in page.headers}
            assert page.status < 500 and len(names) + len(
                page.set_cookies) - bool(page.set_cookies) == \
                len(page.headers), (path, page.headers)
            assert ALWAYS - {"Connection"} <= names <= ALWAYS | SOMETIMES, path
            assert ("Content-Type" in names) == bool(page.body), path
            if page.body:
                assert page.header("Content-Type") in (
                    "text/html; charset=utf-8",
                    "application/json; charset=utf-8",
                    "application/json"), path
            assert page.header("Cache-Control") == "no-store"
            for cookie in page.set_cookies:
                assert re.match(r"__Host-[a-z-]+=[\w.-]*; Path=/; HttpOnly; "
                                r"SameSite=Lax(; Max-Age=\d+)?; Secure$",
                                cookie), cookie


def test_static_files_are_served_with_their_type(portal):
    page = portal.browser().get("/login").expect()
    paths = set(re.findall(r'"(/static/[^"]*)"', page.html))
    assert {path.rpartition(".")[2] for path in paths} >= {"css", "js"}
    for path in paths:
        answer = portal.browser().get(path).expect()
        assert answer.header("Content-Type").split(";")[0] == {
            "css": "text/css", "js": "text/javascript",
            "svg": "image/svg+xml"}[path.rpartition(".")[2]]
        assert len(answer.body) > 100 and not answer.set_cookies
        assert "immutable" in answer.header("Cache-Control")


def test_every_link_and_form_leads_somewhere(portal):
    """As a crawler finds them, from the start page on, by GET alone."""
    for email in (USER, ADMIN, ROOT):
        browser = portal.log_in(email)
        waiting, seen, actions = ["/home"], set(), set()
        while waiting:
            path = waiting.pop().partition("#")[0]
            if path in seen or not path:
                continue
            seen.add(path)
            page = browser.get(path)
            assert page.status in (200, 303), page
            waiting += page.parsed.links if page.status == 200 else \
                [page.location]
            assert all(link.startswith(("/", "#"))
                       for link in page.parsed.links), page
            actions |= {form["action"] for form in page.parsed.forms
                        if form["method"] == "post"}
        assert len(seen) >= (6 if email == ADMIN else 10), seen
        for action in actions:
            # without the token: refused as a form, not as a page
            browser.post(action, csrf=False).expect(403)


# ---- what is not there

@pytest.mark.parametrize("path", [
    "/admin", "/setup", "/registration", "/signup",
    "/initial_setup", "/install", "/upgrade", "/debug", "/console", "/api",
    "/metrics", "/healthz", "/.env", "/.git/config", "/web.conf", "/static",
    "/static/", "/static/../web.conf", "/static/%2e%2e/web.conf", "/robots.txt",
    "/.well-known/", "/home/", "/Home", "/login.php", "/domain/1",
    "/edit_alias", "/user_management"])
def test_no_other_page_is_there_for_anybody(portal, path):
    for browser in (portal.browser(), portal.log_in(ROOT)):
        for page in (browser.get(path), browser.post(path, {
                "email": "new@post.test", "role": "super_admin"}, csrf=False)):
            # static files are never posted to, whether they are there or not
            assert page.status == 404 or page.status == 405 and \
                path.startswith("/static/"), page
    assert portal.db.value("SELECT COUNT(*) FROM pymailadmin_account "
                           "WHERE email = 'new@post.test'") == 0


@pytest.mark.parametrize("role", ["user", "admin", "super_admin"])
def test_forms_change_no_field_they_do_not_show(portal, role):
    email = f"fields-{role}@post.test"
    portal.add_account(email, role=role)

    def row():
        return portal.db.sql("SELECT * FROM pymailadmin_account "
                             "WHERE email = %s", email)
    before, browser = row(), portal.log_in(email)
    extra = {"role": "super_admin", "active": "1", "id": "1",
             "account_id": "1", "email": "root@post.test",
             "max_mailboxes": "99", "max_aliases": "99",
             "two_factor": "0", "password": PASSWORD}
    browser.post("/language", {**extra, "language": "en", "return": "/home"})
    browser.post("/account/sessions/end", {**extra, "all": "1"})
    browser.post("/mailbox/create", {**extra, "domain": "nowhere.test"})
    assert row() == before


# ---- looking is only looking

def everything(portal):
    """All rows of all tables."""
    tables = [next(iter(row.values())) for row in portal.db.sql(
        "SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")]
    assert len(tables) > 12
    return {table: sorted(map(repr, portal.db.sql(f"SELECT * FROM {table}")))
            for table in tables}


def test_a_get_changes_nothing(portal):
    """Whatever it asks for: neither scanners of mails nor images can."""
    browsers = [portal.browser(), portal.log_in(USER), portal.log_in(ROOT)]
    # the secret to be confirmed is made by looking, once
    for browser in browsers[1:]:
        browser.get("/account/two-factor").expect()
    csrf = browsers[1].csrf()
    actions = urllib.parse.urlencode({
        "csrf": csrf, "language": "fr", "all": "1", "off": "1", "name":
        "from-a-link", "password": MAILBOX_PASSWORD, "old": PASSWORD,
        "new": NEW, "repeat": NEW, "typed": MAILBOX, "code": "123456"})
    before = everything(portal)
    for browser in browsers:
        for path in FOR_ALL + pages_of(portal):
            for method in ("GET", "HEAD"):
                joint = "&" if "?" in path else "?"
                page = browser.request(method, path + joint + actions)
                assert page.status < 500, page
        for path in ("/logout", "/language", "/account/sessions/end",
                     "/mailbox/cancel", "/mailbox/delete/cancel",
                     "/moderation/accept", "/moderation/decline",
                     "/moderation/invitations/end"):
            browser.get(f"{path}?address={MAILBOX}&{actions}").expect(405)
    assert everything(portal) == before


# ---- limits

def test_a_full_limit_closes_nothing_else(portal):
    """Who is locked out of one account can still do all the rest."""
    browser = portal.browser()
    for _ in range(5):
        page = browser.log_in(OTHER, "wrong")
    page.expect(429)
    browser.log_in(USER).expect(303, "/home")
    portal.log_in(OTHER).get("/home").expect()
    page = portal.browser().get("/password/forgotten").expect()
    answer = portal.browser().submit(page, "/password/forgotten", email="x")
    assert answer.status != 429


def test_tries_come_back_with_time_and_only_with_time(portal):
    def age(minutes):
        portal.db.sql("UPDATE pymailadmin_rate_limit SET updated_at = "
                      "updated_at - INTERVAL %s SECOND", int(minutes * 60))

    def tries(count):
        return [portal.browser().log_in("time@post.test", "wrong").status
                for _ in range(count)]
    assert tries(5) == [422] * 4 + [429]
    # four in fifteen minutes are one in 3:45
    age(4)
    assert tries(2) == [422, 429]
    # tries of long ago do not add up, and no more than four are saved up
    age(365 * 24 * 60)
    assert tries(5) == [422] * 4 + [429]


# ---- passwords

def test_what_cannot_be_a_password_costs_nothing(portal):
    """It is refused before the old one is looked at."""
    browser = portal.log_in(USER)
    csrf = browser.csrf()
    wrong = ["", "short", "x" * 129, "passwordpassword", "é" * 600]
    # too few tries for all of these, if one was used up
    for new in wrong * 2:
        for path, fields in [("/account/password", {"old": "wrong"}),
                             ("/mailbox/password", {"old": "wrong",
                                                    "address": MAILBOX})]:
            page = browser.post(path, {**fields, "new": new, "repeat": new},
                                csrf=csrf)
            assert page.status == 422, page
    assert portal.db.value("SELECT COUNT(*) FROM pymailadmin_rate_limit") == 0


# ---- languages

def test_a_language_nobody_speaks_is_the_default(portal):
    for language in ("en-US", "xx", "fr-CA;q=0", "*", ";;;", "e" * 2000,
                     "zh-Hant-TW, x-klingon"):
        page = portal.browser(language=language).get("/login").expect()
        assert page.language in ("en", "fr") and "Log in" in page.text or \
            page.language == "fr", language
    browser = portal.browser()
    browser.cookies["__Host-pymailadmin-language"] = "../../etc/passwd"
    assert browser.get("/login").expect().language == "en"

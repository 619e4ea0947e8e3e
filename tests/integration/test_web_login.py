"""Logging in and out, and what keeps others from it."""

import concurrent.futures
import os
import pathlib
import re
import secrets
import statistics

import pytest

from mariadb import wait_until
from webportal import DEFAULT, PASSWORD, Portal, hash_password

USER, OTHER, INACTIVE, ROOT = (
    f"{name}@post.test" for name in ("user", "other", "inactive", "root"))
WRONG = "The email address or the password is not right."


@pytest.fixture(scope="module")
def portal():
    with Portal(limit_login_account="5/15m") as portal:
        portal.add_account(USER, domains=["one.test"], cost=DEFAULT)
        portal.add_account(OTHER, domains=["one.test"])
        portal.add_account(INACTIVE, active=0)
        portal.add_account(ROOT, role="super_admin")
        yield portal


@pytest.fixture(autouse=True)
def clean(portal):
    portal.forget_limits()
    portal.db.sql("DELETE FROM pymailadmin_session")


def sessions(portal):
    return portal.db.value("SELECT COUNT(*) FROM pymailadmin_session")


def attempt(portal, email, password, browser=None):
    return (browser or portal.browser()).log_in(email, password)


# ---- the cookie

def test_log_in_and_out(portal):
    browser = portal.browser()
    page = browser.log_in(USER).expect(303, "/home")
    [cookie] = [each for each in page.set_cookies
                if each.startswith("__Host-pymailadmin=")]
    assert re.fullmatch(
        r"__Host-pymailadmin=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Lax; "
        r"Secure", cookie)
    assert "no-store" in page.header("Cache-Control")
    home = browser.follow(page).expect()
    token = browser.session
    assert portal.db.value("SELECT COUNT(*) FROM pymailadmin_session "
                           "WHERE id_hash = UNHEX(%s) OR id_hash = %s",
                           token, token) == 0
    assert browser.get("/login").expect(303, "/home")
    out = browser.submit(home, "/logout").expect(303, "/login")
    assert browser.session is None and sessions(portal) == 0
    assert "You are logged out." in browser.follow(out).text
    assert "You are logged out." not in browser.get("/login").text
    browser.cookies["__Host-pymailadmin"] = token
    browser.get("/home").expect(303, "/login")


def test_the_session_is_another_one_after_each_log_in(portal):
    browser = portal.browser()
    planted = secrets.token_hex(32)
    browser.cookies["__Host-pymailadmin"] = planted
    browser.log_in(USER).expect(303, "/home")
    first = browser.session
    assert first != planted
    # the form is not shown to who is logged in, but may still be open
    browser.post("/login", {"email": OTHER, "password": PASSWORD}).expect(
        303, "/home")
    assert browser.session != first and sessions(portal) == 1
    stale = portal.browser()
    stale.cookies["__Host-pymailadmin"] = first
    stale.get("/home").expect(303, "/login")


def test_people_who_only_look_have_no_session(portal):
    for path in ("/", "/login", "/home", "/password/forgotten", "/nowhere"):
        portal.browser().get(path)
    assert sessions(portal) == 0


def test_a_session_that_comes_twice_is_none(portal):
    browser = portal.log_in(USER)
    token = browser.session
    browser.get("/home").expect()
    browser.get("/home", headers={
        "Cookie": f"__Host-pymailadmin={token}; __Host-pymailadmin={token}"
    }).expect(303, "/login")
    for odd in ("", "x", token[:-1], token.upper(), token + "0", "%00"):
        browser.get("/home", headers={
            "Cookie": f"__Host-pymailadmin={odd}"}).expect(303, "/login")


def test_idle_and_old_sessions_end(portal):
    for column, value in (("seen_at", "121 MINUTE"), ("expires_at", "1 SECOND")):
        browser = portal.log_in(USER)
        browser.get("/home").expect()
        portal.db.sql(f"UPDATE pymailadmin_session SET {column} = "
                      f"UTC_TIMESTAMP() - INTERVAL {value}")
        page = browser.get("/home").expect(303, "/login")
        assert "nothing was clicked for long" in browser.follow(page).text


def test_without_https_the_cookie_has_a_plain_name(portal):
    portal.restart(base_url="http://mail.example.org")
    try:
        browser = portal.browser()
        page = browser.get("/login")
        [cookie] = page.set_cookies
        assert cookie.startswith("pymailadmin-form=")
        assert "Secure" not in cookie and "HttpOnly" in cookie
    finally:
        portal.restart(base_url="https://mail.example.org")


# ---- forms of other sites

def test_every_form_needs_its_token(portal):
    mine, other = portal.log_in(USER), portal.log_in(OTHER)
    stranger = portal.browser()
    foreign = [False, "", "0", "é" * 64, "\udcff", mine.csrf()[:-1] + "x",
               other.csrf(), stranger.csrf()]
    for path in ("/logout", "/language", "/account/password",
                 "/account/sessions/end", "/account/two-factor", "/login"):
        for token in foreign:
            if token == "\udcff":
                page = mine.request("POST", path, "csrf=%FF")
                assert page.status == 400, page
                continue
            mine.post(path, {"language": "fr", "all": "1"},
                      csrf=token).expect(403)
    mine.get("/home").expect()
    assert portal.db.value("SELECT language FROM pymailadmin_account "
                           "WHERE email = %s", USER) == "en"


def test_log_in_needs_a_token_of_this_browser(portal):
    stranger = portal.browser()
    token = stranger.csrf()
    for csrf in (False, "x", token):
        browser = portal.browser()
        browser.post("/login", {"email": USER, "password": PASSWORD},
                     csrf=csrf).expect(403)
        assert browser.session is None
        browser.cookies["__Host-pymailadmin-form"] = "0" * 64
        browser.post("/login", {"email": USER, "password": PASSWORD},
                     csrf=csrf).expect(403)
    # a cookie and a token that somebody has made up together
    made_up = secrets.token_hex(32)
    browser = portal.browser()
    browser.cookies["__Host-pymailadmin-form"] = made_up
    browser.post("/login", {"email": USER, "password": PASSWORD},
                 csrf=made_up).expect(403)
    assert sessions(portal) == 0


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.test"},
    {"Origin": "null"},
    {"Origin": None, "Sec-Fetch-Site": "cross-site"},
])
def test_forms_of_other_sites_are_refused(portal, headers):
    browser = portal.log_in(USER)
    browser.post("/logout", headers=headers).expect(403)
    browser.get("/home").expect()


def test_a_link_logs_nobody_out(portal):
    browser = portal.log_in(USER)
    assert browser.get("/logout").status == 405
    browser.get("/home").expect()


# ---- who has an account is not told

def test_wrong_unknown_and_inactive_are_answered_alike(portal):
    def answer(email):
        page = attempt(portal, email, "wrong").expect(422)
        assert WRONG in page.text and page.title.startswith("Error:")
        assert page.form("/login")["email"] == email
        assert page.form("/login")["password"] == ""
        return re.sub(r'value="[^"]*"', "", page.html)
    answers = {answer(email) for email in (USER, INACTIVE, "no@post.test")}
    assert len(answers) == 1
    attempt(portal, INACTIVE, PASSWORD).expect(422)
    assert sessions(portal) == 0


def cpu_seconds(portal):
    """What the daemon has computed: it does not wait for others to."""
    fields = pathlib.Path(f"/proc/{portal.web.process.pid}/stat").read_text()
    user, system = fields.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def test_and_take_as_long(portal):
    emails = (USER, INACTIVE, "no@post.test")
    times = {email: [] for email in emails}
    for _ in range(3):
        portal.forget_limits()
        for email in emails:
            browser = portal.browser()
            page = browser.get("/login")
            begin = cpu_seconds(portal)
            browser.submit(page, "/login", email=email,
                           password="wrong").expect(422)
            times[email].append(cpu_seconds(portal) - begin)
    medians = [statistics.median(each) for each in times.values()]
    assert max(medians) < 1.6 * min(medians), times
    assert min(medians) > 0.03, times


def test_odd_forms(portal):
    browser = portal.browser()
    for email, password, words in [
            ("", "x", "Enter an email address"),
            ("user", "x", "Enter an email address"),
            (USER, "", "Enter the password."),
            ("a@b@c.test", "x", "Enter an email address"),
            (USER, "x" * 600, WRONG),
            ("' OR 1=1 -- @post.test", "x", "Enter an email address"),
            ('<b>"&@post.test', "x", "Enter an email address")]:
        page = browser.log_in(email, password).expect(422)
        assert words in page.text, page
        assert "<b>" not in page.html
    assert "pass" not in portal.web.log.read_text().replace(
        "password", "").replace("passed", "")


def test_a_password_with_odd_characters(portal):
    password = "p äß€ + & = % < > \" ' 🔑"
    portal.add_account("odd@post.test", password)
    browser = portal.browser()
    browser.log_in("odd@post.test", password).expect(303, "/home")


def test_a_cheap_hash_is_made_anew(portal):
    def stored():
        return portal.db.value("SELECT password FROM pymailadmin_account "
                               "WHERE email = %s", OTHER)
    portal.db.sql("UPDATE pymailadmin_account SET password = %s "
                  "WHERE email = %s", hash_password(PASSWORD), OTHER)
    for wrong in ("wrong", PASSWORD.upper()):
        attempt(portal, OTHER, wrong).expect(422)
    assert "m=8," in stored()
    browser = portal.browser()
    browser.log_in(OTHER).expect(303, "/home")
    browser.get("/home").expect()
    assert stored().startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    attempt(portal, OTHER, PASSWORD).expect(303, "/home")


# ---- limits

def test_an_account_can_be_tried_only_so_often(portal):
    """From wherever, whatever a header says, whether there is one or not."""
    for email in (OTHER, "no@post.test"):
        got = [attempt(portal, email, "wrong").status for _ in range(12)]
        assert got == [422] * 5 + [429] * 7, got
        page = attempt(portal, email.upper(), PASSWORD).expect(429)
        assert 0 < int(page.header("Retry-After")) <= 180
        assert "Too many attempts" in page.text
    portal.restart()
    attempt(portal, OTHER, PASSWORD).expect(429)


def test_own_log_ins_do_not_give_tries_back(portal):
    portal.restart(limit_login_account="4/15m")
    try:
        browser = portal.browser()
        got = [attempt(portal, OTHER, password, browser).status
               for password in ("a", "b", PASSWORD)]
        assert got == [422, 422, 303]
        browser = portal.browser()
        got = [attempt(portal, OTHER, password, browser).status
               for password in ("c", "d", PASSWORD)]
        assert got == [422, 429, 429]
    finally:
        portal.restart(limit_login_account="5/15m")


def test_an_address_can_try_only_so_often(portal):
    """X-Forwarded-For of who is no proxy of ours is not believed."""
    portal.restart(limit_login_address="3/15m", trusted_proxies="192.0.2.1",
                   listen=portal.web.settings["listen"])
    try:
        got = []
        for i in range(12):
            browser = portal.browser(address=f"198.51.100.{i}")
            got.append(attempt(portal, f"no{i}@post.test", "wrong",
                               browser).status)
        assert got == [422] * 3 + [429] * 9, got
    finally:
        portal.restart(limit_login_address="30/15m",
                       trusted_proxies="127.0.0.1 unix")
    # a network of IPv6 is one
    portal.restart(limit_login_address="2/15m")
    try:
        got = [attempt(portal, f"six{i}@post.test", "wrong",
                       portal.browser(address=f"2001:db8:1:2::{i}")).status
               for i in range(1, 4)]
        assert got == [422] * 2 + [429], got
        attempt(portal, "six@post.test", "wrong", portal.browser(
            address="2001:db8:1:3::1")).expect(422)
        attempt(portal, "x" * 80 + "@post.test", "wrong", portal.browser(
            address="x" * 80)).expect(422)
    finally:
        portal.restart(limit_login_address="30/15m")


def test_limits_hold_for_those_who_come_at_once(portal):
    def one(_):
        return attempt(portal, "at-once@post.test", "wrong").status
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        got = sorted(pool.map(one, range(16)))
    assert got == [422] * 5 + [429] * 11, got


def test_without_the_database_nobody_gets_in(portal):
    browser, known = portal.browser(), portal.log_in(USER)
    page = browser.get("/login")
    portal.db.stop()
    try:
        answer = browser.submit(page, "/login", email=USER, password=PASSWORD)
        assert answer.status == 503 and browser.session is None
        assert "Your mailboxes work as usual" in answer.text
        assert answer.header("Retry-After")
        known.get("/home").expect(503)
        assert portal.web.monitor("/healthz").status == 503
    finally:
        portal.db.start()
        # it is asked again a second after it was away
        wait_until(lambda: portal.web.monitor("/healthz").status == 200,
                   "it is there again", 10)
        portal.forget_errors()
    browser.post("/login", {"email": USER, "password": PASSWORD},
                 csrf=page.csrf).expect(303, "/home")
    known.get("/home").expect()


# ---- rights

@pytest.mark.parametrize("change", [
    "active = 0", "role = 'user'", "role = 'admin'",
    "password_changed_at = UTC_TIMESTAMP() + INTERVAL 1 SECOND"])
def test_a_session_ends_when_the_account_changes(portal, change):
    browser = portal.log_in(ROOT)
    browser.get("/home").expect()
    try:
        portal.db.sql(f"UPDATE pymailadmin_account SET {change} "
                      "WHERE email = %s", ROOT)
        browser.get("/home").expect(303, "/login")
    finally:
        portal.db.sql("UPDATE pymailadmin_account SET active = 1, "
                      "role = 'super_admin', password_changed_at = "
                      "UTC_TIMESTAMP() - INTERVAL 1 DAY WHERE email = %s",
                      ROOT)


def test_a_log_out_is_not_undone_by_what_goes_on_meanwhile(portal):
    browser = portal.log_in(USER)
    cookie = {"Cookie": f"__Host-pymailadmin={browser.session}"}
    csrf = browser.csrf()
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        pages = [pool.submit(portal.browser().get, "/home", headers=cookie)
                 for _ in range(30)]
        pages[10].result()
        browser.post("/logout", csrf=csrf).expect(303, "/login")
        answers = [page.result() for page in pages]
    assert {page.status for page in answers} <= {200, 303}
    assert not any("__Host-pymailadmin=" in each
                   for page in answers for each in page.set_cookies)
    assert sessions(portal) == 0
    portal.browser().get("/home", headers=cookie).expect(303, "/login")


def test_many_requests_of_one_session_at_once(portal):
    browser = portal.log_in(USER)
    cookie = {"Cookie": f"__Host-pymailadmin={browser.session}"}
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        got = list(pool.map(
            lambda _: portal.browser().get("/home", headers=cookie).status,
            range(60)))
    assert got == [200] * 60 and sessions(portal) == 1


# ---- language

def test_the_language_is_the_browsers_then_ones_own(portal):
    assert portal.browser().get("/login").language == "en"
    browser = portal.browser(language="de, fr;q=0.8, en;q=0.5")
    page = browser.get("/login?x=%C3%A9+%26").expect()
    assert page.language == "fr" and "Se connecter" in page.text
    back = browser.submit(page, "/language", language="en").expect(
        303, "/login?x=%C3%A9%20%26")
    assert browser.follow(back).language == "en"
    browser = portal.log_in(USER, language="fr")
    page = browser.get("/home").expect()
    assert page.language == "en"
    page = browser.follow(browser.submit(page, "/language", language="fr"))
    assert (page.language, page.path) == ("fr", "/home")
    assert portal.log_in(USER).get("/home").language == "fr"
    portal.db.sql("UPDATE pymailadmin_account SET language = 'en'")


@pytest.mark.parametrize("path", [
    "https://evil.test/", "//evil.test/", "/\\evil.test", "/nowhere", "",
    "/logout", "/login\r\nX: y", "/ login", "javascript:alert(1)"])
def test_the_language_switch_leads_nowhere_else(portal, path):
    browser = portal.browser()
    page = browser.post("/language", {"language": "fr", "return": path})
    assert (page.status, page.location) in [(303, "/"), (400, None)], page


def test_only_languages_there_are(portal):
    browser = portal.log_in(USER)
    browser.post("/language", {"language": "xx"}).expect(400)
    browser.post("/language", {}).expect(400)
    assert browser.get("/home").language == "en"

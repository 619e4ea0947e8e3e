"""The second step of logging in: set up, used, used up, switched off."""

import concurrent.futures
import re

import pytest

import totp
from webportal import PASSWORD, Portal

USER, ROOT = "user@post.test", "root@post.test"


@pytest.fixture(scope="module")
def portal():
    with Portal() as portal:
        portal.add_account(USER)
        portal.add_account(ROOT, role="super_admin")
        yield portal


@pytest.fixture(autouse=True)
def clean(portal):
    portal.forget_limits()
    portal.db.sql("DELETE FROM pymailadmin_session")


def sessions(portal, email):
    return portal.db.value("SELECT COUNT(*) FROM pymailadmin_session WHERE "
                           "account_id = %s", portal.account_id(email))


def last_mail(portal):
    return portal.db.value("SELECT template FROM pymailadmin_outbox "
                           "ORDER BY id DESC LIMIT 1")


# ---- setting it up

def set_up(portal, email_, browser=None):
    browser = browser or portal.log_in(email_)
    page = browser.get("/account/two-factor").expect()
    secret = re.search(r'<code class="secret">([^<]*)<', page.html)[1]
    return browser, secret, page


def test_two_factor_is_set_up_shown_and_switched_off(portal):
    email_ = "two@post.test"
    account = portal.add_account(email_)
    elsewhere = portal.log_in(email_)
    browser, secret, page = set_up(portal, email_)
    assert re.fullmatch(r"([A-Z2-7]{4} ){7}[A-Z2-7]{4}", secret)
    assert '<path d="M' in page.html
    # the same until it is confirmed, and in no table
    assert set_up(portal, email_, browser)[1] == secret
    stored = portal.db.value("SELECT totp_secret FROM pymailadmin_account "
                             "WHERE id = %s", account)
    assert stored and secret.replace(" ", "").encode() not in stored
    page = browser.submit(page, "/account/two-factor",
                          code=totp.code(secret), password="not this one")
    assert "This is not the password" in page.expect(422).text
    page = browser.submit(page, "/account/two-factor", code="000000",
                          password=PASSWORD)
    assert "This code is not right" in page.expect(422).text
    # not in force yet
    portal.log_in(email_).get("/home").expect()
    before = browser.session
    page = browser.submit(page, "/account/two-factor", password=PASSWORD,
                          code=totp.code(secret)).expect()
    codes = re.findall(r"<li><code>([a-z0-9-]*)</code>", page.html)
    assert len(set(codes)) == 10 and "no-store" in page.header("Cache-Control")
    assert browser.session != before and sessions(portal, email_) == 1
    elsewhere.get("/home").expect(303, "/login")
    for code in codes:
        assert portal.db.value("SELECT COUNT(*) FROM pymailadmin_backup_code "
                               "WHERE code_hash = %s", code) == 0
    page = browser.get("/account/two-factor").expect()
    assert codes[0] not in page.html and secret not in page.html
    assert "10 unused backup codes" in page.text
    assert last_mail(portal) == "two-factor-on"

    # new codes replace the old ones
    assert browser.submit(page, "/account/backup-codes",
                          password="wrong").status == 422
    before = browser.session
    page = browser.submit(page, "/account/backup-codes", password=PASSWORD)
    fresh = re.findall(r"<li><code>([a-z0-9-]*)</code>", page.expect().html)
    assert len(set(fresh) - set(codes)) == 10 and browser.session != before
    pending = portal.log_in(email_, stage="code")
    form = pending.get("/login/code")
    pending.submit(form, "/login/code", code=codes[0]).expect(422)
    pending.submit(form, "/login/code", code=fresh[0]).expect(303, "/home")

    # off only with the password; everybody else is logged out
    page = browser.get("/account/two-factor")
    assert browser.submit(page, "/account/two-factor",
                          off_password="wrong").status == 422
    before = browser.session
    page = browser.submit(page, "/account/two-factor",
                          off_password=PASSWORD).expect(303, "/account")
    assert "Two-step log-in is off." in browser.follow(page).text
    assert browser.session != before and sessions(portal, email_) == 1
    assert portal.db.value("SELECT COUNT(*) FROM pymailadmin_backup_code "
                           "WHERE account_id = %s", account) == 0
    assert last_mail(portal) == "two-factor-off"


def test_codes_of_the_set_up_can_be_tried_only_so_often(portal):
    browser, secret, page = set_up(portal, USER)
    got = [browser.submit(page, "/account/two-factor", code="123456",
                          password=PASSWORD).status for _ in range(6)]
    assert got == [422] * 5 + [429]
    browser.submit(page, "/account/two-factor", password=PASSWORD,
                   code=totp.code(secret)).expect(429)


def test_who_must_have_it_cannot_switch_it_off(portal):
    email_ = "must@post.test"
    portal.add_account(email_, role="admin")
    portal.restart(two_factor_required="admin")
    try:
        browser, secret, page = set_up(portal, email_)
        browser.submit(page, "/account/two-factor", password=PASSWORD,
                       code=totp.code(secret)).expect()
        browser.get("/home").expect()
        page = browser.get("/account/two-factor").expect()
        assert "cannot be switched off" in page.text
        browser.post("/account/two-factor", {
            "off": "1", "off-password": PASSWORD}).expect(400)
    finally:
        portal.restart(two_factor_required="")


# ---- logging in

def with_two_factor(portal, email, **columns):
    """A new account with it: secret, the step used, and backup codes."""
    portal.add_account(email, **columns)
    browser = portal.log_in(email)
    page = browser.get("/account/two-factor").expect()
    secret = re.search(r'<code class="secret">([^<]*)<', page.html)[1]
    step = totp.step()
    page = browser.submit(page, "/account/two-factor", password=PASSWORD,
                          code=totp.code(secret, step)).expect()
    codes = re.findall(r"<li><code>([a-z0-9-]*)</code>", page.html)
    assert len(set(codes)) == 10
    return secret, step, codes


def half_way(portal, email):
    return portal.log_in(email, stage="code")


def code_form(browser, code):
    return browser.submit(browser.get("/login/code"), "/login/code", code=code)


def test_logging_in_takes_a_code(portal):
    email = "steps@post.test"
    secret, used, codes = with_two_factor(portal, email)
    browser = portal.browser()
    browser.log_in(email).expect(303, "/login/code")
    pending = browser.session
    # half way is nowhere
    for path in ("/home", "/account", "/account/two-factor"):
        browser.get(path).expect(303, "/login")
    browser.post("/account/password", {"new": "x"},
                 csrf=browser.get("/login/code").csrf).expect(303, "/login")
    assert browser.get("/").location == "/login"
    page = code_form(browser, "000000").expect(422)
    assert "This code is not right" in page.text
    # the code it was set up with is used up
    code_form(browser, totp.code(secret, used)).expect(422)
    portal.forget_limits()
    following = totp.code(secret, used + 1)
    code_form(browser, following).expect(303, "/home")
    assert browser.session != pending
    browser.get("/home").expect()
    stale = portal.browser()
    stale.cookies["__Host-pymailadmin"] = pending
    stale.get("/login/code").expect(303, "/login")
    # no code counts twice
    code_form(half_way(portal, email), following).expect(422)
    # nor a backup code
    again = half_way(portal, email)
    code_form(again, f" {codes[0].upper().replace('-', ' ')}").expect(
        303, "/home")
    code_form(half_way(portal, email), codes[0]).expect(422)
    code_form(half_way(portal, email), codes[1]).expect(303, "/home")


def test_one_code_lets_one_in(portal):
    email = "race@post.test"
    _, _, codes = with_two_factor(portal, email)
    portal.restart(limit_code="20/15m")
    try:
        browsers = [half_way(portal, email) for _ in range(4)]
        tokens = [each.get("/login/code").csrf for each in browsers]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            got = sorted(pool.map(
                lambda pair: pair[0].post("/login/code", {"code": codes[0]},
                                          csrf=pair[1]).status,
                zip(browsers, tokens)))
        assert got == [303, 422, 422, 422]
    finally:
        portal.restart(limit_code="5/15m")


def test_codes_can_be_tried_only_so_often(portal):
    email = "guess@post.test"
    secret, used, _ = with_two_factor(portal, email)
    portal.forget_limits()
    got = []
    for _ in range(7):
        got.append(code_form(half_way(portal, email), "123456").status)
    assert got == [422] * 5 + [429] * 2
    browser = half_way(portal, email)
    code_form(browser, totp.code(secret, used + 1)).expect(429)


def test_who_is_not_half_way_has_no_code_to_give(portal):
    portal.browser().get("/login/code").expect(303, "/login")
    portal.log_in(USER).get("/login/code").expect(303, "/home")


def test_roles_that_need_it_are_led_to_it(portal):
    portal.restart(two_factor_required="super_admin")
    try:
        portal.log_in(USER).get("/home").expect()
        browser = portal.log_in(ROOT)
        for path in ("/home", "/account", "/account/password"):
            browser.get(path).expect(303, "/account/two-factor")
        page = browser.get("/account/two-factor").expect()
        assert "requires two-step log-in" in page.text
        csrf = page.csrf
        browser.post("/account/password", {"new": "x"}, csrf=csrf).expect(
            303, "/account/two-factor")
        browser.post("/logout", csrf=csrf).expect(303, "/login")
    finally:
        portal.restart(two_factor_required="")

"""The portal's error pages as people get to see them, each provoked in a
browser: what they say, in which language, and with which headers."""

import contextlib
import re

import pytest

from browser import Browser
from webmailboxes import CHEAP
from webportal import PASSWORD, Portal

pytestmark = pytest.mark.limit(120)
EMAIL = "anna@post.test"
SECURITY_HEADERS = {
    "content-security-policy": r"default-src 'none'; .*frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": r".*camera=\(\).*",
    "cache-control": "no-store",
    "content-type": "text/html; charset=utf-8",
}
# Of how it works inside, a page says nothing.
INTERNAL = re.compile(r"sql|maria|database|base de données|errno|pymailadmin_|"
                      r"\.c\b|null|exception|failed", re.IGNORECASE)


@pytest.fixture(scope="module")
def portal():
    with Portal(base_url="http://127.0.0.1:{port}",
                limit_login_account="2/15m", **CHEAP) as portal:
        portal.add_account(EMAIL)
        yield portal
        # What was provoked was logged.
        portal.forget_errors()


@pytest.fixture(scope="module")
def browser(portal):
    with Browser(portal.web.base_url) as browser:
        yield browser


# ---- how to come to each

def send(browser, password=PASSWORD):
    browser.send(email=EMAIL, password=password)


def twice(_portal, browser):
    browser.open("/login?a=1&a=2")


def expired_form(_portal, browser):
    browser.open("/login").forget()
    send(browser)


def nowhere(_portal, browser):
    browser.open("/nowhere")


def form_without_form(_portal, browser):
    browser.open("/logout")


def long_form(_portal, browser):
    browser.open("/login").fill(password=PASSWORD)
    browser.driver.execute_script("""
        const email = document.getElementById("email");
        email.removeAttribute("maxlength");
        email.form.noValidate = true;
        email.value = "x".repeat(100000);""")
    with browser.leaving():
        browser.click("main form .actions button")


def many_tries(_portal, browser):
    browser.open("/login")
    for _ in range(3):
        send(browser, "not the password")


def broken_table(portal, browser):
    browser.open("/login")
    with renamed(portal, "pymailadmin_rate_limit"):
        send(browser)


def no_database(portal, browser):
    browser.open("/login")
    portal.db.kill()
    try:
        send(browser)
    finally:
        portal.db.start()


@contextlib.contextmanager
def renamed(portal, table):
    portal.db.sql(f"RENAME TABLE {table} TO {table}_gone")
    try:
        yield
    finally:
        portal.db.sql(f"RENAME TABLE {table}_gone TO {table}")


ERRORS = [
    (400, twice, "This request was not understood", "Demande incomprise"),
    (403, expired_form, "This form has expired", "Ce formulaire a expiré"),
    (404, nowhere, "There is no such page", "Page introuvable"),
    (405, form_without_form, "This page cannot be used like that",
     "Cette page ne s’utilise pas ainsi"),
    (413, long_form, "That was too much", "C’était trop long"),
    (429, many_tries, "Too many attempts", "Trop de tentatives"),
    (500, broken_table, "Something went wrong here",
     "Un problème est survenu chez nous"),
    (503, no_database, "Not available right now",
     "Indisponible pour le moment"),
]


@pytest.mark.parametrize("status, provoke, english, french", ERRORS,
                         ids=[str(each[0]) for each in ERRORS])
@pytest.mark.parametrize("language, width, scheme", [
    ("en", 1280, "light"), ("fr", 360, "dark")], ids=["en", "fr"])
def test_error_page(portal, browser, status, provoke, english, french,
                    language, width, scheme):
    portal.forget_limits()
    browser.forget().show_as(width, scheme, language)
    provoke(portal, browser)
    browser.look(f"error-{status}-{language}")
    assert browser.title == {"en": english, "fr": french}[language]
    assert browser.find("html").get_attribute("lang") == language
    assert not INTERNAL.search(browser.text), browser.text
    reference = browser.find(".reference code").text
    assert f"request={reference}" in portal.web.log.read_text()
    assert_headers(browser.answer, status)
    # From there, one gets on.
    if status not in (429, 503):
        with browser.leaving():
            browser.click("main a.button")
        assert browser.path == "/login"


def assert_headers(answer, status):
    headers = {name.lower(): value
               for name, value in answer["headers"].items()}
    assert answer["status"] == status
    for name, pattern in SECURITY_HEADERS.items():
        assert re.fullmatch(pattern, headers.get(name, "")), (name, headers)
    assert "server" not in headers
    assert headers.get("allow") == ("POST" if status == 405 else None)
    wait = headers.get("retry-after")
    if status in (429, 503):
        assert 0 < int(wait) <= {429: 900, 503: 5}[status]
    else:
        assert wait is None


def test_an_error_of_a_person_has_their_language_and_menu(portal, browser):
    """Whatever the browser asks for."""
    browser.forget().show_as(language="en").open("/login")
    portal.db.sql("UPDATE pymailadmin_account SET language = 'fr'")
    portal.forget_limits()
    send(browser)
    browser.open("/mailbox?address=nobody@example.test")
    assert browser.title == "Page introuvable"
    assert browser.find(".menu").is_displayed()
    browser.look("error-404-account")

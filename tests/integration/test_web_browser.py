"""The real portal beside a real mail host, as people see it in a browser: in
both languages, on a phone and on a screen, with and without scripts."""

import http.server
import itertools
import re
import threading

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.keys import Keys

import totp
from browser import Browser, LOOKS
from changes import fill
from mailcatcher import MailCatcher
from mailclients import Refused
from mailhost import MailHost
from mariadb import wait_until
from webmailboxes import CHEAP, NEW, PASSWORD
from webportal import PASSWORD as ACCOUNT_PASSWORD
from webportal import Portal

pytestmark = pytest.mark.limit(300)
DOMAIN = "example.test"
numbers = itertools.count()
NEW_ACCOUNT_PASSWORD = "seven purple elephants sing quietly"
ROOT = "root@post.test"


@pytest.fixture(scope="module")
def portal():
    with MailHost(depth="storage") as host, MailCatcher() as catcher, \
            Portal(host, base_url="http://127.0.0.1:{port}",
                   smtp_url=catcher.url, mail_from="portal@post.test",
                   limit_login_address="1000/15m", **CHEAP) as portal:
        portal.catcher = catcher
        portal.add_account(ROOT, role="super_admin")
        for name in ("example.test", "example.org", "a-club.example.net"):
            portal.add_domain(name)
        yield portal


@pytest.fixture(scope="module")
def browsers(portal):
    """One with scripts and one without."""
    with Browser(portal.web.base_url) as scripts, \
            Browser(portal.web.base_url, scripts=False) as plain:
        yield {True: scripts, False: plain}


class Person:
    """An account with a mailbox full of mail, and others in odd states."""

    def __init__(self, portal, name, language="en"):
        name = f"{name}-{next(numbers)}"
        self.portal = portal
        self.email = f"{name}@post.test"
        self.password = ACCOUNT_PASSWORD
        portal.add_account(self.email, language=language, domains=[DOMAIN],
                           max_mailboxes=9)
        self.name = name
        self.mailbox = portal.mailhost.create(f"mailbox-{name}", PASSWORD)

    def give_mailboxes(self):
        fill(self.mailbox)
        self.portal.give(self.mailbox.address, self.email)
        for state, outcome in (("storing", None), ("failed", "busy")):
            self.ask("password", state, outcome)
        self.ask("delete", "pending", None)
        self.portal.add_mailbox(self.address("inactive"), self.email,
                                quota=2 << 30, active=0)

    def address(self, state):
        return f"{state}-{self.name}@{DOMAIN}"

    def ask(self, kind, state, outcome):
        address = self.address(state)
        self.portal.add_mailbox(address, self.email, quota=1 << 30)
        self.portal.db.sql(
            "INSERT INTO pymailadmin_request (id, kind, address, account_id, "
            "created_at, state, outcome, ended_at, mails_done, mails_total, "
            "bytes_done, bytes_total) VALUES (MD5(%s), %s, %s, %s, "
            "UTC_TIMESTAMP() - INTERVAL 2 MINUTE, %s, %s, "
            "IF(%s = 'failed', UTC_TIMESTAMP(), NULL), 812, 2200, 40, 100)",
            address, kind, address, self.portal.account_id(self.email), state,
            outcome, state)

    def log_in(self, browser):
        return browser.forget().open("/login").send(
            email=self.email, password=self.password)


@pytest.fixture(params=LOOKS, ids=lambda look: "-".join(map(str, look)))
def tour(request, portal, browsers):
    """A person, and a browser that looks at each page of the portal."""
    language, width, scheme, scripts = request.param
    browser = browsers[scripts].forget().show_as(width, scheme, language)
    name = f"{language}{width}{'' if scripts else '-plain'}"
    person = Person(portal, name, language)
    yield Tour(portal, browser, person, f"{name}-{scheme}")
    portal.forget_limits()


class Tour:
    def __init__(self, portal, browser, person, name):
        self.portal, self.browser, self.person = portal, browser, person
        self.name = name

    def see(self, page):
        """A page in which there has to be nothing wrong."""
        self.browser.look(f"{page}-{self.name}")


def test_pages_for_people_who_are_not_logged_in(tour, portal):
    browser, person = tour.browser, tour.person
    browser.open("/")
    assert browser.path == "/login"
    tour.see("login")
    browser.send(email=person.email, password="not the password")
    assert browser.find("#errors").is_displayed()
    tour.see("login-wrong")
    browser.follow("/password/forgotten")
    tour.see("forgotten")
    browser.send(email=person.email)
    tour.see("forgotten-sent")
    mail = portal.catcher.wait(person.email)
    [link] = re.findall(r"http://127\.0\.0\.1\S+", mail.get_content())
    browser.driver.get(link)
    tour.see("reset")
    browser.send(new=NEW_ACCOUNT_PASSWORD, repeat="something else altogether")
    tour.see("reset-wrong")
    browser.send(new=NEW_ACCOUNT_PASSWORD, repeat=NEW_ACCOUNT_PASSWORD)
    tour.see("reset-done")
    browser.driver.get(link)
    tour.see("reset-expired")
    person.password = NEW_ACCOUNT_PASSWORD
    person.log_in(browser)
    assert browser.path == "/home"
    tour.see("home-empty")


def test_pages_of_mailboxes(tour):
    browser, person = tour.browser, tour.person
    person.give_mailboxes()
    person.log_in(browser)
    tour.see("home")
    browser.follow("/mailbox/create")
    tour.see("create")
    browser.send(name=f"fresh-{person.name}", quota="2 GB", new="too short",
                 repeat="other")
    tour.see("create-wrong")
    browser.send(new=NEW, repeat=NEW)
    tour.see("mailbox-creating")
    browser.send()
    assert browser.path == "/home"
    for state in ("storing", "failed", "inactive"):
        browser.open(f"/mailbox?address={person.address(state)}")
        tour.see(f"mailbox-{state}")
    for state in ("storing", "failed"):
        browser.open(f"/mailbox/window?address={person.address(state)}")
        tour.see(f"window-{state}")
    browser.open(f"/mailbox/delete?address={person.address('pending')}")
    tour.see("deletion-pending")


def test_the_way_of_an_alias(tour, portal):
    browser, person = tour.browser, tour.person
    person.give_mailboxes()
    person.log_in(browser)
    browser.follow(f"/mailbox?address={person.mailbox.address.split('@')[0]}")
    tour.see("mailbox")
    browser.follow("/alias/add")
    tour.see("alias-add")
    browser.send(name="sales")
    tour.see("alias-add-wrong")
    browser.send(name=f"first-{person.name}")
    tour.see("mailbox-alias")
    browser.follow("/alias/rename")
    tour.see("alias-rename")
    browser.send(name=f"second-{person.name}")
    assert f"second-{person.name}@{DOMAIN}" in browser.text
    assert portal.db.value(
        "SELECT destination FROM alias WHERE source = %s",
        f"second-{person.name}@{DOMAIN}") == person.mailbox.address
    browser.follow("/alias/delete")
    tour.see("alias-delete")
    browser.send()
    assert portal.db.value(
        "SELECT COUNT(*) FROM alias WHERE destination = %s",
        person.mailbox.address) == 0


def test_the_way_of_a_password(tour, portal):
    browser, person = tour.browser, tour.person
    mailbox = person.mailbox
    person.give_mailboxes()
    before = mailbox.everything()
    person.log_in(browser)
    browser.open(f"/mailbox?address={mailbox.address}")
    browser.follow("/mailbox/password")
    tour.see("password")
    browser.send(old="not the password", new=NEW, repeat=NEW)
    tour.see("password-wrong")
    browser.send(old=PASSWORD, new=NEW, repeat=NEW)
    tour.see("window-closed")
    assert browser.find_all(".waiting progress")
    with pytest.raises(Refused, match="UNAVAILABLE"):
        mailbox.imap(PASSWORD)
    portal.mailhost.process("--one", mailbox.address).expect(0)
    # Nobody touches the page.
    browser.wait_for("main .notice.good")
    tour.see("window-done")
    assert mailbox.everything(NEW) == before
    with pytest.raises(Refused):
        mailbox.imap(PASSWORD)
    browser.follow("/mailbox")
    tour.see("mailbox-changed")
    browser.follow("/mailbox/delete")
    tour.see("delete")
    browser.send(password="not the password")
    tour.see("delete-wrong")
    browser.send(password=NEW)
    tour.see("deletion")
    browser.send()
    tour.see("mailbox-kept")


def test_pages_of_the_account(tour, portal):
    browser, person = tour.browser, tour.person
    portal.log_in(person.email, agent="Mozilla/5.0 (X11; Linux x86_64; rv:"
                  "140.0) Gecko/20100101 Firefox/140.0")
    person.log_in(browser).open("/account")
    tour.see("account")
    browser.follow("/account/password")
    tour.see("account-password")
    browser.send(old="not the password", new=NEW, repeat=NEW)
    tour.see("account-password-wrong")
    browser.open("/account").follow("/account/sessions")
    tour.see("sessions")
    browser.send()
    assert len(browser.find_all("main .rows li")) == 1
    browser.open("/account").follow("/account/two-factor")
    tour.see("two-factor")
    secret = browser.find(".secret").text
    browser.send(code=totp.code(secret), password=person.password)
    tour.see("backup-codes")
    codes = [each.text for each in browser.find_all(".codes code")]
    browser.open("/account/two-factor")
    tour.see("two-factor-on")
    person.log_in(browser)
    assert browser.path == "/login/code"
    tour.see("code")
    while browser.find_all("#code"):
        browser.send(code="000000")
    tour.see("error-429")
    portal.forget_limits()
    person.log_in(browser).send(code=codes[0])
    assert browser.path == "/home"
    browser.open("/nowhere")
    tour.see("error-404")
    browser.open("/logout")
    tour.see("error-405")


def test_pages_of_a_super_admin(tour, portal):
    browser, person = tour.browser, tour.person
    person.give_mailboxes()
    portal.db.sql("UPDATE pymailadmin_account SET language = %s "
                  "WHERE email = %s", tour.name[:2], ROOT)
    browser.forget().open("/login").send(email=ROOT,
                                         password=ACCOUNT_PASSWORD)
    tour.see("admin-home")
    browser.open("/home?search=nothing-like-it")
    tour.see("admin-home-nothing")
    browser.open(f"/domain?name={DOMAIN}")
    tour.see("admin-domain")
    browser.open(f"/domain?name={DOMAIN}&search=storing&sort=-quota")
    tour.see("admin-domain-search")
    browser.open("/domain?name=a-club.example.net")
    tour.see("admin-domain-empty")
    browser.open(f"/mailbox?address={person.mailbox.address}")
    tour.see("admin-mailbox")
    browser.follow("/mailbox/delete")
    tour.see("admin-delete")


# ---- by keyboard, with scripts

@pytest.fixture
def person(request, portal):
    name = re.sub(r"\W+", "-", request.node.name)[-30:].strip("-")
    return Person(portal, name)


@pytest.fixture
def browser(portal, browsers):
    yield browsers[True].forget().show_as()
    portal.forget_limits()


@pytest.mark.parametrize("scripts", [True, False])
def test_by_keyboard_alone(portal, browsers, scripts):
    """Log in and change a mailbox's password: Tab, Enter and letters."""
    person = Person(portal, f"keyboard-{scripts}".lower())
    portal.give(person.mailbox.address, person.email)
    browser = browsers[scripts].forget().show_as(360)
    browser.open("/login")
    browser.tab_to("email").type(person.email)
    browser.tab_to("password").type(person.password).enter()
    assert browser.path == "/home"
    browser.tab_to("Skip to content").type(Keys.ENTER)
    browser.tab_to(person.mailbox.address).enter()
    browser.tab_to("Change the password").enter()
    browser.tab_to("old").type(PASSWORD)
    browser.tab_to("new").type(NEW)
    browser.tab_to("repeat").type(NEW)
    browser.tab_to("Change the password").enter()
    assert browser.path.startswith("/mailbox/window?")
    portal.mailhost.process("--one",
                            person.mailbox.address).expect(0)
    browser.wait_for("main .notice.good")
    person.mailbox.imap(NEW).logout()
    browser.open("/home")
    browser.tab_to(browser.find("summary").text).type(Keys.ENTER)
    browser.tab_to("Log out").enter()
    assert browser.path == "/login"


@pytest.mark.parametrize("scripts", [True, False])
def test_window_page_follows_the_change(portal, browsers, scripts):
    """From closed to open, with its bar, while nobody touches it."""
    person = Person(portal, f"follow-{scripts}".lower())
    portal.give(person.mailbox.address, person.email)
    fill(person.mailbox)
    browser = browsers[scripts].forget().show_as()
    person.log_in(browser).open(
        f"/mailbox/password?address={person.mailbox.address}")
    browser.send(old=PASSWORD, new=NEW, repeat=NEW)
    assert browser.find("progress").get_attribute("value") in (None, "0")
    progress = {"mails_done": 300, "mails_total": 1200, "bytes_done": 25,
                "bytes_total": 100}
    portal.db.sql(
        "UPDATE pymailadmin_request SET state = 'rekeying', "
        "storing_since = UTC_TIMESTAMP(), " +
        ", ".join(f"{name} = {value}" for name, value in progress.items()) +
        " WHERE address = %s", person.mailbox.address)
    browser.wait_for("progress[value]")
    wait_until(lambda: bar(browser) == 25, "the bar")
    assert "300 of 1,200" in browser.text
    portal.db.sql(
        "UPDATE pymailadmin_request SET state = 'pending', mails_done = 0, "
        "mails_total = 0, bytes_done = 0, bytes_total = 0, "
        "storing_since = NULL WHERE address = %s", person.mailbox.address)
    portal.mailhost.process("--one",
                            person.mailbox.address).expect(0)
    browser.wait_for("main .notice.good")
    browser.look()


def bar(browser):
    try:
        return float(browser.find("progress").get_attribute("value"))
    except WebDriverException:
        return None


def test_what_is_typed_is_looked_at(portal, browser, person):
    person.log_in(browser)
    browser.open(f"/mailbox/create?domain={DOMAIN}")
    browser.fill(name="Anna-Maria")
    assert browser.find("[data-preview]").text == \
        f"The new address: anna-maria@{DOMAIN}"
    browser.fill(new="short").type(Keys.TAB)
    assert "Too short" in browser.find("#new-live").text
    browser.fill(new=NEW, repeat=NEW[:-1]).type(Keys.TAB)
    assert "differ" in browser.find("#repeat-live").text
    browser.fill(repeat=NEW).type(Keys.TAB)
    assert browser.find("#repeat-live").text == ""


def test_a_password_can_be_shown(browser):
    browser.show_as(360, "dark", "fr").open("/login")
    browser.fill(password=PASSWORD)
    assert browser.find("[data-show]").text == "Afficher"
    browser.click("[data-show]")
    assert browser.find("#password").get_attribute("type") == "text"
    browser.click("[data-show]")
    assert browser.find("#password").get_attribute("type") == "password"


def test_backup_codes_are_printed_alone(browser, person):
    person.log_in(browser).open("/account/two-factor")
    browser.send(code=totp.code(browser.find(".secret").text),
                 password=person.password)
    assert browser.find("header").is_displayed()
    assert browser.find("[data-print]").is_displayed()
    browser.show_as(media="print")
    shown = browser.find("main").text
    assert person.email in shown and len(browser.find_all(".codes code")) == 10
    for selector in ("header", "footer", "[data-print]", "main a"):
        assert not browser.find(selector).is_displayed(), selector
    browser.picture("backup-codes-printed")


def test_dark_and_light_are_what_people_have_chosen(browser):
    def colours(scheme):
        browser.show_as(scheme=scheme).open("/login")
        page = browser.find("html")
        return [sum(map(float, re.findall(
            r"[\d.]+", page.value_of_css_property(name))[:3]))
            for name in ("background-color", "color")]
    paper, ink = colours("light")
    assert paper > 600 > ink
    paper, ink = colours("dark")
    assert paper < 200 < ink


# ---- the tool

class OddPage(http.server.BaseHTTPRequestHandler):
    """With what must not be on a page."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Security-Policy",
                         "default-src 'none'; img-src *")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>odd</title><h1>Odd</h1>"
                         b"<script>alert(1)</script><p style='color: red'>"
                         b"<img src='http://127.0.0.2:9/elsewhere.png'>"
                         b"<div style='x'></div><pre>" + b"x" * 900)

    def log_message(self, *_arguments):
        pass


def test_the_browser_notices_what_is_wrong():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), OddPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Browser(f"http://127.0.0.1:{server.server_address[1]}") as odd:
            odd.show_as(360).open("/")
            with pytest.raises(AssertionError) as caught:
                odd.look()
        server.shutdown()
    said = str(caught.value)
    for words in ("Content Security Policy", "a request to http://127.0.0.2",
                  "scrolls sideways", "html-has-lang", "image-alt"):
        assert words in said, words

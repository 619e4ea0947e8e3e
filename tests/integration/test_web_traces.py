"""More holes that portals have had: around database, log, mail and accounts."""

import contextlib
import hashlib
import re
import socket
import time

import pytest

import totp
from builds import SOURCE
from mariadb import SQL, MariaDB, wait_until
from test_web_holes import (MAILBOX, OTHER, ROOT, USER, fill, pages_of)
from webmailboxes import CHEAP, NEW
from webportal import PASSWORD, Portal
from webserver import seconds_of


@pytest.fixture(scope="module")
def portal():
    with Portal(**CHEAP, limit_login_account="4/15m") as portal:
        fill(portal)
        yield portal


@pytest.fixture(autouse=True)
def clean(portal):
    portal.forget_limits()


# ---- the database

def executed(portal):
    return int(portal.db.sql("SHOW GLOBAL STATUS LIKE "
                             "'Com_stmt_execute'")[0]["Value"])


def connected(portal):
    return int(portal.db.sql("SHOW GLOBAL STATUS LIKE "
                             "'Connections'")[0]["Value"])


def statements_of(portal, email, path):
    """The fewest of some rounds: there are others, once a second or rarer."""
    browser = portal.log_in(email)
    counts = []
    for _ in range(12):
        before = executed(portal)
        browser.get(path).expect()
        counts.append(executed(portal) - before)
    # twice as often as there are threads: each has prepared them by now
    return min(counts[4:])


def test_statements_do_not_grow_with_what_is_shown(portal):
    few, many = "few@post.test", "many@post.test"
    portal.add_account(few, None, domains=["few.test"])
    portal.add_account(many, None, max_mailboxes=100, domains=[
        f"m{number}.test" for number in range(10)])
    portal.add_mailbox("one@few.test", few)
    portal.add_mailboxes("m1.test", 60, many)
    for path in ("/home", "/domain?name={}"):
        counts = {statements_of(portal, email, path.format(domain))
                  for email, domain in ((few, "few.test"), (many, "m1.test"))}
        assert len(counts) == 1 and counts.pop() <= 5, path
    root = {statements_of(portal, ROOT, f"/domain?name={domain}")
            for domain in ("few.test", "m1.test")}
    assert len(root) == 1 and root.pop() <= 5


def test_connections_to_the_database_stay(portal):
    browser, paths = portal.log_in(USER), pages_of(portal)
    for path in paths:
        browser.get(path)
    before = connected(portal)
    for path in paths * 2:
        assert browser.get(path).status < 500
    # each look at the counter is one too
    assert connected(portal) - before == 1


def test_lists_do_not_read_hashes(portal):
    browsers = [portal.log_in(USER), portal.log_in(ROOT)]
    portal.restart()
    portal.db.log_statements()
    try:
        for browser in browsers:
            for path in pages_of(portal):
                browser.get(path)
    finally:
        portal.db.log_statements(False)
    lines = [line for line in portal.db.logged().splitlines()
             if "FROM pymailadmin_" in line or "JOIN pymailadmin_" in line]
    assert len(lines) > 10
    for line in lines:
        columns = line.partition(" FROM ")[0]
        assert not re.search(r"\bpassword\b|(?<!COUNT\()\*", columns), line


@contextlib.contextmanager
def broken(portal, grant):
    """Without a right that the portal has."""
    portal.db.sql(f"REVOKE {grant} FROM 'pymailadmin_web'@'%'")
    try:
        yield
    finally:
        portal.db.load(SQL / "grants-web.sql")


def test_what_fails_is_an_error_page_and_shows_and_logs_no_value(portal):
    browser = portal.log_in(USER)
    forms = {path: browser.get(path).expect() for path in pages_of(portal)
             if "/account/password" in path or "/mailbox/create" in path}
    csrf = forms["/account/password"].csrf
    session = browser.session
    with broken(portal, "UPDATE (password, language, password_changed_at, "
                "totp_secret, totp_confirmed_at, totp_last_step) "
                "ON mail.pymailadmin_account"), \
            broken(portal, "EXECUTE ON PROCEDURE mail."
                   "pymailadmin_request_file"):
        answers = [
            browser.post("/account/password", {
                "old": PASSWORD, "new": NEW, "repeat": NEW}, csrf=csrf),
            browser.post("/mailbox/create", {
                "domain": "one.test", "name": "not-made", "quota": "1G",
                "new": NEW, "repeat": NEW}, csrf=csrf)]
    log = portal.web.log.read_text()
    portal.forget_errors()
    for answer in answers:
        assert answer.status == 500, answer
        reference = re.search(r"\b[0-9a-f]{16}\b", answer.text)[0]
        assert f"request={reference}" in log
        for word in ("SELECT", "UPDATE", "pymailadmin_", "denied", "MariaDB",
                     "mysql"):
            assert word not in answer.html, word
        assert answer.html.rstrip().endswith("</html>")
    assert log.count("level=error") == 2
    for secret in (csrf, session, PASSWORD, NEW):
        assert secret not in log
    browser.get("/home").expect()
    portal.forget_limits()
    portal.browser().log_in(USER).expect(303, "/home")


def test_at_no_level_secrets_are_logged(portal):
    portal.restart(log_level="debug")
    try:
        browser = portal.browser()
        page = browser.get("/login")
        form, token = browser.cookies["__Host-pymailadmin-form"], page.csrf
        browser.submit(page, "/login", email=USER, password=PASSWORD).expect(
            303, "/home")
        page = browser.get("/home")
        secrets = [form, token, browser.session, page.csrf, PASSWORD]
        page = browser.get("/account/two-factor").expect()
        secrets.append(re.search(r'"secret">([^<]*)<', page.html)[1])
        browser.submit(page, "/account/two-factor", code="918273")
        browser.get("/password/reset?token=" + "ab" * 32)
        browser.post("/mailbox/password", {
            "address": MAILBOX, "old": "no such old password", "new": NEW,
            "repeat": NEW}, csrf=secrets[3])
        secrets += ["918273", "ab" * 32, "no such old password", NEW,
                    portal.web.secret_key]
        # the line of a request is written after its answer
        wait_until(lambda: "path=/mailbox/password" in
                   portal.web.log.read_text(), "the last line")
        log = portal.web.log.read_text()
        for secret in secrets:
            assert secret not in log
    finally:
        portal.restart(log_level="info")


# ---- what is tried leaves a trace

def test_what_is_tried_is_logged(portal):
    portal.forget_errors()
    email = "traced@post.test"
    portal.add_account(email)
    stranger = portal.browser()
    for password in ("wrong", PASSWORD):
        stranger.log_in(email, password)
    stranger.get(f"/mailbox?address={MAILBOX}").expect(404)
    stranger.post("/logout", csrf=False).expect(403)
    for _ in range(5):
        portal.browser().log_in(email, "wrong")
    pending = portal.log_in(email, stage="code")
    pending.submit(pending.get("/login/code"), "/login/code", code="123456")
    wait_until(lambda: "path=/login/code" in portal.web.log.read_text(),
               "the last line")
    log = portal.web.log.read_text()
    for event, fields in [
            ("login-failed", f"account={email} client={stranger.address}"),
            ("login", f"account={email} client={stranger.address}"),
            ("page-refused", f"path=/mailbox account={email} "
             f"client={stranger.address}"),
            ("form-refused", f"path=/logout account={email} "
             f"client={stranger.address}"),
            ("limited", f"limit=login-account subject={email}"),
            ("login-code-failed", f"account={email}")]:
        assert re.search(rf"^\S*time=\S+Z level=\w+ event={event} "
                         rf"{re.escape(fields)}.* request=[0-9a-f]{{16}}$",
                         log, re.MULTILINE), (event, log)
    assert "wrong" not in log and PASSWORD not in log


# ---- mails

def test_a_relay_that_says_nothing_keeps_nobody_waiting(portal):
    """Nobody who uses the portal, nor who stops it."""
    portal.db.sql("DELETE FROM pymailadmin_outbox")
    with socket.create_server(("127.0.0.1", 0)) as relay:
        relay.settimeout(20)
        portal.restart(smtp_url=f"smtp://127.0.0.1:{relay.getsockname()[1]}",
                       mail_from="portal@post.test")
        try:
            begin = time.monotonic()
            browser = portal.browser()
            page = browser.get("/password/forgotten")
            page = browser.submit(page, "/password/forgotten", email=OTHER)
            page.expect()
            portal.log_in(USER).get("/home").expect()
            assert time.monotonic() - begin < 5
            # it was really asked
            with relay.accept()[0]:
                assert seconds_of(lambda: portal.restart(
                    smtp_url="", mail_from="")) < 15
            # and the mail is not lost
            assert portal.db.value("SELECT COUNT(*) FROM pymailadmin_outbox "
                                   "WHERE sent_at IS NULL AND template = "
                                   "'password-reset'") == 1
        finally:
            portal.web.settings.update(smtp_url="", mail_from="")
            portal.db.sql("DELETE FROM pymailadmin_outbox")


# ---- accounts

def test_a_new_portal_has_no_account():
    with MariaDB(mail=True) as db:
        db.create_mail_database(web_password="x")
        for table in ("account", "session", "registration"):
            assert db.value(f"SELECT COUNT(*) FROM pymailadmin_{table}") == 0


MAN = SOURCE / "web/man/pymailadmin-web.8"


def statements_in(manual, about):
    """What an administrator is told to type, the placeholders filled in."""
    text = re.search(rf"{about}.*?^\.Bd[^\n]*\n(.*?)^\.Ed", manual,
                     re.MULTILINE | re.DOTALL)[1]
    return [each for each in text.replace("alice@example.org", USER).split(
        ";\n") if each.strip()]


def test_what_the_man_page_says_of_accounts_works(portal):
    browser, other = portal.log_in(USER), portal.log_in(OTHER)
    page = browser.get("/account/two-factor")
    secret = re.search(r'"secret">([^<]*)<', page.html)[1]
    browser.submit(page, "/account/two-factor", code=totp.code(secret),
                   password=PASSWORD).expect()
    portal.browser().log_in(USER).expect(303, "/login/code")
    for statement in statements_in(MAN.read_text(), "lost the second factor"):
        portal.db.sql(statement)
    browser.get("/home").expect(303, "/login")
    other.get("/home").expect()
    portal.browser().log_in(USER).expect(303, "/home")
    browser = portal.log_in(USER)
    for statement in statements_in(MAN.read_text(), "end all its sessions"):
        portal.db.sql(statement)
    browser.get("/home").expect(303, "/login")
    other.get("/home").expect()


def test_a_reset_is_no_way_around_the_second_factor(portal):
    email = "factor@post.test"
    portal.add_account(email)
    browser = portal.log_in(email)
    page = browser.get("/account/two-factor")
    secret = re.search(r'"secret">([^<]*)<', page.html)[1]
    browser.submit(page, "/account/two-factor", code=totp.code(secret),
                   password=PASSWORD).expect()
    token = "5a" * 32
    portal.db.sql("INSERT INTO pymailadmin_password_reset (token_hash, "
                  "account_id, expires_at) SELECT %s, id, UTC_TIMESTAMP() + "
                  "INTERVAL 1 HOUR FROM pymailadmin_account WHERE email = %s",
                  hashlib.sha256(token.encode()).digest(), email)
    stranger = portal.browser()
    page = stranger.get(f"/password/reset?token={token}").expect()
    stranger.submit(page, "/password/reset", new=NEW, repeat=NEW).expect(
        303, "/login")
    stranger.log_in(email, NEW).expect(303, "/login/code")
    stranger.get("/home").expect(303, "/login")

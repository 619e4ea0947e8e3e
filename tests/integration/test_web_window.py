"""A mailbox's password changed in the portal, to the end: the mail is read with
the new one."""

import json
import pathlib
import re
import signal

import pytest

from changes import assert_opens, assert_refused, fill, name_of
from mailclients import Refused
from mailhost import Mailbox, MailHost
from test_secrets import Watch, forms, leaks, whole_database
from webmailboxes import CHEAP, NEW, PASSWORD, enter, requests
from webportal import WEB_PASSWORD, Portal
from websanitizer import not_sanitized

OWNER, ROOT = "owner@post.test", "root@post.test"
OTHER_KEY = "pymailadmin-seal-public:1:" \
    "07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c"
REFRESH = b'http-equiv="refresh"'


@pytest.fixture(scope="module")
def portal():
    with MailHost(depth="storage") as host, Portal(host, **CHEAP) as portal:
        portal.add_account(OWNER, max_mailboxes=100, domains=["example.test"])
        portal.add_account(ROOT, None, role="super_admin")
        yield portal


@pytest.fixture
def host(portal):
    return portal.mailhost


@pytest.fixture
def mailbox(portal, host, request):
    mailbox = host.create(name_of(request)[-40:], PASSWORD)
    portal.give(mailbox.address, OWNER)
    return mailbox


@pytest.fixture
def browser(portal):
    return enter(portal, OWNER)


def at(path, mailbox):
    return f"{path}?address={mailbox.address.replace('@', '%40')}"


def change(browser, mailbox, old=PASSWORD, new=NEW, repeat=None):
    page = browser.get(at("/mailbox/password", mailbox)).expect()
    return browser.submit(page, "/mailbox/password", old=old, new=new,
                          repeat=new if repeat is None else repeat)


def progress(browser, mailbox):
    page = browser.get(at("/mailbox/progress", mailbox)).expect()
    assert page.header("Content-Type") == "application/json"
    assert page.header("Cache-Control") == "no-store"
    return json.loads(page.body)


def test_the_whole_way(portal, host, mailbox):
    fill(mailbox)
    before = mailbox.everything()
    browser = portal.log_in(OWNER)
    page = change(browser, mailbox).expect(303, at("/mailbox/window", mailbox))
    page = browser.follow(page).expect()
    assert "is being changed" in page.title and REFRESH in page.body
    assert re.search(r"\d\d:\d\d at the latest", page.text)
    assert progress(browser, mailbox)["state"] == "closed"
    with pytest.raises(Refused, match=r"NO \[UNAVAILABLE\]"):
        mailbox.imap(PASSWORD)
    # The form leads here as long as it goes on; so does the mailbox's page.
    browser.get(at("/mailbox/password", mailbox)).expect(
        303, at("/mailbox/window", mailbox))
    shown = browser.get(at("/mailbox", mailbox))
    assert "open again by" in shown.text
    host.process().expect(0)
    page = browser.get(at("/mailbox/window", mailbox)).expect()
    assert "is open with its new password" in page.text
    assert REFRESH not in page.body
    assert progress(browser, mailbox)["state"] == "done"
    assert_opens(mailbox, NEW, before)
    assert_refused(mailbox, PASSWORD)
    shown = browser.get(at("/mailbox", mailbox)).text
    assert f"A change of the password was asked for {OWNER}" in shown
    assert "The password was changed the mail host" in shown
    assert [row["sealed"] for row in requests(portal, mailbox.address)] == \
        [None]


@pytest.mark.parametrize("scheme", [
    "ARGON2ID", "ARGON2I", "BLF-CRYPT", "SHA512-CRYPT", "SHA256-CRYPT",
    "PBKDF2"])
def test_hashes_are_as_dovecot_verifies_them(portal, host, browser, mailbox,
                                             scheme):
    new = NEW + " & ~"
    mailbox.deliver(b"Subject: kept\r\n\r\nkept\r\n")
    portal.restart(password_scheme=scheme)
    change(browser, mailbox, new=new).expect(
        303, at("/mailbox/window", mailbox))
    host.process().expect(0)
    stored = mailbox.stored_hash()
    assert stored.startswith(f"{{{scheme}}}"), stored
    assert "verified" in host.must("pw", "-t", stored,
                                   input=f"{new}\n").output
    assert len(mailbox.mails(password=new)) == 1
    with pytest.raises(Refused):
        mailbox.imap(new[:-1])
    if scheme == "BLF-CRYPT":
        page = change(browser, mailbox, new, NEW + "é" * 21)
        assert page.status == 422 and "72" in page.text
    portal.restart(password_scheme="ARGON2ID")


def test_nothing_is_filed_unless_the_old_password_is_right(portal, mailbox,
                                                           browser):
    """Of a super admin neither; and each field has its word."""
    for old, new, repeat, words in (
            ("", NEW, NEW, "Enter the password"),
            ("wrong", NEW, NEW, "not the password"),
            (PASSWORD.upper(), NEW, NEW, "not the password"),
            ("x" * 513, NEW, NEW, "not the password"),
            (PASSWORD, "short", "short", "at least 12"),
            (PASSWORD, NEW, PASSWORD, "differ"),
            (PASSWORD, PASSWORD, PASSWORD, "already has"),
            (PASSWORD, mailbox.address, mailbox.address, "the address")):
        page = change(browser, mailbox, old, new, repeat)
        assert page.status == 422 and words in page.text, (old, page.text)
        form = page.form("/mailbox/password")
        assert form["old"] == form["new"] == form["repeat"] == ""
    root = enter(portal, ROOT)
    assert change(root, mailbox, "wrong").status == 422
    assert requests(portal, mailbox.address) == []
    assert root.get(at("/mailbox/window", mailbox)).location == \
        at("/mailbox", mailbox)
    root.get(at("/mailbox/progress", mailbox)).expect(404)


def test_what_the_portal_cannot_verify_the_mail_host_does(portal, host,
                                                          browser, request):
    mailbox = host.create(name_of(request)[-40:], PASSWORD,
                          scheme="SCRAM-SHA-256")
    portal.give(mailbox.address, OWNER)
    change(browser, mailbox, old="not the old one").expect(
        303, at("/mailbox/window", mailbox))
    host.process().expect(65)
    page = browser.get(at("/mailbox/window", mailbox)).expect()
    assert "was not changed" in page.title and REFRESH not in page.body
    assert "did not accept the current password" in page.text
    assert mailbox.smtp_auth(PASSWORD).startswith("OK")
    assert "the last change failed" in browser.get(
        at("/mailbox", mailbox)).text
    change(browser, mailbox).expect(303, at("/mailbox/window", mailbox))
    host.process().expect(0)
    assert mailbox.smtp_auth(NEW).startswith("OK")


def test_a_seal_for_another_key_fails_with_a_reason(portal, host, browser,
                                                    mailbox):
    before = mailbox.everything()
    portal.restart(seal_key=OTHER_KEY)
    page = browser.follow(change(browser, mailbox))
    # It is seen before: no mail host opens what is sealed to that key.
    assert "mail host is not answering" in page.text
    portal.restart(seal_key=host.seal_public_key)
    host.process().expect(65)
    page = browser.get(at("/mailbox/window", mailbox)).expect()
    assert "could not open what was sent to it" in page.text
    assert progress(browser, mailbox)["state"] == "failed"
    assert_opens(mailbox, PASSWORD, before)


def test_it_can_be_taken_back_until_somebody_works_on_it(portal, browser,
                                                         mailbox):
    page = browser.follow(change(browser, mailbox))
    browser.submit(page, "/mailbox/cancel").expect(303, at("/mailbox", mailbox))
    [row] = requests(portal, mailbox.address)
    assert (row["state"], row["sealed"]) == ("canceled", None)
    assert mailbox.smtp_auth(PASSWORD).startswith("OK")
    page = browser.get(at("/mailbox/window", mailbox)).expect()
    assert "was taken back" in page.text and REFRESH not in page.body
    browser.follow(change(browser, mailbox))
    portal.db.sql("UPDATE pymailadmin_request SET state = 'claimed' WHERE "
                  "address = %s AND state = 'pending'", mailbox.address)
    page = browser.get(at("/mailbox/window", mailbox)).expect()
    assert not any(form["action"] == "/mailbox/cancel"
                   for form in page.parsed.forms)
    portal.db.sql("DELETE FROM pymailadmin_request WHERE address = %s",
                  mailbox.address)


STATES = [
    # state, outcome, minutes ago, state in JSON, words
    ("claimed", None, 1, "closed", "at the latest"),
    ("pending", "busy", 1, "closed", "has the mailbox open"),
    ("pending", None, 16, "failed", "did not get to it in time"),
    ("switching", None, 20, "closed", "in a moment"),
    ("switching", "stuck", 20, "closed", "cannot be finished by itself"),
    ("rekeying", None, 1, "closed", "30 of 40 mails done"),
    ("rekeying", None, 20, "encrypting", "is open with its new password"),
    ("storing", "disk_full", 20, "encrypting", "tried again by itself"),
    ("done", "storage_left", 20, "done", "could not be encrypted anew"),
    ("done", "superseded", 20, "done", "is open with its new password"),
    ("failed", "key_password", 20, "failed", "could not open the keys"),
    ("failed", "<b>new</b>", 20, "failed", "could not do it"),
]


def test_a_mailbox_is_made_and_a_deletion_waits(portal, host, browser, mailbox):
    """As asked for on their pages. The one that waits is honestly said to, closes
    nothing, and can be taken back."""
    page = browser.get("/mailbox/create?domain=example.test")
    browser.submit(page, "/mailbox/create", name="made-for-it", quota="1G",
                   new=NEW, repeat=NEW)
    page = browser.get(at("/mailbox/delete", mailbox))
    browser.submit(page, "/mailbox/delete", password=PASSWORD)
    host.process().expect(0)
    made = Mailbox(host, "made-for-it@example.test", NEW)
    [row] = requests(portal, made.address)
    assert (row["state"], row["sealed"]) == ("done", None)
    assert made.smtp_auth().startswith("OK")
    [row] = requests(portal, mailbox.address)
    assert (row["state"], row["sealed"]) == ("pending", None)
    page = browser.get(at("/mailbox", mailbox)).expect()
    assert "mail host" not in page.text
    host.db.sql("UPDATE pymailadmin_request SET created_at = created_at - "
                "INTERVAL 49 HOUR WHERE address = %s", mailbox.address)
    page = browser.get(at("/mailbox", mailbox)).expect()
    assert "The mail host has not begun yet" in page.text
    assert mailbox.smtp_auth(PASSWORD).startswith("OK")
    page = browser.get(at("/mailbox/delete", mailbox)).expect()
    assert "has not begun yet" in page.text
    browser.submit(page, "/mailbox/delete/cancel").expect(
        303, at("/mailbox", mailbox))
    change(browser, mailbox).expect(303, at("/mailbox/window", mailbox))
    host.process().expect(0)
    assert mailbox.smtp_auth(NEW).startswith("OK")


def test_each_state_is_shown(portal, browser, mailbox):
    french = enter(portal, OWNER, language="fr")
    for number, (state, outcome, ago, shown, words) in enumerate(STATES):
        portal.db.sql("DELETE FROM pymailadmin_request WHERE address = %s",
                      mailbox.address)
        portal.db.sql(
            "INSERT INTO pymailadmin_request (id, kind, address, state, "
            "outcome, created_at, ended_at, mails_done, mails_total, "
            "bytes_done, bytes_total, storing_since) VALUES (MD5(%s), "
            "'password', %s, %s, %s, UTC_TIMESTAMP() - INTERVAL %s MINUTE, "
            "IF(%s IN ('done', 'failed'), UTC_TIMESTAMP(), NULL), 30, 40, 3, "
            "4, UTC_TIMESTAMP() - INTERVAL 30 SECOND)", str(number),
            mailbox.address, state, outcome, ago, state)
        page = browser.get(at("/mailbox/window", mailbox)).expect()
        assert words in page.text, (state, outcome, page.text)
        assert b"<b>new" not in page.body
        moving = shown in ("closed", "encrypting")
        assert (REFRESH in page.body) == moving, (state, outcome)
        news = progress(browser, mailbox)
        assert news["state"] == shown and news["percent"] == 75
        assert "30 of 40" in news["text"] and news["status"] in page.title
        if state == "storing":
            assert re.search(r"About \d+ seconds left", news["text"])
        browser.get(at("/mailbox", mailbox)).expect()
    portal.db.sql("UPDATE pymailadmin_account SET language = 'fr' "
                  "WHERE email = %s", OWNER)
    page = french.get(at("/mailbox/window", mailbox)).expect()
    assert page.language == "fr" and "n’a pas pu" in page.text
    portal.db.sql("UPDATE pymailadmin_account SET language = 'en' "
                  "WHERE email = %s", OWNER)


def test_every_outcome_of_the_mail_host_has_words():
    """Of the manual's list, all with which a change can fail."""
    top = pathlib.Path(__file__).resolve().parents[2]
    manuals = [path.read_text() for path in (top / "plugin/man").glob("*.1")]
    lists = [(manual, re.search(r"\.Va outcome|^Outcomes", manual,
                                re.MULTILINE)) for manual in manuals]
    text = "".join(manual[begin.start():manual.index(".Sh SEE ALSO")]
                   for manual, begin in lists if begin)
    listed = {name for line in re.findall(r"^\.It (.*)$", text, re.MULTILINE)
              for name in re.split(r"[ ,]+", line)}
    words = (top / "web/pages/page-mailbox-words.c").read_text()
    known = set(re.findall(r'"([a-z_]+)"', words))
    # Those that pass by themselves, of which one sentence tells.
    passing = {"superseded", "done", "storage", "folders", "worker",
               "keys_changed", "memory", "stopped", "auth_cache", "keys_left",
               "mail_left"}
    assert listed - known - passing == set()


def memory(pid):
    """What a process has written, piece by piece, as root may read it."""
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            start, end, rights = re.match(r"(\w+)-(\w+) (..)", line).groups()
            if rights == "rw" and "[v" not in line:
                mem.seek(int(start, 16))
                yield mem.read(int(end, 16) - int(start, 16))


@not_sanitized("freed memory is kept, and terabytes are mapped")
def test_secrets_are_nowhere(portal, host, browser, mailbox):
    """Not in argv, environment, log, database, statements or, afterwards, the
    memory of the portal; and it dumps no core."""
    told = forms(PASSWORD, NEW)
    host.db.log_statements()
    with Watch(told) as watch:
        change(browser, mailbox, old=PASSWORD + "x", new=NEW)
        change(browser, mailbox).expect(303, at("/mailbox/window", mailbox))
        page = browser.get("/mailbox/create?domain=example.test").expect()
        browser.submit(page, "/mailbox/create", name="told-nobody", new=NEW,
                       repeat=NEW, quota="1G")
        found = watch.found
    host.db.log_statements(False)
    in_memory = b"".join(memory(portal.web.process.pid))
    assert WEB_PASSWORD.encode() in in_memory
    sealed = requests(portal, mailbox.address)[0]["sealed"]
    assert len(sealed) == 1661
    assert requests(portal, "told-nobody@example.test")
    assert found == set()
    statements = host.db.logged()
    assert "pymailadmin_request_file" in statements
    for data in (sealed, statements.encode(), whole_database(host),
                 portal.web.log.read_bytes()):
        assert leaks(data, told) == set()
    assert "$argon2id$" not in portal.web.log.read_text()
    assert leaks(in_memory, told) == set()
    host.process().expect(0)


def test_the_portal_dumps_no_core(portal, host, browser, mailbox):
    portal.web.process.send_signal(signal.SIGABRT)
    assert portal.web.process.wait(10) == -signal.SIGABRT
    portal.web.notified.close()
    assert list(portal.web.folder.rglob("core*")) == [] and host.cores() == []
    portal.web.start()
    browser.get(at("/mailbox", mailbox)).expect()

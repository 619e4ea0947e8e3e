"""What the set-up proves before the portal starts: that mail can be sent, that
the mail server takes the password, that the mail host comes."""

import types

import pytest

from certificates import Authority
from mailcatcher import MailCatcher
from mailhost import MailHost
from mariadb import MariaDB, wait_until
from schemas import DEFAULT
from setupdialog import (EMAIL, MAILBOX_PASSWORD, PASSWORD, Answers,
                         SetUpPortal, folder, group)
from webportal import Browser

RELAY = "relay.localhost"
LOGIN = ("portal@relay.test", "röad 'works' \"ahead\" 100%")
SCHEMA = types.SimpleNamespace(database="mail")
# In a database that has them already.
THERE = {"again": "no", "use": None, "load": None}


@pytest.fixture(scope="module")
def server():
    with MariaDB() as db:
        DEFAULT.create(db)
        db.sql("CREATE USER 'dovecot'@'localhost' IDENTIFIED BY 'dv'")
        DEFAULT.load(db)
        yield db


@pytest.fixture
def db(server):
    server.sql("DELETE FROM pymailadmin_account")
    return server


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


def with_relay(db, folder, catcher, **changes):
    return Answers(db, SCHEMA, folder, **{
        **THERE, "smtp": catcher.url_by(RELAY), "smtp_ca": "-",
        "smtp_user": "-", "from": "portal@example.test",
        "registration": "open", "test_mail": "yes", **changes})


# Mail

def test_a_test_mail_is_sent(db, folder, authority):
    with MailCatcher(starttls=authority.context(f"DNS:{RELAY}"),
                     login=LOGIN) as catcher:
        answers = with_relay(db, folder, catcher, smtp_ca=str(authority.path),
                             smtp_user=LOGIN[0], smtp_password=LOGIN[1])
        done = answers.pipe().expect(0, f"The relay took a mail to {EMAIL}")
        mail = catcher.wait(EMAIL, "test mail")
    assert LOGIN[1] not in done.text
    assert mail["From"].addresses[0].addr_spec == "portal@example.test"
    password = folder / "web-smtp.password"
    assert password.read_text() == LOGIN[1]
    assert password.stat().st_mode & 0o777 == 0o640
    settings = answers.settings()
    assert {key: settings[key] for key in (
        "smtp_url", "smtp_tls_ca", "smtp_user", "smtp_password_file",
        "mail_from", "registration")} == {
        "smtp_url": catcher.url_by(RELAY), "smtp_tls_ca": str(authority.path),
        "smtp_user": LOGIN[0], "smtp_password_file": str(password),
        "mail_from": "portal@example.test", "registration": "open"}


def test_the_sender_is_proposed(db, folder):
    with MailCatcher() as catcher:
        with_relay(db, folder, catcher, smtp=catcher.url,
                   **{"from": ""}).pipe().expect(0)
        assert catcher.wait(EMAIL)["From"].addresses[0].addr_spec == \
            "no-reply@mail.example.org"


@pytest.mark.parametrize("changes, says", [
    ({}, "certificate"),
    ({"smtp": "smtp://127.0.0.1:1"}, "(?i)connect|port 1"),
    ({"from": "portal example.test"}, "That will not do")],
    ids=["certificate", "closed", "sender"])
def test_a_relay_that_does_not_work_is_told(db, folder, authority, changes,
                                            says):
    with MailCatcher(starttls=authority.context(f"DNS:{RELAY}")) as catcher:
        answers = with_relay(db, folder, catcher, **changes)
        answers.pipe().expect(65 if "from" in changes else 69, says)
        assert catcher.mails == []
    assert db.value("SELECT COUNT(*) FROM pymailadmin_account") == 0
    # It can be left out.
    if changes == {}:
        with_relay(db, folder, catcher, test_mail="no").pipe().expect(0)


def test_a_person_gives_other_answers_then(db, folder):
    with MailCatcher() as catcher:
        answers = with_relay(db, folder, catcher, smtp="smtp://127.0.0.1:1")
        with answers.terminal() as terminal:
            for line in answers.lines():
                terminal.ask("", line)
                if line == "smtp://127.0.0.1:1":
                    break
            for line in ("-", "-", "p@example.test", "off", "yes"):
                terminal.ask("", line)
            terminal.expect("That failed: mail")
            terminal.ask("Try this step again", "")
            for line in (catcher.url, "-", "-", "p@example.test", "off",
                         "yes"):
                terminal.ask("", line)
            terminal.expect("The relay took a mail")
            terminal.ask("", "yes")
            terminal.expect("Waiting for the mail host")
            terminal.send("")
            assert terminal.ended() == 0
        assert len(catcher.mails) == 1
    assert answers.settings()["smtp_url"] == catcher.url


# The mail host

@pytest.fixture(scope="module")
def host():
    with MailHost(scheme="ARGON2ID") as host:
        yield host


@pytest.fixture
def mailbox(host):
    host.db.sql("DELETE FROM pymailadmin_request")
    host.db.sql("DELETE FROM pymailadmin_account")
    host.db.sql("DELETE FROM users")
    return host.create("alice", MAILBOX_PASSWORD)


def with_host(host, folder, mailbox, **changes):
    return Answers(host.db, SCHEMA, folder, **{
        **THERE, "seal_key": host.seal_public_key, "mailbox": mailbox.address,
        "mailbox_password": MAILBOX_PASSWORD,
        "imap": f"imap://127.0.0.1:{host.imap_port}", "imap_ca": "-",
        **changes})


def test_a_password_is_changed_at_last(host, folder, mailbox):
    """From the set-up to the new password, with a real Dovecot."""
    answers = with_host(host, folder, mailbox)
    with answers.terminal() as terminal:
        for line in answers.lines():
            terminal.ask("", line)
        terminal.expect("Waiting for the mail host")
        host.process().expect(0)
        terminal.expect("\x1b\\[32m● .* has reported, and opens")
        assert terminal.ended() == 0
    assert "imap://127.0.0.1" in terminal.shown
    assert "accepts the password" in terminal.shown
    with SetUpPortal(host.db, answers) as portal:
        browser = Browser(portal)
        browser.log_in(EMAIL, PASSWORD).expect(303, "/home")
        page = browser.get(f"/mailbox/password?address={mailbox.address}")
        browser.submit(page, "/mailbox/password", old=MAILBOX_PASSWORD,
                       new=PASSWORD, repeat=PASSWORD)
        wait_until(lambda: host.process().code == 0 and host.db.value(
            "SELECT state FROM pymailadmin_request") == "done",
            "the change is done")
    with mailbox.imap(PASSWORD):
        pass


def test_a_log_in_that_is_refused_is_told(host, folder, mailbox):
    # Another Dovecot than that of this database, so to say.
    host.db.sql("UPDATE users SET active = 0")
    done = with_host(host, folder, mailbox).pipe().expect(
        69, "which is ARGON2ID", "refuses this address and password")
    assert MAILBOX_PASSWORD not in done.text
    host.expect_log("alice@")


@pytest.mark.parametrize("imap, says", [
    ("imap://127.0.0.1:1", "failed"), ("imaps://127.0.0.1:{port}", "failed"),
    ("http://127.0.0.1", "imap://host"), ("imap://", "imap://host"),
    ("imap://a@b", "imap://host")])
def test_a_mail_server_that_cannot_be_reached(host, folder, mailbox, imap,
                                              says):
    with_host(host, folder, mailbox, imap=imap.format(
        port=host.imap_port)).pipe().expect(
            69 if says == "failed" else 65, says)


@pytest.mark.parametrize("scheme, proposed, says", [
    ("BLF-CRYPT", "BLF-CRYPT", "which is BLF-CRYPT"),
    ("SHA512-CRYPT", "SHA512-CRYPT", "which is SHA512-CRYPT"),
    ("SSHA512", "ARGON2ID", "which is SSHA512")])
def test_the_scheme_that_is_there_is_proposed(host, folder, mailbox, scheme,
                                              proposed, says):
    host.db.sql("UPDATE users SET crypt = %s",
                host.hash(MAILBOX_PASSWORD, scheme))
    answers = with_host(host, folder, mailbox, imap="-", imap_ca=None)
    answers.pipe().expect(0, says)
    assert answers.settings()["password_scheme"] == proposed

"""The portal's mails on their way to the relay: TLS, log-in, and relays that
are not as they should be."""

import asyncio
import contextlib
import re
import socket

import pytest

from certificates import PAST, Authority
from mailcatcher import MailCatcher
from mariadb import wait_until
from webportal import Portal
from webserver import seconds_of

FROM = "noreply@portal.test"
USERS = [f"user{number}@post.test" for number in range(4)]
# Not "on this host", by its name; libcurl finds it there nevertheless.
RELAY = "relay.localhost"
LOGIN = ("portal@relay.test", "röad 'works' \"ahead\" 100%")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def authority(folder):
    return Authority(folder)


@pytest.fixture(scope="module")
def stranger(folder):
    return Authority(folder, "stranger")


@pytest.fixture(scope="module")
def contexts(authority, stranger):
    """Of TLS, by what is wrong with the certificate."""
    return {
        "good": authority.context(f"DNS:{RELAY}", "good"),
        "name": authority.context("DNS:other.localhost", "name"),
        "expired": authority.context(f"DNS:{RELAY}", "expired", validity=PAST),
        "stranger": stranger.context(f"DNS:{RELAY}", "unknown"),
    }


@pytest.fixture(scope="module")
def portal():
    """Sends nothing until it is told where to."""
    with Portal() as portal:
        for user in USERS:
            portal.add_account(user)
        yield portal


@pytest.fixture(autouse=True)
def empty(portal):
    portal.db.sql("DELETE FROM pymailadmin_outbox")
    portal.forget_errors()


@contextlib.contextmanager
def sending(portal, relay, authority=None, **settings):
    """The portal, which sends to a relay."""
    if authority:
        settings["smtp_tls_ca"] = authority.path
    with contextlib.ExitStack() as stack:
        if isinstance(relay, MailCatcher):
            stack.enter_context(relay)
            settings.setdefault("smtp_url", relay.url_by(RELAY))
        portal.restart(mail_from=FROM, **settings)
        try:
            yield
        finally:
            # It is not to try in vain when it is not meant to.
            portal.db.sql("DELETE FROM pymailadmin_outbox")
            for key in ("mail_from", *settings):
                del portal.web.settings[key]
            portal.restart()


def logged_in(portal, password=LOGIN[1]):
    """Settings of the portal."""
    path = portal.web.folder / "smtp.password"
    path.write_text(password + "\n")
    path.chmod(0o600)
    return {"smtp_user": LOGIN[0], "smtp_password_file": path}


def file_mail(portal, user=USERS[0]):
    portal.db.sql("INSERT INTO pymailadmin_outbox (account_id, template) "
                  "VALUES (%s, 'two-factor-on')", portal.account_id(user))


def try_again(portal):
    portal.db.sql("UPDATE pymailadmin_outbox SET retry_at = UTC_TIMESTAMP() "
                  "WHERE sent_at IS NULL")


def kept(portal, user=USERS[0], attempts=1, deadline=30):
    """Waits until a mail was tried in vain; what the log says of it."""
    wait_until(lambda: portal.db.sql(
        "SELECT 1 FROM pymailadmin_outbox WHERE account_id = %s AND "
        "sent_at IS NULL AND attempts = %s AND "
        "retry_at > UTC_TIMESTAMP() AND "
        # else it is being tried
        "retry_at < UTC_TIMESTAMP() + INTERVAL 150 SECOND",
        portal.account_id(user), attempts), "a try in vain", deadline)
    return [line for line in portal.web.log_lines() if "mail_send" in line]


def is_sent(portal, relay, user=USERS[0]):
    assert relay.wait(user)
    wait_until(lambda: portal.db.value(
        "SELECT COUNT(*) FROM pymailadmin_outbox WHERE account_id = %s AND "
        "sent_at IS NULL", portal.account_id(user)) == 0, "it is noted")
    return True


# ---- TLS

@pytest.mark.parametrize("how", ["starttls", "tls"])
def test_a_relay_is_believed_by_its_certificate(portal, authority, contexts,
                                                how):
    relay = MailCatcher(**{how: contexts["good"]})
    with sending(portal, relay, authority):
        file_mail(portal)
        assert is_sent(portal, relay)
    assert relay.envelopes == [(FROM, [USERS[0]])]


@pytest.mark.parametrize("how", ["starttls", "tls"])
@pytest.mark.parametrize("fault, words", [
    ("stranger", "certificate"), ("name", "other|match"),
    ("expired", "expired")])
def test_a_relay_that_is_another_gets_nothing(portal, authority, contexts, how,
                                              fault, words):
    relay = MailCatcher(**{how: contexts[fault]}, login=LOGIN)
    with sending(portal, relay, authority, **logged_in(portal)):
        file_mail(portal)
        [line] = kept(portal)
        assert "level=warning" in line and re.search(words, line), line
        assert re.search(r"tried again in 60 seconds", line), line
        assert relay.url_by(RELAY) in line
    assert not relay.raw and not relay.logins


def test_what_was_refused_is_sent_when_the_relay_is_in_order(portal, authority,
                                                             contexts):
    with sending(portal, MailCatcher(starttls=contexts["expired"]), authority):
        file_mail(portal)
        kept(portal)
        rows = portal.db.sql("SELECT account_id, template, attempts "
                             "FROM pymailadmin_outbox")
    relay = MailCatcher(starttls=contexts["good"])
    with sending(portal, relay, authority):
        portal.db.sql(
            "INSERT INTO pymailadmin_outbox (account_id, template, attempts) "
            "VALUES (%s, %s, %s)", *rows[0].values())
        assert is_sent(portal, relay)


def test_without_a_ca_of_its_own_the_machines_count(portal, authority,
                                                    stranger, contexts):
    trusted = authority.trust()
    try:
        relay = MailCatcher(starttls=contexts["good"])
        with sending(portal, relay):
            file_mail(portal)
            assert is_sent(portal, relay)
        relay = MailCatcher(starttls=contexts["good"])
        with sending(portal, relay, stranger):
            file_mail(portal)
            kept(portal)
        assert not relay.raw
    finally:
        trusted.unlink()


def test_nothing_goes_to_another_host_in_clear(portal):
    relay = MailCatcher(login=LOGIN)
    with sending(portal, relay, **logged_in(portal)):
        file_mail(portal)
        [line] = kept(portal)
        assert "STARTTLS" in line, line
    assert not relay.raw and not relay.logins


def test_on_this_host_no_tls_is_needed(portal):
    relay = MailCatcher(login=LOGIN)
    with sending(portal, relay, smtp_url=relay.url, **logged_in(portal)):
        file_mail(portal)
        assert is_sent(portal, relay)


# ---- log-in

@pytest.mark.parametrize("how", ["starttls", "tls"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_the_portal_logs_in(portal, authority, contexts, how, mechanism):
    relay = MailCatcher(**{how: contexts["good"]}, login=LOGIN,
                        mechanisms=[mechanism])
    with sending(portal, relay, authority, **logged_in(portal)):
        file_mail(portal)
        assert is_sent(portal, relay)
    assert relay.logins == [(mechanism, *LOGIN)]


def test_a_wrong_password_is_told_without_it(portal, authority, contexts):
    relay = MailCatcher(starttls=contexts["good"], login=LOGIN)
    with sending(portal, relay, authority,
                 **logged_in(portal, "not-the-word")):
        file_mail(portal)
        [line] = kept(portal)
        assert re.search("[Ll]og-?in denied", line), line
        assert "not-the-word" not in portal.web.log.read_text()
        try_again(portal)
        assert len(kept(portal, attempts=2)) == 2
    assert not relay.raw
    assert {password for _, _, password in relay.logins} == {"not-the-word"}


# ---- relays in trouble

def test_a_refused_recipient_does_not_stop_the_others(portal, authority,
                                                      contexts):
    relay = MailCatcher(starttls=contexts["good"])
    relay.refused = {USERS[0]: "550 5.1.1 no such user",
                     USERS[2]: "552 5.2.2 full"}
    for user in USERS:
        file_mail(portal, user)
    with sending(portal, relay, authority):
        for user in (USERS[1], USERS[3]):
            assert is_sent(portal, relay, user)
        lines = kept(portal, USERS[0]) and kept(portal, USERS[2])
        assert len(lines) == 2
        assert "550" in lines[0] and "552" in lines[1], lines
        relay.refused = {}
        try_again(portal)
        assert is_sent(portal, relay, USERS[0])
        assert is_sent(portal, relay, USERS[2])
    assert sorted(to for _, [to] in relay.envelopes) == USERS


def test_in_the_end_it_is_given_up(portal):
    relay = MailCatcher()
    relay.refused = {USERS[0]: "550 5.1.1 no such user"}
    with sending(portal, relay, smtp_url=relay.url):
        portal.db.sql(
            "INSERT INTO pymailadmin_outbox (account_id, template, attempts) "
            "VALUES (%s, 'two-factor-on', 19)", portal.account_id(USERS[0]))
        wait_until(lambda: portal.db.sql(
            "SELECT 1 FROM pymailadmin_outbox WHERE sent_at IS NOT NULL"),
            "it is given up")
        [line] = [line for line in portal.web.log_lines()
                  if "mail_send" in line]
        assert "level=error" in line and "given up" in line, line
        portal.forget_errors()


@pytest.fixture
def silent():
    """The address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"smtp://127.0.0.1:{server.getsockname()[1]}"


def test_a_relay_that_says_nothing_is_left(portal, silent):
    with sending(portal, None, smtp_url=silent):
        file_mail(portal)
        # The pages do not wait for it.
        assert portal.web.get("/login").status == 200
        [line] = kept(portal, deadline=50)
        assert re.search("time-?out|timed out", line), line


@pytest.mark.limit(150)
@pytest.mark.soak
def test_a_relay_that_stops_in_the_middle_is_left(portal):
    relay = MailCatcher()
    relay.hangs = True
    with sending(portal, relay, smtp_url=relay.url):
        file_mail(portal)
        [line] = kept(portal, deadline=120)
        assert re.search("time-?out|timed out", line), line


def test_the_portal_stops_while_a_relay_hangs(portal, silent):
    with sending(portal, None, smtp_url=silent):
        file_mail(portal)
        wait_until(lambda: portal.db.sql(
            "SELECT 1 FROM pymailadmin_outbox WHERE attempts = 1"), "a try")
        assert seconds_of(portal.web.stop) < 20
        portal.web.start()
        assert kept(portal)


class Witness(MailCatcher):
    """Does something when a mail has come, before it says so."""

    def __init__(self, happens):
        super().__init__()
        self.happens = happens

    async def handle_DATA(self, server, session, envelope):
        answer = await super().handle_DATA(server, session, envelope)
        if len(self.raw) == 1:
            await asyncio.to_thread(self.happens)
        return answer


def test_what_was_sent_while_the_database_went_is_not_sent_again(portal):
    relay = Witness(portal.db.kill)
    for user in USERS:
        file_mail(portal, user)
    with sending(portal, relay, smtp_url=relay.url):
        wait_until(lambda: portal.db.process is None, "the database is killed")
        wait_until(lambda: any("mail has to wait" in line
                               for line in portal.web.log_lines()), "a try")
        portal.db.start()
        for user in USERS:
            assert is_sent(portal, relay, user)
    assert sorted(to for _, [to] in relay.envelopes) == USERS


@pytest.mark.parametrize("address", [
    "a@b.test>\r\nRCPT TO:<evil@evil.test", "a@b.test\r\nDATA\r\nx",
    "<a@b.test", "a b@b.test", "a@b.test SIZE=1", "ä@b.test", "a@b\0.test"])
def test_no_recipient_is_a_command(portal, address):
    relay = MailCatcher()
    with sending(portal, relay, smtp_url=relay.url):
        portal.db.sql("INSERT INTO pymailadmin_outbox (recipient, template) "
                      "VALUES (%s, 'two-factor-on')", address)
        file_mail(portal)
        assert is_sent(portal, relay)
        wait_until(lambda: portal.db.value(
            "SELECT COUNT(*) FROM pymailadmin_outbox "
            "WHERE sent_at IS NULL") == 0, "given up")
        portal.forget_errors()
    assert relay.envelopes == [(FROM, [USERS[0]])]

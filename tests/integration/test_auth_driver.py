"""The auth driver: who is refused while a window is closed, in which words."""

import re
import time

import pytest

from mailclients import Refused
from mariadb import wait_until
from windows import (
    CLOSED, CREATION, MORE_LOGINS, SWITCHING, UNAVAILABLE, WINDOW_SECS, WRONG,
    ask, close, cram_md5, host, is_refused, may_log_in, open_again, restart,
    shut_down, statements_of, submission_auth, words_of)


# Closed and open

@pytest.mark.parametrize("password", [None, "wrong"])
@pytest.mark.parametrize("state, age", [
    ("pending", 0), ("pending", 500), ("claimed", 100), ("rekeying", 800)])
def test_a_closed_mailbox_says_until_when(host, state, age, password):
    opens = close(host.alice, state, age)
    is_refused(host.alice, CLOSED.format(opens), password)


@pytest.mark.parametrize("age", [0, 5000])
@pytest.mark.parametrize("state", ["switching", "switched"])
def test_only_its_end_opens_the_switch(host, state, age):
    close(host.alice, state, age)
    is_refused(host.alice, SWITCHING)


@pytest.mark.parametrize("state, age", [
    ("pending", WINDOW_SECS), ("claimed", WINDOW_SECS + 5000),
    ("rekeying", WINDOW_SECS)])
def test_a_window_ends_by_the_clock(host, state, age):
    close(host.alice, state, age)
    may_log_in(host.alice)


def test_a_window_opens_while_it_is_watched(host):
    """The database's clock moves on; nobody touches the request."""
    close(host.alice, "pending", WINDOW_SECS - 62)
    words_of(host.alice.imap)
    assert host.db.value("SELECT COUNT(*) FROM pymailadmin_request") == 1
    host.db.sql("UPDATE pymailadmin_request SET created_at = "
                "UTC_TIMESTAMP() - INTERVAL %s SECOND", WINDOW_SECS - 2)
    assert "[UNAVAILABLE]" in words_of(host.alice.imap)

    def is_open():
        try:
            host.alice.imap().logout()
            return True
        except Refused:
            return False
    wait_until(is_open, "end of the window", 5)


@pytest.mark.parametrize("state", ["done", "failed", "expired", "canceled"])
def test_an_ended_request_closes_nothing(host, state):
    close(host.alice, state)
    may_log_in(host.alice)


def test_other_requests_close_nothing(host):
    close(host.alice, kind="delete")
    may_log_in(host.alice)


@pytest.mark.parametrize("state", ["pending", "claimed", "switching",
                                   "switched"])
@pytest.mark.parametrize("age", [0, WINDOW_SECS + 60, 30 * 24 * 3600])
def test_a_mailbox_that_is_being_made_is_closed_to_all(host, state, age):
    """However long that takes: there is nothing yet to be kept from anyone."""
    close(host.alice, state, age, kind="create")
    assert words_of(host.alice.imap) == "NO [UNAVAILABLE] " + CREATION
    assert words_of(host.alice.pop3) == "-ERR [SYS/TEMP] " + CREATION
    with host.lmtp() as lmtp:
        answer = lmtp.deliver(host.alice.address, b"Subject: x\r\n\r\nx\r\n")
        assert answer[0] == 451, answer
        assert lmtp.deliver(host.bob.address,
                            b"Subject: x\r\n\r\nx\r\n")[0] == 250
    result = host.doveadm("user", host.alice.address)
    assert result.code == 75 and CREATION in result.output, result


def test_mail_waits_while_the_database_is_away(host):
    """Nobody knows then whether its mailbox is there."""
    shut_down(host)
    with host.lmtp() as lmtp:
        answer = lmtp.deliver(host.alice.address, b"Subject: x\r\n\r\nx\r\n")
    assert answer[0] == 451, answer


def test_others_are_not_refused(host):
    close(host.alice)
    may_log_in(host.bob)
    assert words_of(lambda: host.bob.imap("wrong")) == WRONG
    assert ask(host.imap_port, "a LOGIN nobody@example.test x") == "a " + WRONG
    opens = close(host.bob, "claimed", 200)
    is_refused(host.bob, CLOSED.format(opens))
    host.db.sql("DELETE FROM pymailadmin_request WHERE address = %s",
                host.alice.address)
    may_log_in(host.alice)
    is_refused(host.bob, CLOSED.format(opens))


def test_the_case_of_the_address_does_not_matter(host):
    opens = close(host.alice)
    text = CLOSED.format(opens)
    answer = ask(host.imap_port, f"a LOGIN ALICE@Example.TEST "
                 f"{host.alice.password}")
    assert answer == f"a NO [UNAVAILABLE] {text}"


def test_a_mechanism_without_the_password_is_told_the_same(host):
    assert cram_md5(host.alice) == "OK"
    opens = close(host.alice)
    assert cram_md5(host.alice) == "[UNAVAILABLE] " + CLOSED.format(opens)


def test_a_master_user_does_not_get_in(host):
    """No passdb but the master's is asked: the userdb closes the door."""
    login = f'a LOGIN "{host.alice.address}*adm" of-the-master'
    assert ask(host.imap_port, login).startswith("a OK ")
    close(host.alice)
    seen = host.log_position()
    assert not ask(host.imap_port, login).startswith("a OK ")
    host.wait_log("Login refused: request ", seen)


def test_the_log_says_who_why_and_what_to_run(host):
    opens = close(host.alice)
    request = host.db.value("SELECT id FROM pymailadmin_request")
    seen = host.log_position()
    words_of(host.alice.imap)
    line = host.wait_log("Login refused", seen)
    assert f"auth-worker({host.alice.address},127.0.0.1)" in line
    assert (f"pymailadmin: Login refused: request {request} (pending) keeps "
            f"the mailbox closed until {opens}; see: doveadm pymailadmin "
            f"status -u {host.alice.address}") in line


# Lookups that are no log-ins

def test_mail_comes_in_and_commands_work_while_it_is_closed(host):
    close(host.alice, "switching")
    host.db.log_statements()
    before = len(host.db.logged())
    with host.lmtp() as lmtp:
        answer = lmtp.deliver(host.alice.address, b"Subject: x\r\n\r\nx\r\n")
    assert answer[0] == 250, answer
    host.must("mailbox", "status", "-u", host.alice.address, "messages",
              "INBOX")
    host.must("user", host.alice.address)
    host.must("user", "*")
    host.must("auth", "lookup", host.alice.address)
    host.db.log_statements(False)
    statements = host.db.logged()[before:]
    assert host.alice.address in statements
    # One for the delivery and for each of two commands that look a user up:
    # is the mailbox being made?
    assert statements.count("FROM pymailadmin_") == 3


def test_doveadm_tells_the_admin_why_a_log_in_fails(host):
    login = ("auth", "test", host.alice.address, host.alice.password)
    assert host.must(*login).stdout.count("=") == 1, "no field of ours"
    opens = close(host.alice)
    result = host.doveadm(*login)
    assert result.code != 0
    assert "reason=" + CLOSED.format(opens) in result.stdout


# What it costs

@pytest.mark.parametrize("log_in", [
    lambda mailbox: mailbox.imap().logout(),
    lambda mailbox: mailbox.pop3().quit(),
    lambda mailbox: mailbox.smtp_auth(),
    lambda mailbox: submission_auth(mailbox),
    lambda mailbox: words_of(lambda: mailbox.imap("wrong")),
], ids=["imap", "pop3", "smtp", "submission", "wrong-password"])
def test_a_log_in_costs_one_statement(host, log_in):
    assert statements_of(host, lambda: log_in(host.alice)) == 1
    close(host.bob)
    assert statements_of(host, lambda: log_in(host.alice)) == 1


def test_a_refusal_costs_one_statement(host):
    close(host.alice)
    assert statements_of(host, lambda: words_of(host.alice.imap)) == 1


# Settings

@pytest.fixture
def configured(host):
    """Restarts Dovecot with more settings, until the end of the test."""
    yield lambda text: restart(host, extra=MORE_LOGINS + text)
    restart(host, extra=MORE_LOGINS)


def test_the_admin_chooses_the_words(host, configured):
    configured("pymailadmin_window_text = Fermé jusqu'à "
               "%{opens | default('la fin')}.\n"
               "pymailadmin_unavailable_text = Plus tard, %{user | username}\n"
               "protocol pop3 {\n  pymailadmin_window_text = Later\t\x7fon\n"
               "}\n")
    opens = close(host.alice)
    assert words_of(host.alice.imap) == \
        f"NO [UNAVAILABLE] Fermé jusqu'à {opens}."
    assert words_of(host.alice.pop3) == \
        "-ERR [SYS/TEMP] Later  on"
    host.db.sql("UPDATE pymailadmin_request SET state = 'switching'")
    assert words_of(host.alice.imap) == \
        "NO [UNAVAILABLE] Fermé jusqu'à la fin."
    shut_down(host)
    assert words_of(host.alice.imap) == "NO [UNAVAILABLE] Plus tard, alice"


def test_words_that_cannot_be_expanded_refuse_all_the_same(host, configured):
    configured("pymailadmin_window_text = Until %{open}\n")
    close(host.alice)
    seen = host.log_position()
    assert words_of(host.alice.imap) == "NO [UNAVAILABLE] " + UNAVAILABLE
    host.wait_log("Failed to expand pymailadmin_window_text", seen)


def test_a_shorter_window_ends_sooner(host, configured):
    configured("pymailadmin_rekey_window = 3 mins\n")
    close(host.alice, age=200)
    may_log_in(host.alice)


def test_time_is_that_of_the_host(host, configured):
    configured("import_environment {\n  TZ = JST-9\n}\n")
    close(host.alice)
    words = words_of(host.alice.imap)
    found = re.search(r"by (?:\d+-\d\d-\d\d )?(\d\d):(\d\d) JST\.$", words)
    opens = host.db.value("SELECT DATE_FORMAT(created_at + INTERVAL "
                          "9*3600 + 15*60 + 59 SECOND, '%H:%i') FROM pymailadmin_request")
    assert found and ":".join(found.groups()) == opens, words


def test_a_database_of_its_own(host, configured):
    """pymailadmin_sql { } takes the place of the other settings."""
    block = "pymailadmin_sql {{\n  sql_driver = mysql\n" \
        "  mysql {} {{\n    user = dovecot\n    password = {}\n" \
        "    dbname = {}\n  }}\n}}\n"
    configured(block.format(host.db.socket, host.database_password, "other"))
    assert words_of(host.alice.imap) == "NO [UNAVAILABLE] " + UNAVAILABLE
    configured(block.format(host.db.socket, host.database_password, "mail"))
    may_log_in(host.alice)
    opens = close(host.alice)
    is_refused(host.alice, CLOSED.format(opens))


def test_a_worker_is_asked_whatever_use_worker_says(host, configured):
    configured("passdb pymailadmin {\n  use_worker = yes\n}\n"
               "userdb pymailadmin {\n  use_worker = yes\n}\n")
    may_log_in(host.alice)
    opens = close(host.alice)
    is_refused(host.alice, CLOSED.format(opens))


def test_a_refusal_is_not_delayed_and_delays_nobody(host, configured):
    """A refused password costs seconds, a closed mailbox does not."""
    configured("auth_failure_delay = 4s\n")
    close(host.alice)
    for _ in range(3):
        begin = time.monotonic()
        words_of(host.alice.imap)
        assert time.monotonic() - begin < 2
    host.db.sql("DELETE FROM pymailadmin_request")
    begin = time.monotonic()
    host.alice.imap().logout()
    assert time.monotonic() - begin < 2

"""Commands of the mail host's administrator: mailboxes made, kept closed and
listed, and several of them at once."""

import os
import pty
import signal
import subprocess

import pytest

from changes import answers, fill, name_of
from creations import (
    add_account, assert_closed, assert_made, assert_not_made, assert_works,
    new_mailbox, owner_of)
from machine import hidden
from mailhost import MailHost
from mariadb import wait_until
from messages import small

WINDOW = 15 * 60
MAINTENANCE = "Your mailbox is closed for maintenance. It opens again by"


@pytest.fixture(scope="module")
def host():
    with MailHost(clock=True) as host:
        yield host


@pytest.fixture(autouse=True)
def nothing_open(host):
    host.db.sql("DELETE FROM pymailadmin_request")


@pytest.fixture
def mailbox(host, request):
    mailbox = host.create(name_of(request))
    fill(mailbox)
    return mailbox


@pytest.fixture(scope="module")
def many(host):
    """Three of one name, which other mailboxes do not have."""
    return [host.create(f"many-{name}") for name in "abc"]


def command(host, *words, **options):
    return host.doveadm("pymailadmin", *words, **options)


def table(host, *words):
    return host.must("-f", "json", "pymailadmin", *words).json


def create(mailbox, *words, **options):
    return command(mailbox.host, "create", "-u", mailbox.address, *words,
                   **{"input": mailbox.password + "\n", **options})


# ---- create

def test_create(host, request):
    mailbox = new_mailbox(host, name_of(request))
    owner = add_account(host)
    said = create(mailbox, "--quota", "3G", "--owner", "owner@elsewhere.test") \
        .expect(0).stdout
    assert f"status -u {mailbox.address}" in said
    assert_closed(mailbox)
    [row] = host.requests(mailbox)
    assert (row["kind"], row["state"]) == ("create", "pending")
    host.process().expect(0)
    assert_made(mailbox, 3 * 1024 ** 3)
    assert owner_of(mailbox) == owner
    assert_works(mailbox)
    events = table(host, "events", "-u", mailbox.address)
    assert [(each["event"], each["by"]) for each in events] == \
        [("create-done", "doveadm"), ("create-pending", "doveadm")]
    assert host.db.sql("SELECT account_id, template FROM pymailadmin_outbox "
                       "WHERE address = %s", mailbox.address) == \
        [{"account_id": owner, "template": "create-done"}]
    assert mailbox.password not in host.log()


def test_create_for_nobody(host, request):
    """No quota is no limit, and no owner nobody's; its name is as Dovecot's."""
    mailbox = new_mailbox(host, name_of(request))
    command(host, "create", "-u", mailbox.address.upper(),
            input=mailbox.password + "\n").expect(0)
    host.process().expect(0)
    assert_works(mailbox)
    assert owner_of(mailbox) is None
    assert host.db.value("SELECT COUNT(*) FROM pymailadmin_outbox "
                         "WHERE address = %s", mailbox.address) == 0
    [row] = table(host, "list", mailbox.address)
    assert row == {"username": mailbox.address, "active": "yes",
                   "quota": "0", "owner": "", "request": "",
                   "closed-until": ""}


def test_what_is_canceled_is_nobodys(host, request):
    mailbox = new_mailbox(host, name_of(request))
    add_account(host)
    create(mailbox, "--owner", "owner@elsewhere.test").expect(0)
    create(mailbox).expect(75)
    assert owner_of(mailbox) is not None
    host.must("pymailadmin", "cancel", "-u", mailbox.address)
    host.process().expect(0)
    assert_not_made(mailbox)


def test_an_address_that_was_only_reserved_goes_to_whom_it_is_made_for(host):
    mailbox = new_mailbox(host, "left")
    host.db.sql("INSERT INTO pymailadmin_account_mailbox (address, account_id) "
                "VALUES (%s, %s)", mailbox.address, add_account(host))
    create(mailbox).expect(0)
    assert owner_of(mailbox) is None


@pytest.mark.parametrize("address, words, code, text", [
    ("nix", (), 65, "cannot be an address"),
    ("a b@example.test", (), 65, "cannot be an address"),
    ("ä@example.test", (), 65, "cannot be an address"),
    ("-a@example.test", (), 65, "cannot be an address"),
    ("a@nowhere.test", (), 68, "no domain nowhere.test"),
    ("many-a@example.test", (), 73, "is a mailbox or an alias already"),
    ("an-alias@example.test", (), 73, "is a mailbox or an alias already"),
    ("gone@example.test", (), 73, "pymailadmin free -u gone@example.test"),
    ("a@example.test", ("--owner", "no@one.test"), 67, "no active account"),
    ("a@example.test", ("--quota", "much"), 64, "--quota"),
    ("a@example.test", ("--quota", "-1"), 64, "--quota"),
])
def test_what_is_not_made(host, many, address, words, code, text):
    host.db.sql("INSERT IGNORE INTO alias (id, domain_id, source, destination) "
                "VALUES (99, 1, 'an-alias@example.test', 'x@y.test')")
    host.db.sql("INSERT IGNORE INTO pymailadmin_reserved_address "
                "(address, reserved_until) VALUES ('gone@example.test', "
                "UTC_TIMESTAMP() + INTERVAL 1 DAY)")
    result = command(host, "create", "-u", address, *words,
                     input="a password\n").expect(code)
    assert text in result.stderr and "a password" not in result.output
    assert host.db.value("SELECT COUNT(*) FROM pymailadmin_request") == 0


def test_what_is_no_password(host):
    for typed, code in (("", 66), ("\n", 65), ("a\tb\n", 65),
                        ("x" * 2000 + "\n", 65)):
        command(host, "create", "-u", "a@example.test",
                input=typed).expect(code)
    result = host.doveadm("-o", "pymailadmin_seal_key_path=/nix",
                          "pymailadmin", "create", "-u", "a@example.test",
                          input="x\n").expect(78)
    assert "make the key with: doveadm pymailadmin keygen" in result.stderr


def test_a_terminal_asks_twice(host):
    for second, code in (("other", 65), ("secret", 0)):
        ours, theirs = pty.openpty()
        doveadm = host.spawn("pymailadmin", "create", "-u",
                             "typed@example.test", stdin=theirs,
                             stdout=theirs, stderr=theirs)
        os.close(theirs)
        said = b""
        for prompt, typed in ((b"Password: ", "secret"),
                              (b"Password again: ", second)):
            while prompt not in said:
                said += os.read(ours, 1024)
            wait_until(lambda: hidden(ours), "hidden typing")
            os.write(ours, f"{typed}\n".encode())
        assert doveadm.wait(20) == code
        os.close(ours)
        assert b"secret" not in said
    assert host.db.value("SELECT address FROM pymailadmin_request") == \
        "typed@example.test"


# ---- close and open

def assert_refused(mailbox):
    heard = answers(mailbox, mailbox.password)
    assert heard["imap"].startswith(f"NO [UNAVAILABLE] {MAINTENANCE}"), heard
    assert heard["pop3"].startswith(f"-ERR [SYS/TEMP] {MAINTENANCE}"), heard


def test_close_and_open(host, mailbox):
    session = mailbox.imap()
    said = command(host, "close", "-u", mailbox.address.upper()) \
        .expect(0).stdout
    assert f"open -u {mailbox.address.upper()}" in said
    wait_until(lambda: has_ended(session), "end of the session", 10)
    session.shutdown()
    assert_refused(mailbox)
    mailbox.deliver(small(7))
    host.must("fetch", "-u", mailbox.address, "uid", "mailbox", "INBOX")
    [row] = host.requests(mailbox)
    assert (row["kind"], row["state"]) == ("close", "pending")
    assert row["closed-until"]
    [listed] = table(host, "list", mailbox.address)
    assert (listed["request"], listed["closed-until"]) == \
        ("close pending", row["closed-until"])
    check = {row["check"]: row for row in host.doveadm(
        "-f", "json", "pymailadmin", "check", "-u", mailbox.address).json}
    assert "the mailbox closed until" in check["request"]["text"]
    # Nothing else is done to it meanwhile, and no run opens it.
    host.request(mailbox, "new").expect(75)
    command(host, "close", "-u", mailbox.address).expect(75)
    assert "open -u" in command(host, "retry", "-u", mailbox.address) \
        .expect(69).stderr
    host.process("--one", mailbox.address).expect(0)
    assert_refused(mailbox)
    command(host, "open", "-u", mailbox.address).expect(0)
    assert len(mailbox.mails()) == 4
    host.process().expect(0)
    events = table(host, "events", "-u", mailbox.address)
    assert [(each["event"], each["by"]) for each in events] == \
        [("close-canceled", "doveadm"), ("close-pending", "doveadm")]
    assert host.db.value("SELECT COUNT(*) FROM pymailadmin_outbox "
                         "WHERE address = %s", mailbox.address) == 0
    assert "is not closed" in command(host, "open", "-u", mailbox.address) \
        .expect(69).stderr
    host.request(mailbox, "new").expect(0)


def has_ended(session):
    try:
        session.noop()
    except (OSError, session.abort, session.error):
        return True
    return False


@pytest.mark.parametrize("words, secs", [((), WINDOW), (("--for", "2"), 120)])
def test_it_opens_by_time_alone(host, mailbox, words, secs):
    command(host, "close", "-u", mailbox.address, *words).expect(0)
    host.clock.move(secs - 20)
    assert_refused(mailbox)
    host.process().expect(0)
    assert_refused(mailbox)
    host.clock.move(20)
    mailbox.mails()
    [row] = host.requests(mailbox)
    assert (row["state"], row["closed-until"]) == ("pending", "")
    [row] = host.process("--one", mailbox.address).expect(0) \
        .stdout.splitlines()[1:]
    assert row.split()[2:] == ["close", "done"]
    [row] = host.requests(mailbox)
    assert (row["state"], row["outcome"]) == ("done", "done")
    assert host.db.value("SELECT COUNT(*) FROM pymailadmin_outbox "
                         "WHERE address = %s", mailbox.address) == 0


def test_who_got_in_at_the_last_moment_is_put_out(host, mailbox):
    """The row is there, but nobody was told: as if the log-in had come just
    before."""
    session = mailbox.imap()
    host.db.sql("INSERT INTO pymailadmin_request (id, kind, address, "
                "created_at, retry_at) VALUES (REPEAT('a', 32), 'close', "
                "%s, UTC_TIMESTAMP(), UTC_TIMESTAMP() + INTERVAL 5 MINUTE)",
                mailbox.address)
    session.noop()
    host.process().expect(0)
    wait_until(lambda: has_ended(session), "end of the session", 10)
    session.shutdown()


def test_whatever_the_row_says_the_window_ends_it(host, mailbox):
    host.db.sql("INSERT INTO pymailadmin_request (id, kind, address, "
                "created_at, retry_at) VALUES (REPEAT('b', 32), 'close', %s, "
                "UTC_TIMESTAMP(), UTC_TIMESTAMP() + INTERVAL 1 DAY)",
                mailbox.address)
    assert_refused(mailbox)
    host.clock.move(WINDOW)
    mailbox.mails()
    host.process().expect(0)
    assert host.requests(mailbox)[0]["state"] == "done"


def test_a_change_of_password_is_not_opened(host, mailbox):
    host.request(mailbox, "new").expect(0)
    words = ("open", "-u", mailbox.address)
    assert f"cancel -u {mailbox.address}" in \
        command(host, *words).expect(69).stderr
    host.db.sql("UPDATE pymailadmin_request SET state = 'switching'")
    assert "is being changed" in command(host, *words).expect(69).stderr


@pytest.mark.parametrize("words, code", [
    (("close", "-u", "nobody@example.test"), 67),
    (("open", "-u", "nobody@example.test"), 67),
    (("close", "-u", "many-a@example.test", "--for", "16"), 64),
    (("close", "-u", "many-a@example.test", "--for", "0"), 64),
    (("close", "-u", "many-a@example.test", "--for", "4294967297"), 64),
    (("close",), 64), (("open",), 64)])
def test_what_is_not_closed(host, many, words, code):
    command(host, *words).expect(code)
    assert host.db.value("SELECT COUNT(*) FROM pymailadmin_request") == 0


def test_a_window_that_has_no_minute(host, many):
    result = host.doveadm("-o", "pymailadmin_rekey_window=59s", "pymailadmin",
                          "close", "-u", "many-a", "--for", "1").expect(64)
    assert "closed for less than a minute" in result.stderr


@pytest.mark.parametrize("number", ["0", "4294967296"])
@pytest.mark.parametrize("words", [("process", "--max-jobs"),
                                   ("upgrade", "--port")])
def test_numbers_out_of_range(host, words, number):
    assert f"{words[-1]} has to be a number from 1 to " in \
        command(host, *words, number).expect(64).stderr


@pytest.mark.parametrize("typed", ["many-a@example.test ",
                                   "many-á@example.test"])
@pytest.mark.parametrize("words", [("close",), ("open",), ("delete", "--yes")])
def test_who_is_another_by_the_tables_collation_only(host, many, words, typed):
    """Nothing would be closed by a request under such a name."""
    users = host.scratch / "spelled"
    users.write_text(f"{typed}\n")
    assert "there is no such mailbox" in \
        command(host, *words, "-F", users).expect(67).stderr
    assert host.db.value("SELECT COUNT(*) FROM pymailadmin_request") == 0


# ---- several

def names(rows):
    return [row["username"] for row in rows]


def test_masks_act_on_all_they_match(host, many):
    addresses = [mailbox.address for mailbox in many]
    command(host, "close", "-u", "many-*").expect(0)
    assert sorted(names(table(host, "status"))) == addresses
    assert sorted(set(names(table(host, "status", "-u", "many-?@*")))) == \
        addresses
    # What has nothing to open is none of the mask's concern.
    command(host, "open", "-u", "*").expect(0)
    assert table(host, "status") == []
    command(host, "open", "-A").expect(0)
    command(host, "cancel", "-A").expect(0)
    command(host, "retry", "-u", "many*").expect(0)
    rows = table(host, "events", "-u", "many-*")
    assert set(names(rows)) == set(addresses)
    assert {row["event"] for row in rows} == {"close-pending",
                                              "close-canceled"}


def test_all_are_canceled_but_those_of_other_kinds(host, many):
    """Nor what has a window no more; each can be, if it is named."""
    a, b, c = many
    host.request(a, "new").expect(0)
    command(host, "delete", "-u", b.address, "--yes").expect(0)
    command(host, "close", "-u", c.address).expect(0)
    create(new_mailbox(host, "many-new")).expect(0)
    host.db.sql("INSERT INTO pymailadmin_request (id, kind, address, "
                "created_at, state, sealed) VALUES (REPEAT('d', 32), "
                "'encrypt', 'many-d@example.test', UTC_TIMESTAMP(), "
                "'storing', 'x')")
    host.db.sql("INSERT INTO users (domain_id, email, crypt) VALUES "
                "(1, 'many-d@example.test', 'x')")
    try:
        for words in (("-u", "many-*"), ("-A",)):
            command(host, "cancel", *words).expect(0)
            assert {(row["kind"], row["state"])
                    for row in table(host, "status")} == {
                        ("delete", "pending"), ("close", "pending"),
                        ("create", "pending"), ("encrypt", "storing")}
    finally:
        host.db.sql("DELETE FROM users WHERE email = 'many-d@example.test'")
    assert host.requests(a)[0]["state"] == "canceled"
    for address in (b.address, "many-new@example.test"):
        command(host, "cancel", "-u", address).expect(0)


def test_a_file_names_them_and_an_error_stops_nothing(host, many):
    users = host.scratch / "users"
    users.write_text("many-a@example.test\n\nnobody@example.test\n"
                     "many-c@example.test\n")
    words = ("delete", "-F", users)
    assert "add --yes" in command(host, *words).expect(64).stderr
    result = command(host, *words, "--yes").expect(67)
    assert "nobody@example.test: there is no such mailbox" in result.stderr
    assert sorted(names(table(host, "status"))) == \
        ["many-a@example.test", "many-c@example.test"]
    # The open request is there already; 75 wins.
    command(host, *words, "--yes").expect(75)
    command(host, "undelete", "-F", users).expect(67)
    assert table(host, "status") == []
    result = host.doveadm("-f", "json", "pymailadmin", "verify", "-F",
                          users).expect(67)
    assert set(names(result.json)) == {"many-a@example.test",
                                       "many-c@example.test"}
    command(host, "status", "-F", "/nonexistent").expect(66)


def test_a_signal_stops_it_and_is_no_success(host, many):
    """While there is another name: who has given all has lost nothing."""
    doveadm = host.spawn("pymailadmin", "close", "-F", "-",
                         stdin=subprocess.PIPE)
    doveadm.stdin.write("many-a@example.test\n")
    doveadm.stdin.flush()
    wait_until(lambda: table(host, "status"), "request")
    doveadm.send_signal(signal.SIGSTOP)
    doveadm.terminate()
    doveadm.stdin.write("many-b@example.test\n")
    doveadm.stdin.flush()
    doveadm.send_signal(signal.SIGCONT)
    said, _ = doveadm.communicate(timeout=20)
    assert doveadm.returncode == 75, said
    assert "stopped: not all mailboxes were done" in said
    assert names(table(host, "status")) == ["many-a@example.test"]


def test_all_mailboxes_are_verified(host, many):
    rows = table(host, "verify", "-u", "many-*")
    assert sorted(set(names(rows))) == [each.address for each in many]
    command(host, "verify", "-A", "--full", input="x\n").expect(64)


@pytest.mark.parametrize("words", [
    ("status", "-A", "-u", "many-a@example.test"), ("cancel", "-A", "-F", "x"),
    ("delete", "-A"), ("delete", "-u", "*"), ("undelete",), ("retry",),
    ("events",), ("cancel", "-u", ""), ("status", "-A", "--follow")])
def test_wrong_usage(host, many, words):
    command(host, *words).expect(64)
    assert host.db.value("SELECT COUNT(*) FROM pymailadmin_request") == 0


def test_without_dovecot_nobody_can_be_listed(host, many):
    host.stop_dovecot()
    try:
        assert "auth-userdb" in command(host, "open", "-A").expect(75).stderr
        # One that is named needs no list.
        command(host, "close", "-u", "many-a@example.test").expect(0)
    finally:
        host.start_dovecot()


def test_without_the_database(host, many):
    host.db.stop()
    try:
        for words in (("list",), ("close", "-A"), ("status", "-A"),
                      ("open", "-u", "many-a@example.test")):
            result = command(host, *words).expect(75)
            assert result.stdout == "" and "Not connected" in result.stderr
    finally:
        host.db.start()


# ---- list

def test_list_has_pages(host):
    """More than one page of the database, each once and in order."""
    host.db.sql("INSERT INTO domain (domain) VALUES ('big.test')")
    host.db.sql("INSERT INTO users (domain_id, email, crypt, active) SELECT "
                "d.id, CONCAT('u', seq, '@big.test'), 'x', seq % 2 FROM "
                "seq_1_to_20001, domain d WHERE d.domain = 'big.test'")
    rows = table(host, "list", "*@big.test")
    assert names(rows) == sorted(f"u{n}@big.test" for n in range(1, 20002))
    assert [row["active"] for row in rows] == [
        "yes" if int(row["username"][1:-9]) % 2 else "no" for row in rows]
    assert names(table(host, "list", "u1?@big.test", "u_*", "many%", "U20@*")) \
        == [f"u{n}@big.test" for n in range(10, 20)] + ["u20@big.test"]
    host.db.sql("DELETE FROM users WHERE email LIKE '%%@big.test'")
    assert table(host, "list", "*@big.test") == []


@pytest.mark.parametrize("formatter", ["flow", "pager", "tab", "table"])
def test_list_in_other_forms(host, many, formatter):
    said = host.must("-f", formatter, "pymailadmin", "list", "many-*").stdout
    assert [address in said for address in
            (mailbox.address for mailbox in many)] == [True] * 3

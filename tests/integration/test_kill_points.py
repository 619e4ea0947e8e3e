"""`process` is killed at, or hindered by, each of its system calls in turn."""

import pytest

import changes
from mailhost import MailHost

# What a change does to the disk, the locks and the database. With recvfrom the
# database has got a statement whose answer nobody reads.
CALLS = ("flock", "fsync", "link", "recvfrom", "rename", "sendto", "unlink")
ENDED = {"done", "failed"}
HOME = {"dovecot-attributes", "mail", "pymailadmin.gate", "pymailadmin.lock"}


@pytest.fixture(scope="module", params=["maildir", "sdbox"])
def host(request):
    with MailHost(mail_driver=request.param) as host:
        yield host


def process_injected(host, call, injection):
    return host.command(
        "strace", "-qq", "-o", host.scratch / "strace", "-e", f"trace={call}",
        "-e", f"inject={call}:{injection}", "doveadm", "-c", host.config_path,
        "pymailadmin", "process")


def was_injected(host, result):
    return result.code == -9 or "INJECTED" in (
        host.scratch / "strace").read_text()


def first_under_lock(host, mailbox, call):
    """The number of the first such call under the mailbox lock."""
    trace = host.scratch / "strace"
    new = "password of an undisturbed change"
    assert host.request(mailbox, new).code == 0
    host.command("strace", "-qq", "-o", trace, "-e", f"trace=flock,{call}",
                 "doveadm", "-c", host.config_path, "pymailadmin", "process")
    mailbox.password = new
    before = trace.read_text().partition("flock(")[0]
    return before.count(f"{call}(") + 1


def file_request(host, mailbox, new):
    """Files a request: its id."""
    filed = host.request(mailbox, new)
    assert filed.code == 0, filed
    return filed.stdout.split()[1]


def request_row(host, request):
    [row] = host.db.sql("SELECT state, reason, sealed FROM "
                        "pymailadmin_request WHERE id = %s", request)
    return row


def assert_one_password_opens(host, mailbox, before, old, new):
    """Exactly one of two passwords opens every mail: which one."""
    heard = {each: changes.answers(mailbox, each)["imap"]
             for each in (old, new)}
    opening = [each for each in (old, new) if heard[each] is None]
    assert len(opening) == 1, heard
    changes.assert_opens(mailbox, opening[0], before)
    # Dovecot's own .temp.* of a lock that was just being made may stay.
    assert {path.name for path in mailbox.home.iterdir()
            if not path.name.startswith(".temp.")} <= HOME
    return opening[0]


@pytest.mark.limit(300)
@pytest.mark.parametrize("call", CALLS)
def test_killed_at_each(host, call):
    mailbox = host.create("killed-" + call)
    changes.fill(mailbox)
    before = mailbox.everything()
    states = []
    for number in range(1, 200):
        new = f"password after kill {call} {number}"
        request = file_request(host, mailbox, new)
        killed = process_injected(host, call, f"signal=KILL:when={number}")
        states.append(request_row(host, request)["state"])
        if killed.code == 0:
            break
        assert killed.code == -9 or killed.code == 137, killed
        repaired = host.process()
        assert repaired.code == 0, repaired
        assert assert_one_password_opens(
            host, mailbox, before, mailbox.password, new) == new
        mailbox.password = new
    assert killed.code == 0 and number >= 3, (call, number)
    changes.assert_opens(mailbox, new, before)
    # in the middle of the switch, too
    if call != "flock":
        assert {"switching", "switched", "rekeying"} & set(states), states


@pytest.mark.limit(300)
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("call", ["fsync", "link", "rename", "write"])
def test_each_fails_once(host, call, error):
    """A full or broken disk: either password is right, and the reason said."""
    mailbox = host.create(f"{call}-{error}".lower())
    changes.fill(mailbox)
    before = mailbox.everything()
    failed = 0
    first = first_under_lock(host, mailbox, call)
    for number in range(first, first + 200):
        new = f"password after {error} {call} {number}"
        request = file_request(host, mailbox, new)
        result = process_injected(host, call, f"error={error}:when={number}")
        if not was_injected(host, result):
            break
        if request_row(host, request)["state"] not in ENDED:
            assert result.code != 0, result
            host.must("pymailadmin", "retry", "-u", mailbox.address)
            host.process()
        row = request_row(host, request)
        assert row["state"] in ENDED and row["sealed"] is None, row
        mailbox.password = assert_one_password_opens(
            host, mailbox, before, mailbox.password, new)
        assert (mailbox.password == new) == (row["state"] == "done")
        if row["state"] == "failed":
            failed += 1
            assert row["reason"]
    assert failed > 0, call


@pytest.mark.limit(300)
@pytest.mark.parametrize("call", ["recvfrom", "sendto"])
def test_the_database_is_gone_from_each_statement_on(host, call):
    """With recvfrom the database may have done what it was told."""
    mailbox = host.create(f"database-{call}")
    changes.fill(mailbox)
    before = mailbox.everything()
    codes = set()
    for number in range(1, 200):
        new = f"password after a lost database {call} {number}"
        request = file_request(host, mailbox, new)
        result = process_injected(host, call,
                                  f"error=ECONNRESET:when={number}+")
        if not was_injected(host, result):
            break
        codes.add(result.code)
        row = request_row(host, request)
        if row["state"] != "done":
            assert result.code == 75, result
            again = host.process("--one", mailbox.address)
            assert again.code == 0, again
        assert request_row(host, request)["state"] == "done"
        assert assert_one_password_opens(
            host, mailbox, before, mailbox.password, new) == new
        mailbox.password = new
    assert 75 in codes and number > 5, (codes, number)

"""Password changes, and what must be true after one."""

import itertools
import re

import locks
import messages
from mailclients import Refused
from mariadb import wait_until

numbers = itertools.count()
USER_KEY = re.compile(r"/privkeys/([0-9a-f]{64})$")
# A user key's wrapping says 2 for a password, a folder key's 1 for a key.
BY_KEY, BY_PASSWORD = "1", "2"
REFUSED = {
    "imap": "NO [AUTHENTICATIONFAILED] Authentication failed.",
    "pop3": "-ERR [AUTH] Authentication failed.",
}


def name_of(request):
    """A mailbox name from a test's name."""
    name = re.sub(r"\W+", "-", request.node.name).strip("-").lower()
    return f"{name[:50]}-{next(numbers)}"


def fill(mailbox):
    """Mails in INBOX and in a folder that a delivery made."""
    mailbox.deliver(*(messages.small(number) for number in range(3)))
    mailbox.deliver(messages.small(3), messages.large(4, 100_000),
                    detail="Lists")


def keys(mailbox):
    """Private keys: id -> (user or folder, GUID, wrapped by)."""
    found = {}
    for name, value in mailbox.attributes().items():
        match = USER_KEY.search(name)
        if match and name.startswith("priv/"):
            kind = "user" if "/pvt/server/" in name else "folder"
            fields = value.split(":")
            found[match[1]] = (kind, name.split("/")[1], fields[-2]
                               if fields[2] == BY_KEY else fields[2])
    return found


def user_keys(mailbox):
    return {key for key, (kind, _, _) in keys(mailbox).items()
            if kind == "user"}


def folder_keys(mailbox):
    return {key for key, (kind, _, _) in keys(mailbox).items()
            if kind == "folder"}


def answers(mailbox, password):
    """What clients hear: None of a protocol that lets them in."""
    heard = {}
    for name, opener in (("imap", mailbox.imap), ("pop3", mailbox.pop3)):
        try:
            session = opener(password)
        except Refused as refusal:
            heard[name] = str(refusal)
        else:
            heard[name] = None
            (session.logout if name == "imap" else session.quit)()
    return heard


def assert_opens(mailbox, password, before):
    """The password opens every mail, unchanged, by IMAP and by POP3."""
    assert mailbox.everything(password) == before
    session = mailbox.pop3(password)
    for number, mail in enumerate(before["INBOX"], 1):
        assert session.retrieve(number) == mail.body
    session.quit()


def assert_refused(mailbox, password):
    assert answers(mailbox, password) == REFUSED


def assert_clean(mailbox):
    """Nothing of a change is left in the home, and nobody holds the lock."""
    left = {path.name for path in mailbox.home.iterdir()
            if path.name.startswith("pymailadmin")}
    assert left <= {locks.GATE, locks.LOCK, locks.REKEY}
    wait_until(lambda: locks.is_free(mailbox.home), "nobody has the lock", 10)
    assert not [path for path in mailbox.home.iterdir()
                if ".lock" in path.name and path.name != locks.LOCK
                or "tmp" in path.name]


def assert_ended(mailbox, state, outcome=None):
    """The newest request has ended so, and its secrets are wiped."""
    row = mailbox.host.row(mailbox)
    assert row["state"] == state, row
    assert row["sealed"] is None
    assert row["ended_at"] is not None
    if outcome is not None:
        assert row["outcome"] == outcome, row
    return row


def change(mailbox, new):
    """Files and processes a change that has to succeed."""
    before = mailbox.everything()
    old = mailbox.password
    filed = mailbox.host.request(mailbox, new)
    filed.expect(0)
    done = mailbox.host.process()
    done.expect(0)
    mailbox.password = new
    assert_opens(mailbox, new, before)
    assert_refused(mailbox, old)
    assert_clean(mailbox)
    assert_ended(mailbox, "done", "done")


def assert_not_changed(mailbox, new, before):
    """As if nothing had been asked for: the old password opens all."""
    assert_opens(mailbox, mailbox.password, before)
    assert_refused(mailbox, new)
    assert_clean(mailbox)


def refused_until_open(mailbox):
    """The answers while the window is closed."""
    heard = answers(mailbox, mailbox.password)
    assert heard["imap"].startswith("NO [UNAVAILABLE] "), heard
    assert heard["pop3"].startswith("-ERR [SYS/TEMP] "), heard
    assert mailbox.smtp_auth().startswith("FAIL\t1\t")
    return heard

"""What tests/bench measures."""

import re
import statistics
import sys
import time

import mailclients
import messages
from benchqueue import bench_queue
from benchstorage import bench_storage
from benchweb import bench_web
from mailhost import MailHost

CHANGES = 50
LOGINS = 200
TIMES = re.compile(r"changed in (\d+) ms.*locked for (\d+) ms")


def line(what, values):
    print(f"  {what:44} {statistics.median(values):8.1f} "
          f"{max(values):8.1f}")


def head(title):
    print(f"\n{title}\n  {'milliseconds':44} {'median':>8} {'worst':>8}")


def change(host, mailbox, new):
    """One change: wall time of process, claim to open window, lock."""
    assert host.request(mailbox, new).code == 0
    begin = time.monotonic()
    done = host.process()
    wall = (time.monotonic() - begin) * 1000
    assert done.code == 0, done
    mailbox.password = new
    claimed, locked = map(float, TIMES.search(done.stderr).groups())
    return wall, claimed, locked


def changes(driver, depth, folders):
    """Each change is of another mailbox: the first of its life."""
    found = []
    with MailHost(mail_driver=driver, depth=depth) as host:
        count = CHANGES if folders < 100 else 5
        for number in range(count):
            mailbox = host.create(f"bench{number}")
            mailbox.deliver(*map(messages.small, range(3)))
            for folder in range(folders):
                mailbox.deliver(messages.small(folder), detail=f"f{folder}")
            found.append(change(host, mailbox, "the new password"))
    head(f"password change, {driver}, depth {depth}, "
         f"{folders + 1} folders, {count} mailboxes")
    for what, values in zip(("doveadm pymailadmin process, as a whole",
                             "claim to open window",
                             "of which the mailbox is locked"),
                            zip(*found)):
        line(what, values)


def bench_change():
    for depth in ("password", "keys"):
        changes("maildir", depth, 4)
    changes("sdbox", "keys", 4)
    changes("maildir", "keys", 300)


def login_times(host, mailbox, protocol):
    found = []
    for _ in range(LOGINS):
        begin = time.monotonic()
        if protocol == "imap":
            session = mailclients.Imap(host.imap_port)
            session.log_in(mailbox.address, mailbox.password)
            session.noop()
        else:
            session = mailclients.Pop3(host.pop3_port)
            session.log_in(mailbox.address, mailbox.password)
            session.noop()
        found.append((time.monotonic() - begin) * 1000)
        (session.logout if protocol == "imap" else session.quit)()
    return found


def bench_login():
    variants = {"Dovecot alone": dict(driver=False, plugin=False),
                "with the auth driver": dict(driver=True, plugin=False),
                "with lock and guard": dict(driver=False, plugin=True),
                "with all": dict(driver=True, plugin=True)}
    times = {(what, protocol): [] for protocol in ("imap", "pop3")
             for what in variants}
    with MailHost() as host:
        mailbox = host.create("bench")
        mailbox.deliver(messages.small(1))
        for folder in range(20):
            mailbox.deliver(messages.small(folder), detail=f"f{folder}")
        # each variant several times in turn: a busy machine meets all alike
        for _ in range(3):
            for what, options in variants.items():
                host.restart_dovecot(**options)
                for protocol in ("imap", "pop3"):
                    times[what, protocol] += login_times(host, mailbox,
                                                         protocol)
    for protocol in ("imap", "pop3"):
        head(f"{protocol}: connect, log in, NOOP; {3 * LOGINS} each")
        for what in variants:
            line(what, times[what, protocol])


if __name__ == "__main__":
    wanted = sys.argv[1]
    if wanted in ("all", "change"):
        bench_change()
    if wanted in ("all", "login"):
        bench_login()
    if wanted in ("all", "queue"):
        bench_queue()
    # The last lines of these are for machines.
    if wanted in ("all", "storage"):
        bench_storage()
    if wanted in ("all", "web") and not bench_web():
        sys.exit(1)

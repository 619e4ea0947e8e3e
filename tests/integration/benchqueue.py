"""What a database with a million mailboxes and ten thousand open requests costs,
beside the same with a thousand and a hundred."""

import concurrent.futures
import os
import statistics
import time

from mailhost import MailHost
from webportal import Portal

SIZES = {"small": (1000, 100),
         "large": (int(os.environ.get("PYMAILADMIN_BENCH_MAILBOXES",
                                      "1000000")),
                   int(os.environ.get("PYMAILADMIN_BENCH_REQUESTS",
                                      "10000")))}
LOGINS = 300
VIEWS = 7
RUNS = 7
WORK = 1000
PROCESSES = (1, 2, 4)
ROOT, ALICE = "root@bench.test", "alice@bench.test"

# One domain has a tenth of all mailboxes, the others twenty to two hundred.
DOMAINS_OF = 5000
BIG = "d0.bench.test"


PAGES = {
    "a person's home, 5 mailboxes": (ALICE, "/home"),
    "one of these": (ALICE, "/mailbox?address=alice-1@d1.bench.test"),
    "super admin: home": (ROOT, "/home"),
    "administration": (ROOT, "/administration"),
    "requests": (ROOT, "/requests"),
    "requests that failed": (ROOT, "/requests?show=failed"),
    "events": (ROOT, "/events"),
    "events of a kind": (ROOT, "/events?kind=login"),
    "accounts": (ROOT, "/accounts"),
    "accounts, search": (ROOT, "/accounts?search=p777"),
    "domains": (ROOT, "/domains"),
    "a domain, a tenth of all": (ROOT, f"/domain?name={BIG}"),
    "its search": (ROOT, f"/domain?name={BIG}&search=m77"),
    "its order by space": (ROOT, f"/domain?name={BIG}&sort=-quota"),
    "a small domain": (ROOT, "/domain?name=d7.bench.test"),
    "mailboxes, search in all": (ROOT, "/home?search=m777"),
}


def fill(db, first, last, hashed):
    """Mailboxes of these numbers, and what comes with so many: a person for
    five and an alias for ten, an event and a request of old for five."""
    domains = max(10, last // DOMAINS_OF)
    db.sql(f"INSERT IGNORE INTO domain (domain) SELECT CONCAT('d', seq, "
           f"'.bench.test') FROM seq_0_to_{domains}")
    numbers = f"seq_{first}_to_{last}"
    of = f"CONCAT('d', IF(seq % 10 = 0, 0, seq % {domains}), '.bench.test')"
    for statement in (
            "INSERT INTO users (domain_id, email, crypt, quota) SELECT d.id, "
            f"CONCAT('m', seq, '@', d.domain), '{hashed}', 1073741824 * "
            f"(1 + seq % 5) FROM {numbers} JOIN domain d ON d.domain = {of}",
            "INSERT INTO alias (domain_id, source, destination) SELECT d.id, "
            "CONCAT('a', seq, '@', d.domain), CONCAT('m', seq, '@', d.domain) "
            f"FROM {numbers} JOIN domain d ON d.domain = {of} "
            "WHERE seq % 10 = 3",
            "INSERT INTO pymailadmin_account (id, email, password) SELECT "
            "1000 + seq, CONCAT('p', seq, '@bench.test'), REPEAT('x', 60) "
            f"FROM {numbers} WHERE seq % 5 = 0",
            "INSERT INTO pymailadmin_account_mailbox (address, account_id) "
            f"SELECT CONCAT('m', seq, '@', {of}), 1000 + seq - seq % 5 "
            f"FROM {numbers} WHERE seq >= 5",
            "INSERT INTO pymailadmin_event (created_at, actor, address, kind) "
            f"SELECT UTC_TIMESTAMP() - INTERVAL ({last} - seq) SECOND, "
            f"CONCAT('p', seq - seq % 5, '@bench.test'), CONCAT('m', seq, '@', "
            f"{of}), IF(seq % 3, 'login', 'password-done') FROM {numbers} "
            "WHERE seq % 5 = 0",
            "INSERT INTO pymailadmin_request (id, kind, address, created_at, "
            "state, ended_at) SELECT LPAD(seq, 32, '0'), 'password', "
            f"CONCAT('m', seq, '@', {of}), UTC_TIMESTAMP() - INTERVAL "
            f"({last} - seq) SECOND, IF(seq % 100, 'done', 'failed'), "
            f"UTC_TIMESTAMP() - INTERVAL ({last} - seq) SECOND FROM {numbers} "
            "WHERE seq % 5 = 0"):
        db.sql(statement)
    db.sql("ANALYZE TABLE domain, users, alias, pymailadmin_account, "
           "pymailadmin_account_mailbox, pymailadmin_event, "
           "pymailadmin_request")


def set_open(db, count, due):
    """So many open requests: those due are passwords whose seal does not open,
    which are claimed and end at once; else deletions of the day before."""
    db.sql("DELETE FROM pymailadmin_request WHERE id LIKE 'f%'")
    db.sql("INSERT INTO pymailadmin_request (id, kind, address, created_at, "
           "state, sealed, outcome) SELECT CONCAT('f', LPAD(LOWER(HEX(seq)), "
           "31, '0')), %s, CONCAT('w', seq, '@d1.bench.test'), "
           "UTC_TIMESTAMP() - INTERVAL %s SECOND, 'pending', %s, %s "
           f"FROM seq_1_to_{count}", "password" if due else "delete",
           0 if due else 86400, "x" * 1661 if due else None,
           None if due else "confirmed")


def milliseconds(action, times):
    found = []
    for _ in range(times):
        begin = time.monotonic()
        action()
        found.append((time.monotonic() - begin) * 1000)
    return found


def show(what, values, unit="ms"):
    """Medians of both sizes side by side."""
    cells = [f"{statistics.median(each):10.1f}" for each in values]
    print(f"  {what:40} {' '.join(cells)} {unit}", flush=True)


def log_in(host, mailbox):
    def action():
        answer = mailbox.smtp_auth()
        assert answer.startswith("OK\t"), answer
    return milliseconds(action, LOGINS)


def claims(host, processes):
    """Requests that all of them end in a second."""
    jobs = WORK // processes
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = [pool.submit(host.process, "--max-jobs", str(jobs), timeout=600)
                for _ in range(processes)]
        ended = sum(run.result().stdout.count(" failed") for run in runs)
    return [ended / (time.monotonic() - begin)]


def measure(host, portal, alice, count):
    """What -> values, of the database as it is."""
    found = {}
    found["log-ins", "Dovecot alone"] = []
    found["log-ins", "with the auth driver"] = []
    set_open(host.db, count, False)
    for _ in range(2):
        for what, driver in (("Dovecot alone", False),
                             ("with the auth driver", True)):
            host.restart_dovecot(driver=driver)
            alice.smtp_auth()
            found["log-ins", what] += log_in(host, alice)
    found["process", f"nothing due, {count} deletions wait"] = milliseconds(
        lambda: host.process().expect(0), RUNS)
    found["peer", "MariaDB looks at each address"] = milliseconds(
        lambda: host.db.value("SELECT COUNT(*) FROM users WHERE email LIKE "
                              "'%m777%'"), VIEWS)
    sessions = {email: portal.log_in(email) for email in (ROOT, ALICE)}
    for what, (email, path) in PAGES.items():
        browser = sessions[email]
        portal.forget_limits()
        page = browser.get(path)
        assert page.status == 200, (path, page.status)
        found["pages", what] = milliseconds(lambda: browser.get(path), VIEWS)
    for processes in PROCESSES:
        set_open(host.db, max(count, WORK), True)
        found["claims", f"{processes} processes at once"] = claims(
            host, processes)
    host.db.sql("DELETE FROM pymailadmin_request WHERE id LIKE 'f%'")
    return found


def bench_queue():
    host = MailHost(auth_cache=False)
    host.db.options += ["--innodb-buffer-pool-size=1G",
                        "--innodb-log-file-size=1G"]
    with host, Portal(host) as portal:
        # as example-mail-tables.sql has them
        host.db.sql("ALTER TABLE alias ADD KEY source (source), "
                    "ADD KEY destination (destination)")
        host.db.sql("ALTER TABLE users ADD KEY domain_email (domain_id, email)")
        portal.add_account(ROOT, role="super_admin")
        portal.add_account(ALICE)
        portal.beat()
        alice = host.create("bench")
        hashed = alice.stored_hash()
        before, tables = 0, []
        for name, (mailboxes, requests) in SIZES.items():
            begin = time.monotonic()
            fill(host.db, before + 1, mailboxes, hashed)
            if before == 0:
                for number in range(5):
                    portal.add_mailbox(f"alice-{number}@d1.bench.test", ALICE)
            print(f"{name}: {mailboxes} mailboxes, {requests} open requests; "
                  f"filled in {time.monotonic() - begin:.0f} s", flush=True)
            before = mailboxes
            tables.append(measure(host, portal, alice, requests))
        size = host.db.value("SELECT SUM(data_length + index_length) / 1048576 "
                             "FROM information_schema.tables WHERE "
                             "table_schema = 'mail'")
        print(f"the database has {size:.0f} MB")
        # of pages that take too long on a busy machine
        portal.forget_errors()
    print(f"\n  {'medians':40} " + " ".join(
        f"{mailboxes:>10}" for mailboxes, _ in SIZES.values()))
    small, large = tables
    for key, values in small.items():
        other = large.get(key) or large[next(
            each for each in large if each[0] == key[0])]
        show(": ".join(key), [values, other],
             "a second" if key[0] == "claims" else "ms")


if __name__ == "__main__":
    bench_queue()

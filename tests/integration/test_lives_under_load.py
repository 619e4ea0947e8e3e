"""Mailboxes that are made and destroyed, side by side and of the same names, while
mail comes for them and people log in: no mail is lost while there is a mailbox,
none outlives it."""

import collections
import contextlib
import threading
import time

import pytest

import creations
import deletions
import seals
from mailhost import ANVIL_CORE, ANVIL_KILLED, AUTH_KILLED, MailHost
from mariadb import wait_until
from stress import IMAP_REFUSALS, POP3_REFUSALS, Stress

# Nobody waits two days here, and an address is anybody's at once.
AT_ONCE = """
pymailadmin_deletion_grace = 0
pymailadmin_address_quarantine = 0
"""
LIFE_SECS = 0.6
PATIENCE_SECS = 60


@pytest.fixture(scope="module", params=[
    "maildir", pytest.param("sdbox", marks=pytest.mark.soak),
    pytest.param("mdbox", marks=pytest.mark.soak)])
def host(request):
    with MailHost(mail_driver=request.param, auth_cache=True,
                  extra_conf=AT_ONCE) as host:
        # See test_stock.py.
        host.expect_log(AUTH_KILLED)
        host.expect_log(ANVIL_KILLED)
        host.expect_core(ANVIL_CORE)
        seals.program()
        yield host


class Lives(Stress):
    """Of one address, one after the other. begun: when the mailbox of this
    life was asked for; is_open: it has been made and is not to be deleted
    yet."""

    def __init__(self, host, name):
        super().__init__(creations.new_mailbox(host, name), imap=1, pop3=1)
        self.begun, self.is_open = time.monotonic(), False
        # Mark -> when the sender was told that it is stored.
        self.stored = {}
        self.threads.append(threading.Thread(
            target=self._loop, args=(self._life, name), daemon=True))

    # ---- clients

    def _imap(self, chance):
        imap = self._log_in(self.mailbox.imap, IMAP_REFUSALS, "imap")
        if imap is None:
            return
        try:
            if "initialization failed" in imap.login_answer:
                self.count("imap guarded")
                return
            for mail in imap.mails():
                self.check_mail("imap", mail.body)
            imap.logout()
        finally:
            imap.shutdown()

    def _pop3(self, chance):
        pop3 = self._log_in(self.mailbox.pop3, POP3_REFUSALS, "pop3")
        if pop3 is None:
            return
        try:
            for number in range(1, pop3.stat()[0] + 1):
                self.check_mail("pop3", pop3.retrieve(number))
            pop3.quit()
        finally:
            pop3.close()

    def check_mail(self, how, body):
        begun, mark = self.begun, self.check_body(how, body)
        if mark in self.stored and self.stored[mark] < begun:
            self.problem(f"{how}: {mark} is of an earlier life")
        return mark

    def _lmtp(self, chance):
        mark, data = self.message(chance, "mail")
        was_open, begun = self.is_open, self.begun
        with self.host.lmtp() as lmtp:
            code, text = lmtp.deliver(self.mailbox.address, data)
        self.count(f"lmtp {code}")
        still_open = was_open and self.is_open and self.begun == begun
        if code == 250:
            with self.lock:
                self.stored[mark] = time.monotonic()
                if still_open:
                    self.accepted.add(mark)
        elif code >= 500 and still_open:
            self.problem(f"lmtp: {code} {text}")
        self.stopped.wait(0.05)

    # ---- lives

    def ended(self, what):
        """Whether the request has come to its end."""
        def done():
            row = self.host.row(self.mailbox)
            return row if row["ended_at"] is not None else None
        row = wait_until(done, what, PATIENCE_SECS)
        if row["state"] != "done":
            self.problem(f"{what}: {row}")
            self.stopped.set()

    def _life(self, chance):
        mailbox = creations.new_mailbox(
            self.host, self.mailbox.address.partition("@")[0])
        self.begun, self.mailbox = time.monotonic(), mailbox
        self.passwords.append(mailbox.password)
        creations.file(mailbox)
        self.ended("creation")
        with self.lock:
            self.accepted.clear()
        self.is_open = True
        self.stopped.wait(chance.uniform(0, LIFE_SECS))
        with self.lock:
            accepted = set(self.accepted)
        with mailbox.imap() as imap:
            found = {self.check_mail("owner", mail.body)
                     for mail in imap.mails()}
        if not accepted <= found:
            self.problem(f"lost: {accepted - found}")
        self.is_open = False
        deletions.ask(mailbox)
        self.ended("deletion")
        self.gone()
        refused = self.seen["lmtp 550"]
        wait_until(lambda: self.seen["lmtp 550"] > refused or
                   self.stopped.is_set(), "a sender is told", PATIENCE_SECS)
        self.count("lives")

    def gone(self):
        """A mail that comes late makes a home, and takes it back."""
        try:
            wait_until(lambda: not self.mailbox.home.exists(), "no home", 10)
        except TimeoutError:
            self.problem(f"left: {list(self.mailbox.home.rglob('*'))}")

    def check(self, host):
        """After the end."""
        while not host.row(self.mailbox)["ended_at"]:
            host.process()
            host.doveadm("pymailadmin", "retry", "-u", self.mailbox.address)
        if creations.users_row(self.mailbox) is None:
            self.gone()
        else:
            for mail in self.mailbox.mails():
                self.check_mail("end", mail.body)
        assert self.problems == []


class Timer(threading.Thread):
    """As the unit of systemd, but without its pauses."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self.host, self.stopped = host, threading.Event()
        self.codes = collections.Counter()

    def run(self):
        while not self.stopped.is_set():
            self.codes[self.host.process(timeout=60).code] += 1
            self.stopped.wait(0.05)


def live(host, name, addresses, seconds, enough):
    begin = time.monotonic()
    timers = [Timer(host) for _ in range(2)]
    lives = [Lives(host, f"{name}-{number}") for number in range(addresses)]
    with contextlib.ExitStack() as stack:
        for each in lives:
            stack.enter_context(each)
        for timer in timers:
            timer.start()
        wait_until(lambda: any(each.problems for each in lives) or
                   all(each.seen["lives"] >= enough for each in lives),
                   "lives", seconds)
        # Those that wait for a request need a timer to the last.
        for each in lives:
            each.stopped.set()
        for each in lives:
            each.threads[-1].join(PATIENCE_SECS)
    for timer in timers:
        timer.stopped.set()
        timer.join(PATIENCE_SECS)
    seen = sum((each.seen for each in lives), collections.Counter())
    print(f"{addresses} addresses, {time.monotonic() - begin:.0f} s: "
          f"{dict(sorted(seen.items()))}, "
          f"exit codes {[dict(timer.codes) for timer in timers]}")
    for each in lives:
        each.check(host)
    assert set().union(*(timer.codes for timer in timers)) <= {0, 75}
    for what in ("lives", "lmtp 250", "lmtp 550", "owner good"):
        assert seen[what] > 0, what
    return seen


@pytest.mark.limit(180)
def test_some_lives(host):
    live(host, "short", 2, 90, 2)


@pytest.mark.soak
@pytest.mark.limit(3600)
def test_a_hundred_lives_of_each_address(host):
    seen = live(host, "long", 4, 3000, 100)
    assert seen["imap good"] > 50 and seen["pop3 good"] > 50

"""People and senders who use a mailbox while its password changes."""

import collections
import imaplib
import itertools
import poplib
import random
import re
import smtplib
import threading
import time

import mailclients
import messages

# How a session may end that is in the way of a change.
CUT = (imaplib.IMAP4.error, poplib.error_proto, OSError, EOFError)
IMAP_REFUSALS = re.compile(
    r"NO \[(UNAVAILABLE|AUTHENTICATIONFAILED)\]|EOF|BYE|OK Logged in, but")
POP3_REFUSALS = re.compile(r"-ERR \[(SYS/TEMP|AUTH)\]|EOF")
PATIENCE = 0.5
FOLDERS = 10
MARK = re.compile(rb"^X-Number: (\S+)\r\n", re.MULTILINE)


class Stress:
    """Starts with the block, stops with it; then check() what was seen."""

    def __init__(self, mailbox, imap=4, pop3=2, lmtp=1, sieve=False):
        self.mailbox, self.host = mailbox, mailbox.host
        self.sieve = sieve
        self.passwords = [mailbox.password]
        self.given = {}
        self.accepted, self.deleted = set(), set()
        self.folders = set()
        self.seen = collections.Counter()
        self.problems = []
        # Milliseconds of the mailbox lock, of each change.
        self.locked = []
        self.numbers = itertools.count()
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.threads = [
            threading.Thread(target=self._loop, args=(one, seed), daemon=True)
            for one, count in ((self._imap, imap), (self._pop3, pop3),
                               (self._lmtp, lmtp))
            for seed in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join(120)
            if thread.is_alive():
                self.problem("a client hangs")

    def problem(self, text):
        with self.lock:
            self.problems.append(text)

    def count(self, what):
        with self.lock:
            self.seen[what] += 1

    def _loop(self, one, seed):
        chance = random.Random(f"{one.__name__} {seed}")
        while not self.stopped.is_set():
            try:
                one(chance)
            except CUT:
                self.count(f"{one.__name__} cut")
            except Exception as error:
                self.problem(f"{one.__name__}: {error!r}")

    def message(self, chance, kind):
        """A new message, remembered by its mark."""
        mark = f"{kind}-{next(self.numbers)}"
        text = "\n".join("%064x" % chance.getrandbits(256)
                         for _ in range(chance.choice([1, 5, 200])))
        data = messages.on_the_wire(
            f"From: sender@elsewhere.test\nSubject: {mark}\n"
            f"X-Number: {mark}\n\n{text}\n".encode())
        with self.lock:
            self.given[mark] = data
        return mark, data

    def check_body(self, how, body):
        """A whole message that came back: its mark, if it is right."""
        match = MARK.search(body)
        if match is None:
            self.problem(f"{how}: message of {len(body)} bytes without mark")
            return None
        mark = match[1].decode()
        expected = self.given[mark]
        if body != expected and not (
                body.endswith(expected) and mailclients.ADDED.match(body)
                and mailclients.ADDED.match(body).end() ==
                len(body) - len(expected)):
            self.problem(f"{how}: {mark} differs, {len(body)} bytes")
            return None
        self.count(f"{how} good")
        return mark

    # ---- clients: each a person who tries the new, then the old password

    def _log_in(self, opener, refusals, name):
        for password in self.passwords[:-3:-1]:
            try:
                return opener(password)
            except mailclients.Refused as refusal:
                self.count(f"{name} refused")
                if not refusals.match(str(refusal)):
                    self.problem(f"{name} told: {refusal}")
        # A person tries again, but not at once.
        self.stopped.wait(PATIENCE)
        return None

    def _imap(self, chance):
        imap = self._log_in(self.mailbox.imap, IMAP_REFUSALS, "imap")
        if imap is None:
            return
        try:
            if "initialization failed" in imap.login_answer:
                self.count("imap guarded")
                return
            if chance.random() < 0.2:
                self._append(imap, chance)
            folder = chance.choice(["INBOX", *sorted(self.folders)[-3:]])
            for mail in imap.mails(folder):
                self.check_body("imap", mail.body)
            imap.logout()
        except mailclients.Refused as refusal:
            # A folder that is not there yet.
            if "doesn't exist" not in str(refusal):
                self.problem(f"imap command: {refusal}")
        finally:
            imap.shutdown()

    def _append(self, imap, chance):
        folder = f"own-{chance.randrange(5)}"
        imap.create(folder)
        mark, data = self.message(chance, "append")
        status, answer = imap.append(folder, None, None, data)
        if status == "OK":
            with self.lock:
                self.accepted.add(mark)
                self.folders.add(folder)
        else:
            self.problem(f"append: {answer}")

    def _pop3(self, chance):
        pop3 = self._log_in(self.mailbox.pop3, POP3_REFUSALS, "pop3")
        if pop3 is None:
            return
        try:
            good = []
            for number in range(1, pop3.stat()[0] + 1):
                body = pop3.retrieve(number)
                mark = self.check_body("pop3", body)
                if mark is not None and chance.random() < 0.8:
                    pop3.dele(number)
                    good.append(mark)
            # Whether they are deleted is certain only after the answer.
            with self.lock:
                self.deleted.update(good)
            pop3.quit()
        finally:
            pop3.close()

    def _lmtp(self, chance):
        with self.host.lmtp() as lmtp:
            for _ in range(3):
                kind = chance.choice(
                    ["inbox", "detail"] + ["sieve"] * self.sieve)
                mark, data = self.message(chance, kind)
                local, _, domain = self.mailbox.address.partition("@")
                recipient = self.mailbox.address
                folder = f"{kind}-{chance.randrange(FOLDERS)}"
                if kind == "detail":
                    recipient = f"{local}+{folder}@{domain}"
                elif kind == "sieve":
                    data = b"X-Folder: %s\r\n" % folder.encode() + data
                    self.given[mark] = data
                try:
                    code, text = lmtp.deliver(recipient, data)
                except smtplib.SMTPException as error:
                    self.problem(f"lmtp: {error!r}")
                    return
                self.count(f"lmtp {code}")
                if code == 250:
                    with self.lock:
                        self.accepted.add(mark)
                        if kind != "inbox":
                            self.folders.add(folder)
                elif not 400 <= code < 500:
                    self.problem(f"lmtp: {code} {text}")
        self.stopped.wait(PATIENCE)

    # ---- the changes

    def change(self, number):
        """One change, tried until it is done; its seconds."""
        new = f"password {number}"
        old, began = self.passwords[-1], time.monotonic()
        self.host.request(self.mailbox, new, old).expect(0)
        with self.lock:
            self.passwords.append(new)
        while True:
            result = self.host.process(timeout=60)
            row = self.host.row(self.mailbox)
            if row["ended_at"] is not None:
                break
            self.count("change later")
            self.host.must("pymailadmin", "retry", "-u", self.mailbox.address)
        self.locked += map(int, re.findall(r"was locked for (\d+) ms",
                                           result.output))
        if row["state"] != "done":
            self.problem(f"change {number}: {row} {result}")
        self.mailbox.password = new
        return time.monotonic() - began

    def check(self, changes):
        """Everything accepted is there and readable, or was deleted."""
        found = set()
        for mails in self.mailbox.everything().values():
            for mail in mails:
                found.add(self.check_body("end", mail.body))
        lost = self.accepted - found - self.deleted
        broken = [line for line in self.host.log().splitlines()
                  if "Private key not available" in line
                  or "Decryption error" in line]
        print(f"{changes} changes, {dict(sorted(self.seen.items()))}, "
              f"{len(self.accepted)} accepted, {len(self.deleted)} deleted, "
              f"locked for {max(self.locked)} ms at most")
        assert self.problems == []
        assert lost == set()
        assert broken == []
        for what in ("imap good", "pop3 good", "lmtp 250", "imap refused"):
            assert self.seen[what] > changes / 4, what

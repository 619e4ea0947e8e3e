"""People who work in their folders while the mail in them is re-encrypted:
what they find is exactly what they left."""

import collections
import threading

import mailclients
import stores
from storagejobs import encrypt
from stress import IMAP_REFUSALS, MARK, Stress

OWN_MAILS = 12
KEPT = 150
# Some seconds for all of it.
RATE = "1500k"


class Load(Stress):
    """Stress with a stock of mail, and with owners who know what is in their
    folders."""

    def __init__(self, mailbox, owners=2):
        super().__init__(mailbox, imap=1, pop3=1, lmtp=1)
        self.owners = [Owner(self, number) for number in range(owners)]
        self.threads += [
            threading.Thread(target=self._loop, args=(owner.work, number),
                             daemon=True)
            for number, owner in enumerate(self.owners)]
        self.stock()

    def stock(self):
        with self.mailbox.imap() as imap:
            for number in range(5):
                self.folders.add(f"own-{number}")
                imap.create(f"own-{number}")
            for number in range(KEPT):
                data = stores.message(number, 300 + 400 * number)
                mark = f"stored-{number}"
                self.given[mark] = data
                stores.multiappend(imap, f"own-{number % 5}",
                                   [((), stores.NEWEST, data)])
                self.accepted.add(mark)

    def change(self, number):
        """New keys, then the mail: by one request with the mailbox closed,
        or, two times of three, by two and with it open."""
        new, options = f"password {number}", ()
        if number % 3:
            options = ("-o", "pymailadmin_rekey_depth=keys")
        self.host.request(self.mailbox, new, self.passwords[-1]).expect(0)
        with self.lock:
            self.passwords.append(new)
        self.finish(options)
        self.mailbox.password = new
        if options:
            encrypt(self.mailbox).expect(0)
            self.finish(("-o", f"pymailadmin_rekey_rate={RATE}"))

    def finish(self, options):
        while (row := self.host.row(self.mailbox))["ended_at"] is None:
            if row["retry_at"] is not None:
                self.host.must("pymailadmin", "retry", "-u",
                               self.mailbox.address)
            done = self.host.doveadm(*options, "pymailadmin", "process",
                                     timeout=60)
        self.count(f"{row['kind']} {row['state']}")
        if row["state"] != "done" or row["reason"]:
            print(done, flush=True)
            self.problem(f"{row['kind']} {row['state']}: {row['reason']}")

    def check(self):
        """Nothing lost, nothing double, nothing that could not be read."""
        found = collections.Counter()
        folders = self.mailbox.everything()
        for owner in self.owners:
            owner.compare({name: contents(folders.pop(name))
                           for name in owner.names})
        for mails in folders.values():
            for mail in mails:
                found[self.check_body("end", mail.body)] += 1
        lost = self.accepted - set(found) - self.deleted
        double = {mark for mark, count in found.items() if count > 1}
        broken = [line for line in self.host.log().splitlines()
                  if " Error: " in line and "read" in line
                  or "Decryption error" in line
                  or "Private key not available" in line]
        print(f"{dict(sorted(self.seen.items()))}, "
              f"{len(self.accepted)} accepted, {len(self.deleted)} deleted")
        assert not self.problems, self.problems[:5]
        assert (lost, double, broken) == (set(), set(), [])
        assert self.has_seen_all()

    def has_seen_all(self):
        """Of what people do here, each at least once."""
        return all(self.seen[what] for what in (
            "imap good", "pop3 good", "lmtp 250", *OPERATIONS))


OPERATIONS = ("append", "flag", "copy", "move", "expunge")


def contents(mails):
    """Mark and flags of each mail, counted."""
    return collections.Counter(
        (MARK.search(mail.body)[1].decode(), mail.flags) for mail in mails)


class Owner:
    """Works in two folders of its own. A session that is cut leaves open
    whether its last operation was done: the next one finds out."""

    def __init__(self, load, number):
        self.load = load
        self.names = [f"owner{number}-a", f"owner{number}-b"]
        self.state = {name: collections.Counter() for name in self.names}
        # What else may be there now.
        self.maybe = []

    def work(self, chance):
        imap = self.load._log_in(self.load.mailbox.imap, IMAP_REFUSALS,
                                 "owner")
        if imap is None:
            return
        try:
            if "initialization failed" in imap.login_answer:
                self.load.count("owner guarded")
                return
            for name in self.names:
                status, [text] = imap.create(name)
                if status != "OK" and b"[ALREADYEXISTS]" not in text:
                    self.load.problem(f"create: {text}")
            while not self.load.stopped.is_set():
                self.look(imap)
                self.operate(imap, chance)
        except mailclients.Refused as refusal:
            there = sorted(str(path.relative_to(self.load.mailbox.home))
                           for path in self.load.mailbox.home.rglob("*owner*"))
            self.load.problem(f"owner: {refusal}; there are {there}")
        finally:
            imap.shutdown()

    def look(self, imap):
        """Everything is as left."""
        found = {}
        for name in self.names:
            mails = imap.mails(name)
            for mail in mails:
                self.load.check_body("owner", mail.body)
            found[name] = contents(mails)
        self.compare(found)
        self.state, self.maybe = found, []

    def compare(self, found):
        if found not in [self.state, *self.maybe]:
            self.load.problem(f"owner finds {found}, not {self.state} or "
                              f"one of {self.maybe}")

    def operate(self, imap, chance):
        """One operation; until it is certain, self.maybe has its effects."""
        source, target = chance.sample(self.names, 2)
        what = chance.choice(OPERATIONS)
        count = sum(self.state[source].values())
        if what == "append" or count == 0:
            what = "append" if count < OWN_MAILS else "expunge"
        elif what == "copy" and sum(self.state[target].values()) > OWN_MAILS:
            what = "expunge"
        if what == "append":
            mark, data = self.load.message(chance, "own")
            self.maybe = [self.with_(source, +1, (mark, ("work",)))]
            self.done(what, imap.append(source, "(work)", None, data))
            return
        mails = {mail.uid: (MARK.search(mail.body)[1].decode(), mail.flags)
                 for mail in imap.mails(source)}
        imap.ask("select", source)
        uid = chance.choice(sorted(mails))
        self.change(imap, what, str(uid), mails[uid], source, target)

    def with_(self, *changes):
        """The state with changes: folder, how many, of which mail."""
        state = {name: collections.Counter(each)
                 for name, each in self.state.items()}
        for folder, count, mail in zip(*[iter(changes)] * 3):
            state[folder][mail] += count
        return {name: +each for name, each in state.items()}

    def change(self, imap, what, uid, mail, source, target):
        mark, flags = mail
        if what == "flag":
            new = tuple(sorted({*flags} ^ {"\\Flagged"}))
            self.maybe = [self.with_(source, -1, mail, source, 1, (mark, new))]
            command = ("STORE", uid, "FLAGS", f"({' '.join(new)})")
        elif what == "copy":
            self.maybe = [self.with_(target, 1, mail)]
            command = ("COPY", uid, target)
        elif what == "move":
            # Dovecot copies, then expunges.
            self.maybe = [self.with_(target, 1, mail),
                          self.with_(source, -1, mail, target, 1, mail)]
            command = ("MOVE", uid, target)
        else:
            new = tuple(sorted({*flags} | {"\\Deleted"}))
            self.maybe = [self.with_(source, -1, mail, source, 1, (mark, new)),
                          self.with_(source, -1, mail)]
            imap.ask("uid", "STORE", uid, "+FLAGS.SILENT", "(\\Deleted)")
            command = ("EXPUNGE", uid)
        self.done(what, imap.uid(*command))

    def done(self, what, answer):
        if answer[0] == "OK":
            self.state, self.maybe = self.maybe[-1], []
            self.load.count(what)
        else:
            self.load.problem(f"{what}: {answer}")

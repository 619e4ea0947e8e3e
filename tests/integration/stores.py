"""Mailboxes full of mail, each made once in a run and then copied."""

import functools
import pathlib
import random
import shutil
import tempfile
import time

import messages

PASSWORD = "the password of a store"
FOLDERS = ("INBOX", "Sent", "Archive", "Archive/2024", "Entw&APw-rfe")
FLAGS = ("\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Deleted",
         "$Forwarded", "$Label1", "work", "Later")
BATCH = 50
NEWEST = 1_760_000_000
# Where copies come from: what it is called -> the home.
made = {}


@functools.cache
def text():
    """Some MB that do not compress much, in lines as in a mail."""
    chance = random.Random("text")
    return b"".join(chance.randbytes(36).hex().encode() + b"\r\n"
                    for _ in range(60_000))


def message(number, size):
    """A message of about size bytes, the same for the same number."""
    chance = random.Random(number)
    head = (f"From: sender{number % 7}@elsewhere.test\r\n"
            f"To: you@example.test\r\nSubject: Stored {number}\r\n"
            f"Message-ID: <stored-{number}@elsewhere.test>\r\n"
            f"Date: Sat, 22 Nov 2025 10:00:00 +0000\r\n"
            f"X-Number: stored-{number}\r\n\r\n").encode()
    start = chance.randrange(len(text()) - size) // 74 * 74
    body = text()[start:start + max(size - len(head), 74)]
    return head + body.rstrip(b"\r\n") + b"\r\n"


def sizes(form):
    """The sizes of all mails of a form, always the same."""
    chance = random.Random(form)
    if form == "big":
        found = [chance.randrange(20_000, 80_000) for _ in range(2000)] + \
            [chance.randrange(1_900_000, 2_100_000) for _ in range(200)]
    else:
        found = [chance.randrange(300, 20_000) for _ in range(54)] + \
            [chance.randrange(150_000, 300_000) for _ in range(6)]
    chance.shuffle(found)
    return found


def stored(form):
    """(folder, flags, time, message) of all mails of a form, one by one."""
    chance = random.Random(f"flags {form}")
    for number, size in enumerate(sizes(form)):
        yield (FOLDERS[number % len(FOLDERS)],
               chance.sample(FLAGS, chance.randrange(4)),
               NEWEST - chance.randrange(100_000_000),
               message(number, size))


def multiappend(imap, folder, mails):
    """One command, one transaction: (flags, time, message) of each mail."""
    tag = imap._new_tag()
    imap.send(tag + f' APPEND "{folder}"'.encode())
    for flags, stamp, data in mails:
        date = time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime(stamp))
        imap.send(f' ({" ".join(flags)}) "{date}" '
                  f"{{{len(data)}+}}\r\n".encode() + data)
    imap.send(b"\r\n")
    while not (line := imap.readline()).startswith(tag):
        assert line and not line.startswith(b"* BYE"), line
    assert line.startswith(tag + b" OK"), line


def batches(mails):
    """Folder and up to BATCH of its mails, in the order they come."""
    waiting = {}
    for folder, *mail in mails:
        waiting.setdefault(folder, []).append(mail)
        if len(waiting[folder]) == BATCH:
            yield folder, waiting.pop(folder)
    yield from waiting.items()


def fill(mailbox, mails):
    """Makes the folders and stores mails; a few go again, so that UIDs have
    gaps; some are copied."""
    with mailbox.imap() as imap:
        for folder in FOLDERS[1:]:
            imap.create(f'"{folder}"')
            imap.subscribe(f'"{folder}"')
        for folder, batch in batches(mails):
            multiappend(imap, folder, batch)
        imap.ask("select", "Archive")
        imap.ask("uid", "STORE", "3,5", "+FLAGS.SILENT", "(\\Deleted)")
        imap.ask("uid", "EXPUNGE", "3,5")
        imap.ask("uid", "COPY", "1:2", "Sent")
        imap.ask("uid", "STORE", "1", "FLAGS", "(\\Seen changed)")
    # In maildir these are in new/.
    mailbox.deliver(*(messages.small(number) for number in range(3)))


def template(host, form):
    name = (host.mail_driver, form)
    if name not in made:
        maker = host.create(f"maker-{form}", PASSWORD)
        fill(maker, stored(form))
        folder = pathlib.Path(tempfile.mkdtemp(prefix="store-", dir="/tmp"))
        host.command("cp", "-a", maker.home, folder / "home").expect(0)
        made[name] = folder / "home"
    return made[name]


def create(host, name, form="small"):
    """A new mailbox with a copy of the store of a form."""
    mailbox = host.create(name, PASSWORD, key=False)
    mailbox.home.parent.mkdir(exist_ok=True)
    shutil.chown(mailbox.home.parent, "vmail", "vmail")
    host.command("cp", "-a", template(host, form), mailbox.home).expect(0)
    return mailbox

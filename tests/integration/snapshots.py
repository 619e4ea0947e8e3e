"""Everything clients can see of a mailbox, as a value that can be compared."""

import calendar
import hashlib
import re
import shutil
import time
import typing

import storedmail
from mailhost import key_password

CHUNK = 100
ITEMS = ("(UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ X-GUID {}BODY.PEEK[])")
FAILED = re.compile(r"fetch\((?:body|text)\) failed for box=(.*) uid=(\d+): ")


class Mail(typing.NamedTuple):
    """saved is in seconds, None if it was not asked for."""
    flags: tuple
    date: str
    size: int
    modseq: int
    guid: str
    saved: int | None
    length: int
    digest: str


class Folder(typing.NamedTuple):
    uidvalidity: int
    uidnext: int
    highestmodseq: int
    guid: str
    mails: dict


class Snapshot(typing.NamedTuple):
    folders: dict
    subscriptions: tuple
    # (UIDL, size) of each mail
    pop3: tuple

    def count(self):
        return sum(len(folder.mails) for folder in self.folders.values())


def number(pattern, text):
    return int(re.search(pattern + r" \(?(\d+)", text)[1])


def saved_date(text):
    """Seconds; None if it was not asked for or, as in mbox, is not known."""
    match = re.search(r'SAVEDATE "([^"]*) ([+-])(\d\d)(\d\d)"', text)
    if match is None:
        return None
    offset = int(match[3]) * 3600 + int(match[4]) * 60
    seconds = calendar.timegm(time.strptime(match[1].strip(),
                                            "%d-%b-%Y %H:%M:%S"))
    return seconds - (offset if match[2] == "+" else -offset)


def mail_of(part, rest):
    """One FETCH answer: UID and mail. Items may stand behind the body too."""
    head, body = part[0].decode() + rest.decode(), part[1]
    return number("UID", head), Mail(
        # Recent tells of sessions, not of mails.
        tuple(sorted({*re.search(r"FLAGS \(([^)]*)\)", head)[1].split()}
                     - {"\\Recent"})),
        re.search(r'INTERNALDATE "([^"]*)"', head)[1],
        number("RFC822.SIZE", head), number("MODSEQ", head),
        re.search(r'X-GUID "?([^ ")]+)', head)[1],
        saved_date(head), len(body), hashlib.sha256(body).hexdigest())


def fetch(imap, uids, items):
    if not uids:
        return
    data = imap.ask("uid", "FETCH", ",".join(map(str, uids)), items)
    for part, after in zip(data, [*data[1:], b""]):
        if isinstance(part, tuple):
            yield mail_of(part, after if isinstance(after, bytes) else b"")


def folder_of(imap, name, items):
    status = imap.ask("status", f'"{name}"', "(UIDVALIDITY UIDNEXT "
                      "HIGHESTMODSEQ X-GUID)")[0].decode()
    imap.ask("select", f'"{name}"', True)
    uids = imap.ask("uid", "SEARCH", "ALL")[0].split()
    mails = {}
    for start in range(0, len(uids), CHUNK):
        chunk = [int(uid) for uid in uids[start:start + CHUNK]]
        mails.update(fetch(imap, chunk, items))
    assert sorted(mails) == [int(uid) for uid in uids]
    return Folder(number("UIDVALIDITY", status), number("UIDNEXT", status),
                  number("HIGHESTMODSEQ", status),
                  re.search(r"X-GUID (\w+)", status)[1], mails)


def pop3_of(mailbox, password):
    session = mailbox.pop3(password)
    try:
        names = dict(line.decode().split(" ", 1) for line in session.uidl()[1])
        return tuple((names[which], int(size)) for which, size in
                     (line.decode().split() for line in session.list()[1]))
    finally:
        session.quit()


def take(mailbox, password=None, *, saved="asked", without=()):
    """saved: "asked" asks for save dates, by which Dovecot caches them;
    "files" takes them from the files, as Dovecot does that has not cached
    any; "no" leaves them out."""
    items = ITEMS.format("SAVEDATE " if saved == "asked" else "")
    with mailbox.imap(password) as imap:
        names = [name for name in imap.folders() if name not in without]
        folders = {name: folder_of(imap, name, items) for name in names}
        subscriptions = tuple(sorted(line.decode()
                                     for line in imap.ask("lsub") if line))
    if saved == "files":
        for name, folder in folders.items():
            times = storedmail.change_times(mailbox, name)
            for uid, mail in folder.mails.items():
                folder.mails[uid] = mail._replace(saved=times[uid])
    return Snapshot(folders, subscriptions, pop3_of(mailbox, password))


def differing(what, before, after):
    """Lines that name each field that differs of two named tuples."""
    for name, old, new in zip(before._fields, before, after):
        if name != "mails" and old != new:
            yield f"{what}: {name} was {old!r}, is {new!r}"


def differences(before, after):
    """What is not the same, one line each."""
    found = list(differing("mailbox", before._replace(folders=None),
                           after._replace(folders=None)))
    for name in sorted({*before.folders, *after.folders}):
        if name not in before.folders or name not in after.folders:
            found.append(f"{name}: is in one only")
            continue
        old, new = before.folders[name], after.folders[name]
        found += differing(name, old, new)
        for uid in sorted({*old.mails, *new.mails}):
            if uid not in old.mails or uid not in new.mails:
                found.append(f"{name} {uid}: is in one only")
            else:
                found += differing(f"{name} {uid}", old.mails[uid],
                                   new.mails[uid])
    return found


def assert_same(before, after):
    __tracebackhide__ = True
    found = differences(before, after)
    if found:
        raise AssertionError(f"{len(found)} differences:\n" +
                             "\n".join(found[:20]))


def disk_differences(before, after):
    """Of two storedmail.facts(), without what must change: the keys. And
    what was copied by a hard link may be a file of its own now."""
    def part(fact):
        return (fact.mode, fact.uid, fact.gid, fact.mtime) if fact else None
    return [f"{path}: was {before.get(path)}, is {after.get(path)}"
            for path in sorted({*before, *after})
            if part(before.get(path)) != part(after.get(path))]


# ---- what old keys open

def in_utf8(name):
    """A folder's name as doveadm prints it."""
    return re.sub("&([^-]*)-", lambda match: "&" if match[1] == "" else
                  f"+{match[1].replace(',', '/')}-".encode().decode("utf-7"),
                  name)


def unreadable(mailbox, home, password):
    """Reads every mail in a home with a password: (folder, UID) of those that
    cannot be read, and the result."""
    # Not as JSON: Dovecot 2.4.1 panics there at large bodies.
    result = mailbox.host.doveadm(
        "-o", f"mail_home={home}", "-o",
        f"crypt_user_key_password={key_password(password)}",
        "-f", "flow", "fetch", "-u", mailbox.address, "uid body", "ALL",
        timeout=300)
    failed = {(match[1], int(match[2]))
              for match in FAILED.finditer(result.stderr)}
    assert (result.code == 0) == (not failed), result.stderr[:2000]
    return failed, result


def with_attributes(mailbox, attributes):
    """A copy of the home with other attributes (the file's bytes)."""
    copy = mailbox.home.with_name(f"{mailbox.home.name}-copy")
    shutil.rmtree(copy, ignore_errors=True)
    mailbox.host.command("cp", "-a", mailbox.home, copy).expect(0)
    (copy / "dovecot-attributes").write_bytes(attributes)
    # A cache may hold what the mails would have to tell.
    for path in copy.rglob("dovecot.index.cache"):
        path.unlink()
    return copy


def assert_old_keys_open_nothing(mailbox, attributes, password, snapshot):
    """Neither by their ids nor in fact: Dovecot with the old attributes (the
    file's bytes) and the old password reads no mail."""
    ids = storedmail.key_ids(mailbox.home)
    assert None not in ids
    assert not [key for key in ids if key.encode() in attributes]
    copy = with_attributes(mailbox, attributes)
    failed, result = unreadable(mailbox, copy, password)
    everything = {(in_utf8(name), uid) for name, folder in snapshot.folders.items()
                  for uid in folder.mails}
    assert failed == everything, (everything - failed, result.stderr[:2000])
    shutil.rmtree(copy)

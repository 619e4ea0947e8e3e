"""Mail as it lies on the disk: which files, whose, encrypted to which key."""

import os
import pathlib
import re
import typing

import mdboxes

MAGIC = b"CRYPTED\x03\x07"
OID = 6
SDBOX_MAGIC = b"\x01\x02N "
ENCRYPTED, PLAIN, DAMAGED = "encrypted", "plain", "damaged"


class Stored(typing.NamedTuple):
    """What the disk says of one mail's file. key is the id of the key that
    the mail is encrypted to."""
    mode: int
    uid: int
    gid: int
    mtime: int
    links: int
    kind: str
    key: str | None


def header_key(data):
    """The key id of a version 2 header; ValueError if it is none."""
    if len(data) < 18 or data[9] != 2:
        raise ValueError("no version 2")
    length = int.from_bytes(data[14:18])
    rest = data[18:length]
    for _ in range(2):
        if not rest or rest[0] != OID:
            raise ValueError("no OID")
        rest = rest[2 + rest[1]:]
    # PBKDF2 rounds, length of the key data, one key, its type
    if len(rest) < 42 or rest[8] != 1:
        raise ValueError("not one key")
    return rest[10:42].hex()


def sdbox_body(data):
    """What follows sdbox's two header lines."""
    _, newline, rest = data.partition(b"\n")
    if not newline or rest[:4] != SDBOX_MAGIC:
        raise ValueError("no sdbox file")
    return rest.partition(b"\n")[2]


def mdbox_body(data):
    """What follows the message header of one mail."""
    if data[:4] != SDBOX_MAGIC:
        raise ValueError("no mail of an mdbox")
    return data.partition(b"\n")[2]


def kind_and_key(path):
    if isinstance(path, mdboxes.Mail):
        data = path.read_bytes()[:4096]
    else:
        with path.open("rb") as file:
            data = file.read(4096)
    try:
        if isinstance(path, mdboxes.Mail):
            data = mdbox_body(data)
        elif path.name.startswith("u."):
            data = sdbox_body(data)
        return kind_and_key_of(data)
    except ValueError:
        return DAMAGED, None


def kind_and_key_of(data):
    """Of a mail as it is stored."""
    try:
        if not data.startswith(MAGIC):
            return PLAIN, None
        return ENCRYPTED, header_key(data)
    except ValueError:
        return DAMAGED, None


def is_mail(path):
    if path.parent.name in ("cur", "new"):
        return True
    return path.parent.name == "dbox-Mails" and \
        re.fullmatch(r"u\.\d+", path.name) is not None


def stored(path):
    stat = path.lstat()
    return Stored(stat.st_mode, stat.st_uid, stat.st_gid, stat.st_mtime_ns,
                  stat.st_nlink, *kind_and_key(path))


def files(home):
    """Every mail's file below a folder, or mail of an mdbox."""
    return sorted(pathlib.Path(folder) / name
                  for folder, _, names in os.walk(home) for name in names
                  if is_mail(pathlib.Path(folder) / name)) + \
        mdboxes.mails(home)


def containers(home):
    """The files in which mail is, each once."""
    return [path for path in files(home) if isinstance(path, pathlib.Path)] + \
        mdboxes.containers(home)


def places(home):
    """Folders that files of mails are in, sorted."""
    return sorted({path.parent for path in containers(home)})


def folders_of(path):
    """Where the folders are that have a mail."""
    return path.folders if isinstance(path, mdboxes.Mail) else \
        (path.parent.parent,)


def facts(home):
    """Path in the home -> what the disk says."""
    return {str(path.relative_to(home)): stored(path)
            for path in files(home)}


def key_ids(home):
    """The ids of all keys that mail is encrypted to; of an mdbox also those of
    mail that is in no folder any more."""
    return {each.key for each in facts(home).values()} | \
        {kind_and_key_of(body)[1] for path in mdboxes.containers(home)
         for body in mdboxes.bodies(path)}


def temporary(home):
    """Temporary files among the mail, ours and Dovecot's, and those of an
    mdbox that are of no use. In the home itself a Dovecot that was killed
    leaves one of its lock on the attributes."""
    return sorted(
        str(path.relative_to(home)) for path in pathlib.Path(home).rglob("*")
        if path.is_file() and path.parent != home and (
            path.parent.name == "tmp" or path.name.startswith(".temp."))) + \
        [str(path) for path in mdboxes.unmapped(home)]


def home_of(folder):
    """Of a folder of a mailbox."""
    return next(path for path in folder.parents
                if (path / "dovecot-attributes").exists())


def uid_of_files(folder):
    """Path -> UID of the mails of one folder on the disk."""
    mails = folder / "dbox-Mails"
    if (folder_mails := [mail for mail in mdboxes.mails(home_of(folder))
                         if folder in mail.folders]):
        by_map_uid = {mail.map_uid: mail for mail in folder_mails}
        return {by_map_uid[map_uid]: uid for uid, (map_uid, _) in
                mdboxes.folder_uids(folder).items()}
    if mails.exists():
        return {path: int(path.name[2:]) for path in files(mails)}
    lines = (folder / "dovecot-uidlist").read_text().splitlines()[1:]
    uids = {line.partition(" :")[2].partition(":2,")[0]:
            int(line.split(" ", 1)[0]) for line in lines}
    return {path: uids[path.name.partition(":2,")[0]]
            for name in ("cur", "new") for path in files(folder / name)}


def folder_path(mailbox, name):
    """Where a folder is, with the layout fs."""
    root = mailbox.home / "mail"
    if (root / "mailboxes").exists():
        return root / "mailboxes" / name
    return root if name == "INBOX" else root / name


def change_times(mailbox, name):
    """UID -> seconds: what Dovecot takes for the save date of a mail whose
    save date is not in the cache."""
    folder = folder_path(mailbox, name)
    if mdboxes.maps(mailbox.home):
        return {uid: saved for uid, (_, saved) in
                mdboxes.folder_uids(folder).items()}
    return {uid: int(path.stat().st_ctime) for path, uid in
            uid_of_files(folder).items()}

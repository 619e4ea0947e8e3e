"""What mdbox has on the disk: its map, and mails of many folders in one file.
Read as Dovecot's own "dump" shows it, and the files themselves."""

import os
import pathlib
import re
import subprocess
import typing

MAP = "dovecot.map.index"
FIELD = re.compile(r"(file_id|offset|size|map_uid|save_date) +(?:=) (\d+)")
RECORD = re.compile(r"^RECORD: seq=\d+, uid=(\d+)")
REFCOUNT = re.compile(r" - ext \d+ ref +: +(\d+)")
GUID = re.compile(rb"\nG([0-9a-f]{32})\n")


class Mail(typing.NamedTuple):
    """One mail, with as much of a path's interface as tests need. path is the
    file it is in, folders those that have it."""
    path: pathlib.Path
    map_uid: int
    offset: int
    size: int
    refcount: int
    folders: tuple

    def read_bytes(self):
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)

    def write_bytes(self, data):
        """Only what is as long fits in."""
        assert len(data) == self.size
        with self.path.open("r+b") as file:
            file.seek(self.offset)
            file.write(data)

    def lstat(self):
        return self.path.lstat()

    stat = lstat

    def __fspath__(self):
        return str(self.path)

    def relative_to(self, home):
        """A name that it keeps when it is moved to another file."""
        guid = GUID.search(self.read_bytes()[-2000:])
        return self.path.relative_to(home).parent / (
            guid[1].decode() if guid else f"map-{self.map_uid}")

    @property
    def name(self):
        return f"{self.path.name}:{self.map_uid}"


def dump(index):
    """(UID, fields) of each record of an index."""
    if not index.with_name(f"{index.name}.log").exists():
        return
    text = subprocess.run(["doveadm", "-O", "dump", str(index)],
                          capture_output=True, text=True, errors="replace",
                          check=False).stdout
    uid, fields = None, {}
    for line in text.partition("-- RECORDS:")[2].splitlines():
        if match := RECORD.match(line):
            if uid is not None:
                yield uid, fields
            uid, fields = int(match[1]), {}
        elif match := REFCOUNT.match(line):
            fields["refcount"] = int(match[1])
        elif match := FIELD.search(line):
            fields[match[1]] = int(match[2])
    if uid is not None:
        yield uid, fields


def maps(home):
    """Folders that hold a map."""
    return sorted(pathlib.Path(folder) for folder, _, names in os.walk(home)
                  if f"{MAP}.log" in names)


def folder_uids(folder):
    """UID -> map UID and save date of the mails of a folder."""
    return {uid: (fields["map_uid"], fields["save_date"])
            for uid, fields in dump(folder / "dbox-Mails" / "dovecot.index")}


def folders_of(storage):
    """Map UID -> folders that have the mail."""
    found = {}
    root = storage.parent / "mailboxes"
    for path, names, _ in os.walk(root):
        if "dbox-Mails" not in names:
            continue
        folder = pathlib.Path(path)
        for map_uid, _ in folder_uids(folder).values():
            found.setdefault(map_uid, []).append(folder)
    return found


def container(home, storage, file_id):
    """Where a file is: in the storage, or in an alternative one."""
    name = f"m.{file_id}"
    if (storage / name).exists():
        return storage / name
    others = [path for path in pathlib.Path(home).rglob(name)
              if path.parent.name == "storage"]
    return others[0] if others else storage / name


def every(home):
    """All mails that maps lead to, also those expunged."""
    for storage in maps(home):
        folders = folders_of(storage)
        for map_uid, fields in dump(storage / MAP):
            yield Mail(container(home, storage, fields["file_id"]), map_uid,
                       fields["offset"], fields["size"],
                       fields.get("refcount", 0),
                       tuple(sorted(set(folders.get(map_uid, ())))))


def mails(home):
    """Those that folders have."""
    return [mail for mail in every(home) if mail.folders]


def containers(home):
    """Every file of an mdbox."""
    return sorted(path for path in pathlib.Path(home).rglob("m.*")
                  if path.parent.name == "storage" and
                  re.fullmatch(r"m\.\d+", path.name))


def bodies(path):
    """What a file holds, whatever a map says: how each mail in it begins."""
    data = path.read_bytes()
    at = data.index(b"\n") + 1
    while at < len(data):
        size = int(data[at + 13:at + 29], 16)
        yield data[at + 30:at + 30 + min(size, 4096)]
        at = data.index(b"\n\n", at + 30 + size + 3) + 2


def unmapped(home):
    """Files that no map leads to."""
    led = {mail.path for mail in every(home)}
    return [path for path in containers(home) if path not in led]

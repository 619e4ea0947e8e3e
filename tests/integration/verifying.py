"""What "doveadm pymailadmin verify" says of a mailbox, and its files."""

import contextlib
import pathlib
import shutil

from mailhost import key_password

KINDS = ["current", "retired", "unknown", "plain", "damaged"]
NOT_CURRENT = 1


def verify(mailbox, code, *words, password=None):
    """Counts that are not 0 of each folder, and what else was said."""
    if password is not None:
        words = (*words, "--full")
    result = mailbox.host.doveadm(
        "-f", "json", "pymailadmin", "verify", "-u", mailbox.address, *words,
        input=None if password is None else f"{password}\n")
    result.expect(code)
    for secret in (mailbox.password, key_password(mailbox.password)):
        assert secret not in result.output
    table = result.json
    assert all(list(row) == ["folder", *KINDS, "bytes"] for row in table)
    return {row["folder"]: {kind: row[kind] for kind in KINDS if row[kind]}
            for row in table}, result.stderr


def full(mailbox, code):
    return verify(mailbox, code, password=mailbox.password)


def folder_path(mailbox, folder="INBOX"):
    """Where its mails are."""
    path = mailbox.host.must("mailbox", "path", "-u", mailbox.address,
                             folder).stdout.strip()
    return pathlib.Path(path)


def mails(mailbox, folder="INBOX"):
    """The files of its mails, in the order in which they came."""
    path = folder_path(mailbox, folder)
    if mailbox.host.mail_driver == "sdbox":
        return sorted(path.glob("u.*"), key=lambda each: int(each.name[2:]))
    return sorted([*path.glob("new/*"), *path.glob("cur/*")],
                  key=lambda each: each.name)


def put(path, data):
    path.write_bytes(data)
    shutil.chown(path, "vmail", "vmail")


def edit(path, change):
    """Rewrites a file, with what change() makes of its bytes."""
    before = path.stat()
    path.write_bytes(change(path.read_bytes()))
    assert path.stat().st_ino == before.st_ino


@contextlib.contextmanager
def configured(host, extra):
    host.restart_dovecot(extra=extra)
    try:
        yield
    finally:
        host.restart_dovecot(extra="")

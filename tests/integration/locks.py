"""The mailbox lock, from the other side."""

import contextlib
import fcntl
import os
import pathlib
import shutil

GATE, LOCK = "pymailadmin.gate", "pymailadmin.lock"
# Of who re-encrypts stored mail.
REKEY = "pymailadmin.rekey"


@contextlib.contextmanager
def exclusive(home):
    """Holds a mailbox's lock as who changes its keys does."""
    with contextlib.ExitStack() as stack:
        for name in (GATE, LOCK):
            path = home / name
            fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            stack.callback(os.close, fd)
            shutil.chown(path, "vmail", "vmail")
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def is_free(home):
    """May the lock be taken exclusively now?"""
    with contextlib.ExitStack() as stack:
        for name in (GATE, LOCK):
            try:
                file = stack.enter_context((home / name).open("rb"))
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except FileNotFoundError:
                pass
            except BlockingIOError:
                return False
    return True


def users(path):
    """Names of the processes that have a file open."""
    found = []
    for fd in pathlib.Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.path.samefile(fd, path):
                found.append((fd.parents[1] / "comm").read_text().strip())
        except OSError:
            pass
    return found

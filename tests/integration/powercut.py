"""A power cut while "doveadm pymailadmin process" runs: what was not synced
is lost, wholly or in part.

The model: a change of a directory lasts when the directory is synced
afterwards; of those that are not, each directory keeps its first few. What
was written to a file lasts when the file is synced afterwards; else what is
new in it may not be there, be cut off, or be zeros. Dovecot's indexes are left
alone, but for an mdbox's map, whose log loses what it has got."""

import ctypes
import functools
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import typing

from mailhost import allow_cores
from mariadb import DEADLINE, wait_until

SOURCE = pathlib.Path(__file__).with_name("power-cut.c")
AT_FDCWD, RENAME_EXCHANGE = -100, 2
NAMES = ("create", "rename", "exchange", "link", "unlink", "mkdir", "rmdir")
LINE = 4096
MAP = "dovecot.map.index"


@functools.cache
def library():
    path = pathlib.Path(tempfile.mkdtemp(prefix="power-cut-", dir="/tmp"))
    path.chmod(0o755)
    path /= "power-cut.so"
    subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", "-O1", "-shared",
                    "-fPIC", "-o", path, SOURCE], check=True)
    return path


def exchange(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(AT_FDCWD, os.fsencode(a), AT_FDCWD, os.fsencode(b),
                      RENAME_EXCHANGE) < 0:
        raise OSError(ctypes.get_errno(), f"exchange of {a} and {b}")


class Operation(typing.NamedTuple):
    what: str
    inode: int
    path: str
    other: str
    grave: str

    @property
    def folders(self):
        return {os.path.dirname(path) for path in (self.path, self.other)
                if path}

    def undo(self):
        """Nothing, in a directory that is gone for good."""
        if not os.path.isdir(os.path.dirname(self.path)):
            return
        if self.what == "mkdir":
            shutil.rmtree(self.path)
        elif self.what == "rmdir":
            os.mkdir(self.path, 0o700)
            owner = os.stat(os.path.dirname(self.path))
            os.chown(self.path, owner.st_uid, owner.st_gid)
        elif self.what in ("create", "link"):
            os.unlink(self.path)
        elif self.what == "exchange":
            exchange(self.path, self.other)
        elif self.what == "unlink":
            os.rename(self.grave, self.path)
        else:
            os.rename(self.other, self.path)
            if self.grave:
                os.rename(self.grave, self.other)


def parse(data):
    for start in range(0, len(data), LINE):
        what, inode, path, *rest = data[start:start + LINE].decode() \
            .rstrip(" \n").split("\t")
        other, grave = (rest + ["", ""])[:2]
        if what == "unlink":
            other, grave = "", other
        yield Operation(what, int(inode), path, other, grave)


def certain(operations):
    """Indexes of the changes of directories that a sync came after."""
    synced, found = set(), set()
    for index in reversed(range(len(operations))):
        operation = operations[index]
        if operation.what == "syncdir":
            synced.add(operation.path)
        elif operation.what == "syncall":
            synced.add("/")
        elif operation.what in NAMES and (
                "/" in synced or operation.folders & synced):
            found.add(index)
    return found


def kept(operations, chance):
    """Indexes of the changes of directories that last."""
    found = certain(operations)
    for folder in sorted({folder for each in operations
                          for folder in each.folders}):
        tail = [index for index, each in enumerate(operations)
                if each.what in NAMES and folder in each.folders
                and index not in found]
        found |= set(tail[:chance.choice([0, chance.randint(0, len(tail)),
                                          len(tail)])])
    # What a directory keeps it keeps in order.
    complete = set()
    for index in reversed(range(len(operations))):
        each = operations[index]
        if each.what in NAMES and (index in found or
                                   each.folders & complete):
            found.add(index)
            complete |= each.folders
    return found


def unsynced(operations, sizes):
    """Inode -> how much is safe, of files that were written to and not synced
    since; sizes are those from before."""
    found, safe = set(), dict(sizes)
    for each in operations:
        if each.what == "write":
            found.add(each.inode)
        elif each.what == "sync":
            found.discard(each.inode)
            safe[each.inode] = int(each.other)
        elif each.what == "syncall":
            found.clear()
    return {inode: safe.get(inode, 0) for inode in found}


def tear(path, chance, safe):
    size = path.stat().st_size
    middle = safe + (size - safe) // 2
    how = chance.choice(["nothing", "empty"] if path.name.startswith(MAP) else
                        ["nothing", "empty", "half", "zeros"])
    if how in ("empty", "half"):
        os.truncate(path, safe if how == "empty" else middle)
    elif how == "zeros":
        with path.open("r+b") as file:
            file.seek(middle)
            file.write(bytes(size - middle))
    return how != "nothing"


def take_back(home, operations, chance, sizes):
    """How many changes of directories and contents of files are lost."""
    lasting = kept(operations, chance)
    undone = [each for index, each in enumerate(operations)
              if each.what in NAMES and index not in lasting]
    for operation in reversed(undone):
        operation.undo()
    lost = unsynced(operations, sizes)
    torn = sum(tear(path, chance, lost[path.stat().st_ino])
               for path in sorted(home.rglob("*"))
               if path.is_file() and path.stat().st_ino in lost)
    return len(undone), torn


class PowerCut:
    """Runs a command with the shim before it, by default process."""

    def __init__(self, host, home):
        self.host, self.home = host, home
        self.folder = host.scratch / "power-cut"
        self.log = self.folder / "log"
        self.graves = self.folder / "graves"
        # Of maps, when the run begins.
        self.sizes = {}

    def run(self, at=0, words=None):
        """Kills it at its nth operation, 0: never. Returns its exit code."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.sizes = {path.stat().st_ino: path.stat().st_size
                      for path in self.home.rglob(f"{MAP}*")}
        self.graves.mkdir(parents=True)
        # Not only root's processes write here.
        self.graves.chmod(0o777)
        self.log.touch()
        self.log.chmod(0o666)
        environment = {
            "LD_PRELOAD": library(), "POWER_CUT_HOME": self.home,
            "POWER_CUT_LOG": self.log, "POWER_CUT_GRAVES": self.graves,
            "POWER_CUT_AT": at}
        if words is None:
            words = ["doveadm", "-c", self.config(environment),
                     "pymailadmin", "process"]
        run = subprocess.Popen(
            words, cwd=self.host.scratch, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=allow_cores, start_new_session=True,
            env={**os.environ, **{name: str(value) for name, value in
                                  environment.items()}})
        wait_until(lambda: run.poll() is not None or self.reached(at),
                   "operation or end", 2 * DEADLINE)
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait(DEADLINE)
        wait_until(lambda: ended(run.pid), "all processes of the group")
        return run.returncode

    def reached(self, at):
        return at > 0 and self.log.stat().st_size >= at * LINE

    def config(self, environment):
        """doveadm lets go of its environment, but for what this names."""
        path = self.folder / "dovecot.conf"
        path.write_text(
            self.host.config_path.read_text() + "import_environment {\n" +
            "".join(f"  {name} = {value}\n"
                    for name, value in environment.items()) + "}\n")
        path.chmod(0o600)
        return path

    def operations(self):
        return list(parse(self.log.read_bytes()))

    def cut(self, at, chance, words=None):
        """Whether it was killed, and what was lost by that."""
        if self.run(at, words) != -signal.SIGKILL:
            return False, 0, 0
        return True, *take_back(self.home, self.operations(), chance,
                                self.sizes)


def ended(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False

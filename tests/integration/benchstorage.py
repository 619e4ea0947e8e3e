"""What re-encrypting all stored mail costs, beside its peers of the same run:
a plain copy, file by file and as safe against a power cut, and "doveadm
backup" to a local path, which encrypts anew as well."""

import os
import pathlib
import resource
import shutil
import statistics
import sys
import time

import storedmail
import stores
from mailhost import MailHost, key_password
from storagejobs import assert_finished

ROUNDS = int(os.environ.get("PYMAILADMIN_BENCH_ROUNDS", "5"))
BATCH_FILES, BATCH_BYTES = 64, 32 * 1024 * 1024
MIB = 1024 * 1024
# The tests have smaller files.
DOVECOTS_OWN = "mdbox_rotate_size = 10M\n"


def settle_disk():
    """What others have left to write is not counted."""
    os.sync()


def measured(action):
    """Wall and CPU seconds; the CPU of this process and of its children."""
    settle_disk()
    begin, before = time.monotonic(), cpu()
    action()
    return time.monotonic() - begin, cpu() - before


def cpu():
    return sum(usage.ru_utime + usage.ru_stime for usage in map(
        resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def copy_and_sync(files, target):
    """Each to a temporary file beside its copy; a batch synced, renamed, and
    the folders synced."""
    batch, size, folders = [], 0, set()

    def flush():
        for fd, temporary, path in batch:
            os.fdatasync(fd)
            os.close(fd)
            os.rename(temporary, path)
        for folder in {path.parent for _, _, path in batch}:
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            os.fsync(fd)
            os.close(fd)

    for source, name in files:
        path = target / name
        if path.parent not in folders:
            path.parent.mkdir(parents=True, exist_ok=True)
            folders.add(path.parent)
        temporary = path.with_name(f".temp.{path.name}")
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        data = source.read_bytes()
        os.write(fd, data)
        batch.append((fd, temporary, path))
        size += len(data)
        if len(batch) == BATCH_FILES or size >= BATCH_BYTES:
            flush()
            batch, size = [], 0
    flush()


class Storage:
    """One format: a big mailbox, and a round of each way to write it anew."""

    def __init__(self, driver):
        self.driver = driver
        self.host = MailHost(mail_driver=driver, depth="storage",
                             extra_conf=DOVECOTS_OWN).start()
        self.mailbox = stores.create(self.host, "bench", "big")
        self.bytes = sum(path.stat().st_size for path in
                         storedmail.containers(self.mailbox.home))
        self.number = 0
        self.found = {way: [] for way in self.ways()}

    def ways(self):
        return {"copy": self.copy, "backup": self.backup,
                "1 worker": lambda: self.rekey(1),
                "2 workers": lambda: self.rekey(2)}

    def round(self):
        for way, run in self.ways().items():
            self.found[way].append(run())

    def scratch(self):
        path = pathlib.Path(self.host.scratch) / "copy"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        shutil.chown(path, "vmail", "vmail")
        return path

    def copy(self):
        home, target = self.mailbox.home, self.scratch()
        files = [(path, path.relative_to(home))
                 for path in storedmail.containers(home)]
        return measured(lambda: copy_and_sync(files, target))

    def backup(self):
        """To a folder inside of the home: its keys are those of the home."""
        target = self.mailbox.home / "backup"
        shutil.rmtree(target, ignore_errors=True)
        result = measured(lambda: self.host.must(
            "-o", "crypt_user_key_password=" +
            key_password(self.mailbox.password), "backup", "-u",
            self.mailbox.address, f"{self.driver}:{target}", timeout=600))
        count = len(storedmail.files(target))
        shutil.rmtree(target)
        assert count == len(storedmail.files(self.mailbox.home)), count
        return result

    def rekey(self, workers):
        """A whole run of process, password change and all."""
        self.number += 1
        new = f"password {self.number}"
        self.host.request(self.mailbox, new).expect(0)
        result = measured(lambda: self.host.must(
            "-o", f"pymailadmin_rekey_workers={workers}", "pymailadmin",
            "process", timeout=600))
        self.mailbox.password = new
        assert self.host.row(self.mailbox)["state"] == "done"
        assert_finished(self.mailbox)
        return result

    def close(self):
        self.host.close()

    def median(self, way):
        return statistics.median(wall for wall, _ in self.found[way])

    def show(self):
        print(f"\n{self.driver}, {self.bytes / MIB:.0f} MiB, {ROUNDS} rounds\n"
              f"  {'seconds':32} {'median':>8} {'worst':>8} {'CPU':>8}")
        for way, name in (
                ("copy", "copy, batches of fdatasync"),
                ("backup", "doveadm backup, local"),
                ("1 worker", "process, 1 worker"),
                ("2 workers", "process, 2 workers")):
            walls, cpus = zip(*self.found[way])
            print(f"  {name:32} {statistics.median(walls):8.2f} "
                  f"{max(walls):8.2f} {statistics.median(cpus):8.2f}")

    def result(self):
        ours = self.median("2 workers")
        return (f"storage {self.driver} workers=2 "
                f"vs_backup={ours / self.median('backup'):.2f} "
                f"vs_copy={ours / self.median('copy'):.2f} "
                f"mib_s={self.bytes / MIB / ours:.0f}")


def bench_storage():
    """The rounds of all formats in turn: a busy machine meets all alike."""
    formats = [Storage(driver) for driver in ("maildir", "sdbox", "mdbox")]
    try:
        for number in range(ROUNDS):
            for each in formats:
                each.round()
            print(f"round {number + 1} of {ROUNDS}", file=sys.stderr,
                  flush=True)
        for each in formats:
            each.show()
        print()
        for each in formats:
            print(each.result())
    finally:
        for each in formats:
            each.close()

"""A machine of its own for tests of the installation: this root, below an
overlay that takes what is written, booted with its own systemd."""

import fcntl
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import termios
import time

from mariadb import wait_until

# What the first process does before it becomes systemd. Only what stands here
# is writable: not the devices, the kernel's settings and the files of the
# machine the tests run on.
INIT = """
set -eu
new=$1
mount --make-rprivate /
mount -t tmpfs tmpfs "$new"
mkdir "$new/upper" "$new/work" "$new/root"
mount -t overlay overlay "$new/root" \
    -o "lowerdir=/,upperdir=$new/upper,workdir=$new/work"
cd "$new/root"
mount -t proc proc proc
mount -o bind,ro proc/sys proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
for unit in console-getty getty-static ldconfig; do
    ln -sf /dev/null "etc/systemd/system/$unit.service"
done
mkdir old
pivot_root . old
umount -l old
rmdir old
exec setpriv --bounding-set -sys_module,-sys_time,-syslog \
    env -i container=pymailadmin-tests \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin \
    /usr/lib/systemd/systemd --log-target=journal --show-status=no
"""
BOOT_DEADLINE = 60


def hidden(terminal):
    """Is what is typed not shown? Who asks for a password switches that after
    asking, and then throws away what was typed before."""
    return not termios.tcgetattr(terminal)[3] & termios.ECHO


class Visible(str):
    """An answer that is shown as it is typed."""


class Unavailable(Exception):
    """The kernel or the container we are in does not allow it."""


class Machine:
    """Booted when entered, gone with all that it wrote when left. It shares
    the network, and so the ports, with the tests, or is a host of netns.py's
    network."""

    def __init__(self, host=None):
        self.host = host
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="machine-",
                                                     dir="/tmp"))
        self.log = self.scratch / "init.log"
        self.cgroups = self.scratch / "cgroups"
        self.cgroup = self.cgroups / self.scratch.name
        self.init = None
        self.pid = None

    def boot(self):
        (self.scratch / "root").mkdir()
        self.cgroups.mkdir()
        try:
            subprocess.run(["mount", "-t", "cgroup2", "cgroup2", self.cgroups],
                           check=True, capture_output=True, text=True)
            self.cgroup.mkdir()
        except (OSError, subprocess.CalledProcessError) as error:
            raise Unavailable(f"no cgroup for systemd: {error}") from None
        with self.log.open("wb") as log:
            self.init = subprocess.Popen(
                ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"',
                 self.cgroup, *(self.host.enter if self.host else ()),
                 "unshare", "--mount", "--pid", "--ipc", "--uts",
                 "--cgroup", "--fork", "--kill-child=KILL", "sh", "-c", INIT,
                 "init", self.scratch / "root"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        children = pathlib.Path(
            f"/proc/{self.init.pid}/task/{self.init.pid}/children")

        def booted():
            if self.init.poll() is not None:
                text = self.log.read_text(errors="replace")
                if "mount:" in text or "unshare:" in text:
                    raise Unavailable(text.strip())
                raise RuntimeError(f"systemd ended: {text}")
            self.pid = children.read_text().strip()
            return self.pid and self.run(
                "systemctl is-system-running", check=False).stdout.strip() in (
                    "running", "degraded")
        wait_until(booted, "boot of systemd", BOOT_DEADLINE)

    def close(self):
        """Ends all that runs in there."""
        if self.init is not None:
            self.init.kill()
            self.init.wait()
        wait_until(self._remove_cgroups, "end of the machine")
        subprocess.run(["umount", self.cgroups], check=True)
        shutil.rmtree(self.scratch)

    def _remove_cgroups(self):
        if not self.cgroup.exists():
            return True
        try:
            for path, _, _ in os.walk(self.cgroup, topdown=False):
                os.rmdir(path)
        except OSError:
            return False
        return True

    def __enter__(self):
        try:
            self.boot()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def path(self, path):
        """A file of the machine, as it is seen from here."""
        return pathlib.Path(f"/proc/{self.pid}/root{path}")

    def command(self, script, cwd):
        return ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--ipc",
                "--uts", "--net", "--cgroup", "--root", f"--wd={cwd}",
                "env", "-i", "HOME=/root", "USER=root", "LANG=C.UTF-8",
                "TERM=dumb", "PATH=/usr/local/sbin:/usr/local/bin:"
                "/usr/sbin:/usr/bin:/sbin:/bin",
                "bash", "-c", script]

    def run(self, script, *, check=True, cwd="/", **options):
        """Runs a script to its end."""
        done = subprocess.run(
            self.command(script, self.path(cwd)), text=True, errors="replace",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            **({} if "input" in options else {"stdin": subprocess.DEVNULL}),
            **options)
        if check and done.returncode != 0:
            raise AssertionError(
                f"{script}\nexited with {done.returncode}:\n{done.stdout}")
        return done

    def talk(self, script, answer, *, cwd="/", deadline=240):
        """Runs a script on a terminal, as a person does; answer(line) is what
        is typed after an unfinished line of its output, or None. Returns what
        the screen showed."""
        ours, theirs = os.openpty()
        process = subprocess.Popen(
            self.command(script, self.path(cwd)), stdin=theirs, stdout=theirs,
            stderr=theirs, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(theirs)
        screen, line, end = "", "", time.monotonic() + deadline
        try:
            while True:
                if not select.select([ours], [], [], end - time.monotonic())[0]:
                    raise TimeoutError(f"not done after {deadline} s")
                try:
                    text = os.read(ours, 65536).decode(errors="replace")
                except OSError:  # the other side is closed
                    text = ""
                if not text:
                    break
                screen += text
                line = (line + text).rpartition("\n")[2]
                typed = answer(line)
                if typed is not None:
                    if typed and not isinstance(typed, Visible):
                        wait_until(lambda: hidden(ours), "hidden typing")
                    os.write(ours, typed.encode() + b"\n")
                    line = ""
            code = process.wait(10)
        except BaseException as error:
            error.add_note(f"The screen:\n{screen[-3000:]}")
            raise
        finally:
            process.kill()
            process.wait()
            os.close(ours)
        screen = screen.replace("\r\n", "\n")
        if code != 0:
            raise AssertionError(f"exited with {code}:\n{screen[-3000:]}")
        return screen

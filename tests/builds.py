"""Builds of the tree besides the one in /src, each made at most once."""

import os
import pathlib
import shutil
import subprocess

SOURCE = pathlib.Path("/src")
# Written by tests/debian13: the checkout's files, without what was built.
FILES = pathlib.Path("/src.files")
CONFIGURE = ("--prefix=/usr", "--sysconfdir=/etc",
             "--with-dovecot=/usr/lib/dovecot")


def checkout_files():
    """The checkout's files, as paths below SOURCE."""
    names = FILES.read_bytes().split(b"\0")
    return [SOURCE / os.fsdecode(name) for name in names if name]


def run(command, cwd, **environment):
    """Runs a command of the build; on failure its last output is the error."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, errors="replace")
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-60:])
        raise AssertionError(
            f"{' '.join(map(str, command))} in {cwd} exited with "
            f"{done.returncode}:\n{tail}")
    return done.stdout


def make(folder, *arguments, **environment):
    jobs = f"-j{os.cpu_count()}"
    return run(["make", "-s", jobs, *arguments], folder, **environment)


class Builds:
    def __init__(self, folder):
        self.folder = folder
        self._made = {}

    def _once(self, name, function):
        if name not in self._made:
            try:
                self._made[name] = (function(), None)
            except AssertionError as error:
                self._made[name] = (None, error)
        result, error = self._made[name]
        if error is not None:
            raise AssertionError(str(error))
        return result

    def distribution(self):
        """The unpacked tarball, as somebody who downloads it has it."""
        def unpack():
            make(SOURCE, "dist-gzip")
            [tarball] = SOURCE.glob("pymailadmin-*.tar.gz")
            run(["tar", "-xzf", tarball, "-C", self.folder], "/")
            tarball.unlink()
            return self.folder / tarball.name.removesuffix(".tar.gz")
        return self._once("distribution", unpack)

    def configured(self, name, *arguments, defaults=CONFIGURE, **variables):
        """A build folder of its own, configured but not built."""
        source = self.distribution()

        def configure():
            folder = self.folder / name
            folder.mkdir()
            run([source / "configure", "-q", *defaults, *arguments,
                 *(f"{key}={value}" for key, value in variables.items())],
                folder)
            return folder
        return self._once(name, configure)

    def tested(self):
        """/src with the programs of "make check" built."""
        def programs():
            make(SOURCE, "check", "TESTS=")
            return SOURCE
        return self._once("tested", programs)

    def sanitized(self):
        """All, and the programs of "make check", by clang, with ASan and
        UBSan. Warnings are errors."""
        def programs():
            flags = ("-g -O0 -fno-omit-frame-pointer "
                     "-fsanitize=address,undefined "
                     "-fno-sanitize-recover=all")
            folder = self.configured("sanitized", "--enable-werror",
                                     CC="clang", CFLAGS=flags)
            make(folder, "check", "TESTS=")
            return folder
        return self._once("sanitized-programs", programs)

    def packages(self):
        """The folder with the files that "make deb" leaves, in a copy of the
        checkout."""
        def build():
            folder = self.folder / "packages"
            folder.mkdir()
            run(["sh", "-c", f"cd {SOURCE} && xargs -0 cp --parents -t $0 "
                 f"<{FILES}", folder], "/")
            run(["sh", "-c", "autoreconf -fi && ./configure -q --prefix=/usr "
                 "--with-dovecot=/usr/lib/dovecot && make -s deb"], folder,
                DEB_BUILD_OPTIONS=f"parallel={os.cpu_count()}")
            return folder / "deb"
        return self._once("packages", build)

    def image_of_source(self):
        """What "make install" in /src puts below an empty DESTDIR."""
        def install():
            target = self.folder / "source-image"
            make(SOURCE, "install", f"DESTDIR={target}")
            return target
        return self._once("source-installed", install)

    def installed(self, name, *arguments, **options):
        """What "make install" puts below an empty DESTDIR."""
        def install():
            folder = self.configured(name, *arguments, **options)
            make(folder)
            target = self.folder / f"{name}-image"
            make(folder, "install", f"DESTDIR={target}")
            return target
        return self._once(f"{name}-installed", install)

    def copy_of_source(self, name):
        def copy():
            return shutil.copytree(SOURCE, self.folder / name, symlinks=True)
        return self._once(name, copy)

"""The portal's programs with sanitizers, if PYMAILADMIN_WEB_SANITIZER names
some, as in -fsanitize=...: "Sanitizers" in tests/README.md."""

import os
import pathlib
import shutil

import pytest

from builds import SOURCE, Builds, make

NAMES = os.environ.get("PYMAILADMIN_WEB_SANITIZER", "")
# Whose reports have backtraces without a program of LLVM's.
COMPILER = "gcc"
FOLDER = pathlib.Path("/tmp/web-sanitizer")
BUILT = FOLDER / "portal"
PORTAL = str(BUILT / "web/pymailadmin-web") if NAMES else \
    "/usr/sbin/pymailadmin-web"
REPORTS = FOLDER / "reports"
SUPPRESSIONS = pathlib.Path(__file__).with_name("tsan.supp")


def not_sanitized(reason):
    """Skips a test then."""
    return pytest.mark.skipif(bool(NAMES), reason=f"with sanitizers {reason}")


def flags(names):
    return ["-g", "-O1", "-fno-omit-frame-pointer", f"-fsanitize={names}",
            "-fno-sanitize-recover=all",
            # As libraries the two do not write to the same file.
            "-static-libasan", "-static-libubsan"]


def made(name):
    """A program of tests/."""
    folder = (BUILT if NAMES else SOURCE) / "tests"
    make(folder, name)
    return folder / name


def prepare():
    """Builds it; what a process finds from now on is in REPORTS."""
    if not NAMES:
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    # Processes of other users too.
    REPORTS.chmod(0o777)
    build = Builds(FOLDER).configured(
        BUILT.name, "--without-plugin", CC=COMPILER,
        CFLAGS=" ".join(flags(NAMES)))
    make(build)
    os.environ.update(environment())


def environment():
    report = f"log_path={REPORTS}/report"
    return {
        "ASAN_OPTIONS": f"{report}:detect_leaks=1:"
                        "detect_stack_use_after_return=1:"
                        "strict_string_checks=1",
        "UBSAN_OPTIONS": f"{report}:print_stacktrace=1",
        "TSAN_OPTIONS": f"{report}:suppressions={SUPPRESSIONS}:"
                        "second_deadlock_stack=1:history_size=4",
    }


def take_reports():
    """What was found since the last time, as text."""
    found = []
    if NAMES and REPORTS.exists():
        for path in sorted(REPORTS.iterdir()):
            found.append(path.read_text(errors="replace"))
            path.unlink()
    return "\n".join(found)

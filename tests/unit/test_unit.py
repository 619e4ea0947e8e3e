"""Runs each program of "make check", under valgrind and with sanitizers."""

import os
import pathlib
import subprocess

import pytest

from builds import SOURCE


def programs():
    """Paths below the build folder of all check_PROGRAMS."""
    found = []
    for makefile in sorted(SOURCE.rglob("Makefile")):
        if "check_PROGRAMS" not in makefile.read_text(errors="replace"):
            continue
        names = subprocess.run(
            ["make", "-s", "--no-print-directory", "-C", makefile.parent,
             "--eval=list-programs: ; @echo $(check_PROGRAMS)",
             "list-programs"], check=True, text=True,
            stdout=subprocess.PIPE).stdout.split()
        folder = makefile.parent.relative_to(SOURCE)
        found += [str(folder / name) for name in names]
    return found


def run_program(build, program, *wrapper, **environment):
    path = pathlib.Path(build, program)
    done = subprocess.run(
        ["sh", f"{build}/libtool", "--mode=execute", *wrapper, path],
        cwd=path.parent, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "srcdir": str(SOURCE / program.rpartition("/")[0]),
             **environment})
    print(done.stdout)
    assert done.returncode == 0, f"{program} exited with {done.returncode}"


# Minutes each: what they do many times over the sanitizers look at each time.
LONG_UNDER_VALGRIND = (
    "tests/unit/contract/test-seal-robust",
    "tests/unit/contract/test-sealed-request",
    "tests/unit/plugin/test-key-change",
    "tests/unit/plugin/test-mail-cipher",
    "tests/unit/plugin/test-mail-cipher-damage",
    "tests/unit/plugin/test-mail-cipher-kinds",
    "tests/unit/web/test-passwords",
)


@pytest.mark.limit(600)
@pytest.mark.parametrize("program", [
    pytest.param(program, marks=pytest.mark.soak)
    if program in LONG_UNDER_VALGRIND else program for program in programs()])
def test_under_valgrind(builds, program):
    run_program(builds.tested(), program,
                "sh", f"{SOURCE}/tests/build-aux/run-test.sh")


@pytest.mark.limit(600)
def test_clang_has_no_warning(builds):
    builds.sanitized()


@pytest.mark.limit(600)
@pytest.mark.parametrize("program", programs())
def test_with_sanitizers(builds, program):
    run_program(builds.sanitized(), program,
                ASAN_OPTIONS="detect_leaks=1:abort_on_error=0",
                UBSAN_OPTIONS="print_stacktrace=1")

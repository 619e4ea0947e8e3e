"""What sanitizers find in the portal fails the test that met it."""

import os
import pathlib
import subprocess

import pytest

import websanitizer

FAULTS = {
    "address": ("heap-buffer-overflow", """
        char *volatile p = malloc(8);
        return p[8];"""),
    "leak": ("detected memory leaks", """
        char *volatile p = malloc(8);
        p = NULL;"""),
    "undefined": ("signed integer overflow", """
        volatile int n = 0x7fffffff;
        n++;"""),
    "thread": ("data race", """
        pthread_t thread;
        pthread_create(&thread, NULL, add, NULL);
        add(NULL);
        pthread_join(thread, NULL);"""),
}
SYMBOLS = {"address": b"__asan_", "undefined": b"__ubsan_",
           "thread": b"__tsan_"}
PROGRAM = """
#include <pthread.h>
#include <stdlib.h>
int number;
void *add(void *context) { number++; return context; }
int main(void) { %s return 0; }
"""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_reported(fault, tmp_path, monkeypatch):
    words, code = FAULTS[fault]
    names = fault if fault == "thread" else "address,undefined"
    monkeypatch.setattr(websanitizer, "NAMES", names)
    monkeypatch.setattr(websanitizer, "REPORTS", tmp_path / "reports")
    (tmp_path / "reports").mkdir()
    source = tmp_path / "fault.c"
    source.write_text(PROGRAM % code)
    program = tmp_path / "fault"
    subprocess.run([websanitizer.COMPILER, *websanitizer.flags(names),
                    "-o", program, source], check=True)
    assert websanitizer.take_reports() == ""
    done = subprocess.run(
        [program], check=False, capture_output=True,
        env={**os.environ, **websanitizer.environment()})
    assert done.returncode not in (0, -11), done
    report = websanitizer.take_reports()
    assert words in report and "fault.c:" in report, (done, report)
    assert websanitizer.take_reports() == ""


@pytest.mark.parametrize("name", ["serve-pages", "gallery"])
def test_programs_are_built_with_them(name):
    check(websanitizer.made(f"unit/web/{name}"))


def test_the_portal_is_built_with_them():
    check(pathlib.Path(websanitizer.PORTAL))


def check(program):
    content = program.read_bytes()
    assert {name for name, symbol in SYMBOLS.items() if symbol in content} == \
        {name for name in websanitizer.NAMES.split(",") if name}

"""Two lists of what the portal must be safe from, and the tests that show it:
asvs.tsv, OWASP's ASVS 5.0 at level 2, and web-holes.tsv, what portals of this
kind have got wrong."""

import ast
import functools
import re

import pytest

from builds import SOURCE

TESTS = SOURCE / "tests"
# Chapter and section, and how many requirements of levels 1 and 2 it has.
SECTIONS = """
V1.1:2 V1.2:9 V1.3:11 V1.4:3 V1.5:2 V2.1:3 V2.2:3 V2.3:4 V2.4:1 V3.2:2 V3.3:4
V3.4:6 V3.5:5 V3.7:2 V4.1:3 V4.2:1 V4.3:2 V4.4:4 V5.1:1 V5.2:3 V5.3:2 V5.4:3
V6.1:3 V6.2:12 V6.3:4 V6.4:4 V6.5:5 V6.6:3 V6.8:4 V7.1:3 V7.2:4 V7.3:2 V7.4:5
V7.5:2 V7.6:2 V8.1:2 V8.2:3 V8.3:1 V8.4:1 V11.1:2 V11.2:3 V11.3:3 V11.4:4
V11.5:1 V11.6:1 V12.1:3 V12.2:2 V12.3:4 V13.1:1 V13.2:5 V13.3:2 V13.4:5 V14.1:2
V14.2:4 V14.3:3 V15.1:3 V15.2:3 V15.3:7 V16.1:1 V16.2:5 V16.3:4 V16.4:3 V16.5:3
"""
REQUIREMENTS = [f"{section}.{number + 1}"
                for section, count in re.findall(r"(\S+):(\d+)", SECTIONS)
                for number in range(int(count))]


def rows(name):
    lines = (TESTS / "lint" / name).read_text().splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


@functools.cache
def functions_of(path):
    """Names of the test functions of a file."""
    return {node.name for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.FunctionDef)
            and node.name.startswith("test_")}


def missing(where):
    """What of a list of tests and files is not there."""
    for each in where.split():
        name, _, test = each.partition("::")
        path = (TESTS if name.startswith(("integration/", "lint/", "unit/"))
                else SOURCE) / name
        if not path.is_file() or test and test not in functions_of(path):
            yield each


def test_each_requirement_has_an_answer():
    found = rows("asvs.tsv")
    assert len(REQUIREMENTS) == 210
    assert [row[0] for row in found] == REQUIREMENTS
    for requirement, state, reason, *where in found:
        assert state in ("met", "open", "no"), requirement
        assert len(reason) > 2, requirement
        # what is met is shown somewhere, what is not cannot be
        assert (state == "met") == (len(where) == 1), requirement
        assert list(missing(" ".join(where))) == [], requirement


def test_each_hole_has_a_test():
    found = rows("web-holes.tsv")
    assert len({hole for hole, _ in found}) == len(found) > 60
    for hole, where in found:
        assert list(missing(where)) == [], hole
        assert all(each.startswith("integration/") for each in where.split())


def test_what_is_missing_is_found():
    assert list(missing("web/routes.c lint/test_asvs.py "
                        "lint/test_asvs.py::test_what_is_missing_is_found "
                        "web/none.c lint/test_asvs.py::test_none "
                        "lint/test_asvs.py::rows")) == [
        "web/none.c", "lint/test_asvs.py::test_none",
        "lint/test_asvs.py::rows"]


@pytest.mark.parametrize("word", [
    "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval",
    "new Function", "localStorage", "sessionStorage", "indexedDB",
    "postMessage", "onmessage", "document.cookie", "importScripts"])
def test_the_script_makes_no_html_and_keeps_nothing(word):
    for path in (SOURCE / "web/static").glob("*.js"):
        assert word not in path.read_text()


def test_each_event_of_the_log_is_described():
    manual = (SOURCE / "web/man/pymailadmin-web.8").read_text()
    described = set(re.findall(r"[a-z-]+", " ".join(re.findall(
        r"^\.It Li (.*)$", manual, re.MULTILINE))))
    logged = set()
    for path in (SOURCE / "web").rglob("*.c"):
        for event in re.findall(r"\blog_event\(\s*\w+,\s*([^,]*),",
                                path.read_text()):
            logged |= set(re.findall(r'"([a-z-]+)"', event))
    assert len(logged) > 20 and logged - described == set()

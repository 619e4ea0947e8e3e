"""What the source must not hold, and who may include whom."""

import pathlib
import re
import subprocess

import pytest

from builds import SOURCE, checkout_files

FILES = [path for path in checkout_files() if path.is_file()]
MAX_LINES = 500

# Each with what to use instead.
BANNED_EVERYWHERE = {
    "strcpy": "i_strdup(), memcpy()", "strcat": "str_append()",
    "strncpy": "i_strocpy()", "strncat": "str_append()",
    "sprintf": "i_snprintf()", "vsprintf": "i_vsnprintf()",
    "gets": "fgets()", "strtok": "t_strsplit()",
    "atoi": "str_to_int()", "atol": "str_to_long()", "atof": "strtod()",
    "alloca": "t_malloc_no0()", "system": "posix_spawn()",
    "popen": "posix_spawn()", "mktemp": "mkstemp()", "tmpnam": "mkstemp()",
    "rand": "random_fill()", "srand": "random_fill()",
    "random": "random_fill()", "bcmp": "mem_equals_timing_safe()",
    "usleep": "a condition", "sscanf": "str_parse_*()",
    "localtime": "localtime_r()", "gmtime": "gmtime_r()",
    "asctime": "strftime()", "ctime": "strftime()", "vfork": "fork()",
}
# Dovecot's pools and data stack instead.
BANNED_IN_PLUGIN = {
    "malloc": "p_malloc()", "calloc": "p_malloc()", "realloc": "p_realloc()",
    "free": "i_free()", "strdup": "i_strdup()", "strndup": "i_strndup()",
    "assert": "i_assert()", "perror": "e_error()", "exit": "a return value",
    "strerror": "%m", "setenv": "nothing",
}
C_HEADERS = {
    "assert.h", "ctype.h", "errno.h", "inttypes.h", "limits.h", "stdalign.h",
    "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h",
    "time.h",
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def name_of(path):
    return str(path.relative_to(SOURCE))


def c_files(*folders):
    return [path for path in FILES if path.suffix in (".c", ".h")
            and name_of(path).startswith(folders)]


def code_of(path):
    """C without comments and string literals, lines kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                  blank, path.read_text(), flags=re.DOTALL)


def includes(path):
    return INCLUDE.findall(path.read_text())


def is_text(path):
    return b"\0" not in path.read_bytes()


def calls(path, banned):
    names = "|".join(banned)
    pattern = re.compile(rf"(?<![\w.>])({names})\s*\(")
    for number, line in enumerate(code_of(path).splitlines(), 1):
        for match in pattern.finditer(line):
            yield (f"{name_of(path)}:{number}: {match[1]}(), "
                   f"use {banned[match[1]]}")


def test_no_banned_function():
    found = []
    for path in c_files("plugin/", "web/", "tests/"):
        found += calls(path, BANNED_EVERYWHERE)
    for path in c_files("plugin/"):
        if not name_of(path).startswith("plugin/contract/"):
            found += calls(path, BANNED_IN_PLUGIN)
    assert found == []


def test_the_search_for_banned_functions_finds_them(tmp_path, monkeypatch):
    monkeypatch.setattr("test_source.SOURCE", tmp_path)
    path = tmp_path / "bad.c"
    path.write_text('int x; /* gets() */\nf("atoi(1)", atoi(s), x.rand());\n'
                    "my_system(1);\n")
    assert list(calls(path, BANNED_EVERYWHERE)) == [
        "bad.c:2: atoi(), use str_to_int()"]


def test_contract_includes_only_libc_and_openssl():
    own = {path.name for path in c_files("plugin/contract/")}
    wrong = [f"{name_of(path)}: {header}"
             for path in c_files("plugin/contract/")
             for kind, header in includes(path)
             if not (header in own if kind == '"' else
                     header in C_HEADERS or header.startswith("openssl/"))]
    assert own and wrong == []


def test_only_doveadm_files_include_doveadm_headers():
    wrong = [f"{name_of(path)}: {header}"
             for path in c_files("plugin/", "web/")
             for _, header in includes(path)
             if header.rpartition("/")[2].startswith("doveadm")
             and not path.name.startswith("doveadm-")]
    assert wrong == []


def test_web_and_plugin_share_only_the_contract():
    contract = {path.name for path in c_files("plugin/contract/")}
    plugin = {path.name for path in c_files("plugin/")} - contract
    web = {path.name for path in c_files("web/")}
    # Dovecot has some of the same names.
    dovecot = {path.name for path in
               pathlib.Path("/usr/include/dovecot").iterdir()}
    wrong = [f"{name_of(path)}: {header}"
             for folder, others in (("web/", plugin - web),
                                    ("plugin/",
                                     web - plugin - contract - dovecot))
             for path in c_files(folder) for kind, header in includes(path)
             if kind == '"' and header.rpartition("/")[2] in others]
    assert wrong == []


@pytest.mark.parametrize("header, folder", [
    ("microhttpd.h", "web/http/"), ("mysql.h", "web/db/")])
def test_only_one_folder_knows_the_library(header, folder):
    wrong = [name_of(path) for path in c_files("web/")
             if any(name.rpartition("/")[2] == header
                    for _, name in includes(path))
             and not name_of(path).startswith(folder)]
    assert wrong == []


def test_headers_are_guarded_and_compile_alone_in_name():
    wrong = []
    for path in c_files("plugin/", "web/", "tests/"):
        guard = re.sub(r"\W", "_", path.name).upper()
        if path.suffix == ".h" and f"#ifndef {guard}\n#define {guard}\n" \
                not in path.read_text():
            wrong.append(name_of(path))
    assert wrong == []


def complaints(path):
    """Odd whitespace and forgotten notes of one text file."""
    data = path.read_bytes()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        yield 0, "not UTF-8"
        return
    if data and not data.endswith(b"\n"):
        yield text.count("\n") + 1, "no newline at the end"
    if data.endswith(b"\n\n"):
        yield text.count("\n"), "empty line at the end"
    tabs = path.suffix in (".c", ".h", ".sh", ".in") or data[:2] == b"#!" \
        and b"python" not in data.split(b"\n")[0]
    heredoc = None
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip():
            yield number, "space at the end"
        if re.search(r"[\r\f\v\u00a0\u200b-\u200f\u202a-\u202e\ufeff]", line):
            yield number, "odd white space"
        if re.match(r" +\t", line):
            yield number, "space before tab"
        if path.suffix == ".md" and "\t" in line:
            yield number, "tab"
        if heredoc is None and tabs and re.match(r" {8}", line):
            yield number, "indented with spaces"
        if heredoc is None and (match := re.search(r"<<-?'?(\w+)'?", line)):
            heredoc = match[1] if data[:2] == b"#!" else None
        elif line.strip() == heredoc:
            heredoc = None
        # Written so that this line does not find itself.
        if re.search(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b", line):
            yield number, "forgotten note"


def test_no_odd_white_space():
    found = [f"{name_of(path)}:{number}: {what}"
             for path in FILES if is_text(path)
             and path.suffix not in (".txt", ".po")
             for number, what in complaints(path)]
    assert found == []


def test_no_file_is_too_long():
    # A language is one file, as translators expect it.
    long = {name_of(path): count for path in FILES if is_text(path)
            and path.suffix != ".po"
            and (count := path.read_bytes().count(b"\n")) > MAX_LINES}
    assert long == {}


def test_tests_wait_for_conditions():
    wrong = [name_of(path) for path in FILES
             if path.suffix == ".py" and "sleep" + "(" in path.read_text()
             and path.name != "mariadb.py"]
    assert wrong == []


def enum_values(sql, column):
    match = re.search(rf"\b{column}\s+ENUM\s*\(([^)]*)\)", sql, re.IGNORECASE)
    return re.findall(r"'(\w+)'", match[1])


@pytest.mark.parametrize("column", ["kind", "state"])
def test_states_equal_the_sql_enum(column, tmp_path):
    program = tmp_path / "names.c"
    program.write_text(f"""
#include <stdio.h>
#include "request-state.h"
int main(void)
{{
    for (int i = 0; i < REQUEST_{column.upper()}_COUNT; i++)
        puts(request_{column}_name((enum request_{column})i));
    return 0;
}}
""")
    contract = SOURCE / "plugin/contract"
    subprocess.run(["gcc", f"-I{contract}", "-o", tmp_path / "names", program,
                    contract / "request-state.c"], check=True)
    names = subprocess.run([tmp_path / "names"], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.split()
    versions = sorted((SOURCE / "sql").glob("[0-9]*.sql"))
    tables = "".join(path.read_text() for path in versions)
    # The last one holds: an ALTER TABLE comes after the CREATE TABLE.
    ours = [each for each in re.split(r"\b(?:CREATE|ALTER) TABLE ", tables)
            if re.match(r"[^(]*\bpymailadmin_request\b", each)
            and re.search(rf"\b{column}\s+ENUM", each)]
    assert enum_values(ours[-1], column) == names

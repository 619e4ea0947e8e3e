"""The portal's settings: the table, the man page and the example agree."""

import re
import subprocess

import pytest

from builds import SOURCE

TABLE = (SOURCE / "web/settings-table.c").read_text()
EXAMPLE = (SOURCE / "web/pymailadmin-web.conf.example").read_text()
MAN = (SOURCE / "web/man/pymailadmin-web.conf.5").read_text()


def settings():
    """Key and default of each, None if it is required."""
    table = TABLE[TABLE.index("settings_table[] ="):]
    found = {}
    for key, value in re.findall(
            r'\{ "(\w+)", parse_\w+,\s*(?:AT\(\w+\)|0),\s*'
            r'(NULL|(?:"[^"]*"\s*)+)', table):
        found[key] = None if value == "NULL" else \
            "".join(re.findall(r'"([^"]*)"', value))
    return found


def documented():
    found = {}
    for key, rest in re.findall(r"^\.It Ic (\w+)(?: Pq (.*))?$", MAN,
                                re.MULTILINE):
        found[key] = {"required": None, "empty": "", "": "list"}.get(
            rest, rest.removeprefix("Li ").strip('"'))
    return found


def in_example():
    joined = re.sub(r"\n#\t", " ", EXAMPLE)
    return dict(re.findall(r"^#?([a-z_0-9]+) =(?: (.*))?$", joined,
                           re.MULTILINE))


def test_man_page_has_each_setting_and_its_default():
    table = settings()
    assert len(table) > 50
    assert list(documented()) == list(table)
    for key, value in documented().items():
        if value != "list":
            assert (key, value) == (key, table[key])


def test_example_has_each_setting_and_its_default():
    table, example = settings(), in_example()
    assert set(example) == set(table)
    for key, value in table.items():
        if re.search(rf"^#{key} =", EXAMPLE, re.MULTILINE):
            assert (key, example[key]) == (key, value)
    required = [key for key, value in table.items() if value is None]
    for key in required:
        assert re.search(rf"^{key} = \S", EXAMPLE, re.MULTILINE)


@pytest.mark.parametrize("commented", [True, False])
def test_example_is_accepted(commented, tmp_path):
    secret = tmp_path / "web-secret.key"
    secret.write_text("0f" * 32 + "\n")
    secret.chmod(0o600)
    text = EXAMPLE.replace("<64 hex digits>", "5a" * 32)
    text = re.sub(r"/etc/pymailadmin/web-[a-z.-]+", str(secret), text)
    if not commented:
        text = re.sub(r"^#(?=[a-z_0-9]+ =|\t)", "", text, flags=re.MULTILINE)
        text = re.sub(r"^database_password =.*\n", "", text,
                      flags=re.MULTILINE)
    config = tmp_path / "web.conf"
    config.write_text(text)
    done = subprocess.run(["pymailadmin-web", "--check-config", config],
                          text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    assert (done.returncode, done.stdout) == (0, "ok\n")


def test_nginx_example_is_accepted(tmp_path):
    text = (SOURCE / "web/nginx.conf.example").read_text()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x", "-keyout",
         tmp_path / "key", "-out", tmp_path / "cert"], check=True,
        stderr=subprocess.DEVNULL)
    text = re.sub(r"/\S+fullchain.pem", str(tmp_path / "cert"), text)
    text = re.sub(r"/\S+privkey.pem", str(tmp_path / "key"), text)
    (tmp_path / "site").write_text(text)
    config = tmp_path / "nginx.conf"
    config.write_text(f"pid {tmp_path}/pid;\nevents {{}}\n"
                      f"http {{ include {tmp_path}/site; }}\n")
    done = subprocess.run(["nginx", "-t", "-c", config], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    assert done.returncode == 0, done.stdout


def test_defaults_of_the_readme_are_true():
    readme = (SOURCE / "web/README.md").read_text()
    table = readme.partition("\n## Its settings\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (?:`([^`]+)` )?\|", table,
                      re.MULTILINE)
    known = settings()
    assert len(rows) > 10
    for key, value in rows:
        # The reserved names are a longer list.
        assert value == ("" if key == "reserved_names"
                         else known[key] or ""), key

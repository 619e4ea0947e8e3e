"""For each command that the READMEs tell to type, the test that runs it."""

import ast
import re

import pytest

from builds import SOURCE
from readmewalk import BLOCK, BLOCKS

TESTS = SOURCE / "tests"
READMES = ("README.md", "web/README.md")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
PROGRAMS = {
    "apt", "certbot", "curl", "doveadm", "doveconf", "install", "journalctl",
    "make", "man", "mariadb", "nginx", "openssl", "postconf", "postfix",
    "systemctl", "./configure"}
STATEMENTS = {"ALTER", "CREATE", "DELETE", "DROP", "GRANT", "INSERT", "REVOKE",
              "SELECT", "UPDATE"}
INSTALL = "integration/test_install.py::"
OPERATE = "integration/test_install_operate.py::"
TWO_HOSTS = "integration/test_install_two_hosts.py::"
PACKAGES = "integration/test_packages.py::"
COMMANDS = "integration/test_admin_commands.py::"
DELETE = "integration/test_delete_commands.py::"
BUILDS = "lint/test_builds.py::"
ADMINISTERING = OPERATE + "test_administering_a_mailbox"
LOOKING = OPERATE + "test_what_there_is_to_look_at"
MANUALS = OPERATE + "test_the_manual_pages"
REMOVING = INSTALL + "test_removing_it_leaves_the_mail_host_as_it_was"
# Which test runs what is not in the blocks; where the test has it in other
# words, these.
RUN_BY = {
    "DROP USER 'setup'@'ADDRESS'": TWO_HOSTS + "hosts",
    "GRANT ALL ON *.* TO 'setup'@'ADDRESS' IDENTIFIED BY '...' REQUIRE SSL "
    "WITH GRANT OPTION": TWO_HOSTS + "MailHost",
    "./configure --prefix=/usr --without-plugin": (
        BUILDS + "test_builds_without_plugin_and_without_dovecot",
        '"--without-plugin"'),
    "UPDATE pymailadmin_account SET totp_secret = NULL, totp_confirmed_at = "
    "NULL WHERE email = '...'":
        OPERATE + "test_the_only_super_admin_has_lost_the_second_factor",
    "apt remove pymailadmin-dovecot pymailadmin-web": (
        PACKAGES + "test_removed_dovecot_goes_on_without_it",
        '"remove", "pymailadmin-dovecot", "pymailadmin-web"'),
    "close": (COMMANDS + "test_close_and_open", '"close", "-u"'),
    "create": (COMMANDS + "test_create_for_nobody", '"create"'),
    "curl http://127.0.0.1:8687/metrics": LOOKING,
    "delete": (DELETE + "test_the_address_is_typed", "delete("),
    # what it does is spoken of, and nobody told to type it
    "doveadm purge": (
        "integration/test_storage_mdbox.py::"
        "test_expunged_mail_leaves_the_disk", '"purge"'),
    "doveadm pymailadmin": (
        "lint/test_docs.py::test_synopsis_is_the_usage_of_the_commands",
        '"doveadm", "pymailadmin"'),
    "doveadm pymailadmin cancel -u USER": ADMINISTERING,
    "doveadm pymailadmin check": ADMINISTERING,
    "doveadm pymailadmin create -u ADDRESS": (
        COMMANDS + "test_a_terminal_asks_twice",
        '"pymailadmin", "create", "-u"'),
    "doveadm pymailadmin encrypt -u USER": ADMINISTERING,
    "doveadm pymailadmin free -u ADDRESS":
        OPERATE + "test_the_address_of_a_deleted_mailbox_is_free",
    "doveadm pymailadmin process --one USER": ADMINISTERING,
    "doveadm pymailadmin request password -u USER": ADMINISTERING,
    "doveadm pymailadmin status": ADMINISTERING,
    "doveadm pymailadmin upgrade": (
        "integration/test_upgrade.py::test_the_command_makes_the_newest",
        "upgrade(host)"),
    "doveadm pymailadmin verify -u USER": ADMINISTERING,
    "events": (DELETE + "test_delete", '"events"'),
    "free": (OPERATE + "test_the_address_of_a_deleted_mailbox_is_free",
             "pymailadmin free"),
    "journalctl -u pymailadmin-process": LOOKING,
    "journalctl -u pymailadmin-web": LOOKING,
    "keygen --force": OPERATE + "test_another_seal_key",
    "list": (COMMANDS + "test_create_for_nobody", '"list"'),
    "make": (INSTALL + "FirstHost", "make\\nmake install"),
    # of which a "make clean" is part
    "make clean": (BUILDS + "test_distcheck", '"distcheck"'),
    "make install": INSTALL + "FirstHost",
    "make uninstall": (REMOVING, "make -s uninstall"),
    "man doveadm-pymailadmin": MANUALS,
    "man doveadm-pymailadmin-hosts": MANUALS,
    "man pymailadmin-web": MANUALS,
    "man pymailadmin-web.conf": MANUALS,
    "open": (COMMANDS + "test_close_and_open", '"open", "-u"'),
    "request password": ADMINISTERING,
    "retry": ADMINISTERING,
    "status": ADMINISTERING,
    "status -u USER --follow": ADMINISTERING,
    "systemctl cat pymailadmin-process": LOOKING,
    "systemctl restart dovecot": LOOKING,
    "systemctl restart pymailadmin-web": LOOKING,
    "systemctl status pymailadmin-process.timer": LOOKING,
    "tests/demo": ("integration/test_newcomer.py::"
                   "test_the_demo_finds_nothing_wrong", "tests/demo"),
    "tests/run": ("integration/test_side_by_side.py", "tests/run"),
    "undelete": (DELETE + "test_undelete", '"undelete"'),
    "upgrade": (
        "integration/test_upgrade.py::test_the_command_makes_the_newest",
        "upgrade(host)"),
    "verify": ADMINISTERING,
    "verify -u USER": ADMINISTERING,
}


def english(name):
    """French has the same commands: test_docs.py."""
    return (SOURCE / name).read_text().partition("\n## Français\n")[0]


def subcommands():
    """Of "doveadm pymailadmin"."""
    found = set()
    for page in (SOURCE / "plugin/man").glob("*.1"):
        found |= set(re.findall(r"^\.Cm pymailadmin (\w+)", page.read_text(),
                                re.MULTILINE))
    return found


def commands(text):
    """What in a text, outside of its blocks, is a command to type."""
    words = subcommands() | PROGRAMS | STATEMENTS
    for code in CODE.findall(FENCE.sub("", text)):
        first, *rest = code.split()
        if first.startswith("tests/") and first != "tests/":
            yield code
        elif first in words and (
                rest or first in subcommands() or first == "make"):
            yield code


def source_of(where):
    """Of a function or class of a test, or of all of its file."""
    name, _, wanted = where.partition("::")
    text = (TESTS / name).read_text()
    if not wanted:
        return text
    [node] = [node for node in ast.parse(text).body
              if getattr(node, "name", None) == wanted]
    return ast.get_source_segment(text, node)


def without_breaks(source):
    """Strings that go on in the next line, joined."""
    return re.sub(r'"\s*\n\s*f?"', "", source)


def test_each_block_is_walked():
    """By test_install.py all of them; others leave some out."""
    found = [block for name in READMES
             for block in BLOCK.findall(english(name))]
    assert found == BLOCKS != []
    for name in READMES:
        kinds = {kind for kind, _ in FENCE.findall(english(name))}
        # "text" is what a person sees of the tests: tests/demo, tests/run
        assert kinds <= {"sh", "text"}


def test_step_4_loads_each_numbered_file():
    [pattern] = re.findall(r"^cat (\S+) \| mariadb", "".join(BLOCKS),
                           re.MULTILINE)
    numbered = {path.name for path in (SOURCE / "sql").glob("[0-9]*.sql")}
    assert {path.name for path in (SOURCE / "sql").glob(pattern)} == numbered


def test_the_list_has_each_command_and_no_other():
    assert {command for name in READMES
            for command in commands(english(name))} == set(RUN_BY)


@pytest.mark.parametrize("command", RUN_BY)
def test_command_is_run(command):
    where = RUN_BY[command]
    words = command
    if isinstance(where, tuple):
        where, words = where
    assert words in without_breaks(source_of(where))


def test_a_new_command_would_be_seen():
    text = "a `doveadm pymailadmin none -u USER` and\n`DROP` `make it` `mail`"
    assert list(commands(text)) == ["doveadm pymailadmin none -u USER",
                                    "make it"]
    with pytest.raises(ValueError):
        source_of("lint/test_readme_commands.py::test_none")

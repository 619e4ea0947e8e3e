"""The Debian packages: as the README installs them, upgraded, removed, purged.
Dovecot works at each step."""

import imaplib
import re
import shutil
import subprocess

import pytest

import messages
from builds import run
from mariadb import wait_until
from readmewalk import (
    MAILBOX, NEW, UNIT, booted, deliver, imap, state, stored)
from test_install import FirstHost

pytestmark = pytest.mark.limit(1200)

NAMES = ("common", "dovecot", "web")
CONF = "/etc/dovecot/conf.d"
OURS = (f"{CONF}/05-pymailadmin-auth.conf", f"{CONF}/90-pymailadmin.conf")


@pytest.fixture(scope="module")
def packages(builds):
    return builds.packages()


def package(folder, name):
    [found] = folder.glob(f"pymailadmin-{name}_*.deb")
    return found


def changed(path, folder, **fields):
    """The same package with other control fields."""
    content = folder / f"{path.stem}-content"
    run(["dpkg-deb", "-R", path, content], "/")
    control = content / "DEBIAN/control"
    text = control.read_text()
    for name, value in fields.items():
        text, count = re.subn(
            rf"^{name.replace('_', '-')}: .*$",
            f"{name.replace('_', '-')}: {value}", text, flags=re.MULTILINE)
        assert count == 1, name
    control.write_text(text)
    run(["dpkg-deb", "--root-owner-group", "-b", content, folder], "/")
    shutil.rmtree(content)
    [made] = folder.glob(path.name.partition("_")[0] + "_*.deb")
    return made


def test_lintian_has_nothing_to_say(packages):
    [changes] = packages.glob("*.changes")
    assert run(["lintian", "--allow-root", "--fail-on", "error,warning",
                changes], "/") == ""


def test_the_portal_needs_no_mail_host(packages):
    for name in ("common", "web"):
        needed = run(["dpkg-deb", "-f", package(packages, name), "Depends"],
                     "/")
        assert not re.search("dovecot|mariadb-server", needed)


# ---- on a machine

@pytest.fixture(scope="module")
def walk():
    with booted() as machine:
        yield FirstHost(machine, from_packages=True).go()


@pytest.fixture
def machine(walk):
    return walk.machine


def apt(machine, *words, check=True):
    return machine.run("DEBIAN_FRONTEND=noninteractive apt-get -q -y "
                       "-o APT::Sandbox::User=root " + " ".join(words),
                       check=check)


def copy(machine, *paths):
    machine.run("mkdir -p /root/deb")
    for path in paths:
        shutil.copy(path, machine.path("/root/deb"))
    return [f"/root/deb/{path.name}" for path in paths]


def assert_works(machine, number):
    """Mail comes in, and is read; Dovecot that is asked to start again does."""
    mail = messages.small(number)
    for action in ("reload", "restart"):
        deliver(machine, mail)
        assert stored(NEW)[-1].endswith(mail)
        # not so often by itself
        machine.run("systemctl reset-failed dovecot && "
                    f"systemctl {action} dovecot")
        wait_until(is_open, "Dovecot is back")
    assert stored(NEW)[-1].endswith(mail)


def is_open():
    try:
        with imap(NEW):
            return True
    except (OSError, imaplib.IMAP4.error):
        return False


def is_active(machine, unit):
    return machine.run(f"systemctl is-active {unit}",
                       check=False).stdout.strip() == "active"


def version(machine, name):
    return machine.run(f"dpkg-query -W -f '${{Version}}' pymailadmin-{name}",
                       check=False).stdout


def test_readme_ends_with_a_changed_password(walk):
    assert len(stored(NEW)) == len(walk.mails) > 0
    assert "auth succeeded" in walk.screen
    assert is_active(walk.machine, f"{UNIT}.timer")
    assert is_active(walk.machine, "pymailadmin-web")
    assert_works(walk.machine, 10)


def test_the_same_bytes_each_time(machine, packages):
    """Made there, in another folder and at another time."""
    theirs = machine.path("/root/pymailadmin/deb")
    compared = 0
    for path in packages.iterdir():
        if path.suffix in (".deb", ".dsc", ".gz", ".xz"):
            assert (theirs / path.name).read_bytes() == path.read_bytes(), path
            compared += 1
    assert compared >= 8


def test_upgrade_goes_on_with_the_new_one(machine, packages, tmp_path):
    before = {unit: machine.run(f"systemctl show -P MainPID {unit}").stdout
              for unit in ("dovecot", "pymailadmin-web")}
    newer = []
    for name in NAMES:
        path = package(packages, name)
        fields = {"Version": "9.0"}
        if name != "common":
            fields["Depends"] = re.sub(
                r"(pymailadmin-common) \(= [^)]*\)", r"\1 (= 9.0)",
                run(["dpkg-deb", "-f", path, "Depends"], "/").strip())
        newer.append(changed(path, tmp_path, **fields))
    apt(machine, "install", *copy(machine, *newer))
    assert version(machine, "dovecot") == version(machine, "web") == "9.0"
    for unit, pid in before.items():
        assert is_active(machine, unit)
        assert machine.run(f"systemctl show -P MainPID {unit}").stdout != pid
    assert is_active(machine, f"{UNIT}.timer")
    assert_works(machine, 11)


def test_nothing_is_installed_while_dovecot_could_not_restart(machine):
    """Dovecot's own package restarts it when modules change."""
    pid = machine.run("systemctl show -P MainPID dovecot").stdout
    machine.run(f"echo 'nonsense = yes' >{CONF}/99-nonsense.conf")
    try:
        said = apt(machine, "--reinstall", "install", "/root/deb/*.deb",
                   check=False)
        assert said.returncode != 0 and "would be restarted" in said.stdout
        assert machine.run("systemctl show -P MainPID dovecot").stdout == pid
    finally:
        machine.run(f"rm {CONF}/99-nonsense.conf")
    assert version(machine, "dovecot") == "9.0"
    apt(machine, "-f", "install")
    assert_works(machine, 12)


def test_modules_for_another_dovecot_are_not_even_unpacked(machine, packages,
                                                           tmp_path):
    """Modules that cannot be loaded would stop all mail."""
    path = package(packages, "dovecot")
    abi = run(["dpkg-deb", "-f", path, "Pre-Depends"], "/").strip()
    assert "dovecot-abi-" in abi
    other = changed(path, tmp_path, Version="10.0",
                    Pre_Depends=re.sub(r"abiv\d+", "abiv999", abi))
    before = machine.run("md5sum /usr/lib/dovecot/modules/*/*pymailadmin*")
    [name] = copy(machine, other)
    assert apt(machine, "install", name, check=False).returncode != 0
    assert machine.run(f"dpkg -i {name}", check=False).returncode != 0
    assert machine.run("md5sum /usr/lib/dovecot/modules/*/*pymailadmin*"
                       ).stdout == before.stdout
    assert version(machine, "dovecot") == "9.0"
    assert_works(machine, 13)


def test_not_removed_during_a_change(machine):
    machine.run(f"systemctl stop {UNIT}.timer {UNIT}.service")
    machine.run("mariadb mail", input=(
        "INSERT INTO pymailadmin_request (id, kind, address, state, "
        f"created_at) VALUES (MD5('x'), 'password', '{MAILBOX}', 'switched', "
        "UTC_TIMESTAMP());"))
    try:
        said = apt(machine, "remove", "pymailadmin-dovecot", check=False)
        assert said.returncode != 0 and "a change is under way" in said.stdout
        assert version(machine, "dovecot") == "9.0"
        for path in OURS:
            assert machine.path(path).exists()
    finally:
        machine.run("mariadb mail",
                    input="DELETE FROM pymailadmin_request WHERE id = MD5('x');")
    machine.run(f"systemctl start {UNIT}.timer")
    assert_works(machine, 14)


def test_not_removed_when_the_database_cannot_say(machine):
    machine.run("systemctl stop mariadb")
    try:
        said = apt(machine, "remove", "pymailadmin-dovecot", check=False)
        assert said.returncode != 0 and "cannot be asked" in said.stdout
    finally:
        machine.run("systemctl start mariadb")
    assert_works(machine, 15)


def test_not_removed_while_another_file_names_it(machine):
    machine.run(f"echo 'pymailadmin_rekey_window = 10m' >{CONF}/99-own.conf")
    try:
        said = apt(machine, "remove", "pymailadmin-dovecot", check=False)
        assert said.returncode != 0 and "elsewhere" in said.stdout
        for path in OURS:
            assert machine.path(path).exists()
    finally:
        machine.run(f"rm {CONF}/99-own.conf")
    assert_works(machine, 16)


def test_removed_dovecot_goes_on_without_it(machine):
    apt(machine, "remove", "pymailadmin-dovecot", "pymailadmin-web")
    assert is_active(machine, "dovecot")
    assert not is_active(machine, "pymailadmin-web")
    assert not is_active(machine, f"{UNIT}.timer")
    assert "pymailadmin" not in machine.run("doveconf -n").stdout
    assert_works(machine, 17)


def test_installed_again_it_is_as_it_was(machine, packages):
    said = apt(machine, "install", "/root/deb/pymailadmin-dovecot_9.0_*.deb",
               "/root/deb/pymailadmin-web_9.0_*.deb")
    assert '".disabled"' in said.stdout
    assert_works(machine, 18)
    for path in OURS:
        machine.run(f"mv {path}.disabled {path}")
    machine.run("systemctl reset-failed dovecot && systemctl restart dovecot")
    wait_until(is_open, "Dovecot is back")
    assert "pymailadmin" in machine.run("doveconf -n").stdout
    machine.run("doveadm pymailadmin request password -u "
                f"{MAILBOX}", input=f"{NEW}\n{NEW}2\n")
    machine.run(f"systemctl start {UNIT}.service")
    assert state(machine) == "done"
    machine.run("doveadm pymailadmin request password -u "
                f"{MAILBOX}", input=f"{NEW}2\n{NEW}\n")
    machine.run(f"systemctl start {UNIT}.service")
    assert_works(machine, 19)


def test_purged_nothing_is_left(machine):
    apt(machine, "purge", "'pymailadmin-*'")
    assert not is_active(machine, "pymailadmin-web")
    assert_works(machine, 20)
    left = machine.run("find /usr /etc /run ! -type d -name '*pymailadmin*' "
                       "! -path '*/nginx/*'").stdout
    assert left == ""
    # keys and settings that the administrator made
    assert machine.path("/etc/pymailadmin/web.conf").exists()

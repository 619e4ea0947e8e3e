"""The README's installation, step by step on a machine of its own, and what it
leaves there: the units in their sandbox and the configuration files."""

import imaplib
import re
import shutil
import subprocess

import pytest

from browser import Browser
from builds import FILES, SOURCE
from mariadb import wait_until
from readmewalk import (
    ADMIN, BLOCKS, MAILBOX, NAME, NEW, OLD, PASSWORD, UNIT, Walk,
    booted, imap, request, start_mariadb, state, stored, uninstall)

pytestmark = pytest.mark.limit(1200)

CONF = SOURCE / "doveconf.d"
# What the README does with packages, and says how to do without.
PACKAGES = """\
make deb
apt install ./deb/pymailadmin-{common,dovecot,web}_*.deb
"""


class FirstHost(Walk):
    """Of somebody who has nothing yet, with packages or without."""

    def __init__(self, machine, from_packages=False):
        self.from_packages = from_packages
        super().__init__(machine, BLOCKS)
        assert any("make install" in block for block in self.blocks) != \
            from_packages

    def adapt(self, block):
        return block if self.from_packages else block.replace(
            PACKAGES, "make\nmake install\n")

    def script(self):
        # The same words are optimized in /src.
        return ("" if self.from_packages else "export CFLAGS=-O0\n") + \
            super().script()

    def prepare(self):
        """A new machine: nothing of us on it, and Debian's packages as their
        installation leaves them."""
        uninstall(self.machine)
        self.machine.run(
            "mkdir /root/pymailadmin && cd /src && "
            f"xargs -0 cp --parents -t /root/pymailadmin <{FILES} && "
            "rm -rf /src")
        start_mariadb(self.machine)


@pytest.fixture(scope="module")
def walk():
    with booted() as machine:
        yield FirstHost(machine).go()


@pytest.fixture
def machine(walk):
    """The machine after the walk, with the timer stopped."""
    walk.machine.run(f"systemctl stop {UNIT}.timer {UNIT}.service")
    return walk.machine


def test_readme_ends_with_a_changed_password(walk):
    found = stored(NEW)
    assert len(found) == len(walk.mails) > 0
    for body, mail in zip(found, walk.mails):
        assert body.endswith(mail)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        with imap(OLD):
            pass
    assert "auth succeeded" in walk.screen


def test_check_finds_nothing_on_the_way(walk):
    """Before the timer runs; once for all and once with the mailbox."""
    found = re.findall(r"^(\w[\w ]*?) +(ok|warning|error) ", walk.screen,
                       re.MULTILINE)
    assert [line for line in found if line[1] != "ok"] == [
        ("timer", "warning")] * 2
    assert ("keys open", "ok") in found


def test_portal_is_there_over_https(walk):
    """Its first super admin logs in, and sees the mailbox and its owner."""
    with Browser(f"https://{NAME}", flags=[
            f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
            "--ignore-certificate-errors"]) as browser:
        browser.open("/").send(email=ADMIN, password=PASSWORD)
        [cookie] = [each for each in browser.driver.get_cookies()
                    if each["name"] == "__Host-pymailadmin"]
        assert cookie["secure"] and cookie["httpOnly"]
        assert "example.org" in browser.look().text
        browser.open("/accounts/add").send(email="camille@example.com")
        browser.open(f"/mailbox/owner?address={MAILBOX}").send(
            email="camille@example.com")
        browser.open("/home").follow("/domain?name=example.org")
        assert MAILBOX in browser.text
        assert "camille@example.com" in browser.look().text
        browser.follow("/mailbox?address=alice").look()
    journal = walk.machine.run("journalctl --no-pager -u pymailadmin-web")
    assert f"event=login account={ADMIN}" in journal.stdout
    assert PASSWORD not in journal.stdout


# ---- the units

def start_unit(machine):
    """The exit code of "systemctl start", and whether the unit has failed."""
    code = machine.run(f"systemctl start {UNIT}", check=False).returncode
    return code, machine.run(f"systemctl is-failed {UNIT}",
                             check=False).stdout.strip()


def advised_drop_in():
    """The tighter settings that the unit's own comment tells of."""
    unit = (SOURCE / f"plugin/systemd/{UNIT}.service.in").read_text()
    lines = re.findall(r"^#   (\S+)$", unit, re.MULTILINE)
    assert lines[0] == "[Service]" and "ProtectSystem=strict" in lines
    return "\n".join(lines) + "\n"


def test_tighter_sandbox_the_unit_tells_of(machine):
    folder = f"/etc/systemd/system/{UNIT}.service.d"
    machine.run(f"mkdir {folder} && cat >{folder}/override.conf && "
                "systemctl daemon-reload", input=advised_drop_in())
    before = stored(NEW)
    try:
        with pytest.raises(imaplib.IMAP4.abort), imap(NEW) as session:
            session.select("INBOX")
            request(machine, NEW, OLD)
            assert start_unit(machine) == (0, "inactive")
            session.noop()
        assert state(machine) == "done"
        assert stored(OLD) == before
        request(machine, OLD, NEW)
        assert start_unit(machine) == (0, "inactive")
        assert stored(NEW) == before
    finally:
        machine.run(f"rm -r {folder} && systemctl daemon-reload")


def test_a_request_that_fails_is_no_failed_unit(machine):
    found = machine.run("mariadb mail -N -e 'SELECT crypt FROM users'")
    request(machine, NEW, OLD)
    other = machine.run("doveadm pw -s ARGON2ID", input="x\nx\n").stdout
    try:
        set_hash(machine, other.strip())
        assert start_unit(machine) == (0, "inactive")
        assert state(machine) == "failed"
    finally:
        set_hash(machine, found.stdout.strip())
    assert stored(NEW)


def set_hash(machine, text):
    machine.run("mariadb mail",
                input=f"UPDATE users SET crypt = '{text}';")


def test_database_down_is_a_failed_unit_until_it_is_back(machine):
    cursor = machine.run("journalctl -n 0 --show-cursor").stdout.split()[-1]
    machine.run("systemctl stop mariadb")
    try:
        code, failed = start_unit(machine)
        assert code != 0 and failed == "failed"
    finally:
        machine.run("systemctl start mariadb")
    # It goes on after a failed run, by itself.
    machine.run(f"systemctl start {UNIT}.timer")
    wait_until(lambda: machine.run(f"systemctl is-failed {UNIT}",
                                   check=False).stdout == "inactive\n",
               "the timer's next run")
    # Eight thousand runs a day are not eight thousand times three lines.
    said = machine.run(f"journalctl -u {UNIT} --after-cursor '{cursor}'")
    assert "database" in said.stdout
    assert not re.search(r"Starting|Finished|Deactivated", said.stdout)


def test_sandbox_is_as_tight_as_we_say(walk):
    # The least that lets a service become other users and reach a database.
    said = walk.machine.run(
        "systemd-analyze security --offline=yes --no-pager --threshold=27 "
        f"/usr/lib/systemd/system/{UNIT}.service")
    print(said.stdout.splitlines()[-1])


def test_removing_it_leaves_the_mail_host_as_it_was(machine):
    """In the order the README says; nothing of ours can be tested after."""
    before = stored(NEW)
    machine.run(f"systemctl disable --now {UNIT}.timer pymailadmin-web && "
                "rm -r /etc/pymailadmin /etc/nginx/sites-*/pymailadmin && "
                "systemctl restart nginx && "
                "rm /etc/dovecot/conf.d/05-pymailadmin-auth.conf "
                "/etc/dovecot/conf.d/90-pymailadmin.conf && "
                "systemctl restart dovecot && make -s uninstall",
                cwd="/root/pymailadmin")
    assert stored(NEW) == before
    left = machine.run("find /usr /etc ! -type d -name '*pymailadmin*'")
    assert left.stdout == "/etc/dovecot/pymailadmin-seal.key\n"


# ---- the configuration files

@pytest.fixture
def conf_d(tmp_path):
    """A copy of Debian's configuration of Dovecot."""
    shutil.copytree("/etc/dovecot", tmp_path / "dovecot")
    folder = tmp_path / "dovecot/conf.d"
    # As the README says.
    subprocess.run(["sed", "-i", "s/^mail_/#&/", folder / "10-mail.conf"],
                   check=True)
    subprocess.run(["sed", "-i", "s/^!include auth-system/#&/",
                    folder / "10-auth.conf"], check=True)
    return folder


def doveconf(folder, *arguments):
    done = subprocess.run(
        ["doveconf", "-c", folder.parent / "dovecot.conf", *arguments],
        text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def install_conf(folder, *names):
    for name in names:
        shutil.copy(CONF / name, folder / name.replace("example-", "50-"))


@pytest.mark.parametrize("name", sorted(
    path.name for path in CONF.glob("*.conf*")))
def test_configuration_file_loads(conf_d, name):
    install_conf(conf_d, name, "90-pymailadmin.conf")
    assert "pymailadmin = yes" in doveconf(conf_d, "-n")


def test_driver_is_asked_first(conf_d):
    install_conf(conf_d, "05-pymailadmin-auth.conf", "example-sql-auth.conf")
    found = doveconf(conf_d, "-n")
    assert re.findall(r"^passdb (\S+) {", found, re.MULTILINE) == [
        "pymailadmin", "sql"]
    assert re.findall(r"^userdb (\S+) {", found, re.MULTILINE) == [
        "pymailadmin", "prefetch", "sql"]


def test_mail_plugins_of_several_files_add_up(conf_d):
    (conf_d / "20-more.conf").write_text(
        "protocol imap {\n  mail_plugins {\n    imap_acl = yes\n  }\n}\n")
    install_conf(conf_d, "example-mail-crypt.conf", "90-pymailadmin.conf")
    found = doveconf(conf_d, "mail_plugins")
    assert "mail_crypt = yes" in found and "pymailadmin = yes" in found


def test_own_database_connection_is_included(conf_d):
    install_conf(conf_d, "90-pymailadmin.conf")
    assert "pymailadmin_sql" not in doveconf(conf_d, "-n")
    install_conf(conf_d, "pymailadmin-sql.conf.ext")
    assert "pymailadmin_sql" in doveconf(conf_d, "-n")


def own_settings(folder, *arguments):
    return dict(line.split(" = ", 1) for line in
                doveconf(folder, "-P", *arguments).splitlines()
                if re.match(r"pymailadmin_\w+ = ", line))


def test_what_is_commented_out_is_the_default(conf_d):
    text = (CONF / "90-pymailadmin.conf").read_text()
    defaults = own_settings(conf_d, "-d")
    assert dict(re.findall(r"^#(pymailadmin_\w+) = ?(.*)$", text,
                           re.MULTILINE)) == defaults
    (conf_d / "90-pymailadmin.conf").write_text(
        re.sub(r"^#(pymailadmin_)", r"\1", text, flags=re.MULTILINE))
    assert own_settings(conf_d, *defaults) == defaults

"""What the READMEs say to type once all is installed: to administer, operate,
back up and upgrade. Which test types what says lint/test_readme_commands.py."""

import re
import types

import pytest

from readmewalk import (
    ADMIN, MAIL_HOST, MAILBOX, NEW, OLD, PASSWORD, PORTAL, UNIT, Installed,
    booted, request, state, stored)
from webportal import Browser

pytestmark = pytest.mark.limit(1200)

SQL = "/usr/share/pymailadmin/sql"


@pytest.fixture(scope="module")
def machine():
    """With the timer stopped."""
    with booted() as machine:
        Installed(machine, MAIL_HOST, PORTAL).go()
        machine.run(f"systemctl stop {UNIT}.timer {UNIT}.service")
        yield machine


def typed(machine, command, user=MAILBOX, **options):
    """A command of theirs; it is to end well."""
    command = re.sub(r"\bUSER\b|\bADDRESS\b", user, command)
    return machine.run(f"{{ {command}; }} 2>&1", **options).stdout


def log_in():
    """What the portal answers."""
    portal = types.SimpleNamespace(
        web=types.SimpleNamespace(host="127.0.0.1", port=8686),
        new_address=lambda: "198.51.100.7")
    return Browser(portal).log_in(ADMIN, PASSWORD)


def test_administering_a_mailbox(machine):
    mail = stored(NEW)
    typed(machine, "doveadm pymailadmin check")
    assert typed(machine, "doveadm pymailadmin status").count("\n") == 1
    for command in ("doveadm pymailadmin cancel -u USER",
                    "doveadm pymailadmin retry -u USER"):
        typed(machine, "doveadm pymailadmin request password -u USER",
              input=f"{NEW}\n{OLD}\n")
        machine.run("mariadb mail", input="UPDATE pymailadmin_request SET "
                    "retry_at = UTC_TIMESTAMP() + INTERVAL 1 MINUTE "
                    "WHERE state = 'pending'")
        typed(machine, command)
    typed(machine, "doveadm pymailadmin process --one USER")
    assert stored(OLD) == mail
    request(machine, OLD, NEW)
    typed(machine, "doveadm pymailadmin process --one USER")
    assert "100%" in typed(machine, "doveadm pymailadmin status -u USER "
                           "--follow")
    typed(machine, "doveadm pymailadmin encrypt -u USER", input=f"{NEW}\n")
    typed(machine, "doveadm pymailadmin process --one USER")
    assert "INBOX" in typed(machine, "doveadm pymailadmin verify -u USER")
    assert "INBOX" in typed(machine, "doveadm pymailadmin verify -u USER "
                            "--full", input=f"{NEW}\n")
    assert stored(NEW) == mail


def test_what_there_is_to_look_at(machine):
    assert "request" in typed(machine, "journalctl -u pymailadmin-process")
    assert "ReadWritePaths" in typed(machine,
                                     "systemctl cat pymailadmin-process")
    machine.run(f"systemctl start {UNIT}.timer")
    assert "Active: active" in typed(
        machine, "systemctl status pymailadmin-process.timer")
    machine.run(f"systemctl stop {UNIT}.timer {UNIT}.service")
    pid = machine.run("systemctl show -P MainPID pymailadmin-web").stdout
    typed(machine, "systemctl restart pymailadmin-web")
    assert machine.run("systemctl show -P MainPID pymailadmin-web"
                       ).stdout != pid
    assert "# EOF" in typed(machine, "curl http://127.0.0.1:8687/metrics")
    assert "event=start" in typed(machine, "journalctl -u pymailadmin-web")
    typed(machine, "systemctl restart dovecot")
    assert stored(NEW)


def test_the_manual_pages(machine):
    for command, words in (("man doveadm-pymailadmin", "request password"),
                           ("man doveadm-pymailadmin-delete", "undelete"),
                           ("man doveadm-pymailadmin-hosts", "seal key"),
                           ("man pymailadmin-web", "super admin"),
                           ("man pymailadmin-web.conf", "base_url")):
        assert words in typed(machine, command)


def test_the_only_super_admin_has_lost_the_second_factor(machine):
    machine.run("mariadb mail", input="UPDATE pymailadmin_account SET "
                "totp_secret = 'x', totp_confirmed_at = UTC_TIMESTAMP() "
                f"WHERE email = '{ADMIN}'")
    first = log_in()
    assert first.status == 303 and first.location != "/home"
    statement = ("UPDATE pymailadmin_account SET totp_secret = NULL, "
                 "totp_confirmed_at = NULL WHERE email = '...'")
    machine.run("mariadb mail", input=statement.replace("...", ADMIN))
    log_in().expect(303, "/home")


def test_the_address_of_a_deleted_mailbox_is_free(machine):
    machine.run("mariadb mail", input="INSERT INTO "
                "pymailadmin_reserved_address (address, reserved_until) VALUES "
                "('gone@example.org', UTC_TIMESTAMP() + INTERVAL 1 DAY)")
    typed(machine, "doveadm pymailadmin free -u ADDRESS", "gone@example.org")
    left = machine.run("mariadb mail -N -e 'SELECT COUNT(*) FROM "
                       "pymailadmin_reserved_address'").stdout
    assert left == "0\n"


def test_another_seal_key(machine):
    """What is open then fails, and nothing is lost."""
    request(machine, NEW, OLD)
    key = "/etc/dovecot/pymailadmin-seal.key"
    machine.run(f"cp -p {key} /root/seal.key")
    try:
        said = typed(machine, "doveadm pymailadmin keygen --force")
        assert "pymailadmin-seal-public:1:" in said
        machine.run(f"systemctl start {UNIT}", check=False)
        assert state(machine) == "failed"
        request(machine, NEW, OLD)
        machine.run(f"systemctl start {UNIT}")
        request(machine, OLD, NEW)
        machine.run(f"systemctl start {UNIT}")
    finally:
        machine.run(f"mv /root/seal.key {key}")
    assert stored(NEW)


def test_a_backup_of_homes_and_database_together(machine):
    """Put back after a change it knows nothing of. Who may run procedures is
    not in it, and goes with those that it replaces."""
    mail = stored(NEW)
    machine.run("cp -a /srv/vmail /root/vmail && "
                "mariadb-dump --routines mail >/root/mail.sql")
    request(machine, NEW, OLD)
    machine.run(f"systemctl start {UNIT}")
    assert stored(OLD) == mail
    machine.run("systemctl stop dovecot && mariadb mail </root/mail.sql && "
                "rm -r /srv/vmail && mv /root/vmail /srv/vmail && "
                "systemctl start dovecot")
    assert stored(NEW) == mail
    machine.run(f"mariadb mail <{SQL}/grants-plugin.sql")
    machine.run("sed \"s/'pymailadmin_web'@'%'/'pymailadmin_web'@'localhost'/\""
                f" {SQL}/grants-web.sql | mariadb mail")
    log_in().expect(303, "/home")
    typed(machine, "doveadm pymailadmin check -u USER -p", input=f"{NEW}\n")


def test_upgrade_has_nothing_to_load(machine):
    """But the rights, which may be taken and given at any time."""
    typed(machine, "doveadm pymailadmin close -u USER && "
          "doveadm pymailadmin open -u USER")
    said = typed(machine, "doveadm pymailadmin upgrade")
    assert re.search(r"grants-web\.sql", said), said
    assert not re.search(r"\b0\d{3}-", said), said
    request(machine, NEW, OLD)
    machine.run(f"systemctl start {UNIT}")
    request(machine, OLD, NEW)
    machine.run(f"systemctl start {UNIT}")
    assert stored(NEW)
    typed(machine, "doveadm pymailadmin check")

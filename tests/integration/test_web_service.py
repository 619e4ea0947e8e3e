"""The portal's systemd units, in a machine that systemd has booted."""

import contextlib
import re
import time

import pytest

from machine import Machine, Unavailable
from mariadb import wait_until
from webserver import Client, request

pytestmark = pytest.mark.limit(180)
CONFIG = f"""
base_url = https://mail.example.org
database_name = mail
database_password_file = /etc/pymailadmin/web-database.password
seal_key = pymailadmin-seal-public:1:{"5a" * 32}
secret_key_file = /etc/pymailadmin/web-secret.key
"""
ADDRESS = ("127.0.0.1", 8686)


# Of what a machine inside another one may lack.
WITHOUT_USERS = "[Service]\nPrivateUsers=no\n"
DROP_IN = "/run/systemd/system/pymailadmin-web.service.d"


@pytest.fixture(scope="module")
def machine():
    with contextlib.ExitStack() as stack:
        try:
            machine = stack.enter_context(Machine())
        except Unavailable as reason:
            pytest.skip(f"no machine of its own: {reason}")
        machine.run("systemd-sysusers && mkdir -p /etc/pymailadmin && "
                    "umask 077 && cat >/etc/pymailadmin/web.conf",
                    input=CONFIG)
        machine.run("umask 077 && cd /etc/pymailadmin && "
                    "openssl rand -hex 32 >web-secret.key && "
                    "echo hunter2 >web-database.password && "
                    "chgrp pymailadmin-web web* && chmod 640 web*")
        if machine.run("unshare --user true", check=False).returncode != 0:
            machine.run(f"mkdir -p {DROP_IN} && cat >{DROP_IN}/users.conf && "
                        "systemctl daemon-reload", input=WITHOUT_USERS)
        yield machine


def service(machine, verb):
    done = machine.run(f"systemctl {verb} pymailadmin-web.service",
                       check=False)
    assert done.returncode == 0, machine.run(
        "journalctl --no-pager -n 50 -u pymailadmin-web", check=False).stdout


def ask(path):
    with Client(ADDRESS) as client:
        return client.send(request("GET", path)).answer()


def test_service_runs_in_its_sandbox(machine):
    service(machine, "start")
    assert ask("/nowhere").status == 404
    journal = machine.run("journalctl --no-pager -o json -u pymailadmin-web"
                          ).stdout
    assert "event=request method=GET path=/nowhere status=404" in journal
    assert "hunter2" not in journal
    # the prefix became the priority
    assert '"PRIORITY":"6"' in journal and "<6>" not in journal
    pid = machine.run("systemctl show -P MainPID pymailadmin-web").stdout
    status = machine.run(f"cat /proc/{pid.strip()}/status").stdout
    assert not re.search(r"^Uid:\s+0\s", status, re.MULTILINE)
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    # threads for slow work may be nice in there
    nice = machine.run(f"ps -L -o ni= -p {pid.strip()}").stdout.split()
    assert "19" in nice


def test_service_stops_by_itself(machine):
    service(machine, "restart")
    start = time.monotonic()
    service(machine, "stop")
    assert time.monotonic() - start < 10
    shown = machine.run("systemctl show -P Result -P ExecMainStatus "
                        "pymailadmin-web").stdout.split()
    assert shown == ["success", "0"]


def test_wrong_settings_end_it_for_good(machine):
    machine.run("echo nonsense=1 >>/etc/pymailadmin/web.conf")
    try:
        done = machine.run("systemctl start pymailadmin-web", check=False)
        assert done.returncode != 0
        wait_until(lambda: machine.run(
            "systemctl is-active pymailadmin-web", check=False)
            .stdout.strip() == "failed", "the service has failed")
        journal = machine.run("journalctl --no-pager -u pymailadmin-web"
                              ).stdout
        assert "nonsense: there is no such setting" in journal
    finally:
        machine.run("sed -i /nonsense/d /etc/pymailadmin/web.conf; "
                    "systemctl reset-failed pymailadmin-web")


def test_socket_unit_keeps_the_door_open(machine):
    machine.run("echo listen = systemd >>/etc/pymailadmin/web.conf; "
                "systemctl start pymailadmin-web.socket")
    try:
        # who comes first starts it
        assert ask("/nowhere").status == 404
        with Client(ADDRESS) as client:
            machine.run("systemctl restart pymailadmin-web.service")
            assert client.send(request("GET", "/")) is client
        service(machine, "stop")
        assert ask("/nowhere").status == 404
    finally:
        machine.run("systemctl stop pymailadmin-web.socket "
                    "pymailadmin-web.service; "
                    "sed -i '/^listen/d' /etc/pymailadmin/web.conf")


def test_exposure(machine):
    text = machine.run("systemd-analyze security --no-pager "
                       "pymailadmin-web.service", check=False).stdout
    assert float(re.search(r"exposure level \S+ ([0-9.]+)|"
                           r"service: ([0-9.]+)", text)[2]) <= 1.5

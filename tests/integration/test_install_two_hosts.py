"""The README's installation by packages on two hosts: MariaDB and Dovecot on
one, and on another the portal, which talks to them over TLS alone."""

import contextlib
import imaplib
import re
import shutil
import ssl

import pytest

from browser import Browser
from certificates import Authority
from mariadb import wait_until
from netns import Network
from readmewalk import (
    ADMIN, HIDDEN, MAIL_HOST, MAILBOX, NAME, NEW, PASSWORD, PORTAL, Walk, booted,
    start_mariadb, state, uninstall)

pytestmark = pytest.mark.limit(1200)

CA = "/etc/ssl/mail-ca.pem"
SET_UP_PASSWORD = "granite harbour"
WANTED = "velvet compass Oslo thunderstorm"
MARIADB_TLS = """
[mariadbd]
bind-address = 0.0.0.0
ssl_cert = /etc/mysql/cert.pem
ssl_key = /etc/mysql/key.pem

[client]
ssl_ca = /etc/ssl/mail-ca.pem
"""
DOVECOT_TLS = """
ssl_server_cert_file = /etc/dovecot/cert.pem
ssl_server_key_file = /etc/dovecot/key.pem
"""


def bring(packages, machine, *names):
    """What was made elsewhere, to a machine that has nothing of us."""
    uninstall(machine)
    machine.run("rm -rf /src")
    folder = machine.path("/root/pymailadmin/deb")
    folder.mkdir(parents=True)
    for name in names:
        [path] = packages.glob(f"pymailadmin-{name}_*.deb")
        shutil.copy(path, folder)


class MailHost(Walk):
    """Its packages come from somewhere else, without the portal's."""

    INSTALL = "cd pymailadmin\napt install ./deb/pymailadmin-{common,dovecot}"

    def __init__(self, machine, packages):
        self.packages = packages
        super().__init__(machine, [
            block for blocks in MAIL_HOST.values() for block in blocks])
        assert sum(self.INSTALL in block for block in self.blocks) == 1

    def adapt(self, block):
        return re.sub(r"(^cd pymailadmin\n)[^$]*(^apt install .*),web}",
                      r"\1\2}", block, flags=re.MULTILINE)

    def prepare(self):
        bring(self.packages, self.machine, "common", "dovecot")
        start_mariadb(self.machine)

    def open(self, authority, portal):
        """What web/README.md asks for if the portal is on another host."""
        machine = self.machine
        pair = authority.issue(f"IP:{machine.host.address},DNS:{NAME}")
        for folder, owner in ("mysql", "mysql"), ("dovecot", "root"):
            for path, name in zip(pair, ("cert.pem", "key.pem")):
                machine.path(f"/etc/{folder}/{name}").write_bytes(
                    path.read_bytes())
                machine.run(f"chown {owner} /etc/{folder}/{name} && "
                            f"chmod 400 /etc/{folder}/{name}")
        machine.path(CA).write_bytes(authority.path.read_bytes())
        machine.path("/etc/mysql/mariadb.conf.d/60-tls.cnf").write_text(
            MARIADB_TLS)
        machine.path("/etc/dovecot/conf.d/60-tls.conf").write_text(DOVECOT_TLS)
        machine.run("systemctl restart mariadb && systemctl restart dovecot")
        self.account(
            portal, "GRANT ALL ON *.* TO 'setup'@'ADDRESS' "
            "IDENTIFIED BY '...' REQUIRE SSL WITH GRANT OPTION")

    def account(self, portal, statement):
        self.machine.run("mariadb", input=statement.replace(
            "ADDRESS", portal.host.address).replace("...", SET_UP_PASSWORD))


class PortalHost(Walk):
    """It has neither Dovecot nor MariaDB, nor what we have for them."""

    def __init__(self, machine, mail, packages):
        self.packages = packages
        address = mail.machine.host.address
        line = mail.machine.run("cat /root/pymailadmin-seal.pub").stdout
        proof = Walk.SET_UP.index(MAILBOX)
        # Language; MariaDB's place, authority, administrator; database; the
        # views are there; accounts; then as on one host, but for the line of
        # the key and an IMAP server.
        self.SET_UP = (
            "en", address, CA, "setup", HIDDEN, "", "",
            f"pymailadmin_web@{machine.host.address}", "",
            *Walk.SET_UP[7:proof - 1], line.strip(), MAILBOX, HIDDEN,
            f"imaps://{address}", CA, *Walk.SET_UP[proof + 3:])
        super().__init__(machine, [
            block for step in (1, 2, 3) for block in PORTAL[step]])

    def secrets(self):
        return [SET_UP_PASSWORD, *super().secrets()]

    def prepare(self):
        bring(self.packages, self.machine, "common", "web")
        self.machine.run(
            "rm -r /usr/lib/dovecot /usr/*bin/dove* /usr/sbin/mariadbd "
            "/etc/dovecot /usr/bin/mariadb* && "
            "apt install /root/pymailadmin/deb/*.deb")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def hosts(authority, builds):
    """The walks of the mail host and of the portal's."""
    with Network() as network, contextlib.ExitStack() as stack:
        mail, portal = (stack.enter_context(booted(host=network.host(name)))
                        for name in ("mail", "portal"))
        mail = MailHost(mail, builds.packages()).go()
        mail.open(authority, portal)
        portal.path(CA).write_bytes(authority.path.read_bytes())
        portal = PortalHost(portal, mail, builds.packages()).go()
        # the views' and procedures' owner is another one
        mail.account(portal.machine, "DROP USER 'setup'@'ADDRESS'")
        yield mail, portal


def test_set_up_proves_what_it_is_told(hosts):
    mail, portal = hosts
    assert "the views are right" in portal.screen
    assert f"imaps://{mail.machine.host.address} accepts the password" in \
        portal.screen
    assert "has reported, and opens what is sealed here" in portal.screen
    assert SET_UP_PASSWORD not in portal.screen


def test_the_database_lets_the_portal_in_by_tls_and_from_there_only(hosts):
    mail, portal = hosts
    found = mail.machine.run(
        "mariadb -N -e \"SELECT Host, JSON_VALUE(Priv, '$.ssl_type') FROM "
        "mysql.global_priv WHERE User = 'pymailadmin_web'\"").stdout.split()
    assert found == [portal.machine.host.address, "1"]
    config = portal.machine.path("/etc/pymailadmin/web.conf").read_text()
    assert f"\ndatabase_host = {mail.machine.host.address}\n" in config
    assert f"\ndatabase_tls_ca = {CA}\n" in config
    assert "\ndatabase_socket" not in config


def test_a_password_is_changed_from_there(hosts, authority):
    """Without the administrator of the set-up; the timer comes for it."""
    mail, portal = hosts
    with Browser(f"https://{NAME}", flags=[
            f"--host-resolver-rules=MAP {NAME} {portal.machine.host.address}",
            "--ignore-certificate-errors"]) as browser:
        browser.open("/").send(email=ADMIN, password=PASSWORD)
        browser.open("/domain?name=example.org")
        assert MAILBOX in browser.text
        mail.machine.run("mariadb mail", input=(
            "INSERT INTO pymailadmin_account_mailbox (address, account_id) "
            f"SELECT '{MAILBOX}', id FROM pymailadmin_account"))
        browser.open(f"/mailbox/password?address={MAILBOX}").send(
            old=NEW, new=WANTED, repeat=WANTED)
    wait_until(lambda: state(mail.machine) == "done", "the change")
    trust = ssl.create_default_context(cafile=authority.path)
    # openssl says less of an authority than the newest rules want
    trust.verify_flags &= ~ssl.VERIFY_X509_STRICT
    session = imaplib.IMAP4_SSL(mail.machine.host.address, ssl_context=trust)
    try:
        session.login(MAILBOX, WANTED)
        session.select("INBOX", readonly=True)
        _, data = session.fetch("1:*", "(BODY.PEEK[])")
    finally:
        session.shutdown()
    found = [part[1] for part in data if isinstance(part, tuple)]
    for body, sent in zip(found, mail.mails, strict=True):
        assert body.endswith(sent)

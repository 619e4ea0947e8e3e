"""A site of several machines: MariaDB, the portal, and Dovecot on two or more,
each with some of the mailboxes, its own storage and its own clock. Nothing is
said without TLS and a certificate on either side."""

import pathlib
import re
import secrets
import tempfile

from certificates import Authority
from mailhost import DOMAIN, FAKETIME, MailHost
from mariadb import SQL, MariaDB, wait_until
from netns import Network
from webmailboxes import CHEAP
from webportal import ORIGIN, WEB_PASSWORD, Portal
from webserver import WebServer

# Seconds by which a machine's clock is wrong.
CLOCKS = {"mail-a": 300, "mail-b": -300, "portal": 240}
# By its first letter a mailbox is on one of the two.
WHERE = "RETURN IF(p_address REGEXP '^[a-m]', 'a', 'b')"


def clock(seconds):
    """The environment of a program for which it is earlier or later."""
    return {"LD_PRELOAD": FAKETIME, "FAKETIME": f"{seconds:+d}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class Site:
    def __init__(self):
        self.network = Network()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="site-"))
        self.folder.chmod(0o755)
        self.authority = Authority(self.folder)
        self.database_password = secrets.token_hex(8)
        self.db = self.portal = None
        self.mail = {}

    def __enter__(self):
        self.network.__enter__()
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            for host in self.mail.values():
                host.close()
            if self.portal and self.portal.web:
                self.portal.web.stop()
        finally:
            if self.db:
                self.db.kill()
            self.network.__exit__()

    def _start(self):
        self.machines = {name: self.network.host(name) for name in (
            "database", "portal", "mail-a", "mail-b")}
        self.db = self._database()
        for name in ("mail-a", "mail-b"):
            self.mail[name[-1]] = self._mail_host(name)
        # one key for all: the portal seals to one
        first, second = self.mail.values()
        first.start()
        second.seal_key.write_bytes(first.seal_key.read_bytes())
        second.seal_key.chmod(0o600)
        second.start()
        second.seal_public_key = first.seal_public_key
        self.portal = SitePortal(self)
        self.portal.start()

    # ---- the database

    def certificate(self, name, **options):
        """Paths of a machine's certificate and key."""
        return self.authority.issue(
            f"IP:{self.machines[name].address}", name=name, common_name=name,
            **options)

    def _database(self):
        machine = self.machines["database"]
        db = MariaDB(self.tls(*self.certificate("database")) + [
            "--bind-address=0.0.0.0", "--require-secure-transport=ON"], mail=True,
            enter=machine.enter)
        db.start()
        db.create_mail_database(self.database_password)
        db.sql("INSERT INTO domain (domain) VALUES (%s)", DOMAIN)
        db.load("DELIMITER $$\nCREATE OR REPLACE FUNCTION "
                "pymailadmin_mailbox_backend(p_domain VARCHAR(254) CHARACTER "
                "SET utf8mb4, p_address VARCHAR(254) CHARACTER SET utf8mb4) "
                "RETURNS VARCHAR(253) CHARACTER SET utf8mb4 READS SQL DATA "
                f"SQL SECURITY DEFINER {WHERE} $$\nDELIMITER ;\n")
        self.add_account(db, "dovecot", "mail-a")
        self.add_account(db, "dovecot", "mail-b")
        self.add_account(db, "pymailadmin_web", "portal")
        return db

    def tls(self, certificate, key):
        return [f"--ssl-ca={self.authority.path}", f"--ssl-cert={certificate}",
                f"--ssl-key={key}"]

    def add_account(self, db, user, name):
        """As the heads of grants-*.sql have it: good only from this machine, and
        with its certificate."""
        account = f"'{user}'@'{self.machines[name].address}'"
        file, used, password = ("grants-web.sql", "'pymailadmin_web'@'%'",
                                WEB_PASSWORD)
        if user == "dovecot":
            file, used, password = ("grants-plugin.sql",
                                    "'dovecot'@'localhost'",
                                    self.database_password)
        db.sql(f"CREATE USER {account} IDENTIFIED BY %s "
               "REQUIRE SUBJECT %s", password, f"/CN={name}")
        if user == "dovecot":
            db.sql(f"GRANT SELECT ON users TO {account}")
        db.load((SQL / file).read_text().replace(used, account))

    # ---- the others

    def dovecot_tls(self, name, ca=None, pair=None):
        certificate, key = pair or self.certificate(name)
        return (f"  port = {self.db.port}\n  ssl = yes\n"
                # a test cannot wait as long as by default
                "  connect_timeout = 3s\n  read_timeout = 3s\n"
                "  write_timeout = 3s\n"
                f"  ssl_client_ca_file = {ca or self.authority.path}\n"
                f"  ssl_client_cert_file = {certificate}\n"
                f"  ssl_client_key_file = {key}\n")

    def _mail_host(self, name):
        environment = clock(CLOCKS[name])
        host = MailHost(
            machine=self.machines[name], db=self.db, scheme="SHA512-CRYPT",
            environment=environment, depth="storage",
            database={"host": self.machines["database"].address,
                      "settings": self.dovecot_tls(name)},
            extra_conf=f"pymailadmin_backend = {name[-1]}\n"
            "pymailadmin_deletion_grace = 0\n"
            "import_environment {\n" + "".join(
                f"  {key} = {value}\n" for key, value in environment.items())
            + "}\n")
        host.database_password = self.database_password
        return host

    def host_of(self, address):
        return self.mail["a" if address[0] <= "m" else "b"]


class SitePortal(Portal):
    def __init__(self, site):
        super().__init__(site.mail["a"])
        self.site = site

    def start(self):
        self.web = self.server(*self.site.certificate("portal"))
        self.web.start(env=clock(CLOCKS["portal"]))
        return self

    def server(self, certificate, key, ca=None, host=None):
        site = self.site
        return WebServer(
            machine=site.machines["portal"], base_url=ORIGIN,
            trusted_proxies=site.network.address, database_socket="",
            database_host=host or site.machines["database"].address,
            database_port=site.db.port, database_password=WEB_PASSWORD,
            database_tls_ca=ca or site.authority.path,
            database_tls_cert=certificate, database_tls_key=key,
            password_scheme="SHA512-CRYPT",
            seal_key=site.mail["a"].seal_public_key, **CHEAP)

    def with_tls(self, ca=None, certificate="", key="", host=None):
        """What a portal with these settings says of the database."""
        if not certificate and host:
            certificate, key = self.site.certificate("portal")
        web = self.server(certificate, key, ca, host)
        web.start()

        def told():
            web.get("/home", f"Cookie: __Host-pymailadmin={'a' * 64}",
                    "X-Forwarded-Proto: https")
            return re.findall(r"database\(connect\) failed: "
                              r"(?!it failed less)[^\n]*",
                              web.log.read_text())
        try:
            return "\n".join(wait_until(told, "what the portal says", 20))
        finally:
            web.stop(check=False)

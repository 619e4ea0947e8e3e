"""Tables of mail servers as others have them, and what is in them.

    schema = POSTFIXADMIN
    schema.create(db)                      # a database of that name
    schema.aliases(db)                     # as its own programs see them
"""

import dataclasses
import shutil
import subprocess
from pathlib import Path

from mariadb import MAIL_TABLES, SQL

UPGRADE = Path("/usr/share/postfixadmin/public/upgrade.php")
CONFIG = """<?php
$CONF['configured'] = true;
$CONF['database_type'] = 'mysqli';
$CONF['database_host'] = 'localhost';
$CONF['database_socket'] = '{socket}';
$CONF['database_user'] = 'postfixadmin';
$CONF['database_password'] = 'postfixadmin';
$CONF['database_name'] = 'postfixadmin';
"""

# What version 4.0 has beside.
POSTFIXADMIN_4 = """
ALTER TABLE mailbox ADD totp_secret VARCHAR(255) DEFAULT NULL,
	ADD smtp_active TINYINT(1) NOT NULL DEFAULT 1;
ALTER TABLE alias ADD description VARCHAR(255) NOT NULL DEFAULT ''
	AFTER domain;
CREATE TABLE mailbox_app_password (
	id INT AUTO_INCREMENT PRIMARY KEY,
	username VARCHAR(255) DEFAULT NULL,
	description VARCHAR(255) DEFAULT NULL,
	password_hash VARCHAR(255) DEFAULT NULL);
CREATE TABLE totp_exception_address (
	id INT AUTO_INCREMENT PRIMARY KEY,
	ip VARCHAR(46) NOT NULL,
	username VARCHAR(255) DEFAULT NULL,
	description VARCHAR(255) DEFAULT NULL,
	UNIQUE KEY ip_user (ip, username));
"""

# The ISPmail guide; {quota} is a column since Debian 9, BIGINT since 10 or so.
ISPMAIL_TABLES = """
CREATE TABLE virtual_domains (
	id INT(11) NOT NULL AUTO_INCREMENT,
	name VARCHAR(50) NOT NULL,
	PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
CREATE TABLE virtual_users (
	id INT(11) NOT NULL AUTO_INCREMENT,
	domain_id INT(11) NOT NULL,
	password VARCHAR(150) NOT NULL,
	email VARCHAR(100) NOT NULL,
	{quota}
	PRIMARY KEY (id),
	UNIQUE KEY email (email),
	FOREIGN KEY (domain_id) REFERENCES virtual_domains(id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
CREATE TABLE virtual_aliases (
	id INT(11) NOT NULL AUTO_INCREMENT,
	domain_id INT(11) NOT NULL,
	source VARCHAR(100) NOT NULL,
	destination VARCHAR(100) NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY (domain_id) REFERENCES virtual_domains(id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
"""


@dataclasses.dataclass
class Schema:
    name: str
    database: str
    # Of sql/, that fits it.
    views: str
    # Tables, or a function that makes them.
    tables: str
    domain: str
    mailbox: str
    alias: str

    def create(self, db):
        db.sql(f"CREATE DATABASE {self.database}")
        db.database = self.database
        if self.name.startswith("postfixadmin"):
            upgrade(db)
        if self.tables:
            db.load(self.tables)

    def load(self, db):
        """All of ours, as an administrator does by hand."""
        for numbered in sorted(SQL.glob("0*.sql")):
            db.load(numbered)
        db.load(SQL / self.views)

    def add_domain(self, db, name):
        db.sql(self.domain, name)

    def add_mailbox(self, db, address, hashed):
        """As the tables' own programs do, with a space for 1 GB."""
        local, _, domain = address.partition("@")
        with db.connect() as connection, connection.cursor() as cursor:
            for statement in self.mailbox.split(";"):
                cursor.execute(statement, {
                    "address": address, "hash": hashed, "local": local,
                    "domain": domain})

    def aliases(self, db):
        """{source: destination}, of all."""
        return {row["source"]: row["destination"]
                for row in db.sql(self.alias)}


def upgrade(db):
    """Debian's PostfixAdmin makes its tables."""
    db.sql("CREATE USER postfixadmin@localhost IDENTIFIED BY 'postfixadmin'")
    db.sql("GRANT ALL ON postfixadmin.* TO postfixadmin@localhost")
    Path("/etc/postfixadmin/config.local.php").write_text(
        CONFIG.format(socket=db.socket))
    shutil.chown("/var/cache/postfixadmin/templates_c", "www-data")
    subprocess.run(["php", UPGRADE], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


ISPMAIL = Schema(
    "ispmail", "mailserver", "views-ispmail.sql",
    ISPMAIL_TABLES.format(quota="quota BIGINT(11) NOT NULL DEFAULT 0,"),
    "INSERT INTO virtual_domains (name) VALUES (%s)",
    "INSERT INTO virtual_users (domain_id, email, password, quota) SELECT id, "
    "%(address)s, %(hash)s, 1073741824 FROM virtual_domains "
    "WHERE name = %(domain)s",
    "SELECT source, destination FROM virtual_aliases")
# Without a quota, there is no file for it: it is adapted.
ISPMAIL_OLD = dataclasses.replace(
    ISPMAIL, name="ispmail-old", tables=ISPMAIL_TABLES.format(quota=""),
    mailbox=ISPMAIL.mailbox.replace(", quota)", ")").replace(
        ", 1073741824", ""))
DEFAULT = Schema(
    "default", "mail", "views-default.sql", MAIL_TABLES,
    "INSERT INTO domain (domain) VALUES (%s)",
    "INSERT INTO users (domain_id, email, crypt, quota) SELECT id, "
    "%(address)s, %(hash)s, 1073741824 FROM domain WHERE domain = %(domain)s",
    "SELECT source, destination FROM alias")
POSTFIXADMIN = Schema(
    "postfixadmin", "postfixadmin", "views-postfixadmin.sql", "",
    "INSERT INTO domain (domain, description, transport, active) "
    "VALUES (%s, '', 'virtual', 1)",
    "INSERT INTO mailbox (username, password, name, maildir, quota, "
    "local_part, domain, created, modified) VALUES (%(address)s, %(hash)s, "
    "'', CONCAT(%(domain)s, '/', %(local)s, '/'), 1073741824, %(local)s, "
    "%(domain)s, NOW(), NOW());"
    "INSERT INTO alias (address, goto, domain, created, modified) VALUES "
    "(%(address)s, %(address)s, %(domain)s, NOW(), NOW())",
    "SELECT address AS source, goto AS destination FROM alias "
    "WHERE address <> goto")
POSTFIXADMIN_NEW = dataclasses.replace(
    POSTFIXADMIN, name="postfixadmin-4", tables=POSTFIXADMIN_4)

WITH_FILES = [DEFAULT, ISPMAIL, POSTFIXADMIN, POSTFIXADMIN_NEW]

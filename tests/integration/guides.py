"""Mail hosts as others set them up, by the ISPmail guide for Debian 13 and by
PostfixAdmin's notes on Dovecot 2.4, with mail_crypt's keys for each user.

    guide = ISPMAIL_GUIDE
    guide.build(machine)                   # with one mailbox, MAILBOX
    guide.postfix(machine, "wonderland@example.org")
"""

import dataclasses
import hashlib

import schemas
from mariadb import MariaDB
from readmewalk import MAILBOX, NAME, OLD, make_certificate, start_mariadb

DOMAIN = MAILBOX.partition("@")[2]
CONF = "/etc/dovecot/conf.d"
PASSWORD = "of the mail server"
# Whoever has mail_crypt already.
MAIL_CRYPT = """
mail_plugins {
  mail_crypt = yes
}
mail_attribute {
  dict file {
    path = %{home}/dovecot-attributes
  }
}
crypt_user_key_curve = prime256v1
crypt_user_key_require_encrypted = yes
crypt_write_algorithm = aes-256-gcm-sha256
"""
TLS = f"""
ssl = required
ssl_server_cert_file = /etc/letsencrypt/live/{NAME}/fullchain.pem
ssl_server_key_file = /etc/letsencrypt/live/{NAME}/privkey.pem
"""
QUOTA = """
mail_plugins {
  quota = yes
}
protocol imap {
  mail_plugins {
    imap_quota = yes
  }
}
quota "User quota" {
  storage_grace = 0
}
"""
# "host" is what counts: the account is that of 127.0.0.1.
ISPMAIL = {
    "99-ispmail-mail.conf": """
mail_driver = maildir
mail_home = /var/vmail/%{user | domain}/%{user | username}
mail_path = ~/Maildir
mail_inbox_path = ~/Maildir/
mail_uid = vmail
mail_gid = vmail
first_valid_uid = 100
""",
    "99-ispmail-lmtp-username-format.conf": """
protocol lmtp {
  auth_username_format =
}
""",
    "99-ispmail-sql.conf": f"""
sql_driver = mysql
mysql /var/run/mysqld/mysqld.sock {{
  host = 127.0.0.1
  dbname = mailserver
  user = mailserver
  password = '{PASSWORD}'
}}
userdb sql {{
  query = SELECT email AS user, CONCAT(quota, 'B') AS quota_storage_size \\
    FROM virtual_users WHERE email = '%{{user}}'
  iterate_query = SELECT email AS user FROM virtual_users
}}
passdb sql {{
  query = SELECT password FROM virtual_users WHERE email = '%{{user}}'
  fields {{
    userdb_crypt_user_key_password = %{{password | sha256 | hexlify}}
  }}
}}
"""}
# Home and mail are one folder; the cache of logins; queries that do not know
# of mailboxes which are not active; prefetch, which nobody comes to.
POSTFIXADMIN = {
    "99-postfixadmin.conf": """
mail_driver = maildir
mail_path = ~/
mail_inbox_path = ~/
mail_uid = vmail
mail_gid = mail
mail_privileged_group = mail
first_valid_uid = 150
last_valid_uid = 150
auth_cache_size = 50M
auth_cache_ttl = 5 mins
auth_cache_negative_ttl = 5 mins
auth_mechanisms = plain login
protocol lmtp {
  auth_username_format = %{user | lower}
}
service auth-worker {
  user = vmail
}
sql_driver = mysql
mysql 127.0.0.1 {
  dbname = postfixadmin
  user = postfixadmin
  password = postfixadmin
}
passdb sql {
  default_password_scheme = ARGON2ID
  query = SELECT username AS user, password, \\
    SHA2('%{password}', 256) AS userdb_crypt_user_key_password \\
    FROM mailbox WHERE username = '%{user}' AND active = '1'
}
userdb sql {
  query = SELECT CONCAT('/var/vmail/', maildir) AS home, 150 AS uid, \\
    8 AS gid, CONCAT(quota, 'B') AS quota_storage_size \\
    FROM mailbox WHERE username = '%{user}' AND active = '1'
  iterate_query = SELECT username AS user FROM mailbox WHERE active = '1'
}
userdb prefetch {
}
"""}


class MachineDatabase(MariaDB):
    """That of a machine, which starts and stops it itself."""

    def __init__(self, machine, database=None):
        self.socket = machine.path("/run/mysqld/mysqld.sock")
        self.database = database


@dataclasses.dataclass
class Guide:
    schema: schemas.Schema
    vmail: str
    files: dict
    # The mail server's own in MariaDB, and how it is made, if need be.
    account: str
    make_account: str
    # Of the hash of the first mailbox.
    scheme: str
    # What Postfix asks: where an alias leads, whether a mailbox is there.
    alias: str
    mailbox: str

    def database(self, machine):
        return MachineDatabase(machine, self.schema.database)

    def build(self, machine):
        start_mariadb(machine)
        db = MachineDatabase(machine)
        self.schema.create(db)
        if self.make_account:
            db.load(self.make_account)
        self.schema.add_domain(db, DOMAIN)
        hashed = machine.run(f"doveadm pw -s {self.scheme}",
                             input=f"{OLD}\n{OLD}\n").stdout.split()[-1]
        self.schema.add_mailbox(db, MAILBOX, hashed)
        make_certificate(machine)
        machine.run(f"{self.vmail} && install -d -m 770 -o vmail -g "
                    "$(id -gn vmail) /var/vmail && "
                    f"sed -i '/!include/s/^/#/' {CONF}/10-auth.conf")
        for name, text in {**self.files, "99-ssl.conf": TLS,
                           "99-quota.conf": QUOTA,
                           "99-mail-crypt.conf": MAIL_CRYPT}.items():
            machine.path(f"{CONF}/{name}").write_text(text)
        machine.run("systemctl restart dovecot && doveadm -o "
                    f"crypt_user_key_password={key_password(OLD)} "
                    f"mailbox cryptokey generate -U -u {MAILBOX}")

    def postfix(self, machine, address):
        """Where an address leads, and None if it is not known."""
        db = self.database(machine)
        return db.value(self.alias, address) or (
            address if db.value(self.mailbox, address) else None)


def key_password(password):
    return hashlib.sha256(password.encode()).hexdigest()


ISPMAIL_GUIDE = Guide(
    schemas.ISPMAIL, "useradd --system vmail", ISPMAIL,
    "'mailserver'@'127.0.0.1'",
    "CREATE USER 'mailserver'@'127.0.0.1' IDENTIFIED BY "
    f"'{PASSWORD}'; GRANT SELECT ON mailserver.* TO 'mailserver'@'127.0.0.1';",
    "BLF-CRYPT",
    "SELECT destination FROM virtual_aliases WHERE source = %s",
    "SELECT 1 FROM virtual_users WHERE email = %s")
POSTFIXADMIN_GUIDE = Guide(
    schemas.POSTFIXADMIN_NEW, "useradd --system -u 150 -g mail vmail",
    POSTFIXADMIN, "'postfixadmin'@'localhost'", "", "ARGON2ID",
    "SELECT goto FROM alias WHERE address = %s AND active = '1'",
    "SELECT maildir FROM mailbox WHERE username = %s AND active = '1'")

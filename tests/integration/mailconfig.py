"""The configuration of a test's Dovecot, as an admin would write it."""

import pathlib
import shutil

STOCK = """\
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
protocols = imap pop3 lmtp
listen = {listen}
base_dir = {run}
state_dir = {run}
log_path = {log}
info_log_path = {log}
log_timestamp = "%Y-%m-%d %H:%M:%S.%{{usecs}} "
auth_verbose = yes
auth_failure_delay = 0s
auth_internal_failure_delay = 0s
ssl = no
auth_allow_cleartext = yes
auth_mechanisms = plain login
first_valid_uid = 100
import_environment {{
  PR_SET_DUMPABLE = 1
}}

mail_uid = vmail
mail_gid = vmail
mail_home = {homes}/%{{user | domain}}/%{{user | username}}
mail_driver = {mail_driver}
mail_path = ~/mail
mdbox_rotate_size = 200k
mailbox_list_layout = fs
pop3_no_flag_updates = yes
recipient_delimiter = +
lmtp_save_to_detail_mailbox = yes
lda_mailbox_autocreate = yes

mail_plugins {{
  mail_crypt = yes
}}
mail_attribute {{
  dict file {{
    path = %{{home}}/dovecot-attributes
  }}
}}
crypt_user_key_curve = prime256v1
crypt_user_key_require_encrypted = yes
crypt_write_algorithm = aes-256-gcm-sha256

namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    special_use = \\Sent
    auto = subscribe
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = subscribe
  }}
}}

sql_driver = mysql
mysql {database_socket} {{
  user = dovecot
  password = {database_password}
  dbname = mail
{database_extra}}}
{before_passdb}
passdb sql {{
  default_password_scheme = ARGON2ID
  fields {{
    userdb_crypt_user_key_password = %{{password | sha256 | hexlify}}
  }}
  query = SELECT email AS user, crypt AS password FROM users \
WHERE email = '%{{user}}' AND active = 1
}}
userdb prefetch {{
}}
userdb sql {{
  query = SELECT email AS user FROM users WHERE email = '%{{user}}'
  iterate_query = SELECT email AS user FROM users
}}

default_vsz_limit = 1G
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service doveadm {{
  inet_listener http {{
    port = {http}
  }}
}}
doveadm_api_key = {api_key}
service auth {{
  unix_listener auth-smtp {{
    mode = 0600
  }}
}}
"""

# What an admin includes. The driver's passdb and userdb come before all others:
# they are asked in the order in which they stand.
EXAMPLES = pathlib.Path("/usr/share/pymailadmin/doveconf.d")
DRIVER = "05-pymailadmin-auth.conf"
PLUGIN = "90-pymailadmin.conf"

SETTINGS = """
pymailadmin_seal_key_path = {seal_key}
pymailadmin_password_scheme = {scheme}
pymailadmin_rekey_depth = {depth}
"""

AUTH_CACHE = """
auth_cache_size = 10M
"""


def settings_of(name):
    """The text of a file without its comments, for tests to change."""
    return "".join(line + "\n"
                   for line in (EXAMPLES / name).read_text().splitlines()
                   if line.strip() and not line.lstrip().startswith("#"))


def include(folder, name):
    """Copies a file as an admin does: alone, without the examples beside."""
    shutil.copy(EXAMPLES / name, folder / name)
    return f"!include {folder / name}\n"


def config(*, folder, driver, plugin, settings, auth_cache, extra, **values):
    """The text of dovecot.conf."""
    parts = [STOCK.format(
        before_passdb=settings_of(DRIVER) if driver else "", **values)]
    if settings:
        parts.append(SETTINGS.format(**values))
    if plugin:
        parts.append(include(folder, PLUGIN))
    if auth_cache:
        parts.append(AUTH_CACHE)
    parts.append(extra)
    return "".join(parts)

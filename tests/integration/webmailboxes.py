"""People with mailboxes at a portal, and how they come in."""

import concurrent.futures
import hashlib
import secrets

PASSWORD = "marble Tuesday lantern riverboat"
NEW = "velvet compass Oslo thunderstorm"
# So that tests do not wait for hashes.
CHEAP = {"password_argon2_memory": 19456, "password_argon2_time": 2,
         "password_bcrypt_cost": 10, "password_sha_rounds": 100000,
         "password_pbkdf2_rounds": 100000}


def enter(portal, email, **options):
    """A browser with a session of the account, without the log-in page."""
    browser = portal.browser(**options)
    token = secrets.token_hex(32)
    portal.db.sql(
        "INSERT INTO pymailadmin_session (id_hash, account_id, csrf_key, role,"
        " expires_at) SELECT %s, id, %s, role, UTC_TIMESTAMP() + INTERVAL 1 "
        "HOUR FROM pymailadmin_account WHERE email = %s",
        hashlib.sha256(token.encode()).digest(), secrets.token_bytes(32),
        email)
    browser.cookies["__Host-pymailadmin"] = token
    return browser


def requests(portal, address):
    return portal.db.sql("SELECT * FROM pymailadmin_request WHERE address = %s "
                         "ORDER BY created_at", address)


def at_once(functions):
    with concurrent.futures.ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(lambda function: function(), functions))

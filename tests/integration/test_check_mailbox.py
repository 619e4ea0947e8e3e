"""doveadm pymailadmin check -u: what it says of a mailbox, and with -p of its
password."""

import os
import re

import pytest

import messages
from mailhost import MailHost, key_password
from test_check import NAMES, check, configured, host

__all__ = ["host"]
LINES = ["user", "request", "home", "journal", "user keys", "folder keys"]
PROVED = ["password", "keys open", "login"]
KEY = "/vendor/vendor.dovecot/pvt/crypt/privkeys/"


@pytest.fixture
def mailbox(host, request):
    name = re.sub(r"\W+", "-", request.node.name).strip("-")[:60].lower()
    mailbox = host.create(name)
    mailbox.deliver(messages.small(1))
    return mailbox


def check_mailbox(mailbox, password=None):
    """Exit code and lines of the mailbox; the host has nothing to say."""
    options = {} if password is None else {"input": password + "\n"}
    seen = mailbox.host.log_position()
    code, lines = check(mailbox.host, "-u", mailbox.address,
                        *([] if password is None else ["-p"]), **options)
    assert list(lines)[:len(NAMES)] == NAMES
    told = str(lines) + mailbox.host.log_since(seen)
    for secret in (password, mailbox.password):
        if secret is not None:
            assert secret not in told and key_password(secret) not in told
    own = {name: line for name, line in lines.items() if name not in NAMES}
    assert all(lines[name][0] == "ok" for name in NAMES), lines
    return code, own


def others_are_ok(lines, *names):
    """All but these; returns these."""
    assert {name: line for name, line in lines.items()
            if name not in names and line[0] != "ok"} == {}
    return [lines[name] for name in names]


def test_a_healthy_mailbox(mailbox):
    code, lines = check_mailbox(mailbox)
    assert code == 0
    assert list(lines) == LINES
    others_are_ok(lines)
    assert lines["home"] == ("ok", str(mailbox.home))
    assert lines["user keys"] == ("ok", "1, active 1")
    assert lines["folder keys"] == ("ok", "1, active 1")


def test_a_healthy_password(mailbox):
    code, lines = check_mailbox(mailbox, mailbox.password)
    assert code == 0
    assert list(lines) == LINES + PROVED
    others_are_ok(lines)


def test_a_wrong_password(mailbox):
    code, lines = check_mailbox(mailbox, "wrong password")
    assert code == 77
    assert list(lines) == LINES + ["password"]
    [(result, text)] = others_are_ok(lines, "password")
    assert result == "error" and "does not match the hash" in text


def test_a_password_with_everything_in_it(host):
    mailbox = host.create("odd", "a\\b\"c'd % %{user}=\x7f\u00e9~ ")
    mailbox.deliver(messages.small(1))
    code, lines = check_mailbox(mailbox, mailbox.password)
    assert (code, others_are_ok(lines)) == (0, [])


def test_nobody(host):
    code, lines = check(host, "-u", "nobody@example.test")
    assert code == 67
    assert list(lines) == NAMES + ["user"]
    assert lines["user"][0] == "error"
    assert "no row with the address nobody@example.test" in lines["user"][1]


def test_the_userdb_does_not_know_the_mailbox(host, mailbox):
    with configured(host, edit=(
            "query = SELECT email AS user FROM users WHERE",
            "query = SELECT email AS user FROM users WHERE 0 AND")):
        code, lines = check_mailbox(mailbox)
    assert code == 67
    assert list(lines) == ["user", "request"]
    assert lines["user"][0] == "error" and "userdb" in lines["user"][1]


def test_another_spelling(host, mailbox):
    code, lines = check(host, "-u", mailbox.address.upper())
    assert code == 0
    assert lines["user"] == (
        "warning", f"Dovecot calls it {mailbox.address}; name it so in "
        "requests")


# ---- the home

def test_no_home_yet(host):
    mailbox = host.create("no-home", key=False)
    code, lines = check_mailbox(mailbox)
    assert code == 0
    home, keys = others_are_ok(lines, "home", "user keys")
    assert home == ("ok", f"{mailbox.home} does not exist yet")
    assert keys[0] == "warning" and "is deferred until" in keys[1]
    assert not mailbox.home.exists()


def test_a_home_that_cannot_be_made(host, mailbox):
    mailbox = host.create("unmakable", key=False)
    parent = mailbox.home.parent
    before = parent.stat()
    os.chown(parent, 0, 0)
    parent.chmod(0o755)
    try:
        code, lines = check_mailbox(mailbox)
    finally:
        os.chown(parent, before.st_uid, before.st_gid)
        parent.chmod(before.st_mode & 0o777)
    assert code == 73
    home, _ = others_are_ok(lines, "home", "user keys")
    assert home[0] == "error"
    assert re.search("cannot be made.*Permission.*give it to the mail user",
                     home[1])


@pytest.mark.parametrize("name", ["", "pymailadmin.gate", "pymailadmin.lock"])
def test_a_home_that_cannot_be_locked(mailbox, name):
    path = mailbox.home / name
    mode = path.stat().st_mode & 0o777
    path.chmod(0o500 if name == "" else 0o000)
    try:
        code, lines = check_mailbox(mailbox)
    finally:
        path.chmod(mode)
    assert code == 73
    [(result, text)] = others_are_ok(lines, "home")
    assert result == "error"
    assert re.search("cannot be locked.*Permission denied; give it to the "
                     "mail user", text)


# ---- keys

def test_a_key_in_the_clear(host, mailbox):
    # Without a new password, cryptokey stores it so.
    host.must("mailbox", "cryptokey", "password", "-u", mailbox.address,
              "-O", input=key_password(mailbox.password) + "\n" * 2)
    code, lines = check_mailbox(mailbox, mailbox.password)
    assert code == 0
    [(result, text)] = others_are_ok(lines, "user keys")
    assert result == "warning"
    assert text == ("1 of 1 are stored in the clear; a change of the password "
                    "encrypts them: doveadm pymailadmin request password -u " +
                    mailbox.address)


def write_attributes(mailbox, attributes):
    path = mailbox.home / "dovecot-attributes"
    path.write_text("".join(f"{key}\n{value}\n"
                            for key, value in attributes.items()))


def edit_attributes(mailbox, change):
    """Rewrites the attribute dict: change(key, value) -> value or None."""
    write_attributes(mailbox, {
        key: new for key, value in mailbox.attributes().items()
        if (new := change(key, value)) is not None})


def test_a_folder_key_of_a_user_key_that_is_gone(host, mailbox):
    old = [key for key in mailbox.attributes()
           if "/pvt/server/" in key and "keys/" in key]
    host.must("-o", "crypt_user_key_password=" +
              key_password(mailbox.password), "mailbox", "cryptokey",
              "generate", "-u", mailbox.address, "-U", "-f")
    edit_attributes(mailbox,
                    lambda key, value: None if key in old else value)
    code, lines = check_mailbox(mailbox, mailbox.password)
    assert code == 0
    folder, opened = others_are_ok(lines, "folder keys", "keys open")
    assert folder[0] == opened[0] == "warning"
    assert "1 of 1 belong to a user key that is gone" in folder[1]
    assert "1 of 1 folder keys do not" in opened[1]


def test_no_active_key(mailbox):
    edit_attributes(mailbox, lambda key, value: None
                    if key.endswith("crypt/active") and "/server/" in key
                    else value)
    code, lines = check_mailbox(mailbox)
    assert code == 65
    [(result, text)] = others_are_ok(lines, "user keys")
    assert result == "error" and "of 1 none is active" in text


@pytest.mark.parametrize("scope, code, result, name", [
    ("/server/", 65, "error", "user keys"),
    (KEY, 0, "warning", "folder keys")], ids=["user", "folder"])
def test_a_damaged_key(mailbox, scope, code, result, name):
    edit_attributes(mailbox, lambda key, value: value[:40]
                    if "privkeys/" in key and (scope in key) and
                    ("/server/" in key) == (scope == "/server/") else value)
    found, lines = check_mailbox(mailbox)
    assert found == code
    [line] = others_are_ok(lines, name)
    assert line[0] == result and "damaged" in line[1]
    assert "backup of the attribute dict" in line[1]


def test_an_attribute_dict_that_cannot_be_read(mailbox):
    path = mailbox.home / "dovecot-attributes"
    path.chmod(0)
    code, lines = check_mailbox(mailbox)
    assert code == 65
    assert "folder keys" not in lines
    [(result, text)] = others_are_ok(lines, "user keys")
    assert result == "error" and "cannot be read" in text


# ---- requests

def test_an_open_request(host, mailbox):
    assert host.request(mailbox, "new password").code == 0
    code, lines = check_mailbox(mailbox, mailbox.password)
    assert code == 0
    assert list(lines) == LINES + ["password", "keys open"]
    [(result, text)] = others_are_ok(lines, "request")
    assert result == "warning"
    assert re.fullmatch(
        r"a request is pending since [-0-9]+ [:0-9]+, and the mailbox closed "
        r"until [:0-9]+ at the latest; see: doveadm pymailadmin status -u " +
        re.escape(mailbox.address), text)
    host.must("pymailadmin", "cancel", "-u", mailbox.address)
    assert check_mailbox(mailbox)[1]["request"] == ("ok", "none is open")


def test_a_journal_that_is_left(host, mailbox):
    journal = mailbox.home / "pymailadmin.journal"
    journal.write_text("pymailadmin-journal\t1\nrequest\t" + "ab" * 16 +
                       "\nhash\tx\nend\n")
    journal.chmod(0o644)
    code, lines = check_mailbox(mailbox)
    assert code == 0
    [(result, text)] = others_are_ok(lines, "journal")
    assert result == "warning"
    assert f"request {'ab' * 16} is left in {mailbox.home}" in text
    journal.write_text("damaged")
    [(result, text)] = others_are_ok(check_mailbox(mailbox)[1], "journal")
    assert result == "warning" and "it is damaged" in text


# ---- the password

def test_another_template_than_the_passdbs(host, mailbox):
    with configured(host, extra="pymailadmin_key_password = "
                    "%{password | sha512 | hexlify}\n"):
        code, lines = check_mailbox(mailbox, mailbox.password)
    assert code == 78
    opened, login = others_are_ok(lines, "keys open", "login")
    assert opened[0] == login[0] == "error"
    assert "does not open user key" in opened[1]
    assert "another key password than pymailadmin_key_password" in login[1]


def test_a_passdb_without_key_password(host, mailbox):
    with configured(host, edit=(
            "userdb_crypt_user_key_password = %{password | sha256 | hexlify}",
            "")):
        code, lines = check_mailbox(mailbox, mailbox.password)
    assert code == 78
    [(result, text)] = others_are_ok(lines, "login")
    assert result == "error"
    assert text.endswith("fields { userdb_crypt_user_key_password = "
                         "%{password | sha256 | hexlify} }")


def test_a_hash_that_was_changed_by_hand(host, mailbox):
    host.db.sql("UPDATE users SET crypt = %s WHERE email = %s",
                host.hash("other password"), mailbox.address)
    code, lines = check_mailbox(mailbox, "other password")
    assert code == 65
    [(result, text)] = others_are_ok(lines, "keys open")
    assert result == "error" and "put the hash back" in text


def test_a_hash_nobody_can_verify(host, mailbox):
    host.db.sql("UPDATE users SET crypt = '{NOSUCH}x' WHERE email = %s",
                mailbox.address)
    code, lines = check_mailbox(mailbox, mailbox.password)
    assert code == 65
    assert list(lines) == LINES + ["password"]
    [(result, text)] = others_are_ok(lines, "password")
    assert result == "error" and "unknown scheme NOSUCH" in text


def test_a_login_that_is_refused(host, mailbox):
    host.db.sql("UPDATE users SET active = 0 WHERE email = %s",
                mailbox.address)
    code, lines = check_mailbox(mailbox, mailbox.password)
    assert code == 69
    [(result, text)] = others_are_ok(lines, "login")
    assert result == "error" and text.startswith("it is refused: ")


def test_dovecot_does_not_run(host, mailbox):
    host.stop_dovecot()
    try:
        code, lines = check(host, "-u", mailbox.address, "-p",
                            input=mailbox.password + "\n")
    finally:
        host.start_dovecot()
    # The userdb is Dovecot's auth process.
    assert code == 0
    assert set(NAMES + LINES + PROVED) - set(lines) == {
        "anvil", "user", "home", "journal", "user keys", "folder keys",
        "keys open", "login"}
    assert lines["password"][0] == "ok"


def test_sdbox():
    with MailHost(scheme="ARGON2ID", mail_driver="sdbox") as host:
        assert host.process().code == 0
        mailbox = host.create("sdbox")
        mailbox.deliver(messages.small(1), detail="folder")
        code, lines = check_mailbox(mailbox, mailbox.password)
        assert (code, others_are_ok(lines)) == (0, [])

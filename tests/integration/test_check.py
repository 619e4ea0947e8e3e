"""doveadm pymailadmin check: what it says of a host, whole and broken."""

import contextlib
import fcntl
import os
import pathlib
import pty
import re
import struct
import subprocess
import termios

import pytest

import mailhost
from mailhost import MailHost
from mariadb import VERSIONS

MODULES = pathlib.Path("/usr/lib/dovecot/modules")
NAMES = [
    "dovecot", "settings", "password scheme", "key password", "passdb",
    "userdb", "auth cache", "mail plugins", "modules", "mail_crypt",
    "mail cipher", "key storage", "seal key", "anvil", "postfix", "database",
    "tables", "rights", "timer", "backend"]
# Where the value of a line is not for ever.
CHANGING = re.compile(r"it ran \d+ seconds ago")


@pytest.fixture(scope="module")
def host():
    with MailHost(scheme="ARGON2ID") as host:
        assert host.process().code == 0
        yield host


def check(host, *words, **options):
    """What check says: its exit code and name -> (result, text)."""
    result = host.doveadm("-f", "json", "pymailadmin", "check", *words,
                          **options)
    assert result.stderr == "", result
    return result.code, lines_of(result.json)


def lines_of(rows):
    assert all(list(row) == ["check", "result", "text"] for row in rows)
    lines = {row["check"]: (row["result"], CHANGING.sub("", row["text"]))
             for row in rows}
    assert len(lines) == len(rows)
    return lines


@pytest.fixture(scope="module")
def healthy(host):
    """The lines of the host when nothing is broken."""
    code, lines = check(host)
    assert code == 0
    assert [name for name, (result, _) in lines.items()
            if result != "ok"] == []
    return lines


def differing(lines, healthy):
    """The lines that are not as when nothing is broken."""
    return {name: line for name, line in lines.items()
            if line != healthy[name]}


def expect(host, healthy, code, result, **texts):
    """Exactly these lines have changed, with this result and these texts."""
    found_code, lines = check(host)
    wanted = {name.replace("_", " ").replace("mail crypt", "mail_crypt"): text
              for name, text in texts.items()}
    changed = differing(lines, healthy)
    assert set(changed) == set(wanted), changed
    for name, text in wanted.items():
        assert changed[name][0] == result
        assert re.search(text, changed[name][1]), changed[name]
    assert list(lines) == NAMES
    assert found_code == code


@contextlib.contextmanager
def configured(host, edit=None, **changed):
    """Dovecot runs with an edited dovecot.conf meanwhile."""
    before = {name: host.options[name] for name in changed}
    host.stop_dovecot()
    host.write_config(**changed)
    if edit is not None:
        text = host.config_path.read_text()
        assert edit[0] in text
        host.config_path.write_text(text.replace(*edit))
    host.start_dovecot()
    try:
        yield
    finally:
        host.restart_dovecot(**before)


def test_a_healthy_host(host, healthy):
    assert list(healthy) == NAMES
    assert healthy["password scheme"] == ("ok", "ARGON2ID")
    assert healthy["tables"] == ("ok", f"all there, version {VERSIONS[-1]}")
    public = host.db.value("SELECT seal_key_id FROM pymailadmin_heartbeat")
    assert re.fullmatch(
        rf"key {public} in {host.seal_key}; the portal must have the line "
        r"pymailadmin-seal-public:1:[0-9a-f]{64}", healthy["seal key"][1])


def test_check_changes_nothing(host):
    before = [host.db.sql(f"SELECT * FROM {table}") for table in
              ("users", "pymailadmin_heartbeat", "pymailadmin_event")]
    check(host)
    assert before == [host.db.sql(f"SELECT * FROM {table}") for table in
                      ("users", "pymailadmin_heartbeat", "pymailadmin_event")]


def test_the_table_fits_the_terminal(host, healthy):
    for columns in (80, 120):
        output = in_terminal(host, columns)
        assert output[0].split() == ["check", "result", "text"]
        at = output[0].index("text")
        texts, name = {}, None
        for line in output[1:]:
            # Only what cannot be cut, to be copied whole, may be longer.
            assert len(line) <= columns or " " not in line[at:].strip()
            if line[:at].strip():
                name, result = line[:at - 7].strip(), line[at - 7:at].strip()
                texts[name] = (result, "")
            texts[name] = (texts[name][0],
                           f"{texts[name][1]} {line[at:].strip()}".strip())
        assert {name: (result, CHANGING.sub("", text))
                for name, (result, text) in texts.items()} == healthy


def in_terminal(host, columns):
    """The lines check writes to a terminal of that width."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ,
                struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        ["doveadm", "-c", host.config_path, "pymailadmin", "check"],
        stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    output = b""
    with contextlib.suppress(OSError):
        while data := os.read(master, 4096):
            output += data
    os.close(master)
    assert process.wait() == 0
    return output.decode().split("\r\n")[:-1]


def test_the_other_formatters_have_one_line_each(host):
    for formatter in ("tab", "table"):
        output = host.must("-f", formatter, "pymailadmin", "check").stdout
        assert len(output.splitlines()) == len(NAMES) + 1
    assert len(host.must("pymailadmin", "check").stdout.splitlines()) == \
        len(NAMES) + 1


def test_usage(host):
    result = host.doveadm("pymailadmin", "check", "-p", input="x\n")
    assert result.code == 64 and "name the mailbox with -u" in result.stderr
    result = host.doveadm("pymailadmin", "check", "-u", "")
    assert result.code == 64
    result = host.doveadm("pymailadmin", "check", "-u", "a@b.test", "-p")
    assert result.code == 66
    assert host.http(["pymailadminCheck", {}, "t"]) == (
        200, [["error", {"type": "exitCode", "exitCode": 64}, "t"]])
    host.config_path.chmod(0o644)
    result = host.command("setpriv", "--reuid=nobody", "--clear-groups",
                          "doveadm", "-c", host.config_path, "pymailadmin",
                          "check")
    host.config_path.chmod(0o600)
    assert result.code == 77, result


# ---- settings

@pytest.mark.parametrize("line, code, result, texts", [
    ("pymailadmin_rekey_window = 30 s", 0, "warning",
     {"settings": "expire .* set at least 60 seconds"}),
    ("pymailadmin_window_text = until %{nosuch}", 78, "error",
     {"settings": r"nosuch.*variable it may have is %\{opens\}"}),
    ("pymailadmin_maintenance_text = until %{nosuch}", 78, "error",
     {"settings": r"maintenance_text: .*nosuch"}),
    ("pymailadmin_key_password = %{password | nosuch}", 78, "error",
     {"key_password": "nosuch"}),
    ("pymailadmin_password_scheme = NOSUCH", 78, "error",
     {"password_scheme": "unknown .* = ARGON2ID"}),
    ("pymailadmin_password_scheme = MD5-CRYPT", 78, "error",
     {"password_scheme": "weak .* = ARGON2ID"}),
    ("pymailadmin_password_scheme = SSHA512.HEX", 0, "warning",
     {"password_scheme": "quickly guessed.* = ARGON2ID"}),
    ("crypt_write_algorithm = aes-256-cbc-sha256", 78, "error",
     {"mail_cipher": "encrypts wrongly .* set it to aes-256-gcm-sha256"}),
    ("crypt_write_algorithm = chacha20-poly1305-sha256", 78, "error",
     {"mail_cipher": "encrypts wrongly .* set it to aes-256-gcm-sha256"}),
    ("crypt_write_algorithm = aes-512-gcm-sha256", 78, "error",
     {"mail_cipher": "does not work.* set it to aes-256-gcm-sha256"}),
    ("crypt_write_algorithm =", 78, "error",
     {"mail_cipher": "unencrypted; set crypt_write_algorithm"}),
    ("crypt_user_key_curve =", 78, "error",
     {"mail_crypt": "no keys; set crypt_user_key_curve = X25519"}),
    ("crypt_user_key_curve = nosuch", 78, "error",
     {"mail_crypt": "nosuch does not work.* X25519"}),
    ("crypt_user_key_require_encrypted = no", 78, "error",
     {"mail_crypt": "clear; set crypt_user_key_require_encrypted = yes"}),
    ("crypt_global_public_key_file = /etc/hostname", 78, "error",
     {"mail_crypt": "one key for all.*remove crypt_global_public_key_file"}),
    ("protocol lmtp {\n  crypt_write_algorithm =\n}", 78, "error",
     {"mail_cipher": "^in protocol lmtp: .* unencrypted"}),
    ("protocol lmtp {\n  mail_plugins {\n    pymailadmin = no\n  }\n}", 78,
     "error", {"mail_plugins": "^pymailadmin is not loaded in protocol lmtp; "
               "set outside of all protocol .*pymailadmin = yes"}),
    ("protocol imap {\n  mail_plugins {\n    mail_crypt = no\n  }\n}\n"
     "protocol pop3 {\n  mail_plugins {\n    mail_crypt = no\n  }\n}", 78,
     "error", {"mail_plugins": "^mail_crypt is not loaded in protocol imap, "
               "pop3; set"}),
    ("auth_cache_size = 10M", 0, "ok",
     {"auth_cache": "^on; .* flushes the mailbox's entries"}),
    ("passdb pymailadmin {\n  result_failure = return-ok\n}", 78, "error",
     {"passdb": "setting result_failure, .* closed; remove it"}),
    ("passdb pymailadmin {\n  skip = authenticated\n}", 78, "error",
     {"passdb": "setting skip"}),
    ("passdb pymailadmin {\n  mechanisms_filter {\n    login = yes\n  }\n}",
     78, "error", {"passdb": "setting mechanisms_filter"}),
    ("passdb pymailadmin {\n  username_filter = *@example.test\n}", 78,
     "error", {"passdb": "setting username_filter"}),
    ("userdb pymailadmin {\n  result_success = continue-fail\n}", 78, "error",
     {"userdb": "setting result_success"}),
    ("protocol pop3 {\n  userdb pymailadmin {\n    skip = notfound\n  }\n}",
     78, "error", {"userdb": "^in protocol pop3: .* setting skip"}),
], ids=lambda value: value.split("\n")[0] if isinstance(value, str) else "")
def test_settings(host, healthy, line, code, result, texts):
    with configured(host, extra=f"{line}\n"):
        expect(host, healthy, code, result, **texts)


def test_settings_dovecot_would_not_start_with(host):
    host.write_config(extra="pymailadmin_rekey_window = 20 min\n")
    try:
        code, lines = check(host)
    finally:
        host.write_config(extra="")
    assert code == 78
    assert list(lines) == ["settings"] and lines["settings"][0] == "error"
    assert "between 1 second and 15 minutes" in lines["settings"][1]


def test_no_attribute_dict(host, healthy):
    text = host.config_path.read_text()
    block = re.search(r"mail_attribute \{\n.*?\n\}\n", text, re.DOTALL)[0]
    with configured(host, edit=(block, "")):
        expect(host, healthy, 78, "error",
               key_storage="no place for the keys; set mail_attribute")


@pytest.mark.parametrize("new, code, result, text", [
    ("dict fs {\n    fs_driver = posix\n", 78, "error",
     "driver fs cannot .* use file or sql"),
    ("dict file {\n    path = /var/keys/%{user}\n", 0, "ok",
     "not in the mailbox's home: back it up, too")], ids=["fs", "elsewhere"])
def test_another_attribute_dict(host, healthy, new, code, result, text):
    old = "dict file {\n    path = %{home}/dovecot-attributes\n"
    with configured(host, edit=(old, new)):
        expect(host, healthy, code, result, key_storage=text)


# ---- the auth driver

DB = "{0} pymailadmin {{\n  driver = pymailadmin\n}}\n"


@pytest.mark.parametrize("kind", ["passdb", "userdb"])
def test_no_driver(host, healthy, kind):
    with configured(host, edit=(DB.format(kind), "")):
        expect(host, healthy, 78, "error",
               **{kind: f"none of the driver.*{kind} pymailadmin {{ driver = "
                  "pymailadmin }"})


def test_neither_driver(host, healthy):
    with configured(host, driver=False):
        expect(host, healthy, 78, "error", passdb="none of the driver",
               userdb="none of the driver")


def test_the_driver_after_the_passdb(host, healthy):
    first, last = DB.format("passdb"), "userdb prefetch {\n"
    host.write_config()
    text = host.config_path.read_text().replace(first, "")
    with configured(host, edit=(host.config_path.read_text(),
                                text.replace(last, first + last))):
        expect(host, healthy, 78, "error",
               passdb="passdb sql is asked before passdb pymailadmin .* put "
               "passdb pymailadmin first")


def test_the_driver_after_prefetch(host, healthy):
    prefetch = "userdb prefetch {\n}\n"
    first = DB.format("userdb")
    text = host.config_path.read_text()
    with configured(host, edit=(text, text.replace(prefetch, "").replace(
            first, prefetch + first))):
        expect(host, healthy, 78, "error",
               userdb="userdb prefetch is asked before userdb pymailadmin")


def test_a_passdb_that_only_refuses_may_be_before(host, healthy):
    first = DB.format("passdb")
    deny = ("passdb deny {\n  driver = passwd-file\n  deny = yes\n"
            "  passwd_file_path = /dev/null\n}\n")
    with configured(host, edit=(first, deny + first)):
        expect(host, healthy, 0, "ok")


# ---- the running Dovecot

def test_dovecot_does_not_run(host, healthy):
    host.stop_dovecot()
    try:
        code, lines = check(host)
    finally:
        host.start_dovecot()
    assert code == 0
    assert list(differing(lines, healthy)) == ["dovecot"]
    assert lines["dovecot"][0] == "warning"
    assert "does not run" in lines["dovecot"][1]
    assert set(NAMES) - set(lines) == {"anvil"}


def test_changed_settings_that_are_not_in_force(host, healthy):
    host.write_config(extra="auth_debug = yes\n")
    try:
        expect(host, healthy, 0, "warning",
               dovecot="other settings .* run: doveadm reload")
    finally:
        host.write_config(extra="")


def check_with(host, config, *words):
    """Like check, by a doveadm that has this configuration, as it gets it
    from the running Dovecot if it is not told another dovecot.conf."""
    result = host.command(
        "sh", "-c", 'exec 9<"$0"; DOVECOT_CONFIG_FD=9 exec doveadm "$@"',
        config, "-c", host.config_path, "-f", "json", *words, "pymailadmin",
        "check")
    return result.code, lines_of(result.json)


@pytest.mark.parametrize("line, text", [
    ("", None), ("auth_debug = yes", "changed since; run: doveadm reload"),
    ("nosuch = 1", "not be started again.*; see: doveconf -n")])
def test_changed_settings_while_dovecot_hands_out_the_old(
        host, healthy, line, text):
    host.write_config(extra=f"{line}\n")
    try:
        code, lines = check_with(host, host.run / "dovecot.conf.binary")
    finally:
        host.write_config(extra="")
    assert code == 0
    changed = differing(lines, healthy)
    if text is None:
        assert changed == {}
    else:
        [(name, (result, found))] = changed.items()
        assert (name, result) == ("dovecot", "warning")
        assert re.search(text, found), found


@pytest.mark.parametrize("socket, code, texts", [
    ("anvil", 69, {"anvil": "cannot be ended"}),
    ("auth-master", 78, {"auth_cache": "cannot be flushed"})])
def test_a_socket_is_missing(host, healthy, socket, code, texts):
    path = host.run / socket
    path.rename(path.with_suffix(".away"))
    try:
        expect(host, healthy, code, "error", **texts)
    finally:
        path.with_suffix(".away").rename(path)


@pytest.mark.parametrize("change, text", [
    (lambda data: data.replace(b"\x002.4.ABIv1\0", b"\x002.5.ABIv1\0"),
     r"another Dovecot \(2.5.ABIv1 instead of 2.4.ABIv1\); install"),
    (lambda data: b"", "install pymailadmin for Dovecot 2.4.1"),
    (lambda data: None, "No such file or directory; install")],
    ids=["abi", "empty", "missing"])
@pytest.mark.parametrize("module", [
    "auth/libauthdb_pymailadmin.so", "lib15_pymailadmin_plugin.so",
    "settings/libpymailadmin_settings.so"])
def test_a_module_is_not_this_dovecots(host, healthy, module, change, text):
    path = MODULES / module
    away = path.with_suffix(".away")
    path.rename(away)
    try:
        if (data := change(away.read_bytes())) is not None:
            assert data != away.read_bytes()
            path.write_bytes(data)
        # Which loads the mail plugins itself.
        code, lines = check_with(host, host.run / "dovecot.conf.binary", "-o",
                                 "mail_plugins/pymailadmin=no")
    finally:
        away.rename(path)
    assert code == 78
    changed = differing(lines, healthy)
    if module.startswith("settings/"):
        result, found = changed.pop("dovecot")
        assert result == "warning" and "not be started again" in found
    [(name, (result, found))] = changed.items()
    assert (name, result) == ("modules", "error")
    assert str(path) in found and re.search(text, found)


# ---- the seal key

@pytest.mark.parametrize("change, text", [
    (lambda path: path.unlink(),
     "No such file .* make the key with: doveadm pymailadmin keygen$"),
    (lambda path: path.chmod(0o644),
     "not private: .* mode 0600; put it right"),
    (lambda path: path.write_text("garbage\n"), "keygen --force"),
    (lambda path: path.write_bytes(os.urandom(200)), "keygen --force"),
    (lambda path: path.write_text(""), "keygen --force")],
    ids=["missing", "readable", "garbage", "binary", "empty"])
def test_a_bad_seal_key(host, healthy, change, text):
    saved = host.seal_key.read_text()
    try:
        change(host.seal_key)
        expect(host, healthy, 78, "error", seal_key=text)
    finally:
        host.seal_key.write_text(saved)
        host.seal_key.chmod(0o600)


# ---- Postfix

@pytest.mark.parametrize("value, result, text", [
    ("1", "ok", "is 1$"), ("50", "warning", "is 50: .* run: postconf -e"),
    ("$default_destination_recipient_limit", "warning", "run: postconf -e"),
    ("", "warning", "cannot be read")])
def test_postfix(host, healthy, tmp_path, value, result, text):
    # Stands in for the real one: all that is asked of it is a line.
    postconf = tmp_path / "postconf"
    postconf.write_text('#!/bin/sh\n[ "$*" = "-h lmtp_destination_recipient_'
                        f'limit" ] && echo \'{value}\'\n')
    postconf.chmod(0o755)
    code, lines = check(host, env={
        "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert code == 0
    [(name, line)] = differing(lines, healthy).items()
    assert name == "postfix" and line[0] == result
    assert re.search(text, line[1]), line

"""Mailbox hashes: the portal and Dovecot verify each other's."""

import pathlib
import subprocess

import pytest

import websanitizer
from webstores import TOP

SCHEMES = ["ARGON2ID", "ARGON2I", "BLF-CRYPT", "SHA512-CRYPT", "SHA256-CRYPT",
           "PBKDF2"]
# What Dovecot's stored hashes may be otherwise.
OTHERS = ["CRYPT", "SSHA512", "SSHA256", "SHA512", "SHA256", "SSHA512.HEX",
          "SHA512.HEX", "SSHA256.B64", "PLAIN", "SHA512-CRYPT", "BLF-CRYPT"]
PASSWORD = "pässwörd with : { } $ and spaces"


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    path = tmp_path_factory.mktemp("hash") / "web-hash"
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libargon2",
                            "libcrypt", "liboath", "libcrypto"], check=True,
                           capture_output=True, text=True).stdout.split()
    flags += websanitizer.flags(websanitizer.NAMES or "address,undefined")
    subprocess.run(["gcc", "-std=gnu11", f"-I{TOP}/web/auth",
                    f"-I{TOP}/web/base", "-o", path,
                    pathlib.Path(__file__).with_name("web-hash.c"),
                    *TOP.glob("web/auth/mailbox-hash*.c"),
                    TOP / "web/auth/argon2-text.c", TOP / "web/base/bytes.c",
                    *flags], check=True)

    def ask(*lines, cheap=False):
        return subprocess.run(
            [path, *(["cheap"] if cheap else [])], check=True, text=True,
            input="".join(line + "\n" for line in lines),
            capture_output=True).stdout.split("\n")[0]
    return ask


def dovecot_verifies(hash_text, password):
    # It asks on the terminal or standard input, not in argv.
    done = subprocess.run(["doveadm", "pw", "-t", hash_text], text=True,
                          input=password + "\n", capture_output=True,
                          check=False)
    return done.returncode == 0 and "(verified)" in done.stdout


@pytest.mark.parametrize("cheap", [False, True])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_dovecot_verifies_what_the_portal_makes(portal, scheme, cheap):
    hash_text = portal(scheme, PASSWORD, cheap=cheap)
    assert hash_text.startswith("{" + scheme + "}$")
    assert dovecot_verifies(hash_text, PASSWORD)
    assert not dovecot_verifies(hash_text, PASSWORD + "x")
    assert portal(hash_text, PASSWORD) == "right"
    assert portal(hash_text, PASSWORD + "x") == "wrong"


@pytest.mark.parametrize("scheme", sorted({*SCHEMES, *OTHERS}))
def test_the_portal_verifies_what_dovecot_makes(portal, scheme):
    hash_text = subprocess.run(
        ["doveadm", "pw", "-s", scheme], text=True, check=True,
        input=f"{PASSWORD}\n{PASSWORD}\n", capture_output=True) \
        .stdout.strip().splitlines()[-1]
    hash_text = hash_text[hash_text.index("{" + scheme):]
    assert portal(hash_text, PASSWORD) == "right"
    assert portal(hash_text, PASSWORD[:-1]) == "wrong"
    assert portal(hash_text, "") == "wrong"


@pytest.mark.parametrize("hash_text", [
    # What an earlier program of this kind stored, and Dovecot never verified.
    "{ARGON2ID}c2FsdHNhbHQ$aGFzaGhhc2g", "{BCRYPT}$2y$12$abc",
    "{PBKDF2}$pbkdf2-sha256$29000$salt$hash",
    "{SCRAM-SHA-256}4096,x,y,z", "{DIGEST-MD5}00", "{NONE}x"])
def test_others_are_left_to_the_mail_host(portal, hash_text):
    assert portal(hash_text, "x") == "unknown"

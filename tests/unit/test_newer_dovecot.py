"""The modules for a newer Dovecot than Debian 13's: built without a warning
against its headers, their unit tests run with its libraries. It takes minutes,
and a tarball, which this root without a network cannot get:

    tests/debian13 --out DIR -- env \\
        PYMAILADMIN_DOVECOT=/out/dovecot-2.4.4.tar.gz \\
        tests/run soak tests/unit/test_newer_dovecot.py
"""

import os
import pathlib
import re
import subprocess

import pytest

import builds

TARBALL = os.environ.get("PYMAILADMIN_DOVECOT")
WITHOUT = ("--with-mysql", "--without-gssapi", "--without-ldap",
           "--without-pam", "--without-systemd")

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def dovecot(tmp_path_factory):
    """It is installed here."""
    if TARBALL is None:
        pytest.skip("PYMAILADMIN_DOVECOT names no tarball of Dovecot's source")
    folder = tmp_path_factory.mktemp("dovecot")
    subprocess.run(["tar", "xf", TARBALL, "-C", folder, "--strip-components=1"],
                   check=True)
    builds.run(["./configure", f"--prefix={folder}/installed", *WITHOUT,
                "CFLAGS=-O1"], folder)
    builds.make(folder)
    builds.make(folder, "install")
    return folder / "installed"


@pytest.fixture(scope="module")
def tree(dovecot, tmp_path_factory):
    """Ours, configured for it."""
    folder = tmp_path_factory.mktemp("pymailadmin")
    for path in builds.checkout_files():
        copy = folder / path.relative_to(builds.SOURCE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.symlink_to(path)
    builds.run(["autoreconf", "-fi", "-I", dovecot / "share/aclocal"], folder)
    builds.run(["./configure", f"--with-dovecot={dovecot}/lib/dovecot",
                f"--prefix={dovecot}", "--without-web", "--enable-werror",
                "--with-systemdsystemunitdir=no"], folder)
    builds.make(folder)
    return folder


@pytest.mark.limit(3600)
def test_it_builds_and_its_unit_tests_pass(dovecot, tree):
    said = builds.make(tree / "tests/unit/plugin", "check")
    log = (tree / "tests/unit/plugin/test-suite.log").read_text()
    assert re.search(r"# FAIL: +0\n", log), said + log
    assert re.search(r"# PASS: +[1-9]", log), said + log


@pytest.mark.limit(600)
def test_doveadm_loads_its_module(dovecot, tree):
    """With the interface version it was built for."""
    builds.make(tree, "install")
    config = pathlib.Path(dovecot / "etc/dovecot/dovecot.conf")
    version = subprocess.run([dovecot / "sbin/dovecot", "--version"],
                             check=True, capture_output=True, text=True).stdout
    config.write_text(f"dovecot_config_version = {version.split()[0]}\n"
                      f"dovecot_storage_version = {version.split()[0]}\n"
                      "mail_driver = maildir\nmail_path = /tmp/mail\n"
                      "ssl = no\nmail_plugins { pymailadmin = yes }\n"
                      "passdb pymailadmin {\n  driver = pymailadmin\n}\n")
    done = subprocess.run([dovecot / "bin/doveadm", "help", "pymailadmin"],
                          capture_output=True, text=True)
    assert "upgrade" in done.stdout + done.stderr
    conf = subprocess.run([dovecot / "bin/doveconf", "pymailadmin_rekey_window"],
                          capture_output=True, text=True)
    assert "15 mins" in conf.stdout, conf

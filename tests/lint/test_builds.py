"""Warnings are errors here, the tarball is complete, installs are clean."""

import os
import re
import shutil

import pytest

from builds import CONFIGURE, SOURCE, checkout_files, make

pytestmark = pytest.mark.limit(600)


def test_gcc_has_no_warning():
    """Or the build in /src would have failed; clang's turn is in tests/unit."""
    config = (SOURCE / "config.log").read_text()
    assert re.search(r"^ +\$ \./configure .*--enable-werror$", config,
                     re.MULTILINE)
    assert "-Werror" in (SOURCE / "plugin/Makefile").read_text()
    assert "-Werror" in (SOURCE / "web/Makefile").read_text()


def test_distcheck(builds):
    folder = builds.copy_of_source("distcheck")
    # Those of "make check" are built from a tarball and run in tests/unit.
    make(folder, "distcheck", "check_PROGRAMS=", "TESTS=",
         DISTCHECK_CONFIGURE_FLAGS="--with-dovecot=/usr/lib/dovecot "
                                   "CFLAGS=-O0")


def test_tarball_has_every_file_of_the_checkout(builds):
    tarball = builds.distribution()
    missing = [str(path.relative_to(SOURCE)) for path in checkout_files()
               if not (tarball / path.relative_to(SOURCE)).exists()]
    assert [name for name in missing if name != ".gitignore"] == []


def files_below(folder):
    return sorted(str(path.relative_to(folder))
                  for path in folder.rglob("*") if not path.is_dir())


def test_install_has_modules_and_no_libtool_files(builds):
    files = files_below(builds.image_of_source())
    modules = "usr/lib/dovecot/modules/"
    assert modules + "settings/libpymailadmin_settings.so" in files
    assert [name for name in files if name.endswith((".la", ".a"))] == []
    assert [name for name in files
            if not name.startswith(("usr/", "etc/"))] == []


def test_uninstall_leaves_nothing(builds):
    image = builds.image_of_source()
    shutil.copytree(image, builds.folder / "uninstalled", symlinks=True)
    make(SOURCE, "uninstall",
         f"DESTDIR={builds.folder / 'uninstalled'}")
    assert files_below(builds.folder / "uninstalled") == []


def test_builds_without_plugin_and_without_dovecot(builds):
    options = [word for word in CONFIGURE if "dovecot" not in word]
    image = builds.installed(
        "no-plugin", "--without-plugin", "--with-dovecot=/nonexistent",
        "--enable-werror", defaults=options, CFLAGS="-O0")
    assert [name for name in files_below(image) if "dovecot" in name] == []


def test_builds_without_web(builds):
    image = builds.installed("no-web", "--without-web", "--enable-werror",
                             CFLAGS="-O0")
    files = files_below(image)
    assert [name for name in files if name.endswith("-web")] == []
    assert [name for name in files if name.endswith(".so")]


def test_installed_paths_are_not_those_of_the_build(builds):
    image = builds.image_of_source()
    wrong = []
    for name in files_below(image):
        path = image / name
        # What is compiled names its source for debuggers.
        if os.path.islink(path) or path.read_bytes()[:4] == b"\x7fELF":
            continue
        text = path.read_bytes()
        if any(str(folder).encode() in text
               for folder in (SOURCE, builds.folder)):
            wrong.append(name)
    assert wrong == []

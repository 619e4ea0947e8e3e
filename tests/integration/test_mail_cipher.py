"""Mails that Dovecot stored are read here, and what is written here Dovecot
reads, with none of our modules loaded."""

import pathlib
import re
import subprocess

import pytest

import messages
from mailhost import MailHost, key_password

PLUGIN = pathlib.Path(__file__).parents[2] / "plugin"
MAGIC = b"CRYPTED\x03\x07\x02"
# From the magic bytes to the number of rounds of PBKDF2.
ROUNDS = 40


@pytest.fixture(scope="module", params=["maildir", "sdbox"])
def host(request):
    with MailHost(mail_driver=request.param, stock=True) as host:
        yield host


@pytest.fixture(scope="module")
def rewrite(tmp_path_factory):
    """The program that encrypts mails anew."""
    program = tmp_path_factory.mktemp("rewrite") / "rewrite-mails"
    subprocess.run(
        ["gcc", "-DHAVE_CONFIG_H", f"-I{PLUGIN}", "-I/usr/include/dovecot",
         "-o", program, pathlib.Path(__file__).with_name("rewrite-mails.c"),
         PLUGIN / ".libs/libpmastorage.a", PLUGIN / ".libs/libpmakeys.a",
         "-L/usr/lib/dovecot", "-Wl,-rpath,/usr/lib/dovecot", "-ldovecot",
         "-lcrypto"], check=True)
    return program


def folder_key(host, mailbox):
    """The private half of INBOX's key, in the clear."""
    answer = host.must(
        "-o", "crypt_user_key_password=" + key_password(mailbox.password),
        "mailbox", "cryptokey", "export", "-u", mailbox.address, "INBOX")
    [key] = re.findall(r"-----BEGIN PRIVATE KEY-----.*?"
                       r"-----END PRIVATE KEY-----\n", answer.stdout, re.DOTALL)
    return key


def stored(mailbox):
    """The files of INBOX: path -> contents."""
    return {path: path.read_bytes() for path in mailbox.home.rglob("*")
            if path.is_file() and MAGIC in path.read_bytes()[:512]}


def rounds(content):
    start = content.index(MAGIC) + ROUNDS
    return int.from_bytes(content[start:start + 4])


def test_goes_both_ways(host, rewrite):
    mailbox = host.create("both")
    given = [*messages.awkward().values(), messages.large(1, 3_000_000)]
    mailbox.deliver(*given)
    before, files = mailbox.mails(), stored(mailbox)
    assert len(files) == len(given)
    assert {rounds(content) for content in files.values()} == {2048}
    key = folder_key(host, mailbox)
    host.stop_dovecot()
    times = {path: path.stat().st_mtime_ns for path in files}
    # Twice: it reads what it wrote.
    for _ in range(2):
        counts = [int(host.command(rewrite, host.mail_driver, folder,
                                   input=key)
                      .expect(0).stdout)
                  for folder in sorted({path.parent for path in files})]
        assert sum(counts) == len(given)
    host.start_dovecot()

    now = stored(mailbox)
    assert now.keys() == files.keys()
    assert {path: path.stat().st_mtime_ns for path in now} == times
    for path, content in now.items():
        assert rounds(content) == 1
        assert len(content) == len(files[path]) and content != files[path]
    after = mailbox.mails()
    assert after == before
    assert [mail.delivered for mail in after] == given
    session = mailbox.pop3()
    assert [session.retrieve(number + 1) for number in range(len(given))] == \
        [mail.body for mail in before]
    session.quit()
    host.must("-o", "crypt_user_key_password=" +
              key_password(mailbox.password), "fetch", "-u", mailbox.address,
              "body", "ALL")

"""What "verify" says of mails in an mdbox."""

import os

import pytest

import mdboxes
import messages
import storedmail
import stores
from changes import name_of
from mailhost import MailHost, key_password
from verifying import NOT_CURRENT, full, verify


@pytest.fixture(scope="module")
def host():
    with MailHost(mail_driver="mdbox") as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    mailbox = host.create(name_of(request), stores.PASSWORD)
    mailbox.deliver(*(messages.small(number) for number in range(3)))
    mailbox.deliver(messages.small(3), messages.small(4), detail="Lists")
    return mailbox


def mails(mailbox, folder="INBOX"):
    path = storedmail.folder_path(mailbox, folder)
    return [mail for mail in mdboxes.mails(mailbox.home)
            if path in mail.folders]


def new_keys(mailbox):
    mailbox.host.must(
        "-o", "crypt_user_key_password=" + key_password(mailbox.password),
        "mailbox", "cryptokey", "generate", "-u", mailbox.address, "-f", "*")


def test_current_and_retired(mailbox):
    for look in verify, full:
        counts, _ = look(mailbox, 0)
        assert counts == {"INBOX": {"current": 3}, "Lists": {"current": 2}}
    new_keys(mailbox)
    mailbox.deliver(messages.small(10))
    for look in verify, full:
        counts, said = look(mailbox, NOT_CURRENT)
        assert counts == {"INBOX": {"current": 1, "retired": 3},
                          "Lists": {"retired": 2}}
        assert "5 not encrypted with current keys" in said


def test_bytes_are_those_of_the_mails(mailbox):
    rows = mailbox.host.must("-f", "json", "pymailadmin", "verify", "-u",
                             mailbox.address).json
    assert {row["folder"]: row["bytes"] for row in rows} == {
        folder: sum(mail.size for mail in mails(mailbox, folder))
        for folder in ("INBOX", "Lists")}


def test_a_plain_mail(host, mailbox):
    host.must("-o", "crypt_write_algorithm=", "save", "-u", mailbox.address,
              input=messages.small(20).decode())
    counts, said = full(mailbox, NOT_CURRENT)
    assert counts["INBOX"] == {"current": 3, "plain": 1}
    assert "1 not encrypted" in said


def test_an_unknown_key(mailbox):
    mail = mails(mailbox)[1]
    key = bytes.fromhex(storedmail.stored(mail).key)
    mail.write_bytes(mail.read_bytes().replace(key, key[::-1]))
    counts, said = verify(mailbox, os.EX_DATAERR)
    assert counts["INBOX"] == {"current": 2, "unknown": 1}
    assert f"(map UID {mail.map_uid}): the user does not have its key " \
        f"{key[::-1].hex()}" in said


def test_a_damaged_mail(mailbox):
    mail = mails(mailbox)[1]
    data = bytearray(mail.read_bytes())
    data[len(data) // 2] ^= 1
    mail.write_bytes(bytes(data))
    assert verify(mailbox, 0)[0]["INBOX"] == {"current": 3}
    counts, said = full(mailbox, os.EX_DATAERR)
    assert counts["INBOX"] == {"current": 2, "damaged": 1}
    assert f"(map UID {mail.map_uid}) is damaged" in said


def test_a_file_that_is_not_there(mailbox):
    mail = mails(mailbox)[0]
    away = mail.path.with_name("away")
    mail.path.rename(away)
    try:
        counts, said = verify(mailbox, os.EX_TEMPFAIL)
    finally:
        away.rename(mail.path)
    assert counts["INBOX"] == {}
    assert "it is not there" in said


def test_expunged_and_not_purged(host, mailbox):
    with mailbox.imap() as imap:
        imap.ask("select", "INBOX")
        imap.ask("uid", "STORE", "1", "+FLAGS.SILENT", "(\\Deleted)")
        imap.ask("uid", "EXPUNGE", "1")
    counts, said = verify(mailbox, 0)
    assert counts["INBOX"] == {"current": 2}
    assert "In no folder: 1 mail of an mdbox, 0 of them not" in said
    new_keys(mailbox)
    _, said = verify(mailbox, NOT_CURRENT)
    assert "In no folder: 1 mail of an mdbox, 1 of them not" in said
    host.must("purge", "-u", mailbox.address)
    assert "In no folder" not in verify(mailbox, NOT_CURRENT)[1]

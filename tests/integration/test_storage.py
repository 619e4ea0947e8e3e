"""All stored mail is re-encrypted, and no client can tell."""

import pytest

import cachingclients
import messages
import snapshots
import storedmail
import stores
from changes import assert_refused, name_of
from mailhost import MailHost
from storagejobs import (MDBOX_LATER, assert_finished, assert_verified,
                         encrypt, rekey, verify)

NEW = "the new password"


@pytest.fixture(scope="module", params=["maildir", "sdbox", "mdbox"])
def host(request):
    with MailHost(mail_driver=request.param, depth="storage") as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    return stores.create(host, name_of(request))


class Before:
    """What must be the same afterwards, and what must be of no use."""

    def __init__(self, mailbox, saved="files"):
        self.mailbox, self.password = mailbox, mailbox.password
        # Save dates are not asked for: asking makes Dovecot remember them.
        self.clients = snapshots.take(mailbox, saved=saved)
        self.disk = storedmail.facts(mailbox.home)
        self.attributes = (mailbox.home / "dovecot-attributes").read_bytes()
        self.keys = storedmail.key_ids(mailbox.home)

    def assert_same(self):
        __tracebackhide__ = True
        snapshots.assert_same(self.clients, snapshots.take(self.mailbox))
        assert snapshots.disk_differences(
            self.disk, storedmail.facts(self.mailbox.home)) == []
        assert_finished(self.mailbox)

    def assert_old_keys_open_nothing(self):
        assert not self.keys & storedmail.key_ids(self.mailbox.home)
        snapshots.assert_old_keys_open_nothing(
            self.mailbox, self.attributes, self.password, self.clients)


def everything_is_the_same(mailbox, timeout):
    before = Before(mailbox)
    rekey(mailbox, NEW, timeout)
    before.assert_same()
    before.assert_old_keys_open_nothing()
    assert_refused(mailbox, before.password)
    assert_verified(mailbox)


def test_everything_is_the_same(mailbox):
    everything_is_the_same(mailbox, 30)


@pytest.mark.soak
@pytest.mark.limit(1200)
def test_everything_of_a_big_mailbox_is_the_same(host, request):
    everything_is_the_same(
        stores.create(host, name_of(request), "big"), 600)


def test_the_old_keys_open_all_before(mailbox):
    """Else it would prove nothing that they open nothing afterwards."""
    before = Before(mailbox)
    copy = snapshots.with_attributes(mailbox, before.attributes)
    assert snapshots.unreadable(mailbox, copy, before.password)[0] == set()
    with pytest.raises(AssertionError):
        before.assert_old_keys_open_nothing()


@pytest.mark.parametrize("host", MDBOX_LATER, indirect=True)
def test_twice(mailbox):
    before = Before(mailbox)
    rekey(mailbox, NEW)
    first = storedmail.key_ids(mailbox.home)
    rekey(mailbox, "another")
    before.assert_same()
    assert not first & storedmail.key_ids(mailbox.home)


@pytest.mark.parametrize("host", MDBOX_LATER, indirect=True)
def test_an_empty_mailbox(host, request):
    mailbox = host.create(name_of(request))
    rekey(mailbox, NEW)
    mailbox.deliver(messages.small(1))
    assert [mail.delivered for mail in mailbox.mails()] == [messages.small(1)]
    assert_finished(mailbox)


@pytest.mark.parametrize("client", [cachingclients.Mbsync,
                                    cachingclients.Offlineimap])
def test_a_client_downloads_nothing_again(mailbox, tmp_path, client):
    near = client(mailbox, tmp_path / "near")
    count = len(storedmail.files(mailbox.home))
    assert near.sync() == count
    copies = near.copies()
    assert len(copies) == count
    rekey(mailbox, NEW)
    assert near.sync() == 0
    assert near.copies() == copies
    mailbox.deliver(messages.small(9))
    assert near.sync() == 1
    assert copies.items() < near.copies().items()


def test_mail_that_was_plain(host, mailbox):
    """From before mail_crypt was switched on."""
    for number in range(3):
        host.must("-o", "mail_plugins/mail_crypt=no", "save", "-u",
                  mailbox.address, "-m", "Archive",
                  input=messages.small(number).decode())
    before = Before(mailbox, saved="asked")
    plain = [name for name, fact in before.disk.items()
             if fact.kind == storedmail.PLAIN]
    assert len(plain) == 3
    result, counts = verify(mailbox)
    assert (result.code, counts["Archive"]["plain"]) == (1, 3)
    encrypt(mailbox).expect(0)
    host.process().expect(0)
    before.assert_same()
    assert_verified(mailbox)
    again = Before(mailbox, saved="asked")
    rekey(mailbox, NEW)
    again.assert_same()


@pytest.mark.parametrize("host", MDBOX_LATER, indirect=True)
def test_encryption_without_a_new_password(mailbox):
    before = Before(mailbox)
    encrypt(mailbox).expect(0)
    mailbox.host.process().expect(0)
    before.assert_same()
    assert mailbox.host.row(mailbox)["state"] == "done"
    assert mailbox.host.row(mailbox)["kind"] == "encrypt"


@pytest.mark.parametrize("host", MDBOX_LATER, indirect=True)
def test_encryption_needs_the_password(mailbox):
    mailbox.password = "wrong"
    result = encrypt(mailbox)
    assert result.code in (65, 77), result


def test_a_mode_of_its_own_is_kept(mailbox):
    for path, mode in zip(storedmail.containers(mailbox.home),
                          (0o640, 0o400)):
        path.chmod(mode)
    before = Before(mailbox)
    rekey(mailbox, NEW)
    before.assert_same()

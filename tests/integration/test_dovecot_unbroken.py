"""Nothing of Dovecot breaks by our modules being there."""

import base64
import json
import urllib.request

import pytest

import locks
import messages
from mailclients import Refused
from mailhost import MailHost, key_password
from mariadb import wait_until
from test_mailbox_lock import BYE

HIBERNATION = """
imap_hibernate_timeout = 1s
service imap {
  extra_groups = dovecot
  unix_listener imap-master {
    user = dovecot
  }
}
service imap-hibernate {
  unix_listener imap-hibernate {
    mode = 0660
    group = dovecot
  }
}
"""
SHARED = """
mail_plugins {
  acl = yes
}
protocol imap {
  mail_plugins {
    imap_acl = yes
  }
}
service auth {
  unix_listener auth-userdb {
    mode = 0777
  }
}
acl_driver = vfile
acl_sharing_map {
  dict file {
    path = %s
  }
}
namespace shared {
  type = shared
  prefix = shared/$user/
  separator = /
  mail_path = %%{owner_home}/mail
  mail_index_private_path = ~/shared/%%{owner_user}
  list = children
  subscriptions = no
}
"""
HOMELESS = """
mail_home =
mail_path = %s/homeless/%%{user}
mail_attribute {
  dict file {
    path = %s/homeless/%%{user}.attributes
  }
}
"""


@pytest.fixture(scope="module", params=["maildir", "sdbox"])
def host(request):
    with MailHost(mail_driver=request.param, driver=False) as host:
        yield host


@pytest.fixture(scope="module")
def stock():
    with MailHost(stock=True) as host:
        yield host


@pytest.fixture
def mailbox(host, request):
    mailbox = host.create(f"u{abs(hash(request.node.name))}")
    mailbox.deliver(messages.small(1))
    return mailbox


def schemes(host):
    return host.must("pw", "-l").stdout.split()


@pytest.mark.limit(300)
def test_doveadm_pw_knows_every_scheme(host, stock):
    if host.mail_driver != "maildir":
        pytest.skip("it does not look at mail")
    assert schemes(host) == schemes(stock)
    assert "ARGON2ID" in schemes(host)
    for scheme in schemes(host):
        assert hashes(host, scheme) == hashes(stock, scheme), scheme
    assert hashes(host, "ARGON2ID") == (0, 0, 75)


def hashes(of, scheme):
    """Exit codes: of making a hash, of the right and of a wrong password."""
    made = of.doveadm("pw", "-s", scheme, "-u", "a@example.test",
                      input="word\nword\n")
    return (made.code, *(
        of.doveadm("pw", "-t", made.stdout.strip(), "-u", "a@example.test",
                   input=f"{word}\n").code for word in ("word", "other")))


def test_doveadm_knows_every_command(host, stock):
    def commands(of):
        return set(of.doveadm("help").output.splitlines())
    added = commands(host) - commands(stock)
    assert added and all("pymailadmin" in line for line in added)
    assert commands(stock) < commands(host)


def http_commands(host):
    key = base64.b64encode(host.api_key.encode()).decode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{host.http_port}/doveadm/v1",
        headers={"Authorization": f"X-Dovecot-API {key}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return {each["command"] for each in json.load(answer)}


def test_the_http_api_has_every_command(host, stock, mailbox):
    ours, theirs = http_commands(host), http_commands(stock)
    assert {name for name in ours if "pymailadmin" not in name} == theirs
    assert ours > theirs
    status, answer = host.http(
        ["mailboxStatus", {"user": mailbox.address, "field": ["messages"],
                           "mailboxMask": ["INBOX"]}, "a"],
        ["mailboxCryptokeyList", {"user": mailbox.address, "mailbox": "*"},
         "b"])
    assert status == 200
    assert answer[0] == ["doveadmResponse",
                         [{"mailbox": "INBOX", "messages": "1"}], "a"]
    assert [row["active"] for row in answer[1][1]] == ["yes"]


def test_doveadm_server_serves_mail_commands(host, mailbox):
    result = host.must("-f", "json", "mailbox", "status", "-S",
                       host.run / "doveadm-server", "-u", mailbox.address,
                       "messages", "INBOX")
    assert result.json == [{"mailbox": "INBOX", "messages": "1",
                            "username": mailbox.address}] \
        or result.json == [{"mailbox": "INBOX", "messages": "1"}]


def test_commands_over_all_users(host, mailbox):
    users = {row["email"] for row in host.db.sql("SELECT email FROM users")}
    assert set(host.must("user", "*").stdout.split()) == users
    rows = host.must("-f", "json", "mailbox", "status", "-A", "messages",
                     "INBOX").json
    assert {row["username"] for row in rows} == users


def test_lda_delivers(host, mailbox):
    result = host.command(
        "/usr/lib/dovecot/dovecot-lda", "-c", host.config_path, "-d",
        mailbox.address, "-f", "a@elsewhere.test",
        input=messages.small(2).decode())
    result.expect(0)
    assert messages.small(2).partition(b"\r\n\r\n")[2] in \
        mailbox.mails()[-1].body


def test_backup_copies_a_mailbox(host, mailbox):
    copy = mailbox.home.parent / f"copy-of-{mailbox.address}"
    host.must("-o", "crypt_user_key_password=" +
              key_password(mailbox.password), "backup", "-u", mailbox.address,
              f"{host.mail_driver}:{copy}")
    assert any(copy.rglob("dovecot*"))
    wait_until(lambda: locks.is_free(mailbox.home), "free lock", 10)


def test_index_worker_indexes(host, mailbox):
    host.must("index", "-u", mailbox.address, "-q", "INBOX")
    wait_until(lambda: locks.is_free(mailbox.home), "free lock", 10)
    assert len(mailbox.mails()) == 1


@pytest.fixture
def hibernating(host):
    host.restart_dovecot(extra=HIBERNATION)
    yield host
    host.restart_dovecot(extra="")


def hibernate(host, imap, mailbox):
    imap.ask("select", "INBOX")
    imap.send(b"i IDLE\r\n")
    assert imap.readline().startswith(b"+ ")
    # The imap process is gone, and with it its hold on the lock.
    wait_until(lambda: locks.is_free(mailbox.home), "hibernation", 20)


def test_a_hibernated_client_wakes(hibernating, mailbox):
    with mailbox.imap() as imap:
        hibernate(hibernating, imap, mailbox)
        mailbox.deliver(messages.small(2))
        lines = [imap.readline(), imap.readline()]
        assert b"* 2 EXISTS\r\n" in lines
        imap.send(b"DONE\r\n")
        while not (line := imap.readline()).startswith(b"i "):
            assert line
        assert line.startswith(b"i OK")
        assert len(imap.mails()) == 2


def test_a_hibernated_client_with_an_old_key_is_closed(hibernating, mailbox):
    old, new = key_password(mailbox.password), key_password("other")
    seen = hibernating.log_position()
    imap = mailbox.imap()
    hibernate(hibernating, imap, mailbox)
    hibernating.must("mailbox", "cryptokey", "password", "-u",
                     mailbox.address, "-O", "-N",
                     input=f"{old}\n{new}\n{new}\n")
    imap.send(b"DONE\r\na FETCH 1 BODY.PEEK[]\r\n")
    rest = imap.file.read()
    imap.shutdown()
    assert b"FETCH (" not in rest
    assert "does not open" in hibernating.wait_log(
        "the session's key password is not the mailbox's", seen)


@pytest.fixture
def sharing(host):
    path = host.homes / "shared-mailboxes"
    host.restart_dovecot(extra=SHARED % path)
    yield host
    host.restart_dovecot(extra="")


def test_a_shared_folder_takes_its_owners_lock(sharing, mailbox):
    other = sharing.create(mailbox.address.partition("@")[0] + "-other")
    sharing.must("acl", "set", "-u", mailbox.address, "INBOX",
                 f"user={other.address}", "lookup", "read")
    name = f"shared/{mailbox.address}"
    with other.imap() as imap:
        assert name in imap.folders()
        assert imap.ask("select", f'"{name}"', True) == [b"1"]
        assert not locks.is_free(mailbox.home)
    wait_until(lambda: locks.is_free(mailbox.home), "free lock", 10)
    with locks.exclusive(mailbox.home), other.imap() as imap:
        with pytest.raises(Refused):
            imap.ask("select", f'"{name}"', True)
        assert imap.ask("select", "INBOX") == [b"0"]


def test_a_user_without_a_home(host):
    host.restart_dovecot(extra=HOMELESS % (host.homes, host.homes))
    try:
        mailbox = host.create("homeless")
        mailbox.deliver(messages.small(1))
        assert [mail.delivered for mail in mailbox.mails()] == \
            [messages.small(1)]
        session = mailbox.pop3()
        assert session.stat()[0] == 1
        session.quit()
    finally:
        host.restart_dovecot(extra="")
    assert BYE not in host.log()

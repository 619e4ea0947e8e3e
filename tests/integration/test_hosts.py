"""The portal, MariaDB and two mail hosts, each on a machine of its own, with
clocks that differ by ten minutes: what people do, and what goes wrong."""

import re
import signal

import pytest

import messages
from certificates import PAST, Authority
from changes import answers, assert_clean, assert_opens
from hosts import Site
from mailclients import Refused
from mailhost import DOMAIN, WORKER_CORE, WORKER_KILLED, Mailbox
from mariadb import wait_until
from webmailboxes import NEW, PASSWORD, enter, requests

OWNER = "owner@post.test"
EMPTY = {"INBOX": [], "Sent": [], "Trash": []}



pytestmark = pytest.mark.limit(120)


@pytest.fixture(scope="module")
def site():
    with Site() as site:
        site.portal.add_account(OWNER, None, domains=[DOMAIN])
        site.portal.add_account("root@post.test", None, role="super_admin")
        yield site


def process(*hosts):
    """All at once, as their timers do."""
    runs = [host.spawn("pymailadmin", "process") for host in hosts]
    output = [run.communicate(timeout=50)[0] for run in runs]
    assert [run.returncode for run in runs] == [0] * len(runs), output
    return output


def names(output):
    """The mailboxes of the lines that process prints."""
    return sorted(re.findall(r"^(\w+)@", output, re.MULTILINE))


def open_requests(site):
    return site.db.value("SELECT COUNT(*) FROM pymailadmin_request "
                         "WHERE ended_at IS NULL")


@pytest.mark.limit(180)
def test_a_mailbox_on_each_comes_changes_and_goes(site):
    browser = enter(site.portal, OWNER)
    local = {"a": "albertine", "b": "noralie"}
    boxes = {name: Mailbox(site.mail[name], f"{local[name]}@{DOMAIN}",
                           PASSWORD) for name in local}
    for name in local.values():
        page = browser.get(f"/mailbox/create?domain={DOMAIN}").expect()
        assert browser.submit(page, "/mailbox/create", name=name, quota="1G",
                              new=PASSWORD, repeat=PASSWORD).status == 303
    assert [names(text) for text in process(*site.mail.values())] == [
        ["albertine"], ["noralie"]]
    before = {}
    for name, box in boxes.items():
        box.deliver(messages.small(1))
        before[name] = box.everything()
        assert [mail.delivered for mail in before[name]["INBOX"]] == [
            messages.small(1)]
        # where it is, and nowhere else
        assert [(host.homes / DOMAIN / local[name]).exists()
                for host in site.mail.values()] == [name == "a", name == "b"]

    for box in boxes.values():
        page = browser.get(f"/mailbox/password?address={box.address}")
        assert browser.submit(page, "/mailbox/password", old=PASSWORD, new=NEW,
                              repeat=NEW).status == 303
        # closed from now on, by the database's clock, whatever its host's is
        with pytest.raises(Exception, match=r"UNAVAILABLE"):
            box.imap()
    assert [names(text) for text in process(*site.mail.values())] == [
        ["albertine"], ["noralie"]]
    for name, box in boxes.items():
        assert_opens(box, NEW, before[name])
        assert_clean(box)

    for box in boxes.values():
        page = browser.get(f"/mailbox/delete?address={box.address}")
        assert browser.submit(page, "/mailbox/delete", typed=box.address,
                              password=NEW).status == 303
    wait_until(lambda: process(*site.mail.values()) and
               open_requests(site) == 0, "both are deleted", 50)
    assert not [box for box in boxes.values() if box.home.exists()]
    assert site.db.sql("SELECT * FROM users") == []
    for box in boxes.values():
        assert [row["state"] for row in requests(site.portal, box.address)] \
            == ["done"] * 3


def created(site, name, count=1):
    """Mailboxes of a mail host, and what their requests say once it is asked
    for a new password."""
    host = site.mail[name]
    letter = "f" if name == "a" else "t"
    for _ in range(count):
        site.count = getattr(site, "count", 0) + 1
        yield host.create(f"{letter}{site.count}", PASSWORD)


def states(site):
    return {row["state"] for row in site.db.sql(
        "SELECT state FROM pymailadmin_request WHERE ended_at IS NULL")}


def test_none_is_taken_twice(site):
    """Two processes of each host at once, over and over, while requests come
    in from either."""
    boxes = [*created(site, "a", 3), *created(site, "b", 3)]
    before = site.db.value("SELECT COUNT(*) FROM pymailadmin_event "
                           "WHERE kind = 'password-done'")
    printed = []
    for number, box in enumerate(boxes):
        # filed anywhere
        site.mail["ab"[number % 2]].request(box, NEW).expect(0)
        if number % 3 == 2:
            printed += process(*site.mail.values(), *site.mail.values())
    wait_until(lambda: printed.extend(process(*site.mail.values())) or
               open_requests(site) == 0, "all are done", 60)
    own = sorted(box.address.split("@")[0] for box in boxes)
    assert sorted(name for text in printed for name in names(text)
                  if name in own) == own
    for box in boxes:
        row, = requests(site.portal, box.address)
        assert (row["state"], row["attempts"], row["backend"]) == (
            "done", 1, "a" if box.host is site.mail["a"] else "b")
        assert_opens(box, NEW, EMPTY)
    assert site.db.value("SELECT COUNT(*) FROM pymailadmin_event "
                         "WHERE kind = 'password-done'") - before == len(boxes)


def test_a_crashed_host_is_taken_over_by_its_own_backend_only(site):
    """Its journal is in the home there."""
    box, = created(site, "a")
    box.host.request(box, NEW).expect(0)
    for state in ("switching", "switched", "rekeying"):
        site.db.sql("UPDATE pymailadmin_request SET state = %s, claimed_by = "
                    "'mail-c/1/1', lease_until = UTC_TIMESTAMP() - INTERVAL 1 "
                    "SECOND WHERE id = %s", state, box.request_id)
        before = box.host.row(box)
        process(site.mail["b"])
        assert box.host.row(box) == before
    site.db.sql("UPDATE pymailadmin_request SET state = 'claimed' "
                "WHERE id = %s", box.request_id)
    process(site.mail["b"])
    assert box.host.row(box)["claimed_by"] == "mail-c/1/1"
    process(site.mail["a"])
    assert box.host.row(box)["state"] == "done"
    assert_opens(box, NEW, EMPTY)


@pytest.mark.parametrize("name", ["a", "b"])
def test_no_window_opens_by_a_hosts_own_clock(site, name):
    """The hosts are five minutes early and late."""
    box, = created(site, name)
    box.host.request(box, NEW).expect(0)

    def age(seconds):
        site.db.sql("UPDATE pymailadmin_request SET created_at = "
                    "UTC_TIMESTAMP() - INTERVAL %s SECOND WHERE id = %s",
                    seconds, box.request_id)
        return answers(box, PASSWORD)["imap"]
    for seconds in (0, 14 * 60):
        assert "UNAVAILABLE" in age(seconds)
    assert age(15 * 60 + 1) is None
    assert site.mail["ab".replace(name, "")].process().expect(0)
    assert box.host.row(box)["state"] == "pending"
    process(box.host)
    assert box.host.row(box)["state"] == "expired"
    # what is filed on a host whose clock is wrong opens on it
    box.host.request(box, NEW).expect(0)
    process(box.host)
    assert box.host.row(box)["state"] == "done"
    assert_opens(box, NEW, EMPTY)


def test_the_network_is_cut(site):
    """Between all others and the database, in the middle of a change."""
    browser = enter(site.portal, OWNER)
    browser.get("/home").expect()
    box, = created(site, "a")
    box.deliver(messages.small(1))
    before = box.everything()
    box.host.request(box, NEW).expect(0)
    box.host.expect_log(WORKER_KILLED)
    box.host.expect_core(WORKER_CORE)
    cable = site.machines["database"]
    run = box.host.spawn("pymailadmin", "process")
    try:
        wait_until(lambda: states(site) != {"pending"}, "it is taken", 30)
        cable.cut()
        output = run.communicate(timeout=60)[0]
        # Dovecot's own bug is as good as a kill: sql_run_has_lost_server()
        assert run.returncode in (75, -signal.SIGSEGV), output
        # one that begins without a network ends in peace, if it has the time
        assert box.host.process().code in (75, -signal.SIGSEGV)
        # nobody knows whether the mailbox is closed
        with pytest.raises(Refused, match="UNAVAILABLE"):
            box.imap()
        with box.host.lmtp() as lmtp:
            assert lmtp.deliver(box.address, messages.small(2))[0] // 100 == 4
        assert browser.get("/home").status == 503
    finally:
        cable.mend()
        run.kill()
        run.wait()
        site.portal.forget_errors()
    assert open_requests(site) == 1
    process(site.mail["b"])
    assert open_requests(site) == 1
    wait_until(lambda: box.host.process("--one", box.address).code == 0 and
               open_requests(site) == 0, "it is done", 60)
    assert_opens(box, NEW, before)
    assert_clean(box)


# TLS between the database and all others, with certificates on both sides

def assert_unreachable(result, says):
    """check says it in its line, or dies of Dovecot's own bug before that."""
    assert result.code in (75, -signal.SIGSEGV), result
    assert re.search(says, result.stderr), result
    if result.code == 75:
        line, = [row for row in result.json if row["check"] == "database"]
        assert "standard error says why" in line["text"]


def broken(site, how):
    """What a machine has in place of its certificate, key and authority, and
    the database's address for it."""
    other = Authority(site.folder, name=f"other-{how}")
    own = {"name": f"broken-{how}", "common_name": "mail-a"}
    address = f"IP:{site.machines['mail-a'].address}"
    pair, ca = site.authority.issue(address, **own), site.authority.path
    if how == "wrong authority":
        ca = other.path
    elif how == "expired":
        pair = site.authority.issue(address, validity=PAST, **own)
    elif how == "another's certificate":
        pair = site.authority.issue(address, **{**own, "common_name": "mail-z"})
    elif how == "another authority's certificate":
        pair = other.issue(address, **own)
    elif how == "none":
        pair = "", ""
    return ca, pair


@pytest.mark.parametrize("how, says", [
    ("wrong authority", "certificate"),
    ("another's certificate", "Access denied"),
    # The server's alert may come after the connection is gone.
    ("expired", "certificate expired|Lost connection|gone away"),
    ("another authority's certificate", "unknown ca|Lost connection|gone away"),
    ("none", "Access denied")])
def test_a_wrong_certificate_is_refused(site, how, says):
    """On both sides, in words."""
    ca, pair = broken(site, how)
    host = site.mail["a"]
    host.database, good = {**host.database, "settings": site.dovecot_tls(
        "mail-a", ca, pair)}, host.database
    path = host.scratch / "broken.conf"
    path.write_text(host.config())
    path.chmod(0o600)
    host.database = good
    result = host.command("doveadm", "-c", path, "-f", "json", "pymailadmin",
                          "check", timeout=60)
    assert_unreachable(result, says)
    said = site.portal.with_tls(ca, *pair)
    # the portal's account is for its own certificate
    assert re.search(says, said) or (how != "wrong authority" and
                                     "Access denied" in said), said


def test_a_database_that_is_not_the_right_one_is_refused(site):
    """Its certificate is for another address."""
    site.machines["database"].run(
        "ip", "addr", "add", "10.77.7.99/24", "dev", "eth0").check_returncode()
    host = site.mail["a"]
    path = host.scratch / "elsewhere.conf"
    path.write_text(host.config(database_socket="10.77.7.99"))
    path.chmod(0o600)
    result = host.command("doveadm", "-c", path, "-f", "json", "pymailadmin",
                          "check", timeout=60)
    assert_unreachable(result, "Hostname verification failed")
    said = site.portal.with_tls(host="10.77.7.99")
    assert "Hostname verification failed" in said, said

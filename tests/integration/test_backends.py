"""Mail hosts that share a database: each takes its own mailboxes only."""

import contextlib

import pytest

from changes import assert_clean, assert_opens
from databases import ID, as_plugin, call, db, file_request, run, server
from mailhost import MailHost
from test_check import lines_of

__all__ = ["db", "server"]
ALICE = "alice@example.test"
EMPTY = {"INBOX": [], "Sent": [], "Trash": []}
ELSEWHERE = "INSERT INTO pymailadmin_heartbeat (host, backend, seal_key_id, " \
    "version, last_run_at) VALUES ('other.test', %s, %s, '1', UTC_TIMESTAMP())"


def say(db, body):
    """Where mailboxes are: the body of the views' function."""
    db.load("DELIMITER $$\nCREATE OR REPLACE FUNCTION "
            "pymailadmin_mailbox_backend(p_domain VARCHAR(254) CHARACTER SET "
            "utf8mb4, p_address VARCHAR(254) CHARACTER SET utf8mb4) RETURNS "
            "VARCHAR(253) CHARACTER SET utf8mb4 READS SQL DATA SQL SECURITY "
            f"DEFINER {body} $$\nDELIMITER ;\n")


def nowhere(db):
    say(db, "RETURN NULL")


@contextlib.contextmanager
def said(db, body):
    say(db, body)
    try:
        yield
    finally:
        nowhere(db)


def backend(db):
    return db.value("SELECT backend FROM pymailadmin_request WHERE id = %s", ID)


def claim(connection, state, backend, seen="", owner="h/1/2"):
    return call(connection, "request_claim", ID, state, seen, owner, backend,
                300)


# The database

def test_a_request_is_of_the_backend_of_its_mailbox(db):
    plugin = as_plugin(db)
    with said(db, f"RETURN IF(p_address = '{ALICE}', 'a', p_domain)"):
        file_request(plugin)
        assert backend(db) == "a"
        db.sql("DELETE FROM pymailadmin_request")
        # one that is not there yet
        file_request(plugin, address="new@other.test", kind="create")
        assert backend(db) == "other.test"
    db.sql("DELETE FROM pymailadmin_request")
    file_request(plugin)
    assert backend(db) is None


def test_only_hosts_of_its_backend_take_it(db):
    plugin = as_plugin(db)
    with said(db, "RETURN 'a'"):
        file_request(plugin)
        before = db.sql("SELECT * FROM pymailadmin_request")
        assert claim(plugin, "pending", "b") == "elsewhere"
        assert claim(plugin, "pending", "") == "elsewhere"
        assert db.sql("SELECT * FROM pymailadmin_request") == before
        assert claim(plugin, "pending", "A") == "done"
        assert claim(plugin, "pending", "a") == "lost"
        assert claim(plugin, "claimed", "a") == "lost"
        assert claim(plugin, "claimed", "b", "h/1/2") == "elsewhere"
        assert claim(plugin, "claimed", "a", "h/1/2", "h/2/3") == "done"
    db.sql("DELETE FROM pymailadmin_request")
    file_request(plugin)
    assert claim(plugin, "pending", "a") == "elsewhere"
    assert claim(plugin, "pending", "") == "done"
    row, = db.sql("SELECT state, claimed_by, attempts FROM "
                  "pymailadmin_request")
    assert row == {"state": "claimed", "claimed_by": "h/1/2", "attempts": 1}


def test_nobody_takes_what_another_host_works_on(db):
    """Though it saw the lease run out: it may have been renewed since."""
    plugin = as_plugin(db)
    lease = "UPDATE pymailadmin_request SET lease_until = UTC_TIMESTAMP() + " \
        "INTERVAL %s SECOND"
    file_request(plugin)
    assert claim(plugin, "pending", "", owner="a/1/2") == "done"
    before = db.sql("SELECT * FROM pymailadmin_request")
    for owner in ("b/1/2", "a.test/1/2", ""):
        assert claim(plugin, "claimed", "", "a/1/2", owner) == "lost"
    with said(db, "RETURN 'moved'"):
        assert claim(plugin, "claimed", "", "a/1/2", "b/1/2") == "lost"
    assert db.sql("SELECT * FROM pymailadmin_request") == before
    # its own host knows whether that process is gone
    assert claim(plugin, "claimed", "", "a/1/2", "a/1/2/1") == "done"
    assert claim(plugin, "claimed", "", "a/1/2/1", "A/7/8") == "done"
    run(plugin, lease, 1)
    assert claim(plugin, "claimed", "", "A/7/8", "b/1/2") == "lost"
    run(plugin, lease, 0)
    assert claim(plugin, "claimed", "", "a/7/8", "b/1/2") == "done"
    run(plugin, "UPDATE pymailadmin_request SET lease_until = NULL")
    assert claim(plugin, "claimed", "", "b/1/2", "a/1/2") == "done"


@pytest.mark.parametrize("state, moves", [
    ("pending", True), ("claimed", True), ("storing", True),
    # its journal is where it began
    ("switching", False), ("switched", False), ("rekeying", False)])
def test_a_mailbox_moves_meanwhile(db, state, moves):
    plugin = as_plugin(db)
    with said(db, "RETURN 'a'"):
        file_request(plugin)
        db.sql("UPDATE pymailadmin_request SET state = %s, claimed_by = "
               "'gone/1/2', retry_at = UTC_TIMESTAMP()", state)
        say(db, "RETURN 'b'")
        assert claim(plugin, state, "a", "gone/1/2") == (
            "moved" if moves else "done")
        if moves:
            row, = db.sql("SELECT backend, state, claimed_by, retry_at "
                          "FROM pymailadmin_request")
            state = "pending" if state == "claimed" else state
            assert row == {"backend": "b", "state": state, "claimed_by": None,
                           "retry_at": None}
            assert claim(plugin, state, "a") == "elsewhere"
            assert claim(plugin, state, "b") == "done"


@pytest.mark.parametrize("kind, state", [
    ("password", "switching"), ("delete", "rekeying"),
    ("encrypt", "storing"), ("create", "switching")])
def test_nothing_begins_where_the_mailbox_is_no_more(db, kind, state):
    plugin = as_plugin(db)
    with said(db, "RETURN 'a'"):
        file_request(plugin, kind=kind)
        assert claim(plugin, "pending", "a") == "done"
        say(db, "RETURN 'b'")
        with pytest.raises(Exception, match="moved to another mail host"):
            run(plugin, "UPDATE pymailadmin_request SET state = %s", state)
        # it can be given back, and then be taken there
        run(plugin, "UPDATE pymailadmin_request SET state = 'pending', "
            "claimed_by = NULL")
        assert claim(plugin, "pending", "b") == "moved"
        assert claim(plugin, "pending", "b") == "done"
        run(plugin, "UPDATE pymailadmin_request SET state = %s", state)
        # whose rows are going may not be found any more
        say(db, "RETURN NULL")
        run(plugin, "UPDATE pymailadmin_request SET state = 'done', "
            "sealed = NULL")


def test_without_the_function_nothing_is_filed_in_silence(db):
    db.sql("DROP FUNCTION pymailadmin_mailbox_backend")
    try:
        with pytest.raises(Exception, match="pymailadmin_mailbox_backend does "
                           "not exist"):
            file_request(as_plugin(db))
        with pytest.raises(Exception, match="FUNCTION pymailadmin_mailbox_"
                           "backend does not exist"):
            run(as_plugin(db), "CALL pymailadmin_mapping_check()")
    finally:
        nowhere(db)


def test_own_requests_are_found_by_an_index(db):
    """1,000 that are open, of 50 backends, and as many that have ended."""
    with said(db, "RETURN p_domain"):
        db.sql("INSERT INTO pymailadmin_request (id, kind, address, "
               "created_at, state) SELECT MD5(seq), 'delete', "
               "CONCAT('m', seq, '@b', seq % 50), UTC_TIMESTAMP(), "
               "IF(seq <= 1000, 'pending', 'done') FROM seq_1_to_2000")
        db.sql("ANALYZE TABLE pymailadmin_request")
        own = "EXPLAIN SELECT * FROM pymailadmin_request WHERE " \
            "backend <=> NULLIF('b7', '') AND state IN ('pending', 'claimed', " \
            "'switching', 'switched', 'rekeying', 'storing')"
        row, = db.sql(own)
        assert row["key"] == "backend" and int(row["rows"]) < 50, row
        row, = db.sql("EXPLAIN SELECT DISTINCT backend FROM "
                      "pymailadmin_request")
        assert "Using index for group-by" in row["Extra"], row


# The mail host

@pytest.fixture(scope="module")
def host():
    """Two backends: what one of them does is said by -o."""
    with MailHost() as host:
        yield host


@pytest.fixture
def two(host):
    """alice is on a, bob on b, all others on c."""
    host.db.sql("DELETE FROM pymailadmin_request")
    host.db.sql("DELETE FROM pymailadmin_heartbeat")
    with said(host.db, "RETURN CASE SUBSTRING(p_address, 1, 1) WHEN 'a' THEN "
              "'a' WHEN 'b' THEN 'b' ELSE 'c' END"):
        yield host


def process(host, backend, *words):
    return host.doveadm("-o", f"pymailadmin_backend={backend}", "pymailadmin",
                        "process", *words)


def state(host, mailbox):
    return host.requests(mailbox)[0]["state"]


def test_each_takes_its_own(two):
    alice, bob = two.create("alice1"), two.create("bob1")
    for mailbox in (alice, bob):
        two.request(mailbox, "new").expect(0)
    # filed in the same second, perhaps
    assert {row["username"]: row["backend"] for row in two.must(
        "-f", "json", "pymailadmin", "status").json} == {
            alice.address: "a", bob.address: "b"}
    for name in ("", "c"):
        assert process(two, name).expect(0).stdout == ""
    result = process(two, "b", "--one", alice.address).expect(69)
    assert "for mail hosts with pymailadmin_backend = a" in result.stderr
    assert process(two, "b").expect(0).stdout.count(" done") == 1
    assert (state(two, alice), state(two, bob)) == ("pending", "done")
    process(two, "a", "--one", alice.address).expect(0)
    assert state(two, alice) == "done"
    for mailbox in (alice, bob):
        assert_opens(mailbox, "new", EMPTY)
        assert_clean(mailbox)


def test_one_that_has_moved_here_is_done(two):
    """And one that has moved away is not, which is said."""
    alice = two.create("alice8")
    two.request(alice, "new").expect(0)
    say(two.db, "RETURN 'b'")
    assert "pymailadmin_backend = b" in \
        process(two, "c", "--one", alice.address).expect(69).stderr
    assert two.requests(alice)[0]["backend"] == "b"
    two.db.sql("UPDATE pymailadmin_request SET backend = 'a'")
    result = process(two, "b", "--one", alice.address).expect(0)
    assert result.stdout.count(" done") == 1
    assert_opens(alice, "new", EMPTY)


def test_a_deletion_does_not_begin_elsewhere(two):
    """The mailbox moves while it waits for its time."""
    alice = two.create("alice2")
    two.must("pymailadmin", "delete", "-u", alice.address, "--yes")
    say(two.db, "RETURN 'b'")
    later = ["-o", "pymailadmin_deletion_grace=0"]
    for _ in range(2):
        two.must(*later, "-o", "pymailadmin_backend=a", "pymailadmin",
                 "process")
    assert alice.home.exists() and state(two, alice) == "pending"
    assert two.requests(alice)[0]["backend"] == "b"
    for _ in range(2):
        two.must(*later, "-o", "pymailadmin_backend=b", "pymailadmin",
                 "process")
    assert not alice.home.exists() and state(two, alice) == "done"


def test_who_is_silent_leaves_nothing_behind(two):
    """a is gone for good: its requests expire, its mailboxes are on b now."""
    alice, other = two.create("alice3"), two.create("alice4")
    two.request(alice, "new").expect(0)
    two.request(other, "new").expect(0)
    two.db.sql("UPDATE pymailadmin_request SET created_at = UTC_TIMESTAMP() - "
               "INTERVAL 16 MINUTE WHERE address = %s", other.address)
    two.db.sql(ELSEWHERE, "a", None)
    say(two.db, "RETURN 'b'")
    # a has been heard of lately
    process(two, "b").expect(0)
    assert (state(two, alice), state(two, other)) == ("pending", "pending")
    two.db.sql("UPDATE pymailadmin_heartbeat SET last_run_at = "
               "UTC_TIMESTAMP() - INTERVAL 301 SECOND WHERE backend = 'a'")
    process(two, "b").expect(0)
    assert (state(two, alice), state(two, other)) == ("done", "expired")
    assert_opens(alice, "new", EMPTY)
    assert_opens(other, other.password, EMPTY)


def check(host, backend, *words):
    result = host.doveadm("-f", "json", "-o", f"pymailadmin_backend={backend}",
                          "pymailadmin", "check", *words)
    return result.code, lines_of(result.json)


def test_check_says_what_a_host_takes(two):
    two.create("alice5")
    code, lines = check(two, "a")
    assert code == 0
    assert lines["backend"][0] == "ok" and lines["backend"][1].endswith(
        "says a")
    code, lines = check(two, "")
    assert code == 78 and lines["backend"][0] == "error"
    assert "has no pymailadmin_backend" in lines["backend"][1]
    code, lines = check(two, "zz")
    assert code == 78 and "pymailadmin_backend is zz" in lines["backend"][1]
    nowhere(two.db)
    assert check(two, "")[1]["backend"] == (
        "ok", "this host takes all mailboxes")


def test_check_does_not_see_all_of_many(two):
    """More than it looks at are on a: those of zz may come after them."""
    two.create("alice7", key=False)
    two.db.sql("INSERT INTO domain (domain) VALUES ('big.test')")
    two.db.sql("INSERT INTO users (domain_id, email, crypt) SELECT d.id, "
               "CONCAT('a', seq, '@big.test'), 'x' FROM seq_1_to_5001, "
               "domain d WHERE d.domain = 'big.test'")
    try:
        code, lines = check(two, "zz")
    finally:
        two.db.sql("DELETE FROM domain WHERE domain = 'big.test'")
    assert code == 0 and lines["backend"][0] == "warning"
    assert lines["backend"][1].startswith("of the first 5000 no mailbox is ")
    assert check(two, "zz")[0] == 78


def test_check_says_what_is_wrong_with_others(two):
    alice, bob = two.create("alice6"), two.create("bob6")
    two.request(bob, "new").expect(0)
    process(two, "a")
    code, lines = check(two, "a", "-u", bob.address)
    assert code == 0
    assert lines["other backends"][0] == "warning"
    assert lines["other backends"][1].startswith("there are requests for b,")
    assert lines["user"] == ("warning", "it is on a host with "
                             "pymailadmin_backend = b, and to be checked there")
    assert "request" in lines and "home" not in lines
    key = two.db.value("SELECT seal_key_id FROM pymailadmin_heartbeat")
    two.db.sql(ELSEWHERE, "b", key)
    code, lines = check(two, "a", "-u", alice.address)
    assert not [name for name in lines if name.startswith("other")], lines
    assert lines["home"][0] == "ok"
    two.db.sql("UPDATE pymailadmin_heartbeat SET seal_key_id = REPEAT('0', 16)"
               " WHERE host = 'other.test'")
    code, lines = check(two, "a")
    assert code == 0 and lines["other seal keys"][0] == "warning"
    assert lines["other seal keys"][1].startswith("other.test open")
    # two hosts of one name
    two.db.sql("UPDATE pymailadmin_heartbeat SET backend = 'A' "
               "WHERE host = 'other.test'")
    code, lines = check(two, "a")
    assert code == 0 and lines["other hosts"][0] == "warning"
    assert "other.test take the same mailboxes" in lines["other hosts"][1]
    assert "other hosts" not in check(two, "b")[1]
    # two hosts that were told nothing of each other
    process(two, "")
    nowhere(two.db)
    two.db.sql("UPDATE pymailadmin_heartbeat SET backend = NULL")
    code, lines = check(two, "")
    assert lines["other hosts"][0] == "warning"
    assert "other.test take the same mailboxes" in lines["other hosts"][1]


@pytest.mark.parametrize("name", ["a b", "a'", "é", "x" * 254])
def test_names_that_are_none(host, name):
    result = process(host, name)
    assert result.code == 78
    assert "pymailadmin_backend must be a name" in result.stderr

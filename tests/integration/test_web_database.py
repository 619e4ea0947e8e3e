"""The portal's connection to the database, when that is not as it should be."""

import contextlib
import re
import socket
import time

import pytest

from certificates import Authority
from mariadb import MariaDB, wait_until
from webstores import PASSWORD, USER, Stores, fill, serving_stores


pytestmark = pytest.mark.limit(180)

db, stores = serving_stores()


def connection_id(stores):
    answer = stores("connection")
    assert answer.startswith("1 "), answer
    return int(answer.split()[1])


def timed(stores, *words):
    begin = time.monotonic()
    return stores(*words), time.monotonic() - begin


def recovers(stores):
    wait_until(lambda: stores("account", USER)[0] == "1", "a new connection")


def test_on_this_host_the_server_needs_no_tls():
    with MariaDB(options=["--skip-ssl"], mail=True) as db:
        db.create_mail_database("dv", web_password=PASSWORD)
        for where in (None, f"127.0.0.1:{db.port}", f"localhost:{db.port}"):
            stores = Stores(db, where)
            assert stores("connection").endswith(" []")
            stores.close()


def test_on_another_host_it_is_asked_for_tls():
    """Which shows that it knows the account's password."""
    for options, pattern in ((["--skip-ssl"], "^-1 "), ([], r" \[TLS_\w+\]$")):
        with MariaDB(options=options, mail=True) as db:
            db.create_mail_database("dv", web_password=PASSWORD)
            # not one of the names that stand for this host
            stores = Stores(db, f"{socket.gethostname()}:{db.port}")
            assert re.search(pattern, stores("connection"))
            stores.close()


@pytest.mark.parametrize("where", ["socket", "tcp"])
def test_the_session_is_strict_and_in_utc(db, where):
    stores = Stores(db, None if where == "socket" else f"127.0.0.1:{db.port}")
    answer = stores("connection").split()
    assert "STRICT_ALL_TABLES" in answer[2]
    assert answer[3:7] == ["+00:00", "READ-COMMITTED", "utf8mb4", "1"]
    stores.close()


def test_each_thread_has_its_own_connection_and_keeps_it(stores):
    assert connection_id(stores) == connection_id(stores)
    answers = stores.threads(8, "connection")
    assert len({answer.split()[1] for answer in answers}) == 8


def test_a_lost_connection_is_made_again(db, stores):
    for _ in range(3):
        old = connection_id(stores)
        db.sql(f"KILL {old}")
        assert connection_id(stores) != old
    db.restart()
    assert stores("account", USER)[0] == "1"
    db.kill()
    db.start()
    assert stores("account", USER)[0] == "1"
    assert stores("language", 7, "fr") == "0"


def test_without_a_server_all_fail_at_once_and_then_work_again(db, stores):
    assert stores("account", USER)[0] == "1"
    db.stop()
    try:
        for _ in range(5):
            answer, secs = timed(stores, "account", USER)
            assert answer.startswith("-1") and secs < 0.5
            assert answer.endswith("(unavailable)")
            assert PASSWORD not in answer and USER not in answer
    finally:
        db.start()
    recovers(stores)


def test_a_hung_server_is_given_up_after_five_seconds(db, stores):
    assert stores("account", USER)[0] == "1"
    db.suspend()
    try:
        answer, secs = timed(stores, "account", USER)
        assert answer.startswith("-1") and answer.endswith("(unavailable)")
        assert 4 < secs < 7
        # The next finds out that no new connection is answered either; after
        # that nobody waits for a second.
        timed(stores, "account", USER)
        answer, secs = timed(stores, "account", USER)
        assert answer.startswith("-1") and secs < 0.5
        answers = stores.threads(8, "account", USER)
        assert all(answer.startswith("-1") for answer in answers)
    finally:
        db.resume()
    recovers(stores)


def test_a_transaction_is_done_again_on_a_new_connection(db, stores):
    stores.send("transaction", "")
    line = stores.process.stderr.readline()
    db.sql(f"KILL {int(re.fullmatch('kill ([0-9]+)', line.strip())[1])}")
    stores.process.stdin.write("\n")
    assert stores.answers() == ["1 try try"]
    assert db.value("SELECT COUNT(*) FROM pymailadmin_event "
                    "WHERE kind = 'in-transaction'") == 2


def test_a_deadlock_is_tried_again(db):
    fill(db)
    one, two = Stores(db), Stores(db)
    one.send("deadlock", 7, 8)
    two.send("deadlock", 8, 7)
    assert one.answers() == ["1"] and two.answers() == ["1"]
    assert [row["language"] for row in db.sql(
        "SELECT language FROM pymailadmin_account WHERE id IN (7, 8)")] == \
        ["en", "en"]
    one.close()
    two.close()


def test_a_row_that_changed_meanwhile_is_read_again(db, stores):
    """A statement that reads and writes is refused that by 11.8."""
    db.sql("UPDATE pymailadmin_account SET totp_secret = 'never confirmed' "
           "WHERE id IN (7, 8)")
    with contextlib.closing(db.connect(autocommit=False)) as connection, \
            connection.cursor() as cursor:
        cursor.execute("UPDATE pymailadmin_account SET language = 'fr' "
                       "WHERE id = 8")
        stores.send("housekeeping", 3600)
        wait_until(lambda: db.value(
            "SELECT CAST(variable_value AS INT) FROM "
            "information_schema.global_status WHERE variable_name = "
            "'innodb_row_lock_current_waits'"),
            "housekeeping waits for the row")
        connection.commit()
    assert stores.answers() == ["0 2"]


def test_what_is_refused_is_not_unavailable_and_names_no_value(db, stores):
    db.sql("REVOKE SELECT ON pymailadmin_account FROM 'pymailadmin_web'@'%'")
    refused = Stores(db)
    answer = refused("account", USER)
    refused.close()
    db.sql("GRANT SELECT ON pymailadmin_account TO 'pymailadmin_web'@'%'")
    assert "SELECT pymailadmin_account" in answer and "(1142)" in answer
    assert USER not in answer and "unavailable" not in answer
    answer = stores("event", "x" * 900, "y" * 255, "kind", "", 0)
    assert answer.startswith("-1") and "unavailable" not in answer
    assert "yyy" not in answer


def test_a_wrong_password_is_told_without_it(db):
    stores = Stores(db, password="Guessed1")
    answer = stores("account", USER)
    assert answer.startswith("-1") and "(1045)" in answer
    assert "Guessed1" not in answer
    stores.close()


# TLS

def make_certificates(folder):
    """The server's, and the paths of its authority and of another."""
    authority = Authority(folder)
    return (*authority.issue("IP:127.0.0.1"), authority.path,
            Authority(folder, "other").path)


def test_with_a_ca_only_the_right_server_is_talked_to():
    db = MariaDB(mail=True)
    # The server is another user, who may not enter pytest's folder.
    folder = db.directory / "tls"
    folder.mkdir()
    certificate, key, ca, another = make_certificates(folder)
    db.options = [f"--ssl-cert={certificate}", f"--ssl-key={key}"]
    with db:
        db.create_mail_database("dv", web_password=PASSWORD)
        good = Stores(db, f"127.0.0.1:{db.port}", ca=ca)
        assert re.search(r" \[TLS_\w+\]$", good("connection"))
        other = Stores(db, f"127.0.0.1:{db.port}", ca=another)
        answer = other("connection")
        assert answer.startswith("-1") and "certificate" in answer.lower()
        # It is another host by its certificate.
        named = Stores(db, f"localhost.localdomain:{db.port}", ca=ca)
        assert named("connection").startswith("-1")
        for stores in (good, other, named):
            stores.close()


def test_with_a_ca_there_is_no_connection_without_tls(tmp_path):
    with MariaDB(options=["--skip-ssl"], mail=True) as db:
        db.create_mail_database("dv", web_password=PASSWORD)
        stores = Stores(db, f"127.0.0.1:{db.port}",
                        ca=Authority(tmp_path).path)
        answer = stores("connection")
        assert answer.startswith("-1") and "(unavailable)" in answer
        stores.close()

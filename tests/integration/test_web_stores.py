"""What the portal keeps of accounts: sessions, second factor, limits."""

import re

import pytest

import webstores
from webstores import ADMIN, HASH, OTHER, USER, serving_stores

NEW = HASH + "new"


pytestmark = pytest.mark.limit(180)

db, stores = serving_stores()


def token_of(answer):
    ret, token = answer.split()
    assert ret == "1" and re.fullmatch("[0-9a-f]{64}", token)
    return token


def log_in(stores, account=7, stage="full", agent="Firefox"):
    return token_of(stores("session_create", account, stage, 3600, agent,
                           "192.0.2.1"))


def test_the_schema_is_new_enough(db, stores):
    assert stores("schema") == "0"
    newest = db.value("SELECT MAX(version) FROM pymailadmin_schema_version")
    needed = int(re.search(r"#define SCHEMA_VERSION_MIN (\d+)", (
        webstores.TOP / "web/store/housekeeping.h").read_text())[1])
    assert needed <= newest
    db.sql("INSERT INTO pymailadmin_schema_version (version, description) "
           "VALUES (%s, 'x')", newest + 1)
    assert f"version {newest + 1}, this portal knows version {newest};" in \
        stores("schema")
    db.sql("DELETE FROM pymailadmin_schema_version WHERE version >= %s",
           needed)
    answer = stores("schema")
    older = db.value("SELECT MAX(version) FROM pymailadmin_schema_version")
    db.sql("INSERT INTO pymailadmin_schema_version (version, description) "
           "SELECT seq, 'x' FROM seq_1_to_99 WHERE seq BETWEEN %s AND %s",
           needed, newest)
    assert f"version {older}, the portal needs version {needed}" in answer


# Accounts

def test_an_account_is_found_by_its_address_unless_inactive(db, stores):
    assert stores("account", USER) == f"1 7 en user -1 -1 0 {HASH}"
    assert stores("account", USER.upper()) == f"1 7 en user -1 -1 0 {HASH}"
    assert stores("account", "nobody@post.test") == "0"
    db.sql("UPDATE pymailadmin_account SET active = 0, max_mailboxes = 0 "
           "WHERE id = 7")
    assert stores("account", USER) == "0"
    assert stores("account", ADMIN) == f"1 9 en super_admin -1 -1 0 {HASH}"


def test_a_new_password_ends_all_sessions_and_links(db, stores):
    token = log_in(stores)
    other = log_in(stores, 8)
    reset = token_of(stores("reset_create", 7, 600))
    assert stores("password", 7, "another", NEW) == "0"
    assert stores("session_load", token, 3600).startswith("1")
    assert stores("password", 7, HASH, NEW) == "1"
    assert stores("session_load", token, 3600) == "0"
    assert stores("reset_find", reset) == "0"
    assert stores("session_load", other, 3600).startswith("1")
    assert stores("account", USER).endswith(NEW)
    assert db.sql("SELECT actor, kind, text FROM pymailadmin_event") == [
        {"actor": USER, "kind": "account-password-changed", "text": ""}]
    assert db.value("SELECT template FROM pymailadmin_outbox") == \
        "account-password-changed"


def test_a_hash_of_higher_cost_ends_no_session(stores):
    token = log_in(stores)
    assert stores("upgrade", 7, "another", NEW) == "0"
    assert stores("upgrade", 7, HASH, NEW) == "1"
    assert stores("session_load", token, 3600).startswith("1")


def test_the_language_of_an_account(db, stores):
    assert stores("language", 7, "fr") == "0"
    assert stores("account", USER).split()[2] == "fr"


# Sessions

def test_a_session_is_what_was_logged_in(db, stores):
    token = log_in(stores, agent="Fire\u00e9fox <b>")
    assert stores("session_load", token, 3600) == \
        f"1 {USER} user full 0 3600 [Fire??fox <b>] [192.0.2.1]"
    assert token not in str(db.sql("SELECT * FROM pymailadmin_session"))
    for wrong in ("", "x", token[:-1], token + "0", token.upper(), "0" * 64,
                  "é" * 32):
        assert stores("session_load", wrong, 3600) == "0"


@pytest.mark.parametrize("change", [
    "UPDATE pymailadmin_account SET active = 0",
    "UPDATE pymailadmin_account SET role = 'admin'",
    "UPDATE pymailadmin_account SET password_changed_at = "
    "UTC_TIMESTAMP() + INTERVAL 1 SECOND",
    "UPDATE pymailadmin_session SET seen_at = UTC_TIMESTAMP() - INTERVAL 1 HOUR",
    "UPDATE pymailadmin_session SET expires_at = UTC_TIMESTAMP()",
    "DELETE FROM pymailadmin_account WHERE id = 7",
])
def test_a_session_ends_at_once(db, stores, change):
    token = log_in(stores)
    assert stores("session_load", token, 3600).startswith("1")
    db.sql(change)
    assert stores("session_load", token, 3600) == "0"
    assert stores("session_list", 7) == "0"


def test_an_inactive_account_gets_no_session(db, stores):
    db.sql("UPDATE pymailadmin_account SET active = 0 WHERE id = 7")
    assert stores("session_create", 7, "full", 60, "", "") == "0"
    assert stores("session_create", 777, "full", 60, "", "") == "0"
    assert db.value("SELECT COUNT(*) FROM pymailadmin_session") == 0


def test_being_seen_is_written_at_most_once_a_minute(db, stores):
    token = log_in(stores)
    for age, kept in ((50, True), (70, False)):
        db.sql("UPDATE pymailadmin_session SET seen_at = UTC_TIMESTAMP() - "
               "INTERVAL %s SECOND", age)
        stores("session_load", token, 3600)
        old = db.value("SELECT seen_at < UTC_TIMESTAMP() - INTERVAL 45 SECOND "
                       "FROM pymailadmin_session")
        assert bool(old) == kept


def test_the_id_changes_with_the_code_and_the_rights(db, stores):
    token = log_in(stores, stage="code")
    key = db.value("SELECT csrf_key FROM pymailadmin_session")
    assert " code 0 600 " in stores("session_load", token, 3600)
    assert stores("session_list", 7) == "0"
    renewed = token_of(stores("session_renew", token, "full", 7200))
    assert renewed != token
    assert stores("session_load", token, 3600) == "0"
    assert " full 1 7200 " in stores("session_load", renewed, 3600)
    assert db.value("SELECT csrf_key FROM pymailadmin_session") != key
    # One code makes one session.
    assert stores("session_renew", token, "full", 7200) == "0"
    # It goes on over a change of password, and no longer than it would have.
    third = token_of(stores("session_renew", renewed, "full", 0, HASH, NEW))
    assert re.search(" full 1 (7200|719.) ",
                     stores("session_load", third, 3600))
    assert stores("session_load", renewed, 3600) == "0"


def test_one_code_makes_one_session_however_often_it_is_sent(db, stores):
    token = log_in(stores, stage="code")
    answers = stores.threads(8, "session_renew", token, "full", 3600)
    assert [answer[0] for answer in answers].count("1") == 1
    assert db.value("SELECT COUNT(*) FROM pymailadmin_session") == 1


def test_sessions_are_listed_and_ended_by_their_owner(db, stores):
    first = log_in(stores, agent="first")
    second = log_in(stores, agent="second")
    other = log_in(stores, 8)
    assert sorted(stores("session_list", 7).split()) == \
        ["0", "[first]", "[second]"]
    stores("session_end", 7, other)
    assert stores("session_load", other, 3600).startswith("1")
    stores("session_end", 7, first)
    assert stores("session_list", 7) == "0 [second]"
    third = log_in(stores, agent="third")
    stores("session_end_others", 7, third)
    assert stores("session_list", 7) == "0 [third]"
    assert stores("session_load", second, 3600) == "0"
    stores("session_end_others", 7, "")
    assert stores("session_list", 7) == "0"
    assert stores("session_load", other, 3600).startswith("1")


def test_an_account_has_no_more_than_twenty_sessions(db, stores):
    for n in range(25):
        token = log_in(stores, agent=f"agent{n}")
        assert stores("session_load", token, 3600).startswith("1")
    assert db.value("SELECT COUNT(*) FROM pymailadmin_session") == 20


# The second factor

def test_a_second_factor_is_set_up_used_and_removed(db, stores):
    assert stores("two_factor", 7) == "0"
    assert stores("two_factor_begin", 7, 0x11) == "1"
    assert stores("two_factor_begin", 7, 0x22) == "1"
    assert stores("two_factor", 7) == "1 0 0 0 22222222"
    assert stores("account", USER).split()[6] == "0"
    assert stores("use_step", 7, 1000) == "0"
    assert stores("set_codes", 7) == "0"
    token = log_in(stores)
    assert stores("two_factor_confirm", 7, 0x11, 1000) == "0"
    assert stores("two_factor_confirm", 7, 0x22, 1000) == "1"
    assert stores("two_factor_confirm", 7, 0x22, 1001) == "0"
    assert stores("two_factor", 7) == "1 1 1000 10 22222222"
    assert stores("account", USER).split()[6] == "1"
    assert stores("session_load", token, 3600) == "0"
    # A confirmed one is not replaced by who only has the session.
    assert stores("two_factor_begin", 7, 0x33) == "0"
    assert [stores("use_step", 7, step) for step in
            (1000, 1002, 1002, 1001, 1003)] == ["0", "1", "0", "0", "1"]
    assert stores("two_factor_disable", 7) == "0"
    assert stores("two_factor", 7) == "0"
    assert db.value("SELECT COUNT(*) FROM pymailadmin_backup_code") == 0
    assert [row["template"] for row in
            db.sql("SELECT template FROM pymailadmin_outbox ORDER BY id")] == \
        ["two-factor-on", "two-factor-off"]


def test_a_code_counts_once_however_many_send_it(db, stores):
    stores("two_factor_begin", 7, 1)
    stores("two_factor_confirm", 7, 1, 5)
    assert stores.threads(16, "use_step", 7, 9).count("1") == 1
    code = "A222 2222-222a"
    assert stores.threads(16, "use_code", 7, code).count("1") == 1
    assert stores("use_code", 7, code) == "0"
    assert stores("use_code", 8, "b222-2222-222a") == "0"
    assert stores("use_code", 7, "b222-2222-222a") == "1"
    assert stores("two_factor", 7).split()[3] == "8"
    assert stores("set_codes", 7) == "1"
    assert stores("two_factor", 7).split()[3] == "10"


# Forgotten passwords

def test_a_link_sets_a_password_once(db, stores):
    token = log_in(stores)
    assert stores("reset_request", USER) == "0"
    assert stores("reset_request", USER) == "0"
    assert stores("reset_request", "nobody@post.test") == "0"
    assert stores("outbox_count") == "0 1"
    mail = stores("outbox_take").split()
    assert mail[2:] == [USER, "en", "password-reset", "-"]
    assert stores("outbox_take") == "0"
    first = token_of(stores("reset_create", 7, 600))
    link = token_of(stores("reset_create", 7, 600))
    stores("outbox_sent", mail[1])
    assert stores("reset_find", first) == "0"
    assert stores("reset_find", link) == f"1 {USER}"
    assert link not in str(db.sql("SELECT * FROM pymailadmin_password_reset"))
    answers = stores.threads(8, "reset_use", link, NEW)
    assert answers.count("1") == 1 and answers.count("0") == 7
    assert stores("account", USER).endswith(NEW)
    assert stores("session_load", token, 3600) == "0"
    assert stores("reset_find", link) == "0"


@pytest.mark.parametrize("change", [
    "UPDATE pymailadmin_password_reset SET expires_at = UTC_TIMESTAMP()",
    "UPDATE pymailadmin_account SET active = 0 WHERE id = 7",
])
def test_a_link_ends(db, stores, change):
    link = token_of(stores("reset_create", 7, 600))
    db.sql(change)
    assert stores("reset_find", link) == "0"
    assert stores("reset_use", link, NEW) == "0"
    assert stores("reset_use", "0" * 64, NEW) == "0"
    assert stores("reset_use", "é", NEW) == "0"


# Limits

def test_a_bucket_empties_refuses_and_fills(db, stores):
    take = ("limit", "login", "User@post.test", 3, 300)
    assert [stores(*take) for _ in range(3)] == ["1"] * 3
    assert stores(*take) in ("0 99", "0 100")
    assert stores("limit", "login", USER, 3, 300)[0] == "0"
    # Another thing, another subject.
    assert stores("limit", "code", USER, 3, 300) == "1"
    assert stores("limit", "login", OTHER, 3, 300) == "1"
    # Asking in vain costs nothing, and gains nothing.
    for _ in range(20):
        assert stores(*take)[0] == "0"
    db.sql("UPDATE pymailadmin_rate_limit SET updated_at = updated_at - "
           "INTERVAL 101 SECOND")
    assert stores(*take) == "1"
    assert stores(*take)[0] == "0"
    db.sql("UPDATE pymailadmin_rate_limit SET updated_at = updated_at - "
           "INTERVAL 1 YEAR")
    assert [stores(*take)[0] for _ in range(4)] == ["1", "1", "1", "0"]
    # A clock set back gives nothing.
    db.sql("UPDATE pymailadmin_rate_limit SET updated_at = updated_at + "
           "INTERVAL 1 YEAR")
    assert stores(*take)[0] == "0"
    rows = str(db.sql("SELECT * FROM pymailadmin_rate_limit"))
    assert "post.test" not in rows


def test_no_more_than_the_burst_however_many_ask_at_once(stores):
    answers = stores.threads(40, "limit", "login", "x", 10, 86400)
    assert [answer[0] for answer in answers].count("1") == 10


def test_without_the_database_nothing_is_allowed(db, stores):
    assert stores("limit", "login", "x", 10, 60) == "1"
    db.stop()
    answer = stores("limit", "login", "x", 10, 60)
    db.start()
    assert answer.startswith("-1") and answer.endswith("(unavailable)")


# The outbox and housekeeping

def test_a_mail_is_taken_by_one_and_comes_back_if_it_failed(db, stores):
    stores("reset_request", USER)
    stores("reset_request", OTHER)
    answers = stores.threads(8, "outbox_take")
    assert [answer[0] for answer in answers].count("1") == 2
    number = db.value("SELECT id FROM pymailadmin_outbox WHERE account_id = 7")
    stores("outbox_failed", number, 0)
    assert stores("outbox_take").split()[1:3] == [str(number), USER]
    stores("outbox_sent", number)
    db.sql("UPDATE pymailadmin_account SET active = 0")
    db.sql("UPDATE pymailadmin_outbox SET retry_at = UTC_TIMESTAMP()")
    assert stores("outbox_take") == "0"


def test_what_one_statement_meets_stops_no_other(db, stores):
    db.sql("INSERT INTO pymailadmin_registration (email, password, reason, "
           "expires_at) VALUES ('late@post.test', REPEAT('x', 60), 'x', "
           "UTC_TIMESTAMP() - INTERVAL 1 SECOND)")
    tables = [f"pymailadmin_{name}" for name in ("known_device", "rate_limit")]
    for table in tables:
        db.sql(f"RENAME TABLE {table} TO gone_{table}")
    try:
        answer = stores("housekeeping", 3600)
    finally:
        for table in tables:
            db.sql(f"RENAME TABLE gone_{table} TO {table}")
    assert db.value("SELECT COUNT(*) FROM pymailadmin_registration") == 0
    # What is said is the first.
    assert answer.startswith("-1") and tables[0] in answer, answer
    assert tables[1] not in answer


def test_what_has_expired_is_deleted(db, stores):
    kept = log_in(stores, agent="kept")
    for column in ("seen_at", "expires_at"):
        log_in(stores, agent=column)
        db.sql(f"UPDATE pymailadmin_session SET {column} = UTC_TIMESTAMP() - "
               "INTERVAL 2 HOUR WHERE user_agent = %s", column)
    stores("reset_create", 7, 600)
    stores("reset_create", 8, 600)
    db.sql("UPDATE pymailadmin_password_reset SET expires_at = "
           "UTC_TIMESTAMP() - INTERVAL 1 SECOND WHERE account_id = 7")
    stores("limit", "a", "old", 1, 1)
    db.sql("UPDATE pymailadmin_rate_limit SET updated_at = "
           "UTC_TIMESTAMP() - INTERVAL 8 DAY")
    stores("limit", "a", "new", 1, 1)
    stores("two_factor_begin", 8, 1)
    db.sql("INSERT INTO pymailadmin_account_mailbox VALUES "
           "('never@one.test', 7, UTC_TIMESTAMP() - INTERVAL 8 DAY), "
           "('soon@one.test', 7, UTC_TIMESTAMP())")
    # two sessions, a link, a bucket, a secret, an owner
    assert stores("housekeeping", 3600) == "0 6"
    assert stores("housekeeping", 3600) == "0 0"
    assert stores("session_load", kept, 3600).startswith("1")
    assert stores("two_factor", 8) == "0"
    assert [row["address"] for row in
            db.sql("SELECT address FROM pymailadmin_account_mailbox "
                   "ORDER BY address")] == \
        ["a@one.test", "b@one.test", "c@two.test", "soon@one.test"]

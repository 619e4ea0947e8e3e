"""The history of everybody: who did what, when."""

import datetime
import html
import re

import pytest

from webportal import Portal

USER, ADMIN, ROOT, LOUISE = (f"{name}@post.test" for name in (
    "user", "admin", "root", "louise"))
DAY = datetime.date(2026, 3, 1)


@pytest.fixture(scope="module")
def portal():
    with Portal() as portal:
        portal.add_account(USER, domains=["one.test"])
        portal.add_account(ADMIN, role="admin", domains=["one.test"])
        portal.add_account(ROOT, role="super_admin")
        portal.add_account(LOUISE, role="super_admin", language="fr")
        yield portal


@pytest.fixture(autouse=True)
def empty(portal):
    portal.db.sql("DELETE FROM pymailadmin_event")


def happen(portal, kind, actor=USER, address=None, text="", at=None, hidden=0):
    portal.db.sql("INSERT INTO pymailadmin_event (created_at, actor, address, "
                  "kind, text, hidden) VALUES (COALESCE(%s, UTC_TIMESTAMP()), "
                  "%s, %s, %s, %s, %s)", at, actor, address, kind, text, hidden)


def rows(page):
    """The texts of each row's cells: what, when, mailbox, who, details."""
    body = page.html.partition("<tbody>")[2].partition("</tbody>")[0]
    found = []
    for row in body.split("</tr>")[:-1]:
        cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
        what, _, details = cells[0].partition("<br>")
        when, _, actor = cells[1].partition("<br>")
        found.append([html.unescape(re.sub(r"<[^>]*>", "", text)).strip()
                      for text in (what, when, cells[2], actor, details)])
    return found


def details(page):
    return [row[-1] for row in rows(page)]


@pytest.mark.parametrize("who", [USER, ADMIN])
def test_only_super_admins_see_it(portal, who):
    happen(portal, "login")
    portal.log_in(who).get("/events").expect(404)
    portal.browser().get("/events").expect(303, "/login")
    assert "/events" not in portal.log_in(who).get("/home").html


def test_the_newest_comes_first_in_ones_language(portal):
    root = portal.log_in(ROOT)
    assert "Nothing has happened yet" in root.get("/events").expect().text
    happen(portal, "login", text="192.0.2.7")
    happen(portal, "alias-rename", address="a@one.test",
           text="b@one.test <c>@one.test")
    happen(portal, "password-failed", "doveadm", "a@one.test", "no space",
           hidden=1)
    happen(portal, "of-tomorrow", ROOT)
    page = root.get("/events").expect()
    assert [[row[0], *row[2:]] for row in rows(page)] == [
        ["of-tomorrow", "–", ROOT, ""],
        ["Change of password failed", "a@one.test", "doveadm", "no space"],
        ["Alias renamed", "a@one.test", USER, "b@one.test <c>@one.test"],
        ["Log-in", "–", USER, "192.0.2.7"]]
    page = portal.log_in(LOUISE).get("/events").expect()
    assert [row[0] for row in rows(page)] == [
        "of-tomorrow", "Changement de mot de passe échoué", "Alias renommé",
        "Connexion"]
    for path in ("/administration", "/requests"):
        assert "/events" in root.get(path).parsed.links


def test_an_account_made_again_has_done_nothing_yet(portal):
    """Though another had its address before."""
    root = portal.log_in(ROOT)
    page = root.submit(root.get("/accounts/add").expect(), "/accounts/add",
                       email="again@post.test", role="user", language="en")
    made = page.location
    page = root.follow(page).expect()
    # Its owner is told nothing, and that is what who made it is told.
    assert "this portal sends no mail: set smtp_url" in page.text
    for at, seen in (("2026-01-01", False), (None, True)):
        happen(portal, "alias-add", "again@post.test", "a@one.test",
               "b@one.test", at)
        page = root.get(made).expect()
        assert ("The alias b@one.test was added" in page.text) == seen
        text = page.html.partition("<dt>Last seen</dt>")[2]
        assert bool(re.search(r"\d{4}", text.partition("</dd>")[0])) == seen


def test_every_kind_has_a_name(portal):
    """Of those that any part of this writes."""
    kinds = ["setup-done", "login", "login-backup-code",
             "account-password-changed", "account-password-reset", "two-factor-on", "two-factor-off",
             "backup-codes-changed", "registration-confirmed",
             "registration-accepted", "registration-declined",
             "registration-dropped", "invitation-made", "invitation-ended",
             "account-made", "account-deleted",
             "account-activated", "account-deactivated", "account-role",
             "account-limits", "account-domains-given",
             "account-domains-taken", "account-sessions-ended",
             "account-two-factor-reset", "domain-added", "domain-removed",
             "owner-changed", "address-freed", "alias-add", "alias-rename",
             "alias-delete"]
    kinds += [f"{kind}-{state}" for kind in ("password", "create", "delete",
                                             "encrypt")
              for state in ("pending", "done", "failed", "canceled",
                            "retried")]
    kinds += ["password-expired", "create-expired", "close-pending",
              "close-done", "close-canceled"]
    for kind in kinds:
        happen(portal, kind)
    for who in (ROOT, LOUISE):
        browser = portal.log_in(who)
        page = browser.get("/events")
        [later] = {link for link in page.parsed.links
                   if link.startswith("/events?after=")}
        names = [row[0] for each in (page, browser.get(later))
                 for row in rows(each)]
        assert len(set(names)) == len(kinds)
        assert not set(names) & set(kinds)
        # Each can be chosen, and all.
        assert set(re.findall(r'<option value="([^"]+)">', page.html)) == \
            set(kinds)


def test_filters(portal):
    for number, (kind, actor, address) in enumerate([
            ("login", USER, None), ("login", ROOT, None),
            ("alias-add", USER, "a@one.test"),
            ("alias-add", ROOT, "a@one.test"),
            ("password-done", "doveadm", "a@one.test"),
            ("password-done", "doveadm", "b@one.test")]):
        happen(portal, kind, actor, address, str(number))
    root = portal.log_in(ROOT)
    for query, expected in (
            ("address=A%40one.test", "432"), ("actor=doveadm", "54"),
            (f"actor={USER}", "20"), ("kind=login", "10"),
            (f"kind=login&actor={ROOT}", "1"),
            (f"address=a%40one.test&actor={ROOT}", "3"),
            ("address=a%40one.test&kind=alias-add", "32"),
            (f"address=a%40one.test&actor={USER}&kind=alias-add", "2"),
            ("kind=no-such", ""), ("address=%27+OR+1", ""),
            ("address=&actor=&kind=&from=&to=", "543210")):
        page = root.get("/events?" + query).expect()
        assert "".join(details(page)) == expected, query
        assert ("Nothing of this kind" in page.text) == (expected == "")
        # The form shows what it was.
        fields = page.form("/events")
        for part in query.split("&"):
            name, _, value = part.partition("=")
            if name in ("address", "actor"):
                assert fields[name] == value.replace("%40", "@").replace(
                    "%27", "'").replace("+", " ")
    for kind in ("login", "no-such"):
        assert f'<option value="{kind}" selected>' in \
            root.get(f"/events?kind={kind}").html


def test_days(portal):
    """In the time of the portal's host, which is the tests' UTC."""
    for text, at in (("before", "2026-02-28 23:59:59"),
                     ("first", "2026-03-01 00:00:00"),
                     ("last", "2026-03-01 23:59:59"),
                     ("after", "2026-03-02 00:00:00")):
        happen(portal, "login", text=text, at=at)
    # Ids need not have the order of times.
    happen(portal, "login", text="early", at="2026-03-01 00:00:01")
    happen(portal, "login", text="late", at="2026-03-02 00:00:01")
    root = portal.log_in(ROOT)
    for query, expected in (
            ("from=2026-03-01&to=2026-03-01", ["early", "last", "first"]),
            ("from=2026-03-02", ["late", "after"]),
            ("to=2026-02-28", ["before"]), ("from=2026-03-03", []),
            ("to=2026-02-27", []), ("from=2026-03-02&to=2026-03-01", []),
            ("from=2026-03-01&to=2026-03-01&actor=x", [])):
        assert details(root.get("/events?" + query).expect()) == expected, query


@pytest.mark.parametrize("day", ["2026-02-30", "2026-13-01", "x", "1/3/2026",
                                 "2026-3-1", "2026-03-01T", "9999-01-01",
                                 "0000-00-00", "-026-03-01"])
def test_days_that_are_none(portal, day):
    happen(portal, "login")
    for name in ("from", "to"):
        page = portal.log_in(ROOT).get(f"/events?{name}={day}").expect(422)
        assert "Enter a day" in page.text and rows(page) == []
        assert "Nothing of this kind" not in page.text


def test_pages(portal):
    portal.db.sql("INSERT INTO pymailadmin_event (actor, address, kind, text) "
                  "SELECT %s, 'a@one.test', 'login', seq FROM seq_1_to_120",
                  USER)
    root = portal.log_in(ROOT)
    for query in ("", f"actor={USER}&", "kind=login&", "from=2026-01-01&",
                  "address=a%40one.test&"):
        path, seen = "/events?" + query, []
        for count in (50, 50, 20):
            page = root.get(path).expect()
            assert len(details(page)) == count
            seen += details(page)
            more = [html.unescape(link) for link in page.parsed.links
                    if "after=" in link]
            path = more[0] if more else None
        assert path is None
        assert seen == [str(number) for number in range(120, 0, -1)]
        first = [link for link in page.parsed.links
                 if link.startswith("/events?address=")]
        assert details(root.get(first[0]))[0] == "120"


@pytest.mark.limit(240)
def test_a_long_history_costs_no_more(portal):
    """Whatever is asked for, about as many rows are read as are shown."""
    portal.db.sql(
        "INSERT INTO pymailadmin_event (created_at, actor, address, kind) "
        "SELECT '2020-01-01' + INTERVAL seq MINUTE, "
        "IF(seq % 1000, 'doveadm', CONCAT('u', seq, '@post.test')), "
        "CONCAT('m', seq % 5000, '@one.test'), "
        "IF(seq % 2, 'login', IF(seq = 2, 'rare', 'password-done')) "
        "FROM seq_1_to_150000")
    portal.db.sql("ANALYZE TABLE pymailadmin_event")
    root = portal.log_in(ROOT)

    def read():
        return sum(int(row["Value"]) for row in portal.db.sql(
            "SHOW GLOBAL STATUS LIKE 'Handler\\_read%'"))
    for query, count in (
            ("", 50), ("actor=doveadm", 50), ("actor=u1000%40post.test", 1),
            ("actor=nobody", 0), ("kind=rare", 1), ("kind=login", 50),
            ("address=m7%40one.test", 30), ("address=nobody", 0),
            ("address=m7%40one.test&kind=login", 30),
            ("actor=doveadm&kind=rare", 1), ("from=2020-02-01", 50),
            ("to=2020-02-01", 50), ("from=2020-02-01&to=2020-02-01", 50),
            ("from=2020-02-01&to=2020-02-02&kind=login", 50),
            ("from=2020-02-01&to=2020-02-01&actor=doveadm", 50),
            ("from=2031-01-01", 0), ("after=75000&kind=password-done", 50)):
        before = read()
        page = root.get("/events?" + query).expect()
        assert len(rows(page)) == count, query
        assert read() - before < 1000, (query, read() - before)

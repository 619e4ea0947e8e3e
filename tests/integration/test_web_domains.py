"""Domains that super admins add and remove, addresses they free, whose a
mailbox is, and what the owner of one learns of what they do to it."""

import html
import re

import pytest

from mailcatcher import MailCatcher
from mariadb import SQL
from webportal import Portal

pytestmark = pytest.mark.limit(180)
USER, OTHER, ADMIN, ROOT = (f"{name}@post.test" for name in (
    "user", "other", "admin", "root"))
BOX, GONE = "box@one.test", "gone@one.test"


@pytest.fixture(scope="module")
def catcher():
    with MailCatcher() as catcher:
        yield catcher


@pytest.fixture(scope="module")
def portal(catcher):
    with Portal(smtp_url=catcher.url, mail_from="portal@post.test",
                manage_domains="yes") as portal:
        portal.db.load(SQL / "grants-web-domains.sql")
        portal.add_account(USER, domains=["one.test"])
        portal.add_account(OTHER, domains=["empty.test"], language="fr")
        portal.add_account(ADMIN, role="admin", domains=["one.test"])
        portal.add_account(ROOT, role="super_admin")
        yield portal


@pytest.fixture(autouse=True)
def clean(portal, catcher):
    for table in ("event", "outbox", "request", "account_mailbox",
                  "reserved_address"):
        portal.db.sql(f"DELETE FROM pymailadmin_{table}")
    for table in ("users", "alias"):
        portal.db.sql(f"DELETE FROM {table}")
    portal.add_domain("empty.test")
    portal.forget_limits()
    catcher.clear()
    portal.add_mailbox(BOX, USER)


@pytest.fixture
def root(portal):
    return portal.log_in(ROOT)


def domains(portal):
    return [row["domain"] for row in portal.db.sql(
        "SELECT domain FROM domain ORDER BY domain")]


def row_of(page, name):
    text = page.html.partition(f">{name}</a>")[2].partition("</tr>")[0]
    return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", text).split()))


def events(portal):
    return [(row["actor"], row["kind"], row["text"]) for row in portal.db.sql(
        "SELECT actor, kind, text FROM pymailadmin_event ORDER BY id")]


def owner(portal, address=BOX):
    return portal.db.value(
        "SELECT a.email FROM pymailadmin_account_mailbox o JOIN "
        "pymailadmin_account a ON a.id = o.account_id WHERE o.address = %s",
        address)


def owner_page(browser, address=BOX):
    return browser.get(f"/mailbox/owner?address={address}").expect()


def give(browser, email, page=None):
    return browser.submit(page or owner_page(browser), "/mailbox/owner",
                          email=email)


def take(browser, page=None):
    page = page or owner_page(browser)
    return browser.post("/mailbox/owner", {
        **page.form("/mailbox/owner"), "nobody": "1"}, csrf=page.csrf)


def reserve(portal, address=GONE, days=9):
    portal.db.sql("INSERT INTO pymailadmin_reserved_address (address, "
                  "reserved_until) VALUES (%s, UTC_TIMESTAMP() + INTERVAL %s "
                  "DAY)", address, days)


def reserved(portal):
    return [row["address"] for row in portal.db.sql(
        "SELECT address FROM pymailadmin_reserved_address ORDER BY address")]


# ---- domains

@pytest.mark.parametrize("who", [USER, ADMIN])
def test_others_learn_nothing(portal, who):
    browser, before = portal.log_in(who), domains(portal)
    reserve(portal)
    for path in ("/domains", "/domains/add", "/domains/remove?name=empty.test",
                 f"/mailbox/owner?address={BOX}", "/reserved-addresses"):
        browser.get(path).expect(404)
        portal.browser().get(path).expect(303, "/login")
    for action, fields in (("/domains/add", {"name": "new.test"}),
                           ("/domains/remove", {"name": "empty.test"}),
                           ("/reserved-addresses/free", {"address": GONE}),
                           ("/mailbox/owner", {"address": BOX, "was": USER,
                                               "email": who})):
        browser.post(action, fields).expect(404)
    assert domains(portal) == before and owner(portal) == USER
    assert reserved(portal) == [GONE]
    assert "/mailbox/owner" not in \
        browser.get(f"/mailbox?address={BOX}").html


def test_each_form_wants_its_token(portal, root):
    before = domains(portal)
    reserve(portal)
    for action, fields in (("/domains/add", {"name": "new.test"}),
                           ("/domains/remove", {"name": "empty.test"}),
                           ("/reserved-addresses/free", {"address": GONE}),
                           ("/mailbox/owner", {"address": BOX, "was": USER,
                                               "nobody": "1"})):
        root.post(action, fields, csrf=False).expect(403)
    assert domains(portal) == before and owner(portal) == USER
    assert reserved(portal) == [GONE]


def test_domains_are_listed_with_what_is_in_them(portal, root):
    portal.db.sql("INSERT INTO alias (domain_id, source, destination) SELECT "
                  "id, 'a@one.test', %s FROM domain WHERE domain = 'one.test'",
                  BOX)
    page = root.get("/domains").expect()
    assert row_of(page, "one.test") == "1 1 2"
    assert row_of(page, "empty.test") == "0 0 1 Remove"
    page = root.get("/domains?search=EMPTY").expect()
    assert "one.test" not in page.text and "empty.test" in page.text
    assert "Nothing matches" in root.get("/domains?search=%25").text


def test_the_list_is_paged(portal, root):
    for number in range(120):
        portal.add_domain(f"page{number:03}.test")
    path, seen = "/domains?search=page", []
    for count in (50, 50, 20):
        page = root.get(path).expect()
        found = re.findall(r'/domain\?name=(page\d+)', page.html)
        assert len(found) == count
        seen += found
        later = re.findall(r'href="(/domains\?after=[^"]*)"', page.html)
        path = html.unescape(later[0]) if later else None
    assert path is None and len(set(seen)) == 120
    portal.db.sql("DELETE FROM domain WHERE domain LIKE 'page%%'")


def test_a_domain_is_added_and_removed(portal, root):
    page = root.submit(root.get("/domains/add"), "/domains/add",
                       name="New-1.TEST")
    page = root.follow(page.expect(303, "/domains"))
    assert "new-1.test was added" in page.text
    assert "new-1.test" in domains(portal)
    page = root.submit(root.get("/domains/add"), "/domains/add",
                       name="new-1.test")
    assert page.status == 422 and "there already" in page.text
    page = root.get("/domains/remove?name=new-1.test").expect()
    page = root.submit(page, "/domains/remove").expect(303, "/domains")
    assert "new-1.test was removed" in root.follow(page).text
    assert "new-1.test" not in domains(portal)
    root.post("/domains/remove", {"name": "new-1.test"}).expect(404)
    assert events(portal) == [(ROOT, "domain-added", "new-1.test"),
                              (ROOT, "domain-removed", "new-1.test")]


def test_what_accounts_lose_is_said(portal, root):
    page = root.get("/domains/remove?name=empty.test").expect()
    assert "1 account can no longer" in page.text
    root.submit(page, "/domains/remove").expect(303, "/domains")
    page = portal.log_in(OTHER).get("/home").expect()
    assert "empty.test" not in page.text
    # as it was
    portal.add_domain("empty.test")
    portal.db.sql("INSERT INTO pymailadmin_account_domain SELECT id, "
                  "'empty.test' FROM pymailadmin_account WHERE email = %s",
                  OTHER)


@pytest.mark.parametrize("name", ["", "x", "a b.test", "-x.test", "x..test",
                                  "é.test", "x@y.test", "x.test\r\ny.test",
                                  "y" * 300 + ".test", "<b>.test"])
def test_no_name_of_a_domain(portal, root, name):
    before = domains(portal)
    page = root.post("/domains/add", {"name": name})
    assert page.status == 422 and "Type the name of a domain" in page.text
    assert "<b>.test" not in page.html and domains(portal) == before


@pytest.mark.parametrize("name", ["", "none.test", "x" * 300, "%",
                                  "empty.test' OR '1"])
def test_no_such_domain(portal, root, name):
    before = domains(portal)
    root.post("/domains/remove", {"name": name}).expect(404)
    assert root.get("/domains/remove?name=none.test").status == 404
    assert domains(portal) == before


def test_what_is_used_stays(portal, root):
    page = root.get("/domains/remove?name=empty.test").expect()
    portal.add_mailbox("late@empty.test")
    answer = root.submit(page, "/domains/remove")
    assert answer.status == 422 and "Delete those first" in answer.text
    assert root.get("/domains/remove?name=one.test").status == 422
    assert "empty.test" in domains(portal)


def test_a_table_that_refuses_is_told_of(portal, root):
    portal.db.sql("ALTER TABLE domain ADD transport VARCHAR(9) NOT NULL")
    try:
        page = root.post("/domains/add", {"name": "new.test"})
    finally:
        portal.db.sql("ALTER TABLE domain DROP transport")
    assert page.status == 422 and "tables do not allow this" in page.text
    assert "new.test" not in domains(portal)
    assert "pymailadmin_domain_add() failed: the tables" in \
        portal.web.log.read_text()


def test_without_the_rights_for_it_nothing_is_done(portal, root):
    portal.db.load(SQL / "grants-web.sql")
    try:
        page = root.post("/domains/add", {"name": "new.test"})
    finally:
        portal.db.load(SQL / "grants-web-domains.sql")
    assert page.status == 500 and "new.test" not in domains(portal)
    assert "pymailadmin_domain_add) failed: execute command denied" in \
        portal.web.log.read_text()
    portal.forget_errors()


def test_by_default_domains_are_the_tables_matter(portal):
    portal.restart(manage_domains="no")
    try:
        root = portal.log_in(ROOT)
        page = root.get("/domains").expect()
        assert "/domains/add" not in page.html and \
            "/domains/remove" not in page.html
        for path in ("/domains/add", "/domains/remove?name=empty.test"):
            root.get(path).expect(404)
        root.post("/domains/add", {"name": "new.test"}).expect(404)
        root.post("/domains/remove", {"name": "empty.test"}).expect(404)
        assert "empty.test" in domains(portal)
    finally:
        portal.restart(manage_domains="yes")


# ---- addresses of deleted mailboxes

def test_reserved_addresses_are_listed_and_found(portal, root):
    assert "0 addresses of deleted" in root.get("/administration").text
    assert "No address is reserved" in root.get("/reserved-addresses").text
    for number in range(60):
        reserve(portal, f"r{number:02}@one.test")
    reserve(portal, "over@one.test", -1)
    assert "60 addresses of deleted" in root.get("/administration").text
    page = root.get("/reserved-addresses").expect()
    assert "r49@one.test" in page.text and "r50@" not in page.text
    assert "over@" not in root.get("/reserved-addresses?after=r49").text
    assert "r59@one.test" in root.get("/reserved-addresses?after=r49").text
    page = root.get("/reserved-addresses?search=R07").expect()
    assert "r07@one.test" in page.text and "r08@" not in page.text
    assert "Nothing matches" in root.get("/reserved-addresses?search=%25").text


def test_an_address_is_freed(portal, root):
    reserve(portal)
    page = root.get(f"/alias/add?mailbox={BOX}").expect()
    assert root.submit(page, "/alias/add", name="gone").status == 422
    page = root.get("/reserved-addresses").expect()
    answer = root.submit(page, "/reserved-addresses/free")
    answer.expect(303, "/reserved-addresses")
    assert f"{GONE} is free" in root.follow(answer).text
    assert reserved(portal) == []
    row, = portal.db.sql("SELECT actor, address, kind FROM pymailadmin_event")
    assert list(row.values()) == [ROOT, GONE, "address-freed"]
    # a form that is older
    answer = root.submit(page, "/reserved-addresses/free")
    assert "is free" not in root.follow(answer).text
    root.submit(root.get(f"/alias/add?mailbox={BOX}"), "/alias/add",
                name="gone").expect(303, f"/mailbox?address=box%40one.test")


@pytest.mark.parametrize("address", ["", "%", "x" * 300, "gone@one.test' OR 1"])
def test_no_such_address_is_freed(portal, root, address):
    reserve(portal)
    root.post("/reserved-addresses/free", {"address": address})
    assert reserved(portal) == [GONE]


# ---- whose a mailbox is

def test_a_mailbox_is_given_to_another(portal, root, catcher):
    page = root.get(f"/mailbox?address={BOX}").expect()
    assert "/mailbox/owner?address=box%40one.test" in page.parsed.links
    page = root.follow(give(root, OTHER.upper()))
    assert f"{BOX} now belongs to" in page.text
    assert f"The mailbox went from {USER} to {OTHER}" in page.text
    assert owner(portal) == OTHER
    assert events(portal) == [(ROOT, "owner-changed", f"{USER} {OTHER}")]
    assert "no longer belongs" in catcher.wait(USER)["Subject"]
    mail = catcher.wait(OTHER, "appartient maintenant")
    assert "/mailbox?address=box%40one.test" in mail.get_content()
    portal.log_in(USER).get(f"/mailbox?address={BOX}").expect(404)
    page = portal.log_in(OTHER).get(f"/mailbox?address={BOX}").expect()
    assert ROOT in page.text and USER in page.text


def test_a_mailbox_is_taken_and_given_again(portal, root, catcher):
    page = root.follow(take(root))
    assert "now belongs to no account" in page.text
    assert f"The mailbox was taken from {USER}" in page.text
    assert owner(portal) is None and catcher.wait(USER, "no longer belongs")
    page = owner_page(root)
    assert "belongs to no account" in page.text
    assert 'name="nobody"' not in page.html
    # a form that is older
    root.follow(take(root, page)).expect()
    page = root.follow(give(root, USER, page))
    assert f"The mailbox was given to {USER}" in page.text
    assert owner(portal) == USER
    assert len(events(portal)) == 2


@pytest.mark.parametrize("email", ["", "nobody@post.test", "user", "%",
                                   "x" * 300 + "@post.test",
                                   "user@post.test' OR '1"])
def test_no_such_account(portal, root, email):
    page = give(root, email)
    assert page.status == 422 and "no active account" in page.text
    root.post("/mailbox/owner", {"address": BOX, "email": OTHER,
                                 "was": "x" * 300}).expect(400)
    assert owner(portal) == USER


def test_an_account_that_is_switched_off_gets_nothing(portal, root):
    portal.db.sql("UPDATE pymailadmin_account SET active = 0 "
                  "WHERE email = %s", OTHER)
    try:
        page = give(root, OTHER)
    finally:
        portal.db.sql("UPDATE pymailadmin_account SET active = 1")
    assert page.status == 422 and "no active account" in page.text
    page = give(root, USER)
    assert page.status == 422 and "already" in page.text


def test_a_form_that_is_older_than_the_owner(portal, root):
    page = owner_page(root)
    portal.give(BOX, OTHER)
    for answer in (give(root, ADMIN, page), take(root, page)):
        assert answer.status == 422
        assert "changed this meanwhile" in answer.text
        assert answer.form("/mailbox/owner")["was"] == OTHER
    assert owner(portal) == OTHER


@pytest.mark.parametrize("address", ["", "none@one.test", "%", "x" * 300])
def test_no_such_mailbox(portal, root, address):
    root.post("/mailbox/owner", {"address": address, "was": USER,
                                 "email": OTHER}).expect(404)
    assert owner(portal) == USER


@pytest.mark.parametrize("kind", ["password", "delete"])
def test_not_while_something_is_asked_for_it(portal, root, kind):
    page = owner_page(root)
    portal.db.sql("INSERT INTO pymailadmin_request (id, kind, address, "
                  "created_at, sealed) VALUES (REPEAT('a', 32), %s, %s, "
                  "UTC_TIMESTAMP(), 'x')", kind, BOX)
    assert "Wait until that is done" in owner_page(root).text
    answer = give(root, OTHER, page)
    assert answer.status == 422 and "being worked on" in answer.text
    assert owner(portal) == USER


# ---- what an owner learns

def test_what_an_administrator_does_is_seen_and_told(portal, root, catcher):
    """Aliases, a deletion, and that it was taken back."""
    page = root.get(f"/alias/add?mailbox={BOX}").expect()
    root.submit(page, "/alias/add", name="garden-gate")
    mail = catcher.wait(USER, "aliases")
    assert "/mailbox?address=box%40one.test" in mail.get_content()
    page = root.get(f"/mailbox/delete?address={BOX}").expect()
    root.submit(page, "/mailbox/delete", typed=BOX)
    assert catcher.wait(USER, "will be deleted")
    page = root.get(f"/mailbox/delete?address={BOX}").expect()
    root.submit(page, "/mailbox/delete/cancel")
    assert catcher.wait(USER, "taken back")
    seen = portal.log_in(USER).get(f"/mailbox?address={BOX}").expect()
    history = seen.html.partition('<ol class="history">')[2]
    for words in ("The alias garden-gate@one.test was added",
                  "The deletion was asked for", "The deletion was cancelled"):
        line = history.partition(words)[2].partition("</li>")[0]
        assert ROOT in line, words


def test_ones_own_aliases_are_no_news(portal):
    user = portal.log_in(USER)
    page = user.get(f"/alias/add?mailbox={BOX}").expect()
    user.submit(page, "/alias/add", name="garden-gate")
    assert events(portal)[-1][1] == "alias-add"
    assert not portal.db.value("SELECT COUNT(*) FROM pymailadmin_outbox")


def test_an_administrator_cannot_ask_for_another_password(root):
    page = root.get(f"/mailbox?address={BOX}").expect()
    assert "/mailbox/password?" not in page.html

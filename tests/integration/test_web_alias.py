"""Aliases in the portal: whose they are, which names they have, how many."""

import urllib.parse

import pytest

from webmailboxes import CHEAP, at_once, enter
from webportal import DOMAIN, Portal

XSS = "<script>alert('x')</script>\"><img src=x onerror=y>"


@pytest.fixture(scope="module")
def portal():
    with Portal(**CHEAP) as portal:
        portal.add_account("root@post.test", None, role="super_admin")
        yield portal


class Person:
    """An account of one test, with a mailbox."""
    count = 0

    def __init__(self, portal, **columns):
        Person.count += 1
        self.portal = portal
        self.email = f"person{Person.count}@post.test"
        self.mailbox = f"mailbox{Person.count}@{DOMAIN}"
        portal.add_account(self.email, None, domains=[DOMAIN], **columns)
        portal.add_mailbox(self.mailbox, self.email)
        self.browser = enter(portal, self.email)
        self.page = "/mailbox?address=" + urllib.parse.quote(self.mailbox)

    def add(self, name, browser=None, **fields):
        browser = browser or self.browser
        return browser.submit(browser.get(
            f"/alias/add?mailbox={self.mailbox}"), "/alias/add", name=name,
            **fields)

    def aliases(self):
        return {row["source"]: str(row["id"]) for row in self.portal.db.sql(
            "SELECT id, source FROM alias WHERE destination = %s",
            self.mailbox)}

    def links(self, kind):
        """Where the mailbox's page leads."""
        return [link for link in self.browser.get(self.page).parsed.links
                if link.startswith(f"/alias/{kind}")]


@pytest.fixture
def person(portal):
    return Person(portal)


@pytest.fixture
def root(portal):
    return enter(portal, "root@post.test")


def test_an_alias_is_added_renamed_and_deleted(person):
    """By the links and forms of the pages alone."""
    browser, name = person.browser, f"sunflower{person.count}"
    page = person.add(name.upper()).expect(303, person.page)
    page = browser.follow(page)
    assert f"{name}@{DOMAIN} was added." in page.text
    assert f"The alias {name}@{DOMAIN} was added {person.email}" in page.text
    [link] = person.links("rename")
    form = browser.get(link).expect()
    assert form.form("/alias/rename")["name"] == name
    page = browser.follow(browser.submit(form, "/alias/rename",
                                         name="snapdragon").expect(
                                             303, person.page))
    assert f"{name}@{DOMAIN} is now snapdragon@{DOMAIN}" in page.text
    assert list(person.aliases()) == [f"snapdragon@{DOMAIN}"]
    [link] = person.links("delete")
    form = browser.get(link).expect()
    assert f"Delete snapdragon@{DOMAIN}" in form.text
    page = browser.follow(browser.submit(form, "/alias/delete").expect(
        303, person.page))
    assert f"snapdragon@{DOMAIN} was deleted." in page.text
    assert person.aliases() == {}
    # once more, from another window
    browser.submit(form, "/alias/delete").expect(404)


WRONG = {"": "Enter a name", "seven77": "at least 8", "x" * 65: "at most 64",
         "postmaster": "reserved", "administrator": "reserved",
         "<b>x y,z": "letters a to z", "with space": "letters a to z",
         "a@elsewhere.test": "letters a to z", "plus+address": "cannot have",
         "-leading-": "begins and ends", "with.dots.in": "letters a to z",
         "line\nfeed-name": "letters a to z", "éééééééé": "letters a to z",
         "@": "letters a to z", "*": "letters a to z", XSS: "letters a to z"}


def test_names_that_are_none(person):
    person.add("good-name-it-has").expect(303, person.page)
    [link] = person.links("rename")
    rename = person.browser.get(link)
    for name, words in WRONG.items():
        for page in (person.add(name), person.browser.submit(
                rename, "/alias/rename", name=name)):
            assert page.status == 422 and words in page.text, (name, page.text)
            assert b"<script>alert" not in page.body
            assert b"<b>x y" not in page.body and b"<img" not in page.body
    assert list(person.aliases()) == [f"good-name-it-has@{DOMAIN}"]


def test_the_destination_is_not_to_be_chosen(person):
    person.add("steal-the-mail", destination="thief@evil.test",
               source="ceo@evil.test", domain="evil.test",
               address="other@evil.test").expect(303, person.page)
    assert list(person.aliases()) == [f"steal-the-mail@{DOMAIN}"]


def test_an_alias_collides_with_nothing(portal, person):
    other = Person(portal)
    other.add("another-alias").expect(303, other.page)
    portal.add_mailbox(f"some-mailbox@{DOMAIN}")
    portal.db.sql(
        "INSERT INTO pymailadmin_request (id, kind, address, created_at, quota,"
        " sealed) VALUES (MD5('r'), 'create', %s, UTC_TIMESTAMP(), 1, 's')",
        f"asked-for-too@{DOMAIN}")
    person.add("to-be-renamed").expect(303, person.page)
    [link] = person.links("rename")
    rename = person.browser.get(link)
    for name in ("another-alias", "some-mailbox", "asked-for-too",
                 "ANOTHER-ALIAS"):
        for page in (person.add(name), person.browser.submit(
                rename, "/alias/rename", name=name)):
            assert page.status == 422
            assert f"{name.lower()}@{DOMAIN} is taken" in page.text
    # The name it has, or nothing new: no error, no second event.
    person.browser.submit(rename, "/alias/rename", name="to-be-renamed").expect(
        303, person.page)
    assert portal.db.value(
        "SELECT COUNT(*) FROM pymailadmin_event WHERE address = %s AND "
        "kind = 'alias-rename'", person.mailbox) == 0
    portal.db.sql("DELETE FROM pymailadmin_request")


def test_aliases_of_others_are_out_of_reach(portal, person, root):
    """By id, with ones own mailbox or theirs, and what was never there."""
    owner = Person(portal)
    owner.add("theirs-alone").expect(303, owner.page)
    [theirs] = owner.aliases().values()
    own = person.browser.get(f"/alias/add?mailbox={person.mailbox}")
    for mailbox in (owner.mailbox, person.mailbox, f"none@{DOMAIN}", ""):
        for alias in (theirs, "999999", "²", "0 OR 1=1", f"{theirs}'", "",
                      "9" * 80, XSS):
            quoted = urllib.parse.quote(alias)
            for path in ("/alias/rename", "/alias/delete"):
                page = person.browser.get(f"{path}?id={quoted}&mailbox="
                                          f"{mailbox}").expect(404)
                assert b"<script>alert" not in page.body
                person.browser.post(path, {
                    "id": alias, "mailbox": mailbox, "name": "mine-from-now"},
                    csrf=own.csrf).expect(404)
    for mailbox in (owner.mailbox, "", f"none@{DOMAIN}"):
        person.browser.get(f"/alias/add?mailbox={mailbox}").expect(404)
        person.browser.post("/alias/add", {
            "mailbox": mailbox, "name": "mine-from-now"},
            csrf=own.csrf).expect(404)
    assert owner.aliases() == {f"theirs-alone@{DOMAIN}": theirs}
    assert person.aliases() == {}
    root.submit(root.get(f"/alias/delete?id={theirs}&mailbox={owner.mailbox}"),
                "/alias/delete").expect(303, owner.page)
    assert owner.aliases() == {}


def test_what_is_in_the_body_of_a_get_counts_for_nothing(person):
    person.browser.request(
        "GET", "/alias/add", f"mailbox={person.mailbox}&name=in-the-body"
    ).expect(400)
    assert person.aliases() == {}


def test_only_a_super_admin_catches_all(portal, person, root):
    page = person.add("")
    assert page.status == 422 and "Empty:" not in page.text
    domain = portal.add_domain("catch.test")
    portal.add_mailbox("everything@catch.test", person.email)
    form = root.get("/alias/add?mailbox=everything@catch.test").expect()
    assert "Empty: all addresses" in form.text
    where = "/mailbox?address=everything%40catch.test"
    root.submit(form, "/alias/add", name="").expect(303, where)
    assert portal.db.value("SELECT destination FROM alias WHERE source = "
                           "'@catch.test'") == "everything@catch.test"
    page = root.submit(form, "/alias/add", name="")
    assert page.status == 422 and "@catch.test is taken" in page.text
    # reserved and short names are for them too
    root.submit(form, "/alias/add", name="abuse").expect(303, where)
    assert domain is None


def test_an_alias_in_a_mailbox_that_goes(portal, person):
    portal.db.sql(
        "INSERT INTO pymailadmin_request (id, kind, address, created_at) "
        "VALUES (MD5(%s), 'delete', %s, UTC_TIMESTAMP())", person.mailbox,
        person.mailbox)
    page = person.add("too-late-now")
    assert page.status == 422 and "being worked on" in page.text
    assert person.links("add") == []


def test_the_limit_is_explained_and_holds_eight_at_once(portal):
    person = Person(portal, max_aliases=3)
    for name in ("first-alias", "second-alias"):
        person.add(name).expect(303, person.page)
    browsers = [enter(portal, person.email) for _ in range(8)]
    pages = at_once([lambda i=i: person.add(f"parallel{i}", browsers[i])
                     for i in range(8)])
    assert sorted(page.status for page in pages) == [303] + [422] * 7
    assert all("has 3 aliases, which is as many as it may have" in page.text
               for page in pages if page.status == 422)
    assert len(person.aliases()) == 3
    page = person.browser.get(person.page)
    assert "3 of 3" in page.text and "Delete one to add another" in page.text
    assert person.links("add") == []
    page = person.browser.get(f"/alias/add?mailbox={person.mailbox}").expect()
    assert "as many as it may have" in page.text


def test_names_are_not_probed_without_end(portal, person):
    form = person.browser.get(f"/alias/add?mailbox={person.mailbox}")
    portal.add_mailbox(f"mailbox-to-find@{DOMAIN}")
    statuses = [person.browser.submit(
        form, "/alias/add", name="mailbox-to-find").status
        for _ in range(152)]
    assert statuses[:140] == [422] * 140 and statuses[-1] == 429

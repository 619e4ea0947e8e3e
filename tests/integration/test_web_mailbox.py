"""Pages of a mailbox: seen, created and deleted by whom it belongs to."""

import re

import pytest

from webmailboxes import CHEAP, NEW, PASSWORD, at_once, enter, requests
from webportal import DOMAIN, Portal

XSS = "<script>alert('x')</script>\"><img src=x onerror=y>"
ODD = ["²", "1", "%", "' OR 1=1 -- ", XSS, "x" * 300, "",
       "@" + DOMAIN, "a@b@" + DOMAIN]


@pytest.fixture(scope="module")
def portal():
    with Portal(**CHEAP, limit_login_account="4/15m") as portal:
        portal.add_account("root@post.test", None, role="super_admin")
        yield portal


class Person:
    """An account of one test, with a mailbox."""
    count = 0

    def __init__(self, portal, role="user", **columns):
        Person.count += 1
        self.portal = portal
        self.email = f"person{Person.count}@post.test"
        self.mailbox = f"mailbox{Person.count}@{DOMAIN}"
        portal.add_account(self.email, None, role=role, domains=[DOMAIN],
                           **columns)
        portal.add_mailbox(self.mailbox, self.email, quota=2 << 30,
                           hashed=f"{{PLAIN}}{PASSWORD}")
        self.browser = enter(portal, self.email)

    def create(self, name, quota="1G", new=NEW, repeat=None, browser=None):
        page = (browser or self.browser).get(f"/mailbox/create?domain={DOMAIN}")
        return (browser or self.browser).submit(
            page, "/mailbox/create", name=name, quota=quota, new=new,
            repeat=new if repeat is None else repeat)


@pytest.fixture
def person(portal):
    return Person(portal)


@pytest.fixture
def root(portal):
    return enter(portal, "root@post.test")


def without_reference(page):
    return re.sub(r"\b[0-9a-f]{16}\b", "", page.text)


def notice(page):
    """What is said of what was just done, also to screen readers."""
    said = re.findall(r'<[^>]* role="status"[^>]*>(.*?)</p>', page.html,
                      re.DOTALL)
    return " ".join(re.sub("<[^>]*>", " ", " ".join(said)).split())


# ---- seeing


def test_its_owner_sees_it_and_a_super_admin(portal, person, root):
    page = person.browser.get(f"/mailbox?address={person.mailbox}").expect()
    assert person.mailbox in page.title and "2 GB" in page.text
    assert "Open" in page.text and person.email not in page.form("/logout")
    assert f"/mailbox/password?address={person.mailbox}" in \
        "".join(page.parsed.links).replace("%40", "@")
    seen = root.get(f"/mailbox?address={person.mailbox}").expect()
    assert person.email in seen.text
    assert "/mailbox/password" not in "".join(seen.parsed.links)
    assert "/mailbox/delete" in "".join(seen.parsed.links)


def test_others_learn_nothing_of_it(portal, person):
    """What is another's and what is not there get one answer, whatever is
    asked, and nothing changes."""
    for role in ("user", "admin"):
        other = Person(portal, role)
        token = other.browser.get(f"/mailbox?address={other.mailbox}").csrf
        nobody = f"nobody-is-{role}@{DOMAIN}"
        for path, field in (
                ("/mailbox", "address"), ("/mailbox/password", "address"),
                ("/mailbox/delete", "address"), ("/mailbox/window", "address"),
                ("/mailbox/progress", "address"), ("/alias/add", "mailbox"),
                ("/alias/rename", "mailbox"), ("/alias/delete", "mailbox")):
            answers = {without_reference(other.browser.get(
                f"{path}?{field}={address}&id=1").expect(404))
                for address in (person.mailbox, nobody)}
            assert len(answers) == 1, path
        for path, field in (
                ("/mailbox/password", "address"), ("/mailbox/cancel", "address"),
                ("/mailbox/delete", "address"), ("/alias/add", "mailbox"),
                ("/mailbox/delete/cancel", "address")):
            for address in (person.mailbox, nobody):
                other.browser.post(path, {
                    field: address, "old": PASSWORD, "password": PASSWORD,
                    "new": NEW, "repeat": NEW, "typed": address,
                    "name": "another-name"}, csrf=token).expect(404)
    assert requests(portal, person.mailbox) == []
    assert portal.db.value("SELECT COUNT(*) FROM alias WHERE destination = %s",
                           person.mailbox) == 0


def test_odd_addresses_and_ids_are_not_found(person):
    from urllib.parse import quote
    for odd in ODD:
        for path in (f"/mailbox?address={quote(odd)}",
                     f"/mailbox?id={quote(odd)}",
                     f"/mailbox/create?domain={quote(odd)}",
                     f"/alias/rename?id={quote(odd)}&mailbox={person.mailbox}",
                     f"/alias/delete?id={quote(odd)}&mailbox={person.mailbox}"):
            page = person.browser.get(path).expect(404)
            assert b"<script>alert" not in page.body


def test_changes_need_a_form_of_this_session(portal, person):
    for path in ("/mailbox/create", "/mailbox/password", "/mailbox/delete",
                 "/mailbox/delete/cancel", "/mailbox/cancel", "/alias/add",
                 "/alias/rename", "/alias/delete"):
        fields = {"address": person.mailbox, "mailbox": person.mailbox,
                  "domain": DOMAIN, "name": "some-other-name", "id": "1"}
        for csrf in (False, "é" * 64, "0" * 128):
            person.browser.post(path, fields, csrf=csrf).expect(403)
        portal.browser().post(path, fields, csrf=False).expect(303, "/login")
    for path in ("/mailbox/cancel", "/mailbox/delete/cancel"):
        assert person.browser.get(path).expect(405).header("Allow") == "POST"
    assert requests(portal, person.mailbox) == []


def test_what_stands_in_the_tables_is_shown_as_text(portal, person, root):
    """The mail server's and other people's values are no markup."""
    odd = f"<b>o&d</b>@{DOMAIN}"
    portal.add_mailbox(odd, person.email)
    portal.db.sql("INSERT INTO alias (domain_id, source, destination) "
                  "SELECT id, %s, %s FROM domain WHERE domain = %s",
                  f"<i>a</i>@{DOMAIN}", odd, DOMAIN)
    portal.db.sql("INSERT INTO pymailadmin_event (actor, address, kind, text) "
                  "VALUES (%s, %s, 'alias-rename', %s)",
                  "<u>a@b</u>", odd, f"{XSS} {XSS}")
    portal.db.sql(
        "INSERT INTO pymailadmin_request (id, kind, address, created_at, state,"
        " ended_at, outcome) VALUES (MD5(%s), 'password', %s, UTC_TIMESTAMP(),"
        " 'failed', UTC_TIMESTAMP(), '<s>odd</s>')", odd, odd)
    for browser in (person.browser, root):
        page = browser.get("/mailbox?address=%3Cb%3Eo%26d%3C/b%3E%40" + DOMAIN)
        for tag in (b"<b>", b"<i>", b"<u>", b"<script>alert", b"<img", b"<s>"):
            assert tag not in page.expect().body, tag
        assert "<b>o&d</b>" in page.text and "could not do it" in page.text
        form = browser.get("/mailbox/delete?address="
                           "%3Cb%3Eo%26d%3C/b%3E%40" + DOMAIN).expect()
        assert b"<i>" not in form.body and b"<b>" not in form.body
    portal.db.sql("DELETE FROM pymailadmin_request WHERE address = %s", odd)


@pytest.mark.parametrize("state, outcome, words", [
    ("pending", None, ["Password change asked, open again by",
                       "mail host is not answering", "Take the request back"]),
    ("switching", None, ["Closed for a moment"]),
    ("storing", None, ["Open, stored mail being encrypted: 25%"]),
    ("failed", "wrong_password", ["did not accept the current password"]),
    ("failed", "busy", ["Close your mail programs"]),
    ("expired", "expired", ["did not get to it in time"]),
    ("canceled", "canceled", ["Open"]),
])
def test_its_state_is_said(portal, person, state, outcome, words):
    portal.db.sql(
        "INSERT INTO pymailadmin_request (id, kind, address, created_at, state,"
        " ended_at, outcome, bytes_done, bytes_total) VALUES (MD5(%s), "
        "'password', %s, UTC_TIMESTAMP(), %s, IF(%s, UTC_TIMESTAMP(), NULL),"
        " %s, 1, 4)", person.mailbox, person.mailbox, state,
        outcome is not None, outcome)
    page = person.browser.get(f"/mailbox?address={person.mailbox}").expect()
    for each in words:
        assert each in page.text, page.text


# ---- creating


def test_a_mailbox_is_asked_for_and_taken_back(portal, person):
    form = person.browser.get(f"/mailbox/create?domain={DOMAIN}").expect()
    assert b"disabled" not in form.body
    page = person.create("Fresh_Name-1", quota="2 GB")
    address = f"fresh_name-1@{DOMAIN}"
    page.expect(303, f"/mailbox?address=fresh_name-1%40{DOMAIN}")
    [row] = requests(portal, address)
    assert (row["kind"], row["state"], row["quota"]) == \
        ("create", "pending", 2 << 30)
    assert len(row["sealed"]) == 1661 and NEW.encode() not in row["sealed"]
    assert portal.db.value("SELECT COUNT(*) FROM users WHERE email = %s",
                           address) == 0
    page = person.browser.follow(page).expect()
    assert f"{address} is being created." in page.text
    assert "Being created" in page.text
    # Nobody makes it yet: that is said, and nothing is lost.
    assert "The mail host is not answering" in page.text
    # not its owner's to see only
    assert enter(portal, Person(portal).email).get(
        f"/mailbox?address={address}").status == 404
    for path in ("/mailbox/password", "/mailbox/delete", "/mailbox/window"):
        person.browser.get(f"{path}?address={address}").expect(
            303, f"/mailbox?address=fresh_name-1%40{DOMAIN}")
    gone = person.browser.submit(page, "/mailbox/cancel").expect(303, "/home")
    assert f"taken back: {address} is not created" in \
        notice(person.browser.follow(gone))
    [row] = requests(portal, address)
    assert (row["state"], row["sealed"]) == ("canceled", None)
    person.create("fresh_name-1").expect(
        303, f"/mailbox?address=fresh_name-1%40{DOMAIN}")
    assert len(requests(portal, address)) == 2


WRONG = {
    "name": {"": "Enter a name", "ab": "at least 6", "a" * 65: "at most 64",
             "postmaster": "reserved", "Abuse": "reserved",
             "administrator": "reserved", "two words": "letters a to z",
             "<b>A@B": "letters a to z", "plus+plus": "cannot have",
             "-edge-": "begins and ends", "dot.dot.dot": "letters a to z",
             "üüüüüüü": "letters a to z", XSS: "letters a to z"},
    "quota": {"": "from 1 GB to 5 GB", "lots": "from", "999999999": "from",
              "6G": "from", "-2G": "from", "0": "from", "2.5G": "from",
              "99999999999999999999": "from", XSS: "from"},
    "new": {"": "at least 12", "short": "at least 12", "x" * 129: "at most 128",
            "passwordpassword": "too easy", "mailboxmailbox12": "too easy",
            "abcdefghijklmnop": "too easy", "qwertyuiopasdf": "too easy",
            "tab\tin the middle of it": "cannot send"},
}


@pytest.mark.parametrize("field", WRONG)
def test_what_cannot_be_created(portal, person, field):
    for value, words in WRONG[field].items():
        fields = {"name": "good-name", field: value}
        page = person.create(**fields)
        assert page.status == 422 and words in page.text, (value, page.text)
        assert b"<script>alert" not in page.body and b"<img" not in page.body
        form = page.form("/mailbox/create")
        assert form["new"] == form["repeat"] == ""
        if field != "new":
            assert form[field] == value
            assert NEW.encode() not in page.body
    page = person.create("good-name", repeat="another one altogether")
    assert page.status == 422 and "differ" in page.text
    assert requests(portal, f"good-name@{DOMAIN}") == []


def test_a_domain_that_is_not_ones_own(portal, person):
    portal.add_domain("foreign.test")
    page = person.browser.get(f"/mailbox/create?domain={DOMAIN}")
    for domain in ("foreign.test", "nowhere.test", "1", "²", ""):
        person.browser.get(f"/mailbox/create?domain={domain}".replace(
            "²", "%C2%B2")).expect(404)
        person.browser.post("/mailbox/create", {
            "domain": domain, "name": "good-name", "quota": "1G", "new": NEW,
            "repeat": NEW}, csrf=page.csrf).expect(404)


def test_an_address_is_given_once(portal, person, root):
    """A mailbox, an alias, or one on its way: the same answer for each."""
    other = Person(portal)
    other.create("asked-for").expect(
        303, f"/mailbox?address=asked-for%40{DOMAIN}")
    portal.add_mailbox(f"is-there@{DOMAIN}")
    portal.db.sql("INSERT INTO alias (domain_id, source, destination) SELECT "
                  "id, %s, %s FROM domain WHERE domain = %s",
                  f"an-alias@{DOMAIN}", other.mailbox, DOMAIN)
    answers = set()
    for name in ("asked-for", "is-there", "an-alias", "IS-THERE"):
        page = person.create(name)
        assert page.status == 422, page
        answers.add(page.text.replace(name.lower(), "").replace(name, ""))
    assert len(answers) == 1 and "is taken" in answers.pop()


def test_after_an_error_there_is_no_half_made_mailbox(portal, person):
    account = "'pymailadmin_web'@'%'"
    portal.db.sql("REVOKE EXECUTE ON PROCEDURE pymailadmin_request_file "
                  f"FROM {account}")
    page = person.create("half-made")
    portal.db.sql("GRANT EXECUTE ON PROCEDURE pymailadmin_request_file "
                  f"TO {account}")
    assert page.status == 500 and "EXECUTE" not in page.text
    for table, column in (("users", "email"),
                          ("pymailadmin_request", "address"),
                          ("pymailadmin_account_mailbox", "address")):
        assert portal.db.value(f"SELECT COUNT(*) FROM {table} WHERE {column} "
                               "= %s", f"half-made@{DOMAIN}") == 0
    person.create("half-made").expect(
        303, f"/mailbox?address=half-made%40{DOMAIN}")
    portal.web.log.write_text(portal.web.log.read_text().replace(
        "level=error", "level=expected"))


def test_eight_at_once_at_the_limit_less_one_make_one(portal):
    person = Person(portal, max_mailboxes=2)
    browsers = [enter(portal, person.email) for _ in range(8)]
    pages = at_once([
        lambda i=i: person.create(f"parallel{i}", browser=browsers[i])
        for i in range(8)])
    assert sorted(page.status for page in pages) == [303] + [422] * 7
    assert all("as many as you may have" in page.text
               for page in pages if page.status == 422)
    page = person.browser.get(f"/mailbox/create?domain={DOMAIN}").expect()
    assert "Mailboxes: 2 of 2" in page.text
    assert "as many as you may have" in page.text


@pytest.mark.parametrize("language, size, hint, words", [
    ("en", "1\N{NO-BREAK SPACE}GB", "From 1 GB to 5 GB", "from 1 GB"),
    ("fr", "1\N{NO-BREAK SPACE}Go", "De 1 Go à 5 Go", "de 1 Go")])
def test_sizes_have_one_form(portal, language, size, hint, words):
    person = Person(portal, language=language)
    page = person.browser.get(f"/mailbox/create?domain={DOMAIN}").expect()
    form = page.form("/mailbox/create")
    assert form["quota"] == size and hint in page.text
    wrong = person.create("sized-name", quota=size.replace("1", "9"))
    assert wrong.status == 422 and words in wrong.text
    person.create("sized-name", quota=size).expect(
        303, f"/mailbox?address=sized-name%40{DOMAIN}")
    [row] = requests(portal, f"sized-name@{DOMAIN}")
    assert row["quota"] == 1 << 30
    portal.db.sql("DELETE FROM pymailadmin_request WHERE address = %s",
                  f"sized-name@{DOMAIN}")


# ---- taking back

@pytest.mark.parametrize("language, words", [
    ("en", {"password": "the password of {} stays as it was",
            "create": "taken back: {} is not created",
            "delete": "cancelled: {} stays"}),
    ("fr", {"password": "le mot de passe de {} reste le même",
            "create": "annulée : {} n’est pas créée",
            "delete": "annulée : {} est conservée"})])
def test_what_was_taken_back_is_said(portal, language, words):
    person = Person(portal, language=language)
    browser = person.browser
    form = browser.get(f"/mailbox/password?address={person.mailbox}")
    assert browser.submit(form, "/mailbox/password", old=PASSWORD, new=NEW,
                          repeat=NEW).status == 303
    new = f"taken-back-{language}@{DOMAIN}"
    assert person.create(new.partition("@")[0]).status == 303
    for kind, path, address in (("password", "/mailbox/cancel", person.mailbox),
                                ("create", "/mailbox/cancel", new),
                                ("delete", "/mailbox/delete/cancel",
                                 person.mailbox)):
        if kind == "delete":
            form = browser.get(f"/mailbox/delete?address={address}")
            assert browser.submit(form, "/mailbox/delete",
                                  password=PASSWORD).status == 303
        page = browser.follow(browser.post(path, {"address": address}))
        assert words[kind].format(address) in notice(page.expect()), page
        # once
        assert notice(browser.get(page.path)) == ""
        # What is gone is not taken back again.
        again = browser.post(path, {"address": address})
        if again.status == 303:
            assert notice(browser.follow(again)) == ""


def test_who_comes_too_late_is_not_told_it_was_taken_back(portal, person):
    form = person.browser.get(f"/mailbox/password?address={person.mailbox}")
    assert person.browser.submit(form, "/mailbox/password", old=PASSWORD,
                                 new=NEW, repeat=NEW).status == 303
    page = person.browser.get(f"/mailbox?address={person.mailbox}")
    portal.db.sql("UPDATE pymailadmin_request SET state = 'claimed' "
                  "WHERE address = %s", person.mailbox)
    page = person.browser.follow(person.browser.submit(
        page, "/mailbox/cancel"))
    assert notice(page) == "" and "Take the request back" not in page.text


# ---- deleting


def test_a_mailbox_is_deleted_by_its_password_and_can_be_kept(portal, person):
    browser, mailbox = person.browser, person.mailbox
    portal.db.sql("INSERT INTO alias (domain_id, source, destination) SELECT "
                  "id, %s, %s FROM domain WHERE domain = %s",
                  f"lost-alias@{DOMAIN}", mailbox, DOMAIN)
    form = browser.get(f"/mailbox/delete?address={mailbox}").expect()
    assert f"lost-alias@{DOMAIN}" in form.text and "48 hours" in form.text
    assert "1 alias:" in form.text and "its storage of 2 GB" in form.text
    assert "only the mail host knows" in form.text
    for password in ("", "wrong password", PASSWORD + "x", "x" * 600):
        page = browser.submit(form, "/mailbox/delete", password=password,
                              typed=mailbox)
        assert page.status == 422 and PASSWORD.encode() not in page.body
    assert requests(portal, mailbox) == []
    page = browser.submit(form, "/mailbox/delete", password=PASSWORD)
    page.expect(303, "/mailbox/delete?address=" + mailbox.replace("@", "%40"))
    [row] = requests(portal, mailbox)
    assert (row["kind"], row["state"]) == ("delete", "pending")
    assert len(row["sealed"]) == 1661
    assert portal.db.value("SELECT active FROM users WHERE email = %s",
                           mailbox) == 1
    page = browser.follow(page).expect()
    assert "will be deleted" in page.title and "Time to change" in page.text
    shown = browser.get(f"/mailbox?address={mailbox}").expect()
    assert "Will be deleted on" in shown.text
    browser.get(f"/mailbox/password?address={mailbox}").expect(
        303, f"/mailbox?address={mailbox.replace('@', '%40')}")
    kept = browser.submit(page, "/mailbox/delete/cancel").expect(
        303, f"/mailbox?address={mailbox.replace('@', '%40')}")
    assert f"{mailbox} stays" in browser.follow(kept).text
    [row] = requests(portal, mailbox)
    assert (row["state"], row["sealed"]) == ("canceled", None)


def test_a_deletion_that_has_begun_is_not_canceled(portal, person):
    page = person.browser.get(f"/mailbox/delete?address={person.mailbox}")
    page = person.browser.follow(person.browser.submit(
        page, "/mailbox/delete", password=PASSWORD).expect(
            303, "/mailbox/delete?address=" +
            person.mailbox.replace("@", "%40")))
    portal.db.sql("UPDATE pymailadmin_request SET state = 'claimed' "
                  "WHERE address = %s", person.mailbox)
    person.browser.submit(page, "/mailbox/delete/cancel").expect(
        303, f"/mailbox?address={person.mailbox.replace('@', '%40')}")
    assert requests(portal, person.mailbox)[0]["state"] == "claimed"
    page = person.browser.get(f"/mailbox/delete?address={person.mailbox}")
    assert "can no longer be cancelled" in page.text


def test_a_super_admin_types_the_address(portal, person, root):
    form = root.get(f"/mailbox/delete?address={person.mailbox}").expect()
    for typed in ("", person.mailbox[:-1], person.mailbox.upper(), XSS):
        page = root.submit(form, "/mailbox/delete", typed=typed)
        assert page.status == 422 and b"<img" not in page.body
    assert requests(portal, person.mailbox) == []
    root.submit(form, "/mailbox/delete", typed=person.mailbox).expect(
        303, "/mailbox/delete?address=" + person.mailbox.replace("@", "%40"))
    [row] = requests(portal, person.mailbox)
    assert (row["kind"], row["sealed"]) == ("delete", None)


def test_a_mailbox_password_is_not_guessed(portal, person):
    """Whatever page it is tried on; the right one is no answer any more."""
    delete = person.browser.get(f"/mailbox/delete?address={person.mailbox}")
    change = person.browser.get(f"/mailbox/password?address={person.mailbox}")
    other = enter(portal, person.email)
    for i in range(2):
        assert person.browser.submit(delete, "/mailbox/delete",
                                     password=f"guess {i}").status == 422
        assert other.submit(other.get(
            f"/mailbox/password?address={person.mailbox}"),
            "/mailbox/password", old=f"guess {i}", new=NEW,
            repeat=NEW).status == 422
    page = person.browser.submit(change, "/mailbox/password", old=PASSWORD,
                                 new=NEW, repeat=NEW).expect(429)
    assert int(page.header("Retry-After")) > 0
    person.browser.submit(delete, "/mailbox/delete",
                          password=PASSWORD).expect(429)
    assert requests(portal, person.mailbox) == []


@pytest.mark.parametrize("language, words", [
    ("en", ["1,003 aliases:", "and 3 more",
            "its storage, which has no limit"]),
    ("fr", ["1 003 alias :", "et 3 autres",
            "son stockage, qui est sans limite"])])
def test_what_is_lost_is_counted_or_not_claimed(portal, language, words):
    person = Person(portal, language=language)
    portal.db.sql("UPDATE users SET quota = 0 WHERE email = %s",
                  person.mailbox)
    path = f"/mailbox/delete?address={person.mailbox}"
    page = person.browser.get(path).expect()
    assert words[2] in " ".join(page.text.split())
    assert not re.search(r"\d+ alias", page.text)
    portal.db.sql(
        "INSERT INTO alias (domain_id, source, destination) SELECT d.id, "
        "CONCAT('lost', seq, %s, '@', d.domain), %s FROM seq_1_to_1003 "
        "JOIN domain d WHERE d.domain = %s", language, person.mailbox, DOMAIN)
    page = person.browser.get(path).expect()
    assert [each for each in words if each not in page.text] == []
    assert page.text.count(f"{language}@{DOMAIN}") == 1000
    portal.db.sql("DELETE FROM alias WHERE destination = %s", person.mailbox)

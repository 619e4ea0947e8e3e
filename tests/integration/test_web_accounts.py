"""Accounts, as super admins see and change them."""

import html
import re
import urllib.parse

import pytest

from mailcatcher import MailCatcher
from webmailboxes import at_once
from webportal import Portal

pytestmark = pytest.mark.limit(180)
USER, ADMIN, ROOT, OTHER_ROOT = (f"{name}@post.test" for name in (
    "user", "admin", "root", "other-root"))
PAGES = ["role", "active", "limits", "domains", "log-out", "two-factor",
         "delete"]
ACTIONS = [f"/accounts/{name}" for name in (*PAGES, "domains/take")]


@pytest.fixture(scope="module")
def catcher():
    with MailCatcher() as catcher:
        yield catcher


@pytest.fixture(scope="module")
def portal(catcher):
    with Portal(smtp_url=catcher.url, mail_from="portal@post.test") as portal:
        for number in range(45):
            portal.add_domain(f"many{number:02}.test")
        yield portal


@pytest.fixture(autouse=True)
def people(portal, catcher):
    """One user, one admin, two super admins."""
    for table in ("account", "event", "outbox", "request"):
        portal.db.sql(f"DELETE FROM pymailadmin_{table}")
    portal.db.sql("DELETE FROM users")
    portal.forget_limits()
    catcher.clear()
    portal.add_account(USER, domains=["one.test"], language="fr")
    portal.add_account(ADMIN, role="admin", domains=["one.test", "two.test"])
    for email in (ROOT, OTHER_ROOT):
        portal.add_account(email, role="super_admin")
    portal.add_mailbox("box@one.test", USER)


@pytest.fixture
def root(portal):
    return portal.log_in(ROOT)


def page_of(browser, email, name="account"):
    number = browser.portal.account_id(email)
    return browser.get(f"/accounts/{name}?id={number}").expect()


def account(portal, email):
    row, = portal.db.sql("SELECT * FROM pymailadmin_account WHERE email = %s",
                         email)
    return row


def send(browser, email, name, action=None, **fields):
    return browser.submit(page_of(browser, email, name),
                          action or f"/accounts/{name}", **fields)


def done(browser, page):
    """The page that follows a change."""
    assert page.status == 303, page
    page = browser.follow(page).expect()
    assert "Saved: the account" in page.text
    return page


def fact(page, label):
    text = page.html.partition(f"<dt>{label}</dt>")[2].partition("</div>")[0]
    return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", text).split()))


def last_event(portal):
    row, = portal.db.sql("SELECT actor, kind, text FROM pymailadmin_event "
                         "ORDER BY id DESC LIMIT 1")
    return row["actor"], row["kind"], row["text"]


def listed(page):
    return re.findall(r'/accounts/account\?id=\d+">([^<]+)<', page.html)


# ---- who may

@pytest.mark.parametrize("who", [USER, ADMIN])
def test_others_learn_nothing(portal, who):
    browser = portal.log_in(who)
    number = portal.account_id(USER)
    before = portal.db.sql("SELECT * FROM pymailadmin_account")
    for path in ("/administration", "/accounts", "/accounts?search=a",
                 "/accounts/add",
                 f"/accounts/account?id={number}",
                 *(f"/accounts/{name}?id={number}" for name in PAGES)):
        browser.get(path).expect(404)
        portal.browser().get(path).expect(303, "/login")
    for action in ACTIONS:
        browser.post(action, {"id": number, "role": "super_admin",
                              "was": "user", "active": "0",
                              "domain-0": "two.test",
                              "typed": USER}).expect(404)
    browser.post("/accounts/add", {"email": "x@post.test", "role": "user",
                                   "language": "en"}).expect(404)
    assert portal.db.sql("SELECT * FROM pymailadmin_account") == before
    assert "/administration" not in browser.get("/home").html


def test_each_form_wants_its_token(portal, root):
    number = portal.account_id(USER)
    for action in ACTIONS:
        root.post(action, {"id": number, "active": "0"},
                  csrf=False).expect(403)
    assert account(portal, USER)["active"]


@pytest.mark.parametrize("number", ["", "0", "-1", "999999", "x", "1x",
                                    "9" * 30, "1' OR '1", "1 "])
def test_no_account_of_this_number(root, number):
    for name in ("account", *PAGES):
        root.get(f"/accounts/{name}?id={urllib.parse.quote(number)}"
                 ).expect(404)
    for action in ACTIONS:
        root.post(action, {"id": number, "active": "0"}).expect(404)


# ---- looking

def test_the_way_there(root):
    page = root.get("/home").expect()
    assert "/administration" in page.parsed.links
    page = root.get("/administration").expect()
    assert {"/accounts", "/domains", "/moderation", "/requests",
            "/moderation/invitations"} <= set(page.parsed.links)
    assert fact(page, "Accounts").startswith("4 accounts")


def test_accounts_are_listed_and_found(portal, root):
    portal.db.sql("UPDATE pymailadmin_account SET active = 0 "
                  "WHERE email = %s", ADMIN)
    page = root.get("/accounts").expect()
    assert listed(page) == sorted([USER, ADMIN, ROOT, OTHER_ROOT])
    assert "Switched off" in page.text and "Administrator of all" in page.text
    assert listed(root.get("/accounts?search=ROOT")) == [OTHER_ROOT, ROOT]
    assert listed(root.get("/accounts?search=%25")) == []
    page = root.get("/accounts?search=%3Cb%3Enone")
    assert listed(page) == [] and "<b>none" not in page.html
    assert "of them switched off" in root.get("/administration").text


def test_the_list_is_paged(portal, root):
    for number in range(120):
        portal.add_account(f"many{number:03}@post.test", password=None)
    path, seen = "/accounts?search=many", []
    for count in (50, 50, 20):
        page = root.get(path).expect()
        assert len(listed(page)) == count
        seen += listed(page)
        later = re.findall(r'href="(/accounts\?after=[^"]*)"', page.html)
        path = html.unescape(later[0]) if later else None
    assert path is None and seen == sorted(set(seen)) and len(seen) == 120
    root.get("/accounts?after=" + "x" * 900).expect()


def test_the_page_of_an_account(portal, root):
    user = portal.log_in(USER)
    user.get("/home")
    number = portal.account_id(USER)
    portal.db.sql("INSERT INTO pymailadmin_event (actor, address, kind, text) "
                  "VALUES (%s, 'box@one.test', 'alias-add', 'a@one.test')",
                  USER)
    page = page_of(root, USER)
    assert fact(page, "Role") == "User Change the role"
    assert fact(page, "Domains").startswith("one.test")
    assert fact(page, "Limits").startswith("Mailboxes: 1 of 3, 100 aliases")
    assert fact(page, "Two-step log-in") == "Off"
    assert fact(page, "Logged in").startswith("In 1 place")
    assert re.search(r"\d{4}", fact(page, "Last seen"))
    assert "/mailbox?address=box%40one.test" in page.parsed.links
    assert "The alias a@one.test was added" in page.text
    assert {f"/accounts/{name}?id={number}" for name in (
        "role", "active", "limits", "domains", "log-out")} <= \
        set(page.parsed.links)


def test_ones_own_is_not_changed_here(portal, root):
    number = portal.account_id(ROOT)
    page = page_of(root, ROOT)
    assert "your own account" in page.text
    assert not any(f"/accounts/{name}?" in link for link in page.parsed.links
                   for name in ("role", "active", "log-out", "two-factor",
                                "delete"))
    for name, fields in (("role", {"role": "user", "was": "super_admin"}),
                         ("active", {"active": "0"}), ("log-out", {}),
                         ("two-factor", {}), ("delete", {"typed": ROOT})):
        page = page_of(root, ROOT, name)
        assert "your own account" in page.text
        assert f'action="/accounts/{name}"' not in page.html
        page = root.post(f"/accounts/{name}", {"id": number, **fields})
        assert page.status == 422 and "only another administrator" in page.text
    root.get("/home").expect()
    assert account(portal, ROOT)["role"] == "super_admin"


# ---- changing

def test_a_role_is_given(portal, root, catcher):
    user = portal.log_in(USER)
    page = send(root, USER, "role", role="admin")
    assert fact(done(root, page), "Role").startswith("Administrator")
    assert account(portal, USER)["role"] == "admin"
    assert last_event(portal) == (ROOT, "account-role", f"{USER} user admin")
    assert catcher.wait(USER, "Le rôle de votre compte")
    # the session was a user's
    assert user.get("/home").location.startswith("/login")
    portal.log_in(USER).get("/moderation").expect()


def test_a_form_that_is_older_than_the_account(portal, root):
    page = page_of(root, OTHER_ROOT, "role")
    portal.db.sql("UPDATE pymailadmin_account SET role = 'admin' "
                  "WHERE email = %s", OTHER_ROOT)
    answer = root.submit(page, "/accounts/role", role="user")
    assert answer.status == 422 and "changed this meanwhile" in answer.text
    assert answer.form("/accounts/role")["was"] == "admin"
    assert account(portal, OTHER_ROOT)["role"] == "admin"
    root.submit(answer, "/accounts/role", role="user")
    assert account(portal, OTHER_ROOT)["role"] == "user"


@pytest.mark.parametrize("role", ["", "root", "SUPER_ADMIN", "user ", "2",
                                  "x" * 300])
def test_no_such_role(portal, root, role):
    assert send(root, USER, "role", role=role).status == 400
    assert send(root, USER, "role", role="admin", was=role).status == 400
    assert account(portal, USER)["role"] == "user"


def test_two_who_demote_each_other(portal):
    for _ in range(4):
        portal.db.sql("UPDATE pymailadmin_account SET role = 'super_admin' "
                      "WHERE email IN (%s, %s)", ROOT, OTHER_ROOT)
        one, two = portal.log_in(ROOT), portal.log_in(OTHER_ROOT)
        first = page_of(one, OTHER_ROOT, "role")
        second = page_of(two, ROOT, "role")
        got = at_once([
            lambda: one.submit(first, "/accounts/role", role="user"),
            lambda: two.submit(second, "/accounts/role", role="user")])
        statuses = [page.status for page in got]
        assert statuses.count(303) >= 1
        left = portal.db.sql("SELECT email FROM pymailadmin_account WHERE "
                             "role = 'super_admin' AND active")
        assert len(left) == 1


def test_an_account_is_switched_off_and_on(portal, root, catcher):
    user = portal.log_in(USER)
    page = page_of(root, USER, "active")
    assert "Its mailbox goes on" in page.text
    page = done(root, root.submit(page, "/accounts/active"))
    assert "Nobody can log in to it" in page.text
    assert user.get("/home").location.startswith("/login")
    assert portal.browser().log_in(USER).status == 422
    mail = catcher.wait(USER, "désactivé")
    assert mail["Content-Language"] == "fr"
    assert last_event(portal) == (ROOT, "account-deactivated", USER)
    # the same form once more changes nothing
    root.post("/accounts/active", {"id": portal.account_id(USER),
                                   "active": "0"})
    page = done(root, send(root, USER, "active"))
    assert "Active" in page.text and account(portal, USER)["active"]
    assert catcher.wait(USER, "réactivé")
    portal.browser().log_in(USER).expect(303, "/home")


@pytest.mark.parametrize("active", ["", "2", "x", "-1"])
def test_neither_on_nor_off(portal, root, active):
    page = send(root, USER, "active", active=active)
    assert page.status == 400 and account(portal, USER)["active"]


def test_limits_are_set(portal, root):
    page = done(root, send(root, USER, "limits", max_mailboxes="7",
                           max_aliases=""))
    assert "Mailboxes: 1 of 7, 100 aliases" in fact(page, "Limits")
    row = account(portal, USER)
    assert (row["max_mailboxes"], row["max_aliases"]) == (7, None)
    assert page_of(root, USER, "limits").form("/accounts/limits")[
        "max-mailboxes"] == "7"
    done(root, send(root, USER, "limits", max_mailboxes="", max_aliases="0"))
    row = account(portal, USER)
    assert (row["max_mailboxes"], row["max_aliases"]) == (None, 0)
    assert "do not bind" in page_of(root, ROOT, "limits").text


@pytest.mark.parametrize("text", ["many", "-1", "10001", "1.5", " 1", "9" * 40])
def test_limits_that_are_none(portal, root, text):
    page = send(root, USER, "limits", max_mailboxes=text, max_aliases=text)
    assert page.status == 422 and "Type a number from 0 to 10,000" in page.text
    assert page.form("/accounts/limits")["max-mailboxes"] == text
    assert account(portal, USER)["max_mailboxes"] is None


def test_a_lost_second_factor(portal, root, catcher):
    assert "no two-step log-in" in page_of(root, USER, "two-factor").text
    portal.db.sql("UPDATE pymailadmin_account SET totp_secret = 'x', "
                  "totp_confirmed_at = UTC_TIMESTAMP() WHERE email = %s", USER)
    user = portal.log_in(USER)
    assert "Switch it off" in fact(page_of(root, USER), "Two-step log-in")
    page = done(root, send(root, USER, "two-factor"))
    assert fact(page, "Two-step log-in") == "Off"
    assert account(portal, USER)["totp_secret"] is None
    assert user.get("/home").location.startswith("/login")
    mail = catcher.wait(USER, "deux étapes")
    assert "téléphone" in mail.get_content()
    assert last_event(portal)[1] == "account-two-factor-reset"


def test_sessions_are_ended(portal, root):
    users = [portal.log_in(USER) for _ in range(3)]
    portal.db.sql("INSERT INTO pymailadmin_known_device (account_id, "
                  "token_hash) VALUES (%s, REPEAT('t', 32))",
                  portal.account_id(USER))
    assert "In 3 places" in page_of(root, USER, "log-out").text
    page = done(root, send(root, USER, "log-out"))
    assert fact(page, "Logged in") == "Nowhere"
    for user in users:
        assert user.get("/home").location.startswith("/login")
    assert "not logged in anywhere" in page_of(root, USER, "log-out").text
    # nor is any of their browsers known
    assert not portal.db.value("SELECT COUNT(*) FROM pymailadmin_known_device "
                               "WHERE account_id = %s",
                               portal.account_id(USER))
    root.get("/home").expect()


# ---- domains

def domains(portal, email=USER):
    return [row["domain"] for row in portal.db.sql(
        "SELECT domain FROM pymailadmin_account_domain d JOIN "
        "pymailadmin_account a ON a.id = d.account_id WHERE a.email = %s "
        "ORDER BY domain", email)]


def test_domains_are_given_and_taken(portal, root):
    page = page_of(root, USER, "domains")
    assert 'value="many00.test"' in page.html
    page = root.submit(page, "/accounts/domains", domain_1="many03.test",
                       domains="two.test, TWO.test")
    page = done(root, page)
    assert "Choose the domains" in page.text
    assert domains(portal) == ["many03.test", "one.test", "two.test"]
    # what it has is not offered once more
    assert re.findall(r'name="domain-\d+" type="checkbox" value="many03',
                      page.html) == []
    page = done(root, root.post("/accounts/domains/take", {
        "id": portal.account_id(USER), "domain-0": "one.test"}))
    assert domains(portal) == ["many03.test", "two.test"]
    assert last_event(portal) == (ROOT, "account-domains-taken",
                                  f'{USER} ["one.test"]')
    # and its mailbox stays its own
    assert "box@one.test" in portal.log_in(USER).get("/home").text


@pytest.mark.parametrize("fields", [
    {}, {"domains": "none.test"}, {"domain-0": "many01.test",
                                   "domains": "none.test"},
    {"domains": " ".join(f"d{n}.test" for n in range(200))},
    {"domains": '"]'}, {"domains": "x" * 400}])
def test_no_such_domains(portal, root, fields):
    page = root.post("/accounts/domains",
                     {"id": portal.account_id(USER), **fields})
    assert page.status == 422 and "only such that there are" in page.text
    assert domains(portal) == ["one.test"]


def test_a_super_admin_has_all_anyway(root):
    assert "may use every domain anyway" in \
        page_of(root, OTHER_ROOT, "domains").text
    assert fact(page_of(root, OTHER_ROOT), "Domains").startswith("All domains")


# ---- made and deleted

NEW = "new@post.test"


def make(browser, email=NEW, **fields):
    fields = {"role": "user", "language": "en", **fields}
    return browser.submit(browser.get("/accounts/add").expect(),
                          "/accounts/add", email=email, **fields)


def link_to(catcher, subject):
    text = catcher.wait(NEW, subject).get_content()
    return re.search(r"https://[^/]+(/password/reset\?token=\S+)", text)[1]


def test_an_account_is_made_and_its_owner_chooses_a_password(portal, root,
                                                             catcher):
    page = make(root, language="fr", domain_1="many03.test",
                domains="one.test", max_mailboxes="7")
    assert page.location.startswith("/accounts/account?id=")
    page = root.follow(page).expect()
    assert f"The account {NEW} is made" in page.text
    assert "many03.test, one.test" in fact(page, "Domains")
    assert fact(page, "Limits").startswith("Mailboxes: 0 of 7")
    assert fact(page, "Password").startswith("None yet")
    assert last_event(portal) == (
        ROOT, "account-made", f'{NEW} user ["many03.test","one.test"]')
    path, newcomer = link_to(catcher, "Votre compte"), portal.browser()
    page, chosen = newcomer.get(path).expect(), "a new password it is"
    newcomer.submit(page, "/password/reset", new=chosen,
                    repeat=chosen).expect(303, "/login")
    assert newcomer.get(path).status == 404
    newcomer.log_in(NEW, chosen).expect(303, "/home")
    assert "many03.test" in newcomer.get("/home").text
    assert fact(page_of(root, NEW), "Password").startswith("Last changed")


def test_its_link_works_for_two_days(portal, root, catcher):
    make(root).expect(303, f"/accounts/account?id={portal.account_id(NEW)}")
    path = link_to(catcher, "Your account")
    hours = portal.db.value("SELECT TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), "
                            "expires_at) / 60 FROM pymailadmin_password_reset")
    assert 47.9 < hours <= 48
    portal.db.sql("UPDATE pymailadmin_password_reset SET expires_at = "
                  "UTC_TIMESTAMP() - INTERVAL 1 SECOND")
    newcomer = portal.browser()
    assert "ask for a new one" in newcomer.get(path).text
    newcomer.submit(newcomer.get("/password/forgotten"), "/password/forgotten",
                    email=NEW)
    newcomer.get(link_to(catcher, "Choose a new")).expect()


@pytest.mark.parametrize("email, words", [
    ("", "Enter an email address"), ("new", "Enter an email address"),
    ("new@post.test\r\nBcc: x@x.test", "Enter an email address"),
    (USER.upper(), "an account of this address already"),
    ("asks@post.test", "Somebody has asked for an account")])
def test_addresses_that_get_no_account(portal, root, email, words):
    portal.db.sql("INSERT INTO pymailadmin_registration (email, password, "
                  "reason, confirmed_at, expires_at) VALUES ('asks@post.test',"
                  " REPEAT('x', 60), 'x', UTC_TIMESTAMP(), UTC_TIMESTAMP())")
    page = make(root, email, max_aliases="7")
    portal.db.sql("DELETE FROM pymailadmin_registration")
    assert page.status == 422 and words in page.text
    assert page.form("/accounts/add")["max-aliases"] == "7"
    assert portal.db.value("SELECT COUNT(*) FROM pymailadmin_account") == 4


@pytest.mark.parametrize("fields, status", [
    ({"role": "root"}, 400), ({"language": "xx"}, 400),
    ({"max_mailboxes": "many"}, 422), ({"domains": "none.test"}, 422)])
def test_accounts_that_are_not_made(portal, root, fields, status):
    assert make(root, **fields).status == status
    assert portal.account_id(NEW) is None


def test_mails_about_new_accounts_are_few(portal, root):
    for status in [303] * 10 + [429]:
        assert make(root).status == status
        portal.db.sql("DELETE FROM pymailadmin_account WHERE email = %s", NEW)
    form = root.get("/password/forgotten")
    assert root.submit(form, "/password/forgotten", email=NEW).status != 429


def test_an_account_is_deleted(portal, root, catcher):
    user = portal.log_in(USER)
    page = page_of(root, USER, "delete")
    assert "Its mailbox goes on" in page.text
    assert root.submit(page, "/accounts/delete", typed="user").status == 422
    page = root.follow(root.submit(page, "/accounts/delete", typed=USER))
    assert f"The account {USER} was deleted" in page.text
    assert USER not in listed(page)
    assert user.get("/home").location.startswith("/login")
    assert portal.browser().log_in(USER).status == 422
    assert "supprimé" in catcher.wait(USER)["Subject"]
    page = root.get("/mailbox?address=box%40one.test").expect()
    assert f"The mailbox was taken from {USER}" in page.text
    assert last_event(portal) == (ROOT, "account-deleted", USER)


def test_not_while_the_mail_host_has_something_to_do_for_it(portal, root):
    portal.db.sql("INSERT INTO pymailadmin_request (id, kind, address, "
                  "created_at) VALUES (REPEAT('a', 32), 'delete', "
                  "'box@one.test', UTC_TIMESTAMP())")
    page = send(root, USER, "delete", typed=USER)
    assert page.status == 422 and "still has something to do" in page.text

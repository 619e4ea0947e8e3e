"""The README's installation on mail hosts that there are already, by the guide
of ISPmail and with PostfixAdmin; then a mailbox's life, begun in the portal."""

import imaplib
import re
import smtplib
import types

import pytest

import messages
from guides import CONF, ISPMAIL_GUIDE, POSTFIXADMIN_GUIDE
from readmewalk import (
    ADMIN, BLOCKS, MAIL_HOST, MAILBOX, NEW, PASSWORD, UNIT, Walk, booted,
    deliver, imap, state, stored)
from webportal import Browser

pytestmark = pytest.mark.limit(1200)

# Step 3 is for those who have no mail host; what step 2 makes, with "make
# install", is in this root.
LEFT_OUT = [*MAIL_HOST[2], *MAIL_HOST[3]]
RABBIT = "rabbit@example.org"
QUOTED = RABBIT.replace("@", "%40")
ALIAS = "wonderland@example.org"
FIRST, SECOND = ("marble Tuesday lantern riverboat",
                 "velvet compass Oslo thunderstorm")


class OwnHost(Walk):
    """What the steps say that depends on one's own tables and files."""

    def __init__(self, machine, guide):
        self.guide = guide
        account = guide.account.replace("'", "")
        self.SET_UP = tuple(
            account if number == 6 else answer
            for number, answer in enumerate(Walk.SET_UP))
        super().__init__(machine, [block for block in BLOCKS
                                   if block not in LEFT_OUT])
        changed = "\n".join(self.blocks)
        for word in guide.schema.views, guide.account:
            assert changed.count(word) == 1
        assert not re.search(r"mariadb mail\b", changed)

    def adapt(self, block):
        schema = self.guide.schema
        block = block.replace("views-default.sql", schema.views)
        # as the head of the file says
        block = block.replace(
            "mariadb mail <grants-plugin.sql",
            f"sed \"s/'dovecot'@'localhost'/{self.guide.account}/\" "
            "grants-plugin.sql | mariadb mail")
        return re.sub(r"mariadb mail\b", f"mariadb {schema.database}", block)

    def before(self, block):
        super().before(block)
        if "05-pymailadmin-auth.conf" in block:
            self.mend_own_files()

    def mend_own_files(self):
        """What step 6 says of them."""
        for name in self.guide.files:
            path = self.machine.path(f"{CONF}/{name}")
            path.write_text(own_files(path.read_text()))

    def prepare(self):
        self.guide.build(self.machine)
        deliver(self.machine, messages.small(9))


def own_files(text):
    """The key password by "fields", and a userdb that knows of mailboxes which
    are not active."""
    text, moved = re.subn(
        r", \\\n +SHA2\('%\{password\}', 256\) AS "
        r"userdb_crypt_user_key_password \\\n(.*)\n\}",
        r" \\\n\1\n  fields {\n    userdb_crypt_user_key_password = "
        r"%{password | sha256 | hexlify}\n  }\n}", text)
    passdb, userdb, rest = text.partition("userdb sql {")
    return passdb + userdb + rest.replace(" AND active = '1'", "", 1) if moved \
        else text


@pytest.fixture(scope="module", params=[ISPMAIL_GUIDE, POSTFIXADMIN_GUIDE],
                ids=lambda guide: guide.schema.name)
def walk(request):
    with booted() as machine:
        walk = OwnHost(machine, request.param).go()
        machine.run(f"systemctl stop {UNIT}.timer {UNIT}.service")
        yield walk


@pytest.fixture
def machine(walk):
    return walk.machine


@pytest.fixture(scope="module")
def browser():
    portal = types.SimpleNamespace(
        web=types.SimpleNamespace(host="127.0.0.1", port=8686),
        new_address=lambda: "198.51.100.7")
    return Browser(portal, language="en")


def work(machine):
    """What the timer does, and what is said then."""
    machine.run(f"systemctl start {UNIT}")
    return machine.run(f"doveadm pymailadmin status -u {RABBIT}").stdout


def assert_check_is_content(machine, *words):
    said = machine.run(" ".join(("doveadm pymailadmin check", *words))).stdout
    found = re.findall(r"^(\w[\w ]*?) +(warning|error) .*$", said,
                       re.MULTILINE)
    assert [name for name, _ in found if name != "timer"] == [], said


def test_readme_ends_with_a_changed_password(walk):
    """Mail from before it can be read, too."""
    found = stored(NEW)
    for body, mail in zip(found, [messages.small(9), *walk.mails],
                          strict=True):
        assert body.endswith(mail)
    assert "auth succeeded" in walk.screen
    found = re.findall(r"^(\w[\w ]*?) +(warning|error) ", walk.screen,
                       re.MULTILINE)
    assert found == [("timer", "warning")] * 2
    assert_check_is_content(walk.machine, "-u", MAILBOX)


def test_quota_still_holds(walk):
    """What one's own userdb says beside the key password."""
    with imap(NEW) as session:
        _, (_, [found]) = session.getquotaroot("INBOX")
    assert f"(STORAGE" in found.decode() and str(1 << 20) in found.decode()


def test_a_mailbox_is_made_in_the_portal(walk, machine, browser):
    browser.log_in(ADMIN, PASSWORD).expect(303, "/home")
    page = browser.get("/mailbox/create?domain=example.org").expect()
    browser.submit(page, "/mailbox/create", name="rabbit", quota="2G",
                   new=FIRST, repeat=FIRST)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        deliver(machine, messages.small(1), to=RABBIT)
    [(code, _)] = refused.value.recipients.values()
    assert 400 <= code < 500
    said = work(machine)
    assert state(machine, RABBIT) == "done", said
    assert walk.guide.postfix(machine, RABBIT) == RABBIT
    # before anybody has logged in
    mail = messages.small(2)
    deliver(machine, mail, to=RABBIT)
    [found] = stored(FIRST, RABBIT)
    assert found.endswith(mail)
    row = walk.guide.database(machine).sql(
        "SELECT quota, active FROM pymailadmin_mailbox WHERE address = %s",
        RABBIT)
    assert row == [{"quota": 2 << 30, "active": 1}]
    assert_check_is_content(machine, "-u", RABBIT)


def test_its_password_is_changed_in_the_portal(machine, browser):
    page = browser.get(f"/mailbox/password?address={RABBIT}").expect()
    browser.submit(page, "/mailbox/password", old=FIRST, new=SECOND,
                   repeat=SECOND)
    before = home(machine).stat().st_ino
    with pytest.raises(imaplib.IMAP4.error, match="UNAVAILABLE"):
        with imap(FIRST, RABBIT):
            pass
    said = work(machine)
    assert state(machine, RABBIT) == "done", said
    [found] = stored(SECOND, RABBIT)
    assert found.endswith(messages.small(2))
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        with imap(FIRST, RABBIT):
            pass
    assert home(machine).stat().st_ino == before


def test_it_gets_an_alias_in_the_portal(walk, machine, browser):
    page = browser.get(f"/alias/add?mailbox={RABBIT}").expect()
    browser.submit(page, "/alias/add", name="wonderland").expect(
        303, f"/mailbox?address={QUOTED}")
    assert walk.guide.postfix(machine, ALIAS) == RABBIT
    db = walk.guide.database(machine)
    assert walk.guide.schema.aliases(db) == {ALIAS: RABBIT}


def test_it_is_deleted_in_the_portal(walk, machine, browser):
    assert (home(machine) / "dovecot-attributes").exists()
    page = browser.get(f"/mailbox/delete?address={RABBIT}").expect()
    browser.submit(page, "/mailbox/delete", typed=RABBIT).expect(
        303, f"/mailbox/delete?address={QUOTED}")
    said = work(machine)
    assert state(machine, RABBIT) == "pending", said
    [found] = stored(SECOND, RABBIT)
    assert found.endswith(messages.small(2))
    machine.run("sed -i 's/^#\\(pymailadmin_deletion_grace = \\).*/\\11s/' "
                f"{CONF}/90-pymailadmin.conf && doveadm reload")
    said = work(machine)
    assert state(machine, RABBIT) == "done", said
    assert not home(machine).exists()
    assert walk.guide.postfix(machine, RABBIT) is None
    assert walk.guide.postfix(machine, ALIAS) is None
    db = walk.guide.database(machine)
    for view, column in ("mailbox", "address"), ("alias", "destination"):
        assert db.value(f"SELECT COUNT(*) FROM pymailadmin_{view} WHERE "
                        f"{column} = %s", RABBIT) == 0
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        deliver(machine, messages.small(1), to=RABBIT)
    [(code, _)] = refused.value.recipients.values()
    assert code == 550
    # nobody else's
    assert len(stored(NEW)) == 4
    assert_check_is_content(machine, "-u", MAILBOX)


def home(machine):
    return machine.path("/var/vmail/example.org/rabbit")

"""The portal's part of tests/demo: a browser on its way through it, and the
sample accounts with which a person can do the same."""

import socket
import textwrap

import mailclients
import newcomer
from browser import Browser
from mariadb import wait_until
from webportal import Portal

PORT = 8686
USER, ADMIN, ROOT = (f"{name}@people.example"
                     for name in ("camille", "admin", "root"))
# Of accounts. Those of mailboxes are others.
PASSWORDS = {USER: "rivers carry small boats",
             ADMIN: "clouds rarely pay rent",
             ROOT: "nobody paints the moon twice"}
NEW = "velvet compass Oslo thunderstorm"
DOMAINS = ("example.test", "association.example", "theatre.example")
ALIAS = "newsletter"


class Printer(newcomer.Postman):
    """Shows what the portal mails, also to addresses that nobody reads."""

    def __init__(self, host, report):
        super().__init__(host)
        self.report = report

    async def handle_DATA(self, server, session, envelope):
        answer = await super().handle_DATA(server, session, envelope)
        mail = self.mails[-1]
        self.report.line(f" Mail to {mail['To']}: {mail['Subject']}")
        self.report.line(textwrap.indent(mail.get_content(), "    "))
        return answer


def port():
    """The usual one, if it is free."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", PORT))
            return PORT
        except OSError:
            return None


def start(host, catcher):
    """Plain HTTP, as for trying things out: browsers on this machine only."""
    portal = Portal(
        host, port=port(), base_url="http://127.0.0.1:{port}",
        smtp_url=catcher.url, mail_from="portal@people.example",
        product_name="pymailadmin", two_factor_required="",
        registration="open").start()
    for domain in DOMAINS:
        portal.add_domain(domain)
    portal.add_account(USER, PASSWORDS[USER], domains=DOMAINS[:2])
    portal.add_account(ADMIN, PASSWORDS[ADMIN], role="admin",
                       domains=DOMAINS)
    portal.add_account(ROOT, PASSWORDS[ROOT], role="super_admin",
                       language="fr")
    return portal


def add_samples(portal):
    """Mailboxes in each state that a person would have to wait for."""
    for address, quota, active, kind, state, outcome in (
            ("closing@association.example", 1, 1, "delete", "pending", None),
            ("unlucky@association.example", 2, 1, "password", "failed",
             "wrong_password"),
            ("box-office@theatre.example", 5, 1, None, None, None),
            ("old-troupe@theatre.example", 1, 0, None, None, None)):
        owner = USER if "association" in address else ADMIN
        portal.add_mailbox(address, owner, quota << 30, active=active)
        if kind:
            portal.db.sql(
                "INSERT INTO pymailadmin_request (id, kind, address, "
                "account_id, created_at, state, outcome, ended_at) VALUES "
                "(MD5(%s), %s, %s, %s, UTC_TIMESTAMP() - INTERVAL 1 HOUR, "
                "%s, %s, IF(%s IS NULL, NULL, UTC_TIMESTAMP()))",
                address, kind, address, portal.account_id(owner), state,
                outcome, outcome)


def refusal(mailbox, password):
    """What IMAP says to a password; None if it lets it in."""
    try:
        mailbox.imap(password).logout()
    except mailclients.Refused as refused:
        return str(refused)
    return None


def log_in(browser, report):
    browser.open("/")
    report.tell(f"{browser.base_url}{browser.path}", browser.title)
    browser.send(email=USER, password=PASSWORDS[USER])
    report.tell(f"{USER} logs in", browser.title)


def journey(host, mailbox, portal, report, given):
    """given: how many mails each folder holds."""
    with report.step("The portal, in a browser"), \
            Browser(portal.web.base_url) as browser:
        version = browser.driver.capabilities["browserVersion"]
        report.tell(f"pymailadmin-web on {portal.web.base_url}, "
                    f"Chromium {version}")
        portal.give(mailbox.address, USER)
        log_in(browser, report)
        report.check("It lists the mailbox", mailbox.address in browser.text)
        add_alias(browser, mailbox, portal, report)
        change_password(browser, host, mailbox, report)
        report.check("No error in the browser's console, no request to "
                     "anybody else", browser.complaints() == [])
    with report.step("The mail, read with the password from the portal"):
        found = {folder: len(mailbox.mails(folder)) for folder in given}
        report.check("IMAP: " + ", ".join(
            f"{count} of {given[folder]} messages in {folder}"
            for folder, count in found.items()), found == given)
        answer = refusal(mailbox, "new password")
        report.tell(f"The one before: {answer or 'logged in'}")
        report.check("IMAP refuses it", answer is not None and
                     "AUTH" in answer)


def joining(host, portal, report):
    with report.step("A newcomer"):
        newcomer.join(host, portal, (ROOT, PASSWORDS[ROOT]), report)


def add_alias(browser, mailbox, portal, report):
    browser.follow("/mailbox?address=").follow("/alias/add")
    browser.send(name=ALIAS)
    alias = f"{ALIAS}@{mailbox.address.partition('@')[2]}"
    report.check(f"An alias is created: {alias}", alias in browser.text and
                 portal.db.value("SELECT destination FROM alias WHERE "
                                 "source = %s", alias) == mailbox.address)


def change_password(browser, host, mailbox, report):
    browser.follow("/mailbox/password")
    browser.send(old=mailbox.password, new=NEW, repeat=NEW)
    report.tell("Its password is changed", browser.title)
    report.check("The page shows that it is closed, and a bar",
                 bool(browser.find_all(".waiting progress")))
    report.check("IMAP is refused for the time being",
                 "[UNAVAILABLE]" in (refusal(mailbox, NEW) or ""))
    process = host.spawn("pymailadmin", "process")
    seen = []

    def is_open():
        for each in browser.find_all("[data-progress-text]"):
            note(seen, each)
        return browser.find_all("main .notice.good")
    try:
        wait_until(is_open, "the page says that it is open")
    finally:
        process.communicate(timeout=60)
    for text in seen:
        report.tell(f"The page: {text}")
    report.tell("The page: " + browser.find("main .notice.good").text,
                browser.title)
    report.check("It has moved on by itself", process.returncode == 0)
    mailbox.password = NEW


def note(seen, element):
    try:
        text = element.text
    except Exception:  # the page has moved on
        return
    if text and text not in seen:
        seen.append(text)


def tell_accounts(portal, mailbox, report):
    report.line(f" The portal stays up at {portal.web.base_url}, "
                "with these accounts:")
    report.line()
    for email, role in ((USER, "user"), (ADMIN, "admin"),
                        (ROOT, "super admin, in French")):
        report.line(f"    {email:<23} {PASSWORDS[email]:<30} {role}")
    report.line()
    report.line(f" {USER} owns {mailbox.address}, whose own password is "
                f"\"{mailbox.password}\".")
    report.line(" What is asked for is done within 5 seconds, as the timer "
                "would. Mails are shown here.")

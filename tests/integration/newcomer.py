"""A newcomer's way, from the log-in page to the first mail in a mailbox of
their own: shown to a person by tests/demo, and asserted by test_newcomer.py."""

import asyncio
import email
import email.policy
import re

import messages
from browser import Browser
from mailcatcher import MailCatcher
from mailhost import Mailbox
from mariadb import wait_until

EMAIL = "noor@elsewhere.example"
REASON = "I play the oboe in the association's orchestra. Martine knows me."
PORTAL, MAIL = ("seven purple elephants sing quietly",
                "the kettle whistles before dawn")
NAME = "noor-oboe"


class Postman(MailCatcher):
    """A relay that leads to the mail host's own mailboxes, as one would."""

    def __init__(self, host):
        super().__init__()
        self.host = host

    async def handle_DATA(self, server, session, envelope):
        answer = await super().handle_DATA(server, session, envelope)
        for address in envelope.rcpt_tos:
            # not in the loop of this server: a portal waits for its answer
            await asyncio.to_thread(self.pass_on, address, envelope.content)
        return answer

    def pass_on(self, address, content):
        if self.host.db.value("SELECT 1 FROM users WHERE email = %s",
                              address):
            Mailbox(self.host, address, None).deliver(content)


class Asserting:
    """A report for a test."""

    def tell(self, text, value=""):
        print(text, value)

    def check(self, text, good):
        assert good, text


def read(mailbox, subject):
    """The text of the mail that has come to a mailbox, by IMAP."""
    def find():
        for mail in mailbox.mails():
            mail = email.message_from_bytes(mail.delivered,
                                            policy=email.policy.default)
            if subject in mail["Subject"]:
                return mail.get_content()
        return None
    return wait_until(find, f"a mail about {subject}", 20)


def join(host, portal, super_admin, report, look=lambda browser, name: None):
    """super_admin: e-mail address and password. Returns the new mailbox."""
    elsewhere = host.create(EMAIL)
    with Browser(portal.web.base_url) as browser:
        def see(name):
            look(browser, name)
        register(browser, elsewhere, report, see)
        accept(browser, super_admin, report, see)
        mailbox = create(browser, host, elsewhere, report, see)
        receive(browser, mailbox, report, see)
        report.check("No error in the browser's console, no request to "
                     "anybody else", browser.complaints() == [])
    return mailbox


def register(browser, elsewhere, report, see):
    browser.show_as(language="en").open("/login").follow("/register")
    see("register")
    browser.send(email=EMAIL, new=PORTAL, repeat=PORTAL, reason=REASON)
    see("sent")
    report.tell(f"{EMAIL} asks for an account", browser.title)
    text = read(elsewhere, "Confirm")
    [link] = re.findall(r"http://127\.0\.0\.1\S+", text)
    report.tell("A mail has come: " + text.split("\n")[0])
    browser.driver.get(link)
    see("confirm")
    browser.send()
    see("confirmed")
    report.tell("The link in it is followed, and confirmed", browser.title)


def accept(browser, super_admin, report, see):
    email, password = super_admin
    browser.forget().open("/login").send(email=email, password=password)
    browser.open("/moderation")
    see("moderation")
    report.check("A super admin sees the request, with its reason",
                 EMAIL in browser.text and REASON in browser.text)
    browser.follow("/moderation/answer")
    browser.click("input[value='example.test']")
    see("answer")
    browser.send_form("/moderation/accept", max_mailboxes="2")
    see("accepted")
    report.tell("It is accepted, for example.test and two mailboxes",
                browser.title)


def create(browser, host, elsewhere, report, see):
    text = read(elsewhere, "is ready")
    report.check("The newcomer is told by mail",
                 "you can create your first mailbox" in text)
    browser.forget().open("/login").send(email=EMAIL, password=PORTAL)
    see("home")
    report.tell(f"{EMAIL} logs in", browser.title)
    browser.follow("/mailbox/create")
    see("create")
    browser.send(name=NAME, quota="1 GB", new=MAIL, repeat=MAIL)
    see("creating")
    mailbox = Mailbox(host, f"{NAME}@example.test", MAIL)
    report.tell(f"Asks for {mailbox.address}", browser.title)
    report.check("It is asked for", not browser.find_all("main .error"))
    with host.lmtp() as lmtp:
        code, answer = lmtp.deliver(mailbox.address, messages.small(1))
    report.tell(f"LMTP, before it is there: {code} {answer}")
    report.check("The sender's server is to keep it for a while",
                 400 <= code < 500)
    result = host.process()
    for line in result.output.splitlines():
        report.tell(f"  {line.rstrip()}")
    report.check("doveadm pymailadmin process makes it", result.code == 0)
    return mailbox


def receive(browser, mailbox, report, see):
    mail = messages.small(2)
    mailbox.deliver(mail)
    browser.open(f"/mailbox?address={mailbox.address}")
    see("created")
    report.check("The portal shows it", mailbox.address in browser.text and
                 bool(browser.find_all('main a[href^="/mailbox/password"]')))
    report.check("The first mail, which came before the first log-in, is read "
                 "by IMAP, byte for byte",
                 [each.delivered for each in mailbox.mails()] == [mail])
    report.check("On the disk it cannot be read", not any(
        mail.split(b"\r\n\r\n")[1].split()[0] in path.read_bytes()
        for path in mailbox.home.rglob("*") if path.is_file()))

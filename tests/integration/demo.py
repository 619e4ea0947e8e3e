"""The main job, shown to a person: see tests/demo."""

import contextlib
import signal
import sys
import textwrap
import time

import demoportal
import mailclients
import messages
import newcomer
from changes import folder_keys
from mailhost import MailHost

WIDTH = 78
TIMER_SECS = 5
SMALL, LARGE, LARGE_SIZE = 500, 4, 5_000_000


class Report:
    """Prints steps, what they showed, and how long they took."""

    def __init__(self, out):
        self.out = out
        self.colour = out.isatty()
        self.step_number = 0
        self.checks = 0
        self.failed = 0
        self.started = time.monotonic()

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def line(self, text=""):
        print(text, file=self.out, flush=True)

    def two_columns(self, indent, left, right, code):
        space = WIDTH - len(indent) - len(right) - 2
        lines = [left]
        if len(left) > space:
            lines = textwrap.wrap(left, space, subsequent_indent="  ")
        for line in lines[:-1]:
            self.line(indent + line)
        if right:
            lines[-1] = f"{lines[-1]:<{space}}  {self.paint(code, right)}"
        self.line(indent + lines[-1])

    @contextlib.contextmanager
    def step(self, title):
        self.step_number += 1
        self.line()
        self.line(self.paint("1", f" {self.step_number}  {title}"))
        began = time.monotonic()
        yield
        self.two_columns("    ", "", seconds(time.monotonic() - began), "2")

    def tell(self, text, value=""):
        self.two_columns("    ", text, value, "0")

    def check(self, text, good):
        self.checks += 1
        self.failed += not good
        self.two_columns("    ", text, *(("ok", "32") if good
                                         else ("FAILED", "1;31")))

    def end(self):
        self.line()
        took = seconds(time.monotonic() - self.started)
        if self.failed:
            self.line(self.paint("1;31", f" {self.failed} of {self.checks} "
                                         f"checks failed, {took}"))
        else:
            self.line(self.paint("1;32", f" All {self.checks} checks passed, "
                                         f"{took}"))


def seconds(value):
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def answer_of(function, *arguments):
    """What a client was told: the refusal, or None if it was let in."""
    try:
        session = function(*arguments)
    except mailclients.Refused as refusal:
        return str(refusal)
    session.shutdown() if hasattr(session, "shutdown") else session.close()
    return None


def compare(report, how, found, given):
    same = sum(one == other for one, other in zip(found, given))
    report.check(f"{how}: {same} of {len(given)} messages, byte for byte",
                 found == given)


def run(host, report):
    """The mailbox, and how many mails its folders hold."""
    with report.step("A mail host with a key for each user"):
        host.start()
        version = host.command("dovecot", "--version").stdout.split()[0]
        report.tell(f"Dovecot {version}, MariaDB "
                    f"{host.db.value('SELECT VERSION()').split('-')[0]}, "
                    f"{host.mail_driver}, mail_crypt")
        mailbox = host.create("alice", "old password")
        report.tell(f"Mailbox {mailbox.address}")

    inbox = [*messages.awkward().values(),
             *(messages.large(n, LARGE_SIZE) for n in range(LARGE))]
    archive = [messages.small(n) for n in range(SMALL)]
    with report.step("Mail comes in by LMTP"):
        mailbox.deliver(*inbox)
        mailbox.deliver(*archive, detail="Archive")
        report.tell(f"{len(messages.awkward())} awkward messages, {LARGE} of "
                    f"{LARGE_SIZE // 1_000_000} MB, {SMALL} small ones")
        report.check("On disk no message can be read",
                     not readable_on_disk(mailbox, archive))

    old_keys = folder_keys(mailbox)
    early = mailbox.imap()
    with report.step("The password change is asked for"):
        report.tell("An IMAP client is logged in and stays so")
        filed = time.monotonic()
        result = host.request(mailbox, "new password")
        report.tell(f"$ doveadm pymailadmin request password "
                    f"-u {mailbox.address}")
        report.check("The request is filed", result.code == 0)

    with report.step("While the window is closed"):
        for name, opener in (("IMAP", mailbox.imap), ("POP3", mailbox.pop3)):
            answer = answer_of(opener)
            report.tell(f"{name}: {answer or 'logged in'}")
            report.check(f"{name} is refused for the time being",
                         answer is not None and answer.startswith(
                             ("NO [UNAVAILABLE]", "-ERR [SYS/TEMP]")))
        late = messages.small(SMALL)
        with host.lmtp() as lmtp:
            code, text = lmtp.deliver(mailbox.address, late)
        inbox.append(late)
        report.tell(f"LMTP: {code} {text}")
        report.check("Mail is delivered all the same", code == 250)

    with report.step("The change"):
        began = time.monotonic()
        result = host.process()
        ended = time.monotonic()
        report.tell("$ doveadm pymailadmin process", seconds(ended - began))
        for line in result.output.splitlines():
            report.tell(f"  {line.rstrip()}")
        report.check("It succeeds", result.code == 0)
        line = early.readline().decode().rstrip()
        report.tell(f"The IMAP client: {line}")
        report.check("It was sent away", line.startswith("* BYE"))
        early.shutdown()
        mailbox.password = "new password"
        report.check("The window is open", answer_of(mailbox.imap) is None)
        report.tell("The mailbox was closed for", seconds(ended - filed))

    with report.step("Every message, read with the new password"):
        compare(report, "IMAP INBOX",
                [mail.delivered for mail in mailbox.mails()], inbox)
        compare(report, "IMAP Archive",
                [mail.delivered for mail in mailbox.mails("Archive")], archive)
        bodies = [mail.body for mail in mailbox.mails()]
        pop3 = mailbox.pop3()
        compare(report, "POP3 INBOX", [pop3.retrieve(n + 1)
                                       for n in range(len(bodies))], bodies)
        pop3.quit()

    with report.step("The stored mail"):
        result = host.doveadm("-f", "json", "pymailadmin", "verify", "-u",
                              mailbox.address, "--full",
                              input="new password\n")
        report.tell(f"$ doveadm pymailadmin verify -u {mailbox.address} "
                    "--full")
        for row in result.json:
            report.tell(f"{row['folder']}: {row['current']} mails under new "
                        f"keys, {row['retired']} under old ones")
        report.check("All of it is under new keys, and whole",
                     result.code == 0)
        report.check("The old keys are gone",
                     not old_keys & folder_keys(mailbox))

    with report.step("The old password"):
        for name, opener in (("IMAP", mailbox.imap), ("POP3", mailbox.pop3)):
            answer = answer_of(opener, "old password")
            report.tell(f"{name}: {answer or 'logged in'}")
            report.check(f"{name} refuses it", answer is not None and
                         "AUTH" in answer)
    return mailbox, {"INBOX": len(inbox), "Archive": len(archive)}


def readable_on_disk(mailbox, given):
    words = [message.split(b"\r\n\r\n")[1].split()[0] for message in given]
    for path in mailbox.home.rglob("*"):
        # Dovecot's cache holds headers in the clear.
        if path.is_file() and not path.name.startswith("dovecot"):
            data = path.read_bytes()
            if any(word in data for word in words):
                return True
    return False


def stay(host, mailbox, portal, report):
    signals = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    demoportal.add_samples(portal)
    report.line()
    demoportal.tell_accounts(portal, mailbox, report)
    report.line()
    report.line(" So does the mail host, without TLS:")
    report.line()
    for name, port in (("IMAP", host.imap_port), ("POP3", host.pop3_port),
                       ("LMTP", host.lmtp_port)):
        report.line(f"    {name}  127.0.0.1:{port}")
    report.line()
    report.line(" Ctrl-C ends both.")
    while signal.sigtimedwait(signals, TIMER_SECS) is None:
        result = host.process(timeout=900)
        for line in result.output.splitlines():
            report.line(f" $ doveadm pymailadmin process: {line.rstrip()}")
    report.line(" Stopped.")


def show(host, report, stays):
    mailbox, given = run(host, report)
    with demoportal.Printer(host, report) if stays else \
            newcomer.Postman(host) as catcher:
        portal = demoportal.start(host, catcher)
        try:
            demoportal.journey(host, mailbox, portal, report, given)
            demoportal.joining(host, portal, report)
            report.end()
            if stays:
                stay(host, mailbox, portal, report)
        finally:
            portal.stop(check=False)


def main():
    report = Report(sys.stdout)
    host = MailHost(mail_driver=sys.argv[1], scheme="ARGON2ID",
                    depth="storage")
    report.line(report.paint(
        "1", "pymailadmin: a mailbox password and its key are changed, also in "
        "the portal,"))
    report.line(report.paint("1", "where a newcomer gets a mailbox"))
    try:
        show(host, report, "stay" in sys.argv[2:])
        if not report.failed:
            host.close()
    except KeyboardInterrupt:
        report.line(" Interrupted.")
        return 130
    except Exception as error:  # the report ends in its own way, always
        report.check(f"Unexpected: {error!r}", False)
        report.end()
    if report.failed:
        report.line()
        report.line(f" The end of {host.log_path}:")
        report.line(textwrap.indent(
            "\n".join(host.log().splitlines()[-20:]), "    "))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""An SMTP server that keeps what it is given."""

import email
import email.policy

from aiosmtpd.controller import Controller

from mariadb import free_port, wait_until


class MailCatcher:
    """A server on a loopback port; answer is what it says to a message."""

    def __init__(self):
        self.port = free_port()
        self.raw, self.envelopes = [], []
        self.answer = "250 OK"
        self.controller = Controller(self, hostname="127.0.0.1",
                                     port=self.port, decode_data=False)

    async def handle_DATA(self, _server, _session, envelope):
        if self.answer.startswith("250"):
            self.raw.append(envelope.content)
            self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        return self.answer

    def __enter__(self):
        self.controller.start()
        return self

    def __exit__(self, *_):
        self.controller.stop()

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def mails(self):
        return [email.message_from_bytes(raw, policy=email.policy.default)
                for raw in self.raw]

    def clear(self):
        self.raw.clear()
        self.envelopes.clear()

    def wait(self, to, subject="", deadline=15):
        """The first mail to an address whose subject holds a text."""
        return wait_until(lambda: next(
            (mail for mail in self.mails
             if to in str(mail["To"]) and subject in str(mail["Subject"])),
            None), f"a mail to {to}", deadline)

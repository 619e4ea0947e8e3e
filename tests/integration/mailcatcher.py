"""An SMTP server that keeps what it is given."""

import asyncio
import email
import email.policy

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from mariadb import free_port, wait_until


class MailCatcher:
    """A server on a loopback port; answer is what it says to a message, refused
    what it says to recipients that it does not take; when hangs is true it
    says nothing to a message.

    starttls, tls: the context of TLS that is offered, or comes first; login:
    user and password it asks for, and by which mechanisms they can be told."""

    def __init__(self, starttls=None, tls=None, login=None,
                 mechanisms=("PLAIN", "LOGIN")):
        self.port = free_port()
        self.raw, self.envelopes, self.logins = [], [], []
        self.answer = "250 OK"
        self.refused, self.hangs = {}, False
        self.scheme = "smtps" if tls else "smtp"
        self.login = login
        self.controller = Controller(
            self, hostname="127.0.0.1", port=self.port, decode_data=False,
            ssl_context=tls, tls_context=starttls,
            require_starttls=starttls is not None,
            auth_require_tls=starttls is not None,
            auth_exclude_mechanism={"PLAIN", "LOGIN"} - set(mechanisms),
            authenticator=self._authenticate)

    def _authenticate(self, _server, _session, _envelope, mechanism, data):
        told = (data.login.decode(), data.password.decode())
        self.logins.append((mechanism, *told))
        return AuthResult(success=told == self.login, handled=False)

    async def handle_MAIL(self, _server, session, envelope, address, _options):
        if self.login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address,
                          _options):
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):
        if self.hangs:
            await asyncio.Event().wait()
        if self.answer.startswith("250"):
            self.raw.append(envelope.content)
            self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        return self.answer

    def __enter__(self):
        self.controller.start()
        return self

    def __exit__(self, *_):
        self.controller.stop()

    def url_by(self, name):
        return f"{self.scheme}://{name}:{self.port}"

    @property
    def url(self):
        return self.url_by("127.0.0.1")

    @property
    def mails(self):
        return [email.message_from_bytes(raw, policy=email.policy.default)
                for raw in self.raw]

    def clear(self):
        self.raw.clear()
        self.envelopes.clear()
        self.logins.clear()

    def wait(self, to, subject="", deadline=15):
        """The first mail to an address whose subject holds a text."""
        return wait_until(lambda: next(
            (mail for mail in self.mails
             if to in str(mail["To"]) and subject in str(mail["Subject"])),
            None), f"a mail to {to}", deadline)

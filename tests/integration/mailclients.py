"""What people's programs do to a mail host: IMAP, POP3, LMTP, HTTP."""

import base64
import hashlib
import imaplib
import json
import poplib
import re
import smtplib
import socket
import typing
import urllib.error
import urllib.request

TIMEOUT = 30
# Headers LMTP puts before what it was given.
ADDED = re.compile(
    rb"\A(?:(?:Return-Path|Delivered-To|Received):[^\n]*\r\n"
    rb"(?:[ \t][^\n]*\r\n)*){3}")

imaplib._MAXLINE = 10_000_000


class Mail(typing.NamedTuple):
    """A stored mail as IMAP shows it."""
    uid: int
    flags: tuple
    date: str
    size: int
    body: bytes

    @property
    def delivered(self):
        """The bytes LMTP was given."""
        match = ADDED.match(self.body)
        assert match, f"no headers of a delivery: {self.body[:200]!r}"
        return self.body[match.end():]

    @property
    def digest(self):
        return hashlib.sha256(self.body).hexdigest()

    def __repr__(self):
        return (f"<{self.uid} {' '.join(self.flags)} {self.size} "
                f"{len(self.body)} {self.digest[:12]}>")


class Refused(Exception):
    """A server's answer that is not OK: its text."""


class Imap(imaplib.IMAP4):
    """An IMAP session; a refusal raises Refused with the server's words."""

    def __init__(self, port, address="127.0.0.1"):
        super().__init__(address, port, timeout=TIMEOUT)

    def log_in(self, user, password):
        tag = self._new_tag()
        self.send(b"%s LOGIN %s %s\r\n" % (
            tag, quoted(user), quoted(password)))
        lines = []
        while True:
            line = self.readline()
            if not line:
                raise Refused("EOF")
            line = line.rstrip(b"\r\n")
            lines.append(line.decode(errors="replace"))
            if line.startswith(tag + b" "):
                break
        answer = lines[-1].split(" ", 1)[1]
        if not answer.startswith("OK"):
            raise Refused(answer)
        self.state = "AUTH"
        self.login_answer = answer
        return self

    def ask(self, name, *arguments):
        """Runs a command, returns its untagged data."""
        status, data = getattr(self, name)(*arguments)
        if status != "OK":
            raise Refused(f"{status} {data[0].decode(errors='replace')}")
        return data

    def folders(self):
        found = []
        for line in self.ask("list"):
            match = re.match(rb'\(([^)]*)\) "[^"]*" (?:"(.*)"|(\S+))$', line)
            if b"\\Noselect" not in match[1]:
                found.append((match[2] or match[3]).decode())
        return sorted(found)

    def mails(self, folder="INBOX"):
        """All mails of a folder, by UID."""
        self.ask("select", f'"{folder}"', True)
        data = self.ask("uid", "FETCH", "1:*",
                        "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])")
        found = []
        for part in data:
            if not isinstance(part, tuple):
                continue
            head = part[0].decode()
            found.append(Mail(
                int(re.search(r"UID (\d+)", head)[1]),
                # Recent tells of sessions, not of mails.
                tuple(sorted({*re.search(r"FLAGS \(([^)]*)\)",
                                         head)[1].split()} - {"\\Recent"})),
                re.search(r'INTERNALDATE "([^"]*)"', head)[1],
                int(re.search(r"RFC822.SIZE (\d+)", head)[1]),
                part[1]))
        return found

    def everything(self):
        """Folder -> mails."""
        return {folder: self.mails(folder) for folder in self.folders()}


class Pop3(poplib.POP3):
    """A POP3 session; refusals raise poplib.error_proto."""

    def __init__(self, port, address="127.0.0.1"):
        try:
            super().__init__(address, port, timeout=TIMEOUT)
        except BaseException:
            # Sent away at the greeting.
            if hasattr(self, "file"):
                self.close()
            raise

    def log_in(self, user, password):
        try:
            self.user(user)
            self.pass_(password)
        except poplib.error_proto as error:
            answer = error.args[0]
            raise Refused(answer.decode(errors="replace")
                          if isinstance(answer, bytes) else "EOF") from None
        return self

    def retrieve(self, number):
        """A message, byte for byte as the server sent it."""
        _, lines, _ = self.retr(number)
        return b"".join(line + b"\r\n" for line in lines)


class Lmtp(smtplib.LMTP):
    def __init__(self, port, address="127.0.0.1"):
        super().__init__(address, port, timeout=TIMEOUT)

    def deliver(self, recipient, message, sender="sender@elsewhere.test"):
        """(code, text) of the last answer: of RCPT TO or after the data."""
        self.ehlo_or_helo_if_needed()
        code, text = self.mail(sender)
        if code == 250:
            code, text = self.rcpt(recipient)
        if code == 250:
            code, text = self.data(message)
        else:
            self.rset()
        return code, text.decode(errors="replace")


def quoted(text):
    data = text if isinstance(text, bytes) else text.encode()
    if re.search(rb"[\r\n\0]|[^\x00-\x7f]", data):
        raise ValueError("not to be quoted")
    return b'"' + re.sub(rb'(["\\])', rb"\\\1", data) + b'"'


def smtp_auth(path, user, password):
    """The answer to AUTH PLAIN on Dovecot's auth socket, as an MTA asks."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(TIMEOUT)
        sock.connect(str(path))
        file = sock.makefile("rwb")
        plain = base64.b64encode(f"\0{user}\0{password}".encode())
        file.write(b"VERSION\t1\t2\nCPID\t1\n"
                   b"AUTH\t1\tPLAIN\tservice=smtp\tresp=" + plain + b"\n")
        file.flush()
        for line in file:
            if line.startswith((b"OK\t", b"FAIL\t", b"CONT\t")):
                return line.decode().rstrip("\n")
    raise Refused("EOF")


def doveadm_http(port, key, *commands):
    """(status, answer) of Dovecot's HTTP API."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/doveadm/v1",
        json.dumps(commands).encode(),
        {"Authorization": "X-Dovecot-API " +
         base64.b64encode(key.encode()).decode(),
         "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None

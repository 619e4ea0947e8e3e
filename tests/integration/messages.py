"""Messages to fill mailboxes with: real awkward ones, large ones, many."""

import functools
import pathlib
import random
import re

AWKWARD = pathlib.Path("/usr/lib/python3.13/test/test_email/data")


def on_the_wire(data):
    """The bytes as SMTP carries them: lines end with CRLF."""
    data = re.sub(rb"\r\n|\r|\n", b"\r\n", data)
    return data if data.endswith(b"\r\n") else data + b"\r\n"


@functools.cache
def awkward():
    """The messages CPython's e-mail package is tested with: name -> bytes."""
    found = {path.name: on_the_wire(path.read_bytes())
             for path in sorted(AWKWARD.glob("msg_*.txt"))}
    assert len(found) > 40
    return found


def small(number, words=20):
    """A short message, always the same for the same number."""
    chance = random.Random(number)
    text = " ".join("%x" % chance.getrandbits(32) for _ in range(words))
    return on_the_wire(
        f"From: sender@elsewhere.test\nTo: you@example.test\n"
        f"Subject: Number {number}\nMessage-ID: <{number}@elsewhere.test>\n"
        f"Date: Sat, 22 Nov 2025 10:00:00 +0000\n\n{text}\n".encode())


def large(number, size):
    """A message of about size bytes that does not compress."""
    chance = random.Random(number)
    line = 72
    lines = [chance.randbytes(line // 2).hex() for _ in range(size // line)]
    head = f"From: sender@elsewhere.test\nSubject: Large {number}\n\n"
    return on_the_wire(head.encode() + "\n".join(lines).encode())

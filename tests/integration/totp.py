"""What an authenticator app does."""

import base64
import hmac
import struct
import time


def code(secret, step=None):
    """The code of base32 text, spaces or not; of now unless a step is given."""
    if step is None:
        step = int(time.time()) // 30
    text = secret.replace(" ", "").upper()
    key = base64.b32decode(text + "=" * (-len(text) % 8))
    digest = hmac.new(key, struct.pack(">Q", step), "sha1").digest()
    offset = digest[19] & 15
    number = struct.unpack(">I", digest[offset:offset + 4])[0] & 0x7fffffff
    return f"{number % 1000000:06}"


def step():
    return int(time.time()) // 30

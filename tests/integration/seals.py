"""Requests as the portal files them, and as nobody should."""

import functools
import pathlib
import secrets
import subprocess
import tempfile

CONTRACT = pathlib.Path(__file__).parents[2] / "plugin" / "contract"
SOURCE = pathlib.Path(__file__).with_name("seal-request.c")


@functools.cache
def program():
    path = pathlib.Path(tempfile.mkdtemp(prefix="seal-")) / "seal-request"
    subprocess.run(["gcc", f"-I{CONTRACT}", "-o", path, SOURCE,
                    *sorted(CONTRACT.glob("*.c")), "-lcrypto"], check=True)
    return path


def seal(public, address, request_id, created, old, new, new_hash,
         kind="password"):
    lines = (public, address, request_id, created, old, new, new_hash, kind)
    data = b"".join((line if isinstance(line, bytes) else
                     str(line).encode()) + b"\n" for line in lines)
    done = subprocess.run([program()], capture_output=True, input=data)
    assert done.returncode == 0, done.stderr
    return bytes.fromhex(done.stdout.decode())


def file(mailbox, old, new, *, new_hash=None, public=None, address=None,
         sealed_address=None, sealed_id=None, age=0, sealed_age=None,
         sealed=None, kind="password", account_id=None):
    """Inserts a row: by default a good request, with sealed=False one without
    a seal. Returns its id."""
    host = mailbox.host
    request_id = secrets.token_hex(16)
    created = host.db.value("SELECT TIMESTAMPDIFF(SECOND, "
                            "'1970-01-01', UTC_TIMESTAMP())") - age
    if sealed is None:
        sealed = seal(public or host.seal_public_key,
                      sealed_address or address or mailbox.address,
                      sealed_id or request_id,
                      created + age - sealed_age if sealed_age is not None
                      else created, old, new, new_hash or host.hash(new), kind)
    by_hand(host, "INSERT INTO pymailadmin_request (id, kind, address, "
            "created_at, sealed, account_id) VALUES (%s, %s, %s, "
            "TIMESTAMPADD(SECOND, %s, '1970-01-01'), %s, %s)",
            request_id, kind, address or mailbox.address, created,
            None if sealed is False else sealed,
            account_id)
    mailbox.request_id = request_id
    return request_id


def by_hand(host, statement, *args):
    """A statement that the table's own checks do not stop."""
    with host.db.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION check_constraint_checks = 0")
        cursor.execute(statement, args)

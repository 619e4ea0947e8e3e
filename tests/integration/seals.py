"""Requests as the portal files them, and as nobody should."""

import datetime
import functools
import pathlib
import secrets
import subprocess
import tempfile

CONTRACT = pathlib.Path(__file__).parents[2] / "plugin" / "contract"


@functools.cache
def program(name="seal-request"):
    path = pathlib.Path(tempfile.mkdtemp(prefix="seal-")) / name
    source = pathlib.Path(__file__).with_name(f"{name}.c")
    subprocess.run(["gcc", f"-I{CONTRACT}", "-o", path, source,
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


def opened_by(row, keys):
    """Which of the private keys (32 bytes) open the row of a request:
    {number: the old password}."""
    created = int((row["created_at"] - datetime.datetime(1970, 1, 1))
                  .total_seconds())
    lines = [row["sealed"].hex(), row["address"], row["id"], str(created),
             row["kind"], *(key.hex() for key in keys)]
    done = subprocess.run([program("open-request")], capture_output=True,
                          check=True, input="\n".join(lines) + "\n",
                          text=True)
    found = (line.split(" ", 1) for line in done.stdout.splitlines())
    return {int(number): password for number, password in found}


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

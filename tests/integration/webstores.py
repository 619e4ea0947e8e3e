"""The portal's stores, driven from the command line: web-stores.c."""

import functools
import os
import pathlib
import subprocess
import tempfile

import pytest

import websanitizer
from mariadb import MariaDB

TOP = pathlib.Path(__file__).resolve().parents[2]
LIBRARIES = ("libmariadb", "libargon2", "libcrypt", "liboath", "libcrypto")
PASSWORD = "web front"
# The private half is 1, 2 ... 32.
PUBLIC = "pymailadmin-seal-public:1:" \
    "07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c"
SANITIZER = websanitizer.NAMES or "address,undefined"
USER, OTHER, ADMIN = "user@post.test", "other@post.test", "root@post.test"
HASH = "$argon2id$" + "x" * 40


@functools.cache
def program(sanitizer):
    path = pathlib.Path(tempfile.mkdtemp(prefix="stores-")) / "web-stores"
    web = TOP / "web"
    sources = [*pathlib.Path(__file__).parent.glob("web-stores*.c"),
               *web.glob("store/*.c"), *web.glob("auth/*.c"),
               *(web / "db" / f"{name}.c" for name in ("db", "db-connection")),
               *(web / "base" / f"{name}.c"
                 for name in ("arena", "buffer", "bytes", "clock")),
               *(TOP / "plugin/contract").glob("*.c")]
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", *LIBRARIES],
                           check=True, capture_output=True, text=True)
    subprocess.run(["gcc", "-std=gnu11", *websanitizer.flags(sanitizer),
                    *(f"-I{web}/{name}" for name in ("base", "db", "auth",
                                                     "store")),
                    f"-I{TOP}/plugin/contract", "-o", path,
                    *map(str, sorted(sources)), *flags.stdout.split(),
                    "-lzxcvbn", "-lm", "-pthread"], check=True)
    return path


class Stores:
    """One portal: commands of web-stores.c, answers as text."""

    def __init__(self, db, where=None, user="pymailadmin_web",
                 password=PASSWORD, ca=None, sanitizer=SANITIZER):
        command = [program(sanitizer), where or str(db.socket), "mail", user,
                   password, PUBLIC]
        self.process = subprocess.Popen(
            command + ([str(ca)] if ca else []), text=True, bufsize=1,
            env={**os.environ, "TSAN_OPTIONS":
                 f"suppressions={websanitizer.SUPPRESSIONS}"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

    def send(self, *words):
        self.process.stdin.write("\t".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def answers(self):
        lines = []
        while (line := self.process.stdout.readline()) != ".\n":
            if not line:
                raise RuntimeError(self.process.communicate()[1])
            lines.append(line.rstrip("\n"))
        return lines

    def __call__(self, *words):
        self.send(*words)
        return self.answers()[0]

    def threads(self, count, *words):
        self.send("threads", count, *words)
        return sorted(self.answers())

    def msecs(self, *words, times=20):
        """The fastest of some runs."""
        self.send("time", times, *words)
        usecs, _, answer = self.answers()[0].partition(" ")
        assert not answer.startswith("-1"), answer
        return int(usecs) / 1000

    def close(self):
        error = self.process.communicate()[1]
        assert self.process.returncode == 0, error
        assert "ERROR" not in error and "WARNING" not in error, error


def serving_stores():
    """Fixtures: the database, with the two domains of the tests; a portal on
    it, as fill() leaves it."""
    @pytest.fixture(scope="module")
    def db():
        with MariaDB(mail=True) as db:
            db.create_mail_database("dv", web_password=PASSWORD)
            db.sql("INSERT INTO domain (domain) VALUES "
                   "('one.test'), ('two.test')")
            yield db

    @pytest.fixture
    def stores(db):
        fill(db)
        stores = Stores(db)
        yield stores
        stores.close()

    return db, stores


def fill(db):
    """Accounts 7 (user, domain one.test), 8 (domain two.test) and 9 (super
    admin); mailboxes a@, b@one.test of 7, c@two.test of 8, d@two.test of
    nobody; an alias of a@ and one of d@."""
    for table in ("request", "account", "outbox", "event", "rate_limit",
                  "heartbeat", "account_mailbox"):
        db.sql(f"DELETE FROM pymailadmin_{table}")
    db.load(f"""
        DELETE FROM users; DELETE FROM alias;
        INSERT INTO users (domain_id, email, crypt, quota) VALUES
          (1, 'a@one.test', 'hash of a', 1024),
          (1, 'b@one.test', 'hash of b', 2048),
          (2, 'c@two.test', 'hash of c', 0), (2, 'd@two.test', 'x', 0);
        INSERT INTO alias (domain_id, source, destination) VALUES
          (1, 'a.alias@one.test', 'a@one.test'),
          (2, 'd.alias@two.test', 'd@two.test');
        INSERT INTO pymailadmin_account (id, email, password, role) VALUES
          (7, '{USER}', '{HASH}', 'user'), (8, '{OTHER}', '{HASH}', 'user'),
          (9, '{ADMIN}', '{HASH}', 'super_admin');
        INSERT INTO pymailadmin_account_domain VALUES
          (7, 'one.test'), (8, 'two.test');
        INSERT INTO pymailadmin_account_mailbox (address, account_id) VALUES
          ('a@one.test', 7), ('b@one.test', 7), ('c@two.test', 8);
        """)

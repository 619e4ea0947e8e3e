"""A real MariaDB server for tests, in a scratch directory, on loopback."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pymysql
import pymysql.cursors

SQL = Path(__file__).resolve().parents[2] / "sql"
VERSIONS = sorted(int(path.name[:4]) for path in SQL.glob("0*.sql"))
DEADLINE = 30
TEMPLATE = Path("/srv/mariadb-template")
MAIL_TEMPLATE = Path("/srv/mariadb-template-mail")
given_ports = set()
SMALL = ("--innodb-log-file-size=8M", "--innodb-buffer-pool-size=16M")

# What the admin's mail server has without pymailadmin. Its collation differs
# from that of pymailadmin's own tables on purpose.
MAIL_TABLES = """
CREATE TABLE domain (
	id INT AUTO_INCREMENT PRIMARY KEY,
	domain VARCHAR(190) NOT NULL UNIQUE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE users (
	id INT AUTO_INCREMENT PRIMARY KEY,
	domain_id INT NOT NULL,
	email VARCHAR(190) NOT NULL UNIQUE,
	crypt VARCHAR(255) NOT NULL,
	quota BIGINT NOT NULL DEFAULT 0,
	active TINYINT NOT NULL DEFAULT 1,
	FOREIGN KEY (domain_id) REFERENCES domain(id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE alias (
	id INT AUTO_INCREMENT PRIMARY KEY,
	domain_id INT NOT NULL,
	source VARCHAR(190) NOT NULL,
	destination VARCHAR(190) NOT NULL,
	FOREIGN KEY (domain_id) REFERENCES domain(id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
"""


def wait_until(condition, what, deadline=DEADLINE):
    """Returns the condition's first true value; fails after the deadline."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {deadline} s")
        time.sleep(0.02)


def free_port():
    """One that nobody was given before: it may be in use only later."""
    while True:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
        if port not in given_ports:
            given_ports.add(port)
            return port


def template(mail):
    """The data directory of which each server has a copy, made once: an empty
    one, or one with the database mail."""
    folder = MAIL_TEMPLATE if mail else TEMPLATE
    if folder.exists():
        return folder
    scratch = folder.with_suffix(".new")
    if mail:
        with MariaDB() as db:
            db.create_mail_tables()
            db.stop()
            subprocess.run(["cp", "-a", str(db.datadir), str(scratch)],
                           check=True)
        shutil.rmtree(db.directory)
    else:
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", "--user=mysql",
             f"--datadir={scratch}", "--skip-test-db",
             "--auth-root-authentication-method=normal",
             *SMALL, "--innodb-flush-log-at-trx-commit=0"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return scratch.rename(folder)


class MariaDB:
    """mariadbd on a socket and a loopback port; root has no password.

    Its time zone is +05:30, so that a statement that takes the session's time
    for UTC shows. What it wrote stays in its directory. With mail, the tables
    of create_mail_database() are there already."""

    def __init__(self, options=(), env=None, mail=False, enter=()):
        # Not pytest's folder: that is root's alone, and its name too long for
        # a socket's.
        self.directory = Path(tempfile.mkdtemp(prefix="mariadb-", dir="/tmp"))
        self.directory.chmod(0o755)
        shutil.chown(self.directory, "mysql")
        self.datadir = self.directory / "data"
        self.socket = self.directory / "sock"
        self.error_log = self.directory / "error.log"
        self.general_log = self.directory / "general.log"
        self.port = free_port()
        self.options = list(options)
        self.env = env
        # What starts it on another machine, of netns.py.
        self.enter = list(enter)
        self.process = None
        self.database = None
        self.mail = mail
        subprocess.run(["cp", "-a", str(template(mail)), str(self.datadir)],
                       check=True)

    def start(self):
        assert self.process is None
        with open(self.error_log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.enter, "mariadbd", "--no-defaults", "--user=mysql",
                 f"--datadir={self.datadir}", f"--socket={self.socket}",
                 f"--port={self.port}", "--bind-address=127.0.0.1",
                 f"--pid-file={self.directory}/mariadbd.pid",
                 f"--general-log-file={self.general_log}",
                 "--default-time-zone=+05:30", "--skip-name-resolve",
                 *SMALL,
                 # Enough when only the process may die, not the machine.
                 "--innodb-flush-log-at-trx-commit=2",
                 *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.env)
        wait_until(self._is_up, "start of mariadbd")

    def _is_up(self):
        if self.process.poll() is not None:
            raise RuntimeError("mariadbd ended: " +
                               self.error_log.read_text()[-2000:])
        try:
            self.connect().close()
        except pymysql.err.OperationalError:
            return False
        return True

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self._reap()

    def kill(self):
        """Ends the server as a crash does."""
        if self.process is not None:
            self.process.kill()
            self._reap()

    def _reap(self):
        self.process.wait(DEADLINE)
        self.process = None
        self.socket.unlink(missing_ok=True)

    def restart(self):
        self.stop()
        self.start()

    def suspend(self):
        """The server hangs: it takes connections and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)
        # Each thread goes on until it has been told.
        wait_until(self._stands_still, "mariadbd is suspended")

    def _stands_still(self):
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        return all("State:\tT" in (thread / "status").read_text()
                   for thread in threads)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def connect(self, user="root", password="", **kwargs):
        kwargs.setdefault("database", self.database)
        kwargs.setdefault("autocommit", True)
        kwargs.setdefault("cursorclass", pymysql.cursors.DictCursor)
        return pymysql.connect(unix_socket=str(self.socket), user=user,
                               password=password, charset="utf8mb4", **kwargs)

    def sql(self, statement, *args, **kwargs):
        """Runs a statement, as root if no user is named: rows as dicts."""
        connection = self.connect(**kwargs)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, args or None)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def value(self, statement, *args, **kwargs):
        """The one value of the one row a statement finds, None if none."""
        rows = self.sql(statement, *args, **kwargs)
        return next(iter(rows[0].values())) if rows else None

    def load(self, text):
        """Feeds a file's path or statements to the client, as an admin does."""
        if isinstance(text, Path):
            text = text.read_text()
        command = ["mariadb", "--no-defaults", f"--socket={self.socket}",
                   "--user=root", "--skip-ssl-verify-server-cert"]
        if self.database is not None:
            command.append(self.database)
        run = subprocess.run(command, input=text, text=True, check=False,
                             capture_output=True)
        if run.returncode != 0:
            raise RuntimeError(run.stderr)

    def create_mail_database(self, dovecot_password="dovecot", web_password=None):
        """Database mail: the admin's tables, ours, and the two accounts."""
        if self.mail:
            self.database = "mail"
        else:
            self.create_mail_tables()
        self.sql("CREATE USER 'dovecot'@'localhost' IDENTIFIED BY %s",
                 dovecot_password)
        for table in ("domain", "users", "alias"):
            self.sql(f"GRANT SELECT ON {table} TO 'dovecot'@'localhost'")
        self.load(SQL / "grants-plugin.sql")
        if web_password is not None:
            self.add_web_account(web_password)

    def create_mail_tables(self):
        self.sql("CREATE DATABASE mail")
        self.database = "mail"
        self.load(MAIL_TABLES)
        for numbered in sorted(SQL.glob("0*.sql")):
            self.load(numbered)
        self.load(SQL / "views-default.sql")

    def add_web_account(self, password):
        self.sql("CREATE USER 'pymailadmin_web'@'%%' IDENTIFIED BY %s",
                 password)
        self.load(SQL / "grants-web.sql")

    def log_statements(self, enabled=True):
        """Switches the general log, which names every statement."""
        self.sql("SET GLOBAL general_log = %s", int(enabled))

    def logged(self):
        """The general log so far."""
        return self.general_log.read_text(errors="replace") \
            if self.general_log.exists() else ""

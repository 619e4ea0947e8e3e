"""The portal's daemon for tests, on free loopback ports, and raw sockets."""

import os
import re
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

import websanitizer
from mariadb import free_port, wait_until

PROGRAM = websanitizer.PORTAL
FORM = "Content-Type: application/x-www-form-urlencoded"
BASE_URL = "https://mail.example.org"
DEADLINE = 10

# Runs a command with the sockets it is given, as systemd does.
ACTIVATE = """
import os, sys
fd = int(sys.argv[1])
os.dup2(fd, 3, inheritable=True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Answer:
    def __init__(self, head, body):
        lines = head.decode("ascii").split("\r\n")
        self.version, status, self.reason = lines[0].split(" ", 2)
        self.status = int(status)
        self.fields = [tuple(line.split(": ", 1)) for line in lines[1:]]
        self.headers = {name.lower(): value for name, value in self.fields}
        self.body = body

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<Answer {self.status} {self.headers} {self.body!r}>"


class Client:
    """One connection; nothing is made nicer than it is."""

    def __init__(self, address, timeout=DEADLINE):
        family = socket.AF_UNIX if isinstance(address, str) else \
            socket.AF_INET
        self.sock = socket.socket(family)
        self.sock.settimeout(timeout)
        try:
            self.sock.connect(address)
        except OSError:
            self.sock.close()
            raise
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())
        return self

    def _more(self):
        data = self.sock.recv(65536)
        self.rest += data
        return bool(data)

    def answer(self, body=True):
        """The next one; None if the server has hung up instead."""
        while b"\r\n\r\n" not in self.rest:
            try:
                if not self._more():
                    assert self.rest == b"", self.rest
                    return None
            except ConnectionResetError:
                return None
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        answer = Answer(head, b"")
        if answer.status == 100:
            return self.answer(body)
        size = int(answer.headers.get("content-length", 0))
        if not body or answer.status == 304:
            size = 0
        while len(self.rest) < size:
            assert self._more(), "the body is cut off"
        answer.body, self.rest = self.rest[:size], self.rest[size:]
        return answer

    def is_closed(self):
        """Waits until the server has hung up."""
        try:
            return self.rest == b"" and self.sock.recv(1) == b""
        except ConnectionResetError:
            return True


def request(method="GET", path="/", *headers, body=b"", version="1.1"):
    lines = [f"{method} {path} HTTP/{version}", "Host: mail.example.org",
             *headers]
    if body:
        lines += [FORM, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class WebServer:
    """Started when entered, stopped and its log checked when left."""

    def __init__(self, program=PROGRAM, listen=None, port=None, machine=None,
                 **settings):
        self.folder = Path(tempfile.mkdtemp(prefix="web-", dir="/tmp"))
        self.program = str(program)
        self.port = port or free_port()
        self.metrics_port = free_port()
        self.machine = machine
        self.host = machine.address if machine else "127.0.0.1"
        self.address = (self.host, self.port)
        if listen and listen.startswith("unix:"):
            self.address = listen.removeprefix("unix:")
        self.config = self.folder / "web.conf"
        self.log = self.folder / "log"
        self.secret_key = secrets.token_hex(32)
        self.settings = {
            "listen": listen or f"{self.host}:{self.port}",
            "metrics_listen": f"127.0.0.1:{self.metrics_port}",
            "base_url": BASE_URL,
            "database_name": "mail",
            "database_socket": f"{self.folder}/nowhere.sock",
            "seal_key": f"pymailadmin-seal-public:1:{'5a' * 32}",
            "secret_key_file": f"{self.folder}/secret-key",
            "trusted_proxies": "127.0.0.1 unix",
            **settings,
        }
        # For browsers without a proxy: http://127.0.0.1:{port}.
        self.base_url = self.settings["base_url"] = \
            self.settings["base_url"].format(port=self.port)
        self.process = self.notified = None
        (self.folder / "secret-key").write_text(self.secret_key + "\n")
        (self.folder / "secret-key").chmod(0o600)
        self.write_config()

    def write_config(self):
        self.config.write_text("".join(
            f"{key} = {value}\n" for key, value in self.settings.items()))
        self.config.chmod(0o640)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if self.process is not None:
            self.stop(check=kind is None)
        shutil.rmtree(self.folder)

    def command(self):
        option = ["--config"] if self.program == PROGRAM else []
        enter = self.machine.enter if self.machine else []
        return [*enter, self.program, *option, str(self.config)]

    def start(self, listen_socket=None, env=None):
        command = self.command()
        pass_fds = ()
        if listen_socket is not None:
            pass_fds = (listen_socket.fileno(),)
            command = ["python3", "-c", ACTIVATE,
                       str(listen_socket.fileno()), *command]
        ready, notify = self._notify_socket()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=pass_fds,
                env={**os.environ, "NOTIFY_SOCKET": notify, **(env or {})})
        ready.settimeout(0.02)

        def is_ready():
            assert self.process.poll() is None, self.log.read_text()
            try:
                return b"READY=1" in ready.recv(4096)
            except TimeoutError:
                return False
        self.notified = ready
        wait_until(is_ready, "the portal is ready", DEADLINE)
        return self

    def killed(self):
        """Ended without a word."""
        self.process.kill()
        self.process.wait()
        self.notified.close()

    def _notify_socket(self):
        name = f"@pymailadmin-test-{os.getpid()}-{secrets.token_hex(4)}"
        if self.machine:
            # the other kind of names are those of a network namespace
            name = f"{self.folder}/{name[1:]}"
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.bind(name.replace("@", "\0"))
        return sock, name

    def stop(self, check=True):
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(25)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        self.notified.close()
        if check:
            assert status == 0, self.log.read_text()
            errors = [line for line in self.log_lines()
                      if "level=error" in line]
            assert not errors, "\n".join(errors)
        return status

    # ---- what it says

    def client(self, **options):
        return Client(self.address, **options)

    def ask(self, data, body=True):
        """The answer to what is sent on a connection of its own."""
        with self.client() as client:
            return client.send(data).answer(body)

    def get(self, path="/", *headers):
        return self.ask(request("GET", path, *headers))

    def monitor(self, path, method="GET"):
        with Client(("127.0.0.1", self.metrics_port)) as client:
            return client.send(request(method, path)).answer(
                method != "HEAD")

    def metric(self, name):
        text = self.monitor("/metrics").text
        [value] = re.findall(rf"^pymailadmin_web_{re.escape(name)} (.*)$",
                             text, re.MULTILINE)
        return float(value)

    def log_lines(self):
        return self.log.read_text().splitlines()

    def memory(self):
        """Resident, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s*(\d+) kB", status)[1]) / 1024

    def expect_memory(self, below):
        """Resident, in MiB."""
        if websanitizer.NAMES:
            print("memory is not measured with sanitizers")
        else:
            assert self.memory() < below


def allow_many_sockets(count=8192):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def seconds_of(function):
    start = time.monotonic()
    function()
    return time.monotonic() - start


def serving(scope):
    """Fixtures: the portal; the same server with the pages of serve-pages.c,
    and little room for slow work; the program for another such server."""
    @pytest.fixture(scope=scope)
    def web():
        with WebServer() as server:
            yield server

    @pytest.fixture(scope=scope)
    def serve_pages():
        return websanitizer.made("unit/web/serve-pages")

    @pytest.fixture(scope=scope)
    def pages(serve_pages):
        with WebServer(program=serve_pages, hash_threads=1,
                       hash_queue=4) as server:
            yield server

    return web, pages, serve_pages

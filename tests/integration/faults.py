"""Faults for "doveadm pymailadmin process": killed, cut off, disk full."""

import collections
import re
import select
import socket
import subprocess
import threading

from mailhost import allow_cores
from mariadb import DEADLINE

# What changes something, here or elsewhere.
WRITES = ("write", "sendto", "fsync", "fdatasync", "rename", "link", "unlink",
          "flock")


def process_words(host):
    return ["doveadm", "-c", str(host.config_path), "pymailadmin", "process"]


def killed_after(host, seconds):
    """Runs process and kills it; the exit code, -9 if it was in time."""
    run = host.spawn("pymailadmin", "process")
    # Its output comes at its end.
    select.select([run.stdout], [], [], seconds)
    run.kill()
    run.communicate(timeout=DEADLINE)
    return run.returncode


def traced(host, *options):
    """Runs process under strace."""
    return subprocess.run(
        ["strace", "-f", "-qq", *options, *process_words(host)],
        cwd=host.scratch, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, errors="replace", timeout=DEADLINE, preexec_fn=allow_cores)


def count_calls(host, calls=WRITES):
    """A whole run: how often it used which system call."""
    trace = host.scratch / "trace"
    done = traced(host, "-o", trace, "-e", "trace=" + ",".join(calls))
    assert done.returncode == 0, done.stderr
    names = re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE)
    return collections.Counter(names)


def killed_at(host, call, number):
    """Runs process and kills it before its nth use of a system call."""
    return traced(host, "-o", "/dev/null", "-e",
                  f"inject={call}:signal=KILL:when={number}").returncode


def failing_at(host, call, number, error):
    """Runs process with one system call that fails."""
    return traced(host, "-o", "/dev/null", "-e",
                  f"inject={call}:error={error}:when={number}")


class Proxy:
    """Stands between process and the database, and cuts the connection at
    the nth statement: before the server has it, or before its answer."""

    COM_QUERY = 3

    def __init__(self, host):
        self.host = host
        # The name of a socket is short.
        self.path = host.scratch / "proxy"
        self.config_path = host.scratch / "proxy.conf"
        self.config_path.write_text(host.config(database_socket=self.path))
        self.config_path.chmod(0o600)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen()
        self.lock = threading.Lock()
        self.arm(None, None, False)
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def arm(self, number, moment, comes_back):
        """Cut at the nth statement from now on, "before" or "after" it."""
        self.number, self.moment = number, moment
        self.comes_back = comes_back
        self.seen, self.cut = 0, False

    def run(self):
        """process, through this."""
        return self.host.command("doveadm", "-c", self.config_path,
                                 "pymailadmin", "process")

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        self.path.unlink()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.cut and not self.comes_back:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self.host.db.socket))
            state = {"drop_answer": False}
            for target, args in ((self._to_server, (client, server, state)),
                                 (self._to_client, (client, server, state))):
                threading.Thread(target=target, args=args, daemon=True).start()

    @staticmethod
    def _end(*sockets):
        for each in sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _statement(self):
        """Counts one; is it the one?"""
        with self.lock:
            self.seen += 1
            if self.seen != self.number:
                return False
            self.cut = True
            return True

    def _to_server(self, client, server, state):
        """Packets: three bytes of length, a number, and the command."""
        with client.makefile("rb") as file:
            try:
                while head := file.read(4):
                    body = file.read(int.from_bytes(head[:3], "little"))
                    if head[3] == 0 and body[:1] == bytes([self.COM_QUERY]) \
                            and self._statement():
                        if self.moment == "before":
                            break
                        state["drop_answer"] = True
                    server.sendall(head + body)
            except OSError:
                pass
        self._end(client, server)

    def _to_client(self, client, server, state):
        try:
            while data := server.recv(65536):
                if state["drop_answer"]:
                    break
                client.sendall(data)
        except OSError:
            pass
        self._end(client, server)
        client.close()
        server.close()

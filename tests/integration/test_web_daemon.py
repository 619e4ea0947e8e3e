"""The portal as a daemon: slow work, stopping, listening, log, options."""

import os
import re
import signal
import socket
import subprocess
import threading

import pytest

from mariadb import wait_until
from webserver import (FORM, PROGRAM, Client, WebServer, request, seconds_of,
                       serving)

web, pages, serve_pages = serving("module")


# ---- slow work

def test_slow_work_hinders_nobody(pages):
    with pages.client() as slow:
        slow.send(request("GET", "/slow?msecs=400"))
        times = [seconds_of(lambda: pages.get("/page")) for _ in range(20)]
        assert sorted(times)[-2] < 0.1
        assert slow.answer().text == "done\n"


def test_slow_work_is_bounded(pages):
    clients = [pages.client().send(request("GET", "/slow?msecs=300"))
               for _ in range(20)]
    answers = [client.answer() for client in clients]
    for client in clients:
        client.close()
    # one thread, four that wait
    assert sorted(answer.status for answer in answers) == \
        [200] * 5 + [503] * 15
    assert all(answer.headers["retry-after"] == "5" for answer in answers
               if answer.status == 503)


def test_work_of_gone_clients_is_skipped(pages):
    clients = [pages.client().send(request("GET", "/slow?msecs=2000"))
               for _ in range(5)]
    wait_until(lambda: pages.get("/slow").status == 503, "the queue is full")
    for client in clients:
        client.close()
    # What was begun is done, the other four are not.
    assert seconds_of(lambda: wait_until(
        lambda: pages.get("/slow").status == 200, "it is empty")) < 6


# ---- stopping

class Load:
    """Clients that ask without end, each its own way, and count failures."""

    def __init__(self, address, path="/page"):
        self.address, self.path = address, path
        self.ended = threading.Event()
        self.done = self.refused = 0
        self.lost = []
        self.threads = [threading.Thread(target=self.run, args=(i % 2 == 0,))
                        for i in range(8)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def run(self, keep):
        while not self.ended.is_set():
            try:
                client = Client(self.address)
            except (ConnectionRefusedError, FileNotFoundError):
                self.refused += 1
                self.ended.wait(0.01)
                continue
            with client:
                if not self.ask(client, keep):
                    return

    def ask(self, client, keep):
        """Until the connection ends; False if an answer was lost."""
        while not self.ended.is_set():
            try:
                answer = client.send(request("GET", self.path)).answer()
            except OSError as error:
                answer = error
            if getattr(answer, "status", None) != 200:
                self.lost.append(f"after {self.done}: {answer!r}")
                return False
            self.done += 1
            if not keep or answer.headers.get("connection") == "close":
                return True
        return True


@pytest.mark.parametrize("listen", ["tcp", "unix"])
def test_a_restart_loses_no_request(serve_pages, listen):
    where = f"unix:/tmp/web-{os.getpid()}.sock" if listen == "unix" else None
    with WebServer(program=serve_pages, listen=where) as server:
        with Load(server.address) as load:
            for _ in range(3):
                before = load.done
                wait_until(lambda: load.done > before + 200, "load")
                server.stop()
                server.start()
            before = load.done
            wait_until(lambda: load.done > before + 200, "load")
        assert load.lost == []


def test_a_restart_with_systemds_socket_refuses_nobody(serve_pages):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        server = WebServer(program=serve_pages, listen="systemd")
        server.address = listening.getsockname()
        try:
            server.start(listen_socket=listening)
            with Load(server.address) as load:
                for _ in range(3):
                    before = load.done
                    wait_until(lambda: load.done > before + 200, "load")
                    server.stop()
                    server.start(listen_socket=listening)
                before = load.done
                wait_until(lambda: load.done > before + 200, "load")
            assert load.lost == [] and load.refused == 0
        finally:
            server.__exit__(None)


def test_slow_work_is_finished_before_the_end(serve_pages):
    with WebServer(program=serve_pages, hash_threads=1) as server:
        clients = [server.client().send(request("GET", "/slow?msecs=300"))
                   for _ in range(4)]
        clients.append(server.client().send(request(
            "POST", "/form", FORM, "Content-Length: 3")))
        assert server.get("/page").status == 200
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(server), "nobody else is let in")
        clients[-1].send(b"a=b")
        answers = [client.answer() for client in clients]
        for client in clients:
            client.close()
        assert "field a=b" in answers[-1].text
        assert [answer.status for answer in answers] == [200] * 5
        assert {answer.headers["connection"] for answer in answers} == \
            {"close"}
        assert server.stop() == 0


def refuses(server):
    try:
        with Client(server.address, timeout=0.2):
            return False
    except OSError:
        return True


def test_a_second_signal_changes_nothing(serve_pages):
    with WebServer(program=serve_pages) as server, server.client() as client:
        client.send(request("GET", "/slow?msecs=300"))
        assert server.get("/page").status == 200
        for _ in range(3):
            server.process.send_signal(signal.SIGTERM)
        assert client.answer().status == 200
        assert server.stop() == 0


# ---- listening

def test_unix_socket():
    path = f"/tmp/web-{os.getpid()}.sock"
    with WebServer(listen=f"unix:{path}") as server:
        assert os.stat(path).st_mode & 0o7777 == 0o660
        assert server.get("/").status == 303
        # a second one does not take it away
        with open(server.log, "a", encoding="utf-8") as log:
            done = subprocess.run(
                [PROGRAM, "--config", server.config], stderr=log, check=False)
        assert done.returncode == 71
        assert server.get("/").status == 303
        assert "bind(unix:" in server.log.read_text()
        server.log.write_text("")
        # one that was killed leaves its socket, which is in nobody's way
        server.killed()
        assert os.path.exists(path)
        server.start()
        assert server.get("/").status == 303
    assert not os.path.exists(path)


def test_a_file_in_the_way_stays(tmp_path):
    path = tmp_path / "file"
    path.write_text("precious")
    server = WebServer(listen=f"unix:{path}")
    done = subprocess.run([PROGRAM, "--config", server.config], text=True,
                          stderr=subprocess.PIPE, check=False)
    assert done.returncode == 71
    assert path.read_text() == "precious"


def test_systemd_socket_is_checked():
    server = WebServer(listen="systemd")
    for env in ({}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"}):
        done = subprocess.run([PROGRAM, "--config", server.config], text=True,
                              stderr=subprocess.PIPE, check=False,
                              env={**os.environ, **env})
        assert done.returncode == 71
        assert "has not given exactly one socket" in done.stderr


def test_watchdog():
    with WebServer() as server:
        server.stop()
        server.start(env={"WATCHDOG_USEC": "200000"})
        server.notified.settimeout(5)
        assert server.notified.recv(100) == b"WATCHDOG=1"
        assert server.notified.recv(100) == b"WATCHDOG=1"


# ---- the second listener

def test_monitor(web):
    # there is no database here
    answer = web.monitor("/healthz")
    assert (answer.status, answer.text) == (503, "not ready\n")
    assert web.monitor("/healthz", "HEAD").status == 503
    assert web.monitor("/").status == 404
    assert web.monitor("/metrics", "POST").status == 405
    before = web.metric('requests_total{status="4xx"}')
    web.get("/nowhere")
    # counted when the answer was sent, of which we may know first
    wait_until(lambda: web.metric('requests_total{status="4xx"}')
               == before + 1, "it is counted")
    answer = web.monitor("/metrics")
    assert answer.headers["content-type"] == \
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.text.endswith("# EOF\n")
    families = re.findall(r"^# TYPE (\S+)", answer.text, re.MULTILINE)
    assert len(families) == len(set(families)) > 8
    for line in answer.text.splitlines():
        assert re.fullmatch(
            r'# (TYPE|HELP) \S+ .+|# EOF|'
            r'[a-z_]+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [0-9.]+', line), line
    # the portal itself serves none of it
    assert web.get("/metrics").status == web.get("/healthz").status == 404


def test_no_monitor():
    with WebServer(metrics_listen="") as server:
        assert server.get("/").status == 303
        with pytest.raises(ConnectionRefusedError):
            server.monitor("/healthz")


# ---- what it writes

def test_log_names_requests_and_no_secrets(web):
    web.ask(request("GET", "/nowhere?token=s3cret", "Cookie: s=s3cret",
                    "Referer: https://x/?s3cret", "User-Agent: s3cret",
                    "X-Forwarded-For: 203.0.113.7"))
    web.ask(request("POST", "/", "Authorization: Basic s3cret",
                    body=b"password=s3cret"))
    web.ask(request("GET", "/%0aevent=forged"))
    web.ask(b"GET /a\"b\\c%20event=x HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: "203.0.113.7" in web.log.read_text(), "the line")
    text = web.log.read_text()
    assert "s3cret" not in text and web.secret_key not in text
    assert "event=forged" not in text.replace('"', " ")
    [line] = [line for line in web.log_lines() if "203.0.113.7" in line]
    assert re.fullmatch(
        r"time=\S+Z level=info event=request method=GET path=/nowhere "
        r"status=404 msecs=\d+\.\d{3} client=203\.0\.113\.7 "
        r"request=[0-9a-f]{16}", line)


def test_request_ids_differ_and_reach_the_page(web):
    pages = [web.get("/nowhere").text for _ in range(20)]
    # Beside the names of static files.
    ids = [re.search(r">([0-9a-f]{16})<", page)[1] for page in pages]
    assert len(set(ids)) == 20
    wait_until(lambda: all(f"request={each}" in web.log.read_text()
                           for each in ids), "all are in the log")


def test_no_core_no_tracing(web):
    pid = web.process.pid
    with open(f"/proc/{pid}/limits", encoding="ascii") as file:
        assert re.search(r"Max core file size\s+0\s+0\s", file.read())
    # Not dumpable: its files in /proc belong to root, whoever it runs as.
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        assert re.search(r"^Umask:\s+0077$", file.read(), re.MULTILINE)
    web.expect_memory(25)


# ---- the command line

def command(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)


def test_check_config(tmp_path):
    server = WebServer()
    done = command("--check-config", server.config)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")
    done = command("--config", server.config, "--check-config")
    assert (done.returncode, done.stdout) == (0, "ok\n")
    with open(server.config, "a", encoding="utf-8") as file:
        file.write("threads = many\ncolour = blue\n")
    done = command("--check-config", server.config)
    assert done.returncode == 78 and done.stdout == ""
    lines = len(server.settings)
    assert done.stderr.splitlines() == [
        f"settings({server.config}:{lines + 2}): colour: "
        "there is no such setting",
        f"settings({server.config}:{lines + 1}): threads: not a number"]
    done = command("--config", server.config)
    assert done.returncode == 78 and "threads: not a number" in done.stderr
    done = command("--check-config", tmp_path / "none")
    assert done.returncode == 78
    assert done.stderr == \
        f"settings({tmp_path}/none): No such file or directory\n"


def test_secrets_do_not_show_in_errors(tmp_path):
    server = WebServer()
    (server.folder / "secret-key").write_text("hunter2hunter2\n")
    with open(server.config, "a", encoding="utf-8") as file:
        file.write("database_password = hunter3\n"
                   f"smtp_password_file = {server.config}\n")
    done = command("--check-config", server.config)
    assert done.returncode == 78
    assert "hunter" not in done.stdout + done.stderr
    assert done.stderr.count("\n") == 2


def test_usage():
    assert command("--version").stdout.startswith("pymailadmin-web ")
    assert command("--help").returncode == 0
    for wrong in (["--nonsense"], ["x"], ["--check-config", "a", "b"],
                  ["--config"]):
        done = command(*wrong)
        assert done.returncode == 64 and "usage:" in done.stderr

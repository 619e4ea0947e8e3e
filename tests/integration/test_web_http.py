"""The portal's server, met with raw sockets: odd, hostile and many clients."""

import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from builds import SOURCE, make
from mariadb import free_port, wait_until
from webserver import (PROGRAM, Client, WebServer, allow_many_sockets,
                       request, seconds_of)

SECURITY_HEADERS = {
    "content-security-policy":
        "default-src 'none'; style-src 'self'; script-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def web():
    with WebServer() as server:
        yield server


@pytest.fixture(scope="module")
def serve_pages():
    make(SOURCE / "tests", "unit/web/serve-pages")
    return SOURCE / "tests/unit/web/serve-pages"


@pytest.fixture(scope="module")
def pages(serve_pages):
    with WebServer(program=serve_pages, hash_threads=1,
                   hash_queue=4) as server:
        yield server


def assert_secure(answer):
    """The headers that every answer of ours has."""
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers.get(name) == value, (answer, name)
    assert "camera=()" in answer.headers["permissions-policy"]
    assert "server" not in answer.headers
    names = [name.lower() for name, _ in answer.fields]
    assert len(set(names) - {"set-cookie"}) == \
        len([name for name in names if name != "set-cookie"])
    assert "content-length" in names


# ---- answers

@pytest.mark.parametrize("data, status", [
    (request("GET", "/"), 303),
    (request("GET", "/?x=1"), 303),
    (request("GET", "/nowhere"), 404),
    (request("GET", "/static/none.css"), 404),
    (request("GET", "//"), 404),
    (request("GET", "/.."), 404),
    (request("GET", "/./"), 404),
    (request("POST", "/", body=b"a=b"), 405),
    (request("POST", "/nowhere", body=b"a=b"), 404),
    (request("PUT", "/"), 405),
    (request("DELETE", "/"), 405),
    (request("OPTIONS", "/"), 405),
    (request("OPTIONS", "*"), 405),
    (request("TRACE", "/"), 405),
    (request("CONNECT", "mail.example.org:443"), 405),
    (request("BREW", "/"), 501),
    (request("get", "/"), 501),
    (request("GET", "http://mail.example.org/"), 400),
    (request("GET", "https://evil.example/"), 400),
    (request("GET", "/%00"), 400),
    (request("GET", "/admin%00x"), 400),
    (request("GET", "/?a=b%00"), 400),
    (request("GET", "/?a=%FF"), 400),
    (request("GET", "/%zz"), 400),
    (request("GET", "/?a=1&a=2"), 400),
    (request("GET", "/?" + "&".join(f"a{i}=1" for i in range(20))), 414),
    (request("GET", "/" + "a" * 5000), 414),
    (request("GET", "/", "Content-Length: 3") + b"a=b", 400),
    (request("GET", "/", "Host: evil.example"), 400),
    (request("GET", "/", "Cookie: a=1", "Cookie: b=2"), 400),
    (request("GET", "/", "Origin: null", "Origin: null"), 400),
    (request("POST", "/", FORM, "Content-Length: 3",
             "Content-Length: 4") + b"a=bc", 400),
    (request("POST", "/", FORM, "Content-Length: 3",
             "Content-Length: 3") + b"a=b", 400),
    (request("POST", "/", "Origin: https://evil.example", body=b"a=b"), 403),
    (request("POST", "/", "Origin: null", body=b"a=b"), 403),
    (request("POST", "/", "Sec-Fetch-Site: cross-site", body=b"a=b"), 403),
    (request("POST", "/", "Sec-Fetch-Site: same-site", body=b"a=b"), 403),
], ids=lambda value: None if isinstance(value, int) else
    re.sub(r"\W+", "-", value.split(b"\r")[0].decode()[:40]))
def test_answer(web, data, status):
    answer = web.ask(data)
    assert answer.status == status
    assert_secure(answer)
    if status == 405:
        assert answer.headers["allow"].startswith("GET, HEAD")
    if status == 303:
        assert answer.headers["location"] == "/login"


# What libmicrohttpd refuses itself, before we see it, in words of its own.
@pytest.mark.parametrize("data, statuses", [
    (request("POST", "/", FORM, "Content-Length: 3",
             "Transfer-Encoding: chunked") + b"3\r\na=b\r\n0\r\n\r\n", {400}),
    (b"GET / HTTP/1.1\nHost: x\n\n", {400}),
    (request("GET", "/", "X-Folded: a\r\n b"), {400}),
    (b"GET / HTTP/1.1\r\n\r\n", {400}),
    (request("GET", "/", "Content-Length: -1"), {400}),
    (request("GET", "/", "Content-Length: 1e3"), {400}),
    (request("POST", "/", "Content-Length: 99999999999999999999999"),
     {400, 413}),
    (request("GET", "/", "Transfer-Encoding: gzip, chunked"), {400, 501}),
    (request("GET", "/", "X-Nul: a\0b"), {400}),
    (request("GET", "/", "X: " + "a" * 20000), {431}),
    (request("GET", "/" + "a" * 20000), {414}),
    (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", {505}),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {505}),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400, None}),
    (b"NONSENSE\r\n\r\n", {400, None}),
], ids=range(15))
def test_refused_by_the_library(web, data, statuses):
    answer = web.ask(data)
    assert (answer and answer.status) in statuses
    if answer:
        assert "server" not in answer.headers
        assert b"evil" not in answer.body


def test_head(web, pages):
    for server, path in ((web, "/"), (web, "/nowhere"), (pages, "/page")):
        get = server.ask(request("GET", path))
        with server.client() as client:
            client.send(request("HEAD", path) + request("GET", path))
            head = client.answer(body=False)
            assert client.answer().status == get.status
        assert head.status == get.status
        for name in ("content-length", "content-type", "location"):
            if name == "content-length" and path == "/nowhere":
                continue
            assert head.headers.get(name) == get.headers.get(name)


def test_hsts_only_where_it_came_secure(web):
    secure = "X-Forwarded-Proto: https"
    assert "strict-transport-security" in web.get("/", secure).headers
    assert "strict-transport-security" not in web.get("/").headers
    with WebServer(base_url="http://mail.example.org") as plain:
        answer = plain.get("/", secure)
        assert "strict-transport-security" not in answer.headers


def test_forwarded_addresses(pages, serve_pages):
    def client(server, *headers):
        answer = server.get("/headers", *headers)
        return re.search(r"client=(\S+)", answer.text)[1]
    assert client(pages, "X-Forwarded-For: 203.0.113.9") == "203.0.113.9"
    assert client(pages, "X-Forwarded-For: 1.1.1.1, 203.0.113.9") == \
        "203.0.113.9"
    assert client(pages, "X-Forwarded-For: 1.1.1.1",
                  "X-Forwarded-For: 203.0.113.9") == "203.0.113.9"
    assert client(pages, "X-Forwarded-For: " + "9" * 80) == "127.0.0.1"
    assert client(pages, "X-Forwarded-For: ::FFFF:203.0.113.9") == \
        "203.0.113.9"
    assert client(pages, "Forwarded: for=203.0.113.9") == "127.0.0.1"
    with WebServer(program=serve_pages, trusted_proxies="10.0.0.0/8") as other:
        assert client(other, "X-Forwarded-For: 203.0.113.9") == "127.0.0.1"
        secure = other.get("/headers", "X-Forwarded-Proto: https").text
        assert "secure=0" in secure


# ---- forms

def test_form(pages):
    answer = pages.ask(request("POST", "/form",
                               body="a=caf%C3%A9&b=c+d".encode()))
    assert answer.status == 200
    assert "field a=café\nfield b=c d\n" in answer.text


def test_form_in_single_bytes(pages):
    data = request("POST", "/form", body=b"a=1&b=2")
    with pages.client() as client:
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(data)):
            client.send(data[i:i + 1])
        assert "field b=2\n" in client.answer().text


def test_chunked_form(pages):
    answer = pages.ask(request("POST", "/form", FORM,
                               "Transfer-Encoding: chunked")
                       + b"3\r\na=1\r\n4\r\n&b=2\r\n0\r\n\r\n")
    assert answer.status == 200
    assert "field a=1\nfield b=2\n" in answer.text


@pytest.mark.parametrize("kind, status", [
    ("application/x-www-form-urlencoded", 200),
    ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", 200),
    ("application/x-www-form-urlencoded; charset=iso-8859-1", 415),
    ("application/x-www-form-urlencodedx", 415),
    ("application/json", 415),
    ("multipart/form-data; boundary=x", 415),
    ("text/plain", 415),
    (None, 415),
])
def test_types_of_body(pages, kind, status):
    headers = [f"Content-Type: {kind}"] if kind else []
    answer = pages.ask(request("POST", "/form", *headers,
                               "Content-Length: 3") + b"a=b")
    assert answer.status == status


@pytest.mark.parametrize("body, status", [
    (b"", 200), (b"a=" + b"x" * 4096, 200), (b"a=" + b"x" * 4097, 413),
    (b"&".join(b"f%d=" % i for i in range(64)), 200),
    (b"&".join(b"f%d=" % i for i in range(65)), 413),
    (b"x" * 65 + b"=1", 413),
    (b"a=1&a=2", 400), (b"a=%00", 400), (b"a=%ff", 400), (b"a=%", 400),
    (b"=1", 400), (b"a=\x00", 400), (b"a=\xff", 400), (b"a=%1b[2J", 400),
], ids=range(14))
def test_bodies(pages, body, status):
    assert pages.ask(request("POST", "/form", FORM,
                             f"Content-Length: {len(body)}")
                     + body).status == status


def test_a_gigabyte_is_refused_unread(pages):
    head = request("POST", "/form", FORM, "Content-Length: 1073741824",
                   "Expect: 100-continue")
    with pages.client() as client:
        answer = client.send(head).answer()
        assert answer.status == 413
        assert_secure(answer)
        assert client.is_closed()
    assert pages.memory() < 25


def test_a_chunked_gigabyte_is_cut_off(pages):
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with pages.client() as client:
        client.send(request("POST", "/form", FORM,
                            "Transfer-Encoding: chunked"))
        with pytest.raises(OSError):
            for _ in range(16384):
                client.send(chunk)
    # a little too much gets its answer
    with pages.client() as client:
        client.send(request("POST", "/form", FORM,
                            "Transfer-Encoding: chunked")
                    + b"10000\r\n" + b"x" * 65536 + b"\r\n0\r\n\r\n")
        assert client.answer().status == 413
    assert pages.memory() < 25


@pytest.mark.parametrize("cookies, found", [
    ("s=1", "1:1"), ("a=2; s=1", "1:1"), ("s=1; s=2", "-1:"),
    ("s=1; s=1", "-1:"), ("xs=1", "0:"), ("s=a b", "0:"),
    ("s=\xe9", "0:"),
])
def test_cookies(pages, cookies, found):
    data = request("GET", "/headers", "Cookie: COOKIES")
    answer = pages.ask(data.replace(b"COOKIES", cookies.encode("latin-1")))
    assert f"cookie={found}\n" in answer.text


# ---- many and slow clients

def test_pipelining(pages):
    with pages.client() as client:
        client.send(request("GET", "/page") * 50
                    + request("GET", "/nowhere") + request("GET", "/page"))
        statuses = [client.answer().status for _ in range(52)]
    assert statuses == [200] * 50 + [404, 200]


def test_requests_behind_a_bad_one_are_not_read(web):
    with web.client() as client:
        client.send(request("POST", "/", FORM, "Content-Length: 3",
                            "Content-Length: 30") + b"a=b"
                    + request("GET", "/"))
        assert client.answer().status == 400
        assert client.is_closed()


def test_half_requests_hinder_nobody(pages):
    allow_many_sockets()
    halves = [b"GET /page HTTP/1.1\r\nHost: x\r\nX-Slow: ",
              request("POST", "/form", FORM, "Content-Length: 100") + b"a="]
    clients = []
    try:
        for i in range(200):
            clients.append(pages.client().send(halves[i % 2]))
        wait_until(lambda: read_connections(pages) >= 200, "all are there")
        times = [seconds_of(lambda: pages.get("/page")) for _ in range(20)]
        for client in clients:
            client.send(b"x")
        times += [seconds_of(lambda: pages.get("/page")) for _ in range(20)]
    finally:
        for client in clients:
            client.close()
    assert sorted(times)[-2] < 0.1


def read_connections(server):
    """Established, as the kernel sees it; serve-pages has no metrics."""
    port = f":{server.port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as file:
        return sum(line.split()[1].endswith(port) and line.split()[3] == "01"
                   for line in file)


@pytest.mark.parametrize("half", [
    b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    request("POST", "/form", FORM, "Content-Length: 1000") + b"a=",
], ids=["header", "body"])
def test_a_drip_is_cut(serve_pages, half):
    """A byte now and then, which no timer of inactivity ends."""
    with WebServer(program=serve_pages, request_timeout="2s") as server, \
            server.client(timeout=0.2) as client:
        client.send(half)
        start = time.monotonic()
        while time.monotonic() - start < 10:
            try:
                assert client.sock.recv(1) == b""
                break
            except TimeoutError:
                client.send(b"x")
            except ConnectionResetError:
                break
        assert 1.9 < time.monotonic() - start < 4


def test_who_reads_no_answer_is_cut(serve_pages):
    with WebServer(program=serve_pages, request_timeout="1s") as server, \
            server.client() as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with pytest.raises(OSError):
            for _ in range(10000):
                client.send(request("GET", "/page") * 100)


def test_ended_connections_are_counted():
    with WebServer(request_timeout="1s") as server:
        with server.client() as client:
            client.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            assert client.is_closed()
        assert server.metric("deadlines_total") == 1


def test_a_thousand_connections(pages):
    allow_many_sockets()
    clients = []
    try:
        for _ in range(1000):
            clients.append(pages.client())
        for client in clients:
            client.send(request("GET", "/page"))
        assert {client.answer().status for client in clients} == {200}
        for client in clients[:100]:
            assert client.send(request("GET", "/page")).answer().status == 200
    finally:
        for client in clients:
            client.close()
    wait_until(lambda: read_connections(pages) == 0, "all are gone")
    assert pages.get("/page").status == 200
    assert pages.memory() < 25


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
    clients = [pages.client().send(request("GET", "/slow?msecs=500"))
               for _ in range(5)]
    wait_until(lambda: pages.get("/slow").status == 503, "the queue is full")
    for client in clients:
        client.close()
    # What was begun is done, the other four are not.
    assert seconds_of(lambda: wait_until(
        lambda: pages.get("/slow").status == 200, "it is empty")) < 1.5


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
    assert web.monitor("/healthz").text == "ok\n"
    assert web.monitor("/healthz", "HEAD").status == 200
    assert web.monitor("/").status == 404
    assert web.monitor("/metrics", "POST").status == 405
    before = web.metric('requests_total{status="4xx"}')
    web.get("/nowhere")
    assert web.metric('requests_total{status="4xx"}') == before + 1
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
    ids = [re.search(r"\b[0-9a-f]{16}\b", page)[0] for page in pages]
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
    assert web.memory() < 25


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

"""The portal's server, met with raw sockets: odd, hostile and many clients."""

import re
import socket
import time

import pytest

from mariadb import wait_until
from webserver import (FORM, WebServer, allow_many_sockets, request,
                       seconds_of, serving)

web, pages, serve_pages = serving("module")

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
    (request("GET", "/" + "a" * 10000), 414),
    (request("GET", "/", "X: " + "a" * 8100), 303),
    (request("GET", "/", "X: " + "a" * 8200), 431),
    (request("GET", "/", "X: " + "a" * 10000), 431),
    (request("GET", "/", *[f"X{i}: a" for i in range(99)]), 303),
    (request("GET", "/", *[f"X{i}: a" for i in range(100)]), 431),
    (request("GET", "/", "Cookie: a=" + "b" * 4000), 303),
    (request("GET", "/", "Cookie: a=" + "b" * 4000, "X: " + "a" * 4200), 431),
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
    if status == 431:
        assert "Delete the cookies" in answer.text
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
    (request("GET", "/", "X: " + "a" * 40000), {431}),
    (request("GET", "/", *["X: a"] * 5000), {431}),
    # It keeps them twice.
    (request("GET", "/", "Cookie: a=" + "b" * 12000), {431}),
    (request("GET", "/" + "a" * 40000), {414}),
    (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", {505}),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {505}),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400, None}),
    (b"NONSENSE\r\n\r\n", {400, None}),
], ids=range(17))
def test_refused_by_the_library(web, data, statuses):
    answer = web.ask(data)
    assert (answer and answer.status) in statuses
    if answer:
        # Nothing of the request comes back, and nothing else is said.
        assert set(answer.headers) <= {"date", "connection", "content-length",
                                       "content-type"}
        assert re.fullmatch(
            rb"<html><head><title>[^<>]+</title></head><body>[^<>]*"
            rb"(</?(b|h1|p|br)>[^<>]*)*</body>\s*</html>",
            answer.body), answer.body
        assert not re.search(rb"(?i)script|onload|href|src", answer.body)


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
    pages.expect_memory(25)


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
    pages.expect_memory(25)


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
    pages.expect_memory(25)

"""What the portal's pages cost, beside nginx and PostfixAdmin."""

import concurrent.futures
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import webserver
from benchpeers import Peers, static_file
from mariadb import wait_until
from webportal import DEFAULT, PASSWORD, Portal

ROUNDS = int(os.environ.get("PYMAILADMIN_BENCH_ROUNDS", "3"))
SECONDS = int(os.environ.get("PYMAILADMIN_BENCH_SECONDS", "4"))
CONNECTIONS = (64, 512)
DOMAINS = [f"d{number}.bench.test" for number in range(5)]
# Each of these people has a session of its own.
PEOPLE = 8
# Two whose lists the portal keeps in one place (own-lists.c), so that they find
# theirs hardly ever.
IN_TURN = (1000, 1064)
PROBE_SECONDS = 10
PROBES_PER_SECOND = 100

# Cookies in turn; the end as JSON.
SCRIPT = """
local cookies, n = {COOKIES}, 0
request = function()
	n = n % #cookies + 1
	return wrk.format("GET", nil, {["Cookie"] = cookies[n],
		["X-Forwarded-For"] = "198.51.100.7",
		["X-Forwarded-Proto"] = "https",
		["Host"] = "mail.example.org"})
end
done = function(summary, latency)
	local e = summary.errors
	io.write(string.format('\\nJSON {"requests": %d, "usecs": %d, ' ..
		'"bytes": %d, "errors": %d, "p50": %f, "p99": %f}\\n',
		summary.requests, summary.duration, summary.bytes,
		e.connect + e.read + e.write + e.status + e.timeout,
		latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


def cpu_seconds(pids):
    """Of processes and the children they have waited for."""
    ticks = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except FileNotFoundError:
            continue
        ticks += sum(map(int, text.rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


class Target:
    """A page of a server, and what was measured of it."""

    def __init__(self, name, port, path, cookies, size, pids):
        self.name, self.path = name, path
        self.url = f"http://127.0.0.1:{port}{path}"
        self.cookies, self.size, self.pids = cookies, size, pids
        self.runs = {count: [] for count in CONNECTIONS}

    def run(self, connections, seconds):
        script = SCRIPT.replace("{COOKIES}", "{" + ", ".join(
            json.dumps(cookie) for cookie in self.cookies) + "}")
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
            file.write(script)
            file.flush()
            before = {name: cpu_seconds(pids())
                      for name, pids in self.pids.items()}
            begin = resource.getrusage(resource.RUSAGE_CHILDREN)
            out = subprocess.run(
                ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
                 "--timeout", "10s", "-s", file.name, self.url],
                check=True, text=True, stdout=subprocess.PIPE).stdout
            end = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = json.loads(out.rpartition("JSON ")[2])
        # Whoever is sent to the log-in page instead is no success.
        assert found["requests"] == 0 or \
            found["bytes"] / found["requests"] >= self.size, (self.url, out)
        count = max(1, found["requests"])
        found["rps"] = found["requests"] / found["usecs"] * 1e6
        found["cpu"] = {name: (cpu_seconds(pids()) - before[name]) / count
                        for name, pids in self.pids.items()}
        found["cpu"]["wrk"] = (end.ru_utime + end.ru_stime - begin.ru_utime -
                               begin.ru_stime) / count
        return found

    def measure(self, connections):
        self.runs[connections].append(self.run(connections, SECONDS))

    def median(self, connections, what):
        return statistics.median(run[what] for run in self.runs[connections])

    def errors(self, connections):
        return sum(run["errors"] for run in self.runs[connections])

    def show(self, connections):
        cpu = {name: statistics.median(run["cpu"][name] for run in
                                       self.runs[connections]) * 1e6
               for name in self.runs[connections][0]["cpu"]}
        print(f"  {self.name:28} {connections:5} "
              f"{self.median(connections, 'rps'):9.0f} "
              f"{self.median(connections, 'p50'):8.1f} "
              f"{self.median(connections, 'p99'):8.1f} "
              f"{self.errors(connections):6}   " + ", ".join(
                  f"{name} {usecs:.0f}" for name, usecs in cpu.items()))


# ---- log-ins, and what others notice of them

class LogIns:
    """Clients that log in flat out."""

    def __init__(self, portal, count):
        self.portal = portal
        self.done = 0
        self.stopping = False
        self.pool = concurrent.futures.ThreadPoolExecutor(max(1, count))
        self.clients = [self.pool.submit(self._log_in, f"client{number}"
                                         "@bench.test")
                        for number in range(count)]

    def _log_in(self, email):
        browser = self.portal.browser()
        page = browser.get("/login")
        while not self.stopping:
            browser.cookies.pop("__Host-pymailadmin", None)
            answer = browser.submit(page, "/login", email=email,
                                    password=PASSWORD)
            assert answer.status in (303, 503), answer
            self.done += answer.status == 303

    def stop(self):
        self.stopping = True
        for client in self.clients:
            client.result()
        self.pool.shutdown()


def probe(port, cookie, seconds, results):
    """Milliseconds of each request, sent at a steady rate: one that had to
    wait for the one before it is as late as its sender would notice."""
    times = []
    head = (f"Cookie: {cookie}", "X-Forwarded-Proto: https")
    with webserver.Client(("127.0.0.1", port)) as client:
        begin = time.monotonic()
        for number in range(seconds * PROBES_PER_SECOND):
            due = begin + number / PROBES_PER_SECOND
            while (left := due - time.monotonic()) > 0:
                client.sock.settimeout(left)
                try:
                    assert client.sock.recv(1) is None, "an answer too many"
                except TimeoutError:
                    pass
            client.sock.settimeout(30)
            path = ("/home", "/login", "/account")[number % 3]
            status = client.send(webserver.request(
                "GET", path, *head)).answer().status
            assert status == (303 if path == "/login" else 200), status
            times.append((time.monotonic() - due) * 1000)
    results.put(times)


def probe_during(portal, cookie, log_ins):
    """p50, p99 and worst of other pages, log-ins a second."""
    results = multiprocessing.Queue()
    clients = LogIns(portal, log_ins)
    if log_ins:
        wait_until(lambda: clients.done > 0, "the first log-in")
    begin, done = time.monotonic(), clients.done
    process = multiprocessing.Process(
        target=probe, args=(portal.web.port, cookie, PROBE_SECONDS, results))
    process.start()
    times = sorted(results.get(timeout=120))
    process.join()
    rate = (clients.done - done) / (time.monotonic() - begin)
    clients.stop()
    return (statistics.median(times), times[int(len(times) * 0.99)],
            times[-1], rate)


# ---- all of it

def make_portal():
    portal = Portal(limit_login_account="100000/1m",
                    limit_login_address="100000/1m", log_level="info")
    # As much memory as MariaDB takes by default.
    portal.db.options += ["--innodb-buffer-pool-size=128M",
                          "--max-connections=200"]
    return portal


def add_person(portal, name, **columns):
    """With five domains and fifty mailboxes; the cookies."""
    email = f"{name}@bench.test"
    portal.add_account(email, domains=DOMAINS, max_mailboxes=50, **columns)
    for count in range(50):
        portal.add_mailbox(f"{name}m{count}@{DOMAINS[count % 5]}",
                           email, quota=(1 + count % 5) << 30)
    return "; ".join(f"{name}={value}" for name, value in
                     portal.log_in(email).cookies.items())


def fill(portal):
    """Cookies of eight people, and of those who take turns."""
    cookies = [add_person(portal, f"p{number}") for number in range(PEOPLE)]
    in_turn = [add_person(portal, f"t{number}", id=number)
               for number in IN_TURN]
    for number in range(PEOPLE):
        portal.add_account(f"client{number}@bench.test", cost=DEFAULT)
    portal.add_mailboxes("others.test", 1000)
    portal.db.sql("INSERT INTO alias (domain_id, source, destination) "
                  "SELECT domain_id, CONCAT('alias-of-', email), email "
                  "FROM users")
    # as example-mail-tables.sql has it
    portal.db.sql("ALTER TABLE alias ADD KEY destination (destination)")
    portal.beat()
    portal.db.sql("ANALYZE TABLE users, domain, alias, "
                  "pymailadmin_account_mailbox, pymailadmin_account_domain")
    return cookies, in_turn


def statements(portal, path, *cookies):
    """How many a page needs, once it was seen before."""
    def executed():
        return int(portal.db.sql(
            "SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'")[0]["Value"])
    with portal.web.client() as client:
        for times in (4, 10):
            before = executed()
            for number in range(times):
                answer = client.send(webserver.request(
                    "GET", path, "X-Forwarded-Proto: https",
                    f"Cookie: {cookies[number % len(cookies)]}")).answer()
                assert answer.status == 200, answer
    return (executed() - before) / 10


def page_size(portal, path, cookie):
    head = [f"Cookie: {cookie}"] if cookie else []
    answer = portal.web.get(path, *head, "X-Forwarded-Proto: https")
    assert answer.status == 200, answer
    return len(answer.body)


def show_head(title, columns):
    print(f"\n{title}\n  {columns}")


def bench_pages(portal, cookies, in_turn, peers, sizes):
    """Targets by page and server."""
    web = {"portal": lambda: [portal.web.process.pid],
           "mariadb": lambda: [portal.db.process.pid]}
    nginx = {"nginx": lambda: peers.pids()}
    form = ["__Host-pymailadmin-form=" + "5a" * 32]
    targets = {
        "login": [Target("portal: log-in", portal.web.port, "/login", form,
                         sizes["login"], web),
                  Target("nginx: same size", peers.port, "/login.html", ["-"],
                         sizes["login"], nginx)],
        "home": [Target("portal: home", portal.web.port, "/home", cookies,
                        sizes["home"], web),
                 Target("nginx: same size", peers.port, "/home.html", ["-"],
                        sizes["home"], nginx)]}
    # In no line for machines.
    first_look = Target("portal: home, lists read", portal.web.port, "/home",
                        in_turn, sizes["home"], web)
    if peers.has_postfixadmin:
        php = {"nginx and php": lambda: peers.pids(),
               "mariadb": lambda: [portal.db.process.pid]}
        sessions = [peers.log_in() for _ in range(PEOPLE)]
        for page, path, given in [
                ("login", "/postfixadmin/login.php", ["-"]),
                ("home", "/postfixadmin/main.php", sessions)]:
            status, _, body = peers.get(path, given[0])
            assert status == 200, (path, status)
            targets[page].append(Target(f"PostfixAdmin: {path[14:]}",
                                        peers.port, path, given,
                                        len(body) * 9 // 10, php))
    everything = [target for each in targets.values() for target in each]
    everything.append(first_look)
    for target in everything:
        target.run(8, 1)
    for _ in range(ROUNDS):
        for connections in CONNECTIONS:
            for target in everything:
                target.measure(connections)
    show_head(f"pages; medians of {ROUNDS} interleaved rounds of {SECONDS} s",
              f"{'':28} {'conn':>5} {'req/s':>9} {'p50 ms':>8} {'p99 ms':>8} "
              f"{'failed':>6}   CPU us a request")
    for target in everything:
        for connections in CONNECTIONS:
            target.show(connections)
    return targets


def machine_line(page, targets, connections, memory):
    ours, nginx, *others = targets

    def ratio(other):
        rate = other.median(connections, "rps")
        return ours.median(connections, "rps") / rate if rate else 0
    versus = f"{ratio(others[0]):.2f}" if others else "none"
    return (f"web {page} connections={connections} "
            f"rps={ours.median(connections, 'rps'):.0f} "
            f"p50_ms={ours.median(connections, 'p50'):.1f} "
            f"p99_ms={ours.median(connections, 'p99'):.1f} "
            f"rss_mib={memory:.1f} "
            f"vs_nginx={ratio(nginx):.3f} vs_postfixadmin={versus}")


def bench_web():
    with make_portal() as portal:
        cookies, in_turn = fill(portal)
        sizes = {"login": page_size(portal, "/login", None),
                 "home": page_size(portal, "/home", cookies[0])}
        print(f"log-in page {sizes['login']} bytes, home page "
              f"{sizes['home']} bytes, "
              f"{statements(portal, '/home', cookies[0]):g} statements, "
              f"{statements(portal, '/home', *in_turn):g} where lists are read")
        with Peers(portal.db, [static_file(f"{page}.html", size)
                               for page, size in sizes.items()]) as peers:
            targets = bench_pages(portal, cookies, in_turn, peers, sizes)
        # Nobody has logged in by a form yet: no memory of argon2's.
        memory = portal.web.memory()
        show_head("other pages meanwhile",
                  f"{'milliseconds':28} {'p50':>9} {'p99':>8} {'worst':>8} "
                  f"{'log-ins/s':>10}")
        for log_ins in (0, 8, 0, 8):
            p50, p99, worst, rate = probe_during(portal, cookies[0], log_ins)
            print(f"  {f'{log_ins} clients log in':28} {p50:9.1f} {p99:8.1f} "
                  f"{worst:8.1f} {rate:10.1f}")
        print(f"\nresident: {memory:.1f} MiB after the pages, "
              f"{portal.web.memory():.1f} MiB after the log-ins")
    failed = sum(target.errors(connections) for each in targets.values()
                 for target in each[:1] for connections in CONNECTIONS)
    if failed:
        print(f"{failed} requests to the portal failed")
    for page, each in targets.items():
        for connections in CONNECTIONS:
            print(machine_line(page, each, connections, memory))
    return failed == 0

"""What the portal is measured beside: nginx with a static file, and Debian's
PostfixAdmin under php-fpm and nginx."""

import html.parser
import http.client
import shutil
import subprocess
import tempfile
import urllib.parse
from pathlib import Path

from mariadb import free_port, wait_until

POSTFIXADMIN = Path("/usr/share/postfixadmin")
ADMIN, PASSWORD = "admin@bench.test", "correct horse 42 battery"

NGINX = """
user www-data;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 2048; }}
http {{
	include /etc/nginx/mime.types;
	access_log off;
	sendfile on;
	keepalive_requests 1000000;
	server {{
		listen 127.0.0.1:{port} backlog=2048;
		root {folder}/static;
		location /postfixadmin/ {{
			alias {postfixadmin}/public/;
			location ~ ^/postfixadmin/(?<script>[a-z-]+[.]php)$ {{
				include /etc/nginx/fastcgi_params;
				fastcgi_param SCRIPT_FILENAME
					{postfixadmin}/public/$script;
				fastcgi_keep_conn on;
				fastcgi_pass fpm;
			}}
		}}
	}}
	upstream fpm {{ server unix:{folder}/fpm.sock; keepalive 16; }}
}}
"""

# As Debian's pool, but for the user and folders.
FPM = """
[global]
pid = {folder}/fpm.pid
error_log = {folder}/fpm.log
[www]
user = www-data
group = www-data
listen = {folder}/fpm.sock
listen.owner = www-data
listen.backlog = 2048
pm = dynamic
pm.max_children = 5
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 3
"""

CONFIG = """<?php
$CONF['configured'] = true;
$CONF['database_type'] = 'mysqli';
$CONF['database_host'] = 'localhost';
$CONF['database_socket'] = '{socket}';
$CONF['database_user'] = 'postfixadmin';
$CONF['database_password'] = 'postfixadmin';
$CONF['database_name'] = 'postfixadmin';
$CONF['encrypt'] = 'php_crypt:SHA512';
$CONF['emailcheck_resolve_domain'] = 'NO';
"""


def static_file(name, size):
    """A page of that size, as nginx serves it."""
    return name, b"<!DOCTYPE html>\n" + b"x" * (size - 16)


class Peers:
    """nginx, and PostfixAdmin if this root has it."""

    def __init__(self, db, files):
        self.folder = Path(tempfile.mkdtemp(prefix="peers-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self.db = db
        self.has_postfixadmin = POSTFIXADMIN.exists()
        self.processes = []
        (self.folder / "static").mkdir()
        for name, data in files:
            (self.folder / "static" / name).write_bytes(data)

    def __enter__(self):
        if self.has_postfixadmin:
            self._make_postfixadmin()
            self._run("php-fpm.conf", FPM, ["php-fpm8.4", "--nodaemonize",
                                            "--fpm-config"])
            wait_until((self.folder / "fpm.sock").exists, "php-fpm")
        self._run("nginx.conf", NGINX, ["nginx", "-g", "daemon off;", "-c"])
        wait_until(self._answers, "nginx")
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
            process.wait()
        shutil.rmtree(self.folder)

    def _run(self, name, template, command):
        config = self.folder / name
        config.write_text(template.format(
            folder=self.folder, port=self.port, postfixadmin=POSTFIXADMIN))
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes.append(subprocess.Popen(
                [*command, config], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log))

    def _answers(self):
        try:
            return self.get("/none")[0] == 404
        except ConnectionRefusedError:
            return False

    def pids(self):
        """Masters and all they have started."""
        found = [process.pid for process in self.processes]
        for pid in found:
            text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            found += map(int, text.split())
        return found

    def get(self, path, cookie=None, body=None):
        """Status, headers and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=30)
        headers = {"Cookie": cookie} if cookie else {}
        if body is not None:
            body = urllib.parse.urlencode(body)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request("POST" if body else "GET", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    # ---- PostfixAdmin

    def _make_postfixadmin(self):
        self.db.sql("CREATE DATABASE postfixadmin")
        self.db.sql("CREATE USER postfixadmin@localhost "
                    "IDENTIFIED BY 'postfixadmin'")
        self.db.sql("GRANT ALL ON postfixadmin.* TO postfixadmin@localhost")
        Path("/etc/postfixadmin/config.local.php").write_text(
            CONFIG.format(socket=self.db.socket))
        shutil.chown("/var/cache/postfixadmin/templates_c", "www-data")
        subprocess.run(["php", POSTFIXADMIN / "public/upgrade.php"],
                       check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        for kind, *arguments in [
                ("admin", "add", ADMIN, "--superadmin", "1", "--active", "1",
                 "--password", PASSWORD, "--password2", PASSWORD),
                *[("domain", "add", f"d{number}.bench.test", "--mailboxes",
                   "0", "--aliases", "0") for number in range(5)]]:
            subprocess.run(
                [POSTFIXADMIN / "scripts/postfixadmin-cli", kind, *arguments],
                check=True, stdout=subprocess.DEVNULL)
        self.db.sql("INSERT INTO postfixadmin.mailbox "
                    "(username, password, local_part, domain, maildir, name) "
                    "SELECT CONCAT('m', seq, '@d', seq % 5, '.bench.test'), "
                    "'x', CONCAT('m', seq), CONCAT('d', seq % 5, "
                    "'.bench.test'), 'm', 'm' FROM seq_1_to_50")

    def log_in(self):
        """A cookie of PostfixAdmin's administrator."""
        page = "/postfixadmin/login.php"
        _, headers, body = self.get(page)
        cookie = headers["Set-Cookie"].split(";")[0]
        fields = Hidden(body.decode()).fields
        status, headers, body = self.get(
            page, cookie, {**fields, "fUsername": ADMIN,
                           "fPassword": PASSWORD, "lang": "en"})
        assert (status, headers["Location"]) == (302, "main.php"), body
        cookies = headers.get_all("Set-Cookie") or []
        for each in cookies:
            if each.startswith("postfixadmin_session="):
                cookie = each.split(";")[0]
        return cookie


class Hidden(html.parser.HTMLParser):
    """The hidden fields of a page."""

    def __init__(self, text):
        super().__init__()
        self.fields = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "input" and attrs.get("type") == "hidden":
            self.fields[attrs["name"]] = attrs.get("value", "")

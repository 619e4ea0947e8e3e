"""The whole portal for tests: MariaDB, pymailadmin-web, accounts, a browser.

    with Portal() as portal:
        portal.add_account("alice@example.org", domains=["example.test"])
        browser = portal.log_in("alice@example.org")
        page = browser.get("/home")
        page = browser.submit(page, "/logout")

Accounts' hashes are cheap, unless they are made with cost=DEFAULT; the portal
makes its own at the first log-in by the form, Browser.log_in().
"""

import base64
import dataclasses
import hashlib
import html.parser
import http.client
import http.cookies
import secrets
import subprocess
import urllib.parse

from mariadb import MariaDB
from webserver import WebServer

DOMAIN = "example.test"
PASSWORD = "correct horse battery staple"
WEB_PASSWORD = "portal's database password"
ORIGIN = "https://mail.example.org"
# Argon2's m and t; what the portal makes itself by default.
CHEAP = (8, 1)
DEFAULT = (65536, 3)

hashes = {}


def hash_password(password, cost=CHEAP):
    """As the portal stores it."""
    if (password, cost) not in hashes:
        hashes[password, cost] = argon2(password, *cost)
    return hashes[password, cost]


def argon2(password, memory, passes):
    """By OpenSSL, in the form of libargon2."""
    salt = secrets.token_bytes(16)
    digest = subprocess.run(
        ["openssl", "kdf", "-keylen", "32", "-binary",
         "-kdfopt", f"hexpass:{password.encode().hex()}",
         "-kdfopt", f"hexsalt:{salt.hex()}",
         "-kdfopt", f"memcost:{memory}", "-kdfopt", f"iter:{passes}",
         "-kdfopt", "lanes:1", "ARGON2ID"],
        check=True, capture_output=True).stdout
    text = [base64.b64encode(each).decode().rstrip("=")
            for each in (salt, digest)]
    return f"$argon2id$v=19$m={memory},t={passes},p=1${text[0]}${text[1]}"


class Forms(html.parser.HTMLParser):
    """Forms, links and texts of a page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.forms, self.links, self.words = [], [], []
        self._form, self._skip = None, 0
        self.language = self.title = None
        self._in_title = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "html":
            self.language = attrs.get("lang")
        elif tag == "title":
            self._in_title = True
        elif tag in ("script", "style"):
            self._skip += 1
        elif tag == "form":
            self._form = {"action": attrs.get("action"),
                          "method": attrs.get("method", "get"), "fields": {},
                          "buttons": []}
            self.forms.append(self._form)
        elif tag == "a" and "href" in attrs:
            self.links.append(attrs["href"])
        elif tag in ("input", "select", "textarea") and self._form and \
                "name" in attrs and attrs.get("type") not in (
                    "checkbox", "radio", "submit"):
            self._form["fields"][attrs["name"]] = attrs.get("value", "")
        elif tag == "button" and self._form and "name" in attrs:
            self._form["buttons"].append((attrs["name"],
                                          attrs.get("value", "")))

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        elif tag in ("script", "style"):
            self._skip -= 1
        elif tag == "title":
            self._in_title = False

    def handle_data(self, data):
        if self._in_title:
            self.title = (self.title or "") + data
        elif not self._skip:
            self.words.append(data)


@dataclasses.dataclass
class Page:
    """An answer."""
    path: str
    status: int
    headers: list
    body: bytes

    def header(self, name):
        found = [value for key, value in self.headers
                 if key.lower() == name.lower()]
        assert len(found) <= 1, found
        return found[0] if found else None

    @property
    def set_cookies(self):
        return [value for key, value in self.headers
                if key.lower() == "set-cookie"]

    @property
    def location(self):
        return self.header("Location")

    @property
    def html(self):
        return self.body.decode()

    @property
    def parsed(self):
        if not hasattr(self, "_parsed"):
            self._parsed = Forms(self.html)
        return self._parsed

    @property
    def text(self):
        """Its words, with single spaces between."""
        return " ".join(" ".join(self.parsed.words).split())

    @property
    def language(self):
        return self.parsed.language

    @property
    def title(self):
        return self.parsed.title

    def form(self, action):
        """The fields of the form that is sent to a path (with any query)."""
        for form in self.parsed.forms:
            if (form["action"] or "").split("?")[0] == action:
                return dict(form["fields"])
        raise AssertionError(f"no form to {action}: {self}")

    @property
    def csrf(self):
        for form in self.parsed.forms:
            if "csrf" in form["fields"]:
                return form["fields"]["csrf"]
        raise AssertionError(f"no token: {self}")

    def expect(self, status=200, location=None):
        __tracebackhide__ = True
        assert (self.status, self.location) == (status, location), self
        return self

    def __str__(self):
        return (f"{self.path}: {self.status} {self.location or ''} "
                f"{self.text[:600] if self.body else ''}")


class Browser:
    """Keeps cookies, follows nothing by itself. Comes through a proxy that
    says who it is and that it came by HTTPS."""

    def __init__(self, portal, address=None, language=None, agent="Browser"):
        self.portal = portal
        self.address = address or portal.new_address()
        self.headers = {"Host": "mail.example.org", "User-Agent": agent}
        if language:
            self.headers["Accept-Language"] = language
        self.cookies = {}

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(
            self.portal.web.host, self.portal.web.port, timeout=30)
        sent = {**self.headers, "X-Forwarded-For": self.address,
                "X-Forwarded-Proto": "https"}
        if self.cookies:
            sent["Cookie"] = "; ".join(
                f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
            sent["Origin"] = ORIGIN
            sent["Sec-Fetch-Site"] = "same-origin"
        sent.update(headers or {})
        sent = {name: value for name, value in sent.items()
                if value is not None}
        try:
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            page = Page(path, answer.status, answer.getheaders(),
                        answer.read())
        finally:
            connection.close()
        self._take_cookies(page)
        return page

    def _take_cookies(self, page):
        for text in page.set_cookies:
            for name, morsel in http.cookies.SimpleCookie(text).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, fields=None, csrf=None, **options):
        """csrf None: the token of a page that is got for it; False: none."""
        fields = dict(fields or {})
        if csrf is None:
            csrf = self.csrf()
        if csrf is not False:
            fields["csrf"] = csrf
        return self.request("POST", path, urllib.parse.urlencode(
            fields, encoding="utf-8"), **options)

    def csrf(self):
        """A token: one is good for all forms of a session."""
        page = self.get("/login")
        if page.status != 200:
            page = self.get("/account/password")
        return page.csrf

    def submit(self, page, action, **fields):
        """Sends a form of a page, its hidden fields too."""
        sent = page.form(action)
        sent.update({name.replace("_", "-"): value
                     for name, value in fields.items()})
        return self.post(action, sent, csrf=sent["csrf"])

    def follow(self, page):
        assert page.status == 303, page
        return self.get(page.location)

    def log_in(self, email, password=PASSWORD):
        """The answer to the form."""
        return self.submit(self.get("/login"), "/login", email=email,
                           password=password)

    @property
    def session(self):
        return self.cookies.get("__Host-pymailadmin")


class Portal:
    """Everything, or the portal of a MailHost that runs already."""

    def __init__(self, mailhost=None, port=None, **settings):
        self.mailhost = mailhost
        self.db = mailhost.db if mailhost else MariaDB(mail=True)
        self.settings = settings
        self.web = None
        self.port = port
        self._addresses = 0

    def start(self):
        if self.mailhost is None:
            self.db.start()
            self.db.create_mail_database(web_password=WEB_PASSWORD)
            self.add_domain(DOMAIN)
        else:
            self.settings.setdefault("seal_key",
                                     self.mailhost.seal_public_key)
            self.db.add_web_account(WEB_PASSWORD)
        self.web = WebServer(port=self.port, **{
            "base_url": ORIGIN, "database_socket": self.db.socket,
            "database_password": WEB_PASSWORD, **self.settings})
        self.web.start()
        return self

    def stop(self, check=True):
        try:
            if self.web is not None and self.web.process is not None:
                self.web.stop(check=check)
        finally:
            if self.mailhost is None:
                self.db.kill()

    def restart(self, **settings):
        """The daemon alone; settings are added."""
        self.web.stop()
        self.web.settings.update(settings)
        self.web.write_config()
        self.web.start()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        self.stop(check=kind is None)

    # ---- rows

    def add_domain(self, name):
        self.db.sql("INSERT IGNORE INTO domain (domain) VALUES (%s)", name)

    def add_account(self, email, password=PASSWORD, role="user",
                    language="en", domains=(), cost=CHEAP, **columns):
        """Its id. The password may be None: of no use to anybody."""
        columns.update(
            email=email, role=role, language=language,
            password=hash_password(password, cost) if password else "x" * 60)
        names = ", ".join(columns)
        marks = ", ".join(["%s"] * len(columns))
        self.db.sql(f"INSERT INTO pymailadmin_account ({names}, "
                    "password_changed_at) VALUES "
                    f"({marks}, UTC_TIMESTAMP() - INTERVAL 1 DAY)",
                    *columns.values())
        for domain in domains:
            self.add_domain(domain)
            self.db.sql("INSERT INTO pymailadmin_account_domain "
                        "(account_id, domain) SELECT id, %s "
                        "FROM pymailadmin_account WHERE email = %s",
                        domain, email)
        return self.account_id(email)

    def account_id(self, email):
        return self.db.value("SELECT id FROM pymailadmin_account "
                             "WHERE email = %s", email)

    def add_mailbox(self, address, owner=None, quota=0, hashed="{PLAIN}x",
                    active=1):
        """A row of the mail server's, and its owner's."""
        domain = address.rpartition("@")[2]
        self.add_domain(domain)
        self.db.sql("INSERT INTO users (domain_id, email, crypt, quota, "
                    "active) SELECT id, %s, %s, %s, %s FROM domain "
                    "WHERE domain = %s", address, hashed, quota, active,
                    domain)
        if owner:
            self.give(address, owner)

    def give(self, address, owner):
        self.db.sql("REPLACE INTO pymailadmin_account_mailbox "
                    "(address, account_id) SELECT %s, id "
                    "FROM pymailadmin_account WHERE email = %s",
                    address, owner)

    def add_mailboxes(self, domain, count, owner=None):
        """Many at once: m00001@domain ..."""
        self.add_domain(domain)
        self.db.sql("INSERT INTO users (domain_id, email, crypt, quota) "
                    "SELECT d.id, CONCAT('m', LPAD(seq, 5, '0'), '@', "
                    "d.domain), '{PLAIN}x', 1073741824 * (1 + seq %% 5) "
                    f"FROM seq_1_to_{int(count)} JOIN domain d "
                    "WHERE d.domain = %s", domain)
        if owner:
            self.db.sql("INSERT INTO pymailadmin_account_mailbox "
                        "(address, account_id) SELECT u.email, a.id "
                        "FROM users u JOIN pymailadmin_account a "
                        "WHERE u.email LIKE %s AND a.email = %s",
                        f"%@{domain}", owner)

    def beat(self, age_secs=0):
        """The mail host, which opens our seals, has looked for requests."""
        key = bytes.fromhex(self.web.settings["seal_key"].rpartition(":")[2])
        self.db.sql("REPLACE INTO pymailadmin_heartbeat "
                    "(host, seal_key_id, version, last_run_at) VALUES "
                    "('mx', %s, '1', UTC_TIMESTAMP() - INTERVAL %s SECOND)",
                    hashlib.sha256(key).hexdigest()[:16], age_secs)

    def forget_errors(self):
        """What it has logged so far is meant to be there."""
        self.web.log.write_text("")

    def forget_limits(self):
        self.db.sql("DELETE FROM pymailadmin_rate_limit")

    # ---- people

    def new_address(self):
        """One that no browser had before."""
        self._addresses += 1
        return f"198.18.{self._addresses // 250}.{self._addresses % 250 + 1}"

    def browser(self, **options):
        return Browser(self, **options)

    def log_in(self, email, stage="full", **options):
        """A browser that is logged in, without the work of a log-in; stage
        code: as after the password of an account with a second factor."""
        browser = self.browser(**options)
        token = secrets.token_hex(32)
        self.db.sql(
            "INSERT INTO pymailadmin_session (id_hash, csrf_key, account_id, "
            "stage, role, expires_at, user_agent, client_address) "
            "SELECT %s, %s, id, %s, role, UTC_TIMESTAMP() + INTERVAL 12 HOUR, "
            "%s, %s FROM pymailadmin_account WHERE email = %s",
            hashlib.sha256(token.encode()).digest(), secrets.token_bytes(32),
            stage, browser.headers["User-Agent"], browser.address, email)
        browser.cookies["__Host-pymailadmin"] = token
        return browser

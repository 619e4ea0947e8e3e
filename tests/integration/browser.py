"""Chromium for tests: what people see, and what went wrong while they did.

    with Browser(portal.web.base_url, scripts=False) as browser:
        browser.show_as(360, "dark", "fr")
        browser.open("/login").send(email="alice@example.org", password="...")
        browser.look()

look() fails if the page is wider than the screen, has an error in its console,
was refused something by its Content-Security-Policy, asked another server for
anything, or if it is hard to hit what can be clicked, or if axe-core finds
fault with it.
"""

import base64
import contextlib
import json
import os
import pathlib
import re

import pytest
from selenium import webdriver
from selenium.common.exceptions import (
    NoSuchElementException, WebDriverException)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from mariadb import wait_until

AXE = pathlib.Path("/opt/axe-core/axe.min.js")
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa",
            "best-practice"]
# In which language, width and colour, and whether with scripts, people see what
# a test walks through: each once, and in the long run the other way round, too.
LOOKS = [("en", 360, "light", True), ("fr", 1280, "dark", False),
         *(pytest.param(look, marks=pytest.mark.soak) for look in (
             ("fr", 360, "dark", True), ("en", 1280, "light", False)))]
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--disable-dev-shm-usage")
NO_SCRIPTS = "--blink-settings=scriptEnabled=false"
HEIGHT = 740
# Where pictures of all pages go, if anywhere.
PICTURES = os.environ.get("PYMAILADMIN_PICTURES")
# Where those of failed tests go, if there is such a folder.
OUT = pathlib.Path("/out")
running = []
RUN_AXE = """
const done = arguments[arguments.length - 1];
axe.run({runOnly: arguments[0], resultTypes: ["violations"]}).then(
    (result) => done(result.violations.map((each) => each.id + ": " +
        each.nodes.map((node) => node.html.slice(0, 120) + " " +
            (node.any.concat(node.all)[0] || {message: ""}).message)
        .slice(0, 2).join(" | "))),
    (error) => done([String(error)]));
"""

# WCAG 2.2's 2.5.8, stricter: no room around a target makes up for its size.
# Links within sentences have the height of their line. On a phone, a finger
# needs more for what one fills and presses; of a box to tick, its label does.
SMALL_TARGETS = """
const phone = window.innerWidth <= 600;
return [...document.querySelectorAll("a[href], button, input, summary")]
    .filter((each) => each.type !== "hidden" && each.checkVisibility())
    .filter((each) => {
        const words = each.closest("p, li, td, th, dd");
        return getComputedStyle(each).display !== "inline" || !words ||
            words.textContent.trim() === each.textContent.trim();
    })
    .map((each) => [each, (phone && each.type === "checkbox" ?
        each.labels[0] : each).getBoundingClientRect()])
    .filter(([each, at]) => Math.min(at.width, at.height) < 24 ||
        phone && at.height < 44 && !each.matches("a:not(.button)"))
    .map(([each, at]) => `${Math.round(at.width)} x ${Math.round(at.height)} ` +
        `pixels are too few for ${each.outerHTML.slice(0, 120)}`);
"""


class Browser:
    """A new profile, and so no cookies. Paths are those of one server."""

    def __init__(self, base_url, scripts=True, flags=()):
        self.base_url = base_url
        self.scripts = scripts
        self.failures = 0
        self.answer = None
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium-headless-shell"
        for flag in (*FLAGS, *flags, *([] if scripts else [NO_SCRIPTS])):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {
            "browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(
            options=options,
            service=webdriver.ChromeService("/usr/bin/chromedriver"))
        running.append(self)
        self.show_as()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        running.remove(self)
        self.driver.quit()

    def told(self):
        """What was seen when a test failed: a title and a text."""
        try:
            seen = self.text[:2000]
            if OUT.is_dir():
                self.failures += 1
                path = self.picture(f"failed-{id(self)}-{self.failures}", OUT)
                seen += f"\nSee {path}"
            return f"browser at {self.driver.current_url}", seen
        except WebDriverException as error:
            return "browser", f"gone: {error.msg}"

    # ---- how it looks

    def show_as(self, width=1280, scheme="light", language="en", media="",
                **wishes):
        """The viewport's width, not the window's; the language the browser
        asks for; what else people may want, such as forced_colors="active"."""
        wishes = {"prefers_color_scheme": scheme,
                  "prefers_reduced_motion": "reduce", "forced_colors": "none",
                  **wishes}
        self.cdp("Emulation.setDeviceMetricsOverride", width=width,
                 height=HEIGHT, deviceScaleFactor=1, mobile=False)
        # As on a phone: they take no room.
        self.cdp("Emulation.setScrollbarsHidden", hidden=True)
        self.cdp("Emulation.setEmulatedMedia", media=media, features=[
            {"name": name.replace("_", "-"), "value": value}
            for name, value in wishes.items()])
        agent = self.cdp("Browser.getVersion")["userAgent"]
        self.cdp("Emulation.setUserAgentOverride", acceptLanguage=language,
                 userAgent=agent.replace("Headless", ""))
        return self

    def cdp(self, name, **arguments):
        return self.driver.execute_cdp_cmd(name, arguments)

    def picture(self, name, folder=None):
        """The whole page as a PNG file, if anybody wants it: its path."""
        folder = folder or PICTURES
        if folder is None:
            return None
        size = self.cdp("Page.getLayoutMetrics")["cssContentSize"]
        data = self.cdp("Page.captureScreenshot", captureBeyondViewport=True,
                        clip={**size, "scale": 1})["data"]
        path = pathlib.Path(folder) / f"{name}.png"
        path.write_bytes(base64.b64decode(data))
        return path

    # ---- where it is

    def open(self, path):
        self.driver.get(self.base_url + path)
        return self

    def forget(self):
        """All cookies: nobody is logged in."""
        self.cdp("Network.clearBrowserCookies")
        return self

    @property
    def path(self):
        return self.driver.current_url.removeprefix(self.base_url)

    @property
    def title(self):
        """The page's heading."""
        return self.find("h1").text

    @property
    def text(self):
        return self.find("body").text

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def find_all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def wait_for(self, selector, deadline=30):
        """Until the page, which moves by itself, has one of these."""
        wait_until(lambda: self.find_all(selector), selector, deadline)
        return self

    # ---- what people do

    def fill(self, **fields):
        for name, value in fields.items():
            field = self.driver.find_element(By.ID, name.replace("_", "-"))
            field.clear()
            field.send_keys(value)
        return self

    def click(self, selector):
        """The first of these that is shown."""
        for each in self.find_all(selector):
            if each.is_displayed():
                each.click()
                return self
        raise NoSuchElementException(f"no {selector} on {self.path}")

    @contextlib.contextmanager
    def leaving(self):
        """Ends when another page is there: without scripts nothing else
        waits for it."""
        left = self.find("html")
        yield

        def is_gone():
            try:
                left.is_enabled()
                return False
            except WebDriverException:  # of an element of another page
                return True
        wait_until(is_gone, "another page")
        self.wait_for("footer")

    def follow(self, path):
        """A link of the page that begins so."""
        with self.leaving():
            return self.click(f'main a[href^="{path}"]')

    def enter(self):
        """On what leads to another page."""
        with self.leaving():
            return self.type(Keys.ENTER)

    def send(self, **fields):
        """Fills the page's form and sends it by its button."""
        self.fill(**fields)
        with self.leaving():
            return self.click("main form .actions button")

    def send_form(self, action, **fields):
        """One of several forms of the page."""
        self.fill(**fields)
        with self.leaving():
            return self.click(f'main form[action="{action}"] button')

    @property
    def focused(self):
        """What the keyboard is at: its id, or its words."""
        at = self.driver.switch_to.active_element
        return at.get_attribute("id") or at.text

    def tab_to(self, wanted, tries=40):
        """By the Tab key alone; the element needs a focus ring."""
        for _ in range(tries):
            self.type(Keys.TAB)
            if self.focused == wanted:
                at = self.driver.switch_to.active_element
                ring = at.value_of_css_property("outline-style")
                assert ring != "none", f"{wanted} shows no focus"
                return self
        raise AssertionError(f"{wanted!r} is not reached by Tab")

    def type(self, *keys):
        """Where the keyboard is at."""
        self.driver.switch_to.active_element.send_keys(*keys)
        return self

    # ---- what went wrong

    def look(self, name=None):
        """At the page as it is, and at all that happened since the last
        look. With a name, a picture is taken."""
        if name:
            self.picture(name)
        wrong = self.complaints()
        if self.is_too_wide():
            wrong.append("it scrolls sideways")
        if self.scripts:
            wrong += self.small_targets() + self.faults()
        assert wrong == [], f"{self.path} ({name}): " + "\n".join(wrong)
        return self

    def is_too_wide(self):
        found = self.cdp("Page.getLayoutMetrics")
        return found["cssContentSize"]["width"] > \
            found["cssLayoutViewport"]["clientWidth"]

    def small_targets(self):
        return self.driver.execute_script(SMALL_TARGETS)

    def faults(self):
        """What axe-core finds."""
        self.driver.set_script_timeout(60)
        self.driver.execute_script(AXE.read_text())
        return self.driver.execute_async_script(RUN_AXE, AXE_TAGS)

    def complaints(self):
        """Errors in the console, also those of the policy, and requests to
        other servers, since the last call. What the server answered is then
        in self.answer: status and headers."""
        documents, wrong = set(), []
        for method, event in self._events():
            if method == "Network.responseReceived" and \
                    event["type"] == "Document":
                self.answer = event["response"]
            if method != "Network.requestWillBeSent":
                continue
            url = event["request"]["url"]
            if event.get("type") == "Document":
                documents.add(url)
            if not url.startswith((f"{self.base_url}/", "data:", "about:",
                                   "chrome:")):
                wrong.append(f"a request to {url}")
        for entry in self.driver.get_log("browser"):
            # A page may be an error: its status is not one of the page.
            failed = re.match(r"(\S+) - Failed to load resource: the server "
                              r"responded with a status of", entry["message"])
            if entry["level"] in ("SEVERE", "WARNING") and not (
                    failed and failed[1] in documents):
                wrong.append(entry["message"])
        return wrong

    def _events(self):
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            yield message["method"], message["params"]

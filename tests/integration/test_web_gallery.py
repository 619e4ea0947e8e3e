"""Every page of the portal, with sample data, as a browser shows it: valid,
accessible, light, on small and wide screens, in light and dark."""

import gzip
import json
import pathlib
import re
import subprocess

import pytest
from selenium import webdriver
from selenium.webdriver.support.wait import WebDriverWait

import gallery

AXE = pathlib.Path("/opt/axe-core/axe.min.js")
VNU = pathlib.Path("/opt/vnu/build/dist/vnu.jar")
MAX_BYTES = 30 * 1024
# Rules whose answer depends on width and colours.
AXE_LOOKS = ["color-contrast", "target-size", "link-in-text-block",
             "scrollable-region-focusable", "aria-hidden-focus"]
# Rules of good practice, too.
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa",
            "best-practice"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All pages as files."""
    return gallery.make(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def address(folder):
    with gallery.serving(folder) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium-headless-shell"
    for argument in ("--no-sandbox", "--disable-gpu",
                     "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(
        options=options,
        service=webdriver.ChromeService("/usr/bin/chromedriver"))
    try:
        yield browser
    finally:
        browser.quit()


def show_as(browser, width, scheme, scripts=True):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": 740, "deviceScaleFactor": 1,
        "mobile": False})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"}]})
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled",
                            {"value": not scripts})


@pytest.mark.limit(120)
def test_pages_are_valid(folder):
    done = subprocess.run(
        ["java", "-jar", VNU, "--format", "json", "--stdout", "--exit-zero-always",
         *folder.glob("*.html")], check=True, stdout=subprocess.PIPE)
    said = [f"{message['url'].rpartition('/')[2]}:{message['lastLine']}: "
            f"{message['message']}"
            for message in json.loads(done.stdout)["messages"]]
    assert said == []


def test_pages_are_light(folder):
    """With the stylesheet and the script."""
    files = sum(path.stat().st_size for path in folder.glob("static/*.css"))
    files += sum(path.stat().st_size for path in folder.glob("static/*.js"))
    sizes = {path.name: path.stat().st_size + files
             for path in folder.glob("*.html")}
    heaviest = max(sizes, key=sizes.get)
    print(f"{heaviest}: {sizes[heaviest]} bytes, {files} of them shared")
    assert sizes[heaviest] < MAX_BYTES
    packed = sum(len(gzip.compress(path.read_bytes()))
                 for path in folder.glob("static/*.*s*"))
    print(f"{packed} bytes compressed")


def test_pages_load_nothing_from_elsewhere(folder):
    wrong = []
    for path in folder.glob("*.html"):
        text = path.read_text()
        for name, value in re.findall(
                r'\b(href|src|action|data-url)="([^"]*)"', text):
            if not re.match(r"/(?!/)|#", value):
                wrong.append(f"{path.name}: {name}={value}")
        if re.search(r"\son\w+=|\sstyle=|<style|javascript:", text):
            wrong.append(f"{path.name}: inline")
    assert wrong == []
    for path in folder.glob("static/*"):
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|@import|url\(", text), path


def test_each_form_that_changes_something_has_a_token(folder):
    wrong = []
    for path in folder.glob("*.html"):
        for form in re.findall(r'<form method="post".*?</form>',
                               path.read_text(), re.DOTALL):
            if 'name="csrf" value="6f1c' not in form:
                wrong.append(path.name)
            if re.search(r'type="password"[^>]*value=', form):
                wrong.append(f"{path.name}: shows a password")
    assert wrong == []


LOOK = """
const done = arguments[arguments.length - 1];
const wide = document.documentElement.scrollWidth > window.innerWidth;
axe.run({runOnly: arguments[0], resultTypes: ["violations"]}).then(
    (result) => done([wide, result.violations.map((each) => each.id + ": " +
        each.nodes.map((node) => node.html.slice(0, 120) + " " +
            (node.any.concat(node.all)[0] || {message: ""}).message)
        .slice(0, 2).join(" | "))]),
    (error) => done([wide, [String(error)]]));
"""


@pytest.mark.limit(480)
@pytest.mark.parametrize("language, looks", [
    ("en", [(360, "dark"), (1280, "light")]),
    ("fr", [(1280, "dark"), (360, "light")]),
])
def test_pages_are_accessible(folder, address, browser, language, looks):
    axe = AXE.read_text()
    wrong = []
    browser.set_script_timeout(60)
    for name in gallery.names(folder):
        if f".{language}." not in name:
            continue
        browser.get(f"{address}/{name}")
        browser.execute_script(axe)
        for rules, (width, scheme) in zip((AXE_TAGS, AXE_LOOKS), looks):
            show_as(browser, width, scheme)
            is_too_wide, violations = browser.execute_async_script(LOOK,
                                                                   rules)
            if is_too_wide:
                wrong.append(f"{name}: scrolls sideways at {width}")
            wrong += [f"{name}: {width} {scheme}: {violation}"
                      for violation in violations]
    # The window page asks for progress, which the gallery does not have.
    wrong += [entry["message"] for entry in browser.get_log("browser")
              if entry["level"] == "SEVERE"
              and "/mailbox/progress" not in entry["message"]]
    assert wrong == []


FOCUSABLE = """
return [...document.querySelectorAll("a[href], button, input, summary")]
    .filter((each) => each.type !== "hidden" && !each.disabled
        && each.checkVisibility({visibilityProperty: true}))
    .map((each, index) => { each.dataset.order = index; return index; })
    .length;
"""
FOCUSED = """
const at = document.activeElement;
const style = getComputedStyle(at);
return [at.dataset.order === undefined ? null : Number(at.dataset.order),
        style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
"""


@pytest.mark.limit(120)
@pytest.mark.parametrize("name", [
    "login", "home-many", "domain", "mailbox", "mailbox-create",
    "mailbox-password-wrong", "account-sessions", "two-factor"])
def test_tab_reaches_each_control_in_order(address, browser, name):
    show_as(browser, 360, "light")
    browser.get(f"{address}/{name}.en.html")
    count = browser.execute_script(FOCUSABLE)
    # From the top, wherever the page has put the focus.
    browser.execute_script("""
        document.activeElement.blur();
        const top = document.createElement("span");
        top.tabIndex = -1;
        document.body.prepend(top);
        top.focus();""")
    seen = []
    for _ in range(count):
        browser.switch_to.active_element.send_keys("\ue004")
        order, has_ring = browser.execute_script(FOCUSED)
        seen.append(order)
        assert has_ring, f"no focus ring on control {order}"
    assert seen == list(range(count))


def field(browser, name):
    return browser.find_element("id", name)


def test_what_is_typed_is_looked_at(address, browser):
    show_as(browser, 360, "light")
    browser.get(f"{address}/mailbox-create.en.html")
    preview = browser.find_element("css selector", "[data-preview]")
    assert not preview.is_displayed()
    field(browser, "name").send_keys("Anna-Maria")
    assert preview.text == "The new address: anna-maria@example.org"
    assert field(browser, "name").get_attribute("value") == "anna-maria"
    field(browser, "name").send_keys("!")
    assert "Only letters" in field(browser, "name-live").text
    field(browser, "name").clear()
    field(browser, "name").send_keys("abc\t")
    assert "Too short" in field(browser, "name-live").text
    field(browser, "new").send_keys("correct horse\t")
    field(browser, "repeat").send_keys("correct house\t")
    assert "differ" in field(browser, "repeat-live").text
    field(browser, "repeat").send_keys("\ue003\ue003\ue003rse")
    assert field(browser, "repeat-live").text == ""


def test_a_password_can_be_shown(address, browser):
    show_as(browser, 360, "light")
    browser.get(f"{address}/login.fr.html")
    show = browser.find_element("css selector", "[data-show]")
    assert show.text == "Afficher"
    show.click()
    assert field(browser, "password").get_attribute("type") == "text"
    assert (show.text, show.get_attribute("aria-pressed")) == ("Masquer",
                                                               "true")
    show.click()
    assert field(browser, "password").get_attribute("type") == "password"


def test_an_administrator_types_the_address(address, browser):
    show_as(browser, 360, "light")
    browser.get(f"{address}/mailbox-delete-admin.en.html")
    button = browser.find_element("css selector", "button.danger")
    assert not button.is_enabled()
    field(browser, "typed").send_keys("anna.lindqvist@example.org")
    assert button.is_enabled()


def test_without_scripts_everything_can_be_used(address, browser):
    show_as(browser, 360, "light", scripts=False)
    try:
        browser.get(f"{address}/mailbox-delete-admin.en.html")
        assert browser.find_element("css selector", "button.danger") \
            .is_enabled()
        browser.get(f"{address}/login.en.html")
        shown = browser.find_element("css selector", "[data-show]")
        assert not shown.is_displayed()
        assert field(browser, "password").is_displayed()
    finally:
        show_as(browser, 360, "light")


def test_progress_is_shown_without_loading_the_page_again(folder, address,
                                                          browser):
    (folder / "mailbox").mkdir(exist_ok=True)
    progress = folder / "mailbox/progress"

    def answer(state, percent):
        progress.write_text(json.dumps({
            "state": state, "done": percent, "total": 100, "percent": percent,
            "text": f"{percent} of 100 mails done."}))

    answer("closed", 41)
    show_as(browser, 360, "light")
    browser.get(f"{address}/mailbox-window.en.html")
    browser.execute_script("window.isTheSame = true;")
    wait = WebDriverWait(browser, 20)
    wait.until(lambda _: "41 of 100" in browser.find_element(
        "css selector", "[data-progress-text]").text)
    said = browser.find_element("css selector", "[data-progress-said]")
    assert said.get_property("textContent") == ""
    answer("closed", 80)
    wait.until(lambda _: said.get_property("textContent")
               == "80 of 100 mails done.")
    assert field(browser, "progress").get_property("value") == 80
    assert browser.execute_script("return window.isTheSame === true")
    # The page of another state is another page.
    answer("encrypting", 80)
    wait.until(lambda _: browser.execute_script(
        "return window.isTheSame === undefined"))

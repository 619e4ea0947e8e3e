"""Every page of the portal, with sample data, for who reads it large, with more
room between letters, in colours of their own, or on paper."""

import base64
import re

import pytest

import gallery
from browser import Browser

pytestmark = pytest.mark.limit(480)
# The longest local part there is, in a domain whose labels nothing breaks.
LONG = f"{'w' * 64}@{'m' * 63}.example.org"
# In place of the addresses of the samples, wherever those stand.
LENGTHEN = """
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const wanted = /[a-z-]+([.][a-z]+)?@[a-z.-]+[a-z]/g;
let found = 0;
while (walker.nextNode()) {
    walker.currentNode.data = walker.currentNode.data.replace(wanted, () => {
        found++;
        return arguments[0];
    });
}
return found;
"""
# WCAG 2.2's 1.4.12, and how it says that letters are that far apart.
SPACES = """
const sheet = new CSSStyleSheet();
sheet.replaceSync(`* { line-height: 1.5 !important;
    letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
    p { margin-bottom: 2em !important }`);
document.adoptedStyleSheets.push(sheet);
"""
# What is not as wide as its text. The account in the header is shortened on
# purpose; the menu below it shows the whole.
CUT_OFF = """
return [...document.querySelectorAll("body *")].filter((each) =>
    each.checkVisibility() && each.clientWidth > 1 &&
    !each.closest(".who, input, meter, progress, .visually-hidden, thead") &&
    each.scrollWidth > each.clientWidth + 1)
    .map((each) => `${each.scrollWidth} of ${each.clientWidth} ` +
        each.outerHTML.slice(0, 120));
"""
# What has become so narrow that a word does not fit.
COLUMNS = """
return [...document.querySelectorAll("main span, main dd, main td")]
    .filter((each) => each.checkVisibility() && each.textContent.length > 9 &&
        !each.closest(".visually-hidden, a") &&
        each.getBoundingClientRect().width < 60)
    .map((each) => each.outerHTML.slice(0, 120));
"""
# What has an edge by its background alone.
WITHOUT_BORDER = """
return [".main", ".danger", ".notice", ".waiting", ".empty"].filter((each) =>
    document.querySelector(each) && getComputedStyle(
        document.querySelector(each)).borderLeftStyle === "none");
"""
# Text that ends beyond the screen without making the page wider.
BEYOND = """
return [...document.querySelectorAll("main *, header *, footer *")]
    .filter((each) => each.checkVisibility() &&
        !each.closest(".visually-hidden, thead, .skip") &&
        each.getBoundingClientRect().right > window.innerWidth + 0.5)
    .map((each) => each.outerHTML.slice(0, 120));
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return gallery.make(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def browser(folder):
    with gallery.serving(folder) as address, Browser(address) as browser:
        yield browser


def each_page(browser, folder, language):
    for name in gallery.names(folder):
        if f".{language}." in name:
            browser.open(f"/{name}")
            yield name.removesuffix(".html")


def faults(browser, name):
    found = ["it scrolls sideways"] if browser.is_too_wide() else []
    found += browser.small_targets()
    for script, what in ((CUT_OFF, "cut off"), (BEYOND, "off the screen"),
                         (COLUMNS, "too narrow")):
        found += [f"{what}: {each}"
                  for each in browser.driver.execute_script(script)]
    return [f"{name}: {each}" for each in found]


@pytest.mark.parametrize("width, language", [
    (320, "fr"), (360, "en"), (769, "fr"), (1280, "en")])
def test_everything_fits_and_is_easy_to_hit(browser, folder, width, language):
    """320 pixels are what 1280 are to who enlarges them four times."""
    browser.show_as(width)
    wrong = []
    for name in each_page(browser, folder, language):
        wrong += faults(browser, name)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("width", [320, 769])
def test_long_addresses_fit(browser, folder, width):
    browser.show_as(width)
    wrong, found = [], 0
    for name in each_page(browser, folder, "fr"):
        found += browser.driver.execute_script(LENGTHEN, LONG)
        browser.picture(f"long-{width}-{name}")
        wrong += faults(browser, name)
    assert not wrong, "\n".join(wrong)
    assert found > 100


@pytest.fixture(scope="module")
def large(folder):
    """Who has set the size of text in the browser to twice the usual."""
    with gallery.serving(folder) as address, Browser(address, flags=[
            "--blink-settings=defaultFontSize=32"]) as browser:
        yield browser


@pytest.mark.parametrize("width", [480, 1280])
def test_text_twice_as_large_fits(large, folder, width):
    large.show_as(width)
    wrong = []
    for name in each_page(large, folder, "fr"):
        large.picture(f"large-{width}-{name}")
        wrong += faults(large, name)
    assert style(large, "html", "font-size") == "34px"
    assert not wrong, "\n".join(wrong)


def test_text_with_more_space_fits(browser, folder):
    browser.show_as(320)
    wrong = []
    for name in each_page(browser, folder, "fr"):
        browser.driver.execute_script(SPACES)
        browser.picture(f"spaced-{name}")
        wrong += faults(browser, name)
    assert not wrong, "\n".join(wrong)


# ---- colours of their own

def style(browser, selector, name, part=""):
    return browser.driver.execute_script(
        "return getComputedStyle(document.querySelector(arguments[0]), "
        "arguments[2]).getPropertyValue(arguments[1])", selector, name, part)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forced_colours_leave_shapes(browser, folder, scheme):
    """All backgrounds are one: what has an edge has a border, and the shape of
    a state is still seen."""
    browser.show_as(360, scheme, forced_colors="active")
    for name in each_page(browser, folder, "en"):
        browser.picture(f"forced-{scheme}-{name}")
        without = browser.driver.execute_script(WITHOUT_BORDER)
        assert without == [], name
    browser.open("/home-many.en.html")
    paper = style(browser, "body", "background-color")
    for kind in ("open", "closed", "ending", "failed"):
        assert style(browser, f".{kind}", "background-color",
                     "::before") not in (paper, "rgba(0, 0, 0, 0)"), kind
    browser.tab_to(browser.find("summary").text)


def test_nothing_moves_for_who_wants_none(browser):
    def seconds(wish):
        browser.show_as(prefers_reduced_motion=wish)
        browser.open("/login.en.html")
        return style(browser, ".main", "transition-duration")
    assert seconds("reduce") == "0s"
    assert seconds("no-preference") != "0s"


# ---- on paper

def pages_of(browser):
    pdf = base64.b64decode(browser.cdp("Page.printToPDF", paperWidth=8.27,
                                       paperHeight=11.69)["data"])
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


@pytest.mark.parametrize("name, shown", [
    ("backup-codes", [".codes", "main .hint"]),
    ("mailbox", [".state", "#aliases", ".history"]),
    ("mailbox-failed", [".notice.bad", "#aliases"]),
    ("mailbox-delete", [".lost", ".notice.warn"]),
    ("home", [".state", "#domains"]),
])
def test_what_is_printed(browser, name, shown):
    """What the page says, in ink on paper, and nothing that is clicked."""
    browser.show_as(794, "dark", media="print").open(f"/{name}.fr.html")
    browser.picture(f"printed-{name}")
    assert pages_of(browser) == 1
    assert style(browser, "html", "background-color") == "rgb(255, 255, 255)"
    for selector in ["h1", *shown]:
        assert browser.find(selector).is_displayed(), selector
    for selector in ("header", "footer", ".crumbs", "button", ".button",
                     ".acts", "input", '[role="status"]'):
        assert not any(each.is_displayed()
                       for each in browser.find_all(selector)), selector

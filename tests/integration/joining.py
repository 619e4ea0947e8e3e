"""People who ask for an account at a portal, and what becomes of it."""

import re

from mariadb import wait_until

NEW = "seven purple elephants sing quietly"
REASON = "I play the oboe, and Martine knows me."
FROM = "portal@post.test"


def register(browser, email, reason=REASON, new=NEW, repeat=None, **fields):
    """The answer to the form."""
    page = browser.get("/register").expect()
    return browser.submit(page, "/register", email=email, reason=reason,
                          new=new, repeat=new if repeat is None else repeat,
                          **fields)


def link_in(mail):
    [link] = re.findall(r"https?://[^/\s]+(/register/confirm\S*)",
                        mail.get_content())
    return link


def confirm(browser, link):
    page = browser.get(link).expect()
    return browser.submit(page, "/register/confirm")


def apply(portal, catcher, email, reason=REASON, **options):
    """A registration that waits for a moderator: its id."""
    browser = portal.browser(**options)
    register(browser, email, reason).expect()
    confirm(browser, link_in(catcher.wait(email))).expect()
    return registration(portal, email)["id"]


def registration(portal, email):
    rows = portal.db.sql("SELECT * FROM pymailadmin_registration "
                         "WHERE email = %s ORDER BY id DESC", email)
    return rows[0] if rows else None


def count(portal, table):
    return portal.db.value(f"SELECT COUNT(*) FROM pymailadmin_{table}")


def wait_for_failure(portal):
    """Until the relay has refused a mail, which then waits for a minute, and
    not, as while it is being sent, for five."""
    wait_until(lambda: portal.db.value(
        "SELECT 1 FROM pymailadmin_outbox WHERE attempts > 0 AND "
        "retry_at < UTC_TIMESTAMP() + INTERVAL 2 MINUTE"), "a failure")


def clear(portal, catcher):
    portal.forget_limits()
    for table in ("registration", "invitation", "outbox"):
        portal.db.sql(f"DELETE FROM pymailadmin_{table}")
    catcher.clear()

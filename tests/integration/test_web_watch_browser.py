"""A super admin in a browser: what waits and what failed, what is done about
it, and what the history says of that."""

import pytest

from browser import Browser, LOOKS
from test_web_requests import ask
from webmailboxes import CHEAP
from webportal import PASSWORD, Portal

pytestmark = pytest.mark.limit(300)
USER, ROOT = "user@post.test", "root@post.test"
LONG = "a-very-long-name-of-somebody-in-an-association@" \
    "mail.a-club-with-a-long-name.example.org"


@pytest.fixture(scope="module")
def portal():
    with Portal(base_url="http://127.0.0.1:{port}",
                limit_login_address="1000/15m", **CHEAP) as portal:
        portal.add_account(USER)
        portal.add_account(ROOT, role="super_admin")
        yield portal


@pytest.mark.parametrize("look", LOOKS,
                         ids=lambda look: "-".join(map(str, look)))
def test_watching(portal, look):
    language, width, scheme, scripts = look
    for table in ("request", "event"):
        portal.db.sql(f"DELETE FROM pymailadmin_{table}")
    portal.db.sql("UPDATE pymailadmin_account SET language = %s", language)
    ask(portal, "busy@one.test", outcome="busy", retry=300)
    ask(portal, LONG, kind="delete")
    ask(portal, "storing@one.test", kind="encrypt", state="storing",
        account=None)
    ask(portal, "broken@one.test", state="failed", outcome="key_password")
    with Browser(portal.web.base_url, scripts=scripts) as browser:
        browser.show_as(width, scheme, language)

        def see(name):
            browser.look(f"watch-{name}-{language}{width}-{scheme}")
        browser.open("/login").send(email=ROOT, password=PASSWORD)
        see("home")
        browser.open("/requests")
        see("requests")
        browser.send_form("/requests/retry")
        see("retried")
        assert portal.db.value("SELECT retry_at FROM pymailadmin_request "
                               "WHERE address = 'busy@one.test'") is None
        browser.send_form("/requests/cancel")
        see("canceled")
        browser.follow("/requests?show=failed")
        see("failed")
        browser.follow("/events")
        see("events")
        assert "busy@one.test" in browser.text and ROOT in browser.text
        browser.open("/events?kind=password-retried&from=2026-02-30")
        see("events-wrong")
        browser.open("/events?kind=password-retried")
        see("events-filtered")
        assert "busy@one.test" in browser.text
        assert LONG not in browser.text

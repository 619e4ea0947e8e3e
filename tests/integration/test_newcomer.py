"""The way of a newcomer on a mail host with its portal: what tests/demo shows."""

import os
import subprocess
import sys

import pytest

import newcomer
from builds import SOURCE
from mailhost import MailHost
from webmailboxes import CHEAP
from webportal import PASSWORD, Portal

pytestmark = pytest.mark.limit(300)
ROOT = "root@elsewhere.example"


@pytest.fixture(scope="module")
def host():
    with MailHost(mail_driver="sdbox", scheme="ARGON2ID",
                  depth="storage") as host:
        yield host


def test_the_demo_finds_nothing_wrong():
    """As "tests/demo --once" starts it in this root."""
    assert "tests/integration/demo.py" in (SOURCE / "tests/demo").read_text()
    done = subprocess.run(
        [sys.executable, "tests/integration/demo.py", "maildir"], cwd=SOURCE,
        env={**os.environ, "PYTHONPATH": "tests"}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " checks passed, " in done.stdout, done.stdout


def test_from_the_form_to_the_first_mail(host):
    with newcomer.Postman(host) as postman, Portal(
            host, base_url="http://127.0.0.1:{port}", smtp_url=postman.url,
            mail_from="portal@elsewhere.example", registration="open",
            two_factor_required="", **CHEAP) as portal:
        portal.add_account(ROOT, role="super_admin")
        mailbox = newcomer.join(
            host, portal, (ROOT, PASSWORD), newcomer.Asserting(),
            lambda browser, name: browser.look(f"newcomer-{name}"))
        assert portal.db.value(
            "SELECT a.email FROM pymailadmin_account_mailbox m "
            "JOIN pymailadmin_account a ON a.id = m.account_id "
            "WHERE m.address = %s", mailbox.address) == newcomer.EMAIL

"""The way of a newcomer on a mail host with its portal: what tests/demo shows."""

import pytest

import newcomer
from mailhost import MailHost
from webmailboxes import CHEAP
from webportal import PASSWORD, Portal

pytestmark = pytest.mark.limit(300)
ROOT = "root@elsewhere.example"


@pytest.fixture(scope="module", params=["maildir", "sdbox"])
def host(request):
    with MailHost(mail_driver=request.param, scheme="ARGON2ID",
                  depth="storage") as host:
        yield host


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

"""Password changes in a loop while the mailbox is in use: nothing is lost."""

import statistics

import pytest

from changes import assert_clean, user_keys
from mailhost import ANVIL_CORE, ANVIL_KILLED, MailHost
from stress import Stress

SIEVE = """
protocol lmtp {
  mail_plugins {
    sieve = yes
  }
}
sieve_script default {
  type = default
  name = default
  driver = file
  path = %s
}
"""
SCRIPT = """\
require ["fileinto", "mailbox", "variables"];
if header :matches "X-Folder" "*" {
  fileinto :create "${1}";
}
"""


@pytest.fixture(scope="module", params=["maildir", "sdbox"])
def host(request):
    with MailHost(mail_driver=request.param, depth="storage") as host:
        # See test_stock.py.
        host.expect_log(ANVIL_KILLED)
        host.expect_core(ANVIL_CORE)
        script = host.scratch / "default.sieve"
        script.write_text(SCRIPT)
        host.command("sievec", script).expect(0)
        host.restart_dovecot(extra=SIEVE % script)
        yield host


def change_under_load(host, name, changes):
    mailbox = host.create(name)
    with Stress(mailbox, sieve=True) as stress:
        took = [stress.change(number) for number in range(changes)]
    print(f"filed to open: median {statistics.median(took):.2f} s, "
          f"worst {max(took):.2f} s")
    stress.check(changes)
    assert len(user_keys(mailbox)) == 1
    assert_clean(mailbox)


@pytest.mark.limit(300)
def test_changes_under_load(host):
    change_under_load(host, "load", 30 if host.mail_driver == "maildir" else 15)


@pytest.mark.soak
@pytest.mark.limit(7200)
def test_three_hundred_changes_under_load(host):
    change_under_load(host, "soak", 300)

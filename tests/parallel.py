"""Which tests a worker of pytest-xdist is given together, and in which order:
see "Side by side" in README.md."""

import re

from xdist.scheduler import LoadScopeScheduling

KIND = re.compile(r"[\[-](maildir|sdbox|mdbox)(?=[\]-])")
# What takes longest begins first, or all would wait for it at the end.
LONG = ("test_unit", "test_packages", "test_builds", "test_web_browser",
        "test_web_gallery", "test_web_looks", "test_interrupted",
        "test_install", "test_create_interrupted", "test_delete_interrupted",
        "test_stress", "test_storage_killed", "test_web_admin_browser",
        "test_web_join_browser")


# What one file makes and another uses, too.
WITH = {"tests/integration/test_install_two_hosts.py":
        "tests/integration/test_packages.py"}


def group(nodeid):
    """What is made for a file, or for its tests with one kind of mailbox, is
    made once: these tests stay together."""
    path, _, name = nodeid.partition("::")
    path = WITH.get(path, path)
    kind = KIND.search(name)
    return f"{path}[{kind[1]}]" if kind else path


def rank(group):
    found = [place for place, name in enumerate(LONG)
             if f"/{name}.py" in group]
    return found[0] if found else len(LONG)


class Scheduling(LoadScopeScheduling):
    def _split_scope(self, nodeid):
        return group(nodeid)

    def _assign_work_unit(self, node):
        # Those that have no rank are in order already.
        self.workqueue.move_to_end(min(self.workqueue, key=rank), last=False)
        super()._assign_work_unit(node)

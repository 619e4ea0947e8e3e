"""Several machines in a test: network namespaces with names and addresses of
their own, on a bridge of the test's. They share the files and the processes.

    with Network() as network:
        database, portal = network.host("database"), network.host("portal")
        database.popen(["mariadbd", f"--bind-address={database.address}"])
        portal.run("ping", "-c1", database.address)
        database.cut()       # the cable is out: packets vanish
        database.mend()

The test itself is network.address, and reaches all of them.
"""

import os
import pathlib
import subprocess

from mariadb import wait_until

BRIDGE = "hosts0"
PREFIX = "10.77.7"


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True)


def namespace(pid, kind):
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")
    except (FileNotFoundError, PermissionError):
        return None


class Network:
    """One at a time in a test's namespace."""

    def __init__(self):
        self.address = f"{PREFIX}.1"
        self.hosts = []

    def __enter__(self):
        # never in that of the machine which runs the tests
        assert "PYMAILADMIN_DEBIAN13" in os.environ
        ip("link", "add", BRIDGE, "type", "bridge", "forward_delay", "0")
        ip("addr", "add", f"{self.address}/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        return self

    def __exit__(self, *_):
        for host in self.hosts:
            host.close()
        ip("link", "delete", BRIDGE)

    def host(self, name):
        host = Host(name, len(self.hosts) + 2)
        self.hosts.append(host)
        return host


class Host:
    """Processes that are started by enter are on it: words before a command's.
    It lasts as long as the network."""

    def __init__(self, name, number):
        self.name = name
        self.address = f"{PREFIX}.{number}"
        self.cable = f"cable{number}"
        # ends with the test, however that ends
        self.holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--uts",
             "sh", "-c", 'hostname "$0" && exec sleep infinity', name],
            stdin=subprocess.DEVNULL)
        pid = self.holder.pid
        wait_until(lambda: all(
            namespace(pid, kind) not in (None, namespace("self", kind))
            for kind in ("net", "uts")), f"the namespaces of {name}")
        self.enter = ["nsenter", f"--net=/proc/{pid}/ns/net",
                      f"--uts=/proc/{pid}/ns/uts"]
        wait_until(lambda: self.run("hostname").stdout.strip() == name,
                   f"the name of {name}")
        ip("link", "add", self.cable, "type", "veth", "peer", "name", "eth0",
           "netns", pid)
        ip("link", "set", self.cable, "master", BRIDGE, "up")
        for words in (["link", "set", "lo", "up"],
                      ["addr", "add", f"{self.address}/24", "dev", "eth0"],
                      ["link", "set", "eth0", "up"]):
            self.run("ip", *words).check_returncode()

    def run(self, *words, **options):
        """A command, to its end."""
        return subprocess.run([*self.enter, *map(str, words)], text=True,
                              **{"capture_output": True, **options})

    def popen(self, words, **options):
        return subprocess.Popen([*self.enter, *map(str, words)], **options)

    def cut(self):
        """Takes the cable out; the host keeps its address."""
        ip("link", "set", self.cable, "down")

    def mend(self):
        ip("link", "set", self.cable, "up")

    def close(self):
        """What runs on it is not ended."""
        self.holder.kill()
        self.holder.wait()

    def processes(self):
        """Ids of what runs on it, but for what keeps it."""
        own = namespace(self.holder.pid, "net")
        return [int(path.name) for path in pathlib.Path("/proc").iterdir()
                if path.name.isdigit() and int(path.name) != self.holder.pid
                and namespace(path.name, "net") == own]

"""Several machines in a test, before anything is built on them."""

import socket
import subprocess

import pytest

from netns import Network


@pytest.fixture(scope="module")
def network():
    with Network() as network:
        yield network


def test_hosts_are_apart_and_reach_each_other(network):
    one, two = network.host("one"), network.host("two")
    assert [host.run("hostname").stdout.strip() for host in (one, two)] == [
        "one", "two"]
    script = ("import socket; s = socket.create_server(('0.0.0.0', 4000)); "
              "print('up', flush=True); c, a = s.accept(); "
              "c.sendall(a[0].encode())")
    with one.popen(["python3", "-c", script],
                   stdout=subprocess.PIPE) as server:
        assert server.stdout.readline() == b"up\n"
        assert one.processes() == [server.pid] and two.processes() == []
        # The port is this host's alone.
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", 4000))
        client = ("import socket; print(socket.create_connection("
                  f"('{one.address}', 4000), 9).recv(99).decode())")
        one.cut()
        cut = two.run("python3", "-c", client.replace("9)", "0.5)"))
        assert "timed out" in cut.stderr, cut
        one.mend()
        assert two.run("python3", "-c", client).stdout.strip() == two.address
        assert server.wait(10) == 0

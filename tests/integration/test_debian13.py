"""tests/debian13 itself, in a small root: it is run inside of its own."""

import hashlib
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from builds import SOURCE
from mariadb import wait_until

SCRIPT = SOURCE / "tests" / "debian13"
PACKAGES = SCRIPT.with_name("root-packages")
PROGRAMS = ("sh", "env", "cat", "sleep", "setsid", "ls", "ip", "readlink")


def make_root(path):
    """A root with a few programs and what they are linked with."""
    (path / "usr/bin").mkdir(parents=True)
    for name in ("bin", "sbin"):
        (path / name).symlink_to("usr/bin")
    for name in ("dev", "proc", "sys", "run", "etc", "tmp"):
        (path / name).mkdir()
    for program in PROGRAMS:
        real = shutil.which(program)
        shutil.copy(real, path / "usr/bin")
        linked = subprocess.run(["ldd", real], check=True, text=True,
                                stdout=subprocess.PIPE).stdout
        for library in re.findall(r"(/\S+) \(0x", linked):
            target = path / library.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, target)


def key():
    """The root's name: see the script."""
    lists = re.findall(r'^(?:npm_)?packages="(.*?)"$', PACKAGES.read_text(),
                       re.MULTILINE | re.DOTALL)
    words = ["v4", *" ".join(lists).split()]
    text = "".join(f"{word}\n" for word in words)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@pytest.fixture(params=["/dev/shm", "/tmp"])
def cache(request):
    """On tmpfs overlays work; on the overlay that /tmp is they do not."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="cache-", dir=request.param))
    make_root(path / f"root-{key()}")
    yield path
    shutil.rmtree(path)


@pytest.fixture
def shm_cache():
    path = pathlib.Path(tempfile.mkdtemp(prefix="cache-", dir="/dev/shm"))
    make_root(path / f"root-{key()}")
    yield path
    shutil.rmtree(path)


def heed_hangup():
    """Also when the tests themselves are run with nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def start(cache, *words, variables=(), **options):
    return subprocess.Popen(
        [SCRIPT, "--no-build", "--", *words], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
        env={"PATH": "/usr/sbin:/usr/bin", "HOME": "/root",
             "PYMAILADMIN_CACHE": str(cache), "PYMAILADMIN_TMPFS": "no",
             **dict(variables)},
        preexec_fn=heed_hangup, **{"stdin": subprocess.DEVNULL, **options})


@pytest.mark.parametrize("wanted", ["yes", "no"])
def test_what_a_run_writes_stays_in_memory(shm_cache, wanted):
    available = re.search(r"^MemAvailable: +(\d+) kB$", pathlib.Path(
        "/proc/meminfo").read_text(), re.MULTILINE)[1]
    if int(available) < 13 * 1024 ** 2:
        pytest.skip("it needs 12 GB of free memory")
    process = start(shm_cache, "sh", "-c", "echo >/new && echo written && cat",
                    stdin=subprocess.PIPE,
                    variables={"PYMAILADMIN_TMPFS": wanted})
    assert process.stdout.readline() == "written\n"
    found = list(shm_cache.glob("run-*/run/upper/new"))
    assert len(found) == (0 if wanted == "yes" else 1)
    process.communicate(timeout=30)
    assert process.returncode == 0


def run(cache, *words, input=None, **options):
    process = start(cache, *words, stdin=subprocess.PIPE, **options)
    out, err = process.communicate(input, timeout=30)
    return process.returncode, out, err


def test_exit_status_input_and_arguments_pass_through(cache):
    assert run(cache, "sh", "-c", "cat; exit 7", input="some input\n")[:2] == \
        (7, "some input\n")
    code, out, _ = run(cache, "sh", "-c", 'printf "<%s>" "$@"', "sh", "a  b",
                       "*", "", "$x 'q'")
    assert (code, out) == (0, "<a  b><*><><$x 'q'>")
    assert run(cache, "no-such-command")[0] == 127


def test_the_choice_of_sanitizers_passes_through_and_no_other(
        shm_cache):
    chosen = {"PYMAILADMIN_WEB_SANITIZER": "address,undefined"}
    without = run(shm_cache, "env", variables={"OTHER": "x"})[1].splitlines()
    assert not [line for line in without if "SANITIZER" in line or
                "OTHER" in line or "CACHE" in line]
    out = run(shm_cache, "env", variables=chosen)[1].splitlines()
    assert set(out) - set(without) == \
        {"PYMAILADMIN_WEB_SANITIZER=address,undefined"}


def test_a_copy_of_the_root_where_there_are_no_overlays(cache):
    said = run(cache, "sh", "-c", "echo hello >/etc/new && cat /etc/new")
    assert said[:2] == (0, "hello\n")
    assert ("copying the root" in said[2]) == (cache.parent.name == "tmp")
    assert not (cache / f"root-{key()}" / "etc/new").exists()
    assert list(cache.glob("run-*")) == []


def test_the_checkout_is_there_and_only_the_loopback_interface(shm_cache):
    assert run(shm_cache, "ls", "/src/tests/debian13")[0] == 0
    assert run(shm_cache, "cat", "/src.files")[1].count("\0") > 50
    out = run(shm_cache, "ip", "-o", "link")[1]
    assert [line.split()[1] for line in out.splitlines()] == ["lo:"]
    # Process numbers start anew in there.
    assert int(run(shm_cache, "readlink", "/proc/self")[1]) < 100


def test_it_takes_little_time(shm_cache):
    run(shm_cache, "ls")
    began = time.monotonic()
    assert run(shm_cache, "ls")[0] == 0
    assert time.monotonic() - began < 3


def processes(mark):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"\0{mark}\0".encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            pass
    return found


@pytest.mark.parametrize("name, code", [
    ("INT", 130), ("TERM", 143), ("HUP", 129), ("KILL", -9)])
def test_all_it_started_ends_with_it(shm_cache, name, code):
    mark = f"9{abs(hash(name)) % 10**6}"
    process = start(shm_cache, "sh", "-c",
                    f"setsid sleep {mark} & trap '' TERM INT HUP; echo up; "
                    f"sleep {mark}")
    assert process.stdout.readline() == "up\n"
    wait_until(lambda: len(processes(mark)) == 2, "both to run", 60)
    process.send_signal(getattr(signal, f"SIG{name}"))
    process.communicate(timeout=20)
    assert process.returncode == code
    if name != "KILL":
        assert processes(mark) == []
        assert list(shm_cache.glob("run-*")) == []
    else:
        wait_until(lambda: processes(mark) == [], "the end of all", 10)
        # What it left goes with the next run.
        assert run(shm_cache, "ls")[0] == 0
        assert list(shm_cache.glob("run-*")) == []


def test_two_at_once_see_nothing_of_each_other(shm_cache):
    script = "echo mine >/etc/own; read x; cat /etc/own; ls /proc"
    first, second = (start(shm_cache, "sh", "-c", script,
                           stdin=subprocess.PIPE) for _ in range(2))
    wait_until(lambda: len(list(shm_cache.glob("run-*/root/etc"))) == 2
               or len(list(shm_cache.glob("run-*"))) == 2, "two runs", 60)
    answers = [each.communicate("go\n", timeout=60)[0]
               for each in (first, second)]
    for answer in answers:
        assert answer.startswith("mine\n")
        assert len(re.findall(r"^\d+$", answer, re.MULTILINE)) <= 3


def test_many_begin_at_once(shm_cache):
    """None takes what another has only just made for what a killed one left.
    """
    for _ in range(2):
        runs = [start(shm_cache, "ls") for _ in range(8)]
        said = [each.communicate(timeout=50)[1] for each in runs]
        assert [each.returncode for each in runs] == [0] * 8, said


def test_the_root_is_not_deleted_while_it_is_used(shm_cache):
    process = start(shm_cache, "sh", "-c", "echo up; read x",
                    stdin=subprocess.PIPE)
    assert process.stdout.readline() == "up\n"

    def delete():
        return subprocess.run(
            [SCRIPT, "--delete-root"], capture_output=True, text=True,
            env={"PATH": "/usr/sbin:/usr/bin",
                 "PYMAILADMIN_CACHE": str(shm_cache)})
    refused = delete()
    assert refused.returncode == 70 and "in use" in refused.stderr
    process.communicate("go\n", timeout=60)
    assert delete().returncode == 0
    assert not shm_cache.exists()
    shm_cache.mkdir()


def test_it_explains_itself():
    for word, code in (("--help", 0), ("--nonsense", 64)):
        done = subprocess.run([SCRIPT, word], capture_output=True, text=True)
        assert done.returncode == code
        assert "usage: tests/debian13" in done.stdout + done.stderr

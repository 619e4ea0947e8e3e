"""READMEs and man page say what the programs do, in both languages."""

import itertools
import os
import re
import subprocess

import pytest

from builds import SOURCE

READMES = ("README.md", "web/README.md")


def halves_of(name):
    return (SOURCE / name).read_text().split("\n## Français\n")


ENGLISH, FRENCH = halves_of("README.md")
MAN = SOURCE / "plugin/man/doveadm-pymailadmin.1"
MANS = sorted(MAN.parent.glob("*.1"))
BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`\n]+`")


def output(*command, **options):
    return subprocess.run(command, check=True, text=True, **options,
                          stdout=subprocess.PIPE).stdout


@pytest.fixture(scope="module")
def man():
    """All of them, one after the other."""
    return re.sub(".\b", "", "".join(
        output("mandoc", "-Tutf8", "-Owidth=200", path) for path in MANS))


def section(man, name):
    return "".join(re.findall(rf"^{name}\n(.*?)^(?=\S)", man,
                              re.DOTALL | re.MULTILINE))


def settings():
    return re.findall(r"^(pymailadmin_\w+) = ", output("doveconf", "-d"),
                      re.MULTILINE)


# ---- README

@pytest.fixture(params=READMES)
def halves(request):
    return halves_of(request.param)


def test_both_languages_show_the_same_commands(halves):
    english, french = halves
    assert BLOCK.findall(english) == BLOCK.findall(french)


def test_both_languages_have_the_same_parts(halves):
    def parts(text, level):
        text = BLOCK.sub("", text)
        return [(len(each) - level) if each.startswith("#") else each
                for each in re.findall(r"^(#+|\||\*)", text, re.MULTILINE)]
    # The title is the English half's; French has the language's name.
    english, french = halves
    assert parts(english, 1)[1:] == parts(french, 2)


def test_both_languages_name_the_same_things(halves):
    def names(text):
        return sorted(set(CODE.findall(BLOCK.sub("", text))))
    english, french = halves
    assert names(english) == names(french)


def test_french_has_french_typography(halves):
    prose = CODE.sub("", re.sub(r"\]\([^)]*\)", "",
                                BLOCK.sub("", halves[1])))
    prose = re.sub(r"^\|[-|]+\|$", "", prose, flags=re.MULTILINE)
    prose = re.sub(r"\*the session.*?\*", "", prose)
    wrong = re.findall(r".{0,20}(?:'|\"|(?<!\u202f)[;!?»](?=\s)| [:;!?»]|« )"
                       r".{0,10}", prose)
    assert wrong == []


@pytest.mark.parametrize("name", READMES)
def test_links_lead_somewhere(name):
    text = (SOURCE / name).read_text()
    titles = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
              for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
    for target in re.findall(r"\]\(([^)]*)\)", text):
        if target.startswith("#"):
            assert target[1:] in titles
        else:
            assert ((SOURCE / name).parent / target).exists()


@pytest.mark.parametrize("name", settings())
def test_setting_is_described(name, man):
    assert name in (SOURCE / "doveconf.d/90-pymailadmin.conf").read_text()
    assert re.search(rf"^ +{name}\b", section(man, "SETTINGS"), re.MULTILINE)
    for half in ENGLISH, FRENCH:
        assert f"\n| `{name}` |" in half


def test_defaults_of_the_table_are_true():
    rows = re.findall(r"^\| `(pymailadmin_\w+)` \| `([^`]+)` \|", ENGLISH,
                      re.MULTILINE)
    found = output("doveconf", "-dP", *(name for name, _ in rows))
    assert dict(line.split(" = ", 1) for line in found.splitlines()) == {
        name: value.replace("\\|", "|") for name, value in rows}


# ---- man page

def test_synopsis_is_the_usage_of_the_commands(man):
    synopsis = re.sub(r" \[-f formatter\]", "", section(man, "SYNOPSIS"))
    synopsis = [line.strip() for line in synopsis.splitlines() if line.strip()]
    listed = subprocess.run(["doveadm", "pymailadmin"], text=True, check=False,
                            stderr=subprocess.PIPE).stderr
    assert sorted(line.split()[2] for line in synopsis) == [
        line.split()[0] for line in listed.splitlines()[1:]]
    for line in synopsis:
        words = re.split(r" (?=[\[-])", line)[0].split()
        usage = output(*words, "--help").strip()
        assert re.sub("[<>]", "", usage) == line


def test_doveadm_help_finds_the_page(tmp_path):
    # What man(1) does with the name and the path that doveadm gives it.
    man = tmp_path / "man"
    man.write_text('#!/bin/sh\nexec cat "$MANPATH/man1/$1.1"\n')
    man.chmod(0o755)
    shown = output("doveadm", "help", "pymailadmin",
                   env={**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert shown == MAN.read_text()


def outcomes():
    """All codes that the plugin writes into the column "outcome"."""
    found = set()
    for path in (SOURCE / "plugin").glob("*.c"):
        text = path.read_text()
        for call in re.findall(
                r"(?:job_(?:stop|end|release)|deletion_stop|rekey_end|"
                r"request_store_end\w*)"
                r"\(.*?\);|outcome = [^;]*;|"
                r"outcome == NULL \? [^,]*,", text, re.DOTALL):
            found.update(re.findall(r'[,?:=] *"([a-z_]+)" *(?=[,:;])',
                                    " ".join(call.split())))
        found.update(re.findall(r'#define OUTCOME_\w+ "([a-z_]+)"', text))
    # The one that is never stored.
    return sorted(found - {"database"})


def test_every_outcome_is_described(man):
    described = re.findall(r"^     ([a-z_]+(?:, [a-z_]+)*)\b(?:\s{2,}|$)",
                           section(man, "DIAGNOSTICS"), re.MULTILINE)
    described = set(itertools.chain(*(each.split(", ") for each in described)))
    missing = set(outcomes()) - described
    assert outcomes() and missing == set()
    states = {"pending", "claimed", "switching", "switched", "rekeying",
              "storing", "failed"}
    assert described - states - set(outcomes()) == set()

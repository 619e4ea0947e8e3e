"""Messages of the portal: complete, used, and written as people of the language
write."""

import re
import sys

import pytest

from builds import SOURCE, checkout_files

sys.path.insert(0, str(SOURCE / "web/generate"))
import catalogs  # noqa: E402

LOCALES = SOURCE / "web/locales"
LANGUAGES = catalogs.load_all([LOCALES / "en.po", LOCALES / "fr.po"])


def sources():
    """C that may use a message, tests too."""
    return [path for path in checkout_files()
            if path.suffix in (".c", ".h")
            and path.relative_to(SOURCE).parts[0] in ("web", "tests")]


def keys_of_templates():
    found = set()
    for path in (SOURCE / "web/templates").rglob("*.html"):
        text = path.read_text()
        found |= set(re.findall(r"\{%\s*t\s+(\w+)", text))
        found |= set(re.findall(r"\bmsg:(\w+)", text))
    return found


def calls_in_c(text):
    """Each MSG_key with the text from there to the end of its call."""
    for match in re.finditer(r"\bMSG_([a-z]\w*)", text):
        depth, end = 0, match.end()
        while end < len(text) and depth >= 0:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            if text[end] == ";":
                break
            end += 1
        yield match[1], text[match.end():end]


def keys_of_c():
    return {key for path in sources()
            for key, _ in calls_in_c(path.read_text())}


def typography_faults(text):
    """What is not as French is set."""
    if re.search(r"(?<![\u00a0\u202f])[;!?»]", text):
        yield "no no-break space before ; ! ? »"
    if re.search(r"(?<![\u00a0\u202f]):(?!//)", text):
        yield "no no-break space before :"
    if re.search(r"«(?![\u00a0\u202f])", text):
        yield "no no-break space after «"
    if re.search(r"[ \u00a0\u202f]{2}|^\s|\s$", text):
        yield "a space too many"
    if "'" in text:
        yield "' instead of ’"
    if '"' in re.sub(r"<[^>]*>", "", text):
        yield 'a " instead of « »'
    if "..." in text:
        yield "... instead of …"
    if re.search(r"\w[·.•‧](?:e|ice|ne|rice|euse)s?\b", text) or \
            re.search(r"\w(?:\(e\)|\(ice\)|/e\b|/ice\b)", text):
        yield "an inclusive form without ⋅"


def test_each_message_is_used():
    used = keys_of_templates() | keys_of_c()
    assert sorted(set(LANGUAGES["en"]) - used) == []


def test_each_message_that_is_used_exists():
    used = keys_of_templates() | keys_of_c() - {"name"}
    assert sorted(used - set(LANGUAGES["en"])) == []


def test_calls_in_c_give_each_value():
    wrong = []
    for path in sources():
        for key, call in calls_in_c(path.read_text()):
            given = re.findall(r'\bLANGUAGE_[A-Z]+\(\s*"(\w*)"', call)
            message = LANGUAGES["en"].get(key)
            if message is None or not re.match(r"\s*[,)]", call + ")"):
                continue
            if given and sorted(given) != message.placeholders:
                wrong.append(f"{path.name}: {key} has the values "
                             f"{message.placeholders}, not {sorted(given)}")
            if not given and message.placeholders and path.name not in (
                    "language-format.c", "mail-text.c", "test-html.c"):
                wrong.append(f"{path.name}: {key} wants "
                             f"{message.placeholders}")
    assert wrong == []


def test_mails_have_only_values_that_mails_are_given():
    text = (SOURCE / "web/notify/mail-text.c").read_text()
    given = set(re.findall(r'\bLANGUAGE_[A-Z]+\("(\w+)"', text))
    wrong = [(message.key, message.placeholders)
             for message in LANGUAGES["en"].values()
             if message.key.startswith("mail_")
             and not set(message.placeholders) <= given]
    assert given and wrong == []
    templates = set(re.findall(r'\{ "([a-z-]+)", (?:true|false)', text))
    written = set()
    for path in [*(SOURCE / "web/store").glob("*.c"),
                 *(SOURCE / "web/store").glob("*.h")]:
        for call in re.findall(r"outbox_add\(([^;]*);", path.read_text()):
            written |= set(re.findall(r'"([a-z-]+)"', call))
    # What the mail host writes of a request's end.
    written |= {f"{kind}-{state}" for kind in ("password", "create", "delete")
                for state in ("done", "failed", "expired")}
    written |= set(re.findall(r'TEMPLATE "([a-z-]+)"', "".join(
        path.read_text() for path in (SOURCE / "web/store").glob("*.h"))))
    assert written and written <= templates


def test_french_typography():
    wrong = [f"{message.where}: {message.key}: {fault}"
             for message in LANGUAGES["fr"].values()
             for form in message.forms
             for fault in typography_faults(re.sub(r"<a [^>]*>", "", form))]
    assert wrong == []


def test_english_typography():
    wrong = [f"{message.where}: {message.key}"
             for message in LANGUAGES["en"].values()
             for form in message.forms
             if "\u00a0" in form or "'" in form or "..." in form
             or re.search(r" [;:!?]| {2}|^\s|\s$", form)]
    assert wrong == []


@pytest.mark.parametrize("text", [
    "Quoi ?", "Quoi?", "oui :", "oui:", "«\u00a0oui »", "« oui\u00a0»",
    "l'eau", "utilisateur·ice", "connecté(e)", "deux  mots", "fini ", "...",
])
def test_faults_are_found(text):
    assert list(typography_faults(text))


@pytest.mark.parametrize("text", [
    "Quoi\u202f?", "oui\u00a0: non", "«\u00a0oui\u00a0»", "l’eau",
    "utilisateur⋅ice", "connecté⋅e", "un mot", "nom@example.org",
])
def test_what_is_right_is_not(text):
    assert list(typography_faults(text)) == []


PO = 'msgid ""\nmsgstr ""\n\n'


@pytest.mark.parametrize("english, french, error", [
    ('msgid "a"\nmsgstr "A"\n', "", "en.po:4: a is missing in fr.po"),
    ("", 'msgid "a"\nmsgstr "A"\n', "fr.po:4: a is missing in en.po"),
    ('msgid "a"\nmsgstr "{x}"\n', 'msgid "a"\nmsgstr "{y}"\n',
     "fr.po:4: a has other values than in en.po"),
    ('msgid "a"\nmsgstr "A"\n\nmsgid "a"\nmsgstr "B"\n', "",
     "en.po:7: a second a"),
    ('msgid "a"\nmsgstr ""\n', "", "en.po:4: a is not translated"),
    ('msgid "a"\nmsgstr "A\n', "", "en.po:5: a string in double quotes"),
    ('msgid "a"\nmsgstr "\\x"\n', "", "en.po:5: unknown escape"),
    ('msgid "a"\nmsgstr "{x"\n', "", "en.po:4: a brace in a is not closed"),
    ('msgid "a"\nmsgstr "<b>x</b>"\n', "",
     "en.po:4: a has a tag, but its name does not end in _html"),
    ('msgid "a_html"\nmsgstr "<i>x</i>"\n', "", "en.po:4: <i> is not allowed"),
    ('msgid "a_html"\nmsgstr "<code>x"\n', "", "<code> is not closed"),
    ('msgid "a_html"\nmsgstr "<code><strong>x</code></strong>"\n', "",
     "are not balanced"),
    ('#, fuzzy\nmsgid "a"\nmsgstr "A"\n', "", "en.po:4: a fuzzy message"),
    ('msgid "a"\nmsgid_plural "a"\nmsgstr[0] "x"\nmsgstr[1] "y"\n', "",
     "en.po:4: the plural a needs {count}"),
    ('msgid "A b"\nmsgstr "A"\n', "", "is no name of a message"),
])
def test_wrong_files_are_refused(tmp_path, english, french, error):
    (tmp_path / "en.po").write_text(PO + english)
    (tmp_path / "fr.po").write_text(PO + french)
    with pytest.raises(catalogs.MessageError) as raised:
        catalogs.load_all([tmp_path / "en.po", tmp_path / "fr.po"])
    assert error in str(raised.value)

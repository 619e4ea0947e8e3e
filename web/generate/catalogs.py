"""Messages in each language, from .po files, as C tables."""

import argparse
import dataclasses
import pathlib
import re
import sys

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
KEY = re.compile(r"[a-z][a-z0-9_]*\Z")
TAG = re.compile(r"<[^>]*>?")
ALLOWED_TAGS = {"<strong>", "</strong>", "<code>", "</code>",
                '<a href="{url}">', "</a>"}
ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


class MessageError(Exception):
    pass


@dataclasses.dataclass
class Message:
    key: str
    where: str
    plural: bool
    # One, or two if it is a plural: that of one and that of others.
    forms: list

    @property
    def placeholders(self):
        return sorted({name for form in self.forms
                       for name in PLACEHOLDER.findall(form)})

    @property
    def is_html(self):
        return self.key.endswith("_html")


def unquote(text, where):
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        raise MessageError(f'{where}: a string in double quotes is expected')
    result, rest = "", text[1:-1]
    while rest:
        char, rest = rest[0], rest[1:]
        if char == '"':
            raise MessageError(f'{where}: a quote in a string is written \\"')
        if char == "\\":
            if not rest or rest[0] not in ESCAPES:
                raise MessageError(f"{where}: unknown escape")
            char, rest = ESCAPES[rest[0]], rest[1:]
        result += char
    return result


def read_entries(path):
    """Yields the parts of each entry: {"msgid": text, ...}, where it is."""
    entry, name, begun = {}, None, ""
    for number, line in enumerate(path.read_text().split("\n"), 1):
        where = f"{path}:{number}"
        line = line.strip()
        if line.startswith("#,") and "fuzzy" in line:
            raise MessageError(f"{where}: a fuzzy message is not finished")
        if not line or line.startswith("#"):
            continue
        if line.startswith('"'):
            if name is None:
                raise MessageError(f"{where}: a string of no entry")
            entry[name] += unquote(line, where)
            continue
        name, _, rest = line.partition(" ")
        if name not in ("msgid", "msgid_plural", "msgstr", "msgstr[0]",
                        "msgstr[1]"):
            raise MessageError(f"{where}: unknown word {name!r}")
        if name == "msgid":
            if entry:
                yield begun, entry
            entry, begun = {}, where
        if name in entry:
            raise MessageError(f"{where}: a second {name}")
        entry[name] = unquote(rest.strip(), where)
    if entry:
        yield begun, entry


def check_html(message):
    for form in message.forms:
        tags = TAG.findall(form)
        if tags and not message.is_html:
            raise MessageError(f"{message.where}: {message.key} has a tag, "
                               "but its name does not end in _html")
        for tag in tags:
            if tag not in ALLOWED_TAGS:
                raise MessageError(f"{message.where}: {tag} is not allowed "
                                   "in a message")
        opened = []
        for tag in tags:
            if not tag.startswith("</"):
                opened.append(tag[1:].split()[0].rstrip(">"))
            elif not opened or opened.pop() != tag[2:-1]:
                raise MessageError(f"{message.where}: tags of {message.key} "
                                   "are not balanced")
        if opened:
            raise MessageError(f"{message.where}: <{opened[-1]}> is not "
                               "closed")


def make_message(where, entry):
    key = entry["msgid"]
    if not KEY.match(key):
        raise MessageError(f"{where}: {key!r} is no name of a message")
    plural = "msgid_plural" in entry
    wanted = ["msgstr[0]", "msgstr[1]"] if plural else ["msgstr"]
    if sorted(entry) != sorted(["msgid"] + ["msgid_plural"] * plural + wanted):
        raise MessageError(f"{where}: {key} needs {' and '.join(wanted)}")
    message = Message(key, where, plural, [entry[name] for name in wanted])
    for form in message.forms:
        if not form:
            raise MessageError(f"{where}: {key} is not translated")
        if "{" in PLACEHOLDER.sub("", form) or "}" in PLACEHOLDER.sub("", form):
            raise MessageError(f"{where}: a brace in {key} is not closed")
    for name in message.placeholders:
        if not KEY.match(name):
            raise MessageError(f"{where}: {name!r} is no name of a value")
    if plural and "count" not in message.placeholders:
        raise MessageError(f"{where}: the plural {key} needs {{count}}")
    check_html(message)
    return message


def load(path):
    """The messages of one language, by key."""
    messages = {}
    for where, entry in read_entries(path):
        if not entry["msgid"]:
            continue
        message = make_message(where, entry)
        if message.key in messages:
            raise MessageError(f"{where}: a second {message.key}")
        messages[message.key] = message
    return messages


def load_all(paths):
    """The messages of each language; the first is what others are compared
    with."""
    languages = {path.stem: load(path) for path in paths}
    names = list(languages)
    first = languages[names[0]]
    for name in names[1:]:
        other = languages[name]
        for key in first.keys() - other.keys():
            raise MessageError(f"{first[key].where}: {key} is missing in "
                               f"{name}.po")
        for key in other.keys() - first.keys():
            raise MessageError(f"{other[key].where}: {key} is missing in "
                               f"{names[0]}.po")
        for key, message in first.items():
            if (message.plural, message.placeholders) != \
                    (other[key].plural, other[key].placeholders):
                raise MessageError(
                    f"{other[key].where}: {key} has other values than in "
                    f"{names[0]}.po: {other[key].placeholders}, "
                    f"not {message.placeholders}")
    return languages


def c_string(text):
    def escape(char):
        if char in '"\\':
            return "\\" + char
        if char == "\n":
            return "\\n"
        if char == "\t":
            return "\\t"
        if char == "?":
            return "\\?"
        return "".join(f"\\{byte:03o}" for byte in char.encode())
    return '"' + "".join(char if " " <= char <= "~" and char not in '"\\?'
                         else escape(char) for char in text) + '"'


def header(first):
    lines = ["/* Generated from the .po files. */",
             "#ifndef MESSAGES_H", "#define MESSAGES_H", "", "enum message {"]
    lines += [f"\tMSG_{key}," for key in sorted(first)]
    lines += ["", "\tMSG_COUNT", "};", "", "#endif"]
    return "\n".join(lines) + "\n"


def source(languages):
    lines = ["/* Generated from the .po files. */",
             '#include "language-private.h"', ""]
    first = languages[next(iter(languages))]
    for name, messages in languages.items():
        lines.append("const struct language_message "
                     f"language_messages_{name}[MSG_COUNT] = {{")
        for key in sorted(first):
            message = messages[key]
            forms = [c_string(form) for form in message.forms]
            if not message.plural:
                forms.append("NULL")
            html = "true" if message.is_html else "false"
            lines.append(f"\t[MSG_{key}] = {{ {', '.join(forms)}, {html} }},")
        lines += ["};", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--header", type=pathlib.Path, required=True)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("po", type=pathlib.Path, nargs="+")
    args = parser.parse_args()
    try:
        languages = load_all(args.po)
    except MessageError as error:
        sys.exit(str(error))
    args.header.write_text(header(languages[args.po[0].stem]))
    args.source.write_text(source(languages))


if __name__ == "__main__":
    main()

"""Templates as trees: see web/templates/README.md for what may be written."""

import dataclasses
import re

TOKEN = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}|\{#.*?#\}", re.DOTALL)
PATH = r"[&*]?[A-Za-z_]\w*(?:(?:\.|->)[A-Za-z_]\w*)*"
PARAMETER = r"\$[a-z_]\w*(?:\.[a-z_]\w*)*"
EXPRESSION = re.compile(rf"(?:{PATH}|{PARAMETER})\Z")
ARGUMENT = re.compile(
    rf'([a-z_]\w*)=("[^"]*"(?:\+(?:{PATH}|{PARAMETER}))?|msg:\w+(?:\([^()]*\))?|'
    rf"{PATH}|{PARAMETER})(?:\|(\w+))?(?:\s+|\Z)")
TERM = re.compile(
    rf"(not\s+)?(?:(error|slot)\s+([\w$-]+)|({PATH}|{PARAMETER})"
    r"(?:\s*(==|!=|>|<)\s*([A-Z][A-Z0-9_]*|\d+))?)\Z")
FILTERS = {"text", "address", "url", "number", "size", "date", "datetime", "time",
           "duration"}


class TemplateError(Exception):
    pass


@dataclasses.dataclass
class Text:
    line: int
    text: str


@dataclasses.dataclass
class Value:
    line: int
    expression: str
    filter: str


@dataclasses.dataclass
class Message:
    line: int
    key: str
    # name: (kind, value, filter); the kind is that of parse_arguments()
    arguments: dict


@dataclasses.dataclass
class Static:
    line: int
    name: str


@dataclasses.dataclass
class Include:
    line: int
    name: str
    arguments: dict


@dataclasses.dataclass
class Slot:
    line: int
    name: str


@dataclasses.dataclass
class FieldError:
    line: int
    field: str


@dataclasses.dataclass
class Section:
    line: int
    name: str
    nodes: list


@dataclasses.dataclass
class For:
    line: int
    variable: str
    expression: str
    nodes: list


@dataclasses.dataclass
class Term:
    negated: bool
    # "error" or "slot" and its name, or None and an expression
    kind: str
    name: str
    operator: str
    constant: str


@dataclasses.dataclass
class If:
    line: int
    # (terms, "and" or "or", nodes); the last may have None for terms: else
    branches: list


def parse_condition(text, where):
    words = re.split(r"\s+(and|or)\s+", text.strip())
    joins = set(words[1::2])
    if len(joins) > 1:
        raise TemplateError(f"{where}: either and, or or, in one condition")
    terms = []
    for word in words[::2]:
        match = TERM.match(word)
        if not match:
            raise TemplateError(f"{where}: {word!r} is no condition")
        terms.append(Term(bool(match[1]), match[2], match[3] or match[4],
                          match[5], match[6]))
    return terms, joins.pop() if joins else "and"


def parse_arguments(text, where):
    """name="text", name="text"+v.x, name=msg:key(name=v.x,...), name=v.x or name=v.x|filter,
    as {name: (kind, value, filter)}."""
    arguments, position, text = {}, 0, text.strip()
    while position < len(text):
        match = ARGUMENT.match(text, position)
        if not match:
            raise TemplateError(f"{where}: {text[position:]!r} is no "
                                "argument")
        name, value, name_of_filter = match.groups()
        if name in arguments:
            raise TemplateError(f"{where}: a second {name}")
        if name_of_filter and name_of_filter not in FILTERS:
            raise TemplateError(f"{where}: unknown filter {name_of_filter}")
        if value.startswith('"') and not value.endswith('"'):
            kind = "link"
            value = tuple(value[1:].split('"+'))
        elif value.startswith('"'):
            kind, value = "literal", value[1:-1]
        elif value.startswith("msg:"):
            kind, (key, _, more) = "message", value[4:].partition("(")
            value = key, parse_arguments(
                more.rstrip(")").replace(",", " "), where)
        elif value.startswith("$"):
            kind, value = "parameter", value[1:]
        else:
            kind = "expression"
        arguments[name] = (kind, value, name_of_filter or "text")
        position = match.end()
    return arguments


class Parser:
    def __init__(self, path):
        self.path = path
        self.tokens = list(self._tokens(path.read_text()))
        self.position = 0

    def _where(self, line):
        return f"{self.path}:{line}"

    def _tokens(self, text):
        position = 0
        for match in TOKEN.finditer(text):
            yield from self._text(text, position, match.start())
            position = match.end()
            # A line that holds nothing else leaves no empty line.
            if text.startswith("\n", position) and match[1] is None and \
                    not (match[2] or "").split()[:1] == ["t"] and \
                    not text[text.rfind("\n", 0, match.start()) + 1:
                             match.start()].strip():
                position += 1
            line = text.count("\n", 0, match.start()) + 1
            if match[1] is not None:
                yield "value", line, match[1].strip()
            elif match[2] is not None:
                yield "tag", line, " ".join(match[2].split())
        yield from self._text(text, position, len(text))

    def _text(self, text, start, end):
        piece = text[start:end]
        for mark in ("{{", "}}", "{%", "%}", "{#", "#}"):
            if mark in piece:
                line = text.count("\n", 0, start + piece.index(mark)) + 1
                raise TemplateError(f"{self._where(line)}: {mark} without "
                                    "its other half")
        if piece:
            yield "text", text.count("\n", 0, start) + 1, piece

    def parse(self):
        nodes, ended_by, line = self._nodes()
        if ended_by:
            raise TemplateError(f"{self._where(line)}: {ended_by} of nothing")
        return nodes

    def _nodes(self, opened=0):
        """Until a word that ends or goes on with a block, which is
        returned."""
        nodes = []
        while self.position < len(self.tokens):
            kind, line, text = self.tokens[self.position]
            self.position += 1
            if kind == "text":
                nodes.append(Text(line, text))
            elif kind == "value":
                nodes.append(self._value(line, text))
            else:
                word, _, rest = text.partition(" ")
                if word in ("else", "elif", "end"):
                    return nodes, text, line
                nodes.append(self._tag(line, word, rest))
        if opened:
            raise TemplateError(f"{self._where(opened)}: there is no "
                                "{% end %} for this")
        return nodes, "", 0

    def _value(self, line, text):
        expression, _, name = (part.strip() for part in text.partition("|"))
        if not EXPRESSION.match(expression):
            raise TemplateError(f"{self._where(line)}: {expression!r} is no "
                                "value")
        if name and name not in FILTERS:
            raise TemplateError(f"{self._where(line)}: unknown filter {name}")
        return Value(line, expression, name or "text")

    def _tag(self, line, word, rest):
        where = self._where(line)
        if word == "t":
            key, _, arguments = rest.partition(" ")
            return Message(line, key, parse_arguments(arguments, where))
        if word == "static":
            return Static(line, rest)
        if word == "include":
            name, _, arguments = rest.partition(" ")
            return Include(line, name, parse_arguments(arguments, where))
        if word == "slot":
            return Slot(line, rest)
        if word == "error":
            return FieldError(line, rest)
        if word == "section":
            nodes, ended_by, _ = self._nodes(line)
            self._expect_end(ended_by, line)
            return Section(line, rest, nodes)
        if word == "for":
            match = re.match(rf"([a-z]\w*) in ({PATH}|{PARAMETER})\Z", rest)
            if not match:
                raise TemplateError(f"{where}: for NAME in v.LIST is expected")
            nodes, ended_by, _ = self._nodes(line)
            self._expect_end(ended_by, line)
            return For(line, match[1], match[2], nodes)
        if word == "if":
            return self._if(line, rest)
        raise TemplateError(f"{where}: unknown word {word!r}")

    def _expect_end(self, ended_by, line):
        if ended_by != "end":
            raise TemplateError(f"{self._where(line)}: this ends with "
                                f"{ended_by}")

    def _if(self, line, text):
        branches = []
        condition = parse_condition(text, self._where(line))
        while True:
            nodes, ended_by, end_line = self._nodes(line)
            branches.append((*condition, nodes) if condition
                            else (None, "and", nodes))
            word, _, rest = ended_by.partition(" ")
            if word == "end":
                return If(line, branches)
            if condition is None:
                raise TemplateError(f"{self._where(end_line)}: {word} after "
                                    "else")
            condition = parse_condition(rest, self._where(end_line)) \
                if word == "elif" else None

"""Templates as C functions that write HTML."""

import argparse
import pathlib
import re
import sys

import catalogs
import staticfiles
from htmlstate import HtmlError, HtmlState
from catalogs import c_string
from parsing import Parser, Section, TemplateError, Text

VALUES = {"text": "TEXT", "address": "ADDRESS", "number": "NUMBER",
          "size": "SIZE", "date": "DATE", "datetime": "DATETIME",
          "time": "TIME", "duration": "DURATION"}


def c_path(expression):
    """A dotted path as C: the first name is a pointer."""
    return expression.replace(".", "->", 1)


def slot_member(name, mode):
    """A section is made for each place it is shown in."""
    return f"{name}_plain" if mode == "title" else name


class Writer:
    """C lines, with neighbouring pieces of static text made one."""

    def __init__(self):
        self.lines = []
        self.depth = 1
        self.text = ""

    def flush(self):
        if self.text:
            size = len(self.text.encode())
            pieces = [c_string(piece) for piece in
                      self.text.splitlines(keepends=True)]
            self._write("buffer_append(out, " + "\n\t\t".join(pieces)
                        + f", {size});")
        self.text = ""

    def raw(self, text):
        self.text += text

    def code(self, line):
        self.flush()
        self._write(line)

    def _write(self, line):
        self.lines.append("\t" * self.depth + line)


class Page:
    """One template: its functions are in lines when it was made."""

    def __init__(self, maker, path, layout=False):
        self.maker = maker
        self.path = path
        self.layout = layout
        self.writer = Writer()
        self.state = HtmlState()
        self.parameters = [{}]
        self.including = [path]

    def error(self, node, text):
        return TemplateError(f"{self.including[-1]}:{node.line}: {text}")

    # ---- names of parameters, as they were given where it was included

    def resolve(self, node, expression):
        """(kind, value): a C expression, static text, a message or nothing."""
        if not expression.startswith("$"):
            return "expression", c_path(expression)
        name, dot, member = expression[1:].partition(".")
        kind, value, _ = self.parameters[-1].get(name, ("nothing", "", ""))
        if dot and kind != "expression":
            raise self.error(node, f"{expression} is no value")
        return kind, value + dot + member if dot else value

    def resolve_arguments(self, node, arguments):
        result = {}
        for name, (kind, value, name_of_filter) in arguments.items():
            if kind == "parameter":
                given = self.parameters[-1].get(value, ("", "", "text"))[2]
                kind, value = self.resolve(node, "$" + value)
                if name_of_filter == "text":
                    name_of_filter = given
            elif kind == "expression":
                value = c_path(value)
            elif kind == "link":
                of, more = self.resolve(node, value[1])
                if of != "expression":
                    raise self.error(node, f"{value[1]} is no value")
                value = (value[0], more)
            elif kind == "message":
                self.find_message(node, value[0])
                value = value[0], self.resolve_arguments(node, value[1])
            if kind != "nothing":
                result[name] = (kind, value, name_of_filter)
        return result

    # ---- nodes

    def nodes(self, nodes):
        for node in nodes:
            try:
                getattr(self, "on_" + type(node).__name__.lower())(node)
            except HtmlError as error:
                raise self.error(node, error) from None

    def on_text(self, node):
        # So that the line of an error is that of the character.
        for number, line in enumerate(
                node.text.splitlines(keepends=True), node.line):
            try:
                self.writer.raw(self.state.feed(line))
            except HtmlError as error:
                raise self.error(Text(number, ""), error) from None
        # A line that ends in a tag: what follows brings its own space.
        if node.text.endswith("\n") and self.state.mode == "tag" and \
                self.writer.text.endswith(" "):
            self.writer.text = self.writer.text[:-1]
            self.state.mode = "joined"

    def on_value(self, node):
        kind, value = self.resolve(node, node.expression)
        if kind == "literal":
            self.static(value)
        elif kind == "message":
            self.message(node, *value)
        elif kind == "link":
            raise self.error(node, "an address goes into a message only")
        elif kind == "nothing":
            raise self.error(node, f"{node.expression} was not given")
        else:
            self.value(node, value)

    def static(self, text):
        escaped = text.replace("&", "&amp;").replace("<", "&lt;") \
            .replace('"', "&quot;")
        self.writer.raw(self.state.feed(escaped))

    def value(self, node, expression):
        self.state.check_value(node.filter in ("url", "number"))
        if node.filter == "url" and not self.state.in_url():
            raise self.error(node, "| url is for addresses in attributes")
        if node.filter == "text":
            self.writer.code(f"html_text(out, {expression});")
        elif node.filter == "url":
            self.writer.code(f"html_url(out, {expression});")
        elif self.state.mode == "value" and node.filter == "number":
            # For the browser, not for people.
            self.writer.code(f"html_number(out, {expression});")
        else:
            form = "TEXT" if self.state.mode == "text" else "ATTRIBUTE"
            self.writer.code(
                f"html_value(out, frame->language, HTML_IN_{form}, "
                f"LANGUAGE_{VALUES[node.filter]}(\"\", {expression}));")

    def find_message(self, node, key):
        if key not in self.maker.messages:
            raise self.error(node, f"there is no message {key}")
        return self.maker.messages[key]

    def on_message(self, node):
        self.message(node, node.key,
                     self.resolve_arguments(node, node.arguments))

    def message(self, node, key, arguments):
        message = self.find_message(node, key)
        if sorted(arguments) != message.placeholders:
            raise self.error(
                node, f"{key} has the values {message.placeholders}, not "
                f"{sorted(arguments)}")
        self.state.check_value()
        if self.state.in_url():
            raise self.error(node, "a message is no address")
        if message.is_html and self.state.mode != "text":
            raise self.error(node, f"{key} has tags, which may not stand "
                             + self.state.describe())
        form = "TEXT" if self.state.mode == "text" else "ATTRIBUTE"
        values = [self.message_value(node, message, name, *arguments[name])
                  for name in message.placeholders]
        self.writer.code(
            f"html_message(out, frame->language, HTML_IN_{form}, "
            f"MSG_{key}{''.join(', ' + value for value in values)});")

    def message_value(self, node, message, name, kind, value, filter_name):
        if name == "url" and message.is_html:
            if kind == "literal":
                value = (value, "NULL")
            elif kind != "link":
                raise self.error(node, 'url wants "/path" or "/path?a="+v.x')
            if not re.match(r"/[^/\\]", value[0]):
                raise self.error(node, "the address in url has to begin with "
                                 "a path")
            return f'LANGUAGE_LINK("{name}", {c_string(value[0])}, {value[1]})'
        if kind == "literal":
            value = c_string(value)
        elif kind != "expression":
            raise self.error(node, f"{name} wants a value")
        if filter_name not in VALUES:
            raise self.error(node, f"| {filter_name} is not for messages")
        if name == "count" and message.plural and filter_name != "number":
            raise self.error(node, f"count of the plural {message.key} wants "
                             "|number")
        return f'LANGUAGE_{VALUES[filter_name]}("{name}", {value})'

    def on_static(self, node):
        path = self.maker.static.get(node.name)
        if path is None:
            raise self.error(node, f"there is no static file {node.name}")
        self.static(staticfiles.address(path))

    def on_include(self, node):
        path = self.path.parent / "parts" / f"{node.name}.html"
        if not path.is_file():
            raise self.error(node, f"there is no {path}")
        if path in self.including:
            raise self.error(node, f"{node.name} includes itself")
        arguments = self.resolve_arguments(node, node.arguments)
        nodes = self.maker.parse(path)
        self.including.append(path)
        self.parameters.append(arguments)
        self.nodes(nodes)
        self.parameters.pop()
        self.including.pop()

    def on_slot(self, node):
        if not self.layout:
            raise self.error(node, "only the layout has slots")
        if self.state.mode not in ("text", "title"):
            raise self.error(node, "a slot cannot be in a tag")
        self.maker.slots.setdefault(node.name, set()).add(self.state.mode)
        member = slot_member(node.name, self.state.mode)
        self.writer.code(f"slots->{member}(out, frame, model);")

    def on_fielderror(self, node):
        name = node.field
        if name.startswith("$"):
            _, name = self.resolve(node, name)
        self.state.check_value()
        self.writer.code("html_text(out, view_frame_error(frame, "
                         f"{c_string(name)}));")

    def on_section(self, node):
        raise self.error(node, "a section cannot be in another block")

    def on_for(self, node):
        kind, items = self.resolve(node, node.expression)
        if kind != "expression":
            raise self.error(node, f"{node.expression} is no list")
        index = node.variable + "_index"
        self.state.boundary()
        before = self.state.copy()
        self.writer.code(f"for (unsigned int {index} = 0; "
                         f"{index} < {items}_count; {index}++) {{")
        self.writer.depth += 1
        self.writer.code(f"__typeof__(&{items}[0]) {node.variable} = "
                         f"&{items}[{index}];")
        self.nodes(node.nodes)
        self.state.boundary()
        self.writer.flush()
        self.writer.depth -= 1
        self.writer.code("}")
        if self.state.place() != before.place():
            raise self.error(node, "the loop ends "
                             f"{self.state.describe()}, and begins "
                             f"{before.describe()}")

    def term(self, node, term):
        """C, or True or False if that is known by now."""
        if term.kind == "slot":
            code = f"slots->{term.name} != NULL"
            return f"!({code})" if term.negated else code
        if term.kind == "error":
            name = term.name
            if name.startswith("$"):
                _, name = self.resolve(node, name)
            code = f"view_frame_error(frame, {c_string(name)}) != NULL"
            return f"!({code})" if term.negated else code
        kind, value = self.resolve(node, term.name)
        if kind != "expression":
            known = kind != "nothing" and value != ""
            return known != term.negated
        if term.operator:
            value = f"{value} {term.operator} {term.constant}"
        elif not term.negated:
            return value
        return f"!({value})" if term.negated else value

    def condition(self, node, terms, join):
        neutral = join == "and"
        code = []
        for term in terms:
            each = self.term(node, term)
            if each is (not neutral):
                return each
            if each is not neutral:
                code.append(each)
        sign = " && " if join == "and" else " || "
        return sign.join(code) if code else neutral

    def on_if(self, node):
        self.state.boundary()
        before, after, written = self.state.copy(), None, False
        complete = False
        for terms, join, nodes in node.branches:
            known = True if terms is None else self.condition(node, terms,
                                                              join)
            if known is False:
                continue
            if known is True and not written:
                self.nodes(nodes)
                return
            word = "else" if known is True else f"if ({known})"
            if written:
                self.writer.depth -= 1
                word = "} " + (word if word == "else" else "else " + word)
            self.writer.code(word + " {")
            self.writer.depth += 1
            written = True
            self.state = before.copy()
            self.nodes(nodes)
            self.state.boundary()
            self.writer.flush()
            if after is None:
                after = self.state.copy()
            self.compare(node, after)
            if known is True:
                complete = True
                break
        if not written:
            return
        self.writer.depth -= 1
        self.writer.code("}")
        if not complete:
            self.compare(node, before)

    def compare(self, node, other):
        if self.state.mode == "tag" and other.mode == "joined" or \
                self.state.mode == "joined" and other.mode == "tag":
            self.state.mode = other.mode = "joined"
        if self.state.place() != other.place():
            raise self.error(node, "its branches end at different places: "
                             f"{self.state.describe()}, and "
                             f"{other.describe()}")

    # ---- functions

    def function(self, name, nodes, model, mode="text"):
        self.writer = Writer()
        self.state = HtmlState()
        if mode == "title":
            self.state.mode, self.state.stack = "title", ("title",)
        before = self.state.copy()
        self.nodes(nodes)
        self.writer.flush()
        if self.state.place() != before.place():
            last = self.state.stack[-1] if self.state.stack else self.state.tag
            raise TemplateError(f"{self.path}:{nodes[-1].line}: <{last}> is "
                                "not closed at the end")
        return [f"static void {name}(struct buffer *out,",
                "\tconst struct view_frame *frame, const void *model)", "{",
                f"\tconst struct {model} *v = model;", "",
                "\t(void)frame, (void)v;",
                *self.writer.lines, "}", ""]


class Maker:
    """All templates of a folder."""

    def __init__(self, folder, all_messages, static):
        self.folder = folder
        self.messages = all_messages
        self.static = static
        self.slots = {}
        self.parsed = {}

    def parse(self, path):
        if path not in self.parsed:
            self.parsed[path] = Parser(path).parse()
        return self.parsed[path]

    def layout(self):
        path = self.folder / "layout.html"
        nodes = self.parse(path)
        page = Page(self, path, layout=True)
        page.writer.raw("<!DOCTYPE html>\n")
        page.nodes(nodes)
        page.writer.flush()
        if page.state.stack:
            raise TemplateError(f"{path}:{nodes[-1].line}: "
                                f"<{page.state.stack[-1]}> is not closed")
        members = [f"\tview_part_t *{slot_member(name, mode)};"
                   for name, modes in sorted(self.slots.items())
                   for mode in sorted(modes)]
        return ["typedef void view_part_t(struct buffer *out,",
                "\tconst struct view_frame *frame, const void *model);", "",
                "struct view_slots {", *members, "};", "",
                "static void view_layout(struct buffer *out,",
                "\tconst struct view_frame *frame, const void *model,",
                "\tconst struct view_slots *slots)", "{",
                *page.writer.lines, "}", ""]

    def sections(self, path):
        found = {}
        for node in self.parse(path):
            if isinstance(node, Section):
                if node.name not in self.slots:
                    raise TemplateError(f"{path}:{node.line}: the layout has "
                                        f"no slot {node.name}")
                if node.name in found:
                    raise TemplateError(f"{path}:{node.line}: a second "
                                        f"section {node.name}")
                found[node.name] = node
            elif not isinstance(node, Text) or node.text.strip():
                raise TemplateError(f"{path}:{node.line}: this stands in no "
                                    "section")
        for name in ("title", "content"):
            if name not in found:
                raise TemplateError(f"{path}:1: there is no section {name}")
        return found

    def page(self, path):
        name = path.stem.replace("-", "_")
        lines, members = [], []
        for slot, section in self.sections(path).items():
            for mode in sorted(self.slots[slot]):
                member = slot_member(slot, mode)
                lines += Page(self, path).function(
                    f"{name}_{member}", section.nodes, f"view_{name}", mode)
                members.append(f"\t\t.{member} = {name}_{member},")
        return lines + [
            f"void view_{name}(struct buffer *out, "
            "const struct view_frame *frame,",
            f"\tconst struct view_{name} *v)", "{",
            "\tstatic const struct view_slots slots = {", *members, "\t};", "",
            "\tview_layout(out, frame, v, &slots);", "}", ""]

    def source(self, pages):
        lines = ["/* Generated from the templates. */", '#include "views.h"',
                 "", '#include "buffer.h"', '#include "html.h"',
                 '#include "language.h"', ""]
        lines += self.layout()
        for path in pages:
            lines += self.page(path)
        return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--po", type=pathlib.Path, required=True)
    parser.add_argument("--static", type=pathlib.Path, nargs="*", default=[])
    parser.add_argument("templates", type=pathlib.Path)
    args = parser.parse_args()
    try:
        maker = Maker(args.templates, catalogs.load(args.po),
                      {path.name: path for path in args.static})
        pages = sorted(path for path in args.templates.glob("*.html")
                       if path.name != "layout.html")
        args.source.write_text(maker.source(pages))
    except (TemplateError, catalogs.MessageError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

"""Where in an HTML document one is, character by character, and what may stand
there. Only what templates need is known; the rest is refused."""

import copy

VOID = {"br", "hr", "img", "input", "link", "meta"}
URLS = {"href", "src", "action", "formaction", "poster", "cite", "data", "data-url"}
SPACE = " \t\n"
NAME = set("abcdefghijklmnopqrstuvwxyz0123456789-:ABCDEFGHIJKLMNOPQRSTUVWXYZ")


class HtmlError(Exception):
    pass


class HtmlState:
    """mode is one of
    text     between tags
    title    in <title>, where there are no tags
    nothing  in <script>, where nothing may stand
    open     just after "<"
    name     in a tag's name
    tag      in a tag, where an attribute may begin
    joined   in a tag, where white space or the end has to follow
    attr     in an attribute's name
    equals   after its "="
    value    in its quoted value"""

    def __init__(self):
        self.mode = "text"
        self.stack = ()
        self.tag = self.attr = self.value = ""

    def copy(self):
        return copy.copy(self)

    def boundary(self):
        """A branch begins or ends here: an attribute without a value, as
        "checked", has ended."""
        if self.mode == "attr":
            self.mode = "joined"
        elif self.mode in ("open", "name", "equals"):
            raise HtmlError("a tag's name and an attribute's name and quote "
                            "cannot be put together")

    def place(self):
        """What two branches have to agree on."""
        if self.mode in ("text", "title", "nothing"):
            return self.mode, self.stack
        if self.mode != "value":
            return self.mode, self.stack, self.tag
        value = self.is_local_url() if self.in_url() else None
        return self.mode, self.stack, self.tag, self.attr, value

    def describe(self):
        if self.mode in ("text", "title"):
            return "in <%s>" % self.stack[-1] if self.stack else "in text"
        return f"in the tag <{self.tag}>"

    def in_url(self):
        return self.mode == "value" and self.attr in URLS

    def is_local_url(self):
        """The address begins with a path, or is one on this page."""
        return (self.value.startswith("#") or self.value.startswith("/")
                and len(self.value) > 1 and self.value[1] not in "/\\")

    def check_value(self, url=False):
        """May a value of the program stand here?"""
        if self.mode in ("text", "title"):
            return
        if self.mode == "nothing":
            raise HtmlError("no value may stand in <script>")
        if self.mode != "value":
            raise HtmlError("a value in a tag has to stand in a quoted "
                            "attribute")
        if self.attr in URLS:
            if not self.is_local_url():
                raise HtmlError(f"the address in {self.attr} has to begin "
                                'with a path, as "/mailbox?address="')
            if not url:
                raise HtmlError(f"a value in {self.attr} needs | url")

    def feed(self, text):
        """Goes on through text, and returns it with white space between tags
        made one character."""
        result = []
        for char in text:
            kept = self._step(char)
            if kept == " " and char in SPACE and self.mode != "value":
                if result and result[-1] in SPACE:
                    if char == "\n" and self.mode == "text":
                        result[-1] = "\n"
                    continue
                if char == "\n" and self.mode == "text":
                    kept = char
            result.append(kept)
        return "".join(result)

    def _step(self, char):
        return getattr(self, "_in_" + self.mode)(char)

    def _in_text(self, char):
        if char == "<":
            self.mode, self.tag = "open", ""
        return " " if char in SPACE else char

    def _in_title(self, char):
        return self._in_text(char)

    def _in_nothing(self, char):
        if char != "<":
            raise HtmlError("<script> has to be empty: scripts are files")
        return self._in_text(char)

    def _in_open(self, char):
        self.mode = "name"
        self.tag = char
        if char != "/" and not char.isalpha():
            raise HtmlError(f"a tag's name cannot begin with {char!r}: "
                            "write &lt;, and comments as {# #}")
        if self.stack and self.stack[-1] in ("title", "script") \
                and char != "/":
            raise HtmlError(f"no tag may stand in <{self.stack[-1]}>")
        return char

    def _in_name(self, char):
        if char in NAME:
            self.tag += char
        elif char in SPACE:
            self._named()
            self.mode = "tag"
        elif char in ">/":
            self._named()
            self.mode = "tag"
            return self._in_tag(char)
        else:
            raise HtmlError(f"{char!r} in a tag's name")
        return char

    def _named(self):
        if self.tag in ("style", "pre", "base", "iframe", "object", "embed"):
            raise HtmlError(f"<{self.tag}> is not for templates")
        self.attr = self.value = ""

    def _in_joined(self, char):
        if char not in SPACE + ">/":
            raise HtmlError("white space has to follow here")
        self.mode = "tag"
        return self._in_tag(char)

    def _in_tag(self, char):
        if char in SPACE:
            return " "
        if char == ">":
            self._close()
        elif char == "/":
            if "svg" not in self.stack:
                raise HtmlError('"/>" is for parts of <svg>')
            self.stack += (self.tag,)
            self.tag = "/" + self.tag
        elif char in NAME and not self.tag.startswith("/"):
            self.mode, self.attr = "attr", char
        else:
            raise HtmlError(f"{char!r} in the tag <{self.tag}>")
        return char

    def _in_attr(self, char):
        if char in NAME:
            self.attr += char
        elif char == "=":
            name = self.attr.lower()
            if name == "style" or name.startswith("on"):
                raise HtmlError(f"{name} would be refused by the "
                                "Content-Security-Policy")
            self.mode = "equals"
        elif char in SPACE + ">/":
            self.mode = "tag"
            return self._in_tag(char)
        else:
            raise HtmlError(f"{char!r} in an attribute's name")
        return char

    def _in_equals(self, char):
        if char != '"':
            raise HtmlError(f'the value of {self.attr} has to stand in '
                            'double quotes')
        self.mode, self.value = "value", ""
        return char

    def _in_value(self, char):
        if char == '"':
            self.mode = "joined"
        elif char == "<":
            raise HtmlError(f"a tag in the value of {self.attr}")
        else:
            self.value += char
        return char

    def _close(self):
        name = self.tag
        self.mode = "text"
        if name.startswith("/"):
            if not self.stack or self.stack[-1] != name[1:]:
                raise HtmlError(f"<{name}> does not belong to "
                                + (f"<{self.stack[-1]}>" if self.stack
                                   else "any tag"))
            self.stack = self.stack[:-1]
        elif name not in VOID:
            self.stack += (name,)
            self.mode = {"title": "title", "script": "nothing"}.get(
                name, "text")

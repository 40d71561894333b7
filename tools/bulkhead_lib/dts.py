"""Device tree source as text: a VM's own file is read, changed and written again with its comments; in
vms.dts only the line that includes it is touched.
"""
import re

from .common import Refused

TOKEN = re.compile(r"""
    (?P<space>\s+)
  | (?P<comment>/\*.*?\*/|//[^\n]*)
  | (?P<string>"(?:\\.|[^"\\])*")
  | (?P<directive>/[a-z0-9-]+/)
  | (?P<mark>[{};=,<>()\[\]])
  | (?P<word>[^\s"{};=,<>()\[\]]+)
""", re.S | re.X)


class Token:
    def __init__(self, kind, text, start):
        self.kind, self.text, self.start = kind, text, start

    @property
    def end(self):
        return self.start + len(self.text)


def tokens(text, path):
    at = 0
    while at < len(text):
        found = TOKEN.match(text, at)
        if not found:
            line = text.count("\n", 0, at) + 1
            raise Refused(f"{path}:{line}: this is not device tree source")
        if found.lastgroup != "space":
            yield Token(found.lastgroup, found.group(), at)
        at = found.end()


class Property:
    def __init__(self, name, value=None):
        self.name, self.value = name, value  # the value as it is written, None without one

    def lines(self):
        return [f"{self.name};" if self.value is None else f"{self.name} = {self.value};"]


class Comment:
    def __init__(self, text, same_line):
        self.text, self.same_line = text, same_line

    def lines(self):
        """Without the tabs before it, which come again."""
        first, *rest = self.text.split("\n")
        return [first] + [line.lstrip("\t") for line in rest]


class Node:
    def __init__(self, name):
        self.name = name
        self.items = []

    def find(self, kind, name):
        for item in self.items:
            if isinstance(item, kind) and item.name == name:
                return item
        return None

    def get(self, name):
        """A property's text without its quotes, None without it."""
        found = self.find(Property, name)
        if found is None or found.value is None:
            return None
        return re.sub(r"\\(.)", r"\1", found.value[1:-1]) if found.value[0] == '"' else found.value

    def put(self, name, value, **how):
        """Set a property (see written()), after the others when it is new; None takes it out."""
        found = self.find(Property, name)
        if value is None:
            self.items = [item for item in self.items if item is not found]
        elif found:
            found.value = written(value, **how)
        else:
            places = [n for n, item in enumerate(self.items, 1) if not isinstance(item, Node)]
            self.items.insert(max(places, default=0), Property(name, written(value, **how)))

    def node(self, name):
        """The child of this name, made if need be."""
        found = self.find(Node, name)
        if not found:
            found = Node(name)
            self.items.append(found)
        return found

    def drop(self, name):
        """Take a child out; was there one?"""
        found = self.find(Node, name)
        self.items = [item for item in self.items if item is not found]
        return found is not None

    def nodes(self):
        return [item for item in self.items if isinstance(item, Node)]

    def lines(self):
        return [self.name + " {"] + ["\t" + line if line else "" for line in body(self.items)] + ["};"]


def written(value, cells=False):
    """A value as source: numbers in angle brackets, text in quotes, True as no value at all."""
    if value is True:
        return None
    if cells:
        return "<" + " ".join(str(v) for v in value) + ">"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def body(items):
    out = []
    for n, item in enumerate(items):
        if isinstance(item, Comment) and item.same_line and out:
            out[-1] += " " + item.text
            continue
        if isinstance(item, Node) and n and not isinstance(items[n - 1], Comment):
            out.append("")
        out += item.lines()
    return out


class Parser:
    def __init__(self, text, path):
        self.text, self.path = text, path
        self.tokens = list(tokens(text, path))
        self.at = 0

    def refuse(self, why):
        place = self.tokens[min(self.at, len(self.tokens) - 1)].start if self.tokens else 0
        line = self.text.count("\n", 0, place) + 1
        raise Refused(f"{self.path}:{line}: {why}; change this file with an editor")

    def take(self):
        if self.at >= len(self.tokens):
            self.refuse("the file ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def comment(self, token):
        before = self.text[:token.start].rstrip(" \t")
        return Comment(token.text, bool(before) and before[-1] in ";{}")

    def value(self):
        """Up to the semicolon, as written."""
        first = self.take()
        last = first
        while last.text != ";" or last.kind != "mark":
            last = self.take()
        return self.text[first.start:last.start].strip()

    def items(self, until):
        """What is between braces; `until` is "}" or None for a whole file."""
        out = []
        while self.at < len(self.tokens) or until:
            token = self.take()
            if token.kind == "comment":
                out.append(self.comment(token))
            elif token.text == until:
                if self.take().text != ";":
                    self.refuse("a semicolon is missing behind }")
                break
            elif token.kind != "word" or token.text.endswith(":") or token.text.startswith("#"):
                self.at -= 1
                self.refuse(f"`{token.text}` is more than this command understands")
            else:
                out.append(self.named(token.text))
        return out

    def named(self, name):
        token = self.take()
        if token.text == ";":
            return Property(name)
        if token.text == "=":
            return Property(name, self.value())
        if token.text != "{":
            self.at -= 1
            self.refuse(f"`{token.text}` is more than this command understands")
        node = Node(name)
        node.items = self.items("}")
        return node


class VmFile:
    """The text of a vm.dts: one node, and comments around it."""

    def __init__(self, text, path):
        self.items = Parser(text, path).items(None)
        found = [item for item in self.items if isinstance(item, Node)]
        if len(found) != 1 or any(isinstance(item, Property) for item in self.items):
            raise Refused(f"{path}: one node, the VM's, is expected here; change this file with an editor")
        self.vm = found[0]

    def text(self):
        return "\n".join(body(self.items)).replace("\n\n\n", "\n\n") + "\n"


def walk(text, path):
    """(token, names of the nodes around it, of the node that it closes) for each that is no comment."""
    stack, last = [], ""
    for token in tokens(text, path):
        if token.kind == "comment":
            continue
        closed = stack.pop() if token.text == "}" and stack else None
        yield token, stack, closed
        if token.text == "{":
            stack.append(last)
        last = token.text


def includes(text, path):
    """(file, start, end) of each /include/ line among the VMs."""
    found, begin = [], None
    for token, stack, _ in walk(text, path):
        if begin is not None and token.kind == "string":
            found.append((token.text[1:-1], begin, token.end))
        begin = token.start if token.text == "/include/" and stack[-1:] == ["vms"] else None
    return found


def add_include(text, path, file):
    """The text with one more VM, as the last."""
    for token, stack, closed in walk(text, path):
        if closed == "vms" and stack == ["/"]:
            before = text[:token.start].rstrip(" \t")
            gap = "" if before.endswith("\n") else "\n"
            return f'{before}{gap}\t\t/include/ "{file}"\n\t{text[token.start:]}'
    raise Refused(f"{path}: there is no node vms in which a VM could be included")


def remove_include(text, path, file):
    for name, start, end in includes(text, path):
        if name == file:
            line_start = text.rfind("\n", 0, start) + 1
            line_end = text.find("\n", end) + 1 or len(text)
            if text[line_start:start].strip() or text[end:line_end].strip():
                return text[:start] + text[end:]
            return text[:line_start] + text[line_end:]
    return text

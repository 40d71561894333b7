"""Reading a compiled vms.dts (Devicetree Specification v0.4, chapter 5), which dtc has just made."""
import struct

BEGIN_NODE, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9


class Node:
    def __init__(self, name):
        self.name = name
        self.properties = {}
        self.children = []

    def child(self, name):
        for node in self.children:
            if node.name == name:
                return node
        return Node(name)

    def text(self, name):
        """A string property, None without it."""
        value = self.properties.get(name)
        return None if value is None else value.rstrip(b"\0").decode("utf-8", "replace")

    def cells(self, name):
        value = self.properties.get(name, b"")
        return list(struct.unpack(f">{len(value) // 4}I", value[:len(value) // 4 * 4]))


def read(blob):
    """The root node."""
    struct_at, strings_at = struct.unpack_from(">8xII", blob)
    at, stack = struct_at, [Node("")]
    while True:
        token, = struct.unpack_from(">I", blob, at)
        at += 4
        if token == BEGIN_NODE:
            end = blob.index(b"\0", at)
            stack.append(Node(blob[at:end].decode("ascii", "replace")))
            stack[-2].children.append(stack[-1])
            at = (end + 4) & ~3
        elif token == END_NODE:
            stack.pop()
        elif token == PROP:
            size, name_at = struct.unpack_from(">II", blob, at)
            name_at += strings_at
            name = blob[name_at:blob.index(b"\0", name_at)].decode("ascii", "replace")
            stack[-1].properties[name] = blob[at + 8:at + 8 + size]
            at = (at + 8 + size + 3) & ~3
        elif token != NOP:
            return stack[0].children[0]

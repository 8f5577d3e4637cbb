"""XML of the push protocol (消息体): written with CDATA as the platform does, read with a strict parser."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias
from xml.parsers import expat

from handlers.sandbox.account import SandboxError

if TYPE_CHECKING:
    from collections.abc import Sequence

Value: TypeAlias = "str | int | float | Mapping[str, Value] | list[Value]"
MAX_DEPTH = 8


class BadXmlError(SandboxError):
    """The text is not the XML the platform accepts."""


def write(fields: Mapping[str, Value], root: str = "xml") -> str:
    """Write fields as the platform writes them: text in CDATA, numbers bare, mappings nested, lists as items."""
    return f"<{root}>{''.join(_element(name, value) for name, value in fields.items())}</{root}>"


def _element(name: str, value: Value) -> str:
    if isinstance(value, Mapping):
        return write(value, name)
    if isinstance(value, list):
        return f"<{name}>{''.join(_element('item', item) for item in value)}</{name}>"
    if isinstance(value, str):
        return f"<{name}><![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]></{name}>"
    return f"<{name}>{value}</{name}>"


class Node:
    """One element read (XML 元素): its name, its text and its children in order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = ""
        self.children: list[Node] = []

    def get(self, *path: str) -> str | None:
        """The text at a path of child names, or None when there is no such element."""
        node: Node | None = self
        for name in path:
            node = next((child for child in node.children if child.name == name), None) if node else None
        return None if node is None else node.text

    def all(self, *path: str) -> "Sequence[Node]":
        """Every element at a path of child names."""
        nodes = [self]
        for name in path:
            nodes = [child for node in nodes for child in node.children if child.name == name]
        return nodes


def read(body: bytes | str) -> Node:
    """Read a document whose root is ``<xml>``.

    Raises:
        BadXmlError: not well-formed, a DOCTYPE, too deep, or another root.
    """
    stack = [Node("")]
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(name: str, _attributes: object) -> None:
        if len(stack) > MAX_DEPTH:
            raise BadXmlError("nested too deeply")
        node = Node(name)
        stack[-1].children.append(node)
        stack.append(node)

    def characters(text: str) -> None:
        stack[-1].text += text

    def doctype(*_declaration: object) -> None:
        raise BadXmlError("a DOCTYPE is refused")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: stack.pop()
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(body, True)  # noqa: FBT003 - expat takes no keywords
    except expat.ExpatError as error:
        raise BadXmlError(f"not well-formed XML: {expat.ErrorString(error.code)}") from error
    root = stack[0].children[0]
    if root.name != "xml":
        raise BadXmlError("the root element is not <xml>")
    return root

"""tree-sitter's trees: parsing that goes on after what it cannot read."""

import importlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from tmva_bench.errors import UserError, short
from tmva_bench.migration import syntax
from tmva_bench.migration.booking import Place
from tmva_bench.migration.syntax import Expression, Statement

Node = Any
# The longest text of a place [characters].
_LONGEST = 400

# What stands behind a backslash in a text, in C++ as in Python.
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


class Reader:
    """What readers of all languages share.

    Args:
        file: name of the source.
        source: its text, UTF-8.
    """

    _statement: dict[str, Callable[[Node], Iterator[Statement]]]
    _expression: dict[str, Callable[[Node], Expression]]

    def __init__(self, file: str, source: bytes) -> None:
        self._file, self._source = file, source
        self.unread: list[Place] = []
        self.fields: dict[str, frozenset[int]] = {}

    def text(self, node: Node | None) -> str:
        """What stands there."""
        return "" if node is None else self._source[node.start_byte : node.end_byte].decode(errors="replace")

    def place(self, node: Node, *, short: bool = False) -> Place:
        """Where a node stands; of a long statement the first line only."""
        text = self.text(node)
        text = text.partition("\n")[0] if short else text
        return Place(self._file, node.start_point[0] + 1, " ".join(text[:_LONGEST].split()))

    def statements(self, node: Node | None) -> tuple[Statement, ...]:
        """Those of a block, or of one statement."""
        return () if node is None else tuple(self.statement(node))

    def statement(self, node: Node) -> Iterator[Statement]:
        """One statement; what is none is left out."""
        if node.type == "ERROR":
            self.unread.append(self.place(node))
        read = self._statement.get(node.type)
        if read is not None:
            yield from read(node)
        elif node.type in self._expression:  # among what could not be parsed
            yield syntax.Do(self.place(node), self.expression(node))

    def block(self, node: Node) -> Iterator[Statement]:
        """The statements inside."""
        for child in node.named_children:
            yield from self.statement(child)

    def expression(self, node: Node) -> Expression:
        """One expression."""
        read = self._expression.get(node.type)
        return self._unread(node) if read is None else read(node)

    def _unread(self, node: Node) -> Expression:
        return syntax.Unread(self.place(node))


# What a name stands in within the name of what is called.
_AROUND_NAMES = ("field_expression", "attribute", "qualified_identifier", "template_function", "dependent_name")


def program(file: str, text: str, language: str, reader: type[Reader]) -> syntax.Program:
    """A source's statements.

    Args:
        file: its name.
        text: what it holds.
        language: ``cpp`` or ``python``.
        reader: what turns the nodes of that language into statements.

    Raises:
        UserError: the parser is not installed, or the text is nested too deep.
    """
    source = text.encode("utf-8", "replace")
    root = _parser(language).parse(source).root_node
    read = reader(file, source)
    try:
        statements = tuple(read.block(root))
    except RecursionError:
        raise UserError(f"{short(file)}: nested too deep to be read; give the part with the booking alone") from None
    return syntax.Program(statements, tuple(read.unread), tuple(_telling(root, read)), read.fields)


def _telling(root: Node, read: Reader) -> Iterator[tuple[str, Place]]:
    """Where telling names stand: the calls of them, and what else they stand in but a definition."""
    left = [root]
    while left:
        node = left.pop()
        condition = node.child_by_field_name("condition") if node.type == "preproc_if" else None
        if condition is None or read.text(condition).strip() != "0":
            left += reversed(node.named_children)
        if node.type == "preproc_arg":
            for name in re.findall(r"\w+", read.text(node)):
                if name in syntax.TELLING:
                    yield name, read.place(node)
        elif node.type.endswith("identifier") and not node.named_children and read.text(node) in syntax.TELLING:
            around = node
            while around.parent is not None and around.parent.type in _AROUND_NAMES:
                around = around.parent
            parent = around.parent
            if parent is not None and parent.type in ("call_expression", "call", "new_expression"):
                yield read.text(node), read.place(parent)
            elif parent is not None and parent.type in ("argument_list", "preproc_arg"):
                yield read.text(node), read.place(node)


def _parser(language: str) -> Any:
    try:
        import tree_sitter

        grammar = importlib.import_module(f"tree_sitter_{language}")
    except ImportError as error:
        raise UserError(
            f"{error.name}: not installed, and macros and scripts are read with it; pip install 'tmva-bench[migrate]'"
        ) from None
    return tree_sitter.Parser(tree_sitter.Language(grammar.language()))

"""PyROOT scripts, of Python 2 too, as :mod:`tmva_bench.migration.syntax`, parsed by tree-sitter."""

import dataclasses
import re
from collections.abc import Callable, Iterator

from tmva_bench.migration import syntax, tree
from tmva_bench.migration.syntax import Expression, Statement
from tmva_bench.migration.tree import Node

_BLOCKS = (
    "module",
    "block",
    "decorated_definition",
    "with_statement",
    "try_statement",
    "except_clause",
    "finally_clause",
    "ERROR",
)


def program(file: str, text: str) -> syntax.Program:
    """A script's statements.

    Args:
        file: its name, for places.
        text: what it holds.

    Raises:
        UserError: the parser is not installed, or the text is nested too deep.
    """
    return tree.program(file, text, "python", _Reader)


class _Reader(tree.Reader):
    """Turns the nodes of tree-sitter's Python into statements and expressions."""

    def __init__(self, file: str, source: bytes) -> None:
        super().__init__(file, source)
        self._statement: dict[str, Callable[[Node], Iterator[Statement]]] = {
            **dict.fromkeys(_BLOCKS, self.block),
            "with_clause": self.block,
            "with_item": self._with,
            "expression_statement": self._do,
            "function_definition": self._function,
            "class_definition": self._class,
            "if_statement": self._if,
            "for_statement": self._for,
            "while_statement": self._while,
            "return_statement": self._return,
            "break_statement": self._leave,
            "continue_statement": self._leave,
            "else_clause": lambda node: self.block(node.child_by_field_name("body") or node),
            "import_from_statement": self._import,
            "import_statement": self._import,
            "delete_statement": self._delete,
        }
        self._expression: dict[str, Callable[[Node], Expression]] = {
            "identifier": self._name,
            "dotted_name": self._dotted,
            "string": self._string,
            "concatenated_string": self._joined,
            "integer": self._number,
            "float": self._number,
            **dict.fromkeys(("true", "false", "none"), self._constant),
            "attribute": self._member,
            "call": self._call,
            "parenthesized_expression": self._only,
            "binary_operator": self._binary,
            "boolean_operator": self._binary,
            "comparison_operator": self._comparison,
            "not_operator": self._unary,
            "unary_operator": self._unary,
            "conditional_expression": self._conditional,
            "subscript": self._index,
            "slice": self._slice,
            **dict.fromkeys(("list", "tuple", "set", "expression_list", "pattern_list", "tuple_pattern"), self._items),
            "dictionary": self._pairs,
            **dict.fromkeys(("list_splat", "dictionary_splat"), self._unpacked),
            **dict.fromkeys(("list_comprehension", "generator_expression", "set_comprehension"), self._comprehension),
            "as_pattern_target": self._only,
            "named_expression": self._walrus,
        }

    # Statements.

    def _do(self, node: Node) -> Iterator[Statement]:
        for part in node.named_children:
            if part.type == "assignment":
                yield from self._assign(part)
            elif part.type == "augmented_assignment":
                operator = self.text(part.child_by_field_name("operator"))[:-1]
                target, value = (self._field(part, name) for name in ("left", "right"))
                yield syntax.Assign(self.place(part), target, value, operator)
            elif part.type not in ("comment", "ERROR"):
                yield syntax.Do(self.place(part), self.expression(part))

    def _assign(self, node: Node) -> Iterator[Statement]:
        value = node.child_by_field_name("right")
        if value is not None and value.type == "assignment":  # a = b = 3
            yield from self._assign(value)
            value = value.child_by_field_name("left")
        if value is not None and value.type == "lambda":
            body = value.child_by_field_name("body")
            given_back = None if body is None else self.expression(body)
            name = self.text(node.child_by_field_name("left"))
            inside = (syntax.Return(self.place(value), given_back),)
            yield syntax.Function(self.place(node, short=True), name, self._parameters(value), inside)
        elif value is not None:
            yield syntax.Assign(self.place(node), self._field(node, "left"), self.expression(value))

    def _with(self, node: Node) -> Iterator[Statement]:
        for part in node.named_children:
            if part.type == "as_pattern" and len(part.named_children) == 2:
                value, target = (self.expression(child) for child in part.named_children)
                yield syntax.Assign(self.place(part), target, value)

    def _function(self, node: Node) -> Iterator[Statement]:
        body = self.statements(node.child_by_field_name("body"))
        name = self.text(node.child_by_field_name("name"))
        yield syntax.Function(self.place(node, short=True), name, self._parameters(node), body)

    def _parameters(self, node: Node) -> tuple[tuple[str, Expression | None], ...]:
        """The parameters of a function or lambda, with their defaults."""
        parameters: list[tuple[str, Expression | None]] = []
        holder = node.child_by_field_name("parameters")
        for part in [] if holder is None else holder.named_children:
            name = part.child_by_field_name("name") or part
            if part.type in ("default_parameter", "typed_default_parameter"):
                parameters.append((self.text(name), self._field(part, "value")))
            elif match := re.match(r"(\*{0,2})\s*(\w+)", self.text(part)):
                parameters.append((f"{match[1]}{match[2]}", None))
        return tuple(parameters)

    def _class(self, node: Node) -> Iterator[Statement]:
        """Methods as functions; that which makes an object is called like the class."""
        name = self.text(node.child_by_field_name("name"))
        for statement in self.statements(node.child_by_field_name("body")):
            if isinstance(statement, syntax.Function) and statement.name == "__init__":
                yield dataclasses.replace(statement, name=name)
            else:
                yield statement

    def _if(self, node: Node) -> Iterator[Statement]:
        no: tuple[Statement, ...] = ()
        for part in reversed(node.children_by_field_name("alternative")):
            no = (self._choice(part, no),) if part.type == "elif_clause" else self.statements(part)
        yield self._choice(node, no)

    def _choice(self, node: Node, no: tuple[Statement, ...]) -> Statement:
        yes = self.statements(node.child_by_field_name("consequence"))
        return syntax.If(self.place(node, short=True), self._field(node, "condition"), yes, no)

    def _for(self, node: Node) -> Iterator[Statement]:
        body = self.statements(node.child_by_field_name("body"))
        target, iterable = (self._field(node, name) for name in ("left", "right"))
        yield syntax.For(self.place(node, short=True), target, iterable, body)

    def _while(self, node: Node) -> Iterator[Statement]:
        body = self.statements(node.child_by_field_name("body"))
        yield syntax.While(self.place(node, short=True), self._field(node, "condition"), body)

    def _return(self, node: Node) -> Iterator[Statement]:
        values = node.named_children
        yield syntax.Return(self.place(node), self.expression(values[0]) if values else None)

    def _leave(self, node: Node) -> Iterator[Statement]:
        yield syntax.Leave(self.place(node), node.type == "continue_statement")

    def _delete(self, node: Node) -> Iterator[Statement]:
        """``del a["key"]`` is ``a.pop("key")``."""
        every = [one for part in node.named_children for one in (part, *part.named_children)]
        for part in every:
            if part.type == "subscript":
                of = self._field(part, "value")
                method = syntax.Member(of.place, of, "pop")
                arguments = (self._field(part, "subscript"),)
                yield syntax.Do(self.place(node), syntax.Call(self.place(node), method, arguments))

    def _import(self, node: Node) -> Iterator[Statement]:
        """``import ROOT as R`` gives ROOT another name."""
        for part in node.children_by_field_name("name"):
            if part.type == "aliased_import":
                name, alias = (part.child_by_field_name(field) for field in ("name", "alias"))
                yield syntax.Assign(self.place(node), self._name(alias), self.expression(name))

    # Expressions.

    def _name(self, node: Node) -> Expression:
        return syntax.Name(self.place(node), self.text(node))

    def _dotted(self, node: Node) -> Expression:
        parts = list(node.named_children)
        value = self._name(parts[0])
        for part in parts[1:]:
            value = syntax.Member(self.place(node), value, self.text(part))
        return value

    def _field(self, node: Node, name: str) -> Expression:
        child = node.child_by_field_name(name)
        return self._unread(node) if child is None else self.expression(child)

    def _only(self, node: Node) -> Expression:
        children = [child for child in node.named_children if child.type != "comment"]
        return self.expression(children[0]) if len(children) == 1 else self._unread(node)

    def _string(self, node: Node) -> Expression:
        start = self.text(node.named_children[0]).lower() if node.named_children else ""
        parts: list[tuple[Expression, str]] = []
        for child in node.named_children:
            if child.type == "string_content":
                text = self.text(child)
                text = text if "r" in start else _unescaped(text)
                text = re.sub(r"([{}])\1", r"\1", text) if "f" in start else text
                parts.append((syntax.Constant(self.place(child), text), ""))
            elif child.type == "interpolation":
                form = child.child_by_field_name("format_specifier")
                parts.append((self._field(child, "expression"), self.text(form).lstrip(":")))
        if not parts:
            return syntax.Constant(self.place(node), "")
        constant = parts[0][0]
        if len(parts) == 1 and isinstance(constant, syntax.Constant):
            return syntax.Constant(self.place(node), constant.value)
        return syntax.Joined(self.place(node), tuple(parts))

    def _joined(self, node: Node) -> Expression:
        parts = [(self.expression(child), "") for child in node.named_children if child.type != "comment"]
        return syntax.Joined(self.place(node), tuple(parts))

    def _number(self, node: Node) -> Expression:
        text = self.text(node).replace("_", "").rstrip("lL")
        if re.fullmatch(r"[0-9]{1,18}", text):
            return syntax.Constant(self.place(node), int(text))
        if re.fullmatch(r"([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})([eE][-+]?[0-9]{1,4})?", text):
            return syntax.Constant(self.place(node), float(text))
        return self._unread(node)

    def _constant(self, node: Node) -> Expression:
        return syntax.Constant(self.place(node), {"true": True, "false": False}.get(node.type))

    def _member(self, node: Node) -> Expression:
        name = self.text(node.child_by_field_name("attribute"))
        return syntax.Member(self.place(node), self._field(node, "object"), name)

    def _call(self, node: Node) -> Expression:
        holder = node.child_by_field_name("arguments")
        function, place = self._field(node, "function"), self.place(node)
        if holder is not None and holder.type == "generator_expression":
            return syntax.Call(place, function, (self.expression(holder),))
        arguments, keywords = [], []
        for part in [] if holder is None else holder.named_children:
            if part.type == "keyword_argument":
                keywords.append((self.text(part.child_by_field_name("name")), self._field(part, "value")))
            elif part.type not in ("comment", "ERROR"):
                arguments.append(self.expression(part))
        return syntax.Call(place, function, tuple(arguments), tuple(keywords))

    def _binary(self, node: Node) -> Expression:
        operator = self.text(node.child_by_field_name("operator"))
        left, right = (self._field(node, name) for name in ("left", "right"))
        return syntax.Binary(self.place(node), operator, left, right)

    def _comparison(self, node: Node) -> Expression:
        parts = [child for child in node.named_children if child.type != "comment"]
        operators = [self.text(part) for part in node.children_by_field_name("operators")]
        if len(parts) != 2 or len(operators) != 1:
            return self._unread(node)
        left, right = (self.expression(part) for part in parts)
        return syntax.Binary(self.place(node), operators[0], left, right)

    def _unary(self, node: Node) -> Expression:
        operator = self.text(node.child_by_field_name("operator")) or "not"
        return syntax.Unary(self.place(node), operator, self._field(node, "argument"))

    def _conditional(self, node: Node) -> Expression:
        parts = [child for child in node.named_children if child.type != "comment"]
        if len(parts) != 3:
            return self._unread(node)
        yes, test, no = (self.expression(part) for part in parts)
        return syntax.Conditional(self.place(node), test, yes, no)

    def _index(self, node: Node) -> Expression:
        return syntax.Index(self.place(node), self._field(node, "value"), self._field(node, "subscript"))

    def _slice(self, node: Node) -> Expression:
        """As a call of ``slice``, with None for what is not there."""
        bounds: list[Expression] = [syntax.Constant(self.place(node), None)]
        for child in node.children:
            if child.type == ":":
                bounds.append(syntax.Constant(self.place(node), None))
            elif child.is_named and child.type != "comment":
                bounds[-1] = self.expression(child)
        return syntax.Call(self.place(node), syntax.Name(self.place(node), "slice"), tuple(bounds))

    def _items(self, node: Node) -> Expression:
        return syntax.Items(
            self.place(node), tuple(self.expression(child) for child in node.named_children if child.type != "comment")
        )

    def _pairs(self, node: Node) -> Expression:
        pairs: list[tuple[Expression | None, Expression]] = []
        for child in node.named_children:
            if child.type == "pair":
                pairs.append((self._field(child, "key"), self._field(child, "value")))
            elif child.type == "dictionary_splat":
                pairs.append((None, self._only(child)))
        return syntax.Pairs(self.place(node), tuple(pairs))

    def _unpacked(self, node: Node) -> Expression:
        return syntax.Unpacked(self.place(node), self._only(node), node.type == "dictionary_splat")

    def _walrus(self, node: Node) -> Expression:
        target, value = (self._field(node, name) for name in ("name", "value"))
        return syntax.Setting(self.place(node), syntax.Assign(self.place(node), target, value))

    def _comprehension(self, node: Node) -> Expression:
        loops = [child for child in node.named_children if child.type == "for_in_clause"]
        tests = [child for child in node.named_children if child.type == "if_clause"]
        if len(loops) != 1:
            return self._unread(node)
        target, iterable = (self._field(loops[0], name) for name in ("left", "right"))
        element = self._field(node, "body")
        return syntax.Comprehension(
            self.place(node), element, target, iterable, tuple(self._only(test) for test in tests)
        )


def _unescaped(text: str) -> str:
    # A backslash at a line's end goes on with the next line; of others, e.g. \$, it stays.
    def character(match: re.Match[str]) -> str:
        letter = match[1]
        if letter in "\\'\"":
            return letter
        return "" if letter[-1] == "\n" else tree.ESCAPES.get(letter, match[0])

    return re.sub(r"\\(\r?\n|.)", character, text, flags=re.DOTALL)

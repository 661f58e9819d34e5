"""C++ macros as :mod:`tmva_bench.migration.syntax`, parsed by tree-sitter."""

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Any

from tmva_bench.migration import syntax, tree
from tmva_bench.migration.booking import Place
from tmva_bench.migration.syntax import Expression, Statement
from tmva_bench.migration.tree import Node

_OPERATORS = {"&&": "and", "||": "or", "and": "and", "or": "or"}
_NAMES = (
    "identifier",
    "field_identifier",
    "type_identifier",
    "namespace_identifier",
    "primitive_type",
    "this",
    "destructor_name",
    "operator_name",
    "sized_type_specifier",
    "placeholder_type_specifier",
)
_DECLARATORS = (
    "init_declarator",
    "pointer_declarator",
    "reference_declarator",
    "array_declarator",
    "function_declarator",
    "parenthesized_declarator",
    "structured_binding_declarator",
    "identifier",
    "field_identifier",
    "qualified_identifier",
)
# A part of what a macro of the preprocessor stands for: a text, or another macro.
_PART = r'(?:"((?:[^"\\]|\\.)*)"|([A-Za-z_]\w*))'
_CONTAINERS = ("vector", "list", "array", "set", "map", "unordered_map", "initializer_list", "auto")
_BLOCKS = (
    "compound_statement",
    "declaration_list",
    "field_declaration_list",
    "linkage_specification",
    "namespace_definition",
    "labeled_statement",
    "try_statement",
    "catch_clause",
    "else_clause",
    "template_declaration",
    "class_specifier",
    "access_specifier",
    "translation_unit",
    "ERROR",
)


def program(file: str, text: str) -> syntax.Program:
    """A macro's statements.

    Args:
        file: its name, for places.
        text: what it holds.

    Raises:
        UserError: the parser is not installed, or the text is nested too deep.
    """
    return tree.program(file, text, "cpp", _Reader)


class _Reader(tree.Reader):
    """Turns the nodes of tree-sitter's C++ into statements and expressions."""

    def __init__(self, file: str, source: bytes) -> None:
        super().__init__(file, source)
        self._statement: dict[str, Callable[[Node], Iterator[Statement]]] = {
            **dict.fromkeys(_BLOCKS, self.block),
            "function_definition": self._function,
            "declaration": self._declaration,
            "field_declaration": self._declaration,
            "expression_statement": self._do,
            "if_statement": self._if,
            "for_statement": self._for,
            "for_range_loop": self._range,
            "while_statement": self._while,
            "do_statement": self._while,
            "switch_statement": self._switch,
            "return_statement": self._return,
            "break_statement": self._leave,
            "continue_statement": self._leave,
            "preproc_ifdef": self._preprocessor,
            "preproc_if": self._preprocessor,
            "preproc_elif": self._preprocessor,
            "preproc_else": self.block,
            "preproc_def": self._macro,
            "struct_specifier": self._structure,
        }
        self._expression: dict[str, Callable[[Node], Expression]] = {
            **dict.fromkeys(_NAMES, self._name),
            "string_literal": self._string,
            "raw_string_literal": self._raw_string,
            "char_literal": self._string,
            "concatenated_string": self._joined,
            "number_literal": self._number,
            "true": self._constant,
            "false": self._constant,
            "null": self._constant,
            "qualified_identifier": self._qualified,
            "template_function": lambda node: self._field(node, "name"),
            "template_method": lambda node: self._field(node, "name"),
            "template_type": lambda node: self._field(node, "name"),
            "dependent_name": self._only,
            "type_descriptor": lambda node: self._field(node, "type"),
            "field_expression": self._member,
            "call_expression": self._call,
            "new_expression": self._new,
            "compound_literal_expression": self._braces,
            "cast_expression": lambda node: self._field(node, "value"),
            "parenthesized_expression": self._only,
            "condition_clause": self._condition,
            "pointer_expression": lambda node: self._field(node, "argument"),
            "unary_expression": self._unary,
            "binary_expression": self._binary,
            "conditional_expression": self._conditional,
            "subscript_expression": self._index,
            "subscript_argument_list": self._only,
            "initializer_list": self._items,
            "argument_list": self._only,
            **dict.fromkeys(("assignment_expression", "update_expression"), self._setting),
            "comma_expression": lambda node: self._field(node, "right"),
        }

    # Statements.

    def _function(self, node: Node) -> Iterator[Statement]:
        declarator, body = node.child_by_field_name("declarator"), node.child_by_field_name("body")
        while declarator is not None and declarator.type != "function_declarator":
            declarator = declarator.child_by_field_name("declarator") or _child(declarator, _DECLARATORS)
        if body is None:
            return
        if declarator is None:  # a block with a macro before it
            yield from self.block(body)
            return
        name = self.text(declarator.child_by_field_name("declarator")).rpartition("::")[2]
        of_members = tuple(self._initialized(node))
        yield syntax.Function(
            self.place(node, short=True), name, self._defaults(declarator), of_members + self.statements(body)
        )

    def _defaults(self, declarator: Node | None) -> tuple[tuple[str, Expression | None], ...]:
        """The parameters of a function, with their defaults."""
        parameters: list[tuple[str, Expression | None]] = []
        for parameter in _named(None if declarator is None else declarator.child_by_field_name("parameters")):
            if "parameter_declaration" in parameter.type:
                default = parameter.child_by_field_name("default_value")
                target = _innermost(parameter.child_by_field_name("declarator"))
                parameters.append((self.text(target), None if default is None else self.expression(default)))
        return tuple(parameters)

    def _initialized(self, node: Node) -> Iterator[Statement]:
        """The members that a constructor sets before its body: ``fName(name)``."""
        listed = _child(node, ("field_initializer_list",))
        for part in _named(listed):
            inside = _named(part)
            if len(inside) == 2:
                values = self._arguments(inside[1])
                value = values[0] if len(values) == 1 else self._unread(part)
                yield syntax.Assign(self.place(part), self.expression(inside[0]), value)

    def _declaration(self, node: Node) -> Iterator[Statement]:
        kind = node.child_by_field_name("type")
        if kind is None:
            return
        if kind.type in ("class_specifier", "struct_specifier"):
            yield from self.block(kind)
            self._note_fields(kind)
        for declarator in _named(node):
            if declarator.type in _DECLARATORS and declarator != kind:
                yield from self._declared(node, kind, declarator)

    def _structure(self, node: Node) -> Iterator[Statement]:
        self._note_fields(node)
        yield from self.block(node)

    def _note_fields(self, node: Node) -> None:
        """Where each member of a structure stands, which braces fill in their order."""
        members = [child for child in _named(node.child_by_field_name("body")) if child.type == "field_declaration"]
        names = [
            self.text(_innermost(part))
            for member in members
            for part in _named(member)
            if part.type in _DECLARATORS and part != member.child_by_field_name("type")
        ]
        for number, name in enumerate(names):
            self.fields[name] = self.fields.get(name, frozenset()) | {number}

    def _declared(self, node: Node, kind: Node, declarator: Node) -> Iterator[Statement]:
        target, place = _innermost(declarator), self.place(node)
        if target is None or target.type not in ("identifier", "field_identifier"):
            return
        name = syntax.Name(self.place(target), self.text(target))
        initial = declarator.child_by_field_name("value") or node.child_by_field_name("default_value")
        if initial is None and declarator.type in ("pointer_declarator", "reference_declarator"):
            initial = node.child_by_field_name("value")  # of a condition
        if initial is not None and initial.type == "lambda_expression":
            body = self.statements(initial.child_by_field_name("body"))
            parameters = self._defaults(initial.child_by_field_name("declarator"))
            yield syntax.Function(self.place(node, short=True), name.name, parameters, body)
            return
        is_plain = declarator.type in ("identifier", "field_identifier")
        is_array = any(part.type == "array_declarator" for part in _chain(declarator))
        if declarator.type == "function_declarator":
            # TFile file(name) reads like the declaration of a function.
            arguments = [self.expression(part) for part in self._parameters(declarator)]
            yield syntax.Assign(place, name, syntax.Call(place, self.expression(kind), tuple(arguments)), declares=True)
        elif initial is None and (is_plain or is_array):
            empty = syntax.Call(place, self.expression(kind), ())
            yield syntax.Assign(place, name, syntax.Items(place, ()) if is_array else empty, declares=True)
        elif initial is not None and initial.type == "argument_list":
            yield syntax.Assign(
                place, name, syntax.Call(place, self.expression(kind), self._arguments(initial)), declares=True
            )
        elif initial is not None and initial.type == "initializer_list" and not is_array:
            yield syntax.Assign(place, name, self._braced(kind, declarator, initial, place), declares=True)
        elif initial is not None:
            value = self.expression(initial)
            if kind.type != "placeholder_type_specifier" and not is_array and _is_value(declarator):
                # TCut cut = "x > 0": the declared type says what it is.
                value = syntax.Call(place, self.expression(kind), (value,))
            yield syntax.Assign(place, name, value, declares=True)

    def _braced(self, kind: Node, declarator: Node, initial: Node, place: Place) -> Expression:
        """What ``T x{...}`` is: a list, the one value of a pointer, or an object made of arguments."""
        inside = self._arguments(initial)
        if not _is_value(declarator) and len(inside) == 1:
            return inside[0]
        kind_of = self.expression(kind)
        if isinstance(kind_of, syntax.Name | syntax.Member) and kind_of.name in _CONTAINERS:
            return syntax.Call(place, kind_of, (self.expression(initial),))
        return syntax.Call(place, kind_of, inside)

    def _parameters(self, declarator: Node) -> list[Node]:
        parameters = _named(declarator.child_by_field_name("parameters"))
        return [parameter.child_by_field_name("type") or parameter for parameter in parameters]

    def _do(self, node: Node) -> Iterator[Statement]:
        for part in _named(node):
            yield from self._effect(part)

    def _effect(self, node: Node) -> Iterator[Statement]:
        place = self.place(node)
        if node.type == "comma_expression":
            for part in _named(node):
                yield from self._effect(part)
        elif node.type in ("assignment_expression", "update_expression"):
            yield self._assigned(node)
        elif node.type == "parenthesized_expression":
            yield from self._do(node)
        elif node.type not in ("comment", "ERROR"):
            yield syntax.Do(place, self.expression(node))

    def _assigned(self, node: Node) -> syntax.Assign:
        place, sign = self.place(node), self.text(node.child_by_field_name("operator"))
        if node.type == "update_expression":
            return syntax.Assign(place, self._field(node, "argument"), syntax.Constant(place, 1), sign[:1])
        target, value = (self._field(node, name) for name in ("left", "right"))
        return syntax.Assign(place, target, value, sign[:-1])

    def _setting(self, node: Node) -> Expression:
        is_after = node.type == "update_expression" and node.children[0].type not in ("++", "--")
        return syntax.Setting(self.place(node), self._assigned(node), is_after)

    def _if(self, node: Node) -> Iterator[Statement]:
        condition = node.child_by_field_name("condition")
        for start in _named(condition):
            # if (auto file = TFile::Open(name); file)
            if start.type in ("init_statement", "declaration"):
                declaration = start if start.type == "declaration" else _child(start, ("declaration",))
                yield from () if declaration is None else self._declaration(declaration)
        yield syntax.If(
            self.place(node, short=True),
            self._unread(node) if condition is None else self.expression(condition),
            self.statements(node.child_by_field_name("consequence")),
            self.statements(node.child_by_field_name("alternative")),
        )

    def _switch(self, node: Node) -> Iterator[Statement]:
        """A choice among the cases, each up to its ``break`` or to the end."""
        cases = [child for child in _named(node.child_by_field_name("body")) if child.type == "case_statement"]
        value = self._field(node, "condition")
        wanted = [self._of_case(case) for case in cases]
        bodies = [tuple(self._in_case(case)) for case in cases]
        chain: tuple[Statement, ...] = ()
        # The default is what is left, wherever it stands.
        for number in sorted(range(len(cases)), key=lambda one: wanted[one] is not None):
            body = tuple(statement for of_case in bodies[number:] for statement in of_case)
            once = syntax.While(self.place(cases[number]), syntax.Constant(value.place, False), body, (), True)
            test = wanted[number]
            if test is None:
                chain = (once,)
            else:
                text = f"{value.place.text} == {test.place.text}"
                place = dataclasses.replace(test.place, text=text)
                chain = (syntax.If(place, syntax.Binary(place, "==", value, test), (once,), chain),)
        yield from chain

    def _of_case(self, case: Node) -> Expression | None:
        value = case.child_by_field_name("value")
        return None if value is None else self.expression(value)

    def _in_case(self, case: Node) -> Iterator[Statement]:
        value = case.child_by_field_name("value")
        for child in _named(case):
            if child != value:
                yield from self.statement(child)

    def _for(self, node: Node) -> Iterator[Statement]:
        start, update = node.child_by_field_name("initializer"), node.child_by_field_name("update")
        if start is not None:
            yield from self._declaration(start) if start.type == "declaration" else self._effect(start)
        condition = node.child_by_field_name("condition")
        yield syntax.While(
            self.place(node, short=True),
            syntax.Constant(self.place(node, short=True), True) if condition is None else self.expression(condition),
            self.statements(node.child_by_field_name("body")),
            tuple(self._effect(update)) if update else (),
        )

    def _range(self, node: Node) -> Iterator[Statement]:
        target = self._target(node, node.child_by_field_name("declarator"))
        yield syntax.For(
            self.place(node, short=True),
            target,
            self._field(node, "right"),
            self.statements(node.child_by_field_name("body")),
        )

    def _target(self, node: Node, declarator: Node | None) -> Expression:
        """What a loop sets: a variable, or those of ``auto [a, b]``."""
        innermost = _innermost(declarator) or declarator
        if innermost is None:
            return self._unread(node)
        if innermost.type == "structured_binding_declarator":
            return syntax.Items(self.place(innermost), tuple(self._name(child) for child in _named(innermost)))
        return self.expression(innermost)

    def _while(self, node: Node) -> Iterator[Statement]:
        condition = node.child_by_field_name("condition")
        yield syntax.While(
            self.place(node, short=True),
            self._unread(node) if condition is None else self.expression(condition),
            self.statements(node.child_by_field_name("body")),
            is_tested_after=node.type == "do_statement",
        )

    def _return(self, node: Node) -> Iterator[Statement]:
        values = _named(node)
        yield syntax.Return(self.place(node), self.expression(values[0]) if values else None)

    def _leave(self, node: Node) -> Iterator[Statement]:
        yield syntax.Leave(self.place(node), node.type == "continue_statement")

    def _preprocessor(self, node: Node) -> Iterator[Statement]:
        condition = node.child_by_field_name("condition") or node.child_by_field_name("name")
        alternative = node.child_by_field_name("alternative")
        inside = [child for child in _named(node) if child not in (condition, alternative)]
        yes = tuple(statement for child in inside for statement in self.statement(child))
        no = self.statements(alternative)
        if self.text(condition).strip() == "0":
            yield from no
        else:
            yield syntax.If(self.place(node, short=True), self._unread(condition or node), yes, no, has_blocks=False)

    def _macro(self, node: Node) -> Iterator[Statement]:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        text = self.text(value).strip()
        place = self.place(node)
        if (number := _number(text)) is not None:
            yield syntax.Assign(place, self._name(name), syntax.Constant(place, number))
        elif re.fullmatch(rf"(?:{_PART}\s*)+", text):
            parts: list[tuple[Expression, str]] = []
            for part in re.finditer(_PART, text):
                known = syntax.Name(place, part[2]) if part[2] else syntax.Constant(place, _unescaped(part[1]))
                parts.append((known, ""))
            value = parts[0][0] if len(parts) == 1 else syntax.Joined(place, tuple(parts))
            yield syntax.Assign(place, self._name(name), value)

    # Expressions.

    def _name(self, node: Any) -> Expression:
        return syntax.Name(self.place(node), self.text(node))

    def _field(self, node: Node, name: str) -> Expression:
        child = node.child_by_field_name(name)
        return self._unread(node) if child is None else self.expression(child)

    def _condition(self, node: Node) -> Expression:
        value = node.child_by_field_name("value")
        if value is not None and value.type == "declaration":
            target = _innermost(value.child_by_field_name("declarator"))
            return self._unread(node) if target is None else self.expression(target)
        return self._field(node, "value")

    def _only(self, node: Node) -> Expression:
        children = [child for child in _named(node) if child.type != "comment"]
        return self.expression(children[0]) if len(children) == 1 else self._unread(node)

    def _string(self, node: Node) -> Expression:
        text = self.text(node)
        start = re.match(r"(?:u8|u|U|L)?(?=['\"])", text)
        inner = text[start.end() + 1 : -1] if start else text
        return syntax.Constant(self.place(node), _unescaped(inner))

    def _raw_string(self, node: Node) -> Expression:
        match = re.fullmatch(r'\w*"([^(]*)\((.*)\)\1"', self.text(node), re.DOTALL)
        return syntax.Constant(self.place(node), match[2]) if match else self._unread(node)

    def _joined(self, node: Node) -> Expression:
        parts = [(self.expression(child), "") for child in _named(node) if child.type != "comment"]
        return syntax.Joined(self.place(node), tuple(parts))

    def _number(self, node: Node) -> Expression:
        number = _number(self.text(node))
        return self._unread(node) if number is None else syntax.Constant(self.place(node), number)

    def _constant(self, node: Node) -> Expression:
        return syntax.Constant(self.place(node), {"true": True, "false": False}.get(node.type))

    def _qualified(self, node: Node) -> Expression:
        scope, name = node.child_by_field_name("scope"), node.child_by_field_name("name")
        if name is None:
            return self._unread(node)
        base = None if scope is None else self.expression(scope)
        inner = self.expression(name)
        return inner if base is None else _under(base, inner)

    def _member(self, node: Node) -> Expression:
        field = node.child_by_field_name("field")
        inner = self._unread(node) if field is None else self.expression(field)
        name = inner.name if isinstance(inner, syntax.Name) else self.text(field)
        return syntax.Member(self.place(node), self._field(node, "argument"), name)

    def _call(self, node: Node) -> Expression:
        arguments, function = (node.child_by_field_name(name) for name in ("arguments", "function"))
        inside = self._arguments(arguments)
        if len(inside) == 1 and re.match(r"(static|dynamic|reinterpret|const)_cast\s*<", self.text(function)):
            return inside[0]
        if match := re.match(r"(?:std::)?make_(?:unique|shared)<([\w:]+)>", self.text(function)):
            called: Expression = syntax.Name(self.place(node), match[1].rpartition("::")[2])
        else:
            called = self._field(node, "function")
        return syntax.Call(self.place(node), called, inside)

    def _arguments(self, node: Node | None) -> tuple[Expression, ...]:
        return tuple(self.expression(child) for child in _named(node) if child.type not in ("comment", "ERROR"))

    def _new(self, node: Node) -> Expression:
        arguments = node.child_by_field_name("arguments")
        return syntax.Call(self.place(node), self._field(node, "type"), self._arguments(arguments))

    def _braces(self, node: Node) -> Expression:
        return syntax.Call(
            self.place(node), self._field(node, "type"), self._arguments(node.child_by_field_name("value"))
        )

    def _unary(self, node: Node) -> Expression:
        operator = self.text(node.child_by_field_name("operator"))
        return syntax.Unary(self.place(node), {"!": "not"}.get(operator, operator), self._field(node, "argument"))

    def _binary(self, node: Node) -> Expression:
        operator = self.text(node.child_by_field_name("operator"))
        left, right = (self._field(node, name) for name in ("left", "right"))
        return syntax.Binary(self.place(node), _OPERATORS.get(operator, operator), left, right)

    def _conditional(self, node: Node) -> Expression:
        parts = [self._field(node, name) for name in ("condition", "consequence", "alternative")]
        return syntax.Conditional(self.place(node), *parts)

    def _index(self, node: Node) -> Expression:
        return syntax.Index(self.place(node), self._field(node, "argument"), self._field(node, "indices"))

    def _items(self, node: Node) -> Expression:
        return syntax.Items(self.place(node), self._arguments(node))


def _under(base: Expression, inner: Expression) -> Expression:
    """``base::inner``, where the inner may be qualified itself."""
    if isinstance(inner, syntax.Member):
        return syntax.Member(inner.place, _under(base, inner.base), inner.name, is_scoped=True)
    if isinstance(inner, syntax.Name):
        return syntax.Member(inner.place, base, inner.name, is_scoped=True)
    return inner


def _named(node: Node | None) -> list[Node]:
    return [] if node is None else list(node.named_children)


def _child(node: Node, kinds: tuple[str, ...]) -> Node | None:
    return next((child for child in node.named_children if child.type in kinds), None)


def _chain(node: Node | None) -> Iterator[Node]:
    """A declarator and those inside it."""
    while node is not None:
        yield node
        node = node.child_by_field_name("declarator") or (
            _child(node, _DECLARATORS)
            if node.type.endswith("_declarator") and node.type != "structured_binding_declarator"
            else None
        )


def _innermost(node: Node | None) -> Node | None:
    chain = list(_chain(node))
    return chain[-1] if chain else None


def _is_value(declarator: Node) -> bool:
    """Whether an object is declared, no pointer and no reference to one."""
    return not any(part.type in ("pointer_declarator", "reference_declarator") for part in _chain(declarator))


def _number(text: str) -> int | float | None:
    text = text.replace("'", "")
    if text[:1] in ("-", "+"):
        number = _number(text[1:])
        return -number if number is not None and text[0] == "-" else number
    if match := re.fullmatch(r"(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,18})[uUlL]*", text):
        return int(match[1], 16) if match[1][:2] in ("0x", "0X") else int(match[1])
    if match := re.fullmatch(
        r"((?:[0-9]{1,40}\.[0-9]*|\.[0-9]{1,40}|[0-9]{1,40})(?:[eE][-+]?[0-9]{1,4})?)[fFlL]?", text
    ):
        return float(match[1])
    return None


def _unescaped(text: str) -> str:
    # A backslash at a line's end goes on with the next line.
    return re.sub(
        r"\\(\r?\n|.)", lambda match: tree.ESCAPES.get(match[1], match[1].strip("\r\n")), text, flags=re.DOTALL
    )

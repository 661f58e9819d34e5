"""What macros and scripts have in common: the few kinds of expressions and statements that a reader looks at.

C++ and Python are both brought into these; what is none of them is :class:`Unread`, and nothing is ever executed.
"""

import dataclasses
from collections.abc import Mapping

from tmva_bench.migration.booking import Place

# Calls that say something of a job, none of which may be passed over without a word.
TELLING = (
    *("DataLoader", "Factory", "CrossValidation", "BookMethod", "PrepareTrainingAndTestTree", "AddVariable"),
    *("AddSpectator", "AddVariablesArray", "AddSignalTree", "AddBackgroundTree", "SetSignalTree", "SetBackgroundTree"),
    *("AddTree", "SetInputTrees", "SetWeightExpression", "SetSignalWeightExpression"),
    *("SetBackgroundWeightExpression", "AddCut", "SetCut"),
)
# A known value in the text of a source; None is C++'s nullptr and Python's None.
Plain = str | int | float | bool | None


@dataclasses.dataclass(frozen=True)
class Expression:
    """An expression.

    Attributes:
        place: where it stands, with its text.
    """

    place: Place


@dataclasses.dataclass(frozen=True)
class Constant(Expression):
    """A literal."""

    value: Plain


@dataclasses.dataclass(frozen=True)
class Name(Expression):
    """A variable, function or type."""

    name: str


@dataclasses.dataclass(frozen=True)
class Member(Expression):
    """``a.b``, ``a->b`` and ``a::b``, which is scoped."""

    base: Expression
    name: str
    is_scoped: bool = False


@dataclasses.dataclass(frozen=True)
class Call(Expression):
    """A call, or the construction of an object, whose class is then ``function``."""

    function: Expression
    arguments: tuple[Expression, ...]
    keywords: tuple[tuple[str, Expression], ...] = ()


@dataclasses.dataclass(frozen=True)
class Unpacked(Expression):
    """``*items`` and ``**pairs`` among arguments or items."""

    value: Expression
    is_pairs: bool


@dataclasses.dataclass(frozen=True)
class Binary(Expression):
    """``left operator right``; the operators are spelled as in Python, but for ``<<``."""

    operator: str
    left: Expression
    right: Expression


@dataclasses.dataclass(frozen=True)
class Unary(Expression):
    """``-x``, ``+x``, ``not x``."""

    operator: str
    operand: Expression


@dataclasses.dataclass(frozen=True)
class Conditional(Expression):
    """``test ? yes : no``."""

    test: Expression
    yes: Expression
    no: Expression


@dataclasses.dataclass(frozen=True)
class Index(Expression):
    """``base[index]``."""

    base: Expression
    index: Expression


@dataclasses.dataclass(frozen=True)
class Items(Expression):
    """A list, a tuple, the braces of C++."""

    items: tuple[Expression, ...]


@dataclasses.dataclass(frozen=True)
class Pairs(Expression):
    """A dictionary; what is unpacked into it, ``**other``, has no key."""

    pairs: tuple[tuple[Expression | None, Expression], ...]


@dataclasses.dataclass(frozen=True)
class Joined(Expression):
    """Parts of one text: adjacent literals, an f-string; each other part with its format (``.2f``) or ""."""

    parts: tuple[tuple[Expression, str], ...]


@dataclasses.dataclass(frozen=True)
class Comprehension(Expression):
    """``[element for target in iterable if test]``."""

    element: Expression
    target: Expression
    iterable: Expression
    tests: tuple[Expression, ...]


@dataclasses.dataclass(frozen=True)
class Setting(Expression):
    """``a = b``, ``a += b``, ``i++`` within an expression.

    Attributes:
        statement: what it does.
        gives_old: whether it is worth what the target was before.
    """

    statement: "Assign"
    gives_old: bool = False


@dataclasses.dataclass(frozen=True)
class Unread(Expression):
    """Anything else."""


@dataclasses.dataclass(frozen=True)
class Statement:
    """A statement."""

    place: Place


@dataclasses.dataclass(frozen=True)
class Assign(Statement):
    """``target = value``; with an operator ``target operator= value``.

    Attributes:
        target: what is set.
        value: to what.
        operator: ``+`` of ``+=``, or "".
        declares: whether the target is a new variable, which ends with its block.
    """

    target: Expression
    value: Expression
    operator: str = ""
    declares: bool = False


@dataclasses.dataclass(frozen=True)
class Do(Statement):
    """An expression alone."""

    expression: Expression


@dataclasses.dataclass(frozen=True)
class If(Statement):
    """A choice; that of the preprocessor has no blocks, in which variables would end."""

    test: Expression
    yes: tuple[Statement, ...]
    no: tuple[Statement, ...] = ()
    has_blocks: bool = True


@dataclasses.dataclass(frozen=True)
class For(Statement):
    """A loop over the items of something."""

    target: Expression
    iterable: Expression
    body: tuple[Statement, ...]


@dataclasses.dataclass(frozen=True)
class While(Statement):
    """A loop with a condition.

    Attributes:
        update: what is done after each round, after one that is left by ``continue``, too.
        is_tested_after: whether the condition stands at the end, ``do {} while``.
    """

    test: Expression
    body: tuple[Statement, ...]
    update: tuple[Statement, ...] = ()
    is_tested_after: bool = False


@dataclasses.dataclass(frozen=True)
class Function(Statement):
    """The definition of a function or method; parameters by name, with the default where there is one.

    The name of one that takes all that is left begins with ``*`` or ``**``.
    """

    name: str
    parameters: tuple[tuple[str, Expression | None], ...]
    body: tuple[Statement, ...]


@dataclasses.dataclass(frozen=True)
class Return(Statement):
    """The end of a function."""

    value: Expression | None


@dataclasses.dataclass(frozen=True)
class Leave(Statement):
    """``break`` or ``continue``.

    Attributes:
        goes_on: whether the loop goes on with its next round.
    """

    goes_on: bool


@dataclasses.dataclass(frozen=True)
class Program:
    """A parsed source.

    Attributes:
        statements: of the whole file.
        unread: where no sense could be made of the text.
        telling: where a name of :data:`TELLING` stands, with the name.
        fields: the places at which a name stands among the members of the structures of C++.
    """

    statements: tuple[Statement, ...]
    unread: tuple[Place, ...]
    telling: tuple[tuple[str, Place], ...] = ()
    fields: Mapping[str, frozenset[int]] = dataclasses.field(default_factory=dict)

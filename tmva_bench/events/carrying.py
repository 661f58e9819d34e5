"""Spectators: the type in which each is carried along, and values that do not fit it."""

from typing import Optional, Set

import numpy

from tmva_bench.errors import UserError
from tmva_bench.events import expressions
from tmva_bench.events.expressions import Expression
from tmva_bench.events.sources import Table

DOUBLE, WHOLE, UNSIGNED = "float64", "int64", "uint64"
# So many events tell whether a spectator is a whole number.
_PROBE = 1000


def type_of(table: Table, expression: Expression, pad: Optional[float], *, may_lack: bool) -> str:
    """The type of a spectator: unsigned where it is a branch of unsigned 64 bits.

    Args:
        table: events to look at.
        expression: the spectator.
        pad: what stands for an element that is not there; None where there is nothing.
        may_lack: whether an event may lack it.
    """
    events = min(table.events, _PROBE)
    # A pad may be no whole number, and what is not there is NaN.
    is_padded = any(node.kind in ("element", "call") for node in expressions.walk(expression.root))
    if not events or (is_padded and (may_lack or pad is not None)):
        return DOUBLE
    if expression.root.kind == "name" and table.is_unsigned(expression.root.value):
        return UNSIGNED
    # What is computed may be a whole number that 64 bits do not hold.
    read = table.kinds if expression.root.kind == "name" else lambda names, most: table.columns(names, 0, most)
    columns = read(expression.names, events)
    values = expressions.evaluate("spectator", expression, columns, events, pad).values
    return WHOLE if getattr(getattr(values, "dtype", None), "kind", "f") in "biu" else DOUBLE


def common(kinds: Set[str]) -> str:
    """The type that holds what trees have of these types, a double for none.

    Args:
        kinds: the types of one spectator.
    """
    return next((kind for kind in (DOUBLE, UNSIGNED, WHOLE) if kind in kinds), DOUBLE)


def fitted(where: str, values: numpy.ndarray, wanted: str, entries: numpy.ndarray, cure: str) -> numpy.ndarray:
    """Values in the type of their spectator.

    Args:
        where: file and spectator, for the message.
        values: one an event.
        wanted: the type.
        entries: their numbers in the tree.
        cure: what to do where it does not hold them.

    Raises:
        UserError: a number that this type does not hold.
    """
    if wanted == DOUBLE:
        return values.astype(wanted)
    kind, low, high = values.dtype.kind, *((0.0, 2.0**64) if wanted == UNSIGNED else (-(2.0**63), 2.0**63))
    bad = numpy.zeros(len(values), bool)
    if kind == "f":
        with numpy.errstate(invalid="ignore"):
            bad = ~((values == numpy.floor(values)) & (values >= low) & (values < high))
    elif kind == "u" and wanted == WHOLE:
        bad = values >= numpy.uint64(2**63)
    elif kind == "i" and wanted == UNSIGNED:
        bad = values < 0
    if bad.any():
        entry = int(numpy.argmax(bad))
        what = "a whole number" if wanted == WHOLE else "a whole number of unsigned 64 bits"
        raise UserError(f"{where}: {values[entry]} at entry {entries[entry]}, and the first events tell {what}; {cure}")
    return values.astype(wanted)

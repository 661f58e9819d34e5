"""What becomes of each thing that a source states: equal, equal under a condition, or not to be had."""

from typing import NamedTuple

from tmva_bench.migration.booking import Place

EQUAL, CONDITION, NOT = "equal", "equal under a condition", "cannot be had"
VERDICTS = (EQUAL, CONDITION, NOT)


class Row(NamedTuple):
    """One thing that a source states.

    Attributes:
        place: where, with its text.
        becomes: what it is in the study, "" where there is nothing of it.
        verdict: one of :data:`VERDICTS`.
        why: the reason or the condition.
    """

    place: Place
    becomes: str
    verdict: str
    why: str

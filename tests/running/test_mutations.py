"""A seeded tenth of the campaign of ``mutations.py``: no traceback, no hang, no wrong agreement."""

import collections

import mutations
import pytest

pytest.importorskip("ROOT")
pytest.importorskip("jax")


@pytest.mark.parametrize(
    ("kind", "action"),
    [pytest.param(*kind, marks=[pytest.mark.slow] if kind[0] == "log.txt" else []) for kind in mutations.KINDS],
)
def test_changed_files_are_refused_or_judged_right(tmp_path, kind, action):
    # A replay trains, which takes seconds; most of a log is not read.
    copies = 40 if action == "verify" else 25 if kind == "log.txt" else 12
    outcomes = mutations.outcomes(tmp_path / "copies", kind, action, copies)
    assert set(outcomes.values()) <= {"agrees", "differs", "refused"}, outcomes
    # The changes are such that some are found out, and the evaluation here agrees with the whole file.
    assert collections.Counter(outcomes.values())["refused"] + collections.Counter(outcomes.values())["differs"] >= 3
    assert mutations.evaluated(mutations.SHIPPED) < 1e-6

"""A seeded tenth of the campaign of ``mutations.py``: no traceback, no hang, no wrong agreement."""

import collections

import mutations
import pytest

pytest.importorskip("ROOT")
pytest.importorskip("jax")


@pytest.mark.parametrize(("kind", "action"), mutations.KINDS)
def test_changed_files_are_refused_or_judged_right(tmp_path, kind, action):
    # A replay trains, which takes seconds; a log is read by it alone.
    copies = 40 if action == "verify" or kind == "log.txt" else 15
    found = mutations.outcomes(tmp_path / "copies", kind, action, copies)
    assert set(found.values()) <= {"agrees", "differs", "refused"}, found
    # The changes are such that some are found out, and the evaluation here agrees with the whole file.
    assert collections.Counter(found.values())["refused"] + collections.Counter(found.values())["differs"] >= 3
    assert mutations.evaluated(mutations.SHIPPED) < 1e-6

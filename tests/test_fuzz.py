"""A tenth of the attacks of ``fuzz.py``: every one ends in an answer or in one line, within the time."""

import fuzz
import pytest


@pytest.mark.parametrize("kind", fuzz.TRIES)
def test_nothing_ends_otherwise_than_in_an_answer_or_one_line(kind):
    tries = fuzz.TRIES[kind] // 10
    ended = fuzz.campaign(kind, tries, 1)
    assert ended.total() == tries
    assert set(ended) <= {"answer", "one line"}
    assert ended["one line"] > 0

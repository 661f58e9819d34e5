"""Placements beside a run's scores: as exact as those made of the scores, and none where they are others."""

import os

import numpy
import pytest

from tmva_bench.events import roc
from tmva_bench.results import placements


def test_placements_come_back_as_they_were_written(tmp_path):
    random = numpy.random.default_rng(1)
    placed = roc.placements(random.normal(1, 1, 30), random.normal(size=20))
    placements.write(tmp_path, placed)
    read = placements.read(tmp_path / placements.FILE, 30, 20)
    assert [values.tolist() for values in read] == [values.tolist() for values in placed]


NONE = {
    "of an earlier version": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "torn": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "of more events": lambda path: path.write_bytes(bytes(32)),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}


@pytest.mark.parametrize("change", NONE.values(), ids=NONE)
def test_what_is_not_of_so_many_events_is_none(tmp_path, change):
    placements.write(tmp_path, roc.Placements(numpy.array([0.5]), numpy.array([1.0, 0.0])))
    change(tmp_path / placements.FILE)
    assert placements.read(tmp_path / placements.FILE, 1, 2) is None

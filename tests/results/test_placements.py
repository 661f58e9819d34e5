"""Placements beside a run's scores: as exact as those made of the scores, and refused where they are others."""

import os

import numpy
import pytest

from tmva_bench.errors import UserError
from tmva_bench.events import roc
from tmva_bench.results import placements


def test_placements_come_back_as_they_were_written(tmp_path):
    random = numpy.random.default_rng(1)
    placed = roc.placements(random.normal(1, 1, 30), random.normal(size=20))
    placements.write(tmp_path, placed)
    read = placements.read(tmp_path / placements.FILE, 30, 20)
    assert [values.tolist() for values in read] == [values.tolist() for values in placed]


def test_a_run_of_an_earlier_version_has_none(tmp_path):
    assert placements.read(tmp_path / placements.FILE, 1, 1) is None


def pickled(path):
    numpy.save(path, numpy.array([{}, {}, {}], dtype=object), allow_pickle=True)


def of_a_trillion(path):
    with path.open("wb") as file:
        numpy.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})


OTHERS = {
    "empty": lambda path: path.write_bytes(b""),
    "torn": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "text": lambda path: path.write_text("no array"),
    "of more events": lambda path: numpy.save(path, numpy.zeros(4)),
    "of another kind": lambda path: numpy.save(path, numpy.zeros(3, numpy.float32)),
    "not a number": lambda path: numpy.save(path, numpy.array([0.5, numpy.nan, 0.5])),
    "pickled": pickled,
    "of a trillion events": of_a_trillion,
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_what_is_no_placements_of_these_events_is_refused_with_the_cure(tmp_path, change):
    placements.write(tmp_path, roc.Placements(numpy.array([0.5]), numpy.array([1.0, 0.0])))
    path = tmp_path / placements.FILE
    change(path)
    with pytest.raises(UserError, match=r"placements.npy: .*placements.*; remove the file: they are made anew"):
        placements.read(path, 1, 2)


def test_nobody_is_waited_for_at_a_pipe(tmp_path):
    os.mkfifo(tmp_path / placements.FILE)
    assert placements.read(tmp_path / placements.FILE, 1, 2) is None

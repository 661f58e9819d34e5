"""Whole numbers of unsigned 64 bits in expressions, and spectators in the type that holds them."""

from pathlib import Path

import awkward
import numpy
import pytest
import uproot

from tmva_bench import api
from tmva_bench.errors import UserError
from tmva_bench.events import application, expressions, inputs

IDS = numpy.array([2**64 - 1, 2**64 - 2, 2**63 + 1, 2**63, 5, 4], numpy.uint64)


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("id % 2 == 0", lambda n: n % 2 == 0),
        ("id % 1000", lambda n: n % 1000),
        ("id & 6", lambda n: n & 6),
        ("id >> 40", lambda n: n >> 40),
        ("id == 0x8000000000000000 || id == 5", lambda n: n in (2**63, 5)),
        ("abs(id) % 7", lambda n: n % 7),
        ("id", lambda n: n),
        ("-id", lambda n: -float(n)),
        ("id + 1", lambda n: float(n) + 1),
        ("id * id", lambda n: float(n) ** 2),
        ("sum(list)", lambda n: 2 * float(n)),
        ("list[0] % 3", lambda n: n % 3),
    ],
)
def test_unsigned_numbers_are_exact(text, python):
    columns = {"id": expressions.column(IDS), "list": expressions.column(awkward.unflatten(numpy.repeat(IDS, 2), 2))}
    parsed = expressions.parse("cut", text)
    values = expressions.evaluate("cut", parsed, columns, len(IDS)).values
    assert [one.item() for one in values] == [python(int(n)) for n in IDS]


def trees(folder: Path, signal, background):
    folder.mkdir(exist_ok=True)
    for name, values in (("s", signal), ("b", background)):
        with uproot.recreate(folder / f"{name}.root") as file:
            draw = numpy.random.default_rng(1).normal(size=len(values))
            file.mktree("t", {"x": "f4", "id": values.dtype}).extend({"x": draw.astype("f4"), "id": values})
    return {"signal": f"{folder}/s.root:t", "background": f"{folder}/b.root:t", "variables": "x", "spectators": "id"}


def spectators(path, classes="S"):
    with uproot.open(path) as file:
        parts = [
            file[f"Spectators{half}{kind}"]["id"].array(library="np") for kind in classes for half in ("Train", "Test")
        ]
        return parts[0].dtype, set(numpy.concatenate(parts).tolist())


def test_ids_of_unsigned_64_bits_split_and_are_carried_as_they_are(tmp_path):
    ids = numpy.concatenate([numpy.arange(1500, dtype="u8"), 2**64 - 1500 + numpy.arange(1500, dtype="u8")])
    asked = trees(tmp_path, ids, ids)
    api.convert(tmp_path / "input.root", **asked, split="id % 2 == 0")
    assert spectators(tmp_path / "input.root") == (numpy.dtype("u8"), set(ids.tolist()))
    with uproot.open(tmp_path / "input.root") as file:
        assert not (file["SpectatorsTrainB"]["id"].array(library="np") % numpy.uint64(2)).any()
    trees_of = application.Trees(inputs.read(tmp_path / "input.root").metadata, [asked["signal"]])
    carried = numpy.concatenate([chunk.columns["id"] for chunk in trees_of.chunks()])
    assert carried.tolist() == ids.tolist()


@pytest.mark.parametrize(
    ("signal", "background", "reason"),
    [
        (numpy.arange(100), numpy.arange(100) + 0.5, "0.5 at entry 0, and the first events tell a whole number"),
        (numpy.arange(100), numpy.full(100, numpy.nan), "nan at entry 0"),
        (numpy.arange(100), numpy.arange(100, dtype="u8") + 2**63, "9223372036854775808 at entry 0"),
        (numpy.arange(100, dtype="u8"), numpy.arange(100) - 50, "-50 at entry 0, and the first events tell a whole"),
        (numpy.arange(100), numpy.arange(100) * 1.0, ""),
        (numpy.arange(100) + 0.5, numpy.arange(100), ""),
    ],
)
def test_a_spectator_that_its_type_does_not_hold_is_refused(tmp_path, signal, background, reason):
    asked = trees(tmp_path, signal, background)
    if reason:
        with pytest.raises(UserError, match="b.root:t, branch 'id': ") as error:
            api.convert(tmp_path / "input.root", **asked)
        assert reason in str(error.value)
    else:
        api.convert(tmp_path / "input.root", **asked)
        assert spectators(tmp_path / "input.root", "B")[1] == set(background.tolist())


def test_other_events_have_the_type_that_holds_those_of_all_trees(tmp_path):
    """In whatever order they are given: nobody can leave out a spectator that a run has."""
    numbers = numpy.arange(4)
    trees(tmp_path, numbers, numbers)
    trees(tmp_path / "of halves", numbers / 2, numbers)
    whole, halves = f"{tmp_path / 's.root'}:t", f"{tmp_path / 'of halves' / 's.root'}:t"
    api.convert(tmp_path / "input.root", whole, f"{tmp_path / 'b.root'}:t", variables=["x"], spectators=["id"])
    metadata = inputs.read(tmp_path / "input.root").metadata
    assert application.Trees(metadata, [whole]).types["id"] == "int64"
    for texts in ([whole, halves], [halves, whole]):
        parts = [chunk.columns["id"] for chunk in application.Trees(metadata, texts).chunks()]
        assert sorted(numpy.concatenate(parts)) == sorted([*numbers, *numbers / 2])

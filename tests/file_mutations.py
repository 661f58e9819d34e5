"""Copies of the tool's own files with seeded changes, and how each is answered: ``python file_mutations.py COPIES``.

Files: the common input file, a user's trees, flat and jagged, an encoded file, and a results folder's record,
curves and trees.
"""

import json
import logging
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import awkward
import numpy
import uproot
from fuzz import outcome
from made_up_rows import keep
from mutations import mutate

from tmva_bench.basis import autoencoder
from tmva_bench.engines import encoder
from tmva_bench.errors import UserError
from tmva_bench.events import inputs, samples
from tmva_bench.results.folder import ResultsFolder

EVENTS = {"train_signal": 60, "train_background": 60, "test_signal": 50, "test_background": 50}


def prepare(folder: Path) -> None:
    """Makes one whole file of each kind."""
    inputs.write(samples.gauss(variables=3, **EVENTS), folder / "input.root")
    data = inputs.read(folder / "input.root")
    specification = autoencoder.specification(2, {"Layout": "LINEAR|k,LINEAR", "TrainingStrategy": "BatchSize=20"})
    prepared = encoder.prepare(specification, data)
    axes = prepared.axes[:, :2].astype(numpy.float32)
    mean = prepared.mean.astype(numpy.float32)
    encoder.write_encoded(
        prepared._replace(layers=[(axes, -mean @ axes), (axes.T, mean)]), data, folder / "encoded.root"
    )
    for name, tree in (("own.root", "TrainS"), ("background.root", "TrainB")):
        with uproot.recreate(folder / name) as file:
            columns = {"x": data.events[tree][:, 0], "y": data.events[tree][:, 1].astype(float)}
            file.mktree("t", {"x": "f4", "y": "f8"}).extend(columns)
    counts = numpy.arange(len(data.weights["TrainS"])) % 4
    jets = awkward.unflatten(numpy.linspace(0, 90, counts.sum()).astype("f4"), counts)
    with uproot.recreate(folder / "jagged.root") as file:
        columns = {"x": data.events["TrainS"][:, 0], "Jet_pt": jets, "event": numpy.arange(len(jets))}
        file.mktree("t", {"x": "f4", "Jet_pt": "var * float32", "event": "i8"}).extend(columns)
    with uproot.recreate(folder / "rntuple.root") as file:
        file["t"] = columns
    for name in ("a", "b"):
        keep(folder / "results", name, roc_auc=0.75, sample="gauss", method="keras", backend="jax", architecture="cpu")


def _own_tree(path: Path) -> str:
    sources = ["--signal", f"{path.name}:t", "--background", "background.root:t"]
    return outcome(["convert", "-o", "new.root", "--force", *sources, "--variables", "x,y"])


def _jagged(path: Path) -> str:
    sources = ["--signal", f"{path.name}:t", "--background", "jagged.root:t"]
    chosen = ["--variables", "x, lead=Jet_pt[0], ht=sum(Jet_pt[Jet_pt>5])", "--pad", "0", "--cut", "len(Jet_pt) < 4"]
    rest = ["--weight", "1 + x*x/sum(x*x)", "--split", "event % 2 == 0", "--spectators", "event"]
    return outcome(["convert", "-o", "new.root", "--force", *sources, *chosen, *rest])


def _input(path: Path) -> str:
    """The events are those of the whole file, or they are refused; with its metadata gone it is a file made by hand."""
    try:
        read = inputs.read(path)
    except UserError as error:
        return "one line" if str(error).isprintable() else "no line for a terminal"
    whole = inputs.read("input.root")
    if read.metadata.get("checksum") is None:
        return "as made by hand"
    same = read.metadata == whole.metadata and all(
        numpy.array_equal(read.events[tree], whole.events[tree]) for tree in inputs.TREES
    )
    return "answer" if same else "wrong answer"


def _encoded(path: Path) -> str:
    ended = outcome(["decode", path.name, "-o", "new.root", "--force"])
    if ended != "answer":
        return ended
    outcome(["decode", "encoded.root", "-o", "right.root", "--force"])
    new, right = inputs.read("new.root"), inputs.read("right.root")
    if inputs.read(path).metadata.get("checksum") is None:
        return "as made by hand"
    return "answer" if new.metadata["digest"] == right.metadata["digest"] else "wrong answer"


def _results(path: Path) -> str:
    """A changed record is left out or marked; the trees are made anew from the records."""
    folder = ResultsFolder(path.parent if path.name == "results.root" else path.parents[2])
    problems = folder.problems()
    ended = outcome(["table", str(folder.path)])
    rows = {record.row.run_id: record.row for record in folder.load(curves=())}
    if path.name != "results.root" and "a" not in problems:
        return "not noticed"
    if rows["b"].roc_auc != 0.75:
        return "wrong answer"
    return "noticed" if ended in ("answer", "one line") else ended


def _trees(path: Path) -> str:
    return outcome(["table", path.name])


KINDS = {
    "common input file": ("input.root", _input),
    "own tree": ("own.root", _own_tree),
    "own jagged tree": ("jagged.root", _jagged),
    "own RNTuple": ("rntuple.root", _jagged),
    "encoded file": ("encoded.root", _encoded),
    "record": ("results/runs/a/record.json", _results),
    "curves": ("results/runs/a/curves.json", _results),
    "checksums": ("results/runs/a/SHA256SUMS", _results),
    "results trees": ("trees.root", _trees),
}
# What a changed copy may be answered with.
ALLOWED = {"answer", "one line", "as made by hand", "noticed"}


def campaign(folder: Path, kind: str, copies: int, seed: int = 1) -> Counter[str]:
    """How the changed copies of one kind of file were answered.

    Args:
        folder: see :func:`prepare`.
        kind: a key of :data:`KINDS`.
        copies: how many.
        seed: of the changes.
    """
    name, judge = KINDS[kind]
    generator = random.Random(f"{kind} {seed}")
    before, whole = Path.cwd(), (folder / name).read_bytes()
    os.chdir(folder)
    try:
        answers: Counter[str] = Counter()
        for _ in range(copies):
            path = Path(name) if "/" in name else Path("changed.root")
            changed = mutate(whole, generator)
            if changed == whole:
                continue
            path.write_bytes(changed)
            answers[judge(path)] += 1
        return answers
    finally:
        (folder / name).write_bytes(whole)
        os.chdir(before)


def with_trees(folder: Path) -> None:
    """Adds results trees of their own, beside no records."""
    results = ResultsFolder(folder / "results")
    with results.held():
        results.rebuild()
    shutil.copy(results.tree, folder / "trees.root")


if __name__ == "__main__":
    logging.disable()
    with tempfile.TemporaryDirectory() as temporary:
        prepare(Path(temporary))
        with_trees(Path(temporary))
        for one in KINDS:
            sys.stdout.write(f"{one}: {json.dumps(campaign(Path(temporary), one, int(sys.argv[1])))}\n")
            sys.stdout.flush()

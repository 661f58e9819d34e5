"""What this package costs beside what it stands on: ``python benchmarks/costs.py roc|files|run|models|folders``."""

import dataclasses
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import measuring
import numpy

ROUNDS = 5
VARIABLES = 30
RUNS = 3
# Bare libraries, what ours is measured against.
UPROOT, FRAME, SKLEARN = "bare uproot", "RDataFrame", "scikit-learn, area alone"


def roc(_: Path) -> None:
    """ROC area with its error, weighted, beside the area alone by scikit-learn."""
    from sklearn.metrics import roc_auc_score

    from tmva_bench.events.roc import area_of, placements

    random = numpy.random.default_rng(1)
    for scores in (10**4, 10**5, 10**6, 10**7):
        signal, background = random.normal(0.5, 1, scores // 2), random.normal(0, 1, scores // 2)
        weights = random.uniform(0.5, 2, scores // 2), random.uniform(0.5, 2, scores // 2)
        labels = numpy.repeat([1, 0], scores // 2)
        both, both_weights = numpy.concatenate([signal, background]), numpy.concatenate(weights)
        ours = "area with error"
        ways = {
            SKLEARN: lambda: roc_auc_score(labels, both, sample_weight=both_weights),  # noqa: B023
            ours: lambda: area_of(placements(signal, background, *weights), *weights),  # noqa: B023
        }
        number = 2 if scores > 10**6 else ROUNDS
        taken = measuring.rounds({name: lambda way=way: measuring.cpu(way) for name, way in ways.items()}, number)
        measuring.say_ratios("ROC area", taken, SKLEARN, scores, {ours: 2.0})
        if scores == 10**6:
            measuring.say("ROC area", f"{ours}, seconds", scores, taken[ours], target=1.0)


EVENTS, CHUNK = 400_000, 100_000
NAMES = [f"x{n}" for n in range(VARIABLES)]


def files(folder: Path) -> None:
    """Users' trees made into an input file, and that read, beside bare uproot and RDataFrame on the same branches."""
    import uproot

    from tmva_bench import api
    from tmva_bench.events import inputs

    random = numpy.random.default_rng(1)
    for kind, shift in (("signal", 0.2), ("background", 0.0)):
        with uproot.recreate(folder / f"{kind}.root") as file:
            tree = file.mktree("events", dict.fromkeys(NAMES, numpy.float32))
            for _ in range(0, EVENTS // 2, CHUNK):
                tree.extend({name: random.normal(shift, 1, CHUNK).astype(numpy.float32) for name in NAMES})

    def convert() -> None:
        (folder / "input.root").unlink(missing_ok=True)
        sources = (f"{folder / kind}.root:events" for kind in ("signal", "background"))
        api.convert(folder / "input.root", *sources, variables=NAMES)

    ways = {UPROOT: lambda: _bare_uproot(folder), FRAME: lambda: _frame(folder), "convert": convert}
    for way in ways.values():
        way()  # loads what it needs
    taken = measuring.rounds({name: lambda way=way: measuring.cpu(way) for name, way in ways.items()}, 3)
    measuring.say_ratios("write an input file", taken, UPROOT, EVENTS, {"convert": 1.3})

    def bare_read() -> None:
        with uproot.open(folder / "input.root") as file:
            for tree in inputs.TREES:
                file[tree].arrays(library="np")

    reading = {UPROOT: bare_read, "read": lambda: inputs.read(folder / "input.root")}
    taken = measuring.rounds({name: lambda way=way: measuring.cpu(way) for name, way in reading.items()}, 3)
    measuring.say_ratios("read an input file", taken, UPROOT, EVENTS, {"read": 1.3})
    command = [
        "convert",
        "-o",
        "again.root",
        "--signal",
        "signal.root:events",
        "--background",
        "background.root:events",
    ]
    cost = measuring.tool(*command, "--variables", ",".join(NAMES), cwd=folder)
    measuring.say("write an input file", "convert, memory", EVENTS, [cost.memory], unit="MiB", target=1024)


def _bare_uproot(folder: Path) -> None:
    import uproot

    with uproot.recreate(folder / "bare.root") as out:
        for kind in ("signal", "background"):
            with uproot.open(folder / f"{kind}.root") as file:
                tree = out.mktree(kind, {**dict.fromkeys(NAMES, numpy.float32), "weight": numpy.float32})
                for part in file["events"].iterate(step_size=CHUNK, library="np"):
                    tree.extend({**part, "weight": numpy.ones(len(part[NAMES[0]]), numpy.float32)})


def _frame(folder: Path) -> None:
    import ROOT

    for kind in ("signal", "background"):
        frame = ROOT.RDataFrame("events", str(folder / f"{kind}.root")).Define("weight", "1.f")
        frame.Snapshot(kind, str(folder / f"frame-{kind}.root"), [*NAMES, "weight"])


def run(folder: Path) -> None:
    """A run beyond its method's training and testing, beyond what loading ROOT and the library takes; two at a time."""
    import tmva_bench

    tmva_bench.generate(folder / "input.root", train_signal=20_000, train_background=20_000, test_signal=20_000,
                        test_background=20_000)  # fmt: skip
    loads = {
        "keras jax": (
            'method = "keras"\nbackend = "jax"',
            "import os; os.environ['KERAS_BACKEND'] = 'jax'; import keras",
        ),
        "linear": ('method = "linear"', "import sklearn.linear_model"),
    }
    for name, (series, code) in loads.items():
        study = folder / f"{name}.toml"
        study.write_text(
            f'name = "run"\nrepetitions = {RUNS}\nsample = {{file = "{folder / "input.root"}"}}\n'
            f"point = {{max_epochs = 4}}\n[[series]]\n{series}\n"
        )
        beyond, loading, total, trees = [], [], [], []
        for number in range(2):
            start = measuring.cpu_of_children()
            rows = tmva_bench.run_study(study, folder=folder / f"{name}-{number}")
            total.append((measuring.cpu_of_children() - start) / RUNS)
            loading.append(measuring.child(sys.executable, "-c", f"import ROOT; ROOT.TH1; {code}").cpu)
            trees.append(_trees(folder / f"{name}-{number}"))
            done = sum(row[f"cpu_time_{part}"] for row in rows for part in ("train", "test")) / RUNS
            beyond.append(total[-1] - trees[-1] / RUNS - done - loading[-1])
        measuring.say("a run of a study", f"{name}, children in all", RUNS, total)
        measuring.say("a run of a study", f"{name}, the trees, once a study", RUNS, trees)
        measuring.say("a run of a study", f"{name}, loading ROOT and the library", RUNS, loading)
        measuring.say(
            "a run of a study", f"{name}, beyond loading, training, testing and trees", RUNS, beyond, target=0.5
        )
    if len(os.sched_getaffinity(0)) > 1:
        _side_by_side(folder)


def _trees(folder: Path) -> float:
    """CPU time of the child that writes the trees of a results folder [s]."""
    from tmva_bench.results import tree_file
    from tmva_bench.results.folder import ResultsFolder

    start = measuring.cpu_of_children()
    tree_file.write(ResultsFolder(folder).load(), folder / "again.root")
    return measuring.cpu_of_children() - start


def _side_by_side(folder: Path) -> None:
    import tmva_bench

    study = folder / "pair.toml"
    study.write_text(
        f'repetitions = 2\nsample = {{file = "{folder / "input.root"}"}}\npoint = {{max_epochs = 8}}\n'
        '[[series]]\nmethod = "keras"\nbackend = "jax"\n'
    )
    ratios, of_machine = [], []
    for number in range(3):
        times = []
        for jobs in (1, 2):
            rows = tmva_bench.run_study(study, folder=folder / f"pair-{number}-{jobs}", side_by_side=jobs)
            times.append(sum(row["cpu_time_train"] for row in rows))
        ratios.append(times[1] / times[0])
        of_machine.append(_products(2) / _products(1))
    group, name = "a run of a study", "CPU time of {}, two side by side / one"
    measuring.say(group, name.format("training"), 2, ratios, unit="ratio", target=1.05)
    measuring.say(group, name.format("matrix products alone"), 2, of_machine, unit="ratio")


# As many as in ten epochs of 40000 events and 4-100-100-100-1.
_PRODUCTS = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
import numpy
batch, weights = numpy.ones((128, 100), numpy.float32), numpy.full((100, 100), 0.01, numpy.float32)
start = time.process_time()
for _ in range(3 * 2 * 10 * 40000 // 128):
    batch @ weights
print(time.process_time() - start)
"""


def _products(number: int) -> float:
    """CPU time of the machine's own matrix products, so many processes at once, each on a core of its own [s]."""
    from tmva_bench.running import environments

    command = [sys.executable, "-c", _PRODUCTS]
    variables = {**os.environ, **environments.run_variables(threads=1, backend="", architecture="cpu")}
    children = [
        subprocess.Popen([*command, str(cpu)], stdout=subprocess.PIPE, text=True, env=variables)
        for cpu in environments.cpus()[:number]
    ]
    return sum(float(child.communicate()[0]) for child in children) / len(children)


def models(folder: Path) -> None:
    """Export in each format, and scores of other events, of a run of Keras."""
    import tmva_bench
    from tmva_bench.engines import exports

    counts = dict.fromkeys(("train_signal", "train_background"), 5000)
    tmva_bench.generate(folder / "input.root", **counts, test_signal=50_000, test_background=50_000)
    tmva_bench.run(folder / "input.root", "keras", backend="jax", point={"max_epochs": 2}, folder=folder / "results")
    (trained,) = (folder / "results" / "runs").glob("keras-*")
    endings = {"onnx": "onnx", "header": "hxx", "tmva": "weights.xml", "keras": "keras", "rdataframe": "hxx"}
    for form in exports.FORMATS:
        out = folder / f"{form}.{endings[form]}"
        costs = [measuring.tool("export", trained, "--format", form, "-o", out, "--force") for _ in range(2)]
        measuring.say("export", form, 1, [cost.cpu for cost in costs])
    trees = [f"{folder / 'input.root'}:{tree}" for tree in ("TestS", "TestB")]
    costs = [measuring.tool("apply", trained, *trees, "-o", folder / f"scores-{n}.root") for n in range(2)]
    measuring.say("apply", "keras jax", 100_000, [cost.cpu for cost in costs])
    measuring.say("apply", "keras jax, memory", 100_000, [cost.memory for cost in costs], unit="MiB")


def folders(folder: Path) -> None:
    """Commands on results folders of many finished runs: the events of one run, under many names and points."""
    targets = {
        ("table", 1000): 1.0,
        ("table", 10_000): 6.0,
        ("report", 10_000): 10.0,
        ("differences", 10_000): 10.0,
        ("compare", 1000): 3.0,
    }
    for runs in (10, 100, 1000, 10_000):
        results, other = folder / f"{runs}", folder / f"{runs}-again"
        _fill(results, runs)
        shutil.copytree(results, other, copy_function=os.link)
        commands: dict[str, list[Any]] = {
            "table": ["table", results],
            "report": ["report", results, "-o", folder / f"{runs}.html", "--force"],
            "differences": ["differences", results],
            "compare": ["compare", results, other],
            "merge": ["merge", results, other, "-o", folder / f"{runs}-merged"],
        }
        for name, command in commands.items():
            cost = measuring.tool(*command)
            measuring.say("finished runs", name, runs, [cost.cpu], target=targets.get((name, runs), float("nan")))
            measuring.say("finished runs", f"{name}, memory", runs, [cost.memory], unit="MiB")
        for path in (results, other, folder / f"{runs}-merged"):
            shutil.rmtree(path)


def _fill(results: Path, runs: int) -> None:
    """A results folder whose runs differ by number of neurons, repetition and series."""
    from tmva_bench.results import placements
    from tmva_bench.results.folder import ResultsFolder, example

    source = example()
    (record, *_) = (one for one in source.load() if one.row.status == "ok" and one.row.method == "keras")
    first = results.with_suffix(".first")
    shutil.copytree(source.run_folder(record.row.run_id), first)
    _keep_placements(first, source.read_input(record.row.run_id, record.row.input_digest))
    # Nothing that is lost with the machine.
    os.fsync = lambda _: None  # type: ignore[assignment]
    filled = ResultsFolder(results)
    with filled.held():
        for number in range(runs):
            name = f"keras-jax-sgd-{number:012d}"
            values = {"run_id": name, "repetition": number % 5 + 1, "seed": number % 5 + 1}
            values |= {"backend": ("jax", "tensorflow")[number // 5 % 2], "neurons": number // 10 + 1}
            row = dataclasses.replace(
                record.row,
                **values,
            )
            with filled.under_way(name) as place:
                for file in ("scores.root", "task.json", placements.FILE):
                    os.link(first / file, place / file)
                filled.finish(place, dataclasses.replace(record, row=row))
        shutil.copytree(source.inputs, filled.inputs)
    shutil.rmtree(first)


def _keep_placements(run: Path, data: Any) -> None:
    """Those of the test events' scores: the runs of the example are from before they were kept."""
    from tmva_bench.events import reading, roc
    from tmva_bench.results import placements

    with reading.opened(run / "scores.root") as file:
        scores = [reading.numbers(file[tree], "score") for tree in ("TestS", "TestB")]
    placements.write(run, roc.placements(*scores, data.weights["TestS"], data.weights["TestB"]))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        globals()[sys.argv[1]](Path(scratch))

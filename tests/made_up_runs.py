"""A results folder with MADE-UP runs and scores, for tests of what compares runs: nothing here was trained."""

import json

import numpy
import uproot

from tmva_bench.basis import config
from tmva_bench.compare import differences
from tmva_bench.events import inputs, roc, samples
from tmva_bench.results.folder import ResultsFolder
from tmva_bench.results.rows import History, Record, RunRow

EVENTS = {"train_signal": 60, "train_background": 60, "test_signal": 300, "test_background": 300}
TMVA = {"method": "tmva-dnn", "backend": "tmva"}
# How well the made-up scores separate.
GOOD, BAD = 1.2, 0.4


class Folder:
    """A results folder with made-up runs.

    Args:
        path: where to make it.
        events: seed of the events; those of the sample and their scores.
        starts: seed of all else, the starts of the repetitions above all.
        sample: parameters of the sample that differ.
    """

    def __init__(self, path, events=1, starts=61, **sample):
        self.path = path / "results"
        self.input = path / "input.root"
        path.mkdir(exist_ok=True)
        inputs.write(samples.gauss(seed=events, **{**EVENTS, **sample}), self.input)
        self.digest = inputs.read(self.input).metadata["digest"]
        of_events = numpy.random.default_rng(events)
        self._test = {tree: of_events.normal(size=EVENTS[n]) for n, tree in config.COUNTS.items()}
        self._generator = numpy.random.default_rng(starts)
        self._starts = self._generator.normal(size=(10, EVENTS["test_signal"]))

    def add(self, repetitions=3, shift=GOOD, losses=(0.6, 0.5, 0.4), **values):
        """Runs of one series at one point; repetition n has a start of its own, whatever the method."""
        for n in range(1, repetitions + 1):
            self._keep(n, shift, losses, {"seed": n, **values})

    def _keep(self, n, shift, losses, values):
        row = vars(config.Point()).copy()
        row.update(status="ok", method="keras", backend="jax", architecture="cpu", environment="here", threads=1)
        name = f"run{len(list(self.path.glob('runs/run*'))):03d}"
        row.update(run_id=name, repetition=n, sample="gauss", input_digest=self.digest, start_time=name)
        row.update(cpu_time_train=2.0 + n / 100, real_time_train=1.0 + n / 100)
        row.update(values)
        history = History(
            epoch=list(range(1, len(losses) + 1)),
            training_loss=list(losses),
            validation_loss=list(losses),
            real_time=[1.0] * len(losses),
            cpu_time=[1.5] * len(losses),
        )
        record = Record(row=RunRow(**row), history=history)
        with ResultsFolder(self.path).held(), ResultsFolder(self.path).under_way(name) as folder:
            (folder / "task.json").write_text(json.dumps({"input_file": str(self.input)}))
            with uproot.recreate(folder / "scores.root") as file:
                for tree in ("TestS", "TestB"):
                    noise = 0.3 * self._starts[n - 1] + 0.05 * self._generator.normal(size=EVENTS["test_signal"])
                    scores = self._test[tree] + noise + (shift if tree == "TestS" else 0)
                    file.mktree(tree, {"score": numpy.float64}).extend({"score": scores})
            ResultsFolder(self.path).finish(folder, record)

    def compare(self, **options):
        return differences.compare(self.records(), ResultsFolder(self.path), **options)

    def records(self):
        return ResultsFolder(self.path).load()

    def area(self, run_id):
        with uproot.open(self.path / "runs" / run_id / "scores.root") as file:
            return roc.auc(*(file[tree]["score"].array(library="np") for tree in ("TestS", "TestB")))

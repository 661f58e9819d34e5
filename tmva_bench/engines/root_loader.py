"""Batches by ROOT's own data loader, ``ROOT.Experimental.ML.RDataLoader``, which reads them from a ROOT file.

A thread of the loader reads the file anew in every epoch, shuffles what it read and cuts it into batches. It has the
training events alone, in a file of their own: a tree of the common input file holds those that validate, too, and with
a filter on it ROOT 6.40 gives zeros from the second epoch on, or, where it loads all at once, loops over the tree once
for each event. With a seed ROOT 6.40 shuffles every epoch alike, so all epochs have the same batches.
"""

import functools
import os
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Optional, Set

import numpy

from tmva_bench.basis.training import Training
from tmva_bench.engines import keras_training
from tmva_bench.engines.keras_training import Arrays
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.errors import TrainingFailed, Unavailable

_TREE = "Training"
_X, _TARGET, _WEIGHT = "x", "target", "weight"


class Loader:
    """Training events, batch after batch.

    Args:
        training: the network and its training, in one phase.
        events: the events to train on, not transformed.
        folder: where their file lies, without a name: nothing of it is left, however the process ends.
        watch: is told the ``feed``, all that the batches of a training took: CPU time of the loader's thread and of
            taking and transforming batches, and the real time in which the training had to wait for them.

    Raises:
        Unavailable: this ROOT has no such loader.
    """

    def __init__(self, training: Training, events: Arrays, folder: str, watch: Stopwatch) -> None:
        import ROOT

        if not hasattr(getattr(ROOT.Experimental, "ML", None), "RDataLoader"):
            raise Unavailable(
                f"ROOT {ROOT.gROOT.GetVersion()} has no data loader ROOT.Experimental.ML.RDataLoader; the batch "
                "generators of TMVA in older ROOTs are not taken",
                "take ROOT 6.40, or feeding = array",
            )
        self._root, self._watch = ROOT, watch
        self._seed, self._batch = training.seed, training.phases[0].batch_size
        self._steps, self._variables = len(events.x) // self._batch, events.x.shape[1]
        with tempfile.TemporaryFile(dir=folder) as file:
            _write(file.fileno(), events)
            self._file = os.dup(file.fileno())  # open until the process ends
        self._threads: Set[str] = set()
        self._cpu = self._real = self._cpu_before = 0.0

    def compile(self) -> None:
        """Has cling compile the loader, and starts its thread: an epoch that trains nothing."""
        frame = self._root.RDataFrame(_TREE, f"/proc/self/fd/{self._file}")
        self._loader = self._root.Experimental.ML.RDataLoader(
            frame,
            batch_size=self._batch,
            columns=[_X, _TARGET, _WEIGHT],
            max_vec_sizes={_X: self._variables},
            target=_TARGET,
            weights=_WEIGHT,
            set_seed=self._seed,
        ).as_numpy()
        others = _threads()
        for _ in self._batches(lambda x: x):
            pass
        self._threads = _threads() - others
        self._cpu_before = self._cpu_of_threads()

    def feed(self, transform: Callable[[numpy.ndarray], numpy.ndarray]) -> Callable[[], Iterator[Arrays]]:
        """What gives the batches of an epoch whenever it is called.

        Args:
            transform: the variable transformations.
        """
        return functools.partial(self._timed, transform)

    def _timed(self, transform: Callable[[numpy.ndarray], numpy.ndarray]) -> Iterator[Arrays]:
        batches = self._batches(transform)
        while True:
            # Whatever thread of a learning library it is that takes the batch.
            real, cpu = time.perf_counter(), time.thread_time()
            batch = next(batches, None)
            self._real += time.perf_counter() - real
            self._cpu += time.thread_time() - cpu
            self._watch.seconds["real_time_feed"] = self._real
            self._watch.seconds["cpu_time_feed"] = self._cpu + self._cpu_of_threads() - self._cpu_before
            if batch is None:
                return
            yield batch

    def _batches(self, transform: Callable[[numpy.ndarray], numpy.ndarray]) -> Iterator[Arrays]:
        """The batches of an epoch; the last one once the loader has ended it, for nobody may ask for more."""
        last, steps = None, 0
        for x, y, w in self._loader:
            if last is not None:
                yield last
            # What the loader gives lies in its memory, and is gone with the next batch.
            last, steps = Arrays(transform(numpy.array(x)), numpy.array(y), numpy.array(w[:, 0])), steps + 1
        if steps != self._steps:
            raise TrainingFailed(f"ROOT's data loader gave {steps} batches of {self._steps}; take feeding = array")
        if last is not None:
            yield last

    def _cpu_of_threads(self) -> float:
        # CLOCK_THREAD_CPUTIME_ID of another thread, as pthread_getcpuclockid makes it of its number.
        return sum(time.clock_gettime(~int(number) << 3 | 6) for number in self._threads)


def of(training: Training, events: Arrays, folder: str, watch: Stopwatch) -> Optional[Loader]:
    """The loader of a training, None for one that takes arrays; see :class:`Loader`.

    Args:
        training: the network and its training, in one phase.
        events: training events in TMVA's order, not transformed, those that validate, too.
        folder: where the loader's file lies.
        watch: is told the time that the batches take.

    Raises:
        Unavailable: this ROOT has no such loader.
    """
    if training.feeding == "array":
        return None
    return Loader(training, keras_training.parts(training, 0, events)[0], folder, watch)


def _threads() -> Set[str]:
    """The numbers of the threads of this process."""
    return {path.name for path in Path("/proc/self/task").iterdir()}


def _write(descriptor: int, events: Arrays) -> None:
    """Writes the events as a tree, the variables as one array: however many, cling compiles the same loader."""
    import uproot

    columns: Dict[str, Any] = {_X: events.x, _TARGET: events.y[:, 0], _WEIGHT: events.w}
    types = {name: (array.dtype, array.shape[1:]) for name, array in columns.items()}
    with os.fdopen(os.dup(descriptor), "w+b") as copy, uproot.recreate(copy) as file:
        file.mktree(_TREE, types).extend(columns)

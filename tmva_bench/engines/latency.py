"""How long an event takes in each of what evaluates a scoring function."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

import numpy

from tmva_bench.engines import (
    exports,
    keras_file,
    keras_training,
    onnx_file,
    tmva_session,
    tmva_weights,
)
from tmva_bench.engines.exports import Written
from tmva_bench.engines.scoring import Dense, Forest, Linear, Scoring
from tmva_bench.errors import Unavailable, UserError

# Events that a clock is started for at once last at least so long [s], and are timed so often.
_BLOCK_TIME, BLOCKS = 0.005, 31
_STEM = "latency"
ONNX = f"{_STEM}.onnx"

# What one pass over events gives: the scores of each call.
Pass = Callable[[], Sequence[numpy.ndarray]]
# Prepares a pass over events, float32 of shape (events, variables), so many a call.
Prepared = Callable[[numpy.ndarray, int], Pass]


class Asked(NamedTuple):
    """What is to evaluate, and how.

    Attributes:
        scored: the scoring function; what evaluates takes its variables, computed.
        ranges: smallest and largest value of each variable.
        folder: for files of its own; the folder above is shared, and :data:`ONNX` lies there.
        backend: the Keras backend.
        batches: how many events a call.
    """

    scored: Scoring
    ranges: Sequence[Tuple[float, float]]
    folder: Path
    backend: str
    batches: Sequence[int]


class Engine(NamedTuple):
    """What evaluates.

    Attributes:
        prepared: prepares passes.
        version: of its library.
        scores: whether it gives scores, and not only takes their time.
    """

    prepared: Prepared
    version: str
    scores: bool = True


class Timed(NamedTuple):
    """The times of one number of events a call.

    Attributes:
        times: of an event in each block [us].
        difference: the largest of a score from its value in double precision; NaN where there are no scores.
    """

    times: List[float]
    difference: float


def _by_calls(call: Callable[[numpy.ndarray], numpy.ndarray]) -> Prepared:
    """Passes of what is called from Python: the events are cut before the clock starts."""

    def prepared(events: numpy.ndarray, batch: int) -> Pass:
        parts = [numpy.ascontiguousarray(events[start : start + batch]) for start in range(0, len(events), batch)]
        return lambda: [call(part) for part in parts]

    return prepared


def _by_loops(loop: Callable[[numpy.ndarray, int], numpy.ndarray]) -> Prepared:
    """Passes of what loops over the events in C++."""
    return lambda events, batch: lambda: [loop(events, batch)]


def _written(form: str, asked: Asked) -> Path:
    path = asked.folder / f"{_STEM}{exports.suffix(form, Path())}"
    # A weight file names the expressions, as it does for TMVA::Reader, which takes their values.
    scored = asked.scored if form == "tmva" else asked.scored.of_variables()
    exports.write(form, Written(path, scored, asked.ranges, _STEM))
    return path


def _compiled(asked: Asked) -> Engine:
    if not shutil.which("g++"):
        raise Unavailable("no g++ here", "install it (Debian: apt install g++)")
    compiled = exports.compiled(_written("header", asked), _STEM)
    told = subprocess.run(["g++", "-dumpfullversion", "-dumpversion"], capture_output=True, text=True, check=True)
    return Engine(_by_loops(compiled.batches), f"g++ {told.stdout.strip()}")


def _interpreted(asked: Asked) -> Engine:
    return Engine(_by_loops(exports.interpreted(_written("header", asked), _STEM)), _root_version())


def _root_version() -> str:
    import ROOT

    return f"ROOT {ROOT.gROOT.GetVersion()}"


def _onnx_runtime(asked: Asked) -> Engine:
    path = asked.folder.parent / ONNX
    onnx_file.write(asked.scored.of_variables(), path)
    scores = onnx_file.scores(path)
    import onnxruntime

    return Engine(_by_calls(scores), f"ONNX Runtime {onnxruntime.__version__}")


def _keras(asked: Asked) -> Tuple[Any, Any, str]:
    keras, module = keras_training.load(asked.backend)
    if sys.modules.get("tensorflow", keras) is None:
        # Where TensorFlow is kept out, the layer of normalisation nevertheless takes it for loaded.
        del sys.modules["tensorflow"]
    version = f"Keras {keras.__version__}, {asked.backend} {module.__version__}"
    return keras, keras_file.model(keras, asked.scored), version


def _keras_predict(asked: Asked) -> Engine:
    _, model, version = _keras(asked)
    return Engine(_by_calls(lambda x: model.predict(x, batch_size=len(x), verbose=0)[:, 0]), version)


def _keras_call(asked: Asked) -> Engine:
    keras, model, version = _keras(asked)
    array = keras.ops.convert_to_numpy if hasattr(keras, "ops") else numpy.asarray
    return Engine(_by_calls(lambda x: array(model(x))[:, 0]), version)


def _products(asked: Asked) -> Engine:
    """The products of events and matrices alone, without biases, activations and tables."""
    if not any(isinstance(step, Dense) for step in asked.scored.steps):
        raise Unavailable("boosted trees are no products of matrices", "see the other engines")
    kernels = [
        (step.kernel if isinstance(step, Dense) else step.matrix).astype(numpy.float32)
        for step in asked.scored.steps
        if isinstance(step, Dense) or (isinstance(step, Linear) and step.scale is None)
    ]

    def multiply(x: numpy.ndarray) -> numpy.ndarray:
        for kernel in kernels:
            x = x @ kernel
        return x

    return Engine(_by_calls(multiply), f"numpy {numpy.__version__}", scores=False)


def _reader(asked: Asked) -> Engine:
    import ROOT

    tmva_session.require_tmva(ROOT)
    file = asked.scored.file
    if file is None or file.method not in tmva_weights.DEEP:
        file = tmva_weights.parse(_written("tmva", asked))
    read = tmva_session.reader(ROOT, file, str(asked.folder))
    return Engine(_by_loops(lambda events, batch: read(events)), _root_version())


def _sofie(asked: Asked) -> Engine:
    import ROOT

    tmva_session.require_sofie(ROOT)
    path = asked.folder.parent / ONNX
    if not path.is_file():
        raise Unavailable("no ONNX file was written for it", onnx_file.CURE)
    loops = tmva_session.sofie(ROOT, path, len(asked.scored.names), asked.batches, str(asked.folder))
    return Engine(_by_loops(lambda events, batch: loops[batch](events)), _root_version())


_ENGINES: Dict[str, Callable[[Asked], Engine]] = {
    "products": _products,
    "header": _compiled,
    "header-cling": _interpreted,
    "onnxruntime": _onnx_runtime,
    "keras-predict": _keras_predict,
    "keras-call": _keras_call,
    "reader": _reader,
    "sofie": _sofie,
}


def build(name: str, asked: Asked) -> Engine:
    """What evaluates.

    Args:
        name: ``products``, ``header``, ``header-cling``, ``onnxruntime``, ``keras-predict``, ``keras-call``, ``reader``
            or ``sofie``.
        asked: what is to be evaluated.

    Raises:
        Unavailable: it is not here, or does not hold the scoring function.
    """
    try:
        return _ENGINES[name](asked)
    except UserError as error:
        reason, _, cure = str(error).partition("; ")
        raise Unavailable(reason, cure or "the other engines do") from None


def measure(engine: Engine, events: numpy.ndarray, expected: numpy.ndarray, batches: Sequence[int]) -> Dict[int, Timed]:
    """Times an event, block by block, each number of events a call in turn, so that what slows the machine slows all.

    Args:
        engine: what evaluates.
        events: float32, shape (events, variables).
        expected: their scores in double precision.
        batches: how many events a call.

    Returns:
        By number of events a call.

    Raises:
        UserError: a score differs by more than an export may.
    """
    passes = {}
    for batch in batches:
        run, rows = _long_enough(engine.prepared, events, batch)
        difference = float("nan")
        if engine.scores:
            difference = exports.largest_difference(numpy.concatenate(run()), expected[rows])
            if not difference <= exports.TOLERANCE:
                raise UserError(
                    f"its scores, {batch} a call, differ by {difference:.1e} from double precision, more than "
                    f"{exports.TOLERANCE:g}; not timed"
                )
        passes[batch] = (run, len(rows), Timed([], difference))
    for _ in range(BLOCKS):
        for run, count, timed in passes.values():
            start = time.perf_counter()
            run()
            timed.times.append((time.perf_counter() - start) / count * 1e6)
    return {batch: timed for batch, (_, _, timed) in passes.items()}


def _long_enough(prepared: Prepared, events: numpy.ndarray, batch: int) -> Tuple[Pass, numpy.ndarray]:
    """A pass that lasts long enough for a clock, warm, and the rows of its events, taken again where they run out."""
    calls = 1
    while True:
        rows = numpy.arange(calls * batch) % len(events)
        run = prepared(numpy.ascontiguousarray(events[rows]), batch)
        run()
        start = time.perf_counter()
        run()
        if time.perf_counter() - start >= _BLOCK_TIME:
            return run, rows
        calls *= 2


def network(scored: Scoring) -> str:
    """The widths of a network, from variables to score, ``4-100-100-1``; of boosted trees their number."""
    for step in scored.steps:
        if isinstance(step, Forest):
            return f"{len(scored.names)} variables, {len(step.ensemble.trees)} trees"
    widths = [len(scored.names), *(len(step.biases) for step in scored.steps if isinstance(step, Dense))]
    return "-".join(map(str, widths))

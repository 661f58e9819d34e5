"""The formats that a scoring function is exported in: how each is written, and evaluated again."""

import ctypes
import json
import shutil
import subprocess
import uuid
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

import numpy

from tmva_bench.engines import cpp_header, keras_file, onnx_file, rdataframe, scoring, tmva_weight_file, tmva_weights
from tmva_bench.engines.scoring import Scores, Scoring
from tmva_bench.errors import UserError

FORMATS = ("onnx", "header", "tmva", "keras", "rdataframe")
# Those of which a file holds the expressions; the others take the variables, computed.
WITH_EXPRESSIONS = ("onnx", "header", "rdataframe")
# A larger difference of a score is refused.
TOLERANCE = 1e-5
# Of Python, which a file of rdataframe is with this suffix.
_PYTHON = ".py"


class Written(NamedTuple):
    """What is written.

    Attributes:
        path: the file.
        scored: what it holds.
        ranges: smallest and largest value of each variable.
        stem: that of the name it will have.
    """

    path: Path
    scored: Scoring
    ranges: Sequence[Tuple[float, float]]
    stem: str


def suffix(form: str, path: Path) -> str:
    """The end of a file's name in a format, for one of any name."""
    if form == "rdataframe" and path.suffix == _PYTHON:
        return _PYTHON
    return {"onnx": ".onnx", "header": ".h", "tmva": ".weights.xml", "keras": ".keras", "rdataframe": ".h"}[form]


def write(form: str, asked: Written) -> Tuple[str, ...]:
    """Writes a file.

    Args:
        form: one of :data:`FORMATS`.
        asked: what is written.

    Returns:
        What is to be known of it.

    Raises:
        UserError: the format does not hold it, or what writes it is not here.
    """
    scored, path = asked.scored, asked.path
    if form == "onnx":
        lacking = onnx_file.write(scored, path)
        return (f"SOFIE does not take its operators {', '.join(lacking)}; ONNX Runtime does",) if lacking else ()
    if form == "header":
        path.write_text(cpp_header.text(scored, asked.stem), encoding="utf-8")
    elif form == "rdataframe":
        python = path.suffix == _PYTHON
        text = (rdataframe.python if python else rdataframe.cpp)(scored, asked.stem)
        path.write_text(text, encoding="utf-8")
    elif form == "tmva":
        tmva_weight_file.write_scoring(path, scored, asked.ranges, _root_version())
    else:
        import keras

        if not hasattr(keras, "ops"):
            raise UserError(
                f"keras: .keras files are of Keras 3, and here is {keras.__version__}; use an environment with it"
            )
        keras_file.model(keras, scored).save(str(path))
    return ()


def scores(form: str, asked: Written) -> Scores:
    """What evaluates a file that was written, by what will use it where that is here.

    Args:
        form: one of :data:`FORMATS`.
        asked: what was written.
    """
    if form == "onnx":
        return onnx_file.scores(asked.path)
    if form == "header":
        return compiled(asked.path, asked.stem) if shutil.which("g++") else interpreted(asked.path, asked.stem)
    if form == "rdataframe":
        return rdataframe.scores(asked.path, asked.scored.branches, asked.stem)
    if form == "tmva":
        return scoring.of_weight_file(tmva_weights.parse(asked.path)).of_variables().evaluate
    import keras

    model = keras.models.load_model(str(asked.path), compile=False)
    return lambda events: numpy.asarray(keras.ops.convert_to_numpy(model(events))[:, 0])


def _root_version() -> str:
    import ROOT

    return str(ROOT.gROOT.GetVersion())


def compiled(path: Path, stem: str, *options: str) -> "Compiled":
    """A header's scores, compiled by ``g++``.

    Args:
        path: the header.
        stem: that of the name that its namespace has.
        options: of the compiler, beside ``-O2``.

    Raises:
        UserError: it does not compile.
    """
    name = cpp_header.namespace(stem)
    source, library = path.with_suffix(".check.cc"), path.with_suffix(".check.so")
    source.write_text(
        f'#include "{path.resolve()}"\n'
        f'extern "C" void scores(const float *x, unsigned long n, float *y) {{ {name}::score(x, n, y); }}\n'
        f'extern "C" void batches(const float *x, unsigned long n, unsigned long batch, float *y)\n'
        f"{{ for (unsigned long i = 0; i + batch <= n; i += batch) "
        f"{name}::score(x + i * {name}::kBranches, batch, y + i); }}\n"
    )
    command = ["g++", "-std=c++11", "-O2", *options, "-shared", "-fPIC", "-o", str(library), str(source)]
    ended = subprocess.run(command, capture_output=True, check=False)
    if ended.returncode:
        lines = [line for line in ended.stderr.decode(errors="replace").splitlines() if "error" in line]
        raise UserError(f"g++ does not compile the header: {(lines or ['no reason told'])[0][-200:]}")
    return Compiled(ctypes.CDLL(str(library)))


class Compiled:
    """The functions of a compiled header."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def __call__(self, events: numpy.ndarray) -> numpy.ndarray:
        """The scores of events, float32."""
        return self.batches(events, max(len(events), 1))

    def batches(self, events: numpy.ndarray, size: int) -> numpy.ndarray:
        """The scores of events, so many a call; what is left over of the last is not computed."""
        events = numpy.ascontiguousarray(events, numpy.float32)
        values = numpy.zeros(len(events), numpy.float32)
        pointers = [array.ctypes.data_as(ctypes.POINTER(ctypes.c_float)) for array in (events, values)]
        self._library.batches(pointers[0], ctypes.c_ulong(len(events)), ctypes.c_ulong(size), pointers[1])
        return values


def interpreted(path: Path, stem: str) -> Callable[..., numpy.ndarray]:
    """A header's scores by cling.

    Args:
        path: the header.
        stem: that of the name that its namespace has.

    Returns:
        From events, and by default all at once, how many a call.
    """
    import ROOT

    name, function = cpp_header.namespace(stem), f"tmva_bench_{uuid.uuid4().hex}"
    declared = (
        f"#include {json.dumps(str(path.resolve()))}\n"
        f"void {function}(const float *x, unsigned long n, unsigned long batch, float *y)\n"
        f"{{ for (unsigned long i = 0; i + batch <= n; i += batch) "
        f"{name}::score(x + i * {name}::kBranches, batch, y + i); }}\n"
    )
    if not ROOT.gInterpreter.Declare(declared):
        raise UserError("cling does not compile the header; its reasons stand in the log")

    def of_events(events: numpy.ndarray, size: int = 0) -> numpy.ndarray:
        events = numpy.ascontiguousarray(events, numpy.float32)
        values = numpy.zeros(len(events), numpy.float32)
        getattr(ROOT, function)(events.ravel(), len(events), size or max(len(events), 1), values)
        return values

    return of_events


# What is known of each format, for help and pages.
HELP: Dict[str, str] = {
    "onnx": "ONNX file",
    "header": "C++ header",
    "tmva": "weight file for TMVA::Reader",
    "keras": "model of Keras 3",
    "rdataframe": "Define of RDataFrame, C++, or Python where the file ends in .py",
}


def largest_difference(ours: numpy.ndarray, theirs: numpy.ndarray) -> float:
    """The largest difference of scores; NaN where one alone is no number, infinite where there are none.

    Args:
        ours: scores, shape (events,).
        theirs: likewise.
    """
    both = numpy.isnan(ours) & numpy.isnan(theirs)
    differences: List[float] = numpy.abs(ours.astype(float) - theirs)[~both].tolist()
    return max(differences, default=0.0) if not any(map(numpy.isnan, differences)) else float("nan")

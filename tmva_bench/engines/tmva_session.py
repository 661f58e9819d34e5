"""One training, test and evaluation in TMVA: the only module that touches ``ROOT.TMVA``.

What TMVA gives up on reaches Python as exceptions that seldom name the cause (a failed booking is a ``TypeError``
about overloads); the reason stands in the log, which the parent process keeps as ``log.txt`` in the run's folder.
"""

import contextlib
import ctypes
import math
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple

import numpy

from tmva_bench.basis import mapping
from tmva_bench.engines import tmva_files
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.engines.tmva_files import LOG_FILE
from tmva_bench.engines.tmva_weights import WeightFile
from tmva_bench.errors import TrainingFailed, Unavailable

OUTPUT_FILE = "TMVA.root"
WEIGHT_FILE = f"dataset/weights/job_{mapping.METHOD_TITLE}.weights.xml"


def version(root: Any) -> Tuple[int, int]:
    """ROOT's version, major and minor.

    Args:
        root: the ``ROOT`` module.
    """
    major, minor = re.findall(r"\d+", str(root.gROOT.GetVersion()))[:2]
    return int(major), int(minor)


def has_feature(root: Any, name: str) -> bool:
    """Whether ROOT was built with a feature, as ``root-config --has-<name>`` tells.

    Args:
        root: the ``ROOT`` module.
        name: e.g. ``tmva-gpu``.
    """
    return name in str(root.gROOT.GetConfigFeatures()).split()


def require(root: Any, class_name: str, reason: str, cure: str) -> None:
    """Makes sure that a class of TMVA is there, without a word on the log if it is not.

    Args:
        root: the ``ROOT`` module.
        class_name: e.g. ``TMVA::Factory``; its library is loaded.
        reason: why nothing can run without it, one line.
        cure: what the user can do about it, one line.

    Raises:
        Unavailable: it is not there.
    """
    if not root.TClass.GetClass(class_name, True, True):
        raise Unavailable(reason, cure)


def require_tmva(root: Any) -> None:
    """Makes sure that this ROOT has TMVA.

    Args:
        root: the ``ROOT`` module.

    Raises:
        Unavailable: it has not, as the ROOT from PyPI.
    """
    require(
        root,
        "TMVA::Factory",
        f"this ROOT ({root.gROOT.GetVersion()}) has no TMVA",
        "make env ROUTE=conda (conda-forge's ROOT has TMVA)",
    )


def require_sofie(root: Any) -> None:
    """Makes sure that this ROOT has TMVA and its SOFIE, with the parser of ONNX files.

    Args:
        root: the ``ROOT`` module.

    Raises:
        Unavailable: it has not.
    """
    require_tmva(root)
    require(
        root,
        "TMVA::Experimental::SOFIE::RModelParser_ONNX",
        f"this ROOT ({root.gROOT.GetVersion()}) was built without SOFIE's parser of ONNX files",
        "use a ROOT built with -Dtmva-sofie=ON (root-config --has-tmva-sofie)",
    )


def run_factory(
    root: Any,
    *,
    input_file: str,
    variables: List[str],
    factory_options: str,
    split_options: str,
    method: str,
    method_options: str,
    folder: str,
    threads: int,
    watch: Stopwatch,
    regression: Tuple[str, ...] = (),
) -> float:
    """Books one method, trains, tests and evaluates it; leaves TMVA's output and weight files in ``folder``.

    The phases are ``prepare`` (from the opening of the input file to the data set in memory, the booking
    included), ``train`` (``TrainAllMethods``) and ``test`` (``TestAllMethods``).

    Args:
        root: the ``ROOT`` module; TMVA has not been used in this process.
        input_file: the common input file.
        variables: names of its input variables.
        factory_options: option string of ``TMVA.Factory``.
        split_options: option string of ``DataLoader.PrepareTrainingAndTestTree``.
        method: name in ``TMVA.Types``, ``kDL`` or ``kPyKeras`` (by enum: an unknown name kills the process).
        method_options: option string of ``BookMethod``.
        folder: the run's folder, the current directory while TMVA works.
        threads: size of ROOT's pool of threads.
        watch: gets the phases.
        regression: none for a classification; else the trees of training events of a regression of the inputs on
            themselves.

    Returns:
        TMVA's ROC integral of the test events (``Factory.GetROCIntegral``), NaN of a regression.

    Raises:
        TrainingFailed: TMVA gave up, with the reason from its log.
    """
    source, folder = str(Path(input_file).resolve()), str(Path(folder).resolve())
    with _working_in(folder), _arguments_kept():
        try:
            return _session(
                root,
                source,
                variables,
                factory_options,
                split_options,
                method,
                method_options,
                threads,
                watch,
                regression,
            )
        except Exception as error:
            raise TrainingFailed(f"TMVA: {tmva_files.failure(log(folder)) or _one_line(error)}") from error


def log(folder: str) -> str:
    """All that this process has printed so far, "" where the parent keeps no log.

    Args:
        folder: the run's folder.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    ctypes.CDLL(None).fflush(None)
    path = Path(folder, LOG_FILE)
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _session(
    root: Any,
    input_file: str,
    variables: List[str],
    factory_options: str,
    split_options: str,
    method: str,
    method_options: str,
    threads: int,
    watch: Stopwatch,
    regression: Tuple[str, ...],
) -> float:
    if threads > 1:
        root.ROOT.EnableImplicitMT(threads)  # under this name in every PyROOT
    tmva = root.TMVA
    tmva.Tools.Instance()
    if method == "kPyKeras":
        tmva.PyMethodBase.PyInitialize()
    output = root.TFile.Open(OUTPUT_FILE, "RECREATE")
    # TMVA's own examples close the files before the factory, then the loader, go.
    factory = tmva.Factory("job", output, factory_options)
    with watch.phase("prepare"):
        source = root.TFile.Open(input_file)
        loader = tmva.DataLoader("dataset")
        for name in variables:
            loader.AddVariable(name, "F")
        # TMVA keeps the trees by pointer: they live as long as the session.
        trees = {name: source.Get(name) for name in ("TrainS", "TrainB", "TestS", "TestB")}
        if regression:
            for name in variables:
                loader.AddTarget(name)
            for name in regression:
                loader.AddRegressionTree(trees[name], 1.0, tmva.Types.kTraining)
            for name in ("TestS", "TestB"):
                loader.AddRegressionTree(trees[name], 1.0, tmva.Types.kTesting)
            loader.SetWeightExpression("weight", "Regression")
        else:
            loader.AddSignalTree(trees["TrainS"], 1.0, tmva.Types.kTraining)
            loader.AddBackgroundTree(trees["TrainB"], 1.0, tmva.Types.kTraining)
            loader.AddSignalTree(trees["TestS"], 1.0, tmva.Types.kTesting)
            loader.AddBackgroundTree(trees["TestB"], 1.0, tmva.Types.kTesting)
            loader.SetSignalWeightExpression("weight")
            loader.SetBackgroundWeightExpression("weight")
        loader.PrepareTrainingAndTestTree(root.TCut(""), split_options)
        factory.BookMethod(loader, getattr(tmva.Types, method), mapping.METHOD_TITLE, method_options)
        loader.GetDataSetInfo().GetDataSet()
    with watch.phase("train"):
        factory.TrainAllMethods()
    with watch.phase("test"):
        factory.TestAllMethods()
    factory.EvaluateAllMethods()
    roc_integral = math.nan if regression else float(factory.GetROCIntegral(loader, mapping.METHOD_TITLE))
    output.Close()
    source.Close()
    return roc_integral


# The events of a program that evaluates them one by one, as TMVAClassificationApplication.C does.
_READER = """
#include <algorithm>
#include <string>
#include <vector>
#include "TMVA/Reader.h"

namespace tmva_bench_reader {
class Events {
public:
   Events(const std::vector<std::string> &variables, const std::vector<std::string> &spectators, const char *file)
      : fReader("!Color:Silent"), fValues(variables.size()), fSpectators(spectators.size())
   {
      for (std::size_t i = 0; i < variables.size(); ++i)
         fReader.AddVariable(variables[i], &fValues[i]);
      for (std::size_t i = 0; i < spectators.size(); ++i)
         fReader.AddSpectator(spectators[i], &fSpectators[i]);
      fReader.BookMVA("Method", file);
   }
   void Evaluate(const float *x, unsigned long events, float *scores)
   {
      for (unsigned long i = 0; i < events; ++i, x += fValues.size()) {
         std::copy(x, x + fValues.size(), fValues.begin());
         scores[i] = fReader.EvaluateMVA("Method");
      }
   }

private:
   TMVA::Reader fReader;
   std::vector<float> fValues, fSpectators;
};
}
"""


def reader(root: Any, file: WeightFile, folder: str) -> Callable[[numpy.ndarray], numpy.ndarray]:
    """A weight file in ``TMVA::Reader``, whose ``EvaluateMVA`` is called in C++, event by event.

    Args:
        root: the ``ROOT`` module; it has TMVA.
        file: the weight file.
        folder: with the log of this process.

    Returns:
        From events, float32 of shape (events, variables), the scores, float32.

    Raises:
        TrainingFailed: TMVA does not take the file, with the reason from its log.
    """
    root.TMVA.Tools.Instance()
    if not hasattr(root, "tmva_bench_reader"):
        root.gInterpreter.Declare(_READER)
    variables, spectators = (
        root.std.vector["std::string"]([entry.attrib.get("Expression", "") for entry in file.root.findall(place)])
        for place in ("Variables/Variable", "Spectators/Spectator")
    )
    try:
        loop = root.tmva_bench_reader.Events(variables, spectators, str(Path(file.path).resolve()))
    except Exception as error:
        raise TrainingFailed(f"TMVA::Reader: {tmva_files.failure(log(folder)) or _one_line(error)}") from error
    return _scores(loop.Evaluate)


_SOFIE = """
#pragma cling optimize(3)
#include "{header}"
#include <algorithm>

namespace tmva_bench_sofie_{batch} {{
void Evaluate(const float *x, unsigned long events, float *scores)
{{
   static TMVA_SOFIE_{model}::Session session("{weights}");
   for (unsigned long i = 0; i + {batch} <= events; i += {batch}) {{
      const auto some = session.infer(const_cast<float *>(x + i * {variables}));
      std::copy(some.begin(), some.end(), scores + i);
   }}
}}
}}
"""


def sofie(
    root: Any, path: Path, variables: int, batches: Sequence[int], folder: str
) -> Dict[int, Callable[[numpy.ndarray], numpy.ndarray]]:
    """An ONNX file as SOFIE's code, generated for fixed numbers of events a call and compiled by cling.

    The package ``onnx`` must not be loaded in this process: its protobuf and that of the parser do not bear each other.

    Args:
        root: the ``ROOT`` module; it has SOFIE.
        path: the file.
        variables: how many it takes.
        batches: how many events a call.
        folder: for the code.

    Returns:
        By number of events a call: from events, float32 of shape (events, variables), the scores, float32.

    Raises:
        TrainingFailed: SOFIE does not take the file, or cling not the code.
    """
    code = root.TMVA.Experimental.SOFIE
    loops = {}
    with _working_in(folder):
        for batch in batches:
            # The file's name is that of the namespace.
            name = f"batch{batch}"
            shutil.copyfile(str(path), f"{name}.onnx")
            try:
                model = code.RModelParser_ONNX().Parse(f"{name}.onnx")
                model.Generate(code.Options.kDefault, batch)
                model.OutputGenerated(f"{name}.hxx")
            except Exception as error:
                raise TrainingFailed(f"SOFIE: {_one_line(error)}") from error
            here = Path.cwd()
            text = _SOFIE.format(
                header=here / f"{name}.hxx",
                weights=here / f"{name}.dat",
                model=name,
                batch=batch,
                variables=variables,
            )
            if not root.gInterpreter.Declare(text):
                raise TrainingFailed("SOFIE: cling does not compile its code; the reasons stand in the log")
            loops[batch] = _scores(getattr(root, f"tmva_bench_sofie_{batch}").Evaluate)
    return loops


def _scores(evaluate: Callable[[numpy.ndarray, int, numpy.ndarray], None]) -> Callable[[numpy.ndarray], numpy.ndarray]:
    def scores(events: numpy.ndarray) -> numpy.ndarray:
        values = numpy.zeros(len(events), numpy.float32)
        evaluate(numpy.ascontiguousarray(events, numpy.float32).ravel(), len(events), values)
        return values

    return scores


def _one_line(error: Exception) -> str:
    # The last line of PyROOT's texts names the exception already.
    name, lines = type(error).__name__, str(error).strip().splitlines()
    last = lines[-1].strip() if lines else ""
    return last if last.startswith(name) else f"{name}: {last}"


@contextlib.contextmanager
def _working_in(folder: str) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def _arguments_kept() -> Iterator[None]:
    # MethodPyKeras empties sys.argv of the whole process.
    before = sys.argv
    try:
        yield
    finally:
        sys.argv = before

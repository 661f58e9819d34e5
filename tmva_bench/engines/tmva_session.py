"""One training, test and evaluation in TMVA: the only module that touches ``ROOT.TMVA``.

What TMVA gives up on reaches Python as exceptions that seldom name the cause (a failed booking is a ``TypeError``
about overloads); the reason stands in the log, which the parent process keeps as ``log.txt`` in the run's folder.
"""

import contextlib
import ctypes
import math
import os
import re
import sys
from pathlib import Path
from typing import Any, Iterator, List, Tuple

from tmva_bench.basis import mapping
from tmva_bench.engines import tmva_files
from tmva_bench.engines.stopwatch import Stopwatch
from tmva_bench.engines.tmva_files import LOG_FILE
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

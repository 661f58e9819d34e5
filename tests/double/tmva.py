"""The classes of ``ROOT.TMVA`` that the package calls."""

import json
import os
import re
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any, NoReturn

import numpy

from double import options, recordings
from double.options import BadLayout, DoubleError, Fatal


# cppyy's exceptions, by name and bases.
class CPPExcInstance(Exception):
    pass


class exception(CPPExcInstance):  # noqa: N801
    pass


class runtime_error(exception):  # noqa: N801
    pass


class bad_alloc(exception):  # noqa: N801
    pass


class bad_array_new_length(bad_alloc):  # noqa: N801
    pass


_FACTORY_ERROR = """none of the 2 overloaded methods succeeded. Full details:
  Factory::Factory(TString theJobName, TFile* theTargetFile, TString theOption = "") =>
    TypeError: could not convert argument 1
  Factory::Factory(TString theJobName, TString theOption = "") =>
    TypeError: takes at most 2 arguments (3 given)"""
_BY_NAME = (
    "TMVA::MethodBase* TMVA::Factory::BookMethod(TMVA::DataLoader* loader, TString theMethodName, "
    'TString methodTitle, TString theOption = "") =>\n    TypeError: could not convert argument 2'
)
_BOOKING_ERROR = f"""none of the 3 overloaded methods succeeded. Full details:
  {_BY_NAME}
  TMVA::MethodBase* TMVA::Factory::BookMethod(TMVA::DataLoader* loader, TMVA::Types::EMVA theMethod, \
TString methodTitle, TString theOption = "") =>
    TypeError: could not convert argument 3
  TMVA::MethodBase* TMVA::Factory::BookMethod(TMVA::DataLoader*, TMVA::Types::EMVA, TString, TString, \
TMVA::Types::EMVA, TString) =>
    TypeError: takes at least 6 arguments (4 given)"""
# Every call in order, as in the recordings' case.json.
CALLS: list[list[Any]] = []
_TRAIN = "void TMVA::Factory::TrainAllMethods()"
_DATA_SET = "TMVA::DataSet* TMVA::DataSetInfo::GetDataSet()"


class _Enumerator:
    def __init__(self, name: str) -> None:
        self.name = name


class Types:
    kTraining = _Enumerator("kTraining")
    kTesting = _Enumerator("kTesting")
    kDL = _Enumerator("kDL")
    kPyKeras = _Enumerator("kPyKeras")
    kBDT = _Enumerator("kBDT")


class Tools:
    @staticmethod
    def Instance() -> None:
        pass


class PyMethodBase:
    initialized = False

    @classmethod
    def PyInitialize(cls) -> None:
        CALLS.append(["TMVA.PyMethodBase.PyInitialize"])
        cls.initialized = True


class _DataSetInfo:
    def __init__(self, loader: "DataLoader") -> None:
        self._loader = loader

    def GetDataSet(self) -> None:
        CALLS.append(["GetDataSetInfo().GetDataSet()"])
        _throwing(_DATA_SET, self._loader.events)


class DataLoader:
    def __init__(self, name: str) -> None:
        _expect(name == "dataset", "the weight file lies under dataset/")
        CALLS.append(["TMVA.DataLoader", name])
        self.variables: list[str] = []
        self.targets: list[str] = []
        self.split = ""
        self._trees: dict[str, Any] = {}
        self._weighted: set[str] = set()
        self._events: recordings.Events = {}

    def AddVariable(self, name: str, kind: str) -> None:
        CALLS.append(["AddVariable", name, kind])
        _expect(kind == "F", f"variable {name}: type {kind}")
        _expect(re.fullmatch(r"[A-Za-z_]\w*", name) is not None, f"variable {name}: TMVA reads it as a formula")
        _expect(name not in self.variables, f"variable {name} stands twice")
        self.variables.append(name)

    def AddTarget(self, name: str) -> None:
        CALLS.append(["AddTarget", name])
        _expect(name in self.variables, f"target {name} is no variable: the autoencoder's targets are its inputs")
        _expect(name not in self.targets, f"target {name} stands twice")
        self.targets.append(name)

    def AddRegressionTree(self, tree: Any, weight: float, kind: _Enumerator) -> None:
        CALLS.append(["AddRegressionTree", str(tree.GetName()), weight, kind.name])
        self._add(str(tree.GetName())[-1], tree, weight, kind)

    def SetWeightExpression(self, expression: str, of_class: str) -> None:
        CALLS.append(["SetWeightExpression", expression, of_class])
        _expect(expression == "weight", f"weight {expression}")
        _expect(of_class == "Regression", f"class {of_class}: the one class of a regression is called Regression")
        self._weighted.add(of_class)

    def AddSignalTree(self, tree: Any, weight: float, kind: _Enumerator) -> None:
        CALLS.append(["AddSignalTree", str(tree.GetName()), weight, kind.name])
        self._add("S", tree, weight, kind)

    def AddBackgroundTree(self, tree: Any, weight: float, kind: _Enumerator) -> None:
        CALLS.append(["AddBackgroundTree", str(tree.GetName()), weight, kind.name])
        self._add("B", tree, weight, kind)

    def SetSignalWeightExpression(self, expression: str) -> None:
        CALLS.append(["SetSignalWeightExpression", expression])
        _expect(expression == "weight", f"signal weight {expression}")
        self._weighted.add("S")

    def SetBackgroundWeightExpression(self, expression: str) -> None:
        CALLS.append(["SetBackgroundWeightExpression", expression])
        _expect(expression == "weight", f"background weight {expression}")
        self._weighted.add("B")

    def PrepareTrainingAndTestTree(self, cut: Any, split: str) -> None:
        _expect(type(cut).__name__ == "TCut" and str(cut.GetTitle()) == "", "the cut is not an empty TCut")
        CALLS.append(["PrepareTrainingAndTestTree", str(cut.GetTitle()), split])
        self.split = split

    def GetDataSetInfo(self) -> _DataSetInfo:
        return _DataSetInfo(self)

    def events(self) -> recordings.Events:
        """The data set, built once.

        Raises:
            Fatal: a wrong option of PrepareTrainingAndTestTree, a missing branch or a constant variable.
        """
        if self._events:
            return self._events
        _expect(bool(self.split), "PrepareTrainingAndTestTree was not called")
        weighted = {"Regression"} if self.targets else {"S", "B"}
        _expect(self._weighted == weighted, "without a weight expression every event weighs 1")
        _expect(self.targets in ([], self.variables), "targets and variables differ in order or number")
        # A regression may be trained on one of the two kinds of events.
        missing = set(recordings.TREES) - set(self._trees)
        allowed = [set(), {"TrainS"}, {"TrainB"}] if self.targets else [set()]
        _expect(missing in allowed, "training and test trees of both classes are needed")
        options.parse(self.split, options.SPLIT)
        there = set.intersection(*[{b.GetName() for b in t.GetListOfBranches()} for t in self._trees.values()])
        for name in self.variables:
            if name not in there:
                _print(f'Error in <TTreeFormula::Compile>:  Bad numerical expression : "{name}"')
                raise Fatal(f"Expression {name} could not be resolved to a valid formula. ")
        [path] = {str(tree.GetCurrentFile().GetName()) for tree in self._trees.values()}
        events = recordings.read_events(Path(path), tuple(self.variables), tuple(self._trees))
        for name in self.variables:
            finite = all(numpy.isfinite(columns[name]).all() for columns in events.values())
            _expect(finite, f"variable {name}: TMVA drops events that are not finite")
            if numpy.ptp(numpy.concatenate([events[tree][name] for tree in events if tree.startswith("Train")])) == 0:
                raise Fatal(f"Dataset[dataset] : Variable {name} is constant. Please remove the variable.")
        self._events = events
        return events

    def _add(self, suffix: str, tree: Any, weight: float, kind: _Enumerator) -> None:
        _expect(isinstance(weight, float) and weight == 1.0, f"tree weight {weight!r}")
        name = {Types.kTraining: "Train", Types.kTesting: "Test"}[kind] + suffix
        _expect(str(tree.GetName()) == name and tree.GetEntries() > 0, f"tree {tree.GetName()} added as {name}")
        _expect(name not in self._trees, f"tree {name} added twice")
        self._trees[name] = tree


class Factory:
    def __init__(self, job: str, target: Any, text: str) -> None:
        CALLS.append(["TMVA.Factory", job, str(target.GetName()), text])
        _expect(job == "job", "the weight file is called job_<title>")
        _expect(target.IsWritable(), "the target file cannot be written")
        try:
            self._options = options.parse(text, options.FACTORY)
        except Fatal as fatal:
            # The option that is not known leaves the default, with colours.
            _print(f"\033[37;41;1m<FATAL>                         : {fatal}\033[0m\n***> abort program execution")
            raise TypeError(_FACTORY_ERROR) from None
        self._regression = self._options.get("AnalysisType") == "Regression"
        known = self._regression or self._options.get("AnalysisType") == "Classification"
        _expect(known, "AnalysisType is neither Classification nor Regression")
        self._persistent = self._options.get("ModelPersistence", "True") == "True"
        self._target = target
        self._loader: DataLoader | None = None
        self._booked: dict[str, tuple[str, str]] = {}
        self._layout: BadLayout | None = None
        self._recording = ""
        self._done: list[str] = []

    def BookMethod(self, loader: DataLoader, method: _Enumerator, title: str, text: str) -> None:
        _expect(isinstance(method, _Enumerator), "an unknown method by name kills the process: book by enum")
        CALLS.append(["BookMethod", "dataset", method.name, title, text])
        if title in self._booked:
            said = f"Booking failed since method with title <{title}> already exists in with DataSet Name <dataset>  "
            for attempt in (1, 2, 3):
                _print_fatal(said * attempt)
            raise TypeError(_BY_NAME)
        _expect(bool(loader.targets) == self._regression, "targets belong to a regression, and a regression has some")
        _expect(not (self._regression and method.name == "kPyKeras"), "PyKeras is booked for classifications only")
        self._loader = loader
        book = {"kDL": self._book_dl, "kPyKeras": self._book_pykeras, "kBDT": self._book_bdt}[method.name]
        try:
            book(text)
        except Fatal as fatal:
            # By name, then by enum.
            _print_fatal(str(fatal))
            _print_fatal(str(fatal))
            raise TypeError(_BOOKING_ERROR) from None
        Path("dataset/weights").mkdir(parents=True, exist_ok=True)
        self._booked[title] = method.name, text

    def TrainAllMethods(self) -> None:
        CALLS.append(["TrainAllMethods"])
        _expect(bool(self._booked), "nothing is booked")
        _throwing(_TRAIN, self._train)
        self._done.append("train")

    def TestAllMethods(self) -> None:
        CALLS.append(["TestAllMethods"])
        _expect(self._done == ["train"], "TestAllMethods comes after TrainAllMethods")
        self._done.append("test")

    def EvaluateAllMethods(self) -> None:
        CALLS.append(["EvaluateAllMethods"])
        _expect(self._done == ["train", "test"], "EvaluateAllMethods comes after TestAllMethods")
        self._done.append("evaluate")
        _copy(recordings.FOLDER / self._recording / "TMVA.root", self._target)

    def GetROCIntegral(self, loader: DataLoader, title: str) -> float:
        CALLS.append(["GetROCIntegral", "dataset", title])
        _expect(not self._regression, "a regression has no ROC integral")
        _expect(self._done[-1:] == ["evaluate"], "GetROCIntegral comes after EvaluateAllMethods")
        if loader is not self._loader or title not in self._booked:
            return 0.0
        return recordings.case(self._recording)["roc_integral"]

    def _book_dl(self, text: str) -> None:
        values = options.parse(text, options.DL, refuse_unknown=False)
        options.check_transformations(values["VarTransform"], self._persistent)
        if unknown := options.unknown(text, options.DL):
            raise options.unknown_options(unknown)
        for name in (
            set(options.DL)
            - set(values)
            - {
                "InputLayout",
                "BatchLayout",
                "VerbosityLevel",
                "CreateMVAPdfs",
                "IgnoreNegWeightsInTraining",
            }
        ):
            raise DoubleError(f"option {name} is left to TMVA's default")
        _expect(values["Architecture"] == "CPU", "without CUDA, TMVA trains on the CPU instead")
        _expect(values["RandomSeed"] != "0", "RandomSeed=0 is irreproducible")
        _expect(values["ErrorStrategy"] != "MUTUALEXCLUSIVE", "MUTUALEXCLUSIVE needs an output for each class")
        try:
            assert self._loader
            layers = options.layout(values["Layout"], len(self._loader.targets))
        except BadLayout as bad:
            self._layout = bad
            return
        if self._regression:
            _expect(values["ErrorStrategy"] == "SUMOFSQUARES", "the loss of a regression is the sum of squares")
            _expect(values["VarTransform"] in ("N", "None"), "in a regression D and P mix inputs and targets")
        if values["ErrorStrategy"] == "CROSSENTROPY":
            _expect(layers[-1][0] == "LINEAR", "cross entropy applies the sigmoid itself")
        options.strategy(values["TrainingStrategy"], len(layers))

    def _book_pykeras(self, text: str) -> None:
        if not PyMethodBase.initialized:
            raise Fatal("Python is not initialized")
        sys.argv = [""]
        values = options.parse(text, options.PYKERAS, refuse_unknown=False)
        model = values.get("FilenameModel", "")
        if not Path(model).exists():
            _print(
                "<WARNING> <WARNING>                : Failed to run python code: model = load_model\n"
                "<WARNING> <WARNING>                : Python error message:\n"
                f"OSError: No file or directory found at {model}"
            )
            raise Fatal(f"Failed to load Keras model from file: {model}")
        options.check_transformations(values.get("VarTransform", "None"), self._persistent)
        if unknown := options.unknown(text, options.PYKERAS):
            raise options.unknown_options(unknown)
        _expect(values.get("SaveBestOnly", "True") == "True", "the last epoch's weights would be kept")
        _expect(Path(model).suffix == Path(values["FilenameTrainedModel"]).suffix, "the two models differ in format")

    def _book_bdt(self, text: str) -> None:
        _expect(not self._regression, "the BDT is booked for classifications only")
        values = options.parse(text, options.BDT, refuse_unknown=False)
        options.check_transformations(values["VarTransform"], self._persistent)
        if unknown := options.unknown(text, options.BDT):
            raise options.unknown_options(unknown)

    def _train(self) -> None:
        [(title, (method, text))] = self._booked.items()
        assert self._loader
        events = self._loader.events()
        number = sum(len(columns["weight"]) for tree, columns in events.items() if tree.startswith("Train"))
        if method == "kDL":
            self._check_dl(options.parse(text, options.DL), number)
        elif method == "kPyKeras":
            values = options.parse(text, options.PYKERAS)
            options.validation_events(values.get("ValidationSize", "20%"), number)
            if _outputs(Path(values["FilenameModel"])) != 2:
                _print(
                    "<WARNING> <WARNING>                : Python error message:\n    ValueError: `logits` and `labels` "
                    f"must have the same shape, received (({values['BatchSize']}, 1) vs ({values['BatchSize']}, 2)).\n"
                )
                raise Fatal("Failed to train model")
        loader = self._loader
        wanted = recordings.Booking(tuple(loader.variables), loader.split, method, text, tuple(loader.targets))
        name = recordings.find(wanted, events)
        if name is None:
            raise DoubleError(f"no recording of this booking on these events: {wanted}")
        self._recording = name
        _expect(title == "Method", "the recorded method was called Method")
        _print(recordings.log(name))
        shutil.copy(recordings.weight_file(name), "dataset/weights")
        for trained in (recordings.FOLDER / name).glob("trained.*"):
            shutil.copy(trained, ".")
        if method == "kPyKeras":
            _evaluate_with_keras()

    def _check_dl(self, values: dict[str, str], number: int) -> None:
        if self._layout:
            formula = str(self._layout).replace("N", "x").replace("n", "x")
            _print(
                f'Error in <TFormula::ProcessFormula>: "{formula}" has not been matched in the formula expression\n'
                f'Error in <TFormula::ProcessFormula>: Formula "{formula}" is invalid !\n'
                "Error in <TFormula::Eval>: Formula is invalid and not ready to execute "
            )
            raise bad_array_new_length(f"{_TRAIN} =>\n    bad_array_new_length: std::bad_array_new_length")
        validation = options.validation_events(values["ValidationSize"], number)
        batch = int(options.strategy(values["TrainingStrategy"], 100)["BatchSize"])
        if min(validation, number - validation) < batch:
            raise Fatal(
                f"Number of samples in the datasets are train: ({number - validation}) test: ({validation}). One of "
                f"these is smaller than the batch size of {batch}. Please increase the batch size to be at least the "
                "same size as the smallest of them."
            )


def _evaluate_with_keras() -> None:
    """What MethodPyKeras does to the process at its first evaluation where TensorFlow has Keras 2."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow and int(tensorflow.__version__.split(".")[1]) < 16:
        tensorflow.compat.v1.disable_eager_execution()


def _expect(right: bool, trouble: str) -> None:
    if not right:
        raise DoubleError(trouble)


def _throwing(signature: str, call: Any) -> None:
    try:
        call()
    except Fatal as fatal:
        _print_fatal(str(fatal))
        raise runtime_error(f"{signature} =>\n    runtime_error: FATAL error") from None


def _print_fatal(text: str) -> None:
    _print(f"<FATAL>                          : {text}\n***> abort program execution")


def _print(text: str) -> None:
    # As TMVA, past Python's own buffer.
    os.write(1, (text.rstrip("\n") + "\n").encode())


def _outputs(model: Path) -> int:
    """Units of the last layer of a stored Keras model."""
    if model.suffix == ".keras":
        with zipfile.ZipFile(model) as file:
            config = json.loads(file.read("config.json"))
    else:
        import h5py

        with h5py.File(model) as file:
            config = json.loads(file.attrs["model_config"])
    return config["config"]["layers"][-1]["config"]["units"]


def _copy(path: Path, target: Any) -> None:
    """Copies a recorded output file into the factory's."""
    import ROOT

    source = ROOT.TFile.Open(str(path))
    _copy_folder(ROOT, source, target)
    source.Close()


def _copy_folder(root: Any, source: Any, target: Any) -> None:
    for key in source.GetListOfKeys():
        thing = key.ReadObj()
        target.cd()
        if thing.InheritsFrom("TDirectory"):
            _copy_folder(root, thing, target.mkdir(key.GetName()))
        elif thing.InheritsFrom("TTree"):
            thing.CloneTree(-1, "fast").Write()
        elif thing.InheritsFrom("TH1"):
            thing.Write(key.GetName())


def reset() -> None:
    """Back to a process in which TMVA was not used."""
    CALLS.clear()
    PyMethodBase.initialized = False


def unexpected(name: str) -> NoReturn:
    """Whatever else of TMVA is asked for."""
    raise DoubleError(f"the double has no TMVA.{name}")

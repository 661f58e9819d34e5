"""Study files: TOML read and checked, with the line of what is wrong, and written."""

import itertools
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tomli_w

from tmva_bench.basis import config, parsing
from tmva_bench.errors import UserError, nearest, short, short_path, unknown
from tmva_bench.events import samples, selection
from tmva_bench.methods import registry
from tmva_bench.study import plan
from tmva_bench.study.requests import Limits
from tmva_bench.study.study import HERE, Cluster, Place, Sample, Series, Study


class Key(NamedTuple):
    """How one key of a study file is explained.

    Attributes:
        type: what it holds.
        default: what holds where it is left out.
        help: one line for people, with the unit where there is one.
    """

    type: str
    default: str
    help: str


_SOURCES = "text, list of texts, or table"
_NUMBER_OR_SOURCES = "whole number, text, list of texts, or table"
# Every key by its table, "" for the top of the file; beside them stand the parameters of the point and of the sample.
KEYS = {
    "": {
        "name": Key("text", "the file's name", "names the results folder"),
        "preset": Key("text", "none", f"values under those of [point]: {', '.join(parsing.PRESETS)}"),
        "repetitions": Key(
            "whole number", "1", "runs of each series at each point; repetition n adds n - 1 to the seed"
        ),
        "together": Key(
            "true or false",
            "false",
            "whether repetitions of a point are trained in one child, where they can be; no time is then that of one",
        ),
        "zip": Key(
            "list of lists", "none", 'axes that move together instead of making a grid: [["neurons", "layers"]]'
        ),
        "sample": Key("table, or list of tables", 'name = "gauss"', "the events; several are [[sample]] each"),
        "point": Key("table", "the defaults", "common parameters that stay"),
        "axes": Key("table", "none", "common parameters that are scanned, a list of values each; they make a grid"),
        "only": Key("table", "none", "parameters that one side alone has: [only.tmva], [only.keras]"),
        "limits": Key("table", "none", "what a run may take"),
        "cluster": Key("table", "none", "what a job of a batch system may take, for submit and --cluster"),
        "environments": Key("table", "none", "other Python installations, [environments.NAME] each"),
        "series": Key("list of tables", "needed", "the lines of the figures, [[series]] each"),
    },
    "sample": {
        "name": Key("text", "gauss", f"what is generated: {', '.join(samples.SAMPLES)}"),
        "file": Key("text", "none", "a common input file of your own, in place of what is generated"),
        "axes": Key("table", "none", "axes of this sample, [sample.axes], beside those of [axes] or in their place"),
    },
    "events": {
        "name": Key("text", "own", "what tables and figures call the sample"),
        "signal": Key(_SOURCES, "needed", "the signal events, [NAME=]FILES:TREE, or a table of processes"),
        "background": Key(_SOURCES, "needed without label", "the background events, likewise"),
        "label": Key("text", "none", "what holds for signal, in trees of both classes"),
        "friend": Key(_SOURCES, "none", "more branches of a process or class, NAME=FILES:TREE, or a table"),
        "variables": Key("text, or list of texts", "needed", "what to train on: branches, name = expression, slices"),
        "spectators": Key("text, or list of texts", "none", "likewise; carried along, never trained on"),
        "pad": Key("number", "none", "what stands for an element that is not there"),
        "cut": Key("text", "none", "what must hold for an event to be taken"),
        "signal_cut": Key("text", "none", "likewise, for signal besides"),
        "background_cut": Key("text", "none", "likewise, for background besides"),
        "weight": Key("text", "1", "the event weights"),
        "signal_weight": Key("text", "weight", "the same of the signal alone"),
        "background_weight": Key("text", "weight", "the same of the background alone"),
        "scale": Key(_SOURCES, "none", "factor of the weights of a process, NAME=EXPRESSION, or a table"),
        "normalise": Key("true or false", "false", "whether the weights of each class get a mean of 1"),
        "split": Key("number or text", "half", "training: a share, a number, or what holds for it"),
        "fold": Key("text", "none", "i/k: the i-th of k parts tests, the others train"),
        "folds": Key("whole number", "none", "k: every fold from 1/k to k/k, an axis of the study"),
        "train_signal": Key("whole number", "what is no test event", "training events, signal"),
        "train_background": Key("whole number", "what is no test event", "training events, background"),
        "test_signal": Key(_NUMBER_OR_SOURCES, "what does not train", "test events, signal, or where they lie"),
        "test_background": Key(_NUMBER_OR_SOURCES, "what does not train", "likewise, background"),
        "seed": Key("whole number", "1", "shuffles the events before they are split"),
        "axes": Key("table", "none", "axes of this sample, [sample.axes], beside those of [axes] or in their place"),
    },
    "limits": {
        "time": Key("number above 0", "none", "real time of a run [s]"),
        "memory": Key("number above 0", "90 % of what is free", "resident memory of a run [MiB]"),
        "threads": Key("whole number", "1", "threads, and cores, of a run"),
    },
    "cluster": {
        "jobs": Key("whole number", "10", "parts that the study is done in"),
        "memory": Key("whole number", "2000", "memory of a job [MiB]"),
        "time": Key("whole number", "that of the queue", "real time of a job [s]"),
        "setup": Key("text, or list of texts", "none", "lines of shell that a job begins with"),
        "htcondor": Key("text, or list of texts", "none", "more lines of HTCondor's submit file, +JobFlavour = ..."),
        "slurm": Key("text, or list of texts", "none", "more options of Slurm's sbatch, --partition=..."),
    },
    "environments": {
        "python": Key("text", "needed", "its Python executable, from the current directory"),
        "make": Key("text", "none", "the command that makes it, for the reason of runs where it is missing"),
    },
    "series": {
        "method": Key("text", "needed", ", ".join(registry.METHODS)),
        "backend": Key(
            "text",
            "the first",
            "; ".join(
                f"{name}: {', '.join(one.backends)}" for name, one in registry.METHODS.items() if one.backends[1:]
            ),
        ),
        "architecture": Key("text", "cpu", ", ".join(config.ARCHITECTURES)),
        "environment": Key("text", "where the command runs", "one of [environments.NAME]"),
    },
}
# What a value must be, by the type that KEYS gives its key.
_IS: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str) and config.is_line(value),
    "whole number": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number above 0": lambda value: _is_number(value) and value > 0,
    "table": lambda value: isinstance(value, dict),
    "list of tables": lambda value: isinstance(value, list) and all(isinstance(one, dict) for one in value),
    "table, or list of tables": lambda value: isinstance(value, dict) or (bool(value) and _IS["list of tables"](value)),
    "list of lists": lambda value: (
        isinstance(value, list)
        and all(isinstance(group, list) and all(isinstance(name, str) for name in group) for group in value)
    ),
    "number": lambda value: _is_number(value),
    "true or false": lambda value: isinstance(value, bool),
    "number or text": lambda value: _is_value(value),
    "text, or list of texts": lambda value: all(map(_IS["text"], value if isinstance(value, list) else [value])),
    _SOURCES: lambda value: all(
        map(_IS["text, or list of texts"], value.values() if isinstance(value, dict) else [value])
    ),
    _NUMBER_OR_SOURCES: lambda value: _IS["whole number"](value) or _IS[_SOURCES](value),
}
# What only events of users' own have.
_OF_EVENTS = KEYS["events"].keys() - KEYS["sample"].keys() - {"variables", "seed", *config.COUNTS}
# Larger files are no study files: the shipped ones have 2 kB.
_LARGEST = 2**20
_MOST_RUNS = 100_000
_MOST_REPETITIONS = 10_000
_SHIPPED = Path(__file__).parents[1] / "studies"


def read(file: str | Path, changes: Iterable[str] = ()) -> Study:
    """Reads and checks a study file.

    Args:
        file: the TOML file, or the name of a shipped study, e.g. ``quick``.
        changes: values over those of the file, each ``parameter=value`` (a fixed value) or
            ``parameter=value,value`` (an axis). A parameter of one side goes to that side.

    Raises:
        UserError: no file, no TOML, unknown keys, impossible values; with file, line and the nearest known name.
    """
    path, text = _text_of(file)
    try:
        content = tomllib.loads(text)
        # What is nested too deep for the parser is too deep for what follows, too.
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else " ".join(str(error).split())[:200]
        raise UserError(f"{path}: no TOML: {reason}") from None
    reader = _Reader(path, text)
    reader.check_types(content)
    study = reader.study(content)
    changes = list(changes)
    _check_once(changes)
    for change in changes:
        study = _changed(study, change)
    if plan.largest(study) > _MOST_RUNS:
        raise UserError(
            f"{path}: {plan.largest(study)} runs, at most {_MOST_RUNS} make a study; scan fewer values, or take fewer "
            "repetitions"
        )
    runs = _check_points(study, reader)
    if study.together and not any(run.request.together for run in runs):
        reasons = dict.fromkeys(f"{run.request.method}, {plan.alone(run.request)}" for run in runs)
        raise reader.error(("", "together"), f"together = true: no series can be trained so: {'; '.join(reasons)}")
    return study


def _text_of(file: str | Path) -> tuple[Path, str]:
    """Path and content of a study file, or of a shipped study."""
    path = Path(file)
    try:
        if not path.exists():
            path = shipped().get(str(file), path)
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: is no file; give a study file, or one of {', '.join(shipped())}")
        if path.exists() and path.stat().st_size > _LARGEST:
            raise UserError(f"{path}: {path.stat().st_size} bytes, a study file has at most {_LARGEST}; give another")
        return path, path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, or a NUL byte in the path
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(
            f"{short_path(path)}: cannot be read ({reason}); the shipped studies are {', '.join(shipped())}"
        ) from None


def text(study: Study) -> str:
    """A study as a study file, which :func:`read` reads back.

    Args:
        study: the study, with the changes made to it.
    """
    usual_series = {"backend": None, "architecture": "cpu", "environment": HERE}
    usual_limits = {"time": Limits().seconds, "memory": Limits().memory}
    every = [study.axes, *(sample.axes for sample in study.samples)]
    tables = [{**sample.content, **_unusual({"axes": sample.axes}, {"axes": {}})} for sample in study.samples]
    content = {
        "name": study.name,
        "preset": study.preset,
        "repetitions": study.repetitions,
        "together": study.together,
        "zip": [group for group in study.zipped if any(set(group) & axes.keys() for axes in every)],
        "sample": tables[0] if len(tables) == 1 else tables,
        "point": study.point,
        "axes": study.axes,
        "only": _unusual(study.only, dict.fromkeys(study.only, {})),
        "limits": {
            **_unusual({"time": study.limits.seconds, "memory": study.limits.memory}, usual_limits),
            "threads": study.threads,
        },
        "cluster": _unusual(study.cluster._asdict(), Cluster()._asdict()),
        "environments": {
            place.name: {"python": place.python, "make": place.make}
            for place in study.environments.values()
            if place.name != HERE
        },
        "series": [
            {"method": method, **_unusual(dict(zip(usual_series, where, strict=True)), usual_series), **parameters}
            for method, *where, parameters in study.series
        ],
    }
    empty: dict[str, Any] = {name: {} for name in ("point", "axes", "only", "cluster")}
    empty |= {"preset": None, "together": False, "zip": []}
    empty["environments"] = {}
    return tomli_w.dumps(_unusual(content, empty))


def shipped() -> dict[str, Path]:
    """The study files that come with the package, by name."""
    return {path.stem: path for path in sorted(_SHIPPED.glob("*.toml"))}


def _check_once(changes: Iterable[str]) -> None:
    """Of two changes of a name the last would silently win."""
    names: set[str] = set()
    for change in changes:
        name = change.partition("=")[0]
        if name in names:
            raise UserError(f"--set {short_path(change)}: {name} is there twice; give it once, values by commas")
        names.add(name)


def _changed(study: Study, change: str) -> Study:
    name, equals, value = change.partition("=")
    if not equals:
        raise UserError(f"--set {short_path(change)}: give parameter=value or parameter=value,value")
    if name == "repetitions":
        return study._replace(repetitions=_whole(f"--set {change}", value, high=_MOST_REPETITIONS))
    if side := config.ONE_SIDED.get(name):
        of_side = {**study.only[side], name: parsing.parse_value(name, value)}
        return study._replace(only={**study.only, side: of_side})
    # A chain of transformations is one value, commas and all.
    values = [parsing.parse_value(name, v) for v in ([value] if name == "transformations" else value.split(","))]
    values = list(dict.fromkeys(values))
    study = study._replace(samples=[sample._replace(axes=_without(sample.axes, name)) for sample in study.samples])
    if len(values) > 1 or name in study.axes:
        return study._replace(axes={**study.axes, name: values})
    return study._replace(point={**study.point, name: values[0]})


def _check_points(study: Study, reader: "_Reader") -> list[plan.Planned]:
    """Refuses points that do not belong together; gives the runs of a first repetition."""
    for sample, group in itertools.product(study.samples, study.zipped):
        axes = {**study.axes, **sample.axes}
        if len({len(axes.get(name, [])) for name in group}) > 1:
            raise reader.error(("", "zip"), f"zip = {group}: axes that move together need as many values each")
    runs = []
    for number, series in enumerate(study.series):
        every = [(sample, values) for sample in study.samples for values in plan.points(study, sample)]
        of_series = [(sample, values) for sample, values in every if plan.has_run(study, series, values)]
        # Without any, the first one says what is missing.
        for sample, values in of_series or every[:1]:
            try:
                runs.append(plan.planned_run(study, sample, series, values, 1))
            except UserError as error:
                at = ", ".join(f"{name} = {value}" for name, value in values.items())
                raise reader.error((f"series.{number}", "method"), f"{error}{f' (at {at})' if at else ''}") from None
    return runs


def _without(axes: dict[str, list[Any]], name: str) -> dict[str, list[Any]]:
    return {axis: values for axis, values in axes.items() if axis != name}


def _unusual(values: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in usual or value != usual[name]}


def _one_sided(name: str) -> str:
    side = config.ONE_SIDED[name]
    methods = " and ".join(method for method in registry.of_side(side) if method in registry.with_parameter(name))
    series = f", or in a [[series]] of {methods}" if name in config.OF_SERIES else ""
    has = "has" if methods == side else "have"
    return f"{name}: {methods} alone {has} it; put one value under [only.{side}]{series}"


def _whole(where: str, value: Any, low: int = 1, high: int = 2**31 - 1) -> int:
    try:
        number = int(value)
        # So many digits only: Python refuses to write out what is much longer.
        fits = not isinstance(value, bool) and low <= number <= high and str(number) == str(value)
    except (TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        raise UserError(f"{where}: must be a whole number, at least {low} and at most {high}")
    return number


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max  # neither infinite nor NaN, nor a whole number beyond


def _is_value(value: Any) -> bool:
    """Whether a parameter may have it: a number or a text of one line."""
    return config.is_line(value) if isinstance(value, str) else _is_number(value)


class _Reader:
    """Turns the content of a study file into a Study; knows the line of every key, for errors."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = _lines(text)

    def error(self, key: tuple[str, str], message: str) -> UserError:
        """The error for a key of a table, with file and line."""
        line = (
            self._lines.get(key) or self._lines.get((".".join(filter(None, key)), "")) or self._lines.get((key[0], ""))
        )
        return UserError(f"{self._path}{f', line {line}' if line else ''}: {message}")

    def check_types(self, content: dict[str, Any]) -> None:
        """Refuses every value that is not of its key's type, in all tables, before anything is made of them."""
        self._check_table("", content, "")
        tables = content.get("sample", {})
        samples = [("sample", tables)] if isinstance(tables, dict) else _numbered("sample", tables)
        for key, table in samples:
            self._check_table(key, table, "events" if _is_of_events(table) else "sample")
            self._check_axes(f"{key}.axes", table.get("axes", {}))
        for name in ("limits", "cluster"):
            self._check_table(name, content.get(name, {}), name)
        self._check_axes("axes", content.get("axes", {}))
        self._check_values("point", content.get("point", {}))
        for side, values in content.get("only", {}).items():
            if not isinstance(values, dict):
                raise self.error(("only", side), f"only.{short_path(side)} must be a table, [only.NAME]")
            self._check_values(f"only.{side}", values)
        for name, table in content.get("environments", {}).items():
            if not isinstance(table, dict):
                raise self.error(("environments", name), f"environments.{name}: must be a table, [environments.NAME]")
            self._check_table(f"environments.{name}", table, "environments")
        for key, table in _numbered("series", content.get("series", [])):
            self._check_table(key, table, "series")

    def _check_table(self, key: str, table: dict[str, Any], kind: str) -> None:
        parameters = config.PARAMETERS.keys() - KEYS[kind].keys() if kind else ()
        self._check_values(key, {name: value for name, value in table.items() if name in parameters})
        for name, value in table.items():
            wanted = KEYS[kind].get(name)
            if wanted is not None and not _IS[wanted.type](value):
                example = {"table": f", [{name}]", "list of tables": f", [[{name}]] each"}.get(wanted.type, "")
                article = "" if wanted.type.startswith(("list", "true")) else "a "
                told = "" if "table" in wanted.type else f" = {short(value)}:"
                raise self.error((key, name), f"{name}{told} must be {article}{wanted.type}{example}")

    def _check_values(self, key: str, table: dict[str, Any]) -> None:
        for name, value in table.items():
            if not _is_value(value):
                raise self.error((key, name), f"{short_path(name)} = {short(value)}: must be a finite number or a text")

    def _check_axes(self, key: str, table: dict[str, Any]) -> None:
        for name, values in table.items():
            if not isinstance(values, list) or not values:
                text = f"{short_path(name)} = {short(values)}: an axis is a list of values, [5, 20, 100]"
                raise self.error((key, name), text)
            for value in values:
                self._check_values(key, {name: value})

    def study(self, content: dict[str, Any]) -> Study:
        """The study of a parsed file, whose types have been checked."""
        self._known("", content, KEYS[""])
        preset = content.get("preset")
        if preset is not None and preset not in parsing.PRESETS:
            raise self.error(("", "preset"), str(unknown("preset", preset, list(parsing.PRESETS))))
        environments = self._environments(content.get("environments", {}))
        axes = self._axes("axes", content.get("axes", {}))
        samples = self._samples(content.get("sample", {"name": "gauss"}))
        limits, threads = self._limits(content.get("limits", {}))
        return Study(
            name=self._name(content),
            samples=samples,
            preset=preset,
            point=self._parameters("point", content.get("point", {})),
            only=self._only(content.get("only", {})),
            axes=axes,
            zipped=self._zipped(content.get("zip", []), {*axes, *(name for sample in samples for name in sample.axes)}),
            series=self._series(content.get("series", []), environments),
            environments=environments,
            repetitions=self._number("", "repetitions", content.get("repetitions", 1), _MOST_REPETITIONS),
            together=content.get("together", False),
            limits=limits,
            threads=threads,
            cluster=self._cluster(content.get("cluster", {})),
        )

    def _name(self, content: dict[str, Any]) -> str:
        name = str(content.get("name", self._path.stem))
        if not re.fullmatch(r"\w[\w.-]{0,99}", name):
            text = f"name = {short(name)}: letters, digits, '-', '_' and '.', at most 100, make a folder's name"
            raise self.error(("", "name"), text)
        return name

    def _samples(self, tables: Any) -> list[Sample]:
        samples: list[Sample] = []
        for key, table in [("sample", tables)] if isinstance(tables, dict) else _numbered("sample", tables):
            for sample in self._sample(key, table):
                if sample.key in [other.key for other in samples]:
                    message = f"sample {sample.name!r} stands twice, and tables and figures know samples by name; "
                    message += "give each a name of its own" if "signal" in sample.content else "make two studies"
                    raise self.error((key, ""), message)
                samples.append(sample)
        return samples

    def _sample(self, key: str, table: dict[str, Any]) -> list[Sample]:
        axes = self._axes(f"{key}.axes", table.get("axes", {}))
        if _is_of_events(table):
            return self._events(key, table, axes)
        if "file" in table:
            self._known(key, table, ("file", "axes"))
            if not table["file"].strip():
                raise self.error((key, "file"), "file: is empty; give a common input file")
            return [Sample({"file": table["file"]}, axes)]
        name = table.get("name", "gauss")
        if name not in samples.SAMPLES:
            raise self.error((key, "name"), str(unknown("sample", name, list(samples.SAMPLES))))
        self._known(key, table, [*KEYS["sample"], *samples.parameters_of(name)])
        try:
            samples.check_types(name, {k: value for k, value in table.items() if k not in KEYS["sample"]})
        except UserError as error:
            raise self.error((key, ""), str(error)) from None
        return [Sample({"name": name, **{k: value for k, value in table.items() if k != "axes"}}, axes)]

    def _events(self, key: str, table: dict[str, Any], axes: dict[str, list[Any]]) -> list[Sample]:
        """Events of users' own; with ``folds`` each of them."""
        self._known(key, table, KEYS["events"])
        for name in ("signal", "variables", *(() if "label" in table else ("background",))):
            if not table.get(name):
                raise self.error((key, name), f"{name}: events of your own need it; {KEYS['events'][name].help}")
        name = table.get("name", "own")
        folds = table.get("folds")
        if "fold" in table:
            self._fold(key, table["fold"])
        if folds is not None:
            self._number(key, "folds", folds, selection.MOST_FOLDS)
            if folds < 2 or "fold" in table:
                raise self.error((key, "folds"), f"folds = {folds}: give at least 2, and no fold beside")
        # A longer one is told here, not after the events are read.
        if not re.fullmatch(samples.NAME, name):
            raise self.error((key, "name"), f"name = {short(name)}: {samples.NAME_HELP}")
        content = {"name": name, **{k: value for k, value in table.items() if k not in ("axes", "folds")}}
        if folds is None:
            return [Sample(content, axes)]
        return [Sample({**content, "fold": f"{number}/{folds}"}, axes) for number in range(1, folds + 1)]

    def _fold(self, key: str, text: str) -> None:
        try:
            selection.parts_of(text)
        except UserError as error:
            raise self.error((key, "fold"), str(error)) from None

    def _limits(self, table: dict[str, Any]) -> tuple[Limits, int]:
        self._known("limits", table, KEYS["limits"])
        limits = Limits()
        limits = limits._replace(seconds=table.get("time", limits.seconds), memory=table.get("memory", limits.memory))
        return limits, self._number("limits", "threads", table.get("threads", 1))

    def _cluster(self, table: dict[str, Any]) -> Cluster:
        self._known("cluster", table, KEYS["cluster"])
        values: dict[str, Any] = {}
        for name, value in table.items():
            if KEYS["cluster"][name].type == "whole number":
                values[name] = self._number("cluster", name, value)
            else:
                values[name] = (value,) if isinstance(value, str) else tuple(value)
        return Cluster()._replace(**values)

    def _environments(self, table: dict[str, Any]) -> dict[str, Place]:
        places = {HERE: Place(HERE, "", "")}
        for name, values in table.items():
            key = f"environments.{name}"
            if not re.fullmatch(r"\w[\w.+-]{0,59}", name) or name == HERE:
                text = f"environments.{short(name)}: letters, digits, _ - . + make its name, and it is not {HERE!r}"
                raise self.error((key, ""), text)
            if not values.get("python", "").strip():
                raise self.error((key, ""), f"environments.{name}: give python = the path of its Python executable")
            self._known(key, values, KEYS["environments"])
            places[name] = Place(name, values["python"], values.get("make", ""))
        return places

    def _axes(self, key: str, table: dict[str, Any]) -> dict[str, list[Any]]:
        axes = {}
        for name, values in table.items():
            axes[name] = [self._common(key, name, value) for value in values]
            if len(set(axes[name])) < len(values):
                raise self.error((key, name), f"{name} = {short(values)}: a value stands twice")
        return axes

    def _zipped(self, groups: Any, axes: set[str]) -> list[list[str]]:
        if not all(len(group) > 1 for group in groups):
            raise self.error(("", "zip"), 'zip: give lists of axes that move together, [["neurons", "layers"]]')
        named = [name for group in groups for name in group]
        for name in named:
            if name not in axes or named.count(name) > 1:
                raise self.error(("", "zip"), f"zip: {short(name)} must be one of the axes, and stand once")
        return [list(group) for group in groups]

    def _series(self, tables: Any, environments: dict[str, Place]) -> list[Series]:
        if not tables:
            raise self.error(("", "series"), "no series: give at least one [[series]] with a method")
        read = []
        for number, table in enumerate(tables):
            key = f"series.{number}"
            self._known(key, table, [*KEYS["series"], *config.PARAMETERS])
            if "method" not in table:
                raise self.error((key, ""), "a series needs a method")
            environment = table.get("environment", HERE)
            if environment not in environments:
                text = (
                    f"environment {short(environment)} is not described (known: {nearest(environment, environments)})"
                )
                raise self.error((key, "environment"), text)
            parameters = {name: value for name, value in table.items() if name in config.PARAMETERS}
            series = Series(
                table["method"],
                table.get("backend"),
                table.get("architecture", "cpu"),
                environment,
                self._of_series(key, table["method"], parameters),
            )
            if series in read:
                raise self.error((key, "method"), "this series stands twice")
            read.append(series)
        return read

    def _only(self, table: dict[str, Any]) -> dict[str, dict[str, Any]]:
        sides = registry.sides()
        self._known("only", table, sides)
        by_side = {}
        for side in sides:
            key, values = f"only.{side}", table.get(side, {})
            for name in values:
                if name in config.PARAMETERS and name not in config.ONE_SIDED:
                    raise self.error((key, name), f"{name}: both sides have it; put it under [point]")
                if config.ONE_SIDED.get(name, side) != side:
                    raise self.error((key, name), _one_sided(name))
            self._known(key, values, [name for name, its in config.ONE_SIDED.items() if its == side])
            by_side[side] = {name: self._value(key, name, value) for name, value in values.items()}
        return by_side

    def _of_series(self, key: str, method: Any, values: dict[str, Any]) -> dict[str, Any]:
        """The parameters of a series; a way to train that its method has is among them."""
        ways = [name for name in config.OF_SERIES if method in registry.with_parameter(name)]
        return {
            name: self._value(key, name, value) if name in ways else self._common(key, name, value)
            for name, value in values.items()
        }

    def _parameters(self, table: str, values: dict[str, Any]) -> dict[str, Any]:
        return {name: self._common(table, name, value) for name, value in values.items()}

    def _common(self, table: str, name: str, value: Any) -> Any:
        if name in config.ONE_SIDED:
            raise self.error((table, name), _one_sided(name))
        return self._value(table, name, value)

    def _value(self, table: str, name: str, value: Any) -> Any:
        try:
            return parsing.parse_value(name, value)
        except UserError as error:
            raise self.error((table, name), str(error)) from None

    def _number(self, table: str, name: str, value: Any, high: int = 2**31 - 1) -> int:
        try:
            return _whole(f"{name} = {short(value)}", value, high=high)
        except UserError as error:
            raise self.error((table, name), str(error)) from None

    def _known(self, table: str, values: dict[str, Any], known: Iterable[str]) -> None:
        names = list(known)
        for name in values:
            if name not in names:
                raise self.error((table, name), str(unknown("key", name, names)))


def _is_of_events(table: Mapping[str, Any]) -> bool:
    """Whether a sample is of users' own trees."""
    return bool(_OF_EVENTS & table.keys())


def _numbered(key: str, tables: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return [(f"{key}.{number}", table) for number, table in enumerate(tables)]


def _lines(text: str) -> dict[tuple[str, str], int]:
    """The line of every table and key; the tables of an array are numbered, ``series.0``."""
    lines: dict[tuple[str, str], int] = {}
    table, counts = "", dict[str, int]()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*(\[\[?)\s*([\w.\"-]+)\s*\]", line):
            table = header[2].replace('"', "")
            parent, _, rest = table.partition(".")
            if rest and parent in counts:
                table = f"{parent}.{counts[parent]}.{rest}"
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}.{counts[table]}"
            lines[table, ""] = number
        elif key := re.match(r"\s*\"?([\w-]+)\"?\s*=", line):
            lines.setdefault((table, key[1]), number)
            lines.setdefault((f"{table}.{key[1]}" if table else key[1], ""), number)
    return lines

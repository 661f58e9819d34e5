"""Study files: TOML read and checked, with the line of what is wrong, and written."""

import itertools
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tomli_w

from tmva_bench.basis import config, parsing
from tmva_bench.errors import UserError, unknown
from tmva_bench.events import samples
from tmva_bench.study import plan
from tmva_bench.study.requests import Limits
from tmva_bench.study.study import HERE, Place, Sample, Series, Study


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


# Every key by its table, "" for the top of the file; beside them stand the parameters of the point and of the sample.
KEYS = {
    "": {
        "name": Key("text", "the file's name", "names the results folder"),
        "preset": Key("text", "none", f"values under those of [point]: {', '.join(parsing.PRESETS)}"),
        "repetitions": Key(
            "whole number", "1", "runs of each series at each point; repetition n adds n - 1 to the seed"
        ),
        "zip": Key(
            "list of lists", "none", 'axes that move together instead of making a grid: [["neurons", "layers"]]'
        ),
        "sample": Key("table, or list of tables", 'name = "gauss"', "the events; several are [[sample]] each"),
        "point": Key("table", "the defaults", "common parameters that stay"),
        "axes": Key("table", "none", "common parameters that are scanned, a list of values each; they make a grid"),
        "only": Key("table", "none", "parameters that one side alone has: [only.tmva], [only.keras]"),
        "limits": Key("table", "none", "what a run may take"),
        "environments": Key("table", "none", "other Python installations, [environments.NAME] each"),
        "series": Key("list of tables", "needed", "the lines of the figures, [[series]] each"),
    },
    "sample": {
        "name": Key("text", "gauss", f"what is generated: {', '.join(samples.SAMPLES)}"),
        "file": Key("text", "none", "a common input file of your own, in place of what is generated"),
        "axes": Key("table", "none", "axes of this sample, [sample.axes], beside those of [axes] or in their place"),
    },
    "limits": {
        "time": Key("number above 0", "none", "real time of a run [s]"),
        "memory": Key("number above 0", "90 % of what is free", "resident memory of a run [MiB]"),
        "threads": Key("whole number", "1", "threads, and cores, of a run"),
    },
    "environments": {
        "python": Key("text", "needed", "its Python executable, from the current directory"),
        "make": Key("text", "none", "the command that makes it, for the reason of runs where it is missing"),
    },
    "series": {
        "method": Key("text", "needed", ", ".join(config.METHODS)),
        "backend": Key("text", "tensorflow", f"of pykeras and keras: {', '.join(config.BACKENDS)}"),
        "architecture": Key("text", "cpu", ", ".join(config.ARCHITECTURES)),
        "environment": Key("text", "where the command runs", "one of [environments.NAME]"),
    },
}
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
    path = Path(file)
    if not path.exists():
        path = shipped().get(str(file), path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{path}: cannot be read ({reason}); the shipped studies are {', '.join(shipped())}") from None
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: no TOML: {error}") from None
    reader = _Reader(path, text)
    study = reader.study(content)
    for change in changes:
        study = _changed(study, change)
    _check_points(study, reader)
    return study


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
        "zip": [group for group in study.zipped if any(set(group) & axes.keys() for axes in every)],
        "sample": tables[0] if len(tables) == 1 else tables,
        "point": study.point,
        "axes": study.axes,
        "only": _unusual(study.only, dict.fromkeys(study.only, {})),
        "limits": {
            **_unusual({"time": study.limits.seconds, "memory": study.limits.memory}, usual_limits),
            "threads": study.threads,
        },
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
    empty: dict[str, Any] = {"preset": None, "zip": [], "point": {}, "axes": {}, "only": {}, "environments": {}}
    return tomli_w.dumps(_unusual(content, empty))


def shipped() -> dict[str, Path]:
    """The study files that come with the package, by name."""
    return {found.stem: found for found in sorted(_SHIPPED.glob("*.toml"))}


def _changed(study: Study, change: str) -> Study:
    name, equals, value = change.partition("=")
    if not equals:
        raise UserError(f"--set {change}: give parameter=value or parameter=value,value")
    if name == "repetitions":
        return study._replace(repetitions=_whole(f"--set {change}", value))
    if side := config.ONE_SIDED.get(name):
        own = {**study.only[side], name: parsing.parse_value(name, value)}
        return study._replace(only={**study.only, side: own})
    # A chain of transformations is one value, commas and all.
    values = [parsing.parse_value(name, v) for v in ([value] if name == "transformations" else value.split(","))]
    study = study._replace(samples=[sample._replace(axes=_without(sample.axes, name)) for sample in study.samples])
    if len(values) > 1 or name in study.axes:
        return study._replace(axes={**study.axes, name: values})
    return study._replace(point={**study.point, name: values[0]})


def _check_points(study: Study, reader: "_Reader") -> None:
    for sample, group in itertools.product(study.samples, study.zipped):
        axes = {**study.axes, **sample.axes}
        if len({len(axes.get(name, [])) for name in group}) > 1:
            raise reader.error(("", "zip"), f"zip = {group}: axes that move together need as many values each")
    for number, series in enumerate(study.series):
        every = [(sample, values) for sample in study.samples for values in plan.points(study, sample)]
        own = [(sample, values) for sample, values in every if plan.has_run(study, series, values)]
        # Without any, the first one says what is missing.
        for sample, values in own or every[:1]:
            try:
                plan.planned_run(study, sample, series, values, 1)
            except UserError as error:
                at = ", ".join(f"{name} = {value}" for name, value in values.items())
                raise reader.error((f"series.{number}", "method"), f"{error}{f' (at {at})' if at else ''}") from None


def _without(axes: dict[str, list[Any]], name: str) -> dict[str, list[Any]]:
    return {axis: values for axis, values in axes.items() if axis != name}


def _unusual(values: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in usual or value != usual[name]}


def _one_sided(name: str) -> str:
    side = config.ONE_SIDED[name]
    methods = " and ".join(method for method, its in config.SIDES.items() if its == side)
    return f"{name}: {methods} alone {'has' if methods == side else 'have'} it; put one value under [only.{side}]"


def _whole(where: str, value: Any, low: int = 1) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = low - 1
    if isinstance(value, bool) or str(number) != str(value) or number < low:
        raise UserError(f"{where}: must be a whole number, at least {low}")
    return number


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

    def study(self, content: dict[str, Any]) -> Study:
        """The study of a parsed file."""
        self._known("", content, KEYS[""])
        for table in ("point", "axes", "only", "limits", "environments"):
            if not isinstance(content.get(table, {}), dict):
                raise self.error(("", table), f"{table} must be a table, [{table}]")
        preset = content.get("preset")
        if preset is not None and preset not in parsing.PRESETS:
            raise self.error(("", "preset"), f"unknown preset {preset!r} (known: {', '.join(parsing.PRESETS)})")
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
            repetitions=self._number("", "repetitions", content.get("repetitions", 1)),
            limits=limits,
            threads=threads,
        )

    def _name(self, content: dict[str, Any]) -> str:
        name = content.get("name", self._path.stem)
        if not isinstance(name, str) or not re.fullmatch(r"\w[\w.-]*", name):
            raise self.error(("", "name"), f"name = {name!r}: letters, digits, '-', '_' and '.' make a folder's name")
        return name

    def _samples(self, tables: Any) -> list[Sample]:
        if isinstance(tables, dict):
            return [self._sample("sample", tables)]
        if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
            raise self.error(("", "sample"), "sample must be a table, [sample], or several, [[sample]] each")
        found: list[Sample] = []
        for number, table in enumerate(tables):
            sample = self._sample(f"sample.{number}", table)
            if sample.name in [other.name for other in found]:
                message = f"sample {sample.name!r} stands twice, and tables and figures know samples by name; "
                message += "make two studies"
                raise self.error((f"sample.{number}", ""), message)
            found.append(sample)
        return found

    def _sample(self, key: str, table: dict[str, Any]) -> Sample:
        axes = table.get("axes", {})
        if not isinstance(axes, dict):
            raise self.error((key, "axes"), "axes must be a table, [sample.axes]")
        axes = self._axes(f"{key}.axes", axes)
        for name in ("file", "name"):
            if not isinstance(table.get(name, ""), str):
                raise self.error((key, name), f"{name} = {table[name]!r}: must be a text")
        if "file" in table:
            self._known(key, table, ("file", "axes"))
            return Sample({"file": table["file"]}, axes)
        name = table.get("name", "gauss")
        if name not in samples.SAMPLES:
            raise self.error((key, "name"), str(unknown("sample", name, list(samples.SAMPLES))))
        self._known(key, table, [*KEYS["sample"], *samples.parameters_of(name)])
        return Sample({"name": name, **{k: value for k, value in table.items() if k != "axes"}}, axes)

    def _limits(self, table: dict[str, Any]) -> tuple[Limits, int]:
        self._known("limits", table, KEYS["limits"])
        for name in ("time", "memory"):
            value = table.get(name, 1)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise self.error(("limits", name), f"{name} = {value!r}: must be a number above 0")
        limits = Limits()
        limits = limits._replace(seconds=table.get("time", limits.seconds), memory=table.get("memory", limits.memory))
        return limits, self._number("limits", "threads", table.get("threads", 1))

    def _environments(self, table: dict[str, Any]) -> dict[str, Place]:
        found = {HERE: Place(HERE, "", "")}
        for name, values in table.items():
            key = f"environments.{name}"
            if not isinstance(values, dict) or not isinstance(values.get("python"), str):
                raise self.error((key, ""), f"environments.{name}: give python = the path of its Python executable")
            self._known(key, values, KEYS["environments"])
            found[name] = Place(name, values["python"], values.get("make", ""))
        return found

    def _axes(self, key: str, table: dict[str, Any]) -> dict[str, list[Any]]:
        axes = {}
        for name, values in table.items():
            if not isinstance(values, list) or not values:
                raise self.error((key, name), f"{name} = {values!r}: an axis is a list of values, [5, 20, 100]")
            axes[name] = [self._common(key, name, value) for value in values]
            if len(set(axes[name])) < len(values):
                raise self.error((key, name), f"{name} = {values}: a value stands twice")
        return axes

    def _zipped(self, groups: Any, axes: set[str]) -> list[list[str]]:
        if not isinstance(groups, list) or not all(isinstance(group, list) and len(group) > 1 for group in groups):
            raise self.error(("", "zip"), 'zip: give lists of axes that move together, [["neurons", "layers"]]')
        named = [name for group in groups for name in group]
        for name in named:
            if name not in axes or named.count(name) > 1:
                raise self.error(("", "zip"), f"zip: {name!r} must be one of the axes, and stand once")
        return [list(group) for group in groups]

    def _series(self, tables: Any, environments: dict[str, Place]) -> list[Series]:
        if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
            raise self.error(("", "series"), "no series: give at least one [[series]] with a method")
        found = []
        for number, table in enumerate(tables):
            key = f"series.{number}"
            self._known(key, table, [*KEYS["series"], *config.PARAMETERS])
            if "method" not in table:
                raise self.error((key, ""), "a series needs a method")
            environment = table.get("environment", HERE)
            if environment not in environments:
                names = ", ".join(environments)
                raise self.error((key, "environment"), f"environment {environment!r} is not described (known: {names})")
            own = {name: value for name, value in table.items() if name in config.PARAMETERS}
            series = Series(
                table["method"],
                table.get("backend"),
                table.get("architecture", "cpu"),
                environment,
                self._parameters(key, own),
            )
            if series in found:
                raise self.error((key, "method"), "this series stands twice")
            found.append(series)
        return found

    def _only(self, table: dict[str, Any]) -> dict[str, dict[str, Any]]:
        sides = list(dict.fromkeys(filter(None, config.SIDES.values())))
        self._known("only", table, sides)
        found = {}
        for side in sides:
            key, values = f"only.{side}", table.get(side, {})
            if not isinstance(values, dict):
                raise self.error(("only", side), f"{key} must be a table, [{key}]")
            for name in values:
                if name in config.PARAMETERS and name not in config.ONE_SIDED:
                    raise self.error((key, name), f"{name}: both sides have it; put it under [point]")
                if config.ONE_SIDED.get(name, side) != side:
                    raise self.error((key, name), _one_sided(name))
            self._known(key, values, [name for name, its in config.ONE_SIDED.items() if its == side])
            found[side] = {name: self._value(key, name, value) for name, value in values.items()}
        return found

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

    def _number(self, table: str, name: str, value: Any) -> int:
        try:
            return _whole(f"{name} = {value!r}", value)
        except UserError as error:
            raise self.error((table, name), str(error)) from None

    def _known(self, table: str, values: dict[str, Any], known: Iterable[str]) -> None:
        names = list(known)
        for name in values:
            if name not in names:
                raise self.error((table, name), str(unknown("key", name, names)))


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

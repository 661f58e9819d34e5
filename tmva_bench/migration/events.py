"""A job's events as the ``[sample]`` and the common keys of a study."""

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tmva_bench.basis import config, mapping
from tmva_bench.errors import UserError
from tmva_bench.events import expressions
from tmva_bench.events.inputs import plain_name
from tmva_bench.events.selection import MOST_FOLDS
from tmva_bench.migration.booking import (
    BACKGROUND,
    BOTH,
    SIGNAL,
    TEST,
    Expression,
    Input,
    Job,
    Option,
    Place,
    Variable,
)
from tmva_bench.migration.verdicts import CONDITION, EQUAL, NOT, Row

# What stands for trees and variables that a source does not tell.
PLACEHOLDERS = {SIGNAL: "SIGNAL.root:TREE", BACKGROUND: "BACKGROUND.root:TREE"}
_NORM_MODES = {theirs.lower(): ours for ours, theirs in mapping.TMVA_NORM_MODES.items()}
# Functions that TTreeFormula continues outside of their range.
_CONTINUED = ("log", "log10", "sqrt", "asin", "acos", "acosh", "atanh")
_LONGEST = 2000  # characters of a text in a study file


def sample(job: Job) -> tuple[dict[str, Any], list[Row]]:
    """The ``[sample]`` of a job: its trees, variables, cuts, weights and numbers of events.

    Args:
        job: what the source states.

    Returns:
        The table, and what becomes of what is stated.
    """
    rows: list[Row] = []
    content: dict[str, Any] = {"name": _name(job)}
    content.update(_trees(job, rows))
    content["variables"] = [text for one in job.variables if (text := _variable(one, rows))] or ["*"]
    if not job.variables:
        rows.append(Row(Place(job.source), "variables = *", NOT, "no variable is told; put yours in"))
    if spectators := [text for one in job.spectators if (text := _variable(one, rows, is_spectator=True))]:
        content["spectators"] = spectators
    content.update(_cuts(job, rows))
    if job.divided is not None and _kept(job.divided, "split", rows):
        rows[-1] = rows[-1]._replace(verdict=CONDITION, why="where no event passes both cuts, of training and of test")
        content["split"] = job.divided.text
    content.update(_weights(job, rows))
    content.update(_folds(job, rows))
    content.update(_numbers(job, rows, has_folds="folds" in content))
    doubts = {remark.place: remark.text for remark in job.remarks if remark.text.startswith("only where")}
    return content, [_doubted(row, doubts) for row in rows]


def _doubted(row: Row, doubts: Mapping[Place, str]) -> Row:
    """A row of what is said under a condition that could not be told."""
    if row.verdict != EQUAL or row.place not in doubts:
        return row
    return row._replace(verdict=CONDITION, why=f"{doubts[row.place]}; {row.why}")


def common(job: Job) -> tuple[dict[str, Any], list[Row]]:
    """The parameters of a job's split that are common to its methods, for ``[point]``.

    Args:
        job: what the source states.
    """
    rows: list[Row] = []
    point: dict[str, Any] = {}
    mode = job.split.get("normmode")
    if mode is not None:
        ours = _NORM_MODES.get(mode.value.strip().lower())
        if ours:
            point["norm_mode"] = ours
            rows.append(Row(mode.place, f"norm_mode = {ours}", EQUAL, "the weights of each class are scaled likewise"))
        else:
            rows.append(Row(mode.place, "", NOT, "no NormMode of TMVA's"))
    seed = job.split.get("splitseed")
    if seed is not None and re.fullmatch("[1-9][0-9]{0,8}", seed.value.strip()):
        point["split_seed"] = int(seed.value)
        rows.append(
            Row(seed.place, f"split_seed = {seed.value}", CONDITION, "orders the training events; see SplitMode")
        )
    elif seed is not None:
        rows.append(Row(seed.place, "", NOT, "another split each time in TMVA; split_seed = 100 is taken"))
    for name, why in (
        ("splitmode", "which events train is drawn by the bench's own generator, so other ones than TMVA's do"),
        ("mixmode", "the bench trains on TMVA's order of MixMode=Random"),
    ):
        option = job.split.get(name)
        if option is not None:
            is_random = option.value.strip().lower() in ("random", "sameassplitmode")
            rows.append(
                Row(
                    option.place,
                    "a random split" if is_random else "",
                    CONDITION if is_random else NOT,
                    why if is_random else f"the bench splits at random; {why}",
                )
            )
    rows += [row for name, option in job.split.items() if (row := _other(name, option))]
    return point, rows


def _other(name: str, option: Option) -> Row | None:
    """What becomes of an option of ``PrepareTrainingAndTestTree`` that no other place tells of."""
    if name in ("v", "verboselevel", "correlations"):
        return Row(option.place, "", EQUAL, "changes what is printed only")
    if name == "scalewithpreseleff":
        return Row(option.place, "", NOT, "no parameter of the bench") if option.value != "False" else None
    if re.fullmatch(r"normmode|splitmode|mixmode|splitseed|(ntrain|ntest|traintestsplit)_(signal|background)", name):
        return None
    return Row(option.place, "", NOT, "no option of PrepareTrainingAndTestTree; TMVA ends with FATAL")


def _name(job: Job) -> str:
    """A name for the sample, which makes folders."""
    stem = job.dataset if job.dataset not in ("", "dataset", "default") else re.sub(r"\.\w+$", "", job.source)
    plain = re.sub(r"[^A-Za-z0-9_.+-]", "_", stem).strip("_.+-")[:60]
    return plain or "own"


def usable(text: str) -> bool:
    """Whether a text can stand in a study file."""
    return bool(text.strip()) and len(text) <= _LONGEST and config.is_line(text)


def readable(what: str, text: str) -> str:
    """Why an expression cannot be read here, "" where it can."""
    try:
        expressions.parse(what, text)
    except UserError as error:
        return str(error)
    return ""


def _trees(job: Job, rows: list[Row]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for kind in (SIGNAL, BACKGROUND):
        entries = [one for one in job.inputs if one.event_class in (kind, BOTH)]
        told = [one for one in entries if usable(f"{one.file}:{one.tree}") and one.file and one.tree]
        for one in entries:
            rows.append(_tree_row(one, kind, one in told))
        told = [one for one in told if "{" not in one.file + one.tree]
        training = [one for one in told if one.use != TEST]
        tests = [one for one in told if one.use == TEST]
        names = _processes(told, kind)
        content[kind] = _sources(training, names) or PLACEHOLDERS[kind]
        scales = {name: repr(weight) for weight, name in names.items() if weight is not None}
        if scales:
            content["scale"] = {**content.get("scale", {}), **scales}
        if not training:
            text = f"{kind} = {PLACEHOLDERS[kind]}"
            rows.append(Row(Place(job.source), text, NOT, f"the trees of {kind} could not be told; put yours in"))
        if tests:
            content[f"test_{kind}"] = _sources(tests, names)
        if content[kind] != PLACEHOLDERS[kind] and any(one.tree.endswith(("TrainTree", "TestTree")) for one in told):
            content["label"] = "classID == 0"
    return content


def _tree_row(one: Input, kind: str, told: bool) -> Row:
    if not told or "{" in one.file + one.tree:
        return Row(one.place, "", NOT, "file or tree could not be told")
    text = f"{'test_' if one.use == TEST else ''}{kind} = {one.file}:{one.tree}"
    if one.file.endswith((".txt", ".dat", ".csv")):
        return Row(one.place, "", NOT, "a text file; the bench reads trees")
    if one.cut:
        why = f"the cut {one.cut[:100]} holds for this tree alone; write its events into a tree of their own"
        return Row(one.place, text, NOT, why)
    if math.isnan(one.weight):
        return Row(one.place, text, NOT, "its weight could not be told; put it into scale or weight")
    return Row(one.place, text, EQUAL, "paths are those from the current folder")


def _weight_of(one: Input) -> float | None:
    return None if math.isnan(one.weight) else one.weight


def _processes(entries: Sequence[Input], kind: str) -> dict[float | None, str]:
    """Names of the processes of a class by their weight, whose factors go into ``scale``; none of one weight."""
    weights = list(dict.fromkeys(_weight_of(one) for one in entries))
    return {weight: f"{kind}{n}" for n, weight in enumerate(weights, 1)} if len(weights) > 1 else {}


def _sources(entries: Sequence[Input], names: Mapping[float | None, str]) -> Any:
    """The trees of a class: a list, or by process."""
    if not names:
        return _listed([f"{one.file}:{one.tree}" for one in entries])
    parts = {
        name: [f"{one.file}:{one.tree}" for one in entries if _weight_of(one) == weight]
        for weight, name in names.items()
    }
    return {name: _listed(part) for name, part in parts.items() if part}


def _listed(texts: Sequence[str]) -> Any:
    once = list(dict.fromkeys(texts))
    return once[0] if len(once) == 1 else once


def _variable(one: Variable, rows: list[Row], *, is_spectator: bool = False) -> str:
    """A variable as ``convert`` takes it, "" where it cannot be had."""
    if one.expression == "*":
        rows.append(Row(one.place, "variables = *", CONDITION, "all branches with one number an event, as there"))
        return "*"
    name = plain_name(one.name)
    plain = re.fullmatch(r"[A-Za-z_]\w*(\[\d+\])?", one.expression) and name in (
        one.expression,
        plain_name(one.expression),
    )
    text = one.expression if plain else f"{name} = {one.expression}"
    if not usable(text) or "{" in text:
        rows.append(Row(one.place, "", NOT, "the expression could not be told"))
        return ""
    reason = readable("variables", one.expression)
    if reason:
        rows.append(Row(one.place, text, NOT, f"{reason}; write it in the bench's own expressions"))
    else:
        integer = " (TMVA keeps I as a whole number, here all are float32)" if one.type == "I" else ""
        why = "carried along, never trained on" if is_spectator else f"computed likewise in float32{integer}"
        rows.append(_likewise(Row(one.place, text, EQUAL, why), one.expression))
    return text


def _kept(one: Expression, what: str, rows: list[Row]) -> bool:
    if not usable(one.text) or "{" in one.text:
        rows.append(Row(one.place, "", NOT, f"the {what} could not be told"))
        return False
    reason = readable(what, one.text)
    why = f"{reason}; write it in the bench's own expressions" if reason else "the same expression"
    key = what if one.event_class == BOTH else f"{one.event_class}_{what}"
    row = Row(one.place, f"{key} = {one.text}", NOT if reason else EQUAL, why)
    rows.append(row if reason else _likewise(row, one.text))
    return not reason


def _likewise(row: Row, text: str) -> Row:
    """A row of an expression, which TMVA's formulas (``TTreeFormula``) continue where it has no value."""
    for node in expressions.walk(expressions.parse("expression", text).root):
        by = node.parts[1] if node.kind == "/" else None
        divides = by is not None and not (by.kind == "number" and by.value)
        if divides or (node.kind == "call" and node.value in _CONTINUED):
            why = (
                "TMVA's formulas give 0 for x/0 and for log, asin, acos outside of their range, sqrt(|x|) for sqrt; "
                "here that is infinite or NaN"
            )
            return row._replace(verdict=CONDITION, why=f"where every part has a value: {why}")
    return row


def _is_condition(node: expressions.Node) -> bool:
    """Whether an expression is 0 or 1 and nothing else."""
    parts = [part for part in node.parts if part is not None]
    if node.kind == "call":
        return node.value in ("any", "all", "isnan", "isfinite")
    if node.kind in ("&", "|", "*", "choice"):
        return all(map(_is_condition, parts[node.kind == "choice" :]))
    return node.kind in ("<", "<=", ">", ">=", "==", "!=", "&&", "||", "!") or node.value in (0, 1)


def _passed(one: Expression, cuts: Sequence[Expression]) -> Expression:
    """A cut of its own as TMVA takes it, which asks for 0.5 at least; of cuts together each is true or not."""
    alone = sum(other.event_class in (one.event_class, BOTH) or one.event_class == BOTH for other in cuts) == 1
    if not alone or not usable(one.text) or "{" in one.text or readable("cut", one.text):
        return one
    if _is_condition(expressions.parse("cut", one.text).root):
        return one
    return dataclasses.replace(one, text=f"({one.text}) >= 0.5")


def _cuts(job: Job, rows: list[Row]) -> dict[str, str]:
    texts: dict[str, list[str]] = {}
    for one in [_passed(one, job.cuts) for one in job.cuts]:
        if one.event_class in (SIGNAL, BACKGROUND, BOTH) and _kept(one, "cut", rows):
            key = "cut" if one.event_class == BOTH else f"{one.event_class}_cut"
            if one.text not in texts.setdefault(key, []):
                texts[key].append(one.text)
    together = {
        key: many[0] if len(many) == 1 else " && ".join(f"({one})" for one in many) for key, many in texts.items()
    }
    if (
        "signal_cut" in together
        and together.get("signal_cut") == together.get("background_cut")
        and "cut" not in together
    ):
        return {"cut": together["signal_cut"]}
    return {key: text for key, text in together.items() if usable(text)}


def _weights(job: Job, rows: list[Row]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for one in job.weights:
        if one.event_class in (SIGNAL, BACKGROUND, BOTH) and _kept(one, "weight", rows):
            if one.event_class == BOTH:  # of several the last counts
                texts = {"weight": one.text}
            else:
                texts[f"{one.event_class}_weight"] = one.text
    for kind in (SIGNAL, BACKGROUND):
        factors = {one.weight for one in job.inputs if one.event_class in (kind, BOTH)}
        factor = next(iter(factors)) if len(factors) == 1 else 1.0
        if factor != 1 and not math.isnan(factor):
            of_class = texts.get(f"{kind}_weight", texts.get("weight", ""))
            texts[f"{kind}_weight"] = f"{factor!r}*({of_class})" if of_class else repr(factor)
    return texts


def _share(job: Job, rows: list[Row], has_tests: bool) -> dict[str, Any]:
    """The share that trains, ``TrainTestSplit_Signal`` and the like; a study has one for both classes."""
    options = [option for name, option in job.split.items() if name.startswith("traintestsplit_")]
    try:
        shares = {float(option.value) for option in options}
    except ValueError:
        shares = set()
    share = shares.pop() if len(shares) == 1 and len(options) == 2 else 0.0
    if 0 < share < 1 and not has_tests:
        why = "as large a share, but not the same events"
        rows += [Row(option.place, f"split = {share:g}", CONDITION, why) for option in options]
        return {"split": share}
    why = "beside trees for training and test alone" if has_tests else "a study has one share for both classes"
    rows += [Row(option.place, "", NOT, why) for option in options]
    return {}


def _folds(job: Job, rows: list[Row]) -> dict[str, int]:
    """The folds of ``TMVA::CrossValidation``."""
    option = job.factory.get("numfolds")
    if option is None:
        return {}
    text = option.value.strip()
    divides = any(one.use == TEST for one in job.inputs) or job.divided is not None
    for name in ("splittype", "splitexpr"):
        if name in job.factory:
            rows.append(Row(job.factory[name].place, "", NOT, "the bench draws its folds at random"))
    if divides or not re.fullmatch("[0-9]{1,9}", text) or not 2 <= int(text) <= MOST_FOLDS:
        why = "beside trees for training and test alone" if divides else f"2 to {MOST_FOLDS} folds can be had"
        rows.append(Row(option.place, "", NOT, why))
        return {}
    why = "as many folds, of events that the bench draws; each tests once"
    rows.append(Row(option.place, f"folds = {text}", CONDITION, why))
    return {"folds": int(text)}


def _numbers(job: Job, rows: list[Row], *, has_folds: bool) -> dict[str, Any]:
    """Numbers of events; of both 0, TMVA's default, half of the events train, as here."""
    has_tests = any(one.use == TEST for one in job.inputs) or job.divided is not None or has_folds
    content: dict[str, Any] = _share(job, rows, has_tests)
    for option in job.split.values():
        match = re.fullmatch(r"(ntrain|ntest)_(signal|background)", option.name.lower())
        if not match:
            continue
        text = option.value.strip()
        key = f"{match[1][1:]}_{match[2]}"
        if not re.fullmatch("[0-9]{1,9}", text):
            rows.append(Row(option.place, "", NOT, "the number could not be told"))
        elif text == "0":
            rows.append(
                Row(option.place, "", EQUAL, "all that the other sample leaves, half of the events without a number")
            )
        elif has_tests:
            what = "folds" if has_folds else "trees for training and test alone"
            rows.append(Row(option.place, "", NOT, f"a number beside {what}"))
        else:
            content[key] = int(text)
            rows.append(Row(option.place, f"{key} = {text}", CONDITION, "as many events, but not the same ones"))
    return content

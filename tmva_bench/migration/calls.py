"""What calls of ROOT and TMVA in a macro or script say about a job."""

import dataclasses
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tmva_bench.migration import bookings, keras_calls, models, networks, tree_cuts, values
from tmva_bench.migration.booking import (
    BACKGROUND,
    BOTH,
    SIGNAL,
    TEST,
    TRAINING,
    Booked,
    Expression,
    Input,
    Job,
    Network,
    Option,
    Place,
    Remark,
    Variable,
)
from tmva_bench.migration.values import NOTHING, Called, Enumerator, Follower, Text, Thing, Unknown, Value

_LOADERS = ("DataLoader", "Factory")
# Calls whose options PyROOT takes as keywords, too; and the keywords that are whole strings of options.
_WITH_OPTIONS = ("BookMethod", "Factory", "CrossValidation", "PrepareTrainingAndTestTree")
_STRINGS = ("theOption", "options", "splitOpt", "otherOpt")
_NUMBERS = ("nTrain_Signal", "nTrain_Background", "nTest_Signal", "nTest_Background")


@dataclasses.dataclass
class Draft:
    """A job as it is put together; see :class:`tmva_bench.migration.booking.Job`."""

    thing: Thing
    variables: list[Variable] = dataclasses.field(default_factory=list)
    spectators: list[Variable] = dataclasses.field(default_factory=list)
    targets: list[Place] = dataclasses.field(default_factory=list)
    inputs: list[Input] = dataclasses.field(default_factory=list)
    weights: list[Expression] = dataclasses.field(default_factory=list)
    cuts: list[Expression] = dataclasses.field(default_factory=list)
    split: dict[str, Option] = dataclasses.field(default_factory=dict)
    booked: list[tuple[bookings.Booking, Thing | None]] = dataclasses.field(default_factory=list)
    remarks: list[Remark] = dataclasses.field(default_factory=list)


class Jobs:
    """Collects what the calls of a source say; a :class:`tmva_bench.migration.values.Meaning`.

    Args:
        source: name of the source.
        folder: where relative paths in it begin, besides the current one.
        branches: names of the branches of a tree with one number an event, by file and tree; none where it is not
            there.

    Attributes:
        remarks: what could not be told.
        scripts: texts in Python that the source writes and starts.
    """

    def __init__(self, source: str, folder: Path, branches: Callable[[str, str], Sequence[str]]) -> None:
        self._source, self._folder, self._branches = source, folder, branches
        self._models: dict[str, Thing] = {}
        self._counted: set[Place] = set()
        self._drafts: list[Draft] = []
        self._factory: Thing | None = None
        self._file: Thing | None = None
        self._follower: Follower | None = None
        self._holes = values.Holes()
        self.remarks: list[Remark] = []
        self.scripts: list[str] = []

    def follow(self, follower: Follower, holes: values.Holes) -> None:
        """Says who follows the source, which spells out texts."""
        self._follower, self._holes = follower, holes

    def jobs(self) -> list[Job]:
        """A job for each DataLoader that something is booked with; without any booking all that there is."""
        drafts = [draft for draft in self._drafts if draft.booked] or self._drafts[:1]
        return [self._job(draft) for draft in drafts]

    def _job(self, draft: Draft) -> Job:
        inputs, cuts, divided = tree_cuts.of_classes(draft.inputs)
        factory = next((factory for _, factory in draft.booked if factory is not None), self._factory)
        known = {} if factory is None else factory.of
        options = bookings.options_of(known["options"], self._holes) if "options" in known else {}
        names = tuple(variable.name for variable in draft.variables)
        context = networks.Context(
            names,
            keeps_suffix="modelpersistence" in options and options["modelpersistence"].value == "False",
            model=self._model,
        )
        done = [one for one, _ in draft.booked if not _is_off(one.remarks, one.place, self._counted)]
        methods = [bookings.booked(booking, context, self._holes) for booking in done]
        loader = draft.thing.of.get("name", "") if draft.thing.kind == "DataLoader" else ""
        of_task = _of_task(draft, options)
        return Job(
            source=self._source,
            name=known.get("name", ""),
            output=known.get("output", ""),
            dataset=loader,
            factory=options,
            variables=tuple(draft.variables),
            spectators=tuple(draft.spectators),
            inputs=tuple(inputs),
            weights=tuple(draft.weights),
            cuts=(*cuts, *draft.cuts),
            divided=divided,
            split=draft.split,
            methods=tuple(_unique(methods)),
            remarks=(
                *(one for one in self.remarks if not _is_off([one], one.place, self._counted)),
                *draft.remarks,
                *of_task,
            ),
            is_classification=not of_task,
        )

    def _model(self, name: str) -> tuple[Network, list[str]] | None:
        """The network of a file of Keras: as the source builds it, else as it stands in the file."""
        model = self._models.get(name)
        if model is None:
            return models.of_file(self._folder, name)
        return models.network(model.of["layers"], model.of["compiled"])

    # What the evaluation asks for.

    def member(self, thing: Thing, name: str, place: Place) -> Value:
        """``file.tree`` of Python."""
        if name in thing.of:
            return thing.of[name]
        if thing.kind == "TFile" and not name.startswith("Get"):
            return Thing("TTree", place, {"files": [thing.of["file"]], "tree": name})
        return NOTHING

    def call(self, call: Called) -> Value:
        """Records what a call says."""
        if call.keywords and call.name in _WITH_OPTIONS:
            self._spell_out(call)
        value = keras_calls.call(call)
        if value is not NOTHING:
            return value
        maker = _MAKERS.get(call.name)
        if maker is not None and not isinstance(call.receiver, Thing):
            return maker(self, call)
        method = _METHODS.get(call.name)
        if method is None or self._is_other(call):
            return NOTHING
        return method(self, call)

    def _spell_out(self, call: Called) -> None:
        """Options as keywords, ``NTrees=200, V=False``, become the string that PyROOT makes of them."""
        parts = []
        for name, value in call.keywords.items():
            place = call.places.get(name, call.place)
            if name in _STRINGS:
                text = [self._raw(value, call)]
            elif isinstance(value, bool):
                text = [Text(name if value else f"!{name}", (0,), (place,))]
            else:
                plain = Text("None", (0,), (place,)) if value is None else self._raw(value, call)
                text = [Text(f"{name}=", (0,), (place,)), plain]
            parts += [*text, Text(":", (0,), (place,))]
        call.arguments.append(values.joined(parts[:-1], call.place))
        call.keywords.clear()

    def _is_other(self, call: Called) -> bool:
        """Whether it is a method of a class of the same names that trains nothing, as TMVA::Reader."""
        if isinstance(call.receiver, Thing):
            return call.receiver.kind == "Reader"
        return "reader" in call.owner.lower() and call.name in ("AddVariable", "AddSpectator", "BookMVA")

    # Texts.

    def _text(self, value: Value, call: Called) -> str:
        """A value as a text, with what could not be told spelled out, and a remark on that."""
        text = self._raw(value, call)
        for place in self._holes.within(text):
            self._remark(f"{place.text[:80]} could not be told", call.place)
        return self._holes.shown(text)

    def _raw(self, value: Value, call: Called) -> Text:
        assert self._follower is not None
        return self._follower.text(value, call.place)

    def _remark(self, text: str, place: Place) -> None:
        remark = Remark(text, place)
        if remark not in self.remarks:
            self.remarks.append(remark)

    def _argument(self, call: Called, number: int, *names: str, default: Value = None) -> Value:
        for name in names:
            if name in call.keywords:
                return call.keywords[name]
        return call.arguments[number] if number < len(call.arguments) else default

    def _draft(self, call: Called, thing: Value = None) -> Draft:
        """The job that a call is about: of the loader named, else of the only or the last one."""
        thing = call.receiver if thing is None else thing
        if isinstance(thing, Thing) and thing.kind in _LOADERS:
            for draft in self._drafts:
                if draft.thing is thing:
                    return draft
            self._drafts.append(Draft(thing))
            return self._drafts[-1]
        if not self._drafts:
            self._drafts.append(Draft(Thing("DataLoader", call.place, {"name": ""})))
        if len(self._drafts) > 1:
            self._remark(
                f"{call.place.text[:80]}: of which DataLoader could not be told; the last is taken", call.place
            )
        return self._drafts[-1]

    def _counts(self, call: Called) -> bool:
        """Whether a call is made at all; what it hangs on, where that could not be told, is remarked."""
        if call.off is None:
            self._counted.add(call.place)
        else:
            self._remark(f"is switched off: {call.off.text[:80]} (line {call.off.line}) decides", call.place)
            return False
        if call.doubts:
            self._remark(_doubt(call.doubts), call.place)
        return True

    # Objects.

    def _make_file(self, call: Called) -> Value:
        if call.name == "Open" and call.owner != "TFile":
            return NOTHING
        name = self._raw(self._argument(call, 0, default=""), call)
        mode = str(self._raw(self._argument(call, 1, "option", default=""), call)).upper()
        thing = Thing(
            "TFile", call.place, {"file": self._holes.shown(name) if name else "", "told": not values.has_hole(name)}
        )
        if mode in ("", "READ", "CACHEREAD"):
            self._file = thing
        return thing

    def _make_chain(self, call: Called) -> Value:
        tree = self._holes.shown(self._raw(self._argument(call, 0, default=""), call))
        if call.name == "TTree":
            return Thing("TTree", call.place, {"files": [], "tree": tree})
        files = [self._raw(argument, call) for argument in call.arguments[1:2] if call.name == "RDataFrame"]
        return Thing("TTree", call.place, {"files": [self._holes.shown(one) for one in files], "tree": tree})

    def _make_loader(self, call: Called) -> Value:
        name = self._text(self._argument(call, 0, default="default"), call)
        thing = Thing("DataLoader", call.place, {"name": name})
        self._draft(call, thing)
        return thing

    def _make_factory(self, call: Called) -> Value:
        arguments = list(call.arguments)
        loader = next((one for one in arguments if isinstance(one, Thing) and one.kind == "DataLoader"), None)
        output = next((one for one in arguments if isinstance(one, Thing) and one.kind == "TFile"), None)
        thing = Thing(
            "Factory", call.place, {"name": self._text(arguments[0], call) if arguments else "", "loader": loader}
        )
        if output is not None:
            thing.of["output"] = output.of["file"]
        options = arguments[-1] if arguments else None
        if len(arguments) > 1 and isinstance(options, str | Unknown):
            thing.of["options"] = self._raw(options, call)
        self._factory = thing
        return thing

    def _make_reader(self, call: Called) -> Value:
        return Thing("Reader", call.place)

    def _get(self, call: Called) -> Value:
        """A tree of a file, of the current one where the receiver is ``gDirectory``."""
        is_current = call.receiver is None or call.owner in ("gDirectory", "gFile", "gROOT")
        file = call.receiver if isinstance(call.receiver, Thing) else self._file if is_current else None
        if (
            len(call.arguments) != 1
            or not isinstance(call.arguments[0], str)
            or (file is not None and file.kind != "TFile")
        ):
            return NOTHING
        tree = self._holes.shown(self._raw(call.arguments[0], call))
        return Thing("TTree", call.place, {"files": [] if file is None else [file.of["file"]], "tree": tree})

    def _add_file(self, call: Called) -> Value:
        tree = call.receiver
        if not isinstance(tree, Thing) or tree.kind != "TTree" or not call.arguments:
            return NOTHING
        if call.off is None:
            first = call.arguments[0]
            more = first.of["files"] if isinstance(first, Thing) else [self._holes.shown(self._raw(first, call))]
            self._counts(call)
            for file in more:
                # TChain::Add takes file.root/tree and file.root?#tree, too.
                match = re.fullmatch(r"(.*\.root)(?:/|\?#)(\w[^:]*)", file)
                name, path = match.groups() if match and call.name == "Add" else (file, tree.of["tree"])
                if path != tree.of["tree"]:
                    if tree.of["files"]:
                        self._remark(
                            f"{file[:80]}: a tree of another name than those before; it is left out", call.place
                        )
                        continue
                    tree.of["tree"] = path
                tree.of["files"] = [*tree.of["files"], name]
        return 1

    def _copy_tree(self, call: Called) -> Value:
        tree = call.receiver
        if not isinstance(tree, Thing) or tree.kind != "TTree":
            return NOTHING
        some = call.arguments[2:] if call.name == "CopyTree" else call.arguments if call.name == "CloneTree" else []
        if some and some[0] != -1:
            self._remark(
                f"{call.place.text[:80]}: of some events, or filled by the code; write a file of them", call.place
            )
            return Thing("TTree", call.place, {**tree.of, "files": []})
        cut = self._text(call.arguments[0], call) if call.name == "CopyTree" and call.arguments else ""
        cuts = [one for one in (tree.of.get("cut", ""), cut) if one.strip()]
        whole = cuts[0] if len(cuts) == 1 else " && ".join(f"({one})" for one in cuts)
        return Thing("TTree", call.place, {**tree.of, "cut": whole})

    def _add_friend(self, call: Called) -> Value:
        if isinstance(call.receiver, Thing) and call.receiver.kind == "TTree":
            call.receiver.of["friend"] = call.place
        return NOTHING

    def _branch_list(self, call: Called) -> Value:
        """The branches of a tree, by name where its file is there, else one that stands for all."""
        tree = call.receiver
        if not isinstance(tree, Thing) or tree.kind != "TTree":
            return NOTHING
        names: Sequence[str] = ()
        if tree.of["files"]:
            names = self._branches(tree.of["files"][0], tree.of["tree"])
        if not names:
            self._remark("all branches of the tree, whose file is not there to be looked at", call.place)
        return [Thing("TBranch", call.place, {"name": Text(name, (0,), (call.place,))}) for name in names or ["*"]]

    def _branch_name(self, call: Called) -> Value:
        if isinstance(call.receiver, Thing) and "name" in call.receiver.of:
            return call.receiver.of["name"]
        return NOTHING

    # Events.

    def _add_variable(self, call: Called) -> Value:
        if not self._counts(call) or not call.arguments:
            return NOTHING
        draft = self._draft(call)
        if call.name == "AddTarget":
            draft.targets.append(call.place)
            return NOTHING
        text = self._text(call.arguments[0], call)
        if not text.strip():
            self._remark(f"{call.place.text[:60]}: the variable could not be told", call.place)
            return NOTHING
        wanted = draft.spectators if call.name == "AddSpectator" else draft.variables
        wanted.append(self._variable(call, text))
        return NOTHING

    def _variable(self, call: Called, text: str) -> Variable:
        label, defined, expression = text.partition(":=")
        letters = [one for one in (*call.arguments[1:4], call.keywords.get("type")) if isinstance(one, str)]
        kind = next((str(one) for one in letters if re.fullmatch("[A-Z]", one)), "F")
        if not defined:
            label = expression = text
        return Variable(expression.strip(), label.strip(), kind, call.place)

    def _add_array(self, call: Called) -> Value:
        """``AddVariablesArray(expression, size)``: the numbers of a branch that has several."""
        size = self._argument(call, 1)
        if not self._counts(call) or not call.arguments:
            return NOTHING
        name = self._text(call.arguments[0], call)
        if not isinstance(size, int) or not 0 < size <= 100_000:
            self._remark(f"{name}: an array whose size could not be told", call.place)
            return NOTHING
        names = [f"{name}[{number}]" for number in range(size)]
        self._draft(call).variables.extend(Variable(one, one, "F", call.place) for one in names)
        return NOTHING

    def _add_tree(self, call: Called) -> Value:
        """``AddSignalTree``, ``AddBackgroundTree``, ``SetSignalTree``, ``SetBackgroundTree``."""
        if not self._counts(call):
            return NOTHING
        kind = SIGNAL if "Signal" in call.name else BACKGROUND
        self._input(call, call.arguments[:1], kind, self._argument(call, 1, "weight", default=1.0), call.arguments[2:3])
        return NOTHING

    def _add_class_tree(self, call: Called) -> Value:
        """``AddTree(tree, class, weight, cut, type)``."""
        if not self._counts(call) or len(call.arguments) < 2:
            return NOTHING
        kind = _class(self._text(call.arguments[1], call))
        weight, cut = self._argument(call, 2, "weight", default=1.0), self._argument(call, 3, "cut", default="")
        text = "" if cut is None else self._text(cut, call).strip()
        self._input(call, call.arguments[:1], kind, weight, call.arguments[4:5], text)
        return NOTHING

    def _set_trees(self, call: Called) -> Value:
        """``SetInputTrees``: a tree of each class with weights, or one of both with a cut for each."""
        if not self._counts(call) or len(call.arguments) < 2:
            return NOTHING
        first, second = call.arguments[:2]
        if isinstance(second, str) and not (isinstance(first, str) and not _is_cut(second)):
            self._input(call, [first], BOTH, 1.0, ())
            for kind, cut in zip((SIGNAL, BACKGROUND), call.arguments[1:3], strict=False):
                self._cut(call, kind, cut)
            return NOTHING
        for number, kind in enumerate((SIGNAL, BACKGROUND)):
            weight = self._argument(call, 2 + number, default=1.0)
            self._input(call, [call.arguments[number]], kind, weight, ())
        return NOTHING

    def _input(
        self,
        call: Called,
        trees: Sequence[Value],
        kind: str,
        weight: Value,
        types: Sequence[Value],
        cut: str = "",
    ) -> None:
        draft, use = self._draft(call), self._use(types)
        number = float(weight) if isinstance(weight, int | float) else math.nan
        if math.isnan(number):
            self._remark(f"{call.place.text[:60]}: its weight could not be told", call.place)
        tree = trees[0] if trees else None
        if isinstance(tree, str):  # a text file
            draft.inputs.append(Input(self._text(tree, call), "", kind, use, number, call.place))
            return
        known: dict[str, Any] = {"files": [], "tree": ""}
        if isinstance(tree, Thing) and tree.kind == "TTree":
            known = tree.of
        if not known["files"] or not known["tree"]:
            self._remark(f"{call.place.text[:80]}: the tree's file could not be told", call.place)
        cuts = [one for one in (known.get("cut", ""), cut) if one]
        cut = cuts[0] if len(cuts) == 1 else " && ".join(f"({one})" for one in cuts)
        if "friend" in known:
            self._remark("the tree has a friend; give it as friend in [sample]", known["friend"])
        for file in known["files"] or [""]:
            entry = Input(file, known["tree"], kind, use, number, call.place, cut)
            if entry not in draft.inputs:
                draft.inputs.append(entry)

    def _use(self, types: Sequence[Value]) -> str:
        text = "".join(one.name if isinstance(one, Enumerator) else str(one) for one in types).lower()
        trains, tests = "train" in text, "test" in text
        return BOTH if trains == tests else TRAINING if trains else TEST

    def _set_weight(self, call: Called) -> Value:
        if not self._counts(call) or not call.arguments:
            return NOTHING
        kind = {"SetSignalWeightExpression": SIGNAL, "SetBackgroundWeightExpression": BACKGROUND}.get(call.name, BOTH)
        if call.name == "SetWeightExpression" and len(call.arguments) > 1:
            kind = _class(self._text(call.arguments[1], call)) or BOTH
        draft = self._draft(call)
        draft.weights.append(Expression(kind, self._text(call.arguments[0], call), call.place))
        return NOTHING

    def _add_cut(self, call: Called) -> Value:
        if self._counts(call) and call.arguments:
            kind = (_class(self._text(call.arguments[1], call)) if len(call.arguments) > 1 else BOTH) or BOTH
            if call.name == "SetCut":
                self._replace_cuts(self._draft(call), kind)
            self._cut(call, kind, call.arguments[0])
        return NOTHING

    def _replace_cuts(self, draft: Draft, kind: str) -> None:
        """Takes the cuts of a class away; one of both stays that of the other class."""
        left = [one for one in draft.cuts if one.event_class not in (kind, BOTH)] if kind != BOTH else []
        others = [] if kind == BOTH else [other for other in (SIGNAL, BACKGROUND) if other != kind]
        for one in draft.cuts:
            if one.event_class == BOTH:
                left += [dataclasses.replace(one, event_class=other) for other in others]
        draft.cuts[:] = left

    def _cut(self, call: Called, kind: str, cut: Value) -> None:
        text = "" if cut is None else self._text(cut, call)
        entry = Expression(kind, text.strip(), call.place)
        if entry.text and entry not in self._draft(call).cuts:
            self._draft(call).cuts.append(entry)

    def _prepare(self, call: Called) -> Value:
        """``PrepareTrainingAndTestTree``: cuts, numbers and options in its various forms."""
        if not self._counts(call) or not call.arguments:
            return NOTHING
        draft = self._draft(call)
        numbers = [one for one in call.arguments if isinstance(one, int) and not isinstance(one, bool)]
        texts = [one for one in call.arguments if not isinstance(one, int)]
        unknown = [one for one in texts[1:-1] if isinstance(one, Unknown)]
        has_numbers = bool(numbers) or len(unknown) > 1
        if has_numbers and len(numbers) in (2, 4):
            per_class = numbers if len(numbers) == 4 else [numbers[0], numbers[0], numbers[1], numbers[1]]
            for name, number in zip(_NUMBERS, per_class, strict=True):
                draft.split[name.lower()] = Option(name, str(number), call.place)
        elif has_numbers:
            self._remark("the numbers of events could not be told", call.place)
        options = texts.pop() if len(texts) > 1 and not _is_cut(texts[-1]) else None
        cuts = texts[: 1 if has_numbers else 2]
        if len(cuts) == 2:
            for kind, cut in zip((SIGNAL, BACKGROUND), cuts, strict=True):
                self._cut(call, kind, cut)
        elif cuts and not (options is None and isinstance(cuts[0], str) and _is_split(cuts[0])):
            self._cut(call, BOTH, cuts[0])
        elif cuts:
            options = cuts[0]
        if isinstance(options, str | Unknown):
            draft.split.update(bookings.options_of(self._raw(options, call), self._holes))
        return NOTHING

    # Methods.

    def _save(self, call: Called) -> Value:
        """``model.save(name)`` and ``save_model(model, name)`` of Keras."""
        of_function = call.name == "save_model"
        model = self._argument(call, 0, "model") if of_function else call.receiver
        name = self._argument(call, int(of_function), "filepath")
        if isinstance(model, Thing) and model.kind == "KerasModel" and name is not None:
            self._models[self._holes.shown(self._raw(name, call)).strip()] = model
        return NOTHING

    def _macro_line(self, call: Called) -> Value:
        """A line of a ``TMacro``, in which C++ macros write the Python that builds a model."""
        if isinstance(call.receiver, Thing) and call.receiver.kind == "TMacro" and call.arguments and call.off is None:
            line = self._holes.shown(self._raw(call.arguments[0], call))
            call.receiver.of["lines"] = [*call.receiver.of["lines"], line]
        return NOTHING

    def _make_macro(self, call: Called) -> Value:
        return Thing("TMacro", call.place, {"lines": []})

    def _save_macro(self, call: Called) -> Value:
        if isinstance(call.receiver, Thing) and call.receiver.kind == "TMacro":
            self.scripts.append("\n".join(call.receiver.of["lines"]))
        return NOTHING

    def take_models(self, other: "Jobs") -> None:
        """Adds the models of Keras that another source builds."""
        self._models.update(other._models)

    def _book(self, call: Called) -> Value:
        arguments = list(call.arguments)
        loader: Value = None
        if arguments and not _is_type(arguments[0]):
            loader = arguments.pop(0)
        if not arguments:
            self._remark(f"{call.place.text[:80]}: no method could be told, and nothing is booked", call.place)
            return NOTHING
        kind = arguments[0]
        factory = (
            call.receiver if isinstance(call.receiver, Thing) and call.receiver.kind == "Factory" else self._factory
        )
        if loader is None and factory is not None:
            loader = factory.of.get("loader") or (None if call.receiver is None else call.receiver)
        title = self._text(arguments[1], call) if len(arguments) > 1 else ""
        options = self._raw(arguments[2] if len(arguments) > 2 else "", call)
        name = kind.name if isinstance(kind, Enumerator) else self._text(kind, call)
        remarks = [Remark(_doubt(call.doubts), call.place)] if call.doubts else []
        if call.off is None:
            self._counted.add(call.place)
        else:
            remarks = [Remark(f"is switched off: {call.off.text[:80]} ({call.off}) decides", call.place)]
        booking = bookings.Booking(name, title or name, options, call.place, tuple(remarks))
        is_loader = isinstance(loader, Thing) and loader.kind in _LOADERS
        self._draft(call, loader if is_loader else Unknown(call.place)).booked.append((booking, factory))
        return NOTHING


def _is_off(remarks: Sequence[Remark], place: Place, counted: set[Place]) -> bool:
    """Whether they say that a call is switched off which another round of a loop makes."""
    return place in counted and any(remark.text.startswith("is switched off") for remark in remarks)


def _doubt(places: Sequence[Place]) -> str:
    """Under which conditions something is said, where these could not be told."""
    conditions = " and ".join(f"{place.text[:60]} (line {place.line})" for place in places[:5])
    return f"only where {conditions}, which could not be told"


def _class(name: str) -> str:
    """The class that a name stands for; TMVA knows no case there."""
    lower = name.strip().lower()
    return lower if lower in (SIGNAL, BACKGROUND) else name.strip()


def _is_type(value: Value) -> bool:
    """Whether a value names a method's type."""
    return isinstance(value, Enumerator) or (isinstance(value, str) and bool(bookings.TYPE.fullmatch(value)))


def _is_cut(value: Value) -> bool:
    return isinstance(value, Text) and value.is_cut


def _is_split(text: str) -> bool:
    return bool(re.search(r"(?i)SplitMode|NormMode|nTrain_|nTest_|MixMode|!?V$", text))


def _unique(methods: Sequence[Booked]) -> list[Booked]:
    """Each booking once: the two sides of a choice may book the same."""
    once: list[Booked] = []
    for method in methods:
        if not any(
            (one.type, one.title, one.place.text) == (method.type, method.title, method.place.text) for one in once
        ):
            once.append(method)
    return once


def _of_task(draft: Draft, options: dict[str, Option]) -> list[Remark]:
    """What cannot be had of a task that is no classification in signal and background."""
    remarks = [
        Remark("a regression: cannot be had here, which knows signal and background", place)
        for place in draft.targets[:1]
    ]
    classes = {one.event_class for one in draft.inputs} - {SIGNAL, BACKGROUND, BOTH}
    if classes:
        place = next(one.place for one in draft.inputs if one.event_class in classes)
        names = ", ".join(sorted(classes))
        remarks.append(Remark(f"classes {names[:80]}: more than signal and background cannot be had here", place))
    kind = options.get("analysistype")
    if kind is not None and kind.value.lower() in ("regression", "multiclass") and not remarks:
        remarks.append(
            Remark(f"AnalysisType={kind.value}: cannot be had here, which knows signal and background", kind.place)
        )
    return remarks


_Handler = Callable[[Jobs, Called], Value]
_MAKERS: dict[str, _Handler] = {
    "TFile": Jobs._make_file,
    "Open": Jobs._make_file,
    **dict.fromkeys(("TChain", "TTree", "RDataFrame"), Jobs._make_chain),
    **dict.fromkeys(("DataLoader", "TMVADataLoader"), Jobs._make_loader),
    **dict.fromkeys(("Factory", "TMVAFactory", "CrossValidation"), Jobs._make_factory),
    **dict.fromkeys(("Reader", "TMVAReader"), Jobs._make_reader),
    "TMacro": Jobs._make_macro,
}
_METHODS: dict[str, _Handler] = {
    **dict.fromkeys(("Get", "FindObject", "FindObjectAny"), Jobs._get),
    **dict.fromkeys(("Add", "AddFile"), Jobs._add_file),
    **dict.fromkeys(("CopyTree", "CloneTree", "Clone"), Jobs._copy_tree),
    "AddFriend": Jobs._add_friend,
    "GetListOfBranches": Jobs._branch_list,
    "GetListOfLeaves": Jobs._branch_list,
    "GetName": Jobs._branch_name,
    **dict.fromkeys(("AddVariable", "AddSpectator", "AddTarget"), Jobs._add_variable),
    "AddVariablesArray": Jobs._add_array,
    **dict.fromkeys(("AddSignalTree", "AddBackgroundTree", "SetSignalTree", "SetBackgroundTree"), Jobs._add_tree),
    "AddTree": Jobs._add_class_tree,
    "SetInputTrees": Jobs._set_trees,
    **dict.fromkeys(
        ("SetWeightExpression", "SetSignalWeightExpression", "SetBackgroundWeightExpression"), Jobs._set_weight
    ),
    **dict.fromkeys(("AddCut", "SetCut"), Jobs._add_cut),
    "PrepareTrainingAndTestTree": Jobs._prepare,
    "BookMethod": Jobs._book,
    **dict.fromkeys(("save", "save_model"), Jobs._save),
    "AddLine": Jobs._macro_line,
    "SaveSource": Jobs._save_macro,
}

"""What to take of users' own events: variables, cuts, weights and the split, from what a user wrote, checked."""

import re
from typing import (
    Any,
    Callable,
    Dict,
    FrozenSet,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

from tmva_bench.errors import UserError, short, unknown
from tmva_bench.events import expressions, inputs, sources
from tmva_bench.events.expressions import Expression, Node
from tmva_bench.events.sources import Process

CLASSES = ("signal", "background")
_PATTERN = re.compile(r"(-?)([\w.:*?]*[*?][\w.:*?]*|[\w.:]+)(\[[^\[\]]*\])?")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
# What asks for the same of all classes or of one.
MOST_FOLDS = 1000


class Variable(NamedTuple):
    """A number an event.

    Attributes:
        name: as a C identifier.
        expression: how it is computed.
    """

    name: str
    expression: Expression


class Class(NamedTuple):
    """What is taken as one class.

    Attributes:
        kind: ``signal``, ``background``, ``test_signal`` or ``test_background``.
        processes: where its events lie.
        cuts: conditions that all must hold.
        weight: the weight of its events, None for 1.
        shared: the trees that hold both classes.
        condition: the condition that holds for this class in those.
    """

    kind: str
    processes: Tuple[Process, ...]
    cuts: Tuple[Expression, ...]
    weight: Optional[Expression]
    shared: FrozenSet[Tuple[str, str]]
    condition: Optional[Expression]


class Split(NamedTuple):
    """How events are divided into training and test.

    Attributes:
        kind: ``half``, ``fraction``, ``number``, ``expression``, ``fold`` or ``files``.
        value: the fraction, number, expression, or ``(i, k)`` of a fold.
    """

    kind: str
    value: Any


class Selection(NamedTuple):
    """All that is asked for, read and checked."""

    variables: Tuple[Variable, ...]
    spectators: Tuple[Variable, ...]
    pad: Optional[float]
    classes: Dict[str, Class]
    scale: Dict[str, Expression]
    normalise: bool
    label: Optional[Expression]
    split: Split
    seed: int
    limits: Dict[str, Tuple[Optional[int], Optional[int]]]


def known_names(tables: sources.Tables, selected: Sequence[Tuple[str, Sequence[Process]]]) -> List[str]:
    """The names that the first tree of every process has, in the order of the first."""
    names: Optional[List[str]] = None
    for kind, processes in selected:
        for process in processes:
            with tables.table(kind, process.parts[0], process.friends[0]) as table:
                names = table.names() if names is None else [name for name in names if table.has(name)]
    return names or []


def one(what: str, text: str, known: Sequence[str]) -> Expression:
    """The expression that a text says; a branch of just this name goes first, whatever it is called."""
    return expressions.branch(text) if text in known else expressions.parse(what, text)


def items(what: str, texts: Union[str, Sequence[str]]) -> List[str]:
    """The items of lists of expressions, separated by commas.

    Raises:
        UserError: one is empty.
    """
    listed = [item for text in ([texts] if isinstance(texts, str) else texts) for item in expressions.split(text)]
    if "" in listed:
        raise UserError(f"{what}: an item of the list is empty; correct the commas")
    return listed


def variables_of(
    what: str, texts: Sequence[str], known: Sequence[str], left_out: Sequence[str], is_flat: Callable[[str], bool]
) -> Tuple[Variable, ...]:
    """Variables from what a user wrote: branches, ``name = expression``, patterns, and slices for several elements.

    Args:
        what: ``variables`` or ``spectators``, for messages.
        texts: the items; ``-pattern`` takes out of what patterns gave.
        known: names of the branches.
        left_out: what no pattern gives.
        is_flat: whether a branch holds one number an event.

    Raises:
        UserError: an expression that cannot be read, a pattern that nothing fits, or two of one name.
    """
    dropped = [text[1:] for text in texts if text.startswith("-") and _PATTERN.fullmatch(text) and _has_patterns(texts)]
    chosen_variables: List[Variable] = []
    for text in texts:
        if text.startswith("-") and text[1:] in dropped:
            continue
        if text not in known and _is_pattern(text, known):
            named = [name for name in _fitting(text, known) if name not in left_out and not _fits_any(name, dropped)]
            suffix = (_PATTERN.fullmatch(text) or [""] * 4)[3] or ""
            named = [name for name in named if is_flat(name) == (not suffix)]
            if not named:
                raise UserError(f"{what}: no branch fits {text!r}; {unknown('branch', text, known)}")
            for name in named:
                chosen_variables.extend(
                    _elements(what, inputs.plain_name(name + suffix), f"{name}{suffix}", known, name)
                )
        else:
            asked_for, expression = (None, text) if text in known else expressions.named(text)
            chosen_variables.extend(_elements(what, asked_for or "", expression, known))
    return tuple(chosen_variables)


def _has_patterns(texts: Sequence[str]) -> bool:
    return any("*" in text or "?" in text for text in texts)


def _is_pattern(text: str, known: Sequence[str]) -> bool:
    """Whether this is a pattern of names; ``a*b`` of two branches is their product, unless names fit it."""
    match = _PATTERN.fullmatch(text)
    if not match or match[1] or not re.search(r"[*?]", match[2]):
        return False
    return bool(_fitting(text, known)) or not all(name in known for name in re.split(r"\*+", match[2]))


def _fitting(text: str, known: Sequence[str]) -> List[str]:
    match = _PATTERN.fullmatch(text)
    return [name for name in known if match and _fits_any(name, [match[2]])]


def _fits_any(name: str, patterns: Sequence[str]) -> bool:
    return any(
        re.fullmatch("".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern), name)
        for pattern in patterns
    )


def _elements(what: str, name: str, text: str, known: Sequence[str], branch: str = "") -> Iterator[Variable]:
    """The variable of an expression; of a slice with an end, a variable for each element."""
    expression = one(what, text, known)
    if not expression.names:
        raise UserError(f"{what}: {short(text)} has no branch in it and is the same for all events; leave it out")
    ends = expressions.slice_ends(expression.root)
    if ends is None:
        yield Variable(name or inputs.plain_name(text), expression)
        return
    list_text = text[: expression.root.place].strip()
    stem = name if name and not branch else inputs.plain_name(list_text)
    for number in range(*ends):
        element = expressions.element(expression, number)
        yield Variable(f"{stem}_{number}", element)


def condition_of_class(kind: str, label: Optional[Expression]) -> Expression:
    """What holds for the events of a class in a tree of both."""
    if label is None:
        number = sources.CLASS_NUMBERS[kind]
        return expressions.parse("class", f"{sources.CLASS_BRANCH} == {number}")
    if kind == "signal":
        return label
    return Expression(f"!({label.text})", Node("!", None, (label.root,), 0, label.root.depth + 1))


def build(  # noqa: PLR0913 - the arguments are those of `convert`
    tables: sources.Tables,
    *,
    signal: Any,
    background: Any = None,
    variables: Union[str, Sequence[str]],
    spectators: Union[str, Sequence[str]] = (),
    pad: Optional[float] = None,
    cut: Optional[str] = None,
    signal_cut: Optional[str] = None,
    background_cut: Optional[str] = None,
    weight: Optional[str] = None,
    signal_weight: Optional[str] = None,
    background_weight: Optional[str] = None,
    scale: Union[Mapping[str, str], Sequence[str]] = (),
    normalise: bool = False,
    label: Optional[str] = None,
    friend: Union[Mapping[str, Any], str, Sequence[str]] = (),
    split: Union[None, int, float, str] = None,
    fold: Optional[str] = None,
    train_signal: Optional[int] = None,
    train_background: Optional[int] = None,
    test_signal: Any = None,
    test_background: Any = None,
    seed: int = 1,
) -> Selection:
    """What :func:`tmva_bench.api.convert` is asked for, whose arguments these are, but for the open tables.

    Raises:
        UserError: what cannot be read, is not there, or does not belong together.
    """
    asked_for = {"signal": signal, "background": background}
    ready = {"signal": _ready("test_signal", test_signal), "background": _ready("test_background", test_background)}
    listed = _processes(asked_for, ready, label, _friends(friend))
    known = known_names(tables, [(kind, processes) for kind, processes in listed.items()])
    texts = {"cut": cut, "signal_cut": signal_cut, "background_cut": background_cut, "weight": weight}
    texts.update(signal_weight=signal_weight, background_weight=background_weight, label=label)
    parsed = {name: None if text is None else one(name, text, known) for name, text in texts.items()}
    scales = _scales(scale, listed, known)
    chosen = _split(split, fold, ready, known)
    limits = {
        "signal": (train_signal, None if ready["signal"] else test_signal),
        "background": (train_background, None if ready["background"] else test_background),
    }
    _check_limits(chosen, split, limits)
    classes = {}
    for kind, processes in listed.items():
        plain = kind.replace("test_", "")
        partner = listed.get(kind.replace(plain, CLASSES[plain == "signal"]), ())
        classes[kind] = Class(
            kind,
            processes,
            tuple(condition for condition in (parsed["cut"], parsed[f"{plain}_cut"]) if condition),
            parsed[f"{plain}_weight"] or parsed["weight"],
            frozenset(_identities(processes) & _identities(partner)),
            condition_of_class(plain, parsed["label"]),
        )
    spectator_texts = items("spectators", spectators) if spectators else []
    left_out = [expression.text for expression in (*parsed.values(), *scales.values()) if expression]
    left_out += [sources.CLASS_BRANCH, *spectator_texts, *(parsed["label"].names if parsed["label"] else [])]
    if chosen.kind == "expression":
        left_out += chosen.value.names
    for factor in (parsed["weight"], parsed["signal_weight"], parsed["background_weight"], *scales.values()):
        left_out += factor.names if factor else []
    first = listed["signal"][0]
    with tables.table("signal", first.parts[0], first.friends[0]) as table:
        chosen_variables = variables_of("variables", items("variables", variables), known, left_out, table.is_flat)
        carried = variables_of("spectators", spectator_texts, known, (), table.is_flat)
    return Selection(
        chosen_variables, carried, _pad(pad), classes, scales, normalise, parsed["label"], chosen, seed, limits
    )


def files(
    signal: Any,
    background: Any = None,
    label: Optional[str] = None,
    friend: Union[Mapping[str, Any], str, Sequence[str]] = (),
    test_signal: Any = None,
    test_background: Any = None,
    **others: Any,
) -> List[str]:
    """The files that are to be read, without a look into them.

    Args:
        signal: see :func:`build`, as all of these.
        background: likewise.
        label: likewise.
        friend: likewise.
        test_signal: likewise.
        test_background: likewise.
        others: the arguments that name no file.

    Raises:
        UserError: no file fits, or they do not belong together.
    """
    asked_for = {"signal": signal, "background": background}
    ready = {"signal": _ready("test_signal", test_signal), "background": _ready("test_background", test_background)}
    return files_of(_processes(asked_for, ready, label, _friends(friend)))


def files_of(listed: Mapping[str, Sequence[Process]]) -> List[str]:
    """The files of processes, by class."""
    return [
        source.file
        for processes in listed.values()
        for process in processes
        for part, friends in zip(process.parts, process.friends)
        for source in (part, *friends)
        if isinstance(source, sources.Source)
    ]


def _pad(pad: Optional[float]) -> Optional[float]:
    if pad is None:
        return None
    if isinstance(pad, bool) or not isinstance(pad, (int, float)) or not abs(pad) < 3e38:
        raise UserError(f"pad = {short(pad)}: must be a number that float32 holds")
    return float(pad)


def _ready(name: str, asked_for: Any) -> Any:
    """Test events of their own; None where the number of test events is given, or nothing."""
    if asked_for is None or isinstance(asked_for, int):
        return None
    return asked_for


def _friends(asked_for: Union[Mapping[str, Any], str, Sequence[str]]) -> Dict[str, List[str]]:
    """Friends by process or class."""
    if isinstance(asked_for, Mapping):
        pairs = [
            (str(name), text) for name, one in asked_for.items() for text in ([one] if isinstance(one, str) else one)
        ]
    else:
        pairs = [sources.process_of(text) for text in ([asked_for] if isinstance(asked_for, str) else asked_for)]
    friends: Dict[str, List[str]] = {}
    for name, text in pairs:
        if not name:
            raise UserError(f"friend = {text}: say whose it is, PROCESS={text}, or signal= or background=")
        friends.setdefault(name, []).append(text)
    return friends


def _processes(
    asked_for: Mapping[str, Any], ready: Mapping[str, Any], label: Optional[str], friends: Mapping[str, List[str]]
) -> Dict[str, Tuple[Process, ...]]:
    """The processes by class, training and test apart where the test events are ready."""
    listed: Dict[str, Tuple[Process, ...]] = {}
    for prefix, wanted in (("", asked_for), ("test_", ready)):
        for kind in CLASSES:
            other = wanted[CLASSES[kind == "signal"]]
            asked = other if label and wanted[kind] is None else wanted[kind]
            if asked is not None:
                listed[prefix + kind] = sources.processes(prefix + kind, asked)
            elif not prefix:
                raise UserError(
                    f"{kind}: no tree given; give FILE:TREE, or label, what holds for signal in one of both"
                )
        if label and prefix + "signal" in listed:
            _check_label(label, listed[prefix + "signal"], listed[prefix + "background"])
    _check_overlap(listed)
    return _befriended(listed, friends)


def _check_label(label: str, signal: Sequence[Process], background: Sequence[Process]) -> None:
    """With a label every tree holds both classes."""
    for file, tree in _identities(signal) ^ _identities(background):
        raise UserError(f"label = {label}: {file}:{tree} stands for one class alone; with a label each tree holds both")


def _check_overlap(listed: Mapping[str, Sequence[Process]]) -> None:
    """No tree is for training and for test."""
    training = _identities([process for kind in CLASSES for process in listed[kind]])
    for kind in ("test_signal", "test_background"):
        for process in listed.get(kind, ()):
            for part in process.parts:
                if isinstance(part, sources.Source) and sources.identity(part) in training:
                    raise UserError(f"{kind} = {part.text}: its events are training events, too; give others")


def _befriended(
    listed: Mapping[str, Tuple[Process, ...]], friends: Mapping[str, List[str]]
) -> Dict[str, Tuple[Process, ...]]:
    names = {process.name for processes in listed.values() for process in processes} | set(listed)
    for name in friends:
        if name not in names:
            raise unknown("process of a friend", name, sorted(names))
    return {
        kind: tuple(
            sources.with_friends(
                kind, process, [text for name in dict.fromkeys((kind, process.name)) for text in friends.get(name, [])]
            )
            for process in processes
        )
        for kind, processes in listed.items()
    }


def _identities(processes: Sequence[Process]) -> Set[Tuple[str, str]]:
    return {
        sources.identity(part) for process in processes for part in process.parts if isinstance(part, sources.Source)
    }


def _scales(
    asked_for: Union[Mapping[str, str], Sequence[str]], listed: Mapping[str, Sequence[Process]], known: Sequence[str]
) -> Dict[str, Expression]:
    if isinstance(asked_for, Mapping):
        pairs = [(str(name), text) for name, text in asked_for.items()]
    else:
        pairs = []
        for text in [asked_for] if isinstance(asked_for, str) else asked_for:
            name, sign, rest = text.partition("=")
            if not sign:
                raise UserError(f"scale = {text}: give PROCESS=EXPRESSION")
            pairs.append((name.strip(), rest.strip()))
    names = sorted({process.name for processes in listed.values() for process in processes})
    scales: Dict[str, Expression] = {}
    for name, text in pairs:
        if name not in names:
            raise unknown("process of a scale", name, names)
        if name in scales:
            raise UserError(f"scale = {name}: stands twice; give each process once")
        scales[name] = one("scale", str(text), known)
    return scales


def _split(
    split: Union[None, int, float, str], fold: Optional[str], ready: Mapping[str, Any], known: Sequence[str]
) -> Split:
    asked = [name for name, value in (("split", split), ("fold", fold)) if value is not None]
    ready_for = [kind for kind in CLASSES if ready[kind] is not None]
    if ready_for and len(ready_for) < len(CLASSES) and asked:
        return _chosen(split, fold, known)
    if len(asked) + bool(ready_for) > 1:
        names = [*asked, *(f"test_{kind}" for kind in ready_for)]
        raise UserError(f"{' and '.join(names)}: each says which events test; give one of them")
    return _chosen(split, fold, known) if asked else Split("half", None)


def parts_of(fold: str) -> Tuple[int, int]:
    """The ``i`` and ``k`` of a fold ``i/k``.

    Raises:
        UserError: it is none.
    """
    match = re.fullmatch(r"\s*(\d{1,4})\s*/\s*(\d{1,4})\s*", str(fold))
    number, of = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= of <= MOST_FOLDS or of < 2:
        raise UserError(f"fold = {short(fold)}: give i/k, the i-th of k parts to test, as 1/5; at most {MOST_FOLDS}")
    return number, of


def _chosen(split: Union[None, int, float, str], fold: Optional[str], known: Sequence[str]) -> Split:
    if fold is not None:
        return Split("fold", parts_of(fold))
    text = str(split).strip()
    if not _NUMBER.fullmatch(text) or isinstance(split, bool):
        return Split("expression", one("split", text, known))
    if re.fullmatch(r"\d{1,15}", text) and int(text) > 0 and not isinstance(split, float):
        return Split("number", int(text))
    if 0 < float(text) < 1:
        return Split("fraction", float(text))
    raise UserError(
        f"split = {short(split)}: give a share between 0 and 1, a number of training events of each class, or an "
        "expression that holds for them"
    )


def _check_limits(chosen: Split, split: Any, limits: Mapping[str, Tuple[Optional[int], Optional[int]]]) -> None:
    for kind, (train, test) in limits.items():
        for name, number in ((f"train_{kind}", train), (f"test_{kind}", test)):
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
                raise UserError(f"{name} = {short(number)}: must be a whole number of at least 1")
        if train is not None and chosen.kind in ("fraction", "number"):
            raise UserError(f"train_{kind} = {train} and split = {split}: both say how many train; give one of them")

"""How C++, ROOT and Python put texts, numbers and lists together: the functions that a booking is spelled with."""

import itertools
import math
import ntpath
import posixpath
import re
from collections.abc import Callable, Sequence
from typing import Any

from tmva_bench.migration import syntax, values
from tmva_bench.migration.booking import Place
from tmva_bench.migration.syntax import Expression
from tmva_bench.migration.values import NOTHING, Called, Choice, Enumerator, Follower, Text, Unknown, Value

# TMVA::Types, as far as they may be named without their scope.
_KINDS = (
    *("kVariable", "kCuts", "kLikelihood", "kPDERS", "kHMatrix", "kFisher", "kKNN", "kCFMlpANN", "kTMlpANN", "kBDT"),
    *("kDT", "kRuleFit", "kSVM", "kMLP", "kBayesClassifier", "kFDA", "kBoost", "kPDEFoam", "kLD", "kPlugins"),
    *("kCategory", "kDNN", "kDL", "kPyRandomForest", "kPyAdaBoost", "kPyGTB", "kPyKeras", "kPyTorch"),
    *("kCrossValidation", "kSignal", "kBackground", "kTraining", "kTesting", "kMaxTreeType"),
)
_TEXTS = (
    *(
        "stringstream",
        "ostringstream",
        "Path",
        "PurePath",
        "TString",
        "string",
        "String",
        "str",
        "unicode",
        "TObjString",
        "char",
        "string_view",
        "Form",
        "Format",
    ),
)
_WHOLE = ("int", "long", "short", "unsigned", "size_t", "uint", "Int_t", "UInt_t", "Long64_t", "ULong64_t", "Long_t")
_REAL = ("float", "double", "Float_t", "Double_t", "Double32_t")
# What gives a text as it is.
_SAME = ("move", "Data", "c_str", "data", "str", "GetString", "get", "encode", "decode", "strip", "Strip", "GetTitle")
_MOST_ITEMS = 5000


def last(expression: Expression) -> str:
    """The last name of ``a.b.c``, "" of what is none."""
    if isinstance(expression, syntax.Name | syntax.Member):
        return expression.name
    return ""


def is_kind(name: str) -> bool:
    """Whether a name is one of ``TMVA::Types``."""
    return name in _KINDS


def items(value: Value) -> list[Value] | None:
    """What a loop goes over; None where that is not known."""
    if isinstance(value, dict):
        return [_text_key(key) for key in value]
    if isinstance(value, Text) and not values.has_hole(value) and len(value) <= _MOST_ITEMS:
        return [value.part(number, number + 1) for number in range(len(value))]
    return list(value) if isinstance(value, list) else None


def part(base: list[Value] | Text, key: tuple[Any, ...]) -> Value:
    """``base[a:b]``."""
    bounds = slice(*key[:2], *key[2:3])
    if isinstance(base, list):
        return base[bounds]
    start, end, step = bounds.indices(len(base))
    return base.part(start, max(start, end)) if step == 1 else Text(str(base)[bounds], (0,), (base.place(),))


def operate(evaluation: Follower, operator: str, left: Value, right: Value, place: Place, *, is_cpp: bool) -> Value:
    """``left operator right`` of plain values."""
    if operator in ("and", "or", "&&", "||"):
        return _logic(evaluation, operator, left, right, place)
    if operator in ("==", "!=", "<", ">", "<=", ">=", "in", "not in"):
        return _compared(operator, left, right, place)
    as_text = lambda value: evaluation.text(value, place)  # noqa: E731
    if operator == "%" and isinstance(left, Text) and not is_cpp:
        return values.formatted(left, right if isinstance(right, list) else [right], as_text)
    if isinstance(left, str) or isinstance(right, str):
        return _of_texts(operator, left, right, place, as_text)
    if isinstance(left, dict) and isinstance(right, dict) and operator == "|":
        return {**left, **right}
    if isinstance(left, list) and isinstance(right, list) and operator == "+":
        return [*left, *right][:_MOST_ITEMS]
    if isinstance(left, list) and isinstance(right, int) and operator == "*":
        return left * right if 0 <= len(left) * right <= _MOST_ITEMS else Unknown(place)
    if isinstance(left, int | float) and isinstance(right, int | float):
        number = values.arithmetic(operator, left, right, whole=is_cpp)
        return Unknown(place) if number is None else number
    return Unknown(place)


def _of_texts(operator: str, left: Value, right: Value, place: Place, as_text: Callable[[Value], Text]) -> Value:
    is_cut = any(isinstance(one, Text) and one.is_cut for one in (left, right))
    if is_cut and operator in ("+", "*"):
        return cut_of(as_text(left), "&&" if operator == "+" else "*", as_text(right), place)
    if operator == "+":
        return values.joined([as_text(left), as_text(right)], place)
    if operator == "/" and isinstance(left, str) and isinstance(right, str):  # pathlib
        return values.joined([as_text(left), Text("/", (0,), (place,)), as_text(right)], place)
    if operator == "*" and isinstance(right, int) and 0 <= right * len(left) <= values.LONGEST:
        return values.joined([as_text(left)] * right, place)
    return Unknown(place)


def cut_of(left: Text, operator: str, right: Text, place: Place) -> Text:
    """Two cuts as one, as ``TCut`` puts them together; an empty one is left out."""
    if not left.strip() or not right.strip():
        return values.joined([left if left.strip() else right], place, is_cut=True)
    before, between, after = (Text(text, (0,), (place,)) for text in ("(", f"){operator}(", ")"))
    parts = [before, left, between, right, after]
    return values.joined(parts, place, is_cut=True)


def _logic(evaluation: Follower, operator: str, left: Value, right: Value, place: Place) -> Value:
    if any(isinstance(one, Text) and one.is_cut for one in (left, right)):
        sign = {"and": "&&", "or": "||"}.get(operator, operator)
        return cut_of(evaluation.text(left, place), sign, evaluation.text(right, place), place)
    first, second = evaluation.truth(left), evaluation.truth(right)
    decides = operator in ("or", "||")
    if first is decides or second is decides:
        return decides
    return Unknown(place) if first is None or second is None else not decides


def _compared(operator: str, left: Value, right: Value, place: Place) -> Value:
    if operator in ("in", "not in"):
        if isinstance(right, list | dict | str) and isinstance(left, str) and not values.has_hole(left):
            return (left in right) == (operator == "in")
        return Unknown(place)
    texts = isinstance(left, str) and isinstance(right, str)
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    if texts and (values.has_hole(left) or values.has_hole(right)) or not (texts or numbers):
        return Unknown(place)
    return {
        "==": left == right,
        "!=": left != right,
        "<": left < right,
        ">": left > right,
        "<=": left <= right,
        ">=": left >= right,
    }[operator]


def changed(
    evaluation: Follower,
    receiver: Value,
    name: str,
    arguments: Sequence[Value],
    keywords: dict[str, Value],
    place: Place,
) -> Value:
    """What a text, list or dictionary becomes by a method that changes it, or :data:`NOTHING`."""
    if isinstance(receiver, dict):
        return _changed_pairs(receiver, name, arguments, keywords, place)
    if isinstance(receiver, list):
        return _changed_list(receiver, name, arguments, place)
    if isinstance(receiver, Text) and name == "str" and len(arguments) == 1 and not evaluation.is_script:
        return evaluation.text(arguments[0], place)  # of a stream
    is_text = isinstance(receiver, str | Choice) or (isinstance(receiver, Unknown) and name in ("Append", "Prepend"))
    if is_text and name in ("Append", "append", "Prepend") and len(arguments) == 1:
        ways = values.combinations([receiver, arguments[0]])
        if name == "Prepend":
            ways = [(sides, pair[::-1]) for sides, pair in ways]
        cases = [(s, values.joined([evaluation.text(value, place) for value in pair], place)) for s, pair in ways]
        return values.choice(cases, place) if cases else Unknown(place)
    if isinstance(receiver, Text) and not evaluation.is_script:
        return _changed_text(evaluation, receiver, name, arguments, place)
    if name == "reset" and len(arguments) == 1 and isinstance(arguments[0], values.Thing):  # of a pointer
        return arguments[0]
    if isinstance(receiver, Unknown | Choice) and name == "Form" and arguments and not evaluation.is_script:
        return _printed(evaluation, arguments, place)
    return NOTHING


def _printed(evaluation: Follower, arguments: Sequence[Value], place: Place) -> Text:
    pattern = evaluation.text(arguments[0], place)
    return values.formatted(pattern, arguments[1:], lambda value: evaluation.text(value, place))


def _changed_text(evaluation: Follower, text: Text, name: str, arguments: Sequence[Value], place: Place) -> Value:
    """What a text of C++ becomes; unknown where a method changes it otherwise."""
    if name in ("ReplaceAll", "ToLower", "ToUpper"):
        return _respelled(text, name, arguments, place)
    if name == "Form" and arguments:
        return _printed(evaluation, arguments, place)
    if name in ("assign", "push_back") and len(arguments) == 1:
        return values.joined([text, evaluation.text(arguments[0], place)][name == "assign" :], place)
    if name in ("clear", "Clear"):
        return Text("", (0,), (place,))
    others = (
        "Insert",
        "insert",
        "Remove",
        "erase",
        "Replace",
        "replace",
        "Chop",
        "pop_back",
        "Resize",
        "resize",
        "assign",
    )
    return Unknown(place) if name in others else NOTHING


def _changed_list(items_of: list[Value], name: str, arguments: Sequence[Value], place: Place) -> Value:
    """What a list becomes."""
    if name in ("append", "push_back", "emplace_back") and len(arguments) == 1:
        return [*items_of, arguments[0]][-_MOST_ITEMS:]
    if name == "emplace_back" and arguments:
        return [*items_of, list(arguments)][-_MOST_ITEMS:]
    if name == "extend" and len(arguments) == 1:
        more = items(arguments[0])
        return Unknown(place) if more is None else [*items_of, *more][:_MOST_ITEMS]
    if name == "insert" and len(arguments) == 2 and isinstance(arguments[0], int):
        return [*items_of[: arguments[0]], arguments[1], *items_of[arguments[0] :]]
    if name in ("append", "push_back", "emplace_back", "extend", "insert", "remove", "pop", "erase", "sort", "reverse"):
        return Unknown(place)
    return [] if name == "clear" else NOTHING


def _changed_pairs(
    pairs: dict[Any, Value], name: str, arguments: Sequence[Value], keywords: dict[str, Value], place: Place
) -> Value:
    """What a dictionary or map becomes."""
    if name == "update":
        every = [pairs, *arguments, keywords]
        if not all(isinstance(one, dict) for one in every):
            return Unknown(place)
        return {key: value for one in every for key, value in one.items()}
    if name in ("insert", "emplace", "try_emplace", "setdefault"):
        pair = arguments[0] if len(arguments) == 1 else list(arguments)
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str | int):
            return {pair[0]: pair[1], **pairs}
        return Unknown(place)
    if name in ("pop", "erase"):
        key = arguments[0] if arguments else None
        return {k: v for k, v in pairs.items() if k != key} if isinstance(key, str | int) else Unknown(place)
    return {} if name == "clear" else NOTHING


def _respelled(text: Text, name: str, arguments: Sequence[Value], place: Place) -> Value:
    if name == "ToLower":
        return Text(text.lower(), (0,), (text.place(),))
    if name == "ToUpper":
        return Text(text.upper(), (0,), (text.place(),))
    if len(arguments) == 2 and all(isinstance(one, str) for one in arguments) and arguments[0]:
        return Text(text.replace(*arguments)[: values.LONGEST], (0,), (text.place(),))
    return Unknown(place)


def call(evaluation: Follower, call: Called, *, is_cpp: bool) -> Value:
    """What a known function gives, or :data:`NOTHING`."""
    receiver = call.receiver
    if isinstance(receiver, str | list | dict | int | float):
        method = _METHODS.get(call.name)
        if method is not None:
            value = method(evaluation, call)
            return Unknown(call.place) if value is NOTHING else value
        if call.name in _SAME:
            return receiver
    function = _FUNCTIONS.get(call.name)
    if call.name == "str" and receiver is not None:  # of a stream
        return receiver if isinstance(receiver, Unknown) else NOTHING
    if function is not None and (not isinstance(receiver, values.Thing)):
        return function(evaluation, call)
    if call.name in _SAME and isinstance(receiver, Unknown) and not call.arguments and call.name != "strip":
        return receiver
    return NOTHING


def _text(evaluation: Follower, call: Called) -> Value:
    if not call.arguments:
        return Text("", (0,), (call.place,))
    first = call.arguments[0]
    if len(call.arguments) == 1 and isinstance(first, Enumerator | values.Thing):
        return first
    pattern = evaluation.text(first, call.place)
    if call.name in ("Form", "Format"):
        return values.formatted(pattern, call.arguments[1:], lambda value: evaluation.text(value, call.place))
    return pattern


def _cut(evaluation: Follower, call: Called) -> Value:
    # TCut(title) and TCut(name, title)
    text = evaluation.text(call.arguments[-1], call.place) if call.arguments else Text("", (0,), (call.place,))
    return values.joined([text], call.place, is_cut=True)


def _pointer(evaluation: Follower, call: Called) -> Value:
    """``std::unique_ptr`` and the like are what they point to."""
    return call.arguments[0] if call.arguments else None


def _number(evaluation: Follower, call: Called) -> Value:
    if not call.arguments:
        return 0
    value = call.arguments[0]
    whole = call.name not in _REAL
    if isinstance(value, str) and not evaluation.is_script:
        return value  # const char *
    try:
        if isinstance(value, bool) or call.name in ("bool", "Bool_t"):
            return value
        return int(value) if whole else float(value)
    except (TypeError, ValueError, OverflowError):
        return value if isinstance(value, Enumerator) else Unknown(call.place)


def _list(evaluation: Follower, call: Called) -> Value:
    if not call.arguments:
        return []
    first = items(call.arguments[0])
    if first is None:
        return Unknown(call.place)
    return _sorted(first) if call.name == "sorted" else first[::-1] if call.name == "reversed" else first


def _sorted(texts: list[Value]) -> Value:
    plain = all(isinstance(text, str) for text in texts)
    return sorted(texts) if plain else texts


def _map(evaluation: Follower, call: Called) -> Value:
    if not call.arguments:
        return dict(call.keywords)
    pairs = call.arguments[0]
    if isinstance(pairs, dict):
        return {**pairs, **call.keywords}
    is_listed = isinstance(pairs, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in pairs)
    if is_listed and all(isinstance(key, str | int | float) for key, _ in pairs):
        return {**dict(pairs), **call.keywords}
    return Unknown(call.place)


def _range(evaluation: Follower, call: Called) -> Value:
    if not call.arguments or not all(isinstance(one, int) for one in call.arguments[:3]):
        return Unknown(call.place)
    try:
        numbers = range(*call.arguments[:3])
    except ValueError:
        return Unknown(call.place)
    return list(numbers) if len(numbers) <= _MOST_ITEMS else Unknown(call.place)


def _length(evaluation: Follower, call: Called) -> Value:
    value = call.arguments[0] if call.arguments else call.receiver
    known = isinstance(value, list | dict) or (isinstance(value, str) and not values.has_hole(value))
    return len(value) if known else Unknown(call.place)


def _enumerate(evaluation: Follower, call: Called) -> Value:
    every = items(call.arguments[0]) if call.arguments else None
    return Unknown(call.place) if every is None else [[number, item] for number, item in enumerate(every)]


def _zip(evaluation: Follower, call: Called) -> Value:
    lists = [items(argument) for argument in call.arguments]
    if not all(isinstance(one, list) for one in lists):
        return Unknown(call.place)
    return [list(group) for group in zip(*(one for one in lists if one is not None), strict=False)]


def _product(evaluation: Follower, call: Called) -> Value:
    lists = [items(argument) for argument in call.arguments]
    known = [one for one in lists if one is not None]
    if len(known) < len(lists) or call.keywords or math.prod(map(len, known)) > _MOST_ITEMS:
        return Unknown(call.place)
    return [list(group) for group in itertools.product(*known)]


def _path(evaluation: Follower, call: Called) -> Value:
    if call.owner != "path":
        return NOTHING
    texts = [evaluation.text(argument, call.place) for argument in call.arguments]
    if call.name in ("exists", "isfile", "isdir"):
        return True  # what a macro reads is taken to be there
    if call.name == "join" and texts:
        slash = Text("/", (0,), (call.place,))
        parts = [part for text in texts for part in (text, *(() if text.endswith("/") else (slash,)))]
        return values.joined(parts[:-1] if parts[-1] is slash else parts, call.place)
    if len(texts) == 1 and not values.has_hole(texts[0]):
        change = {"basename": ntpath.basename, "dirname": posixpath.dirname}.get(call.name, str)
        return Text(change(str(texts[0])), (0,), (call.place,))
    return Unknown(call.place)


def _there(evaluation: Follower, call: Called) -> Value:
    return call.name != "AccessPathName"  # which is true for what is not there


def _slice(evaluation: Follower, call: Called) -> Value:
    return tuple(call.arguments[:3])


def _join(evaluation: Follower, call: Called) -> Value:
    texts = items(call.arguments[0]) if call.arguments else None
    if texts is None or not isinstance(call.receiver, str):
        return Unknown(call.place)
    glue = evaluation.text(call.receiver, call.place)
    parts = [part for text in texts for part in (glue, evaluation.text(text, call.place))]
    return values.joined(parts[1:], call.place)


def _format(evaluation: Follower, call: Called) -> Value:
    as_text = lambda value: evaluation.text(value, call.place)  # noqa: E731
    if not isinstance(call.receiver, Text):
        return Unknown(call.place)
    return values.braced(call.receiver, call.arguments, call.keywords, as_text)


def _items_of(evaluation: Follower, call: Called) -> Value:
    if not isinstance(call.receiver, dict):
        return Unknown(call.place)
    pairs = [[_text_key(key), value] for key, value in call.receiver.items()]
    return {"keys": [key for key, _ in pairs], "values": [value for _, value in pairs]}.get(call.name, pairs)


def _get(evaluation: Follower, call: Called) -> Value:
    if not isinstance(call.receiver, dict) or not call.arguments:
        return Unknown(call.place)
    key = call.arguments[0]
    default = call.arguments[1] if call.arguments[1:] else Unknown(call.place)
    known = isinstance(key, str | int | float | bool | None)
    return call.receiver.get(key, default) if known else Unknown(call.place)


def _at(evaluation: Follower, call: Called) -> Value:
    key = call.arguments[0] if call.arguments else None
    if isinstance(call.receiver, list) and isinstance(key, int) and 0 <= key < len(call.receiver):
        return call.receiver[key]
    return _get(evaluation, call)


def _split(evaluation: Follower, call: Called) -> Value:
    text = call.receiver
    separator = call.arguments[0] if call.arguments else None
    if not isinstance(text, Text) or not (separator is None or (isinstance(separator, str) and separator)):
        return Unknown(call.place)
    pattern = r"\S+" if separator is None else rf"(?:(?!{re.escape(separator)}).)*"
    return [text.part(*match.span()) for match in re.finditer(pattern, text, re.DOTALL) if match[0]]


def _replaced(evaluation: Follower, call: Called) -> Value:
    if isinstance(call.receiver, Text):
        return _respelled(call.receiver, "", call.arguments, call.place)
    return Unknown(call.place)


def _lower(evaluation: Follower, call: Called) -> Value:
    return _respelled(call.receiver, f"To{call.name.capitalize()}", (), call.place)


def _ends(evaluation: Follower, call: Called) -> Value:
    wanted = call.arguments[0] if call.arguments else None
    if not isinstance(call.receiver, str) or not isinstance(wanted, str) or values.has_hole(call.receiver + wanted):
        return Unknown(call.place)
    text = str(call.receiver)
    tests = {"startswith": text.startswith, "BeginsWith": text.startswith, "Contains": text.__contains__}
    return bool(tests.get(call.name, text.endswith)(str(wanted)))


def _text_key(key: Value) -> Value:
    return Text(key, (0,), (Place(""),)) if isinstance(key, str) and not isinstance(key, Text) else key


def _attribute(evaluation: Follower, call: Called) -> Value:
    """``getattr(TMVA.Types, "kBDT")``."""
    name = call.arguments[1] if len(call.arguments) > 1 else None
    return Enumerator(str(name)) if isinstance(name, str) and is_kind(name) else NOTHING


_Function = Callable[[Follower, Called], Value]
_FUNCTIONS: dict[str, _Function] = {
    **dict.fromkeys(("to_string", *_TEXTS), _text),
    "TCut": _cut,
    **dict.fromkeys(("unique_ptr", "shared_ptr"), _pointer),
    **dict.fromkeys((*_WHOLE, *_REAL, "bool", "Bool_t", "Short_t"), _number),
    **dict.fromkeys(("list", "tuple", "set", "sorted", "reversed", "vector", "array", "initializer_list"), _list),
    **dict.fromkeys(("dict", "map", "unordered_map", "OrderedDict"), _map),
    **dict.fromkeys(("range", "xrange"), _range),
    "len": _length,
    "enumerate": _enumerate,
    "zip": _zip,
    "product": _product,
    **dict.fromkeys(("join", "exists", "isfile", "isdir", "basename", "dirname", "abspath", "expanduser"), _path),
    "AccessPathName": _there,
    "slice": _slice,
    "getattr": _attribute,
}
_METHODS: dict[str, _Function] = {
    "join": _join,
    "format": _format,
    **dict.fromkeys(("items", "keys", "values", "iteritems", "iterkeys", "itervalues"), _items_of),
    "get": _get,
    "at": _at,
    **dict.fromkeys(("size", "length", "Length"), _length),
    "split": _split,
    "replace": _replaced,
    **dict.fromkeys(("lower", "upper"), _lower),
    **dict.fromkeys(("startswith", "endswith", "BeginsWith", "EndsWith", "Contains"), _ends),
}

"""A macro's statements followed as far as its text tells: texts, whole numbers, lists, and calls by name.

Nothing is executed: this knows how texts are put together and counts, and hands every other call to a
:class:`tmva_bench.migration.values.Meaning`. What could not be told stays a hole; of a choice that could not be told
both sides are followed; of a loop that could not be counted the body once.
"""

from collections.abc import Sequence
from typing import Any

from tmva_bench.migration import library, syntax, values
from tmva_bench.migration.booking import Place
from tmva_bench.migration.syntax import Expression, Statement
from tmva_bench.migration.values import NOTHING, Called, Choice, Enumerator, Text, Thing, Unknown, Value

# So much is followed of a source; more is no macro that somebody wrote.
_MOST_STEPS = 300_000
# So much of one loop, which then counts as one that could not be followed.
_MOST_IN_LOOP = 30_000
_MOST_ROUNDS = 3000
_DEEPEST = 15
# Methods of C++ that change a text and give it back.
_ITSELF = ("Append", "append", "Prepend", "ReplaceAll", "assign", "Insert", "insert", "Remove", "Replace", "erase")
# Functions of C that write into their first argument, and which of their arguments is the text.
_PRINTS = {"sprintf": 1, "snprintf": 2, "strcpy": 1, "strcat": 1}
# The keyword of pairs that could not be told.
_PAIRS = "**"


class TooLong(Exception):
    """A source takes more steps than are followed."""


class Evaluation:
    """Follows a program.

    Args:
        program: the parsed source.
        meaning: what its calls mean.
        is_cpp: whether it is C++.

    Attributes:
        holes: the parts of texts that could not be told.
        is_script: whether it is Python.
    """

    def __init__(self, program: syntax.Program, meaning: values.Meaning, *, is_cpp: bool) -> None:
        self.holes = values.Holes()
        self._program, self._meaning, self._is_cpp = program, meaning, is_cpp
        self.is_script = not is_cpp
        self._functions: dict[str, list[syntax.Function]] = {}
        self._frames: list[dict[str, Value]] = [{"__name__": "__main__"}]
        self._returns: list[list[tuple[values.Sides, Value]]] = []
        self._sides: list[tuple[Place, bool]] = []
        self._off: Place | None = None
        self._returned: Value = None
        self._conditions: dict[str, Place] = {}
        self._entered: set[int] = set()
        self._steps = 0
        self._declared: list[set[str]] = [set()]
        self._seen: set[tuple[str, int]] = set()

    def run(self) -> None:
        """Follows the statements of the file, then the functions that nobody calls, then those left.

        Raises:
            TooLong: it takes too many steps.
        """
        functions = list(_functions(self._program.statements))
        for function in functions:
            self._functions.setdefault(function.name, []).append(function)
        self._block(self._program.statements)
        mains = [function for function in functions if self._is_cpp and function.name == "main"]
        others = [function for function in functions if function not in mains]
        for function in mains:
            # A macro that its own main() calls is followed by itself: main() only reads the command line for it.
            called = _called(function.body, but="main")
            if called & set(syntax.TELLING) or len(called & set(self._functions)) > 1:
                self._enter(function, [], {}, function.place)
        inner = {name for function in others for name in _called(function.body, but=function.name)}
        first = [function for function in others if function.name not in inner]
        for function in [*first, *others, *(mains if not first else ())]:
            if id(function) not in self._entered:
                self._enter(function, [], {}, function.place)

    def passed_over(self) -> list[Place]:
        """Calls that say something of a job, and that no way through the program has led to."""
        return list(
            dict.fromkeys(place for name, place in self._program.telling if (name, place.line) not in self._seen)
        )

    # Statements.

    def _block(self, statements: Sequence[Statement]) -> str:
        """Follows statements up to where they end: "return", "leave", "go on" or ""."""
        for statement in statements:
            self._step()
            end: str = _STATEMENTS[type(statement)](self, statement)
            if end:
                return end
        return ""

    def _step(self) -> None:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise TooLong

    def _assign(self, statement: syntax.Assign) -> str:
        value = self.value(statement.value)
        if statement.operator:
            before = self.value(statement.target)
            value = self._operate(statement.operator, before, value, statement.place)
        if statement.declares and isinstance(statement.target, syntax.Name):
            self._declared[-1].add(statement.target.name)
            self._frames[-1][statement.target.name] = value
        else:
            self._set(statement.target, value)
        return ""

    def _set(self, target: Expression, value: Value) -> None:
        if isinstance(target, syntax.Name):
            outer = self._is_cpp and target.name not in self._frames[-1] and target.name in self._frames[0]
            self._frames[0 if outer else -1][target.name] = value
        elif isinstance(target, syntax.Items):
            items = value if isinstance(value, list) and len(value) == len(target.items) else None
            for number, part in enumerate(target.items):
                self._set(part, items[number] if items else Unknown(target.place))
        elif isinstance(target, syntax.Index):
            self._set_item(target, value)
        elif isinstance(target, syntax.Setting):
            self._set(target.statement.target, value)
        elif isinstance(target, syntax.Member):
            base = self.value(target.base)
            if isinstance(base, Thing):
                base.of[target.name] = value
            else:
                self._frames[0][_member_key(target)] = value

    def _set_item(self, target: syntax.Index, value: Value) -> None:
        base, key = self.value(target.base), self.value(target.index)
        if isinstance(key, Unknown | Choice) or not isinstance(base, dict | list):
            if isinstance(base, dict | list):
                self._set(target.base, Unknown(target.place))
            return
        changed: Any = dict(base) if isinstance(base, dict) else list(base)
        if isinstance(changed, list) and isinstance(key, int) and key == len(changed):
            changed.append(None)
        if isinstance(changed, list) and not (isinstance(key, int) and -len(changed) <= key < len(changed)):
            changed = dict(enumerate(changed))  # an array that is filled bit by bit
        if isinstance(key, str | int | float | bool | None):
            changed[key] = value
            self._set(target.base, changed)

    def _do(self, statement: syntax.Do) -> str:
        expression, parts = statement.expression, []
        while self._is_cpp and isinstance(expression, syntax.Binary) and expression.operator == "<<":
            parts.append(expression.right)
            expression = expression.left
        value = self.value(expression)
        for part in reversed(parts):
            # What goes into a stream of text.
            more = Text("\n", (0,), (part.place,)) if library.last(part) == "endl" else self.value(part)
            more = f"{more:g}" if isinstance(more, float) else more
            value = self._operate("+", value, more, part.place)
        if parts and isinstance(value, Text | Choice):
            self._set(expression, value)
        return ""

    def _if(self, statement: syntax.If) -> str:
        holds = self._decided(statement.test)
        before = self._copied()
        ends, after = [], []
        for side, statements in ((True, statement.yes), (False, statement.no)):
            self._frames = [dict(frame) for frame in before]
            ends.append(self._side(statement, side, statements, holds))
            after.append(self._frames)
        if holds is not None:
            self._frames = after[0 if holds else 1]
            end = ends[0 if holds else 1]
            # return -1 is how macros give up; what follows is what somebody wants to have read.
            return "" if end == "return" and isinstance(self._returned, int | float | None) else end
        if "" in ends and any(ends):
            # What goes on is the side that does not end, unless it is the loop that ends.
            self._frames = after[ends.index("")]
        else:
            self._frames = [
                self._merged(yes, no, self._condition(statement.test.place)) for yes, no in zip(*after, strict=True)
            ]
        return "return" if ends == ["return", "return"] else ""

    def _side(self, statement: syntax.If, side: bool, statements: Sequence[Statement], holds: bool | None) -> str:
        off = self._off
        place = self._condition(statement.test.place)
        if holds is None:
            self._sides.append((place, side))
        elif holds != side and self._off is None:
            self._off = place
        outer = [dict(frame) for frame in self._frames]
        self._declared.append(set())
        end = self._block(statements)
        declared = self._declared.pop()
        if statement.has_blocks:
            self._undeclare(outer[-1], declared)
        else:
            self._declared[-1] |= declared
        if holds is None:
            self._sides.pop()
        self._off = off
        return end

    def _condition(self, place: Place) -> Place:
        """The first place of a condition that is spelled like this, so that two of them go together."""
        return self._conditions.setdefault(place.text, place)

    def _decided(self, test: Expression) -> bool | None:
        """Whether a condition holds, for itself or because it stands within another one like it."""
        holds = self.truth(self.value(test))
        return dict(self._sides).get(self._condition(test.place)) if holds is None else holds

    def _undeclare(self, outer: dict[str, Value], declared: set[str]) -> None:
        for name in declared:
            if name in outer:
                self._frames[-1][name] = outer[name]
            else:
                self._frames[-1].pop(name, None)

    def _merged(self, yes: dict[str, Value], no: dict[str, Value], place: Place) -> dict[str, Value]:
        merged: dict[str, Value] = {}
        for name in dict.fromkeys([*yes, *no]):
            if name in yes and name in no and not values.same(yes[name], no[name]):
                if isinstance(yes[name], dict) and isinstance(no[name], dict):
                    merged[name] = self._merged(yes[name], no[name], place)
                else:
                    merged[name] = values.choice(((((place, True),), yes[name]), (((place, False),), no[name])), place)
            else:
                merged[name] = yes.get(name, no.get(name))
        return merged

    def _for(self, statement: syntax.For) -> str:
        iterable = self.value(statement.iterable)
        items = library.items(iterable)
        if self._is_cpp and isinstance(iterable, dict):  # a map gives pairs
            items = [[key, value] for key, value in zip(items or [], iterable.values(), strict=True)]
        if items is None or len(items) > _MOST_ROUNDS:
            return self._unknown_loop(statement.place, statement.body, statement.target, statement.iterable.place)
        if not items:
            self._aside(statement)
        start, before = self._steps, self._copied()
        for item in items:
            self._set(statement.target, item)
            end = self._inside(statement.body)
            if end == "return":
                return end
            if end == "leave":
                break
            if self._steps - start > _MOST_IN_LOOP:
                self._forget(before, statement.place)
                break
        return ""

    def _aside(self, statement: syntax.For) -> None:
        """Follows a loop over nothing once, as a block that is switched off: what is booked there is told."""
        before, off = self._copied(), self._off
        self._off = off or statement.place
        self._set(statement.target, Unknown(statement.iterable.place))
        self._inside(statement.body)
        self._frames, self._off = before, off

    def _while(self, statement: syntax.While) -> str:
        start, before = self._steps, self._copied()
        for number in range(_MOST_ROUNDS):
            holds = (statement.is_tested_after and not number) or self.truth(self.value(statement.test))
            if holds is None:
                return self._unknown_loop(statement.test.place, (*statement.body, *statement.update))
            if not holds:
                return ""
            end = self._inside(statement.body)
            if end in ("return", "leave"):
                return end if end == "return" else ""
            self._block(statement.update)
            if self._steps - start > _MOST_IN_LOOP:
                break
        self._forget(before, statement.place)
        return ""

    def _copied(self) -> list[dict[str, Value]]:
        return [dict(frame) for frame in self._frames]

    def _forget(self, before: Sequence[dict[str, Value]], place: Place) -> None:
        """What a loop changed is not known after it."""
        for old, new in zip(before, self._frames, strict=True):
            for name, value in new.items():
                if name in old and not values.same(old[name], value):
                    new[name] = Unknown(place) if not isinstance(value, Thing) else value

    def _inside(self, statements: Sequence[Statement]) -> str:
        outer = dict(self._frames[-1])
        self._declared.append(set())
        end = self._block(statements)
        self._undeclare(outer, self._declared.pop())
        return end

    def _unknown_loop(
        self, place: Place, body: Sequence[Statement], target: Expression | None = None, iterable: Place | None = None
    ) -> str:
        """Follows a loop once whose number of rounds is not known; what it changes is not known afterwards."""
        if target is not None:
            self._set(target, Unknown(iterable or place))
        before = self._copied()
        self._sides.append((place, True))
        self._inside(body)
        self._sides.pop()
        self._forget(before, place)
        return ""

    def _leave(self, statement: syntax.Leave) -> str:
        return "go on" if statement.goes_on else "leave"

    def _return(self, statement: syntax.Return) -> str:
        value = None if statement.value is None else self.value(statement.value)
        self._returned = value
        if self._returns and self._off is None:
            self._returns[-1].append((tuple(self._sides), value))
        return "return"

    def _define(self, statement: Statement) -> str:
        return ""

    def _enter(
        self, function: syntax.Function, arguments: Sequence[Value], keywords: dict[str, Value], place: Place
    ) -> Value:
        self._entered.add(id(function))
        if len(self._frames) > _DEEPEST:
            return Unknown(place)
        frame: dict[str, Value] = {}
        named = {name for name, _ in function.parameters}
        for number, (name, default) in enumerate(function.parameters):
            if name.startswith("*"):
                left = {key: value for key, value in keywords.items() if key not in named}
                if name.startswith("**"):
                    frame[name.lstrip("*")] = left.get(_PAIRS, left)
                else:
                    frame[name.lstrip("*")] = list(arguments[number:])
            elif number < len(arguments):
                frame[name] = arguments[number]
            elif name in keywords:
                frame[name] = keywords[name]
            else:
                unknown = Unknown(Place(place.file, function.place.line, name))
                frame[name] = unknown if default is None else self.value(default)
        self._frames.append(frame)
        self._returns.append([])
        self._declared.append(set())
        self._block(function.body)
        self._declared.pop()
        self._frames.pop()
        cases = self._returns.pop()
        return values.choice(cases, place) if cases else None

    # Expressions.

    def value(self, expression: Expression) -> Value:
        """What an expression is worth."""
        self._step()
        return _EXPRESSIONS[type(expression)](self, expression)

    def text(self, value: Value, place: Place) -> Text:
        """Any value as a text; a hole where it cannot be told."""
        if isinstance(value, Text):
            return value
        if isinstance(value, bool):
            return Text(str(int(value)) if self._is_cpp else str(value), (0,), (place,))
        if isinstance(value, str | int | float):
            return Text(str(value), (0,), (place,))
        return self.holes.text(value.place if isinstance(value, Unknown) else place)

    def truth(self, value: Value) -> bool | None:
        """Whether it counts as true; None where that cannot be told."""
        if isinstance(value, str):
            return None if values.has_hole(value) else bool(value) or self._is_cpp
        if value is None or isinstance(value, bool | int | float | list | dict):
            return bool(value)
        return True if isinstance(value, Thing) else None

    def _constant(self, expression: syntax.Constant) -> Value:
        value = expression.value
        return Text(value, (0,), (expression.place,)) if isinstance(value, str) else value

    def _name(self, expression: syntax.Name) -> Value:
        for frame in reversed(self._frames):
            if expression.name in frame:
                return frame[expression.name]
        if library.is_kind(expression.name):
            return Enumerator(expression.name)
        return Unknown(expression.place)

    def _member(self, expression: syntax.Member) -> Value:
        key = _member_key(expression)
        if key in self._frames[0]:
            return self._frames[0][key]
        if library.last(expression.base) in ("Types", "ETreeType", "EMVA"):
            return Enumerator(expression.name)
        base = self.value(expression.base)
        of_namespace = isinstance(base, Unknown) and isinstance(expression.base, syntax.Name) and expression.is_scoped
        if of_namespace and expression.name in self._frames[0]:
            return self._frames[0][expression.name]
        places = self._program.fields.get(expression.name, ())
        if isinstance(base, list) and len(places) == 1 and len(base) > max(places):
            return base[max(places)]
        if isinstance(base, list) and len(base) == 2 and expression.name in ("first", "second"):
            return base[expression.name == "second"]
        if isinstance(base, Thing):
            value = self._meaning.member(base, expression.name, expression.place)
            if value is not NOTHING:
                return value
        return Unknown(expression.place)

    def _call(self, expression: syntax.Call) -> Value:
        function = expression.function
        name = library.last(function)
        self._seen.add((name, expression.place.line))
        # Dense(64)(x) calls what a call gives.
        base = function.base if isinstance(function, syntax.Member) else None
        owner = base if name else function
        receiver = None if owner is None else self.value(owner)
        keywords = {name: self.value(value) for name, value in expression.keywords}
        arguments = self._unpacked(expression.arguments, keywords)
        if name in _PRINTS and self._is_cpp and base is None and len(arguments) > _PRINTS[name]:
            return self._print(expression, arguments)
        if name == "GetObject" and len(arguments) == 2:  # file->GetObject("name", tree)
            name, arguments = "Get", arguments[:1]
        user = self._function(name, len(arguments)) if not _is_known(receiver) else None
        if user is not None:
            of_self = bool(user.parameters) and user.parameters[0][0] == "self"
            return self._enter(user, [receiver, *arguments] if of_self else arguments, keywords, expression.place)
        if base is not None:
            changed = self._changed(receiver, name, arguments, keywords, expression.place)
            if changed is not NOTHING:
                self._set(_origin(base), changed)
                if name == "pop" and isinstance(receiver, dict) and arguments and isinstance(arguments[0], str):
                    return receiver.get(arguments[0], Unknown(expression.place))
                return changed
        if _PAIRS in keywords:
            arguments.append(keywords.pop(_PAIRS))
        ways = values.combinations([receiver, *arguments, *keywords.values()])
        here = dict(self._sides)
        ways = [way for way in ways if all(here.get(place, side) == side for place, side in way[0])]
        cases = []
        for sides, (of, *rest) in ways:
            called = Called(
                name,
                "" if base is None else library.last(base),
                of,
                rest[: len(arguments)],
                dict(zip(keywords, rest[len(arguments) :], strict=True)),
                {name: value.place for name, value in expression.keywords},
                expression.place,
                tuple(dict.fromkeys(place for place, _ in (*self._sides, *sides))),
                self._off,
            )
            cases.append((sides, self._called(called)))
        result = values.choice(cases, expression.place) if cases else Unknown(expression.place)
        if library.last(function) == "GetObject" and len(expression.arguments) == 2:
            self._set(expression.arguments[1], result)
        return result

    def _print(self, expression: syntax.Call, arguments: Sequence[Value]) -> Value:
        """``sprintf`` and the like, which write into their first argument."""
        name, place = library.last(expression.function), expression.place
        before = arguments[0] if name == "strcat" else Text("", (0,), (place,))
        pattern, *rest = arguments[_PRINTS[name] :]
        written = [self.text(before, place)] if isinstance(before, str) else []
        whole = self.text(pattern, place)
        prints = "print" in name
        written.append(values.formatted(whole, rest, lambda value: self.text(value, place)) if prints else whole)
        text = values.joined(written, place)
        self._set(expression.arguments[0], text)
        return text

    def _changed(
        self, receiver: Value, name: str, arguments: Sequence[Value], keywords: dict[str, Value], place: Place
    ) -> Value:
        """What a text, list or dictionary becomes by a method that changes it; each case of a choice by itself."""
        all_texts = isinstance(receiver, Choice) and all(isinstance(value, str) for _, value in receiver.cases)
        if not isinstance(receiver, Choice) or (all_texts and name in ("Append", "append", "Prepend")):
            return library.changed(self, receiver, name, arguments, keywords, place)
        cases = [
            (sides, library.changed(self, value, name, arguments, keywords, place)) for sides, value in receiver.cases
        ]
        if any(value is NOTHING for _, value in cases):
            return NOTHING
        return values.choice(cases, place)

    def _called(self, call: Called) -> Value:
        value = library.call(self, call, is_cpp=self._is_cpp)
        if value is NOTHING:
            value = self._meaning.call(call)
        return Unknown(call.place) if value is NOTHING else value

    def _function(self, name: str, arguments: int) -> syntax.Function | None:
        """A function of the source by its name; of several that which takes so many arguments."""
        known = self._functions.get(name, [])
        fitting = [one for one in known if len(one.parameters) >= arguments or _takes_all(one)]
        return next(iter(fitting or known), None)

    def _binary(self, expression: syntax.Binary) -> Value:
        left, right = self.value(expression.left), self.value(expression.right)
        return self._operate(expression.operator, left, right, expression.place)

    def _operate(self, operator: str, left: Value, right: Value, place: Place) -> Value:
        ways = values.combinations([left, right])
        self._steps += sum(len(text) for text in (left, right) if isinstance(text, Text)) // 100
        if not ways:
            return Unknown(place)
        return values.choice(
            [
                (sides, library.operate(self, operator, one, other, place, is_cpp=self._is_cpp))
                for sides, (one, other) in ways
            ],
            place,
        )

    def _unary(self, expression: syntax.Unary) -> Value:
        value = self.value(expression.operand)
        if expression.operator == "not":
            holds = self.truth(value)
            if isinstance(value, Text) and value.is_cut:
                around = [Text(text, (0,), (expression.place,)) for text in ("!(", ")")]
                return values.joined([around[0], value, around[1]], value.place(), is_cut=True)
            return Unknown(expression.place) if holds is None else not holds
        if isinstance(value, int | float):
            return -value if expression.operator == "-" else value
        return Unknown(expression.place)

    def _conditional(self, expression: syntax.Conditional) -> Value:
        holds = self._decided(expression.test)
        yes, no = self.value(expression.yes), self.value(expression.no)
        if holds is not None:
            return yes if holds else no
        place = self._condition(expression.test.place)
        return values.choice(((((place, True),), yes), (((place, False),), no)), expression.place)

    def _index(self, expression: syntax.Index) -> Value:
        base, key = self.value(expression.base), self.value(expression.index)
        if isinstance(key, tuple) and isinstance(base, list | Text):
            return library.part(base, key) if all(isinstance(n, int | None) for n in key) else Unknown(expression.place)
        if isinstance(base, dict):
            known = isinstance(key, str | int | float | bool | None) and key in base
            return base[key] if known else Unknown(expression.place)
        if isinstance(base, list | Text) and isinstance(key, int) and -len(base) <= key < len(base):
            return base[key] if isinstance(base, list) else base.part(key % len(base), key % len(base) + 1)
        if isinstance(base, Thing) and isinstance(key, str):
            value = self._meaning.member(base, key, expression.place)
            return Unknown(expression.place) if value is NOTHING else value
        return Unknown(expression.place)

    def _items(self, expression: syntax.Items) -> Value:
        return self._unpacked(expression.items, {})

    def _unpacked(self, expressions: Sequence[Expression], keywords: dict[str, Value]) -> list[Value]:
        """Values of items or arguments, with what is unpacked; pairs go to the keywords."""
        every: list[Value] = []
        for expression in expressions:
            value = self.value(expression)
            if isinstance(expression, syntax.Unpacked) and isinstance(value, list):
                every += value
            elif isinstance(expression, syntax.Unpacked) and isinstance(value, dict):
                keywords.update({str(name): one for name, one in value.items()})
            elif isinstance(expression, syntax.Unpacked) and expression.is_pairs:
                keywords[_PAIRS] = Unknown(expression.place)
            else:
                every.append(Unknown(expression.place) if isinstance(expression, syntax.Unpacked) else value)
        return every

    def _pairs(self, expression: syntax.Pairs) -> Value:
        pairs: dict[Any, Value] = {}
        for key, value in expression.pairs:
            name, worth = None if key is None else self.value(key), self.value(value)
            if key is None and isinstance(worth, dict):
                pairs.update(worth)
            elif isinstance(name, str | int | float | bool):
                pairs[name] = worth
            else:
                return Unknown(expression.place)
        return pairs

    def _joined(self, expression: syntax.Joined) -> Value:
        parts = [(self.value(part), form) for part, form in expression.parts]
        ways = values.combinations([part for part, _ in parts])
        forms = [form for _, form in parts]

        def together(way: Sequence[Value]) -> Text:
            texts = [
                values.with_format(form, value, lambda one: self.text(one, expression.place))
                for value, form in zip(way, forms, strict=True)
            ]
            return values.joined(texts, expression.place)

        if not ways:
            return Unknown(expression.place)
        return values.choice([(sides, together(way)) for sides, way in ways], expression.place)

    def _comprehension(self, expression: syntax.Comprehension) -> Value:
        items = library.items(self.value(expression.iterable))
        if items is None or len(items) > _MOST_ROUNDS:
            return Unknown(expression.place)
        self._frames.append({})
        taken = []
        for item in items:
            self._set(expression.target, item)
            tests = [self.truth(self.value(test)) for test in expression.tests]
            if all(test is not False for test in tests):
                taken.append(self.value(expression.element))
        self._frames.pop()
        return taken

    def _setting(self, expression: syntax.Setting) -> Value:
        before = self.value(expression.statement.target) if expression.gives_old else None
        self._assign(expression.statement)
        return before if expression.gives_old else self.value(expression.statement.target)

    def _of_unpacked(self, expression: syntax.Unpacked) -> Value:
        return self.value(expression.value)

    def _unread(self, expression: Expression) -> Value:
        return Unknown(expression.place)


def _is_known(value: Value) -> bool:
    """Whether a method called on it is its own, and no function of the source."""
    return isinstance(value, Thing | str | list | dict)


def _origin(base: Expression) -> Expression:
    """What ``text.Append(":").Append(more)`` changes: these methods give the text itself."""
    while isinstance(base, syntax.Call) and isinstance(base.function, syntax.Member) and base.function.name in _ITSELF:
        base = base.function.base
    return base


def _takes_all(function: syntax.Function) -> bool:
    return any(name.startswith("*") for name, _ in function.parameters)


def _member_key(expression: syntax.Member) -> str:
    base = library.last(expression.base)
    return expression.name if base == "this" else f"{base}.{expression.name}"


def _functions(statements: Sequence[Statement]) -> Sequence[syntax.Function]:
    """All functions of a source, also those inside of others."""
    functions: list[syntax.Function] = []
    for statement in statements:
        if isinstance(statement, syntax.Function):
            functions += [statement, *_functions(statement.body)]
        elif isinstance(statement, syntax.If):
            functions += [*_functions(statement.yes), *_functions(statement.no)]
        elif isinstance(statement, syntax.For | syntax.While):
            functions += _functions(statement.body)
    return functions


def _called(part: Any, but: str) -> set[str]:
    """Names of all that is called in a part of a source, but for one."""
    names: set[str] = set()
    left = [part]
    while left:
        one = left.pop()
        if isinstance(one, tuple):
            left += one
        elif isinstance(one, syntax.Call):
            names.add(library.last(one.function))
        if isinstance(one, Expression | Statement):
            left += vars(one).values()
    return names - {but}


_STATEMENTS: dict[type, Any] = {
    syntax.Assign: Evaluation._assign,
    syntax.Do: Evaluation._do,
    syntax.If: Evaluation._if,
    syntax.For: Evaluation._for,
    syntax.While: Evaluation._while,
    syntax.Function: Evaluation._define,
    syntax.Return: Evaluation._return,
    syntax.Leave: Evaluation._leave,
}
_EXPRESSIONS: dict[type, Any] = {
    syntax.Constant: Evaluation._constant,
    syntax.Name: Evaluation._name,
    syntax.Member: Evaluation._member,
    syntax.Call: Evaluation._call,
    syntax.Binary: Evaluation._binary,
    syntax.Unary: Evaluation._unary,
    syntax.Conditional: Evaluation._conditional,
    syntax.Index: Evaluation._index,
    syntax.Items: Evaluation._items,
    syntax.Pairs: Evaluation._pairs,
    syntax.Joined: Evaluation._joined,
    syntax.Comprehension: Evaluation._comprehension,
    syntax.Unpacked: Evaluation._of_unpacked,
    syntax.Setting: Evaluation._setting,
    syntax.Unread: Evaluation._unread,
}

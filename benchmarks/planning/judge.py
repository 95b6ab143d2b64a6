"""Judging a checked query by its structure: no string equality, no model.

Calls are paired with those of the right query; then conditions are compared as functions of what they test,
outputs as a set, and what an instruction quotes by what stands behind the name.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from falconql.asking.evidence import stem
from falconql.check.describe import describe
from falconql.check.typed import TypedQuery
from falconql.types import BOOL, DATE, INT, TEXT, TIMESTAMP, Type

_ANY_SPAN = "?"
_EXISTS = re.compile(r"exists\((\w+)\)")
# A column that is only tested for null is some value, or none.
_DAY = dt.datetime(2000, 1, 1)
_SOME: dict[Type, Any] = {BOOL: True, TEXT: "something", DATE: _DAY, TIMESTAMP: _DAY}
Described = dict[str, Any]


def judge(query: TypedQuery, right: Sequence[TypedQuery], types: Mapping[str, Type], keys: Sequence[str]) -> str:
    """Return what is wrong with a query, empty when it is one of the right ones.

    Args:
        query: the query to judge.
        right: right queries, whose instructions are patterns.
        types: the type of each column.
        keys: columns that may be among the outputs in any case.
    """
    verdicts = [_compared(describe(query), describe(gold), types, keys) for gold in right]
    # Of several right queries the one that came furthest says best what is wrong.
    return min(verdicts, key=lambda verdict: -_STAGES.index(verdict.split(":")[0]) if verdict else -len(_STAGES))


_STAGES = ("calls", "steps", "where", "group", "outputs", "order", "limit")


def _compared(query: Described, gold: Described, types: Mapping[str, Type], keys: Sequence[str]) -> str:
    pairings = [_Pairing(query, gold, paired) for paired in _pairings(query["calls"], gold["calls"])]
    if not pairings:
        wanted = [f"{call['kind']}({call['instruction']})" for call in gold["calls"]]
        return f"calls: wants {', '.join(wanted)}"
    verdicts = [pairing.verdict(types, keys) for pairing in pairings]
    return min(verdicts, key=lambda verdict: -_STAGES.index(verdict.split(":")[0]) if verdict else -len(_STAGES))


def _pairings(calls: Sequence[Described], wanted: Sequence[Described]) -> Iterator[dict[int, int]]:
    """Yield the ways to pair every wanted call with one of its own, as query index to gold index."""
    fitting = [[i for i, call in enumerate(calls) if fits(call, gold)] for gold in wanted]
    for chosen in itertools.product(*fitting):
        if len(set(chosen)) == len(chosen):
            yield {index: number for number, index in enumerate(chosen)}


def fits(call: Described, gold: Described) -> bool:
    """Return whether a call asks what a right one asks."""
    pattern = gold["instruction"]
    kinds = {"span", "spans"} if _ANY_SPAN in pattern.split() and gold["kind"] != "choose" else {gold["kind"]}
    if call["kind"] not in kinds or call["column"] != gold["column"]:
        return False
    options = [[option.lower() for option in side.get("options", [])] for side in (call, gold)]
    return sorted(options[0]) == sorted(options[1]) and says(call["instruction"], pattern)


def says(instruction: str, pattern: str) -> bool:
    """Return whether an instruction has the words that a pattern wants."""
    plain = re.sub(r"\{[^}]*\}", " ", instruction).lower()
    words = [*re.findall(r"[a-z]+", plain), *map(stem, re.findall(r"[a-z]+", plain))]
    for group in re.sub(r"\{[^}]*\}", " ", pattern).lower().split():
        if group == _ANY_SPAN:
            continue
        there = any(_begins(word, start) for start in group.removeprefix("!").split("|") for word in words)
        if there == group.startswith("!"):
            return False
    return True


def _begins(word: str, start: str) -> bool:
    """Return whether a word begins with a start; one with a full stop is a whole word."""
    return word == start[:-1] if start.endswith(".") else word.startswith(start)


@dataclass(frozen=True, slots=True)
class _Pairing:
    query: Described
    gold: Described
    paired: dict[int, int]

    def verdict(self, types: Mapping[str, Type], keys: Sequence[str]) -> str:
        own = {index: f"own{index}" for index in range(len(self.query["calls"]))}
        ours = _Names(self.query, own | {index: f"call{number}" for index, number in self.paired.items()})
        right = _Names(self.gold, {number: f"call{number}" for number in range(len(self.gold["calls"]))})
        for index, number in self.paired.items():
            if ours.used(index) != right.used(number):
                return f"steps: {self.query['calls'][index]['instruction']!r} should use {right.used(number)}"
        if ours.steps() != right.steps():
            return f"steps: each is {sorted(ours.steps())}, not {sorted(right.steps())}"
        if not equivalent(ours.where(), right.where(), types):
            return "where: keeps other rows"
        if ours.groups() != right.groups():
            return f"group: by {sorted(ours.groups())}"
        extra = ours.outputs() - right.outputs()
        missing = right.outputs() - ours.outputs()
        if missing or extra - {f"column {key}" for key in keys}:
            return f"outputs: missing {sorted(missing)}, too many {sorted(extra)}"
        if ours.order() != right.order():
            return f"order: {ours.order()}"
        if self.query["limit"] != self.gold["limit"]:
            return f"limit: {self.query['limit']}"
        return ""


@dataclass(frozen=True, slots=True)
class _Names:
    """One side of a pairing, with the names that both sides share for the calls."""

    said: Described
    calls: dict[int, str]

    def _named(self) -> dict[str, str]:
        named = {call["name"]: self.calls[i] for i, call in enumerate(self.said["calls"]) if call["name"]}
        return named | {
            each["name"]: self.calls[each["call"]] for each in self.said["each"] if each["call"] is not None
        }

    def used(self, index: int) -> set[str]:
        named = self._named()
        return {named.get(name, f"column {name}") for name in self.said["calls"][index]["uses"]}

    def steps(self) -> set[str]:
        return {self.calls.get(each["call"], each["value"]) for each in self.said["each"]}

    def where(self) -> Described | None:
        return self._shared(self.said["where"])

    def _shared(self, tree: Described | None) -> Described | None:
        match tree:
            case {"and": below}:
                return {"and": [self._shared(each) for each in below]}
            case {"or": below}:
                return {"or": [self._shared(each) for each in below]}
            case {"not": below}:
                return {"not": self._shared(below)}
            case {"call": index}:
                return {"call": self.calls[index]}
            case {"text": text} if found := _EXISTS.fullmatch(text):
                if found[1] not in self._named():
                    return {"column": found[1], "op": "is not null", "value": None}
                return {"text": self._written(text)}
            case {"text": text}:
                return {"text": self._written(text)}
        return tree

    def groups(self) -> set[str]:
        return {self._value(key) for key in self.said["group_by"] or ()}

    def outputs(self) -> set[str]:
        return {self._value(item["value"]) for item in self.said["select"]}

    def order(self) -> list[tuple[str, bool]]:
        return [(self._value(key["value"]), key["descending"]) for key in self.said["order_by"]]

    def _value(self, text: str) -> str:
        written = self._written(text)
        return f"column {text}" if written == text else written

    def _written(self, text: str) -> str:
        """Return an expression with the shared names of its calls in the place of what they are called or ask."""
        for index, call in enumerate(self.said["calls"]):
            asked = rf'\b{call["kind"]}\((?:[^()"]*, )?"{re.escape(call["instruction"])}"(?:, [^()]*)?\)'
            text = re.sub(asked, self.calls[index], text)
        for name, shared in self._named().items():
            text = re.sub(rf'(?<![\w"]){re.escape(name)}(?![\w"])', shared, text)
        return text


def equivalent(one: Described | None, other: Described | None, types: Mapping[str, Type]) -> bool:
    """Return whether two conditions keep the same rows, by trying all that their tests can tell apart."""
    leaves = [*_leaves(one), *_leaves(other)]
    points: dict[str, list[Any]] = {}
    for leaf in leaves:
        if "column" in leaf and leaf["op"] not in ("contains", "starts with", "matches"):
            type_ = types[leaf["column"]]
            points.setdefault(leaf["column"], [None, _SOME.get(type_, 0)]).extend(_near(leaf["value"], type_))
        else:
            points[_opaque(leaf)] = [True, False]
    names = list(points)
    for values in itertools.product(*(list(dict.fromkeys(points[name])) for name in names)):
        row = dict(zip(names, values, strict=True))
        if (_true(one, row) is True) != (_true(other, row) is True):
            return False
    return True


def _leaves(tree: Described | None) -> Iterator[Described]:
    match tree:
        case None:
            return
        case {"and": below} | {"or": below}:
            for each in below:
                yield from _leaves(each)
        case {"not": below}:
            yield from _leaves(below)
        case _:
            yield tree


def _near(value: Any, type_: Type) -> list[Any]:
    """Return a value and its neighbours: what comparisons with it can tell apart."""
    value = _in_time(value)
    if isinstance(value, (list, tuple)):
        return [near for each in value for near in _near(each, type_)]
    if isinstance(value, bool):
        return [True, False]
    if isinstance(value, (int, float)):
        step = 1 if type_ == INT else 0.001
        return [value - step, value, value + step]
    if isinstance(value, dt.datetime):
        step_of_time = dt.timedelta(days=1) if type_ == DATE else dt.timedelta(seconds=1)
        return [value - step_of_time, value, value + step_of_time]
    return [] if value is None else [value, "something else"]


def _in_time(value: Any) -> Any:
    """Return points in time for texts that are some; no other text of these tables looks like that."""
    if isinstance(value, (list, tuple)):
        return [_in_time(each) for each in value]
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d", value):
        return dt.datetime.fromisoformat(value)
    return value


def _opaque(leaf: Described) -> str:
    if "call" in leaf:
        return str(leaf["call"])
    return " ".join(str(part).lower() for part in leaf.values())


def _true(tree: Described | None, row: Mapping[str, Any]) -> bool | None:
    """Return the value of a condition in SQL's three-valued logic."""
    match tree:
        case None:
            return True
        case {"and": below}:
            values = [_true(each, row) for each in below]
            return False if False in values else None if None in values else True
        case {"or": below}:
            values = [_true(each, row) for each in below]
            return True if True in values else None if None in values else False
        case {"not": below}:
            value = _true(below, row)
            return None if value is None else not value
        case {"column": name, "op": op, "value": wanted} if name in row:
            return _test(op, row[name], wanted)
    return bool(row[_opaque(tree)])


def _test(op: str, have: Any, wanted: Any) -> bool | None:
    if op in ("is null", "is not null"):
        return (have is None) == (op == "is null")
    if have is None:
        return None
    wanted = _in_time(wanted)
    match op:
        case "=":
            return bool(have == wanted)
        case "!=":
            return bool(have != wanted)
        case "in":
            return have in wanted
        case "<":
            return bool(have < wanted)
        case "<=":
            return bool(have <= wanted)
        case ">":
            return bool(have > wanted)
    return bool(have >= wanted)

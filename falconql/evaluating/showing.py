"""An evaluation as plain data for programs, and as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from falconql.diagnostics.render import display_width
from falconql.evaluating.results import Measure
from falconql.evaluating.run import CallQuality, Evaluation
from falconql.evaluating.sides import Reply
from falconql.evaluating.worst import Disagreement
from falconql.specialise.sampling import Estimate
from falconql.visible import visible

# Of a text around what is disagreed about, in a terminal.
CONTEXT = 90


def as_data(found: Evaluation, *, worst: int) -> dict[str, Any]:
    """Return everything as JSON can hold it, with ``worst`` disagreements of each call at most."""
    return {
        "query": found.query,
        "corpus": found.corpus,
        "proxy": found.here,
        "against": found.there,
        "rows": None if found.rows is None else {"drawn": found.rows[0], "of": found.rows[1]},
        "calls": [_call(each, worst) for each in found.calls],
        "agreement": None
        if found.agreement is None
        else {
            "rows": found.agreement.rows,
            "both": found.agreement.both,
            "here_only": found.agreement.here_only,
            "there_only": found.agreement.there_only,
            "kept": _estimate(found.agreement.kept),
            "same": _estimate(found.agreement.same),
        },
        "result": None
        if found.result is None
        else {
            "keys": list(found.result.keys),
            "rows": _measure(found.result.rows),
            "columns": [
                {
                    "name": column.name,
                    "rows": column.rows,
                    "accuracy": _estimate(column.accuracy),
                    **({} if column.measure is None else _measure(column.measure)),
                }
                for column in found.result.columns
            ],
            "missing": [[str(value) for value in key] for key in found.result.missing],
            "extra": [[str(value) for value in key] for key in found.result.extra],
        },
        "notes": list(found.notes),
    }


def _call(of: CallQuality, worst: int) -> dict[str, Any]:
    told: dict[str, Any] = {"name": of.name, "kind": of.call.kind, "questions": 0}
    if of.quality is not None:
        told |= {
            "questions": of.quality.questions,
            "precision": _estimate(of.quality.precision),
            "recall": _estimate(of.quality.recall),
            "f1": _estimate(of.quality.f1),
            "accuracy": _estimate(of.quality.accuracy),
        }
    told["disagreements"] = len(of.worst)
    told["worst"] = [
        {
            "text": one.text,
            "instruction": one.instruction,
            "proxy": _value(one.here),
            "score": one.here.score,
            "against": _value(one.there),
        }
        for one in of.worst[:worst]
    ]
    return told


def _value(reply: Reply) -> Any:
    return [list(span) for span in reply.value] if isinstance(reply.value, tuple) else reply.value


def _estimate(of: Estimate) -> dict[str, float]:
    return {"value": round(of.value, 4), "low": round(of.low, 4), "high": round(of.high, 4)}


def _measure(of: Measure) -> dict[str, Any]:
    return {"precision": _estimate(of.precision), "recall": _estimate(of.recall), "f1": _estimate(of.f1)}


def as_text(found: Evaluation, *, worst: int) -> str:
    """Return what a terminal shows, and does not obey: tables, then the worst disagreements of each call."""
    parts = [f"{found.here} against {found.there}, {reach(found)}"]
    if found.calls:
        parts.append(_table([("call", "questions", *_FIGURES), *(_call_row(each) for each in found.calls)]))
    if found.agreement is not None:
        parts.append(_agreement(found))
    if found.result is not None:
        parts += _result(found)
    for each in found.calls:
        if each.worst and worst:
            parts.append("\n".join(_worst(each, found, worst)))
    return visible("\n\n".join(parts))


_FIGURES = ("precision", "recall", "F1", "accuracy")


def reach(found: Evaluation) -> str:
    """Return what was compared on: the corpus, and how many of its rows were drawn."""
    if found.rows is None:
        return found.corpus
    drawn, of = found.rows
    which = f"all {of:,} rows" if drawn == of else f"{drawn:,} of {of:,} rows"
    return f"{which} of {found.corpus} that reach a model call"


def _call_row(of: CallQuality) -> tuple[str, ...]:
    if of.quality is None:
        return (of.name, "0", "", "", "", "")
    q = of.quality
    return (of.name, f"{q.questions:,}", *(_figure(each) for each in (q.precision, q.recall, q.f1, q.accuracy)))


def _figure(of: Estimate) -> str:
    return f"{100 * of.value:.1f} ({100 * of.low:.0f} to {100 * of.high:.0f})"


def _agreement(found: Evaluation) -> str:
    same = found.agreement
    assert same is not None
    return (
        f"Whole result: the same for {_figure(same.same)} % of {same.rows:,} rows, "
        f"kept or left out alike for {_figure(same.kept)} %.\n"
        f"Rows kept by both: {same.both:,}, by {found.here} alone: {same.here_only:,}, "
        f"by {found.there} alone: {same.there_only:,}."
    )


def _result(found: Evaluation) -> Iterator[str]:
    result = found.result
    assert result is not None
    rows: list[tuple[str, ...]] = [("", "rows", *_FIGURES)]
    measures = (result.rows.precision, result.rows.recall, result.rows.f1)
    rows.append((f"rows, by {', '.join(result.keys)}", "", *(_figure(each) for each in measures), ""))
    for column in result.columns:
        of = column.measure
        figures = ("", "", "") if of is None else tuple(_figure(each) for each in (of.precision, of.recall, of.f1))
        rows.append((column.name, f"{column.rows:,}", *figures, _figure(column.accuracy)))
    yield _table(rows)
    for what, keys in (("missing", result.missing), ("not in the gold rows", result.extra)):
        if keys:
            yield f"{what}: " + "; ".join(", ".join(_short(str(value), 40) for value in key) for key in keys)


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(display_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0] + " " * (widths[0] - display_width(row[0]))]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _worst(of: CallQuality, found: Evaluation, most: int) -> Iterator[str]:
    shown = of.worst[:most]
    yield f"{of.name}: {len(of.worst):,} answered differently" + (
        f", the {len(shown)} worst:" if len(of.worst) > len(shown) else ":"
    )
    names = (found.here, found.there)
    width = max(display_width(name) for name in names)
    for number, one in enumerate(shown, 1):
        yield f"{number:>3}. {_excerpt(one)}"
        if not all(isinstance(part, str) for part in of.call.instruction):
            yield f"     asked: {_short(one.instruction, CONTEXT)}"
        for name, reply in zip(names, (one.here, one.there), strict=True):
            yield f"     {name}{' ' * (width - display_width(name))}  {_said(one, reply)}"


def _said(one: Disagreement, reply: Reply) -> str:
    if isinstance(reply.value, bool):
        return ("yes" if reply.value else "no") + ("" if reply.score is None else f" ({reply.score:.2f})")
    if isinstance(reply.value, str):
        return reply.value
    if not reply.value:
        return "nothing"
    return ", ".join(f"“{_short(one.text[start:end], 60)}”" for start, end in reply.value)


def _excerpt(one: Disagreement) -> str:
    """Return the text around the first span that only one side has; of other questions its beginning."""
    places: list[int] = []
    if isinstance(one.here.value, tuple) and isinstance(one.there.value, tuple):
        places = sorted(start for start, _ in set(one.here.value) ^ set(one.there.value))
    begin = max(0, places[0] - CONTEXT // 3) if places else 0
    return ("…" if begin else "") + _short(one.text[begin : begin + 4 * CONTEXT], CONTEXT)


def _short(text: str, most: int) -> str:
    """Return a text on one line, cut to so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"

"""Annotations by people: a plain file of answers, and the tasks and exports of Label Studio.

A line of the plain file is ``{"text": ..., "instruction": ..., "answer": ...}``: the answer is true or false for a
label, for spans a list of verbatim strings or of ``{"start": ..., "end": ...}``. An option of ``choose`` is a label
whose instruction ends in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from falconql.annotating.matching import Finder
from falconql.runtime.errors import DataError
from falconql.specialise.task import Answer, Spans, Task

YES, NO = "yes", "no"


def read_answers(path: Path) -> dict[Task, Answer]:
    """Return the annotations in a file, of either form; of two for one question the later counts.

    Raises:
        DataError: it cannot be read, or an annotation is malformed; the line or task is named.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the annotations in {path}: {error}") from error
    if content.lstrip().startswith("["):
        return dict(_of_label_studio(content, path))
    return dict(_of_lines(content, path))


def _of_lines(content: str, path: Path) -> Iterable[tuple[Task, Answer]]:
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{place}: this is no JSON: {error}", hint=_LINE_HINT) from error
        text, instruction = _texts(entry, ("text", "instruction"), place)
        said = entry.get("answer")
        answer = answer_in(entry.get("spans") if said is None else said, text, place)
        yield Task("label" if isinstance(answer, bool) else "spans", text, instruction), answer


_LINE_HINT = 'a line is {"text": "...", "instruction": "...", "answer": true, or ["verbatim", ...]}'


def _texts(entry: Any, names: Sequence[str], place: str) -> list[str]:
    values = [entry.get(name) if isinstance(entry, Mapping) else None for name in names]
    for name, value in zip(names, values, strict=True):
        if not isinstance(value, str):
            raise DataError(f"{place}: `{name}` must be a text", hint=_LINE_HINT)
    return [str(value) for value in values]


def answer_in(answer: Any, text: str, place: str) -> Answer:
    """Return an annotation as it was read from a file: true or false, or spans as texts or places.

    Raises:
        DataError: it is none of these, or a span is not in the text.
    """
    if isinstance(answer, bool):
        return answer
    if not isinstance(answer, list):
        raise DataError(f"{place}: `answer` must be true, false or a list of spans", hint=_LINE_HINT)
    found: list[tuple[int, int]] = []
    finder = Finder(text)
    for span in answer:
        start = found[-1][1] if found else 0
        found.append(_verbatim(span, finder, start, place) if isinstance(span, str) else _offsets(span, text, place))
        finder.take(found[-1])
    return disjoint(found, place)


def _verbatim(span: str, finder: Finder, start: int, place: str) -> tuple[int, int]:
    # One that is listed more often than it stands there is the same one again.
    found = (finder.find_exact(span, start) or Finder(finder.text).find_exact(span, start)) if span else None
    if found is None:
        raise DataError(f"{place}: {span!r} does not stand in the text", hint="copy spans from it, letter by letter")
    return found


def _offsets(span: Any, text: str, place: str) -> tuple[int, int]:
    start, end = (span.get("start"), span.get("end")) if isinstance(span, Mapping) else (None, None)
    if type(start) is not int or type(end) is not int:
        raise DataError(f"{place}: a span is a text or has whole numbers `start` and `end`", hint=_LINE_HINT)
    if not 0 <= start < end <= len(text):
        raise DataError(
            f"{place}: the span {start} to {end} is not in the text, which has {len(text)} characters",
            hint="`start` and `end` count characters from 0; `end` is the first one after the span",
        )
    said = span.get("text")
    if isinstance(said, str) and said != text[start:end]:
        raise DataError(
            f"{place}: {start} to {end} is {text[start:end]!r}, not {said!r}",
            hint="offsets count characters, not bytes",
        )
    return start, end


def disjoint(spans: Iterable[tuple[int, int]], place: str) -> Spans:
    """Return spans in text order.

    Raises:
        DataError: two overlap.
    """
    ordered = sorted(set(spans))
    for (_, end), (start, _) in pairwise(ordered):
        if start < end:
            raise DataError(f"{place}: two spans overlap at character {start}", hint="leave one of them out")
    return tuple(ordered)


def label_studio_tasks(tasks: Iterable[Task]) -> list[dict[str, Any]]:
    """Return tasks as Label Studio imports them, for the project that ``label_studio_config`` sets up."""
    return [{"data": {"text": task.text, "instruction": task.instruction, "kind": task.kind}} for task in tasks]


def label_studio_config(kinds: Iterable[str]) -> str:
    """Return the labelling interface of a project: the instruction above the text, yes or no, or spans to mark."""
    parts = ["<View>", '  <Header value="$instruction"/>', '  <Text name="text" value="$text"/>']
    wanted = set(kinds)
    if "label" in wanted:
        choices = "".join(f"<Choice value={quoteattr(choice)}/>" for choice in (YES, NO))
        parts.append(f'  <Choices name="answer" toName="text">{choices}</Choices>')
    if "spans" in wanted:
        parts.append('  <Labels name="spans" toName="text"><Label value="span"/></Labels>')
    return "\n".join([*parts, "</View>"]) + "\n"


def _of_label_studio(content: str, path: Path) -> Iterable[tuple[Task, Answer]]:
    try:
        entries = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON: {error}", hint="export from Label Studio as JSON") from error
    for number, entry in enumerate(entries, 1):
        place = f"{path}, task {number}"
        data = entry.get("data") if isinstance(entry, Mapping) else None
        text, instruction, kind = _texts(data, ("text", "instruction", "kind"), place)
        done = [a for a in entry.get("annotations") or () if isinstance(a, Mapping) and not a.get("was_cancelled")]
        if not done:
            continue
        results = [r for r in done[-1].get("result") or () if isinstance(r, Mapping)]
        task = Task("label" if kind == "label" else "spans", text, instruction)
        if task.kind == "label":
            chosen = [choice for r in results for choice in (r.get("value") or {}).get("choices") or ()]
            if chosen:
                yield task, chosen[0] == YES
        else:
            marked = [r.get("value") for r in results if r.get("type") == "labels"]
            yield task, disjoint((_offsets(span, text, place) for span in marked), place)

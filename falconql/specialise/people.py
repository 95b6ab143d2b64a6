"""Annotations by people: plain files and tables of answers, and the tasks and exports of Label Studio.

A plain answer is ``{"text": ..., "instruction": ..., "answer": ...}``: the answer is true or false (or yes or no, 1 or
0) for a label, for spans a list of verbatim strings or of ``{"start": ..., "end": ...}``. An option of ``choose`` is a
label whose instruction ends in it. Answers are lines or an array of JSON, or a table with these columns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from falconql.annotating.matching import Finder
from falconql.runtime.errors import DataError
from falconql.runtime.io import open_source
from falconql.runtime.io.formats import COLUMNAR, Format, foreign_content, format_of_content
from falconql.runtime.io.inputs import InputFile, open_input, reading, spool
from falconql.runtime.io.locate import locate
from falconql.runtime.io.source import open_kept
from falconql.runtime.io.utf8 import decoded_lines
from falconql.specialise.task import Answer, Spans, Task
from falconql.visible import quoted, visible

if TYPE_CHECKING:
    import pyarrow as pa

YES, NO = "yes", "no"
_SHOWN_CHARACTERS = 40
BATCH_ROWS = 65_536
_TABLES = ("csv", "tsv", "parquet", "arrow")
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def read_answers(path: Path) -> dict[Task, Answer]:
    """Return the annotations in a file, of any form; of two for one question the later counts.

    Raises:
        DataError: it cannot be read, or an annotation is malformed; the line, row or task is named.
    """
    given = _Given.at(path)
    return answers_of_table(given.table(), path) if given.is_table else _answers_in(given.text(), path)


def answers_or_rows(path: Path) -> dict[Task, Answer] | pa.Table:
    """Return the annotations in a file, or its rows where it has no instructions.

    Raises:
        DataError: it cannot be read, or an annotation is malformed; the line, row or task is named.
    """
    given = _Given.at(path)
    if not given.is_table and _begins_with_an_answer(given):
        return _answers_in(given.text(), path)
    table = given.table()
    return answers_of_table(table, path) if "instruction" in table.column_names else table


@dataclass(frozen=True, slots=True)
class _Given:
    """What people handed over: one file, a copy where it came through a pipe, or several."""

    path: Path
    file: InputFile | None
    format: Format | None

    @classmethod
    def at(cls, path: Path) -> _Given:
        name = str(path)
        located = locate(name, None)
        if located.several:
            return cls(path, None, located.format)
        if located.stream:
            with reading(name), open(located.paths[0], "rb") as stream:
                return cls(path, spool(stream, name), located.format)
        return cls(path, open_input(located.paths[0], name), located.format)

    @property
    def is_table(self) -> bool:
        """Whether it is no text, or a table by its ending."""
        if self.file is None or self.format in _TABLES:
            return True
        head = self.file.head()
        return format_of_content(head) in COLUMNAR or foreign_content(head) is not None

    def lines(self) -> Iterator[str]:
        assert self.file is not None
        return decoded_lines(self.file)

    def text(self) -> str:
        return "".join(self.lines())

    def table(self) -> pa.Table:
        import pyarrow as pa

        kept = self.file is not None and self.file.keep is not None
        source = open_kept(self.file, self.format) if self.file and kept else open_source(str(self.path))
        batches = source.batches(source.schema.names, None, batch_rows=BATCH_ROWS)
        return pa.Table.from_batches(list(batches), schema=source.schema)


def _answers_in(content: str, path: Path) -> dict[Task, Answer]:
    return dict((_of_array if content.lstrip().startswith("[") else _of_lines)(content, path))


def answers_of_table(table: pa.Table, path: Path) -> dict[Task, Answer]:
    """Return annotations from rows with the columns ``text``, ``instruction``, and ``answer`` or ``spans``.

    Raises:
        DataError: columns are missing, or an annotation is malformed; its row is named.
    """
    names = table.column_names
    missing = [name for name in ("text", "instruction") if name not in names]
    if missing or not {"answer", "spans"} & set(names):
        lacks = " and ".join([*(f"`{name}`" for name in missing), *([] if missing else ["`answer` or `spans`"])])
        raise DataError(
            f"{path} has no column {lacks}, which answers have; its columns are {', '.join(names)}", hint=_ROW_HINT
        )
    found: dict[Task, Answer] = {}
    wanted = [name for name in ("text", "instruction", "answer", "spans") if name in names]
    for number, row in enumerate(table.select(wanted).to_pylist(), 1):
        place = f"{path}, row {number}"
        text, instruction = row["text"], row["instruction"]
        if not isinstance(text, str) or not isinstance(instruction, str):
            raise DataError(f"{place}: `text` and `instruction` must be texts", hint="leave such rows out")
        answer = _answer_of(row, text, place)
        found[Task("label" if isinstance(answer, bool) else "spans", text, instruction)] = answer
    return found


def _begins_with_an_answer(given: _Given) -> bool:
    """Whether a text is an export of Label Studio, or JSON with an instruction and an answer in the first object."""
    lines = given.lines()
    begun = next((line for line in lines if line.strip()), "")
    try:
        found = json.loads(begun + "".join(lines) if begun.lstrip().startswith("[") else begun)
    except (ValueError, RecursionError):
        return False  # whoever reads it next says what is wrong
    first = found[0] if isinstance(found, list) and found else found
    if not isinstance(first, dict):
        return False
    exported = isinstance(found, list) and isinstance(first.get("data"), dict)
    return exported or ("instruction" in first and bool({"answer", "spans"} & first.keys()))


def _of_array(content: str, path: Path) -> Iterable[tuple[Task, Answer]]:
    try:
        entries = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON: {error}", hint="export from Label Studio as JSON") from error
    for number, entry in enumerate(entries, 1):
        if isinstance(entry, Mapping) and not isinstance(entry.get("data"), Mapping):
            yield _of_entry(entry, f"{path}, answer {number}")
        else:
            yield from _of_label_studio(entry, f"{path}, task {number}")


def _of_lines(content: str, path: Path) -> Iterable[tuple[Task, Answer]]:
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{place}: this is no JSON: {error}", hint=_LINE_HINT) from error
        yield _of_entry(entry, place)


def _of_entry(entry: Any, place: str) -> tuple[Task, Answer]:
    text, instruction = _texts(entry, ("text", "instruction"), place)
    answer = _answer_of(entry, text, place)
    return Task("label" if isinstance(answer, bool) else "spans", text, instruction), answer


_LINE_HINT = 'a line is {"text": "...", "instruction": "...", "answer": true, or ["verbatim", ...]}'
_EXPORT_HINT = "give the file as Label Studio exports it, in its format JSON"
_ROW_HINT = "an answer is a row of text, instruction, and answer (true or false) or spans (a list)"
_ANSWER_HINT = (
    "a label takes true or false, yes or no, 1 or 0; "
    'spans take a list of verbatim texts, ["..."], or of places, [{"start": 0, "end": 4}]'
)


def _texts(entry: Any, names: Sequence[str], place: str) -> list[str]:
    values = [entry.get(name) if isinstance(entry, Mapping) else None for name in names]
    for name, value in zip(names, values, strict=True):
        if not isinstance(value, str):
            raise DataError(f"{place}: `{name}` must be a text", hint=_LINE_HINT)
        if _HALF_A_PAIR.search(value):
            raise DataError(
                f"{place}: `{name}` has one half of a surrogate pair, which is no character",
                hint="leave it out of the text",
            )
    return [str(value) for value in values]


def _answer_of(entry: Mapping[str, Any], text: str, place: str) -> Answer:
    said = entry.get("answer")
    return answer_in(entry.get("spans") if said is None else said, text, place)


def answer_in(answer: Any, text: str, place: str) -> Answer:
    """Return an annotation as it was read from a file: yes or no, or spans as texts or places.

    Raises:
        DataError: it is none of these, or a span is not in the text.
    """
    said = _plain(answer)
    if isinstance(said, bool):
        return said
    if not isinstance(said, list):
        shown = "" if answer is None else f", not {visible(repr(answer))[:_SHOWN_CHARACTERS]}"
        raise DataError(f"{place}: `answer` must be true, false or a list of spans{shown}", hint=_ANSWER_HINT)
    found: list[tuple[int, int]] = []
    finder = Finder(text)
    for span in said:
        start = found[-1][1] if found else 0
        found.append(_verbatim(span, finder, start, place) if isinstance(span, str) else _offsets(span, text, place))
        finder.take(found[-1])
    return disjoint(found, place)


def _plain(answer: Any) -> Any:
    """Return the truth value or the list that an answer stands for: words in tables, lists in CSV."""
    if isinstance(answer, (int, float)) and answer in (0, 1):
        return bool(answer)
    if not isinstance(answer, str):
        return answer
    word = answer.strip()
    if word.startswith("["):
        try:
            return json.loads(word)
        except (ValueError, RecursionError):
            return answer
    return _WORDS.get(word.lower(), answer)


def _verbatim(span: str, finder: Finder, start: int, place: str) -> tuple[int, int]:
    # One that is listed more often than it stands there is the same one again.
    found = (finder.find_exact(span, start) or Finder(finder.text).find_exact(span, start)) if span else None
    if found is None:
        raise DataError(
            f"{place}: {quoted(span)} does not stand in the text", hint="copy spans from it, letter by letter"
        )
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
            f"{place}: {start} to {end} is {quoted(text[start:end])}, not {quoted(said)}",
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


def _mappings(entry: Mapping[str, Any], name: str, place: str) -> list[Mapping[str, Any]]:
    listed = entry.get(name) or []
    if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
        raise DataError(f"{place}: `{name}` must be a list of objects", hint=_EXPORT_HINT)
    return listed


def _choices(value: Any, place: str) -> list[Any]:
    chosen = value.get("choices") if isinstance(value, Mapping) else None
    if not isinstance(chosen, list):
        raise DataError(f"{place}: `choices` must be a list of texts", hint=_EXPORT_HINT)
    return chosen


def _of_label_studio(entry: Any, place: str) -> Iterable[tuple[Task, Answer]]:
    data = entry.get("data") if isinstance(entry, Mapping) else None
    text, instruction, kind = _texts(data, ("text", "instruction", "kind"), place)
    done = [a for a in _mappings(entry, "annotations", place) if not a.get("was_cancelled")]
    if not done:
        return
    results = _mappings(done[-1], "result", place)
    task = Task("label" if kind == "label" else "spans", text, instruction)
    if task.kind == "label":
        asked = [r.get("value") for r in results if r.get("type", "choices") == "choices"]
        chosen = [choice for value in asked for choice in _choices(value, place)]
        if chosen:
            yield task, chosen[0] == YES
    else:
        marked = [r.get("value") for r in results if r.get("type") == "labels"]
        yield task, disjoint((_offsets(span, text, place) for span in marked), place)

"""How often a language model's query is right, by category and by what helps it.

    OPENAI_BASE_URL=... FALCONQL_MODEL=... python benchmarks/planning/run.py --part aside -o results.jsonl
    python benchmarks/planning/run.py --table results.jsonl ...

``--part tune`` is for work on prompts and rules; ``--part aside`` is for reported figures only. A run adds a
line per instruction to ``-o`` and leaves out those that are there already.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cases import CATEGORIES, Case, cases, overlaps
from judge import judge

from falconql.asking.decoding import grammars_for
from falconql.asking.library import examples
from falconql.asking.loop import Answer, Planner, Settings
from falconql.asking.prompt import PromptSettings
from falconql.catalog import Catalog
from falconql.check import TypedQuery, check_query
from falconql.errors import AskError
from falconql.llm.client import OpenAIChat
from falconql.llm.endpoint import Endpoint
from falconql.source import Source
from falconql.syntax import parse

PLAIN = PromptSettings(examples=None, thinking=False)
STEPS: dict[str, Settings] = {
    "plain": Settings(PLAIN, constrained=False, reviewed=False, repairs=0),
    "examples": Settings(constrained=False, reviewed=False, repairs=0),
    "grammar": Settings(framed=False, reviewed=False, repairs=0),
    "frame": Settings(reviewed=False, repairs=0),
    "checks": Settings(),
    "checks and thoughts": Settings(PromptSettings(thinking=True)),
}


def main() -> None:
    """Run the instructions, or print the table of runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["tune", "aside"], default="tune")
    parser.add_argument("--step", choices=list(STEPS), action="append", help="default: all, one after the other")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--table", type=Path, nargs="+", metavar="RESULTS", help="only print the table of these")
    given = parser.parse_args()
    if given.table:
        print_table([json.loads(line) for path in given.table for line in path.read_text().splitlines()])
        return
    found = cases()
    if shared := overlaps(found, examples()):
        raise SystemExit("examples and instructions overlap:\n" + "\n".join(shared))
    chosen = [case for case in found if case.aside == (given.part == "aside") and given.only in case.name]
    records = run(chosen, given.step or list(STEPS), given.output)
    print_table(records)


def run(chosen: Sequence[Case], steps: Sequence[str], output: Path | None) -> list[dict[str, Any]]:
    """Return a record per case and step, done before or now."""
    done = [json.loads(line) for line in output.read_text().splitlines()] if output and output.exists() else []
    known = {(record["case"], record["step"]) for record in done}
    chat = OpenAIChat(Endpoint.from_environment())
    for step in steps:
        for case in chosen:
            if (case.name, step) in known:
                continue
            record = {"step": step, **one(case, chat, STEPS[step])}
            done.append(record)
            print(f"{step} {case.name} {record['seconds']:.1f}s {record['wrong'] or 'right'}", flush=True)
            if record["wrong"]:
                print(f"    {case.instruction}\n    {record['query'] or record['failed']}".replace("\n", "\n    "))
            if output:
                with output.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(record) + "\n")
    names = {case.name for case in chosen}
    return [record for record in done if record["case"] in names and record["step"] in steps]


def one(case: Case, chat: OpenAIChat, settings: Settings) -> dict[str, Any]:
    """Return what one instruction led to."""

    def grammars(instruction: str, framed: bool) -> Any:
        return grammars_for(case.corpus, instruction, thinking=settings.prompt.thinking, framed=framed)

    planner = Planner(chat, case.corpus, grammars, chat.endpoint.url, settings)
    started = time.perf_counter()
    answer: Answer | None = None
    failed = ""
    try:
        answer = planner.plan(case.instruction)
    except AskError as error:
        failed = str(error)
    seconds = time.perf_counter() - started
    query = answer.query.text if answer else ""
    return {
        "case": case.name,
        "category": case.category,
        "query": query,
        "failed": failed,
        "wrong": wrong(case, query) if answer else "no query",
        "seconds": seconds,
        "prompt_tokens": sum(tried.prompt_tokens for tried in answer.tries) if answer else None,
        "completion_tokens": sum(tried.completion_tokens for tried in answer.tries) if answer else None,
        "tries": [{"reply": t.reply, "fault": t.fault.said, "way": t.way} for t in answer.tries] if answer else [],
    }


def checked(case: Case, text: str) -> TypedQuery:
    """Return a query checked against the table of a case.

    Raises:
        ValueError: it has errors.
    """
    query = f"text {case.corpus.text} {text}" if not text.lstrip().startswith("text") else text
    typed, diagnostics = check_query(parse(Source(case.name, query)), Catalog(case.corpus.fields, {}))
    if typed is None:
        raise ValueError(f"{case.name}: {[d.message for d in diagnostics]} in {query}")
    return typed


def wrong(case: Case, text: str) -> str:
    """Return what is wrong with a query that answers a case, empty when it is right."""
    types = {column.name: column.type for column in case.corpus.columns}
    return judge(checked(case, text), [checked(case, right) for right in case.right], types, case.keys)


def print_table(records: Sequence[dict[str, Any]]) -> None:
    """Print the share of right queries by step and category, with tokens and seconds."""
    print("\n| step | " + " | ".join(CATEGORIES) + " | all | prompt tokens | reply tokens | median s | worst s |")
    print("|---" * (len(CATEGORIES) + 6) + "|")
    for step in STEPS:
        of_step = [record for record in records if record["step"] == step]
        if not of_step:
            continue
        shares = [share([r for r in of_step if r["category"] == category]) for category in CATEGORIES]
        tokens = [
            statistics.mean([record[kind] for record in of_step if record[kind] is not None] or [0])
            for kind in ("prompt_tokens", "completion_tokens")
        ]
        seconds = [record["seconds"] for record in of_step]
        cells = [*shares, share(of_step), *(f"{mean:.0f}" for mean in tokens)]
        cells += [f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}"]
        print(f"| {step} | " + " | ".join(cells) + " |")


def share(records: Sequence[dict[str, Any]]) -> str:
    """Return right of all, as a fraction."""
    return f"{sum(not record['wrong'] for record in records) / len(records):.2f}" if records else "-"


if __name__ == "__main__":
    main()

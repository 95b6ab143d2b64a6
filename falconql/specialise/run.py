"""A whole training, step by step, each of which can be interrupted and repeated."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from falconql.errors import ConfigError, DataError, ProxyError
from falconql.runtime.io.fingerprint import fingerprint as content_of
from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.runtime.proxy.registry import check_name, find_proxy, user_folder
from falconql.specialise.job import Drawn, Job, keep, restart
from falconql.specialise.task import Answer, Task
from falconql.specialise.training import Annotated, Annotates, annotated, drawn, fingerprint, parts_of
from falconql.training.dataset import check_reads

if TYPE_CHECKING:
    from falconql.check.typed import TypedQuery
    from falconql.runtime.io.base import TableSource
    from falconql.specialise.making import Made
    from falconql.training.examples import Example

# Examples of earlier trainings that are learned again, so that they are not forgotten.
MOST_REHEARSED = 512
EXAMPLES = "examples.jsonl"
TRAINING = "falconql train"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a training is asked for.

    Attributes:
        name: of the new proxy.
        base: the proxy to start from, by name or folder.
        count: questions to annotate per call; None takes 5 %, at least 64, at most 2,048.
        seed: of everything that is drawn.
        restart: whether to forget an unfinished training of this name.
    """

    name: str
    base: str = "kestrel"
    count: int | None = None
    seed: int = 7
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of a training: the proxy, its quality, and what the user should know."""

    made: Made
    annotated: Annotated
    seconds: float


class Training:
    """One training of one query on one corpus.

    Args:
        typed: the checked query.
        text: the query as written, for the proxy's lineage.
        source: the corpus.
        settings: what is asked for.

    Raises:
        ConfigError: the query has no model call, the name is taken, an unfinished training of that name is for
            something else, or is at work.
        ProxyError: there is no such base, it does not read what training writes, or the name cannot be a proxy's.
        DataError: what an earlier training left cannot be read.
    """

    def __init__(self, typed: TypedQuery, text: str, source: TableSource, settings: Settings) -> None:
        if not typed.calls:
            raise ConfigError("the query calls no model, so that there is nothing to train")
        self.typed, self.text, self.source, self.settings = typed, text, source, settings
        check_name(settings.name)  # before anything is paid for under it
        if (user_folder() / settings.name).exists():
            raise ConfigError(
                f"there is a proxy {settings.name!r} already, and proxies are never overwritten",
                hint=f"give another --name; --base {settings.name} goes on from it",
            )
        self.base = OnnxProxy(find_proxy(settings.base))
        check_reads(self.base)  # before anything is paid for, too
        known = learned_by(self.base)
        self.earlier = known or []
        self.warnings = [_forgotten(self.base.name)] if known is None else []
        folder = job_folder(settings.name)
        if settings.restart:
            restart(folder)
        about = fingerprint(typed, source) | {"base": self.base.fingerprint, "seed": settings.seed}
        self.job = Job(folder, about | {"count": settings.count})

    def draw(self) -> list[Drawn]:
        """Return the questions to annotate, drawn the first time.

        Raises:
            DataError: the corpus cannot be read.
        """
        return drawn(self.typed, self.source, self.base, self.job, count=self.settings.count, seed=self.settings.seed)

    def annotate(
        self, questions: Sequence[Drawn], people: Mapping[Task, Answer], annotator: Annotates | None
    ) -> Annotated:
        """Return the questions with their answers.

        Raises:
            ConfigError: there are too few of them.
        """
        return annotated(self.typed, questions, people, annotator)

    def make(
        self, rows: Annotated, annotators: Sequence[str], on_epoch: Callable[[Any], None] | None = None
    ) -> Trained:
        """Learn, export, calibrate, measure and register.

        Raises:
            ConfigError: torch is not installed, or there are too few texts.
            ProxyError: the base cannot be trained on, or the exported model is not the trained one.
            DataError: something cannot be written.
        """
        started = time.monotonic()
        make, tuning, device, failed = _trainer()
        parts = parts_of(rows.rows, self.settings.seed, {example.text for example in self.earlier})
        rehearsed = rehearsal(self.earlier, [row.example for row in rows.rows], self.settings.seed)
        lineage = {
            "training": TRAINING,
            "name": self.settings.name,
            "query": self.text,
            "base": {"name": self.base.name, "fingerprint": self.base.fingerprint},
            "corpus": {"name": self.source.name, "fingerprint": content_of(self.source)},
            "annotators": list(annotators),
            "annotated": {
                "learned": len(parts.learned),
                "calibrated": len(parts.calibrated),
                "measured": len(parts.measured),
                "rehearsed": len(rehearsed),
                "fingerprint": digest_of([row.example for row in rows.rows]),
            },
            "seed": self.settings.seed,
            "falconql": _version(),
            "device": device,
            "date": date.today().isoformat(),
        }
        # Before there is a proxy: from then on the name is taken, and nothing that failed could be done again.
        learned = [row.example for row in parts.learned] + self.earlier
        lineage["examples"] = keep_examples(self.job.folder / EXAMPLES, learned)
        try:
            made = make(
                parts,
                self.typed.calls,
                self.base,
                self.settings.name,
                lineage,
                tuning,
                rehearsed=rehearsed,
                state=self.job.state,
                device=device,
                on_epoch=on_epoch,
            )
        except failed as error:
            raise ProxyError(str(error)) from error
        except OSError as error:
            raise DataError(
                f"cannot write: {error.strerror or error}", hint="free some space and run it again"
            ) from error
        with suppress(DataError, OSError):  # the proxy is there, whatever becomes of what led to it
            self.job.finish()
        return Trained(made, rows, time.monotonic() - started)


def job_folder(name: str) -> Path:
    """Return where a training of this name keeps its state: beside the user's proxies."""
    return user_folder().parent / "training" / name


def rehearsal(earlier: Sequence[Example], new: Sequence[Example], seed: int) -> list[Example]:
    """Return examples of earlier trainings to learn again, without those that are asked anew."""
    asked = {_question(example) for example in new}
    found = [example for example in earlier if _question(example) not in asked]
    return found if len(found) <= MOST_REHEARSED else random.Random(seed).sample(found, MOST_REHEARSED)


def learned_by(base: OnnxProxy) -> list[Example] | None:
    """Return what a proxy, and those that it was trained from, learned; None where that is not on this machine.

    Raises:
        DataError: the file that has it cannot be read.
    """
    last = (base.manifest.card.get("lineage") or [None])[-1]
    if not isinstance(last, Mapping) or last.get("training") != TRAINING:
        return []
    # It may be registered under another name since.
    name, digest = last.get("name", base.name), last.get("examples")
    try:
        check_name(str(name))  # it may come from strangers, and becomes a path
    except ProxyError:
        return None
    path = job_folder(str(name)) / EXAMPLES
    try:
        if not path.is_file():
            return None
        kept = path.read_text(encoding="utf-8")
        found = [_example(line) for line in kept.splitlines()]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{path}, which says what {base.name} learned, is damaged: {error}",
            hint="delete it to train without what the base learned, some of which is then forgotten or measured on",
        ) from error
    # Another training may have had the same name, here or elsewhere.
    return found if digest in (None, _digest(kept)) else None


def _forgotten(base: str) -> str:
    return (
        f"what {base} learned is not on this machine, or not any more: none of it is learned again, so that some may "
        "be forgotten, and a text that it learned may be measured on"
    )


def _example(line: str) -> Example:
    from falconql.training.examples import Example

    entry = json.loads(line)
    answer = entry["answer"]
    spans = answer if isinstance(answer, bool) else tuple((int(start), int(end)) for start, end in answer)
    return Example(entry["instruction"], entry["text"], spans)


def keep_examples(path: Path, examples: Sequence[Example]) -> str:
    """Keep what is learned, each question once, for those who go on from this proxy, and return a hash of it.

    Raises:
        DataError: it cannot be written.
    """
    distinct: dict[tuple[str, str, bool], Example] = {}
    for example in examples:
        distinct.setdefault(_question(example), example)
    entries = ({"instruction": e.instruction, "text": e.text, "answer": e.answer} for e in distinct.values())
    kept = "".join(f"{json.dumps(entry)}\n" for entry in entries)
    keep(path, kept)
    return _digest(kept)


def _question(example: Example) -> tuple[str, str, bool]:
    """Return what was asked: a label and spans may be asked for in the same words."""
    return example.instruction, example.text, isinstance(example.answer, bool)


def _digest(kept: str) -> str:
    return hashlib.blake2b(kept.encode("utf-8"), digest_size=16).hexdigest()


def _trainer() -> tuple[Any, Any, str, type[Exception]]:
    """Return what needs torch: the function that makes a proxy, its settings, the device, and how it fails."""
    try:
        import torch

        from falconql.specialise.making import make
        from falconql.training.exporter import ExportError
        from falconql.training.finetune import FineTuning
    except ImportError as error:
        hint = 'install it with `pip install "falconql[train]"`'
        raise ConfigError(f"training needs {error.name}, which is not installed", hint=hint) from error
    return make, FineTuning(), "cuda" if torch.cuda.is_available() else "cpu", ExportError


def digest_of(examples: Sequence[Example]) -> str:
    """Return a hash of annotated questions, whatever their order."""
    digest = hashlib.blake2b(digest_size=16)
    for told in sorted(repr(example) for example in examples):
        digest.update(told.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _version() -> str:
    from falconql import __version__

    return __version__

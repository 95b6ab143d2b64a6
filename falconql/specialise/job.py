"""What a training job keeps on disk, so that it can be interrupted at any moment and goes on where it was.

A folder per proxy name: ``job.json`` says for what, ``sample.jsonl`` holds the questions that were drawn, the annotator
keeps its answers in ``answers/`` and what it spent in ``spent.jsonl``, ``state.pt`` is the state of fine-tuning. Each
file appears whole or not at all, but for those that grow by the line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from falconql.errors import ConfigError, FalconQLError
from falconql.runtime.errors import DataError
from falconql.runtime.io.output import write_whole
from falconql.specialise.task import Task

ABOUT, SAMPLE, SPENT, STATE = "job.json", "sample.jsonl", "spent.jsonl", "state.pt"
_FINISHED = "finished"
_BEGIN_ANEW = "--restart begins anew (answers already paid for are kept)"
# What decides the result, as the user knows it.
_KNOWN_AS = {
    **dict.fromkeys(("calls", "query"), "the query"),
    **dict.fromkeys(("corpus", "columns", "rows of the corpus"), "the corpus"),
    **{"base": "--base", "count": "--sample", "seed": "--seed"},
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A question that was drawn to be annotated, with what it stands for."""

    call: int
    task: Task
    weight: float
    stratum: int


class Job:
    """The folder of one training job; of one that is finished only what is about the same counts.

    Args:
        folder: where; made when it is missing.
        about: what decides the result: the query, corpus, base, seed and options.

    Raises:
        ConfigError: the folder belongs to a job for something else.
        DataError: it cannot be written.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any]) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"cannot make the folder {folder}: {error.strerror or error}") from error
        self._about: dict[str, Any] = json.loads(json.dumps(dict(about)))
        known = self._read(ABOUT)
        finished = known is not None and known.pop(_FINISHED, False)
        if known == self._about and not finished:
            return
        if known not in (None, self._about):
            if not finished:
                raise _something_else(folder, {name for name in {*known, *about} if known.get(name) != about.get(name)})
            restart(folder)
        self._write(ABOUT, self._about)

    @property
    def answers(self) -> Path:
        """Where the annotator keeps its answers."""
        return self.folder / "answers"

    @property
    def state(self) -> Path:
        """The file for the state of fine-tuning."""
        return self.folder / STATE

    @property
    def spent(self) -> Path:
        """The file for what the annotator spent."""
        return self.folder / SPENT

    def drawn(self) -> list[Drawn] | None:
        """Return the questions drawn earlier, None before that.

        Raises:
            DataError: they cannot be read.
        """
        path = self.folder / SAMPLE
        if not path.is_file():
            return None
        try:
            entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            return [Drawn(e["call"], Task(**e["task"]), e["weight"], e["stratum"]) for e in entries]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DataError(f"{path} is damaged: {error}", hint=_BEGIN_ANEW) from error

    def keep(self, drawn: Sequence[Drawn]) -> None:
        """Keep the questions that were drawn."""
        lines = (json.dumps(asdict(each), ensure_ascii=True) for each in drawn)
        keep(self.folder / SAMPLE, "".join(f"{line}\n" for line in lines))

    def finish(self) -> None:
        """Note that the proxy is there: what only an unfinished training needs is deleted.

        Raises:
            DataError: it cannot be noted.
            OSError: a file cannot be deleted.
        """
        for name in (STATE, SPENT):
            (self.folder / name).unlink(missing_ok=True)
        self._write(ABOUT, self._about | {_FINISHED: True})

    def alone(self) -> AbstractContextManager[None]:
        """Keep other processes from the same job.

        Raises:
            ConfigError: one is at work on it.
            DataError: the folder cannot be written.
        """
        return alone(self.folder)

    def _read(self, name: str) -> dict[str, Any] | None:
        path = self.folder / name
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read {path}: {error}", hint=_BEGIN_ANEW) from error
        return found if isinstance(found, dict) else {}

    def _write(self, name: str, value: Mapping[str, Any]) -> None:
        keep(self.folder / name, json.dumps(value, indent=1, ensure_ascii=True))


def _something_else(folder: Path, changed: Set[str]) -> ConfigError:
    told = sorted({_KNOWN_AS.get(name, name) for name in changed}, key=lambda name: (name.startswith("-"), name))
    differ = f"{' and '.join(told)} {'is' if len(told) == 1 else 'are'} not the same"
    return ConfigError(
        f"{folder} holds an unfinished training for something else: {differ}",
        hint=f"give another --name; {_BEGIN_ANEW}",
    )


def keep(path: Path, content: str) -> None:
    """Write a file of a job, which appears whole or not at all.

    Raises:
        DataError: it cannot be written.
    """
    try:
        write_whole(str(path), content.encode())
    except DataError as error:
        raise DataError(error.message, hint="make room for it and run it again: it goes on from here") from error


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes from the job in a folder.

    Raises:
        ConfigError: one is at work on it.
        DataError: the folder cannot be written.
    """
    import fcntl

    try:
        file = (folder / "lock").open("a")
    except OSError as error:
        raise DataError(f"cannot write to {folder}: {error.strerror or error}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(
                f"another process is at work on {folder}", hint="wait for it, or give another --name"
            ) from error
        yield


def restart(folder: Path) -> None:
    """Forget what was drawn, learned and spent, if there is a job in a folder; the annotator's answers stay.

    Raises:
        ConfigError: a process is at work on it.
        FalconQLError: the folder cannot be changed.
    """
    if not folder.is_dir():
        return
    with alone(folder):
        for name in (ABOUT, SAMPLE, SPENT, STATE):
            try:
                (folder / name).unlink(missing_ok=True)
            except OSError as error:
                raise FalconQLError(f"cannot remove {folder / name}: {error.strerror or error}") from error

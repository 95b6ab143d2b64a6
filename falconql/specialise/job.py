"""What a training job keeps on disk, so that it can be interrupted at any moment and goes on where it was.

A folder per proxy name: ``job.json`` says for what, ``sample.jsonl`` holds the questions that were drawn, the annotator
keeps its answers in ``answers/``, ``state.pt`` is the state of fine-tuning. Each file appears whole or not at all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from falconql.errors import ConfigError, FalconQLError
from falconql.runtime.errors import DataError
from falconql.specialise.task import Task


@dataclass(frozen=True, slots=True)
class Drawn:
    """A question that was drawn to be annotated, with what it stands for."""

    call: int
    task: Task
    weight: float
    stratum: int


class Job:
    """The folder of one training job.

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
        known = self._read("job.json")
        if known is None:
            self._write("job.json", dict(about))
        elif known != json.loads(json.dumps(dict(about))):
            changed = sorted(name for name in {*known, *about} if known.get(name) != about.get(name))
            raise ConfigError(
                f"{folder} holds an unfinished training for something else: {', '.join(changed)} differ",
                hint="give another --name, or --restart to begin anew (answers already paid for are kept)",
            )

    @property
    def answers(self) -> Path:
        """Where the annotator keeps its answers."""
        return self.folder / "answers"

    @property
    def state(self) -> Path:
        """The file for the state of fine-tuning."""
        return self.folder / "state.pt"

    def drawn(self) -> list[Drawn] | None:
        """Return the questions drawn earlier, None before that."""
        path = self.folder / "sample.jsonl"
        if not path.is_file():
            return None
        entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [Drawn(e["call"], Task(**e["task"]), e["weight"], e["stratum"]) for e in entries]

    def keep(self, drawn: Sequence[Drawn]) -> None:
        """Keep the questions that were drawn."""
        lines = (json.dumps(asdict(each), ensure_ascii=True) for each in drawn)
        self._replace("sample.jsonl", "".join(f"{line}\n" for line in lines))

    def alone(self) -> AbstractContextManager[None]:
        """Keep other processes from the same job.

        Raises:
            ConfigError: one is at work on it.
        """
        return alone(self.folder)

    def _read(self, name: str) -> dict[str, Any] | None:
        path = self.folder / name
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read {path}: {error}", hint="--restart begins anew") from error
        return found if isinstance(found, dict) else {}

    def _write(self, name: str, value: Mapping[str, Any]) -> None:
        self._replace(name, json.dumps(value, indent=1, ensure_ascii=True))

    def _replace(self, name: str, content: str) -> None:
        partial = self.folder / f"{name}.partial"
        try:
            with partial.open("w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, self.folder / name)
        except OSError as error:
            raise DataError(f"cannot write {self.folder / name}: {error.strerror or error}") from error


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes from the job in a folder.

    Raises:
        ConfigError: one is at work on it.
    """
    import fcntl

    with (folder / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(
                f"another process is at work on {folder}", hint="wait for it, or give another --name"
            ) from error
        yield


def restart(folder: Path) -> None:
    """Forget what was drawn and learned, if there is a job in a folder; the annotator's answers stay.

    Raises:
        ConfigError: a process is at work on it.
        FalconQLError: the folder cannot be changed.
    """
    if not folder.is_dir():
        return
    with alone(folder):
        for name in ("job.json", "sample.jsonl", "state.pt"):
            try:
                (folder / name).unlink(missing_ok=True)
            except OSError as error:
                raise FalconQLError(f"cannot remove {folder / name}: {error.strerror or error}") from error

"""Answers on disk, each the moment it arrives: what was paid for once is not asked again.

A folder of files with a JSON object per line, one file per process, so that several can write at once; opening reads
them all. A line that a kill cut off is passed over.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import uuid
from pathlib import Path
from typing import Any

from falconql.annotating.answers import Answer
from falconql.annotating.prompt import WORDING, Task
from falconql.runtime.errors import DataError


class Store:
    """Answers of one model.

    Args:
        folder: where they are; made when the first one arrives.
        model: whose they are.

    Raises:
        DataError: the folder cannot be read.
    """

    def __init__(self, folder: Path, model: str) -> None:
        self.folder, self.model = folder, model
        self._lock = threading.Lock()
        self._path = folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}.jsonl"
        self._known: dict[str, Answer] = {}
        try:
            for path in sorted(folder.glob("*.jsonl")):
                self._read(path)
        except OSError as error:
            raise DataError(f"cannot read the answers in {folder}: {error.strerror or error}") from error

    def _read(self, path: Path) -> None:
        for line in path.read_bytes().split(b"\n"):
            try:
                entry = json.loads(line)
                self._known[str(entry["key"])] = _answer(entry["answer"])
            except (ValueError, KeyError, TypeError):
                continue

    def get(self, task: Task) -> Answer | None:
        """Return the answer to a question, None when it is not known."""
        return self._known.get(self._key(task))

    def put(self, task: Task, answer: Answer) -> None:
        """Keep an answer; it is on disk when this returns.

        Raises:
            DataError: it cannot be written.
        """
        key = self._key(task)
        entry = {"key": key, "kind": task.kind, "instruction": task.instruction, "answer": answer}
        with self._lock:
            self._known[key] = answer
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                with self._path.open("a", encoding="ascii") as file:
                    file.write(json.dumps(entry) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise DataError(
                    f"cannot write to {self.folder}: {error.strerror or error}",
                    hint="make room and run it again: answers that arrived before are kept",
                ) from error

    def _key(self, task: Task) -> str:
        digest = hashlib.blake2b(f"{WORDING} {self.model}\0{task.kind}\0".encode(), digest_size=16)
        asked = task.instruction.encode("utf-8", "surrogatepass")
        digest.update(len(asked).to_bytes(8, "little") + asked + task.text.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def _answer(said: Any) -> Answer:
    return said if isinstance(said, bool) else tuple((int(start), int(end)) for start, end in said)

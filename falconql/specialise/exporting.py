"""Files for Label Studio: the tasks, and the labelling interface beside them; nothing else is ever replaced."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from falconql.runtime.io.output import write_whole
from falconql.specialise.people import label_studio_config, label_studio_tasks
from falconql.specialise.task import Task

_INTERFACES = (["label"], ["spans"], ["label", "spans"])


def interface_of(path: Path) -> Path:
    """Return where the labelling interface of tasks goes."""
    return path.with_suffix(".xml")


def is_export(path: Path) -> bool:
    """Return whether nothing is lost when a file is replaced: it is not there, or is what ``write_export`` writes."""
    if not os.path.lexists(path):
        return True
    if not path.is_file():
        return False
    try:
        text = path.read_text(encoding="utf-8")
        return _is_interface(text) if path.suffix.lower() == ".xml" else _is_tasks(text)
    except (OSError, ValueError, RecursionError):
        return False


def _is_interface(text: str) -> bool:
    return any(text == label_studio_config(kinds) for kinds in _INTERFACES)


def _is_tasks(text: str) -> bool:
    """Return whether a text is tasks without answers."""
    entries = json.loads(text)
    if not isinstance(entries, list):
        return False
    data = [entry["data"] if isinstance(entry, dict) and entry.keys() == {"data"} else None for entry in entries]
    return all(isinstance(each, dict) and each.keys() == {"text", "instruction", "kind"} for each in data)


def write_export(path: Path, tasks: Sequence[Task]) -> None:
    """Write tasks and their labelling interface; each file appears whole.

    Raises:
        DataError: one of them cannot be written.
    """
    written = json.dumps(label_studio_tasks(tasks), ensure_ascii=False, indent=1)
    write_whole(str(path), written.encode())
    write_whole(str(interface_of(path)), label_studio_config(task.kind for task in tasks).encode())

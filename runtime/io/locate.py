"""From what a user names to files and a format.

A path is a file, a folder (all its data files of one format), or a glob. The format is found by the
file name's ending, a compression by a second ending (``reviews.csv.gz``).
"""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from falconql.runtime.errors import DataError

Format = Literal["csv", "tsv", "jsonl", "json", "parquet", "arrow", "txt"]

ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".txt": "txt",
}
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".lz4": "lz4"}


@dataclass(frozen=True, slots=True)
class Files:
    """What was found: files of one format in name order; ``folder`` when a folder was named."""

    paths: tuple[Path, ...]
    format: Format
    folder: bool = False


def format_of(path: Path) -> Format | None:
    """Return the format that a file name stands for, None for an unknown ending."""
    ending = path.suffix.lower()
    if ending in COMPRESSIONS:
        ending = path.with_suffix("").suffix.lower()
    return ENDINGS.get(ending)


def compression_of(path: Path) -> str | None:
    """Return Arrow's name of the compression that a file name stands for."""
    return COMPRESSIONS.get(path.suffix.lower())


def locate(location: str, format_: Format | None = None) -> Files:
    """Return the files that a path, folder or glob stands for.

    Raises:
        DataError: nothing is there, it cannot be read, or its format is not known.
    """
    if "://" in location:
        scheme = location.partition("://")[0]
        raise DataError(
            f"corpora are read from this machine's files, not from {scheme}:// addresses", hint="download it first"
        )
    path = Path(location).expanduser()
    try:
        if path.is_dir():
            return _folder(path, format_)
        if path.exists():
            return Files((path,), format_ or _known_format(path))
    except OSError as error:
        raise DataError(f"{location} cannot be read: {error.strerror}") from error
    if glob.has_magic(location):
        return _many(sorted(Path(p) for p in glob.glob(str(path), recursive=True)), location, format_)
    raise DataError(f"there is no file {location}", hint=_near(path))


def _known_format(path: Path) -> Format:
    found = format_of(path)
    if found is None:
        known = ", ".join(sorted(ENDINGS))
        raise DataError(
            f"{path}: the ending does not tell the format",
            hint=f"known endings are {known} (also with .gz, .zst, .bz2, .lz4)",
        )
    return found


def _folder(path: Path, format_: Format | None) -> Files:
    try:
        inside = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith((".", "_")))
    except PermissionError as error:
        raise DataError(f"the folder {path} may not be read: {error.strerror}") from error
    found = _many([p for p in inside if format_of(p) is not None], f"the folder {path}", format_)
    return Files(found.paths, found.format, folder=True)


def _many(paths: list[Path], what: str, format_: Format | None) -> Files:
    files = [p for p in paths if p.is_file()]
    if not files:
        raise DataError(f"{what} holds no data file" if what.startswith("the folder") else f"no file matches {what}")
    formats = sorted({format_ or _known_format(p) for p in files})
    if len(formats) > 1:
        raise DataError(
            f"{what} holds files of several formats: {', '.join(formats)}",
            hint="name one of them with a glob such as '*.csv'",
        )
    return Files(tuple(files), formats[0])


def _near(path: Path) -> str | None:
    """Return a hint that names files with a like name in the same folder."""
    import difflib

    if not path.parent.is_dir():
        return f"there is no folder {path.parent} either"
    try:
        names = os.listdir(path.parent)
    except OSError:
        return None
    near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.6)
    return f"did you mean {' or '.join(near)}?" if near else None

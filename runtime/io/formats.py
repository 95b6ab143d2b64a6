"""File formats by the ending of a name or by the first bytes. Opens nothing."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Literal as OneOf
from typing import get_args

from falconql.runtime.errors import DataError

Format = OneOf["csv", "tsv", "jsonl", "json", "parquet", "arrow", "txt"]
Compression = OneOf["gzip", "bz2", "zstd", "lz4"]

FORMATS: tuple[Format, ...] = get_args(Format)
OUTPUT_FORMATS: tuple[Format, ...] = ("parquet", "csv", "tsv", "jsonl", "json", "arrow")
COLUMNAR: tuple[Format, ...] = ("parquet", "arrow")

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
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".txt": "txt",
    ".log": "txt",
    ".md": "txt",
}
# Texts that often lie beside the data, or hold lines of JSON: in a folder other data files go before them.
ASIDE = (".log", ".md")
COMPRESSED: dict[str, Compression] = {
    ".gz": "gzip",
    ".bz2": "bz2",
    ".zst": "zstd",
    ".zstd": "zstd",
    ".lz4": "lz4",
}
_MAGIC: tuple[tuple[bytes, Compression], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
)
# A block begins with the digits of pi, the end with those of its root: of nothing there is only the end.
_BZ2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
_BOM = b"\xef\xbb\xbf"
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive or an Excel or Word file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"%PDF", "a PDF file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
)


def format_of_name(name: str) -> tuple[Format | None, Compression | None]:
    """Return the format and compression that the ending of a file name stands for."""
    ending, compression = _ending(name)
    return ENDINGS.get(ending), compression


def is_aside(name: str) -> bool:
    """Return whether a file is read as text only where nothing says that it is something else."""
    return _ending(name)[0] in ASIDE


def _ending(name: str) -> tuple[str, Compression | None]:
    path = PurePath(name)
    compression = COMPRESSED.get(path.suffix.lower())
    return (path if compression is None else path.with_suffix("")).suffix.lower(), compression


def known_format(name: str, known: tuple[Format, ...] = FORMATS) -> Format:
    """Return a format that was asked for by name.

    Raises:
        DataError: there is no such format.
    """
    wanted = {"ndjson": "jsonl", "feather": "arrow", "ipc": "arrow", "text": "txt"}.get(name.lower(), name.lower())
    for format_ in known:
        if format_ == wanted:
            return format_
    raise DataError(f"`{name}` is not a known format", hint=f"known: {', '.join(known)}")


def compression_of(head: bytes) -> Compression | None:
    """Return how a file that begins with ``head`` is compressed."""
    if _BZ2.match(head):
        return "bz2"
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def format_of_content(head: bytes) -> Format | None:
    """Return the format of (decompressed) content that begins with ``head``; None if it could be any text.

    ``[`` begins a JSON array, ``{`` JSON objects, which ``json`` reads with one per line or otherwise.
    """
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return "arrow"
    text = head.removeprefix(_BOM).lstrip()
    if text.startswith(b"{") or re.match(rb"\[\s*(\{|\]|$)", text):
        return "json"
    return None


def foreign_content(head: bytes) -> str | None:
    """Return what a file is in words, when it is of a kind that is not read here."""
    return next((what for magic, what in _FOREIGN if head.startswith(magic)), None)


def known_endings() -> str:
    """Return the endings of corpora, for messages."""
    return ", ".join(ENDINGS)


def other_ending() -> str:
    """Return what to do with a file whose ending is not known, for messages."""
    as_text = "a copy or a link that ends in .txt is read as text, line by line"
    return f"say it with --input-format; known endings are {known_endings()}; {as_text}"

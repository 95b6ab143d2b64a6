"""From an address to files: one file, all below a folder, or those that match a pattern."""

from __future__ import annotations

import re
from collections.abc import Sequence

from falconql.runtime.errors import DataError
from falconql.runtime.io.address import shown
from falconql.runtime.io.formats import Format, compression_of, format_of_name
from falconql.runtime.io.inputs import InputFile
from falconql.runtime.io.locate import Located, chosen, data_files, is_hidden
from falconql.runtime.io.remote.problems import Remote, at
from falconql.runtime.io.remote.store import Store, open_store

_MAGIC = re.compile(r"[*?\[]")


def locate_remote(location: str, format_: Format | None) -> tuple[Located, Store]:
    """Return the files that an address stands for, and their store.

    Raises:
        DataError: there is nothing, or the store cannot be read.
    """
    store, path = open_store(location)
    name = shown(location)
    if store.is_web:
        return Located(name, (path,), format_ or format_of_name(path.partition("?")[0].partition("#")[0])[0]), store
    with at(location, name):
        # A slash at the end is a folder's; the name of a pattern is seldom that of a file.
        kind = None if _MAGIC.search(path) and not location.endswith("/") else store.kind(path)
        if kind == "file":
            return Located(name, (path,), format_ or format_of_name(path)[0]), store
        if kind == "folder":
            files = [one for one in store.below(path) if not _is_hidden(one.removeprefix(path))]
            return data_files(files, name, format_, base=f"{path}/"), store
        if _MAGIC.search(path):
            return _matching(store, path, name, format_), store
        raise _missing(store, path, name)


def remote_input(store: Store, path: str, *, packed: bool = True) -> InputFile:
    """Return a file of a store; what a server can send only as a whole is kept in a temporary file.

    Args:
        store: where it is.
        path: in the store's terms.
        packed: whether it may be compressed as a whole.

    Raises:
        DataError: it cannot be opened.
    """
    file = store.file(path)
    if not store.is_web:
        if not packed:
            return InputFile(path, file.name, remote=file)
        with file.open(anywhere=True) as stream, at(store.location, file.name):
            return InputFile(path, file.name, compression_of(stream.read(16)), remote=file)
    return _web_input(store, path, file.name)


def _web_input(store: Store, path: str, name: str) -> InputFile:
    from http.client import HTTPException

    from falconql.runtime.io.remote.http import ATTEMPTS, body, look

    failures = 0
    with at(store.location, name):
        while True:
            found = look(path)
            if found.whole is None:
                return InputFile(path, name, compression_of(found.head), remote=store.file(path, found))
            try:
                with found.whole:
                    return body(found.whole, name)
            except (OSError, HTTPException):
                # What cannot be read in parts is read again from the start.
                failures += 1
                if failures == ATTEMPTS:
                    raise


def _is_hidden(below: str) -> bool:
    *folders, file = below.split("/")
    return file.startswith((".", "_")) or any(map(is_hidden, folders))


def _matching(store: Store, pattern: str, name: str, format_: Format | None) -> Located:
    fixed = pattern[: _MAGIC.search(pattern).start()]  # type: ignore[union-attr]
    folder = fixed.rpartition("/")[0]
    if not folder:
        raise DataError(f"{name}: the name of a bucket cannot be a pattern", hint="name the bucket")
    wanted = re.compile(translated(pattern))
    found = [path for path in store.below(folder) if wanted.fullmatch(path)]
    if not found:
        raise Remote(
            f"no file matches {name}", hint="quote the pattern, and mind that `*` stops at folders, `**` does not"
        )
    return chosen(found, name, format_, base=f"{folder}/")


def translated(pattern: str) -> str:
    """Return a glob as a regular expression: ``*`` and ``?`` stop at folders, ``**/`` passes through any number."""
    found: list[str] = []
    for part in re.findall(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]/]*\]|.", pattern, re.DOTALL):
        if part in ("**/", "**"):
            found.append("(?:[^/]+/)*" if part == "**/" else ".*")
        elif part in ("*", "?"):
            found.append(f"[^/]{'' if part == '?' else '*'}")
        elif part.startswith("[") and len(part) > 1:
            inside = part[1:-1].replace("\\", r"\\").replace("[", r"\[")
            found.append(f"[{'^' + inside[1:] if inside.startswith('!') else inside}]")
        else:
            found.append(re.escape(part))
    return "".join(found)


def _missing(store: Store, path: str, name: str) -> DataError:
    bucket, _, below = path.partition("/")
    if store.fsspec is None and store.kind(bucket) is None:
        return Remote(f"there is no bucket {bucket}", hint="look at the name, and at AWS_REGION or AWS_ENDPOINT_URL")
    folder = path.rpartition("/")[0]
    near = _like(store, folder, path) if below else []
    hint = f"did you mean {' or '.join(f'{store.scheme}://{one}' for one in near)}?" if near else None
    return Remote(f"there is no file {name}", hint=hint)


def _like(store: Store, folder: str, path: str) -> Sequence[str]:
    from difflib import get_close_matches

    from pyarrow.fs import FileSelector

    beside = [one.path for one in store.files.get_file_info(FileSelector(folder, allow_not_found=True))]
    whole = [one for one in beside if one.startswith(f"{path}.")]
    return list(dict.fromkeys([*whole, *get_close_matches(path, beside, n=2)]))[:3]

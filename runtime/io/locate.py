"""From what a user names to files: a path, a folder, or a glob.

A folder stands for all its data files, those of folders in it included; files and folders whose names
begin with a dot or an underscore are left out, as are files of other kinds, pipes and devices. Links are followed,
but no folder is read twice because of one.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from falconql.runtime.errors import DataError
from falconql.runtime.io.formats import ENDINGS, Format, format_of_name, is_aside, other_ending

_FILE = re.compile(r"file://", re.IGNORECASE)
_SIGN = re.escape(os.sep + (os.altsep or ""))
_ANY_FOLDERS = re.compile(rf"(^|[{_SIGN}])\*\*(?:[{_SIGN}]+|$)")
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Located:
    """What was found.

    Attributes:
        name: what was named.
        paths: the files, sorted by name with numbers as numbers.
        format: of all of them; None if the ending of the one file does not tell.
        several: a folder or a glob was named, even if one file is all there is.
        base: what ``path`` columns leave out at the beginning.
        stream: the one file can be read only once (a pipe).
    """

    name: str
    paths: tuple[str, ...]
    format: Format | None
    several: bool = False
    base: str = ""
    stream: bool = False


def locate(location: str, format_: Format | None) -> Located:
    """Return the files that a path, folder or glob stands for.

    Raises:
        DataError: nothing is there, it cannot be read, or there are files of several formats.
    """
    path = os.path.expanduser(_local(location))
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        if glob.has_magic(path):
            return _glob(path, location, format_)
        raise _missing(path, location) from None
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {location}: {getattr(error, 'strerror', None) or error}") from error
    if stat.S_ISDIR(mode):
        return _folder(path, location, format_)
    return Located(location, (path,), format_ or format_of_name(path)[0], stream=not stat.S_ISREG(mode))


def _local(location: str) -> str:
    if not _FILE.match(location):
        return location
    from urllib.request import url2pathname

    return url2pathname(location[len("file://") :])


def _glob(path: str, location: str, format_: Format | None) -> Located:
    found = _once(match for match in _matching(path) if os.path.isfile(match))
    if not found:
        raise DataError(
            f"no file matches {location}", hint="quote the pattern, and mind that `*` stops at folders, `**` does not"
        )
    return chosen(found, location, format_, base="")


def _matching(pattern: str) -> Iterator[str]:
    """Yield what matches a pattern; unlike in ``glob``, `**` enters a folder once, however many links lead to it."""
    stars = _ANY_FOLDERS.search(pattern)
    if stars is None:
        yield from glob.iglob(pattern)
        return
    head, rest = pattern[: stars.end(1)], pattern[stars.end() :] or "*"
    for top in glob.iglob(head) if glob.has_magic(head) else [head]:
        for folder, _ in _folders(top or os.curdir, lambda name: name.startswith(".")):
            below = folder if top else folder[len(os.path.join(os.curdir, "")) :]
            yield from _matching(os.path.join(glob.escape(below), rest))


def _once(paths: Iterable[str]) -> list[str]:
    """Return each file once, though links lead to its folder on several ways."""
    real: dict[str, str] = {}
    found: dict[tuple[str, str], str] = {}
    for path in sorted(paths, key=lambda path: (path.count(os.sep), path)):
        folder, name = os.path.split(path)
        if folder not in real:
            real[folder] = os.path.realpath(folder)
        found.setdefault((real[folder], name), path)
    return list(found.values())


def _folder(path: str, location: str, format_: Format | None) -> Located:
    return data_files(list(_walk(path, location, format_)), location, format_, base=os.path.join(path, ""))


def data_files(files: list[str], location: str, format_: Format | None, base: str) -> Located:
    """Return those files of a folder that hold data.

    Raises:
        DataError: there are none, or of several formats.
    """
    found = [file for file in files if _is_data(file, format_)]
    if format_ is None:
        found = [file for file in found if not is_aside(file)] or found
    if not found:
        inside = f"; it holds {len(files)} of other kinds" if files else ""
        raise DataError(f"the folder {location} holds no data file{inside}", hint=other_ending())
    return chosen(found, location, format_, base)


def _walk(path: str, location: str, format_: Format | None) -> Iterator[str]:
    """Yield the files of a folder; those of other kinds are only counted, and not looked at."""

    def refuse(error: OSError) -> None:
        reason = "no permission to read" if isinstance(error, PermissionError) else f"cannot read ({error.strerror})"
        raise DataError(f"{reason} the folder {error.filename or location}") from error

    for folder, names in _folders(path, is_hidden, refuse):
        files = (os.path.join(folder, name) for name in names if not name.startswith((".", "_")))
        yield from (file for file in files if not _is_data(file, format_) or _is_file(file))


def _is_data(file: str, format_: Format | None) -> bool:
    return format_ is not None or format_of_name(file)[0] is not None


def _folders(
    path: str, hidden: Callable[[str], bool], refuse: Callable[[OSError], None] | None = None
) -> Iterator[tuple[str, list[str]]]:
    """Yield a folder and all below it, each with the names of its files."""
    # Links to what is around are not followed, and real folders come first: their names are those without a link.
    seen = {str(parent) for parent in Path(os.path.realpath(path)).parents}
    waiting = [path]
    while waiting:
        for folder, folders, names in os.walk(waiting.pop(0), onerror=refuse):
            if (real := os.path.realpath(folder)) in seen:
                folders.clear()
                continue
            seen.add(real)
            shown = sorted(name for name in folders if not hidden(name))
            links = {name for name in shown if os.path.islink(os.path.join(folder, name))}
            waiting += [os.path.join(folder, name) for name in shown if name in links]
            folders[:] = [name for name in shown if name not in links]
            yield folder, names


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return True  # who reads it says what is wrong


def is_hidden(folder: str) -> bool:
    """Return whether a folder is left out; one for a column's value is not, whatever the column's name."""
    own = folder.startswith(".") and folder.endswith((".falconql", ".partial", ".partial-replaced"))
    return own or (folder.startswith((".", "_")) and "=" not in folder)


def chosen(paths: list[str], location: str, format_: Format | None, base: str) -> Located:
    """Return several files in the order of their names.

    Raises:
        DataError: they are of several formats, or of none that is known.
    """
    formats = Counter(format_ or format_of_name(path)[0] for path in paths)
    unknown = [path for path in paths if format_ is None and format_of_name(path)[0] is None]
    if unknown:
        raise DataError(f"{unknown[0]}: the ending does not tell the format", hint=other_ending())
    if len(formats) > 1:
        counted = ", ".join(f"{count} {name}" for name, count in sorted(formats.items(), key=str))
        ending = next(e for e, name in ENDINGS.items() if name in formats)
        raise DataError(
            f"{location} holds files of several formats: {counted}",
            hint=f"name those of one format with a pattern, such as '{os.path.join(base, f'**/*{ending}')}'",
        )
    return Located(location, tuple(sorted(paths, key=_natural)), next(iter(formats)), several=True, base=base)


def _natural(path: str) -> list[tuple[bool, int, str]]:
    """Return a sort key by which ``part-2`` comes before ``part-10``."""
    parts = _DIGITS.split(path)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def _missing(path: str, location: str) -> DataError:
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        return DataError(f"there is no file {location}", hint=f"there is no folder {folder} either")
    try:
        names = os.listdir(folder)
    except OSError:
        names = []
    near = get_close_matches(os.path.basename(path), names, n=3)
    # A name without its ending is the commonest mistake, and too short to look alike.
    near = [*(name for name in names if name.startswith(os.path.basename(path) + ".")), *near]
    spoken = " or ".join(os.path.join(os.path.dirname(location), name) for name in dict.fromkeys(near))
    return DataError(f"there is no file {location}", hint=f"did you mean {spoken}?" if near else None)

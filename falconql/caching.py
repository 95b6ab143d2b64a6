"""Where results of model calls are kept, from what a caller, the environment and the system say."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from falconql.errors import ConfigError

if TYPE_CHECKING:
    from falconql.runtime.cache import ResultCache
    from falconql.runtime.proxy.base import Proxy

CacheChoice = bool | str | os.PathLike[str] | None
"""A folder; True for the usual one; False for none; None for what the environment says."""

WHERE, LIMIT = "FALCONQL_CACHE", "FALCONQL_CACHE_LIMIT"
_OFF = ("off", "0", "no", "false")
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgt]?)(i?)b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_LEAST_LIMIT, _MOST_LIMIT = 1 << 20, 1 << 60


def result_cache(choice: CacheChoice, proxy: Proxy, warn: Callable[[str], None] | None) -> ResultCache | None:
    """Return the results of a proxy, None where nothing shall be kept, or the proxy itself keeps its answers.

    Raises:
        ConfigError: a setting in the environment cannot be understood.
    """
    folder = cache_folder(choice)
    if folder is None or getattr(proxy, "keeps_answers", False):
        return None
    from falconql.runtime.cache import open_cache

    return open_cache(folder, proxy.fingerprint, proxy.name, limit_bytes=limit_bytes(), warn=warn)


def cache_folder(choice: CacheChoice = None) -> Path | None:
    """Return the folder of the cache, None where it is turned off."""
    from falconql.runtime.cache import user_folder

    if choice is False:
        return None
    if choice is not None and choice is not True:
        return Path(os.path.expanduser(choice))
    named = os.environ.get(WHERE, "").strip()
    if named.lower() in _OFF:
        return user_folder() if choice else None
    return Path(os.path.expanduser(named)) if named else user_folder()


def limit_bytes() -> int | None:
    """Return what the cache may take, None for the default.

    Raises:
        ConfigError: the setting is no size.
    """
    written = os.environ.get(LIMIT, "").strip()
    return read_size(written) if written else None


def read_size(written: str) -> int:
    """Return a size such as ``500MB`` or ``2 GiB`` in bytes.

    Raises:
        ConfigError: it is none, too small to be of use, or larger than any disk.
    """
    match = _SIZE.fullmatch(written)
    size = 0.0
    if match:
        size = float(match[1]) * (1024 if match[3] else 1000) ** _POWERS[match[2].lower()]
    if not _LEAST_LIMIT <= size <= _MOST_LIMIT:
        raise ConfigError(f"{LIMIT}={written} is no size", hint="write at least 1MiB, for example 500MB or 2GiB")
    return int(size)

"""Folders of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from falconql.runtime.errors import FalconQLError


def own_folder(kind: Literal["cache", "data"]) -> Path:
    """Return the user's folder for caches or for data.

    Raises:
        FalconQLError: nothing says where the user's home is.
    """
    import platformdirs

    find = platformdirs.user_cache_dir if kind == "cache" else platformdirs.user_data_dir
    try:
        return Path(find("falconql", appauthor=False))
    except RuntimeError:
        raise FalconQLError(
            "the folder for your own files is not known: HOME is not set, and this user has no entry that says it",
            hint="set FALCONQL_HOME to a folder of your own",
        ) from None

"""Folders of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from falconql.runtime.errors import FalconQLError


def own_folder(kind: Literal["cache", "data", "state"]) -> Path:
    """Return the user's folder for caches, for data, or for what sessions leave.

    Raises:
        FalconQLError: nothing says where the user's home is.
    """
    import platformdirs

    find = getattr(platformdirs, f"user_{kind}_dir")
    try:
        return Path(find("falconql", appauthor=False))
    except RuntimeError:
        raise FalconQLError(
            "the folder for your own files is not known: HOME is not set, and this user has no entry that says it",
            hint=f"set {'HOME' if kind == 'state' else 'FALCONQL_HOME'} to a folder of your own",
        ) from None

"""Files elsewhere: ``s3://`` and ``gs://`` through Arrow's own file systems, ``hf://`` through fsspec, web servers."""

from __future__ import annotations

from falconql.runtime.io.remote.problems import Remote, explained
from falconql.runtime.io.remote.store import RemoteFile, Store, open_store

__all__ = ["Remote", "RemoteFile", "Store", "explained", "open_store"]

"""Results of model calls on disk, so that no question is paid for twice."""

from __future__ import annotations

from falconql.runtime.cache.store import CacheWarning, ResultCache, clear, contents, open_cache, user_folder

__all__ = ["CacheWarning", "ResultCache", "clear", "contents", "open_cache", "user_folder"]

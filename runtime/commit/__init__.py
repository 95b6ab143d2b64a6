"""Rows of an unfinished run, kept so that the same run goes on after a kill."""

from __future__ import annotations

from falconql.runtime.commit.folder import Busy, NotCommitted, WorkFolder
from falconql.runtime.commit.identity import Identity, identity_of
from falconql.runtime.commit.rows import EVERY_S, CommittedRows

__all__ = ["EVERY_S", "Busy", "CommittedRows", "Identity", "NotCommitted", "WorkFolder", "identity_of"]

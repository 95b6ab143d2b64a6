"""Rows on their way out: gathered, committed now and then, all given back at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pyarrow as pa

from falconql.runtime.commit.folder import Chunk, WorkFolder
from falconql.runtime.commit.identity import Identity
from falconql.runtime.context import ExecContext, Resume
from falconql.runtime.metrics import RunMetrics

# A run that is over sooner writes nothing but its output; killed before, it has lost no more than this.
EVERY_S = 5.0
# A long run commits less often, so that there are hundreds of chunks and not tens of thousands.
EVERY_SHARE = 0.01
MOST_BYTES = 128 << 20


class CommittedRows:
    """Keeps the rows of a run, on disk as far as they are committed.

    ::

        rows = CommittedRows(folder, identity, schema)
        ctx.resume, why_not = rows.resume()
        rows.watch(ctx)
        for batch in execute(plan, ctx):
            rows.add(batch)
        for batch in rows.finish():
            ...

    Args:
        folder: the output's work folder.
        identity: of the run.
        schema: of all batches.
        every_s: commit no more often than this; less often the longer the run takes.
    """

    def __init__(self, folder: WorkFolder, identity: Identity, schema: pa.Schema, *, every_s: float = EVERY_S) -> None:
        self._folder = folder
        self._identity = identity
        self._schema = schema
        self._every_s = every_s
        self._chunks: list[Chunk] = []
        self._waiting: list[pa.RecordBatch] = []
        self._bytes = 0
        # As much of what waits, and of the corpus, as belongs together.
        self._safe = (0, 0)
        self._began = self._committed_at = time.monotonic()

    @property
    def rows(self) -> int:
        """How many rows are committed."""
        return sum(chunk.rows for chunk in self._chunks)

    @property
    def committed(self) -> bool:
        """Whether anything is: that no rows came of a part of the corpus is worth knowing, too."""
        return bool(self._chunks)

    def resume(self) -> tuple[Resume | None, str | None]:
        """Return where to go on, and why rows of an earlier run cannot be used, if there are such.

        Raises:
            NotCommitted: the work folder cannot be written.
        """
        self._chunks, why = self._folder.restore(self._identity, self._schema)
        if not self._chunks:
            return None, why
        rows_read = self._chunks[-1].rows_read
        self._safe = (0, rows_read)
        return Resume(rows_read, self.rows), why

    def watch(self, ctx: ExecContext) -> None:
        """Commit while a run goes on, also when it gives no rows for long."""
        before = ctx.on_progress

        def after_batch(metrics: RunMetrics) -> None:
            if before is not None:
                before(metrics)
            self.reached(metrics.rows_done)

        ctx.on_progress = after_batch

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""
        if batch.num_rows:
            self._waiting.append(batch)
            self._bytes += batch.nbytes

    def reached(self, rows_read: int) -> None:
        """Take that all rows from so many of the corpus have been added, and none from later ones.

        Raises:
            NotCommitted: the disk does not take them.
        """
        if rows_read <= self._safe[1]:
            return
        self._safe = (len(self._waiting), rows_read)
        now = time.monotonic()
        due = max(self._every_s, EVERY_SHARE * (now - self._began))
        if now - self._committed_at >= due or self._bytes >= MOST_BYTES:
            self.commit()

    def commit(self) -> None:
        """Put on disk what can be: all rows up to a place in the corpus.

        Raises:
            NotCommitted: the disk does not take them.
        """
        count, rows_read = self._safe
        if not rows_read or (self._chunks and self._chunks[-1].rows_read == rows_read):
            return
        batches = self._waiting[:count]
        checksum = self._folder.write_chunk(len(self._chunks), batches, self._schema)
        chunks = [*self._chunks, Chunk(sum(batch.num_rows for batch in batches), rows_read, checksum)]
        self._folder.save(self._identity, chunks)
        self._chunks = chunks
        self._waiting = self._waiting[count:]
        self._safe = (0, rows_read)
        self._bytes = sum(batch.nbytes for batch in self._waiting)
        self._committed_at = time.monotonic()

    def rescue(self) -> None:
        """When a run ends early: commit what can be, if it was long enough to be worth it.

        Raises:
            NotCommitted: the disk does not take it.
        """
        if self._chunks or time.monotonic() - self._began >= self._every_s:
            self.commit()

    def finish(self) -> Iterator[pa.RecordBatch]:
        """Yield all rows in order, those of earlier runs first.

        Raises:
            FalconQLError: what was committed has been damaged since.
        """
        if self._chunks:
            yield from self._folder.batches(self._chunks, self._schema)
        yield from self._waiting

"""Many jobs at once in threads that nobody waits for when the caller leaves.

``concurrent.futures`` joins its threads when the interpreter ends, so that Ctrl-C would wait for every request in
flight. These are daemons: a process that stays lets them finish what they have begun, one that ends does not wait.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from typing import Generic, TypeVar

Job = TypeVar("Job")
Done = TypeVar("Done")
_LOOK_UP_S = 0.5


class _Work(Generic[Job, Done]):
    """What the threads of one call share."""

    def __init__(self, jobs: Sequence[Job], work: Callable[[Job], Done]) -> None:
        self.todo: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self.done: queue.SimpleQueue[tuple[Job, Done | BaseException]] = queue.SimpleQueue()
        self.stopped = threading.Event()
        self._work = work
        for job in jobs:
            self.todo.put(job)

    def run(self) -> None:
        while not self.stopped.is_set():
            try:
                job = self.todo.get_nowait()
            except queue.Empty:
                return
            try:
                self.done.put((job, self._work(job)))
            except BaseException as error:  # the caller's to judge: it waits for one result per job
                self.done.put((job, error))


def as_completed(
    jobs: Sequence[Job], work: Callable[[Job], Done], *, in_flight: int
) -> Generator[tuple[Job, Done | BaseException], None, None]:
    """Yield each job with what ``work`` returned or raised for it, as they end; begun in order.

    Closing the iterator, or an exception where it is used, begins no further job.
    """
    shared = _Work(jobs, work)
    try:
        for _ in range(min(in_flight, len(jobs))):
            threading.Thread(target=shared.run, daemon=True, name="falconql-annotating").start()
        for _ in jobs:
            yield _next(shared.done)
    finally:
        shared.stopped.set()


def _next(done: queue.SimpleQueue[tuple[Job, Done | BaseException]]) -> tuple[Job, Done | BaseException]:
    while True:
        try:
            # Not for ever: on Windows a wait without end cannot be interrupted.
            return done.get(timeout=_LOOK_UP_S)
        except queue.Empty:
            continue

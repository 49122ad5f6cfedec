"""Threads and worker processes: what would hold the event loop runs here.

Files, hashes and SQLite reads go to threads (batch small files: one task per small file is three
times slower than one thread). Plan validation, forecast and PDF go to *spawned* processes, never
forked ones: a fork of a threaded daemon can inherit a held lock.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TextIO, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Workers:
    """Owns the pools; made once by the composition root, closed last."""

    def __init__(self, threads: int = 8, processes: int = 1) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="bcp-work")
        self._process_count = processes
        self._processes: ProcessPoolExecutor | None = None

    async def thread(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking `work` in a thread. A cancelled caller leaves the thread to finish."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: work(*args, **kwargs))

    async def process(self, work: Callable[..., T], /, *args: object) -> T:
        """Run picklable `work` in a spawned process (module-level function, plain arguments).

        Raises `BrokenProcessPool` when the process was killed; the next call starts a new one.
        """
        if self._processes is None:
            self._processes = ProcessPoolExecutor(
                self._process_count,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_end_with_parent,
            )
        loop = asyncio.get_running_loop()
        pool = self._processes
        try:
            return await loop.run_in_executor(pool, work, *args)
        except BrokenProcessPool:
            if self._processes is pool:
                self._processes = None
                pool.shutdown(wait=False)
            raise

    def close(self) -> None:
        """Finish what runs, take nothing new."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        if self._processes is not None:
            self._processes.shutdown(wait=True, cancel_futures=True)


def _end_with_parent() -> None:
    """In the worker process: a daemon that was killed must not leave workers behind."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            signal.raise_signal(signal.SIGKILL)

    threading.Thread(target=wait, name="bcp-parent", daemon=True).start()


class Lines:
    """Writes lines to a stream from a thread of its own: whoever logs never waits for a reader.

    A stream that blocks, breaks or stands on a full disk costs lines, never the program; how many
    were lost is said when lines go through again.
    """

    def __init__(self, stream: TextIO, most: int = 10_000) -> None:
        self._stream, self._most = stream, most
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._lost = 0
        self._thread = threading.Thread(target=self._run, name="bcp-lines", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Queue a line; dropped when too many wait."""
        if self._queue.qsize() >= self._most:
            self._lost += 1
        else:
            self._queue.put(line)

    def close(self, patience: float = 2.0) -> None:
        """Write what waits, for so many seconds at the most."""
        self._queue.put(None)
        self._thread.join(patience)

    def _run(self) -> None:
        while (line := self._queue.get()) is not None:
            lost, self._lost = self._lost, 0
            try:
                if lost:
                    self._stream.write(f'{{"event": "lines lost", "count": {lost}}}\n')
                self._stream.write(line + "\n")
                if self._queue.empty():
                    self._stream.flush()
            except (OSError, ValueError):  # nobody reads, or no space: that line is lost
                self._lost += lost + 1

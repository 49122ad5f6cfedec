"""Threads and worker processes: what would hold the event loop runs here.

Files, hashes and SQLite reads go to threads (batch small files: one task per small file is three
times slower than one thread). Plan validation, forecast and PDF go to *spawned* processes, never
forked ones: a fork of a threaded daemon can inherit a held lock.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

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
            os._exit(0)

    threading.Thread(target=wait, name="bcp-parent", daemon=True).start()

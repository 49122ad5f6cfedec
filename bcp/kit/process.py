"""The only place where child processes are started.

Every child has its own process group and session, both pipes are drained to the end (a reader that
stops early leaves restic with a stale lock), output is capped, and the deadline first asks with
SIGINT (restic unlocks on it), then kills the whole group.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_GRACE_SECONDS = 5.0
_REAP_SECONDS = 1.0
_LINE_CAP = 1 << 20


@dataclass(frozen=True, slots=True)
class Completed:
    """How a child ended. `returncode` is negative for a signal, as in POSIX."""

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: bytes
    timed_out: bool
    duration: float
    truncated: bool = False

    @property
    def last_lines(self) -> str:
        """The last lines of stderr (else stdout): the evidence kept when a child fails."""
        tail = (self.stderr or self.stdout).decode("utf-8", "replace").strip().splitlines()[-25:]
        return "\n".join(tail)


async def _drain(
    stream: asyncio.StreamReader, cap: int, on_line: Callable[[bytes], None] | None
) -> tuple[bytes, bool]:
    """Read to the end whatever happens; keep the first `cap` bytes (the rest is dropped)."""
    kept, rest, truncated = bytearray(), b"", False
    while chunk := await stream.read(65536):
        room = cap - len(kept)
        kept += chunk[:room]
        truncated = truncated or len(chunk) > room
        if on_line is None:
            continue
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[-_LINE_CAP:]
        for line in lines:
            on_line(line)
    if on_line is not None and rest:
        on_line(rest)
    return bytes(kept), truncated


def _signal_group(process: asyncio.subprocess.Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


async def _stop(process: asyncio.subprocess.Process, grace: float = _GRACE_SECONDS) -> None:
    """SIGINT, a grace period, SIGKILL; the whole group each time."""
    if grace:
        _signal_group(process, signal.SIGINT)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await process.wait()
    _signal_group(process, signal.SIGKILL)
    await process.wait()


async def run(
    argv: Sequence[str],
    *,
    deadline: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes | None = None,
    cap: int = 32 << 20,
    on_line: Callable[[bytes], None] | None = None,
    grace: float = 0.0,
) -> Completed:
    """Run a child to its end.

    `deadline` in seconds; past it the child is stopped and `timed_out` is set (the verdict is then
    *inconclusive*, never *failed*). `env` replaces the environment whole. `on_line` sees stdout
    line by line while it runs. Cancelling the caller stops the child too: it may take `grace` seconds
    to leave by itself (restic takes its lock away), then it is killed.
    Raises `FileNotFoundError` or `PermissionError` when the program cannot be started.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        env=dict(env) if env is not None else None,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    timed_out = False

    async def feed() -> None:
        if stdin is None or process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(stdin)
            await process.stdin.drain()
        process.stdin.close()

    try:
        async with asyncio.TaskGroup() as group:
            out = group.create_task(_drain(process.stdout, cap, on_line))
            err = group.create_task(_drain(process.stderr, min(cap, 1 << 20), None))
            group.create_task(feed())
            try:
                async with asyncio.timeout(deadline):
                    await process.wait()
            except TimeoutError:
                timed_out = True
                await _stop(process)
            # A grandchild may hold the pipe open after the child is gone: end the group.
            _signal_group(process, signal.SIGKILL)
    except BaseException:
        try:  # one that hangs in the kernel is not waited for
            async with asyncio.timeout(grace + _REAP_SECONDS):
                await _stop(process, grace)
        except TimeoutError:
            pass
        finally:
            _signal_group(process, signal.SIGKILL)
        raise
    stdout, cut = out.result()
    stderr, _ = err.result()
    return Completed(
        tuple(argv),
        process.returncode if process.returncode is not None else -1,
        stdout,
        stderr,
        timed_out,
        loop.time() - started,
        cut,
    )

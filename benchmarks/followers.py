"""Many followers of an event in a process of their own: `python -m benchmarks.followers URL COUNT`.

The cookie stands in the variable COOKIE. Prints `ready` when every stream is open; on SIGTERM a JSON list of
[step, seconds of the machine's monotonic clock], one for each follower and step seen on its board.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time

from aiohttp import ClientSession, TCPConnector

STARTED = re.compile(r">(S\d{3}-00)</a> u-0001")
Seen = list[tuple[str, float]]


async def _one(client: ClientSession, root: str, opened: asyncio.Semaphore, seen: Seen) -> None:
    """Follow the stream; on every change fetch the board and note what it shows for the first time."""
    headers = {"Cookie": os.environ["COOKIE"], "X-Refresh": "1"}
    known: set[str] = set()
    async with client.get(root + "/events", headers=headers, timeout=None) as stream:
        opened.release()
        async for line in stream.content:
            if line.startswith(b"event: change"):
                async with client.get(root + "/disaster", headers=headers) as answer:
                    page, now = await answer.text(), time.monotonic()
                new = set(STARTED.findall(page)) - known
                known |= new
                seen += [(step, now) for step in new]


async def main(root: str, count: int) -> None:
    """Until SIGTERM."""
    stop, opened, seen = asyncio.Event(), asyncio.Semaphore(0), Seen()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with ClientSession(connector=TCPConnector(limit=0)) as client:
        tasks = [asyncio.create_task(_one(client, root, opened, seen)) for _ in range(count)]
        for _ in range(count):
            await opened.acquire()
        print("ready", flush=True)
        await stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))

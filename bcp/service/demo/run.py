"""The practice city and the daemon over it, from start to stop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bcp.kit.clock import SystemClock
from bcp.kit.language import Text, text
from bcp.kit.workers import Workers
from bcp.service.daemon import Daemon
from bcp.service.demo import page, people, remote
from bcp.service.demo.city import PracticeCity
from bcp.service.house import House
from bcp.service.web import Extras


def extras(city: PracticeCity) -> Extras:
    """What the practice city adds to the service: its page and its operations."""
    return Extras(lambda pages: page.routes(pages, city), remote.operations(city))


def welcome(city: PracticeCity, url: str) -> list[str]:
    """What the command line prints when everything is ready: the address and the accounts.

    The one place where passphrases leave their file; never for a log.
    """
    lines = [text("demo.ready", url=url).ja, text("demo.ready", url=url).en, ""]
    lines += [f"  {one.login:<14} {one.passphrase}   {one.name}" for one in city.accounts]
    file = str(city.folders.accounts)
    return [*lines, "", text("demo.ready_file", path=file).ja, text("demo.ready_page", url=url).ja]


async def run(
    data: Path,
    *,
    port: int | None = None,
    progress: Callable[[Text], None] = lambda _step: None,
    ready: Callable[[list[str]], None] = lambda _lines: None,
) -> None:
    """Until a signal. Raises what keeps it from starting (`Busy`, `BcpError`)."""
    clock, workers = SystemClock(), Workers(threads=4)
    try:
        city = PracticeCity(data, clock, workers, port)
        await city.prepare(progress)
        try:
            await city.start()
            await daemon(city, data, ready).run()
        finally:
            await city.stop()
    finally:
        workers.close()


def daemon(
    city: PracticeCity, data: Path, ready: Callable[[list[str]], None] = lambda _lines: None
) -> Daemon:
    """The daemon over a city that is prepared."""

    async def enrol(house: House) -> None:
        await people.enrol(house.accounts, city.accounts)

    return Daemon(
        city.plan_dir,
        data,
        port=city.port,
        say=lambda url: ready(welcome(city, url.rstrip("/"))),
        extras=lambda _house: extras(city),
        before=enrol,
    )

"""The practice city whole: made once, started, broken, healed, stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bcp.kit.clock import Clock
from bcp.kit.durable import FolderLock, write_atomic
from bcp.kit.language import Text, text
from bcp.kit.units import JST
from bcp.kit.workers import Workers
from bcp.service.demo import data, people, plan
from bcp.service.demo.certificates import Authority
from bcp.service.demo.faults import FaultBook
from bcp.service.demo.folders import Folders
from bcp.service.demo.listener import Listener, free_port, is_free
from bcp.service.demo.people import PracticeAccount
from bcp.service.demo.town import HEAD_OFFICE, HOSTS, Town

DEFAULT_PORT = 8420
_RENEW_PLAN_AFTER = timedelta(days=300)


def _silent(_step: Text) -> None:
    """Progress nobody asked for."""


class PracticeCity:
    """`prepare`, then load the plan from `plan_dir`, then `start`; `stop` at the end.

    Owns `DATA/practice` alone (its own lock), so a second practice city on the same folder is
    refused before it could change a port under the first one's feet.
    """

    def __init__(
        self, data_dir: Path, clock: Clock, workers: Workers, port: int | None = None
    ) -> None:
        self.folders = Folders(data_dir.resolve() / "practice")
        self._clock, self._workers = clock, workers
        self._wanted_port = port
        self._lock = FolderLock(self.folders.root)
        self.port = port or DEFAULT_PORT
        """Where the pages will listen; known after `prepare`."""
        self.accounts: tuple[PracticeAccount, ...] = ()
        self.town: Town
        self.faults: FaultBook

    @property
    def plan_dir(self) -> Path:
        """The plan, to be loaded after `prepare`."""
        return self.folders.plan

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Everything that listens, for the page."""
        return tuple(self.town.listeners.values())

    async def prepare(self, progress: Callable[[Text], None] = _silent) -> Path:
        """Make what is missing; the plan's folder. Quick and without effect when all is there.

        Raises `Busy` (another practice city), `BcpError` (no restic, folder unusable).
        """
        await self._workers.thread(self._lock.take)
        try:
            first = not self.folders.settings.exists()
            if first:
                progress(text("demo.progress.files"))
            await self._workers.thread(data.write_files, self.folders)
            now = self._clock.utc()
            settings = await self._workers.thread(self._settings, now.astimezone(JST).date())
            ports: dict[str, int] = settings["ports"]
            authority = Authority(self.folders.certificates)
            await self._workers.thread(authority.prepare, now)
            if first:
                progress(text("demo.progress.repository"))
            await data.make_repository(self.folders)
            made_on = date.fromisoformat(settings["made_on"])
            await self._workers.thread(plan.write, self.folders, ports, self.port, made_on)
            self.accounts = await self._workers.thread(people.load_or_make, self.folders.accounts)
        except BaseException:
            self._lock.release()
            raise
        self.town = Town(self.folders, ports, self._clock, self._workers)
        self.faults = FaultBook(self.folders, self.town, self._clock, self._workers)
        return self.folders.plan

    async def start(self) -> None:
        """Serve, in the state that the remembered faults ask for. Raises `Busy` for a port."""
        await self.faults.restore()

    async def stop(self) -> None:
        """Stop every service; faults stay remembered."""
        await self.town.close()
        self._lock.release()

    def _settings(self, today: date) -> dict[str, Any]:
        """Day and ports, chosen once; a port somebody took meanwhile is chosen anew. Blocking."""
        stored: dict[str, Any] = {}
        try:
            stored = json.loads(self.folders.settings.read_bytes())
            old = today - date.fromisoformat(stored["made_on"]) > _RENEW_PLAN_AFTER
            made_on = today.isoformat() if old else stored["made_on"]
            ports = {str(name): int(number) for name, number in stored["ports"].items()}
            remembered = int(stored["port"])
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            made_on, ports, remembered = today.isoformat(), {}, DEFAULT_PORT
        for name, host in HOSTS.items():
            if name not in ports or not is_free(host, ports[name]):
                ports[name] = free_port(host, ports.values())
        self.port = self._wanted_port or (
            remembered
            if is_free(HEAD_OFFICE, remembered)
            else free_port(HEAD_OFFICE, ports.values())
        )
        chosen = {"made_on": made_on, "port": self.port, "ports": ports}
        if chosen != stored:
            content = json.dumps(chosen, indent=1).encode()
            write_atomic(self.folders.settings, content)
        return chosen

"""What runs: every service of the practice city, in the state the active faults ask for.

`settle` is the only way the state changes: it derives from the set of active faults what each
listener must do and what the certificate must be, so faults may overlap and be healed in any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bcp.kit.clock import Clock
from bcp.kit.workers import Workers
from bcp.service.demo.certificates import Authority, ServerCertificate
from bcp.service.demo.folders import Folders
from bcp.service.demo.listener import Listener, Mode
from bcp.service.demo.services import (
    AlertReceiver,
    BannerService,
    HttpService,
    NameService,
    counter_app,
    plain_app,
)

HEAD_OFFICE, BRANCH, DATA_CENTRE = "127.0.0.1", "127.0.0.2", "127.0.0.3"

HOSTS: Mapping[str, str] = {
    "lan": HEAD_OFFICE,
    "juki": HEAD_OFFICE,
    "zei": HEAD_OFFICE,
    "dns": HEAD_OFFICE,
    "webhook": HEAD_OFFICE,
    "line": BRANCH,
    "insatsu": BRANCH,
    "shomei": DATA_CENTRE,
}
"""Every listener and the site (address) it stands at."""

PORTAL = "shomei.renshu.example"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a fault does to running services; files are another matter (`damage`)."""

    stops: frozenset[str] = frozenset()
    cuts: frozenset[str] = frozenset()
    expires: bool = False
    weakens: bool = False
    lies: bool = False
    """The name service answers with a wrong address."""


NOTHING = Effect()


class Town:
    """The services. Make it when the files, the CA and the ports are there."""

    def __init__(
        self, folders: Folders, ports: Mapping[str, int], clock: Clock, workers: Workers
    ) -> None:
        self.folders, self._clock, self._workers = folders, clock, workers
        names = (PORTAL, DATA_CENTRE, "localhost")
        self.certificate = ServerCertificate(Authority(folders.certificates), "shomei", names)
        self.alerts = AlertReceiver("webhook", HEAD_OFFICE, ports["webhook"])
        self.names = NameService("dns", HEAD_OFFICE, ports["dns"], _records())
        self.listeners: dict[str, Listener] = {
            listener.id: listener
            for listener in (
                *_counters(folders.register_file, ports),
                self.names,
                self.alerts,
                BannerService("lan", HEAD_OFFICE, ports["lan"], "RENSHU CORE READY"),
                BannerService("line", BRANCH, ports["line"], "RENSHU LINE READY"),
                BannerService("insatsu", BRANCH, ports["insatsu"], "220 RENSHU PRINT READY"),
                HttpService(
                    "shomei",
                    DATA_CENTRE,
                    ports["shomei"],
                    plain_app("証明発行", "証明書を発行する画面(練習用)。"),
                    self.certificate.context,
                ),
            )
        }

    async def settle(self, effects: tuple[Effect, ...]) -> None:
        """Bring everything into the state these effects ask for; nothing else is touched."""
        expired = any(effect.expires for effect in effects)
        await self._workers.thread(self.certificate.show, self._clock.utc(), expired=expired)
        self.certificate.weaken(weak=any(effect.weakens for effect in effects))
        self.names.lying = any(effect.lies for effect in effects)
        for listener in self.listeners.values():
            if any(listener.id in effect.cuts for effect in effects):
                await listener.cut()
            elif any(listener.id in effect.stops for effect in effects):
                await listener.stop()
            else:
                await listener.start()

    async def close(self) -> None:
        """Stop everything."""
        for listener in self.listeners.values():
            await listener.stop()

    def modes(self) -> dict[str, Mode]:
        """What each listener does now."""
        return {listener.id: listener.mode for listener in self.listeners.values()}


def _counters(register: Path, ports: Mapping[str, int]) -> tuple[HttpService, HttpService]:
    return (
        HttpService("juki", HEAD_OFFICE, ports["juki"], counter_app("住民票窓口", register)),
        HttpService("zei", HEAD_OFFICE, ports["zei"], plain_app("税務", "税の照会(練習用)。")),
    )


def _records() -> dict[str, str]:
    return {
        "ns": HEAD_OFFICE,
        "juki": HEAD_OFFICE,
        "zei": HEAD_OFFICE,
        "insatsu": BRANCH,
        "shomei": DATA_CENTRE,
    }

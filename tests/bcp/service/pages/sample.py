"""A whole city to look at: the real rooms over the sample plan, with states a test chooses.

Nothing here imitates our own code: board, history, journal, accounts and book are the real ones;
only what a check would have seen is said by the test (`Town.says`).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from aiohttp import ClientSession, CookieJar, FormData, web
from aiohttp.test_utils import TestServer
from argon2 import PasswordHasher
from pydantic import TypeAdapter

from backups.model import AnySet, Backups, restic_sets
from backups.record import Custody, Disagreement, Evidence, Result
from backups.room import BackupRoom
from bcp.journal.chronology import CHRONOLOGY
from bcp.journal.entry import Actor, NewEntry
from bcp.journal.journal import Journal
from bcp.kit.clock import Clock
from bcp.kit.language import Text
from bcp.kit.workers import Workers
from bcp.plan.loader import read_source
from bcp.plan.model import City
from bcp.service.access.accounts import Accounts
from bcp.service.access.breakglass import Codes
from bcp.service.access.guard import Bearer, Doors
from bcp.service.access.passwords import Passwords
from bcp.service.access.roles import Permission, Role
from bcp.service.access.routes import mount, seal
from bcp.service.access.store import AccessStore
from bcp.service.holders import entrusted
from bcp.service.house import Progress, Reloads
from bcp.service.pages.all import page_routes
from bcp.service.pages.events import Hub
from bcp.service.pages.respond import Pages
from bcp.service.sections import Announcements
from bcp.service.showing import MirrorState, show
from bcp.service.stores import FOLDS
from bcp.watch.board import Board
from bcp.watch.check import Check, Env
from bcp.watch.history import History
from bcp.watch.judge import Judge
from bcp.watch.notify import Notifier
from bcp.watch.recorder import Recorder
from bcp.watch.runner import run_check
from bcp.watch.sites import SiteEvent
from bcp.watch.values import Finding, FindingResult, Observation, Outcome, Pillar, Severity, Status
from bcp.watch.view import Span
from probes.engine.resolve import SystemResolver
from runbooks.book import Book, shipped
from runbooks.desk import Desk
from runbooks.drills import Drills
from tests.bcp.journal.helpers import DiskTrouble

KURIHARA = Path(__file__).parents[4] / "config" / "kurihara"
PASSWORD = "a long enough passphrase"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Lamp(Check):
    """Lights as the test says."""

    kind: Literal["lamp"] = "lamp"
    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text("ランプ", "lamp")

    async def run(self, env: Env) -> Outcome:
        raise NotImplementedError


class Seal(Lamp):
    """Of integrity."""

    kind: Literal["seal"] = "seal"  # type: ignore[assignment]
    pillar: ClassVar[Pillar] = Pillar.INTEGRITY
    title: ClassVar[Text] = Text("証拠", "evidence")


class Lock(Lamp):
    """Of confidentiality."""

    kind: Literal["lock"] = "lock"  # type: ignore[assignment]
    pillar: ClassVar[Pillar] = Pillar.CONFIDENTIALITY
    title: ClassVar[Text] = Text("鍵", "lock")


class Eye(Lamp):
    """Somebody looks."""

    kind: Literal["eye"] = "eye"  # type: ignore[assignment]
    reach: ClassVar[Literal["network", "host", "person"]] = "person"
    title: ClassVar[Text] = Text("目視", "by eye")


@dataclass
class Town:
    """The house of the tests, and the hands that change it."""

    clock: Clock
    workers: Workers
    city: City
    board: Board
    history: History
    journal: Journal
    book: Book
    backups: Backups
    desk: Desk
    drills: Drills
    status_folder: Path
    accounts: Accounts
    codes: Codes
    doors: Doors
    hub: Hub
    app: web.Application
    room: BackupRoom
    recorder: Recorder
    notifier: Notifier
    disk: DiskTrouble = field(default_factory=DiskTrouble)
    """Of the log: `disk.arm("store:before")`."""
    reloads: Reloads = field(default_factory=Reloads)
    stale_copies: int = 0
    troubles: list[str] = field(default_factory=list)
    progress: dict[tuple[str, str, str], Progress] = field(default_factory=dict)
    photo_bytes: int = 1 << 20
    verified: bool | None = None
    verified_at: datetime | None = None
    log_in_as: dict[str, str] = field(default_factory=dict)

    announcements: Announcements = field(default_factory=Announcements)
    mirror_states: Mapping[str, MirrorState] = field(default_factory=dict)
    site_events: Mapping[str, SiteEvent] = field(default_factory=dict)

    async def look(self, check: Check) -> Observation:
        env = Env(self.clock, self.workers, SystemResolver())
        seen = await run_check(check, env, "node1")
        self.recorder.take(seen, check)
        return seen

    async def show_public(self) -> bool:
        return await show(self.journal, self.status_folder, self.workers)

    @property
    def desks(self) -> Mapping[str, Desk]:
        return {"real": self.desk, **self.drills.all()}

    def note_verified(self, ok: bool) -> None:
        self.verified, self.verified_at = ok, self.clock.utc()

    def says(
        self,
        check: str,
        status: Status,
        ja: str = "応答がありません",
        *evidence: str,
        ago: float = 0,
        findings: tuple[Finding, ...] = (),
    ) -> None:
        """An observation that began `ago` seconds before now."""
        outcome = Outcome(status, Text(ja, "no answer"), {}, findings, tuple(evidence))
        started = self.clock.utc() - timedelta(seconds=ago)
        observation = Observation(check, "node1", started, 0.12, outcome)
        self.board.apply(observation)
        self.board.apply(observation)
        self.history.put(observation)

    def spent(self, subject: str, status: Status, since: timedelta, until: timedelta) -> None:
        """Time in a state, counted back from now."""
        now = self.clock.utc()
        self.history.credit(Span(subject, status, now - since, now - until))


@cache
def read_city(folder: Path = KURIHARA) -> tuple[City, Backups]:
    """The sample plan, without its checks."""
    data: dict[str, Any] = read_source(folder).tree.data  # type: ignore[assignment]
    city = City.model_validate_json(
        _json({key: data[key] for key in City.model_fields if key in data}), strict=True
    )
    sets = TypeAdapter(tuple[AnySet, ...]).validate_json(_json(data.get("backups", [])))
    return city, sets


def _json(data: object) -> str:
    import json

    return json.dumps(data)


def lamps(city: City, sets: Backups) -> list[Check]:
    """Two checks per watched system, one lock, one per rung."""
    zone = city.node.zone
    found: list[Check] = []
    for system in (s for s in city.systems if s.zone == zone):
        eyes = system.id in ("power", "serverroom")
        kind = Eye if eyes else Lamp
        found.append(kind(id=f"{system.id}/main", system=system.id, name=f"{system.name} の応答"))
        proofs = [id for rung in system.targets for id in rung.proven_by]
        for id in dict.fromkeys([*proofs, *([] if eyes else [f"{system.id}/tls"])]):
            name = "TLS証明書" if id.endswith("/tls") else id
            found.append(kind(id=id, system=system.id, name=name))
    for name in ("web", "mail"):
        found.append(Lock(id=f"{name}/lock", system=name, name="TLS設定の監査"))
    for one in sets:
        for repository in one.repositories:
            found += [
                Seal(id=f"backup/{one.id}/{repository.id}/{level}", system=one.system)
                for level in range(5)
            ]
    return found


FINDING = Finding(
    "tls.old_protocol",
    "mail:443",
    FindingResult.FAIL,
    Severity.HIGH,
    Text("古いTLSを受け付けます", "accepts an old TLS"),
    "TLS 1.0",
    "TLS 1.2以上",
    Text("TLS 1.0と1.1を止める", "switch TLS 1.0 and 1.1 off"),
)


@cache
def _books() -> Book:
    """The shipped runbooks, read once: frozen values."""
    books, faults = shipped()
    assert not faults
    return books


@contextlib.asynccontextmanager
async def town(
    folder: Path, clock: Clock, *, city: tuple[City, Backups] | None = None
) -> AsyncIterator[Town]:
    """Open everything, close everything."""
    plan, sets = city or read_city()
    workers = Workers(4)
    folder.mkdir(parents=True, exist_ok=True)
    Journal.create(folder / "real", origin="kurihara.example/test", node="node1", clock=clock)
    disk = DiskTrouble()
    journal = Journal.open(
        folder / "real", clock=clock, folds=FOLDS, projections=(CHRONOLOGY,), fault=disk
    )
    history = History(folder / "history.sqlite", clock, workers)
    history.start()
    board = Board(clock)
    await board.define(lamps(plan, sets))
    store = AccessStore(folder / "access.sqlite")
    accounts = await Accounts.open(store, workers, clock, passwords=Passwords(workers, CHEAP))
    codes = await Codes.open(
        store,
        accounts,
        workers,
        clock,
        passwords=Passwords(workers, CHEAP),
        log=lambda new, op: _enter(journal, new, op),
        alarm=lambda code: None,
    )
    doors, hub, app = Doors(accounts), Hub(clock), web.Application()
    books = _books()
    status = folder / "status"
    status.mkdir(exist_ok=True)
    desk = Desk(journal, plan, books, board, clock, workers)
    drills = Drills(folder, desk, board, clock, workers)
    desk.drills = drills
    room = BackupRoom(
        sets,
        log=journal,
        workers=workers,
        clock=clock,
        folder=folder / "backups",
        scratch=folder / "scratch",
    )
    judge = Judge(board, clock, plan)
    made = Town(
        clock, workers, plan, board, history, journal, books, sets, desk, drills, status,
        accounts, codes, doors, hub, app, room, Recorder(board, judge, clock), Notifier((), clock, "node1", workers),
        disk,
    )  # fmt: skip
    (folder / "token").write_text("0123456789abcdef0123456789abcdef")
    doors.bearers = (Bearer.read("api", folder / "token", frozenset({Permission.READ})),)
    doors.entrusted = lambda account, stage: entrusted(made.desks, account, stage)
    doors.install(app)
    board.subscribe(hub.poke)
    journal.listen(hub.hear)
    drills.listen(hub.hear)
    mount(app, page_routes(Pages(lambda: made, doors), hub))
    seal(app)
    for role in Role:
        await accounts.add(role.value, f"{role.value} 太郎", [role], PASSWORD, must_change=False)
    try:
        yield made
    finally:
        hub.close()
        await drills.close()
        await journal.close()
        history.close()
        store.close()
        workers.close()


async def _enter(journal: Journal, new: NewEntry, op: str) -> None:
    await journal.append(new, op=op, actor=Actor("system", "service"))


async def quiet(made: Town) -> None:
    """Every lamp good, ninety days of good time."""
    for id in made.board.ids():
        made.says(id, Status.OK, "正常に応答しました", ago=3600)
    for subject in [
        *made.board.ids(),
        *(f"system:{s.id}" for s in made.city.systems if s.zone == made.city.node.zone),
        *(f"service:{s.id}" for s in made.city.services),
    ]:
        made.spent(subject, Status.OK, timedelta(days=60), timedelta(hours=9))
        made.spent(subject, Status.OK, timedelta(hours=7), timedelta())
    await made.history.flush()


async def bad_day(made: Town) -> None:
    """The city's site is down and takes services along; one certificate is near its end."""
    await quiet(made)
    long = timedelta(hours=3, minutes=25)
    for name in ("web", "internet"):
        for id in made.board.ids():
            check = made.board.view(id).check
            if check.system != name or check.pillar is not Pillar.AVAILABILITY:
                continue
            evidence = ("connect 203.0.113.10:443: timed out", "3回続けて失敗")
            made.says(id, Status.FAILED, "応答がありません (10秒待ちました)", *evidence, ago=12300)
            made.spent(id, Status.FAILED, long, timedelta())
        made.spent(f"system:{name}", Status.FAILED, long, timedelta())
    made.spent("service:koho", Status.FAILED, timedelta(hours=3, minutes=25), timedelta())
    made.spent("service:koho", Status.UNKNOWN, timedelta(hours=8), timedelta(hours=7))
    made.says("mail/tls", Status.DEGRADED, "証明書の期限まで あと9日です", ago=86400)
    made.says("power/main", Status.UNKNOWN, "目視の確認が4時間を過ぎました", ago=600)
    made.says("mail/lock", Status.FAILED, "古いTLSを受け付けます", findings=(FINDING,), ago=400)
    await proofs(made)
    ids = [id for id in made.board.ids() if id.startswith("backup/")]
    made.says(
        ids[3],
        Status.FAILED,
        "読めないデータが 1 個あります",
        "pack 5f1c…: 期待した SHA-256 と違う",
    )
    made.says(ids[-1], Status.DEGRADED, "復元試験が期限を過ぎました")
    await made.history.flush()


async def proofs(made: Town) -> None:
    """On record: the first copy proven up to a restore, one damaged, one anomalous."""
    now = made.clock.utc()
    tree = made.journal.evidence.put_bytes(b"manifest")
    copies = [(s.id, r.id) for s in restic_sets(made.backups) for r in s.repositories]
    for index, (set, repository) in enumerate(copies[:3]):
        taken = now - timedelta(minutes=20)
        custody = Custody(
            set, repository, tree, tree, tree, taken, tree, 7, 645_162, "ab" * 8, "0.18.0", True
        )
        found = [custody.entry()]
        for level in range(5):
            bad = index == 1 and level == 3
            result = Result.BAD if bad else Result.GOOD
            facts = {"files": 7, "restore_ms": 412_000, "part": 1, "parts": 1}
            at = now - timedelta(minutes=15 - level)
            proof = Evidence(
                set, repository, level, result, at, "damaged" if bad else "", tree, taken, facts
            )
            found.append(proof.entry())
        if index == 2:
            found.append(Disagreement(set, repository, now, ("rolled_back",)).entry())
        await made.journal.append(*found, op=f"backup-{index}", actor=Actor("system", "backups"))


@contextlib.asynccontextmanager
async def serving(made: Town, port: int = 0) -> AsyncIterator[TestServer]:
    """The town's application on loopback."""
    server = TestServer(made.app, port=port)
    await server.start_server()
    try:
        yield server
    finally:
        made.hub.close()
        await server.close()


class Visitor:
    """Somebody with a browser that has no script."""

    def __init__(self, made: Town, client: ClientSession, root: str) -> None:
        self.town, self.client, self.root = made, client, root
        self.csrf = ""

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, made: Town, server: TestServer) -> AsyncIterator[Visitor]:
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
            yield cls(made, client, str(server.make_url("")).rstrip("/"))

    async def sign_in(self, login: str, password: str = PASSWORD) -> int:
        """Through the login page; afterwards `csrf` is that of the session."""
        self.client.cookie_jar.clear()
        form = {"login": login, "password": password, "next": "/"}
        async with self.client.post(
            self.root + "/login", data=form, allow_redirects=False
        ) as answer:
            status = answer.status
        for cookie in self.client.cookie_jar:
            found = await self.town.accounts.identify(cookie.value)
            self.csrf = found.csrf if found else ""
        return status

    async def get(self, path: str) -> tuple[int, str]:
        """Status and page, redirects not followed."""
        async with self.client.get(self.root + path, allow_redirects=False) as answer:
            return answer.status, (await answer.read()).decode("utf-8", "replace")

    async def post(self, path: str, **fields: str) -> tuple[int, str]:
        """Status, and where it leads or what it says."""
        data = {"_csrf": self.csrf, **fields}
        async with self.client.post(self.root + path, data=data, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location") or await answer.text()

    async def upload(self, path: str, name: str, data: bytes, **fields: str) -> tuple[int, str]:
        """A form with a file; the status and what was answered."""
        form = FormData({"_csrf": self.csrf, **fields})
        form.add_field(name, data, filename="report.pdf")
        async with self.client.post(self.root + path, data=form, allow_redirects=False) as answer:
            return answer.status, await answer.text()

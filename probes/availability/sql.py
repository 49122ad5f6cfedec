"""Kind `sql`: can a user log in to the database and read what they need.

Gentle: one login per run, one statement in a transaction that cannot write, stopped by the server
itself after its time. A refused login is never repeated until the password's file changes (`touch`
is enough; so is a daemon that starts anew): see `bcp.watch.logins`. The password leaves only after
the certificate was found good, and never in the clear. Give the account SELECT and nothing else.

A MySQL server counts connections that end before the login (a bad certificate is one) and blocks
this host after `max_connect_errors` of them (100) until one login succeeds or FLUSH HOSTS.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from bcp.kit.language import Text
from bcp.kit.units import format_duration
from bcp.plan.types import Duration
from bcp.watch.check import Check, Env, Fact
from bcp.watch.values import FactValue, Outcome, Pillar, Status
from probes.engine import postgres, redact, verdict
from probes.engine.conditions import JsonCondition
from probes.engine.fields import Host, Port, place
from probes.engine.login import logging_in
from probes.engine.mysql import MySql
from probes.engine.postgres import Postgres
from probes.engine.rows import Limits, Row
from probes.engine.trouble import Stopwatch, Trouble, look
from probes.engine.wire import connect

_READS = re.compile(r"(?i)\s*\(?\s*(select|with|show|values|table)\b")
_INTO = re.compile(r"(?i)\binto\b")
_BEHIND = ("Seconds_Behind_Source", "Seconds_Behind_Master")
_PORTS = {"postgresql": 5432, "mariadb": 3306, "mysql": 3306}


def _statement(value: str) -> str:
    """One statement that only reads; the server is told so, too. INTO writes files in MySQL."""
    value = value.strip().removesuffix(";")
    if "\0" in value or ";" in value or not _READS.match(value) or _INTO.search(value):
        raise ValueError(
            "SELECT など、読むだけの文を1つ書く(INTO と ; は使えない) / "
            "write one statement that only reads, without INTO and ;"
        )
    return value


Word = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")]


class SqlCheck(Check):
    """Logs in to a database and runs one statement that only reads."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text(
        "データベースのログインと問い合わせ", "Database login and query answer"
    )
    facts: ClassVar[Mapping[str, Fact]] = {
        **verdict.PHASE_FACTS,
        **verdict.TLS_FACTS,
        "rows": Fact("", Text("返った行の数 (100まで)", "rows returned, up to 100")),
        "replication_age": Fact(
            "seconds", Text("複製の遅れ", "how far the replica is behind its source")
        ),
    }

    kind: Literal["sql"] = "sql"
    engine: Literal["postgresql", "mariadb", "mysql"]
    """Other databases: kind `command`."""
    host: Host
    port: Port | None = None
    """Default: 5432 or 3306."""
    user: Word
    password_file: str
    """A file holding the password in one line."""
    database: Word | None = None
    query: Annotated[str, Field(max_length=4096), AfterValidator(_statement)] = "SELECT 1"
    """One statement that only reads. Ask for a figure, never for people: the figure is shown."""
    result: tuple[JsonCondition, ...] = Field((), max_length=16)
    """What must hold for the rows, a list of `{column: value}`: `{pointer: /0/count, at_least: 1}`.
    Without it there must be a row."""
    max_replication_age: Duration | None = None
    """Ask how far this replica is behind; more, or no replica at all, is DEGRADED."""
    tls: bool = True
    """False: without TLS; passwords are still never sent in the clear."""
    server_name: Host | None = None
    """The certificate must be for this name instead of `host`."""
    warn_days: int = Field(30, ge=0, le=3650)
    legacy_tls: bool = False
    slow_after: Duration | None = None

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port or _PORTS[self.engine]

    @property
    def target(self) -> str:
        return f"{self.engine}://{place(*self.place)}/{self.database or ''}"

    @property
    def endpoint_host(self) -> str | None:
        return self.host

    @property
    def logs_in(self) -> bool:
        return True

    async def run(self, env: Env) -> Outcome:
        return await look(
            self.target, self.timeout, env.clock, lambda watch: self._look(env, watch)
        )

    async def _look(self, env: Env, watch: Stopwatch) -> Outcome:
        run = _Run(self, env, watch)
        login = logging_in(env, "sql", self.place, self.user, self.password_file)
        async with login as (attempt, password):
            try:
                async with connect(env, *self.place, watch) as wire:
                    session = Postgres(wire) if self.engine == "postgresql" else MySql(wire)
                    if await run.secured(session):
                        await session.login(env, attempt, self.user, password, self.database)
                        await run.asked(session)
                        session.leave()
            except Trouble as trouble:
                trouble.evidence = (*run.evidence, *trouble.evidence)
                raise
        return run.outcome(password)


class _Run:
    """What one run has found so far."""

    def __init__(self, check: SqlCheck, env: Env, watch: Stopwatch) -> None:
        self._check, self._env, self._watch = check, env, watch
        self._limits = Limits(check.timeout * 0.8)
        self._status, self._texts = Status.OK, list[Text]()
        self._facts: dict[str, FactValue] = {}
        self.evidence: list[str] = []

    async def secured(self, session: Postgres | MySql) -> bool:
        """Whether a password may be shown to this server."""
        check = self._check
        if not check.tls:
            return True
        name = check.server_name or check.host
        peer = await session.secure(self._env, self._watch, name, legacy=check.legacy_tls)
        self._facts |= verdict.tls_facts(peer)
        self.evidence += peer.evidence
        self._note(*verdict.certificate(peer, self._env.clock.utc(), check.warn_days))
        return self._status is not Status.FAILED

    async def asked(self, session: Postgres | MySql) -> None:
        """Run the statement, judge its rows, and how far it is behind."""
        self.evidence.append(f"{self._check.engine}: {session.version}")
        found = await session.ask(self._check.query, self._limits)
        self._facts["rows"] = len(found)
        for text in _mistakes(self._check.result, found):
            self._note(Status.FAILED, text)
        if (most := self._check.max_replication_age) is not None:
            age = await _behind(session, self._limits)
            self._facts |= {"replication_age": age} if age is not None else {}
            self._note(*_late(age, most))

    def _note(self, status: Status, text: Text | None) -> None:
        self._status = verdict.worse(self._status, status)
        self._texts += [text] if text else []

    def outcome(self, password: str) -> Outcome:
        """The verdict."""
        spent = self._watch.stop()
        if late := verdict.slow(spent["total"], self._check.slow_after):
            self._note(Status.DEGRADED, late)
        said = verdict.joined(self._texts or [_fine(spent["total"])])
        target = self._check.target
        sentence = Text(f"{target}: {said.ja}", f"{target}: {said.en}")
        evidence = redact.lines(self.evidence, (password,))
        return Outcome(self._status, sentence, self._facts | spent, evidence=evidence)


def _mistakes(conditions: tuple[JsonCondition, ...], found: list[Row]) -> list[Text]:
    """Every condition that does not hold. Words of a row are never shown: they may be a person's."""
    if not conditions and not found:
        return [Text("行が1つも返らない", "not one row came back")]
    faults = []
    for condition in conditions:
        good, seen = condition.holds(found)
        if not good:
            shown = ("文字など", "text or the like") if seen[:1] in '"[{' else (seen, seen)
            want = redact.line(condition.wanted, limit=80)
            faults.append(
                Text(
                    f"結果 {condition.pointer} は {shown[0]} (期待 {want})",
                    f"result {condition.pointer} is {shown[1]}, expected {want}",
                )
            )
    return faults


async def _behind(session: Postgres | MySql, limits: Limits) -> float | None:
    """Seconds a replica is behind; None: it is none, or it has stopped."""
    if isinstance(session, Postgres):
        found = await session.ask(postgres.REPLICATION, limits)
        age = found[0]["age"] if found else None
    else:
        found = await session.replication(limits)
        ages = [row.get(name) for row in found for name in _BEHIND if name in row]
        whole = [age for age in ages if isinstance(age, int)]
        age = max(whole) if whole and len(whole) == len(ages) else None
    return max(0.0, float(age)) if isinstance(age, int | float) else None


def _late(age: float | None, most: timedelta) -> tuple[Status, Text | None]:
    if age is None:
        return Status.DEGRADED, Text(
            "複製が動いていない(正のデータベースか、複製が停止)",
            "not replicating: a primary, or replication has stopped",
        )
    if age <= most.total_seconds():
        return Status.OK, None
    limit = format_duration(most)
    return Status.DEGRADED, Text(
        f"複製の遅れが{age:.0f}秒 (基準 {limit}以内)", f"replica {age:.0f} s behind (limit {limit})"
    )


def _fine(total: float) -> Text:
    milliseconds = timedelta(seconds=total) / timedelta(milliseconds=1)
    return Text(
        f"ログインと問い合わせができる ({milliseconds:.0f}ミリ秒)",
        f"login and query answer in {milliseconds:.0f} ms",
    )

"""The board for programs and the command line: status, checks, run now, 目視, findings."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from bcp.kit.errors import Refused, UsageError
from bcp.kit.language import Text
from bcp.kit.units import jst, to_us
from bcp.plan.loader import unknown
from bcp.plan.types import CheckId, Model
from bcp.service.access.roles import Permission
from bcp.service.discretion import results_seen_by, seen_by
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, NoParameters, Operation, Verdict
from bcp.service.pages.city_now import city_now
from bcp.watch import acks, statements
from bcp.watch.values import FindingResult, Pillar, Status
from bcp.watch.view import CheckView

_WORDS = {
    "ok": "● 正常",
    "degraded": "▲ 低下",
    "failed": "■ 停止",
    "unknown": "？ 不明",
    "planned": "‖ 計画停止",
    "unset": "－ 未設定",
    "unwatched": "－ 未監視(別区画)",
}


class One(Model):
    """Names one check."""

    check: CheckId


class Seen(Model):
    """目視: what a named person saw."""

    check: CheckId
    status: Literal["ok", "degraded", "failed"]
    name: str
    """Heeded from a terminal only: an account speaks for itself."""
    note: str = ""


class Taken(Model):
    """引き受け of a failing check."""

    check: CheckId
    note: str = ""


class SomeAudit(Model):
    """All confidentiality checks, or one."""

    check: CheckId | None = None


def _us(instant: datetime | None) -> int | None:
    return None if instant is None else to_us(instant)


def row(view: CheckView) -> dict[str, Any]:
    """One check as the API tells it."""
    return {
        "check": view.id,
        "kind": view.check.kind,
        "pillar": view.check.pillar.value,
        "system": view.check.system,
        "site": view.check.site,
        "status": view.status.value,
        "since_us": _us(view.since),
        "sentence": view.sentence.ja,
        "sentence_en": view.sentence.en,
        "stale": view.stale,
        "muted": sorted(mute.value for mute in view.muted),
        "last_run_us": _us(view.last.started if view.last else None),
        "facts": dict(view.last.outcome.facts) if view.last else {},
    }


def verdict_of(statuses: list[Status]) -> Verdict:
    """A finding where something is proven bad; could not tell where nothing better is known."""
    if Status.FAILED in statuses or Status.DEGRADED in statuses:
        return Verdict.FINDING
    return Verdict.UNKNOWN if not statuses or Status.UNKNOWN in statuses else Verdict.GOOD


async def status(house: House, caller: Caller, _parameters: NoParameters) -> Answer:
    """The board: services first, then systems and checks, worst first."""
    now = house.clock.utc()
    findings = Permission.READ_FINDINGS in caller.permissions
    views = [seen_by(view, findings=findings) for view in house.board.views(now)]
    picture = city_now(house.city, views, house.paper(), house.board.since_ok, now)
    systems = picture.sorted_systems()
    lines = [f"{house.city.organization.name}  {jst(now)} JST"]
    if not house.journal.writable.ok:
        lines.append("!! 記録できていません / the integrity log cannot be written")
    troubles = house.troubles if findings else []
    lines += [f"!! {trouble}" for trouble in troubles]
    for service in picture.services:
        paper = " (紙で対応中)" if service.paper else ""
        lines.append(f"{_WORDS[service.state]:<8} {service.service.name}{paper}")
    lines += [f"  {_WORDS[one.state]:<8} {one.system.name}" for one in systems]
    bad = [view for view in views if view.status is not Status.OK]
    lines += [f"    {_WORDS[v.status.value]} {v.id}: {v.sentence.ja}" for v in bad]
    data = {
        "at_us": to_us(now),
        "organization": house.city.organization.name,
        "log_writable": house.journal.writable.ok,
        "troubles": list(troubles),
        "services": [
            {"service": s.service.id, "state": s.state, "on_paper": s.paper}
            for s in picture.services
        ],
        "systems": [{"system": s.system.id, "state": s.state} for s in systems],
        "checks": [row(view) for view in views],
    }
    return Answer(data, tuple(lines), verdict_of([view.status for view in views]))


def _view(house: House, check: str) -> CheckView:
    if check not in house.board:
        raise UsageError(unknown(check, house.board.ids()))
    return house.board.view(check)


async def show(house: House, caller: Caller, parameters: One) -> Answer:
    """One check with its last results and why it was red."""
    findings = Permission.READ_FINDINGS in caller.permissions
    view = seen_by(_view(house, parameters.check), findings=findings)
    recent = await house.history.reader.recent(parameters.check, 20)
    recent = results_seen_by(view, recent, findings=findings)
    results = [
        {
            "started_us": to_us(seen.started),
            "duration": seen.duration,
            "status": seen.outcome.status.value,
            "sentence": seen.outcome.sentence.ja,
            "evidence": list(seen.outcome.evidence),
        }
        for seen in recent
    ]
    lines = [f"{_WORDS[view.status.value]} {view.id}: {view.sentence.ja}"]
    lines += [
        f"  {jst(s.started)} {_WORDS[s.outcome.status.value]} {s.outcome.sentence.ja}"
        for s in recent
    ]
    return Answer({**row(view), "results": results}, tuple(lines), verdict_of([view.status]))


async def run(house: House, caller: Caller, parameters: One) -> Answer:
    """Run a check now, beside its schedule; the result goes the common road."""
    view = _view(house, parameters.check)
    if view.blocked:
        raise Refused(f"この検査は実行できません / this check may not run: {view.sentence.ja}")
    seen = await house.look(view.check)
    head = f"{_WORDS[seen.outcome.status.value]} {view.id}: {seen.outcome.sentence.ja}"
    data = {
        **row(house.board.view(view.id)),
        "result": seen.outcome.status.value,
        "result_sentence": seen.outcome.sentence.ja,
        "evidence": list(seen.outcome.evidence),
    }
    lines = (head, *(f"    {line}" for line in seen.outcome.evidence))
    return Answer(data, lines, verdict_of([seen.outcome.status]))


async def observe(house: House, caller: Caller, parameters: Seen) -> Answer:
    """Record what a person saw; durable first, then looked at by the check."""
    view = _view(house, parameters.check)
    if view.check.reach != "person":
        raise Refused(
            "目視の検査ではありません / not a check that a person makes",
            got=view.check.kind,
            expected="observed",
        )
    new = statements.confirm(
        parameters.check,
        Status(parameters.status),
        house.clock.utc(),
        parameters.name if caller.local else house.accounts.name_of(caller.actor.id),
        parameters.note,
    )
    done = await house.journal.append(new, op=caller.op, actor=caller.actor)
    await house.look(view.check)
    word = _WORDS[parameters.status]
    return Answer(
        {"seq": done.entries[0].seq, "check": parameters.check, "status": parameters.status},
        (f"記録しました(目視 {word}) / recorded as entry {done.entries[0].seq}",),
    )


async def acknowledge(house: House, caller: Caller, parameters: Taken) -> Answer:
    """Say that one sees to it: the next one is not called. The board and its alerts stay as they are."""
    view = _view(house, parameters.check)
    if view.status is Status.OK:
        raise Refused(
            "引き受けるものがありません / nothing to take on",
            where=view.id,
            got=_WORDS[view.status.value],
        )
    new = acks.take_on(parameters.check, house.clock.utc(), parameters.note)
    await house.journal.append(new, op=caller.op, actor=caller.actor)
    line = f"引き受けました。ほかの人は呼びません / taken on: {view.id}"
    return Answer({"check": view.id}, (line,))


def _findings(house: House, only: str | None) -> Answer:
    now, counts = house.clock.utc(), dict.fromkeys(FindingResult, 0)
    rows: list[dict[str, Any]] = []
    statuses: list[Status] = []
    for view in house.board.walk(now):
        if view.check.pillar is not Pillar.CONFIDENTIALITY or only not in (None, view.id):
            continue
        statuses.append(view.status if view.looked else Status.UNKNOWN)
        for found in view.findings:
            counts[found.result] += 1
            rows.append(
                {
                    "check": view.id,
                    "finding": found.id,
                    "fingerprint": found.fingerprint(view.check.target),
                    "subject": found.subject,
                    "result": found.result.value,
                    "severity": found.severity.value,
                    "observed": found.observed,
                    "expected": found.expected,
                    "title": found.title.ja,
                    "remedy": found.remedy.ja,
                }
            )
    summary = {result.value: count for result, count in counts.items()}
    lines = ["  ".join(f"{name} {count}" for name, count in summary.items())]
    lines += [
        f"[{r['severity']}] {r['check']} {r['title']}: {r['subject']} — {r['observed']} "
        f"(あるべき: {r['expected']}) → {r['remedy']}"
        for r in rows
        if r["result"] in ("fail", "not_checked")
    ]
    if counts[FindingResult.FAIL]:  # one look is enough here: nothing waits for a confirmation
        statuses.append(Status.FAILED)
    elif counts[FindingResult.NOT_CHECKED]:
        statuses.append(Status.UNKNOWN)
    return Answer({"counts": summary, "findings": rows}, tuple(lines), verdict_of(statuses))


async def audit_list(house: House, caller: Caller, parameters: SomeAudit) -> Answer:
    """Findings as last seen."""
    if parameters.check is not None:
        _view(house, parameters.check)
    return _findings(house, parameters.check)


async def audit_run(house: House, caller: Caller, parameters: SomeAudit) -> Answer:
    """Look again now, one check after the other, then tell."""
    if parameters.check is not None:
        _view(house, parameters.check)
    for view in house.board.views():
        wanted = parameters.check in (None, view.id)
        if wanted and view.check.pillar is Pillar.CONFIDENTIALITY and not view.blocked:
            await house.look(view.check)
    return _findings(house, parameters.check)


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation("status", Text("今の状態", "the board"), Permission.READ, NoParameters, status),
    Operation("checks.show", Text("検査の詳細", "one check"), Permission.READ, One, show),
    Operation(
        "checks.run", Text("検査を今行う", "run a check now"), Permission.OPERATE, One, run, True
    ),
    Operation(
        "checks.observe",
        Text("目視を記録する", "record what a person saw"),
        Permission.OBSERVE,
        Seen,
        observe,
        True,
    ),
    Operation(
        "checks.acknowledge",
        Text("故障を引き受ける", "take a failure on"),
        Permission.STEP,
        Taken,
        acknowledge,
        True,
    ),
    Operation(
        "audit.list",
        Text("所見の一覧", "findings"),
        Permission.READ_FINDINGS,
        SomeAudit,
        audit_list,
    ),
    Operation(
        "audit.run", Text("今確かめる", "look now"), Permission.OPERATE, SomeAudit, audit_run, True
    ),
)

"""Decides commands about the event as a whole: level, scope, onset, authority, its end. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from bcp.journal.canonical import Json
from bcp.journal.entry import NewEntry
from bcp.kit.language import text
from bcp.kit.units import jst, to_us
from runbooks import commands as c
from runbooks.authority import require_authority
from runbooks.context import FUTURE, Context, entry, need_known, need_text, refuse, when
from runbooks.gates import Gate, gates
from runbooks.scopedecide import decide_scope, end_part, resume_part
from runbooks.state import ACTIVE, Incident, Phase, Ratification
from runbooks.targets import attained, required_level, unproven

New = tuple[NewEntry, ...]
_ENDED = frozenset({Phase.STOOD_DOWN, Phase.CANCELLED, Phase.REVIEWED})

_PHASES: dict[type, frozenset[Phase]] = {
    c.ChangeLevel: ACTIVE,
    c.ChangeScope: ACTIVE,
    c.AddRunbook: ACTIVE,
    c.CorrectOnset: frozenset({*ACTIVE, Phase.STOOD_DOWN}),
    c.Ratify: frozenset({*ACTIVE, Phase.STOOD_DOWN, Phase.CANCELLED}),
    c.Overrule: ACTIVE,
    c.Cancel: ACTIVE,
    c.Restore: frozenset({Phase.DECLARED}),
    c.Relapse: frozenset({Phase.RESTORED, Phase.STANDING_DOWN}),
    c.BeginStandDown: frozenset({Phase.RESTORED}),
    c.MeetGate: frozenset({Phase.RESTORED, Phase.STANDING_DOWN}),
    c.CloseGate: frozenset({Phase.RESTORED, Phase.STANDING_DOWN}),
    c.StandDown: frozenset({Phase.STANDING_DOWN}),
    c.RecordReport: _ENDED,
    c.Review: frozenset({Phase.STOOD_DOWN}),
    c.Preempt: ACTIVE,
    c.EndPart: ACTIVE,
    c.ResumePart: ACTIVE,
}
"""In which phases a command is allowed."""

_WORDS = {kind: kind.__name__ for kind in _PHASES}


def offered(incident: Incident) -> tuple[str, ...]:
    """Names of the command classes a page may offer now (`Ratify` only while it is pending)."""
    pending = incident.ratification is Ratification.PENDING
    return tuple(
        _WORDS[kind]
        for kind, phases in _PHASES.items()
        if incident.phase in phases
        and (pending or kind not in (c.Ratify, c.Overrule))
        and kind not in (c.RecordReport, c.Preempt)
    )


def decide_frame(
    incident: Incident, command: c.FrameCommand, at: datetime, context: Context
) -> New:
    """Entries for a command about the event. Raises Refused."""
    _allowed(incident, command)
    if incident.ratification is Ratification.OVERRULED and isinstance(
        command, c.Restore | c.BeginStandDown | c.StandDown
    ):
        raise refuse("overruled", allowed="runbooks.overruled_allowed")
    occurred = when(context, command.occurred_at, at)
    if isinstance(command, c.ChangeLevel):
        return _level(incident, command, occurred, context)
    if isinstance(command, c.ChangeScope):
        return decide_scope(incident, command, occurred, context)
    if isinstance(command, c.AddRunbook):
        return _runbook(incident, command, occurred, context)
    if isinstance(command, c.CorrectOnset):
        if command.onset > at + FUTURE and not context.clock_suspect:
            raise refuse("future", time=jst(command.onset), now=jst(at))
        detail: dict[str, Json] = {
            "onset_us": to_us(command.onset),
            "before_us": to_us(incident.onset),
        }
        return (_entry(incident, "onset_corrected", occurred, detail, need_text(command.reason)),)
    if isinstance(command, c.Ratify | c.Overrule):
        return _ratification(incident, command, occurred, context)
    if isinstance(command, c.Cancel):
        return (_entry(incident, "cancelled", occurred, None, need_text(command.reason)),)
    if isinstance(command, c.Restore):
        return _restore(incident, command, occurred, context)
    if isinstance(command, c.Relapse):
        return (_entry(incident, "relapsed", occurred, None, need_text(command.reason)),)
    if isinstance(command, c.BeginStandDown):
        return _begin(incident, occurred, context)
    if isinstance(command, c.MeetGate | c.CloseGate):
        return _gate(incident, command, occurred, context)
    if isinstance(command, c.StandDown):
        return _stand_down(incident, occurred, context)
    if isinstance(command, c.RecordReport):
        if incident.report == command.digest:
            return ()
        return (
            _entry(
                incident, "report_made", occurred, {"report": command.digest, "upto": command.upto}
            ),
        )
    if isinstance(command, c.Review):
        if incident.report is None:
            raise refuse("no_report")
        return (_entry(incident, "reviewed", occurred, {"report": incident.report}),)
    if isinstance(command, c.Preempt):
        if incident.real or incident.preempted_at is not None:
            return ()
        return (_entry(incident, "preempted", occurred, {"real": command.real}),)
    if isinstance(command, c.EndPart):
        return end_part(incident, command, occurred, context)
    if isinstance(command, c.ResumePart):
        return resume_part(incident, command, occurred)
    assert_never(command)


def _allowed(incident: Incident, command: c.FrameCommand) -> None:
    phases = _PHASES[type(command)]
    ending = isinstance(command, c.BeginStandDown) and incident.preempted_at is not None
    if incident.phase in phases or (ending and incident.active):
        return
    may = "・".join(text(f"runbooks.cmd_{name}").ja for name in offered(incident)) or "-"
    may_en = ", ".join(text(f"runbooks.cmd_{name}").en for name in offered(incident)) or "-"
    here = text(f"runbooks.phase_{incident.phase.value}")
    wanted = text(f"runbooks.cmd_{type(command).__name__}")
    raise refuse(
        "phase",
        allowed="runbooks.phase_allowed",
        phase=here.ja,
        phase_en=here.en,
        wanted=wanted.ja,
        wanted_en=wanted.en,
        may=may,
        may_en=may_en,
    )


def _entry(
    incident: Incident,
    word: str,
    occurred: datetime,
    detail: dict[str, Json] | None = None,
    reason: str = "",
) -> NewEntry:
    return entry(incident, word, incident.id, occurred, detail, reason=reason)


def _level(incident: Incident, command: c.ChangeLevel, occurred: datetime, context: Context) -> New:
    levels = [str(level.number) for level in context.city.disaster.levels]
    need_known((str(command.level),), levels, "level")
    if command.level == incident.level:
        return ()
    detail: dict[str, Json] = {"level": command.level, "before": incident.level}
    return (_entry(incident, "level_changed", occurred, detail, need_text(command.reason)),)


def _runbook(
    incident: Incident, command: c.AddRunbook, occurred: datetime, context: Context
) -> New:
    need_known((command.runbook,), (runbook.id for runbook in context.book), "runbook")
    if command.runbook in incident.runbooks:
        return ()
    return (entry(incident, "runbook_added", command.runbook, occurred, {}, reason=command.reason),)


def _ratification(
    incident: Incident, command: c.Ratify | c.Overrule, occurred: datetime, context: Context
) -> New:
    """事後承認: by another person than the one who declared."""
    if incident.ratification is not Ratification.PENDING:
        raise refuse("nothing_to_ratify")
    if context.actor.id == incident.declared_by:
        raise refuse("ratify_other")
    if isinstance(command, c.Ratify):
        return (_entry(incident, "ratified", occurred),)
    return (_entry(incident, "overruled", occurred, None, need_text(command.reason)),)


def _restore(incident: Incident, command: c.Restore, occurred: datetime, context: Context) -> New:
    """復旧: evidence for every system in scope, or an explicit waiver with a reason."""
    city = context.city
    need_known(command.waived, (item.id for item in city.systems), "system")
    wanting = [id for id in unproven(incident, city) if id not in command.waived]
    if wanting:
        raise refuse(
            "not_restored", allowed="runbooks.not_restored_allowed", systems=", ".join(wanting)
        )
    blind = sorted(context.unseen - {*command.waived, *incident.waivers})
    if blind:
        raise refuse("not_seen", allowed="runbooks.not_restored_allowed", systems=", ".join(blind))
    reason = need_text(command.reason) if command.waived else command.reason
    proven = [
        [system.id, level]
        for system in city.systems
        if incident.in_scope(system.id) and system.id not in command.waived
        if (level := required_level(system, incident.nature)) is not None
        and attained(incident, system.id, level)[1]
    ]
    detail: dict[str, Json] = {"waived": list(command.waived), "proven": proven}
    return (_entry(incident, "restored", occurred, detail, reason),)


def _begin(incident: Incident, occurred: datetime, context: Context) -> New:
    """解除の準備: the runbooks of return join the event."""
    more = [
        runbook.id
        for runbook in context.book
        if runbook.purpose == "return"
        and runbook.id not in incident.runbooks
        and (runbook.system is None or incident.in_scope(runbook.system))
    ]
    return (
        _entry(incident, "stand_down_started", occurred),
        *(entry(incident, "runbook_added", id, occurred, {}) for id in more),
    )


def _gate(
    incident: Incident, command: c.MeetGate | c.CloseGate, occurred: datetime, context: Context
) -> New:
    known = {gate.id: gate for gate in gates(incident, None, context.ground)}
    need_known((command.gate,), known, "gate")
    gate = known[command.gate]
    if not gate.open:
        return ()
    detail: dict[str, Json] = {"holds": list(gate.holds)[:_MOST], "why": _whys(gate)}
    if isinstance(command, c.CloseGate):
        reason = need_text(command.reason)
        detail["authority"] = require_authority(incident, context, occurred)
        return (entry(incident, "gate_closed", gate.id, occurred, detail, reason=reason),)
    if not gate.sayable:
        names = ", ".join(gate.holds[:20])
        raise refuse("gate_holds", allowed="runbooks.gates_allowed", gate=gate.id, holds=names)
    note = need_text(command.note, "note") if gate.why else command.note
    return (
        entry(
            incident,
            "gate_met",
            gate.id,
            occurred,
            {**detail, "check": command.check, "shown": False},
            note=note,
        ),
    )


_MOST = 200
"""Ids of one gate in one entry: an entry has at most 65,535 bytes."""


def _whys(gate: Gate) -> list[Json]:
    return [hold.why for hold in gate.why[:_MOST]]


def _stand_down(incident: Incident, occurred: datetime, context: Context) -> New:
    """解除; what the evidence showed of each gate enters the log with it."""
    found = gates(incident, None, context.ground)
    still = [gate for gate in found if gate.open]
    if still:
        names = [text(f"runbooks.gate_{gate.id}") for gate in still]
        raise refuse(
            "gates_open",
            allowed="runbooks.gates_allowed",
            gates="・".join(name.ja for name in names),
            gates_en=", ".join(name.en for name in names),
        )
    shown: dict[str, Json] = {"holds": [], "why": [], "check": None, "shown": True}
    return (
        *(
            entry(incident, "gate_met", gate.id, occurred, shown)
            for gate in found
            if gate.asked and gate.closing is None
        ),
        _entry(incident, "stood_down", occurred),
    )

"""Decides commands about a suggested declaration. Pure. It never declares by itself (R-26)."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from bcp.journal.canonical import Json
from bcp.journal.entry import NewEntry
from bcp.kit.units import jst, to_us
from runbooks import commands as c
from runbooks.context import FUTURE, Context, need_known, need_text, refuse, when
from runbooks.framestate import NATURES, Phase, Suggestion
from runbooks.incidents import Incidents
from runbooks.intensity import SCALE, stronger

New = tuple[NewEntry, ...]


def decide_suggestion(
    state: Incidents, command: c.SuggestionCommand, at: datetime, context: Context
) -> New:
    """Entries; an empty answer: nothing new was said. Raises Refused."""
    if isinstance(command, c.Suggest):
        return _suggest(state, command, at, context)
    one = state.suggestions.get(command.suggestion)
    if one is None:
        raise refuse("no_suggestion", id=command.suggestion)
    if not one.open:
        if isinstance(command, c.ClearSuggestion):
            return ()
        raise refuse("suggestion_closed", allowed="runbooks.suggestion_allowed", id=one.id)
    if isinstance(command, c.PutOff):
        if command.until <= at:
            raise refuse("later_past")
        return (_entry("suggestion_later", one.id, at, {"until_us": to_us(command.until)}),)
    if isinstance(command, c.Dismiss):
        return (_entry("suggestion_dismissed", one.id, at, {}, reason=need_text(command.reason)),)
    if isinstance(command, c.ClearSuggestion):
        return (_entry("suggestion_cleared", one.id, at, {}),)
    assert_never(command)


def _suggest(state: Incidents, command: c.Suggest, at: datetime, context: Context) -> New:
    _sound(command, at, context)
    scope = (command.rule, command.systems, command.sites)
    same = [one for one in state.suggestions.values() if one.scope == scope]
    open_ = next((one for one in same if one.open and one.kind == command.kind), None)
    rule = command.rule not in ("person", "report")
    if open_ is not None:
        return _grow(open_, command, at, rule=rule)
    if rule and (_covered(state, command) or not _news(same, command)):
        return ()
    id = _new_id(state, at)
    detail: dict[str, Json] = {
        "rule": command.rule,
        "kind": command.kind,
        "level": command.level,
        "nature": command.nature,
        "onset_us": to_us(command.onset),
        "systems": list(command.systems),
        "sites": list(command.sites),
        "evidence": _evidence(command.evidence),
    }
    detail |= {"intensity": command.intensity} if command.intensity else {}
    said = need_text(command.text, "note")
    return (_entry("suggested", id, when(context, command.occurred_at, at), detail, text=said),)


def _sound(command: c.Suggest, at: datetime, context: Context) -> None:
    city = context.city
    rules = (rule.id for rule in city.disaster.suggest)
    need_known((command.rule,), ("person", "report", *rules), "rule")
    need_known((command.nature,), NATURES, "nature")
    levels = (str(level.number) for level in city.disaster.levels)
    need_known((str(command.level),), levels, "level")
    need_known(command.systems, (item.id for item in city.systems), "system")
    need_known(command.sites, (item.id for item in city.sites), "site")
    if command.kind or command.rule == "report":
        need_known((command.kind,), c.REPORT_KINDS, "kind")
    if command.intensity:
        need_known((command.intensity,), SCALE, "intensity")
    if command.onset > at + FUTURE and not context.clock_suspect:
        raise refuse("future", time=jst(command.onset), now=jst(at))


def _grow(known: Suggestion, command: c.Suggest, at: datetime, *, rule: bool) -> New:
    """One open suggestion per scope: more evidence joins it, a second person's words too."""
    seen = dict(known.evidence)
    more = {check: since for check, since in command.evidence if check not in seen}
    if rule and not more:
        return ()
    evidence = _evidence(tuple({**seen, **more}.items()))
    said = "" if rule else need_text(command.text, "note")
    detail: dict[str, Json] = {"evidence": evidence}
    felt = stronger(known.intensity, command.intensity)
    if felt != known.intensity:
        detail |= {"intensity": felt, "level": command.level}
    return (_entry("suggestion_grown", known.id, at, detail, text=said),)


def _covered(state: Incidents, command: c.Suggest) -> bool:
    """An event that is being worked on already covers it."""
    return any(
        one.nature == command.nature
        and one.phase is Phase.DECLARED
        and (not one.systems or {*command.systems} <= {*one.systems})
        and (not one.sites or {*command.sites} <= {*one.sites})
        for one in state.actives
    )


def _news(same: list[Suggestion], command: c.Suggest) -> bool:
    """After 見送り the same red lamps say nothing new: another check, or one that fell anew."""
    last = max(same, key=lambda one: one.seq, default=None)
    if last is None or last.state != "dismissed":
        return True
    assert last.closed_at is not None
    known = {check for check, _since in last.evidence}
    return any(check not in known or since > last.closed_at for check, since in command.evidence)


def _evidence(pairs: tuple[tuple[str, datetime], ...]) -> list[Json]:
    """At most 200 pairs: an entry has 65,535 bytes; the earliest tell when it began."""
    return [
        [check, to_us(since)] for check, since in sorted(pairs, key=lambda p: (p[1], p[0]))[:200]
    ]


def _new_id(state: Incidents, at: datetime) -> str:
    day = f"S{jst(at, '%Y%m%d')}-"
    return f"{day}{1 + sum(id.startswith(day) for id in state.suggestions)}"


def _entry(word: str, id: str, at: datetime, detail: dict[str, Json], **texts: str) -> NewEntry:
    values = {name: value for name, value in texts.items() if value.strip()}
    return NewEntry(f"incident.{word}", id, detail, None, at, values)

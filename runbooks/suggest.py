"""What the rules of the plan make of the board: proposals, never declarations. Pure.

"Is it me?" comes first: a node whose own line is cut sees everything red and must not propose that
the city is lost. Muted for maintenance or planned stops, a red lamp is no evidence. Two checks of
one system are one voice. The proposed onset is the first failure, not the moment somebody looked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bcp.kit.language import text
from bcp.plan.model import City
from bcp.plan.suggesting import SuggestRule
from bcp.watch.check import Check
from bcp.watch.values import Mute, Pillar, Status
from bcp.watch.view import WORKS, CheckView
from runbooks import commands as c
from runbooks.framestate import Suggestion
from runbooks.incidents import Incidents

_ONE_EVENT = timedelta(days=1)
"""What fell more than this before the rest is another matter and dates no onset."""
_NO_VERDICT = frozenset({Mute.MAINTENANCE, Mute.PLANNED, Mute.MEMBER})


@dataclass(frozen=True, slots=True)
class Lamp:
    """One check, as far as a rule cares."""

    id: str
    voice: str
    """The system; checks without one speak for themselves."""
    vantage: str
    status: Status
    since: datetime | None


def lamp(view: CheckView) -> Lamp:
    """From the board. A planned stop is no verdict, nor is a part of a whole that is judged as one."""
    planned = bool(view.muted & _NO_VERDICT)
    return Lamp(
        view.id,
        view.check.system or view.id,
        view.last.vantage if view.last is not None else "",
        Status.UNKNOWN if planned else view.status,
        view.since,
    )


def members(rule: SuggestRule, city: City, checks: Iterable[Check]) -> tuple[str, ...]:
    """The checks a rule looks at."""
    named = {*rule.checks}
    at = {*rule.sites}
    placed = {system.id: {*system.sites} for system in city.systems}

    def belongs(check: Check) -> bool:
        if check.id in named:
            return True
        if check.pillar is not Pillar.AVAILABILITY:
            return False
        places = {check.site} if check.site else placed.get(check.system or "", set())
        return check.system in rule.systems or bool(at & places)

    return tuple(check.id for check in checks if belongs(check))


def proposal(
    rule: SuggestRule, city: City, lamps: Iterable[Lamp], now: datetime
) -> c.Suggest | None:
    """What the rule proposes now; None when it does not hold."""
    told = [one for one in lamps if one.status in WORKS or one.status is Status.FAILED]
    red = [
        (one, one.since)
        for one in told
        if one.status is Status.FAILED and one.since is not None and now - one.since >= rule.hold
    ]
    voices = {one.voice for one, _since in red}
    vantages = {one.vantage for one, _since in red}
    enough = len(voices) >= rule.at_least and len(vantages) >= rule.vantages
    if not red or not enough or len(red) * 100 < rule.percent * len(told):
        return None
    last = max(since for _one, since in red)
    onset = min(since for _one, since in red if last - since <= _ONE_EVENT)
    said = text("runbooks.suggest_rule", name=rule.name, red=len(red), of=len(told))
    clause = f" ({rule.clause})" if rule.clause else ""
    return c.Suggest(
        rule=rule.id,
        level=rule.level,
        nature=rule.nature,
        onset=onset,
        text=f"{said.ja}{clause} / {said.en}",
        systems=scope_of(rule, city),
        sites=rule.sites,
        evidence=tuple((one.id, since) for one, since in red),
    )


def scope_of(rule: SuggestRule, city: City) -> tuple[str, ...]:
    """The proposed scope: as written, else its systems and what stands at its sites."""
    if rule.scope_systems:
        return rule.scope_systems
    named = {*rule.systems}
    at = {*rule.sites}
    return tuple(s.id for s in city.systems if s.id in named or (at & {*s.sites}))


def considered(
    state: Incidents,
    city: City,
    seen: Mapping[str, tuple[Lamp, ...]],
    now: datetime,
    *,
    suspect: bool,
) -> list[tuple[c.SuggestionCommand, str]]:
    """Commands with their operation ids; `seen`: the lamps of each rule."""
    said: list[tuple[c.SuggestionCommand, str]] = []
    rules = {rule.id: rule for rule in city.disaster.suggest}
    for id, rule in rules.items():
        made = None if suspect else proposal(rule, city, seen.get(id, ()), now)
        if made is not None:
            told = ",".join(f"{check}@{since.timestamp():.0f}" for check, since in made.evidence)
            said.append((made, f"suggest:{id}:{len(state.suggestions)}:{_short(told)}"))
    gone = (
        one
        for one in state.suggestions.values()
        if one.open and one.rule in rules and _over(one, seen.get(one.rule, ()))
    )
    said += [(c.ClearSuggestion(suggestion=one.id), f"suggest:{one.id}:cleared") for one in gone]
    return said


def _over(one: Suggestion, lamps: Iterable[Lamp]) -> bool:
    """Every lamp it named is good again; unknown is not good."""
    now = {lamp.id: lamp.status for lamp in lamps}
    return all(now.get(check, Status.OK) in WORKS for check, _since in one.evidence)


def _short(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:16]

"""What is said to people outside, and when it is held back. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bcp.kit.language import Text, text
from bcp.kit.units import jst
from bcp.watch.values import Severity, Status, Transition

Kind = Literal["check", "incident", "backup", "audit", "log", "daemon", "test"]

LOUDEST = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.INFO)

BUNDLE = 10
"""More changes than this at one moment are told in one message: a storm must stay readable."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """One message. Ids and states only: it leaves the house, so nothing personal, no addresses."""

    kind: Kind
    severity: Severity
    title: Text
    at: datetime
    check: str | None = None
    system: str | None = None
    state: Status | None = None
    since: datetime | None = None
    resolved: bool = False
    logged: bool = True
    """False: the integrity log could not be written; the message says so."""
    drill: bool = False
    notes: tuple[Text, ...] = ()
    key: str = ""
    """Which decision it tells, for whoever keeps book of what was delivered; sent to nobody."""
    again: bool = False
    """Told again because nobody acted: routes for the next one to call hear it too."""

    def lines(self) -> list[Text]:
        """Everything it says, first line first, with 【訓練】 before each line of a drill."""
        said = [self.title, *self.notes]
        if not self.logged:
            said.append(text("watch.not_logged"))
        if not self.drill:
            return said
        prefix = text("watch.drill_prefix")
        return [Text(prefix.ja + line.ja, prefix.en + line.en) for line in said]


Verdict = Literal["say", "hold", "drop"]


def decide(said: Status | None, new: Status, *, muted: bool, wait: bool) -> Verdict:
    """What becomes of a change, given what was last said of this check (None = nothing, or good).

    Good news is told only to whom bad news was told. What is muted stays owed: it is said when the
    mute ends, if it is still so. `wait`: it may be somebody else's fault (a parent, this node).
    """
    told = said or Status.OK
    if new is told:
        return "drop"
    if new is Status.OK:
        return "say"
    return "hold" if muted or wait else "say"


def of_transition(
    transition: Transition, system: str | None, severity: Severity, *, logged: bool
) -> Announcement:
    """The message of one change."""
    good = transition.new is Status.OK
    state = text("watch.recovered") if good else text(f"watch.state_{transition.new.value}")
    key = "watch.announce" if system else "watch.announce_alone"
    template = text(key)
    since = jst(transition.since, "%m/%d %H:%M")
    values = {"system": system, "check": transition.check, "since": since}
    return Announcement(
        kind="check",
        severity=severity,
        title=Text(
            template.ja.format(state=state.ja, **values),
            template.en.format(state=state.en, **values),
        ),
        at=transition.at,
        check=transition.check,
        system=system,
        state=transition.new,
        since=transition.since,
        resolved=good,
        logged=logged,
    )


def bundled(many: Sequence[Announcement]) -> list[Announcement]:
    """One message for a storm; the single ones otherwise."""
    if len(many) <= BUNDLE:
        return list(many)
    counts = Counter(one.state.value for one in many if one.state)
    numbers = {status.value: counts.get(status.value, 0) for status in Status}
    names = dict.fromkeys(one.system or one.check or "" for one in many)
    listed = "、".join([*list(names)[:20], *(["…"] if len(names) > 20 else [])])
    return [
        Announcement(
            kind="check",
            severity=min((one.severity for one in many), key=LOUDEST.index),
            title=text("watch.announce_many", count=len(many), **numbers),
            at=max(one.at for one in many),
            since=min((one.since for one in many if one.since), default=None),
            resolved=all(one.resolved for one in many),
            logged=all(one.logged for one in many),
            notes=(Text(listed, listed),),
        )
    ]

"""The recovery time line: hours from onset, per system what was planned, what came, what is due.

Positions are shares of the width, so the same drawing fits a telephone, the wall and A4, and its
words are never scaled. Planned is hollow, actual is solid, what is going on now is hatched; the
deadline is a flag, now is a line through everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bcp.kit.language import Lang, text
from bcp.kit.units import JST, jst_short
from bcp.service.pages.pictures.svg import Picture, cut, drawing, element, percent, words

_ROW, _TOP = 34, 22
_STEPS = (1, 2, 3, 6, 12, 24, 48, 72, 168)


@dataclass(frozen=True, slots=True)
class Track:
    """One system's (or service's) way back."""

    name: str
    level: str
    """The level aimed at, `L3 縮退運転`."""
    deadline: datetime | None = None
    planned: datetime | None = None
    """Forecast or plan; None when there is no ground for one."""
    started: datetime | None = None
    attained: datetime | None = None

    def late(self, now: datetime) -> bool:
        """Past its deadline, or attained after it."""
        return self.deadline is not None and (self.attained or now) > self.deadline


def timeline(tracks: Sequence[Track], onset: datetime, now: datetime, lang: Lang = "ja") -> Picture:
    """All tracks on one scale from onset to the last thing that matters."""
    ends = [now + (now - onset) * 0.1, onset + timedelta(hours=1)]
    ends += [t for track in tracks for t in (track.planned, track.attained) if t]
    ends += [t.deadline for t in tracks if t.deadline]
    end = max(ends)
    span = (end - onset).total_seconds() * 1.04

    def at(instant: datetime) -> float:
        return (instant - onset).total_seconds() / span * 100

    height = _TOP + _ROW * len(tracks) + 4
    here = percent(at(now))
    # before the tracks: a name must not be struck through by "now"
    parts = [
        _grid(onset, span, height),
        element("line", class_="now", x1=here, x2=here, y1=14, y2=height),
    ]
    for index, track in enumerate(tracks):
        parts.append(_track(track, _TOP + index * _ROW, now, at))
    lines = tuple(_line(track, now, lang) for track in tracks)
    late = sum(track.late(now) for track in tracks)
    done = sum(track.attained is not None for track in tracks)
    twin = text(
        "pages.timeline_twin",
        onset=jst_short(onset, now),
        now=jst_short(now, now),
        total=len(tracks),
        done=done,
        late=late,
    ).pick(lang)
    svg = drawing(parts, twin, class_="timeline", width="100%", height=height)
    return Picture(svg, twin, lines)


def _grid(onset: datetime, span: float, height: int) -> str:
    """Lines at round hours after onset, at most eight."""
    hours = span / 3600
    step = next((s for s in _STEPS if hours / s <= 7), 336)
    parts, hour = [], 0
    while hour <= hours:
        x = percent(hour / hours * 100)
        parts.append(element("line", class_="grid", x1=x, x2=x, y1=14, y2=height))
        if hour / hours < 0.94:
            label = f"+{hour}h" if hour else onset.astimezone(JST).strftime("%H:%M")
            parts.append(words(label, x=x, y=11, dx=2))
        hour += step
    return "".join(parts)


def _track(track: Track, y: int, now: datetime, at: Callable[[datetime], float]) -> str:
    parts = [words(f"{cut(track.name, 28)} {track.level}", x=0, y=y + 11)]
    begin = at(track.started) if track.started else 0.0
    if track.planned is not None:
        parts.append(_bar("planned", min(begin, at(track.planned)), at(track.planned), y))
    late = " late" if track.late(now) else ""
    if track.attained is not None:
        parts.append(_bar("done" + late, begin, at(track.attained), y))
    elif track.started is not None:
        parts.append(_bar("going" + late, begin, at(now), y))
    if track.deadline is not None:
        # A diamond of letters: shapes cannot be placed by share of the width.
        x = percent(at(track.deadline))
        parts.append(words("◆", class_="due" + late, x=x, y=y + 27, text_anchor="middle"))
    return "".join(parts)


def _bar(kind: str, start: float, end: float, y: int) -> str:
    width = max(0.6, end - start)
    return element("rect", class_=kind, x=percent(start), width=percent(width), y=y + 17, height=10)


def _line(track: Track, now: datetime, lang: Lang) -> str:
    def part(key: str, instant: datetime | None) -> str:
        return f"{text(f'pages.{key}').pick(lang)} {jst_short(instant, now)}" if instant else ""

    parts = [
        part("tl_deadline", track.deadline),
        part("tl_planned", track.planned),
        part("tl_started", track.started),
        part("tl_attained", track.attained),
        text("pages.tl_late").pick(lang) if track.late(now) else "",
    ]
    return f"{track.name} {track.level}: " + ", ".join(p for p in parts if p)

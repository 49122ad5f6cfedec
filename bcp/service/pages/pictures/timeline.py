"""The recovery time line: hours from onset, per service and system what was planned, what came, what is due.

Positions are shares of the width, so the same drawing fits a telephone, the wall and A4, and its
words are never scaled. Expected is hollow (from the sooner to the later end of its range), actual is
solid, what is going on now is lighter, going on by paper is a dotted line; the deadline is a flag, now
is a line through everything. What cannot be told by shape alone stands in the text twin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bcp.kit.language import Lang, text
from bcp.kit.units import JST, jst_short
from bcp.service.pages.pictures.svg import Picture, cut, drawing, element, percent, words

_ROW, _TOP, _HEAD = 34, 38, 24
_STEPS = (1, 2, 3, 6, 12, 24, 48, 72, 168)


@dataclass(frozen=True, slots=True)
class Track:
    """One system's (or service's) way back."""

    name: str
    level: str
    """The level aimed at, `L3`; empty for a service."""
    deadline: datetime | None = None
    planned: datetime | None = None
    """The sooner end of what is expected; None when there is no ground for one."""
    started: datetime | None = None
    attained: datetime | None = None
    planned_late: datetime | None = None
    """The later end."""
    paper: datetime | None = None
    """Since when it goes on by paper."""

    def late(self, now: datetime) -> bool:
        """Past its deadline, or attained after it."""
        return self.deadline is not None and (self.attained or now) > self.deadline

    @property
    def expected(self) -> datetime | None:
        """The later end where there is a range."""
        return self.planned_late or self.planned


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened to the event as a whole: 発動, 復旧, 第1報."""

    at: datetime
    name: str


def timeline(
    tracks: Sequence[Track],
    onset: datetime,
    now: datetime,
    lang: Lang = "ja",
    marks: Sequence[Mark] = (),
    groups: Sequence[tuple[str, int]] = (),
) -> Picture:
    """All tracks on one scale from onset to the last thing that matters.

    `groups`: a heading and how many tracks stand under it (業務 3, システム 8).
    """
    ends = [now + (now - onset) * 0.1, onset + timedelta(hours=1)]
    ends += [t for track in tracks for t in (track.expected, track.attained) if t]
    ends += [t.deadline for t in tracks if t.deadline]
    span = (max(ends) - onset).total_seconds() * 1.04

    def at(instant: datetime) -> float:
        return min(100.0, max(0.0, (instant - onset).total_seconds() / span * 100))

    layout = list(groups) or [("", len(tracks))]
    height = _TOP + _ROW * len(tracks) + _HEAD * sum(1 for name, count in layout if name and count)
    here = percent(at(now))
    # before the tracks: a name must not be struck through by "now"
    parts = [
        _grid(onset, span, height + 4),
        element("line", class_="now", x1=here, x2=here, y1=14, y2=height + 4),
        _now(at(now), now, lang),
        *(_mark(mark, at) for mark in marks),
    ]
    y, rest = _TOP, list(tracks)
    for name, count in layout:
        if name and count:
            parts.append(words(name, class_="head", x=0, y=y + 13))
            y += _HEAD
        for track in rest[:count]:
            parts.append(_track(track, y, now, at))
            y += _ROW
        rest = rest[count:]
    lines = tuple(_line(track, now, lang) for track in tracks)
    twin = _twin(tracks, onset, now, lang)
    svg = drawing(parts, twin, class_="timeline", width="100%", height=height + 4)
    return Picture(svg, twin, lines)


def _twin(tracks: Sequence[Track], onset: datetime, now: datetime, lang: Lang) -> str:
    return text(
        "pages.timeline_twin",
        onset=jst_short(onset, now),
        now=jst_short(now, now),
        total=len(tracks),
        done=sum(track.attained is not None for track in tracks),
        late=sum(track.late(now) for track in tracks),
    ).pick(lang)


def _now(share: float, now: datetime, lang: Lang) -> str:
    """The word beside the line, on the side where there is room."""
    said = f"{text('pages.tl_now').pick(lang)} {now.astimezone(JST).strftime('%H:%M')}"
    right = share > 80
    return words(
        said,
        class_="nowword",
        x=percent(share),
        y=27,
        dx=-4 if right else 4,
        text_anchor="end" if right else "start",
    )


def _mark(mark: Mark, at: Callable[[datetime], float]) -> str:
    x = percent(at(mark.at))
    return element("line", class_="mark", x1=x, x2=x, y1=14, y2=_TOP - 4) + words(
        "▾", class_="markword", x=x, y=_TOP - 2, text_anchor="middle"
    )


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
    parts = [words(f"{cut(track.name, 28)} {track.level}".strip(), x=0, y=y + 11)]
    begin = at(track.started) if track.started else 0.0
    if track.paper is not None and track.attained is None:
        line = y + 30
        parts.append(
            element(
                "line", class_="paper", x1=percent(at(track.paper)), x2=percent(at(now)), y1=line,
                y2=line,
            )
        )  # fmt: skip
    if track.expected is not None:
        first = at(track.planned) if track.planned_late and track.planned else begin
        parts.append(_bar("planned", min(first, at(track.expected)), at(track.expected), y))
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

    planned = part("tl_planned", track.planned)
    if planned and track.planned_late and track.planned_late != track.planned:
        planned += f"〜{jst_short(track.planned_late, now)}"
    parts = [
        part("tl_deadline", track.deadline),
        planned,
        part("tl_started", track.started),
        part("tl_attained", track.attained),
        part("tl_paper", track.paper) if track.attained is None else "",
        text("pages.tl_late").pick(lang) if track.late(now) else "",
    ]
    return f"{track.name} {track.level}".strip() + ": " + ", ".join(p for p in parts if p)

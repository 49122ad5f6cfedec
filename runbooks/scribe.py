"""聞き取り入力: one line for each step heard by phone or radio. Pure, no clock.

    JUKI-03 済 04:10 担当2 ラックは無事
    (step)  (act) (time) (who) (anything else is a note)

Full width, missing hyphens, `0410`, `4時10分頃`, `昨日23:50`, `11/23 23:50` are all understood; only
step and act are needed. A line that is not understood says what was expected and stops nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal

from bcp.kit.language import Text, text
from bcp.plan.model import City
from runbooks import commands as c
from runbooks.book import Book
from runbooks.form import DecisionStep
from runbooks.heard import Heard
from runbooks.spoken import (
    BACK,
    CLOCK,
    DAY,
    PERSON,
    hour_minute,
    instant,
    month_day,
    next_at,
    people,
    person_of,
)

Act = Literal["start", "done", "failed", "waiting", "skip", "decide"]

_WORDS: Mapping[Act, tuple[str, ...]] = {
    "done": ("済", "済み", "完", "完了", "終", "終了", "終わり", "できた", "OK", "DONE", "○", "〇"),
    "start": ("着手", "開始", "始め", "始めた", "START"),
    "failed": ("できない", "できず", "不可", "失敗", "NG", "FAILED", "×", "✕"),
    "waiting": ("待ち", "待", "待機", "WAIT"),
    "skip": ("飛ばす", "飛ばし", "省略", "スキップ", "SKIP"),
    "decide": ("決定", "判断", "選択", "DECIDE"),
}
ACTS: Mapping[str, Act] = {word: act for act, words in _WORDS.items() for word in words}
MOST_LINES, MOST_CHARACTERS = 200, 300
_ORDER = sorted(ACTS, key=len, reverse=True)


@dataclass(frozen=True, slots=True)
class Line:
    """One line and what it means; `problem` says what is wrong with it."""

    number: int
    """From 1, as the scribe counts."""
    raw: str
    step: str = ""
    title: str = ""
    act: Act | None = None
    at: datetime | None = None
    """When it happened; None = nothing was said, the time of entry counts."""
    until: datetime | None = None
    about: bool = False
    who: str = ""
    """As it was said."""
    did: str | None = None
    option: str = ""
    note: str = ""
    problem: Text | None = None

    @property
    def good(self) -> bool:
        """Can be sent."""
        return self.problem is None


@dataclass(slots=True)
class _Draft:
    at: tuple[int, int] | None = None
    day: date | None = None
    until: tuple[int, int] | None = None
    about: bool = False
    who: str = ""
    did: str | None = None
    option: str = ""
    rest: list[str] = field(default_factory=list)


def read(
    lines: str, now: datetime, city: City, book: Book, known: Mapping[str, str] | None = None
) -> tuple[Line, ...]:
    """Every line that is not blank, in order; `#` begins a comment.

    `known`: further names (logins, display names of accounts) and their pseudonyms.
    """
    names = people(city, known or {})
    found = []
    for number, raw in enumerate(lines.splitlines()[:MOST_LINES], 1):
        if raw.strip() and not raw.lstrip().startswith(("#", "＃")):
            found.append(_line(number, raw.strip()[:MOST_CHARACTERS], now, names, book))
    return tuple(found)


def command(line: Line, incident: str, how: Heard) -> c.Command:
    """The command of a good line; `how` it came here, to which the line adds who and how exact."""
    assert line.act is not None
    how = replace(how, did=line.did, name=line.who, about=line.about)
    on = {"incident": incident, "step": line.step, "occurred_at": line.at, "heard": how}
    match line.act:
        case "start":
            return c.StartStep(**on)  # type: ignore[arg-type]
        case "done":
            return c.FinishStep(note=line.note, paper=True, **on)  # type: ignore[arg-type]
        case "failed":
            return c.FailStep(reason=line.note, **on)  # type: ignore[arg-type]
        case "waiting":
            assert line.until is not None
            return c.WaitStep(until=line.until, waits_for=line.note, **on)  # type: ignore[arg-type]
        case "skip":
            return c.SkipStep(reason=line.note, **on)  # type: ignore[arg-type]
        case "decide":
            return c.TakeDecision(option=line.option, rationale=line.note, **on)  # type: ignore[arg-type]


def _line(number: int, raw: str, now: datetime, people: Mapping[str, str], book: Book) -> Line:
    words = unicodedata.normalize("NFKC", raw).replace("、", " ").replace(",", " ").split()
    step = _step(words.pop(0), book) if words else None  # a line of nothing but commas
    if step is None:
        expected = ", ".join(s.id for runbook in book for s in runbook.steps[:1])[:60]
        return Line(number, raw, problem=text("scribe.no_step", expected=expected))
    title = next(s.title for runbook in book for s in runbook.steps if s.id == step)
    decision = _decision(step, book)
    act, words = _act(words, decision)
    base = Line(number, raw, step, title, act)
    if act is None:
        return _bad(base, text("scribe.no_act", expected="済 着手 できない 待ち 飛ばす"))
    draft = _Draft()
    for index, word in enumerate(words):
        if not _take(word, draft, people, decision if act == "decide" else None):
            draft.rest = words[index:]
            break
    return _finished(base, draft, now)


def _finished(base: Line, draft: _Draft, now: datetime) -> Line:
    at, wrong = instant(draft.at, draft.day, now)
    if wrong is not None:
        return _bad(base, wrong)
    until = None
    if draft.until is not None:
        until = next_at(draft.until, at or now)
    line = Line(
        base.number,
        base.raw,
        base.step,
        base.title,
        base.act,
        at,
        until,
        draft.about,
        draft.who,
        draft.did,
        draft.option,
        " ".join(draft.rest),
    )
    if line.act == "waiting" and until is None:
        return _bad(line, text("scribe.no_until", expected="JUKI-03 待ち 04:10 06:00まで ベンダー"))
    if line.act in ("failed", "skip") and not line.note:
        return _bad(
            line, text("scribe.no_reason", expected=f"{base.step} できない 04:10 担当2 理由")
        )
    if line.act == "decide" and not line.option:
        return _bad(line, text("scribe.no_option"))
    return line


def _bad(line: Line, problem: Text) -> Line:
    values = {name: getattr(line, name) for name in Line.__slots__}
    return Line(**{**values, "problem": problem})


def _step(word: str, book: Book) -> str | None:
    """The step meant: case and hyphens do not matter where only one can be meant."""
    ids = [step.id for runbook in book for step in runbook.steps]
    plain = _bare(word)
    found = [id for id in ids if id.upper() == word.upper()] or [
        id for id in ids if _bare(id) == plain
    ]
    return found[0] if len(found) == 1 else None


def _bare(word: str) -> str:
    return re.sub(r"[-‐‑–—―ー−_.]", "", word).upper()


def _decision(step: str, book: Book) -> DecisionStep | None:
    found = (s for runbook in book for s in runbook.steps if s.id == step)
    one = next(found)
    return one if isinstance(one, DecisionStep) else None


def _act(words: list[str], decision: DecisionStep | None) -> tuple[Act | None, list[str]]:
    """The act among the first two words (time may come first); glued words are taken apart."""
    for index, word in enumerate(words[:2]):
        if (act := ACTS.get(word.upper())) is not None:
            return act, words[:index] + words[index + 1 :]
        if decision is not None and _option(word, decision):
            return "decide", words
        for known in _ORDER:  # 済04:10
            rest = word[len(known) :]
            if len(known) and word.upper().startswith(known) and rest and rest[0].isdigit():
                return ACTS[known], [*words[:index], rest, *words[index + 1 :]]
    return None, words


def _option(word: str, decision: DecisionStep) -> str:
    for number, option in enumerate(decision.options, 1):
        label = unicodedata.normalize("NFKC", option.label).replace(" ", "")
        if word.upper() in (option.id.upper(), label.upper(), str(number)):
            return option.id
    return ""


def _take(
    word: str, draft: _Draft, people: Mapping[str, str], decision: DecisionStep | None
) -> bool:
    """Whether the word is a day, a time, a person or an option; else the note begins."""
    if decision is not None and not draft.option and (option := _option(word, decision)):
        draft.option = option
        return True
    for name, back in BACK.items():
        if word.startswith(name):
            draft.day = date.min + timedelta(days=back)  # counted back from today in `instant`
            return not word[len(name) :] or _take(word[len(name) :], draft, people, decision)
    if (day := DAY.fullmatch(word)) and draft.day is None:
        with_month = month_day(int(day[1]), int(day[2]))
        if with_month is not None:
            draft.day = with_month
            return True
    plain = word.lstrip("~〜→")
    bare = re.sub(r"(頃|ごろ|ころ|くらい|まで|から)$", "", plain)
    if (clock := CLOCK.fullmatch(bare)) is not None:
        hour, minute = hour_minute(clock)
        if (word.endswith("まで") or word != plain) and draft.until is None:
            draft.until = (hour, minute)
            return True
        if draft.at is None:
            draft.at, draft.about = (hour, minute), plain != bare and not word.endswith("から")
            return True
    if not draft.who:
        did = person_of(word, people)
        if did is not None or PERSON.fullmatch(word):
            draft.who, draft.did = word, did
            return True
    return False

"""One announcement in the forms that reach people without a screen. Pure.

防災行政無線: the place that speaks, the sentence, 「繰り返します」, the sentence again, when the next one
comes, the place again. Poster: A4, large print, Japanese, やさしい日本語 and English. Telephone text for
行政区長: said slowly, with what must be repeated back and passed on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bcp.kit.units import JST, jst
from bcp.plan.model import Organization
from runbooks.notices import speech
from runbooks.paper.sheet import Block, Boxes, Heading, Note, Sheet, sealed


@dataclass(frozen=True, slots=True)
class Said:
    """What a form needs of an announcement."""

    id: str
    title: str
    body: str
    easy: str = ""
    title_en: str = ""
    body_en: str = ""
    radio: str = ""
    next_update: datetime | None = None
    drill: str | None = None
    at: datetime | None = None
    """When it was said: a promise for another day names the day."""


@dataclass(frozen=True, slots=True)
class Script:
    """A text to read aloud, how long it takes, and why it cannot be used."""

    text: str
    morae: int
    rate: float
    length: timedelta
    unreadable: tuple[str, ...] = ()
    limit: timedelta | None = None

    @property
    def usable(self) -> bool:
        """Short enough, and every sign can be read."""
        return not self.unreadable and (self.limit is None or self.length <= self.limit)


def radio_text(
    organization: str, sentence: str, following: datetime | None, at: datetime | None = None
) -> str:
    """The words of a broadcast."""
    here = f"こちらは、{organization}です。"
    said = speech.spoken(sentence).rstrip("。") + "。"
    more = f"次は、{_clock(following, at)}ごろ、お知らせします。" if following else ""
    return f"{here}\n{said}\n繰り返します。\n{said}\n{more}{here}"


def radio(said: Said, organization: str) -> Script:
    """The 60-second script; without a sentence of its own the title is read."""
    drill = "これは、訓練です。" if said.drill else ""
    sentence = drill + (
        said.radio or f"{said.title.rstrip('。')}。詳しくは、市の掲示をご覧ください。"
    )
    text = radio_text(organization, sentence, said.next_update, said.at)
    return _script(text, speech.RADIO, speech.LIMIT)


def phone(said: Said, organization: str) -> Script:
    """What is said to a 行政区長; brackets are not read."""
    drill = ["これは訓練の電話です。"] if said.drill else []
    after = (
        f"次は、{_clock(said.next_update, said.at)}ごろに、またお知らせします。"
        if said.next_update
        else ""
    )
    lines = [
        *drill,
        f"{organization}の災害対策の担当です。地域の皆さんに伝えていただきたいことが、1つあります。",
        "書き留めていただけますか。",
        f"{said.title.rstrip('。')}。",
        *said.body.replace("\r\n", "\n").split("\n"),
        *([after] if after else []),
        "いまの内容を、復唱していただけますか。",
        "お隣の班長さんと、連絡の付きにくいお宅にも、お伝えください。ありがとうございました。",
    ]
    return _script("\n".join(line for line in lines if line.strip()), speech.PHONE, None)


def _script(text: str, rate: float, limit: timedelta | None) -> Script:
    said = speech.spoken(text)
    count = speech.morae(text)
    return Script(said, count, rate, speech.length(text, rate), speech.unreadable(text), limit)


def _clock(instant: datetime, at: datetime | None) -> str:
    day = instant.astimezone(JST).date()
    other = at is not None and at.astimezone(JST).date() != day
    return (f"{day.month}月{day.day}日の、" if other else "") + speech.spoken(jst(instant, "%H:%M"))


def poster(said: Said, organization: Organization, at: datetime, printed: date) -> Sheet:
    """A4 in large print; the number at its foot tells one edition from another."""
    blocks: list[Block] = [Note(line, "large") for line in _lines(said.body)]
    if said.next_update:
        blocks.append(
            Note(f"次のお知らせ: {jst(said.next_update, '%m月%d日 %H:%M')} ごろ", "large")
        )
    if said.easy:
        blocks += [Heading("やさしい にほんご"), *(Note(x, "large") for x in _lines(said.easy))]
    if said.title_en:
        blocks += [Heading(said.title_en), *(Note(x) for x in _lines(said.body_en))]
    blocks.append(Boxes((("掲示した人・時刻", 2), ("はがす時刻", 1))))
    return sealed(
        Sheet(
            f"notice-{said.id}",
            "form",
            said.title,
            "",
            organization.name,
            "",
            jst(at, "%Y-%m-%d %H:%M 発表"),
            printed,
            tuple(blocks),
            said.drill,
            large=True,
        )
    )


def _lines(body: str) -> list[str]:
    return [line.strip() for line in body.replace("\r\n", "\n").split("\n") if line.strip()]


def today(now: datetime) -> date:
    """The city's day, for the print."""
    return now.astimezone(JST).date()

"""Sheets to act and to write on without any screen: where things are, what was handed over, what
happened, who was served by hand (R-33). Pure; where copies lie is handed in by the roof.

No secret is ever printed: of a password the sheet says in which envelope it lies, not what it is.
"""

from __future__ import annotations

from bcp.kit.units import duration_ja
from bcp.plan.model import Service, Site, System
from bcp.plan.types import Zone
from runbooks.paper.sheet import Block, Boxes, Heading, Note, Sheet, Table
from runbooks.paper.sheets import Press

_LINES, _COUNTER, _MEDIA = 24, 14, 18
"""Empty rows of one A4 page at a height one can write in with gloves."""


def network(press: Press) -> Sheet:
    """様式1・3・4: what stands where, by which address, in which zone, what it needs first."""
    city = press.city
    names = {one.id: one.name for one in city.systems}
    sites = {one.id: one.name for one in city.sites}
    blocks: list[Block] = [
        Note("番号や場所は、関係者以外に見せない。回線の区画をまたいで機器をつながない。", "safety")
    ]
    for zone in Zone:
        here = [one for one in city.systems if one.zone is zone]
        if not here:
            continue
        rows = tuple(
            (
                one.name,
                _place(press, one, sites),
                _address(one),
                "、".join(names.get(d.system, d.system) for d in one.depends_on) or "－",
                "",
            )
            for one in here
        )
        columns = ("システム", "置き場所", "接続先", "先に要るもの", "気づいたこと")
        blocks += [Heading(f"区画: {zone.value}"), Table(columns, (5, 4, 4, 8, 2), rows)]
    blocks += [
        Heading("拠点(鍵の場所と開ける人は、配るときに書き込む)"),
        Table(
            ("拠点", "所在", "電源(計画)", "鍵の場所・開ける人"),
            (4, 5, 5, 5),
            tuple(_site(one) for one in city.sites if one.kind != "cloud"),
            tall=True,
        ),
    ]
    return press.sheet("network", "form", "機器の場所と接続先", "様式1・3・4", tuple(blocks))


def copies(press: Press) -> Sheet:
    """様式7: where each copy lies, on what, and where the envelope with its password is."""
    sites = {one.id: one.name for one in press.city.sites}
    rows = tuple(
        (
            one.name,
            one.location,
            f"{sites.get(one.site or '', one.site or '未設定')}・{one.medium}",
            one.how,
            "",
        )
        for one in press.copies
    )
    blocks: tuple[Block, ...] = (
        Note(
            "控えに書き込まない・消さない。戻す前に、侵入より前の控えかを必ず確かめる。", "safety"
        ),
        Table(
            ("データ", "場所", "置き場所・媒体", "作り方", "開けた人・時刻"),
            (4, 7, 4, 4, 3),
            rows or (("(計画に控えがない)", "", "", "", ""),),
        ),
        Heading("合言葉の封筒"),
        Note(press.city.disaster.envelope or "未設定(決めて、ここに書く)", "large"),
        Note("2人で開け、開けた時刻と2人の氏名を書き、使い終わったら封をし直す。", "stop"),
        Boxes((("開けた時刻", 2), ("1人目", 3), ("2人目", 3), ("封をし直した時刻", 3))),
    )
    return press.sheet("yoshiki-7", "form", "控え(バックアップ)の場所", "様式7", blocks)


def media(press: Press) -> Sheet:
    """The custody of tapes, disks and papers that leave a place: who handed what to whom."""
    columns = ("日時", "媒体の番号", "中身", "どこから→どこへ", "渡した人", "受けた人", "封")
    blocks: tuple[Block, ...] = (
        Note("一つ動かすごとに1行。渡した人と受けた人が、その場で書く。"),
        Table(columns, (3, 3, 4, 5, 3, 3, 2), (("",) * len(columns),) * _MEDIA, tall=True),
    )
    return press.sheet("media-log", "form", "媒体の受け渡し記録", "", blocks)


def happenings(press: Press) -> Sheet:
    """The chronology on paper, to be typed in later with its own times (R-34)."""
    columns = ("時刻", "氏名", "起きたこと・したこと・聞いたこと(だれから)", "手順の番号", "入力")
    blocks: tuple[Block, ...] = (
        Boxes((("日付", 2), ("拠点", 3), ("記録する人", 3), ("何枚目", 1))),
        Note("その場で1行ずつ。分からないことは書かない。直すときは線で消し、上から書かない。"),
        Table(columns, (2, 3, 9, 2, 1), (("",) * len(columns),) * _LINES, tall=True),
    )
    return press.sheet("event-log", "form", "出来事の記録", "", blocks)


def counters(press: Press) -> tuple[Sheet, ...]:
    """One receipt book for each service that goes on by hand (代替)."""
    return tuple(_counter(press, one) for one in press.city.services if one.alternate)


def _counter(press: Press, service: Service) -> Sheet:
    columns = (
        "番号",
        "時刻",
        "氏名(来た人)",
        "本人の確認",
        "求められたこと",
        "渡した・約束した",
        "後入力",
    )
    blocks: tuple[Block, ...] = (
        Note(f"代わりのやり方: {service.alternate}", "stop"),
        Boxes((("日付", 2), ("窓口", 3), ("受けた人", 3), ("何枚目", 1))),
        Note("番号を控えの紙にも書いて渡す。後で機械に入れたら「後入力」に時刻を書く。"),
        Table(columns, (1, 2, 4, 3, 5, 4, 2), (("",) * len(columns),) * _COUNTER, tall=True),
    )
    return press.sheet(
        f"counter-{service.id}",
        "form",
        f"手書き受付簿 {service.name}",
        "代替",
        blocks,
        classification="個人情報・厳重管理",
    )


def _place(press: Press, system: System, sites: dict[str, str]) -> str:
    hosted = system.hosted(press.printed)
    found = [sites.get(one.site or "", one.provider or one.kind) for one in hosted]
    return "、".join(found) or "、".join(sites.get(id, id) for id in system.sites) or "未設定"


def _address(system: System) -> str:
    return "\n".join(filter(None, (system.host, system.url))) or "未設定"


def _site(site: Site) -> tuple[str, str, str, str]:
    power = site.power
    said = []
    if power is not None:
        said += [f"UPS {duration_ja(power.ups)}"] if power.ups else []
        said += [f"発電機 {duration_ja(power.generator)}"] if power.generator else []
    mark = " ※要確認" if site.unconfirmed else ""
    return site.name + mark, site.address or "未設定", "・".join(said) or "未設定", ""

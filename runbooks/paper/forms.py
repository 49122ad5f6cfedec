"""The forms of the disaster set: 初参集者カード, 様式9, 様式11. Pure."""

from __future__ import annotations

from bcp.plan.model import Person
from runbooks.damageitems import BEFORE_POWER, ITEMS
from runbooks.paper.sheet import Block, Boxes, Checklist, Heading, Note, Sheet, Table
from runbooks.paper.sheets import Press, runbook


def disaster_set(press: Press) -> tuple[Sheet, ...]:
    """初参集者カード, 様式9, 様式11 and every runbook meant for paper, in the order of use."""
    return (
        first_card(press),
        contacts(press),
        damage(press),
        *(runbook(press, item) for item in press.book),
    )


def contacts(press: Press) -> Sheet:
    """様式9 緊急連絡先一覧: personal data, therefore with its own classification."""
    city = press.city
    rows = []
    for role in city.roles:
        for rank, id in enumerate(role.succession):
            person = city.person(id)
            if person is not None:
                order = "正" if rank == 0 else f"代行{rank}"
                rows.append((role.name if rank == 0 else "", order, *_reach(person), ""))
    names: dict[tuple[str, str, str, str], list[str]] = {}
    for system in city.systems:
        if (vendor := system.vendor) is not None:
            key = (vendor.name, vendor.phone or "未設定", vendor.hours or "", vendor.contract or "")
            names.setdefault(key, []).append(system.name)
    outside = tuple((*key, "、".join(systems), "") for key, systems in names.items())
    blocks: tuple[Block, ...] = (
        Note("つながらないときは下の人へ。2回かけて出なければ次の人にかけ、時刻を書く。", "stop"),
        Heading("職員"),
        Table(
            ("役割", "順", "氏名", "電話", "携帯・無線", "連絡した時刻"),
            (6, 2, 4, 4, 4, 3),
            tuple(rows),
            tall=True,
        ),
        Heading("事業者"),
        Table(
            ("事業者", "電話", "受付時間", "契約番号", "システム", "連絡した時刻"),
            (4, 4, 3, 3, 7, 3),
            outside,
            tall=True,
        ),
    )
    return press.sheet(
        "yoshiki-9",
        "contacts",
        "緊急連絡先一覧",
        "様式9",
        blocks,
        classification="個人情報・厳重管理",
    )


def _reach(person: Person) -> tuple[str, str, str]:
    mark = " ※要確認" if person.unconfirmed else ""
    mobile = "\n".join(filter(None, (person.mobile, person.radio)))
    return person.name + mark, person.phone or "未設定", mobile or "—"


def damage(press: Press) -> Sheet:
    """様式11 被害チェックシート, blank. 未確認 is an answer of its own."""
    rows = tuple(
        (
            "" if place and ITEMS[place - 1].area == item.area else item.area,
            item.ja,
            "〇　△　×　未確認",
            "",
            "",
            "残り　　時間" if item.hours else "",
        )
        for place, item in enumerate(ITEMS)
    )
    blocks: tuple[Block, ...] = (
        Note("自分の安全が先。危ない場所には入らず「未確認」に丸を付ける。", "safety"),
        Boxes((("拠点", 3), ("調べた人", 3), ("始めた時刻", 2), ("終わった時刻", 2))),
        Table(
            ("区分", "見るもの", "丸を付ける", "時刻", "氏名", "気づいたこと"),
            (2, 8, 6, 2, 3, 4),
            rows,
            tall=True,
        ),
        Heading("電源を入れる前に(5つとも印が付くまで入れない)"),
        Checklist(tuple(BEFORE_POWER.values())),
        Note("〇 使える  △ 一部使える  × 使えない  未確認 見ていない(分からない)"),
    )
    return press.sheet("yoshiki-11", "damage", "被害チェックシート", "様式11", blocks)


def first_card(press: Press) -> Sheet:
    """初参集者カード: safety first, who commands, three steps, where the envelope is."""
    city = press.city
    initial = next((item for item in press.book if item.purpose == "initial"), None)
    commanders = []
    for id in city.disaster.authority:
        role = city.role(id)
        person = city.person(role.succession[0]) if role and role.succession else None
        if role is not None:
            commanders.append((role.name, person.name if person else "未設定", "", ""))
    envelope = city.disaster.envelope or "未設定(決めて、ここに書く)"
    sheet_name = f"「{initial.title}」の手順書" if initial is not None else "初動の手順書"
    three = (
        "けが人・火・水を見る。危なければ外に出て、119 に電話する。",
        "封筒を開け、様式9の番号で「指揮する人」に上から順に電話する。全員だめなら、あなたが指揮する。",
        f"{sheet_name}を1番から始める。時刻と氏名を書く。",
    )
    blocks: tuple[Block, ...] = (
        Note("まず、あなたの安全。傾き・におい・水があれば、建物に入らない。", "safety"),
        Heading("することは3つ"),
        Checklist(tuple(f"{number}. {line}" for number, line in enumerate(three, 1))),
        Heading("封筒の場所"),
        Note(envelope, "large"),
        Heading("指揮する人(上から順。出た人が指揮する)"),
        Table(
            ("役割", "氏名", "電話した時刻", "出た・出ない"),
            (6, 4, 3, 3),
            tuple(commanders),
            tall=True,
        ),
        Note("電話番号は封筒の中の 様式9。パスワードや番号を、電話で言わない。"),
        Boxes((("着いた時刻", 3), ("あなたの氏名・所属", 6))),
    )
    return press.sheet("card", "card", "最初に着いた人へ", "初参集者カード", blocks, large=True)

"""The forms that follow from the plan: 様式8, 10, 12, 16, 17 and the first hour of each role. Pure."""

from __future__ import annotations

from bcp.kit.units import duration_ja
from bcp.plan.model import Role, System
from runbooks.paper.sheet import Block, Boxes, Checklist, Heading, Note, Sheet, Steps, Table
from runbooks.paper.sheets import Press, step_line

_DRILLS = ("机上(図上)", "情報伝達", "参集", "実動", "復元試験", "切替")
_PURPOSES = {"initial": "初動", "alternate": "代替", "recover": "復旧", "return": "切戻し"}


def organisation(press: Press) -> Sheet:
    """様式8 緊急時対応体制: who decides, in which order, who does what."""
    city = press.city
    authority = tuple(
        (str(rank), role.name, _people(press, role), "")
        for rank, id in enumerate(city.disaster.authority, 1)
        if (role := city.role(id)) is not None
    )
    roles = tuple(
        (role.name, role.duty or "未設定", _people(press, role), "") for role in city.roles
    )
    levels = tuple((str(one.number), one.name, one.meaning or "") for one in city.disaster.levels)
    blocks: tuple[Block, ...] = (
        Note(
            "上から順に連絡し、つながった人が指揮する。全員だめなら、そこにいる人が指揮する。",
            "stop",
        ),
        Heading("発動を決める人(代行の順)"),
        Table(("順", "役割", "氏名(正・代行)", "時刻"), (1, 4, 7, 2), authority, tall=True),
        Heading("発動の基準"),
        Checklist(city.disaster.criteria or ("未設定",)),
        Table(("段階", "名前", "意味"), (1, 3, 8), levels),
        Heading("役割"),
        Table(("役割", "すること", "氏名(正・代行)", "着いた時刻"), (3, 5, 5, 2), roles, tall=True),
    )
    return press.sheet("yoshiki-8", "form", "緊急時対応体制", "様式8", blocks)


def action_plan(press: Press) -> Sheet:
    """様式10 緊急時における行動計画: 初動・代替・復旧・切戻し, which sheet to take."""
    city = press.city
    names = {system.id: system.name for system in city.systems}
    blocks: list[Block] = [Note("優先度の高い業務から。番号の手順書を取り出して1番から行う。")]
    for purpose, word in _PURPOSES.items():
        rows = tuple(
            (
                item.title,
                names.get(item.system or "", "全体"),
                role.name
                if (role := city.role(item.owner_role or ""))
                else (item.owner_role or ""),
                str(len(item.steps)),
                "",
            )
            for item in press.book
            if item.purpose == purpose
        )
        if rows:
            columns = ("手順書", "対象", "担当", "手順数", "始めた時刻")
            blocks += [Heading(word), Table(columns, (7, 5, 4, 2, 3), rows)]
    alternates = tuple(
        (service.name, service.alternate or "未設定", service.department or "", "")
        for service in city.services
    )
    heads = ("業務", "代わりのやり方", "所管", "始めた時刻")
    blocks += [Heading("代替手段(紙などで続ける)"), Table(heads, (5, 7, 4, 3), alternates)]
    return press.sheet("yoshiki-10", "form", "緊急時における行動計画", "様式10", tuple(blocks))


def drill_plan(press: Press) -> Sheet:
    """様式12 訓練計画: every kind of drill and every runbook, with the dates to fill in."""
    kinds = tuple((kind, "", "", "", "") for kind in _DRILLS)
    books = tuple(
        (item.title, _PURPOSES[item.purpose], f"第{item.version}版", "", "") for item in press.book
    )
    blocks: tuple[Block, ...] = (
        Note("年に一度は、すべての手順書を誰かが最後まで行う。見つけたことは手順書に戻す。"),
        Table(
            ("訓練", "予定日", "実施日", "参加した人", "見つけたこと"),
            (3, 2, 2, 4, 6),
            kinds,
            tall=True,
        ),
        Heading("手順書ごとの実施"),
        Table(("手順書", "種類", "版", "実施日", "実施した人"), (7, 2, 3, 3, 4), books),
    )
    return press.sheet("yoshiki-12", "form", "訓練計画", "様式12", blocks)


def services(press: Press) -> Sheet:
    """様式16 重要業務一覧, the highest class first."""
    city = press.city
    order = sorted(city.services, key=lambda one: (_rank(one.priority), one.name))
    systems = {system.id: system.name for system in city.systems}
    rows = tuple(
        (
            one.priority or "－",
            one.name + (" ※要確認" if one.unconfirmed else ""),
            one.department or "",
            _length(one.rto_disaster or one.rto),
            _length(one.mtpd),
            "、".join(systems.get(need.system, need.system) for need in one.needs),
            one.alternate or "未設定",
        )
        for one in order
    )
    columns = ("優先", "業務", "所管", "目標", "最大", "要るシステム", "代わりのやり方")
    blocks: tuple[Block, ...] = (
        Note("目標=大規模災害時の復旧目標時間、最大=これ以上は止められない時間。"),
        Table(columns, (1, 5, 3, 2, 2, 5, 6), rows),
    )
    return press.sheet("yoshiki-16", "form", "重要業務一覧", "様式16", blocks)


def systems(press: Press) -> Sheet:
    """様式17 重要情報システム一覧: order of recovery, targets, whom to call."""
    order = sorted(press.city.systems, key=lambda one: (_rank(one.priority), one.name))
    names = {one.id: one.name for one in press.city.systems}
    rows = tuple(
        (
            one.priority or "－",
            one.name + (" ※要確認" if one.unconfirmed else ""),
            one.zone.value,
            _targets(one),
            "、".join(names.get(need.system or "", need.system or "－") for need in one.depends_on),
            f"{one.vendor.name}\n{one.vendor.phone or '未設定'}" if one.vendor else "－",
        )
        for one in order
    )
    columns = ("優先", "システム", "区画", "目標(水準: 災害時)", "先に要るもの", "事業者・電話")
    blocks: tuple[Block, ...] = (
        Note("上から順に戻す。「先に要るもの」が戻ってから。"),
        Table(columns, (1, 5, 3, 5, 5, 4), rows),
    )
    return press.sheet("yoshiki-17", "form", "重要情報システム一覧", "様式17", blocks)


def first_hours(press: Press) -> tuple[Sheet, ...]:
    """最初の1時間, one sheet for each role that has something to do in it."""
    found = []
    for role in press.city.roles:
        if role.outside:
            continue
        lines = [
            step_line(press, item, step)
            for item in press.book
            if item.purpose == "initial"
            for step in item.steps
            if step.paper and item.role_of(step, press.hours) in (role.id, role.name)
        ]
        if not lines and not role.duty:
            continue
        blocks: list[Block] = [
            Note("まず自分と周りの人の安全。それから上から順に。時刻と氏名を書く。", "safety"),
            Note(f"あなたの役割: {role.duty or '未設定'}", "stop"),
            Note(f"正・代行: {_people(press, role)}"),
            Boxes((("着いた時刻", 2), ("氏名", 3), ("指揮する人", 3))),
        ]
        if lines:
            blocks.append(Steps(tuple(lines)))
        else:
            blocks.append(
                Note("この役割だけの手順はない。指揮する人に着いたことを伝え、指示を受ける。")
            )
        title = f"最初の1時間 {role.name}"
        found.append(press.sheet(f"first-hour-{role.id}", "form", title, "初動", tuple(blocks)))
    return tuple(found)


def _people(press: Press, role: Role) -> str:
    people = [press.city.person(id) for id in role.succession]
    return " → ".join(person.name for person in people if person is not None) or "未設定"


def _targets(system: System) -> str:
    return "\n".join(
        f"{target.level} {target.name or ''}: {_length(target.rto_disaster or target.rto)}"
        for target in system.targets
    )


def _length(value: object) -> str:
    from datetime import timedelta

    return duration_ja(value) if isinstance(value, timedelta) else "未設定"


def _rank(priority: str | None) -> int:
    return "SABCD".index(priority) if priority else 9

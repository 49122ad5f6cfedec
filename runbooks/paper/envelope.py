"""封筒: the sheet of cut-out cards of one branch. Printed once; the codes are kept nowhere. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bcp.kit.typed_code import grouped
from runbooks.paper.sheet import Cards, CutOut, Heading, Note, Sheet, Table
from runbooks.paper.sheets import Press


def envelope(
    press: Press, site: str, cards: Sequence[tuple[int, str, str]], address: str | None = None
) -> Sheet:
    """Cards as (number, code, QR text); `address` = where this service is reached, by IP."""
    place = press.city.site(site)
    name = place.name if place is not None else site
    where = f"画面: {address}/break-glass" if address else "画面: ログイン画面の下のボタン"
    cut = tuple(
        CutOut(str(number), grouped(code), qr, (where, "氏名:", "使った日時:"))
        for number, code, qr in cards
    )
    numbers = [number for number, _code, _qr in cards]
    blocks = (
        Note(
            "開けるのは、災害・大きな障害のときだけ。開けた人が日時と氏名をここに書く。", "safety"
        ),
        Table(("開けた日時", "開けた人", "理由"), (3, 3, 6), (("", "", ""),), tall=True),
        Note(
            "一人に一枚。カードの番号・符号と自分の氏名を入れると、職員として入れる。使うと全員に知れる。"
        ),
        Note(
            "電話や無線で符号を読み上げない。使ったカードは氏名を書いて封筒に戻す。終わったら封筒ごと新しくする。"
        ),
        Heading("切り取って渡す"),
        Cards(cut),
    )
    return press.sheet(
        f"envelope-{numbers[0] // 100}",
        "codes",
        f"緊急用封印コード {name}",
        "封筒",
        blocks,
        classification="封緘・厳重管理",
    )

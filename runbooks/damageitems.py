"""What is looked at after a disaster (様式11), in the order of the sheet. Pure data, one owner.

Answered by a person who looked, never by a probe (R-31). 未確認 is a value of its own and the
default: nobody has looked, so nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass

GOOD, PARTLY, BAD, UNSEEN = "good", "partly", "bad", "unseen"
VALUES = (GOOD, PARTLY, BAD, UNSEEN)
SYMBOLS = {GOOD: "〇", PARTLY: "△", BAD: "×", UNSEEN: "未確認"}


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the sheet. The plan says which systems' probes speak to it (`damage_items`)."""

    id: str
    area: str
    ja: str
    en: str
    hours: bool = False
    """With the hours left (fuel, battery)."""


ITEMS = (
    Item("people", "人", "職員の安否・けが人・参集できる人数", "people: safe, hurt, able to come"),
    Item("entry", "建物", "建物に入れるか(傾き・ひび・火・水)", "building: may one enter"),
    Item(
        "room",
        "建物",
        "サーバ室(水・火・におい)",
        "server room: water, fire, smell",
    ),
    Item("mains", "電気", "商用電源", "mains power"),
    Item(
        "generator", "電気", "非常用発電機と燃料の残り時間", "generator, hours of fuel", hours=True
    ),
    Item("ups", "電気", "UPSの残り時間", "UPS, hours left", hours=True),
    Item("cooling", "空調", "サーバ室の空調と室温", "air-conditioning"),
    Item("rack", "機器", "ラックの傾き・線の抜け", "racks tilted, cables pulled"),
    Item("servers", "機器", "サーバ", "servers"),
    Item("storage", "機器", "記憶装置", "storage"),
    Item("clients", "機器", "端末・プリンタ", "PCs and printers"),
    Item("lan", "通信", "庁内LAN", "LAN"),
    Item("wan", "通信", "LGWAN・外への回線・支所との回線", "WAN, LGWAN"),
    Item("phones", "通信", "電話・携帯・防災無線", "phones and radio"),
    Item("media", "データ", "控え(バックアップ)の媒体", "backup media"),
    Item("ledgers", "データ", "紙の台帳・様式", "paper registers and forms"),
)
IDS = tuple(item.id for item in ITEMS)

BEFORE_POWER = {
    "dry": "水にぬれていない",
    "no_smell": "こげたにおい・煙がない",
    "rack": "ラックが立っていて、線が抜けていない",
    "enough_power": "電源(UPS・燃料)の残り時間が、立ち上げと停止の両方に足りる",
    "cooling": "空調が動いている(冷えない部屋で電源を入れない)",
}
"""R-32: restarting warm storage without cooling is the classic second disaster."""


def item(id: str) -> Item | None:
    """The line with this id."""
    return next((one for one in ITEMS if one.id == id), None)

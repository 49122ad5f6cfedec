"""Words of `ict-bcp disaster` about the frame of an event: suggestions, authority, scope, proof."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from runbooks.intensity import SCALE

Leaf = Callable[[str, str, str], argparse.ArgumentParser]
Word = tuple[tuple[str, ...], dict[str, Any]]


def _reason(required: bool = True) -> Word:
    return (("--reason",), {"required": required, "default": "", "help": "理由 / reason"})


def _many(name: str) -> Word:
    plural = f"{name}s"
    told = {"action": "append", "default": [], "dest": plural, "metavar": "ID"}
    return ((f"--{name}",), {**told, "help": "省くと全部 / all without"})


_KIND: Word = (("kind",), {"choices": ["service", "system"]})
_ID: Word = (("id",), {"metavar": "ID"})
_PART: Word = (("kind",), {"choices": ["service", "system", "site"]})
_NOT: Word = (
    ("--not",),
    {"dest": "works", "action": "store_false", "help": "使えない・取り消す / it does not work"},
)
_HOLD: Word = (("what",), {"choices": ["containment", "evidence", "snapshot"]})
_SUGGESTION: Word = (("suggestion",), {"metavar": "SUGGESTION"})

VERBS: dict[str, tuple[str, str, tuple[Word, ...]]] = {
    "suggest": (
        "発動を提案する・見たことを知らせる",
        "suggest a declaration, report what was seen",
        (
            (("text",), {"help": "「プリンターから脅迫文が出る」 / in words"}),
            (("--kind",), {"default": "", "help": "threat_note, shaking, flood, power …"}),
            (("--level",), {"type": int, "default": 3}),
            (("--intensity",), {"choices": SCALE, "help": "震度 (5- = 5弱) / JMA intensity"}),
            (("--nature",), {"choices": ["disaster", "failure", "cyber"]}),
            (("--onset",), {"help": "2026-11-23T10:02 (JST)"}),
            _many("system"),
            _many("site"),
        ),
    ),
    "suggestions": ("答えを待つ提案", "suggestions still to be answered", ()),
    "dismiss": ("提案を見送る", "dismiss a suggestion", (_SUGGESTION, _reason())),
    "later": (
        "提案を後で判断する",
        "decide about a suggestion later",
        (_SUGGESTION, (("--minutes",), {"type": int, "default": 30})),
    ),
    "ratify": ("事後承認する", "ratify", ()),
    "erase-photo": (
        "写真を消去する (記録は残る)",
        "erase a photo; that it was there stays in the log",
        ((("digest",), {"metavar": "DIGEST"}), _reason()),
    ),
    "answer": ("発動の知らせを確認したと伝える", "say that you know of the event", ()),
    "overrule": ("承認しない", "overrule", (_reason(),)),
    "cancel": ("取り消す (解除ではない)", "cancel (not a stand-down)", (_reason(),)),
    "level": ("段階を変える", "change the level", ((("level",), {"type": int}), _reason())),
    "scope": (
        "範囲を変える",
        "change the scope",
        (_many("system"), _many("service"), _many("site"), _reason()),
    ),
    "onset": ("発災時刻を訂正する", "correct the onset", ((("onset",), {}), _reason())),
    "relapse": ("再発を記録する", "record a relapse", (_reason(),)),
    "part": (
        "一部解除する",
        "end one part of the event",
        (
            _PART,
            _ID,
            (
                ("--waive",),
                {"action": "store_true", "help": "証拠なしで、理由を書いて / without evidence"},
            ),
            _reason(required=False),
        ),
    ),
    "resume": ("一部解除を取りやめる", "take a part back", (_PART, _ID, _reason())),
    "confirm": (
        "業務確認を記録する",
        "the business owner confirms",
        (_KIND, _ID, (("--level",), {"default": ""}), _NOT, _reason(required=False)),
    ),
    "look": (
        "目視を記録する",
        "seen by a person",
        ((("system",), {}), (("level",), {}), _NOT, _reason()),
    ),
    "estimate": (
        "復旧見込みを記録する",
        "when it will be back, as somebody said",
        (
            _KIND,
            _ID,
            (("--eta",), {"help": "省くと未定 / not known without"}),
            (("--source",), {"choices": ["vendor", "provider", "staff"], "default": "staff"}),
            (("--note",), {"default": ""}),
        ),
    ),
    "stop": (
        "自主停止・計画停止",
        "stopped on purpose",
        (
            (("system",), {}),
            (("--kind",), {"choices": ["voluntary", "planned"], "default": "voluntary"}),
            (("--until",), {}),
            _reason(),
        ),
    ),
    "restart": ("停止を終える", "end a stop on purpose", ((("system",), {}),)),
    "settle": ("封じ込め・証拠保全を記録する", "containment or evidence done", (_HOLD, _reason())),
    "override": ("保留を決定で外す", "pass a hold by decision", (_HOLD, _reason())),
    "intrusion": ("侵入時刻を記録する", "date the intrusion", ((("at",), {}), _reason())),
}
"""verb -> (日本語, English, arguments); each is the operation `disaster.VERB`."""

_NO_EVENT = frozenset({"suggest", "suggestions", "dismiss", "later"})


def add_verbs(leaf: Leaf) -> None:
    """Give each verb its words."""
    for verb, (ja, en, words) in VERBS.items():
        made = leaf(verb, ja, en)
        for flags, told in words:
            made.add_argument(*flags, **told)


def dests(verb: str) -> tuple[str, ...]:
    """Names of what was typed for a verb."""
    _ja, _en, words = VERBS[verb]
    event = () if verb in _NO_EVENT else ("incident",)
    own = (told.get("dest") or flags[0].lstrip("-") for flags, told in words)
    return (*own, *event)


def declare_more(declare: argparse.ArgumentParser) -> None:
    """What a declaration may say besides level, onset and reason."""
    declare.add_argument("--service", action="append", default=[], metavar="ID")
    declare.add_argument("--site", action="append", default=[], metavar="ID")
    declare.add_argument(
        "--link", action="append", default=[], metavar="EVENT", help="関連する発動 / linked event"
    )
    declare.add_argument("--suggestion", metavar="ID", help="もとになった提案 / what it came of")
    declare.add_argument(
        "--tried",
        action="append",
        default=[],
        metavar="ROLE@TIME=OUTCOME",
        help="連絡がつかなかった人 / who could not be reached",
    )
    declare.add_argument(
        "--dry-run", action="store_true", help="起きることだけを示す / only say what would happen"
    )
    declare.add_argument(
        "--exercise",
        choices=["tabletop", "communication", "muster", "live", "restore", "switch"],
        default="live",
        help="訓練の種類 / kind of drill",
    )

"""What a database said: rows as plain values, or an error by its SQLSTATE."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from bcp.kit.language import Text
from probes.engine import redact
from probes.engine.trouble import Trouble

Value = bool | int | float | str | None
Row = dict[str, Value]

ROWS = 100
"""More are not read: a check asks for a figure, not for a table."""
CAP = 256 << 10
"""Bytes heard in one run."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a statement may take."""

    statement: timedelta


def number(text: str, whole: bool) -> Value:
    """A number as the database wrote it; the text itself when it is none JSON knows."""
    try:
        value = int(text) if whole and len(text) <= 40 else float(text)
    except ValueError:
        return text
    return value if math.isfinite(value) else text


_DATABASE = Text("そのデータベースがない", "no such database")
_FULL = Text("接続の数が上限", "too many connections")
_DOWN = Text("起動中か停止中", "starting up or shutting down")
_LATE = Text("問い合わせが時間内に終わらず、止めた", "the statement took too long and was stopped")
_WRITES = Text(
    "読み取り専用でない問い合わせは実行しない", "a statement that does not only read is not run"
)
_SAID: dict[str, tuple[Text, bool]] = {
    "28": (Text("接続を許されていない", "not allowed to connect"), True),
    "3D000": (_DATABASE, False),
    "1049": (_DATABASE, False),
    "53300": (_FULL, False),
    "1040": (_FULL, False),
    "1203": (_FULL, False),
    "57P": (_DOWN, False),
    "1053": (_DOWN, False),
    "57014": (_LATE, False),
    "1969": (_LATE, False),
    "3024": (_LATE, False),
    "25006": (_WRITES, True),
    "1792": (_WRITES, True),
    "42501": (Text("見る権限がない", "no right to look"), True),
    "1044": (Text("そのデータベースを見る権限がない", "no right to the database"), True),
    "1142": (Text("見る権限がない", "no right to look"), True),
    "1143": (Text("見る権限がない", "no right to look"), True),
    "1227": (Text("見る権限がない", "no right to look"), True),
    "1129": (Text("この機械からの接続が止められている", "this host is blocked"), True),
    "1130": (Text("この機械からの接続は許されていない", "this host may not connect"), True),
    "42601": (Text("問い合わせの書き方の誤り", "the statement is no SQL"), True),
    "1064": (Text("問い合わせの書き方の誤り", "the statement is no SQL"), True),
    "42P01": (Text("表がない", "no such table"), False),
    "1146": (Text("表がない", "no such table"), False),
}
"""By SQLSTATE or MySQL's number: what it means, and whether it is our side that is wrong."""
_SHOWN = ("08", "25", "28", "3D", "42", "53", "57")
"""Classes whose message names things, never what stands in a row (22P02 quotes a value)."""


def said(state: str, code: str, message: str) -> Trouble:
    """A server's error as a Trouble. Messages of other classes may quote data: not shown."""
    shown = f"{state} {message}" if state[:2] in _SHOWN else state
    key = next((k for k in (code, state, state[:3], state[:2]) if k in _SAID), None)
    name = f"{code} {state}".strip() if code else state
    text, ours = Text(f"エラー {name}", f"error {name}"), False
    if key is not None:
        what, ours = _SAID[key]
        text = Text(f"{what.ja} ({name})", f"{what.en} ({name})")
    return Trouble(text, "answer", ours=ours, evidence=(redact.line(shown),))

"""Field types of the plan: durations, ids, dates, zones."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic import Field as _Field

from bcp.kit.units import format_duration, parse_duration


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(
            "時間は 90s 15m 4h 2d 1h30m の形で書く / write a duration as 90s 15m 4h 2d"
        )
    return parse_duration(value)


Duration = Annotated[
    timedelta,
    PlainValidator(_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(\d+(ms|s|m|h|d|w))+$",
            "examples": ["90s", "15m", "4h", "1h30m"],
        }
    ),
]
"""A length of time, written `90s 15m 4h 2d 1h30m`."""


def _day(value: Any) -> date:
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        raise ValueError("日付は 2026-04-01 の形で書く / write a date as 2026-04-01")
    return date.fromisoformat(value)


Day = Annotated[
    date,
    PlainValidator(_day),
    PlainSerializer(lambda day: day.isoformat(), return_type=str),
    WithJsonSchema({"type": "string", "format": "date"}),
]

Id = Annotated[str, _Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""Short and speakable: it goes into URLs, labels and over the radio."""

CheckId = Annotated[str, _Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@/-]{0,127}$")]
"""Like `Id`, and `/` joins the parts of a made one: `juki/ping`, `backup/juki/main/4`."""

Intensity = Literal["1", "2", "3", "4", "5-", "5+", "6-", "6+", "7"]
"""震度."""
LevelId = Annotated[str, _Field(pattern=r"^L[0-9]$")]


class Zone(StrEnum):
    """三層の対策: the network layers of a municipality; nothing may bridge them (R-43)."""

    MYNUMBER = "マイナンバー利用事務系"
    LGWAN = "LGWAN接続系"
    INTERNET = "インターネット接続系"


CLOSED_ZONES = frozenset({Zone.MYNUMBER, Zone.LGWAN})
"""Zones where a check needs a written permission (R-93)."""


class Model(BaseModel):
    """Base of every part of the plan: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)


DamageItem = Literal[
    "room",
    "mains",
    "generator",
    "ups",
    "cooling",
    "rack",
    "servers",
    "storage",
    "clients",
    "lan",
    "wan",
    "phones",
    "media",
]
"""Lines of the damage check sheet (様式11) that a machine may speak to; the others only people."""

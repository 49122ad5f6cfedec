"""The plan's section `notify`: by which independent ways people are told (R-95)."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, field_validator, model_validator

from bcp.plan.types import Duration, Id, Model
from bcp.watch.announcing import LOUDEST, Announcement, Kind
from bcp.watch.values import Severity

_NEEDS = {
    "webhook": (("url", "url_file"),),
    "mail": (("smtp",), ("sender",), ("to_file",)),
    "command": (("argv",),),
}
"""Per kind: groups of fields of which exactly one must be set."""


class NotifyRoute(Model):
    """One way out. Where two are meant to be independent, give them different networks and power."""

    id: Id
    kind: Literal["webhook", "mail", "command"] = "webhook"
    """`webhook`: one JSON document per POST. `mail`: SMTP. `command`: a program of this host (siren,
    loudspeaker, SMS gateway) that gets the text on its standard input."""
    url: str | None = Field(None, pattern=r"^https?://")
    url_file: str | None = None
    """webhook: file that holds the URL, for those with a token in it."""
    smtp: str | None = Field(None, pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^:/\s]+):[0-9]{1,5}$")
    """mail: server and port, as `mail.example.jp:587`."""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """mail: how the connection is secured; `none` only inside one's own network."""
    sender: str | None = Field(None, pattern=r"^[^@\s<>]+@[^@\s<>]+$")
    to_file: str | None = None
    """mail: file with one address per line: addresses of people stand in no plan and no log."""
    user: str | None = None
    password_file: str | None = None
    argv: tuple[str, ...] = Field((), max_length=64)
    """command: the program (absolute path) and its arguments; no shell, no secret."""
    min_severity: Severity = Severity.MEDIUM
    kinds: tuple[Kind, ...] = ()
    """Kinds of messages; empty = all."""
    drill: bool = False
    """True: a route for drills only. Real messages never go there, drill messages nowhere else."""
    after: Duration | None = None
    """The next one to call: told of a failing check only when nobody has taken it on for so long, and
    of an event when it is told again."""
    repeat: Duration | None = None
    """A failing check that nobody has taken on is told again this often."""
    timeout: Duration = timedelta(seconds=10)

    @field_validator("argv")
    @classmethod
    def _absolute(cls, argv: tuple[str, ...]) -> tuple[str, ...]:
        if argv and not argv[0].startswith("/"):
            raise ValueError("argv の先頭は絶対パス / argv[0] must be an absolute path")
        return argv

    @field_validator("after", "repeat")
    @classmethod
    def _not_at_once(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value < timedelta(minutes=1):
            raise ValueError("1分より短くできません / not shorter than a minute")
        return value

    @model_validator(mode="after")
    def _of_its_kind(self) -> NotifyRoute:
        given = {
            name for groups in _NEEDS.values() for g in groups for name in g if getattr(self, name)
        }
        for group in _NEEDS[self.kind]:
            if len(given & {*group}) != 1:
                names = " か / or ".join(group)
                raise ValueError(
                    f"kind: {self.kind} には {names} が一つ要ります / exactly one of {names} is needed"
                )
        if others := given - {name for group in _NEEDS[self.kind] for name in group}:
            raise ValueError(f"kind: {self.kind} では使いません / not used: {sorted(others)}")
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user と password_file は両方 / both user and password_file")
        if self.user is not None and self.tls == "none":
            raise ValueError("暗号化なしで合言葉を送りません / no password without TLS")
        return self

    def wants(self, message: Announcement) -> bool:
        """Whether a message goes this way at once."""
        return (self.after is None or message.again) and self.fits(message)

    def fits(self, message: Announcement) -> bool:
        """Whether a message is of this route at all."""
        return (
            message.drill is self.drill
            and (not self.kinds or message.kind in self.kinds)
            and LOUDEST.index(message.severity) <= LOUDEST.index(self.min_severity)
        )

"""Kind `smb`: does the file server answer, and can a user reach a share (SMB 2 and 3).

Without `user` only the server is asked how it speaks. With it one log-in per run by NTLMv2 (the password
itself never leaves; give the account a long one, and nothing but the right to connect), and with `share`
the share is connected and left again: no file is opened. A refused log-in is never repeated until the
password's file changes: see `bcp.watch.logins`. A server that takes encrypted sessions only is looked
at with kind `command` and smbclient.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from bcp.kit.language import Text
from bcp.plan.types import Duration
from bcp.watch.check import Env, Fact
from bcp.watch.values import Outcome, Pillar
from probes.engine import smb, verdict
from probes.engine.fields import Host, Port, place
from probes.engine.login import Attempt, logging_in
from probes.engine.reaching import REACH_FACTS, Reaching
from probes.engine.reading import Reading, part
from probes.engine.tally import Tally
from probes.engine.trouble import Stopwatch, Trouble
from probes.engine.wire import connect


class SmbCheck(Reaching):
    """Asks a file server how it speaks, logs in and connects a share."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text("ファイル共有の応答 (SMB)", "File share answers (SMB)")
    facts: ClassVar[Mapping[str, Fact]] = {
        **verdict.PHASE_FACTS,
        **REACH_FACTS,
        "dialect": Fact("", Text("SMBの版", "SMB dialect")),
        "signing_required": Fact(
            "", Text("署名を必須にしている (1: はい)", "signing is required (1)")
        ),
    }

    kind: Literal["smb"] = "smb"
    host: Host
    port: Port = smb.PORT
    share: str | None = Field(None, max_length=80, pattern=r'^[^\\/:*?"<>|\x00-\x1f]+$')
    """The share's name alone, for example `共有`."""
    user: str | None = Field(None, max_length=256, pattern=r"^[^\x00-\x1f]+$")
    r"""Log in as this one: `DOMAIN\name`, `name@city.example` or `name`."""
    password_file: str | None = None
    """A file holding the password in one line."""
    slow_after: Duration | None = None

    @model_validator(mode="after")
    def _whole(self) -> SmbCheck:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user と password_file は両方書く / write both user and password_file")
        if self.share is not None and self.user is None:
            raise ValueError(
                "share を確かめるには user が要ります / a share needs a user to log in as"
            )
        return self

    @property
    def logs_in(self) -> bool:
        return self.user is not None

    @property
    def reached(self) -> tuple[str, int]:
        return self.host, self.port

    @property
    def target(self) -> str:
        return f"smb://{place(*self.reached)}/{self.share or ''}"

    async def look(self, env: Env, watch: Stopwatch) -> Outcome:
        if self.user is None or self.password_file is None:
            return await self._talk(env, watch, None, "")
        login = logging_in(env, "smb", self.reached, self.user, self.password_file)
        async with login as (attempt, password):
            return await self._talk(env, watch, attempt, password)

    async def _talk(
        self, env: Env, watch: Stopwatch, attempt: Attempt | None, password: str
    ) -> Outcome:
        tally = Tally()
        async with connect(env, *self.reached, watch) as wire:
            session = smb.Session(wire, Reading(wire, smb.CAP))
            try:
                hello = await session.negotiate()
                tally.facts["dialect"] = hello.dialect
                tally.facts["signing_required"] = int(hello.signing_required)
                if attempt is not None and self.user is not None:
                    who = await env.workers.thread(smb.client, self.host, self.user, password)
                    await session.login(attempt, hello, who)
                    if self.share is not None:
                        await session.open_share(self.host, self.share)
            except Trouble:
                await part(wire, session.goodbye(), watch, self.timeout)
                raise
            spent = watch.stop()
            await part(wire, session.goodbye(), watch, self.timeout)
        fine = _fine(spent["total"], hello, self.share, logged_in=attempt is not None)
        return tally.outcome(self.target, spent, fine, slow_after=self.slow_after)


def _fine(total: float, hello: smb.Hello, share: str | None, *, logged_in: bool) -> Text:
    milliseconds = timedelta(seconds=total) / timedelta(milliseconds=1)
    ja, en = ("応答しました", "answered")
    if share is not None:
        ja, en = ("共有につながりました", "the share was connected")
    elif logged_in:
        ja, en = ("ログインできました", "logged in")
    tail = f"SMB {hello.dialect}, {milliseconds:.0f}"
    return Text(f"{ja} ({tail}ミリ秒)", f"{en} ({tail} ms)")

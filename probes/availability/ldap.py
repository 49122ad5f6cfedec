"""Kind `ldap`: does the directory answer, and does a search find what must be there.

Only the number of entries is asked for: no attribute is read, no name is kept or shown.

With `user` it binds once per run. A refused bind is never repeated until the password's file changes
(`touch` is enough; so is a daemon that starts anew): see `bcp.watch.logins`. The password leaves only
behind TLS, after the certificate was found good. Give the account nothing but the right to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from bcp.kit.language import Text
from bcp.plan.types import Duration
from bcp.watch.check import Env, Fact
from bcp.watch.values import Outcome, Pillar, Status
from probes.engine import ldap, verdict
from probes.engine.fields import Host, Port, place
from probes.engine.ldap_filter import encoded
from probes.engine.login import Attempt, logging_in
from probes.engine.reaching import REACH_FACTS, Reaching
from probes.engine.reading import Reading, part
from probes.engine.starttls import upgrade
from probes.engine.tally import Tally
from probes.engine.trouble import Stopwatch, Trouble
from probes.engine.wire import Wire, connect

_SCOPES = {"base": 0, "one": 1, "sub": 2}
_MOST = 1000


class LdapCheck(Reaching):
    """Binds to a directory, anonymously or as a user, searches once and counts what was found."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text(
        "ディレクトリの応答と検索 (LDAP)", "Directory answers and finds entries (LDAP)"
    )
    facts: ClassVar[Mapping[str, Fact]] = {
        **verdict.PHASE_FACTS,
        **verdict.TLS_FACTS,
        **REACH_FACTS,
        "entries": Fact("", Text("見つかった件数", "entries found")),
    }

    kind: Literal["ldap"] = "ldap"
    host: Host
    port: Port | None = None
    """Default: 389; with `tls: implicit` 636."""
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    """`implicit`: LDAPS. `starttls`: asked for on the usual port; all else is said behind it."""
    user: str | None = Field(None, min_length=1, max_length=256, pattern=r"^[^\x00-\x1f]+$")
    """Bind as this one (a distinguished name; Active Directory also takes `name@city.example`).
    Without it anonymously."""
    password_file: str | None = None
    """A file holding the password in one line."""
    base: str = Field("", max_length=1024)
    """Where the search begins, for example `ou=people,dc=city,dc=example`. Empty: only the server's
    own entry is asked for, which every directory gives."""
    scope: Literal["base", "one", "sub"] = "sub"
    """The entry itself, those right below it, or all below. Without `base` always the entry itself."""
    filter: str = Field("(objectClass=*)", max_length=2048)
    """Which entries (RFC 4515)."""
    at_least: int = Field(1, ge=0, le=_MOST)
    at_most: int | None = Field(None, ge=0, le=_MOST)
    verify: bool = True
    """The certificate must be trusted and for this host."""
    server_name: Host | None = None
    warn_days: int = Field(30, ge=0, le=3650)
    legacy_tls: bool = False
    slow_after: Duration | None = None

    @field_validator("filter")
    @classmethod
    def _readable(cls, value: str) -> str:
        encoded(value)
        return value

    @model_validator(mode="after")
    def _order(self) -> LdapCheck:
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError("at_most は at_least より小さくできません / at_most is below at_least")
        return self

    @model_validator(mode="after")
    def _password_is_protected(self) -> LdapCheck:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user と password_file は両方書く / write both user and password_file")
        if self.user is not None and (self.tls == "none" or not self.verify):
            raise ValueError(
                "パスワードはTLSと証明書の確認なしには送れません / "
                "no password without TLS and a verified certificate"
            )
        return self

    @property
    def logs_in(self) -> bool:
        return self.user is not None

    @property
    def reached(self) -> tuple[str, int]:
        return self.host, self.port or (636 if self.tls == "implicit" else 389)

    @property
    def target(self) -> str:
        return place(*self.reached)

    async def look(self, env: Env, watch: Stopwatch) -> Outcome:
        if self.user is None or self.password_file is None:
            return await self._talk(env, watch, None, "")
        login = logging_in(env, "ldap", self.reached, self.user, self.password_file)
        async with login as (attempt, password):
            return await self._talk(env, watch, attempt, password)

    async def _talk(
        self, env: Env, watch: Stopwatch, attempt: Attempt | None, password: str
    ) -> Outcome:
        tally = Tally()
        async with connect(
            env,
            *self.reached,
            watch,
            server_name=self.server_name,
            secure=self.tls == "implicit",
            legacy=self.legacy_tls,
        ) as wire:
            reading = Reading(wire, ldap.CAP)
            session = ldap.Session(wire, reading)
            try:
                if await self._secured(env, watch, wire, reading, session, tally):
                    if attempt is None or self.user is None:
                        await session.bind()
                    else:
                        await session.login(attempt, self.user, password)
                    await self._search(session, tally)
            except Trouble:
                await part(wire, session.goodbye(), watch, self.timeout)
                raise
            spent = watch.stop()
            await part(wire, session.goodbye(), watch, self.timeout)
        fine, secret = _fine(spent["total"], tally), (password,)
        return tally.outcome(self.target, spent, fine, slow_after=self.slow_after, secret=secret)

    async def _secured(
        self,
        env: Env,
        watch: Stopwatch,
        wire: Wire,
        reading: Reading,
        session: ldap.Session,
        tally: Tally,
    ) -> bool:
        """Whether anything may be said to this server. Raises `Trouble`."""
        if self.tls == "starttls":
            await session.start_tls()
            name = self.server_name or self.host
            await upgrade(env, wire, reading, name, watch, legacy=self.legacy_tls)
        return tally.certificate(wire.peer, env.clock.utc(), self.warn_days, verify=self.verify)

    async def _search(self, session: ldap.Session, tally: Tally) -> None:
        """Raises `Trouble` when the server does not search."""
        most = (self.at_least if self.at_most is None else self.at_most) + 1
        found = await session.search(
            self.base,
            _SCOPES[self.scope] if self.base else 0,
            encoded(self.filter),
            most=most,
            seconds=max(1, int(self.timeout.total_seconds())),
        )
        tally.facts["entries"] = count = found.entries
        if count < self.at_least and found.more:
            tally.bad(
                Status.UNKNOWN,
                Text(
                    f"サーバーが{count}件で打ち切ったため分かりません (期待 {self.at_least}件以上)",
                    f"cannot tell: the server stopped at {count} entries, expected {self.at_least}",
                ),
            )
        elif count < self.at_least:
            tally.bad(
                Status.FAILED,
                Text(
                    f"見つかったのは{count}件 (期待 {self.at_least}件以上)",
                    f"found {count} entries, expected at least {self.at_least}",
                ),
            )
        elif self.at_most is not None and (count > self.at_most or found.more):
            tally.bad(
                Status.FAILED,
                Text(
                    f"{self.at_most}件より多く見つかりました",
                    f"found more than {self.at_most} entries",
                ),
            )


def _fine(total: float, tally: Tally) -> Text:
    milliseconds = timedelta(seconds=total) / timedelta(milliseconds=1)
    count = tally.facts.get("entries", 0)
    return Text(
        f"検索に答え、{count}件 ({milliseconds:.0f}ミリ秒)",
        f"search answered with {count} entries ({milliseconds:.0f} ms)",
    )

"""Kind `journey`: can a person do the work: log in, read, log out, as one visit with its cookies.

Gentle: each step is one request to one host, nothing is sent that the plan does not write out, and the
visit ends with the steps marked `finally`, also when something went wrong before. A refused log-in is never
repeated until the file of a secret changes (`bcp.watch.logins`). Words taken from answers, cookies and
secrets are never shown. Use an account that can only read, made for this check.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar, Literal
from urllib.parse import quote, urlencode

from pydantic import Field, model_validator

from bcp.kit.language import Text
from bcp.plan.types import Duration
from bcp.watch.check import Check, Env, Fact
from bcp.watch.logins import Account
from bcp.watch.values import Outcome, Pillar, Status
from probes.engine import redact, secrets, verdict
from probes.engine.conditions import allowed, mistakes
from probes.engine.http import Answer, Url, exchange, parse_url, redirect_target, request
from probes.engine.jar import Cookies, in_json, in_text, in_url, places
from probes.engine.login import Attempt
from probes.engine.steps import Name, Step, captured
from probes.engine.tally import Tally
from probes.engine.trouble import Stopwatch, Trouble, look
from probes.engine.wire import connect

_CAP = 256 << 10
_HOPS = 5


class JourneyCheck(Check):
    """Goes through pages as a person does, with cookies, words from answers and a log-in."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text(
        "一連の操作(ログイン・照会・ログアウト)", "A journey: log in, read, log out"
    )
    facts: ClassVar[Mapping[str, Fact]] = {
        **verdict.PHASE_FACTS,
        **verdict.TLS_FACTS,
        "steps": Fact("", Text("終わった操作の数", "steps done")),
    }

    kind: Literal["journey"] = "journey"
    url: str
    """Scheme, host and port of every step: `https://juki.example.lg.jp`."""
    steps: tuple[Step, ...] = Field(min_length=1, max_length=12)
    user: str | None = Field(None, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")
    """Whom the log-in is for, as `{user}`."""
    secrets: dict[Name, str] = Field({}, max_length=4)
    """Word -> file that holds it in one line: `{password: /run/credentials/…}`."""
    verify: bool = True
    warn_days: int = Field(30, ge=0, le=3650)
    slow_after: Duration | None = None
    every: Duration = timedelta(minutes=5)
    timeout: Duration = timedelta(seconds=30)

    @model_validator(mode="after")
    def _sound(self) -> JourneyCheck:
        base = parse_url(self.url)
        if base.path != "/":
            raise ValueError("url は https://ホスト まで / write scheme and host only")
        logins = [step for step in self.steps if step.login]
        if bool(self.secrets) != (len(logins) == 1) or len(logins) > 1:
            raise ValueError("secrets があれば login の操作は一つ / one login step, with secrets")
        if self.secrets and self.user is None:
            raise ValueError("secrets には user が要ります / secrets need a user")
        if self.secrets and not (base.secure and self.verify):
            raise ValueError("secrets は検証した https だけ / secrets only over verified https")
        known = {"user"} if self.user is not None else set()
        for step in self.steps:
            asked = places(step.texts)
            if asked & set(self.secrets) and not step.login:
                raise ValueError(
                    f"{step.name}: 秘密は login の操作だけ / secrets only at the login"
                )
            missing = asked - known - set(self.secrets)
            if missing:
                raise ValueError(f"{step.name}: まだ無い言葉 / not known yet: {sorted(missing)}")
            known |= set(step.capture)
        return self

    @property
    def target(self) -> str:
        return parse_url(self.url).shown

    @property
    def endpoint_host(self) -> str | None:
        return parse_url(self.url).host

    @property
    def logs_in(self) -> bool:
        return bool(self.secrets)

    async def run(self, env: Env) -> Outcome:
        return await look(
            self.target, self.timeout, env.clock, lambda watch: _Visit(self, env, watch).outcome()
        )


class _Visit:
    """One run."""

    def __init__(self, check: JourneyCheck, env: Env, watch: Stopwatch) -> None:
        self._check, self._env, self._watch = check, env, watch
        self._base = parse_url(check.url)
        self._cookies, self._tally = Cookies(), Tally()
        self._words: dict[str, str] = {"user": check.user} if check.user else {}
        self._hidden: list[str] = []
        self._attempt: Attempt | None = None
        self._showing = False
        """The next request shows the secrets."""
        self._done = 0

    async def outcome(self) -> Outcome:
        check, files = self._check, tuple(self._check.secrets.values())
        stamp = tuple([n for f in files for n in await secrets.stamp(self._env, f)])
        for name, file in check.secrets.items():
            self._words[name] = await secrets.read(self._env, file)
            self._hidden += [self._words[name], quote(self._words[name], safe="")]
        try:
            async with contextlib.AsyncExitStack() as stack:
                if files:
                    account = Account("journey", self._base.host, self._base.port, check.user or "")
                    self._attempt = await stack.enter_async_context(
                        Attempt(self._env, account, "・".join(files), stamp)
                    )
                await self._walk()
        except Trouble as trouble:
            lines = (*self._tally.evidence, *trouble.evidence)
            trouble.evidence = redact.lines(lines, self._secret)
            raise
        spent = self._watch.stop()
        self._tally.facts["steps"] = self._done
        milliseconds = timedelta(seconds=spent["total"]) / timedelta(milliseconds=1)
        fine = Text(
            f"{self._done}つの操作ができる ({milliseconds:.0f}ミリ秒)",
            f"all {self._done} steps work ({milliseconds:.0f} ms)",
        )
        slow = check.slow_after
        return self._tally.outcome(
            self._check.target, spent, fine, slow_after=slow, secret=self._secret
        )

    @property
    def _secret(self) -> tuple[str, ...]:
        return tuple(word for word in (*self._hidden, *self._cookies.values) if len(word) > 2)

    async def _walk(self) -> None:
        """Every step; after a mistake only what is to be done whatever happened, once we are in."""
        broken: Trouble | None = None
        good, inside = True, self._attempt is None
        for step in self._check.steps:
            if not good and not (step.finally_ and inside):
                continue
            try:
                well = await self._step(step)
            except Trouble as trouble:
                said = f"「{step.name}」で / at '{step.name}'"
                trouble.evidence = (*trouble.evidence, said)
                broken, well = trouble if good else broken, False
            good = good and well
            inside = inside or (step.login and well)
            self._done += well
        if broken is not None:
            raise broken

    async def _step(self, step: Step) -> bool:
        """Whether its answer was as wanted; what was not is in the tally."""
        attempt = self._attempt if step.login else None
        self._showing = attempt is not None
        try:
            answer = await self._ask(step)
        finally:
            self._showing = False
        if answer is None:
            return False
        faults = await self._faults(step, answer)
        if attempt is not None:
            if not faults:
                attempt.accepted()
            elif answer.status < 500:
                raise attempt.refused(f"{step.name}: {'; '.join(fault.ja for fault in faults)}")
            else:
                attempt.withdrawn()  # their own trouble says nothing about our password
        for fault in faults:
            text = Text(f"「{step.name}」で{fault.ja}", f"at '{step.name}': {fault.en}")
            self._tally.bad(Status.FAILED, text)
        return not faults

    async def _ask(self, step: Step) -> Answer | None:
        """The answer after redirects on the same host; None where the certificate was refused."""
        url = parse_url(f"{self._base.whole.rstrip('/')}{in_url(step.path, self._words)}")
        method, body, headers = str(step.method), *self._sent(step)
        for _hop in range(_HOPS + 1):
            answer = await self._request(url, method, headers, body)
            if answer is None:
                return None
            self._cookies.take(answer)
            self._tally.evidence.append(f"{step.name}: {method} {answer.status}")
            try:
                following = redirect_target(url, answer)
            except ValueError:
                following = None
            if following is None or allowed(step.status, answer.status):
                return answer
            if following.authority != self._base.authority or following.scheme != url.scheme:
                return answer  # elsewhere the plan does not send us
            if answer.status in (301, 302, 303):
                method, body = "GET", b""
                headers = {k: v for k, v in headers.items() if k != "Content-Type"}
            url = following
        text = Text(f"転送が{_HOPS}回を超えました", f"over {_HOPS} redirects")
        raise Trouble(text, "answer")

    def _sent(self, step: Step) -> tuple[bytes, dict[str, str]]:
        headers = {n: in_text(v, self._words) for n, v in step.request_headers.items()}
        if step.form:
            pairs = {name: in_text(value, self._words) for name, value in step.form.items()}
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            return urlencode(pairs).encode(), {**kind, **headers}
        if step.json_body is not None:
            kind = {"Content-Type": "application/json"}
            return in_json(step.json_body, self._words).encode(), {**kind, **headers}
        return b"", headers

    async def _request(
        self, url: Url, method: str, headers: dict[str, str], body: bytes
    ) -> Answer | None:
        cookie = self._cookies.header(secure=url.secure)
        sent = request(method, url, {**headers, **({"Cookie": cookie} if cookie else {})}, body)
        async with connect(self._env, url.host, url.port, self._watch, secure=url.secure) as wire:
            now, check = self._env.clock.utc(), self._check
            if wire.peer is not None and "tls_version" not in self._tally.facts:
                if not self._tally.certificate(
                    wire.peer, now, check.warn_days, verify=check.verify
                ):
                    return None
            elif wire.peer is not None and check.verify and not wire.peer.trusted:
                return None
            if self._showing and self._attempt is not None:
                self._attempt.sent()
            return await exchange(wire, sent, self._watch, cap=_CAP, head=False)

    async def _faults(self, step: Step, answer: Answer) -> list[Text]:
        if not allowed(step.status, answer.status):
            wanted = ", ".join(str(item) for item in step.status)
            return [
                Text(
                    f"応答 {answer.status} (期待 {wanted})",
                    f"answered {answer.status}, expected {wanted}",
                )
            ]
        faults = await mistakes(step, answer)
        words = {} if faults else await captured(step.capture, answer)
        for name, value in words.items():
            if value is None:
                faults.append(
                    Text(f"「{name}」を読み取れない", f"'{name}' cannot be taken from it")
                )
            else:
                self._words[name] = value
                self._hidden.append(value)
        return faults

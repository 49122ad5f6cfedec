"""Kind `http`: does the page answer, with the right status and the right content."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from bcp.kit.language import Text
from bcp.plan.types import Duration
from bcp.watch.check import Env, Fact
from bcp.watch.values import FactValue, Outcome, Pillar, Status
from probes.engine import redact, secrets, verdict
from probes.engine.conditions import HeaderCondition, JsonCondition, StatusSet, allowed, mistakes
from probes.engine.fields import FROM_FILES_ONLY, Host, header
from probes.engine.http import Answer, Url, exchange, parse_url, redirect_target, request
from probes.engine.patterns import Pattern
from probes.engine.reaching import REACH_FACTS, Reaching
from probes.engine.tls import Peer
from probes.engine.trouble import Stopwatch, Trouble
from probes.engine.wire import connect

_JSON_CAP = 256 << 10
"""Reading more JSON than this would hold the event loop over 10 ms."""


class HttpCheck(Reaching):
    """Requests one URL and judges status, headers, content, certificate and speed."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text("Webページ・APIの応答", "Web page or API answers")
    facts: ClassVar[Mapping[str, Fact]] = {
        **verdict.PHASE_FACTS,
        **verdict.TLS_FACTS,
        **REACH_FACTS,
        "status": Fact("", Text("HTTP状態コード", "HTTP status")),
        "redirects": Fact("", Text("転送の回数", "redirects followed")),
        "size": Fact("bytes", Text("本文の大きさ (上限まで)", "size of the body, up to the cap")),
    }

    kind: Literal["http"] = "http"
    url: str
    method: Literal["GET", "HEAD", "OPTIONS", "POST"] = "GET"
    """POST only for what reads (a search, a SOAP query): it is sent on every run."""
    body: str | None = Field(None, max_length=8192)
    """What POST sends; its type by `request_headers`. Never a secret."""
    status: StatusSet = ("2xx",)
    """Numbers or `2xx`; judged after redirects."""
    contains: str | None = Field(None, min_length=1, max_length=1024)
    not_contains: str | None = Field(None, min_length=1, max_length=1024)
    matches: Pattern | None = None
    """A regular expression that must match within one line of the body."""
    not_matches: Pattern | None = None
    json_conditions: tuple[JsonCondition, ...] = Field((), alias="json", max_length=16)
    headers: tuple[HeaderCondition, ...] = Field((), max_length=16)
    follow: int = Field(5, ge=0, le=10)
    """Redirects to follow, on the same host or one of `redirect_hosts`; 0 judges the redirect."""
    redirect_hosts: tuple[Host, ...] = ()
    request_headers: dict[str, str] = Field({}, max_length=16)
    basic_file: str | None = None
    """A file holding `user:password` in one line."""
    bearer_file: str | None = None
    """A file holding a token in one line."""
    client_cert_file: str | None = None
    """A PEM file with the certificate and key we show (mutual TLS)."""
    connect_to: Host | None = None
    """Contact this host instead of the URL's (a stand-by site), name and certificate unchanged."""
    proxy: str | None = None
    """`http://host:port` through which it is asked; names are then looked up by the proxy."""
    verify: bool = True
    """The certificate must be trusted and for this host."""
    warn_days: int = Field(30, ge=0, le=3650)
    legacy_tls: bool = False
    slow_after: Duration | None = None
    max_body: int = Field(256 << 10, ge=0, le=1 << 20)
    """Bytes of the body that are looked at; with `json` at most 256 KiB."""

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        parse_url(value)
        return value

    @field_validator("request_headers")
    @classmethod
    def _no_secrets(cls, value: dict[str, str]) -> dict[str, str]:
        for name, content in value.items():
            if name.lower() in FROM_FILES_ONLY:
                raise ValueError(
                    f"{name} は計画に書かない。basic_file か bearer_file を使う / "
                    f"{name} is never written in the plan: use basic_file or bearer_file"
                )
            header(name, content)
        return value

    @field_validator("proxy")
    @classmethod
    def _plain_proxy(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            url = parse_url(value)
            if url.secure or url.path != "/":
                raise ValueError("http://host:port と書く / write http://host:port")
            for name in ("connect_to", "resolver", "each_address"):
                if info.data.get(name):
                    raise ValueError(f"{name} とは使えない / not together with {name}")
        return value

    @field_validator("body")
    @classmethod
    def _posted(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("method") != "POST":
            raise ValueError("body は method: POST のときだけ / only with method: POST")
        return value

    @field_validator("max_body")
    @classmethod
    def _json_fits(cls, value: int, info: ValidationInfo) -> int:
        if value > _JSON_CAP and info.data.get("json_conditions"):
            raise ValueError("json と使う max_body は 262144 まで / at most 262144 with json")
        return value

    @field_validator("bearer_file")
    @classmethod
    def _one_way(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("basic_file") is not None:
            raise ValueError(
                "basic_file と bearer_file はどちらか一つ / one of basic_file, bearer_file"
            )
        return value

    @property
    def target(self) -> str:
        return parse_url(self.url).shown

    @property
    def reached(self) -> tuple[str, int]:
        url = parse_url(self.url)
        return self.connect_to or url.host, url.port

    async def look(self, env: Env, watch: Stopwatch) -> Outcome:
        return await _Visit(self, env, watch).outcome()


class _Visit:
    """One run: requests, redirects, judgement."""

    def __init__(self, check: HttpCheck, env: Env, watch: Stopwatch) -> None:
        self.check, self.env, self.watch = check, env, watch
        self.status = Status.OK
        self.texts: list[Text] = []
        self.evidence: list[str] = []
        self.facts: dict[str, FactValue] = {}
        self.secret: tuple[str, ...] = ()

    def bad(self, status: Status, text: Text) -> None:
        self.status = verdict.worse(self.status, status)
        self.texts.append(text)

    async def outcome(self) -> Outcome:
        url = first = parse_url(self.check.url)
        headers = {**self.check.request_headers, **await self._credentials()}
        hops, method = 0, str(self.check.method)
        while True:
            answer = await self._request(url, headers, method)
            if answer is None:
                break  # the certificate was refused: nothing was sent
            following = self._next(url, answer, hops) if self.check.follow else None
            if following is None:
                break
            if (following.scheme, following.authority) != (first.scheme, first.authority):
                headers = {k: v for k, v in headers.items() if k != "Authorization"}
            if answer.status in (301, 302, 303) and method == "POST":
                method = "GET"  # as browsers do (RFC 9110 section 15.4)
            url, hops = following, hops + 1
        self.facts["redirects"] = hops
        if answer is not None:
            await self._judge(answer)
        return self._sum_up(answer)

    async def _credentials(self) -> dict[str, str]:
        check = self.check
        if check.bearer_file is not None:
            token = await secrets.read(self.env, check.bearer_file)
            self.secret = (token,)
            return {"Authorization": f"Bearer {token}"}
        if check.basic_file is not None:
            pair = await secrets.read(self.env, check.basic_file)
            encoded = base64.b64encode(pair.encode()).decode()
            self.secret = (pair, encoded, pair.partition(":")[2])
            return {"Authorization": f"Basic {encoded}"}
        return {}

    async def _request(self, url: Url, headers: Mapping[str, str], method: str) -> Answer | None:
        check = self.check
        proxy = parse_url(check.proxy) if check.proxy is not None else None
        own = parse_url(check.url).host == url.host
        host = (check.connect_to if own else None) or url.host
        async with connect(
            self.env,
            host,
            url.port,
            self.watch,
            server_name=url.host,
            secure=url.secure,
            legacy=check.legacy_tls,
            client=check.client_cert_file if own else None,
            proxy=(proxy.host, proxy.port) if proxy is not None else None,
        ) as wire:
            if wire.peer is not None and not self._accept(wire.peer, url):
                return None
            if not url.secure and "Authorization" in headers and parse_url(check.url).secure:
                headers = {k: v for k, v in headers.items() if k != "Authorization"}
            body = (check.body or "").encode() if method == "POST" else b""
            whole = proxy is not None and not url.secure
            sent = request(method, url, headers, body, whole=whole)
            try:
                answer = await exchange(
                    wire, sent, self.watch, cap=check.max_body, head=method == "HEAD"
                )
            except Trouble as trouble:
                trouble.evidence = tuple(
                    redact.text(line, self.secret) for line in (*self.evidence, *trouble.evidence)
                )
                raise
        self.evidence += [f"{method} {url.shown}", *answer.evidence]
        return answer

    def _accept(self, peer: Peer, url: Url) -> bool:
        """Judge the certificate; false when the request must not be sent."""
        self.facts |= verdict.tls_facts(peer)
        status, text = verdict.certificate(
            peer, self.env.clock.utc(), self.check.warn_days, verify=self.check.verify
        )
        if text is not None:
            self.evidence += [url.shown, *peer.evidence]
            self.bad(status, text)
        return status is not Status.FAILED

    def _next(self, url: Url, answer: Answer, hops: int) -> Url | None:
        try:
            following = redirect_target(url, answer)
        except ValueError:
            self.bad(
                Status.FAILED, Text("転送先のURLが不正です", "the redirect's URL is not valid")
            )
            return None
        if following is None:
            return None
        if hops >= self.check.follow:
            limit = self.check.follow
            self.bad(Status.FAILED, Text(f"転送が{limit}回を超えました", f"over {limit} redirects"))
            return None
        if following.host != url.host and following.host not in (
            *self.check.redirect_hosts,
            parse_url(self.check.url).host,
        ):
            self.bad(
                Status.FAILED,
                Text(
                    f"別のホスト {following.host} への転送 (redirect_hosts に無いため見に行きません)",
                    f"redirected to another host, {following.host}, not in redirect_hosts",
                ),
            )
            return None
        return following

    async def _judge(self, answer: Answer) -> None:
        check = self.check
        self.facts["status"] = answer.status
        self.facts["size"] = len(answer.body)
        if self.status is Status.FAILED:
            return
        if not allowed(check.status, answer.status):
            wanted = ", ".join(str(item) for item in check.status)
            self.bad(
                Status.FAILED,
                Text(
                    f"応答 {answer.status} (期待 {wanted})",
                    f"answered {answer.status}, expected {wanted}",
                ),
            )
            return
        for text in await mistakes(check, answer):
            self.bad(Status.FAILED, text)

    def _sum_up(self, answer: Answer | None) -> Outcome:
        spent = self.watch.stop()
        if late := verdict.slow(spent["total"], self.check.slow_after):
            self.bad(Status.DEGRADED, late)
        if not self.texts and answer is not None:
            milliseconds = timedelta(seconds=spent["total"]) / timedelta(milliseconds=1)
            self.texts.append(
                Text(
                    f"応答 {answer.status} ({milliseconds:.0f}ミリ秒)",
                    f"answered {answer.status} in {milliseconds:.0f} ms",
                )
            )
        said, target = verdict.joined(self.texts), self.check.target
        sentence = Text(f"{target}: {said.ja}", f"{target}: {said.en}")
        evidence = tuple(self.evidence)
        if self.secret:  # what the server threw back at us
            sentence = Text(
                redact.text(sentence.ja, self.secret), redact.text(sentence.en, self.secret)
            )
            evidence = tuple(redact.text(line, self.secret) for line in evidence)
        facts: dict[str, Any] = {**self.facts, **spent}
        return Outcome(self.status, sentence, facts, evidence=evidence)

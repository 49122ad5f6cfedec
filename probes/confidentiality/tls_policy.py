"""Kind `tls_policy`: are certificate, protocol versions and ciphers as the city's policy wants.

Profiles are those of IPA's TLS暗号設定ガイドライン: 高セキュリティ型, 推奨セキュリティ型 (default),
セキュリティ例外型 (for old devices: TLS 1.0/1.1 and RSA key exchange are not counted; choosing it
needs an approved exception). At most 12 connections to a target, one after the other, with gaps;
two silent ones end the run, the rest is `not_checked`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from bcp.kit.language import Text
from bcp.plan.types import Duration, Zone
from bcp.watch.check import Check, Env, Fact
from bcp.watch.values import Finding, FindingResult, Outcome, Pillar
from probes.confidentiality import hello, tls_certificate
from probes.confidentiality.catalogue import Judge, summary
from probes.confidentiality.severity import Classification
from probes.engine.fields import Host, Port, is_address, place
from probes.engine.tls import Peer
from probes.engine.trouble import Stopwatch, Trouble
from probes.engine.wire import connect

Profile = Literal["高セキュリティ型", "推奨セキュリティ型", "セキュリティ例外型"]

_EXCUSED: Mapping[Profile, frozenset[str]] = {
    "高セキュリティ型": frozenset(),
    "推奨セキュリティ型": frozenset(),
    "セキュリティ例外型": frozenset(
        {
            "tls.cipher.no_forward_secrecy",
            "tls.protocol.no_tls1_2",
            "tls.protocol.no_tls1_3",
            "tls.protocol.tls1_0",
            "tls.protocol.tls1_1",
        }
    ),
}


@dataclass(frozen=True, slots=True)
class _Question:
    """One hello: what it asks for, and which answer is a finding."""

    rule: str
    version: int
    ciphers: tuple[int, ...]
    expected: str

    def bad(self, reply: hello.Reply) -> bool | None:
        """Whether the answer proves the finding; None when it proves nothing."""
        if reply.kind != "hello":
            return False
        if self.rule.startswith("tls.protocol."):
            return reply.version == self.version
        if reply.cipher not in self.ciphers:
            return None
        if self.rule == "tls.kex.weak_dh":
            return None if reply.dh_bits is None else reply.dh_bits < 2048
        return True


_12 = hello.TLS1_2
QUESTIONS = (
    _Question("tls.protocol.ssl3", hello.SSL3, hello.ANY, "無効 off"),
    _Question("tls.protocol.tls1_0", hello.TLS1_0, hello.ANY, "無効 off"),
    _Question("tls.protocol.tls1_1", hello.TLS1_1, hello.ANY, "無効 off"),
    _Question("tls.cipher.null", _12, hello.NULL, "無効 off"),
    _Question("tls.cipher.anonymous", _12, hello.ANONYMOUS, "無効 off"),
    _Question("tls.cipher.export", _12, hello.EXPORT, "無効 off"),
    _Question("tls.cipher.rc4", _12, hello.RC4, "無効 off"),
    _Question("tls.cipher.3des", _12, hello.TRIPLE_DES, "無効 off"),
    _Question("tls.cipher.no_forward_secrecy", _12, hello.STATIC_RSA, "無効 off"),
    _Question("tls.kex.weak_dh", _12, hello.DHE, "≥ 2048"),
)
_CONTROL = _Question("tls.protocol.no_tls1_2", _12, hello.MODERN, "TLS 1.2 / 1.3")
_OTHERS = ("tls.handshake_failed", "tls.protocol.no_tls1_2", "tls.protocol.no_tls1_3")
RULES = (*tls_certificate.RULES, *_OTHERS, *(question.rule for question in QUESTIONS))


class TlsPolicyCheck(Check):
    """Judges a server's certificate, protocol versions and ciphers against an IPA profile."""

    pillar: ClassVar[Pillar] = Pillar.CONFIDENTIALITY
    title: ClassVar[Text] = Text("TLSの証明書と暗号設定", "TLS certificate and ciphers")
    facts: ClassVar[Mapping[str, Fact]] = {
        "fail": Fact("", Text("指摘の数", "findings")),
        "pass": Fact("", Text("問題なしの数", "passes")),
        "not_checked": Fact("", Text("確認できなかった数", "not checked")),
        "connections": Fact("", Text("使った接続の数", "connections used")),
        "not_after": Fact("timestamp_seconds", Text("証明書の期限", "end of the certificate")),
    }

    kind: Literal["tls_policy"] = "tls_policy"
    host: Host
    port: Port = 443
    server_name: Host | None = None
    profile: Profile = "推奨セキュリティ型"
    warn_days: int = Field(30, ge=0, le=3650)
    gap: Duration = timedelta(milliseconds=50)
    """Pause between two connections."""
    patience: Duration = timedelta(seconds=3)
    """How long one connection may stay silent."""
    classification: Classification | None = None
    zone: Zone | None = None
    every: Duration = timedelta(hours=6)
    timeout: Duration = timedelta(seconds=30)

    @property
    def target(self) -> str:
        return place(self.host, self.port)

    @property
    def endpoint_host(self) -> str | None:
        return self.host

    async def run(self, env: Env) -> Outcome:
        return await _Audit(self, env).outcome()


class _Audit:
    """One run over one target."""

    def __init__(self, check: TlsPolicyCheck, env: Env) -> None:
        self.check, self.env = check, env
        self.judge = Judge(check.classification, check.zone)
        self.name = check.server_name or check.host
        self.watch = Stopwatch(env.clock)
        self.started = env.clock.monotonic()
        self.findings: dict[str, Finding] = {}
        self.peer: Peer | None = None
        self.spoke = False
        """The target answered as TLS at least once: only then a refusal means `not offered`."""
        self.best = 0
        """Newest version a server chose in answer to a raw hello."""
        self.connections = 0
        self.silent = 0
        self.why = ""
        """Why the run ended early."""
        self.unseen = ""
        """Why there is no certificate to judge."""

    async def outcome(self) -> Outcome:
        await self._certificate()
        if not self.why:
            await self._questions()
        why = self.why or self.unseen or "未確認 not checked"
        for rule in RULES:
            if rule not in self.findings:
                self._tell(rule, FindingResult.NOT_CHECKED, why, "-")
        for rule in _EXCUSED[self.check.profile]:
            if self.findings[rule].result is FindingResult.FAIL:
                seen = self.findings[rule].observed
                self._tell(rule, FindingResult.NOT_APPLICABLE, seen, self.check.profile)
        evidence = self.peer.evidence if self.peer else ()
        found = summary(self.check.target, list(self.findings.values()), evidence)
        facts = {**found.facts, "connections": self.connections}
        if self.peer is not None:
            facts["not_after"] = int(self.peer.leaf.not_after.timestamp())
        return Outcome(found.status, found.sentence, facts, found.findings, found.evidence)

    def _tell(self, rule: str, result: FindingResult, observed: str, expected: str) -> None:
        finding = self.judge.finding(rule, self.check.target, result, observed, expected)
        self.findings[rule] = finding

    def _verdict(self, rule: str, bad: bool, observed: str, expected: str) -> None:
        result = FindingResult.FAIL if bad else FindingResult.PASS
        self._tell(rule, result, observed, expected)

    async def _certificate(self) -> None:
        """One whole handshake, old versions allowed, so that old servers show theirs, too."""
        self.connections += 1
        check = self.check
        try:
            async with (
                asyncio.timeout(check.patience.total_seconds()),
                connect(
                    self.env,
                    check.host,
                    check.port,
                    self.watch,
                    server_name=check.server_name,
                    secure=True,
                    legacy=True,
                ) as wire,
            ):
                self.peer = wire.peer
        except Trouble as trouble:
            if trouble.ours or trouble.phase != "tls":
                self.why = trouble.text.ja  # nobody there, or we could not look: nothing is proven
                return
            self._verdict("tls.handshake_failed", True, trouble.text.ja, "TLS 1.2 / 1.3")
            self.unseen = "取り決めができず証明書を見られない no handshake, no certificate"
            return
        except TimeoutError:
            self.silent += 1
            self.why = "応答なし no answer"
            return
        assert self.peer is not None
        self.spoke = True
        now = self.env.clock.utc()
        try:
            for finding in tls_certificate.judge(
                self.peer, self.name, check.target, now, check.warn_days, self.judge
            ):
                self.findings[finding.id] = finding
        except Trouble as trouble:
            self.peer, self.why = None, trouble.text.ja
            return
        version = self.peer.version
        self._verdict("tls.handshake_failed", False, version, "TLS 1.2 / 1.3")
        self._verdict("tls.protocol.no_tls1_3", version != "TLSv1.3", version, "TLS 1.3")
        if version in ("TLSv1.2", "TLSv1.3"):
            self._verdict("tls.protocol.no_tls1_2", False, version, "TLS 1.2 / 1.3")

    async def _questions(self) -> None:
        if "tls.protocol.no_tls1_2" not in self.findings:
            reply = await self._ask(_CONTROL)
            if reply is not None and reply.kind == "hello":
                observed = hello.name_of(reply.version)
                bad = reply.version < hello.TLS1_2
                self._verdict(_CONTROL.rule, bad, observed, _CONTROL.expected)
        replies: list[tuple[_Question, hello.Reply]] = []
        for question in QUESTIONS:
            if self.silent >= 2:
                self.why = "応答が途絶えたため中止 stopped, the target went silent"
                break
            reply = await self._ask(question)
            if reply is not None:
                replies.append((question, reply))
        for question, reply in replies:
            self._answered(question, reply)
        if self.best and _CONTROL.rule not in self.findings and not self.silent:
            # The control hello was refused, but others were not: what they chose is the proof.
            observed, bad = hello.name_of(self.best), self.best < hello.TLS1_2
            self._verdict(_CONTROL.rule, bad, observed, _CONTROL.expected)

    def _answered(self, question: _Question, reply: hello.Reply) -> None:
        bad = question.bad(reply)
        if reply.kind == "odd" or bad is None or (reply.kind == "refused" and not self.spoke):
            note = reply.note or f"cipher {reply.cipher:#06x}"
            self._tell(question.rule, FindingResult.NOT_CHECKED, note, question.expected)
            return
        observed = reply.note or "提供なし not offered"
        if reply.kind == "hello":
            observed = f"{hello.name_of(reply.version)} cipher {reply.cipher:#06x}"
            if reply.dh_bits is not None:
                observed += f" DH {reply.dh_bits} bit"
        self._verdict(question.rule, bad, observed, question.expected)

    async def _ask(self, question: _Question) -> hello.Reply | None:
        """One connection, one hello; None (and a note) when it stayed silent."""
        check = self.check
        reader = hello.Reader(want_dh=question.rule == "tls.kex.weak_dh")
        await asyncio.sleep(check.gap.total_seconds())
        self.connections += 1
        sni = None if is_address(self.name) else self.name
        left = self.started + check.timeout.total_seconds() * 0.9 - self.env.clock.monotonic()
        patience = min(check.patience.total_seconds(), max(left, 0.05))
        try:
            async with (
                asyncio.timeout(patience),
                connect(self.env, check.host, check.port, self.watch) as wire,
            ):
                wire.send(hello.client_hello(question.version, question.ciphers, sni))
                while reader.reply is None:
                    reader.feed(await wire.receive())
        except TimeoutError:
            self.silent += 1
            self._tell(question.rule, FindingResult.NOT_CHECKED, "応答なし no answer", "-")
            return None
        except Trouble as trouble:
            if trouble.phase == "answer" and not trouble.ours:
                return hello.Reply("refused", note="reset")
            self.silent += 1
            self._tell(question.rule, FindingResult.NOT_CHECKED, trouble.text.ja, "-")
            return None
        if reader.reply.kind == "hello":
            self.spoke, self.best = True, max(self.best, reader.reply.version)
        return reader.reply

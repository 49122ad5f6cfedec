"""Kind `ssh`: does an SSH server answer (RFC 4253), and is it the one with the pinned host key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bcp.kit.language import Text
from bcp.plan.types import Duration
from bcp.watch.check import Env, Fact
from bcp.watch.values import Outcome, Pillar, Status
from probes.engine import redact, ssh, verdict
from probes.engine.fields import Host, Port, place
from probes.engine.reaching import REACH_FACTS, Reaching
from probes.engine.reading import Reading, part
from probes.engine.trouble import Stopwatch, Trouble
from probes.engine.wire import Wire, connect

_CAP = 128 << 10
_LINES_MOST = 100
"""Lines a server may say before it names itself (RFC 4253 section 4.2)."""
_LINE_MOST = 255
_PACKETS_MOST = 100
_OURS = b"SSH-2.0-ict-bcp"

Fingerprint = Annotated[str, Field(pattern=r"^SHA256:[A-Za-z0-9+/]{43}$")]
"""As `ssh-keygen -l -f KEY.pub` prints it."""


class SshCheck(Reaching):
    """Reads the greeting of an SSH server and makes it prove its host key; never logs in."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text("SSHの応答とホスト鍵", "SSH answers, host key")
    facts: ClassVar[Mapping[str, Fact]] = {
        **{name: verdict.PHASE_FACTS[name] for name in ("resolve", "connect", "answer", "total")},
        **REACH_FACTS,
    }

    kind: Literal["ssh"] = "ssh"
    host: Host
    port: Port = 22
    host_keys: tuple[Fingerprint, ...] = Field((), max_length=8)
    """One of these must be shown and proven; several while a key is being replaced."""
    host_key_type: Literal["ed25519", "ecdsa", "rsa"] = "ed25519"
    """The kind of key `host_keys` are of: a server has one of each."""
    expect: str | None = Field(None, min_length=1, max_length=200)
    """Must stand in the greeting, for example `OpenSSH_9`."""
    slow_after: Duration | None = None

    @property
    def target(self) -> str:
        return place(self.host, self.port)

    @property
    def reached(self) -> tuple[str, int]:
        return self.host, self.port

    async def look(self, env: Env, watch: Stopwatch) -> Outcome:
        async with connect(env, self.host, self.port, watch) as wire:
            reading = Reading(wire, _CAP)
            wire.send(_OURS + b"\r\n")
            greeting = await _greeting(reading)
            evidence = [redact.line(greeting.decode("utf-8", "replace"))]
            wrong = self._unexpected(greeting)
            proof = None
            if self.host_keys and wrong is None:
                proof = await _exchange(wire, reading, greeting, self.host_key_type)
                evidence.append(f"ホスト鍵 host key: {proof.fingerprint} {proof.algorithm}")
                wrong = self._stranger(proof)
            spent = watch.stop()
            await part(wire, ssh.goodbye(), watch, self.timeout)
        status, text = Status.OK, _fine(spent["total"], proof is not None)
        if wrong is not None:
            status, text = Status.FAILED, wrong
        elif late := verdict.slow(spent["total"], self.slow_after):
            status, text = Status.DEGRADED, late
        sentence = Text(f"{self.target}: {text.ja}", f"{self.target}: {text.en}")
        return Outcome(status, sentence, spent, evidence=tuple(evidence))

    def _unexpected(self, greeting: bytes) -> Text | None:
        if self.expect is None or self.expect.encode("utf-8") in greeting:
            return None
        heard = redact.line(greeting.decode("utf-8", "replace"), limit=60)
        wanted = redact.line(self.expect, limit=60)
        return Text(f"名乗りが {heard} (期待 {wanted})", f"greets as {heard}, expected {wanted}")

    def _stranger(self, proof: ssh.Proof) -> Text | None:
        """Why this is not the server the plan means."""
        if proof.fingerprint not in self.host_keys:
            return Text(
                f"ホスト鍵が計画と違う ({proof.fingerprint})。別の機械か、鍵の入れ替え",
                f"another host key than planned ({proof.fingerprint}): another machine or new keys",
            )
        if not proof.holds():
            return Text(
                "ホスト鍵の持ち主と証明できない(なりすましの疑い)",
                "does not prove that it holds the host key: may be an impostor",
            )
        return None


async def _greeting(reading: Reading) -> bytes:
    """The server's identification string. Raises `Trouble`."""
    before: list[str] = []
    for _turn in range(_LINES_MOST):
        try:
            line = await reading.line(_LINE_MOST)
        except Trouble as trouble:
            trouble.evidence = (*before[-5:], *trouble.evidence)
            raise
        if line.startswith((b"SSH-2.0-", b"SSH-1.99-")):
            return line
        before.append(redact.line(line.decode("utf-8", "replace")))
        if line.startswith(b"SSH-"):
            raise Trouble(
                Text("古いSSH(版1)しか話せません", "only speaks an old version of SSH"),
                "answer",
                evidence=(before[-1],),
            )
    text = Text("SSHではない応答です", "the answer is not SSH")
    raise Trouble(text, "answer", evidence=tuple(before[:5]))


async def _exchange(wire: Wire, reading: Reading, greeting: bytes, kind: str) -> ssh.Proof:
    """The key exchange up to the server's proof. Raises `Trouble`."""
    exchange = ssh.Exchange(_OURS, greeting, ssh.HOST_KEYS[kind])
    wire.send(ssh.packet(exchange.offer))
    try:
        kexinit = await _message(reading, ssh.KEXINIT)
        wire.send(ssh.packet(exchange.answer(kexinit)))
        return exchange.proof(await _message(reading, ssh.ECDH_REPLY))
    except ssh.NothingInCommon as error:
        raise _nothing_in_common(error, kind) from error
    except ValueError as error:
        text = Text("SSHとして読めない応答です", f"not SSH: {error}")
        raise Trouble(text, "answer") from error


def _nothing_in_common(error: ssh.NothingInCommon, kind: str) -> Trouble:
    offered = redact.line(", ".join(error.offered), limit=400)
    if error.asked == "host key":
        text = Text(
            f"{kind} のホスト鍵を持っていません (host_key_type を確かめる)",
            f"it has no {kind} host key; see host_key_type",
        )
        return Trouble(text, "answer", evidence=(f"鍵の種類 host key types: {offered}",))
    text = Text(
        "鍵交換の方式が合わず、ホスト鍵を確かめられません",
        "no key exchange in common (curve25519-sha256): the host key cannot be checked",
    )
    evidence = (f"鍵交換 key exchanges: {offered}",)
    return Trouble(text, "answer", ours=True, evidence=evidence)


async def _message(reading: Reading, wanted: int) -> bytes:
    """The next message of this number. Raises `Trouble`, ValueError."""
    for _turn in range(_PACKETS_MOST):
        size = int.from_bytes(await reading.exactly(4))
        if not 2 <= size <= ssh.PACKET_MOST:
            raise ValueError(f"a packet of {size} bytes")
        payload = ssh.payload_of(await reading.exactly(size))
        if payload[0] == wanted:
            return payload
        if payload[0] == ssh.DISCONNECT:
            fields = ssh.Fields(payload[1:])
            code, said = fields.number(), fields.string().decode("utf-8", "replace")
            text = Text(f"相手が切断しました (理由 {code})", f"disconnected with reason {code}")
            raise Trouble(text, "answer", evidence=(redact.line(said),))
        if payload[0] not in (ssh.IGNORE, ssh.UNIMPLEMENTED, ssh.DEBUG):
            raise ValueError(f"unexpected message {payload[0]}")
    raise ValueError(f"more than {_PACKETS_MOST} packets")


def _fine(total: float, proven: bool) -> Text:
    milliseconds = timedelta(seconds=total) / timedelta(milliseconds=1)
    if proven:
        return Text(
            f"応答あり、ホスト鍵は計画どおり ({milliseconds:.0f}ミリ秒)",
            f"answers with the planned host key ({milliseconds:.0f} ms)",
        )
    return Text(
        f"応答あり、ホスト鍵は未確認 ({milliseconds:.0f}ミリ秒)",
        f"answers, host key not checked ({milliseconds:.0f} ms)",
    )

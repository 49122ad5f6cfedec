"""What several kinds say alike: facts with units, the judgement of a certificate, slowness."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bcp.kit.language import Text
from bcp.kit.units import jst
from bcp.watch.check import Fact
from bcp.watch.values import FactValue, Status
from probes.engine.tls import Peer

PHASE_FACTS: Mapping[str, Fact] = {
    "resolve": Fact("seconds", Text("名前解決にかかった時間", "time to resolve the name")),
    "connect": Fact("seconds", Text("TCP接続にかかった時間", "time to connect")),
    "tls": Fact("seconds", Text("TLSの確立にかかった時間", "time of the TLS handshake")),
    "answer": Fact("seconds", Text("最初の応答までの時間", "time to the first byte")),
    "body": Fact("seconds", Text("本文の受信にかかった時間", "time to receive the body")),
    "total": Fact("seconds", Text("全体の時間", "total time")),
}

TLS_FACTS: Mapping[str, Fact] = {
    "not_after": Fact("timestamp_seconds", Text("証明書の期限", "end of the certificate")),
    "tls_version": Fact("", Text("TLSの版", "protocol version")),
}

_GRAVITY = (Status.OK, Status.DEGRADED, Status.UNKNOWN, Status.FAILED)


def worse(a: Status, b: Status) -> Status:
    """The graver of two verdicts of one run."""
    return max(a, b, key=_GRAVITY.index)


def tls_facts(peer: Peer) -> dict[str, FactValue]:
    """The facts of `TLS_FACTS`."""
    return {"not_after": int(peer.leaf.not_after.timestamp()), "tls_version": peer.version}


def certificate(
    peer: Peer, now: datetime, warn_days: int, *, verify: bool = True
) -> tuple[Status, Text | None]:
    """FAILED: users are turned away; DEGRADED: ends within `warn_days`; else OK and no text."""
    leaf = peer.leaf
    until = jst(leaf.not_after, "%Y-%m-%d %H:%M")
    if verify:
        if leaf.not_after <= now:
            return Status.FAILED, Text(
                f"証明書の期限切れ ({until} まで)", f"certificate expired ({until} JST)"
            )
        if peer.faults:
            fault = peer.faults[0]
            return Status.FAILED, Text(
                f"証明書を信頼できない: {fault.text.ja}",
                f"certificate not trusted: {fault.text.en}",
            )
    if leaf.not_after <= now + timedelta(days=warn_days):
        days = max(0, (leaf.not_after - now).days)
        return Status.DEGRADED, Text(
            f"証明書の期限が近い (あと{days}日、{until} まで。基準 {warn_days}日前)",
            f"certificate ends in {days} days ({until} JST, warned {warn_days} days before)",
        )
    return Status.OK, None


def slow(total: float, limit: timedelta | None) -> Text | None:
    """The text when `total` seconds is over the limit."""
    if limit is None or total <= limit.total_seconds():
        return None
    most = limit.total_seconds()
    return Text(
        f"遅い: {total:.2f}秒 (基準 {most:g}秒以内)", f"slow: {total:.2f} s (limit {most:g} s)"
    )


def joined(texts: list[Text]) -> Text:
    """Several reasons as one sentence."""
    return Text("。".join(t.ja for t in texts), "; ".join(t.en for t in texts))

"""What one run of a kind has found so far: the graver verdict, its reasons, facts and evidence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bcp.kit.language import Text
from bcp.watch.values import FactValue, Outcome, Status
from probes.engine import redact, verdict
from probes.engine.tls import Peer


class Tally:
    """Collects findings and makes the outcome of them."""

    def __init__(self) -> None:
        self.status = Status.OK
        self.facts: dict[str, FactValue] = {}
        self.evidence: list[str] = []
        self._texts: list[Text] = []

    def bad(self, status: Status, text: Text) -> None:
        """One thing that is not as it should be."""
        self.status = verdict.worse(self.status, status)
        self._texts.append(text)

    def certificate(
        self, peer: Peer | None, now: datetime, warn_days: int, *, verify: bool
    ) -> bool:
        """Judge what TLS showed, if there was TLS; false when nothing more may be said there."""
        if peer is None:
            return True
        self.facts |= verdict.tls_facts(peer)
        self.evidence += peer.evidence
        status, text = verdict.certificate(peer, now, warn_days, verify=verify)
        if text is not None:
            self.bad(status, text)
        return status is not Status.FAILED

    def outcome(
        self,
        target: str,
        spent: Mapping[str, float],
        fine: Text,
        *,
        slow_after: timedelta | None = None,
        secret: tuple[str, ...] = (),
    ) -> Outcome:
        """The verdict. `spent`: phases and `total` in seconds; `fine`: said when nothing is bad."""
        if late := verdict.slow(spent["total"], slow_after):
            self.bad(Status.DEGRADED, late)
        said = verdict.joined(self._texts or [fine])
        sentence = Text(f"{target}: {said.ja}", f"{target}: {said.en}")
        facts = {**self.facts, **spent}
        return Outcome(self.status, sentence, facts, evidence=redact.lines(self.evidence, secret))

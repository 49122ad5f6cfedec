"""What every command about a running event says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runbooks.heard import Heard


@dataclass(frozen=True, slots=True, kw_only=True)
class On:
    """Of which event; when it happened (None = now)."""

    incident: str
    occurred_at: datetime | None = None
    heard: Heard | None = None
    """Not typed by the one who did it: by phone, or from paper."""

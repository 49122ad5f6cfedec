"""Plan sections that the roof itself owns: access and log."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from bcp.plan.types import Duration, Model


class Access(Model):
    """Doors: where to listen, how long a session lives."""

    listen: str = "127.0.0.1"
    port: int = 8420
    session: Duration = timedelta(hours=12)
    code_session: Duration = timedelta(hours=72)
    """How long a session opened with a 緊急用封印コード lasts at the most."""
    metrics_token_file: str | None = None
    """Bearer token for a scraper without an account (Prometheus `credentials_file`)."""
    tls_certificate_file: str | None = None
    tls_key_file: str | None = None
    public_url: str | None = None
    photo_mb: int = Field(10, ge=1, le=50)
    """Largest photo of a step, in MB: phones make 3 to 8."""

    @property
    def photo_bytes(self) -> int:
        """The same in bytes."""
        return self.photo_mb << 20


class Log(Model):
    """The integrity log: its name in signed checkpoints."""

    origin: str | None = None
    """`<city domain>/ict-bcp/integrity`; default from the node's id."""

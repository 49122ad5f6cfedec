"""Plan sections that the roof itself owns: access, log and announcements."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, model_validator

from bcp.plan.types import Duration, Id, Model
from runbooks.notices.template import Template


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


class Mirror(Model):
    """A second place outside the site for the public page: a mount, a folder others fetch from."""

    id: Id
    folder: str = Field(pattern=r"^/.+")
    """Absolute. `index.html` and `status.json` are written into it."""
    marker: str | None = Field(None, pattern=r"^[A-Za-z0-9._-]+$")
    """A file that must exist in it: without the mount there is none."""


class Announcements(Model):
    """お知らせ: texts approved beforehand, and where the public page is copied to."""

    templates: tuple[Template, ...] = ()
    mirrors: tuple[Mirror, ...] = ()

    @model_validator(mode="after")
    def _once_each(self) -> Announcements:
        for ids in ([one.id for one in self.templates], [one.id for one in self.mirrors]):
            twice = [id for id in ids if ids.count(id) > 1]
            if twice:
                raise ValueError(f"{twice[0]} が二度あります / stands twice")
        return self

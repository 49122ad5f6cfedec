"""Where the practice city keeps its things: everything below `DATA/practice`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Folders:
    """Paths of one practice city. `root` is `DATA/practice`."""

    root: Path

    @property
    def plan(self) -> Path:
        """The plan, as YAML a newcomer can read."""
        return self.root / "plan"

    @property
    def register(self) -> Path:
        """Source of the backup: the resident register and what belongs to it."""
        return self.root / "juki"

    @property
    def register_file(self) -> Path:
        """The register itself."""
        return self.register / "住民基本台帳.csv"

    @property
    def host(self) -> Path:
        """What the confidentiality checks look at: keys and dumps with right modes."""
        return self.root / "host"

    @property
    def sealing_key(self) -> Path:
        """The key of the seal 公印: its mode is opened by a fault."""
        return self.host / "keys" / "koin.key"

    @property
    def dump(self) -> Path:
        """A dump of the register, as an operator leaves one behind."""
        return self.host / "dumps" / "juki-20261122.dump"

    @property
    def repository(self) -> Path:
        """The restic repository."""
        return self.root / "repository"

    @property
    def restored(self) -> Path:
        """Where restores begun on the page go."""
        return self.root / "restored"

    @property
    def password(self) -> Path:
        """Its password, 0600."""
        return self.root / "secrets" / "restic-password"

    @property
    def metrics_token(self) -> Path:
        """The key of a Prometheus that scrapes `/metrics`."""
        return self.root / "secrets" / "metrics-token"

    @property
    def second_place(self) -> Path:
        """Stands for a place outside the site: static copies of the public page."""
        return self.root / "second-place"

    @property
    def webhook_url(self) -> Path:
        """Where notifications go; a file, as secrets are given."""
        return self.root / "secrets" / "webhook-url"

    @property
    def certificates(self) -> Path:
        """The private CA and what it issued."""
        return self.root / "certificates"

    @property
    def kept(self) -> Path:
        """What faults took away, for healing."""
        return self.root / "kept"

    @property
    def faults(self) -> Path:
        """Which faults are active."""
        return self.root / "faults.json"

    @property
    def settings(self) -> Path:
        """What was chosen at the first start: its day and the ports."""
        return self.root / "city.json"

    @property
    def accounts(self) -> Path:
        """Accounts and passphrases of the practice city, 0600."""
        return self.root / "accounts.txt"

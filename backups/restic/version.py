"""Which restic this is, and what it can do. Pure.

Measured on 0.14.0, 0.16.4, 0.17.3, 0.18.0 and 0.19.1. Where a version between was not measured the
older behaviour is assumed: every feature here only saves work or sharpens a message.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

OLDEST = (0, 14, 0)
_TEXT = re.compile(r"restic (\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version number; development builds count as their base."""

    major: int
    minor: int
    patch: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    def at_least(self, minor: int, patch: int = 0) -> bool:
        """Whether it is 0.`minor`.`patch` or later."""
        return (self.major, self.minor, self.patch) >= (0, minor, patch)

    @property
    def supported(self) -> bool:
        """0.14 is the oldest whose output was measured."""
        return (self.major, self.minor, self.patch) >= OLDEST

    @property
    def full_snapshot_id(self) -> bool:
        """`backup --json` gives all 64 digits (0.15); before, only eight: look it up by tag."""
        return self.at_least(15)

    @property
    def retry_lock(self) -> bool:
        """`--retry-lock` exists (0.16)."""
        return self.at_least(16)

    @property
    def named_exit_codes(self) -> bool:
        """10 no repository, 11 locked, 12 wrong password (0.17, 12 since 0.17.1); before: all 1."""
        return self.at_least(17)

    @property
    def restore_json(self) -> bool:
        """`restore --json` speaks JSON (0.16); before it ignores the flag."""
        return self.at_least(16)

    @property
    def check_json(self) -> bool:
        """`check --json` ends with a summary (0.18); before it ignores the flag."""
        return self.at_least(18)

    @property
    def missing_source_is_an_error(self) -> bool:
        """A source path that does not exist gives exit code 3 (0.19); before: exit code 0."""
        return self.at_least(19)


def parse_version(output: bytes) -> Version | None:
    """Read the answer of `restic version --json`: JSON since 0.17, before that a sentence."""
    text = output.decode("utf-8", "replace").strip()
    try:
        found = json.loads(text.splitlines()[0]).get("version", "")
        text = f"restic {found}"
    except (ValueError, AttributeError, IndexError):
        pass
    match = _TEXT.search(text)
    if match is None:
        return None
    major, minor, patch = match.groups()
    return Version(int(major), int(minor), int(patch or 0))

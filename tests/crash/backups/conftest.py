"""The fixtures of the backups' own tests: a set, a repository and a log around one test."""

from __future__ import annotations

import pytest

from tests.backups.conftest import any_restic, log, one_place, workers

__all__ = ["any_restic", "log", "one_place", "workers"]

pytest.register_assert_rewrite("tests.crash.backups.checking", "tests.crash.backups.world")

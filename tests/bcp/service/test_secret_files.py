"""Secrets named by file: others may not read them, and people are told where they can."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bcp.service.secret_files import exposed
from bcp.service.sections import Access
from bcp.watch.routes import NotifyRoute


def plan_with(token: Path, url: Path) -> Any:
    access = Access(metrics_token_file=str(token), tls_certificate_file="/etc/hosts")
    routes = (NotifyRoute(id="chat", url_file=str(url)),)
    return cast(Any, SimpleNamespace(access=access, notify=routes, checks=(), backups=()))


@pytest.mark.parametrize(("mode", "told"), [(0o600, 0), (0o640, 0), (0o644, 1), (0o660, 1)])
def test_a_secret_that_others_reach_is_told_without_its_content(
    tmp_path: Path, mode: int, told: int
) -> None:
    token, url = tmp_path / "token", tmp_path / "url"
    token.write_text("s3cret-s3cret-s3cret-s3cret")
    token.chmod(mode)
    found = exposed(plan_with(token, url))  # the address's file does not exist: told elsewhere
    assert len(found) == told
    assert all(str(token) in line and "s3cret" not in line for line in found)

"""Two people who add the same block to one page break every page: each template must be readable."""

from __future__ import annotations

import pytest

from bcp.service.pages.render import STATIC, _environment

NAMES = sorted(path.name for path in (STATIC.parent / "templates").glob("*.html"))


@pytest.mark.parametrize("name", NAMES)
def test_every_template_can_be_read(name: str) -> None:
    assert _environment().get_template(name).name == name

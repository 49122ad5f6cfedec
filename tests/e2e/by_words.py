"""A tired person with a telephone: finds everything by the words on the screen, by nothing else.

Shared by the tests that follow a whole event. No id, no class, no address is used past the first page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.async_api import Locator, Page


@dataclass
class Reader:
    """What somebody reads and presses."""

    page: Page

    async def open(self, url: str, login: str, password: str) -> None:
        """Sign in where the address leads."""
        await self.page.goto(url)
        await self.write("ログイン名", login)
        await self.write("パスワード", password)
        await self.press("ログイン")

    async def write(self, label: str, words: str) -> None:
        """Into the field with this label."""
        await self._seen(self.page.get_by_label(label, exact=True)).fill(words)

    async def pick(self, label: str) -> None:
        """The choice with these words."""
        await self.page.get_by_role("radio", name=re.compile(f"^{label}")).first.check()

    async def choose(self, label: str, words: str) -> None:
        """From a list."""
        options = self._seen(self.page.get_by_label(label, exact=True))
        name = await options.locator("option", has_text=words).first.inner_text()
        await options.select_option(label=name)

    async def press(self, words: str) -> None:
        """The button that says so."""
        await self._seen(self.page.get_by_role("button", name=words, exact=True)).click()

    async def follow(self, words: str | re.Pattern[str]) -> None:
        """The link that says so."""
        exact = isinstance(words, str)
        await self._seen(self.page.get_by_role("link", name=words, exact=exact)).click()

    async def unfold(self, words: str) -> None:
        """What is folded away under these words."""
        await self._seen(self.page.locator("summary", has_text=words)).click()

    async def reads(self, words: str) -> None:
        """It stands on the page."""
        said = await self.page.inner_text("body")
        assert words in said, f"{words!r} is not on {self.page.url}: {said[:1500]}"

    async def can(self, words: str) -> bool:
        """Whether such a button is there."""
        return await self.page.get_by_role("button", name=words, exact=True).count() > 0

    def _seen(self, found: Locator) -> Locator:
        return found.locator("visible=true").first

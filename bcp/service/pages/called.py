"""Names behind the ids of the log: an account's display name, the machine's own words for the rest.

The log holds pseudonyms; who may read a page reads names. An id nobody knows stays as it is.
"""

from __future__ import annotations

from bcp.kit.language import Lang, text
from bcp.service.access.accounts import Accounts

_MACHINE = {"system": "pages.by_itself", "uid:0": "pages.by_console"}


def called(accounts: Accounts, id: str, lang: Lang) -> str:
    """`u-8e50` -> 統括 太郎, `system` -> 自動, `uid:0` -> この機械の管理者."""
    if id in _MACHINE:
        return text(_MACHINE[id]).pick(lang)
    what, _, rest = id.partition(":")
    if what == "uid" and rest:
        return text("entries.actor_uid", uid=rest).pick(lang)
    if what == "token" and rest:
        return text("entries.actor_token", name=rest).pick(lang)
    return accounts.name_of(id)

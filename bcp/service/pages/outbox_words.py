"""What the outbox script says: one small document in the language of the page."""

from __future__ import annotations

import json

from bcp.kit.language import Lang, text

_SCRIPT_WORDS = (
    "title", "unsent", "offline", "sending", "signed_out", "not_stored", "send_now", "export",
    "copy", "drop", "as_note", "undo", "others", "done", "cannot", "cannot_why",
)  # fmt: skip
_DEEDS = ("start", "finish", "fail", "skip", "wait", "reopen", "attest", "decide")


def script_words(lang: Lang) -> str:
    """What the outbox script says, as JSON for its `data-words`."""
    found = {key: text(f"outbox.{key}").pick(lang) for key in _SCRIPT_WORDS}
    found |= {f"do_{deed}": text(f"runbooks.do_{deed}").pick(lang) for deed in _DEEDS}
    found["do_finish"] = text("outbox.done").pick(lang)  # never 完了: the log does not have it yet
    found["do_note"] = text("runbooks.kindword_note_added").pick(lang)
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))

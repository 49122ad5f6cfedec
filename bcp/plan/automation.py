"""`automation:` the allow-list of what a machine may do for a step of a runbook. Nothing else runs.

A command is a list of words handed to the program as they stand: no shell ever sees them. A
parameter fills one `{name}` in them and must fit its pattern from end to end.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import timedelta

from pydantic import Field, model_validator

from bcp.plan.types import Duration, Id, Model

_FIELD = re.compile(r"\{([a-z][a-z0-9_]*)\}")
LONGEST = timedelta(hours=24)


class Instead(Model):
    """訓練では: another line of the list, or only pretend."""

    run: Id | None = None
    simulate: bool = False

    @model_validator(mode="after")
    def _one(self) -> Instead:
        if (self.run is None) != self.simulate:
            raise ValueError("run か simulate: true のどちらか一つ / either run or simulate: true")
        return self


class Automation(Model):
    """One act: a `command` on this host, or a built-in `action` of the program."""

    id: Id
    title: str = Field(min_length=1, max_length=120)
    """What it does, in words a tired person understands; shown before the button."""
    en: str | None = None
    command: tuple[str, ...] = ()
    action: Id | None = None
    parameters: dict[Id, str] = Field(default_factory=dict)
    """Name -> regular expression its value must match whole."""
    timeout: Duration
    destructive: bool = False
    """Cannot be undone: never by one person alone."""
    second_person: bool = True
    """A second person confirms (destructive acts always)."""
    reversible: bool = False
    retype: str | None = None
    """Word to type again before it runs."""
    systems: tuple[Id, ...] = ()
    """Runbooks of these systems may use it; empty = any."""
    drill: Instead | None = None
    """What a drill does; without it a drill refuses."""

    @model_validator(mode="after")
    def _whole(self) -> Automation:
        if bool(self.command) == (self.action is not None):
            raise ValueError("command か action のどちらか一つ / either command or action")
        if self.command and not self.command[0].startswith("/"):
            raise ValueError(
                "プログラムは / で始まる場所で書く / name the program by its full path"
            )
        if not timedelta() < self.timeout <= LONGEST:
            raise ValueError("timeout は 24h まで / timeout: more than nothing, at most 24h")
        used = {name for word in self.command[1:] for name in _FIELD.findall(word)}
        if self.command and used != set(self.parameters):
            raise ValueError(
                "command の {名前} と parameters が合いません / {names} in command and parameters differ"
            )
        if self.command and _FIELD.search(self.command[0]):
            raise ValueError("プログラムは引数にできません / the program itself is no parameter")
        for name, pattern in self.parameters.items():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{name}: 正規表現の誤り / not a pattern: {error}") from error
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of the line: what exactly was confirmed."""
        data = self.model_dump(mode="json", exclude_defaults=True)
        return hashlib.sha256(
            json.dumps(data, ensure_ascii=False, sort_keys=True).encode()
        ).hexdigest()

    def argv(self, given: Mapping[str, str]) -> tuple[str, ...]:
        """The words of the command; `given` must have been checked with `unfit`."""
        return tuple(_FIELD.sub(lambda m: given[m.group(1)], word) for word in self.command)

    def unfit(self, given: Mapping[str, str]) -> tuple[str, ...]:
        """Parameters that are missing, unknown or do not match."""
        wrong = [name for name in given if name not in self.parameters]
        for name, pattern in self.parameters.items():
            value = given.get(name, "")
            odd = value.startswith("-") or not value.isprintable() or len(value) > 128
            if odd or not re.fullmatch(pattern, value):  # never an option of the program
                wrong.append(name)
        return tuple(sorted(wrong))

"""Every state, command and kind of entry has its words in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import runbooks
from bcp.kit.language import catalogue
from runbooks import commands as c
from runbooks.folding import _CHANGES
from runbooks.gates import ALWAYS
from runbooks.lint import RULES
from runbooks.progress import Stand
from runbooks.state import (
    CAPACITIES,
    DRILL_KINDS,
    NATURES,
    Phase,
    Ratification,
    Verification,
)
from runbooks.stepfold import STEP_KINDS
from runbooks.targets import Goal


def test_every_word_of_the_machine_is_in_the_catalogue() -> None:
    wanted = {
        *(f"stand_{item.value}" for item in Stand),
        *(f"phase_{item.value}" for item in Phase),
        *(f"ratification_{item.value}" for item in Ratification),
        *(f"proof_{item.value}" for item in Verification),
        *(f"goal_{item.value}" for item in Goal),
        *(f"nature_{item}" for item in NATURES),
        *(f"capacity_{item}" for item in CAPACITIES),
        *(f"drill_{item}" for item in DRILL_KINDS),
        *(f"gate_{item}" for item in ALWAYS),
        *(f"rule_{item}" for item in RULES),
        *(f"cmd_{item.__name__}" for item in get_args(c.FrameCommand)),
        *(f"kindword_{item}" for item in {"declared", *STEP_KINDS, *_CHANGES}),
    }
    missing = {key for key in wanted if f"runbooks.{key}" not in catalogue()}
    assert not missing


def test_every_key_written_in_the_room_is_in_the_catalogue() -> None:
    folder = Path(runbooks.__file__).parent
    text = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    keys = {*re.findall(r'"runbooks\.([a-z_A-Z0-9]+)"', text)}
    keys |= set(re.findall(r'refuse\(\s*"([a-z_]+)"', text))
    keys = {key for key in keys if not key.endswith("_")}
    missing = {key for key in keys if f"runbooks.{key}" not in catalogue()}
    assert not missing
    assert len(keys) > 20


def test_every_text_has_both_languages_and_the_same_places_to_fill() -> None:
    for key, found in catalogue().items():
        if key.startswith("runbooks."):
            assert found.ja.strip(), key
            assert found.en.strip(), key

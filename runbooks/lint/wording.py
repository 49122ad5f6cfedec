"""W103 a step that is more than one act, W111 what must not stand in a text that is printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from bcp.plan.marks import Fault, Path_
from runbooks.lint.ground import Ground, step_path

MAX_TITLE = 40
MAX_RUN = 9
"""Steps in a row without a milestone: more nobody keeps in mind."""

_TWO_ACTS = re.compile(
    r"および|及び|ならびに|並びに|かつ|てから|でから|したあと|した後"
    r"|(?:し|して|って|んで|いて|いで|きて|みて|えて|べて|めて|せて|けて|れて)、"
)
"""One verb joined to the next. A list of things (「水、電気」) is one act."""


def w103(ground: Ground) -> list[Fault]:
    """Titles with two verbs or too long, stretches without a place to breathe."""
    faults = []
    for runbook in ground.book:
        for step in runbook.steps:
            path = step_path(runbook, step, "title")
            if len(step.title) > MAX_TITLE:
                faults.append(
                    ground.at("W103", runbook, path, "long", step=step.id, length=len(step.title))
                )
            if match := _TWO_ACTS.search(step.title):
                faults.append(
                    ground.at("W103", runbook, path, "two_acts", step=step.id, word=match[0])
                )
        off = ground.book.graphs[runbook.id].on_failure  # told only when something failed
        way = [step for step in runbook.steps if step.id not in off]
        for milestone, run in groupby(way, lambda step: step.type == "milestone"):
            row = list(run)
            if not milestone and len(row) > MAX_RUN:
                path = step_path(runbook, row[MAX_RUN])
                faults.append(ground.at("W103", runbook, path, "no_pause", count=len(row)))
    return faults


# --- W111 ---------------------------------------------------------------------------------------

_PHONE = re.compile(r"(?<![\d-])0(?!120|800|570)\d{1,4}[-()（） ]\d{1,4}[-)） ]\d{3,4}(?![\d-])")
_MOBILE = re.compile(r"(?<!\d)0[789]0\d{8}(?!\d)")
_MAIL = re.compile(r"(?<![\w@.])[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_LOGIN = re.compile(r"\b(?:ssh|scp|sftp|rsync|git)\b")
_SAID = r"(?:\s*(?:は|[::=＝])\s*|\s+は\s*)[「『\"']?"
_NOT_A_VALUE = r"(?![$<{/%*#@…_.]|\w*_file)"
_PASSWORD = re.compile(
    r"(?:パスワード|合言葉|暗証番号|パスフレーズ|PIN|password|passwd|passphrase|secret|token"
    rf"|api[_-]?key){_SAID}{_NOT_A_VALUE}[!-~]{{4,}}",
    re.IGNORECASE,
)
_OPTION = re.compile(
    rf"--(?:password|passwd|token|secret|api-key)[= ]{_NOT_A_VALUE}(?!-)[!-~]{{4,}}"
)
_IN_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://[^/\s:@]+:(?![$<{])[^/\s@]+@")
_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}|\bAGE-SECRET-KEY-1[0-9A-Z]{20,}"
)
_TWELVE = re.compile(r"(?<![\d-])\d{4}[- ]?\d{4}[- ]?\d{4}(?![\d-])")
_BORN = re.compile(r"生年月日\s*[は::]?\s*[^\s]*\d{1,4}\s*[年/.-]")


def w111(ground: Ground) -> list[Fault]:
    """Personal data or a secret in a text. The value is not repeated: findings are printed too."""
    faults = []
    for runbook in ground.book:
        tree = ground.book.trees.get(runbook.id)
        data = tree.data if tree is not None else runbook.model_dump(mode="json", by_alias=True)
        for path, line in _texts(data):
            faults += [
                ground.at("W111", runbook, path, f"secret_{what}") for what in secrets_in(line)
            ]
    return faults


def secrets_in(line: str) -> tuple[str, ...]:
    """Kinds of things in a line that must not be printed: password, key, phone, mail, number, born."""
    found = []
    if _PASSWORD.search(line) or _OPTION.search(line) or _IN_URL.search(line):
        found.append("password")
    if _KEY.search(line):
        found.append("key")
    phones = [*_PHONE.findall(line), *_MOBILE.findall(line)]
    if any(len(set(re.sub(r"\D", "", phone))) > 2 for phone in phones):  # 000-0000-0001: a dummy
        found.append("phone")
    mails = [m for m in _MAIL.findall(line) if not m.endswith((".invalid", ".example"))]
    if mails and not _LOGIN.search(line):
        found.append("mail")
    if any(is_my_number(number) for number in _TWELVE.findall(line)):
        found.append("number")
    if _BORN.search(line):
        found.append("born")
    return tuple(found)


def is_my_number(written: str) -> bool:
    """Twelve digits whose last one is the check digit of an 個人番号 (省令 平成26年総務省令第85号 第5条)."""
    digits = [int(letter) for letter in written if letter.isdigit()]
    if len(digits) != 12 or len(set(digits)) == 1:
        return False
    total = sum(
        digit * (place + 1 if place <= 6 else place - 5)
        for place, digit in enumerate(reversed(digits[:11]), 1)
    )
    rest = total % 11
    return digits[11] == (0 if rest <= 1 else 11 - rest)


def _texts(data: object, path: Path_ = ()) -> Iterator[tuple[Path_, str]]:
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(value, (*path, str(key)))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _texts(value, (*path, index))

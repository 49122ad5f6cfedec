"""Takes secrets out of what a target said, before it becomes evidence. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

SECRET_HEADERS = frozenset(
    {
        "authorization",
        "cookie",
        "proxy-authenticate",
        "proxy-authorization",
        "set-cookie",
        "www-authenticate",
        "x-api-key",
        "x-auth-token",
        "x-csrf-token",
    }
)
HIDDEN = "［伏せました］"

_PATTERNS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL),
    re.compile(r"(?i)(?<=://)[^/\s:@]{1,256}:[^/\s@]{1,256}(?=@)"),
    re.compile(
        r"(?i)\b((?:[a-z0-9_-]{0,64}?)(?:passw(?:or)?d|passwd|passphrase|secret|token|api[_-]?key"
        r"|access[_-]?key|credential)[a-z0-9_-]{0,32}[\"']?\s{0,4}[:=]\s{0,4})"
        r"(\"[^\"\n]{0,512}\"|'[^'\n]{0,512}'|[^\s\"',;&]{1,512})"
    ),
    re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{6,}"),
)

_HINTS = ("pass", "secret", "token", "key", "credential", "bearer", "basic", "@")
"""Without one of these no pattern matches: most lines are let through by a look."""


def _hide(match: re.Match[str]) -> str:
    """Keep what names the secret, and its quotes, so that redacting twice changes nothing."""
    if not match.re.groups:
        return HIDDEN
    name, quote = match.group(1), ""
    if match.re.groups > 1 and match.group(2)[0] in "\"'":
        quote = match.group(2)[0]
    return f"{name}{quote}{HIDDEN}{quote}" if match.re.groups > 1 else f"{name} {HIDDEN}"


def text(value: str, secrets: Iterable[str] = ()) -> str:
    """`value` without the given secrets and without what looks like one."""
    for secret in secrets:
        if secret:
            value = value.replace(secret, HIDDEN)
    lower = value.lower()
    if any(hint in lower for hint in _HINTS):
        for pattern in _PATTERNS:
            value = pattern.sub(_hide, value)
    return value


def line(value: str, secrets: Iterable[str] = (), limit: int = 200) -> str:
    """One printable line of evidence, redacted before it is cut (half a secret is one, too)."""
    return _cut(text(value, secrets), limit)


def _cut(value: str, limit: int = 200) -> str:
    if not value.isprintable():
        value = "".join(c if c.isprintable() else "·" for c in value)
    return value if len(value) <= limit else value[: limit - 1] + "…"


def lines(values: Iterable[str], secrets: Iterable[str] = ()) -> tuple[str, ...]:
    """Several lines of evidence in one go."""
    joined = "\n".join(value.replace("\n", "·") for value in values)
    if not joined:
        return ()
    whole = text(joined, secrets)
    return tuple(_cut(value) for value in whole.split("\n"))


def named(name: str, value: str) -> str:
    """`Name: value` of a header; those that carry credentials keep their name only."""
    return f"{name}: {HIDDEN if name.lower() in SECRET_HEADERS else value}"

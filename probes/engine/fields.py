"""Field types the kinds share."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field


@lru_cache(maxsize=4096)
def is_address(host: str) -> bool:
    """True for an IP address, false for a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


_HOST = re.compile(r"^(?=.{1,253}$)[^\s/:@\[\]?#\x00-\x20]+$")


def _host(value: str) -> str:
    """A name (IDNA-encoded when it is Japanese) or an address, nothing else in the text."""
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        pass
    if not _HOST.match(value):
        raise ValueError("ホスト名かIPアドレスだけを書く / write a host name or an IP address only")
    try:
        return value if value.isascii() else value.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError(f"ホスト名として使えません / not a host name: {error}") from error


FROM_FILES_ONLY = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Headers whose values are never written in a plan."""


def header(name: str, value: str) -> None:
    """Raises ValueError (bilingual) for a header that could say more than one line."""
    if not (name.replace("-", "").isalnum() and name.isascii() and value.isprintable()):
        raise ValueError(f"ヘッダ名か値が不正です / bad header name or value: {name!r}")


Host = Annotated[str, AfterValidator(_host)]
"""A host name or an IP address."""

Port = Annotated[int, Field(ge=1, le=65535)]


def place(host: str, port: int) -> str:
    """`host:port`, with brackets for IPv6."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

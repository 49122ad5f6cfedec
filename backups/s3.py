"""The few calls of S3 that the canary needs, signed by ourselves (AWS Signature Version 4).

Four calls of one object and one of the bucket need no SDK (boto3 and botocore are fifteen megabytes and
carry a description of every service): the signature is forty lines of `hmac`, fixed since 2012
(docs.aws.amazon.com, "Signature Version 4 signing process"). Path-style addresses only, as restic's
default for everything but AWS itself; AWS still answers them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as BrokenIni
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import aiohttp

_REGION = "us-east-1"
_MODE = re.compile(rb"<Mode>\s*(\w+)\s*</Mode>")
_UNTIL = re.compile(rb"<RetainUntilDate>\s*([^<]+?)\s*</RetainUntilDate>")
_ITEM = re.compile(
    rb"<Key>([^<]+)</Key>(?:(?!</Contents>).)*?<LastModified>([^<]+)</LastModified>", re.DOTALL
)
_BODY = 1 << 20
_TIMEOUT = aiohttp.ClientTimeout(total=30)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of one profile; the secret is never shown."""

    access: str
    secret: str
    token: str = ""

    def __repr__(self) -> str:
        return "Credentials(…)"


@dataclass(frozen=True, slots=True)
class Place:
    """`s3:https://host/bucket/prefix` of restic."""

    endpoint: str
    bucket: str
    prefix: str

    def path(self, name: str = "") -> str:
        """Absolute path of an object; of the bucket when no name is given."""
        if not name:
            return f"/{self.bucket}"
        inside = f"{self.prefix}/{name}" if self.prefix else name
        return f"/{self.bucket}/{inside}"


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and the first bytes of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def place(location: str) -> Place | None:
    """What restic's location names; None when it is not S3."""
    if not location.startswith("s3:"):
        return None
    rest = location.removeprefix("s3:").removeprefix("//")
    if not rest.startswith(("http://", "https://")):
        rest = "https://" + rest
    parts = urlsplit(rest)
    bucket, _slash, prefix = parts.path.strip("/").partition("/")
    if not parts.netloc or not bucket:
        return None
    return Place(f"{parts.scheme}://{parts.netloc}", bucket, prefix.strip("/"))


def credentials(file: Path) -> Credentials | None:
    """The `default` profile of a credentials file in AWS's form; None when it cannot be read."""
    ini = ConfigParser(interpolation=None)
    try:
        ini.read_string(file.read_text(encoding="utf-8"))
        section = ini["default"]
        token = section.get("aws_session_token", "")
        return Credentials(
            section["aws_access_key_id"].strip(), section["aws_secret_access_key"].strip(), token
        )
    except (OSError, UnicodeDecodeError, BrokenIni, KeyError):
        return None


def sign(
    method: str,
    host: str,
    path: str,
    query: Mapping[str, str],
    extra: Mapping[str, str],
    body: bytes,
    who: Credentials,
    now: datetime,
    region: str = _REGION,
) -> dict[str, str]:
    """The headers of a signed request. Pure."""
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    payload = hashlib.sha256(body).hexdigest()
    headers = {"host": host, "x-amz-content-sha256": payload, "x-amz-date": stamp, **extra}
    if who.token:
        headers["x-amz-security-token"] = who.token
    names = ";".join(sorted(headers))
    canonical = "\n".join(
        (
            method,
            quote(path),
            query_string(query),
            *(f"{name}:{headers[name]}" for name in sorted(headers)),
            "",
            names,
            payload,
        )
    )
    scope = f"{day}/{region}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{who.secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={who.access}/{scope}"
    auth = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
    return {**{k: v for k, v in headers.items() if k != "host"}, "Authorization": auth}


def query_string(query: Mapping[str, str]) -> str:
    """As it is signed and as it is sent."""
    return "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted(query.items()))


class Bucket:
    """One bucket for the length of a probe."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        where: Place,
        who: Credentials,
        now: datetime,
        region: str,
    ) -> None:
        self._session, self._where, self._who = session, where, who
        self._now, self._region = now, region

    async def call(
        self,
        method: str,
        name: str = "",
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One signed request. Raises `aiohttp.ClientError`, `TimeoutError`."""
        from yarl import URL

        path, asked = self._where.path(name), dict(query or {})
        host = urlsplit(self._where.endpoint).netloc
        extra = dict(headers or {})
        if body:  # demanded of every upload into a bucket with Object Lock
            digest = hashlib.md5(body, usedforsecurity=False).digest()
            extra["content-md5"] = b64encode(digest).decode("ascii")
        signed = sign(method, host, path, asked, extra, body, self._who, self._now, self._region)
        address = self._where.endpoint + quote(path)
        if asked:
            address += "?" + query_string(asked)
        async with self._session.request(
            method,
            URL(address, encoded=True),
            data=body or None,
            headers=signed,
            timeout=_TIMEOUT,
            allow_redirects=False,
        ) as reply:
            data = (await reply.read())[:_BODY]
            return Reply(reply.status, {k.lower(): v for k, v in reply.headers.items()}, data)

    async def lock_of(self, name: str, version: str = "") -> tuple[str, str]:
        """(mode, retain until) of an object; empty when there is none, or nobody may see it."""
        query = {"versionId": version} if version else {}
        head = await self.call("HEAD", name, query)
        mode = head.headers.get("x-amz-object-lock-mode", "")
        if mode:
            return mode, head.headers.get("x-amz-object-lock-retain-until-date", "")
        return retention(await self.call("GET", name, {**query, "retention": ""}))

    async def newest(self, under: str) -> str:
        """The newest of the first thousand objects under a folder of the repository; empty: none."""
        full = self._where.path(under).split("/", 2)[2]
        reply = await self.call("GET", query={"list-type": "2", "prefix": full})
        found = [(m.group(2), m.group(1)) for m in _ITEM.finditer(reply.body)]
        if reply.status != 200 or not found:
            return ""
        key = max(found)[1].decode("utf-8", "replace")
        return key.removeprefix(f"{self._where.prefix}/") if self._where.prefix else key


def retention(reply: Reply) -> tuple[str, str]:
    """(mode, retain until) of `?retention`; empty when there is none."""
    mode, until = _MODE.search(reply.body), _UNTIL.search(reply.body)
    if reply.status != 200 or mode is None:
        return "", ""
    return mode.group(1).decode("ascii"), until.group(1).decode("ascii") if until else ""

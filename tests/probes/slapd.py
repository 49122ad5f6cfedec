"""A real throw-away OpenLDAP with TLS on loopback, ended with the block."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.probes.pki import Authority
from tests.probes.servers import dead_port, listening

_UNPACKED = Path(sys.prefix, "slapd")
_ROOT = _UNPACKED if (_UNPACKED / "usr/sbin/slapd").is_file() else Path("/")
SLAPD = _ROOT / "usr/sbin/slapd"
real_slapd = pytest.mark.skipif(
    not SLAPD.is_file(), reason="no slapd: apt-get download slapd, dpkg-deb -x"
)

BASE = "dc=city,dc=example"
_ENTRIES = f"""dn: {BASE}
objectClass: dcObject
objectClass: organization
o: City
dc: city

dn: ou=people,{BASE}
objectClass: organizationalUnit
ou: people
"""
PASSWORD = "kurikoma-ldap-7"


def person(name: str) -> str:
    """An entry with a password."""
    return f"""
dn: cn={name},ou=people,{BASE}
objectClass: person
cn: {name}
sn: {name}
userPassword: {PASSWORD}
"""


LOCKS = f"overlay ppolicy\nppolicy_default cn=policy,{BASE}\nppolicy_use_lockout"
POLICY = f"""
dn: cn=policy,{BASE}
objectClass: person
objectClass: pwdPolicy
cn: policy
sn: policy
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 2
pwdLockoutDuration: 0
"""
"""Two wrong passwords lock an account for good."""


@dataclass(frozen=True)
class Directory:
    """Where it listens."""

    port: int
    secure_port: int


@asynccontextmanager
async def directory(
    authority: Authority, head: str = "", more: str = "", entries: str = ""
) -> AsyncIterator[Directory]:
    """Three people; `head`, `more`: lines of slapd.conf for the server, for the database; `entries`: LDIF."""
    authority.server("slapd")
    found = Directory(dead_port(), dead_port())
    env = {"LD_LIBRARY_PATH": ":".join(str(p) for p in _ROOT.glob("**/lib/*-linux-gnu"))}
    env = env if Path("/") != _ROOT else {}
    folder = Path(tempfile.mkdtemp(prefix="slapd"))
    try:
        (folder / "db").mkdir()
        certificate = authority.folder / "slapd.pem"
        (folder / "slapd.conf").write_text(
            f"""include {_ROOT}/etc/ldap/schema/core.schema
modulepath {_ROOT}/usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
{head}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {certificate}
database mdb
suffix "{BASE}"
rootdn "cn=admin,{BASE}"
directory {folder}/db
{more}
"""
        )
        (folder / "entries").write_text(
            _ENTRIES + "".join(map(person, ("abe", "baba", "chiba"))) + entries
        )
        conf = ("-f", str(folder / "slapd.conf"))
        adding = await asyncio.create_subprocess_exec(
            SLAPD.with_name("slapadd"), *conf, "-l", str(folder / "entries"), env=env
        )
        assert await adding.wait() == 0
        urls = f"ldap://127.0.0.1:{found.port} ldaps://127.0.0.1:{found.secure_port}"
        child = await asyncio.create_subprocess_exec(
            SLAPD, *conf, "-h", urls, "-d", "0", env=env, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await listening(found.secure_port)
            yield found
        finally:
            child.terminate()
            await child.wait()
    finally:
        shutil.rmtree(folder)

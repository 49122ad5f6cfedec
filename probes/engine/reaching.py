"""What kinds that open one connection have in common: by which resolver, to which of the addresses,
and whether it must *not* be reached. The kind itself only knows how to look once.
"""

from __future__ import annotations

import asyncio
import socket
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial

import dns.asyncresolver
import dns.exception
import dns.resolver
from pydantic import field_validator

from bcp.kit.language import Text
from bcp.watch.check import Check, Env, Fact, Resolver
from bcp.watch.values import Outcome, Status
from probes.engine.fields import is_address
from probes.engine.resolve import addresses
from probes.engine.trouble import Stopwatch, Trouble, look

_MOST = 8
"""Addresses of one name that are looked at: one connection to each."""
_LIFETIME = 5.0

REACH_FACTS: Mapping[str, Fact] = {
    "addresses": Fact("", Text("見た宛先の数", "addresses looked at")),
    "addresses_bad": Fact("", Text("だめだった宛先の数", "addresses that failed")),
}


class Reaching(Check):
    """Base of kinds that reach a host by its name."""

    resolver: str | None = None
    """The name server asked for the host's name, as `192.0.2.53` or `192.0.2.53:5353`; without it this
    machine's own way is used."""
    each_address: bool = False
    """Look at every address of the name (at most 8). Some failing is 低下, all failing is 停止."""
    must_fail: bool = False
    """It must not be reached: a connection is a failure, whatever is then said; none is good."""

    @field_validator("resolver")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value is not None:
            _server(value)
        return value

    @property
    @abstractmethod
    def reached(self) -> tuple[str, int]:
        """The host and port it connects to."""

    @abstractmethod
    async def look(self, env: Env, watch: Stopwatch) -> Outcome:
        """Look once. Raises `Trouble`."""

    @property
    def endpoint_host(self) -> str | None:
        return self.reached[0]

    @property
    def good_when_unreached(self) -> bool:
        return self.must_fail

    async def _once(self, env: Env) -> Outcome:
        return await look(self.target, self.timeout, env.clock, partial(self.look, env))

    async def run(self, env: Env) -> Outcome:
        if self.resolver is not None:
            env = replace(env, resolve=_named(*_server(self.resolver)))
        outcome = await (self._each(env) if self.each_address else self._once(env))
        return inverted(self.target, outcome) if self.must_fail else outcome

    async def _each(self, env: Env) -> Outcome:
        host, port = self.reached
        try:
            found = (await addresses(env, host, port))[:_MOST]
        except Trouble as trouble:
            return trouble.outcome(self.target)
        looks = [self._once(replace(env, resolve=Pinned(env.resolve, host, one))) for one in found]
        outcomes = await asyncio.gather(*looks)
        return merged(self.target, list(zip(found, outcomes, strict=True)))


class Pinned:
    """The same resolver, but one name has one address."""

    def __init__(self, other: Resolver, host: str, address: str) -> None:
        self._other, self._host, self._address = other, host, address

    async def __call__(self, host: str, port: int) -> list[str]:
        """Addresses of `host`."""
        return [self._address] if host == self._host else await self._other(host, port)


class NamedResolver:
    """Asks one name server. Nothing is cached: a changed record is seen by the next probe."""

    def __init__(self, server: str, port: int) -> None:
        self._resolver = dns.asyncresolver.Resolver(configure=False)
        self._resolver.nameservers, self._resolver.port = [server], port
        self._resolver.lifetime, self._resolver.cache = _LIFETIME, None

    async def __call__(self, host: str, port: int) -> list[str]:
        """Addresses of `host`, A and AAAA. Raises `socket.gaierror`."""
        try:
            found = await self._resolver.resolve_name(host)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer) as error:
            raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
        except (dns.exception.DNSException, OSError) as error:  # mute, lame or refusing
            raise socket.gaierror(socket.EAI_AGAIN, str(error)) from error
        return list(found.addresses())


@lru_cache(maxsize=64)
def _named(server: str, port: int) -> NamedResolver:
    return NamedResolver(server, port)


def merged(target: str, seen: Sequence[tuple[str, Outcome]]) -> Outcome:
    """One verdict of several addresses: some failing is 低下, all failing is 停止. Pure."""
    bad = [(at, one) for at, one in seen if one.status is not Status.OK]
    facts = {"addresses": len(seen), "addresses_bad": len(bad)}
    evidence = tuple(f"{at}: {one.sentence.ja}" for at, one in seen)
    if not bad:
        first = seen[0][1]
        sentence = Text(
            f"{first.sentence.ja} (宛先 {len(seen)}つすべて)",
            f"{first.sentence.en} (all {len(seen)} addresses)",
        )
        return replace(first, sentence=sentence, facts={**first.facts, **facts}, evidence=evidence)
    failed = [one for _at, one in bad if one.status is Status.FAILED]
    status = Status.FAILED if len(failed) == len(seen) else Status.DEGRADED
    if not failed:  # slow, or we could not look: the graver of the two
        unsure = any(one.status is Status.UNKNOWN for _at, one in bad)
        status = Status.UNKNOWN if unsure else Status.DEGRADED
    worst = max(bad, key=lambda pair: (pair[1].status is Status.FAILED, _stood(pair[1])))
    names = ", ".join(at for at, _one in bad)
    sentence = Text(
        f"{target}: {len(seen)}つの宛先のうち{len(bad)}つが不良 ({names})。{worst[1].sentence.ja}",
        f"{target}: {len(bad)} of {len(seen)} addresses bad ({names}); {worst[1].sentence.en}",
    )
    return replace(
        worst[1],
        status=status,
        sentence=sentence,
        facts={**worst[1].facts, **facts},
        evidence=(*evidence, *worst[1].evidence),
    )


def inverted(target: str, outcome: Outcome) -> Outcome:
    """The verdict of what must not be reached. What we could not look at proves nothing. Pure."""
    if outcome.status is Status.UNKNOWN:
        return outcome
    if outcome.status is Status.FAILED and not _stood(outcome):
        sentence = Text(
            f"{target}: 届きません(届かないのが正しい状態)", f"{target}: not reached, as it must be"
        )
        return replace(
            outcome, status=Status.OK, sentence=sentence, evidence=(outcome.sentence.ja,)
        )
    sentence = Text(
        f"{target}: 届いてはいけないのに届きます。{outcome.sentence.ja}",
        f"{target}: it is reached and must not be; {outcome.sentence.en}",
    )
    return replace(outcome, status=Status.FAILED, sentence=sentence)


def _stood(outcome: Outcome) -> bool:
    """A connection stood, whatever was then found wrong."""
    return "connect" in outcome.facts


def _server(value: str) -> tuple[str, int]:
    """Address and port of a name server. Raises ValueError (bilingual)."""
    address, _, port = value.rpartition("]:") if "]" in value else value.rpartition(":")
    if is_address(value):
        address, port = value, "53"
    address = address.strip("[]")
    if not is_address(address) or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("192.0.2.53 か 192.0.2.53:5353 と書く / write an address, or address:port")
    return address, int(port)

"""Names to addresses without blocking the loop, and without asking twice at once."""

from __future__ import annotations

import asyncio
import socket

from bcp.watch.check import Env
from probes.engine.fields import is_address
from probes.engine.trouble import from_resolver


class SystemResolver:
    """The host's own way (hosts file, DNS), through the loop's resolver threads.

    Lookups of one name that are under way are shared: a dead DNS server then holds one thread per
    name, not one per probe. Nothing is cached: a changed record is seen by the next probe.
    """

    def __init__(self) -> None:
        self._flying: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def __call__(self, host: str, port: int) -> list[str]:
        """Addresses in the order of preference. Raises `socket.gaierror` when there are none."""
        if is_address(host):
            return [host]
        flying = self._flying.get((host, port))
        if flying is not None:
            try:
                return await asyncio.shield(flying)
            except asyncio.CancelledError:
                if not flying.cancelled():
                    raise  # our own caller gave up
        loop = asyncio.get_running_loop()
        flying = self._flying[host, port] = loop.create_future()
        try:
            infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found = list(dict.fromkeys(str(info[4][0]) for info in infos))
            flying.set_result(found)
        except asyncio.CancelledError:
            flying.cancel()
            raise
        except Exception as error:
            flying.set_exception(error)
            flying.exception()  # seen: whoever shares it gets it, nobody has to
            raise
        finally:
            self._flying.pop((host, port), None)
        return found


async def addresses(env: Env, host: str, port: int) -> list[str]:
    """Addresses of `host`. Raises `Trouble`."""
    if is_address(host):
        return [host]
    try:
        found = await env.resolve(host, port)
    except OSError as error:
        raise from_resolver(error, host) from error
    except UnicodeError as error:  # a label over 63 characters and the like
        raise from_resolver(socket.gaierror(socket.EAI_NONAME, str(error)), host) from error
    if not found:
        raise from_resolver(socket.gaierror(socket.EAI_NONAME, "no address"), host)
    return found

"""TLS on a connection that began in the clear, as both sides agreed."""

from __future__ import annotations

from bcp.kit.language import Text
from bcp.watch.check import Env
from probes.engine import tls
from probes.engine.reading import Reading
from probes.engine.trouble import Stopwatch, Trouble
from probes.engine.wire import Wire


async def upgrade(
    env: Env, wire: Wire, reading: Reading, name: str, watch: Stopwatch, *, legacy: bool = False
) -> None:
    """Begin TLS; the other side has said yes, and `reading` heard it. Raises `Trouble`.

    What `wire.peer` then shows is for the caller to judge, before anything else is said.
    """
    context = await tls.context(env, legacy=legacy)
    watch.enter("tls")
    if reading.held:  # anyone on the way could have put it in, to be read as protected
        text = Text("TLSの前に余計な応答があります", "it said more before TLS began")
        raise Trouble(text, "tls")
    wire.start_tls(tls.Session(context, name))
    await wire.handshake()
    watch.enter("answer")

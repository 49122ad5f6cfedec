"""TLS on a connection that began in the clear: how each protocol asks, and the step itself."""

from __future__ import annotations

from typing import Literal

from bcp.kit.language import Text
from bcp.watch.check import Env
from probes.engine import ldap, mail, redact, tls
from probes.engine.reading import Reading
from probes.engine.trouble import Stopwatch, Trouble
from probes.engine.wire import Wire

Protocol = Literal["smtp", "imap", "pop3", "ldap", "postgres"]
_POSTGRES = (8).to_bytes(4) + (80877103).to_bytes(4)
"""SSLRequest (PostgreSQL documentation, "Message Formats")."""


async def ask(protocol: Protocol, wire: Wire, reading: Reading) -> None:
    """Talk until the other side has agreed to TLS. Raises `Trouble` when it does not."""
    if protocol == "ldap":
        await ldap.Session(wire, reading).start_tls()
    elif protocol == "postgres":
        wire.send(_POSTGRES)
        answer = await reading.exactly(1)
        if answer != b"S":
            heard = redact.line(answer.decode("latin-1"))
            text = Text("TLSが使えない", "does not offer TLS")
            raise Trouble(text, "answer", evidence=(f"受信 heard: {heard}",))
    else:
        talk = mail.TALKS[protocol](wire, reading)
        await talk.greeting()
        if not mail.offers(await talk.capabilities(), talk.tls_word):
            text = Text(f"{talk.tls_word}が使えない", f"does not offer {talk.tls_word}")
            raise Trouble(text, "answer")
        await talk.start_tls()


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

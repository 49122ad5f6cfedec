"""Kind `grpc` against the real gRPC library's server, and against servers that answer wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import h2.config
import h2.connection
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bcp.watch.values import Status
from probes import kinds
from probes.engine.grpc import Reply, question, status_of, varint
from tests.probes.conftest import Look
from tests.probes.pki import Authority
from tests.probes.servers import dead_port, hang, says, serve

LOCAL = {"host": "127.0.0.1", "tls": False}
Serving = health_pb2.HealthCheckResponse.ServingStatus


class Door(grpc.ServerInterceptor):  # type: ignore[misc]
    """Lets in who shows the token."""

    def intercept_service(self, go_on: Any, details: Any) -> Any:
        if ("authorization", "Bearer open-sesame") in details.invocation_metadata:
            return go_on(details)

        def refuse(_request: object, context: Any) -> None:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no token")

        return grpc.unary_unary_rpc_method_handler(refuse)


@contextmanager
def server(
    states: dict[str, str], pem: Path | None = None, *, locked: bool = False, empty: bool = False
) -> Iterator[int]:
    """A real gRPC server with a health service."""
    doors = [Door()] if locked else []
    made = grpc.server(futures.ThreadPoolExecutor(2), interceptors=doors)
    if not empty:
        told = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(told, made)
        for name, state in states.items():
            told.set(name, Serving.Value(state))
    if pem is None:
        port = made.add_insecure_port("127.0.0.1:0")
    else:
        key, _, cert = pem.read_bytes().partition(b"-----END PRIVATE KEY-----\n")
        key += b"-----END PRIVATE KEY-----\n"
        port = made.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, cert)]))
    made.start()
    try:
        yield port
    finally:
        made.stop(None).wait()


@pytest.mark.parametrize(
    ("service", "status", "words"),
    [
        ("", Status.OK, "稼働中と答えました"),
        ("juki", Status.FAILED, "稼働していないと答えました"),
        ("zei", Status.FAILED, "状態が分からないと答えました"),
        ("gone", Status.FAILED, "そのサービスを知らない"),
    ],
)
async def test_what_a_real_server_says_of_itself(
    look: Look, service: str, status: Status, words: str
) -> None:
    with server({"": "SERVING", "juki": "NOT_SERVING", "zei": "UNKNOWN"}) as port:
        outcome = await look("grpc", **LOCAL, port=port, service=service)
    assert outcome.status is status, outcome
    assert words in outcome.sentence.ja


async def test_tls_is_negotiated_and_judged(look: Look, authority: Authority) -> None:
    authority.server("grpc-good")
    with server({"": "SERVING"}, authority.folder / "grpc-good.pem") as port:
        good = await look("grpc", host="127.0.0.1", port=port)
        other = await look("grpc", host="127.0.0.1", port=port, server_name="other.example")
    assert good.status is Status.OK, good
    assert good.facts["tls_version"] == "TLSv1.3"
    assert other.status is Status.FAILED
    assert "証明書" in other.sentence.ja


async def test_a_token_opens_a_locked_door_and_is_never_shown(
    look: Look, authority: Authority, tmp_path: Path
) -> None:
    authority.server("grpc-locked")
    token = tmp_path / "token"
    token.write_text("open-sesame\n")
    with server({"": "SERVING"}, authority.folder / "grpc-locked.pem", locked=True) as port:
        shut = await look("grpc", host="127.0.0.1", port=port)
        opened = await look("grpc", host="127.0.0.1", port=port, bearer_file=str(token))
    assert shut.status is Status.UNKNOWN
    assert "認証を求められました" in shut.sentence.ja
    assert opened.status is Status.OK, opened
    assert "open-sesame" not in repr((shut, opened))


async def test_a_server_without_the_health_service_cannot_be_judged(look: Look) -> None:
    with server({}, empty=True) as port:
        outcome = await look("grpc", **LOCAL, port=port)
    assert outcome.status is Status.UNKNOWN
    assert outcome.facts["grpc_status"] == 12


def goodbye() -> bytes:
    """A server's settings, and GOAWAY."""
    config = h2.config.H2Configuration(client_side=False)
    connection = h2.connection.H2Connection(config)
    connection.initiate_connection()
    connection.close_connection(error_code=11)
    return bytes(connection.data_to_send())


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/2として読めない"),
        (b"", "途中で切られました"),
        (goodbye(), "断られました"),
        (goodbye()[:20], "途中で切られました"),
        (b"\0" * 400_000, "読めない"),
    ],
)
async def test_an_answer_that_is_none_is_told(look: Look, said: bytes, words: str) -> None:
    async with serve(says(said)) as port:
        outcome = await look("grpc", **LOCAL, port=port, timeout="2s")
    assert outcome.status is Status.FAILED
    assert words in outcome.sentence.ja, outcome


async def test_silence_and_a_closed_door(look: Look) -> None:
    async with serve(hang) as port:
        mute = await look("grpc", **LOCAL, port=port, timeout="500ms")
    assert mute.status is Status.FAILED
    shut = await look("grpc", **LOCAL, port=dead_port())
    assert "接続を拒否" in shut.sentence.ja


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    try:
        said = status_of(data)
    except ValueError:
        return
    assert isinstance(said, int)


@given(st.integers(0, 3), st.text("abc", max_size=300))
def test_messages_are_those_of_the_library(status: int, name: str) -> None:
    real = health_pb2.HealthCheckResponse(status=status).SerializeToString()
    assert status_of(real) == status
    request = health_pb2.HealthCheckRequest(service=name).SerializeToString()
    assert question(name)[5:] == request


@given(st.integers(0, 1 << 60), st.binary(max_size=20))
def test_what_follows_in_a_newer_message_is_passed_over(number: int, more: bytes) -> None:
    later = b"\x10" + varint(number) + b"\x1a" + varint(len(more)) + more
    assert status_of(b"\x08\x01" + later) == 1


@pytest.mark.parametrize("body", [b"", b"\x01\0\0\0\0", b"\0\0\0\0\x09\x08", b"\0\0\0\0\x01\x08"])
def test_half_a_message_is_none(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"message|varint|cut"):
        _ = Reply(body=body).serving


def test_a_token_goes_only_where_the_server_is_known() -> None:
    fields = {"id": "t", "kind": "grpc", "host": "h", "port": 1, "bearer_file": "f"}
    for wrong in ({"tls": False}, {"verify": False}):
        with pytest.raises(ValidationError, match="bearer_file"):
            kinds()["grpc"].model_validate({**fields, **wrong})

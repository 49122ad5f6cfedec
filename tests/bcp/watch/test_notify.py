"""Webhooks against a real server: filters, drills apart, retries, nothing blocks, nothing leaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from aiosmtpd.smtp import SMTP, Envelope
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError
from structlog.testing import capture_logs

from bcp.kit.clock import Clock, SystemClock
from bcp.kit.errors import UsageError
from bcp.kit.language import Text
from bcp.kit.workers import Workers
from bcp.watch.announcing import Announcement, of_transition
from bcp.watch.notify import Notifier
from bcp.watch.routes import NotifyRoute
from bcp.watch.values import Severity, Status, Transition
from tests.bcp.watch.helpers import SENTENCES, until
from tests.fakes import START, ManualClock

TOKEN = "t0ken-in-the-url"
NEWS = of_transition(
    Transition("juki/http", Status.OK, Status.FAILED, START, START, SENTENCES[Status.FAILED]),
    "juki",
    Severity.HIGH,
    logged=True,
)


class Receiver:
    """A web server that notes what it gets and answers what the test says."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.hang = False
        self.url = ""

    def has(self, count: int) -> bool:
        return len(self.got) >= count

    async def handle(self, request: web.Request) -> web.Response:
        if self.hang:
            await asyncio.sleep(30)
        self.got.append(await request.json())
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(status=status, headers={"Location": "/elsewhere"})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{name}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/{TOKEN}"
    yield receiver
    await runner.cleanup()


@asynccontextmanager
async def notifying(*routes: NotifyRoute, clock: Clock | None = None) -> AsyncIterator[Notifier]:
    workers = Workers(2)
    notifier = Notifier(routes, clock or SystemClock(), "node1", workers)

    async def daemon() -> None:
        async with asyncio.TaskGroup() as group:
            await notifier.run(group)

    task = asyncio.get_running_loop().create_task(daemon())
    try:
        yield notifier
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        workers.close()


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as logs:
        yield logs


async def test_a_message_arrives_as_plain_json_with_ids_and_states_only(
    receiver: Receiver,
) -> None:
    async with notifying(NotifyRoute(id="chat", url=receiver.url)) as notifier:
        notifier.announce(NEWS)
        await until(lambda: notifier.states()["chat"].delivered == 1)
    (body,) = receiver.got
    assert body["text"] == "停止: juki(juki/http) 11/23 10:00 から"
    assert (body["system"], body["state"], body["severity"]) == ("juki", "failed", "high")
    assert (body["drill"], body["logged"], body["resolved"]) == (False, True, False)
    assert "いま failed" not in repr(body), "the check's own words stay in the house"


async def test_drill_messages_and_real_ones_never_meet(receiver: Receiver) -> None:
    base = receiver.url.rsplit("/", 1)[0]
    routes = (
        NotifyRoute(id="real", url=f"{base}/real", min_severity=Severity.INFO),
        NotifyRoute(id="practice", url=f"{base}/practice", drill=True, min_severity=Severity.INFO),
    )
    async with notifying(*routes) as notifier:
        notifier.announce(replace(NEWS, drill=True, notes=(Text("二行目", "second"),)))
        await until(lambda: notifier.states()["practice"].delivered == 1)
        assert receiver.got[0]["drill"] is True
        assert all(line.startswith("【訓練】") for line in receiver.got[0]["text"].splitlines())
        assert len(receiver.got[0]["text"].splitlines()) == 2
        notifier.announce(NEWS)
        await until(lambda: notifier.states()["real"].delivered == 1)
        assert "訓練" not in receiver.got[1]["text"]
    assert notifier.states()["practice"].delivered == 1
    assert notifier.states()["real"].delivered == 1


def test_a_route_filters_by_severity_and_kind() -> None:
    route = NotifyRoute(id="r", url="http://x/", min_severity=Severity.HIGH, kinds=("check",))
    assert route.wants(NEWS)
    assert route.wants(replace(NEWS, severity=Severity.CRITICAL))
    assert not route.wants(replace(NEWS, severity=Severity.MEDIUM))
    assert not route.wants(replace(NEWS, kind="backup"))


async def test_a_receiver_in_trouble_is_tried_again(receiver: Receiver) -> None:
    receiver.answers = [503, 500, 200]
    clock = ManualClock()
    async with notifying(NotifyRoute(id="chat", url=receiver.url), clock=clock) as notifier:
        notifier.announce(NEWS)
        for tries in (1, 2, 3):
            await until(partial(receiver.has, tries))
            await asyncio.sleep(0.05)
            await clock.advance(3)
        await until(lambda: notifier.states()["chat"].delivered == 1)
    state = notifier.states()["chat"]
    assert (state.ok, state.failed, state.trouble) == (True, 0, "HTTP 500")


@pytest.mark.parametrize("status", [404, 401])
async def test_a_permanent_refusal_is_not_repeated_and_the_next_message_goes_on(
    receiver: Receiver, status: int
) -> None:
    receiver.answers = [status]
    async with notifying(NotifyRoute(id="chat", url=receiver.url)) as notifier:
        notifier.announce(NEWS)
        notifier.announce(replace(NEWS, check="other"))
        await until(lambda: notifier.states()["chat"].delivered == 1)
    assert [body["check"] for body in receiver.got] == ["juki/http", "other"]
    assert notifier.states()["chat"].failed == 1


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers = [302]
    async with notifying(NotifyRoute(id="chat", url=receiver.url)) as notifier:
        notifier.announce(NEWS)
        await until(lambda: notifier.states()["chat"].ok is False)
    assert len(receiver.got) == 1


async def test_a_dead_route_delays_no_other_and_announcing_never_waits(
    receiver: Receiver, logs: list[Any]
) -> None:
    dead = NotifyRoute(id="dead", url=f"http://127.0.0.1:{unused_port()}/{TOKEN}")
    async with notifying(dead, NotifyRoute(id="live", url=receiver.url)) as notifier:
        for _index in range(700):
            notifier.announce(NEWS)
        assert notifier.routes[0].waiting == 500, "bounded"
        await until(lambda: notifier.states()["live"].delivered == 500)
        await until(lambda: notifier.states()["dead"].ok is False)
        families = "".join(
            family.text().decode() for family in notifier.families(START) if family.samples
        )
    assert notifier.states()["dead"].trouble == "ClientConnectorError"
    assert TOKEN not in repr(logs) + families
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(families)
        for sample in family.samples
    }
    assert samples[("ict_bcp_notify_messages_total", "live", "delivered")] == 500


async def test_a_hanging_receiver_times_out(receiver: Receiver) -> None:
    receiver.hang = True
    route = NotifyRoute.model_validate({"id": "chat", "url": receiver.url, "timeout": "100ms"})
    async with notifying(route) as notifier:
        notifier.announce(NEWS)
        await until(lambda: notifier.states()["chat"].ok is False)
    assert notifier.states()["chat"].trouble == "TimeoutError"


async def test_the_address_may_stand_in_a_file(receiver: Receiver, tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text(receiver.url + "\n")
    async with notifying(NotifyRoute(id="chat", url_file=str(file))) as notifier:
        notifier.announce(NEWS)
        await until(lambda: notifier.states()["chat"].delivered == 1)
    assert len(receiver.got) == 1


def test_a_wrong_address_is_refused_without_showing_it(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text(f"ftp://{TOKEN}")
    for path in (file, tmp_path / "missing"):
        with pytest.raises(UsageError) as caught:
            Notifier(
                [NotifyRoute(id="chat", url_file=str(path))], SystemClock(), "node1", Workers(1)
            )
        assert TOKEN not in str(caught.value)
    for both in ({}, {"url": "http://x/", "url_file": "y"}):
        with pytest.raises(ValidationError, match="url_file"):
            NotifyRoute.model_validate({"id": "chat", **both})


def test_an_unlogged_change_says_so_in_the_text() -> None:
    lines = replace(NEWS, logged=False).lines()
    assert lines[-1].ja.startswith("記録できていません")


def test_an_announcement_of_the_daemon_itself_needs_no_check() -> None:
    one = Announcement("daemon", Severity.LOW, Text("再読み込み失敗", "reload failed"), START)
    assert one.lines()[0].en == "reload failed"


# --- mail and a program of this host --------------------------------------------------------------


class Postbox:
    """A real SMTP server's handler: what came, to whom."""

    def __init__(self) -> None:
        self.got: list[Envelope] = []
        self.answer = "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: object, envelope: Envelope) -> str:
        self.got.append(envelope)
        return self.answer


@asynccontextmanager
async def post_office(box: Postbox) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, loop=loop), "127.0.0.1", 0)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


def mail(address: str, to: Path, **more: object) -> NotifyRoute:
    base = {"id": "post", "kind": "mail", "smtp": address, "tls": "none", "to_file": str(to)}
    return NotifyRoute.model_validate({**base, "sender": "bcp@example.jp", **more})


async def test_a_mail_goes_to_every_address_of_the_file_and_names_none(tmp_path: Path) -> None:
    box, to = Postbox(), tmp_path / "to"
    to.write_text("a@example.jp\nb@example.jp\n")
    async with post_office(box) as address, notifying(mail(address, to)) as notifier:
        notifier.announce(NEWS)
        await until(lambda: notifier.states()["post"].delivered == 1)
    (envelope,) = box.got
    assert envelope.rcpt_tos == ["a@example.jp", "b@example.jp"]
    assert isinstance(envelope.content, bytes)
    letter = message_from_bytes(envelope.content, policy=policy.default)
    assert letter["Subject"].startswith("[ICT-BCP] ")
    assert "juki" in letter.get_content()
    assert "a@example.jp" not in letter.as_string()
    assert letter["Auto-Submitted"] == "auto-generated"


async def test_a_refused_mail_is_given_up_and_an_absent_server_is_tried_again(
    tmp_path: Path,
) -> None:
    box, to = Postbox(), tmp_path / "to"
    to.write_text("a@example.jp\n")
    box.answer = "554 no"
    async with post_office(box) as address, notifying(mail(address, to)) as notifier:
        notifier.announce(NEWS)
        await until(lambda: notifier.states()["post"].failed == 1)
        assert notifier.states()["post"].trouble == "SMTP 554"
    gone = mail(f"127.0.0.1:{unused_port()}", to)
    async with notifying(gone) as notifier:
        notifier.announce(NEWS)
        await until(lambda: notifier.states()["post"].ok is False)
        assert notifier.states()["post"].failed == 0
        assert notifier.states()["post"].trouble == "ConnectionRefusedError"


async def test_a_server_without_starttls_gets_no_word_in_the_clear(tmp_path: Path) -> None:
    box, to = Postbox(), tmp_path / "to"
    to.write_text("a@example.jp\n")
    async with (
        post_office(box) as address,
        notifying(mail(address, to, tls="starttls")) as notifier,
    ):
        notifier.announce(NEWS)
        await until(lambda: notifier.states()["post"].failed == 1)
        assert notifier.states()["post"].trouble == "SMTPNotSupportedError"
    assert box.got == []


async def test_a_program_of_this_host_gets_the_text_and_may_fail(tmp_path: Path) -> None:
    said, siren = tmp_path / "said", tmp_path / "siren"
    siren.write_text(f'#!/bin/sh\ncat > "{said}"\necho "$ICT_BCP_SEVERITY" >> "{said}"\nexit $1\n')
    siren.chmod(0o700)
    ways = [
        NotifyRoute(id=word, kind="command", argv=(str(siren), code))
        for word, code in (("loud", "0"), ("dumb", "3"))
    ]
    async with notifying(ways[0]) as notifier:
        notifier.announce(NEWS)
        await until(lambda: notifier.states()["loud"].delivered == 1)
    assert "juki" in said.read_text()
    assert said.read_text().endswith("high\n")
    async with notifying(ways[1]) as notifier:
        notifier.announce(NEWS)
        await until(lambda: notifier.states()["dumb"].ok is False)
        assert notifier.states()["dumb"].trouble == "exit 3"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "mail", "smtp": "m:25", "sender": "a@b"}, "to_file"),
        ({"kind": "mail", "smtp": "m", "sender": "a@b", "to_file": "x"}, "smtp"),
        ({"kind": "command"}, "argv"),
        ({"kind": "command", "argv": ["siren"]}, "絶対パス"),
        ({"kind": "webhook", "url": "http://x/", "argv": ["/bin/x"]}, "argv"),
        (
            {"kind": "mail", "smtp": "m:25", "sender": "a@b", "to_file": "x", "user": "u"},
            "password_file",
        ),
    ],
)
def test_what_a_way_needs_is_asked_for_and_nothing_else(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        NotifyRoute.model_validate({"id": "r", **given})

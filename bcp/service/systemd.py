"""Words to systemd (sd_notify(3)), when it listens: ready, reloading, alive, stopping."""

from __future__ import annotations

import os
import socket


def notify(message: str) -> None:
    """Send `READY=1` and the like; silent where no service manager listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    name = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        try:
            out.sendto(message.encode(), name)
        except OSError:
            return  # the manager is gone; nothing of ours depends on it


def watchdog_seconds() -> float | None:
    """Half of `WATCHDOG_USEC`; None when systemd does not watch."""
    try:
        return int(os.environ["WATCHDOG_USEC"]) / 2e6
    except (KeyError, ValueError):
        return None

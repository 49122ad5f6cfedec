"""One root for every error of ours: what, where, expected, got, next step.

The world failing is an `Outcome` (see `bcp.watch`), never an exception that travels. These are for
bad input and for our own failing; the command line turns `exit_code` into the exit status.
"""

from __future__ import annotations


class BcpError(Exception):
    """Something a person must know, in one message that says what to do next."""

    exit_code = 3
    """3 = could not tell (INTERFACE: 0 good, 1 a finding, 2 usage or configuration, 3 unknown)."""

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        got: str | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.expected = expected
        self.got = got
        self.next_step = next_step

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        lines += [
            f"  {label}: {value}"
            for label, value in (
                ("期待 expected", self.expected),
                ("実際 got", self.got),
                ("次に next", self.next_step),
            )
            if value
        ]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, str | None]:
        """The same for `--json` and the API."""
        return {
            "error": type(self).__name__,
            "what": self.what,
            "where": self.where,
            "expected": self.expected,
            "got": self.got,
            "next": self.next_step,
        }


class UsageError(BcpError):
    """The call or the plan is wrong: nothing was done."""

    exit_code = 2


class Refused(BcpError):
    """The state does not allow this command; the text says what is allowed.

    `lacks`: names of what must be added so that the same command is taken (any one of them).
    """

    exit_code = 2
    lacks: tuple[str, ...] = ()


class Busy(BcpError):
    """Somebody else holds it (a data folder, a port, a repository)."""

    exit_code = 2


class Unwritable(BcpError):
    """記録できていません: the integrity log cannot be written now. Nothing was recorded."""


class NotPermitted(BcpError):
    """The plan does not allow looking there; a check turns this into `not_checked`."""

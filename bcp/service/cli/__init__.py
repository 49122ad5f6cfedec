"""The command line: the only place that parses arguments, prints and exits.

A command is a function `(args) -> exit code`; those that touch state are operations, asked of the
running daemon or done here under the folder's lock (`remote`, `local`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bcp.kit.errors import BcpError
from bcp.service.cli import out, parser
from bcp.service.cli.dispatch import run


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of `ict-bcp`; exits with 0 good, 1 finding, 2 usage, 3 could not tell."""
    args = parser.build().parse_args(argv)
    try:
        code = run(args)
    except BcpError as error:
        code = out.complain(error, as_json=bool(getattr(args, "json", False)))
    except Exception as error:  # our bug: never the 1 that means "a finding"
        code = out.broke(error)
    except BrokenPipeError:
        code = 3  # nobody reads us any more (`| head`): what was said was not heard
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)

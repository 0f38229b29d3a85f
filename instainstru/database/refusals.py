"""How database safety says no: one line, exit code 3. Imports nothing from Django."""

import sys
from types import TracebackType
from typing import Final

from instainstru.errors import ApplicationError

EXIT_REFUSED: Final = 3


class TierRefusedError(ApplicationError):
    """The database-safety rules refuse this process, connection or command.

    The message is one line naming the variables or names concerned, never a way round.
    Spec: S1.1, S1.10.
    """

    status = 503
    code = "tier_refused"
    exit_code: Final = EXIT_REFUSED

    def __init__(self, reason: str) -> None:
        self.reason = " ".join(reason.split())
        super().__init__(self.reason)


def print_refusal(error: TierRefusedError) -> None:
    """Write the one line of a refusal to standard error."""
    sys.stderr.write(f"Refused: {error.reason}\n")


def install_exit_code() -> None:
    """Make an uncaught refusal end any Python process with code 3 and one line.

    Scripts, `python -c` and worker entry points have no command wrapper around them, so the
    interpreter's own last resort is taught the rule.
    """
    previous = sys.excepthook
    if getattr(previous, "is_refusal_hook", False):
        return

    def hook(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, TierRefusedError):
            print_refusal(error)
            raise SystemExit(EXIT_REFUSED)
        previous(kind, error, traceback)

    hook.is_refusal_hook = True  # type: ignore[attr-defined]
    sys.excepthook = hook

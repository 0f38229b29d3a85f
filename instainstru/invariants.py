"""What must always hold in the data, as functions that the apps register at start-up.

Asked by `check_invariants`, and by every proof of a backup. Spec: S16.6
"""

from collections.abc import Callable, Iterable
from typing import Final

Check = Callable[[], Iterable[str]]
"""Returns one sentence per violation."""

_checks: Final[dict[str, Check]] = {}


def register(name: str, check: Check) -> None:
    """Ask `check` under a name, such as `ledger`."""
    _checks[name] = check


def violations() -> dict[str, list[str]]:
    """Return what each check found; empty lists mean that all is well."""
    return {name: list(check()) for name, check in sorted(_checks.items())}

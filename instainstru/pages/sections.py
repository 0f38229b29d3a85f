"""Sections of a page that fail alone (Spec: G11)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Section:
    """What a section shows, or that it could not be loaded; empty ones are not shown."""

    value: Any = None
    has_failed: bool = False

    def __bool__(self) -> bool:
        """Tell whether there is anything to show."""
        return self.has_failed or bool(self.value)


def load_section(name: str, load: Callable[[], Any]) -> Section:
    """Return the loaded section; a failure is logged and stays inside it."""
    try:
        return Section(load())
    except Exception as error:
        log.exception("section_failed", section=name, error=type(error).__name__)
        return Section(has_failed=True)

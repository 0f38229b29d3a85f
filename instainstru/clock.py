"""The one clock of the application; tests replace it with time-machine (Spec: G8)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")


def now() -> datetime:
    """Return the current instant, aware and in UTC."""
    return datetime.now(UTC)

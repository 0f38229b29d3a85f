"""The one clock of the application; tests replace it with time-machine (Spec: G8)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")


def now() -> datetime:
    """Return the current instant, aware and in UTC."""
    return datetime.now(UTC)


def database_now() -> datetime:
    """Return the database's clock: inside a transaction it decides every rule (Spec: G8)."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    instant: datetime = row[0]
    return instant.astimezone(UTC)

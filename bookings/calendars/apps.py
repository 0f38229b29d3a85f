"""Application configuration."""

from django.apps import AppConfig


class CalendarsConfig(AppConfig):
    """Connected calendars; their rows are a layer of an instructor's time (availability)."""

    name = "bookings.calendars"
    label = "calendars"
    verbose_name = "Connected calendars"

    def ready(self) -> None:
        """Tell readiness when nobody reads calendars (S16.1)."""
        from instainstru import health

        health.WARNINGS.append(_late_calendars)


def _late_calendars() -> dict[str, str]:
    from bookings.calendars.services import is_late

    return {"external calendars": "warn"} if is_late() else {}

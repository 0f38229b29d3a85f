"""Reads what is due; may run twice or never (Spec: S4.2)."""

from celery import shared_task


@shared_task(name="calendars.read_due")
def read_due() -> int:
    """Read the connected calendars whose time has come."""
    from bookings.calendars import services

    return services.read_due_calendars()

"""Clock-driven jobs of lessons; each may run twice or never (Spec: S4.2, S4.3)."""

from celery import shared_task


@shared_task(name="lessons.flip_clock_states")
def flip_clock_states() -> dict[str, int]:
    """Write down lapsed holds, ended and completed lessons."""
    from bookings.lessons import services

    return services.flip_clock_states()


@shared_task(name="lessons.send_reminders")
def send_reminders() -> int:
    """Remind both sides of lessons that are near, and ask them afterwards how it went."""
    from bookings.lessons import reminders

    asked = reminders.ask_how_it_went() + reminders.ask_who_came()
    return reminders.send_reminders() + asked


@shared_task(name="lessons.lapse_proposals")
def lapse_proposals() -> int:
    """Write down proposed times that nobody answered."""
    from bookings.lessons import moves

    return moves.lapse_proposals()


@shared_task(name="lessons.accept_silent_reports")
def accept_silent_reports() -> int:
    """Close reports of missed lessons that nobody answered."""
    from bookings.lessons import reports

    return reports.accept_silent_reports()


@shared_task(name="lessons.cancel_lessons_of_suspended")
def cancel_lessons_of_suspended() -> int:
    """Cancel and refund the lessons to come of suspended instructors."""
    from bookings.lessons import cancellation

    return cancellation.cancel_lessons_of_suspended()


@shared_task(name="lessons.finish_payment_attempts")
def finish_payment_attempts() -> int:
    """Settle payments that a dead process or a slow bank left open."""
    from bookings.lessons import checkout

    return checkout.finish_attempts()


@shared_task(name="lessons.delete_old_calendar_changes")
def delete_old_calendar_changes() -> int:
    """Forget notes of changed calendars that every process has seen long ago."""
    from bookings.availability import services

    return services.delete_old_changes()


@shared_task(name="lessons.delete_old_idempotency_records")
def delete_old_idempotency_records() -> int:
    """Forget keyed actions older than 24 hours."""
    from bookings.lessons import idempotency

    return idempotency.delete_old_records()


@shared_task(name="lessons.remove_old_report_pictures")
def remove_old_report_pictures() -> int:
    """Remove the pictures of reports that were decided long ago."""
    from bookings.lessons import evidence

    return evidence.remove_old_pictures()

"""Background work on the outbox."""

from celery import shared_task


@shared_task(name="notifications.deliver_mail")
def deliver_mail() -> None:
    """Send the mails that are due; two at once share the work."""
    from bookings.notifications import services

    services.deliver_mail()

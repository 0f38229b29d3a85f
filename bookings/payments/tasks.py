"""Background work on payments."""

from celery import shared_task


@shared_task(name="payments.settle_refunds")
def settle_refunds() -> None:
    """Send the refunds that are due; two at once share the work."""
    from bookings.payments import services
    from instainstru import clock

    services.settle_refunds(clock.now())

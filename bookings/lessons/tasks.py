"""Clock-driven jobs of lessons; each may run twice or never (Spec: S4.2, S4.3)."""

from celery import shared_task


@shared_task(name="lessons.flip_clock_states")
def flip_clock_states() -> dict[str, int]:
    """Write down lapsed holds, ended and completed lessons."""
    from bookings.lessons import services

    return services.flip_clock_states()


@shared_task(name="lessons.finish_payment_attempts")
def finish_payment_attempts() -> int:
    """Settle payments that a dead process or a slow bank left open."""
    from bookings.lessons import checkout

    return checkout.finish_attempts()


@shared_task(name="lessons.delete_old_idempotency_records")
def delete_old_idempotency_records() -> int:
    """Forget keyed actions older than 24 hours."""
    from bookings.lessons import idempotency

    return idempotency.delete_old_records()

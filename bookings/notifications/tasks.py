"""Background work on the outbox."""

from celery import shared_task


@shared_task(name="notifications.deliver_mail")
def deliver_mail() -> None:
    """Send the mails that are due; two at once share the work."""
    from bookings.notifications import services

    services.deliver_mail()


@shared_task(name="notifications.deliver_texts")
def deliver_texts() -> None:
    """Send the texts that are due; two at once share the work."""
    from bookings.notifications import texts

    texts.deliver_texts()


@shared_task(name="notifications.forget_old_texts")
def forget_old_texts() -> int:
    """Delete texts that are 30 days old."""
    from bookings.notifications import texts

    return texts.forget_old_texts()


@shared_task(name="notifications.forget_old_mail")
def forget_old_mail() -> int:
    """Delete mails that were delivered 30 days ago."""
    from bookings.notifications import services

    return services.forget_old_mail()


@shared_task(name="notifications.forget_old_notices")
def forget_old_notices() -> int:
    """Delete notices that were left 90 days ago."""
    from bookings.notifications import notices

    return notices.forget_old_notices()


@shared_task(name="notifications.forget_contact_messages")
def forget_contact_messages() -> int:
    """Delete what people wrote to us two years ago."""
    from bookings.notifications import interest

    return interest.forget_contact_messages()


@shared_task(name="notifications.send_digests")
def send_digests() -> int:
    """Write the evening digests of the zones where it is 18:00."""
    from bookings.notifications import digest

    return digest.send_digests()


@shared_task(name="notifications.write_to_waiting")
def write_to_waiting() -> None:
    """Write to people whose service or neighborhood has an instructor now."""
    from bookings.notifications import interest

    interest.write_to_waiting()

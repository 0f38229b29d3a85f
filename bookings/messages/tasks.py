"""Jobs of messages; each may run twice or never (Spec: S4.2)."""

from celery import shared_task


@shared_task(name="messages.tell_of_unread")
def tell_of_unread() -> int:
    """Write mails about messages that nobody has read; every minute."""
    from bookings.messages import unread

    return unread.tell_of_unread()


@shared_task(name="messages.forget_old_messages")
def forget_old_messages() -> int:
    """Delete messages two years after the last lesson of the two."""
    from bookings.messages import retention

    return retention.forget_old_messages()

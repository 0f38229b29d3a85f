"""Background work on accounts."""

from celery import shared_task


@shared_task(name="accounts.forget_old_failures")
def forget_old_failures() -> None:
    """Delete failed sign-ins that are older than a day."""
    from accounts import sign_in_limits
    from instainstru import clock

    sign_in_limits.forget_old_failures(clock.now())


@shared_task(name="accounts.forget_email_changes")
def forget_email_changes() -> None:
    """Delete changes of e-mail that are older than 30 days."""
    from accounts import email_change
    from instainstru import clock

    email_change.forget_old_changes(clock.now())


@shared_task(name="accounts.forget_ended_access")
def forget_ended_access() -> int:
    """Take away grants, invitations and looks as somebody that have ended by themselves."""
    from accounts.support_access import forget_ended
    from accounts.viewing import close_ended

    return forget_ended() + close_ended()


@shared_task(name="accounts.sweep_pictures")
def sweep_pictures() -> dict[str, int]:
    """Clear up pictures that were not saved to the end, and files that nobody needs."""
    from accounts import pictures

    return pictures.sweep_pictures()

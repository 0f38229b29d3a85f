"""Notices inside the site: the same news as the mails, kept in a list (Spec: S13.5)."""

from datetime import datetime, timedelta

from accounts.models import User
from bookings.notifications.models import Notice
from instainstru import clock
from instainstru.page_store.versions import bump, of_person

KEPT_FOR = timedelta(days=90)


def leave_notice(*, key: str, user: User, title: str, path: str) -> Notice:
    """Write a notice in the caller's transaction, once for a key of kind, subject and revision.

    ``path`` is the place on this site that it leads to. A key that exists returns the first notice
    unchanged. Spec: S13.5
    """
    notice, is_new = Notice.objects.get_or_create(
        key=key, defaults={"user": user, "title": title, "path": path, "created_at": clock.now()}
    )
    if is_new:
        bump(of_person(user.pk))
    return notice


def read_notices(
    *, by: User, until: datetime, since: datetime | None = None, now: datetime | None = None
) -> int:
    """Mark what a person has seen as read: everything up to an instant; return how many.

    With ``since`` what is older stays as it is.
    """
    rows = Notice.objects.of(by).unread().until(until)
    if since is not None:
        rows = rows.since(since)
    count = rows.update(read_at=now or clock.now())
    if count:
        bump(of_person(by.pk))
    return count


def forget_old_notices(now: datetime | None = None) -> int:
    """Delete notices that were left 90 days ago; return how many."""
    return Notice.objects.until((now or clock.now()) - KEPT_FOR).delete()[0]

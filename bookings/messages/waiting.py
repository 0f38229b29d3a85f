"""Unread messages in the evening digest (Spec: S13.5)."""

from collections.abc import Sequence
from datetime import datetime

from accounts.models import User
from bookings.messages.models import Thread
from bookings.messages.selectors import thread_rows
from bookings.notifications.digest import Waiting
from instainstru.templatetags.ui import counted


def unread_threads(user: User, now: datetime) -> Sequence[Waiting]:
    """Return one line for each conversation in which somebody waits to be read."""
    threads = Thread.objects.of(user).with_people().unread_by(user)
    return [
        Waiting(f"Messages with {row.name}", counted(row.unread, "unread message"), row.url)
        for row in thread_rows(threads.newest_first(), user, now)
    ]

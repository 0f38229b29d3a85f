"""What operators ask about mail and texts (Spec: R15)."""

from datetime import timedelta
from typing import Any

from django.db.models import Min

from bookings.notifications.managers import OutgoingQuerySet
from bookings.notifications.models import OutgoingMail, OutgoingText
from instainstru import clock

# Both go out within a minute; a worker that is away for one poll is nothing to tell.
LATE = timedelta(minutes=2)


def late_mail_minutes() -> int:
    """Return for how many minutes the mail that should have gone first has been waiting.

    0 while none is late. What failed and is tried again counts from its next try.
    """
    return _late_minutes(OutgoingMail.objects.all())


def late_text_minutes() -> int:
    """Return the same of texts."""
    return _late_minutes(OutgoingText.objects.all())


def _late_minutes(rows: OutgoingQuerySet[Any]) -> int:
    now = clock.now()
    oldest = rows.due(now).aggregate(at=Min("next_attempt_at"))["at"]
    return 0 if oldest is None or now - oldest < LATE else (now - oldest) // timedelta(minutes=1)

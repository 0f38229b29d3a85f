"""What operators ask about mail (Spec: R15)."""

from datetime import timedelta

from django.db.models import Min

from bookings.notifications.models import OutgoingMail
from instainstru import clock

# Mail goes out within a minute; a worker that is away for one poll is nothing to tell.
LATE = timedelta(minutes=2)


def late_mail_minutes() -> int:
    """Return for how many minutes the mail that should have gone first has been waiting.

    0 while none is late. What failed and is tried again counts from its next try.
    """
    now = clock.now()
    oldest = OutgoingMail.objects.due(now).aggregate(at=Min("next_attempt_at"))["at"]
    return 0 if oldest is None or now - oldest < LATE else (now - oldest) // timedelta(minutes=1)

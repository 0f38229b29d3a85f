"""The evening digest: one mail at 18:00 of what waits for a person (Spec: S13.5, D14).

The apps above say what waits; this module knows only whom to write to, and when.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import transaction

from accounts.models import NotificationChoice, User
from accounts.profile import mail_off_url
from accounts.zones import named_zone
from bookings.notifications.models import OutgoingMail
from bookings.notifications.services import queue_mail
from instainstru import clock
from instainstru.clock import NEW_YORK

LOCAL_TIME = time(18)
# A digest that a stopped worker missed is still sent for so long.
SENT_WITHIN = timedelta(hours=1)
MAX_ITEMS = 20
BATCH_SIZE = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Waiting:
    """One thing that waits for a person; ``path`` leads to it, ``at`` is the lesson's start."""

    title: str
    what: str
    path: str
    at: datetime | None = None

    @property
    def url(self) -> str:
        """The whole address."""
        return settings.SITE_URL + self.path


Source = Callable[[User, datetime], Sequence[Waiting]]
_sources: list[Source] = []


def register_source(source: Source) -> None:
    """Let an app above say what waits for somebody; called from its ``AppConfig.ready``."""
    _sources.append(source)


def due_at(zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return the instant of today's digest in a zone while it is due, else None.

    18:00 exists once on every date, so also on both days on which clocks change. Spec: D14
    """
    local = datetime.combine(now.astimezone(zone).date(), LOCAL_TIME, tzinfo=zone)
    instant = local.astimezone(UTC)
    return instant if instant <= now < instant + SENT_WITHIN else None


def send_digests(now: datetime | None = None) -> int:
    """Write to everybody who wants a digest and for whom something waits, once per local date.

    Returns how many mails were written. A person who fails stops no other one. Spec: S13.5
    """
    now = now or clock.now()
    names = NotificationChoice.objects.zones_of_subscribers(NotificationChoice.Kind.DIGEST)
    zones = {name: named_zone(name) or NEW_YORK for name in names}
    due = [name for name, zone in zones.items() if due_at(zone, now) is not None]
    people = NotificationChoice.objects.subscribers(NotificationChoice.Kind.DIGEST, zones=due)
    written, last = 0, 0
    while due:
        batch = list(people.filter(pk__gt=last).order_by("pk")[:BATCH_SIZE])
        written += sum(_send_safely(user, zones[user.zone], now) for user in _new(batch, now))
        if len(batch) < BATCH_SIZE:
            break
        last = batch[-1].pk
    return written


def _key(user: User, now: datetime) -> str:
    """Return the key of a person's digest: one for each date, whatever zone they move to."""
    zone = named_zone(user.zone) or NEW_YORK
    return f"digest:{user.pk}:{now.astimezone(zone).date().isoformat()}"


def _new(people: Sequence[User], now: datetime) -> list[User]:
    keys = [_key(user, now) for user in people]
    known = set(OutgoingMail.objects.filter(key__in=keys).values_list("key", flat=True))
    return [user for user in people if _key(user, now) not in known]


def _send_safely(user: User, zone: ZoneInfo, now: datetime) -> bool:
    try:
        with transaction.atomic():
            return _send(user, zone, now)
    except Exception:  # tried again by the next run
        log.exception("digest_failed", user=user.public_id)
        return False


def _send(user: User, zone: ZoneInfo, now: datetime) -> bool:
    items = [item for source in _sources for item in source(user, due_at(zone, now) or now)]
    if not items:
        return False
    things = "1 thing waits" if len(items) == 1 else f"{len(items)} things wait"
    off_url = mail_off_url(user, NotificationChoice.Kind.DIGEST)
    queue_mail(
        key=_key(user, now),
        to=user.email,
        subject=f"{things} for you",
        template="digest",
        context={
            "person": user,
            "zone": zone,
            "items": items[:MAX_ITEMS],
            "more": max(0, len(items) - MAX_ITEMS),
            "off_url": off_url,
        },
        unsubscribe_url=off_url,
    )
    return True

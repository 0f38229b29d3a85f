"""Private calendar feeds: a secret address that calendars read by themselves (S11.7, S15.14).

It shows the lessons a person takes and teaches with first names and services, never an address:
whoever is given the link sees no more than that.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from secrets import token_urlsafe

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from accounts.models import User
from bookings.lessons.calendar_files import CalendarLesson, lesson_feed
from bookings.lessons.models import Booking, CalendarFeed
from bookings.lessons.places import place_in_words
from bookings.lessons.states import CANCELLED
from instainstru import clock
from instainstru.errors import NotFoundError

TOKEN_BYTES = 32
# Past lessons stay so long, cancelled ones as cancelled, so that calendars take them out (D17).
SHOWN_BACK = timedelta(days=30)
MOST_LESSONS = 1000
_LEFT_OUT = {"held", "expired"}


def make_feed(*, by: User) -> str:
    """Give a person a new secret address and return its token, once; an old one is dead at once."""
    token = token_urlsafe(TOKEN_BYTES)
    CalendarFeed.objects.update_or_create(
        user=by, defaults={"token_digest": _digest(token), "created_at": clock.now()}
    )
    return token


def revoke_feed(*, by: User) -> None:
    """Take the address away; again changes nothing."""
    CalendarFeed.objects.filter(user=by).delete()


def feed_content(token: str, now: datetime) -> bytes:
    """Return the calendar behind a token; raises ``NotFoundError`` for any other."""
    feed = CalendarFeed.objects.select_related("user").filter(token_digest=_digest(token)).first()
    if feed is None or not feed.user.is_active:
        raise NotFoundError("We couldn't find this calendar.")
    return lesson_feed(_lessons_of(feed.user, now), now=now, name="InstaInstru lessons")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _lessons_of(user: User, now: datetime) -> Iterable[CalendarLesson]:
    mine = Q(student=user) | Q(instructor__user=user)
    rows = (
        Booking.objects.filter(mine, purpose="checkout", code__isnull=False)
        .filter(start_at__gt=now - SHOWN_BACK)
        .exclude(status__in=_LEFT_OUT)
        .select_related("student", "instructor__user", "instructor__base_neighborhood",
                        "neighborhood")
        .order_by("start_at")[:MOST_LESSONS]
    )  # fmt: skip
    return [_lesson(row, user) for row in rows]


def _lesson(booking: Booking, user: User) -> CalendarLesson:
    is_student = booking.student_id == user.pk
    other = booking.instructor.user if is_student else booking.student
    page = "lessons:detail" if is_student else "lessons:taught"
    return CalendarLesson(
        uid=booking.ics_uid,
        sequence=booking.ics_sequence,
        start_at=booking.start_at,
        end_at=booking.end_at,
        summary=f"{booking.service_name} with {other.first_name if other else ''}".strip(),
        description=f"Lesson {booking.code}",
        location=place_in_words(booking),
        url=settings.SITE_URL + reverse(page, args=[booking.code]),
        is_cancelled=booking.status in CANCELLED,
    )

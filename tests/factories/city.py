"""Small cities at a fixed date, and what tells one from another."""

from datetime import UTC, date, datetime
from typing import Any

import time_machine
from django.db import connection

from bookings.lessons.models import Booking
from bookings.messages.models import Message
from bookings.reviews.models import Review
from catalog.models import Favorite, Instructor, Offering, SeedRun, WaitlistEntry
from instainstru.city.profiles import Profile
from instainstru.city.progress import Progress
from instainstru.city.seeding import seed_city

# A Wednesday; the lessons reach over the clock change of March 14.
NOW = datetime(2027, 2, 24, 15, tzinfo=UTC)
TODAY = date(2027, 2, 24)


def build(profile: Profile, count: int, *, progress: Progress = lambda _message: None) -> SeedRun:
    """Build a city of ``count`` instructors at ``NOW``."""
    with time_machine.travel(NOW, tick=False):
        return seed_city(profile, instructor_count=count, progress=progress)


def fingerprint() -> dict[str, list[Any]]:
    """Return what a city says, without keys that depend on what was there before."""
    return {
        "instructors": list(
            Instructor.objects.order_by("slug").values_list(
                "slug", "headline", "bio", "status", "base_neighborhood__name", "is_founding"
            )
        ),
        "offers": list(
            Offering.objects.order_by("instructor__slug", "service__slug").values_list(
                "instructor__slug", "service__slug", "modalities", "age_from", "travel_fee_cents"
            )
        ),
        "wishes": list(
            WaitlistEntry.objects.order_by("email").values_list(
                "email", "neighborhood__name", "removal_hash"
            )
        ),
        "kept": list(
            Favorite.objects.order_by("user__email", "created_at").values_list(
                "user__email", "instructor__slug"
            )
        ),
        "lessons": list(
            Booking.objects.order_by("hold_id").values_list(
                "hold_id", "code", "student__email", "instructor__slug", "start_at", "status",
                "price_cents", "address", "created_at",
            )
        ),
        "reviews": list(
            Review.objects.order_by("public_id").values_list(
                "public_id", "booking__hold_id", "overall", "text", "reply", "revealed_at"
            )
        ),
        "letters": list(
            Message.objects.order_by("public_id").values_list(
                "public_id", "thread__public_id", "author__email", "text", "created_at", "read_at"
            )
        ),
    }  # fmt: skip


def versions() -> dict[str, Any]:
    """Return the number of rows and the newest writing transaction of every table."""
    tables = [name for name in connection.introspection.table_names() if "session" not in name]
    with connection.cursor() as cursor:
        found = {}
        for table in tables:
            cursor.execute(f'SELECT count(*), max(xmin::text::bigint) FROM "{table}"')
            found[table] = cursor.fetchone()
    return found

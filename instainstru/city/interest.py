"""Who keeps, waits for, misses and would like to teach what in the demo city (Spec: G14)."""

from datetime import UTC, date, datetime, time, timedelta

from accounts.models import User
from bookings.notifications.models import ContactMessage
from catalog.interest import hash_of_token
from catalog.models import (
    Favorite,
    Instructor,
    Neighborhood,
    Offering,
    ProfileReport,
    ReturnAlert,
    Service,
    ServiceAlert,
    ServiceSuggestion,
    TeachingInterest,
    WaitlistEntry,
)
from instainstru.city.dice import crockford_from, dice, some
from instainstru.city.students import EMAIL_DOMAIN

KEPT, WAITING, ALERTS = 3, 8, 5
STUDENTS_WHO_KEEP = 60
SUGGESTIONS = (
    ("Kazoo", "For a birthday band of five adults."),
    ("Urban beekeeping", "On a roof in Queens."),
    ("Sign painting", ""),
    ("Hurdy-gurdy", "I own one and cannot tune it."),
)
WOULD_TEACH = (("Noor", "Oud"), ("Felix", "Kintsugi"), ("Adaeze", "AP Physics C"))
MESSAGES = (
    ("Rosa", "lesson", "My instructor plays beautifully. Can I book two hours in a row?"),
    ("Jonah", "payment", "I can't find the receipt of last Tuesday's lesson."),
)


REPORTS = (
    ("misleading", "The profile says 12 years of teaching, the lesson was the first ever."),
    ("safety", "Somebody else than the person in the profile came to our door."),
)


def add_interest(student: User, today: date) -> None:
    """Write a few rows of each kind, the same for the same date; ``student`` is the demo one."""
    now = datetime.combine(today, time(12), tzinfo=UTC)
    _add_favorites(student, now)
    _add_waiting(now)
    _add_alerts(now)
    _add_returns(now)
    _add_reports(now)
    _add_letters(now)


def _add_favorites(student: User, now: datetime) -> None:
    live = list(Instructor.objects.live().order_by("pk").values_list("pk", flat=True))
    seeded = User.objects.filter(email__endswith=f"@{EMAIL_DOMAIN}").order_by("pk")
    people = list(seeded.values_list("pk", "email"))
    keepers = [(student.pk, student.email), *some(dice("keepers"), people, STUDENTS_WHO_KEEP)]
    Favorite.objects.bulk_create(
        Favorite(
            user_id=user_id, instructor_id=pk, created_at=now - timedelta(hours=7 * number + place)
        )
        for number, (user_id, email) in enumerate(keepers)
        for place, pk in enumerate(some(dice("keeps", email), live, KEPT))
    )


def _add_waiting(now: datetime) -> None:
    """Let people wait where nobody comes; where somebody does, they have had their mail."""
    places = list(Neighborhood.objects.order_by("name"))
    served = set(
        Instructor.objects.live().values_list("served_neighborhoods", flat=True).distinct()
    )
    without = [place for place in places if place.pk not in served]
    chosen = some(dice("waitlist"), without, WAITING) or some(dice("waitlist"), places, WAITING)
    WaitlistEntry.objects.bulk_create(
        WaitlistEntry(
            email=f"neighbor-{number}@{EMAIL_DOMAIN}",
            neighborhood=place,
            created_at=now - timedelta(days=3 * number + 4),
            **_answered(place.pk in served, f"waitlist {number}", now),
        )
        for number, place in enumerate(chosen, start=1)
    )


def _add_alerts(now: datetime) -> None:
    services = list(Service.objects.active().order_by("name"))
    taught = set(Offering.objects.bookable().values_list("service", flat=True).distinct())
    ServiceAlert.objects.bulk_create(
        ServiceAlert(
            email=f"curious-{number}@{EMAIL_DOMAIN}",
            service=service,
            created_at=now - timedelta(days=5 * number + 4),
            **_answered(service.pk in taught, f"alert {number}", now),
        )
        for number, service in enumerate(some(dice("alerts"), services, ALERTS), start=1)
    )


def _add_returns(now: datetime) -> None:
    paused = Instructor.objects.filter(status=Instructor.Status.PAUSED).order_by("pk")[:ALERTS]
    ReturnAlert.objects.bulk_create(
        ReturnAlert(
            email=f"patient-{number}@{EMAIL_DOMAIN}",
            instructor=person,
            created_at=now - timedelta(days=number),
        )
        for number, person in enumerate(paused, start=1)
    )


def _answered(is_answered: bool, words: str, now: datetime) -> dict[str, object]:
    if not is_answered:
        return {}
    token = crockford_from(dice("token", words), 24)
    return {"notified_at": now - timedelta(days=2), "removal_hash": hash_of_token(token)}


def _add_letters(now: datetime) -> None:
    """Write what staff find in their inbox."""
    ServiceSuggestion.objects.bulk_create(
        ServiceSuggestion(
            public_id=_public_id("suggestion", number), name=name, note=note,
            created_at=now - timedelta(days=number),
        )
        for number, (name, note) in enumerate(SUGGESTIONS, start=1)
    )  # fmt: skip
    places = list(Neighborhood.objects.order_by("name"))
    TeachingInterest.objects.bulk_create(
        TeachingInterest(
            public_id=_public_id("teaching", number),
            email=f"teacher-{number}@{EMAIL_DOMAIN}",
            first_name=first_name,
            teaches=teaches,
            neighborhood=dice("teaching", number).choice(places),
            created_at=now - timedelta(days=2 * number),
        )
        for number, (first_name, teaches) in enumerate(WOULD_TEACH, start=1)
    )
    ContactMessage.objects.bulk_create(
        ContactMessage(
            public_id=_public_id("message", number), name=name, topic=topic, text=text,
            email=f"writer-{number}@{EMAIL_DOMAIN}", created_at=now - timedelta(days=number),
        )
        for number, (name, topic, text) in enumerate(MESSAGES, start=1)
    )  # fmt: skip


def _add_reports(now: datetime) -> None:
    people = Instructor.objects.live().order_by("-pk")
    ProfileReport.objects.bulk_create(
        ProfileReport(
            public_id=_public_id("report", number), instructor=person, kind=kind, text=text,
            created_at=now - timedelta(days=number),
        )
        for number, (person, (kind, text)) in enumerate(zip(people, REPORTS, strict=False), 1)
    )  # fmt: skip


def _public_id(kind: str, number: int) -> str:
    return crockford_from(dice("public id", kind, number), 10)

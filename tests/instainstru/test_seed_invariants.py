"""What holds in a city of every profile: the rules of lessons and of money."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.db.models import F, Max, Q
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from bookings.lessons import rules
from bookings.lessons.models import Booking
from bookings.lessons.selectors import WantedLesson, load_facts
from bookings.messages.invariants import thread_violations
from bookings.messages.models import Message
from bookings.payments.models import LedgerEntry, LedgerTransaction, PaymentAttempt
from bookings.payments.selectors import ledger_imbalances
from bookings.reviews.models import InstructorStatistics
from bookings.reviews.services import rebuild_statistics
from catalog.models import Instructor, SeedRun
from instainstru.city import instructors, reviews, students, timetable
from instainstru.city.profiles import PROFILES
from instainstru.city.seeding import SeedError, seed_city
from instainstru.clock import NEW_YORK
from tests.factories.city import NOW, TODAY, build, versions

# The bench city gives each instructor many more lessons.
COUNTS = {"demo": 80, "bench": 10}


@pytest.fixture(scope="module", params=sorted(COUNTS))
def city(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any
) -> Iterator[SeedRun]:
    """A city of each profile for the tests of this file, taken back afterwards."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield build(PROFILES[request.param], COUNTS[request.param])
        transaction.set_rollback(True)


@pytest.fixture
def undone(city: SeedRun) -> Iterator[SeedRun]:
    """The city, with the changes of one test taken back."""
    with transaction.atomic():
        yield city
        transaction.set_rollback(True)


def test_lessons_are_in_every_state_and_carry_their_copies(city: SeedRun) -> None:
    """05 section 2, R17."""
    states = Counter(Booking.objects.values_list("status", flat=True))
    assert set(states) >= {"completed", "confirmed", "cancelled_student", "expired", "ended"}
    paid = Booking.objects.exclude(status__in=["expired", "held"])
    assert not paid.filter(Q(code=None) | Q(confirmed_at=None) | Q(learner=None)).exists()
    assert not paid.filter(confirmed_at__gt=NOW).exists()
    assert not paid.filter(cancelled_at__gte=F("start_at")).exists()
    wrong = [
        row for row in paid.select_related("offering").prefetch_related("offering__prices")
        if row.price_cents not in [price.price_cents for price in row.offering.prices.all()]
    ]  # fmt: skip
    assert not wrong
    at_home = paid.filter(modality="at_student")
    assert not at_home.filter(Q(address="") | Q(neighborhood=None)).exists()


def test_coming_lessons_obey_the_booking_rules(city: SeedRun) -> None:
    """R3-R6, R8: each stands where the rules would have offered it."""
    midnight = datetime.combine(TODAY, time(), tzinfo=NEW_YORK).astimezone(UTC)
    coming = Booking.objects.filter(status="confirmed", start_at__gte=midnight)
    rows = coming.select_related("offering__instructor", "offering__service")
    assert rows.count() > city.instructor_count
    for row in rows.prefetch_related("offering__prices"):
        on = row.start_at.astimezone(NEW_YORK).date()
        wanted = WantedLesson(row.offering, row.duration_minutes, row.modality, row.neighborhood_id)
        facts = load_facts(wanted, first_on=on, last_on=on, now=midnight)
        others = tuple(booking for booking in facts.bookings if booking.id != row.pk)
        # Notice and reach were kept when it was booked.
        failed = rules.explain(
            replace(facts, bookings=others), row.start_at, row.duration_minutes, midnight
        )
        assert {failure.rule for failure in failed} <= {"R1", "R2"}, (row.pk, failed)


def test_nobody_is_taught_twice_at_once(city: SeedRun) -> None:
    """R7, over past lessons too."""
    last: dict[int, datetime] = {}
    rows = Booking.objects.exclude(status__in=["expired", "cancelled_student"])
    for row in rows.order_by("learner_id", "start_at"):
        assert row.learner_id is not None
        assert last.get(row.learner_id, row.start_at) <= row.start_at
        last[row.learner_id] = row.end_at


def test_every_paid_lesson_is_in_the_books(city: SeedRun) -> None:
    """S14.5"""
    paid = Booking.objects.exclude(status__in=["expired", "held"])
    assert PaymentAttempt.objects.filter(purpose="lesson").count() == paid.count()
    assert LedgerEntry.objects.filter(transaction__booking__in=paid).exists()
    assert ledger_imbalances() == []


def test_pairs_who_booked_write_and_are_mostly_answered(city: SeedRun) -> None:
    """00 section 6, S11.4: nothing waits for a mail, and what is counted agrees."""
    assert Message.objects.exists()
    assert thread_violations() == []
    assert not Message.objects.untold(NOW).exists()
    assert not Message.objects.filter(created_at__gt=NOW).exists()
    assert Message.objects.filter(read_at__isnull=False).exists()


def test_refresh_continues_the_city_up_to_today(undone: SeedRun) -> None:
    """G14: --refresh moves the city to today and keeps what happened."""
    kept = set(Booking.objects.values_list("hold_id", flat=True))
    later = NOW + timedelta(days=50)
    with time_machine.travel(later, tick=False):
        run = seed_city(PROFILES[undone.profile], is_refresh=True)
        again = versions()
        seed_city(PROFILES[undone.profile], is_refresh=True)
    assert versions() == again
    assert run.anchor_on == TODAY + timedelta(days=50)
    assert kept < set(Booking.objects.values_list("hold_id", flat=True))
    coming = Booking.objects.filter(status="confirmed", start_at__gt=later)
    assert coming.count() > run.instructor_count
    newest = Booking.objects.aggregate(newest=Max("start_at"))["newest"]
    assert newest.astimezone(NEW_YORK).date() <= run.booked_until_on
    mine = Booking.objects.filter(student__email="student@instainstru.test")
    assert mine.filter(status="confirmed", start_at__gt=later).exists()


def test_statistics_say_what_the_rows_say(city: SeedRun) -> None:
    """S10.7"""
    assert InstructorStatistics.objects.count() == Instructor.objects.count()
    assert InstructorStatistics.objects.filter(review_count__gt=0).exists()
    with time_machine.travel(NOW, tick=False):
        assert rebuild_statistics() == 0


def test_another_profile_over_a_city_is_refused(city: SeedRun) -> None:
    other = next(name for name in COUNTS if name != city.profile)
    with pytest.raises(SeedError, match=city.profile):
        seed_city(PROFILES[other])


@pytest.mark.django_db
@pytest.mark.parametrize("said", ["students", "lessons", "Counting"])
def test_an_interrupted_seed_leaves_nothing_and_starts_again(said: str) -> None:
    """G14: Ctrl-C at any step; the next run builds what it would have built."""

    def interrupt(message: str) -> None:
        if said in message:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(PROFILES["demo"], 4, progress=interrupt)
    assert not any(
        model.objects.exists() for model in (SeedRun, User, Instructor, Booking, LedgerTransaction)
    )
    assert build(PROFILES["demo"], 4).instructor_count == Instructor.objects.live().count() == 4


@pytest.mark.django_db
def test_more_instructors_cost_no_more_queries() -> None:
    """Rows are written many at once."""
    counts = []
    for count in (6, 18):
        with transaction.atomic(), CaptureQueriesContext(connection) as seen:
            build(PROFILES["bench"], count)
            transaction.set_rollback(True)
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.django_db
def test_every_long_step_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instructors, "AT_ONCE", 4)
    monkeypatch.setattr(students, "AT_ONCE", 4)
    monkeypatch.setattr(timetable, "TEACHERS_AT_ONCE", 4)
    monkeypatch.setattr(reviews, "INSTRUCTORS_AT_ONCE", 4)
    said: list[str] = []
    build(PROFILES["demo"], 6, progress=said.append)
    assert "4 of 7 instructors" in said
    assert "8 of 12 students" in said
    for step in (
        "lessons of 4 instructors",
        "lessons of 6 instructors",
        "reviews of 4 instructors",
    ):
        assert [line for line in said if line.endswith(step)], step

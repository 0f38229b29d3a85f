"""The demo city: repeatable, believable, bookable, and built once."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Count, Max, Min, Q
from django.db.models.functions import Length

from accounts.models import Learner, User
from bookings.lessons.models import Booking, EmergencyRequest, LessonReport, Proposal, Strike
from bookings.lessons.selectors import load_calendars
from bookings.notifications.interest import write_to_waiting
from bookings.notifications.models import ContactMessage
from bookings.payments.models import PaymentAttempt
from bookings.reviews.models import InstructorStatistics, Review
from bookings.reviews.services import rebuild_statistics
from catalog.models import (
    Category,
    Favorite,
    Instructor,
    Offering,
    ProfileReport,
    ReturnAlert,
    SeedRun,
    Service,
    ServiceAlert,
    ServiceSuggestion,
    TeachingInterest,
    WaitlistEntry,
)
from instainstru import invariants
from instainstru.city.prices import price_list
from instainstru.city.profiles import PROFILES
from instainstru.city.seeding import seed_city
from instainstru.clock import NEW_YORK
from instainstru.database.classes import CommandClass, classify
from tests.factories.city import NOW, TODAY, build, fingerprint, versions

COUNT = 80
DEMO = PROFILES["demo"]


@pytest.fixture(scope="module")
def first_time(django_db_setup: None, django_db_blocker: Any) -> dict[str, list[Any]]:
    """What a city said that was taken back before the one of these tests was built."""
    with django_db_blocker.unblock(), transaction.atomic():
        build(DEMO, COUNT)
        said = fingerprint()
        transaction.set_rollback(True)
    return said


@pytest.fixture(scope="module")
def city(first_time: dict[str, list[Any]], django_db_blocker: Any) -> Iterator[SeedRun]:
    """One city for all tests of this file, taken back afterwards."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield build(DEMO, COUNT)
        transaction.set_rollback(True)


@pytest.fixture
def undone(city: SeedRun) -> Iterator[SeedRun]:
    """The city, with the changes of one test taken back."""
    with transaction.atomic():
        yield city
        transaction.set_rollback(True)


def test_second_run_on_any_day_changes_no_row(undone: SeedRun) -> None:
    """G14."""
    before = versions()
    with time_machine.travel(NOW + timedelta(days=9), tick=False):
        run = seed_city(DEMO, instructor_count=7)
    assert versions() == before
    assert (run.instructor_count, run.anchor_on) == (COUNT, TODAY)


def test_same_day_builds_the_same_city(first_time: dict[str, list[Any]], city: SeedRun) -> None:
    """G14: deterministic for an anchor date."""
    again = fingerprint()
    for part, rows in first_time.items():
        assert rows
        assert again[part] == rows, part


def test_every_service_is_taught_by_somebody_live(city: SeedRun) -> None:
    taught = Service.objects.filter(offerings__in=Offering.objects.bookable())
    assert taught.distinct().count() == Service.objects.active().count() == 552


def test_live_and_other_instructors(city: SeedRun) -> None:
    statuses = Counter(Instructor.objects.values_list("status", flat=True))
    assert statuses["live"] == COUNT
    assert statuses["paused"] >= 1
    assert Instructor.objects.filter(is_founding=True).count() <= 100
    assert not User.objects.filter(is_demo=False).exists()
    bios = Instructor.objects.aggregate(least=Min(Length("bio")), most=Max(Length("bio")))
    assert bios["least"] >= 200
    assert bios["most"] <= 2000
    assert Instructor.objects.values("bio").distinct().count() > COUNT * 0.9


def test_people_keep_wait_and_write(city: SeedRun) -> None:
    """G14: a few of each, and nobody waits for what is there already."""
    student = User.objects.get(email="student@instainstru.test")
    assert Favorite.objects.of_user(student).count() == 3
    waiting = (WaitlistEntry, ServiceAlert, ReturnAlert)
    for model in (ServiceSuggestion, TeachingInterest, ContactMessage, ProfileReport, *waiting):
        assert 2 <= model.objects.count() <= 10, model
    assert write_to_waiting() == 0


def test_demo_student_sees_every_state_of_a_lesson(city: SeedRun) -> None:
    """G14: what a clock does not end at once is there to look at, with the money it moved."""
    student = User.objects.get(email="student@instainstru.test")
    mine = Booking.objects.of_student(student)
    states = set(mine.values_list("status", flat=True))
    assert states == set(Booking.Status.values) - {"held", "expired"}
    proposals = Proposal.objects.alive(NOW).filter(booking__in=mine)
    assert proposals.count() == 2
    assert all(row.hold is None or row.hold.purpose == "proposal" for row in proposals)
    report = LessonReport.objects.get(booking__in=mine, outcome="")
    assert report.booking.status == "reported"
    assert Strike.objects.filter(booking__in=mine, reason="no_show").count() == 1
    assert EmergencyRequest.objects.filter(booking__in=mine, outcome="").exists()
    assert PaymentAttempt.objects.tips().filter(student=student, status="succeeded").count() == 1
    assert not any(invariants.violations().values())


def test_longer_lessons_are_never_cheaper(city: SeedRun) -> None:
    """S15.3."""
    for offering in Offering.objects.prefetch_related("prices"):
        cents = [row.price_cents for row in offering.prices.all()]
        assert cents == sorted(cents)
        assert cents


@pytest.mark.parametrize("hour_cents", [10_00, 55_00, 270_00, 500_00])
def test_price_lists_stay_in_range(hour_cents: int) -> None:
    """S15.3: $10 to $500 each."""
    prices = list(price_list(hour_cents, (120, 30, 60, 45, 90)).values())
    assert prices == sorted(prices)
    assert prices[0] >= 10_00
    assert prices[-1] <= 500_00


def test_kids_services_are_for_children(city: SeedRun) -> None:
    kids = Offering.objects.filter(service__category__slug="kids")
    assert kids.exists()
    assert not kids.filter(age_to__gt=14).exists()
    assert not Offering.objects.filter(service__name="Wine Tasting", age_from__lt=21).exists()


def test_language_teachers_speak_what_they_teach(city: SeedRun) -> None:
    for slug, language in (("spanish", "Spanish"), ("korean", "Korean"), ("wolof", "Wolof")):
        for offering in Offering.objects.filter(service__slug=slug).select_related("instructor"):
            assert language in offering.instructor.languages


@pytest.mark.parametrize("days", range(7))
def test_pianists_have_saturday_mornings_under_ninety_dollars(city: SeedRun, days: int) -> None:
    """The example of the homepage keeps its promise on every day of the week."""
    now = datetime(2027, 2, 24, 13, tzinfo=UTC) + timedelta(days=days)
    today = now.astimezone(NEW_YORK).date()
    saturday = today + timedelta(days=(5 - today.weekday()) % 7)
    offers = Offering.objects.bookable().filter(
        service__slug="piano",
        instructor__served_neighborhoods__name="Park Slope",
        prices__duration_minutes=60,
        prices__price_cents__lt=90_00,
    )
    ids = list(offers.values_list("instructor_id", flat=True))
    calendars = load_calendars(ids, first_on=saturday, last_on=saturday, now=now)
    mornings = [
        pk for pk in ids
        if any(start.astimezone(NEW_YORK).hour < 11 for start in calendars.starts(pk, 60))
    ]  # fmt: skip
    assert len(mornings) >= 4


def test_every_category_has_many_with_open_times(city: SeedRun) -> None:
    """S9.1, S7.4: a browsing visitor finds somebody in the next days."""
    ids = list(Instructor.objects.live().values_list("pk", flat=True))
    until = TODAY + timedelta(days=4)
    calendars = load_calendars(ids, first_on=TODAY, last_on=until, now=NOW)
    free = {pk for pk in ids if calendars.starts(pk, 60)}
    counts = Category.objects.annotate(
        free=Count(
            "services__offerings__instructor",
            filter=Q(services__offerings__instructor__in=free),
            distinct=True,
        )
    ).values_list("name", "free")
    assert all(number >= 3 for _, number in counts), list(counts)


def test_demo_student_has_lessons_of_each_kind(city: SeedRun) -> None:
    """G15."""
    mine = Booking.objects.filter(student__email="student@instainstru.test")
    coming = mine.filter(status="confirmed", start_at__gte=NOW)
    assert coming.count() >= 2
    first = coming.order_by("start_at").first()
    assert first is not None
    assert timedelta(days=1) < first.start_at - NOW < timedelta(days=6)
    assert mine.filter(status="completed").count() >= 2
    assert mine.filter(status="cancelled_student", start_at__gte=NOW).exists()
    child = Learner.objects.get(manager__email="student@instainstru.test", is_self=False)
    assert mine.filter(learner=child).exists()


def test_demo_instructor_teaches_piano_near_the_park(city: SeedRun) -> None:
    """G15: a live instructor with lessons ahead."""
    iris = Instructor.objects.get(user__email="instructor@instainstru.test")
    assert (iris.slug, iris.status) == ("iris-n", "live")
    assert iris.offerings.filter(service__slug="piano").exists()
    assert Booking.objects.filter(instructor=iris, status="confirmed").exists()


def test_seeded_people_cannot_sign_in_except_the_demo_accounts(city: SeedRun) -> None:
    usable = User.objects.exclude(password__startswith="!")
    assert set(usable.values_list("email", flat=True)) == {
        f"{name}@instainstru.test"
        for name in ("student", "instructor", "staff", "analyst", "support", "moderator", "finance")
    }


def test_reviews_differ_between_instructors(city: SeedRun) -> None:
    """G14, S10.2: some are loved, some are not, some are new; nothing is from the future."""
    rows = list(InstructorStatistics.objects.all())
    assert len(rows) == Instructor.objects.count()
    texts = {row.rating.text for row in rows}
    assert "" in texts
    assert len(texts) >= 5
    iris = InstructorStatistics.objects.get(instructor__slug="iris-n")
    assert iris.review_count >= 25
    assert iris.rating.is_at_least(480)
    assert Review.objects.exclude(reply="").exists()
    assert Review.objects.filter(is_hidden=True).exists()
    assert not Review.objects.filter(created_at__gt=NOW).exists()
    assert not Review.objects.exclude(booking__status="completed").exists()
    with time_machine.travel(NOW, tick=False):
        assert rebuild_statistics() == 0


def test_nobody_repeats_somebody_elses_words(city: SeedRun) -> None:
    spoken = Review.objects.exclude(text="").values("instructor", "text")
    assert not spoken.annotate(n=Count("pk")).filter(n__gt=1).exists()
    learners = Review.objects.filter(booking__learner__is_self=False).select_related(
        "booking__learner", "instructor__user"
    )
    assert learners.exists()
    for review in learners:
        if review.booking.learner.name != review.instructor.user.first_name:
            assert review.booking.learner.name not in review.text


@pytest.mark.django_db
def test_tiny_city_and_bad_numbers() -> None:
    with pytest.raises(CommandError, match="50,000"):
        call_command("seed", instructors=0)
    with time_machine.travel(NOW, tick=False):
        run = seed_city(DEMO, instructor_count=3)
    assert Instructor.objects.live().count() == run.instructor_count == 3


def test_seeding_never_runs_on_production() -> None:
    """G14: refuses PROD always."""
    assert classify("seed") is CommandClass.NEVER_ON_PROD

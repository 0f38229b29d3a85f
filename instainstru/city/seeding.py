"""Builds the city once, leaves it alone afterwards, and moves it to today on request.

Spec: G14
"""

from datetime import timedelta

from django.db import connection, transaction

from accounts.models import Learner, User
from accounts.role_sync import sync_roles
from accounts.seed import create_demo_accounts
from bookings.availability.models import AvailabilityRules, WeeklyWindow
from catalog.importer import import_catalog
from catalog.models import Coverage, Instructor, Offering, OfferingPrice, SeedRun
from instainstru import clock
from instainstru.city import instructors, students
from instainstru.city.interest import add_interest
from instainstru.city.letters import add_letters
from instainstru.city.profiles import Profile
from instainstru.city.progress import Progress
from instainstru.city.promos import add_promo
from instainstru.city.reviews import add_reviews
from instainstru.city.stories import add_stories
from instainstru.city.teachers import instant_of
from instainstru.city.texts import agree_to_texts
from instainstru.city.timetable import add_lessons
from instainstru.database.bulk import analyze
from instainstru.errors import ApplicationError
from instainstru.page_store.versions import CATALOGUE, bump

PAST_DAYS = 70
FUTURE_DAYS = 28
_SEED_LOCK = 0x11C17E
_READ_FOR_LESSONS = (
    User, Learner, Instructor, Coverage, Offering, OfferingPrice, AvailabilityRules, WeeklyWindow,
)  # fmt: skip


class SeedError(ApplicationError):
    """The city cannot be built or moved as asked."""

    code = "seed"


def seed_city(
    profile: Profile,
    *,
    instructor_count: int | None = None,
    is_refresh: bool = False,
    progress: Progress = lambda _message: None,
) -> SeedRun:
    """Build the demo or bench city, or return the one that stands, in one transaction.

    The first run stores its date; later runs change no row. ``is_refresh`` continues lessons
    and checks up to today and changes nothing on the day of the last run. Raises
    ``SeedError`` when another profile stands already. Spec: G14, G15.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SEED_LOCK])
        import_catalog()
        sync_roles()
        run = SeedRun.objects.first()
        if run is not None and run.profile != profile.name:
            raise SeedError(
                f"The city was seeded with the profile {run.profile}; reset before {profile.name}."
            )
        if run is None:
            run = _build(profile, instructor_count or profile.instructors, progress)
            bump(CATALOGUE)
        elif is_refresh:
            _refresh(run, profile, progress)
            bump(CATALOGUE)
    return run


def _build(profile: Profile, count: int, progress: Progress) -> SeedRun:
    today = clock.now().astimezone(clock.NEW_YORK).date()
    accounts = create_demo_accounts(clock.now())
    agree_to_texts(accounts["student"], clock.now())
    instructors.add_instructors(count, today=today, first=accounts["instructor"], progress=progress)
    student_count = profile.students_of(count)
    students.add_students(student_count, today=today, progress=progress)
    analyze(*_READ_FOR_LESSONS)
    run = SeedRun(
        profile=profile.name,
        anchor_on=today,
        booked_until_on=today + timedelta(days=FUTURE_DAYS),
        instructor_count=count,
        student_count=student_count,
    )
    first_on = today - timedelta(days=PAST_DAYS)
    add_lessons(run, profile, first_on, has_history=profile.has_history, progress=progress)
    if profile.has_history:
        _tell_stories(run)
    add_letters(now=instant_of(today, 0), progress=progress)
    add_reviews(now=instant_of(today, 0), progress=progress)
    add_interest(accounts["student"], today)
    add_promo(instant_of(today, 0))
    run.save()
    return run


def _refresh(run: SeedRun, profile: Profile, progress: Progress) -> None:
    """Let lessons and checks go on from where the city stopped."""
    today = clock.now().astimezone(clock.NEW_YORK).date()
    if today <= run.anchor_on:
        return
    instructors.renew_checks(today - run.anchor_on)
    first_on = max(run.booked_until_on + timedelta(days=1), today - timedelta(days=PAST_DAYS))
    run.anchor_on, run.booked_until_on = today, today + timedelta(days=FUTURE_DAYS)
    run.refreshed_at = clock.now()
    add_lessons(run, profile, first_on, has_history=False, progress=progress)
    if profile.has_history:
        _tell_stories(run)
    add_letters(now=instant_of(today, 0), progress=progress)
    add_reviews(now=instant_of(today, 0), progress=progress)
    run.save()


def _tell_stories(run: SeedRun) -> None:
    student = User.objects.get_by_natural_key("student@instainstru.test")
    staff = User.objects.get_by_natural_key("staff@instainstru.test")
    add_stories(student, staff, midnight=instant_of(run.anchor_on, 0), now=clock.now())

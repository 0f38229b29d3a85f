"""Builds the city once, leaves it alone afterwards, and moves it to today on request.

Spec: G14
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection, transaction

from accounts.models import User
from accounts.role_sync import sync_roles
from accounts.seed import create_demo_accounts
from bookings.payments.seed import record_seeded_charges
from catalog.importer import import_catalog
from catalog.models import Instructor, Policy, SeedRun
from instainstru import clock
from instainstru.city import instructors, students
from instainstru.city.charges import charges_of
from instainstru.city.demo_lessons import demo_lessons
from instainstru.city.dice import dice
from instainstru.city.history import add_history
from instainstru.city.interest import add_interest
from instainstru.city.lessons import Moment, note_existing, write_lessons
from instainstru.city.places import CityMap
from instainstru.city.reviews import add_reviews
from instainstru.city.roster import Diaries, Habits, PlannedLesson, plan_lessons
from instainstru.city.teachers import Teacher, instant_of, load_teachers
from instainstru.errors import ApplicationError

PAST_DAYS = 70
FUTURE_DAYS = 28
TEACHERS_AT_ONCE = 2000
DEMO_STUDENT_HOME = "Park Slope"
_SEED_LOCK = 0x11C17E

Progress = Callable[[str], None]


class SeedError(ApplicationError):
    """The city cannot be built or moved as asked."""

    code = "seed"


@dataclass(frozen=True)
class Profile:
    """How large a city is; ``sizes`` are the numbers of regular pupils an instructor may have."""

    name: str
    instructors: int
    students_per_instructor: int
    sizes: tuple[int, ...]
    most_lessons: int = 200_000
    has_history: bool = False


PROFILES = {
    "demo": Profile("demo", 400, 2, (1, 2, 2, 3, 3, 4, 6), has_history=True),
    "bench": Profile("bench", 2000, 10, (22, 26, 30)),
}
MOST_STUDENTS = 20_000


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
        elif is_refresh:
            _refresh(run, profile, progress)
    return run


def _build(profile: Profile, count: int, progress: Progress) -> SeedRun:
    today = clock.now().astimezone(clock.NEW_YORK).date()
    accounts = create_demo_accounts(clock.now())
    instructors.add_instructors(count, today=today, first=accounts["instructor"], progress=progress)
    pupils = min(count * profile.students_per_instructor, MOST_STUDENTS)
    students.add_students(pupils, today=today)
    progress(f"{pupils:,} students")
    run = SeedRun(
        profile=profile.name,
        anchor_on=today,
        booked_until_on=today + timedelta(days=FUTURE_DAYS),
        instructor_count=count,
        student_count=pupils,
    )
    first_on = today - timedelta(days=PAST_DAYS)
    _add_lessons(run, profile, first_on, today, progress)
    if profile.has_history:
        add_history(first_on=first_on, today=today, progress=progress)
    _add_reviews(today, progress)
    add_interest(accounts["student"], today)
    run.save()
    return run


def _add_reviews(today: date, progress: Progress) -> None:
    progress(f"{add_reviews(now=instant_of(today, 0)):,} reviews")


def _refresh(run: SeedRun, profile: Profile, progress: Progress) -> None:
    """Let lessons and checks go on from where the city stopped."""
    today = clock.now().astimezone(clock.NEW_YORK).date()
    if today <= run.anchor_on:
        return
    instructors.renew_checks(today - run.anchor_on)
    first_on = max(run.booked_until_on + timedelta(days=1), today - timedelta(days=PAST_DAYS))
    run.anchor_on, run.booked_until_on = today, today + timedelta(days=FUTURE_DAYS)
    run.refreshed_at = clock.now()
    _add_lessons(run, profile, first_on, today, progress)
    _add_reviews(today, progress)
    run.save()


def _add_lessons(
    run: SeedRun, profile: Profile, first_on: date, today: date, progress: Progress
) -> None:
    city = instructors.load_city_map()
    pupils, diaries = students.load_pupils(city, today), Diaries()
    moment = Moment(today, Policy.objects.current())
    seeded = Instructor.objects.live().filter(user__is_demo=True).order_by("pk")
    ids = list(seeded.values_list("pk", flat=True))
    habits = Habits(_affordable(profile, len(ids)))
    written = 0
    for start in range(0, len(ids), TEACHERS_AT_ONCE):
        part = ids[start : start + TEACHERS_AT_ONCE]
        teachers = load_teachers(part, first_on=first_on, last_on=run.booked_until_on)
        note_existing(teachers, diaries, first_on)
        planned: list[tuple[PlannedLesson, str]] = []
        if start == 0:
            planned += _demo_student_lessons(city, teachers, diaries, today)
        for teacher in teachers:
            lessons = plan_lessons(
                teacher,
                pupils,
                diaries,
                first_on=first_on,
                last_on=run.booked_until_on,
                habits=habits,
            )
            planned += [(lesson, "") for lesson in lessons]
        bookings = write_lessons(planned, pupils, moment)
        record_seeded_charges(charges_of(bookings))
        written += len(bookings)
        progress(f"{written:,} lessons of {start + len(part):,} instructors")


def _affordable(profile: Profile, count: int) -> tuple[int, ...]:
    """Give each instructor fewer pupils where all together would have too many lessons."""
    per_pupil = 4
    most = profile.most_lessons / max(1, count) / per_pupil
    return tuple(min(size, max(1, round(most))) for size in profile.sizes)


def _demo_student_lessons(
    city: CityMap, teachers: list[Teacher], diaries: Diaries, today: date
) -> list[tuple[PlannedLesson, str]]:
    student = User.objects.get_by_natural_key("student@instainstru.test")
    home = students.home_of(dice("home", student.email), city, city.named(DEMO_STUDENT_HOME))
    return list(demo_lessons(student, home, teachers, diaries, today))

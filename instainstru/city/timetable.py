"""The lessons of the whole city, some instructors at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection

from accounts.models import User
from bookings.lessons.models import Booking
from bookings.payments.models import LedgerEntry, LedgerTransaction, PaymentAttempt
from bookings.payments.seed import (
    record_seeded_charges,
    record_seeded_payees,
    record_seeded_payouts,
)
from bookings.payments.services.payouts import payday_of
from catalog.models import Instructor, Policy, SeedRun
from instainstru.city import students
from instainstru.city.charges import charges_of
from instainstru.city.demo_lessons import demo_lessons
from instainstru.city.dice import dice
from instainstru.city.history import HISTORY_DAYS, plan_history
from instainstru.city.instructors import load_city_map
from instainstru.city.lessons import Codes, Moment, Slot, note_existing, write_lessons
from instainstru.city.places import CityMap
from instainstru.city.profiles import Profile
from instainstru.city.progress import Progress
from instainstru.city.roster import Diaries, Habits, PlannedLesson, plan_lessons
from instainstru.city.students import Pupils
from instainstru.city.teachers import Teacher, load_teachers
from instainstru.database.bulk import analyze

TEACHERS_AT_ONCE = 200
# So many weeks of payouts were paid.
PAYDAYS = 12
DEMO_STUDENT_HOME = "Park Slope"


@dataclass(frozen=True)
class Season:
    """What the lessons of one run share: their dates, who learns and when everybody is busy."""

    first_on: date
    moment: Moment
    last_on: date
    habits: Habits
    has_history: bool
    city: CityMap
    pupils: Pupils
    diaries: Diaries
    taken: Mapping[int, Sequence[Slot]]
    codes: Codes


def add_lessons(
    run: SeedRun, profile: Profile, first_on: date, *, has_history: bool, progress: Progress
) -> None:
    """Write the lessons from ``first_on`` until the run's last date, and their payments.

    ``has_history`` adds lessons of the year before.
    """
    seeded = Instructor.objects.live().filter(user__is_demo=True).order_by("pk")
    ids = list(seeded.values_list("pk", flat=True))
    season = _open_season(run, Habits(profile.sizes_of(len(ids))), first_on, has_history)
    written = 0
    for start in range(0, len(ids), TEACHERS_AT_ONCE):
        part = ids[start : start + TEACHERS_AT_ONCE]
        planned = _plan(part, season, start)
        bookings = write_lessons(planned, season.pupils, season.codes, season.moment)
        record_seeded_charges(charges_of(bookings))
        connection.check_constraints()
        written += len(bookings)
        record_seeded_payees(part, at=season.moment.now - timedelta(days=60))
        progress(f"{written:,} lessons of {start + len(part):,} instructors")
    if has_history:
        _pay_out(season.moment)


def _pay_out(moment: Moment) -> None:
    """Pay for the lessons of the past on a quarter's paydays, the newest left to the workers."""
    # Without knowing how many rows there are, the database reads each of them for each.
    analyze(Booking, LedgerTransaction, LedgerEntry, PaymentAttempt)
    newest = payday_of(moment.now, moment.policy)
    for weeks in range(PAYDAYS, 0, -1):
        record_seeded_payouts(newest - timedelta(weeks=weeks), moment.policy)


def _open_season(run: SeedRun, habits: Habits, first_on: date, has_history: bool) -> Season:
    city, diaries = load_city_map(), Diaries()
    return Season(
        first_on=first_on,
        moment=Moment(run.anchor_on, Policy.objects.current()),
        last_on=run.booked_until_on,
        habits=habits,
        has_history=has_history,
        city=city,
        pupils=students.load_pupils(city, run.anchor_on),
        diaries=diaries,
        taken=note_existing(diaries, first_on),
        codes=Codes(),
    )


def _plan(
    ids: Sequence[int], season: Season, first_number: int
) -> Iterator[tuple[PlannedLesson, str]]:
    """Yield the lessons of some instructors, the demo student's first, with states or "".

    ``first_number`` says how many instructors of the city come before.
    """
    teachers = _load(ids, season)
    if first_number == 0:
        yield from _of_demo_student(teachers, season)
    for number, teacher in enumerate(teachers, first_number):
        lessons = plan_lessons(
            teacher,
            season.pupils,
            season.diaries,
            first_on=season.first_on,
            last_on=season.last_on,
            habits=season.habits,
        )
        if season.has_history:
            lessons += plan_history(
                teacher,
                number,
                season.pupils,
                season.diaries,
                today=season.moment.today,
                until=season.first_on - timedelta(days=1),
            )
        yield from ((lesson, "") for lesson in lessons)


def _load(ids: Sequence[int], season: Season) -> list[Teacher]:
    first_on = season.first_on - timedelta(days=HISTORY_DAYS if season.has_history else 0)
    teachers = load_teachers(ids, first_on=first_on, last_on=season.last_on)
    for teacher in teachers:
        for slot in season.taken.get(teacher.pk, ()):
            teacher.take(*slot)
    return teachers


def _of_demo_student(
    teachers: Sequence[Teacher], season: Season
) -> Iterator[tuple[PlannedLesson, str]]:
    student = User.objects.get_by_natural_key("student@instainstru.test")
    town = season.city
    home = students.home_of(dice("home", student.email), town, town.named(DEMO_STUDENT_HOME))
    return demo_lessons(student, home, teachers, season.diaries, season.moment.today)

"""Lessons of the year before: most instructors had some pupils, a few had very many."""

from collections.abc import Callable
from datetime import date, timedelta

from bookings.payments.seed import record_seeded_charges
from catalog.models import Instructor, Policy
from instainstru.city import students
from instainstru.city.charges import charges_of
from instainstru.city.dice import dice
from instainstru.city.instructors import load_city_map
from instainstru.city.lessons import Moment, note_existing, write_lessons
from instainstru.city.roster import Diaries, Habits, PlannedLesson, plan_lessons
from instainstru.city.teachers import load_teachers

HISTORY_DAYS = 420
# Who joined later than this before the first regular lesson starts without a history.
LEAST_DAYS = 60
# The first ones meet every visitor of the demo, so they are known already.
ALWAYS = 3
KNOWN_SHARE, SOME_SHARE = 0.1, 0.75

_STAYS = (0, 0, 0, 0, 1, 1, 3, 8)
_FAMOUS = Habits((90, 130), _STAYS, is_local=False)
_KNOWN = Habits((20, 35, 50, 80, 120), _STAYS, is_local=False)
_SOME = Habits((4, 6, 8, 11), _STAYS, is_local=False)

Progress = Callable[[str], None]


def add_history(*, first_on: date, today: date, progress: Progress) -> None:
    """Write lessons before ``first_on`` for instructors who joined long enough ago."""
    habits = _habits(first_on, today)
    since = today - timedelta(days=HISTORY_DAYS)
    last_on = first_on - timedelta(days=1)
    teachers = load_teachers(list(habits), first_on=since, last_on=last_on)
    pupils = students.load_pupils(load_city_map(), today)
    moment, diaries = Moment(today, Policy.objects.current()), Diaries()
    note_existing(teachers, diaries, first_on)
    planned: list[tuple[PlannedLesson, str]] = []
    for teacher in teachers:
        joined_on, usual = habits[teacher.pk]
        lessons = plan_lessons(
            teacher, pupils, diaries, first_on=max(since, joined_on), last_on=last_on, habits=usual
        )
        planned += [(lesson, "") for lesson in lessons]
    bookings = write_lessons(planned, pupils, moment)
    record_seeded_charges(charges_of(bookings))
    progress(f"{len(bookings):,} earlier lessons of {len(teachers)} instructors")


def _habits(first_on: date, today: date) -> dict[int, tuple[date, Habits]]:
    """Return since when and how the instructors with a history taught, by key."""
    seeded = Instructor.objects.live().filter(user__is_demo=True).order_by("pk")
    found: dict[int, tuple[date, Habits]] = {}
    for index, (pk, slug, joined_at) in enumerate(seeded.values_list("pk", "slug", "created_at")):
        throw = dice("history", slug).random()
        if index < ALWAYS:
            found[pk] = (today - timedelta(days=HISTORY_DAYS), _FAMOUS)
        elif throw < SOME_SHARE and joined_at.date() + timedelta(days=LEAST_DAYS) <= first_on:
            found[pk] = (joined_at.date(), _KNOWN if throw < KNOWN_SHARE else _SOME)
    return found

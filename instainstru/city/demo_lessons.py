"""The lessons that the demo student finds in My Lessons: upcoming, completed and cancelled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from accounts.models import Learner, User
from bookings.lessons.models import Booking
from instainstru.city.places import Place
from instainstru.city.roster import Diaries, PlannedLesson
from instainstru.city.students import Pupil
from instainstru.city.teachers import Offer, Teacher, instant_of

REACH_DAYS = 12
_S = Booking.Status


@dataclass(frozen=True)
class Wish:
    """A lesson the demo student should have: for whom, what, when (days from today), its state."""

    service: str
    days: int
    state: str = ""
    is_child: bool = False


WISHES = (
    Wish("Piano", 2),
    Wish("Chess for Kids", 4, is_child=True),
    Wish("Piano", -7, _S.COMPLETED),
    Wish("Piano", -14, _S.COMPLETED),
    Wish("Vinyasa Yoga", -20, _S.COMPLETED),
    Wish("Spanish Conversation", 5, _S.CANCELLED_STUDENT),
    Wish("Chess for Kids", -10, _S.CANCELLED_STUDENT, is_child=True),
)


def demo_lessons(
    student: User, home: Place, teachers: Sequence[Teacher], diaries: Diaries, today: date
) -> Iterator[tuple[PlannedLesson, str]]:
    """Yield the wished lessons with their states, each at the first free afternoon found.

    The first teacher of a service gets it, so the piano lessons are with the demo instructor.
    Upcoming ones stay within two to five days where somebody has time.
    """
    learners = {row.is_self: row for row in Learner.objects.filter(manager=student).order_by("-pk")}
    for wish in WISHES:
        learner = learners.get(not wish.is_child)
        if learner is None:
            continue
        age = today.year - learner.birth_year if learner.birth_year else 99
        pupil = Pupil(student.pk, learner.pk, age, home)
        planned = _find(wish, pupil, teachers, diaries, today)
        if planned is not None:
            yield planned, wish.state


def _find(
    wish: Wish, pupil: Pupil, teachers: Sequence[Teacher], diaries: Diaries, today: date
) -> PlannedLesson | None:
    step = 1 if wish.days > 0 else -1
    for distance in range(REACH_DAYS):
        on = today + timedelta(days=wish.days + step * distance)
        for teacher in teachers:
            for offer in teacher.offers:
                if offer.service_name != wish.service:
                    continue
                start = _free_start(teacher, offer, on, pupil, diaries)
                if start is not None:
                    return _take(teacher, offer, on, start, pupil, diaries)
    return None


def _minutes(offer: Offer) -> int:
    return 60 if 60 in offer.prices else min(offer.prices)


def _free_start(
    teacher: Teacher, offer: Offer, on: date, pupil: Pupil, diaries: Diaries
) -> int | None:
    minutes = _minutes(offer)
    starts = sorted(range(8 * 60, 20 * 60, 30), key=lambda start: abs(start - 16 * 60))
    for start in starts:
        start_at = instant_of(on, start)
        end_at = start_at + timedelta(minutes=minutes)
        if teacher.is_free(on, start, minutes) and diaries.is_free(
            pupil.learner_id, start_at, end_at
        ):
            return start
    return None


def _take(
    teacher: Teacher, offer: Offer, on: date, start: int, pupil: Pupil, diaries: Diaries
) -> PlannedLesson:
    minutes = _minutes(offer)
    start_at = instant_of(on, start)
    teacher.take(on, start, minutes)
    diaries.note(pupil.learner_id, start_at, start_at + timedelta(minutes=minutes))
    visits = "at_student" in offer.modes and pupil.home.pk in teacher.area
    others = [mode for mode in offer.modes if mode != "at_student"]
    mode = "at_student" if visits or not others else others[0]
    return PlannedLesson(teacher, offer, pupil, mode, start_at, minutes)

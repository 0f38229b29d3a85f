"""The lessons that the demo student finds in My Lessons: to come, just over, over, cancelled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from accounts.models import Learner, User
from bookings.lessons.models import Booking
from instainstru.city.places import Place
from instainstru.city.roster import Diaries, PlannedLesson
from instainstru.city.students import ADULT, Pupil
from instainstru.city.teachers import Offer, Teacher, instant_of

REACH_DAYS = 12
_S = Booking.Status


@dataclass(frozen=True)
class Wish:
    """A lesson the demo student should have: what (in order of preference), days from today."""

    services: tuple[str, ...]
    days: int
    state: str = ""
    is_child: bool = False


_ANY = ""
_PIANO, _YOGA = ("Piano",), ("Vinyasa Yoga", "Hatha Yoga", "Mat Pilates")
_SPANISH = ("Spanish Conversation", "Spanish", "French")
_CHILD = ("Chess for Kids", "Art for Kids", "Piano for Kids", "Soccer for Kids", "Yoga for Kids")
WISHES = (
    Wish(_PIANO, 2),
    Wish(_CHILD, 4, is_child=True),
    Wish(_PIANO, -7, _S.COMPLETED),
    Wish(_PIANO, -14, _S.COMPLETED),
    Wish(_YOGA, -20, _S.COMPLETED),
    Wish(_SPANISH, 5, _S.CANCELLED_STUDENT),
    Wish(_CHILD, -10, _S.CANCELLED_STUDENT, is_child=True),
    # What happens to these is told in ``stories``.
    Wish(_YOGA, 6, _S.CONFIRMED),
    Wish(_SPANISH, 7, _S.CONFIRMED),
    Wish(_CHILD, 8, _S.CONFIRMED, is_child=True),
    Wish(_YOGA, 9, _S.CONFIRMED),
    Wish(_PIANO, -1, _S.ENDED),
    Wish(_YOGA, -1, _S.ENDED),
    Wish(_SPANISH, -1, _S.ENDED),
    Wish(_CHILD, -1, _S.ENDED, is_child=True),
    Wish(_SPANISH, -4, _S.COMPLETED),
)


def demo_lessons(
    student: User,
    home: tuple[Place, str],
    teachers: Sequence[Teacher],
    diaries: Diaries,
    today: date,
) -> Iterator[tuple[PlannedLesson, str]]:
    """Yield the wished lessons with their states, each at the first free afternoon found.

    ``home`` is a neighborhood and an address. The first teacher of a service gets it, so the piano
    lessons are with the demo instructor. Upcoming ones stay within two to five days where somebody
    has time.
    """
    learners = {row.is_self: row for row in Learner.objects.filter(manager=student).order_by("-pk")}
    for wish in WISHES:
        learner = learners.get(not wish.is_child)
        if learner is None:
            continue
        age = today.year - learner.birth_year if learner.birth_year else ADULT
        pupil = Pupil(student.pk, learner.pk, age, *home)
        planned = _find(wish, pupil, teachers, diaries, today)
        if planned is not None:
            yield planned, wish.state


def _find(
    wish: Wish, pupil: Pupil, teachers: Sequence[Teacher], diaries: Diaries, today: date
) -> PlannedLesson | None:
    step = 1 if wish.days > 0 else -1
    days = [today + timedelta(days=wish.days + step * more) for more in range(REACH_DAYS)]
    for teacher, offer in _offers(wish, teachers, pupil):
        for on in days:
            start = _free_start(teacher, offer, on, pupil, diaries)
            if start is not None:
                return _take(teacher, offer, on, start, pupil, diaries)
    return None


def _offers(
    wish: Wish, teachers: Sequence[Teacher], pupil: Pupil
) -> Iterator[tuple[Teacher, Offer]]:
    # In a small city none of them may suit; then any lesson that does.
    for name in (*wish.services, _ANY):
        for teacher in teachers:
            for offer in teacher.offers:
                if name in (_ANY, offer.service_name) and _suits(teacher, offer, pupil):
                    yield teacher, offer


def _suits(teacher: Teacher, offer: Offer, pupil: Pupil) -> bool:
    is_right_age = pupil.age == ADULT or offer.ages[0] <= pupil.age <= offer.ages[1]
    return is_right_age and _mode(teacher, offer, pupil) is not None


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
    mode = _mode(teacher, offer, pupil) or offer.modes[0]
    return PlannedLesson(teacher, offer, pupil, mode, start_at, minutes)


def _mode(teacher: Teacher, offer: Offer, pupil: Pupil) -> str | None:
    """Return where the lesson takes place: at home if the teacher comes there."""
    if "at_student" in offer.modes and pupil.home.pk in teacher.area:
        return "at_student"
    return next((mode for mode in offer.modes if mode != "at_student"), None)

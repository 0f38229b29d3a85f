"""Which lessons take place: pupils who come every week or two, as times really allow."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from instainstru.city.dice import dice
from instainstru.city.students import Pupil, Pupils
from instainstru.city.teachers import Offer, Teacher, instant_of

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class PlannedLesson:
    """One lesson that fits the instructor's time and the learner's."""

    teacher: Teacher
    offer: Offer
    pupil: Pupil
    mode: str
    start_at: datetime
    minutes: int


@dataclass(frozen=True)
class Habits:
    """How many pupils an instructor may have, how many weeks each stays, and from how far.

    Neighbors come back every week; people from the whole city try a lesson or two.
    """

    sizes: Sequence[int]
    stays: Sequence[int] = (2, 4, 6, 9, 14)
    is_local: bool = True


class Diaries:
    """The lessons of each learner, so that nobody is taught twice at once (Spec: R7)."""

    def __init__(self) -> None:
        self._lessons: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)

    def is_free(self, learner_id: int, start_at: datetime, end_at: datetime) -> bool:
        """Tell whether the learner has nothing then."""
        lessons = self._lessons[learner_id]
        return all(end_at <= first or last <= start_at for first, last in lessons)

    def note(self, learner_id: int, start_at: datetime, end_at: datetime) -> None:
        """Add a lesson."""
        self._lessons[learner_id].append((start_at, end_at))


def plan_lessons(
    teacher: Teacher,
    pupils: Pupils,
    diaries: Diaries,
    *,
    first_on: date,
    last_on: date,
    habits: Habits,
) -> list[PlannedLesson]:
    """Return the lessons of one instructor between two local dates, both included."""
    chance = dice("roster", teacher.slug, first_on)
    if not teacher.offers:
        return []
    return [
        lesson
        for _ in range(chance.choice(habits.sizes))
        for lesson in _visits(chance, teacher, pupils, diaries, first_on, last_on, habits)
    ]


def _visits(
    chance: Random,
    teacher: Teacher,
    pupils: Pupils,
    diaries: Diaries,
    first_on: date,
    last_on: date,
    habits: Habits,
) -> Iterator[PlannedLesson]:
    """Yield the lessons of one pupil who comes at the same time every week or second week."""
    offer = chance.choice(teacher.offers)
    mode = chance.choice(list(offer.modes))
    pupil = _pupil(chance, teacher, offer, mode, pupils, is_local=habits.is_local)
    usual = _usual_time(chance, teacher)
    if pupil is None or usual is None:
        return
    minutes = chance.choice(list(offer.prices))
    weekday, start = usual
    span = (last_on - first_on).days
    # Regulars begin early enough to come often; visitors come whenever.
    begins = span * 2 // 3 if habits.is_local else span
    on = first_on + timedelta(days=chance.randrange(max(1, begins)))
    on += timedelta(days=(weekday - on.weekday()) % 7)
    until = min(last_on, on + WEEK * chance.choice(habits.stays))
    step = chance.choice((WEEK, WEEK, 2 * WEEK))
    while on <= until:
        start_at = instant_of(on, start)
        end_at = start_at + timedelta(minutes=minutes)
        is_free = teacher.is_free(on, start, minutes)
        if is_free and diaries.is_free(pupil.learner_id, start_at, end_at):
            teacher.take(on, start, minutes)
            diaries.note(pupil.learner_id, start_at, end_at)
            yield PlannedLesson(teacher, offer, pupil, mode, start_at, minutes)
        on += step


def _pupil(
    chance: Random, teacher: Teacher, offer: Offer, mode: str, pupils: Pupils, *, is_local: bool
) -> Pupil | None:
    if mode != "at_student" and not is_local:
        return pupils.anybody(chance, offer.ages)
    near = pupils.choose(chance, offer.ages, sorted(teacher.area))
    if near is not None or mode == "at_student":
        return near
    return pupils.anybody(chance, offer.ages)


def _usual_time(chance: Random, teacher: Teacher) -> tuple[int, int] | None:
    """Return a weekday and a grid minute inside the weekly hours."""
    if not teacher.schedule.weekly:
        return None
    weekday, first, last = chance.choice(teacher.schedule.weekly)
    step = teacher.rules.slot_step_minutes
    starts = range(-(-first // step) * step, last - 29, step)
    return (weekday, chance.choice(starts)) if starts else None

"""Students of the demo city and the learners they manage."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import accumulate, chain, islice
from random import Random

from django.db import connection

from accounts.models import Learner, User
from accounts.roles import Role
from accounts.seed import add_people
from catalog.text import slug_of
from instainstru.city.biography import invent_person
from instainstru.city.blueprints import door
from instainstru.city.dice import dice
from instainstru.city.places import CityMap, Place
from instainstru.city.progress import Progress
from instainstru.city.words import people
from instainstru.database.bulk import insert_by_copy

AT_ONCE = 5000
EMAIL_DOMAIN = "students.instainstru.test"
CHILD_SHARE = 0.45
# Accounts do not say how old their owner is; they suit offers that reach beyond school age.
ADULT = 99
GROWN_UP = 25
# So many pupils are tried at random, then so many looked at in order.
TRIES, FIRST = 12, 400


@dataclass(frozen=True, slots=True)
class Pupil:
    """Somebody to be taught, the account that books, and where they live."""

    student_id: int
    learner_id: int
    age: int
    home: Place
    address: str


class Pupils:
    """The learners of the city, found by neighborhood and age."""

    def __init__(self, pupils: Sequence[Pupil]) -> None:
        self._near: dict[int, list[Pupil]] = defaultdict(list)
        self._all = list(pupils)
        for pupil in pupils:
            self._near[pupil.home.pk].append(pupil)

    def choose(self, chance: Random, ages: tuple[int, int], area: Sequence[int]) -> Pupil | None:
        """Return somebody of the right age in the area, or None."""
        return _fitting(chance, [self._near[place] for place in area if place in self._near], ages)

    def anybody(self, chance: Random, ages: tuple[int, int]) -> Pupil | None:
        """Return somebody of the right age from the whole city, or None."""
        return _fitting(chance, [self._all], ages)


def _fitting(
    chance: Random, groups: Sequence[Sequence[Pupil]], ages: tuple[int, int]
) -> Pupil | None:
    """Try a few at random: nearly everybody is an adult, so most tries succeed."""
    sizes = list(accumulate(map(len, groups)))
    for _ in range(TRIES if sizes else 0):
        pupil = chance.choice(chance.choices(groups, cum_weights=sizes)[0])
        if _fits(pupil, ages):
            return pupil
    first = islice(chain.from_iterable(groups), FIRST)
    fitting = [pupil for pupil in first if _fits(pupil, ages)]
    return chance.choice(fitting) if fitting else None


def _fits(pupil: Pupil, ages: tuple[int, int]) -> bool:
    if pupil.age == ADULT:
        return ages[1] >= GROWN_UP
    return ages[0] <= pupil.age <= ages[1]


def add_students(count: int, *, today: date, progress: Progress) -> None:
    """Write students who cannot sign in, each with themself and some with a child as learner."""
    now = datetime.combine(today, time(12), tzinfo=UTC)
    for start in range(0, count, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, count))
        users = [_student(number) for number in numbers]
        add_people(users, roles=[Role.STUDENT], now=now)
        insert_by_copy(
            Learner,
            (
                child
                for number, user in zip(numbers, users, strict=True)
                for child in _children(number, user, today, now)
            ),
        )
        connection.check_constraints()
        progress(f"{numbers.stop:,} of {count:,} students")


def _student(number: int) -> User:
    person = invent_person(dice("student", number))
    words = slug_of(f"{person.first_name} {person.last_name}")
    return User(
        email=f"{words}-{number + 1}@{EMAIL_DOMAIN}",
        first_name=person.first_name,
        last_name=person.last_name,
        is_demo=True,
    )


def _children(number: int, user: User, today: date, now: datetime) -> list[Learner]:
    chance = dice("children", number)
    if chance.random() > CHILD_SHARE:
        return []
    return [
        Learner(
            manager_id=user.pk,
            name=invent_person(chance).first_name,
            birth_year=today.year - chance.randrange(3, 18),
            created_at=now,
        )
        for _ in range(chance.choice((1, 1, 2)))
    ]


def home_of(chance: Random, city: CityMap, place: Place | None = None) -> tuple[Place, str]:
    """Return a neighborhood, drawn unless given, and an invented address in it."""
    home = place or city.home(chance)
    street = chance.choice(people().streets[home.borough])
    return home, f"{chance.randrange(10, 460)} {street}, Apt {door(chance)}"


def load_pupils(city: CityMap, today: date) -> Pupils:
    """Return the learners of the seeded students; each account keeps its neighborhood."""
    rows = Learner.objects.filter(manager__email__endswith=f"@{EMAIL_DOMAIN}").order_by("pk")
    homes: dict[int, tuple[Place, str]] = {}
    found = []
    for learner_id, student_id, is_self, birth_year, email in rows.values_list(
        "pk", "manager_id", "is_self", "birth_year", "manager__email"
    ):
        if student_id not in homes:
            homes[student_id] = home_of(dice("home", email), city)
        age = ADULT if is_self or not birth_year else today.year - birth_year
        found.append(Pupil(student_id, learner_id, age, *homes[student_id]))
    return Pupils(found)

"""Who teaches what: every service finds somebody, and nobody teaches an odd mixture."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from instainstru.city.dice import dice
from instainstru.city.words import people

MAX_SERVICES = 20
# How many of the instructors who are free to choose go to each category.
_DEMAND = {
    "Music": 16, "Tutoring": 15, "Sports & Fitness": 13, "Language": 11, "Arts": 9,
    "Dance & Performance": 9, "Kids": 12, "Tech & Career": 9, "Hidden Gems": 7,
}  # fmt: skip
PIANO = "Piano"


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What the plan needs to know of a service; ``rank`` 0 is the best known of its subcategory."""

    pk: int
    name: str
    category: str
    subcategory: str
    rank: int

    @property
    def language(self) -> str:
        """The language that is taught, or nothing."""
        return people().taught.get(self.name, ("", ""))[0]


Course = tuple[ServiceFacts, ...]


def plan_courses(services: Sequence[ServiceFacts], count: int) -> list[Course]:
    """Return the services of each of ``count`` instructors, the main one first.

    With at least a twentieth as many instructors as services every service is taught; the more
    instructors, the fewer services each has (one to four) and the closer they belong together.
    """
    courses = _shared_out(services, count)
    known = _by_subcategory(services)
    # Popular services from the same shelf round off the short ones.
    courses = [_rounded(course, known, index) for index, course in enumerate(courses)]
    courses += [_free_choice(known, index) for index in range(len(courses), count)]
    dice("courses", count).shuffle(courses)
    return courses


def _shared_out(services: Sequence[ServiceFacts], count: int) -> list[Course]:
    """Share all services out in the finest way that ``count`` instructors can carry."""
    room = max(1, count * 4 // 5)
    related = [part for group in _related(services).values() for part in _parts(group, 2)]
    if len(related) <= room:
        return related
    size = ceil(len(services) / room)
    while True:
        by_category: dict[str, list[ServiceFacts]] = defaultdict(list)
        for service in services:
            by_category[service.category].append(service)
        parts = [part for group in by_category.values() for part in _parts(group, size)]
        if len(parts) <= room or size >= MAX_SERVICES:
            return parts[:count]
        size += 1


def _related(services: Iterable[ServiceFacts]) -> dict[tuple[str, str], list[ServiceFacts]]:
    """Group by subcategory; of languages, only the same one belongs together."""
    groups: dict[tuple[str, str], list[ServiceFacts]] = defaultdict(list)
    for service in services:
        groups[service.subcategory, service.language].append(service)
    return groups


def _parts(group: Sequence[ServiceFacts], size: int) -> Iterator[Course]:
    for first in range(0, len(group), size):
        yield tuple(group[first : first + size])


def _by_subcategory(
    services: Iterable[ServiceFacts],
) -> dict[tuple[str, str], list[ServiceFacts]]:
    groups: dict[tuple[str, str], list[ServiceFacts]] = defaultdict(list)
    for service in services:
        groups[service.category, service.subcategory].append(service)
    return groups


def _rounded(
    course: Course, known: dict[tuple[str, str], list[ServiceFacts]], index: int
) -> Course:
    chance = dice("round", index)
    shelf = known[course[0].category, course[0].subcategory]
    others = [row for row in shelf if row not in course and row.language == course[0].language]
    wanted = min(chance.choice((0, 0, 1, 1, 2)), 4 - len(course), len(others))
    return course + _weighted(others, wanted, index) if wanted > 0 else course


def _weighted(services: Sequence[ServiceFacts], count: int, index: int) -> Course:
    """Choose different services, the better known ones more often."""
    chance, left = dice("weighted", index, count), list(services)
    chosen: list[ServiceFacts] = []
    while left and len(chosen) < count:
        weights = [1 / (1 + service.rank) for service in left]
        chosen.append(left.pop(chance.choices(range(len(left)), weights)[0]))
    return tuple(chosen)


def _free_choice(known: dict[tuple[str, str], list[ServiceFacts]], index: int) -> Course:
    """Choose a category by demand, a shelf of it, and one to four of its services."""
    chance = dice("free", index)
    categories = sorted({category for category, _ in known})
    category = chance.choices(categories, [_DEMAND.get(name, 5) for name in categories])[0]
    shelves = sorted(key for key in known if key[0] == category)
    shelf = known[chance.choices(shelves, [len(known[key]) for key in shelves])[0]]
    main = _weighted(shelf, 1, index)[0]
    others = [row for row in shelf if row != main and row.language == main.language]
    return (main, *_weighted(others, chance.choice((0, 1, 1, 2, 3)), index))

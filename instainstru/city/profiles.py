"""How large a city is: many people to look at, or a whole market to measure (Spec: G14)."""

from dataclasses import dataclass
from typing import Final

# What a pupil takes within the days that a city covers, where instructors are nearly full.
LESSONS_PER_PUPIL: Final = 3.5


@dataclass(frozen=True)
class Profile:
    """The numbers of a city.

    ``sizes`` are the numbers of regular pupils that an instructor may have. A city of so many
    instructors that they would give more than ``most_lessons`` has smaller ones, down to
    ``least_lessons`` per instructor. ``most_students`` holds until there are half as many
    instructors.
    """

    name: str
    instructors: int
    students_per_instructor: int
    sizes: tuple[int, ...]
    most_students: int = 20_000
    most_lessons: int = 200_000
    least_lessons: int = 8
    has_history: bool = False

    def students_of(self, instructors: int) -> int:
        """Return how many students the city has."""
        most = max(self.most_students, 2 * instructors)
        return min(instructors * self.students_per_instructor, most)

    def sizes_of(self, instructors: int) -> tuple[int, ...]:
        """Return how many regular pupils its instructors may have; everybody has one or more."""
        mean_lessons = LESSONS_PER_PUPIL * sum(self.sizes) / len(self.sizes)
        room = max(self.most_lessons / instructors, self.least_lessons) / mean_lessons
        return tuple(max(1, round(size * min(1, room))) for size in self.sizes)


PROFILES: Final = {
    "demo": Profile("demo", 400, 2, (1, 2, 2, 3, 3, 4, 6), has_history=True),
    "bench": Profile("bench", 2000, 10, (12, 20, 24, 28, 34, 40, 52)),
}

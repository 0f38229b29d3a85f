"""Reviews of completed lessons: every instructor has a character that the ratings follow."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any

from django.db import connection

from accounts.models import Learner, User
from bookings.lessons.models import Booking
from bookings.reviews.models import Review
from bookings.reviews.services import rebuild_statistics
from catalog.models import Instructor, Offering, Policy
from instainstru.city.dice import crockford_from, dice
from instainstru.city.praise import Subject, hidden_reason, reply_text, review_text
from instainstru.city.progress import Progress
from instainstru.database.bulk import analyze, insert_by_copy

_FIELDS = (
    "pk", "hold_id", "instructor_id", "instructor__slug", "instructor__user__first_name",
    "student_id", "student__email", "learner__is_self", "offering__service_id", "service_name",
    "offering__service__category__name", "completed_at",
)  # fmt: skip
DEMO_INSTRUCTOR = "iris-n"
# Students write after their first lessons; a regular one rarely writes again.
FIRST_TIME = (1, 1, 1, 1, 2, 3)
AGAIN_SHARE = 0.08
# Nobody writes what somebody else has written about the same instructor.
TRIES = 12
INSTRUCTORS_AT_ONCE = 1000
HIDDEN_SHARE = 0.008


@dataclass(frozen=True)
class Character:
    """Chances of 5 to 1 stars, how many students write, and how often the instructor replies."""

    weights: tuple[int, int, int, int, int]
    write_share: float
    reply_share: float
    most: int | None = None


_CHARACTERS = (
    (18, Character((95, 5, 0, 0, 0), 0.85, 0.25)),
    (40, Character((81, 16, 3, 0, 0), 0.7, 0.15)),
    (24, Character((63, 26, 8, 2, 1), 0.6, 0.1)),
    (8, Character((46, 34, 13, 4, 3), 0.6, 0.3)),
    (10, Character((80, 20, 0, 0, 0), 0.3, 0.0, most=2)),
)


@lru_cache(maxsize=INSTRUCTORS_AT_ONCE)
def _character(slug: str) -> Character:
    """Return how an instructor teaches; the demo instructor is one of the best."""
    if slug == DEMO_INSTRUCTOR:
        return _CHARACTERS[0][1]
    shares = [share for share, _ in _CHARACTERS]
    return dice("character", slug).choices([c for _, c in _CHARACTERS], shares)[0]


def add_reviews(*, now: datetime, progress: Progress) -> None:
    """Write what students of the city have written until ``now``, and count it all.

    Each lesson throws its own dice, so a later run adds only what happened since. Spec: G14.
    """
    analyze(Booking, Learner, User, Instructor, Offering)
    window = timedelta(days=Policy.objects.current().review_window_days)
    ids = list(
        Instructor.objects.filter(user__is_demo=True).order_by("pk").values_list("pk", flat=True)
    )
    written = 0
    for start in range(0, len(ids), INSTRUCTORS_AT_ONCE):
        part = ids[start : start + INSTRUCTORS_AT_ONCE]
        known = set(Review.objects.filter(instructor__in=part).values_list("booking_id", flat=True))
        rows = [row for row in _reviews(part, window, now) if row.booking_id not in known]
        insert_by_copy(Review, sorted(rows, key=lambda row: (row.created_at, row.public_id)))
        connection.check_constraints()
        written += len(rows)
        progress(f"{written:,} reviews of {start + len(part):,} instructors")
    analyze(Review)
    progress("Counting reviews and lessons")
    rebuild_statistics()


def _reviews(instructor_ids: Sequence[int], window: timedelta, now: datetime) -> Iterator[Review]:
    lessons = Booking.objects.filter(
        status="completed", instructor__in=instructor_ids, student__is_demo=True,
        completed_at__lte=now,
    ).order_by("start_at", "hold_id").values(*_FIELDS)  # fmt: skip
    met: Counter[tuple[int, int]] = Counter()
    said: dict[int, Counter[str]] = defaultdict(Counter)
    written: Counter[int] = Counter()
    for lesson in lessons:
        pair = (lesson["instructor_id"], lesson["student_id"])
        met[pair] += 1
        review = _review(lesson, met[pair], written[lesson["instructor_id"]], window)
        if review is not None:
            written[lesson["instructor_id"]] += 1
            review.text = _own_words(lesson, review.overall, said[lesson["instructor_id"]])
            _answer(review, lesson)
            if review.created_at <= now:
                yield _as_of(review, now)


def _review(
    lesson: Mapping[str, Any], times_met: int, written: int, window: timedelta
) -> Review | None:
    slug = lesson["instructor__slug"]
    character = _character(slug)
    first_time = _first_time(slug, lesson["student__email"])
    if not first_time or written == character.most:
        return None
    chance = dice("review", lesson["hold_id"])
    if times_met != first_time and (times_met < first_time or chance.random() >= AGAIN_SHARE):
        return None
    stars = chance.choices((5, 4, 3, 2, 1), character.weights)[0]
    created_at = lesson["completed_at"] + timedelta(minutes=chance.randrange(20, 9 * 1440))
    review = Review(
        public_id=crockford_from(chance, 10),
        booking_id=lesson["pk"],
        instructor_id=lesson["instructor_id"],
        student_id=lesson["student_id"],
        service_id=lesson["offering__service_id"],
        overall=stars,
        created_at=created_at,
        changed_at=created_at,
        revealed_at=_revealed_at(chance, created_at, lesson["completed_at"] + window),
    )
    if chance.random() < 0.85:
        review.clarity, review.punctuality, review.preparation = (
            _part(chance, stars) for _ in range(3)
        )
    return review


@lru_cache(maxsize=10_000)
def _first_time(slug: str, student_email: str) -> int:
    """Return after which of their lessons a student first writes; 0 is never."""
    chance = dice("student writes", slug, student_email)
    return chance.choice(FIRST_TIME) if chance.random() < _character(slug).write_share else 0


def _own_words(lesson: Mapping[str, Any], stars: int, said: Counter[str]) -> str:
    chance = dice("words", lesson["hold_id"])
    for _ in range(TRIES):
        text = review_text(chance, stars, _subject(lesson), said)
        if not text or not said[text]:
            break
    said[text] += 1
    return text


def _subject(lesson: Mapping[str, Any]) -> Subject:
    category = lesson["offering__service__category__name"]
    return Subject(
        name=lesson["instructor__user__first_name"],
        service=lesson["service_name"],
        category=category,
        is_child=not lesson["learner__is_self"],
    )


def _revealed_at(chance: Random, created_at: datetime, window_end: datetime) -> datetime:
    """Most instructors rate the lesson too, which reveals both; else the window's end does."""
    both = created_at + timedelta(minutes=chance.randrange(5, 3 * 1440))
    return min(both, window_end) if chance.random() < 0.75 else window_end


def _part(chance: Random, stars: int) -> int:
    return min(5, max(1, stars + chance.choices((-1, 0, 1), (12, 76, 12))[0]))


def _answer(review: Review, lesson: Mapping[str, Any]) -> None:
    chance = dice("reply", lesson["hold_id"])
    character = _character(lesson["instructor__slug"])
    low = review.overall <= 3
    if review.text and chance.random() < (0.6 if low else character.reply_share):
        review.reply = reply_text(chance, review.overall)
        review.replied_at = review.revealed_at + timedelta(minutes=chance.randrange(30, 4 * 1440))
    if review.text and chance.random() < (0.06 if low else HIDDEN_SHARE):
        review.is_hidden, review.hidden_reason = True, hidden_reason(chance)
        review.hidden_at = review.revealed_at + timedelta(minutes=chance.randrange(60, 2 * 1440))


def _as_of(review: Review, now: datetime) -> Review:
    """Take back what comes after ``now``."""
    if review.replied_at is not None and review.replied_at > now:
        review.reply, review.replied_at = "", None
    if review.hidden_at is not None and review.hidden_at > now:
        review.is_hidden, review.hidden_at, review.hidden_reason = False, None, ""
    return review

"""Messages of the city: some pairs write before their first lesson, and most answers come soon."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bookings.lessons.models import Booking
from bookings.messages.models import Message, Thread
from instainstru.city.dice import crockford_from, dice
from instainstru.city.progress import Progress
from instainstru.database.bulk import analyze, insert_by_copy

DEMO_STUDENT, DEMO_INSTRUCTOR = "student@instainstru.test", "instructor@instainstru.test"
# The demo accounts find something new to read.
NEW_DAYS = 7
WRITING_SHARE = 0.3
PAST_DAYS = 60
_FIELDS = (
    "hold_id", "student_id", "student__email", "student__first_name", "instructor_id",
    "instructor__slug", "instructor__user_id", "instructor__user__email",
    "instructor__user__first_name", "service_name", "confirmed_at", "learner__is_self",
    "learner__name",
)  # fmt: skip
# Minutes until an answer: most of a teacher's are of the same kind.
_PACES = ((5, 40), (15, 110), (60, 400), (600, 2400))
_PACE_SHARES = (35, 35, 20, 10)
_QUESTIONS = (
    "Hi {teacher}, looking forward to {service}! Is there anything {we} should bring?",
    "Hello {teacher}, we have never had a lesson in {service}. Is that all right?",
    "Hi {teacher}! Would it help if {we} practised something before the first lesson?",
    "Hello {teacher}, is there room to park near you, or is the subway easier?",
    "Hi {teacher}, what would you work on in a first hour of {service}?",
    "Hello! {Learner} is a little shy at first. How do you usually begin?",
)
_ANSWERS = (
    "Hi {student}, just bring yourself and something to write. I have everything else.",
    "Hello {student}, that is how most people start. We'll take it step by step.",
    "Hi {student}! No need to prepare. I'd like to hear first what you want to learn.",
    "Thanks for asking, {student}. We begin with ten minutes of talking, then we try things out.",
    "Hi {student}, see you there. If anything changes, write to me here.",
)
_THANKS = (
    "Great, thank you. See you then!",
    "That helps a lot. Thanks, {teacher}!",
    "Perfect. We're looking forward to it.",
)


def add_letters(*, now: datetime, progress: Progress) -> None:
    """Let pairs who booked write to each other until ``now``; pairs with a thread stay as they are.

    Each pair throws its own dice. Spec: G14, 00 section 6
    """
    known = set(Thread.objects.values_list("student", "instructor"))
    stories = [
        (row, letters)
        for row in _first_lessons(now)
        if (row["student_id"], row["instructor_id"]) not in known
        and (letters := [letter for letter in _story(row, now) if letter.created_at <= now])
    ]
    threads = insert_by_copy(Thread, [_thread(row, letters) for row, letters in stories])
    rows = []
    for thread, (_, letters) in zip(threads, stories, strict=True):
        for letter in letters:
            letter.thread_id = thread.pk
            rows.append(letter)
    insert_by_copy(Message, rows)
    analyze(Thread, Message)
    progress(f"{len(rows):,} messages of {len(threads):,} pairs")


def _first_lessons(now: datetime) -> Iterator[Mapping[str, Any]]:
    rows = Booking.objects.filter(
        student__is_demo=True, instructor__user__is_demo=True, code__isnull=False,
        confirmed_at__gt=now - timedelta(days=PAST_DAYS), confirmed_at__lte=now,
    )  # fmt: skip
    found = rows.order_by("student", "instructor", "confirmed_at", "hold_id")
    yield from found.distinct("student", "instructor").values(*_FIELDS)


def _thread(row: Mapping[str, Any], letters: list[Message]) -> Thread:
    return Thread(
        public_id=crockford_from(dice("thread", row["hold_id"]), 10),
        student_id=row["student_id"],
        instructor_id=row["instructor_id"],
        created_at=letters[0].created_at,
        last_message_at=letters[-1].created_at,
    )


def _story(row: Mapping[str, Any], now: datetime) -> Iterator[Message]:
    """Yield a question, mostly an answer, and sometimes thanks."""
    chance = dice("letters", row["hold_id"])
    if chance.random() >= WRITING_SHARE and row["student__email"] != DEMO_STUDENT:
        return
    people = {row["student__email"], row["instructor__user__email"]}
    is_recent = row["confirmed_at"] > now - timedelta(days=NEW_DAYS)
    is_new = is_recent and not people.isdisjoint((DEMO_STUDENT, DEMO_INSTRUCTOR))
    pace = dice("pace", row["instructor__slug"]).choices(_PACES, _PACE_SHARES)[0]
    at = row["confirmed_at"] + timedelta(minutes=chance.randrange(5, 300))
    asks = {"author_id": row["student_id"], "recipient_id": row["instructor__user_id"]}
    answers = {"author_id": row["instructor__user_id"], "recipient_id": row["student_id"]}
    steps: list[tuple[dict[str, int], tuple[str, ...], int]] = [(asks, _QUESTIONS, 0)]
    if chance.random() < 0.93:
        steps.append((answers, _ANSWERS, chance.randrange(*pace)))
        if chance.random() < 0.6:
            steps.append((asks, _THANKS, chance.randrange(5, 600)))
    for number, (sides, texts, minutes) in enumerate(steps):
        at += timedelta(minutes=minutes)
        is_last = number == len(steps) - 1
        yield _letter(chance, sides, _words(chance, texts, row), at, now, is_new and is_last)


def _words(chance: Random, texts: tuple[str, ...], row: Mapping[str, Any]) -> str:
    is_self = row["learner__is_self"]
    fitting = [text for text in texts if not (is_self and "{Learner}" in text)]
    return chance.choice(fitting).format(
        teacher=row["instructor__user__first_name"],
        student=row["student__first_name"],
        service=row["service_name"],
        we="I" if is_self else "we",
        Learner=row["learner__name"],
    )


def _letter(
    chance: Random, people: Mapping[str, int], text: str, at: datetime, now: datetime, is_new: bool
) -> Message:
    """Return a message, read unless it is of the last hours or wanted unread; nobody is mailed."""
    read_at = at + timedelta(minutes=chance.randrange(1, 240))
    told_at = at + timedelta(minutes=5)
    return Message(
        public_id=crockford_from(chance, 10),
        key=crockford_from(chance, 10),
        text=text,
        created_at=at,
        read_at=read_at if read_at <= now and not is_new else None,
        told_at=told_at,
        **people,
    )

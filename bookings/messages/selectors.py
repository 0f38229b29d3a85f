"""Whose thread it is, who may begin one, and what stands in the lists (Spec: S11.4, G5)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Q, Subquery
from django.urls import reverse

from accounts.models import Block, User
from bookings.lessons.models import Booking
from bookings.lessons.states import Status
from bookings.messages.models import Message, Thread
from catalog.models import Instructor
from instainstru.errors import NotFoundError

EXCERPT = 90


@dataclass(frozen=True)
class Pair:
    """The two who write to each other; ``thread`` is None until the first message."""

    student: User
    instructor: Instructor
    thread: Thread | None = None

    @classmethod
    def of(cls, thread: Thread) -> "Pair":
        """Return the two of a thread that was read with its people."""
        return cls(thread.student, thread.instructor, thread)

    def is_student(self, person: User) -> bool:
        """Tell whether a person is on the student's side."""
        return self.student.pk == person.pk

    def other_of(self, person: User) -> User:
        """Return the other side."""
        return self.instructor.user if self.is_student(person) else self.student

    def other_name(self, person: User) -> str:
        """Return what a person sees of the other side: a first name and an initial."""
        is_student = self.is_student(person)
        return self.instructor.display_name if is_student else self.student.short_name


def find_pair(*, by: User, public_id: str) -> Pair:
    """Return the two of a person's own thread; raises ``NotFoundError`` for others. Spec: G5."""
    thread = Thread.objects.of(by).with_people().filter(public_id=public_id).first()
    if thread is None:
        raise NotFoundError("We couldn't find this conversation.")
    return Pair.of(thread)


def pair_with_instructor(*, by: User, slug: str) -> Pair:
    """Return the person as a student and the instructor of a profile, with their thread if any.

    Raises ``NotFoundError`` for a profile that has no page, and for one's own.
    """
    rows = Instructor.objects.public_pages().select_related("user")
    instructor = rows.filter(slug=slug).exclude(user=by).first()
    if instructor is None:
        raise NotFoundError("We couldn't find this instructor.")
    return _with_thread(by, instructor)


def pair_of_lesson(*, by: User, code: str) -> Pair:
    """Return student and instructor of a lesson that the person booked or teaches.

    Raises ``NotFoundError`` for the lessons of others. Spec: G5.
    """
    mine = Q(student=by) | Q(instructor__user=by)
    rows = Booking.objects.filter(mine, code=code, student__isnull=False)
    lesson = rows.select_related("student", "instructor__user").first()
    if lesson is None or lesson.student is None or lesson.student_id == lesson.instructor.user_id:
        raise NotFoundError("We couldn't find this lesson.")
    return _with_thread(lesson.student, lesson.instructor)


def _with_thread(student: User, instructor: Instructor) -> Pair:
    thread = Thread.objects.filter(student=student, instructor=instructor).first()
    return Pair(student, instructor, thread)


def has_booked(pair: Pair) -> bool:
    """Tell whether the student has paid for a lesson with this instructor, whatever became of it.

    A code is given with the payment, and a hold has none.
    """
    rows = Booking.objects.filter(student=pair.student, instructor=pair.instructor)
    return rows.filter(code__isnull=False).exists()


def why_closed(pair: Pair, by: User) -> str:
    """Return why nobody can write in a conversation now, empty while they can. Spec: S5.8."""
    other = pair.other_of(by)
    blocks = list(Block.objects.between(by.pk, other.pk).values_list("by", flat=True))
    name = pair.other_name(by)
    if by.pk in blocks:
        return f"You blocked {name}. Neither of you can write to the other."
    if blocks:
        return f"You can't write to {name}."
    return "" if other.is_active else f"{name} does not use InstaInstru any more."


def find_letter(*, by: User, pair: Pair, public_id: str) -> Message:
    """Return a message that the person got; raises ``NotFoundError`` for any other."""
    rows = Message.objects.filter(thread=pair.thread, recipient=by, public_id=public_id)
    letter = rows.select_related("author").first()
    if letter is None:
        raise NotFoundError("We couldn't find this message.")
    return letter


# --- The line about a lesson ----------------------------------------------------------------------
@dataclass(frozen=True)
class LessonLine:
    """The next lesson of a pair, else the last one."""

    booking: Booking
    is_next: bool
    url: str


def lesson_lines(
    threads: Sequence[Thread], by: User, now: datetime
) -> Mapping[tuple[int, int], LessonLine]:
    """Return for each pair that ever booked its next or else last lesson; two queries for all."""
    pairs = [(row.student_id, row.instructor_id) for row in threads]
    return _lines(Thread.objects.filter(pk__in=[row.pk for row in threads]), pairs, by, now)


def lesson_line(pair: Pair, by: User, now: datetime) -> LessonLine | None:
    """Return the line above one conversation, begun or not."""
    rows = Booking.objects.filter(
        student=pair.student, instructor=pair.instructor, code__isnull=False
    )
    coming = rows.filter(status=Status.CONFIRMED, end_at__gt=now).order_by("start_at").first()
    booking = coming or rows.order_by("-start_at").first()
    return _line(booking, by, now) if booking is not None else None


def _lines(
    rows: Iterable[Thread], pairs: Sequence[tuple[int, int]], by: User, now: datetime
) -> Mapping[tuple[int, int], LessonLine]:
    of_pair = Booking.objects.filter(
        student=OuterRef("student"), instructor=OuterRef("instructor"), code__isnull=False
    )
    coming = of_pair.filter(status=Status.CONFIRMED, end_at__gt=now).order_by("start_at")
    found = rows.annotate(  # type: ignore[attr-defined]
        coming=Subquery(coming.values("pk")[:1]),
        latest=Subquery(of_pair.order_by("-start_at").values("pk")[:1]),
    ).values_list("coming", "latest")
    ids = [coming_id or latest_id for coming_id, latest_id in found]
    bookings = Booking.objects.filter(pk__in=[pk for pk in ids if pk is not None])
    return {
        (row.student_id, row.instructor_id): _line(row, by, now)
        for row in bookings
        if row.student_id is not None and (row.student_id, row.instructor_id) in pairs
    }


def _line(booking: Booking, by: User, now: datetime) -> LessonLine:
    page = "lessons:detail" if booking.student_id == by.pk else "lessons:taught"
    is_next = booking.status == Status.CONFIRMED and booking.end_at > now
    return LessonLine(booking, is_next, reverse(page, args=[booking.code]))


# --- The list -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class ThreadRow:
    """A conversation in the list."""

    thread: Thread
    name: str
    unread: int
    excerpt: str
    is_mine: bool
    line: LessonLine | None

    @property
    def url(self) -> str:
        """Its page, at the newest message."""
        return reverse("messages:thread", args=[self.thread.public_id]) + "#newest"


def thread_rows(threads: Iterable[Thread], by: User, now: datetime) -> list[ThreadRow]:
    """Return rows of threads that were read with ``unread`` and their people; four queries."""
    rows = list(threads)
    latest = Message.objects.filter(thread=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    of_rows = Thread.objects.filter(pk__in=[row.pk for row in rows])
    ids = of_rows.annotate(letter=Subquery(latest)).values_list("letter", flat=True)
    letters = {letter.thread_id: letter for letter in Message.objects.filter(pk__in=list(ids))}
    lines = lesson_lines(rows, by, now)
    return [
        ThreadRow(
            thread=row,
            name=Pair.of(row).other_name(by),
            unread=row.unread,  # type: ignore[attr-defined]
            excerpt=_excerpt(letters[row.pk].text) if row.pk in letters else "",
            is_mine=row.pk in letters and letters[row.pk].author_id == by.pk,
            line=lines.get((row.student_id, row.instructor_id)),
        )
        for row in rows
    ]


def _excerpt(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= EXCERPT else f"{words[:EXCERPT].rstrip()}…"

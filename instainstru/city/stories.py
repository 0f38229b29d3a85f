"""What happened around the demo student's lessons, so that My Lessons shows each of its states.

Each goes through the service that a page would call, so money, notices and strikes are right.
Spec: G14
"""

import io
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from accounts.pictures import arriving_pictures
from bookings.lessons import evidence
from bookings.lessons.cancellation import cancel_as_instructor, cancel_as_staff
from bookings.lessons.emergencies import ask_to_be_excused
from bookings.lessons.models import Booking, LessonReport
from bookings.lessons.models.changes import Side
from bookings.lessons.moves import move_facts, propose_move
from bookings.lessons.reports import accept_report, report_lesson
from bookings.lessons.rules import bookable_starts
from bookings.lessons.selectors import lesson_zone
from bookings.payments.seed import record_seeded_tip
from instainstru.city.dice import crockford_from, dice

TIP_CENTS = 15_00
KEPT_AS_THEY_ARE = 2
"""So many of the lessons to come have no story."""
_DAY = timedelta(days=1)
_REPORTED_WITHIN = timedelta(hours=46)
_S, _K = Booking.Status, LessonReport.Kind


def add_stories(student: User, staff: User, *, midnight: datetime, now: datetime) -> None:
    """Propose, cancel, report and tip lessons of the demo student, as far as there are enough.

    ``midnight`` is the instant the city stands at; what a clock ends soon begins ``now``.
    """
    mine = Booking.objects.of_student(student).with_people()
    coming = mine.filter(status=_S.CONFIRMED, start_at__gt=midnight + _DAY).order_by("start_at")
    ended = mine.filter(status=_S.ENDED, end_at__gt=midnight - _REPORTED_WITHIN).order_by("-end_at")
    completed = mine.filter(status=_S.COMPLETED, end_at__gt=midnight - 7 * _DAY)
    is_free = coming.filter(proposals=None)
    _tell(
        list(is_free)[KEPT_AS_THEY_ARE:],
        [
            lambda lesson: _propose(lesson, now),
            lambda lesson: _propose(lesson, now),
            lambda lesson: cancel_as_instructor(
                by=lesson.instructor.user,
                code=str(lesson.code),
                reason="My train is canceled that week.",
                now=midnight,
            ),
            lambda lesson: cancel_as_staff(
                by=staff, code=str(lesson.code), reason="Asked for by phone.", now=midnight
            ),
        ],
    )
    # The newest one waits for "How did it go?".
    _tell(list(ended)[1:], [_report_quality, _report_no_show, _report_student])
    for lesson in completed.order_by("-end_at")[:1]:
        record_seeded_tip(
            booking_id=lesson.pk,
            hold_id=lesson.hold_id,
            student_id=student.pk,
            amount_cents=TIP_CENTS,
            at=lesson.end_at + timedelta(hours=2),
        )


def _tell(lessons: Sequence[Booking], stories: Sequence[Callable[[Booking], object]]) -> None:
    for lesson, story in zip(lessons, stories, strict=False):
        story(lesson)


def _propose(lesson: Booking, now: datetime) -> None:
    """Let the instructor ask for the next time that is open, a day later or more."""
    on = lesson.start_at.astimezone(lesson_zone(lesson.instructor)).date()
    first_on, last_on = on + _DAY, on + 14 * _DAY
    facts = move_facts(lesson, first_on=first_on, last_on=last_on, now=now, by=Side.INSTRUCTOR)
    starts = bookable_starts(facts, lesson.duration_minutes, first_on, last_on, now, limit=1)
    for start_at in starts:
        proposal = propose_move(
            by=lesson.instructor.user,
            code=str(lesson.code),
            start_at=start_at,
            message="I have a concert that day. Would this work for you?",
            now=now,
        )
        # The same city says the same again.
        if proposal.hold_id is not None:
            name = crockford_from(dice("proposal", lesson.hold_id), 10)
            Booking.objects.filter(pk=proposal.hold_id).update(hold_id=name)


def _report_quality(lesson: Booking) -> None:
    """Let the student report a lesson that only staff can decide: it stays under review."""
    assert lesson.student is not None  # noqa: S101 - it has ended
    with arriving_pictures(
        owner=lesson.student, files=[_drawn_picture()], sizes=evidence.SIZES
    ) as pictures:
        report_lesson(
            by=lesson.student,
            code=str(lesson.code),
            kind=_K.QUALITY,
            statement="We agreed on an hour of practice and spent most of it on setting up.",
            pictures=pictures,
            now=lesson.end_at + timedelta(hours=1),
        )


def _drawn_picture() -> SimpleUploadedFile:
    """Return a picture as a telephone would send it: a room at dusk, in a few strokes."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (1200, 900), "#33415c")
    drawing = ImageDraw.Draw(picture)
    drawing.rectangle((0, 640, 1200, 900), fill="#7d5a44")
    drawing.rectangle((120, 120, 480, 460), fill="#f2c879", outline="#1f2736", width=16)
    drawing.rectangle((640, 420, 1080, 700), fill="#1f2736")
    drawing.rectangle((670, 560, 1050, 600), fill="#f4efe6")
    out = io.BytesIO()
    picture.save(out, "JPEG")
    return SimpleUploadedFile("room.jpg", out.getvalue(), "image/jpeg")


def _report_no_show(lesson: Booking) -> None:
    """Let the student say that nobody came, and the instructor agree."""
    assert lesson.student is not None  # noqa: S101 - it has ended
    code, at = str(lesson.code), lesson.end_at + timedelta(hours=1)
    statement = "I waited for half an hour and nobody came or wrote."
    report_lesson(
        by=lesson.student, code=code, kind=_K.INSTRUCTOR_NO_SHOW, statement=statement, now=at
    )
    accept_report(by=lesson.instructor.user, code=code, now=at + timedelta(hours=1))


def _report_student(lesson: Booking) -> None:
    """Let the instructor say that the student did not come, who agrees and tells staff why."""
    assert lesson.student is not None  # noqa: S101 - it has ended
    code, at = str(lesson.code), lesson.end_at + timedelta(hours=1)
    statement = "I waited at the agreed place for twenty minutes."
    report_lesson(
        by=lesson.instructor.user, code=code, kind=_K.STUDENT_NO_SHOW, statement=statement, now=at
    )
    accept_report(by=lesson.student, code=code, now=at + timedelta(hours=1))
    why = "A fever in the afternoon, and I forgot to write. I have the doctor's letter."
    ask_to_be_excused(by=lesson.student, code=code, statement=why, now=at + timedelta(hours=2))

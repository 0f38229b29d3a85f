"""The log of what both sides say and show about a reported lesson (Spec: T14, S11.8)."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from accounts.audit import record_event
from accounts.models import UploadedPicture, User
from accounts.pictures import keep_pictures, remove_pictures
from bookings.lessons.locks import lesson_transaction
from bookings.lessons.models import Booking, LessonReport, ReportEvidence
from bookings.lessons.models.changes import Side
from bookings.lessons.selectors import find_on_side
from bookings.lessons.transitions import lesson_changed
from instainstru import clock
from instainstru.errors import NotFoundError, ValidationFailedError

SIZES: Final = (2048, 480)
"""Longest sides in pixels: to look at, and in the log."""
PICTURES_KEPT: Final = timedelta(days=730)
STAFF: Final = "accounts.bookings.view_all"
_BATCH: Final = 500
_MOST_PICTURES, _MOST_WORDS = ReportEvidence.MOST_PICTURES, ReportEvidence.MOST_WORDS


def may_add(report: LessonReport | None, side: str, now: datetime) -> bool:
    """Tell whether a side may add to the log now.

    Who was reported and can still answer does that first: silence is what decides a missed lesson,
    and a picture is not silence.
    """
    if report is None or not report.is_open(now):
        return False
    return report.opened_by == side or bool(report.answer) or now > report.answer_by_at


def add_evidence(
    *,
    by: User,
    code: str,
    side: Side,
    statement: str = "",
    pictures: Sequence[UploadedPicture] = (),
    now: datetime | None = None,
) -> None:
    """Add words or pictures, or both, to an open report.

    Raises ``ValidationFailedError`` for nothing at all, a fourth picture or too many words,
    ``LessonChangedError`` when the side may not add now. Spec: T14
    """
    booking = find_on_side(by=by, code=code, side=side)
    if not statement.strip() and not pictures:
        text = "Write something or choose a picture."
        raise ValidationFailedError(text, fields={"statement": text})
    with lesson_transaction(booking, now) as at:
        lesson = find_on_side(by=by, code=code, side=side)
        report = LessonReport.objects.filter(booking=lesson).first()
        if report is None or not may_add(report, side, at):
            raise lesson_changed(lesson, "T14", "Nothing can be added to this report now.")
        append(report, by=by, side=side, statement=statement, pictures=pictures, now=at)


def append(
    report: LessonReport,
    *,
    by: User,
    side: str,
    statement: str = "",
    pictures: Sequence[UploadedPicture] = (),
    now: datetime,
) -> None:
    """Write to the log inside the lock of the lesson. Raises ``ValidationFailedError``."""
    own = ReportEvidence.objects.filter(report=report, side=side)
    shown = own.filter(picture__isnull=False).count()
    said = own.filter(picture__isnull=True).count()
    if shown + len(pictures) > _MOST_PICTURES:
        left = _MOST_PICTURES - shown
        text = f"A report takes {_MOST_PICTURES} pictures of each side; you can add {left} more."
        raise ValidationFailedError(text, fields={"pictures": text})
    if statement.strip() and said >= _MOST_WORDS:
        text = f"You have added to this report {_MOST_WORDS} times; that is all we take."
        raise ValidationFailedError(text, fields={"statement": text})
    keep_pictures(pictures)
    rows = [
        ReportEvidence(
            report=report, side=side, author=by, number=shown + count, picture=each, created_at=now
        )
        for count, each in enumerate(pictures, start=1)
    ]
    if statement.strip():
        words = statement.strip()
        rows.insert(
            0,
            ReportEvidence(
                report=report,
                side=side,
                author=by,
                number=said + 1,
                statement=words,
                created_at=now,
            ),
        )
    ReportEvidence.objects.bulk_create(rows)


def evidence_of(report: LessonReport, side: str) -> list[ReportEvidence]:
    """Return what a side sees of the log, the oldest first.

    After a safety report the two have no contact, so each sees what it added itself: the log must
    not become a way to write to somebody.
    """
    rows = ReportEvidence.objects.filter(report=report).select_related("picture").order_by("pk")
    return list(rows.filter(side=side) if report.kind == LessonReport.Kind.SAFETY else rows)


def find_picture(*, by: User, name: str) -> UploadedPicture:
    """Return a picture that the person may see; what staff look at is written down.

    Both sides of the lesson may (of a safety report the own side alone), and staff with
    ``bookings.view_all``. Raises ``NotFoundError`` for everybody else. Spec: G5, S5.7, S17.3
    """
    rows = ReportEvidence.objects.select_related(
        "picture__owner", "report__booking__instructor"
    ).filter(picture__name=name, picture__state=UploadedPicture.State.KEPT)
    found = rows.first()
    if found is None or found.picture is None or not _may_see(by, found):
        raise NotFoundError("We couldn't find this picture.")
    return found.picture


def remove_old_pictures(now: datetime | None = None) -> int:
    """Remove the pictures of reports that were decided two years ago; return how many."""
    before = (now or clock.now()) - PICTURES_KEPT
    old: Iterable[UploadedPicture] = UploadedPicture.objects.kept().filter(
        evidence__report__decided_at__lt=before
    )[:_BATCH]
    with transaction.atomic():
        return remove_pictures(old)


def _may_see(by: User, found: ReportEvidence) -> bool:
    side = _side_of(by, found.report.booking)
    if side is not None:
        return side == found.side or found.report.kind != LessonReport.Kind.SAFETY
    if not by.has_perm(STAFF):
        return False
    with transaction.atomic():
        record_event("reportevidence.read", by=by, on=found.report.booking, subject=found.author)
    return True


def _side_of(by: User, booking: Booking) -> Side | None:
    if booking.student_id == by.pk:
        return Side.STUDENT
    return Side.INSTRUCTOR if booking.instructor.user_id == by.pk else None

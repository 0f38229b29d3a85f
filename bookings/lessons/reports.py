"""Reporting a lesson, answering, and deciding (Spec: T13, T14, S11.8, 05 section 4)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet

from accounts.audit import record_event
from accounts.blocking import block_person
from accounts.models import UploadedPicture, User
from bookings.lessons import evidence, mails
from bookings.lessons.cancellation import check_refund_limit, find_for_staff
from bookings.lessons.locks import left_for_later, lesson_transaction
from bookings.lessons.models import Booking, LessonReport, Strike
from bookings.lessons.models.changes import Side
from bookings.lessons.moves import find_either, void_open_proposal
from bookings.lessons.policies import Kind, Outcome, PolicyNumbers, outcome
from bookings.lessons.selectors import find_on_side
from bookings.lessons.settlement import had_good_fit, money_facts, settle
from bookings.lessons.states import Actor, Status, sources_of
from bookings.lessons.strikes import add_strike
from bookings.lessons.transitions import catch_up, lesson_changed, swap
from instainstru import clock
from instainstru.errors import ConflictError, ValidationFailedError

OPENS_AFTER = timedelta(minutes=10)
STUDENT_NO_SHOW_AFTER = timedelta(minutes=15)
STATEMENT_MIN, STATEMENT_MAX = 20, 2000
BATCH_SIZE = 200
K = LessonReport.Kind
KINDS = {
    Side.STUDENT: (K.INSTRUCTOR_NO_SHOW, K.LATE, K.SAFETY, K.QUALITY, K.OTHER),
    Side.INSTRUCTOR: (K.STUDENT_NO_SHOW, K.SAFETY, K.OTHER),
}
# What an accepted report comes to; the other kinds are for staff to decide.
_ACCEPTED = {
    K.INSTRUCTOR_NO_SHOW: Status.NO_SHOW_INSTRUCTOR,
    K.STUDENT_NO_SHOW: Status.NO_SHOW_STUDENT,
}
_MONEY = {
    Status.NO_SHOW_INSTRUCTOR: Kind.NO_SHOW_INSTRUCTOR,
    Status.NO_SHOW_STUDENT: Kind.NO_SHOW_STUDENT,
}


def report_window(booking: Booking, kind: str = "") -> tuple[datetime, datetime]:
    """Return the first and the last instant at which a lesson may be reported (T13)."""
    after = STUDENT_NO_SHOW_AFTER if kind == K.STUDENT_NO_SHOW else OPENS_AFTER
    hours = timedelta(hours=booking.policy.report_window_hours)
    return booking.start_at + after, booking.end_at + hours


def may_report(booking: Booking, state: Status, now: datetime) -> bool:
    """Tell whether a side may report the lesson now."""
    first_at, last_at = report_window(booking)
    return state in sources_of("T13") and first_at <= now <= last_at


def report_lesson(
    *,
    by: User,
    code: str,
    kind: str,
    statement: str,
    pictures: Sequence[UploadedPicture] = (),
    now: datetime | None = None,
) -> LessonReport:
    """Put a lesson under review; its payout is frozen and the other side may answer.

    ``pictures`` are arriving ones, at most three. The second side to report only adds its
    statement. A safety report shuts the other side out at once. Raises ``ValidationFailedError``
    for a kind that is not this side's, a short statement or a fourth picture,
    ``LessonChangedError`` outside the window. Spec: T13, S11.8
    """
    booking, side = find_either(by=by, code=code)
    _check_statement(statement)
    if kind not in KINDS[Side(side)]:
        text = "Choose what happened."
        raise ValidationFailedError(text, fields={"kind": text})
    with lesson_transaction(booking, now) as at:
        lesson = find_on_side(by=by, code=code, side=side)
        report = LessonReport.objects.filter(booking=lesson, outcome="").first()
        if report is not None and report.opened_by != side:
            return _answer(lesson, report, by, statement, pictures, at, is_unsafe=kind == K.SAFETY)
        first_at, last_at = report_window(lesson, kind)
        if catch_up(lesson, at) not in sources_of("T13") or not first_at <= at <= last_at:
            raise lesson_changed(lesson, "T13", "This lesson can't be reported now.")
        if LessonReport.objects.filter(booking=lesson).exists():
            raise lesson_changed(lesson, "T13", "This lesson was reported and decided already.")
        if kind == K.INSTRUCTOR_NO_SHOW and had_good_fit(lesson):
            raise lesson_changed(lesson, "T13", "You had the whole price back as credit already.")
        void_open_proposal(lesson, at)
        swap(lesson, "T13", Status.REPORTED)
        report = LessonReport.objects.create(
            booking=lesson,
            opened_by=side,
            reporter=by,
            kind=kind,
            is_unsafe=kind == K.SAFETY,
            statement=statement.strip(),
            answer_by_at=at + timedelta(hours=lesson.policy.report_window_hours),
            created_at=at,
        )
        evidence.append(report, by=by, side=side, pictures=pictures, now=at)
        if kind == K.SAFETY:
            block_person(by=by, person=_other(lesson, side))
        mails.queue_report(lesson, report, "opened")
    return report


def answer_report(
    *,
    by: User,
    code: str,
    statement: str,
    is_unsafe: bool = False,
    pictures: Sequence[UploadedPicture] = (),
    now: datetime | None = None,
) -> None:
    """Tell and show the other side of a reported lesson; staff decide then. Once.

    ``is_unsafe`` says that this side did not feel safe, whoever reported first. Raises
    ``ValidationFailedError`` for a short statement, ``LessonChangedError`` when there is nothing to
    answer. Spec: T14, S11.8
    """
    booking, side = find_either(by=by, code=code)
    _check_statement(statement)
    with lesson_transaction(booking, now) as at:
        lesson = find_on_side(by=by, code=code, side=side)
        report = _to_answer(lesson, side, at)
        _answer(lesson, report, by, statement, pictures, at, is_unsafe=is_unsafe)


def accept_report(*, by: User, code: str, now: datetime | None = None) -> Booking:
    """Agree with the report of a missed lesson: it ends as reported. Spec: T14.

    Raises ``LessonChangedError`` when there is nothing to answer, ``ConflictError`` for a kind
    that only staff can decide.
    """
    booking, side = find_either(by=by, code=code)
    with lesson_transaction(booking, now) as at:
        lesson = find_on_side(by=by, code=code, side=side)
        report = _to_answer(lesson, side, at)
        status = _ACCEPTED.get(K(report.kind))
        if status is None:
            raise ConflictError("Tell us your side; we decide this one.", code="staff_decides")
        _conclude(lesson, report, status, at)
    return find_on_side(by=by, code=code, side=side)


def decide_report(
    *, by: User, code: str, status: Status, reason: str, now: datetime | None = None
) -> Booking:
    """Decide a lesson under review as staff: it happened, or one side did not come.

    Cancelling it with a refund of one's own choice is ``cancel_as_staff``. Raises
    ``ForbiddenError`` without ``bookings.manage_all`` and for one's own lesson,
    ``LessonChangedError`` when it is not under review. Spec: T14, S5.9, S5.10
    """
    found = find_for_staff(by=by, code=code)
    with lesson_transaction(found, now) as at:
        lesson = Booking.objects.with_people().get(pk=found.pk)
        report = LessonReport.objects.filter(booking=lesson).first()
        due = _conclude(lesson, report, status, at)
        if due is not None:
            check_refund_limit(by, lesson, due)
        record_event(
            "booking.decided",
            by=by,
            on=lesson,
            subject=lesson.student,
            before={"status": Status.REPORTED.value},
            after={"status": status.value, "card_cents": due.card_refund_cents if due else 0},
            reason=reason,
        )
    return Booking.objects.with_people().get(pk=found.pk)


def accept_silent_reports(now: datetime | None = None) -> int:
    """Close reports of missed lessons that nobody answered in time; return how many. Spec: T14."""
    instant, count = now or clock.now(), 0
    silent = LessonReport.objects.filter(
        outcome="", answer="", answer_by_at__lte=instant, kind__in=list(_ACCEPTED)
    )
    for report in silent.order_by("pk").select_related("booking")[:BATCH_SIZE]:
        with left_for_later("silent_report_not_accepted", report.booking):
            count += _accept_silent(report, silent, now)
    return count


def _accept_silent(
    report: LessonReport, silent: QuerySet[LessonReport], now: datetime | None
) -> bool:
    with lesson_transaction(report.booking, now) as decided_at:
        fresh = silent.filter(pk=report.pk).first()
        if fresh is None:
            return False
        lesson = Booking.objects.with_people().get(pk=report.booking_id)
        _conclude(lesson, fresh, _ACCEPTED[K(fresh.kind)], decided_at)
        return True


def _check_statement(statement: str) -> None:
    if not STATEMENT_MIN <= len(statement.strip()) <= STATEMENT_MAX:
        text = f"Tell us in {STATEMENT_MIN} to {STATEMENT_MAX} characters what happened."
        raise ValidationFailedError(text, fields={"statement": text})


def _other(lesson: Booking, side: str) -> User:
    student = lesson.student
    assert student is not None  # noqa: S101 - a confirmed lesson has its student
    return lesson.instructor.user if side == Side.STUDENT else student


def _to_answer(lesson: Booking, side: str, now: datetime) -> LessonReport:
    report = LessonReport.objects.filter(booking=lesson, outcome="", answer="").first()
    if report is None or report.opened_by == side or lesson.status != Status.REPORTED:
        raise lesson_changed(lesson, "T14", "There is no report to answer any more.")
    if now > report.answer_by_at:
        raise lesson_changed(lesson, "T14", "The time to answer this report has passed.")
    return report


def _answer(
    lesson: Booking,
    report: LessonReport,
    by: User,
    statement: str,
    pictures: Sequence[UploadedPicture],
    now: datetime,
    *,
    is_unsafe: bool,
) -> LessonReport:
    if report.answer:
        raise lesson_changed(lesson, "T14", "This report was answered already.")
    report.answer, report.answered_at = statement.strip(), now
    report.is_unsafe |= is_unsafe
    report.save(update_fields=["answer", "answered_at", "is_unsafe"])
    side = Side.INSTRUCTOR if report.opened_by == Side.STUDENT else Side.STUDENT
    if is_unsafe:
        block_person(by=by, person=_other(lesson, side))
    evidence.append(report, by=by, side=side, pictures=pictures, now=now)
    mails.queue_report(lesson, report, "answered")
    return report


def _conclude(
    lesson: Booking, report: LessonReport | None, status: Status, now: datetime
) -> Outcome | None:
    """Bring a lesson under review to its end, with money and strike, inside the lock."""
    values = {"completed_at": now} if status is Status.COMPLETED else {}
    swap(lesson, "T14", status, **values)
    due = None
    if status in _MONEY:
        facts = money_facts(lesson, kind=_MONEY[status])
        due = outcome(facts, Actor.STAFF, now, PolicyNumbers.of(lesson.policy))
        due = settle(lesson, due, key=f"report:{lesson.pk}", now=now)
        if due.is_strike:
            add_strike(lesson, Strike.Reason.NO_SHOW, now)
    if report is not None:
        report.outcome, report.decided_at = status, now
        report.save(update_fields=["outcome", "decided_at"])
        lesson.refresh_from_db()
        mails.queue_report(lesson, report, "decided", due=due)
    return due

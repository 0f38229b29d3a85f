"""Mails and texts about lessons: rows in the booking's own transaction (Spec: S13.4-S13.7)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse

from accounts.models import NotificationChoice, User
from accounts.profile import mail_off_url, wants_mail
from accounts.zones import named_zone
from bookings.lessons.calendar_files import (
    CalendarLesson,
    google_link,
    lesson_event,
    mail_type,
    outlook_link,
)
from bookings.lessons.models import (
    Booking,
    BookingRevision,
    EmergencyRequest,
    LateNotice,
    LessonReport,
    Proposal,
    WeatherQuestion,
)
from bookings.lessons.places import place_for_instructor, place_for_student
from bookings.lessons.policies import Outcome, PolicyNumbers, cancel_deadlines
from bookings.lessons.states import CANCELLED
from bookings.notifications.notices import leave_notice
from bookings.notifications.services import Attachment, queue_mail
from bookings.notifications.texts import queue_text
from bookings.payments.models import PaymentAttempt
from instainstru import clock
from instainstru.clock import NEW_YORK

SIDES = ("student", "instructor")
TextKind = NotificationChoice.TextKind
# A day before nobody needs to be texted, too.
TEXTED_REMINDERS = {"2h": TextKind.REMINDER}


def _other_side(side: str) -> str:
    return "instructor" if side == "student" else "student"


def viewer_zone(user: User, booking: Booking) -> ZoneInfo:
    """Return the zone in which a person reads this lesson: in-person lessons are in New York's."""
    if booking.modality != "online":
        return ZoneInfo(booking.zone)
    return named_zone(user.zone) or NEW_YORK


def calendar_lesson(booking: Booking, *, for_student: bool) -> CalendarLesson:
    """Return the lesson as one side may see it in a calendar. Spec: S11.7, D17."""
    other = booking.instructor.display_name if for_student else booking.student_name
    return CalendarLesson(
        uid=booking.ics_uid,
        sequence=booking.ics_sequence,
        start_at=booking.start_at,
        end_at=booking.end_at,
        summary=f"{booking.service_name} with {other}",
        location=place_for_student(booking) if for_student else place_for_instructor(booking),
        description=f"Lesson {booking.code}",
        url=settings.SITE_URL + _path_for(booking, "student" if for_student else "instructor"),
        is_cancelled=booking.status in CANCELLED,
    )


def calendar_links(booking: Booking) -> list[tuple[str, str]]:
    """Return name and address of the web calendars that can take the lesson. Spec: S11.7."""
    lesson = calendar_lesson(booking, for_student=True)
    return [("Google Calendar", google_link(lesson)), ("Outlook", outlook_link(lesson))]


def _file_name(number: int, count: int) -> str:
    return "lesson.ics" if count == 1 else f"lesson-{number}.ics"


def _attachment(booking: Booking, person: User, name: str, *, for_student: bool) -> Attachment:
    lesson = calendar_lesson(booking, for_student=for_student)
    content = lesson_event(lesson, now=clock.now(), attendee_email=person.email)
    return Attachment(name, mail_type(lesson), content)


def _path_for(booking: Booking, side: str) -> str:
    page = "lessons:detail" if side == "student" else "lessons:taught"
    return reverse(page, args=[booking.code])


def _queue(
    booking: Booking, kind: str, subject: str, extra: dict[str, object], *, actor: str
) -> None:
    """Write one mail for each side with the calendar file; the key makes a repeat harmless.

    ``actor`` is the side that has just done it: a text would tell them nothing.
    """
    for side in SIDES:
        _queue_one(
            booking,
            side,
            kind,
            subject,
            extra,
            version=booking.ics_sequence,
            events=[booking],
            text=None if side == actor else TextKind.CHANGE,
        )


def _queue_one(
    booking: Booking,
    side: str,
    kind: str,
    subject: str,
    extra: dict[str, object],
    *,
    version: int | str,
    events: Sequence[Booking] = (),
    key: str = "",
    choice: str = "",
    text: TextKind | None = None,
) -> None:
    """Write one notice, mail and text to one side, once per kind, lesson and version (S13.5).

    ``choice`` names the kind of mail that people can switch off, ``text`` the kind of text; who
    switched off the mail and not the text gets the text alone. ``events`` are the lessons whose
    calendar files travel along.
    """
    for_student = side == "student"
    person = dict(people_of(booking))[side]
    off_url = mail_off_url(person, choice) if choice else ""
    key = key or f"{kind}:{booking.pk}:{version}:{side}"
    context = {
        "booking": booking,
        "person": person,
        "side": side,
        "zone": viewer_zone(person, booking),
        "url": settings.SITE_URL + _path_for(booking, side),
        "place": place_for_student(booking) if for_student else place_for_instructor(booking),
        "other": booking.instructor.display_name if for_student else booking.student_name,
        "off_url": off_url,
        **extra,
    }
    leave_notice(key=key, user=person, title=subject, path=_path_for(booking, side))
    if text is not None:
        queue_text(key=key, user=person, choice=text, template=f"lesson_{kind}", context=context)
    if text is not None and choice and not wants_mail(person, choice):
        return
    queue_mail(
        key=key,
        to=person.email,
        subject=subject,
        template=f"lesson_{kind}",
        context=context,
        unsubscribe_url=off_url,
        attachments=[
            _attachment(lesson, person, _file_name(number, len(events)), for_student=for_student)
            for number, lesson in enumerate(events, start=1)
        ],
    )


def people_of(booking: Booking) -> list[tuple[str, User]]:
    """Return both sides of a confirmed lesson, the student first."""
    student = booking.student
    assert student is not None  # noqa: S101 - a confirmed booking has a student by constraint
    return [("student", student), ("instructor", booking.instructor.user)]


def key_of(kind: str, booking: Booking, side: str) -> str:
    """Return the key of a mail about the times that a lesson has now: a move makes new ones."""
    return f"{kind}:{booking.pk}:{booking.revision}:{side}"


def queue_reminder(booking: Booking, side: str, name: str) -> None:
    """Remind one side of a lesson, once for its present times. Spec: S13.5"""
    _queue_one(
        booking,
        side,
        "reminder",
        f"Soon: {booking.service_name} ({booking.code})",
        {"hours": name},
        version=booking.revision,
        key=key_of(f"reminder_{name}", booking, side),
        choice="reminder",
        text=TEXTED_REMINDERS.get(name),
    )


def queue_how_was_it(booking: Booking) -> None:
    """Ask the student how the lesson went. Spec: T11, S13.5"""
    _queue_one(
        booking,
        "student",
        "how_was_it",
        f"How did it go? {booking.service_name} ({booking.code})",
        {},
        version=booking.revision,
        key=key_of("how_was_it", booking, "student"),
        choice="review",
    )


def queue_mark(booking: Booking) -> None:
    """Ask the instructor of a lesson that is over whether the student came. Spec: T11"""
    _queue_one(
        booking,
        "instructor",
        "how_was_it",
        f"Did your student come? {booking.service_name} ({booking.code})",
        {"report_until": booking.end_at + timedelta(hours=booking.policy.report_window_hours)},
        version=booking.revision,
        key=key_of("mark", booking, "instructor"),
        choice="review",
    )


def queue_review_due(booking: Booking, name: str) -> None:
    """Remind the student that a review of the lesson is due. Spec: S13.5"""
    _queue_one(
        booking,
        "student",
        "review_due",
        f"How was {booking.service_name} with {booking.instructor.display_name}?",
        {
            "url": settings.SITE_URL + reverse("reviews:write", args=[booking.code]),
            "review_until": booking.review_until,  # type: ignore[attr-defined]
        },
        version=booking.revision,
        key=key_of(f"review_due_{name}", booking, "student"),
        choice="review",
    )


def queue_late(booking: Booking, notice: LateNotice) -> None:
    """Tell the other side that one runs late. Spec: S11.9"""
    side = "instructor" if notice.side == "student" else "student"
    who = "Your student" if side == "instructor" else "Your instructor"
    _queue_one(
        booking,
        side,
        "late",
        f"{who} is running {notice.minutes} minutes late ({booking.code})",
        {"notice": notice},
        version=notice.pk,
        text=TextKind.LATE,
    )


def queue_weather(booking: Booking, question: WeatherQuestion) -> None:
    """Ask the other side to cancel for the weather, or tell who asked that they would not. C8"""
    asked_by_student = question.asked_by == "student"
    side = "student" if asked_by_student == bool(question.answer) else "instructor"
    subject = "The lesson stays" if question.answer else "Cancel for the weather?"
    _queue_one(
        booking,
        side,
        "weather",
        f"{subject} {booking.service_name} ({booking.code})",
        {"question": question, "url": settings.SITE_URL + _weather_path(booking, side)},
        version=f"{question.pk}:{question.answer or 'asked'}",
    )


def _weather_path(booking: Booking, side: str) -> str:
    name = "lessons:weather" if side == "student" else "lessons:weather-teaching"
    return reverse(name, args=[booking.code])


def queue_tip(booking: Booking, tip: PaymentAttempt) -> None:
    """Tell both sides of a tip, once. Spec: S11.10"""
    for side in SIDES:
        subject = "Thank you for your tip" if side == "student" else "You got a tip"
        _queue_one(
            booking,
            side,
            "tip",
            f"{subject} ({booking.code})",
            {"tip": tip},
            version=tip.pk,
        )


def queue_confirmation(lessons: Sequence[Booking], now: datetime) -> None:
    """Tell both sides what is booked: one mail, also for the lessons of a weekly series.

    Every lesson comes with a calendar file of its own, because each may move or go by itself.
    Spec: S13.4, R19
    """
    booking = min(lessons, key=lambda lesson: lesson.start_at)
    deadlines = cancel_deadlines(booking.start_at, PolicyNumbers.of(booking.policy), now)
    subject = f"Booked: {booking.service_name} ({booking.code})"
    if len(lessons) > 1:
        subject = f"Booked: {len(lessons)} lessons, {booking.service_name}"
    for side in SIDES:
        _queue_one(
            booking,
            side,
            "confirmed",
            subject,
            {"deadlines": deadlines, "lessons": lessons if len(lessons) > 1 else []},
            version=booking.ics_sequence,
            events=lessons,
        )


def queue_cancellation(booking: Booking, due: Outcome) -> None:
    """Tell both sides that the lesson is cancelled, and the student what comes back."""
    subject = f"Canceled: {booking.service_name} ({booking.code})"
    actor = booking.status.removeprefix("cancelled_")
    _queue(booking, "cancelled", subject, {"due": due}, actor=actor)


def queue_move(booking: Booking, before: BookingRevision) -> None:
    """Tell both sides the old and the new time; calendars move the entry. Spec: T5, T7.

    A proposal was made by one side and has just been accepted by the other.
    """
    subject = f"Moved: {booking.service_name} ({booking.code})"
    actor = "student" if before.is_student_move else _other_side(before.moved_by)
    _queue(booking, "moved", subject, {"before": before}, actor=actor)


def queue_proposal(booking: Booking, proposal: Proposal, what: str) -> None:
    """Tell the side that must know about a proposed time: opened, declined or lapsed. Spec: T6, T7.

    Opened goes to the one who answers, declined to the one who asked, lapsed to both.
    """
    other = "student" if proposal.is_of_instructor else "instructor"
    sides = {"opened": [other], "declined": [proposal.opened_by], "lapsed": list(SIDES)}[what]
    subject = {
        "opened": "A new time is proposed",
        "declined": "The new time was declined",
        "lapsed": "The new time was not answered",
    }[what]
    for side in sides:
        extra = {"proposal": proposal, "what": what, "is_asker": side == proposal.opened_by}
        _queue_one(
            booking,
            side,
            "proposal",
            f"{subject}: {booking.service_name} ({booking.code})",
            extra,
            version=f"{proposal.pk}:{what}",
            text=TextKind.CHANGE if what == "opened" else None,
        )


def queue_report(
    booking: Booking, report: LessonReport, what: str, *, due: Outcome | None = None
) -> None:
    """Tell both sides about a report: opened, answered or decided. Spec: T13, T14, S13.5

    ``due`` is the money that a decision moves.
    """
    for side in SIDES:
        is_reporter = side == report.opened_by
        subject = {
            "opened": "We got your report" if is_reporter else "A problem was reported",
            "answered": "Your report was answered" if is_reporter else "We got your answer",
            "decided": "The report is decided",
        }[what]
        _queue_one(
            booking,
            side,
            "report",
            f"{subject}: {booking.service_name} ({booking.code})",
            {"report": report, "what": what, "is_reporter": is_reporter, "due": due},
            version=f"{report.pk}:{what}",
        )


def queue_goodwill(booking: Booking, due: Outcome, what: str) -> None:
    """Tell the student what comes back: waived, for an emergency (C8), or by our promise (C9)."""
    subject = "Our good-fit promise" if what == "good_fit" else "Your money comes back"
    subjects = {"student": subject}
    if what == "emergency":  # the instructor loses what they had for it
        subjects["instructor"] = "We excused a student"
    for side, words in subjects.items():
        _queue_one(
            booking,
            side,
            "goodwill",
            f"{words}: {booking.service_name} ({booking.code})",
            {"due": due, "what": what},
            version=what,
        )


def queue_not_excused(booking: Booking, asked: EmergencyRequest) -> None:
    """Tell the student that an emergency was not excused, and why. Spec: C8"""
    subject = f"About your emergency: {booking.service_name} ({booking.code})"
    _queue_one(booking, "student", "not_excused", subject, {"asked": asked}, version=1)


def queue_refund_after_lost_time(
    booking: Booking, *, amount_cents: int, nearest: Sequence[datetime]
) -> None:
    """Apologise to the student whose payment came after the time was gone. Spec: S14.3."""
    student = booking.student
    assert student is not None  # noqa: S101 - paying needs an account
    queue_mail(
        key=f"lost_time:{booking.pk}:student",
        to=student.email,
        subject="We refunded your payment",
        template="lesson_lost_time",
        context={
            "booking": booking,
            "person": student,
            "zone": viewer_zone(student, booking),
            "amount_cents": amount_cents,
            "nearest": nearest,
            "url": settings.SITE_URL + reverse("lessons:times", args=[booking.instructor.slug]),
        },
    )

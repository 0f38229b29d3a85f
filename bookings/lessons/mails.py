"""Mails about lessons: rows in the booking's own transaction (Spec: S13.4, S13.5, S13.7)."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse

from accounts.models import User
from accounts.zones import named_zone
from bookings.lessons.calendar_files import (
    CalendarLesson,
    google_link,
    lesson_event,
    outlook_link,
)
from bookings.lessons.models import Booking
from bookings.lessons.places import place_for_instructor, place_for_student
from bookings.lessons.policies import Outcome, PolicyNumbers, cancel_deadlines
from bookings.lessons.states import CANCELLED
from bookings.notifications.services import Attachment, queue_mail
from instainstru import clock
from instainstru.clock import NEW_YORK


def _url(booking: Booking) -> str:
    return f"{settings.SITE_URL}{reverse('lessons:detail', args=[booking.code])}"


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
        url=_url(booking),
        is_cancelled=booking.status in CANCELLED,
    )


def calendar_links(booking: Booking) -> list[tuple[str, str]]:
    """Return name and address of the web calendars that can take the lesson. Spec: S11.7."""
    lesson = calendar_lesson(booking, for_student=True)
    return [("Google Calendar", google_link(lesson)), ("Outlook", outlook_link(lesson))]


def _attachment(booking: Booking, person: User, *, for_student: bool) -> Attachment:
    lesson = calendar_lesson(booking, for_student=for_student)
    content = lesson_event(lesson, now=clock.now(), attendee_email=person.email)
    return Attachment("lesson.ics", "text/calendar", content)


def _queue(booking: Booking, kind: str, subject: str, extra: dict[str, object]) -> None:
    """Write one mail for each side; the key makes a repeat harmless."""
    student = booking.student
    assert student is not None  # noqa: S101 - a confirmed booking has a student by constraint
    for side, person in (("student", student), ("instructor", booking.instructor.user)):
        for_student = side == "student"
        zone = viewer_zone(person, booking)
        queue_mail(
            key=f"{kind}:{booking.pk}:{booking.ics_sequence}:{side}",
            to=person.email,
            subject=subject,
            template=f"lesson_{kind}",
            context={
                "booking": booking,
                "person": person,
                "side": side,
                "zone": zone,
                "url": _url(booking),
                "place": place_for_student(booking)
                if for_student
                else place_for_instructor(booking),
                "other": booking.instructor.display_name if for_student else booking.student_name,
                **extra,
            },
            attachments=[_attachment(booking, person, for_student=for_student)],
        )


def queue_confirmation(booking: Booking, now: datetime) -> None:
    """Tell both sides that the lesson is booked."""
    deadlines = cancel_deadlines(booking.start_at, PolicyNumbers.of(booking.policy), now)
    subject = f"Booked: {booking.service_name} ({booking.code})"
    _queue(booking, "confirmed", subject, {"deadlines": deadlines})


def queue_cancellation(booking: Booking, due: Outcome) -> None:
    """Tell both sides that the lesson is cancelled, and the student what comes back."""
    subject = f"Canceled: {booking.service_name} ({booking.code})"
    _queue(booking, "cancelled", subject, {"due": due})


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

"""Telling family about a lesson: a message that the student sends themselves (Spec: S13.3)."""

from collections.abc import Sequence
from urllib.parse import quote

from django.template.loader import render_to_string

from bookings.lessons.models import Booking
from bookings.lessons.places import place_for_student
from instainstru.templatetags.ui import when_text


def share_address(lessons: Sequence[Booking]) -> str:
    """Return the ``mailto:`` address of a message that says who, when and where.

    ``lessons`` are one lesson, or those that were booked together, in their order. It names nobody
    as its recipient and says nothing of money or codes.
    """
    first = lessons[0]
    subject = f"{first.service_name} with {first.instructor.display_name}"
    if len(lessons) == 1:
        subject += f", {when_text(first.start_at, first.zone)}"
    context = {"booking": first, "lessons": lessons, "place": place_for_student(first)}
    text = render_to_string("lessons/share.txt", context).strip()
    return f"mailto:?subject={quote(subject)}&body={quote(text)}"

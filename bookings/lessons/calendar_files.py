"""Lessons as calendar files that every calendar program updates in place (Spec: D17, S11.7).

The UID of a lesson never changes and its SEQUENCE only grows, so a moved or cancelled lesson
replaces the earlier entry. Times are written in UTC: no program has to agree with us on a zone.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import urlencode
from uuid import UUID

from icalendar import Calendar, Event, vCalAddress, vText

UID_HOST = "instainstru.com"
ORGANIZER_EMAIL = f"lessons@{UID_HOST}"
_PRODUCT = "-//InstaInstru//Lessons//EN"
_EVENT_UID = re.compile(rf"booking-[0-9a-f-]{{36}}@{re.escape(UID_HOST)}")
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Method(StrEnum):
    """What a mailed calendar file asks of the calendar."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"
    PUBLISH = "PUBLISH"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarLesson:
    """One lesson as its reader may see it; instants aware, texts plain."""

    uid: UUID
    sequence: int
    start_at: datetime
    end_at: datetime
    summary: str
    description: str = ""
    location: str = ""
    url: str = ""
    is_cancelled: bool = False


def event_uid(uid: UUID) -> str:
    """Return the identifier of a booking in calendars, for life (Spec: S11.7)."""
    return f"booking-{uid}@{UID_HOST}"


def is_event_uid(text: str) -> bool:
    """Tell whether a calendar's identifier is that of one of our bookings."""
    return _EVENT_UID.fullmatch(text) is not None


def mail_type(lesson: CalendarLesson) -> str:
    """Return the content type of a lesson's file in a mail.

    Mail programs look for the method here before they change a calendar. Spec: D17
    """
    method = Method.CANCEL if lesson.is_cancelled else Method.REQUEST
    return f"text/calendar; charset=utf-8; method={method}"


def lesson_event(
    lesson: CalendarLesson, *, now: datetime, attendee_email: str | None = None
) -> bytes:
    """Return the file for one lesson: a CANCEL when it is cancelled, else a REQUEST.

    ``attendee_email`` is the reader's own address, never a third person's. Without it the file is
    a download that invites nobody (PUBLISH). Raises ``ValueError`` when the address holds a line
    break (Spec: D17, S13.7).
    """
    method = Method.REQUEST if attendee_email is not None else Method.PUBLISH
    calendar = _calendar(Method.CANCEL if lesson.is_cancelled else method)
    event = _event(lesson, now)
    event.add("organizer", _address(ORGANIZER_EMAIL, name="InstaInstru"))
    if attendee_email is not None:
        event.add("attendee", _address(attendee_email))
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def lesson_feed(lessons: Iterable[CalendarLesson], *, now: datetime, name: str) -> bytes:
    """Return all the lessons as one published calendar called ``name`` (Spec: S11.7)."""
    calendar = _calendar(Method.PUBLISH)
    calendar.add("x-wr-calname", vText(_plain(name)))
    for lesson in lessons:
        calendar.add_component(_event(lesson, now))
    return bytes(calendar.to_ical())


def google_link(lesson: CalendarLesson) -> str:
    """Return the address that offers the lesson to Google Calendar (Spec: S11.7)."""
    stamps = (f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}" for at in (lesson.start_at, lesson.end_at))
    query = {
        "action": "TEMPLATE",
        "text": lesson.summary,
        "dates": "/".join(stamps),
        "details": lesson.description,
        "location": lesson.location,
    }
    return f"https://calendar.google.com/calendar/render?{urlencode(query)}"


def outlook_link(lesson: CalendarLesson) -> str:
    """Return the address that offers the lesson to Outlook on the web (Spec: S11.7)."""
    query = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": lesson.summary,
        "startdt": f"{lesson.start_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "enddt": f"{lesson.end_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "body": lesson.description,
        "location": lesson.location,
    }
    return f"https://outlook.live.com/calendar/0/deeplink/compose?{urlencode(query)}"


def _calendar(method: Method) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method.value)
    return calendar


def _event(lesson: CalendarLesson, now: datetime) -> Event:
    event = Event()
    event.add("uid", event_uid(lesson.uid))
    event.add("sequence", lesson.sequence)
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", lesson.start_at.astimezone(UTC))
    event.add("dtend", lesson.end_at.astimezone(UTC))
    event.add("status", "CANCELLED" if lesson.is_cancelled else "CONFIRMED")
    event.add("summary", _plain(lesson.summary))
    for field in ("description", "location", "url"):
        text = _plain(getattr(lesson, field))
        if text:
            event.add(field, text)
    return event


def _address(email: str, *, name: str = "") -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    if name:
        address.params["CN"] = name
    return address


def _plain(text: str) -> str:
    """Keep line breaks as LF and drop the control characters that a file may not hold."""
    return _CONTROL_CHARACTERS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))

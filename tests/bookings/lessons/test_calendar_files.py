"""Calendar files that real programs accept and update (Spec: D17, S11.7)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from icalendar import Calendar

from bookings.lessons.calendar_files import (
    CalendarLesson,
    google_link,
    lesson_event,
    lesson_feed,
    mail_type,
    outlook_link,
)
from tests.bookings.lessons.builders import NY, local

NOW = datetime(2026, 10, 1, 12, 30, 5, tzinfo=UTC)
LESSON = CalendarLesson(
    uid=UUID("8f14e45f-ceea-467f-a1f5-3c1d8a6b2c10"),
    sequence=0,
    start_at=local("2026-11-01 01:30"),
    end_at=local("2026-11-01 01:30") + timedelta(minutes=60),
    summary="Piano with Ana",
    description="Bring: a book, a pen; and C:\\notes\nSee you",
    location="Park Slope, Brooklyn",
    url="https://instainstru.com/lessons/II-7K2M9Q/",
)


def lines(data: bytes) -> list[str]:
    """Content lines, unfolded."""
    return data.decode().replace("\r\n ", "").split("\r\n")


def test_d17_request_has_identity_time_and_state() -> None:
    """D17: UTC times, DTSTAMP now, stable UID, 60 real minutes over the change (D5)."""
    found = lines(lesson_event(LESSON, now=NOW, attendee_email="student@instainstru.test"))
    for line in (
        "METHOD:REQUEST",
        "UID:booking-8f14e45f-ceea-467f-a1f5-3c1d8a6b2c10@instainstru.com",
        "SEQUENCE:0",
        "DTSTAMP:20261001T123005Z",
        "DTSTART:20261101T053000Z",
        "DTEND:20261101T063000Z",
        "STATUS:CONFIRMED",
        "SUMMARY:Piano with Ana",
        "ATTENDEE:mailto:student@instainstru.test",
    ):
        assert line in found


def test_d17_cancellation_replaces_the_same_entry() -> None:
    """S11.7: METHOD:CANCEL, STATUS:CANCELLED, SEQUENCE + 1, the same UID."""
    cancelled = replace(LESSON, is_cancelled=True, sequence=3)
    for attendee in (None, "student@instainstru.test"):
        found = lines(lesson_event(cancelled, now=NOW, attendee_email=attendee))
        assert {"METHOD:CANCEL", "STATUS:CANCELLED", "SEQUENCE:3"} <= set(found)
        assert "UID:booking-8f14e45f-ceea-467f-a1f5-3c1d8a6b2c10@instainstru.com" in found


def test_download_invites_nobody() -> None:
    """S13.7."""
    found = lines(lesson_event(LESSON, now=NOW))
    assert "METHOD:PUBLISH" in found
    assert not [line for line in found if line.startswith("ATTENDEE")]


def test_d17_texts_are_escaped() -> None:
    """D17: comma, semicolon, backslash and newline."""
    found = lines(lesson_event(LESSON, now=NOW))
    assert r"DESCRIPTION:Bring: a book\, a pen\; and C:\\notes\nSee you" in found
    assert r"LOCATION:Park Slope\, Brooklyn" in found


def test_d17_lines_are_folded_at_75_octets() -> None:
    """D17: octets, not characters, and never inside a character."""
    long = replace(LESSON, summary="é" * 200 + "漢" * 100, description="x" * 500)
    data = lesson_event(long, now=NOW)
    assert data.endswith(b"END:VCALENDAR\r\n")
    for line in data.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()
    [event] = Calendar.from_ical(data).walk("VEVENT")
    assert event["summary"] == long.summary
    assert event["description"] == long.description


@pytest.mark.parametrize("breaks", ["\n", "\r\n", "\r"])
def test_text_cannot_add_a_line_of_its_own(breaks: str) -> None:
    """S17.3: a name is a name, whatever it holds."""
    evil = replace(LESSON, summary=f"Ana{breaks}ATTENDEE:mailto:x@y.z\x00\x07")
    found = lines(lesson_event(evil, now=NOW))
    assert not [line for line in found if line.startswith("ATTENDEE")]
    assert r"SUMMARY:Ana\nATTENDEE:mailto:x@y.z" in found


def test_address_with_a_line_break_is_refused() -> None:
    with pytest.raises(ValueError, match="CR or LF"):
        lesson_event(LESSON, now=NOW, attendee_email="a@b.c\r\nX-EVIL:1")


def test_times_of_any_zone_are_written_in_utc() -> None:
    """D17."""
    there = replace(
        LESSON, start_at=LESSON.start_at.astimezone(NY), end_at=LESSON.end_at.astimezone(NY)
    )
    assert lesson_event(there, now=NOW.astimezone(NY)) == lesson_event(LESSON, now=NOW)


def test_feed_keeps_cancelled_lessons() -> None:
    """D17: STATUS:CANCELLED stays in the feed."""
    other = replace(
        LESSON, uid=UUID("0e65972d-ce68-4ad4-952a-3c1d8a6b2c11"), is_cancelled=True, sequence=1
    )
    data = lesson_feed([LESSON, other], now=NOW, name="My lessons,\nall")
    assert "METHOD:PUBLISH" in lines(data)
    events = Calendar.from_ical(data).walk("VEVENT")
    assert [event["status"] for event in events] == ["CONFIRMED", "CANCELLED"]
    assert r"X-WR-CALNAME:My lessons\,\nall" in lines(data)


def test_links_carry_the_lesson_in_utc() -> None:
    """S11.7."""
    google = parse_qs(urlsplit(google_link(LESSON)).query)
    assert google["dates"] == ["20261101T053000Z/20261101T063000Z"]
    assert google["text"] == ["Piano with Ana"]
    outlook = parse_qs(urlsplit(outlook_link(LESSON)).query)
    assert outlook["startdt"] == ["2026-11-01T05:30:00Z"]
    assert outlook["subject"] == ["Piano with Ana"]


def test_mail_part_names_the_method_of_its_file() -> None:
    """D17: without it a mail program shows a file and changes no calendar."""
    for lesson, method in ((LESSON, "REQUEST"), (replace(LESSON, is_cancelled=True), "CANCEL")):
        assert mail_type(lesson) == f"text/calendar; charset=utf-8; method={method}"
        assert f"METHOD:{method}" in lines(lesson_event(lesson, now=NOW, attendee_email="a@b.c"))

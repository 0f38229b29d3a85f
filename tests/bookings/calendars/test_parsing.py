"""From calendar files to busy times: what repeats, what moved, what is free, what is hostile.

Spec: S15.9, S17.3, 05 section 5
"""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookings.calendars import events
from bookings.calendars.parsing import MOST_EVENTS, CalendarUnreadableError, parse_busy
from bookings.calendars.zones import defined_zone
from bookings.lessons.calendar_files import event_uid, is_event_uid
from tests.bookings.calendars.stage import calendar

pytestmark = pytest.mark.S15
NEW_YORK = ZoneInfo("America/New_York")
MARCH = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
NINE_TO_TEN = (
    "DTSTART;TZID=America/New_York:20260302T090000\nDTEND;TZID=America/New_York:20260302T100000"
)
AFTERNOON = "DTSTART:20260303T200000Z\nDTEND:20260303T210000Z"
OWN_ZONE = """
BEGIN:VTIMEZONE
TZID:Our Office
BEGIN:STANDARD
DTSTART:20001029T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:20000326T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
"""


def read(data: bytes, **changes: Any) -> Any:
    asked: dict[str, Any] = {"zone": NEW_YORK, "since": MARCH[0], "until": MARCH[1]}
    return parse_busy(data, **asked | changes)


def busy(*lines: str, **file: str) -> list[str]:
    """Return the busy times of March 2026 as ``03-02 14:00-15:00`` in UTC."""
    found = read(calendar(*lines, **file)).intervals
    return [f"{one.start:%m-%d %H:%M}-{_end(one)}" for one in found]


def _end(one: Any) -> str:
    return f"{one.end:%H:%M}" if one.end.date() == one.start.date() else f"{one.end:%m-%d %H:%M}"


def refused(data: bytes, **changes: Any) -> str:
    with pytest.raises(CalendarUnreadableError) as error:
        read(data, **changes)
    return error.value.code


def test_events_in_zones_and_in_utc() -> None:
    assert busy(NINE_TO_TEN, AFTERNOON) == ["03-02 14:00-15:00", "03-03 20:00-21:00"]


def test_duration_stands_for_the_end() -> None:
    assert busy("DTSTART:20260303T200000Z\nDURATION:PT90M") == ["03-03 20:00-21:30"]


def test_events_that_touch_or_overlap_are_one_busy_time() -> None:
    later = "DTSTART:20260303T210000Z\nDTEND:20260303T220000Z"
    assert busy(AFTERNOON, later, AFTERNOON) == ["03-03 20:00-22:00"]


def test_weekly_events_keep_their_wall_time_over_the_change_of_clocks() -> None:
    """D1, D2: the clocks go forward on March 8."""
    assert busy(f"{NINE_TO_TEN}\nRRULE:FREQ=WEEKLY;COUNT=3") == [
        "03-02 14:00-15:00",
        "03-09 13:00-14:00",
        "03-16 13:00-14:00",
    ]


def test_a_rule_from_years_ago_goes_on() -> None:
    old = NINE_TO_TEN.replace("20260302", "20110307")
    assert busy(f"{old}\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU")[1:3] == [
        "03-03 14:00-15:00",
        "03-16 13:00-14:00",
    ]


def test_the_end_of_a_rule_is_an_instant_or_a_date() -> None:
    for until in ("20260316T130000Z", "20260316", "20260316T090000"):
        assert len(busy(f"{NINE_TO_TEN}\nRRULE:FREQ=WEEKLY;UNTIL={until}")) == 3, until
    assert len(busy(f"{NINE_TO_TEN}\nRRULE:FREQ=WEEKLY;UNTIL=20260316T125959Z")) == 2


@pytest.mark.parametrize("until", ["20260312", "20260312T000000Z", "20260312T235959Z"])
def test_whole_days_end_on_the_date_that_is_written(until: str) -> None:
    """West of UTC its midnight is on the day before."""
    days = f"DTSTART;VALUE=DATE:20260310\nRRULE:FREQ=DAILY;UNTIL={until}"
    assert busy(days) == ["03-10 04:00-03-13 04:00"]


def test_whole_days_east_of_utc_end_on_the_date_that_is_meant() -> None:
    """Their midnight is on the day before in UTC."""
    days = "DTSTART;VALUE=DATE:20260310\nRRULE:FREQ=DAILY;UNTIL=20260311T230000Z"
    found = read(calendar(days), zone=ZoneInfo("Europe/Berlin")).intervals
    assert [one.end for one in found] == [datetime(2026, 3, 12, 23, tzinfo=UTC)]


def test_left_out_dates_are_free() -> None:
    rule = f"{NINE_TO_TEN}\nRRULE:FREQ=DAILY;COUNT=4"
    one = "EXDATE;TZID=America/New_York:20260303T090000"
    other = "EXDATE:20260304T140000Z"
    day = "EXDATE;VALUE=DATE:20260305"
    assert busy(f"{rule}\n{one}\n{other}\n{day}") == ["03-02 14:00-15:00"]
    assert len(busy(f"{rule}\n{one},20260304T090000")) == 2


def test_added_dates_are_busy() -> None:
    added = "RDATE;TZID=America/New_York:20260310T090000,20260311T090000"
    assert busy(f"{NINE_TO_TEN}\n{added}")[1:] == ["03-10 13:00-14:00", "03-11 13:00-14:00"]


def test_a_moved_occurrence_is_busy_at_its_new_time_only() -> None:
    rule = f"UID:a\n{NINE_TO_TEN}\nRRULE:FREQ=DAILY;COUNT=3"
    moved = f"UID:a\nRECURRENCE-ID;TZID=America/New_York:20260303T090000\n{AFTERNOON}"
    for order in ([rule, moved], [moved, rule]):
        assert busy(*order) == ["03-02 14:00-15:00", "03-03 20:00-21:00", "03-04 14:00-15:00"]


def test_an_occurrence_may_be_replaced_by_the_date_it_was_on() -> None:
    rule = f"UID:a\n{NINE_TO_TEN}\nRRULE:FREQ=DAILY;COUNT=3"
    moved = f"UID:a\nRECURRENCE-ID;VALUE=DATE:20260303\n{AFTERNOON}"
    assert busy(rule, moved) == ["03-02 14:00-15:00", "03-03 20:00-21:00", "03-04 14:00-15:00"]


def test_a_change_of_all_later_occurrences_is_counted_and_takes_none_away() -> None:
    """Common programs write two series instead; who does not is told that something is missing."""
    rule = f"UID:a\n{NINE_TO_TEN}\nRRULE:FREQ=DAILY;COUNT=3"
    later = f"UID:a\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260303T140000Z\n{AFTERNOON}"
    found = read(calendar(rule, later))
    assert (len(found.intervals), found.skipped) == (3, 1)


@pytest.mark.parametrize("free", ["STATUS:CANCELLED", "TRANSP:TRANSPARENT"])
def test_an_occurrence_that_is_cancelled_or_free_leaves_its_time_open(free: str) -> None:
    rule = f"UID:a\n{NINE_TO_TEN}\nRRULE:FREQ=DAILY;COUNT=3"
    gone = f"UID:a\nRECURRENCE-ID:20260303T140000Z\n{free}\n{NINE_TO_TEN}"
    assert busy(rule, gone) == ["03-02 14:00-15:00", "03-04 14:00-15:00"]


@pytest.mark.parametrize(
    "free",
    ["TRANSP:TRANSPARENT", "status:cancelled", "X-MICROSOFT-CDO-BUSYSTATUS:FREE"],
)
def test_free_and_cancelled_events_are_not_busy(free: str) -> None:
    assert busy(f"{NINE_TO_TEN}\n{free}", AFTERNOON) == ["03-03 20:00-21:00"]


def test_tentative_and_opaque_events_are_busy() -> None:
    assert busy(f"{NINE_TO_TEN}\nSTATUS:TENTATIVE\nTRANSP:OPAQUE") == ["03-02 14:00-15:00"]


def test_whole_days_run_from_midnight_to_midnight() -> None:
    """The Sunday on which the clocks go forward has 23 hours."""
    days = "DTSTART;VALUE=DATE:20260307\nDTEND;VALUE=DATE:20260309"
    assert busy(days) == ["03-07 05:00-03-09 04:00"]
    assert busy("DTSTART;VALUE=DATE:20260308") == ["03-08 05:00-03-09 04:00"]
    assert busy("DTSTART;VALUE=DATE:20260308\nDTEND;VALUE=DATE:20260308") == [
        "03-08 05:00-03-09 04:00"
    ]


def test_times_without_a_zone_are_those_of_the_calendar_else_of_the_instructor() -> None:
    floating = "DTSTART:20260302T090000\nDTEND:20260302T100000"
    assert busy(floating) == ["03-02 14:00-15:00"]
    assert busy(floating, zone="Europe/Berlin") == ["03-02 08:00-09:00"]
    assert busy(floating, zone="No/Such") == ["03-02 14:00-15:00"]


def test_times_that_the_clocks_skip_or_repeat() -> None:
    """D7: 02:30 does not exist on March 8; it counts as if nothing had changed."""
    assert busy("DTSTART:20260308T023000\nDURATION:PT1H") == ["03-08 07:30-08:30"]
    fall = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    twice = calendar("DTSTART:20261101T013000\nDTEND:20261101T023000")
    found = read(twice, since=fall[0], until=fall[1]).intervals
    assert [(one.start.hour, one.end.hour) for one in found] == [(5, 7)]


@pytest.mark.parametrize(
    "name",
    [
        "Europe/Berlin",
        "W. Europe Standard Time",
        "/freeassociation.sourceforge.net/Europe/Berlin",
        '"Europe/Berlin"',
    ],
)
def test_zones_go_by_the_names_that_programs_use(name: str) -> None:
    timed = f"DTSTART;TZID={name}:20260302T090000\nDTEND;TZID={name}:20260302T100000"
    assert busy(timed) == ["03-02 08:00-09:00"]


def test_a_file_may_define_a_zone_and_no_other_file_knows_it() -> None:
    timed = "DTSTART;TZID=Our Office:20260302T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=5"
    assert busy(timed, extra=OWN_ZONE)[0] == "03-02 08:00-09:00"
    assert busy(timed, extra=OWN_ZONE)[-1] == "03-30 07:00-08:00"
    assert busy(timed)[0] == "03-02 14:00-15:00"


def test_lessons_of_ours_that_come_back_are_left_out() -> None:
    uid = event_uid("0f8fad5b-d9cb-469f-a165-70867728950e")  # type: ignore[arg-type]
    data = calendar(f"UID:{uid}\n{NINE_TO_TEN}", f"UID:{uid}.evil.example\n{AFTERNOON}")
    found = read(data, is_ours=is_event_uid).intervals
    assert [one.start.day for one in found] == [3]


def test_only_the_dates_that_can_be_booked_count() -> None:
    life = "DTSTART;VALUE=DATE:20200101\nDTEND;VALUE=DATE:20300101"
    assert [(one.start, one.end) for one in read(calendar(life)).intervals] == [MARCH]
    assert busy("DTSTART:20260201T100000Z\nDURATION:PT1H") == []
    assert busy("DTSTART:20260501T100000Z\nDURATION:PT1H") == []


def test_folded_lines_and_alarms_are_understood() -> None:
    alarm = "BEGIN:VALARM\nDTSTART:20260310T200000Z\nDURATION:PT15M\nEND:VALARM"
    folded = NINE_TO_TEN.replace("America/New_York", "America/\n New_York")
    data = calendar("X").replace(b"X", f"{folded}\n{alarm}".encode())
    assert [one.start.day for one in read(data).intervals] == [2]


def test_what_is_not_when_is_not_even_looked_at() -> None:
    """Broken titles, guests and attachments do not matter; only lines that say when are parsed."""
    noise = 'SUMMARY;=:;;\x07 broken\nATTENDEE;CN="unclosed:mailto:a\nATTACH;VALUE=BINARY:////'
    assert read(calendar(f"{NINE_TO_TEN}\n{noise}")).skipped == 0


@pytest.mark.parametrize(
    "broken",
    [
        "SUMMARY:no time",
        "DTSTART:tomorrow",
        "DTSTART:20269999T990000Z\nDURATION:PT1H",
        "DTSTART:20260302T090000Z\nDTEND:never",
        f"{NINE_TO_TEN}\nRRULE:FREQ=SECONDLY",
        f"{NINE_TO_TEN}\nRRULE:FREQ=MINUTELY;COUNT=2",
        f"{NINE_TO_TEN}\nRRULE:FREQ=HOURLY",
        f"{NINE_TO_TEN}\nRRULE:FREQ=DAILY;INTERVAL=0",
        f"{NINE_TO_TEN}\nRRULE:FREQ=DAILY;INTERVAL=-1",
        f"{NINE_TO_TEN}\nRRULE:INTERVAL=1",
        f"{NINE_TO_TEN}\nRRULE:garbage",
        f"{NINE_TO_TEN}\nRRULE:FREQ=DAILY;BYHOUR={','.join(map(str, range(24)))};BYMINUTE=1,2",
        f"{NINE_TO_TEN}\nRDATE:{','.join(['20260310T090000Z'] * 3000)}",
        f"{NINE_TO_TEN}\nEXDATE:nonsense",
        f"{NINE_TO_TEN}\nRRULE:FREQ=YEARLY;BYDAY=53MO,-53TU;BYMONTH=2",
        f"{NINE_TO_TEN}\nRECURRENCE-ID;TZID=Asia/Tokyo:00010101T000000",
    ],
)
def test_an_event_that_makes_no_sense_is_counted_and_the_others_stand(broken: str) -> None:
    found = read(calendar(broken, AFTERNOON))
    assert (found.skipped, [one.start.day for one in found.intervals]) == (1, [3])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"<!doctype html><title>Sign in</title>",
        b"\xff\xfe\x00garbage",
        b"BEGIN:VCALENDAR\r\nX:\0\r\nEND:VCALENDAR",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR",
        b"BEGIN:VCALENDAR\r\nVERSION:2.0",
        b"BEGIN:VCARD\r\nEND:VCARD",
        b"END:VCALENDAR",
        b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\nX:1",
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:X\r\n" * 1000,
        b"BEGIN:VCALENDAR\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\nEND:VCALENDAR",
    ],
)
def test_what_is_no_calendar_is_refused(data: bytes) -> None:
    assert refused(data) == "not_a_calendar"


def test_a_file_that_was_cut_off_is_refused() -> None:
    assert refused(calendar(NINE_TO_TEN)[:-20]) == "not_a_calendar"


def test_too_many_events_are_refused() -> None:
    assert refused(calendar(*[AFTERNOON] * (MOST_EVENTS + 1))) == "too_much"


def test_repetitions_are_counted_over_the_whole_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_STEPS", 1000)
    old = NINE_TO_TEN.replace("20260302", "20250302")
    rule = f"{old}\nRRULE:FREQ=DAILY"
    assert len(busy(rule)) == 31
    assert refused(calendar(rule, rule, rule)) == "too_much"


def test_endless_repetitions_from_long_ago_are_refused() -> None:
    long_ago = "DTSTART:00010101T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY"
    assert refused(calendar(long_ago)) == "too_much"


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTH=4",
        "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
        "FREQ=MONTHLY;BYDAY=9MO",
    ],
)
def test_many_rules_that_never_happen_cost_no_more_than_a_file_may(rule: str) -> None:
    """Each was looked for until the year 9999; a few dozen took longer than a file is given."""
    never = f"{NINE_TO_TEN}\nRRULE:{rule}"
    found = read(calendar(*[never] * 60, AFTERNOON))
    assert (found.skipped, [one.start.day for one in found.intervals]) == (0, [3])


@pytest.mark.parametrize(
    ("begins", "rule", "days"),
    [
        ("20240229", "FREQ=YEARLY", []),
        ("20000331", "FREQ=YEARLY", [31]),
        ("20251231", "FREQ=MONTHLY", [31]),
        ("20251231", "FREQ=MONTHLY;INTERVAL=3", [31]),
        ("20260301", "FREQ=WEEKLY;WKST=MO;BYDAY=SU", [1, 8, 15, 22, 29]),
        ("20260228", "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SA,SU", [8, 14, 22, 28]),
        ("20260330", "FREQ=DAILY", [30, 31]),
        ("20200101", "FREQ=DAILY;BYMONTH=3;BYMONTHDAY=31", [31]),
        ("20160331", "FREQ=YEARLY;INTERVAL=10", [31]),
    ],
)
def test_whatever_its_period_a_rule_goes_on_to_the_last_date(
    begins: str, rule: str, days: list[int]
) -> None:
    found = read(calendar(f"DTSTART:{begins}T200000Z\nDURATION:PT1H\nRRULE:{rule}"))
    assert [one.start.day for one in found.intervals] == days


def test_the_processor_is_given_back_in_time() -> None:
    """The clock is handed in: each look at it costs a second."""
    ticks = iter(range(1000))
    rule = f"{NINE_TO_TEN}\nRRULE:FREQ=DAILY"
    assert refused(calendar(rule), seconds=lambda: float(next(ticks))) == "too_much"


def test_a_zone_whose_rules_never_end_is_not_used() -> None:
    bomb = OWN_ZONE.replace("FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "FREQ=SECONDLY")
    timed = "DTSTART;TZID=Our Office:20260302T090000\nDURATION:PT1H"
    assert busy(timed, extra=bomb) == ["03-02 14:00-15:00"]


_LINES = st.sampled_from(
    [
        "BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VTIMEZONE",
        "END:VTIMEZONE", "TZID:X", "DTSTART:20260302T090000Z", "DTEND;TZID=X:20260302T100000",
        "DURATION:P1D", "DURATION:-P9999999999D", "RRULE:FREQ=DAILY;COUNT=99", "RRULE:;;=",
        "EXDATE:", "RDATE;VALUE=PERIOD:20260302T090000Z/PT1H", "RECURRENCE-ID:20260302", "UID:a",
        "UID", "DTSTART;VALUE=DATE:99991231", "DTEND:00010101T000000Z", "X-WR-TIMEZONE:../..",
        "DTSTART;TZID=\":1", "STATUS:\xff", " folded", "",
    ]
)  # fmt: skip


@given(st.lists(_LINES | st.text(max_size=20), max_size=30), st.booleans())
@settings(max_examples=200, deadline=None)
def test_whatever_a_file_holds_it_is_read_or_refused(lines: list[str], is_wrapped: bool) -> None:
    text = "\r\n".join(lines)
    data = text.encode("utf-8", errors="replace")
    if is_wrapped:
        data = calendar("X").replace(b"X", data)
    try:
        found = read(data).intervals
    except CalendarUnreadableError:
        found = ()
    assert all(MARCH[0] <= one.start < one.end <= MARCH[1] for one in found)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYDAY=6SU",
        "FREQ=YEARLY;BYYEARDAY=400",
        "FREQ=YEARLY;BYWEEKNO=54;BYDAY=MO",
        "FREQ=YEARLY;BYMONTH=2;BYDAY=MO;BYSETPOS=9",
        "FREQ=MONTHLY;BYDAY=-1SU",
        "BYMONTH=3;BYDAY=-1SU",
    ],
)
def test_a_zone_whose_rules_may_never_happen_is_not_worked_out(rule: str) -> None:
    """A rule that never happens is looked for until the year 9999, for each event anew."""
    lines = OWN_ZONE.strip().splitlines()
    assert defined_zone(lines) is not None
    assert defined_zone([f"RRULE:{rule}" if "RRULE" in line else line for line in lines]) is None


@pytest.mark.parametrize(("year", "is_known"), [("1601", True), ("1599", False), ("0001", False)])
def test_a_zone_begins_where_programs_begin_it(year: str, is_known: bool) -> None:
    lines = OWN_ZONE.replace("20001029", f"{year}1029").strip().splitlines()
    assert (defined_zone(lines) is not None) is is_known


def test_reading_events_counts_in_what_a_file_may_cost() -> None:
    """Zones are worked out while events are read, so the clock runs from there."""
    ticks = iter(range(1000))
    data = calendar(*[AFTERNOON] * 40)
    assert refused(data, seconds=lambda: float(next(ticks))) == "too_much"


@pytest.mark.parametrize(
    "times",
    [
        "DTSTART;VALUE=DATE:20200101\nDTEND;VALUE=DATE:45000901",
        "DTSTART;VALUE=DATE:20200101\nDTEND;VALUE=DATE:99991231\nRRULE:FREQ=YEARLY",
        "DTSTART:20100310T000000Z\nDTEND:20400311T000000Z",
        "DTSTART:20200101T000000Z\nDTEND:99991231T235959Z\nRRULE:FREQ=YEARLY",
        "DTSTART:20200101T000000Z\nDURATION:P9000000D",
        "DTSTART:20200101T000000\nDTEND:99991231T235959",
    ],
)
def test_a_whole_life_away_is_busy_all_along(times: str) -> None:
    """An end thousands of years off would lead before the first of all dates, or past the last."""
    found = read(calendar(times))
    assert [(one.start, one.end) for one in found.intervals] == [MARCH]
    assert found.skipped == 0

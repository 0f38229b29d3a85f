"""The evening digest: at 18:00 of the reader's zone, once per date, only if something waits."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import NotificationChoice, User
from bookings.lessons.moves import propose_move
from bookings.lessons.reports import report_lesson
from bookings.notifications import digest
from bookings.notifications.digest import send_digests
from bookings.notifications.models import OutgoingMail
from instainstru import clock
from instainstru.clock import NEW_YORK
from tests.bookings.lessons.lesson_stage import Stage, set_stage
from tests.factories.accounts import student
from tests.factories.lessons import tomorrow_at

pytestmark = [pytest.mark.S13, pytest.mark.django_db]
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
TODAY_AT_18 = datetime.combine(clock.now().astimezone(NEW_YORK).date(), digest.LOCAL_TIME, NEW_YORK)


def subscribe(user: User, zone: str = "") -> User:
    NotificationChoice.objects.create(user=user, kind="digest", is_on=True)
    user.zone = zone
    user.save()
    return user


@pytest.fixture
def stage() -> Stage:
    """Maya has a lesson of which nobody has said how it went."""
    stage = set_stage(start_at=TODAY_AT_18 - 3 * HOUR, confirmed_at=TODAY_AT_18 - 90 * HOUR)
    subscribe(stage.maya)
    return stage


def recipients() -> list[str]:
    return sorted(OutgoingMail.objects.filter(kind="digest").values_list("to", flat=True))


def test_digest_comes_at_18_once_for_a_date(stage: Stage) -> None:
    """S13.5"""
    assert send_digests(TODAY_AT_18 - SECOND) == 0
    assert send_digests(TODAY_AT_18) == 1
    assert send_digests(TODAY_AT_18 + HOUR / 2) == 0
    assert recipients() == [stage.maya.email]
    mail = OutgoingMail.objects.get(kind="digest")
    assert mail.subject == "1 thing waits for you"
    assert f"/lessons/{stage.code}/" in mail.text
    assert "How did it go?" in mail.text
    assert mail.unsubscribe_url
    assert send_digests(TODAY_AT_18 + 24 * HOUR) == 1


def test_a_missed_digest_is_made_up_for_but_not_at_night(stage: Stage) -> None:
    """S4.2"""
    assert send_digests(TODAY_AT_18 + HOUR) == 0
    assert send_digests(TODAY_AT_18 + HOUR - SECOND) == 1


def test_only_who_asked_for_it_gets_it(stage: Stage) -> None:
    NotificationChoice.objects.update(is_on=False)
    assert send_digests(TODAY_AT_18) == 0


def test_nothing_is_written_to_whom_nothing_waits_for(stage: Stage) -> None:
    subscribe(student())
    assert send_digests(TODAY_AT_18) == 1
    assert recipients() == [stage.maya.email]


def test_closed_accounts_get_none(stage: Stage) -> None:
    User.objects.filter(pk=stage.maya.pk).update(is_active=False)
    assert send_digests(TODAY_AT_18) == 0


def test_the_hour_is_that_of_the_reader(stage: Stage) -> None:
    """An account without a zone reads New York's clock, another its own; moving gives no second."""
    User.objects.filter(pk=stage.maya.pk).update(zone="America/Los_Angeles")
    assert send_digests(TODAY_AT_18) == 0
    assert send_digests(TODAY_AT_18 + 3 * HOUR) == 1
    User.objects.filter(pk=stage.maya.pk).update(zone="Pacific/Honolulu")
    assert send_digests(TODAY_AT_18 + 5 * HOUR) == 0


@pytest.mark.parametrize(
    ("date", "instant"),
    [
        ((2027, 3, 13), datetime(2027, 3, 13, 23, tzinfo=UTC)),
        ((2027, 3, 14), datetime(2027, 3, 14, 22, tzinfo=UTC)),
        ((2027, 11, 6), datetime(2027, 11, 6, 22, tzinfo=UTC)),
        ((2027, 11, 7), datetime(2027, 11, 7, 23, tzinfo=UTC)),
    ],
)
def test_18_is_18_on_the_days_of_the_change(date: tuple[int, int, int], instant: datetime) -> None:
    """D14: of all quarters of an hour of the day, those of one hour, and it begins at 18:00."""
    start = datetime(*date, tzinfo=NEW_YORK).astimezone(UTC)
    ticks = [start + timedelta(minutes=15 * number) for number in range(4 * 22)]
    due = [tick for tick in ticks if digest.due_at(NEW_YORK, tick) is not None]
    assert due == [instant + timedelta(minutes=15 * number) for number in range(4)]


def test_both_sides_read_what_waits_for_them(stage: Stage) -> None:
    """S15.9: the instructor answers a report, the student a proposed time."""
    subscribe(stage.andre)
    report_lesson(
        by=stage.maya, code=stage.code, kind="late", statement="Half an hour after the start.",
        now=TODAY_AT_18 - HOUR,
    )  # fmt: skip
    other = set_stage(start_at=tomorrow_at(10, days=6))
    subscribe(other.maya)
    propose_move(by=other.andre, code=other.code, start_at=tomorrow_at(14, days=6), message="")
    assert send_digests(TODAY_AT_18) == 3
    words = dict(OutgoingMail.objects.filter(kind="digest").values_list("to", "text"))
    assert f"/teach/lessons/{stage.code}/" in words[stage.andre.email]
    assert "A report waits for your answer" in words[stage.andre.email]
    assert "Under review" in words[stage.maya.email]
    assert "A new time waits for your answer" in words[other.maya.email]
    assert other.andre.email not in words


def test_one_person_that_fails_stops_no_other_one(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlucky = subscribe(student())

    def fail_for_one(user: User, now: datetime) -> list[digest.Waiting]:
        if user.pk == unlucky.pk:
            raise RuntimeError(user.public_id)
        return []

    monkeypatch.setattr(digest, "_sources", [*digest._sources, fail_for_one])
    assert send_digests(TODAY_AT_18) == 1


def test_long_lists_are_cut(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def much(user: User, now: datetime) -> list[digest.Waiting]:
        return [digest.Waiting(f"Thing {number}", "Read", "/lessons/") for number in range(25)]

    monkeypatch.setattr(digest, "_sources", [much])
    send_digests(TODAY_AT_18)
    mail = OutgoingMail.objects.get(kind="digest")
    assert mail.subject == "25 things wait for you"
    assert "Thing 19" in mail.text
    assert "Thing 20" not in mail.text
    assert "And 5 more" in mail.text

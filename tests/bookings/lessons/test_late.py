"""Running late: told to the other side once in ten minutes, without any other effect (S11.9)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User
from bookings.lessons.errors import LessonChangedError
from bookings.lessons.late import tell_late
from bookings.lessons.models import Booking, LateNotice
from bookings.lessons.models.changes import Side
from bookings.notifications.models import OutgoingMail
from instainstru import clock
from instainstru.errors import ConflictError, NotFoundError, ValidationFailedError
from tests.bookings.lessons.lesson_stage import Stage, set_stage

pytestmark = [pytest.mark.S11, pytest.mark.django_db]
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture
def stage() -> Stage:
    return set_stage(start_at=clock.now() + HOUR)


def browser(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def told() -> list[tuple[str, str]]:
    rows = OutgoingMail.objects.filter(kind="lesson_late").order_by("pk")
    return list(rows.values_list("to", "subject"))


def test_each_side_tells_the_other_by_its_button(stage: Stage) -> None:
    """06 section 3: the button stands in the lists and on the lesson's page."""
    for person, path, page in (
        (stage.maya, f"/lessons/{stage.code}/late/", "/lessons/"),
        (stage.andre, f"/teach/lessons/{stage.code}/late/", "/teach/"),
    ):
        client = browser(person)
        for address in (page, path.removesuffix("late/")):
            assert f'href="{path}"' in client.get(address).content.decode()
        assert client.get(path).status_code == 200
        answer = client.post(path, {"minutes": "10", "idempotency_key": "k"})
        assert (answer.status_code, answer["Location"]) == (303, path.removesuffix("late/"))
    assert [to for to, _ in told()] == [stage.andre.email, stage.maya.email]
    assert all("10 minutes late" in subject for _, subject in told())


def test_it_changes_neither_state_nor_money(stage: Stage) -> None:
    before = Booking.objects.filter(pk=stage.lesson.pk).values().get()
    tell_late(by=stage.maya, code=stage.code, side=Side.STUDENT, minutes=15)
    assert Booking.objects.filter(pk=stage.lesson.pk).values().get() == before


def test_once_in_ten_minutes_for_each_side(stage: Stage) -> None:
    now = stage.lesson.start_at - HOUR / 2
    who = {"code": stage.code, "minutes": 5}
    tell_late(by=stage.maya, side=Side.STUDENT, now=now, **who)
    with pytest.raises(ConflictError, match="ten minutes"):
        tell_late(by=stage.maya, side=Side.STUDENT, now=now + 10 * MINUTE - SECOND, **who)
    tell_late(by=stage.andre, side=Side.INSTRUCTOR, now=now, **who)
    tell_late(by=stage.maya, side=Side.STUDENT, now=now + 10 * MINUTE, **who)
    assert len(told()) == 3


def test_a_repeated_press_says_so_and_a_missing_choice_too(stage: Stage) -> None:
    client, path = browser(stage.maya), f"/lessons/{stage.code}/late/"
    assert client.post(path, {"idempotency_key": "a"}).status_code == 422
    assert client.post(path, {"minutes": "7", "idempotency_key": "b"}).status_code == 422
    for key, status in (("c", 303), ("c", 303), ("d", 409)):
        answer = client.post(path, {"minutes": "5", "idempotency_key": key})
        assert answer.status_code == status
    assert "less than ten minutes ago" in answer.content.decode()
    assert len(told()) == 1


@pytest.mark.parametrize(
    ("before", "status"),
    [(24 * HOUR + SECOND, "confirmed"), (timedelta(), "confirmed"), (HOUR, "cancelled_student"),
     (HOUR, "reported")],
)  # fmt: skip
def test_only_for_a_lesson_of_the_next_24_hours(
    stage: Stage, before: timedelta, status: str
) -> None:
    Booking.objects.filter(pk=stage.lesson.pk).update(status=status)
    with pytest.raises(LessonChangedError):
        tell_late(
            by=stage.maya, code=stage.code, side=Side.STUDENT, minutes=5,
            now=stage.lesson.start_at - before,
        )  # fmt: skip
    assert not LateNotice.objects.exists()


def test_lessons_of_others_do_not_exist(stage: Stage) -> None:
    """G5"""
    with pytest.raises(NotFoundError):
        tell_late(by=stage.andre, code=stage.code, side=Side.STUDENT, minutes=5)
    with pytest.raises(ValidationFailedError):
        tell_late(by=stage.maya, code=stage.code, side=Side.STUDENT, minutes=6)


def test_button_is_not_offered_days_before() -> None:
    stage = set_stage()
    assert "/late/" not in browser(stage.maya).get(f"/lessons/{stage.code}/").content.decode()
    assert browser(stage.maya).get(f"/lessons/{stage.code}/late/").status_code == 409


@pytest.mark.parametrize(
    ("fields", "name"),
    [({"minutes": 7}, "minutes_known"), ({"side": "staff"}, "of_student_or_instructor"),
     ({"created_at": 9}, "once_in_ten_minutes")],
)  # fmt: skip
def test_the_database_keeps_the_rules(stage: Stage, fields: dict[str, object], name: str) -> None:
    at = clock.now()
    LateNotice.objects.create(booking=stage.lesson, side="student", minutes=5, created_at=at)
    values = {"side": "instructor", "minutes": 5, "created_at": at, **fields}
    if values["created_at"] == 9:
        values |= {"side": "student", "created_at": at + 9 * MINUTE}
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        LateNotice.objects.create(booking=stage.lesson, **values)

"""Texts about lessons: few, short, in the transaction of what they tell (Spec: S13.5, S13.6)."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts.models import NotificationChoice, User
from bookings.lessons import mails
from bookings.lessons.cancellation import cancel_as_instructor
from bookings.lessons.late import tell_late
from bookings.lessons.models.changes import Side
from bookings.lessons.moves import accept_proposal, move_lesson, propose_move
from bookings.lessons.reminders import send_reminders
from bookings.notifications.models import OutgoingMail, OutgoingText
from tests.bookings.lessons.lesson_stage import Stage, set_stage
from tests.factories.lessons import tomorrow_at
from tests.factories.texts import with_texts

pytestmark = [pytest.mark.S13, pytest.mark.django_db]
HOUR = timedelta(hours=1)
MAYAS, ANDRES = "+12125550123", "+12125550199"
LONGEST = 320  # two parts of a text, the link among them


@pytest.fixture
def stage() -> Stage:
    stage = set_stage()
    with_texts(stage.maya, MAYAS)
    with_texts(stage.andre, ANDRES)
    OutgoingText.objects.all().delete()
    return stage


def texted() -> list[tuple[str, str]]:
    return list(OutgoingText.objects.order_by("pk").values_list("kind", "to"))


def switch(user: User, channel: str, kind: str) -> None:
    NotificationChoice.objects.create(user=user, channel=channel, kind=kind, is_on=False)


def test_both_sides_are_texted_two_hours_before_once(stage: Stage) -> None:
    start = stage.lesson.start_at
    assert send_reminders(start - 24 * HOUR) == 2
    assert texted() == []
    assert [send_reminders(start - 2 * HOUR), send_reminders(start - HOUR)] == [2, 0]
    assert texted() == [("lesson_reminder", MAYAS), ("lesson_reminder", ANDRES)]


def test_who_wants_the_reminder_by_text_alone_gets_no_mail(stage: Stage) -> None:
    """S13.5: kinds by channels."""
    switch(stage.maya, "mail", "reminder")
    switch(stage.andre, "text", "reminder")
    start = stage.lesson.start_at
    assert [send_reminders(start - 2 * HOUR), send_reminders(start - HOUR)] == [2, 0]
    assert texted() == [("lesson_reminder", MAYAS)]
    mails_of = OutgoingMail.objects.filter(kind="lesson_reminder")
    assert list(mails_of.values_list("to", flat=True)) == [stage.andre.email]


def test_who_wants_neither_is_left_alone(stage: Stage) -> None:
    for channel in ("mail", "text"):
        switch(stage.maya, channel, "reminder")
    assert send_reminders(stage.lesson.start_at - 2 * HOUR) == 1
    assert texted() == [("lesson_reminder", ANDRES)]


def test_killed_between_two_sides_both_are_written_by_the_next_run(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4.2: mail, text and notice of both sides are one transaction."""
    queue = mails.queue_text

    def die_for_andre(**details: Any) -> Any:
        if details["user"] == stage.andre:
            raise SystemExit
        return queue(**details)

    with monkeypatch.context() as broken:
        broken.setattr(mails, "queue_text", die_for_andre)
        with pytest.raises(SystemExit):
            send_reminders(stage.lesson.start_at - 2 * HOUR)
    assert texted() == []
    assert not OutgoingMail.objects.filter(kind="lesson_reminder").exists()
    assert send_reminders(stage.lesson.start_at - 2 * HOUR) == 2
    assert len(texted()) == 2


def test_a_change_is_texted_to_the_one_who_did_not_make_it(stage: Stage) -> None:
    now = stage.lesson.start_at - 30 * HOUR
    move_lesson(by=stage.maya, code=stage.code, start_at=tomorrow_at(14, days=7), now=now)
    assert texted() == [("lesson_moved", ANDRES)]
    target = tomorrow_at(15, days=8)
    propose_move(by=stage.andre, code=stage.code, start_at=target, message="Train.", now=now + HOUR)
    assert texted()[1:] == [("lesson_proposal", MAYAS)]
    accept_proposal(by=stage.maya, code=stage.code, now=now + 2 * HOUR)
    assert texted()[2:] == [("lesson_moved", ANDRES)]
    tell_late(by=stage.maya, code=stage.code, side=Side.STUDENT, minutes=10, now=target - HOUR)
    assert texted()[3:] == [("lesson_late", ANDRES)]
    cancel_as_instructor(
        by=stage.andre, code=stage.code, reason="I am ill, sorry.", now=target - HOUR / 2
    )
    assert texted()[4:] == [("lesson_cancelled", MAYAS)]
    _check_words(stage)


def _check_words(stage: Stage) -> None:
    """Short, signed with our name, a zone behind each time, no address, a link to the lesson."""
    for text in OutgoingText.objects.all():
        assert text.text.startswith("iNSTAiNSTRU: ")
        assert len(text.text) <= LONGEST, text.text
        clocks = re.findall(r"\d{1,2}:\d{2} [AP]M(?! –)", text.text)
        assert clocks
        assert len(clocks) == len(re.findall(r"\d{1,2}:\d{2} [AP]M E[DS]T", text.text)), text.text
        assert settings.SITE_URL in text.text
        assert stage.code in text.text
        for secret in ("@", stage.maya.last_name, stage.andre.last_name, "Street", "+1"):
            assert secret not in text.text, text.text


def test_what_can_wait_for_the_mail_is_not_texted(stage: Stage) -> None:
    """No text when a lesson is booked, asked about or reviewed."""
    names = {path.stem for path in (Path(settings.BASE_DIR) / "templates" / "texts").glob("*.txt")}
    assert {name for name in names if name.startswith("lesson_")} == {
        "lesson_reminder", "lesson_moved", "lesson_cancelled", "lesson_proposal", "lesson_late",
    }  # fmt: skip


def test_people_without_texts_are_told_as_before() -> None:
    stage = set_stage()
    send_reminders(stage.lesson.start_at - 2 * HOUR)
    assert texted() == []
    assert OutgoingMail.objects.filter(kind="lesson_reminder").count() == 2

"""A student asks for their money because of an emergency, and staff decide (Spec: C8)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.roles import Role
from bookings.lessons.cancellation import cancel_lesson
from bookings.lessons.emergencies import ask_to_be_excused, ask_until, decline_request
from bookings.lessons.errors import LessonChangedError
from bookings.lessons.goodwill import excuse_emergency, waive_fee
from bookings.lessons.models import EmergencyRequest
from bookings.lessons.moves import move_lesson
from bookings.lessons.policies import RefundTo
from bookings.lessons.reports import decide_report, report_lesson
from bookings.lessons.states import Status
from bookings.notifications.models import OutgoingMail
from bookings.payments.selectors import ledger_imbalances, payment_summary
from instainstru.errors import ConflictError, ForbiddenError, NotFoundError, ValidationFailedError
from tests.bookings.lessons.lesson_stage import Stage, set_stage
from tests.bookings.payments.conftest import in_parallel
from tests.factories.accounts import VerifiedUserFactory, student
from tests.factories.lessons import tomorrow_at
from tests.factories.staff import at_work, staff

pytestmark = [pytest.mark.S13, pytest.mark.django_db]
HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
WORDS = "I broke my arm on the way to the lesson."
ANSWER = "The letter you sent is of another day."


@pytest.fixture
def stage() -> Stage:
    return set_stage()


def cancel_late(stage: Stage, before: timedelta = 3 * HOUR, credit_cents: int = 0) -> datetime:
    now = stage.fresh().start_at - before
    cancel_lesson(
        by=stage.maya, code=stage.code, reason="illness", now=now,
        expected_card_cents=0, expected_credit_cents=credit_cents,
    )  # fmt: skip
    return now


def ask(stage: Stage, now: datetime, **fields: Any) -> EmergencyRequest:
    return ask_to_be_excused(
        **{"by": stage.maya, "code": stage.code, "statement": WORDS, "now": now, **fields}
    )


def decline(stage: Stage, by: User, now: datetime, answer: str = ANSWER) -> EmergencyRequest:
    return decline_request(
        by=by, code=stage.code, answer=answer, reason="The letter did not fit", now=now
    )


def given_back(stage: Stage) -> tuple[int, int]:
    paid = payment_summary(stage.lesson.pk)
    assert paid is not None
    return paid.refunded_cents, paid.returned_credit_cents


@pytest.fixture
def admin(db: None) -> User:
    person: User = VerifiedUserFactory(role=Role.ADMIN)
    return person


def test_asking_moves_nothing_and_excusing_answers_it(stage: Stage, admin: User) -> None:
    """C8: everything back to the card once staff say so."""
    now = cancel_late(stage)
    asked = ask(stage, now + HOUR)
    assert given_back(stage) == (0, 0)
    excuse_emergency(by=admin, code=stage.code, reason="A hospital letter", now=now + DAY)
    asked.refresh_from_db()
    assert (asked.outcome, asked.decided_at) == ("given_back", now + DAY)
    assert given_back(stage) == (9500, 0)
    assert ledger_imbalances() == []
    with pytest.raises(ConflictError):
        decline(stage, admin, now + 2 * DAY)


def test_an_instructor_who_waives_answers_it_too(stage: Stage) -> None:
    """C4: staff have nothing left to decide."""
    now = cancel_late(stage)
    asked = ask(stage, now + HOUR)
    waive_fee(by=stage.andre, code=stage.code, refund_to=RefundTo.CARD, now=now + 2 * HOUR)
    asked.refresh_from_db()
    assert asked.outcome == "given_back"


def test_a_no_is_told_with_its_reason_and_moves_nothing(stage: Stage, admin: User) -> None:
    """C8, S5.9: the student reads the answer, the audit keeps the reason; only once."""
    now = cancel_late(stage)
    ask(stage, now + HOUR)
    decline(stage, admin, now + DAY)
    assert given_back(stage) == (0, 0)
    mail = OutgoingMail.objects.get(kind="lesson_not_excused")
    assert mail.to == stage.maya.email
    assert ANSWER in mail.text
    assert "did not fit" not in mail.text
    assert AuditEvent.objects.get(action="booking.not_excused").reason == "The letter did not fit"
    with pytest.raises(ConflictError):
        decline(stage, admin, now + DAY)
    # Who learns more later may still give it back.
    excuse_emergency(by=admin, code=stage.code, reason="A better letter", now=now + 3 * DAY)
    assert given_back(stage) == (9500, 0)
    assert EmergencyRequest.objects.get().outcome == "given_back"


@pytest.mark.parametrize(("late", "is_open"), [(14 * DAY, True), (14 * DAY + SECOND, False)])
def test_two_weeks_to_ask(stage: Stage, late: timedelta, is_open: bool) -> None:
    """C8: the last instant is in time."""
    now = cancel_late(stage)
    assert (ask_until(stage.fresh(), now + late) is not None) is is_open
    if is_open:
        ask(stage, now + late)
        with pytest.raises(LessonChangedError):
            ask(stage, now + late)
    else:
        with pytest.raises(LessonChangedError):
            ask(stage, now + late)


def test_who_did_not_come_may_ask_once_it_is_decided(stage: Stage, admin: User) -> None:
    """C4: from the decision on, however late that was."""
    at = stage.lesson.end_at + HOUR
    report_lesson(by=stage.andre, code=stage.code, kind="student_no_show", statement=WORDS, now=at)
    with pytest.raises(LessonChangedError):
        ask(stage, at)
    decide_report(
        by=admin, code=stage.code, status=Status.NO_SHOW_STUDENT, reason="Nobody answered",
        now=at + 30 * DAY,
    )  # fmt: skip
    ask(stage, at + 31 * DAY)


def test_credit_after_a_late_move_goes_to_the_card(stage: Stage, admin: User) -> None:
    """C8 comes before C5 in the table: an emergency gives money, not credit."""
    now = stage.lesson.start_at - 20 * HOUR
    move_lesson(by=stage.maya, code=stage.code, start_at=tomorrow_at(10, days=9), now=now)
    at = cancel_late(stage, 30 * HOUR, 9500)
    ask(stage, at)
    excuse_emergency(by=admin, code=stage.code, reason="A hospital letter", now=at + HOUR)
    assert given_back(stage) == (9500, 0)
    assert ledger_imbalances() == []


@pytest.mark.parametrize("case", ["coming", "free", "spent"])
def test_nothing_to_ask_where_nothing_was_lost(stage: Stage, admin: User, case: str) -> None:
    now = stage.lesson.start_at - 30 * HOUR
    if case == "free":
        cancel_lesson(
            by=stage.maya, code=stage.code, reason="illness", now=now,
            expected_card_cents=9500, expected_credit_cents=0,
        )  # fmt: skip
    if case == "spent":
        now = cancel_late(stage)
        excuse_emergency(by=admin, code=stage.code, reason="A hospital letter", now=now)
    with pytest.raises(LessonChangedError):
        ask(stage, now)


def test_asking_ten_times_at_once_asks_once(transactional_db: None) -> None:
    stage = set_stage()
    now = cancel_late(stage)
    done = in_parallel([lambda: ask(stage, now + HOUR)] * 10)
    refused = [answer for answer in done if isinstance(answer, LessonChangedError)]
    assert len(refused) == 9
    assert EmergencyRequest.objects.count() == 1


def test_words_are_needed_on_both_sides(stage: Stage, admin: User) -> None:
    now = cancel_late(stage)
    for words in ("Sick.", " " * 40, "x" * 2001):
        with pytest.raises(ValidationFailedError):
            ask(stage, now, statement=words)
    ask(stage, now)
    with pytest.raises(ValidationFailedError):
        decline(stage, admin, now, answer="No.")


def test_others_neither_ask_nor_decide(stage: Stage, admin: User) -> None:
    """G5, S5.9, S5.10"""
    now = cancel_late(stage)
    for person in (stage.andre, student()):
        with pytest.raises(NotFoundError):
            ask(stage, now, by=person)
    ask(stage, now)
    for person in (stage.maya, VerifiedUserFactory(role=Role.ANALYST)):
        with pytest.raises(ForbiddenError):
            decline(stage, person, now)


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "declined"},
        {"outcome": "given_back"},
        {"answer": ANSWER},
        {"outcome": "lost"},
    ],
)
def test_the_database_holds_what_was_decided(stage: Stage, change: dict[str, str]) -> None:
    asked = ask(stage, cancel_late(stage))
    with pytest.raises(IntegrityError), transaction.atomic():
        EmergencyRequest.objects.filter(pk=asked.pk).update(**change)


def test_the_page_asks_keeps_words_and_shows_the_answer(
    stage: Stage, admin: User, client: Client
) -> None:
    """C8, R14: a short text is kept; the second click gets the first answer."""
    now = cancel_late(stage)
    address = f"/lessons/{stage.code}/emergency/"
    client.force_login(stage.maya)
    with time_machine.travel(now + HOUR):
        assert "Ask for your money back" in client.get(f"/lessons/{stage.code}/").text
        short = client.post(address, {"text": "Too short", "idempotency_key": "a"})
        assert short.status_code == 422
        assert "Too short" in short.text
        sent = {"text": WORDS, "idempotency_key": "b"}
        assert [client.post(address, sent).status_code for _ in range(2)] == [303, 303]
        again = client.post(address, {"text": WORDS, "idempotency_key": "c"})
        assert again.status_code == 409
        assert "We are reading it" in client.get(f"/lessons/{stage.code}/").text
        decline(stage, admin, now + HOUR)
        page = client.get(address)
    assert page.status_code == 200
    assert ANSWER in page.text
    assert WORDS in page.text
    client.force_login(student())
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(("action", "outcome"), [("excuse", "given_back"), ("decline", "declined")])
def test_staff_decide_in_their_queue(stage: Stage, action: str, outcome: str) -> None:
    """S5.9: what is open is listed; both decisions ask for a reason, a no for an answer as well."""
    asked = ask(stage, cancel_late(stage))
    desk = at_work(staff(Role.SUPPORT))
    waiting = reverse("admin:lessons_emergencyrequest_changelist") + "?outcome__exact="
    assert waiting in desk.get(reverse("admin:index")).text
    listed = desk.get(waiting).context["cl"]
    assert [row.pk for row in listed.result_list] == [asked.pk]
    page = desk.get(reverse("admin:lessons_emergencyrequest_change", args=[asked.pk]))
    assert "$95.00 by card" in page.text
    assert [each["label"] for each in page.context["object_actions"]] == [
        "Give everything back",
        "Decline",
    ]
    address = reverse("admin:lessons_emergencyrequest_action", args=[asked.pk, action])
    assert desk.post(address, {}).status_code == 422
    assert (
        desk.post(address, {"reason": "The letter was read", "answer": ANSWER}).status_code == 302
    )
    asked.refresh_from_db()
    assert asked.outcome == outcome
    assert desk.get(waiting).context["cl"].result_count == 0
    assert given_back(stage) == ((9500, 0) if action == "excuse" else (0, 0))

"""Reports of lessons, what they come to, and what is given back freely (T13, T14, C3, C4, C9)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db.models import Sum
from django.test import Client

from accounts.models import AuditEvent, Block, User
from accounts.roles import Role
from accounts.services import grant_role
from bookings.lessons import reports
from bookings.lessons.cancellation import StaffSplit, cancel_as_staff, cancel_lesson
from bookings.lessons.errors import LessonChangedError
from bookings.lessons.goodwill import claim_good_fit, excuse_emergency, waivable, waive_fee
from bookings.lessons.models import Booking, LessonReport, Strike
from bookings.lessons.moves import decline_proposal, propose_move
from bookings.lessons.policies import Outcome, RefundTo
from bookings.lessons.reports import (
    accept_report,
    accept_silent_reports,
    answer_report,
    decide_report,
    report_lesson,
)
from bookings.lessons.selectors import find_taught_lesson
from bookings.lessons.states import Status
from bookings.notifications.models import OutgoingMail
from bookings.payments.models import Credit, LedgerEntry
from bookings.payments.selectors import ledger_imbalances, payment_summary
from catalog.models import Policy
from instainstru import clock
from instainstru.errors import ConflictError, ForbiddenError, ValidationFailedError
from tests.bookings.lessons.lesson_stage import Stage, set_stage
from tests.factories.accounts import VerifiedUserFactory
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.S11, pytest.mark.django_db]
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
WORDS = "I waited at the door for half an hour."


@pytest.fixture
def stage() -> Stage:
    return set_stage()


def report(
    stage: Stage, now: datetime, *, kind: str = "instructor_no_show", by: str = "maya"
) -> LessonReport:
    return report_lesson(
        by=getattr(stage, by), code=stage.code, kind=kind, statement=WORDS, now=now
    )


def taught(stage: Stage) -> Booking:
    return find_taught_lesson(by=stage.andre, code=stage.code)


def given_back(stage: Stage) -> tuple[int, int]:
    paid = payment_summary(stage.lesson.pk)
    assert paid is not None
    return paid.refunded_cents, paid.returned_credit_cents


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        (10 * MINUTE, True),
        (10 * MINUTE - SECOND, False),
        (HOUR + 48 * HOUR, True),
        (HOUR + 48 * HOUR + SECOND, False),
    ],
)
def test_window_of_a_report(stage: Stage, at: timedelta, is_open: bool) -> None:
    """T13: from start + 10 min to end + 48 h, both in time."""
    now = stage.lesson.start_at + at
    if not is_open:
        with pytest.raises(LessonChangedError):
            report(stage, now)
        assert stage.fresh().status == "confirmed"
        return
    report(stage, now)
    assert stage.fresh().status == "reported"
    mails = {mail.to: mail.text for mail in OutgoingMail.objects.filter(kind="lesson_report")}
    assert "tell us your side" in mails[stage.andre.email]
    assert "We got your report" in mails[stage.maya.email]


def test_student_no_show_needs_a_quarter_of_an_hour(stage: Stage) -> None:
    """T13"""
    edge = stage.lesson.start_at + 15 * MINUTE
    with pytest.raises(LessonChangedError):
        report(stage, edge - SECOND, kind="student_no_show", by="andre")
    report(stage, edge, kind="student_no_show", by="andre")
    assert stage.fresh().status == "reported"


@pytest.mark.parametrize(("by", "kind"), [("maya", "student_no_show"), ("andre", "quality")])
def test_each_side_has_its_kinds(stage: Stage, by: str, kind: str) -> None:
    with pytest.raises(ValidationFailedError):
        report(stage, stage.lesson.end_at, kind=kind, by=by)


def test_silence_accepts_a_missed_lesson(stage: Stage) -> None:
    """T14, C7: all back, 20 % on top, a strike; the job may run twice."""
    opened = report(stage, stage.lesson.end_at)
    assert accept_silent_reports(opened.answer_by_at - SECOND) == 0
    assert accept_silent_reports(opened.answer_by_at) == 1
    assert accept_silent_reports(opened.answer_by_at) == 0
    assert stage.fresh().status == "no_show_instructor"
    assert given_back(stage) == (9500, 0)
    assert Credit.objects.get(reason="apology").remaining_cents == 1800
    assert Strike.objects.get().reason == "no_show"
    assert ledger_imbalances() == []


def test_agreement_ends_it_at_once(stage: Stage) -> None:
    """T14, C4: the student did not come and says so; the instructor keeps the price."""
    report(stage, stage.lesson.end_at, kind="student_no_show", by="andre")
    accept_report(by=stage.maya, code=stage.code, now=stage.lesson.end_at + HOUR)
    assert stage.fresh().status == "no_show_student"
    assert given_back(stage) == (0, 0)
    assert ledger_imbalances() == []


def test_answered_report_waits_for_staff_and_both_sides_make_one(stage: Stage) -> None:
    """05 section 2: both report, one report, both statements."""
    opened = report(stage, stage.lesson.end_at)
    report(stage, stage.lesson.end_at + HOUR, kind="student_no_show", by="andre")
    opened.refresh_from_db()
    assert opened.answer == WORDS
    assert accept_silent_reports(opened.answer_by_at) == 0
    with pytest.raises(LessonChangedError):
        answer_report(by=stage.andre, code=stage.code, statement=WORDS)
    decided = decide_report(
        by=VerifiedUserFactory(role=Role.SUPPORT),
        code=stage.code,
        status=Status.COMPLETED,
        reason="The lesson took place, both sent pictures.",
    )
    assert decided.status == "completed"
    assert decided.completed_at is not None
    assert clock.now() - decided.completed_at < MINUTE
    assert given_back(stage) == (0, 0)


def test_staff_do_not_decide_about_themselves_and_others_not_at_all(stage: Stage) -> None:
    """S5.9, S5.10"""
    report(stage, stage.lesson.end_at)
    support = VerifiedUserFactory(role=Role.SUPPORT)
    type(stage.lesson.instructor).objects.filter(pk=stage.lesson.instructor_id).update(user=support)
    for person in (support, VerifiedUserFactory(role=Role.MODERATOR)):
        with pytest.raises(ForbiddenError):
            decide_report(
                by=person, code=stage.code, status=Status.COMPLETED, reason="Because I say so."
            )


def test_safety_shuts_the_other_side_out_at_once(stage: Stage) -> None:
    """S11.8"""
    report(stage, stage.lesson.end_at, kind="safety")
    assert Block.objects.between(stage.maya.pk, stage.andre.pk).exists()
    with pytest.raises(ConflictError):
        accept_report(by=stage.andre, code=stage.code, now=stage.lesson.end_at + HOUR)


def late_cancellation(stage: Stage, before: timedelta, credit: int) -> datetime:
    now = stage.lesson.start_at - before
    cancel_lesson(
        by=stage.maya,
        code=stage.code,
        reason="illness",
        expected_card_cents=0,
        expected_credit_cents=credit,
        now=now,
    )
    return now


@pytest.mark.parametrize(
    ("to", "card", "credit"), [(RefundTo.CARD, 9500, 0), (RefundTo.CREDIT, 0, 9500)]
)
def test_instructor_waives_a_late_fee_as_they_choose(
    stage: Stage, to: RefundTo, card: int, credit: int
) -> None:
    """C4: within 48 h, once; the instructor then has nothing of it."""
    now = late_cancellation(stage, 3 * HOUR, 0)
    with pytest.raises(LessonChangedError):
        waive_fee(by=stage.andre, code=stage.code, refund_to=to, now=now + 48 * HOUR + SECOND)
    waive_fee(by=stage.andre, code=stage.code, refund_to=to, now=now + 48 * HOUR)
    assert given_back(stage) == (card, credit)
    with pytest.raises(LessonChangedError):
        waive_fee(by=stage.andre, code=stage.code, refund_to=to, now=now + HOUR)
    assert ledger_imbalances() == []


def test_agreeing_to_a_full_refund_takes_the_credit_back(stage: Stage) -> None:
    """C3: replaces the credit, what is left of it."""
    now = late_cancellation(stage, 18 * HOUR, 9500)
    assert given_back(stage) == (0, 9500)
    Credit.objects.filter(user=stage.maya).update(remaining_cents=9500)
    waive_fee(by=stage.andre, code=stage.code, refund_to=RefundTo.CARD, now=now + HOUR)
    assert given_back(stage) == (9500, 0)
    assert Credit.objects.get(user=stage.maya).remaining_cents == 0
    assert ledger_imbalances() == []


def test_waiving_gives_and_tells_what_is_left_of_the_credit(stage: Stage) -> None:
    """C3: what the student has spent meanwhile is not promised to their card."""
    now = late_cancellation(stage, 18 * HOUR, 9500)
    Credit.objects.filter(user=stage.maya).update(remaining_cents=2000)
    found = waivable(taught(stage), now, RefundTo.CARD)
    assert found is not None
    assert (found[1].card_refund_cents, found[1].credit_cents) == (2000, 0)
    waive_fee(by=stage.andre, code=stage.code, refund_to=RefundTo.CARD, now=now + HOUR)
    assert "$20.00 goes back to your card" in OutgoingMail.objects.get(kind="lesson_goodwill").text
    assert given_back(stage) == (2000, 7500)
    other = set_stage(start_at=tomorrow_at(10, days=6))
    late_cancellation(other, 18 * HOUR, 9500)
    Credit.objects.filter(user=other.maya).update(remaining_cents=0)
    with pytest.raises(LessonChangedError):
        waive_fee(by=other.andre, code=other.code, refund_to=RefundTo.CARD)


def test_nobody_waives_what_was_given_back_already(stage: Stage) -> None:
    """C8: the student who declined the instructor's new time has everything."""
    now = stage.lesson.start_at - 4 * HOUR
    propose_move(by=stage.andre, code=stage.code, start_at=tomorrow_at(14, days=6), now=now)
    decline_proposal(by=stage.maya, code=stage.code, now=now)
    cancel_lesson(
        by=stage.maya, code=stage.code, reason="schedule", now=now,
        expected_card_cents=9500, expected_credit_cents=0,
    )  # fmt: skip
    assert waivable(taught(stage), now, RefundTo.CARD) is None
    with pytest.raises(LessonChangedError):
        waive_fee(by=stage.andre, code=stage.code, refund_to=RefundTo.CARD, now=now)


def test_second_click_on_waiving_gets_the_first_answer(stage: Stage, client: Client) -> None:
    """R14"""
    late_cancellation(stage, 4 * HOUR, 0)
    client.force_login(stage.andre)
    sent = {"refund_to": "card", "idempotency_key": "one"}
    with time_machine.travel(stage.lesson.start_at - 4 * HOUR):
        answers = [client.post(f"/teach/lessons/{stage.code}/waive/", sent) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert given_back(stage) == (9500, 0)


def by_staff(stage: Stage, staff: User, **fields: Any) -> Outcome:
    return excuse_emergency(by=staff, code=stage.code, reason="A hospital letter", **fields)[1]


def test_staff_give_everything_back_for_an_emergency(stage: Stage) -> None:
    """C8: long after, once; the instructor has nothing of it, and both are told."""
    now = late_cancellation(stage, 3 * HOUR, 0)
    admin = VerifiedUserFactory(role=Role.ADMIN)
    due = by_staff(stage, admin, now=now + 100 * HOUR)
    assert (due.case, due.card_refund_cents, due.instructor_cents) == ("C8", 9500, 0)
    assert given_back(stage) == (9500, 0)
    assert ledger_imbalances() == []
    told = OutgoingMail.objects.filter(kind="lesson_goodwill").values_list("to", flat=True)
    assert set(told) == {stage.maya.email, stage.andre.email}
    assert AuditEvent.objects.get(action="booking.excused").reason == "A hospital letter"
    with pytest.raises(LessonChangedError):
        by_staff(stage, admin, now=now + 101 * HOUR)
    assert waivable(taught(stage), now + HOUR, RefundTo.CARD) is None


def test_an_emergency_turns_the_credit_of_a_late_cancellation_into_money(stage: Stage) -> None:
    """C8 after C3: what is left of the credit goes to the card."""
    now = late_cancellation(stage, 18 * HOUR, 9500)
    by_staff(stage, VerifiedUserFactory(role=Role.ADMIN), now=now + HOUR)
    assert given_back(stage) == (9500, 0)
    assert Credit.objects.get(user=stage.maya).remaining_cents == 0
    assert ledger_imbalances() == []


def test_what_the_instructor_waived_is_no_emergency_any_more(stage: Stage) -> None:
    now = late_cancellation(stage, 3 * HOUR, 0)
    waive_fee(by=stage.andre, code=stage.code, refund_to=RefundTo.CARD, now=now + HOUR)
    with pytest.raises(LessonChangedError):
        by_staff(stage, VerifiedUserFactory(role=Role.ADMIN), now=now + 2 * HOUR)
    assert given_back(stage) == (9500, 0)


def test_only_staff_who_may_give_that_much_excuse_anybody(stage: Stage) -> None:
    """S5.9, S14.9, P23: others are refused, and a lesson of one's own is for somebody else."""
    now = late_cancellation(stage, 3 * HOUR, 0)
    for person in (stage.maya, VerifiedUserFactory(role=Role.ANALYST)):
        with pytest.raises(ForbiddenError):
            by_staff(stage, person, now=now)
    Policy.objects.filter(pk=stage.lesson.policy_id).update(support_refund_limit_cents=9400)
    with pytest.raises(ForbiddenError, match="finance"):
        by_staff(stage, VerifiedUserFactory(role=Role.SUPPORT), now=now)
    assert given_back(stage) == (0, 0)


@pytest.mark.parametrize("before", [HOUR, 30 * HOUR])
def test_a_lesson_that_cost_nothing_has_nothing_to_excuse(stage: Stage, before: timedelta) -> None:
    """A lesson to come is canceled by staff instead, and a free cancellation gave all back."""
    if before > 24 * HOUR:
        cancel_lesson(
            by=stage.maya, code=stage.code, reason="illness", now=stage.lesson.start_at - before,
            expected_card_cents=9500, expected_credit_cents=0,
        )  # fmt: skip
    with pytest.raises(LessonChangedError):
        by_staff(stage, VerifiedUserFactory(role=Role.ADMIN), now=stage.lesson.start_at - before)


@pytest.mark.parametrize("spent_cents", [0, 2000, 9500])
def test_a_missed_lesson_that_was_no_good_fit_goes_to_the_card(
    stage: Stage, spent_cents: int
) -> None:
    """C7 after C9: the instructor's share pays the promise back; what is left becomes money."""
    at = stage.lesson.end_at + HOUR
    claim_good_fit(by=stage.maya, code=stage.code, now=at)
    Credit.objects.filter(user=stage.maya).update(remaining_cents=9500 - spent_cents)
    report(stage, at, kind="late")
    admin = VerifiedUserFactory(role=Role.ADMIN)
    decide_report(
        by=admin, code=stage.code, status=Status.NO_SHOW_INSTRUCTOR, reason="Nobody came", now=at
    )
    assert given_back(stage) == (9500 - spent_cents, spent_cents)
    left = Credit.objects.filter(user=stage.maya).aggregate(cents=Sum("remaining_cents"))["cents"]
    assert left == 1800
    assert Strike.objects.get().reason == "no_show"
    entries = LedgerEntry.objects.filter(transaction__booking=stage.lesson)
    sums = {
        row["account"]: row["cents"]
        for row in entries.values("account").annotate(cents=Sum("amount_cents")).order_by()
    }
    assert sums["instructor_payable"] == sums["platform_fee"] == 0
    assert sums["promo"] == -1800
    # The credit was taken without buying anything, and nothing else differs.
    off = [(found.rule, found.cents) for found in ledger_imbalances()]
    assert off == ([("credit", -spent_cents)] if spent_cents else [])


def test_staff_cancel_for_safety_after_the_promise_gave_the_price(stage: Stage) -> None:
    """C7 after C9: everything or nothing, for the promise gave it as a whole."""
    at = stage.lesson.end_at + HOUR
    claim_good_fit(by=stage.maya, code=stage.code, now=at)
    report(stage, at, kind="safety")
    given: dict[str, Any] = {
        "by": VerifiedUserFactory(role=Role.ADMIN), "code": stage.code, "reason": "Not safe at all",
        "now": at,
    }  # fmt: skip
    with pytest.raises(ConflictError, match="everything back, or nothing"):
        cancel_as_staff(staff_split=StaffSplit(card_cents=2000, credit_cents=0), **given)
    assert stage.fresh().status == "reported"
    cancel_as_staff(**given)
    assert stage.fresh().status == "cancelled_staff"
    assert given_back(stage) == (9500, 0)
    assert not Credit.objects.filter(remaining_cents__gt=0).exists()
    assert ledger_imbalances() == []
    mail = OutgoingMail.objects.get(kind="lesson_cancelled", to=stage.maya.email)
    assert "$95.00" in mail.text


def test_nothing_is_waived_after_the_promise_gave_it(stage: Stage) -> None:
    """C4, C8, C9: the student who did not come has the price already."""
    at = stage.lesson.end_at + HOUR
    claim_good_fit(by=stage.maya, code=stage.code, now=at)
    report(stage, at, kind="student_no_show", by="andre")
    accept_report(by=stage.maya, code=stage.code, now=at)
    assert stage.fresh().status == "no_show_student"
    assert waivable(taught(stage), at, RefundTo.CARD) is None
    with pytest.raises(LessonChangedError):
        by_staff(stage, VerifiedUserFactory(role=Role.ADMIN), now=at)


def test_good_fit_promise_pays_once_in_ninety_days(stage: Stage) -> None:
    """C9: first lesson with this instructor, by the platform; the instructor keeps theirs."""
    end = stage.lesson.end_at
    with pytest.raises(LessonChangedError):
        claim_good_fit(by=stage.maya, code=stage.code, now=end + 48 * HOUR + SECOND)
    claim_good_fit(by=stage.maya, code=stage.code, now=end + 48 * HOUR)
    assert given_back(stage) == (0, 9500)
    assert ledger_imbalances() == []
    with pytest.raises(LessonChangedError):
        claim_good_fit(by=stage.maya, code=stage.code, now=end + HOUR)
    second = set_stage(start_at=tomorrow_at(15, days=8))
    other = BookingFactory(
        student=stage.maya,
        offering=second.lesson.offering,
        start_at=tomorrow_at(17, days=9),
    )
    from tests.factories import payments as make

    make.pay(other)
    with pytest.raises(LessonChangedError):
        claim_good_fit(by=stage.maya, code=str(other.code), now=other.end_at)


def test_lesson_given_back_by_the_promise_was_not_missed(stage: Stage) -> None:
    """C9, T13, S14.9: its price is never given back twice."""
    now = stage.lesson.end_at + HOUR
    claim_good_fit(by=stage.maya, code=stage.code, now=now)
    with pytest.raises(LessonChangedError):
        report(stage, now)
    report(stage, now, kind="quality")
    assert given_back(stage) == (0, 9500)


def test_one_report_that_fails_keeps_no_other_waiting(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T14, S4.2: the next run tries it again."""
    second = set_stage(start_at=tomorrow_at(10, days=6))
    due_at = max(report(each, each.lesson.end_at).answer_by_at for each in (stage, second))
    settles = reports.settle

    def broken(lesson: Booking, *args: object, **kwargs: object) -> Outcome:
        if lesson.pk == stage.lesson.pk:
            raise ConflictError("That is more than was paid.")
        return settles(lesson, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(reports, "settle", broken)
    assert accept_silent_reports(due_at) == 1
    assert (stage.fresh().status, second.fresh().status) == ("reported", "no_show_instructor")
    monkeypatch.setattr(reports, "settle", settles)
    assert accept_silent_reports(due_at) == 1


def test_safety_shuts_the_other_out_also_when_they_reported_first(stage: Stage) -> None:
    """S11.8, 05 section 2: one report, and no contact any more."""
    report(stage, stage.lesson.end_at, kind="student_no_show", by="andre")
    assert not LessonReport.objects.get().is_unsafe
    report(stage, stage.lesson.end_at + HOUR, kind="safety")
    assert Block.objects.filter(by=stage.maya, person=stage.andre).exists()
    assert LessonReport.objects.get().is_unsafe


def test_both_sides_hear_of_every_step_of_a_report(stage: Stage) -> None:
    """S13.5: opened, answered, decided; the student reads what comes back."""
    report(stage, stage.lesson.end_at)
    answer_report(by=stage.andre, code=stage.code, statement=WORDS, now=stage.lesson.end_at + HOUR)
    staff = VerifiedUserFactory()
    grant_role(staff, Role.ADMIN)
    words = "Both sides were read."
    decide_report(by=staff, code=stage.code, status=Status.NO_SHOW_INSTRUCTOR, reason=words)
    mails = OutgoingMail.objects.filter(kind="lesson_report")
    assert [mails.filter(to=one.email).count() for one in (stage.maya, stage.andre)] == [3, 3]
    decided = mails.get(to=stage.maya.email, subject__startswith="The report is decided")
    for text in (decided.text, decided.html):
        assert "$95.00 goes back to your card" in text
        assert "$18.00 is lesson credit now" in text
    assert "$95" not in mails.get(to=stage.andre.email, subject__startswith="The report is").text


@pytest.mark.parametrize("with_agree", [False, True])
def test_answer_says_that_the_lesson_was_not_safe(
    stage: Stage, client: Client, with_agree: bool
) -> None:
    """S11.8: who was reported first is heard, also when the button that accepts was pressed."""
    report(stage, stage.lesson.end_at, kind="student_no_show", by="andre")
    client.force_login(stage.maya)
    address = f"/lessons/{stage.code}/report/"
    sent = {"statement": WORDS, "is_unsafe": "on", **({"agree": "1"} if with_agree else {})}
    with time_machine.travel(stage.lesson.end_at + HOUR):
        assert "I did not feel safe" in client.get(address).text
        assert client.post(address, sent).status_code == 303
    found = LessonReport.objects.get()
    assert (found.is_unsafe, found.answer, found.outcome) == (True, WORDS, "")
    assert Block.objects.filter(by=stage.maya, person=stage.andre).exists()


def test_a_safety_report_of_a_page_from_before_the_other_one_is_heard(
    stage: Stage, client: Client
) -> None:
    """S11.8: the form that was open still says which kind."""
    report(stage, stage.lesson.end_at, kind="student_no_show", by="andre")
    client.force_login(stage.maya)
    with time_machine.travel(stage.lesson.end_at + HOUR):
        sent = {"statement": WORDS, "kind": "safety"}
        assert client.post(f"/lessons/{stage.code}/report/", sent).status_code == 303
    assert LessonReport.objects.get().is_unsafe
    assert Block.objects.filter(by=stage.maya, person=stage.andre).exists()

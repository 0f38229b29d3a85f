"""Lessons in the admin: found by code, changed only through services (P21, P22)."""

from collections.abc import Iterable
from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.admin import HoursForm
from accounts.models import User, UserGrant
from accounts.staff_admin import (
    ObjectAction,
    ReasonForm,
    StaffAdmin,
    StaffQueue,
    Waiting,
    staff_site,
    waiting_of,
)
from accounts.support_access import take_support_access
from bookings.lessons.cancellation import MANAGE_ALL, StaffSplit, cancel_as_staff
from bookings.lessons.emergencies import ANSWER_MAX, WORDS_MIN, decline_request
from bookings.lessons.goodwill import emergency_offer, excuse_emergency
from bookings.lessons.models import (
    Booking,
    BookingGrant,
    EmergencyRequest,
    LessonReport,
    ReportEvidence,
    Strike,
)
from bookings.lessons.reports import decide_report
from bookings.lessons.states import Status, sources_of
from bookings.lessons.strikes import withdraw_strike
from bookings.lessons.transitions import current_status
from bookings.payments.selectors import payment_summary
from instainstru import clock
from instainstru.form_fields import PlainTextField
from instainstru.templatetags.ui import money_exact

VIEW = "bookings.view_all"
# Dollars and cents of more than any lesson costs; 1e999999999 would not become cents.
MOST_DIGITS = 9


class SplitForm(ReasonForm):
    """How much goes back; empty gives everything back."""

    card = forms.DecimalField(
        label="Back to the card, in dollars",
        min_value=0,
        max_digits=MOST_DIGITS,
        decimal_places=2,
        required=False,
    )
    credit = forms.DecimalField(
        label="As credit, in dollars",
        min_value=0,
        max_digits=MOST_DIGITS,
        decimal_places=2,
        required=False,
        help_text="Leave both empty to give everything back the way it was paid.",
    )
    field_order = ("card", "credit", "reason")


class DecisionForm(ReasonForm):
    """How a lesson under review ends."""

    status = forms.ChoiceField(
        label="What happened",
        choices=[
            (Status.COMPLETED.value, "The lesson took place"),
            (Status.NO_SHOW_STUDENT.value, "The student did not come: the price is kept"),
            (Status.NO_SHOW_INSTRUCTOR.value, "The instructor did not come: all back, and a gift"),
        ],
    )
    field_order = ("status", "reason")


def _cancel(by: User, booking: Booking, given: dict[str, Any]) -> None:
    split = None
    if given["card"] is not None or given["credit"] is not None:
        split = StaffSplit(int((given["card"] or 0) * 100), int((given["credit"] or 0) * 100))
    cancel_as_staff(by=by, code=booking.code or "", reason=given["reason"], staff_split=split)


def _excuse(by: User, booking: Booking, given: dict[str, Any]) -> None:
    excuse_emergency(by=by, code=booking.code or "", reason=given["reason"])


def _open(by: User, booking: Booking, given: dict[str, Any]) -> None:
    assert booking.student is not None  # noqa: S101 - offered for lessons that have one
    take_support_access(
        by=by, on=booking, owner=booking.student, hours=given["hours"], reason=given["reason"]
    )


def _is_open_to(by: User, booking: Booking) -> bool:
    """Tell whether a support access to this lesson, or to its student's account, lives (S5.5)."""
    if booking.student_id is None or not by.has_perm("accounts.users.manage"):
        return False
    own = BookingGrant.objects.live().held_by(by).filter(content_object=booking)
    account = UserGrant.objects.live().held_by(by).filter(content_object=booking.student_id)
    return own.exists() or account.exists()


def _decide(by: User, booking: Booking, given: dict[str, Any]) -> None:
    decide_report(
        by=by, code=booking.code or "", status=Status(given["status"]), reason=given["reason"]
    )


@admin.register(Booking)
class BookingAdmin(StaffAdmin):
    """Every lesson; who looks at one is written down (Spec: S5.7)."""

    view_permissions = (VIEW,)
    is_read_recorded = True
    list_display = (
        "__str__",
        "status",
        "service_name",
        "instructor",
        "student_id_shown",
        "begins",
        "total",
    )
    list_filter = ("status", "modality", "start_at")
    list_select_related = ("instructor", "student")
    search_fields = ("=code", "=hold_id", "=instructor__slug", "=student__public_id")
    search_help_text = "Lesson code, hold, the instructor's address, or the student's id."
    ordering = ("-start_at",)
    date_hierarchy = "start_at"
    fields = (
        "code", "status", "purpose", "service_name", "instructor", "student_id_shown", "begins",
        "duration_minutes", "modality", "neighborhood", "total", "fee_pct", "policy", "revision",
        "ics_sequence", "is_late_move", "created_at", "confirmed_at", "expires_at", "completed_at",
        "cancelled_at", "payment", "place_and_words",
    )  # fmt: skip
    readonly_fields = fields
    object_actions = (
        ObjectAction(
            "cancel", "Cancel and refund", MANAGE_ALL, _cancel, is_danger=True,
            form=SplitForm,
            note="Everything goes back unless you say how much. Both sides get a mail.",
            done="The lesson is canceled and the refund is ordered.",
            is_offered=lambda _by, row: current_status(row, clock.now()) in sources_of("T10"),
        ),
        ObjectAction(
            "emergency", "Excuse as an emergency", MANAGE_ALL, _excuse,
            note="The student canceled late or did not come because of an emergency. Everything "
            "goes back, and the instructor earns nothing. The student gets a mail.",
            done="Everything goes back to the student.",
            is_offered=lambda _by, row: emergency_offer(row, clock.now()) is not None,
        ),
        ObjectAction(
            "support-access", "Open as support", "users.manage", _open, form=HoursForm,
            note="For some hours you see where this lesson is and what was written about it. "
            "The student gets a mail and can end it at any time.",
            done="You can see the place and the words of this lesson now.",
            is_offered=lambda by, row: row.code is not None
            and by.pk not in {row.student_id, row.instructor.user_id}
            and not _is_open_to(by, row),
        ),
        ObjectAction(
            "decide", "Decide the report", MANAGE_ALL, _decide, form=DecisionForm,
            note="Read both sides under Lesson reports first. Both sides get a mail.",
            done="The report is decided.",
            is_offered=lambda _by, row: row.status == Status.REPORTED,
        ),
    )  # fmt: skip

    def parties(self, row: Booking) -> Iterable[int | None]:
        """Return the student and the instructor."""
        return (row.student_id, row.instructor.user_id)

    def subject_of(self, row: Booking) -> User | None:
        """Return the student."""
        return row.student

    def get_object(self, request: HttpRequest, *args: Any) -> Booking | None:
        """Return the lesson, with whether its place and words are open to who looks."""
        booking: Any = super().get_object(request, *args)
        if booking is not None:
            booking.is_open_to_reader = _is_open_to(cast("User", request.user), booking)
        return cast("Booking | None", booking)

    @admin.display(description="Place and words")
    def place_and_words(self, booking: Booking) -> str | SafeString:
        """Address, note and reason, while a support access lives (Spec: S5.5, S5.7)."""
        if not getattr(booking, "is_open_to_reader", False):
            return "hidden; open the lesson as support to see the address and what was written"
        lines = (booking.address, booking.note, booking.cancel_reason)
        return format_html_join("", "<p>{}</p>", ((line,) for line in lines if line)) or "nothing"

    @admin.display(description="Student")
    def student_id_shown(self, booking: Booking) -> str | SafeString:
        """The student's public id, which leads to their account."""
        if booking.student is None:
            return "a guest"
        address = reverse("admin:accounts_user_change", args=[booking.student_id])
        return format_html('<a href="{}">{}</a>', address, booking.student.public_id)

    @admin.display(description="Begins", ordering="start_at")
    def begins(self, booking: Booking) -> str:
        """The start on the instructor's clock."""
        return f"{booking.start_at.astimezone(ZoneInfo(booking.zone)):%a, %b %d, %Y %I:%M %p %Z}"

    @admin.display(description="Total")
    def total(self, booking: Booking) -> str:
        """Lesson and travel."""
        return money_exact(booking.total_cents)

    @admin.display(description="Payment")
    def payment(self, booking: Booking) -> str:
        """What was paid and what went back."""
        paid = payment_summary(booking.pk)
        if paid is None:
            return "not paid"
        back = paid.refunded_cents + paid.returned_credit_cents
        return (
            f"{money_exact(paid.paid_cents)} by card, {money_exact(paid.credit_cents)} by credit; "
            f"{money_exact(back)} given back"
        )


def _lesson_link(booking: Booking) -> SafeString:
    address = reverse("admin:lessons_booking_change", args=[booking.pk])
    return format_html('<a href="{}">{}</a>', address, booking.code)


def _piece(item: ReportEvidence) -> tuple[str, str | SafeString]:
    """Return who added a piece of evidence, and its words or the way to its picture."""
    if item.picture is None:
        return item.get_side_display(), item.statement
    if not item.picture.is_there:
        return item.get_side_display(), "a picture that was removed"
    address = reverse("lessons:report-picture", args=[item.picture.name, max(item.picture.sizes)])
    link = format_html('<a href="{}">picture {}</a>', address, item.number)
    return item.get_side_display(), link


@admin.register(LessonReport)
class LessonReportAdmin(StaffAdmin):
    """What both sides say about a lesson; it is decided on the lesson's page (T14)."""

    view_permissions = (VIEW,)
    is_read_recorded = True
    list_display = ("booking", "kind", "opened_by", "created_at", "answered_at", "outcome")
    list_filter = ("is_unsafe", "kind", "opened_by", "outcome", "created_at")
    list_select_related = ("booking",)
    search_fields = ("=booking__code",)
    search_help_text = "Lesson code."
    ordering = ("-created_at",)
    fields = (
        "lesson", "kind", "is_unsafe", "opened_by", "statement", "created_at", "answer_by_at",
        "answer", "answered_at", "evidence", "outcome", "decided_at",
    )  # fmt: skip
    readonly_fields = fields

    def parties(self, row: LessonReport) -> Iterable[int | None]:
        """Return the student and the instructor."""
        return (row.booking.student_id, row.booking.instructor.user_id)

    def subject_of(self, row: LessonReport) -> User | None:
        """Return who reported."""
        return row.reporter

    @admin.display(description="Evidence")
    def evidence(self, report: LessonReport) -> str | SafeString:
        """What both sides added, the oldest first; opening a picture is written down."""
        rows = report.evidence.select_related("picture").order_by("pk")
        return format_html_join("", "<p>{}: {}</p>", map(_piece, rows)) or "nothing"

    @admin.display(description="Lesson")
    def lesson(self, report: LessonReport) -> SafeString:
        """The lesson, where the decision is made."""
        return _lesson_link(report.booking)


class DeclineForm(ReasonForm):
    """What the student reads when their emergency is not excused."""

    answer = PlainTextField(
        label="Answer to the student",
        min_length=WORDS_MIN,
        max_length=ANSWER_MAX,
        has_lines=True,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=f"{WORDS_MIN} to {ANSWER_MAX:,} characters. They get it by mail.",
    )
    field_order = ("answer", "reason")


def _decline(by: User, asked: EmergencyRequest, given: dict[str, Any]) -> None:
    code = asked.booking.code or ""
    decline_request(by=by, code=code, answer=given["answer"], reason=given["reason"])


@admin.register(EmergencyRequest)
class EmergencyRequestAdmin(StaffAdmin):
    """Students who ask for their money because of an emergency (C8)."""

    view_permissions = (VIEW,)
    is_read_recorded = True
    list_display = ("booking", "created_at", "outcome", "decided_at")
    list_filter = ("outcome", "created_at")
    list_select_related = ("booking",)
    search_fields = ("=booking__code",)
    search_help_text = "Lesson code."
    ordering = ("-created_at",)
    fields = ("lesson", "statement", "created_at", "offer", "outcome", "answer", "decided_at")
    readonly_fields = fields
    object_actions = (
        ObjectAction(
            "excuse", "Give everything back", MANAGE_ALL,
            lambda by, row, given: _excuse(by, row.booking, given),
            note="The instructor earns nothing for the lesson. Both sides get a mail.",
            done="Everything goes back to the student.",
            is_offered=lambda _by, row: row.outcome == ""
            and emergency_offer(row.booking, clock.now()) is not None,
        ),
        ObjectAction(
            "decline", "Decline", MANAGE_ALL, _decline, form=DeclineForm,
            note="The lesson stays as it was settled. The student gets your answer by mail.",
            done="The student was told.",
            is_offered=lambda _by, row: row.outcome == "",
        ),
    )  # fmt: skip

    def parties(self, row: EmergencyRequest) -> Iterable[int | None]:
        """Return the student and the instructor."""
        return (row.booking.student_id, row.booking.instructor.user_id)

    def subject_of(self, row: EmergencyRequest) -> User | None:
        """Return the student."""
        return row.booking.student

    @admin.display(description="Lesson")
    def lesson(self, asked: EmergencyRequest) -> SafeString:
        """The lesson, with what was paid."""
        return _lesson_link(asked.booking)

    @admin.display(description="Can be given back")
    def offer(self, asked: EmergencyRequest) -> str:
        """What goes back if the student is excused now."""
        due = emergency_offer(asked.booking, clock.now())
        if due is None:
            return "nothing any more"
        card, credit = money_exact(due.card_refund_cents), money_exact(due.credit_cents)
        return f"{card} by card, {credit} by credit"


def _withdraw(by: User, strike: Strike, given: dict[str, Any]) -> None:
    withdraw_strike(by=by, strike_id=strike.pk, reason=given["reason"])


@admin.register(Strike)
class StrikeAdmin(StaffAdmin):
    """Marks against instructors, and what they say about them (S15.15)."""

    view_permissions = (VIEW,)
    is_read_recorded = True
    list_display = ("instructor", "reason", "booking", "created_at", "disputed_at", "withdrawn_at")
    list_filter = ("reason", "created_at", "disputed_at", "withdrawn_at")
    list_select_related = ("instructor", "booking")
    search_fields = ("=instructor__slug", "=booking__code")
    search_help_text = "The instructor's address, or a lesson code."
    ordering = ("-created_at",)
    fields = (
        "instructor", "booking", "reason", "created_at", "dispute", "disputed_at", "withdrawn_at",
    )  # fmt: skip
    readonly_fields = fields
    object_actions = (
        ObjectAction(
            "withdraw", "Take the strike back", MANAGE_ALL, _withdraw,
            done="The strike counts no more.",
            is_offered=lambda _by, row: row.withdrawn_at is None,
        ),
    )  # fmt: skip

    def parties(self, row: Strike) -> Iterable[int | None]:
        """Return the instructor."""
        return (row.instructor.user_id,)

    def subject_of(self, row: Strike) -> User | None:
        """Return the instructor's person."""
        return row.instructor.user


def _reported() -> Waiting:
    return waiting_of(Booking.objects.filter(status=Booking.Status.REPORTED), since="end_at")


def _unsafe() -> Waiting:
    return waiting_of(LessonReport.objects.filter(is_unsafe=True, outcome=""))


def _disputed() -> Waiting:
    rows = Strike.objects.filter(disputed_at__isnull=False, withdrawn_at__isnull=True)
    return waiting_of(rows, since="disputed_at")


def _asked() -> Waiting:
    return waiting_of(EmergencyRequest.objects.filter(outcome=""))


def _list_of(kind: str, query: str) -> str:
    return f"{reverse(f'admin:lessons_{kind}_changelist')}?{query}"


for label, address, waiting in (
    ("Safety reports", lambda: _list_of("lessonreport", "is_unsafe__exact=1"), _unsafe),
    ("Reported lessons", lambda: _list_of("booking", "status__exact=reported"), _reported),
    ("Emergencies", lambda: _list_of("emergencyrequest", "outcome__exact="), _asked),
    ("Disputed strikes", lambda: _list_of("strike", "disputed_at__isnull=False"), _disputed),
):
    staff_site().register_queue(StaffQueue(label, MANAGE_ALL, address, waiting))

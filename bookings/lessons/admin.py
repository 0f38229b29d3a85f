"""Lessons in the admin: found by code, changed only through services (P21, P22)."""

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from accounts.staff_admin import (
    ObjectAction,
    StaffAdmin,
    StaffQueue,
    Waiting,
    staff_site,
    waiting_of,
)
from bookings.lessons.cancellation import MANAGE_ALL, cancel_as_staff, current_status
from bookings.lessons.models import Booking
from bookings.lessons.states import Status
from bookings.payments.selectors import payment_summary
from instainstru import clock
from instainstru.templatetags.ui import money_exact

VIEW = "bookings.view_all"


def _cancel(by: User, booking: Booking, given: dict[str, Any]) -> None:
    cancel_as_staff(by=by, code=booking.code or "", reason=given["reason"])


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
        "cancelled_at", "cancel_reason", "payment",
    )  # fmt: skip
    readonly_fields = fields
    object_actions = (
        ObjectAction(
            "cancel", "Cancel and refund", MANAGE_ALL, _cancel, is_danger=True,
            note="Everything goes back to the student's card and credit. Both sides get a mail.",
            done="The lesson is canceled and the refund is ordered.",
            is_offered=lambda _by, row: current_status(row, clock.now()) is Status.CONFIRMED,
        ),
    )  # fmt: skip

    def parties(self, row: Booking) -> Iterable[int | None]:
        """Return the student and the instructor."""
        return (row.student_id, row.instructor.user_id)

    def subject_of(self, row: Booking) -> User | None:
        """Return the student."""
        return row.student

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


def _reported() -> Waiting:
    return waiting_of(Booking.objects.filter(status=Booking.Status.REPORTED), since="end_at")


staff_site().register_queue(
    StaffQueue(
        "Reported lessons",
        MANAGE_ALL,
        lambda: f"{reverse('admin:lessons_booking_changelist')}?status__exact=reported",
        _reported,
    )
)

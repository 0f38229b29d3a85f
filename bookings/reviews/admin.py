"""Reviews in the admin: read, hidden and brought back (P25)."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin

from accounts.models import User
from accounts.staff_admin import ObjectAction, StaffAdmin
from bookings.reviews.models import Review
from bookings.reviews.moderation import MODERATE, hide_review, restore_review


def _hide(by: User, review: Review, given: dict[str, Any]) -> None:
    hide_review(by=by, review_id=review.pk, reason=given["reason"])


def _restore(by: User, review: Review, given: dict[str, Any]) -> None:
    restore_review(by=by, review_id=review.pk, reason=given["reason"])


@admin.register(Review)
class ReviewAdmin(StaffAdmin):
    """What students say; the words stay as they are."""

    view_permissions = (MODERATE,)
    list_display = ("public_id", "instructor", "service", "overall", "is_hidden", "created_at")
    list_filter = ("is_hidden", "overall", "is_no_show", "created_at")
    list_select_related = ("instructor", "service")
    search_fields = ("=public_id", "=booking__code", "=instructor__slug", "text")
    search_help_text = "Review id, lesson code, the instructor's address, or words."
    ordering = ("-created_at",)
    fields = (
        "public_id", "booking", "instructor", "service", "overall", "clarity", "punctuality",
        "preparation", "text", "reply", "staff_note", "is_no_show", "created_at", "revealed_at",
        "is_hidden", "hidden_at", "hidden_reason",
    )  # fmt: skip
    readonly_fields = fields
    object_actions = (
        ObjectAction(
            "hide", "Hide", MODERATE, _hide, is_danger=True, done="Nobody else sees it any more.",
            is_offered=lambda _by, review: not review.is_hidden,
        ),
        ObjectAction(
            "restore", "Show again", MODERATE, _restore, done="Everybody sees it again.",
            is_offered=lambda _by, review: review.is_hidden,
        ),
    )  # fmt: skip

    def parties(self, row: Review) -> Iterable[int | None]:
        """Return the writer and the instructor."""
        return (row.student_id, row.instructor.user_id)

    def subject_of(self, row: Review) -> User:
        """Return the writer."""
        return row.student

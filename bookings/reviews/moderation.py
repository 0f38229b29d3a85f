"""Staff hide a review from everybody, or bring it back (P25; Spec: S5.9, S5.10, S11.13)."""

from django.db import transaction

from accounts.audit import checked_reason, record_event
from accounts.models import User
from accounts.permissions import require_permission, require_uninvolved
from bookings.reviews.models import Review
from instainstru import clock
from instainstru.errors import ConflictError
from instainstru.page_store.versions import CATALOGUE, bump

MODERATE = "reviews.moderate"
SHORT_REASON = 300


@transaction.atomic
def hide_review(*, by: User, review_id: int, reason: str) -> Review:
    """Take a review out of lists and averages; its writer still sees it.

    Raises:
        ForbiddenError: ``by`` may not moderate, or wrote the review or is its instructor.
        ConflictError: It is hidden already, with the moment of that decision.
        ValidationFailedError: The reason has fewer than 10 or more than 500 characters.
    """
    review = _locked(by, review_id)
    text = checked_reason(reason)
    if review.is_hidden:
        raise ConflictError(f"Somebody has hidden it already: {review.hidden_reason}")
    _switch(by, review, is_hidden=True, reason=text)
    return review


@transaction.atomic
def restore_review(*, by: User, review_id: int, reason: str) -> Review:
    """Show a hidden review again; raises like :func:`hide_review`."""
    review = _locked(by, review_id)
    text = checked_reason(reason)
    if not review.is_hidden:
        raise ConflictError("Everybody sees this review already.")
    _switch(by, review, is_hidden=False, reason=text)
    return review


def _locked(by: User, review_id: int) -> Review:
    require_permission(by, MODERATE)
    rows = Review.objects.select_related("instructor", "student")
    review = rows.select_for_update(of=("self",)).get(pk=review_id)
    require_uninvolved(by, review.student_id, review.instructor.user_id)
    return review


def _switch(by: User, review: Review, *, is_hidden: bool, reason: str) -> None:
    now = clock.now()
    review.is_hidden = is_hidden
    review.hidden_at = now if is_hidden else None
    review.hidden_reason = reason[:SHORT_REASON] if is_hidden else ""
    review.changed_at = now
    review.save(update_fields=["is_hidden", "hidden_at", "hidden_reason", "changed_at"])
    record_event(
        "review.hidden" if is_hidden else "review.restored",
        by=by,
        on=review,
        subject=review.student,
        before={"is_hidden": not is_hidden},
        after={"is_hidden": is_hidden},
        reason=reason,
    )
    bump(CATALOGUE)

"""What staff decide about the things people sent (Spec: S5.9, S5.10)."""

from django.db import transaction

from accounts.audit import checked_reason, record_event, reference_of
from accounts.models import AuditEvent, User
from accounts.permissions import require_uninvolved
from catalog.models import Queued
from instainstru import clock
from instainstru.errors import ConflictError


@transaction.atomic
def decide(row: Queued, *, by: User, is_done: bool, reason: str) -> None:
    """Mark a row as done or open it again, and write down who said so and why.

    Raises:
        ConflictError: Somebody was faster; the message says who, and what they decided.
        ForbiddenError: The row is a report by ``by`` or about them.
        ValidationFailedError: The reason has fewer than 10 or more than 500 characters.
    """
    require_uninvolved(by, *row.parties())
    text = checked_reason(reason)
    rows = type(row)._default_manager.filter(  # noqa: SLF001 - the model is any of the lists
        pk=row.pk, handled_at__isnull=is_done
    )
    if not rows.update(handled_at=clock.now() if is_done else None):
        raise ConflictError(_decided(row, is_done=is_done))
    record_event(
        "inbox.done" if is_done else "inbox.reopened",
        by=by,
        on=row,
        before={"is_done": not is_done},
        after={"is_done": is_done},
        reason=text,
    )


def _decided(row: Queued, *, is_done: bool) -> str:
    """Tell the second one what the first one decided. Spec: S5.10."""
    state = "done" if is_done else "open"
    first = (
        AuditEvent.objects.filter(
            object_kind=type(row).__name__.lower(), object_id=reference_of(row)
        )
        .select_related("actor")
        .order_by("-at", "-pk")
        .first()
    )
    if first is None or first.actor is None:
        return f"This is {state} already."
    return f"{first.actor.short_name} has marked this as {state} already: {first.reason}"

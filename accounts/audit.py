"""Write what staff did, in the transaction that does it (Spec: S5.4, S5.7, S5.9)."""

from typing import Any

from django.db import connection, models
from django.db.transaction import TransactionManagementError

from accounts.models import AuditEvent, User
from accounts.models.audit import REASON_MAX, REASON_MIN
from instainstru.errors import ValidationFailedError
from instainstru.form_fields import LINE_CHARACTERS, has_control_character
from instainstru.page_store.versions import bump, of_person
from instainstru.request_facts import request_facts

Facts = dict[str, Any] | None


def record_event(
    action: str,
    *,
    by: User | None,
    on: models.Model,
    subject: User | None = None,
    before: Facts = None,
    after: Facts = None,
    reason: str | None = None,
) -> AuditEvent:
    """Append one row in the caller's transaction; ``by`` is None for the system itself.

    ``on`` is what was acted on, ``subject`` the person whom it concerns (``on`` itself when that
    is a person); kept copies of their pages are outdated. ``before`` and ``after`` hold states and
    codes, never names or addresses. A write by staff always gives its ``reason``; only reads and
    what owners do themselves go without. Spec: S5.9.

    Raises:
        ValidationFailedError: The reason is shorter than 10 or longer than 500 characters.
        TransactionManagementError: There is no transaction to belong to.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("An audit row belongs to the transaction of its change.")
    facts = request_facts()
    concerned = on if isinstance(on, User) and subject is None else subject
    if concerned is not None:
        bump(of_person(concerned.pk))
    return AuditEvent.objects.create(
        actor=by,
        subject=concerned,
        action=action,
        object_kind=type(on).__name__.lower(),
        object_id=reference_of(on),
        before=before,
        after=after,
        reason="" if reason is None else checked_reason(reason),
        request_id=facts.request_id,
        ip_hash=facts.ip_hash,
    )


def told_decision(sentence: str, on: models.Model, *actions: str) -> str:
    """Return a refusal that names who was first, and why: the newest of some acts on a row.

    Only the sentence while nobody of the staff did it. Spec: S5.10
    """
    rows = AuditEvent.objects.filter(
        object_kind=type(on).__name__.lower(), object_id=reference_of(on), action__in=actions
    )
    first = rows.select_related("actor").order_by("-at", "-pk").first()
    if first is None or first.actor is None:
        return sentence
    return f"{sentence} {first.actor.short_name} was first: {first.reason}"


def checked_reason(reason: str) -> str:
    """Return the reason without outer spaces; raises ``ValidationFailedError``.

    Wrong are its length and characters that nobody can see. Spec: S5.9, S17.3.
    """
    text = reason.strip()
    if has_control_character(text, allowed=LINE_CHARACTERS):
        sentence = "Remove the characters that can't be shown."
        raise ValidationFailedError(sentence, fields={"reason": sentence})
    if REASON_MIN <= len(text) <= REASON_MAX:
        return text
    sentence = f"Give a reason of {REASON_MIN} to {REASON_MAX} characters."
    raise ValidationFailedError(sentence, fields={"reason": sentence})


def reference_of(row: models.Model) -> str:
    """Return the name by which people know a row: its code or public id, else its key."""
    names = (getattr(row, name, None) for name in ("code", "public_id", "slug", "pk"))
    return str(next(name for name in names if name))

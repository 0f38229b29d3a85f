"""Support opens one account or one lesson for some hours, and everybody can see that (S5.5, S5.7).

The agent takes the access with a reason; the person it belongs to is told by mail, sees it on the
page of who has access, and can end it. It ends by itself at its hour, whatever jobs run.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.urls import reverse

from accounts.grants import end_grant, give_grant
from accounts.mail import write_mail
from accounts.models import AuditEvent, Grant, Invitation, User
from accounts.models.grants import SUPPORT_ACCESS_MAX
from accounts.permissions import require_permission
from instainstru import clock
from instainstru.errors import ConflictError, ForbiddenError, ValidationFailedError

PERMISSION = "users.manage"
QUIET_AFTER_REFUSAL = timedelta(hours=24)
ENDED = "support_access.ended"


@transaction.atomic
def take_support_access(*, by: User, on: Model, owner: User, hours: int, reason: str) -> Grant:
    """Open an account (``on`` is the owner) or a lesson for at most 24 hours.

    Taking it again prolongs it. Spec: S5.5.

    Raises:
        ForbiddenError: ``by`` may not manage users, or the owner is ``by`` or staff.
        ConflictError: The owner ended such an access less than 24 hours ago.
        ValidationFailedError: Not 1 to 24 hours, or a reason of the wrong length.
    """
    require_permission(by, PERMISSION)
    if owner.pk == by.pk or owner.is_staff:
        raise ForbiddenError("Accounts of staff are not opened, and nobody opens their own.")
    if not timedelta(hours=1) <= timedelta(hours=hours) <= SUPPORT_ACCESS_MAX:
        sentence = "Choose 1 to 24 hours."
        raise ValidationFailedError(sentence, fields={"hours": sentence})
    now = clock.now()
    refusals = AuditEvent.objects.filter(
        action=ENDED, subject=owner, actor=owner, at__gt=now - QUIET_AFTER_REFUSAL
    )
    if refusals.exists():
        raise ConflictError(f"{owner.short_name} ended support access today. Ask them first.")
    grant = give_grant(
        by=by, to=by, on=on, owner=owner, expires_at=now + timedelta(hours=hours), reason=reason
    )
    _tell(owner, grant)
    return grant


@transaction.atomic
def end_support_access(grants: Iterable[Grant], *, by: User, owner: User) -> None:
    """End accesses at once, by the owner or by the agent who took them."""
    for grant in grants:
        if by.pk not in {owner.pk, grant.user_id}:
            raise ForbiddenError("Only the owner and the agent end this access.")
        end_grant(grant, by=by, owner=owner)


def forget_ended(now: datetime | None = None, *, batch: int = 500) -> int:
    """Take away grants that ended by themselves, with an audit row each, and old invitations.

    Nothing depends on when this runs: ended rows count for nothing. Returns the rows taken.
    """
    now, gone = now or clock.now(), 0
    for table in Grant.__subclasses__():
        with transaction.atomic():
            rows: Any = table.objects.filter(expires_at__lte=now).order_by("pk")
            for grant in rows.select_for_update(skip_locked=True, of=("self",))[:batch]:
                end_grant(grant, by=None, owner=owner_of(grant), how="expired")
                gone += 1
    for asked in Invitation.__subclasses__():
        gone += asked.objects.filter(expires_at__lte=now).delete()[0]
    return gone


def owner_of(grant: Grant) -> User:
    """Return whose account or lesson an access opens."""
    row = grant.content_object
    return row if isinstance(row, User) else row.student


def _tell(owner: User, grant: Grant) -> None:
    is_account = isinstance(grant.content_object, User)
    write_mail(
        "support_access",
        to=owner.email,
        subject=f"Support opened your {'account' if is_account else 'lesson'}",
        is_account=is_account,
        agent=grant.user.short_name,
        until=grant.expires_at,
        url=settings.SITE_URL + reverse("access"),
    )

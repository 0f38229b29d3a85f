"""Writing and ending grants: a row, and an audit row beside it (Spec: S5.5)."""

from datetime import datetime
from typing import cast

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import models
from guardian.utils import get_user_obj_perms_model

from accounts.audit import checked_reason, record_event
from accounts.models import Grant, User
from instainstru import clock


def give_grant(
    *,
    by: User,
    to: User,
    on: models.Model,
    owner: User,
    expires_at: datetime | None = None,
    reason: str | None = None,
) -> Grant:
    """Let ``to`` do what the table of ``on`` allows; call it in a transaction.

    An ended grant that no job took away begins anew. ``reason`` is given by staff only.
    """
    table = cast("type[Grant]", get_user_obj_perms_model(on))
    permission = Permission.objects.get(
        content_type=ContentType.objects.get_for_model(on), codename=table.codename
    )
    values = {
        "granted_by": by,
        "granted_at": clock.now(),
        "expires_at": expires_at,
        "reason": "" if reason is None else checked_reason(reason),
    }
    grant: Grant
    grant, _ = table.objects.update_or_create(
        content_object=on, user=to, permission=permission, defaults=values
    )
    after = {"to": to.public_id, "until": expires_at.isoformat() if expires_at else None}
    record_event(f"{table.codename}.given", by=by, on=on, subject=owner, after=after, reason=reason)
    return grant


def end_grant(grant: Grant, *, by: User | None, owner: User, how: str = "ended") -> None:
    """Take a grant away; the holder's next request is made without it. ``by`` None: by itself."""
    grant.delete()
    record_event(
        f"{grant.codename}.{how}",
        by=by,
        on=grant.content_object,
        subject=owner,
        before={"to": grant.user.public_id},
    )

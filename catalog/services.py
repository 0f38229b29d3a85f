"""What may be done with the catalogue and the profiles in it."""

from datetime import date

from django.db import connection, transaction

from accounts.audit import record_event, told_decision
from accounts.models import User
from accounts.permissions import require_permission, require_uninvolved
from catalog.models import Instructor, InstructorSlugAlias
from catalog.text import slug_of
from instainstru import clock
from instainstru.errors import ConflictError, ValidationFailedError
from instainstru.page_store.versions import CATALOGUE, bump

# One rename at a time: present and former slugs live in two tables.
_RENAME_LOCK = 0x11CA7A11


@transaction.atomic
def rename_instructor(*, instructor_id: int, slug: str) -> Instructor:
    """Give a profile another slug; the old one leads to it for ever. Spec: G10, S10.3.

    Taking back one of its own former slugs is allowed. Raises ``ValidationFailedError`` (422) when
    ``slug`` is not lower-case ASCII words, ``ConflictError`` (409) when it is or was somebody
    else's.
    """
    longest = Instructor._meta.get_field("slug").max_length  # noqa: SLF001 - Django's public Meta API
    if not slug or slug != slug_of(slug) or len(slug) > (longest or 0):
        text = "Use lower-case letters, digits and dashes."
        raise ValidationFailedError(text, fields={"slug": text})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_RENAME_LOCK])
    instructor = Instructor.objects.select_for_update().get(pk=instructor_id)
    old_slug = instructor.slug
    if slug == old_slug:
        return instructor
    others = Instructor.objects.filter(slug=slug)
    former = InstructorSlugAlias.objects.filter(slug=slug).exclude(instructor=instructor)
    if others.exists() or former.exists():
        raise ConflictError("This address is taken. Choose another one.", code="slug_taken")
    InstructorSlugAlias.objects.filter(slug=slug).delete()
    instructor.slug = slug
    instructor.save(update_fields=["slug"])
    InstructorSlugAlias.objects.create(slug=old_slug, instructor=instructor)
    bump(CATALOGUE)
    return instructor


@transaction.atomic
def record_background_check(
    *, by: User, instructor_id: int, checked_on: date, reason: str
) -> Instructor:
    """Write down that an instructor passed a background check on a New York date.

    Raises ``ForbiddenError`` without ``instructors.verify`` and for one's own profile,
    ``ValidationFailedError`` for a date in the future or a reason of the wrong length,
    ``ConflictError`` when a newer check is known already. Spec: S15.10, S5.9, S5.10.
    """
    require_permission(by, "instructors.verify")
    instructor = Instructor.objects.select_for_update().get(pk=instructor_id)
    require_uninvolved(by, instructor.user_id)
    if checked_on > clock.now().astimezone(clock.NEW_YORK).date():
        text = "The check cannot have been passed in the future."
        raise ValidationFailedError(text, fields={"checked_on": text})
    known = instructor.background_checked_on
    if known is not None and known >= checked_on:
        raise ConflictError(f"A check of {known:%B} {known.day}, {known.year} is known already.")
    instructor.background_checked_on = checked_on
    instructor.save(update_fields=["background_checked_on"])
    record_event(
        "instructor.checked",
        by=by,
        on=instructor,
        subject=instructor.user,
        before={"background_checked_on": known and known.isoformat()},
        after={"background_checked_on": checked_on.isoformat()},
        reason=reason,
    )
    bump(CATALOGUE)
    return instructor


@transaction.atomic
def suspend_instructor(instructor_id: int, *, by: User | None, reason: str) -> Instructor:
    """Take a live or paused profile out of search and bookings; ``by`` is None for the system.

    Lessons to come are cancelled by a job of the lessons. Raises ``ForbiddenError`` without
    ``instructors.verify`` and for one's own profile, ``ConflictError`` in another state.
    Spec: S15.2, 05 section 4.
    """
    live = {Instructor.Status.LIVE, Instructor.Status.PAUSED}
    return _switch(instructor_id, live, Instructor.Status.SUSPENDED, by=by, reason=reason)


@transaction.atomic
def reinstate_instructor(instructor_id: int, *, by: User, reason: str) -> Instructor:
    """Let a suspended profile be found and booked again; raises like suspending. Spec: S15.2."""
    suspended = {Instructor.Status.SUSPENDED}
    return _switch(instructor_id, suspended, Instructor.Status.LIVE, by=by, reason=reason)


def _switch(
    instructor_id: int,
    allowed: set[Instructor.Status],
    status: Instructor.Status,
    *,
    by: User | None,
    reason: str,
) -> Instructor:
    instructor = Instructor.objects.select_for_update().get(pk=instructor_id)
    if by is not None:
        require_permission(by, "instructors.verify")
        require_uninvolved(by, instructor.user_id)
    before = instructor.status
    if before not in allowed:
        words = f"This profile is {instructor.get_status_display().lower()}."
        raise ConflictError(told_decision(words, instructor, f"instructor.{before}"))
    instructor.status = status
    instructor.save(update_fields=["status"])
    record_event(
        f"instructor.{status.value}",
        by=by,
        on=instructor,
        subject=instructor.user,
        before={"status": before},
        after={"status": status.value},
        reason=reason,
    )
    bump(CATALOGUE)
    return instructor

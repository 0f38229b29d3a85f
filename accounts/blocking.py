"""One person shuts another out: no new lessons and no messages, either way (Spec: S5.8)."""

from django.db import transaction

from accounts.models import Block, User
from instainstru.errors import ConflictError
from instainstru.page_store.versions import bump, of_person


@transaction.atomic
def block_person(*, by: User, person: User) -> None:
    """Shut somebody out at once; twice is once. Lessons that are booked stand.

    Raises ``ConflictError`` for oneself.
    """
    if by.pk == person.pk:
        raise ConflictError("Nobody blocks themselves.")
    Block.objects.get_or_create(by=by, person=person)
    bump(of_person(by.pk), of_person(person.pk))


@transaction.atomic
def unblock_person(*, by: User, person: User) -> None:
    """Take one's own block back; what the other one blocked stays."""
    Block.objects.filter(by=by, person=person).delete()
    bump(of_person(by.pk), of_person(person.pk))

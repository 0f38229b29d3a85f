"""The people somebody takes lessons for: adding, changing, removing (Spec: 02 section 5).

Apps above register what keeps a learner from being removed, such as lessons to come::

    learners.register_removal_check(refuse_with_lessons)
"""

from collections.abc import Callable

from django.db import transaction
from django.db.models import ProtectedError

from accounts.grants import end_grant
from accounts.models import Learner, LearnerGrant, LearnerInvitation, User
from instainstru import clock
from instainstru.errors import ConflictError, NotFoundError

MOST_LEARNERS = 10
FIRST_BIRTH_YEAR = 1900

RemovalCheck = Callable[[Learner], None]
_removal_checks: list[RemovalCheck] = []


class TooManyLearnersError(ConflictError):
    """Nobody manages more than ten learners."""

    code = "too_many_learners"

    def __init__(self) -> None:
        super().__init__(f"You have {MOST_LEARNERS} learners, which is the most. Remove one first.")


def register_removal_check(check: RemovalCheck) -> None:
    """Call ``check(learner)`` before a removal; it raises ``ConflictError`` to refuse."""
    if check not in _removal_checks:
        _removal_checks.append(check)


def find_learner(*, by: User, learner_id: str) -> Learner:
    """Return a learner that the person manages, else raise ``NotFoundError`` (Spec: G5)."""
    rows = Learner.objects.managed_by(by).select_related("manager")
    learner = rows.filter(public_id=learner_id).first()
    if learner is None:
        raise NotFoundError("We couldn't find this learner.")
    return learner


@transaction.atomic
def add_learner(*, by: User, name: str, birth_year: int | None, level_notes: str) -> Learner:
    """Add somebody; raises ``TooManyLearnersError`` when there are ten, the person included."""
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    if Learner.objects.filter(manager=by, archived_at=None).count() >= MOST_LEARNERS:
        raise TooManyLearnersError
    return Learner.objects.create(
        manager=by, name=name, birth_year=birth_year, level_notes=level_notes
    )


@transaction.atomic
def change_learner(
    *, by: User, learner_id: str, name: str, birth_year: int | None, level_notes: str
) -> Learner:
    """Change what is known about a learner; every adult who manages them may.

    Raises ``NotFoundError`` for a learner of somebody else.
    """
    learner = find_learner(by=by, learner_id=learner_id)
    learner.name, learner.birth_year, learner.level_notes = name, birth_year, level_notes
    learner.save(update_fields=["name", "birth_year", "level_notes"])
    return learner


@transaction.atomic
def remove_learner(*, by: User, learner_id: str) -> Learner:
    """Take somebody off the list, and everybody's access to them with it.

    Who never had a lesson is deleted; past lessons keep the name of the others.

    Raises:
        NotFoundError: The learner is somebody else's, also one that is shared, or the person.
        ConflictError: Something is still to come, such as a lesson.
    """
    learner = find_learner(by=by, learner_id=learner_id)
    if learner.is_self or learner.manager_id != by.pk:
        raise NotFoundError("We couldn't find this learner.")
    for check in _removal_checks:
        check(learner)
    for grant in LearnerGrant.objects.filter(content_object=learner).select_related("user"):
        end_grant(grant, by=by, owner=by)
    LearnerInvitation.objects.filter(target=learner).delete()
    try:
        with transaction.atomic():
            learner.delete()
    except ProtectedError:
        learner.archived_at, learner.level_notes = clock.now(), ""
        learner.save(update_fields=["archived_at", "level_notes"])
    return learner

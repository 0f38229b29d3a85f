"""A second adult for a learner (Spec: S5.5)."""

from accounts.models import Learner, LearnerGrant, LearnerInvitation, User
from accounts.roles import Role
from accounts.sharing import Kind
from instainstru.errors import NotFoundError

LEARNERS = Kind(
    grants=LearnerGrant,
    invitations=LearnerInvitation,
    owner_of=lambda learner: learner.manager,
    name_of=lambda learner: learner.name,
    role=Role.STUDENT,
    limit=5,
    mail="learner_invitation",
    mail_subject="{inviter} asks you to manage {name}'s lessons",
    answer_page="sharing:learner-invitation",
)


def find_shared_learner(*, by: User, learner_id: str) -> Learner:
    """Return a learner that the person manages, not themselves; else ``NotFoundError`` (G5)."""
    rows = Learner.objects.managed_by(by).filter(is_self=False, public_id=learner_id)
    learner = rows.select_related("manager").first()
    if learner is None:
        raise NotFoundError("We couldn't find this learner.")
    return learner

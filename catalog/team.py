"""Assistants of an instructor: they change the calendar and nothing else (Spec: S5.5)."""

from accounts.models import User
from accounts.permissions import require_permission
from accounts.roles import Role
from accounts.sharing import Kind
from catalog.models import AssistantInvitation, Instructor, InstructorGrant
from instainstru.errors import NotFoundError

ASSISTANTS = Kind(
    grants=InstructorGrant,
    invitations=AssistantInvitation,
    owner_of=lambda instructor: instructor.user,
    name_of=lambda instructor: instructor.display_name,
    role=Role.INSTRUCTOR,
    limit=5,
    mail="assistant_invitation",
    mail_subject="{inviter} asks you to help with the calendar",
    answer_page="team:invitation",
)


def own_profile(user: User) -> Instructor | None:
    """Return the person's own teaching profile, if there is one."""
    return Instructor.objects.filter(user=user).select_related("user").first()


def find_own_profile(user: User, permission: str) -> Instructor:
    """Return the person's own teaching profile, which nobody's assistant gets this way (S5.5).

    Raises ``ForbiddenError`` without the permission and ``NotFoundError`` without a profile.
    """
    require_permission(user, permission)
    instructor = own_profile(user)
    if instructor is None:
        raise NotFoundError("You have no teaching profile.")
    return instructor

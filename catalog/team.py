"""Assistants of an instructor: they change the calendar and nothing else (Spec: S5.5)."""

from accounts.models import User
from accounts.roles import Role
from accounts.sharing import Kind
from catalog.models import AssistantInvitation, Instructor, InstructorGrant

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

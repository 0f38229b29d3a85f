"""Who may change the hours of an instructor (P13, Spec: S5.5)."""

from accounts.models import User
from accounts.permissions import require_permission
from catalog.models import Instructor
from instainstru.errors import NotFoundError

CALENDAR = "availability.manage_own"


def calendar_of(*, by: User, slug: str) -> Instructor:
    """Return the instructor whose hours the person may change: their own, or by a grant.

    Every service that writes hours, overrides or blackouts begins here.

    Raises:
        ForbiddenError: The person lacks the role permission.
        NotFoundError: The calendar is somebody else's (G5).
    """
    require_permission(by, CALENDAR)
    instructor = Instructor.objects.of_calendar(by).filter(slug=slug).first()
    if instructor is None:
        raise NotFoundError("We couldn't find this calendar.")
    return instructor

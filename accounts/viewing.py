"""Staff see the site as somebody sees it, and can change nothing (Spec: S5.4).

The person is swapped in for each request while the access that support took to the account lives;
the owner ends it at once, and it ends by itself after 30 minutes. Each end is written down once.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, cast

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from accounts.audit import record_event
from accounts.models import User, UserGrant, Viewing
from accounts.permissions import require_permission
from instainstru import clock
from instainstru.access import PERMISSION_APP_LABEL
from instainstru.error_pages import error_page
from instainstru.errors import ConflictError, ForbiddenError

KEY: Final = "viewing"
LONGEST: Final = timedelta(minutes=30)
PERMISSION: Final = "users.manage"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
END: Final = "accounts:viewing-end"
CLOSED: Final = ("/accounts/", "/admin/", "/staff/")
"""Passwords, second steps and sessions are the person's alone."""


@transaction.atomic
def begin_viewing(*, by: User, person: User, reason: str) -> None:
    """Write down that a member of staff looks at the site as somebody, and why.

    Raises ``ForbiddenError`` without ``users.manage``, for staff and for oneself, ``ConflictError``
    without live support access to the account. Spec: S5.4, S5.7.
    """
    require_permission(by, PERMISSION)
    if person.is_staff or person.pk == by.pk:
        raise ForbiddenError("Nobody looks at the site as a member of staff.")
    if not may_view(by, person):
        raise ConflictError("Open this account as support first; the person is told.")
    record_event("view_as.began", by=by, on=person, reason=reason)
    began_at = clock.now()
    Viewing.objects.create(viewer=by, person=person, began_at=began_at, until=began_at + LONGEST)


def may_view(by: User, person: User) -> bool:
    """Tell whether the role and the support access to the account both live."""
    if not by.has_perm(f"{PERMISSION_APP_LABEL}.{PERMISSION}"):
        return False
    grants = UserGrant.objects.live().held_by(by)
    return person.is_active and grants.filter(content_object=person).exists()


def enter(request: HttpRequest, person: User) -> None:
    """Let the next requests of this browser be answered as to the person."""
    viewing = Viewing.objects.begun(cast("User", request.user), person)[0]
    request.session[KEY] = {"person": person.pk, "viewing": viewing.pk}


@transaction.atomic
def end_viewing(request: HttpRequest, *, by: User) -> User | None:
    """Leave the person's view; return whose it was."""
    noted = request.session.pop(KEY, None)
    person = User.objects.filter(pk=noted["person"]).first() if noted else None
    if person is not None:
        _close(noted.get("viewing", 0), person, by=by)
    return person


def _close(viewing_id: int, person: User, *, by: User | None, **after: str) -> bool:
    """Take the row away and write that it ended; who comes second does nothing."""
    if not Viewing.objects.filter(pk=viewing_id).delete()[0]:
        return False
    record_event("view_as.ended", by=by, on=person, after=after or None)
    return True


def close_ended(now: datetime | None = None) -> int:
    """Write down which looks are over without anybody having pressed the button; how many.

    Nothing depends on when this runs: nobody sees anything after the end. The row names whose look
    it was, and the instant at which its time was over. Spec: S5.4
    """
    now, closed = now or clock.now(), 0
    for viewing in Viewing.objects.all_with_people():
        is_over = viewing.until <= now
        if not is_over and _may_go_on(viewing.viewer, viewing.person):
            continue
        with transaction.atomic():
            closed += _close(
                viewing.pk,
                viewing.person,
                by=None,
                how="expired" if is_over else "access ended",
                viewer=viewing.viewer.public_id,
                at=min(viewing.until, now).isoformat(),
            )
    return closed


def _may_go_on(staff: User, person: User) -> bool:
    return staff.is_staff and not person.is_staff and may_view(staff, person)


def seen_as(request: HttpRequest, staff: User, now: datetime) -> User | None:
    """Return whom a member of staff looks at the site as, while that may go on."""
    noted = request.session.get(KEY)
    if noted is None:
        return None
    rows = Viewing.objects.live(now).filter(pk=noted.get("viewing", 0), viewer=staff)
    viewing = rows.select_related("person").first()
    if viewing is None or not _may_go_on(staff, viewing.person):
        del request.session[KEY]
        return None
    return viewing.person


def viewer_of(request: HttpRequest) -> User | None:
    """Return the member of staff behind a request made as somebody else."""
    return getattr(request, "viewer", None)


class ViewingMiddleware:
    """Refuse what would change something, or is the person's alone; stands behind the rules."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; the decision is taken once the view is known."""
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        _view: Callable[..., Any],
        _args: tuple[Any, ...],
        _kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        """Return the refusal, or None to let the view answer."""
        # Pages that ask nobody who they are stay the same for all; what changes something asks.
        is_asked = hasattr(request, "_cached_user") or request.method not in SAFE
        if not is_asked or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        if not request.user.is_authenticated or viewer_of(request) is None:
            return None
        match = request.resolver_match
        if match is not None and match.view_name == END:
            return None
        if request.method in SAFE and not request.path.startswith(CLOSED):
            return None
        message = "You see the site as somebody else sees it. Nothing can be changed here."
        return error_page(request, 403, message=message)

"""No staff page answers before the second step is set up (Spec: S17.2, S5.2)."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import ResolverMatch, reverse

from accounts.roles import STAFF_ROLES, Role, permissions_of
from accounts.second_step import must_enrol
from instainstru.access import Access, access_of
from instainstru.http import lead_whole_page

STAFF_PERMISSIONS: Final = frozenset[str]().union(
    *(permissions_of(role) for role in STAFF_ROLES)
) - permissions_of(Role.STUDENT).union(permissions_of(Role.INSTRUCTOR))
"""What no student and no instructor may do: a view that asks for one of these is a staff page."""
STAFF_PATHS: Final = ("/staff/",)
ADMIN: Final = "admin"


class EnrolmentMiddleware:
    """Lead staff without a second step to its page; stands behind the access rules."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; the decision is taken once the view is known."""
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        """Return the way to the page that sets it up, or None to let the view answer."""
        match = request.resolver_match
        access = access_of(view, match.view_name) if match else None
        is_for_staff = access is not None and asks_staff(access)
        is_staff_place = request.path.startswith(STAFF_PATHS) or _is_admin(match)
        # Before asking who it is: other pages stay the same for all, also without a database.
        if not (is_for_staff or is_staff_place):
            return None
        user = request.user
        if not user.is_authenticated or not (is_for_staff or user.is_staff):
            return None
        if not must_enrol(user):
            return None
        page = access.page if access else ""
        return _lead(request, reverse(page, kwargs=kwargs) if page else request.get_full_path())


def asks_staff(access: Access) -> bool:
    """Tell whether a rule lets only staff in."""
    one_of = getattr(access, "any_of", ())
    is_any_of_staff = bool(one_of) and STAFF_PERMISSIONS.issuperset(one_of)
    return is_any_of_staff or not STAFF_PERMISSIONS.isdisjoint(access.permissions)


def _is_admin(match: ResolverMatch | None) -> bool:
    return match is not None and ADMIN in match.namespaces


def _lead(request: HttpRequest, back: str) -> HttpResponse:
    target = f"{reverse('mfa_activate_totp')}?{urlencode({'next': back})}"
    return lead_whole_page(request, HttpResponseRedirect(target))

"""Default deny: every view declares who may enter, and the middleware enforces it (Spec: S5.2)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from instainstru.api_errors import api_error, is_api
from instainstru.http import mark_private

PERMISSION_APP_LABEL = "accounts"

ViewFunction = TypeVar("ViewFunction", bound=Callable[..., Any])


@dataclass(frozen=True)
class Access:
    """Who may call a view: anybody, any signed-in person, or holders of the named permissions.

    All of them, or with ``any_of`` at least one. ``page`` names the URL of the page that owns an
    address which only takes POST.
    """

    is_public: bool = False
    permissions: tuple[str, ...] = ()
    page: str = ""
    any_of: tuple[str, ...] = ()

    def lacking(self, has: Callable[[str], bool]) -> tuple[str, ...]:
        """Return a permission that somebody lacks, or ``any_of`` when all are lacking."""
        if self.any_of and not any(has(permission) for permission in self.any_of):
            return self.any_of
        return next(((each,) for each in self.permissions if not has(each)), ())


PUBLIC = Access(is_public=True)
SIGNED_IN = Access()

_third_party: dict[str, Access] = {}


def _declare(view: ViewFunction, access: Access) -> ViewFunction:
    view.access = access  # type: ignore[attr-defined]
    return view


def public(view: ViewFunction) -> ViewFunction:
    """Declare that anybody may call the view."""
    return _declare(view, PUBLIC)


def signed_in(view: ViewFunction) -> ViewFunction:
    """Declare that any signed-in person may call the view."""
    return _declare(view, SIGNED_IN)


def requires(*permissions: str, page: str = "") -> Callable[[ViewFunction], ViewFunction]:
    """Declare that the view needs all the named permissions, such as ``bookings.view_own``.

    A view that only takes POST names its ``page``, which has the same URL arguments: people who
    must sign in first come back there (Spec: G4).
    """

    def decorate(view: ViewFunction) -> ViewFunction:
        return _declare(view, Access(permissions=permissions, page=page))

    return decorate


def requires_any(*permissions: str, page: str = "") -> Callable[[ViewFunction], ViewFunction]:
    """Declare that the view needs one of the named permissions, and itself asks for which.

    Otherwise like :func:`requires`.
    """

    def decorate(view: ViewFunction) -> ViewFunction:
        return _declare(view, Access(any_of=permissions, page=page))

    return decorate


def declare_url(url_name: str, access: Access) -> None:
    """Declare the access of a third-party URL by its full name; called from ``AppConfig.ready``."""
    _third_party[url_name] = access


def access_of(view: Callable[..., Any], url_name: str) -> Access | None:
    """Return the declared access of a resolved view, or None when nothing is declared."""
    declared = _third_party.get(url_name)
    return declared if declared is not None else getattr(view, "access", None)


def has_permission(request: HttpRequest, permission: str) -> bool:
    """Tell whether the signed-in person holds a permission of the product."""
    return request.user.has_perm(f"{PERMISSION_APP_LABEL}.{permission}")


def sign_in_redirect(request: HttpRequest, next_url: str) -> HttpResponse:
    """Send a guest to sign-in: 302 for pages, 401 with HX-Redirect for HTMX, 401 for programs.

    Spec: G4
    """
    if is_api(request):
        return api_error(request, 401)
    target = f"{reverse(settings.LOGIN_URL)}?{urlencode({'next': next_url})}"
    if request.headers.get("HX-Request") == "true":
        response = HttpResponse(status=401)
        response["HX-Redirect"] = target
        return response
    return HttpResponseRedirect(target)


class AccessMiddleware:
    """Refuse every view that declares nothing; check the declaration of the others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; the decision is taken once the view is known.

        A page made for a signed-in person carries their name and token: unless the view said
        otherwise it is for no cache (Spec: S6.13, S9.3). Answers that never looked at the session
        are the same for everybody.
        """
        response = self.get_response(request)
        is_personal = request.session.accessed and request.user.is_authenticated
        if is_personal and not response.has_header("Cache-Control"):
            mark_private(response)
        return response

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        """Return a refusal, or None to let the view answer."""
        match = request.resolver_match
        access = access_of(view, match.view_name if match else "")
        if access is None:
            raise PermissionDenied("This page declares no access rule.")
        if access.is_public:
            return None
        if not request.user.is_authenticated:
            # The page that owns a fragment is the fragment's own URL: one URL, two renderings.
            page = reverse(access.page, kwargs=kwargs) if access.page else request.get_full_path()
            return sign_in_redirect(request, page)
        lacking = access.lacking(lambda permission: has_permission(request, permission))
        if lacking:
            raise PermissionDenied(*lacking)
        return None

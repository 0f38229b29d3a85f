"""Asking again who somebody is before a sensitive step (Spec: S17.2)."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from instainstru import clock
from instainstru.http import lead_whole_page

View = Callable[..., HttpResponse]


def is_fresh(request: HttpRequest) -> bool:
    """Tell whether the person proved who they are, by any means, in the last 15 minutes.

    Signing in counts like being asked again. Sessions that know nothing of it are never fresh.
    """
    records = get_authentication_records(request, request.user)
    age = clock.now().timestamp() - max((record["at"] for record in records), default=0)
    return bool(0 <= age <= settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def requires_fresh_sign_in(*, page: str = "") -> Callable[[View], View]:
    """Lead people who signed in long ago to the page that asks again, and back.

    A view that only takes POST names its ``page``, which has the same URL arguments: a form is
    never sent again by itself. Spec: S17.2.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if is_fresh(request):
                return view(request, *args, **kwargs)
            back = reverse(page, args=args, kwargs=kwargs) if page else request.get_full_path()
            return ask_again(request, back)

        return wrapped

    return decorate


def ask_again(request: HttpRequest, back: str) -> HttpResponse:
    """Answer with the way to the page that asks again; ``back`` is a path of this site."""
    target = f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}"
    return lead_whole_page(request, HttpResponseRedirect(target))

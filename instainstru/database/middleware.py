"""The tier in every response outside production, and replicas for reading requests.

Spec: S1.7, S1.23.
"""

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from instainstru.database import router, targets, tiers

OWN_WRITES_SECONDS: Final = 10
"""Longer than a healthy replica is behind."""
SALT: Final = "wrote"


class TierHeaderMiddleware:
    """Adds `X-DB-Tier` on INT and STG; on PROD it takes itself out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        tier = tiers.decision().tier
        if tier is tiers.Tier.PROD:
            raise MiddlewareNotUsed
        self.get_response = get_response
        self.name = tier.name

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer and say which tier answered."""
        response = self.get_response(request)
        response.headers["X-DB-Tier"] = self.name
        return response


class ReplicaMiddleware:
    """Lets a request read from replicas until it writes; without replicas it takes itself out.

    Who has just written reads from the primary for some seconds more, so that the page behind a
    form shows what the form did; a short signed cookie says so. Pages that are made to be kept
    come from the primary too: a replica that is late would make them stale until the next change.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not targets.replica_locations(tiers.decision()):
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with reads spread over the replicas where that is safe."""
        has_just_written = request.get_signed_cookie(
            settings.WROTE_COOKIE_NAME, default=None, salt=SALT, max_age=OWN_WRITES_SECONDS
        )
        is_kept = hasattr(request, "page_versions")
        is_allowed = not (has_just_written or is_kept)
        with router.reading_from_replicas(is_allowed=is_allowed) as done:
            response = self.get_response(request)
        if done.has_written:
            response.set_signed_cookie(
                settings.WROTE_COOKIE_NAME,
                "1",
                salt=SALT,
                max_age=OWN_WRITES_SECONDS,
                httponly=True,
                samesite="Lax",
                secure=settings.IS_HTTPS,
            )
        return response

"""The tier in every response outside production, and replicas for reading requests.

Spec: S1.7, S1.23.
"""

from collections.abc import Callable

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from instainstru.database import router, targets, tiers


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
    """Lets a request read from replicas until it writes; without replicas it takes itself out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not targets.replica_locations(tiers.decision()):
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with reads spread over the replicas."""
        with router.reading_from_replicas():
            return self.get_response(request)

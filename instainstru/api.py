"""What the views of the API are made of: strict reading, limits, private answers (Spec: S17.14)."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from instainstru.access import Access, has_permission
from instainstru.api_rules import plain
from instainstru.form_fields import LINE_CHARACTERS, has_control_character
from instainstru.http import mark_private
from instainstru.ratelimit import API_GUESTS, API_PEOPLE, address_key_of, count_use

UNKNOWN = "We don't know this field."
MOST_UNKNOWN = 20


class Strict(serializers.Serializer):
    """Parses what came in; a field that it does not know is refused and never left out silently.

    Spec: S17.3, S17.14
    """

    def to_internal_value(self, data: Any) -> Any:
        """Return the values, or raise with the unknown fields."""
        if isinstance(data, Mapping):
            unknown = sorted(str(name)[:60] for name in data if name not in self.fields)
            if unknown:
                raise serializers.ValidationError(dict.fromkeys(unknown[:MOST_UNKNOWN], UNKNOWN))
        return super().to_internal_value(data)


class PlainText(serializers.CharField):
    """Text as people write it, without characters that nobody can see. Spec: S17.3"""

    def __init__(self, *, has_lines: bool = False, **kwargs: Any) -> None:
        self.allowed = LINE_CHARACTERS if has_lines else frozenset[str]()
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Return the text."""
        text = super().to_internal_value(data)
        if has_control_character(text, allowed=self.allowed):
            raise serializers.ValidationError("Remove the characters that can't be shown.")
        return text


def read_body(request: Request, kind: type[Strict], **context: Any) -> dict[str, Any]:
    """Return the checked values of a body; raises ``ValidationError`` (422)."""
    return _checked(kind(data=request.data, context=context))


def read_query(request: Request, kind: type[Strict], **context: Any) -> dict[str, Any]:
    """Return the checked values of an address; raises ``ValidationError`` (422)."""
    return _checked(kind(data=request.query_params.dict(), context=context))


def _checked(serializer: Strict) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


class ApiView(APIView):
    """One address of the API: a method per operation, no logic of its own."""

    access: Access | None = None
    http_method_names = ("get", "head", "post", "put", "delete")

    def check_throttles(self, request: Request) -> None:
        """Count the request; raises ``RateLimitedError`` (429). Spec: S17.4, 11 section 3"""
        if request.user.is_authenticated:
            count_use(API_PEOPLE, f"user {request.user.pk}")
        else:
            count_use(API_GUESTS, address_key_of(plain(request)))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Keep answers out of every cache, unless the view says otherwise. Spec: S9.3"""
        done = super().finalize_response(request, response, *args, **kwargs)
        return done if done.has_header("Cache-Control") else mark_private(done)


def require(request: Request, permission: str) -> None:
    """Refuse a signed-in person without the permission; guests pass. Raises ``PermissionDenied``"""
    if request.user.is_authenticated and not has_permission(plain(request), permission):
        raise PermissionDenied(permission)


class SliceAsked(Strict):
    """Which part of a list."""

    limit = serializers.IntegerField(min_value=1, max_value=100, required=False, default=20)
    cursor = PlainText(max_length=300, required=False, default="", allow_blank=True)

"""The API described for programs: OpenAPI, made from the views and serializers (Spec: S17.14)."""

import json
import re
from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from instainstru.access import Access
from instainstru.api import ApiView
from instainstru.api_errors import ROOT
from instainstru.api_urls import urlpatterns
from instainstru.lazy_views import LazyView

_CONVERTED = re.compile(r"<\w+:(\w+)>")
IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description=(
        "The same key and body get the first answer again for 24 hours; another body 422, while "
        "the first is running 409 with Retry-After."
    ),
)
"""The header of what must happen once (Spec: R14)."""
_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "description": "Stable, such as slot_taken."},
                "message": {"type": "string"},
                "fields": {"type": "object", "additionalProperties": {"type": "string"}},
                "nearest": {"type": "array", "items": {"type": "string", "format": "date-time"}},
                "reasons": {"type": "array", "items": {"type": "string"}},
                "card_refund_cents": {"type": "integer"},
                "credit_cents": {"type": "integer"},
            },
        }
    },
}
_REFUSED: dict[str, Any] = {
    "description": "Refused; nothing was written.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}


class SessionScheme(OpenApiAuthenticationExtension):
    """The session of the site, with its token for what changes something."""

    target_class = "instainstru.api_rules.SessionPerson"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the description of the cookie."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "POST and DELETE also want the header X-CSRFToken.",
        }


def add_refusals(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say for every operation how refusals look and who may call it. Spec: G12, S5.2"""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = _ERROR
    rules = _rules()
    for path, operations in result["paths"].items():
        for operation in operations.values():
            operation["responses"] |= {"4XX": _REFUSED, "503": _REFUSED}
            operation["x-permissions"] = list(rules[path].permissions)
            operation["security"] = [{"session": []}, *([{}] if rules[path].is_public else [])]
    return result


def _braced(route: str) -> str:
    return _CONVERTED.sub(r"{\1}", route)


def _rules() -> dict[str, Access]:
    """Return the rule of each path, as the schema writes paths."""
    views = {_braced(str(each.pattern)): cast("LazyView", each.callback) for each in urlpatterns}
    return {f"{ROOT}v1/{path}": view.access for path, view in views.items()}


@lru_cache(maxsize=1)
def description() -> str:
    """Return the schema as JSON; it is the same for everybody as long as the process runs."""
    return json.dumps(SchemaGenerator().get_schema(request=None, public=True))


class SchemaView(ApiView):
    """The description of this API, in OpenAPI 3."""

    @extend_schema(operation_id="schema", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> HttpResponse:
        """Return the description."""
        response = HttpResponse(description(), content_type="application/json")
        response["Cache-Control"] = "public, max-age=3600"
        return response

"""The rules that hold for every view of the API: who, what is read, how refusals look.

Named in the settings, so this module knows no views. Spec: S17.14, G12
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn, cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions, serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from instainstru.access import Access, has_permission
from instainstru.api_errors import api_error
from instainstru.errors import ApplicationError

SERVER_ERRORS = 500


def plain(request: Request) -> HttpRequest:
    """Return the request as pages have it: what is noted on it reaches the middleware."""
    return cast("HttpRequest", request._request)  # noqa: SLF001 - the framework has no other name


class SessionPerson(SessionAuthentication):
    """Whoever is signed in on the site; nobody else has a way in."""

    def authenticate_header(self, request: Request) -> str:
        """Name the way in, so that a refusal is 401 and not 403."""
        return "Session"


class DeclaredAccess(BasePermission):
    """Refuses every view that declares no rule, and holds the rule of the others. Spec: S5.2"""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether the person may call the view."""
        access: Access | None = getattr(view, "access", None)
        if access is None:
            return False
        if access.is_public:
            return True
        if not request.user.is_authenticated:
            raise exceptions.NotAuthenticated
        return not access.lacking(lambda each: has_permission(plain(request), each))


class OnlyJson(BaseContentNegotiation):
    """Answers JSON whatever a program says that it accepts; errors are JSON, too."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Return the parser of the media type that was sent, or nothing (415)."""
        sent = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == sent), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """Return the only one."""
        return renderers[0], renderers[0].media_type


class JsonBody(BaseParser):
    """Reads JSON in UTF-8; refuses what no database could hold."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Return the parsed body; raises ``ParseError`` (400). The site's own limit holds (413)."""
        try:
            text = stream.body.decode()
            found = json.loads(text, parse_constant=_no_number)
            if "\\u" in text:
                json.dumps(found, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise exceptions.ParseError("This is not JSON that we can read.") from error
        return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def answer_error(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Return the answer for a refusal; None lets a failure reach the site's own handlers (500)."""
    request = plain(context["request"])
    if isinstance(error, ApplicationError) and error.status < SERVER_ERRORS:
        return api_error(
            request,
            error.status,
            code=error.error_code,
            message=error.message,
            fields=error.fields,
            retry_after_seconds=error.retry_after_seconds,
            more={
                name: _plain_value(error.context[name])
                for name in error.told
                if name in error.context
            },
        )
    if isinstance(error, serializers.ValidationError):
        return api_error(request, 422, fields=dict(_first_texts(error.detail)))
    if isinstance(error, Http404):
        return api_error(request, 404)
    if isinstance(error, PermissionDenied):
        return api_error(request, 403)
    if isinstance(error, exceptions.APIException):
        return _of_framework(request, error, context["view"])
    return None


def _of_framework(request: HttpRequest, error: exceptions.APIException, view: Any) -> HttpResponse:
    is_unread = isinstance(error, exceptions.ParseError)
    answer = api_error(request, error.status_code, message=str(error.detail) if is_unread else "")
    if isinstance(error, exceptions.MethodNotAllowed):
        answer["Allow"] = ", ".join(view.allowed_methods)
    if isinstance(error, exceptions.NotAuthenticated):
        answer["WWW-Authenticate"] = "Session"
    return answer


def _first_texts(detail: Any) -> Any:
    """Yield each field with its first text."""
    found = detail if isinstance(detail, Mapping) else {"body": detail}
    for name, texts in found.items():
        text = texts
        while isinstance(text, Mapping | list | tuple):
            text = next(iter(text.values() if isinstance(text, Mapping) else text), "Wrong value.")
        yield "body" if name == "non_field_errors" else name, str(text)


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant_text(value)
    return [_plain_value(each) for each in value] if isinstance(value, list) else value


def instant_text(instant: datetime) -> str:
    """Return an instant as slot values are written: ``2026-03-07T15:00:00Z``. Spec: S12.4"""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

"""The operations of the API on one page, for those who run the site (Spec: S17.14)."""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from instainstru.access import public, requires
from instainstru.http import mark_private

METHODS = ("get", "post", "put", "delete")


class Field(NamedTuple):
    """Something that an operation takes; ``place`` is path, query, header or body."""

    name: str
    place: str
    is_required: bool
    words: str


class Operation(NamedTuple):
    """One method of one address."""

    tag: str
    method: str
    path: str
    words: str
    who: str
    fields: list[Field]


@require_safe
def _api_page(request: HttpRequest) -> HttpResponse:
    """List what programs can do, from the schema that they read."""
    # Brings the API's framework, which pages do without.
    from instainstru.api_schema import description

    operations = sorted(_operations(json.loads(description())), key=lambda each: each.tag)
    groups = [(tag, list(rows)) for tag, rows in groupby(operations, key=lambda each: each.tag)]
    return mark_private(render(request, "pages/api.html", {"groups": groups}))


api_page = public(_api_page) if settings.DEBUG else requires("system.monitor")(_api_page)


def _operations(schema: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in schema["paths"].items():
        for method in METHODS:
            if method in methods:
                said = methods[method]
                yield Operation(
                    tag=said["tags"][0],
                    method=method.upper(),
                    path=path,
                    words=said["description"],
                    who=_who(said),
                    fields=[*_parameters(said), *_body(said, schema)],
                )


def _who(said: dict[str, Any]) -> str:
    needed = said["x-permissions"]
    return f"People with {' and '.join(needed)}." if needed else "Everybody."


def _parameters(said: dict[str, Any]) -> Iterator[Field]:
    for each in said.get("parameters", ()):
        words = each.get("description") or each["schema"].get("description", "")
        yield Field(each["name"], each["in"], each.get("required", False), words)


def _body(said: dict[str, Any], schema: dict[str, Any]) -> Iterator[Field]:
    if "requestBody" not in said:
        return
    name = said["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
    body = schema["components"]["schemas"][name]
    for field, part in body["properties"].items():
        is_required = field in body.get("required", ())
        yield Field(field, "body", is_required, part.get("description", ""))

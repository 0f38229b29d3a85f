"""A person's program, for the stress run: JSON over the API, each action with a key of its own."""

import json
from typing import Any, ClassVar
from uuid import uuid4

from django.test import Client as Browser
from django.test.client import ClientHandler

from accounts.models import User
from instainstru.errors import ApplicationError

API = "/api/v1"
REFUSALS = frozenset({402, 404, 409, 422, 429})
OK_UNTIL = 300
# A site loads its middleware once, not for each visitor.
SITE = ClientHandler(enforce_csrf_checks=False)


def new_browser() -> Browser:
    """Return the browser of a visitor without cookies."""
    browser = Browser(raise_request_exception=False)
    browser.handler = SITE
    return browser


class RefusedByApiError(ApplicationError):
    """The API said no, in the words of the services."""

    status: ClassVar[int] = 409

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code, code=code)
        self.status = status  # type: ignore[misc]


class Program:
    """Signed in as one person; tries what it is told and repeats what must happen once."""

    def __init__(self, person: User) -> None:
        self.browser = new_browser()
        self.browser.force_login(person)

    def read(self, path: str) -> dict[str, Any]:
        """Return what the API tells."""
        return self._told("GET", path, "", "")

    def do(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Do something once, although it is sent twice; both answers must be one."""
        key, text = uuid4().hex, json.dumps(body)
        first = self._told("POST", path, text, key)
        again = self._told("POST", path, text, key)
        if first != again:
            raise RuntimeError(f"{path} answered {first}, then {again}")
        return first

    def _told(self, method: str, path: str, text: str, key: str) -> dict[str, Any]:
        headers = {"Idempotency-Key": key} if key else {}
        answer = self.browser.generic(
            method, f"{API}{path}", text, content_type="application/json", headers=headers
        )
        if answer.status_code in REFUSALS:
            raise RefusedByApiError(answer.status_code, answer.json()["error"]["code"])
        if answer.status_code >= OK_UNTIL:
            raise RuntimeError(f"{method} {path} answered {answer.status_code}")
        found: dict[str, Any] = answer.json()
        return found

"""Who acts through the site in the stress run: people's programs by the API, staff by the admin."""

import json
from typing import Any, ClassVar
from uuid import uuid4

from django.test import Client as Browser
from django.test.client import ClientHandler
from django.urls import reverse

from accounts.models import User
from instainstru.errors import ApplicationError
from tests.factories.staff import at_work

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


class RefusedBySiteError(ApplicationError):
    """API or admin said no, in the words of the services."""

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
            raise RefusedBySiteError(answer.status_code, answer.json()["error"]["code"])
        if answer.status_code >= OK_UNTIL:
            raise RuntimeError(f"{method} {path} answered {answer.status_code}")
        found: dict[str, Any] = answer.json()
        return found


class Desk:
    """A member of staff at the admin's pages, who signed in a moment ago."""

    def __init__(self, person: User) -> None:
        self.browser = at_work(person, browser=new_browser())

    def act(self, booking_id: int, action: str, fields: dict[str, str]) -> None:
        """Fill in the form of an action on a lesson and send it; leading back means done."""
        address = reverse("admin:lessons_booking_action", args=[booking_id, action])
        answer = self.browser.post(address, fields)
        if answer.status_code in REFUSALS:
            raise RefusedBySiteError(answer.status_code, f"{action} refused")
        lesson = reverse("admin:lessons_booking_change", args=[booking_id])
        if answer.headers.get("Location") != lesson:
            raise RuntimeError(f"{address} answered {answer.status_code}")

"""No page shows a control that the server would refuse, and no object opens to strangers.

Every page of the town is fetched as every kind of person, and every link and form on it is tried.
Spec: S5.2, G5.
"""

from collections.abc import Iterator
from copy import copy
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import html5lib
import pytest
from django.db import transaction
from django.test import Client
from django.urls import Resolver404, ResolverMatch, resolve

from accounts.models import User
from accounts.roles import Role
from instainstru.access import access_of
from tests.e2e.places import PLACES
from tests.e2e.town import Town
from tests.factories.accounts import VerifiedUserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S5]

ADDRESSES = sorted({place.address.partition("?")[0] for place in PLACES if not place.submits})
PEOPLE = ("guest", "holder", "student", "teacher", "staff")
OTHER_ROLES = (Role.SUPPORT, Role.MODERATOR, Role.FINANCE, Role.ANALYST)
"""The people above are a student, an instructor and an admin, who also have something to show."""
LINKS = {"href": "GET", "hx-get": "GET", "hx-post": "POST"}


class Control(NamedTuple):
    """Something to press: what it asks for, with the hidden fields of its form."""

    method: str
    path: str
    fields: tuple[tuple[str, str], ...] = ()


def _controls(page: str, content: bytes) -> Iterator[Control]:
    """Yield what can be pressed in a page."""
    root = html5lib.HTMLParser(namespaceHTMLElements=False).parse(content)
    for node in root.iter():
        if not isinstance(node.tag, str) or node.tag == "link":
            continue
        for name, method in LINKS.items():
            if node.get(name):
                yield Control(method, _path(page, node.get(name)))
        if node.tag == "form" and _has_a_button(node):
            method = node.get("method", "get").upper()
            yield Control(method, _path(page, node.get("action", "")), tuple(_fields(node)))
        if node.get("formaction"):
            yield Control("POST", _path(page, node.get("formaction")))


def _has_a_button(form: Any) -> bool:
    """Tell whether it can be sent; one form of the page only lends its token to buttons."""
    return any(button.get("type", "submit") == "submit" for button in form.iter("button"))


def _fields(form: Any) -> Iterator[tuple[str, str]]:
    for field in form.iter("input"):
        if field.get("name") and field.get("type") not in ("checkbox", "radio", "submit"):
            yield field.get("name"), field.get("value", "")


def _path(page: str, target: str) -> str:
    """Return the path of a control on our own site, else nothing."""
    address = urlsplit(urljoin(page, target))
    return "" if address.scheme or address.netloc else address._replace(fragment="").geturl()


def _refusals(client: Client, page: str, seen: set[tuple[str, str]]) -> Iterator[str]:
    """Try every control of a page, each address once for this person when it was answered."""
    answer = client.get(page)
    if answer.status_code != 200 or "html" not in answer["Content-Type"]:
        return
    for control in _controls(page, answer.content):
        match = _match(control.path)
        if match is None or (control.method, match.view_name) in seen:
            continue
        if _is_refused(client, control, match, answer.wsgi_request.user):
            yield f"{page}: {control.method} {control.path}"
        else:
            seen.add((control.method, match.view_name))


def _match(path: str) -> ResolverMatch | None:
    try:
        return resolve(urlsplit(path).path) if path else None
    except Resolver404:
        return None


def _is_refused(client: Client, control: Control, match: ResolverMatch, user: Any) -> bool:
    access = access_of(match.func, match.view_name)
    assert access is not None
    if not access.is_public and not user.is_authenticated:
        return False  # leads to sign-in and back
    if access.lacking(lambda permission: user.has_perm(f"accounts.{permission}")):
        return True
    if access.permissions:
        return False  # the middleware asked all there is to ask
    with transaction.atomic():  # what it writes is taken back
        twin = Client()  # so that signing out signs nobody out
        twin.cookies = copy(client.cookies)
        answer = getattr(twin, control.method.lower())(control.path, dict(control.fields))
        transaction.set_rollback(True)
    return bool(answer.status_code == 403)


@pytest.mark.parametrize("person", [*PEOPLE, *OTHER_ROLES])
def test_no_page_shows_a_control_that_would_be_refused(town: Town, person: str) -> None:
    client = town.people[person] if person in PEOPLE else _with_role(Role(person))
    seen: set[tuple[str, str]] = set()
    found = [
        refusal
        for pattern in ADDRESSES
        for refusal in _refusals(client, town.address(pattern), seen)
    ]
    assert not found
    assert ("GET", "home") in seen


def _with_role(role: Role) -> Client:
    client, person = Client(), VerifiedUserFactory(role=role)
    client.force_login(person)
    return client


# --- Owner and stranger ---------------------------------------------------------------------------
OWNED = {
    "/lessons/{code}/": "student",
    "/lessons/{code}/confirmed/": "student",
    "/lessons/{code}/cancel/": "student",
    "/lessons/{code}/lesson.ics": "student",
    "/lessons/{done}/review/": "student",
    "/book/{hold}/": "student",
    "/book/{bank}/bank/": "student",
    "/lessons/{tip_bank}/tip/bank/": "student",
    "/book/{slow}/payment/": "student",
    "/book/{guest_hold}/": "holder",
    "/account/learners/{learner}/share/": "student",
}


@pytest.mark.parametrize("pattern", sorted(OWNED))
def test_object_opens_to_its_owner_and_is_unknown_to_a_stranger(town: Town, pattern: str) -> None:
    """Spec: G5: somebody else's answers exactly like one that does not exist."""
    address = town.address(pattern)
    assert town.people[OWNED[pattern]].get(address).status_code == 200
    stranger = _stranger()
    unknown = pattern.format_map({word: _unlike(value) for word, value in town.words.items()})
    for call in (stranger.get, stranger.post):
        foreign, missing = call(address), call(unknown)
        assert foreign.status_code == missing.status_code
        assert foreign.status_code in (404, 405)
        assert _words(foreign) == _words(missing)


def _stranger() -> Client:
    client = Client()
    client.force_login(_everything())
    return client


def _everything() -> User:
    """Somebody with every permission: it is ownership that is missing."""
    return VerifiedUserFactory(role=Role.ADMIN)


def _unlike(value: str) -> str:
    return "II-ZZZZZZ" if value.startswith("II-") else "ZZZZZZZZZZ"


def _words(answer: Any) -> str:
    request_id = answer["X-Request-ID"]
    return str(answer.content.decode()).replace(request_id, "")

"""Every address has a declared rule, and the middleware holds it for everybody (Spec: S5.2).

The table is ``tests/access_matrix.py``; an address that it lacks fails here.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse

from accounts.models import User
from accounts.roles import STAFF_ROLES, Role
from instainstru.access import Access, AccessMiddleware, access_of
from tests.access_matrix import Rule, rules
from tests.factories.accounts import UserFactory, VerifiedUserFactory
from tests.factories.catalog import CategoryFactory, InstructorFactory
from tests.factories.second_step import enrol

pytestmark = [pytest.mark.django_db, pytest.mark.S5]

RENDERINGS: dict[str, dict[str, str]] = {
    "page": {},
    "htmx": {"HX-Request": "true", "HX-Current-URL": "https://evil.example/", "Referer": "/other/"},
}
Caller = Callable[[], HttpResponse]


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            namespace = f"{entry.namespace}:" if entry.namespace else ""
            yield from _patterns(entry, prefix + namespace)
        else:
            yield f"{prefix}{entry.name}", entry


ALL = dict(_patterns(get_resolver()))
RULES = rules()


def _address(rule: Rule) -> str:
    return rule.address or reverse(rule.name)


def _declared(access: Access) -> str:
    if access.is_public:
        return "public"
    return "|".join(access.any_of) or "+".join(access.permissions) or "signed-in"


@pytest.fixture
def places() -> None:
    """What the addresses of public pages name, so that they answer and are not merely unknown."""
    CategoryFactory()
    InstructorFactory(slug="maya-c")


def test_every_address_is_in_the_table_and_every_row_is_an_address() -> None:
    named = {rule.name for rule in RULES}
    assert set(ALL) - named == set(), "add a row to tests/access_matrix.py"
    assert named - set(ALL) == set()
    for rule in RULES:
        assert resolve(_address(rule)).view_name == rule.name


@pytest.mark.parametrize("name", sorted(ALL))
def test_code_declares_what_the_table_says(name: str) -> None:
    access = access_of(ALL[name].callback, name)
    assert access is not None, f"{name} declares nothing"
    rows = {rule.who.partition(">")[0] for rule in RULES if rule.name == name}
    if access.any_of and len(rows) > 1:  # the view itself asks for which
        assert rows <= set(access.any_of)
    else:
        assert rows == {_declared(access)}


def _calls(client: Client, rule: Rule, headers: dict[str, str]) -> dict[str, Caller]:
    address = _address(rule)
    calls: dict[str, Caller] = {
        "GET": lambda: client.get(address, headers=headers),
        "POST": lambda: client.post(address, {}, headers=headers),
    }
    if rule.is_api:
        json = "application/json"
        for method in ("POST", "PUT", "DELETE"):
            calls[method] = partial(client.generic, method, address, "{}", json, headers=headers)
    return calls


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("rendering", RENDERINGS)
def test_guests_are_answered_or_sent_to_sign_in(rendering: str) -> None:
    """Spec: G4, S5.2: 302 for a page, 401 with HX-Redirect for HTMX, back to the page itself.

    Programs get 401 and JSON.
    """
    wrong = []
    for rule in RULES:
        for method, call in _calls(Client(), rule, RENDERINGS[rendering]).items():
            answer = call()
            if not _is_right_for_a_guest(rule, method, answer, rendering):
                wrong.append((method, _address(rule), answer.status_code))
    assert not wrong


def _is_right_for_a_guest(rule: Rule, method: str, answer: Any, rendering: str) -> bool:
    if rule.guests_enter and not (method == "POST" and ">" in rule.who):
        return answer.status_code not in (401, 403, 500)
    if rule.guests_enter:
        return answer.status_code not in (403, 500)
    if rule.is_api:
        return answer.status_code == 401 and answer.json()["error"]["code"] == "sign_in_required"
    page = access_of(ALL[rule.name].callback, rule.name).page
    kwargs = resolve(_address(rule)).kwargs
    back = reverse(page, kwargs=kwargs) if page else _address(rule)
    target = f"/accounts/login/?{urlencode({'next': back})}"
    if rendering == "htmx":
        return answer.status_code == 401 and answer["HX-Redirect"] == target
    return answer.status_code == 302 and answer["Location"] == target


def _person_with(role: Role) -> User:
    user: User = VerifiedUserFactory()
    user.groups.set([Group.objects.get(name=role.value)])
    if role in STAFF_ROLES:
        enrol(user)
    return user


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("rendering", RENDERINGS)
def test_role_is_answered_where_the_table_says_and_gets_403_elsewhere(
    role: Role, rendering: str
) -> None:
    """Spec: S5.2. Objects in the addresses are nobody's: hidden (404), never forbidden."""
    person, wrong = _person_with(role), []
    for rule in RULES:
        client = Client()
        client.force_login(person)
        for method, call in _calls(client, rule, RENDERINGS[rendering]).items():
            # What one call does, such as adding a role, must not change the next.
            before = transaction.savepoint()
            answer = call()
            transaction.savepoint_rollback(before)
            if not _is_right(rule, method, answer.status_code, role):
                wrong.append((method, _address(rule), answer.status_code))
    assert not wrong


def _is_right(rule: Rule, method: str, status: int, role: Role) -> bool:
    if not rule.allows(role):
        # A method that does nothing may say so; what guests may read stays open to everybody.
        return status in (403, 405) or (rule.guests_enter and status in (200, 404))
    return status not in (401, 403, 500)


@pytest.mark.parametrize("role", [Role.INSTRUCTOR, Role.ANALYST])
def test_refusal_names_the_roles_that_are_needed(client: Client, role: Role) -> None:
    """Spec: S5.2, G5."""
    client.force_login(_person_with(role))
    assert "student or admin" in client.get("/lessons/").content.decode()
    inbox = client.get("/staff/inbox/").content.decode()
    assert "support, moderator, finance or admin" in inbox


@pytest.mark.S17
@pytest.mark.parametrize("address", ["/services/", "/legal/terms/", "/legal/privacy/", "/"])
def test_page_of_a_signed_in_person_is_for_no_cache(client: Client, address: str) -> None:
    """Spec: S6.13, S9.3."""
    assert "private" not in client.get(address).get("Cache-Control", "")
    client.force_login(UserFactory())
    answer = client.get(address)
    assert answer["Cache-Control"] == "private, no-store"
    assert "Cookie" in answer["Vary"]


@pytest.mark.parametrize("address", ["/", "/services/", "/search/?q=piano", "/lessons/"])
def test_head_answers_like_get_without_a_body(client: Client, address: str) -> None:
    get, head = client.get(address), client.head(address)
    assert head.status_code == get.status_code
    assert not head.content


def test_a_view_that_declares_nothing_is_refused(rf: RequestFactory) -> None:
    request = rf.get("/healthz")
    request.resolver_match = get_resolver().resolve("/healthz")
    guard = AccessMiddleware(lambda _: None)
    with pytest.raises(PermissionDenied):
        guard.process_view(request, lambda _: None, (), {})

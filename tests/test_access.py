"""Every address has a declared rule, and the middleware holds it (Spec: S5.2)."""

from collections.abc import Iterator
from urllib.parse import quote_plus

import pytest
from django.contrib.auth.models import Group
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.roles import Role, permissions_of
from instainstru.access import AccessMiddleware, access_of
from tests.factories.accounts import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S5]

SAMPLES = {"slug": "nobody", "code": "II-ZZZZZZ", "hold_id": "ZZZZZZZZZZ", "category_slug": "music"}


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            namespace = f"{entry.namespace}:" if entry.namespace else ""
            yield from _patterns(entry, prefix + namespace)
        else:
            yield f"{prefix}{entry.name}", entry


ALL = dict(_patterns(get_resolver()))
PROTECTED = {
    "favorites": ("/favorites/", "favorites.manage_own"),
    "preferences": ("/preferences/", "bookings.create"),
    "lessons:list": ("/lessons/", "bookings.view_own"),
    "lessons:detail": ("/lessons/II-ZZZZZZ/", "bookings.view_own"),
    "lessons:confirmed": ("/lessons/II-ZZZZZZ/confirmed/", "bookings.view_own"),
    "reviews:write": ("/lessons/II-ZZZZZZ/review/", "reviews.create"),
    "lessons:cancel": ("/lessons/II-ZZZZZZ/cancel/", "bookings.manage_own"),
    "lessons:calendar-file": ("/lessons/II-ZZZZZZ/lesson.ics", "bookings.view_own"),
    "lessons:bank-step": ("/book/ZZZZZZZZZZ/bank/", "bookings.create"),
    "lessons:payment-state": ("/book/ZZZZZZZZZZ/payment/", "bookings.create"),
}


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_address_declares_who_may_enter(name: str) -> None:
    assert access_of(ALL[name].callback, name) is not None, f"{name} declares nothing"


@pytest.mark.parametrize("name", sorted(PROTECTED))
def test_guests_are_sent_to_sign_in(client: Client, name: str) -> None:
    """Spec: G4."""
    address, _ = PROTECTED[name]
    page = client.get(address)
    assert page.status_code == 302
    assert page["Location"].startswith("/accounts/login/?next=")
    told = {"HX-Request": "true", "HX-Current-URL": "https://evil.example/", "Referer": "/other/"}
    fragment = client.get(address, headers=told)
    assert fragment.status_code == 401
    assert (
        fragment["HX-Redirect"]
        == page["Location"]
        == f"/accounts/login/?next={quote_plus(address)}"
    )


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("name", sorted(PROTECTED))
def test_roles_without_the_permission_get_403(client: Client, name: str, role: Role) -> None:
    address, permission = PROTECTED[name]
    user = UserFactory()
    user.groups.set([Group.objects.get(name=role.value)])
    client.force_login(user)
    expected = 403 if permission not in permissions_of(role) else None
    for headers in ({}, {"HX-Request": "true"}):
        answer = client.get(address, headers=headers)
        if expected:
            assert answer.status_code == expected
        else:
            # The object is nobody's: hidden, never forbidden (Spec: G5).
            assert answer.status_code in (200, 404)


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
    from django.core.exceptions import PermissionDenied

    request = rf.get("/healthz")
    request.resolver_match = get_resolver().resolve("/healthz")
    guard = AccessMiddleware(lambda _: None)
    with pytest.raises(PermissionDenied):
        guard.process_view(request, lambda _: None, (), {})

"""Services, instructors, favorites, history and notices for programs (Spec: S17.14)."""

import pytest
from django.test import Client

from accounts.models import User
from accounts.owners import Owner
from accounts.roles import Role
from bookings.notifications.notices import leave_notice
from catalog.models import Favorite
from instainstru import clock
from search.models import SearchHistory
from tests.api.programs import call
from tests.bookings.lessons.stage import become_guest
from tests.factories.accounts import VerifiedUserFactory, student
from tests.factories.catalog import InstructorFactory, OfferingFactory, ServiceFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S17]


@pytest.fixture
def maya(client: Client) -> User:
    person = student()
    client.force_login(person)
    return person


def test_services_come_in_parts(client: Client) -> None:
    for number in range(3):
        ServiceFactory(slug=f"service-{number}")
    found, cursor = [], ""
    for _ in range(2):
        body = client.get("/api/v1/services/", {"limit": "2", "cursor": cursor}).json()
        found += [row["slug"] for row in body["results"]]
        cursor = body["next_cursor"]
    assert (found, cursor) == (["service-0", "service-1", "service-2"], "")


def test_instructor_tells_what_is_on_offer(client: Client) -> None:
    offering = OfferingFactory(instructor=InstructorFactory(slug="maya-c"))
    body = client.get("/api/v1/instructors/maya-c/").json()
    assert body["offers"][0]["service"] == offering.service.slug
    assert body["offers"][0]["prices"][0]["price_cents"] > 0
    assert "email" not in str(body)
    offering.is_active = False
    offering.save()
    assert client.get("/api/v1/instructors/maya-c/").json()["offers"] == []


@pytest.mark.parametrize("status", ["suspended", "draft"])
def test_instructor_without_a_page_does_not_exist(client: Client, status: str) -> None:
    InstructorFactory(slug="maya-c", status=status)
    assert client.get("/api/v1/instructors/maya-c/").status_code == 404


def test_favorite_is_kept_and_let_go_once(client: Client, maya: User) -> None:
    InstructorFactory(slug="andre-w")
    address = "/api/v1/favorites/andre-w/"
    for _ in range(2):
        assert call(client, "PUT", address).status_code == 204
    assert client.get("/api/v1/favorites/").json() == {"results": ["andre-w"]}
    for _ in range(2):
        assert call(client, "DELETE", address).status_code == 204
    assert not Favorite.objects.exists()
    assert call(client, "PUT", "/api/v1/favorites/nobody/").status_code == 404


def _search(owner: Owner, query: str) -> None:
    SearchHistory.objects.record(
        user_id=owner.user_id,
        guest_key=owner.guest_key,
        query=query,
        results_count=3,
        now=clock.now(),
    )


@pytest.mark.S2
@pytest.mark.parametrize("is_guest", [True, False])
def test_history_is_told_and_cleared(client: Client, is_guest: bool) -> None:
    if is_guest:
        become_guest(client)
        owner = Owner(guest_key="guest-key-1")
    else:
        person = student()
        client.force_login(person)
        owner = Owner(user_id=person.pk)
    _search(owner, "piano")
    _search(Owner(guest_key="somebody else"), "guitar")
    body = client.get("/api/v1/history/").json()
    assert [row["query"] for row in body["results"]] == ["piano"]
    assert call(client, "DELETE", "/api/v1/history/").status_code == 204
    assert client.get("/api/v1/history/").json() == {"results": []}
    assert SearchHistory.objects.filter(deleted_at=None).count() == 1


def test_people_without_a_history_are_refused(client: Client) -> None:
    client.force_login(VerifiedUserFactory(role=Role.FINANCE))
    for method in ("GET", "DELETE"):
        assert call(client, method, "/api/v1/history/").status_code == 403


def test_notices_are_one_s_own(client: Client, maya: User) -> None:
    for number in range(3):
        leave_notice(key=f"test:{number}", user=maya, title=f"News {number}", path="/lessons/")
    leave_notice(key="test:other", user=student(), title="Theirs", path="/lessons/")
    body = client.get("/api/v1/notifications/", {"limit": "2"}).json()
    rest = client.get("/api/v1/notifications/", {"cursor": body["next_cursor"]}).json()
    titles = [row["title"] for row in body["results"] + rest["results"]]
    assert titles == ["News 2", "News 1", "News 0"]
    assert rest["next_cursor"] == ""

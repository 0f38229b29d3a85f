"""The pages of favorites, waitlist, alerts, suggestions and of leaving a list."""

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.demo import DEMO_PASSWORD
from accounts.roles import Role
from catalog import interest
from catalog.models import Favorite, ReturnAlert, ServiceAlert, ServiceSuggestion, WaitlistEntry
from instainstru import clock
from tests.factories.accounts import VerifiedUserFactory, student
from tests.factories.catalog import (
    InstructorFactory,
    NeighborhoodFactory,
    OfferingFactory,
    ServiceFactory,
    paused_instructor,
)

pytestmark = [pytest.mark.django_db]
HTMX = {"HX-Request": "true"}
HOSTILE = ["\x00", "a" * 10_000, "🎻@🎻", "שלום", "<script>", "' OR 1=1 --"]


@pytest.fixture(autouse=True)
def fresh_windows() -> None:
    """Forget the uses that other tests counted."""
    cache.delete_pattern("rate:*")


# --- Favorites ------------------------------------------------------------------------------------
@pytest.mark.S9
def test_saving_works_as_a_form_and_as_a_fragment(client: Client) -> None:
    """S9.5, G1."""
    user, person = student(), InstructorFactory()
    client.force_login(user)
    address = f"/favorites/{person.slug}/"
    assert b"Save Maya C." in client.get(address).content
    answer = client.post(address, follow=True)
    assert answer.redirect_chain == [("/favorites/", 302)]
    assert "Saved Maya C." in answer.content.decode()
    html = client.post(address, headers=HTMX).content.decode()
    assert 'aria-pressed="false"' in html
    assert "<html" not in html
    assert 'aria-pressed="true"' in client.post(address, headers=HTMX).content.decode()


@pytest.mark.S9
def test_a_guest_is_sent_to_sign_in_and_the_favorite_is_kept(client: Client) -> None:
    """S9.5: through sign-in."""
    person = InstructorFactory()
    user = VerifiedUserFactory(role=Role.STUDENT, password=DEMO_PASSWORD)
    assert client.get(f"/favorites/{person.slug}/").status_code == 200
    answer = client.post(f"/favorites/{person.slug}/")
    assert answer["Location"] == "/accounts/login/?next=%2Ffavorites%2F"
    client.post("/accounts/login/", {"login": user.email, "password": DEMO_PASSWORD})
    assert Favorite.objects.of_user(user).get().instructor == person
    assert person.display_name in client.get("/favorites/").content.decode()


@pytest.mark.S9
def test_the_limit_answers_409_with_the_way_out(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S9.5."""
    monkeypatch.setattr(interest, "MOST_FAVORITES", 0)
    client.force_login(student())
    address = f"/favorites/{InstructorFactory().slug}/"
    page, fragment = client.post(address), client.post(address, headers=HTMX)
    assert (page.status_code, fragment.status_code) == (409, 409)
    for answer in (page, fragment):
        assert "Remove one first" in answer.content.decode()
    assert 'aria-pressed="false"' in fragment.content.decode()


@pytest.mark.S9
def test_who_may_be_saved_and_who_may_save(client: Client) -> None:
    """S9.5, S10.3: paused people yes, hidden ones 404; the permission is asked."""
    assert client.get(f"/favorites/{paused_instructor().slug}/").status_code == 200
    hidden = InstructorFactory(status="suspended")
    assert client.post(f"/favorites/{hidden.slug}/").status_code == 404
    client.force_login(VerifiedUserFactory(role=Role.INSTRUCTOR))
    assert client.post(f"/favorites/{InstructorFactory().slug}/").status_code == 403


@pytest.mark.S9
def test_cards_show_guests_a_link_and_students_their_hearts(client: Client) -> None:
    """S9.5: pages for everybody carry no form token."""
    piano = ServiceFactory(name="Piano")
    person = OfferingFactory(service=piano).instructor
    html = client.get("/services/music/piano/").content.decode()
    assert f'href="/favorites/{person.slug}/"' in html
    assert "csrfmiddlewaretoken" not in html
    user = student()
    interest.toggle_favorite(by=user, instructor=person)
    client.force_login(user)
    assert 'aria-pressed="true"' in client.get("/services/music/piano/").content.decode()
    client.force_login(VerifiedUserFactory(role=Role.INSTRUCTOR))
    assert "/favorites/maya" not in client.get("/services/music/piano/").content.decode()


@pytest.mark.S9
@pytest.mark.parametrize("rows", [1, 3])
def test_saved_list_costs_the_same_for_one_and_three(
    client: Client, django_assert_max_num_queries: object, rows: int
) -> None:
    user = student()
    for _ in range(rows):
        interest.toggle_favorite(by=user, instructor=OfferingFactory().instructor)
    client.force_login(user)
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        html = client.get("/favorites/").content.decode()
    assert html.count('class="card"') == rows


def test_people_who_cannot_be_booked_stay_in_the_list(client: Client) -> None:
    user = student()
    interest.toggle_favorite(by=user, instructor=paused_instructor())
    client.force_login(user)
    assert "taking bookings right now" in client.get("/favorites/").content.decode()


def test_an_empty_list_says_how_to_fill_it(client: Client) -> None:
    client.force_login(student())
    assert b"Press the heart" in client.get("/favorites/").content


# --- Waitlist -------------------------------------------------------------------------------------
@pytest.mark.S9
def test_joining_twice_looks_the_same(client: Client) -> None:
    """S9.4: no disclosure."""
    data = {"email": "maya@example.com", "neighborhood": NeighborhoodFactory().slug}
    pages = [client.post("/waitlist/", data, headers=HTMX).content for _ in range(2)]
    assert pages[0] == pages[1]
    assert b"You&#x27;re on the list." in pages[0] or b"You're on the list." in pages[0]
    assert WaitlistEntry.objects.count() == 1


@pytest.mark.S9
def test_joining_without_scripts_redirects_to_the_success(client: Client) -> None:
    """G1."""
    data = {"email": "maya@example.com", "neighborhood": NeighborhoodFactory().slug}
    answer = client.post("/waitlist/", data, follow=True)
    assert answer.redirect_chain == [("/waitlist/?joined=park-slope", 302)]
    assert "You're on the list." in answer.content.decode()


@pytest.mark.S9
@pytest.mark.parametrize("email", ["", "maya@", *HOSTILE])
def test_a_bad_address_is_422_and_kept(client: Client, email: str) -> None:
    """S9.4, G2."""
    data = {"email": email, "neighborhood": NeighborhoodFactory().slug}
    answer = client.post("/waitlist/", data)
    assert answer.status_code == 422
    html = answer.content.decode()
    assert 'role="alert"' in html
    assert 'aria-invalid="true"' in html
    if email == "maya@":
        assert 'value="maya@"' in html
    assert not WaitlistEntry.objects.exists()


@pytest.mark.S9
@pytest.mark.parametrize("slug", ["", "nowhere", *HOSTILE])
def test_an_unknown_neighborhood_is_422(client: Client, slug: str) -> None:
    answer = client.post("/waitlist/", {"email": "maya@example.com", "neighborhood": slug})
    assert answer.status_code == 422


@pytest.mark.S9
def test_the_sixth_address_of_an_hour_waits(client: Client) -> None:
    """S9.4, S17.4: 5 per hour per address."""
    slug = NeighborhoodFactory().slug
    answers = [
        client.post("/waitlist/", {"email": f"p{number}@example.com", "neighborhood": slug})
        for number in range(6)
    ]
    assert [answer.status_code for answer in answers] == [302] * 5 + [429]
    assert int(answers[-1]["Retry-After"]) > 0


# --- Notify me ------------------------------------------------------------------------------------
@pytest.mark.S7
def test_asking_for_an_alert_twice_looks_the_same(client: Client) -> None:
    """S7.5."""
    ServiceFactory(name="Oud")
    assert b"/notify/oud/" in client.get("/services/music/oud/").content
    pages = [
        client.post("/notify/oud/", {"email": email}, follow=True).content.decode()
        for email in ("maya@example.com", "MAYA@example.com")
    ]
    assert all("You're on the list." in page for page in pages)
    assert ServiceAlert.objects.count() == 1
    assert client.post("/notify/oud/", {"email": "no"}).status_code == 422
    assert client.get("/notify/kazoo/").status_code == 404


@pytest.mark.S7
def test_a_taught_service_leads_to_its_page(client: Client) -> None:
    OfferingFactory(service=ServiceFactory(name="Oud"))
    html = client.get("/notify/oud/").content.decode()
    assert "1 instructor teaches Oud now" in html
    assert "<form" not in html.split("<main")[1].split("</main>")[0]


@pytest.mark.S10
def test_asking_for_a_return_twice_looks_the_same(client: Client) -> None:
    """S10.3: the form has a page of its own, and the profile's page only leads to it."""
    person = paused_instructor()
    address = f"/i/{person.slug}/notify/"
    profile = client.get(f"/i/{person.slug}/").content.decode()
    assert address in profile
    assert "csrfmiddlewaretoken" not in profile
    pages = [
        client.post(address, {"email": email}, follow=True).content.decode()
        for email in ("maya@example.com", "MAYA@example.com")
    ]
    assert all("You're on the list." in page for page in pages)
    assert ReturnAlert.objects.count() == 1
    assert (
        "You're on the list."
        in client.post(address, {"email": "noor@example.com"}, headers=HTMX).content.decode()
    )
    assert client.post(address, {"email": "no"}).status_code == 422


@pytest.mark.S10
def test_somebody_signed_in_need_not_type_the_address(client: Client) -> None:
    user = student()
    client.force_login(user)
    html = client.get(f"/i/{paused_instructor().slug}/notify/").content.decode()
    assert f'value="{user.email}"' in html


@pytest.mark.S10
@pytest.mark.parametrize(
    ("status", "expected"), [("live", 200), ("draft", 404), ("suspended", 404), ("closed", 404)]
)
def test_who_is_not_paused_needs_no_waiting(client: Client, status: str, expected: int) -> None:
    """S10.3."""
    person = InstructorFactory(status=status)
    answer = client.get(f"/i/{person.slug}/notify/")
    assert answer.status_code == expected
    if status == "live":
        html = answer.content.decode()
        assert "takes bookings now" in html
        assert "<form" not in html.split("<main")[1].split("</main>")[0]


# --- Leaving a list -------------------------------------------------------------------------------
@pytest.mark.S9
def test_a_way_out_names_the_instructor(client: Client) -> None:
    """S10.3."""
    token, digest = interest.new_removal_token()
    ReturnAlert.objects.create(
        email="a@b.com", instructor=paused_instructor(), notified_at=clock.now(),
        removal_hash=digest,
    )  # fmt: skip
    assert b"Stop mail about Maya C.?" in client.get(f"/mail/stop/{token}/").content
    client.post(f"/mail/stop/{token}/")
    assert not ReturnAlert.objects.exists()


@pytest.mark.S9
def test_one_press_removes_the_address_and_opening_the_link_does_not(client: Client) -> None:
    """S9.4, S7.5: mail programs open links by themselves."""
    token, digest = interest.new_removal_token()
    WaitlistEntry.objects.create(
        email="a@b.com", neighborhood=NeighborhoodFactory(), notified_at=clock.now(),
        removal_hash=digest,
    )  # fmt: skip
    address = f"/mail/stop/{token}/"
    assert b"Park Slope" in client.get(address).content
    assert WaitlistEntry.objects.count() == 1
    assert b"Your address is gone" in client.post(address, follow=True).content
    assert not WaitlistEntry.objects.exists()
    assert client.get(address).status_code == 404
    assert client.get("/mail/stop/guessed/").status_code == 404


# --- Suggestions ----------------------------------------------------------------------------------
@pytest.mark.S7
def test_a_suggestion_reaches_the_queue(client: Client) -> None:
    """S7.3."""
    assert b'value="kazoo"' in client.get("/services/suggest/?name=kazoo").content
    answer = client.post("/services/suggest/", {"name": "Kazoo", "note": "jazz"}, follow=True)
    assert b"Thank you" in answer.content
    row = ServiceSuggestion.objects.get()
    assert (row.name, row.note) == ("Kazoo", "jazz")


@pytest.mark.S7
@pytest.mark.parametrize("name", ["", "k", "k" * 81, "12", "\x00\x00", "  "])
def test_a_bad_suggestion_is_422(client: Client, name: str) -> None:
    """S7.3: 2 to 80 characters."""
    assert client.post("/services/suggest/", {"name": name}).status_code == 422
    assert not ServiceSuggestion.objects.exists()


@pytest.mark.S7
def test_a_long_note_is_422_and_kept(client: Client) -> None:
    answer = client.post("/services/suggest/", {"name": "Kazoo", "note": "n" * 301})
    assert answer.status_code == 422
    assert "n" * 301 in answer.content.decode()


@pytest.mark.S7
def test_the_sixth_suggestion_of_a_day_waits(client: Client) -> None:
    """S7.3: 5 per day per session."""
    client.force_login(student())
    codes = [
        client.post("/services/suggest/", {"name": f"Kazoo {n}"}).status_code for n in range(6)
    ]
    assert codes == [302] * 5 + [429]

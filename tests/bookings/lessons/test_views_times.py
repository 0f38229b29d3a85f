"""The time page as a browser meets it: nonsense is ignored, refusals keep the choice."""

from typing import Any

import pytest
from django.test import Client

from accounts.roles import Role
from bookings.lessons.models import Booking
from catalog.models import Modality, Offering, Policy
from instainstru import clock
from tests.bookings.lessons.stage import become_guest, hold_form, self_learner, slot_value
from tests.factories.accounts import LearnerFactory, VerifiedUserFactory, student
from tests.factories.catalog import InstructorFactory, OfferingFactory, paused_instructor
from tests.factories.lessons import BookingFactory, HoldFactory, tomorrow_at

pytestmark = [pytest.mark.S12, pytest.mark.django_db]

NONSENSE = [
    "\x00",
    "a\x00b\x1b\x07",
    "x" * 10_000,
    "000001" + "0" * 5_000,
    "9" * 5_000,
    "-1",
    "١٢",
    "🎹🎹",
    "שלום\u202e",
    "' OR 1=1; DROP TABLE lessons_booking; --",
    "<script>alert(1)</script>",
    "{{ page }}%s%(a)s",
    "0001-01-01",
    "9999-12-31T23:59:59Z",
    "2026-02-30",
    "2026-13",
    "2026-03-07T15:00:00",
]


@pytest.fixture
def offering() -> Offering:
    made: Offering = OfferingFactory()
    return made


def address(offering: Offering) -> str:
    return f"/i/{offering.instructor.slug}/book/"


# --- Reading --------------------------------------------------------------------------------------
def test_page_shows_the_times_of_the_chosen_day(client: Client, offering: Offering) -> None:
    """S12.1, S12.4"""
    on = tomorrow_at(12).date()
    page = client.get(address(offering), {"date": f"{on}", "duration": "60"})
    assert page.status_code == 200
    text = page.content.decode()
    assert f'value="{slot_value(tomorrow_at(10))}"' in text
    assert f'value="{slot_value(tomorrow_at(19))}"' in text
    assert f'value="{slot_value(tomorrow_at(19, 30))}"' not in text
    assert "Eastern (New York)" in text
    assert "no-store" in page["Cache-Control"]


def test_taken_time_is_not_offered_to_others_but_to_its_holder(
    client: Client, offering: Offering
) -> None:
    """T1"""
    HoldFactory(student=None, guest_key="guest-key-1", offering=offering)
    query = {"date": f"{tomorrow_at(12).date()}"}
    assert (
        f'value="{slot_value(tomorrow_at(10))}"'
        not in client.get(address(offering), query).content.decode()
    )
    holder = Client()
    become_guest(holder)
    assert (
        f'value="{slot_value(tomorrow_at(10))}"'
        in holder.get(address(offering), query).content.decode()
    )


@pytest.mark.parametrize("name", ["service", "duration", "place", "date", "month", "start"])
@pytest.mark.parametrize("value", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_ignored_with_a_notice(
    client: Client, offering: Offering, name: str, value: str
) -> None:
    """S10.4"""
    page = client.get(address(offering), {name: value})
    assert page.status_code == 200
    assert page.context["page"].chosen.notices
    assert "<script>alert" not in page.content.decode()


@pytest.mark.parametrize("month", ["2020-01", "2099-12"])
def test_month_far_away_has_no_times(client: Client, offering: Offering, month: str) -> None:
    """R2"""
    page = client.get(address(offering), {"month": month})
    assert page.status_code == 200
    assert not page.context["page"].has_times


def test_htmx_gets_the_fragment(client: Client, offering: Offering) -> None:
    """G1"""
    whole = client.get(address(offering)).content.decode()
    part = client.get(address(offering), headers={"HX-Request": "true"})
    assert "<html" in whole
    assert "<html" not in part.content.decode()
    assert "id_service" in part.content.decode()
    assert "HX-Request" in part["Vary"]


def test_unknown_instructor_is_404_and_a_paused_one_leads_to_the_profile(client: Client) -> None:
    """S15.11"""
    assert client.get("/i/nobody-x/book/").status_code == 404
    paused = paused_instructor()
    OfferingFactory(instructor=paused)
    assert client.get(f"/i/{paused.slug}/book/").status_code == 302
    assert client.get(f"/i/{InstructorFactory().slug}/book/").status_code == 404


# --- Holding --------------------------------------------------------------------------------------
def test_guest_holds_a_time_and_is_led_to_checkout(client: Client, offering: Offering) -> None:
    """S12.4, T1"""
    answer = client.post(address(offering), hold_form(offering))
    hold = Booking.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/book/{hold.hold_id}/")
    assert hold.guest_key
    assert client.get(answer["Location"]).status_code == 200


def test_double_click_holds_once(client: Client, offering: Offering) -> None:
    """R14"""
    client.get(address(offering))
    form = hold_form(offering, idempotency_key="k")
    first, second = (client.post(address(offering), form) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert Booking.objects.count() == 1


@pytest.mark.parametrize("htmx", [{}, {"HX-Request": "true"}], ids=["page", "fragment"])
def test_taken_time_is_409_with_three_others_and_the_choice_kept(
    client: Client, offering: Offering, htmx: dict[str, str]
) -> None:
    """S12.4, R12"""
    BookingFactory(offering=offering, start_at=tomorrow_at(13))
    form = hold_form(offering, tomorrow_at(13), duration="90", place="at_instructor")
    answer = client.post(address(offering), form, headers=htmx)
    assert answer.status_code == 409
    assert len(answer.context["refusal"].nearest) == 3
    text = answer.content.decode()
    assert "is not available any more" in text
    assert ("<html" in text) is not bool(htmx)
    page = answer.context["page"]
    assert (page.chosen.duration_minutes, page.chosen.modality) == (90, "at_instructor")
    for start in answer.context["refusal"].nearest:
        assert slot_value(start).replace(":", "%3A") in text or slot_value(start) in text


def test_off_grid_time_is_409(client: Client, offering: Offering) -> None:
    """R5"""
    answer = client.post(address(offering), hold_form(offering, tomorrow_at(10, 7)))
    assert answer.status_code == 409
    assert len(answer.context["refusal"].nearest) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"start": slot_value(tomorrow_at(10, days=-2))},
        {"start": ""},
        {"start": "tomorrow"},
        {"start": "2026-03-07T15:00:00"},
        {"duration": "45"},
        {"duration": "0"},
        {"duration": "x"},
        {"place": "moon"},
        {"service": "oboe"},
        {"service": ""},
        {"learner": "x"},
    ],
    ids=str,
)
def test_unknown_choice_is_422_and_holds_nothing(
    client: Client, offering: Offering, change: dict[str, str]
) -> None:
    """S12.4"""
    answer = client.post(address(offering), hold_form(offering, **change))
    assert answer.status_code == 422
    assert not Booking.objects.exists()


def test_mode_that_is_not_offered_is_422(client: Client) -> None:
    offering = OfferingFactory(modalities=[Modality.AT_INSTRUCTOR])
    assert client.post(address(offering), hold_form(offering)).status_code == 422


@pytest.mark.parametrize("name", ["service", "duration", "place", "start", "learner", "date"])
@pytest.mark.parametrize("value", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_never_an_error_of_ours(
    client: Client, offering: Offering, name: str, value: str
) -> None:
    answer = client.post(address(offering), hold_form(offering, **{name: value}))
    allowed = {302, 422} if name in {"date", "learner"} else {422}
    assert answer.status_code in allowed


@pytest.mark.parametrize("value", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_as_a_key_is_never_an_error_of_ours(
    client: Client, offering: Offering, value: str
) -> None:
    """R14"""
    answer = client.post(address(offering), hold_form(offering, idempotency_key=value))
    assert answer.status_code in {302, 422}


def test_far_future_time_is_409(client: Client, offering: Offering) -> None:
    answer = client.post(address(offering), hold_form(offering, start="2100-12-31T23:30:00Z"))
    assert answer.status_code == 409


def test_fourth_hold_is_429_with_a_time_to_wait(client: Client, offering: Offering) -> None:
    """T1, S17.4"""
    client.get(address(offering))
    for day in (1, 2, 3):
        client.post(address(offering), hold_form(offering, tomorrow_at(10, days=day)))
    answer = client.post(address(offering), hold_form(offering, tomorrow_at(10, days=4)))
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    text = answer.content.decode()
    assert "already holding 3 times" in text
    assert f"{answer['Retry-After']} seconds" in text
    for hold in Booking.objects.all():
        assert f'href="/book/{hold.hold_id}/"' in text


def test_page_says_how_long_a_time_is_held(client: Client, offering: Offering) -> None:
    """T1: the policy's minutes, not a number in the text."""
    Policy.objects.create(hold_minutes=12)
    assert "We hold the time for 12 minutes" in client.get(address(offering)).content.decode()


# --- Who may hold ---------------------------------------------------------------------------------
def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_student_holds_for_a_child_and_not_for_a_stranger(offering: Offering) -> None:
    """R7, G5"""
    maya = student()
    child = LearnerFactory(manager=maya, birth_year=2015)
    answer = signed_in(maya).post(address(offering), hold_form(offering, learner=child.public_id))
    assert answer.status_code == 302
    assert Booking.objects.get().learner == child
    form = hold_form(offering, tomorrow_at(15), learner=LearnerFactory().public_id)
    assert signed_in(maya).post(address(offering), form).status_code == 422
    assert Booking.objects.count() == 1


def test_taken_time_keeps_the_learner_for_the_nearest_ones(offering: Offering) -> None:
    """S12.4: every other choice is kept."""
    maya = student()
    child = LearnerFactory(manager=maya, birth_year=2015)
    BookingFactory(offering=offering, start_at=tomorrow_at(13))
    form = hold_form(offering, tomorrow_at(13), learner=child.public_id)
    client = signed_in(maya)
    answer = client.post(address(offering), form)
    text = answer.content.decode()
    assert answer.status_code == 409
    assert f"learner={child.public_id}" in text
    assert f'name="learner" value="{child.public_id}"' in text
    nearest = answer.context["refusal"].nearest[0]
    assert f'name="start" value="{slot_value(nearest)}"' in text
    client.post(address(offering), hold_form(offering, nearest, learner=child.public_id))
    assert Booking.objects.get(status="held").learner == child


def test_busy_learner_is_409_with_the_reason(offering: Offering) -> None:
    """R7"""
    maya = student()
    BookingFactory(student=maya, learner=self_learner(maya))
    answer = signed_in(maya).post(address(offering), hold_form(offering))
    assert answer.status_code == 409
    assert Booking.objects.count() == 1


def test_account_that_may_not_book_is_refused(offering: Offering) -> None:
    """S5"""
    teacher = VerifiedUserFactory(role=Role.INSTRUCTOR)
    assert signed_in(teacher).post(address(offering), hold_form(offering)).status_code == 403
    assert not Booking.objects.exists()


def test_guest_hold_is_the_accounts_after_sign_in(offering: Offering) -> None:
    """S17.8: the hold keeps its clock."""
    client = Client()
    client.post(address(offering), hold_form(offering))
    hold = Booking.objects.get()
    before = hold.expires_at
    user = student(email="maya@example.com", password="quiet-harbor-lamp")
    data = {"login": "maya@example.com", "password": "quiet-harbor-lamp"}
    client.post("/accounts/login/", data)
    hold.refresh_from_db()
    assert (hold.student, hold.guest_key, hold.expires_at) == (user, None, before)
    page = client.get(f"/book/{hold.hold_id}/")
    assert page.status_code == 200
    assert page.context["form"] is not None
    assert clock.now() < hold.expires_at

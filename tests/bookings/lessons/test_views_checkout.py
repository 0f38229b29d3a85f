"""Review, pay and done, as a signed_in meets them."""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from bookings.lessons.models import Booking
from bookings.lessons.services import claim_guest_holds
from bookings.lessons.states import Status
from bookings.payments.models import OfflineIntent, PaymentAttempt
from catalog.models import Address, Coverage
from instainstru import clock
from tests.bookings.lessons.stage import become_guest, hold_of, pay_form, self_learner
from tests.factories import payments as make
from tests.factories.accounts import LearnerFactory, VerifiedUserFactory, student
from tests.factories.catalog import InstructorFactory, NeighborhoodFactory, OfferingFactory
from tests.factories.lessons import BookingFactory, HoldFactory, tomorrow_at

pytestmark = [pytest.mark.S13, pytest.mark.django_db]


@pytest.fixture
def maya() -> User:
    return student(email="maya@example.com")


@pytest.fixture
def signed_in(maya: User) -> Client:
    client = Client()
    client.force_login(maya)
    return client


def pay(client: Client, hold: Booking, number: str = make.SUCCEEDS, **changes: Any) -> Any:
    return client.post(f"/book/{hold.hold_id}/pay/", pay_form(hold, number, **changes))


def lapse(hold: Booking) -> None:
    Booking.objects.filter(pk=hold.pk).update(expires_at=clock.now() - timedelta(seconds=1))


# --- The page -------------------------------------------------------------------------------------
def test_page_names_lesson_price_policy_and_amount(signed_in: Client, maya: User) -> None:
    """S13.1"""
    hold = hold_of(maya, travel_fee_cents=500, start_at=tomorrow_at(10, days=3))
    page = signed_in.get(f"/book/{hold.hold_id}/")
    text = page.content.decode()
    assert page.status_code == 200
    for words in (
        hold.service_name,
        hold.instructor.display_name,
        "Pay $90.00 and book",
        "Free cancellation until",
        "60 minutes",
    ):
        assert words in text
    assert "no-store" in page["Cache-Control"]
    assert not page.context["form"]["terms"].initial


def test_guest_sees_the_hold_and_is_asked_in(client: Client) -> None:
    """S13.1"""
    become_guest(client)
    hold = HoldFactory(student=None, guest_key="guest-key-1")
    text = client.get(f"/book/{hold.hold_id}/").content.decode()
    assert "Sign up or log in to book" in text
    assert f"?next=/book/{hold.hold_id}/" in text
    assert "card_number" not in text


def test_htmx_gets_the_fragment(signed_in: Client, maya: User) -> None:
    """G1"""
    hold = hold_of(maya)
    part = signed_in.get(f"/book/{hold.hold_id}/", headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()
    assert "Review and pay" in part.content.decode()


def test_studio_address_is_hidden_until_it_is_paid(signed_in: Client, maya: User) -> None:
    """S13.3"""
    hold = hold_of(maya, modality="at_instructor", neighborhood=None)
    secret = hold.instructor.studio_address
    assert secret not in signed_in.get(f"/book/{hold.hold_id}/").content.decode()
    done = pay(signed_in, hold)
    assert secret in signed_in.get(done["Location"]).content.decode()


def test_saved_address_stands_for_what_is_not_written(signed_in: Client, maya: User) -> None:
    """S13.1: saved or new, and nobody else's."""
    hold = hold_of(maya)
    stranger = student()
    for user, label in ((maya, "Home"), (maya, "Grandma"), (stranger, "Den")):
        Address.objects.create(
            user=user, label=label, street=f"9 {label} St", zip_code="11215",
            neighborhood=hold.instructor.base_neighborhood,
        )  # fmt: skip
    text = signed_in.get(f"/book/{hold.hold_id}/").content.decode()
    assert "Grandma: 9 Grandma St, 11215" in text
    assert "Den" not in text
    theirs = Address.objects.get(label="Den").public_id
    refused = pay(signed_in, hold, saved=theirs)
    assert (refused.status_code, OfflineIntent.objects.count()) == (422, 0)
    chosen = Address.objects.get(label="Grandma").public_id
    assert pay(signed_in, hold, saved=chosen, address="", neighborhood="").status_code == 303
    hold.refresh_from_db()
    assert (hold.address, hold.neighborhood) == (
        "9 Grandma St, 11215",
        hold.instructor.base_neighborhood,
    )


# --- Paying ---------------------------------------------------------------------------------------
def test_paying_leads_to_the_done_page_which_is_safe_to_reload(
    signed_in: Client, maya: User
) -> None:
    """S13.3"""
    hold = hold_of(maya)
    answer = pay(signed_in, hold)
    hold.refresh_from_db()
    assert answer["Location"] == f"/lessons/{hold.code}/confirmed/"
    for _ in range(2):
        text = signed_in.get(answer["Location"]).content.decode()
        assert str(hold.code) in text
    assert signed_in.get(f"/book/{hold.hold_id}/")["Location"] == answer["Location"]
    assert OfflineIntent.objects.filter(status="succeeded").count() == 1


def test_paying_a_booked_hold_again_leads_to_the_done_page(signed_in: Client, maya: User) -> None:
    """S13.2: 303, by the same click and by a later one, and no second charge."""
    hold = hold_of(maya)
    first = pay(signed_in, hold)
    for key in ("first-key", "later-key"):
        again = pay(signed_in, hold, idempotency_key=key)
        assert (again.status_code, again["Location"]) == (303, first["Location"])
    assert OfflineIntent.objects.count() == 1


def test_sixth_declined_card_is_429_naming_the_seconds(signed_in: Client, maya: User) -> None:
    """S14.4, G6"""
    hold = hold_of(maya)
    for _ in range(5):
        assert pay(signed_in, hold, make.DECLINED).status_code == 402
    answer = pay(signed_in, hold)
    assert answer.status_code == 429
    assert f"Wait {answer['Retry-After']} seconds" in answer.content.decode()
    assert "Ring twice" in answer.content.decode()
    hold.refresh_from_db()
    assert hold.status == Status.HELD


def test_second_click_during_the_first_is_409_with_a_wait_and_a_way(
    signed_in: Client, maya: User
) -> None:
    """R14"""
    hold = hold_of(maya)
    inside: list[Any] = []

    def click_again(*_: object, **__: object) -> HttpResponse:
        inside.append(pay(signed_in, hold))
        return HttpResponse(status=422)

    with patch("bookings.lessons.views.checkout._pay", click_again):
        pay(signed_in, hold)
    assert inside[0].status_code == 409
    assert int(inside[0]["Retry-After"]) > 0
    assert f'href="/book/{hold.hold_id}/"' in inside[0].content.decode()


def test_note_may_have_lines_emoji_and_any_script(signed_in: Client, maya: User) -> None:
    """S17.3: kept as written, escaped where shown."""
    hold = hold_of(maya)
    note = "שלום 🎹\r\n<b>Ring twice</b>"
    done = pay(signed_in, hold, note=note)
    hold.refresh_from_db()
    assert hold.note == note
    text = signed_in.get(done["Location"].replace("confirmed/", "")).content.decode()
    assert "&lt;b&gt;Ring twice&lt;/b&gt;" in text


def test_same_key_with_another_body_is_422(signed_in: Client, maya: User) -> None:
    """R14"""
    hold = hold_of(maya)
    pay(signed_in, hold)
    assert pay(signed_in, hold, note="Something else").status_code == 422


def test_declined_card_keeps_what_was_typed_but_not_the_card(signed_in: Client, maya: User) -> None:
    """S14.4, S14.1"""
    hold = hold_of(maya)
    answer = pay(signed_in, hold, make.DECLINED)
    text = answer.content.decode()
    assert answer.status_code == 402
    assert "Ring twice" in text
    assert "Try another card" in text
    assert make.DECLINED not in text.replace("<li>4000 0000 0000 0002 is declined</li>", "")
    assert pay(signed_in, hold).status_code == 303


def test_refused_bank_step_keeps_the_hold(signed_in: Client, maya: User) -> None:
    """T2, S14.4"""
    hold = hold_of(maya)
    step = pay(signed_in, hold, make.EXTRA_STEP)["Location"]
    assert signed_in.get(f"/book/{hold.hold_id}/")["Location"] == step
    assert "Your bank wants to check" in signed_in.get(step).content.decode()
    assert signed_in.post(step, {"answer": "no"}).status_code == 402
    hold.refresh_from_db()
    assert hold.status == Status.HELD
    assert signed_in.post(step, {"answer": "yes"})["Location"] == f"/book/{hold.hold_id}/"


def test_slow_bank_is_waited_for_and_then_leads_on(signed_in: Client, maya: User) -> None:
    """S14.2"""
    hold = hold_of(maya)
    state = pay(signed_in, hold, make.LATE_RESULT)["Location"]
    assert "waiting for your bank" in signed_in.get(state).content.decode()
    assert signed_in.get(f"/book/{hold.hold_id}/")["Location"] == state
    with time_machine.travel(clock.now() + timedelta(seconds=30)):
        assert signed_in.post(state)["Location"] == state
        answer = signed_in.get(state)
    hold.refresh_from_db()
    assert answer["Location"] == f"/lessons/{hold.code}/confirmed/"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("card_expiry", "01/20"),
        ("card_expiry", "13/40"),
        ("card_cvc", "1"),
        ("card_zip", "abc"),
        ("note", "x" * 501),
        ("address", "x" * 201),
        ("address", "a\x00b"),
        ("note", "\x00"),
        ("note", "ring\x07twice"),
        ("address", "12 Main\r\nBcc: everybody@example.com"),
        ("address", "12 Main\x1b[2J"),
        ("learner", "999999999999999999999999"),
        ("learner", "x\x00"),
        ("neighborhood", "nowhere"),
        ("neighborhood", "a\x00b"),
        ("card_number", "4" * 5000),
        ("card_number", "\x00"),
    ],
)
def test_bad_field_is_422_and_charges_nothing(
    signed_in: Client, maya: User, name: str, value: str
) -> None:
    """G2"""
    hold = hold_of(maya)
    assert pay(signed_in, hold, **{name: value}).status_code == 422
    assert not PaymentAttempt.objects.exists()


# --- Who may not ----------------------------------------------------------------------------------
def test_hold_made_before_signing_in_is_not_ones_own_lesson(client: Client) -> None:
    """R8, S17.5: whoever held as a guest and turns out to be the instructor cannot book."""
    teacher = student(email="teacher@example.com")
    offering = OfferingFactory(instructor=InstructorFactory(user=teacher))
    become_guest(client)
    hold = HoldFactory(student=None, guest_key="guest-key-1", offering=offering)
    client.force_login(teacher)
    claim_guest_holds(user=teacher, guest_key="guest-key-1")
    page = client.get(f"/book/{hold.hold_id}/")
    assert "You cannot book a lesson with yourself" in page.content.decode()
    assert "Pay $" not in page.content.decode()
    hold.refresh_from_db()
    answer = pay(client, hold, learner=self_learner(teacher).public_id)
    assert answer.status_code == 403
    assert not PaymentAttempt.objects.exists()


def test_account_that_may_not_book_sees_no_way_to_pay(client: Client) -> None:
    """S5.2: no control whose POST would be 403."""
    analyst = VerifiedUserFactory(role=Role.ANALYST)
    hold = HoldFactory(student=analyst, learner=None)
    client.force_login(analyst)
    assert "Pay $" not in client.get(f"/book/{hold.hold_id}/").content.decode()
    lapse(hold)
    assert "Hold it again" not in client.get(f"/book/{hold.hold_id}/").content.decode()
    assert client.post(f"/book/{hold.hold_id}/again/").status_code == 403


# --- A lapsed hold --------------------------------------------------------------------------------
def test_lapsed_hold_offers_the_time_again(signed_in: Client, maya: User) -> None:
    """S13.2"""
    hold = hold_of(maya)
    lapse(hold)
    text = signed_in.get(f"/book/{hold.hold_id}/").content.decode()
    assert "Your hold ended" in text
    assert "Hold it again" in text


@pytest.mark.parametrize("card_cvc", ["123", "not a number"])
def test_paying_too_late_is_409_and_everything_typed_is_there_again(
    signed_in: Client, maya: User, card_cvc: str
) -> None:
    """S13.2: note, address, neighborhood and learner, whatever else was wrong in the form."""
    hold = hold_of(maya)
    child = LearnerFactory(manager=maya, birth_year=2012)
    there = NeighborhoodFactory(name="Red Hook")
    Coverage.objects.create(instructor=hold.instructor, neighborhood=there)
    lapse(hold)
    typed = {
        "learner": child.public_id,
        "neighborhood": "red-hook",
        "address": "9 Van Brunt Street",
    }
    answer = pay(signed_in, hold, card_cvc=card_cvc, **typed)
    assert answer.status_code == 409
    assert "Hold it again" in answer.content.decode()
    again = signed_in.post(f"/book/{hold.hold_id}/again/")
    form = signed_in.get(again["Location"]).context["form"]
    shown = (form["learner"].value(), form["neighborhood"].value(), form["address"].value())
    assert shown == (child.public_id, "red-hook", "9 Van Brunt Street")
    assert form["note"].value() == "Ring twice"
    assert not PaymentAttempt.objects.exists()


def test_holding_again_for_a_busy_learner_is_409_on_the_same_page(
    signed_in: Client, maya: User
) -> None:
    """S13.2, R7"""
    hold = hold_of(maya)
    lapse(hold)
    Booking.objects.filter(pk=hold.pk).update(status=Status.EXPIRED)
    BookingFactory(student=maya, learner=hold.learner, start_at=hold.start_at)
    answer = signed_in.post(f"/book/{hold.hold_id}/again/")
    assert answer.status_code == 409
    assert "Review and pay" in answer.content.decode()


def test_place_outside_the_area_names_the_nearest_ones(signed_in: Client, maya: User) -> None:
    """S13.1"""
    hold = hold_of(maya)
    for name, latitude in (("Astoria", 40.7644), ("Gowanus", 40.6733), ("Red Hook", 40.6734)):
        place = NeighborhoodFactory(name=name, latitude=latitude, longitude=-73.99)
        Coverage.objects.create(instructor=hold.instructor, neighborhood=place)
    NeighborhoodFactory(name="Sunset Park", latitude=40.6527, longitude=-74.0093)
    answer = pay(signed_in, hold, neighborhood="sunset-park")
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "The nearest: in Gowanus, in Red Hook, in Park Slope, online." in text


def test_lapsed_hold_of_a_lost_time_names_the_nearest(signed_in: Client, maya: User) -> None:
    """S13.2, R12"""
    hold = hold_of(maya)
    lapse(hold)
    Booking.objects.filter(pk=hold.pk).update(status=Status.EXPIRED)
    BookingFactory(offering=hold.offering, start_at=hold.start_at)
    page = signed_in.get(f"/book/{hold.hold_id}/")
    assert "Hold it again" not in page.content.decode()
    assert len(page.context["taken"].nearest) == 3
    answer = signed_in.post(f"/book/{hold.hold_id}/again/")
    assert answer.status_code == 409
    assert "booked by someone else" in answer.content.decode()
    assert pay(signed_in, hold).status_code == 409


def test_release_leads_back_to_the_times(signed_in: Client, maya: User) -> None:
    """S13.2"""
    hold = hold_of(maya)
    answer = signed_in.post(f"/book/{hold.hold_id}/release/")
    assert answer["Location"] == f"/i/{hold.instructor.slug}/book/"
    hold.refresh_from_db()
    assert hold.status == Status.EXPIRED


# --- Others ---------------------------------------------------------------------------------------
PATHS = ["", "pay/", "bank/", "payment/", "release/", "again/"]


@pytest.mark.parametrize("path", PATHS)
def test_strangers_hold_does_not_exist(signed_in: Client, path: str) -> None:
    """G5"""
    hold = HoldFactory()
    ask = signed_in.get if path in {"", "bank/", "payment/"} else signed_in.post
    assert ask(f"/book/{hold.hold_id}/{path}").status_code == 404


@pytest.mark.parametrize("cookie", ["guest-key-1", "guest-key-1:1x:bad", "", "a\x00b"])
def test_guest_key_without_our_signature_opens_nothing(client: Client, cookie: str) -> None:
    """S2.7, G5"""
    hold = HoldFactory(student=None, guest_key="guest-key-1")
    client.cookies[settings.GUEST_COOKIE_NAME] = cookie
    assert client.get(f"/book/{hold.hold_id}/").status_code == 404
    assert client.post(f"/book/{hold.hold_id}/release/").status_code == 404


def test_hold_belongs_to_the_account_that_took_it_over(maya: User) -> None:
    """S17.8: another account on the same browser does not see it."""
    browser = Client()
    become_guest(browser)
    hold = HoldFactory(student=None, guest_key="guest-key-1")
    claim_guest_holds(user=maya, guest_key="guest-key-1")
    assert browser.get(f"/book/{hold.hold_id}/").status_code == 404
    browser.force_login(student(email="leo@example.com"))
    assert browser.get(f"/book/{hold.hold_id}/").status_code == 404


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("hold_id", ["nothing", "%00", "a%00b", "x" * 3000, "%F0%9F%8E%B9", "'--"])
def test_nonsense_as_a_hold_does_not_exist(signed_in: Client, path: str, hold_id: str) -> None:
    ask = signed_in.get if path in {"", "bank/", "payment/"} else signed_in.post
    assert ask(f"/book/{hold_id}/{path}").status_code == 404


def test_paying_signed_out_leads_to_sign_in(client: Client) -> None:
    """S5"""
    become_guest(client)
    hold = HoldFactory(student=None, guest_key="guest-key-1")
    answer = client.post(f"/book/{hold.hold_id}/pay/", {"card_number": make.SUCCEEDS})
    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next=%2Fbook%2F{hold.hold_id}%2F"
    fragment = client.post(f"/book/{hold.hold_id}/pay/", headers={"HX-Request": "true"})
    assert fragment.status_code == 401
    assert fragment["HX-Redirect"] == answer["Location"]
    assert not PaymentAttempt.objects.exists()

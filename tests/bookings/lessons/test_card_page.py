"""The card is typed at the gateway's page; no number comes to us (Spec: S14.1, S14.4)."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from bookings.lessons.models import Booking
from bookings.payments.models import PaymentAttempt
from bookings.payments.selectors import ledger_imbalances
from instainstru import clock
from tests.bookings.lessons.stage import hold_of, pay_form
from tests.bookings.lessons.test_tips import taught
from tests.bookings.payments.stripe_stage import RefusedError, Stage
from tests.bookings.payments.test_payouts import teacher
from tests.factories import payments as make
from tests.factories.accounts import LearnerFactory, student
from tests.factories.lessons import BookingFactory, HoldFactory
from tests.factories.staff import at_work

pytestmark = [pytest.mark.S14, pytest.mark.django_db]


@pytest.fixture
def maya() -> User:
    return student(email="maya@example.com")


@pytest.fixture
def visitor(maya: User) -> Client:
    client = Client()
    client.force_login(maya)
    return client


@pytest.fixture
def hold(maya: User) -> Booking:
    return hold_of(maya)


def go_to_card_page(visitor: Client, stripe: Stage, address: str) -> str:
    """Press "Enter your card"; return the name of the page that opens."""
    answer = visitor.post(address)
    assert answer.status_code == 303
    assert answer["Location"].startswith("https://checkout.stripe.com/")
    return answer["Location"].rsplit("/", 1)[1]


def come_back(stripe: Stage, name: str, number: str) -> str:
    """Type a card; return the address on our site that the page leads to."""
    stripe.fill_in(name, number)
    address = stripe.pages[name]["success_url"].replace("{CHECKOUT_SESSION_ID}", name)
    assert address.startswith(settings.SITE_URL)
    return address.removeprefix(settings.SITE_URL)


def enter_card(visitor: Client, stripe: Stage, hold: Booking, number: str) -> str:
    name = go_to_card_page(visitor, stripe, f"/book/{hold.hold_id}/card/")
    visitor.get(come_back(stripe, name, number))
    return name


def pay(visitor: Client, hold: Booking, name: str, **more: Any) -> Any:
    form = pay_form(hold, name, **more)
    for field in ("card_expiry", "card_cvc", "card_zip"):
        del form[field]
    return visitor.post(f"/book/{hold.hold_id}/pay/", form)


def test_checkout_has_no_field_for_a_card(visitor: Client, stripe: Stage, hold: Booking) -> None:
    text = visitor.get(f"/book/{hold.hold_id}/").content.decode()
    assert "Enter your card" in text
    assert "Have a promo code?" in text
    for field in ("card_number", "card_expiry", "card_cvc", "card_zip", "cc-number"):
        assert field not in text
    assert stripe.asked == []


def test_card_at_the_gateways_page_then_paid(visitor: Client, stripe: Stage, hold: Booking) -> None:
    """Without JavaScript: the hosted page and back, then one charge."""
    name = go_to_card_page(visitor, stripe, f"/book/{hold.hold_id}/card/")
    back = come_back(stripe, name, make.SUCCEEDS)
    assert urlsplit(back).path == f"/book/{hold.hold_id}/"
    text = visitor.get(back).content.decode()
    assert "Visa ending in 4242" in text
    assert f'name="card_number" value="{name}"' in text
    assert "Pay $" in text
    answer = pay(visitor, hold, name)
    hold.refresh_from_db()
    assert answer.status_code == 303
    assert answer["Location"] == f"/lessons/{hold.code}/confirmed/"
    attempt = PaymentAttempt.objects.get()
    assert (attempt.gateway, attempt.status, attempt.card_last4) == ("stripe", "succeeded", "4242")
    assert [intent["status"] for intent in stripe.intents.values()] == ["succeeded"]
    assert ledger_imbalances() == []


def test_number_that_somebody_sends_anyway_goes_nowhere(
    visitor: Client, stripe: Stage, hold: Booking
) -> None:
    answer = visitor.post(f"/book/{hold.hold_id}/pay/", pay_form(hold, make.SUCCEEDS))
    assert answer.status_code == 422
    assert "4242" not in answer.content.decode()
    assert stripe.asked == []
    assert not PaymentAttempt.objects.exists()


def test_paying_before_entering_a_card_says_so(
    visitor: Client, stripe: Stage, hold: Booking
) -> None:
    answer = pay(visitor, hold, "")
    assert answer.status_code == 422
    assert "Enter your card first." in answer.content.decode()


def test_card_of_another_hold_is_not_taken(visitor: Client, stripe: Stage, hold: Booking) -> None:
    other = student()
    strange = stripe.typed_card(make.SUCCEEDS, bound_to=hold_of(other).hold_id)
    text = visitor.get(f"/book/{hold.hold_id}/?card={strange}").content.decode()
    assert "Enter your card" in text
    assert "4242" not in text
    assert pay(visitor, hold, strange).status_code == 422
    assert not PaymentAttempt.objects.exists()


def test_nobody_opens_the_page_for_the_hold_of_another(
    visitor: Client, stripe: Stage, hold: Booking
) -> None:
    assert visitor.post(f"/book/{hold_of(student()).hold_id}/card/").status_code == 404
    assert stripe.asked == []


def test_declined_card_stays_here_and_another_can_be_entered(
    visitor: Client, stripe: Stage, hold: Booking
) -> None:
    """S14.4: 402, nothing charged, what was typed is kept, and a new try is a new intent."""
    answer = pay(visitor, hold, enter_card(visitor, stripe, hold, make.DECLINED))
    text = answer.content.decode()
    assert answer.status_code == 402
    assert "Your card was declined. Nothing was charged." in text
    assert "Use another card" in text
    name = enter_card(visitor, stripe, hold, make.SUCCEEDS)
    assert "Ring twice" in visitor.get(f"/book/{hold.hold_id}/?card={name}").content.decode()
    assert pay(visitor, hold, name, idempotency_key="second-key").status_code == 303
    states = [intent["status"] for intent in stripe.intents.values()]
    assert states == ["canceled", "succeeded"]


def test_another_card_costs_nothing_that_was_typed(
    visitor: Client, stripe: Stage, hold: Booking, maya: User
) -> None:
    """G2: the button sends the form, and it is there after the gateway's page."""
    emma = LearnerFactory(manager=maya, name="Emma")
    enter_card(visitor, stripe, hold, make.SUCCEEDS)
    typed = pay_form(hold, "", note="Ring at the back door", learner=emma.public_id)
    typed.pop("terms")
    answer = visitor.post(f"/book/{hold.hold_id}/card/", typed)
    name = answer["Location"].rsplit("/", 1)[1]
    text = visitor.get(come_back(stripe, name, make.SUCCEEDS)).content.decode()
    assert "Ring at the back door" in text
    hold.refresh_from_db()
    assert (hold.note, hold.learner, hold.status) == ("Ring at the back door", emma, "held")
    # "Enter your card" has nothing typed to send, and takes nothing away.
    go_to_card_page(visitor, stripe, f"/book/{hold.hold_id}/card/")
    hold.refresh_from_db()
    assert hold.note == "Ring at the back door"


def test_learner_who_is_elsewhere_is_not_kept_and_the_note_is(
    visitor: Client, stripe: Stage, hold: Booking, maya: User
) -> None:
    """R7, R11: nothing that blocks may clash."""
    emma = LearnerFactory(manager=maya, name="Emma")
    BookingFactory(student=maya, learner=emma, start_at=hold.start_at)
    typed = pay_form(hold, "", note="Ring at the back door", learner=emma.public_id)
    assert visitor.post(f"/book/{hold.hold_id}/card/", typed).status_code == 303
    hold.refresh_from_db()
    assert hold.note == "Ring at the back door"
    assert hold.learner != emma


def test_another_card_for_a_tip_keeps_the_amount(
    visitor: Client, stripe: Stage, maya: User, settings: Any
) -> None:
    settings.PAYMENT_GATEWAY = "test"
    lesson = taught(maya)
    settings.PAYMENT_GATEWAY = "stripe"
    answer = visitor.post(f"/lessons/{lesson.code}/tip/card/", {"amount": "12.50"})
    back = come_back(stripe, answer["Location"].rsplit("/", 1)[1], make.SUCCEEDS)
    assert back.startswith(f"/lessons/{lesson.code}/tip/?amount=12.50&card=cs_")
    text = visitor.get(back).content.decode()
    assert 'value="12.50"' in text
    assert "Visa ending in 4242" in text
    wrong = visitor.post(f"/lessons/{lesson.code}/tip/card/", {"amount": '"><script>' * 9})
    back = come_back(stripe, wrong["Location"].rsplit("/", 1)[1], make.SUCCEEDS)
    assert "<script>&" not in visitor.get(back).content.decode()
    assert '"><script>"' not in visitor.get(back).content.decode()


@pytest.mark.parametrize("is_approved", [True, False])
def test_bank_asks_on_its_own_page(
    visitor: Client, stripe: Stage, hold: Booking, is_approved: bool
) -> None:
    """S14.4, T2: there and back; how it ended is asked of the gateway, not of the address."""
    answer = pay(visitor, hold, enter_card(visitor, stripe, hold, make.EXTRA_STEP))
    assert answer["Location"] == f"/book/{hold.hold_id}/bank/"
    (reference,) = stripe.intents
    page = visitor.get(answer["Location"]).content.decode()
    assert f'href="https://hooks.stripe.com/3d_secure/{reference}"' in page
    assert "Yes, it is me" not in page
    stripe.finish_step(reference, is_approved=is_approved)
    back = visitor.get(f"/book/bank/?payment_intent={reference}&redirect_status=succeeded")
    assert back["Location"] == f"/book/{hold.hold_id}/payment/"
    assert visitor.get(back["Location"]).status_code == 200
    hold.refresh_from_db()
    assert hold.status == "held", "looking changes nothing (S17.10)"
    visitor.post(back["Location"])
    end = visitor.get(back["Location"])
    hold.refresh_from_db()
    if is_approved:
        assert end["Location"] == f"/lessons/{hold.code}/confirmed/"
    else:
        assert (hold.status, end["Location"]) == ("held", f"/book/{hold.hold_id}/")
        assert PaymentAttempt.objects.get().decline_reason == "step_failed"


def test_bank_return_of_another_tells_nothing(
    visitor: Client, stripe: Stage, hold: Booking
) -> None:
    pay(visitor, hold, enter_card(visitor, stripe, hold, make.EXTRA_STEP))
    (reference,) = stripe.intents
    stranger = Client()
    stranger.force_login(student())
    for query in (f"?payment_intent={reference}", "?payment_intent=", "", "?payment_intent=%00"):
        assert stranger.get(f"/book/bank/{query}")["Location"] == "/lessons/"


def test_silent_bank_waits_and_the_webhook_or_a_look_confirms(
    visitor: Client, stripe: Stage, hold: Booking
) -> None:
    """S14.2: a time-out is not a failure."""
    answer = pay(visitor, hold, enter_card(visitor, stripe, hold, make.LATE_RESULT))
    assert answer["Location"] == f"/book/{hold.hold_id}/payment/"
    stripe.result_at = dict.fromkeys(stripe.intents, 0.0)
    assert visitor.get(answer["Location"]).status_code == 200
    assert not Booking.objects.exclude(code=None).exists(), "looking changes nothing (S17.10)"
    assert visitor.post(answer["Location"])["Location"] == answer["Location"]
    assert "/confirmed/" in visitor.get(answer["Location"])["Location"]
    assert len(stripe.intents) == 1


def test_gateway_that_does_not_answer_is_said_and_nothing_is_charged(
    visitor: Client, stripe: Stage, hold: Booking
) -> None:
    name = enter_card(visitor, stripe, hold, make.SUCCEEDS)
    for call in (
        lambda: visitor.post(f"/book/{hold.hold_id}/card/"),
        lambda: pay(visitor, hold, name, idempotency_key="k"),
    ):
        stripe.next_failure = RefusedError(503, "")
        answer = call()
        assert answer.status_code == 409
        assert "does not answer" in answer.content.decode()
    stripe.next_failure = 503
    text = visitor.get(f"/book/{hold.hold_id}/?card={name}").content.decode()
    assert "The card you entered" in text
    assert not PaymentAttempt.objects.exists()


def test_hold_that_ended_opens_no_page(visitor: Client, stripe: Stage, maya: User) -> None:
    over = HoldFactory(student=maya, status="expired")
    answer = visitor.post(f"/book/{over.hold_id}/card/")
    assert answer["Location"] == f"/book/{over.hold_id}/"
    assert stripe.asked == []


def test_tip_is_paid_with_a_card_of_the_gateways_page(
    visitor: Client, stripe: Stage, maya: User, settings: Any
) -> None:
    """S11.10"""
    settings.PAYMENT_GATEWAY = "test"
    lesson = taught(maya)
    settings.PAYMENT_GATEWAY = "stripe"
    page = visitor.get(f"/lessons/{lesson.code}/tip/").content.decode()
    assert "Enter your card" in page
    assert "cc-number" not in page
    name = go_to_card_page(visitor, stripe, f"/lessons/{lesson.code}/tip/card/")
    back = come_back(stripe, name, make.SUCCEEDS)
    assert "Visa ending in 4242" in visitor.get(back).content.decode()
    said = {"amount": "10", "card_number": name, "idempotency_key": "k"}
    assert visitor.post(f"/lessons/{lesson.code}/tip/", said).status_code == 303
    tip = PaymentAttempt.objects.get(purpose="tip")
    assert (tip.gateway, tip.status, tip.amount_cents) == ("stripe", "succeeded", 1000)
    again = visitor.post(f"/lessons/{lesson.code}/tip/card/")
    assert again["Location"] == f"/lessons/{lesson.code}/tip/"


def test_bank_details_have_no_field_either(stripe: Stage) -> None:
    """S14.11: no account number is typed at us."""
    client = at_work(teacher().user)
    page = client.get("/teach/earnings/bank/").content.decode()
    assert "secure page of our payment company" in page
    assert "account_number" not in page
    answer = client.post("/teach/earnings/bank/", {"account_number": "000123456789"})
    assert (answer.status_code, answer["Location"]) == (303, "/teach/earnings/bank/")
    assert stripe.asked == []


def test_hold_that_ended_meanwhile_is_not_charged(
    visitor: Client, stripe: Stage, hold: Booking
) -> None:
    """S13.2: typing took longer than the hold; the time can be held again, nothing is charged."""
    name = go_to_card_page(visitor, stripe, f"/book/{hold.hold_id}/card/")
    back = come_back(stripe, name, make.SUCCEEDS)
    Booking.objects.filter(pk=hold.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    text = visitor.get(back).content.decode()
    assert "Hold it again" in text
    assert "Pay $" not in text
    assert pay(visitor, hold, name).status_code == 409
    assert not stripe.intents
    again = visitor.post(f"/book/{hold.hold_id}/again/")["Location"]
    assert "Enter your card" in visitor.get(f"{again}?card={name}").content.decode()


def test_coming_back_twice_and_pressing_twice_is_one_charge(
    visitor: Client, stripe: Stage, hold: Booking
) -> None:
    """S14.2: the way back loaded again, the same form from two tabs, then with another key."""
    name = go_to_card_page(visitor, stripe, f"/book/{hold.hold_id}/card/")
    back = come_back(stripe, name, make.SUCCEEDS)
    assert visitor.get(back).status_code == visitor.get(back).status_code == 200
    first = pay(visitor, hold, name)["Location"]
    assert pay(visitor, hold, name)["Location"] == first
    assert pay(visitor, hold, name, idempotency_key="of another tab")["Location"] == first
    assert visitor.get(back)["Location"] == first
    assert len(stripe.intents) == 1


def test_going_back_without_a_card_changes_nothing(
    visitor: Client, stripe: Stage, hold: Booking
) -> None:
    name = go_to_card_page(visitor, stripe, f"/book/{hold.hold_id}/card/")
    text = visitor.get(f"/book/{hold.hold_id}/").content.decode()
    assert "Enter your card" in text
    assert "Enter your card" in visitor.get(f"/book/{hold.hold_id}/?card={name}").content.decode()
    assert pay(visitor, hold, name).status_code == 422
    assert not PaymentAttempt.objects.exists()


def test_answer_that_got_lost_is_found_and_charged_once(
    visitor: Client, stripe: Stage, hold: Booking
) -> None:
    """S14.2, T2: the hold waits for the answer."""
    name = enter_card(visitor, stripe, hold, make.SUCCEEDS)
    before = Booking.objects.get(pk=hold.pk).expires_at
    stripe.lost = "confirm"
    answer = pay(visitor, hold, name)
    assert answer["Location"] == f"/book/{hold.hold_id}/payment/"
    after = Booking.objects.get(pk=hold.pk).expires_at
    assert before is not None
    assert after is not None
    assert after > before
    visitor.post(answer["Location"])
    assert "/confirmed/" in visitor.get(answer["Location"])["Location"]
    assert [intent["status"] for intent in stripe.intents.values()] == ["succeeded"]


def test_number_typed_at_us_is_in_no_log(
    visitor: Client, stripe: Stage, hold: Booking, caplog: pytest.LogCaptureFixture
) -> None:
    """S14.1"""
    number = make.SUCCEEDS
    with caplog.at_level("DEBUG"):
        visitor.post(f"/book/{hold.hold_id}/pay/", pay_form(hold, number))
        visitor.get(f"/book/{hold.hold_id}/?card={number.replace(' ', '')}")
        pay(visitor, hold, enter_card(visitor, stripe, hold, make.DECLINED))
    assert number not in caplog.text
    assert number.replace(" ", "") not in caplog.text
    assert "4000000000000002" not in caplog.text


def test_card_pages_are_not_opened_without_end(
    visitor: Client, stripe: Stage, hold: Booking
) -> None:
    """S17.4: the page tells whether a card works, which thieves would like to know."""
    for _ in range(20):
        go_to_card_page(visitor, stripe, f"/book/{hold.hold_id}/card/")
    answer = visitor.post(f"/book/{hold.hold_id}/card/")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert len(stripe.pages) == 20


@pytest.mark.parametrize("is_approved", [True, False])
def test_tip_goes_to_the_bank_and_back(
    visitor: Client, stripe: Stage, maya: User, settings: Any, is_approved: bool
) -> None:
    """S14.4, S11.10"""
    settings.PAYMENT_GATEWAY = "test"
    lesson = taught(maya)
    settings.PAYMENT_GATEWAY = "stripe"
    name = stripe.typed_card(make.EXTRA_STEP, bound_to=lesson.hold_id)
    said = {"amount": "10", "card_number": name, "idempotency_key": "k"}
    page = visitor.post(f"/lessons/{lesson.code}/tip/", said)["Location"]
    assert page == f"/lessons/{lesson.code}/tip/bank/"
    (reference,) = stripe.intents
    text = visitor.get(page).content.decode()
    assert f'href="https://hooks.stripe.com/3d_secure/{reference}"' in text
    assert "Yes, it is me" not in text
    assert visitor.post(page, {"answer": "yes"}).status_code == 409
    stripe.finish_step(reference, is_approved=is_approved)
    back = visitor.get(f"/book/bank/?payment_intent={reference}")["Location"]
    assert back == page
    assert "See how it went" in visitor.get(back).content.decode()
    assert PaymentAttempt.objects.get(purpose="tip").is_open, "looking changes nothing (S17.10)"
    end = visitor.post(back, {"answer": "look"})["Location"]
    tip = PaymentAttempt.objects.get(purpose="tip")
    if is_approved:
        assert (tip.status, end) == ("succeeded", f"/lessons/{lesson.code}/")
        assert tip.recorded_at is not None
    else:
        assert (tip.status, end) == ("declined", f"/lessons/{lesson.code}/tip/")
        assert "Nothing was charged" in visitor.get(end).content.decode()


def test_tip_can_be_given_up_instead_of_asking_the_bank(
    visitor: Client, stripe: Stage, maya: User, settings: Any
) -> None:
    settings.PAYMENT_GATEWAY = "test"
    lesson = taught(maya)
    settings.PAYMENT_GATEWAY = "stripe"
    name = stripe.typed_card(make.EXTRA_STEP, bound_to=lesson.hold_id)
    said = {"amount": "10", "card_number": name, "idempotency_key": "k"}
    page = visitor.post(f"/lessons/{lesson.code}/tip/", said)["Location"]
    assert visitor.post(page, {"answer": "no"}).status_code == 402
    assert [intent["status"] for intent in stripe.intents.values()] == ["canceled"]

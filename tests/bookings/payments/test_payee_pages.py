"""Bank details are told to the gateway, on its page (Spec: S14.11, S14.12)."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from accounts.models import AuditEvent
from bookings.notifications.models import OutgoingMail
from bookings.payments.models import Payee, PayeePage, Payout
from bookings.payments.services.payee_pages import finish_payee_pages
from bookings.payments.services.payouts import make_payouts, send_payouts
from catalog.models import Instructor
from instainstru import clock
from tests.bookings.payments.stripe_stage import RefusedError, Stage
from tests.bookings.payments.test_payouts import taught, teacher
from tests.factories.accounts import student
from tests.factories.staff import at_work

pytestmark = [pytest.mark.S14, pytest.mark.django_db]
BANK, PAGE, DONE = (
    "/teach/earnings/bank/",
    "/teach/earnings/bank/page/",
    "/teach/earnings/bank/done/",
)


@pytest.fixture
def ana() -> Instructor:
    return teacher()


@pytest.fixture
def desk(ana: Instructor, stripe: Stage) -> Client:
    return at_work(ana.user)


def go(desk: Client, stripe: Stage) -> str:
    """Press the button; return whose account the page is about."""
    answer = desk.post(PAGE)
    assert answer.status_code == 303
    assert answer["Location"].startswith("https://connect.stripe.com/")
    return str(answer["Location"].split("/")[-2])


def come_back(desk: Client) -> str:
    answer = desk.get(DONE)
    assert answer["Location"] == "/teach/earnings/"
    return desk.get(answer["Location"]).content.decode()


def enter(desk: Client, stripe: Stage, last4: str = "6789") -> str:
    name = go(desk, stripe)
    stripe.tell_bank(name, last4)
    come_back(desk)
    return name


def earned(ana: Instructor, settings: Any) -> None:
    """Let them have a payout that is due; how its lesson was paid is another matter."""
    settings.PAYMENT_GATEWAY = "test"
    taught(ana)
    settings.PAYMENT_GATEWAY = "stripe"
    make_payouts(clock.now())


def changes() -> int:
    return OutgoingMail.objects.filter(key__startswith="bank_changed:").count()


def test_page_is_asked_for_word_for_word(desk: Client, stripe: Stage, ana: Instructor) -> None:
    """S14.1: the account has no bank account yet, and the page leads back here."""
    name = go(desk, stripe)
    account, read, link = stripe.asked
    assert (account.method, account.path) == ("POST", "accounts")
    assert "external_account" not in account.params
    assert account.params["metadata[payee]"] == account.key == f"payee-page-{ana.pk}"
    assert account.params["capabilities[transfers][requested]"] == "true"
    assert (read.method, read.path) == ("GET", f"accounts/{name}")
    assert (link.method, link.path) == ("POST", "account_links")
    assert link.params == {
        "account": name,
        "type": "account_onboarding",
        "return_url": f"{settings.SITE_URL}{DONE}",
        "refresh_url": f"{settings.SITE_URL}{BANK}",
    }


def test_first_bank_details_are_kept_and_told(desk: Client, stripe: Stage, ana: Instructor) -> None:
    name = go(desk, stripe)
    assert "not complete yet" in come_back(desk)
    assert not Payee.objects.exists()
    stripe.tell_bank(name, "6789")
    assert "ending in 6789" in come_back(desk)
    payee = Payee.objects.get()
    assert (payee.gateway, payee.reference, payee.last4) == ("stripe", name, "6789")
    assert payee.delayed_until is None
    assert payee.bank_reference.startswith("ba_")
    assert changes() == 1
    come_back(desk)
    assert changes() == 1
    assert AuditEvent.objects.filter(action="payout_details.changed").count() == 1


def test_page_that_was_left_is_opened_for_the_same_payee(desk: Client, stripe: Stage) -> None:
    assert go(desk, stripe) == go(desk, stripe)
    assert len(stripe.accounts) == 1


def test_change_delays_payouts_from_opening_the_page(
    desk: Client, stripe: Stage, ana: Instructor, settings: Any
) -> None:
    """S14.11: what is changed there is seen later than it is changed."""
    name = enter(desk, stripe)
    earned(ana, settings)
    assert go(desk, stripe) == name
    assert stripe.asked[-1].params["type"] == "account_update"
    assert send_payouts(clock.now()) == 0
    payee, payout = Payee.objects.get(), Payout.objects.get()
    assert payee.delayed_until is not None
    assert payee.delayed_until - clock.now() > timedelta(hours=71, minutes=59)
    assert payout.next_try_at == payee.delayed_until
    assert changes() == 1
    stripe.tell_bank(name, "6789")
    assert "nothing is paid out before" in come_back(desk)
    assert changes() == 2  # the same last digits, another account
    due = Payee.objects.get().delayed_until
    assert due is not None
    assert send_payouts(due - timedelta(seconds=1)) == 0
    assert send_payouts(due) == 1
    assert [row["destination"] for row in stripe.transfers.values()] == [name]


def test_change_without_coming_back_is_found(desk: Client, stripe: Stage) -> None:
    name = enter(desk, stripe)
    go(desk, stripe)
    stripe.tell_bank(name, "4321")
    assert finish_payee_pages(clock.now()) == 1
    assert Payee.objects.get().last4 == "4321"
    assert changes() == 2
    assert finish_payee_pages(clock.now()) == 1
    assert changes() == 2
    event = AuditEvent.objects.filter(action="payout_details.changed").latest("pk")
    assert event.actor is None


def test_page_is_looked_at_for_a_day(desk: Client, stripe: Stage) -> None:
    go(desk, stripe)
    stripe.asked.clear()
    assert finish_payee_pages(clock.now() + timedelta(hours=24, seconds=1)) == 0
    assert stripe.asked == []
    stripe.next_failure = 503
    assert finish_payee_pages(clock.now()) == 0
    assert PayeePage.objects.count() == 1


def test_payouts_that_had_stopped_go_again_after_the_page(
    desk: Client, stripe: Stage, ana: Instructor, settings: Any
) -> None:
    """What the tax office asks may be missing, and the bank account right."""
    enter(desk, stripe)
    earned(ana, settings)
    Payout.objects.update(status="stopped", next_try_at=None)
    go(desk, stripe)
    finish_payee_pages(clock.now())
    assert Payout.objects.get().status == "stopped"
    come_back(desk)
    payout, payee = Payout.objects.get(), Payee.objects.get()
    assert (payout.status, payout.next_try_at) == ("due", payee.delayed_until)


def test_page_is_for_somebody_who_just_signed_in(
    desk: Client, stripe: Stage, ana: Instructor
) -> None:
    """S14.11: re-authentication; nothing is asked of the gateway before."""
    with time_machine.travel(clock.now() + timedelta(minutes=16)):
        answer = desk.post(PAGE)
    assert "/accounts/reauthenticate/" in answer["Location"]
    assert stripe.asked == []


def test_others_do_not_reach_it(stripe: Stage) -> None:
    for client, status in ((at_work(student()), 403), (Client(), 302)):
        assert client.post(PAGE).status_code == status
        assert client.get(DONE).status_code == status
    assert stripe.asked == []


def test_silence_is_said_and_delays_nothing(desk: Client, stripe: Stage) -> None:
    enter(desk, stripe)
    stripe.refused = {"account_links": RefusedError(503, "")}
    answer = desk.post(PAGE)
    assert answer["Location"] == BANK
    assert "does not answer" in desk.get(BANK).content.decode()
    assert Payee.objects.get().delayed_until is None
    stripe.refused = {"external_accounts": RefusedError(503, "")}
    assert "in a minute" in come_back(desk)


def test_offline_gateway_keeps_its_form(ana: Instructor, settings: Any) -> None:
    client = at_work(ana.user)
    assert "account_number" in client.get(BANK).content.decode()
    assert client.post(PAGE)["Location"] == BANK
    assert not PayeePage.objects.exists()

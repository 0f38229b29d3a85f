"""The people and the forms that the tests of the booking path share."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.signing import get_cookie_signer
from django.test import Client

from accounts.guests import SALT
from accounts.models import Learner, User
from accounts.owners import Owner
from bookings.lessons.checkout import CheckoutDetails, split_of
from bookings.lessons.models import Booking
from bookings.lessons.services import HoldRequest
from catalog.models import Offering
from instainstru import clock
from tests.factories import payments as make
from tests.factories.lessons import HoldFactory, tomorrow_at


def slot_value(start_at: datetime) -> str:
    """Return a start as the form posts it (S12.4)."""
    return f"{start_at:%Y-%m-%dT%H:%M:%SZ}"


def wanted(offering: Offering, start_at: datetime | None = None, **changes: Any) -> HoldRequest:
    """Ask for 60 minutes online, tomorrow at 10:00 unless told otherwise."""
    asked: dict[str, Any] = {
        "offering_id": offering.pk,
        "start_at": start_at or tomorrow_at(10),
        "duration_minutes": 60,
        "modality": "online",
        **changes,
    }
    return HoldRequest(**asked)


def guest(key: str = "guest-key-1") -> Owner:
    """Return a guest."""
    return Owner(guest_key=key)


def owner(user: User) -> Owner:
    """Return an account as an owner."""
    return Owner(user_id=user.pk)


def become_guest(client: Client, key: str = "guest-key-1") -> None:
    """Give a browser the signed cookie of a guest."""
    name = settings.GUEST_COOKIE_NAME
    client.cookies[name] = get_cookie_signer(salt=name + SALT).sign(key)


def self_learner(user: User) -> Learner:
    """Return the learner that the person is."""
    return Learner.objects.get(manager=user, is_self=True)


def hold_of(user: User, **fields: Any) -> Booking:
    """Return this person's live hold, at the student's place in Park Slope."""
    return HoldFactory(student=user, learner=self_learner(user), **fields)


def due_cents(hold: Booking) -> int:
    """Return what the page says now that the card pays."""
    fresh = Booking.objects.get(pk=hold.pk)
    return split_of(fresh, fresh.student_id, clock.now()).card_cents


def details(hold: Booking, number: str = make.SUCCEEDS, **changes: Any) -> CheckoutDetails:
    """Return what the pay form says."""
    said: dict[str, Any] = {
        "learner_id": hold.learner_id,
        "neighborhood_id": hold.neighborhood_id,
        "address": "45 Carroll Street, Apt 2",
        "note": "Ring twice",
        "card": make.card(number),
        "shown_cents": due_cents(hold),
        **changes,
    }
    return CheckoutDetails(**said)


def pay_form(hold: Booking, number: str = make.SUCCEEDS, **changes: Any) -> dict[str, Any]:
    """Return the fields of the pay form as a browser posts them."""
    return {
        "idempotency_key": "first-key",
        "learner": hold.learner.public_id if hold.learner else "",
        "neighborhood": hold.neighborhood.slug if hold.neighborhood else "",
        "address": "45 Carroll Street, Apt 2",
        "note": "Ring twice",
        "card_number": number,
        "card_expiry": "12/40",
        "card_cvc": "123",
        "card_zip": "11215",
        "terms": "on",
        "due_cents": due_cents(hold),
        **changes,
    }


def hold_form(
    offering: Offering, start_at: datetime | None = None, **changes: Any
) -> dict[str, Any]:
    """Return the fields of the time page as a browser posts them."""
    return {
        "service": offering.service.slug,
        "duration": "60",
        "place": "online",
        "start": slot_value(start_at or tomorrow_at(10)),
        **changes,
    }

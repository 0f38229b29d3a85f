"""What staff type is checked like what everybody types (Spec: S17.3, S17.5)."""

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.roles import Role
from accounts.suspension import suspend_account
from instainstru import clock
from instainstru.errors import ValidationFailedError
from tests.factories.accounts import student
from tests.factories.lessons import BookingFactory
from tests.factories.staff import at_work, staff

pytestmark = [pytest.mark.django_db, pytest.mark.S17]


@pytest.mark.parametrize("character", ["\x07", "\x00", "\x1b"])
def test_a_reason_with_characters_that_nobody_sees_is_refused(character: str) -> None:
    """S17.3: it is kept for years, and instructors read why their payouts are held."""
    person, reason = student(), f"Asked {character} for it in writing."
    address = reverse("admin:accounts_user_action", args=[person.pk, "reveal"])
    answer = at_work(staff(Role.SUPPORT)).post(address, {"reason": reason})
    assert answer.status_code == 422
    with pytest.raises(ValidationFailedError):
        suspend_account(by=staff(Role.SUPPORT), person=person, reason=reason)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("amount", ["1E+999999999", "1e400", "9" * 40, "NaN", "Infinity", "-1"])
def test_an_amount_that_no_lesson_costs_is_refused_at_its_field(amount: str) -> None:
    """S17.5."""
    lesson = BookingFactory(status="confirmed", code="II-ABCDEF", confirmed_at=clock.now())
    address = reverse("admin:lessons_booking_action", args=[lesson.pk, "cancel"])
    fields = {"card": amount, "credit": "0", "reason": "Asked for it in writing."}
    answer = at_work(staff(Role.ADMIN)).post(address, fields)
    assert answer.status_code == 422
    assert "card" in answer.context["form"].errors


@pytest.mark.parametrize("kind", ["accounts_auditevent", "lessons_strike", "payments_payout"])
def test_a_filter_that_no_database_takes_leads_back_to_the_list(kind: str) -> None:
    """S17.3: PostgreSQL text holds every character but NUL."""
    browser, address = at_work(staff(Role.ADMIN)), reverse(f"admin:{kind}_changelist")
    for name in ("status", "reason", "action__exact"):
        answer = browser.get(address, {name: "a\x00b"})
        assert (answer.status_code, answer["Location"]) == (302, f"{address}?e=1")
    assert browser.get(f"{address}?e=1").status_code == 200

"""Delivered mails are kept as long as the register of personal data says (S6.5)."""

from datetime import timedelta

import pytest

from bookings.notifications.interest import forget_contact_messages, send_contact_message
from bookings.notifications.models import ContactMessage, OutgoingMail
from bookings.notifications.services import forget_old_mail, store_mail
from instainstru import clock

pytestmark = [pytest.mark.S6, pytest.mark.django_db]
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def test_mails_go_30_days_after_delivery_and_not_before_they_went() -> None:
    now = clock.now()
    ages = {"old": 30 * DAY, "young": 30 * DAY - SECOND, "waiting": None}
    for key, age in ages.items():
        mail = store_mail(key=key, kind="x", to="m@example.com", subject="Hi", text="Hi")
        if age is not None:
            OutgoingMail.objects.filter(pk=mail.pk).update(status="sent", sent_at=now - age)
    OutgoingMail.objects.filter(key="waiting").update(created_at=now - 99 * DAY)
    assert forget_old_mail(now) == 1
    assert set(OutgoingMail.objects.values_list("key", flat=True)) == {"young", "waiting"}


def test_messages_to_us_go_after_two_years_to_the_second() -> None:
    """S6.3: exactly as long as the register says, also when nobody answered."""
    now = clock.now()
    for name, age in (("old", 730 * DAY), ("young", 730 * DAY - SECOND)):
        message = send_contact_message(name=name, email="c@example.com", topic="other", text="Hi")
        ContactMessage.objects.filter(pk=message.pk).update(created_at=now - age)
    assert forget_contact_messages(now) == 1
    assert ContactMessage.objects.get().name == "young"

"""Mails about payouts: rows in the transaction that they tell of (Spec: S13.5, S14.6, S14.11)."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from bookings.notifications.services import queue_mail
from bookings.payments.models import Payee, Payout
from catalog.models import Instructor
from instainstru.templatetags.ui import money_exact


def queue_payout_sent(payout: Payout) -> None:
    """Tell the instructor that money is on its way, once."""
    subject = f"{money_exact(payout.amount_cents)} is on its way to you"
    _queue(payout.instructor, "payout_sent", f"payout_sent:{payout.pk}", subject, payout=payout)


def queue_payout_failed(payout: Payout) -> None:
    """Tell the instructor that their bank refused a payout, once per try."""
    is_last = payout.status == Payout.Status.STOPPED
    subject = "Update your bank details" if is_last else "Your bank refused a payout"
    key = f"payout_failed:{payout.pk}:{payout.failures}"
    _queue(payout.instructor, "payout_failed", key, subject, payout=payout, is_last=is_last)


def queue_bank_changed(payee: Payee) -> None:
    """Tell the instructor that their bank details changed: it may not have been them (S14.11)."""
    key = f"bank_changed:{payee.pk}:{payee.changed_at.isoformat()}"
    _queue(payee.instructor, "bank_changed", key, "Your bank details changed", payee=payee)


def _queue(instructor: Instructor, kind: str, key: str, subject: str, **context: Any) -> None:
    person = instructor.user
    queue_mail(
        key=key,
        to=person.email,
        subject=subject,
        template=kind,
        context={
            "person": person,
            "url": settings.SITE_URL + reverse("payments:earnings"),
            **context,
        },
    )

"""Bank details that are told to the gateway on its own page (Spec: S14.11, S14.12).

What is changed there we only see by asking, so payouts wait from the moment that the page is
opened, and it is looked for on the way back and by a job for a day.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.audit import record_event
from accounts.models import User
from bookings.payments.gateways import current_gateway, gateway_named
from bookings.payments.gateways.base import GatewayError, PaymentGateway
from bookings.payments.models import Payee, PayeePage, Payout
from bookings.payments.services.payees import (
    VIEW,
    end_of_delay,
    keep_payee,
    start_again,
)
from catalog.models import Instructor
from catalog.team import find_own_profile
from instainstru import clock
from instainstru.errors import ConflictError

# So long after it was opened somebody may still be typing there.
WATCHED = timedelta(hours=24)
BATCH_SIZE = 100

log = structlog.get_logger(__name__)


def has_payee_page() -> bool:
    """Tell whether bank details are told at the gateway's page and not in our form."""
    return current_gateway().has_payee_page


def open_payee_page(*, by: User) -> str:
    """Return the address of the gateway's page for the person's bank details.

    Somebody who is paid already is paid nothing for 72 hours from now, whatever they change there.
    No transaction may be open. Raises ``NotFoundError`` for somebody who does not teach,
    ``ConflictError`` when the gateway does not answer. Spec: S14.11
    """
    instructor, gateway = find_own_profile(by, VIEW), current_gateway()
    with _reached():
        reference = _reference_of(instructor, gateway)
        address = gateway.payee_page(
            reference=reference,
            return_url=settings.SITE_URL + reverse("payments:payee-return"),
            again_url=settings.SITE_URL + reverse("payments:payout-details"),
        )
    with transaction.atomic():
        Instructor.objects.select_for_update(no_key=True).get(pk=instructor.pk)
        now = clock.now()
        PayeePage.objects.filter(instructor=instructor).update(opened_at=now)
        payee = Payee.objects.filter(instructor=instructor).first()
        if payee is not None:
            _delay(payee, now)
            record_event("payout_details.opened", by=by, on=payee, subject=by)
    return address


def finish_payee_page(*, by: User) -> Payee | None:
    """Write down what the person told at the gateway; None while something is missing there.

    No transaction may be open. Raises ``ConflictError`` when the gateway does not answer.
    """
    page = PayeePage.objects.filter(instructor=find_own_profile(by, VIEW)).first()
    if page is None:
        return None
    with _reached():
        return _look(page, by)


def finish_payee_pages(now: datetime) -> int:
    """Look for what people told at the gateway without coming back; return how many are known.

    No transaction may be open.
    """
    done = 0
    pages = PayeePage.objects.filter(opened_at__gt=now - WATCHED).order_by("opened_at", "pk")
    for page in pages[:BATCH_SIZE]:
        try:
            done += _look(page, None) is not None
        except GatewayError as error:
            log.warning("payee_unclear", page=page.pk, reason=str(error))
    return done


def _reference_of(instructor: Instructor, gateway: PaymentGateway) -> str:
    """Return whom the page is about: the payee of this gateway, or one that was begun."""
    payee = Payee.objects.filter(instructor=instructor, gateway=gateway.name).first()
    page = PayeePage.objects.filter(instructor=instructor, gateway=gateway.name).first()
    known = payee or page
    reference = known.reference if known else gateway.begin_payee(key=f"payee-page-{instructor.pk}")
    PayeePage.objects.update_or_create(
        instructor=instructor, defaults={"gateway": gateway.name, "reference": reference}
    )
    return reference


def _delay(payee: Payee, now: datetime) -> None:
    payee.delayed_until = end_of_delay(now)
    payee.save(update_fields=["delayed_until"])
    waiting = Payout.objects.filter(instructor=payee.instructor_id, status__in=["due", "failed"])
    waiting.filter(next_try_at__lt=payee.delayed_until).update(next_try_at=payee.delayed_until)


def _look(page: PayeePage, by: User | None) -> Payee | None:
    asked_at = clock.now()
    known = gateway_named(page.gateway).fetch_payee(reference=page.reference)
    if known is None:
        return None
    with transaction.atomic():
        rows = Instructor.objects.select_for_update(no_key=True, of=("self",))
        instructor = rows.select_related("user").get(pk=page.instructor_id)
        payee = Payee.objects.filter(instructor=instructor).first()
        told = (page.gateway, known.reference, known.bank_reference)
        if payee and payee.changed_at > asked_at:
            # Somebody else looked later, and wrote it down first.
            return payee
        if payee and (payee.gateway, payee.reference, payee.bank_reference) == told:
            if by is not None:
                # They may have told what payouts had stopped for.
                start_again(instructor, payee.delayed_until or asked_at)
            return payee
        return keep_payee(instructor, page.gateway, known, by=by, now=clock.now())


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except GatewayError as error:
        log.warning("payee_page_unreachable", reason=str(error))
        raise ConflictError(
            "Our payment company does not answer. Try again in a minute.",
            code="gateway_unreachable",
        ) from None

"""Where an instructor's money goes, and whether it may go (Spec: S14.11, P24)."""

from datetime import datetime, timedelta
from secrets import token_urlsafe

from django.db import transaction

from accounts.audit import record_event, told_decision
from accounts.models import User
from accounts.permissions import require_permission, require_uninvolved
from bookings.payments.gateways import current_gateway
from bookings.payments.gateways.base import GatewayPayee
from bookings.payments.mails import queue_bank_changed
from bookings.payments.models import Payee, Payout
from catalog.models import Instructor, Policy
from catalog.team import find_own_profile
from instainstru import clock
from instainstru.errors import ConflictError

VIEW, MANAGE = "earnings.view_own", "payouts.manage"
HELD, RELEASED = "payouts.held", "payouts.released"


def set_payout_details(*, by: User, account_number: str) -> Payee:
    """Give the person's bank account to the gateway and keep its reference and last digits.

    Changed details delay payouts by 72 hours and are told by mail; a payout that had stopped goes
    out again then. No transaction may be open. Raises ``ValidationFailedError`` for an account
    that the gateway does not take, ``NotFoundError`` for somebody who does not teach. Spec: S14.11
    """
    instructor = find_own_profile(by, VIEW)
    gateway = current_gateway()
    known = gateway.create_payee(
        key=f"payee-{instructor.pk}-{token_urlsafe(9)}", account_number=account_number
    )
    with transaction.atomic():
        Instructor.objects.select_for_update(no_key=True).get(pk=instructor.pk)
        return keep_payee(instructor, gateway.name, known, by=by, now=clock.now())


def keep_payee(
    instructor: Instructor, gateway: str, known: GatewayPayee, *, by: User | None, now: datetime
) -> Payee:
    """Write down where an instructor's money goes from now on, in the caller's transaction and
    under the lock of the profile; ``by`` is None when a job found it out.
    """
    payee = Payee.objects.filter(instructor=instructor).first()
    is_change = payee is not None
    payee = payee or Payee(instructor=instructor)
    payee.gateway, payee.reference, payee.last4 = gateway, known.reference, known.last4
    payee.bank_reference, payee.changed_at = known.bank_reference, now
    if is_change:
        payee.delayed_until = end_of_delay(now)
    payee.save()
    start_again(instructor, payee.delayed_until or now)
    record_event("payout_details.changed", by=by, on=payee, subject=instructor.user)
    queue_bank_changed(payee)
    return payee


def end_of_delay(now: datetime) -> datetime:
    """Return until when nothing is paid out after a change of bank details. Spec: S14.11"""
    return now + timedelta(hours=Policy.objects.current().payout_delay_hours)


def start_again(instructor: Instructor, at: datetime) -> None:
    """Let payouts that have not gone out yet wait for the new account, and stopped ones go again.

    One that is being sent right now keeps its lease: only its answer can tell what became of it.
    """
    rows = Payout.objects.filter(instructor=instructor)
    rows.filter(status__in=["due", "failed", "stopped"]).update(status="due", next_try_at=at)


@transaction.atomic
def hold_payouts(*, by: User, payee: Payee, reason: str) -> None:
    """Hold an instructor's payouts; they read the reason under Earnings. Spec: S14.6, P24

    Raises ``ConflictError`` when they are held already.
    """
    row = _decided(by, payee)
    if row.held_at is not None:
        words = told_decision("These payouts are held already.", row, HELD)
        raise ConflictError(words, code="payouts_held")
    row.held_at, row.hold_reason = clock.now(), reason
    row.save(update_fields=["held_at", "hold_reason"])
    record_event(HELD, by=by, on=row, subject=row.instructor.user, reason=reason)


@transaction.atomic
def release_payouts(*, by: User, payee: Payee, reason: str) -> None:
    """Let an instructor's payouts go again. Raises ``ConflictError`` when nothing holds them."""
    row = _decided(by, payee)
    if row.held_at is None:
        words = told_decision("Nothing holds these payouts.", row, RELEASED)
        raise ConflictError(words, code="payouts_not_held")
    row.held_at, row.hold_reason = None, ""
    row.save(update_fields=["held_at", "hold_reason"])
    record_event(RELEASED, by=by, on=row, subject=row.instructor.user, reason=reason)


def _decided(by: User, payee: Payee) -> Payee:
    require_permission(by, MANAGE)
    rows = Payee.objects.select_for_update(of=("self",)).select_related("instructor__user")
    row = rows.get(pk=payee.pk)
    require_uninvolved(by, row.instructor.user_id)
    return row

"""Take an erased person out of the books, and leave the books as they are (Spec: S6.8, S14.5)."""

import re
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from bookings.payments.models import LedgerTransaction, Payee, Payout
from bookings.payments.models.ledger import PSEUDONYM
from bookings.payments.services.payouts import unsettled_events
from privacy.registry import Pseudonymised

BATCH_SIZE = 500
PAID = Payout.Status.PAID


def pseudonymise_ledger_of(user_id: int, pseudonym: str) -> Pseudonymised:
    """Put ``pseudonym`` in the place of a person in every money event, in batches.

    Amounts, accounts, times and lessons stay. What an instructor has not been paid yet has to lead
    to them until it is, and is counted as left; a later run takes it too. Two runs at once share
    the work. The same person gets the same pseudonym each time: nothing here remembers whose it
    is. Raises ``ValueError`` for one that is not of the form ``former-`` and random characters.
    Spec: S6.8, S6.11, S14.5
    """
    if not re.fullmatch(PSEUDONYM, pseudonym):
        raise ValueError("a pseudonym says nothing about anybody")
    spent = LedgerTransaction.objects.filter(student=user_id)
    changed = _replace(spent, student=None, student_pseudonym=pseudonym)
    with transaction.atomic():
        # Nobody takes an event into a payout meanwhile.
        list(Payee.objects.select_for_update(no_key=True).filter(instructor__user=user_id))
        earned = LedgerTransaction.objects.filter(instructor__user=user_id)
        done = earned.exclude(_waiting(user_id))
        changed += _replace(done, instructor=None, instructor_pseudonym=pseudonym)
        return Pseudonymised(changed=changed, left=earned.count())


def _waiting(user_id: int) -> Q:
    """Return which events of an instructor still wait for money: theirs, or owed by them.

    Those of a lesson that came to nothing, charged and given back, wait for none.
    """
    is_on_its_way = Q(payout_line__isnull=False) & ~Q(payout_line__payout__status=PAID)
    owed = (
        unsettled_events()
        .filter(instructor__user=user_id)
        .values("booking")
        .annotate(cents=Coalesce(Sum("entries__amount_cents"), 0))
        .exclude(cents=0)
    )
    open_events = unsettled_events().filter(
        instructor__user=user_id, booking__in=owed.values("booking")
    )
    return is_on_its_way | Q(pk__in=open_events.values("pk"))


def _replace(events: QuerySet[LedgerTransaction], **columns: Any) -> int:
    """Change the events batch by batch; return how many they were."""
    changed = 0
    while ids := list(events.order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE]):
        changed += events.model.objects.filter(pk__in=ids).update(**columns)
    return changed

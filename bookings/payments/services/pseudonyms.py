"""Take an erased person out of the books, and leave the books as they are (Spec: S6.8, S14.5)."""

import re
from typing import Any

from django.db import transaction
from django.db.models import QuerySet, Sum

from bookings.payments.models import LedgerTransaction, Payee, Payout
from bookings.payments.models.ledger import PSEUDONYM
from bookings.payments.services.payouts import unsettled_events
from bookings.payments.services.tax_records import keep_tax_records_of, set_tax_sums_apart
from catalog.models import Instructor
from instainstru import clock
from privacy.registry import Pseudonymised

BATCH_SIZE = 500


def pseudonymise_ledger_of(user_id: int, pseudonym: str) -> Pseudonymised:
    """Put ``pseudonym`` in the place of a person in every money event, in batches.

    Amounts, accounts, times and lessons stay. While an instructor is owed anything, all of their
    events lead to them and are counted as left; a later run takes them. Before they go, what the
    law wants known of their years is kept (S14.12). Two runs at once share the work. The same
    person gets the same pseudonym each time: nothing here remembers whose it is. No transaction may
    be open. Raises ``ValueError`` for one that is not of the form ``former-`` and random
    characters, ``GatewayError`` when the tax details cannot be asked for. Spec: S6.8, S6.11, S14.5
    """
    if not re.fullmatch(PSEUDONYM, pseudonym):
        raise ValueError("a pseudonym says nothing about anybody")
    spent = LedgerTransaction.objects.filter(student=user_id)
    changed = _replace(spent, student=None, student_pseudonym=pseudonym)
    earned = LedgerTransaction.objects.filter(instructor__user=user_id)
    instructor = Instructor.objects.filter(user=user_id).first()
    if instructor is None or _is_owed(instructor):
        return Pseudonymised(changed=changed, left=earned.count())
    now = clock.now()
    keep_tax_records_of(instructor, now=now)
    with transaction.atomic():
        # Nobody writes a record or takes an event into a payout meanwhile.
        Instructor.objects.select_for_update(no_key=True).get(pk=instructor.pk)
        list(Payee.objects.select_for_update(no_key=True).filter(instructor=instructor))
        if not _is_owed(instructor) and set_tax_sums_apart(instructor, now=now):
            changed += _replace(earned, instructor=None, instructor_pseudonym=pseudonym)
        return Pseudonymised(changed=changed, left=earned.count())


def _is_owed(instructor: Instructor) -> bool:
    """Tell whether money is on its way to an instructor, or will be.

    What they owe, after a refund of what was paid out, is no reason to wait: it was to be taken
    from payouts that come no more (S14.6).
    """
    if Payout.objects.filter(instructor=instructor).exclude(status=Payout.Status.PAID).exists():
        return True
    open_events = unsettled_events().filter(instructor=instructor)
    return (open_events.aggregate(cents=Sum("entries__amount_cents"))["cents"] or 0) > 0


def _replace(events: QuerySet[LedgerTransaction], **columns: Any) -> int:
    """Change the events batch by batch; return how many they were."""
    changed = 0
    while ids := list(events.order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE]):
        changed += events.model.objects.filter(pk__in=ids).update(**columns)
    return changed

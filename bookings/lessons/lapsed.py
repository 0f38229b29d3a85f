"""A hold keeps what was typed: on the way to the gateway's page, and when its time is over.

Then the time may be held again. Spec: S13.2
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.owners import Owner
from bookings.lessons.checkout import find_hold
from bookings.lessons.errors import SeriesTakenError, SlotTakenError
from bookings.lessons.models import Booking
from bookings.lessons.selectors import held_together, wanted_again
from bookings.lessons.services import (
    HoldRequest,
    hold_series,
    hold_slot,
    refused_starts,
    slot_taken,
)
from bookings.lessons.states import Status
from bookings.payments import services as payments

KEPT_FIELDS = ("learner", "neighborhood", "address", "note")


def hold_again(*, by: Owner, hold_id: str, now: datetime | None = None) -> Booking:
    """Hold a lapsed time again with everything that was typed, a series whole or not at all.

    Raises ``SlotTakenError``, or ``SeriesTakenError`` when one of several is gone. Spec: S13.2, R19
    """
    old = find_hold(by=by, hold_id=hold_id)
    if old.code is not None:
        return old
    before = held_together(old)
    wanted = HoldRequest(
        offering_id=old.offering_id,
        start_at=old.start_at,
        duration_minutes=old.duration_minutes,
        modality=old.modality,
        neighborhood_id=old.neighborhood_id,
        learner_id=old.learner_id,
    )
    if len(before) > 1:
        starts = [lesson.start_at for lesson in before]
        fresh = hold_series(by=by, wanted=wanted, starts=starts, now=now)
    else:
        fresh = hold_slot(by=by, wanted=wanted, now=now)
    for lapsed, lesson in zip(before, held_together(fresh), strict=True):
        lesson.address, lesson.note, lesson.replaces_id = old.address, old.note, lapsed.pk
        lesson.save(update_fields=["address", "note", "replaces"])
    payments.carry_promo(from_booking_id=old.pk, to_booking_id=fresh.pk)
    return fresh


def keep_typed(hold: Booking, typed: Mapping[str, Any], *, now: datetime) -> None:
    """Let a lapsed hold remember what was typed, for "Hold it again". Spec: S13.2, T3.

    The row is written down as EXPIRED: a learner on a row that still blocks could clash.
    """
    values = {name: typed[name] for name in KEPT_FIELDS if name in typed}
    lapsed = Q(status=Status.EXPIRED) | Q(status=Status.HELD, expires_at__lte=now)
    Booking.objects.filter(lapsed, pk=hold.pk).update(status=Status.EXPIRED, **values)


def keep_on_the_way(hold: Booking, typed: Mapping[str, Any], *, now: datetime) -> None:
    """Let a live hold remember what was typed while somebody is at the gateway's page. Spec: G2

    A learner who is elsewhere at that time is not remembered: a row that still blocks would clash.
    """
    values = {name: typed[name] for name in KEPT_FIELDS if name in typed}
    live = Booking.objects.filter(pk=hold.pk, status=Status.HELD, expires_at__gt=now)
    try:
        with transaction.atomic():
            live.update(**values)
    except IntegrityError:
        values.pop("learner", None)
        live.update(**values)


def still_free(
    hold: Booking, *, by: Owner, now: datetime
) -> SlotTakenError | SeriesTakenError | None:
    """Tell how a lapsed hold's time stands: None when free, else the refusal.

    That of one lesson has the nearest times, that of a series names the starts that are gone.
    """
    wanted = wanted_again(hold, owner=by)
    starts = [lesson.start_at for lesson in held_together(hold)]
    refused = refused_starts(wanted, hold.offering, starts, now)
    if not refused:
        return None
    if len(starts) > 1:
        return SeriesTakenError(list(refused))
    return slot_taken(wanted, hold.start_at, now)

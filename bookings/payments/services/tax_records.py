"""Keep what the law wants known of instructors' years, encrypted, and no longer (Spec: S14.12)."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

import structlog
from cryptography.fernet import InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts.audit import record_event
from accounts.models import User
from accounts.permissions import require_permission, require_uninvolved
from bookings.payments.gateways import gateway_named
from bookings.payments.gateways.base import GatewayError, GatewayTaxDetails
from bookings.payments.models import LedgerTransaction, Payee, Payout, TaxRecord
from bookings.payments.years import Year, joined, years_of
from catalog.models import Instructor
from instainstru import clock
from instainstru.clock import NEW_YORK
from instainstru.errors import ConflictError
from instainstru.sealing import cipher

MANAGE = "payouts.manage"
PURPOSE = "payments.tax_record"
KEPT_YEARS = 7
BATCH_SIZE = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class TaxSheet:
    """What a record says: who, and the year's sums. ``identity`` is None while nobody told it.

    ``gone`` is the part of the sums that the ledger told before an erasure and cannot tell again.
    """

    identity: GatewayTaxDetails | None
    figures: Year
    gone: Year | None = None


def make_tax_records(now: datetime, *, year: int | None = None) -> int:
    """Write the records that a year lacks, last year's unless told; return how many are new.

    It can run again: who has one keeps it. An instructor whose gateway does not answer comes with a
    later run. No transaction may be open. Raises ``ValueError`` for a year that is not over.
    Spec: S14.12
    """
    last = now.astimezone(NEW_YORK).year - 1
    year = last if year is None else year
    if year > last:
        raise ValueError(f"{year} is not over")
    made = 0
    for instructor in _with_money_in(year):
        try:
            made += keep_tax_records_of(instructor, now=now, wants=lambda found: found == year)
        except (GatewayError, ConflictError) as error:  # not to be read now: others go on
            log.warning("tax_record_waits", instructor=instructor.pk, reason=str(error))
    return made


def make_own_tax_records(*, by: User, payee: Payee, reason: str) -> int:
    """Write the records that an instructor lacks of years that are over, and say who asked for it.

    No transaction may be open. Raises ``ConflictError`` when the gateway does not answer.
    """
    require_permission(by, MANAGE)
    instructor, now = payee.instructor, clock.now()
    require_uninvolved(by, instructor.user_id)
    this_year = now.astimezone(NEW_YORK).year
    try:
        made = keep_tax_records_of(instructor, now=now, wants=lambda year: year < this_year)
    except GatewayError:
        words = "The payment company does not answer. Try again in a minute."
        raise ConflictError(words, code="gateway_unreachable") from None
    with transaction.atomic():
        record_event(
            "tax_records.made", by=by, on=payee, subject=instructor.user, reason=reason,
            after={"records": made},
        )  # fmt: skip
    return made


def keep_tax_records_of(
    instructor: Instructor, *, now: datetime, wants: Callable[[int], bool] = lambda _year: True
) -> int:
    """Write the records of one instructor's wanted years, and who they are where that was missing;
    return how many are new. No transaction may be open. Raises ``GatewayError``.

    A record whose day has come stays away, and one that was made while its year ran, because
    somebody left, gets the sums of what moved after it.
    """
    known = [row for row in TaxRecord.objects.filter(instructor=instructor) if wants(row.year)]
    is_asked = any(row.identified_at is None for row in known) or any(
        wants(one.year) for one in _lacking(instructor, now)
    )
    if not is_asked and not any(_is_early(row) for row in known):
        return 0
    # Sums alone need no gateway: it may have forgotten who was erased.
    identity = _identity_of(instructor) if is_asked else None
    with transaction.atomic():
        Instructor.objects.select_for_update(no_key=True).get(pk=instructor.pk)
        lacking = [one for one in _lacking(instructor, now) if wants(one.year)]
        made = sum(_write(instructor, one, identity, now) for one in lacking)
        years = {one.year: one for one in years_of(instructor)}
        for row in TaxRecord.objects.filter(instructor=instructor):
            if wants(row.year):
                _complete(row, years.get(row.year), identity, now)
        _prolong(instructor, [one.year for one in years.values() if one.payouts])
    return made


def set_tax_sums_apart(instructor: Instructor, *, now: datetime) -> bool:
    """Mark the sums of years that are not over as what the ledger will not tell again.

    Call it in the transaction that takes an instructor out of the ledger, before that, with their
    row locked. Return whether all is kept: False when a year lacks its record. Spec: S14.12, S6.8
    """
    if _lacking(instructor, now):
        return False
    years = {one.year: one for one in years_of(instructor)}
    for row in TaxRecord.objects.filter(instructor=instructor):
        if _is_early(row):
            sheet = read_tax_record(row)
            figures = _figures(sheet, years.get(row.year))
            row.sealed = seal(replace(sheet, figures=figures, gone=figures))
            row.save(update_fields=["sealed"])
    return True


def _lacking(instructor: Instructor, now: datetime) -> list[Year]:
    """Return the years without a record whose day is still to come."""
    years, today = years_of(instructor), now.astimezone(NEW_YORK).date()
    paid = [one.year for one in years if one.payouts]
    known = set(TaxRecord.objects.filter(instructor=instructor).values_list("year", flat=True))
    return [one for one in years if one.year not in known and _kept_until(one.year, paid) > today]


def _is_early(row: TaxRecord) -> bool:
    """Tell whether the sums were added up while the year ran, because somebody left."""
    return row.made_at < _first_instant(row.year + 1)


def _figures(sheet: TaxSheet, told: Year | None) -> Year:
    """Return a year's sums from what the ledger tells now and what it told before an erasure."""
    if told is None:
        return sheet.figures
    if sheet.gone is not None:
        return joined(sheet.gone, told)
    # Nothing leaves the ledger: one that tells of fewer payments has forgotten whose they were.
    return sheet.figures if told.payments < sheet.figures.payments else told


def _complete(
    row: TaxRecord, told: Year | None, identity: GatewayTaxDetails | None, now: datetime
) -> None:
    """Add to a record what it lacks: the sums of the rest of its year, and who it is about."""
    is_early = _is_early(row)
    is_named_now = row.identified_at is None and identity is not None
    if not is_early and not is_named_now:
        return
    sheet = read_tax_record(row)
    if is_early:
        sheet, row.made_at = replace(sheet, figures=_figures(sheet, told)), now
    if is_named_now:
        sheet, row.identified_at = replace(sheet, identity=identity), now
    row.sealed = seal(sheet)
    row.save(update_fields=["sealed", "made_at", "identified_at"])


def _write(
    instructor: Instructor, figures: Year, identity: GatewayTaxDetails | None, now: datetime
) -> bool:
    _, is_new = TaxRecord.objects.get_or_create(
        instructor=instructor,
        year=figures.year,
        defaults={
            "sealed": seal(TaxSheet(identity=identity, figures=figures)),
            "made_at": now,
            "identified_at": None if identity is None else now,
            "purge_on": purge_date(figures.year),
        },
    )
    return is_new


def _prolong(instructor: Instructor, paid: Sequence[int]) -> None:
    """Keep all records of an instructor as long as the one of the last year with a payout."""
    if paid:
        rows = TaxRecord.objects.filter(instructor=instructor)
        rows.filter(purge_on__lt=purge_date(max(paid))).update(purge_on=purge_date(max(paid)))


def _kept_until(year: int, paid: Iterable[int]) -> date:
    """Return when the record of a year is to go; a payout prolongs it while it is still there."""
    until = purge_date(year)
    for later in sorted(paid):
        if year < later < until.year:
            until = purge_date(later)
    return until


def purge_date(year: int) -> date:
    """Return the first day on which a record of this last year is kept no more."""
    return date(year + KEPT_YEARS + 1, 1, 1)


def purge_tax_records(now: datetime) -> int:
    """Remove the records whose day has come, in batches; return how many. Spec: S6.8"""
    today, removed = now.astimezone(NEW_YORK).date(), 0
    due = TaxRecord.objects.filter(purge_on__lte=today).order_by("pk")
    while ids := list(due.values_list("pk", flat=True)[:BATCH_SIZE]):
        removed += TaxRecord.objects.filter(pk__in=ids).delete()[0]
    return removed


def _first_instant(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=NEW_YORK)


def _with_money_in(year: int) -> Iterable[Instructor]:
    begins, ends = _first_instant(year), _first_instant(year + 1)
    moved = LedgerTransaction.objects.filter(occurred_at__gte=begins, occurred_at__lt=ends)
    paid = Payout.objects.filter(paid_at__gte=begins, paid_at__lt=ends)
    rows = Instructor.objects.filter(
        Q(pk__in=moved.values("instructor")) | Q(pk__in=paid.values("instructor"))
    )
    return rows.order_by("pk")


def _identity_of(instructor: Instructor) -> GatewayTaxDetails | None:
    payee = Payee.objects.filter(instructor=instructor).first()
    if payee is None:
        return None
    return gateway_named(payee.gateway).fetch_tax_details(reference=payee.reference)


# --- Encrypted at rest ----------------------------------------------------------------------------
def seal(sheet: TaxSheet) -> str:
    """Return a sheet as the database holds it, under the first key of the settings."""
    return _cipher().encrypt(json.dumps(asdict(sheet)).encode()).decode()


def read_tax_record(row: TaxRecord) -> TaxSheet:
    """Return what a record says. Raises ``ConflictError`` when no key of the settings opens it."""
    try:
        told = json.loads(_cipher().decrypt(row.sealed))
    except InvalidToken:
        log.error("tax_record_unreadable", record=row.pk)  # noqa: TRY400 - no trace of a key
        raise ConflictError("No key of this site opens this record.", code="sealed") from None
    identity, gone = told["identity"], told.get("gone")
    return TaxSheet(
        identity=None if identity is None else GatewayTaxDetails(**identity),
        figures=_year(told["figures"]),
        gone=None if gone is None else _year(gone),
    )


def _year(told: Mapping[str, Any]) -> Year:
    return Year(**{**told, "gross_by_month": tuple(told["gross_by_month"])})


def reseal_tax_records() -> int:
    """Encrypt every record anew under the first key, so that older ones can go; return how many.

    Raises ``InvalidToken`` for a record that no key opens; what was done until then stays done.
    """
    done = 0
    for pk in TaxRecord.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            row = TaxRecord.objects.select_for_update().filter(pk=pk).first()
            if row is not None:
                row.sealed = _cipher().rotate(row.sealed).decode()
                row.save(update_fields=["sealed"])
                done += 1
    return done


def _cipher() -> MultiFernet:
    keys = settings.TAX_RECORD_KEYS or [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return cipher(tuple(keys), PURPOSE)

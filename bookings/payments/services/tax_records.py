"""Keep what the law wants known of instructors' years, encrypted, and no longer (Spec: S14.12)."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime

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
from bookings.payments.years import Year, years_of
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
    """What a record says: who, and the year's sums. ``identity`` is None while nobody told it."""

    identity: GatewayTaxDetails | None
    figures: Year


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
    years = years_of(instructor)
    known = {row.year: row for row in TaxRecord.objects.filter(instructor=instructor)}
    paid = [one.year for one in years if one.payouts]
    today = now.astimezone(NEW_YORK).date()
    wanted = [one for one in years if wants(one.year) and _kept_until(one.year, paid) > today]
    lacking = [one for one in wanted if one.year not in known]
    # Without payments the books have forgotten whose they were.
    early = [(known[one.year], one) for one in wanted if one.year in known and one.payments]
    early = [(row, one) for row, one in early if row.made_at < _first_instant(one.year + 1)]
    nameless = [row for row in known.values() if wants(row.year) and row.identified_at is None]
    if not lacking and not nameless and not early:
        return 0
    identity = _identity_of(instructor)
    with transaction.atomic():
        Instructor.objects.select_for_update(no_key=True).get(pk=instructor.pk)
        made = sum(_write(instructor, one, identity, now) for one in lacking)
        for row, figures in early:
            row.sealed = seal(replace(read_tax_record(row), figures=figures))
            row.made_at = now
            row.save(update_fields=["sealed", "made_at"])
        if identity is not None:
            for row in nameless:
                row.sealed = seal(replace(read_tax_record(row), identity=identity))
                row.identified_at = now
                row.save(update_fields=["sealed", "identified_at"])
        _prolong(instructor, paid)
    return made


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
    identity, figures = told["identity"], told["figures"]
    figures["gross_by_month"] = tuple(figures["gross_by_month"])
    return TaxSheet(
        identity=None if identity is None else GatewayTaxDetails(**identity),
        figures=Year(**figures),
    )


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

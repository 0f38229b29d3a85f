"""What must always hold of lessons, beyond what the constraints can say (Spec: S14.5, S16.6)."""

from collections.abc import Iterable, Iterator

from django.db.models import Count, Exists, F, OuterRef, Q

from bookings.lessons.models import Booking, BookingRevision, Proposal
from bookings.lessons.states import CANCELLED, FINAL, Status
from bookings.payments.models import LedgerTransaction
from instainstru import clock

_PAID = [Status.CONFIRMED, Status.ENDED, Status.COMPLETED, Status.REPORTED]


def lesson_violations() -> list[str]:
    """Return one sentence per broken promise; none means all is well."""
    return [
        *_unpaid(),
        *_too_close(),
        *_cancelled_without_instant(),
        *_revisions(),
        *_targets(),
        *_half_series(),
    ]


def _sentences(names: Iterable[str | None], text: str) -> Iterator[str]:
    return (text.format(name) for name in names)


def _unpaid() -> Iterator[str]:
    """Every lesson that stands has a charge, or costs nothing (Spec: S14.5)."""
    paid = LedgerTransaction.objects.filter(
        booking=OuterRef("pk"), kind=LedgerTransaction.Kind.CHARGE
    )
    rows = Booking.objects.filter(status__in=_PAID).filter(
        ~Exists(paid), Q(price_cents__gt=0) | Q(travel_fee_cents__gt=0)
    )
    yield from _sentences(rows.values_list("code", flat=True), "lesson {} is not paid")


def _too_close() -> Iterator[str]:
    """No two lessons of one instructor are closer than their buffers ask (Spec: R4)."""
    other = Booking.objects.filter(
        instructor=OuterRef("instructor"), status__in=_PAID, pk__gt=OuterRef("pk")
    )
    clash = other.filter(
        Q(span__overlap=OuterRef("blocked")) | Q(blocked__overlap=OuterRef("span"))
    )
    rows = Booking.objects.filter(Exists(clash), status__in=_PAID)
    yield from _sentences(rows.values_list("code", flat=True), "lesson {} is too close to another")


def _cancelled_without_instant() -> Iterator[str]:
    rows = Booking.objects.filter(status__in=list(CANCELLED), cancelled_at__isnull=True)
    yield from _sentences(rows.values_list("code", flat=True), "lesson {} was canceled at no time")


def _revisions() -> Iterator[str]:
    """A lesson moved n times keeps n earlier times, numbered from 0 (Spec: 05 section 2)."""
    kept = BookingRevision.objects.filter(booking=OuterRef("pk"), number__gte=OuterRef("revision"))
    before = BookingRevision.objects.filter(booking=OuterRef("pk"), number=OuterRef("revision") - 1)
    rows = Booking.objects.filter(Exists(kept) | (Q(revision__gt=0) & ~Exists(before)))
    yield from _sentences(rows.values_list("code", flat=True), "lesson {} lost an earlier time")


def _half_series() -> Iterator[str]:
    """A weekly series is held and booked whole or not at all (Spec: R19)."""
    live = Q(status=Status.HELD, expires_at__gt=clock.now())
    counted = (
        Booking.objects.filter(series__isnull=False)
        .values("series")
        .annotate(
            all=Count("pk"),
            booked=Count("pk", filter=Q(code__isnull=False)),
            held=Count("pk", filter=live),
        )
    )
    broken = counted.filter(Q(booked__gt=0, booked__lt=F("all")) | Q(held__gt=0, held__lt=F("all")))
    for one in broken.order_by("series"):
        yield f"series {one['series']} stands in part"


def _targets() -> Iterator[str]:
    """A time kept for a proposal belongs to one that is open (Spec: R16)."""
    proposals = Proposal.objects.filter(hold=OuterRef("pk"), status=Proposal.Status.OPEN)
    rows = (
        Booking.objects.filter(purpose=Booking.Purpose.PROPOSAL)
        .exclude(status__in=[*FINAL])
        .filter(~Exists(proposals))
    )
    yield from _sentences(rows.values_list("hold_id", flat=True), "hold {} keeps a time for nobody")
    done = Proposal.objects.filter(
        status=Proposal.Status.OPEN, booking__status__in=list(FINAL)
    ).values_list("booking__code", flat=True)
    yield from (f"lesson {code} is over and has an open proposal" for code in done)
    moved = Proposal.objects.filter(status=Proposal.Status.OPEN).exclude(
        revision=F("booking__revision")
    )
    yield from _sentences(
        moved.values_list("booking__code", flat=True), "lesson {} moved under an open proposal"
    )

"""The lists of My Lessons: which lesson stands where, and what its card says.

Spec: 06 section 3
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Q
from django.urls import reverse

from bookings.lessons.evidence import may_add
from bookings.lessons.models import Booking, LessonReport, Proposal
from bookings.lessons.models.changes import Side
from bookings.lessons.money_words import returned_words
from bookings.lessons.places import place_in_words, way_there
from bookings.lessons.policies import CancelDeadlines, PolicyNumbers, cancel_deadlines
from bookings.lessons.reports import may_report
from bookings.lessons.states import CANCELLED, NO_SHOW, Status, is_in_progress
from bookings.lessons.tips import may_tip, tips_of
from bookings.lessons.transitions import current_status
from bookings.payments.models import PaymentAttempt
from bookings.payments.selectors import PaymentSummary, payment_summaries
from catalog.models import Modality
from instainstru import clock
from instainstru.templatetags.ui import format_when
from instainstru.templatetags.ui import money as format_money

if TYPE_CHECKING:
    from accounts.models import User
    from bookings.lessons.managers import BookingQuerySet

SOON = timedelta(hours=24)


def _is_open(now: datetime) -> Q:
    """Ended, and the clock has not completed it yet. Spec: T12."""
    return Q(status__in=["confirmed", "ended"], end_at__lte=now, closes_at__gt=now)


def _upcoming(now: datetime) -> Q:
    return Q(status="confirmed", end_at__gt=now) | Q(status="held", expires_at__gt=now)


def _needs_action(now: datetime) -> Q:
    waits_for_bank = Q(status="held", expires_at__gt=now, waits_for_bank=True)
    is_asked = Q(status="confirmed", start_at__gt=now, is_asked=True)
    is_review_due = _completed(now) & Q(review__isnull=True, review_until__gte=now)
    return _is_open(now) | waits_for_bank | is_asked | is_review_due | Q(status="reported")


def _completed(now: datetime) -> Q:
    return Q(status="completed") | Q(status__in=["confirmed", "ended"], closes_at__lte=now)


def _cancelled(now: datetime) -> Q:
    return Q(status__in=[*CANCELLED, *NO_SHOW])


@dataclass(frozen=True)
class LessonFilter:
    """Which of the person's lessons to list, by public names; empty takes all."""

    learner: str = ""
    instructor: str = ""
    service: str = ""

    def as_q(self) -> Q:
        """Return the condition."""
        wanted = {
            "learner__public_id": self.learner,
            "instructor__slug": self.instructor,
            "offering__service__slug": self.service,
        }
        return Q(**{name: value for name, value in wanted.items() if value})


def lessons_of(user: "User", chosen: LessonFilter) -> "BookingQuerySet":
    """Return the person's lessons that the filter leaves, ready for the tabs."""
    waiting = PaymentAttempt.objects.open().filter(booking=OuterRef("pk"), status="needs_action")
    earlier = Booking.objects.filter(
        series=OuterRef("series"), status="held", pk__lt=OuterRef("pk")
    )
    # A series that is held is paid as one; its lessons stand apart when they are booked (R19).
    rows = Booking.objects.of_student(user).exclude(Q(status="held") & Exists(earlier))
    rows = rows.filter(chosen.as_q())
    asked = Proposal.objects.filter(
        booking=OuterRef("pk"), status="open", opened_by=Side.INSTRUCTOR, expires_at__gt=clock.now()
    )
    return rows.with_review_until().annotate(waits_for_bank=Exists(waiting), is_asked=Exists(asked))


def filter_choices(user: "User") -> dict[str, list[tuple[str, str]]]:
    """Return what the person's lessons can be filtered by: (public name, words) each."""
    rows = (
        Booking.objects.of_student(user)
        .exclude(status="expired")
        .values_list(
            "learner__public_id", "learner__name", "instructor__slug",
            "instructor__display_name", "offering__service__slug", "service_name",
        )
        .distinct()
    )  # fmt: skip
    found: dict[str, dict[str, str]] = {"learner": {}, "instructor": {}, "service": {}}
    for learner, name, slug, display_name, service, service_name in rows:
        if learner:
            found["learner"][learner] = name
        found["instructor"][slug] = display_name
        found["service"].setdefault(service, service_name)
    return {
        key: sorted(names.items(), key=lambda pair: pair[1].lower()) for key, names in found.items()
    }


@dataclass(frozen=True)
class Tab:
    """One list with its address, name, rows and order."""

    name: str
    which: Callable[[datetime], Q]
    order: str
    empty: str

    def rows(self, lessons: "BookingQuerySet", now: datetime) -> "BookingQuerySet":
        """Return the lessons of this list in its order, the id breaking ties."""
        rows = lessons.filter(self.which(now)).select_related(
            "instructor__base_neighborhood", "learner", "neighborhood", "policy",
            "offering__service",
        )  # fmt: skip
        return rows.order_by(self.order, "pk")


TABS = {
    "upcoming": Tab("Upcoming", _upcoming, "start_at", "No lessons booked."),
    "needs-action": Tab("Needs action", _needs_action, "-start_at", "You're all caught up."),
    "completed": Tab("Completed", _completed, "-start_at", "No completed lessons yet."),
    "cancelled": Tab("Canceled", _cancelled, "-start_at", "Nothing canceled."),
}


def tab_counts(lessons: "BookingQuerySet", now: datetime) -> dict[str, int]:
    """Return the number of lessons in every tab, by one query."""
    counts = {
        key.replace("-", "_"): Count("pk", filter=tab.which(now)) for key, tab in TABS.items()
    }
    found = lessons.aggregate(**counts)
    return {key: found[key.replace("-", "_")] for key in TABS}


@dataclass(frozen=True)
class MoreActions:
    """What an app above offers for a lesson: links with labels, and a line about them."""

    actions: tuple[dict[str, object], ...] = ()
    note: str = ""


ActionSource = Callable[[Sequence[Booking], datetime], Mapping[int, MoreActions]]
_sources: list[ActionSource] = []


def register_actions(source: ActionSource) -> None:
    """Let an app above offer actions; called from its ``AppConfig.ready``."""
    _sources.append(source)


@dataclass(frozen=True)
class LessonCard:
    """A lesson with what its card shows."""

    booking: Booking
    state: Status
    badge: str
    tone: str
    place: str
    deadlines: CancelDeadlines | None
    can_cancel: bool
    is_soon: bool
    payment: PaymentSummary | None
    proposal: Proposal | None = None
    report: LessonReport | None = None
    may_move: bool = False
    can_report: bool = False
    can_add_evidence: bool = False
    can_tip: bool = False
    more: tuple[MoreActions, ...] = ()

    @property
    def title(self) -> str:
        """Service and instructor."""
        return f"{self.booking.service_name} with {self.booking.instructor.display_name}"

    @property
    def url(self) -> str:
        """The lesson's page, or the checkout of a hold."""
        if self.booking.code is None:
            return reverse("lessons:checkout", args=[self.booking.hold_id])
        return reverse("lessons:detail", args=[self.booking.code])

    @property
    def as_component(self) -> dict[str, object]:
        """The plain values of ``components/lesson_card.html``."""
        booking = self.booking
        return {
            "url": self.url,
            "title": self.title,
            "instructor_name": booking.instructor.display_name,
            "start_at": booking.start_at,
            "end_at": booking.end_at,
            "zone": booking.zone,
            "status": self._status(),
            "facts": [
                fact for fact in (booking.learner and booking.learner.name, self.place) if fact
            ],
            "price_text": format_money(booking.total_cents),
            "note": self._note(),
            "actions": self.actions,
        }

    def _status(self) -> dict[str, str]:
        text, tone = ("New time proposed", "warn") if self.asks_me else (self.badge, self.tone)
        return {"kind": tone, "icon": _ICONS[tone], "text": text}

    @property
    def asks_me(self) -> bool:
        """Whether the instructor proposed a time that waits for an answer."""
        return self.proposal is not None and self.proposal.is_of_instructor

    def _note(self) -> str:
        if self.proposal is not None:
            who = "They propose" if self.asks_me else "You asked for"
            return f"{who} {format_when(self.proposal.start_at, self.booking.zone)}"
        if self.deadlines is not None and self.deadlines.is_free:
            return (
                f"Free to cancel until {format_when(self.deadlines.free_until, self.booking.zone)}"
            )
        if self.booking.status in CANCELLED:
            return returned_words(self.payment)
        return ". ".join(offer.note for offer in self.more if offer.note)

    @property
    def more_actions(self) -> list[dict[str, object]]:
        """What other apps offer for the lesson."""
        return [action for offer in self.more for action in offer.actions]

    @property
    def actions(self) -> list[dict[str, object]]:
        """What the person can do now, the most wanted first. Spec: 06 section 3."""
        code = self.booking.code
        if code is None:
            return [{"url": self.url, "label": "Continue", "variant": "cta"}]
        if self.state is Status.CONFIRMED:
            return self._coming_actions(code)
        actions: list[dict[str, object]] = []
        if self.state is Status.ENDED:
            url = reverse("lessons:confirm", args=[code])
            actions.append({"url": url, "label": "It happened", "variant": "brand", "posts": True})
        actions += self.more_actions
        if self.can_tip:
            actions.append({"url": reverse("lessons:tip", args=[code]), "label": "Leave a tip"})
        return [
            *actions,
            *self._report_action(code),
            {"url": self._book_again_url(), "label": "Book again"},
        ]

    def _coming_actions(self, code: str) -> list[dict[str, object]]:
        actions: list[dict[str, object]] = [
            {"url": reverse("messages:about", args=[code]), "label": "Message"}
        ]
        if found := way_there(self.booking):
            label, url = found
            variant = "brand" if self.is_soon else "line"
            actions.append({"url": url, "label": label, "variant": variant})
        calendar = reverse("lessons:calendar-file", args=[code])
        actions.append({"url": calendar, "label": "Add to calendar", "is_calendar": True})
        if self.asks_me:
            url = reverse("lessons:detail", args=[code])
            actions.insert(0, {"url": url, "label": "Answer", "variant": "cta"})
        if self.can_cancel:
            if self.proposal is None:
                label = "Reschedule" if self.may_move else "Ask to move"
                actions.append({"url": reverse("lessons:reschedule", args=[code]), "label": label})
            cancel = reverse("lessons:cancel", args=[code])
            actions.append({"url": cancel, "label": "Cancel", "dialog": True})
            if self.is_soon:
                late = reverse("lessons:late", args=[code])
                actions.append({"url": late, "label": "Running late"})
            if self.booking.modality == Modality.PUBLIC:
                url = reverse("lessons:weather", args=[code])
                actions.append({"url": url, "label": "Bad weather"})
        return [*actions, *self._report_action(code)]

    def _report_action(self, code: str) -> list[dict[str, object]]:
        url = reverse("lessons:report", args=[code])
        if self.can_report:
            return [{"url": url, "label": "Report a problem"}]
        if self.report is None:
            return []
        actions: list[dict[str, object]] = [{"url": url, "label": "See the report"}]
        if self.can_add_evidence:
            more = reverse("lessons:evidence", args=[code])
            actions.append({"url": more, "label": "Add evidence"})
        return actions

    def _book_again_url(self) -> str:
        booking = self.booking
        query = {
            "service": booking.offering.service.slug,
            "duration": booking.duration_minutes,
            "place": booking.modality,
        }
        path = reverse("lessons:times", args=[booking.instructor.slug])
        return f"{path}?{urlencode(query)}"


_ICONS = {"ok": "circle-check", "warn": "clock", "info": "info", "danger": "circle-x"}


@dataclass(frozen=True)
class DayOfLessons:
    """The lessons under one day heading."""

    on: date
    cards: list[LessonCard]


def by_day(cards: Iterable[LessonCard]) -> list[DayOfLessons]:
    """Group cards that are in order under the local date of their start."""
    days: list[DayOfLessons] = []
    for card in cards:
        on = card.booking.start_at.astimezone(ZoneInfo(card.booking.zone)).date()
        if not days or days[-1].on != on:
            days.append(DayOfLessons(on, []))
        days[-1].cards.append(card)
    return days


def cards_of(bookings: Iterable[Booking], now: datetime) -> list[LessonCard]:
    """Return the cards of some lessons; the money of the cancelled ones is read in one go."""
    rows = list(bookings)
    money = payment_summaries([row.pk for row in rows if row.status in CANCELLED])
    offers = [source(rows, now) for source in _sources] if rows else []
    proposals, reports = _proposals_of(rows, now), _reports_of(rows)
    tippable = _to_tip(rows, now)
    return [
        replace(
            _card(row, money.get(row.pk), now),
            proposal=proposals.get(row.pk),
            report=reports.get(row.pk),
            can_add_evidence=may_add(reports.get(row.pk), Side.STUDENT, now),
            can_tip=row.pk in tippable,
            more=tuple(found[row.pk] for found in offers if row.pk in found),
        )
        for row in rows
    ]


def _proposals_of(rows: Sequence[Booking], now: datetime) -> Mapping[int, Proposal]:
    ids = [row.pk for row in rows if row.status == Status.CONFIRMED and now < row.start_at]
    found = Proposal.objects.alive(now).filter(booking__in=ids) if ids else ()
    return {proposal.booking_id: proposal for proposal in found}


def _to_tip(rows: Sequence[Booking], now: datetime) -> set[int]:
    ids = {row.pk for row in rows if may_tip(row, now)}
    return ids - tips_of(ids).keys() if ids else ids


def _reports_of(rows: Sequence[Booking]) -> Mapping[int, LessonReport]:
    states = {Status.REPORTED, *NO_SHOW}
    ids = [row.pk for row in rows if row.status in states]
    found = LessonReport.objects.filter(booking__in=ids) if ids else ()
    return {report.booking_id: report for report in found}


def _card(booking: Booking, payment: PaymentSummary | None, now: datetime) -> LessonCard:
    state = current_status(booking, now)
    badge, tone = _badge(booking, state, now)
    numbers = PolicyNumbers.of(booking.policy)
    can_cancel = state is Status.CONFIRMED and now < booking.start_at
    return LessonCard(
        booking=booking,
        state=state,
        badge=badge,
        tone=tone,
        place=place_in_words(booking),
        deadlines=cancel_deadlines(booking.start_at, numbers, now) if can_cancel else None,
        can_cancel=can_cancel,
        is_soon=booking.start_at - now <= SOON,
        payment=payment,
        may_move=now <= booking.start_at - timedelta(hours=booking.policy.move_min_hours),
        can_report=may_report(booking, state, now) and booking.status != Status.HELD,
    )


_BADGES = {
    Status.HELD: ("Held for you", "warn"),
    Status.ENDED: ("How did it go?", "info"),
    Status.COMPLETED: ("Completed", "ok"),
    Status.REPORTED: ("Under review", "warn"),
    Status.CANCELLED_STUDENT: ("Canceled by you", "danger"),
    Status.CANCELLED_INSTRUCTOR: ("Canceled by the instructor", "danger"),
    Status.CANCELLED_STAFF: ("Canceled by InstaInstru", "danger"),
    Status.NO_SHOW_STUDENT: ("You did not come", "danger"),
    Status.NO_SHOW_INSTRUCTOR: ("The instructor did not come", "danger"),
    Status.EXPIRED: ("Hold ended", "info"),
}


def _badge(booking: Booking, state: Status, now: datetime) -> tuple[str, str]:
    if booking.is_called_off:
        return "Canceled for the weather", "info"
    if state is not Status.CONFIRMED:
        return _BADGES[state]
    if is_in_progress(state, start_at=booking.start_at, end_at=booking.end_at, now=now):
        return "Live now", "ok"
    left = booking.start_at - now
    if left > SOON:
        return "Confirmed", "ok"
    hours, minutes = left // timedelta(hours=1), (left % timedelta(hours=1)) // timedelta(minutes=1)
    return f"Starts in {hours} h {minutes:02d} min", "info"

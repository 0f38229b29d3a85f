"""The lessons an instructor teaches: which stands where, and what can be done (Spec: S15.9)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Q
from django.urls import reverse

from accounts.models import User
from bookings.lessons.evidence import may_add
from bookings.lessons.goodwill import waivable
from bookings.lessons.late import may_run_late
from bookings.lessons.managers import BookingQuerySet
from bookings.lessons.models import Booking, LessonReport, Proposal
from bookings.lessons.models.changes import Side
from bookings.lessons.places import place_for_instructor
from bookings.lessons.policies import RefundTo
from bookings.lessons.reports import may_report
from bookings.lessons.states import CANCELLED, NO_SHOW, Status, is_in_progress
from bookings.lessons.transitions import current_status
from catalog.models import Modality
from instainstru.clock import NEW_YORK
from instainstru.templatetags.ui import format_when
from instainstru.templatetags.ui import money as format_money

_TONES = {
    Status.ENDED: ("Just taught", "info"),
    Status.COMPLETED: ("Completed", "ok"),
    Status.REPORTED: ("Under review", "warn"),
    Status.CANCELLED_STUDENT: ("Canceled by the student", "danger"),
    Status.CANCELLED_INSTRUCTOR: ("Canceled by you", "danger"),
    Status.CANCELLED_STAFF: ("Canceled by InstaInstru", "danger"),
    Status.NO_SHOW_STUDENT: ("The student did not come", "danger"),
    Status.NO_SHOW_INSTRUCTOR: ("You did not come", "danger"),
}
_ICONS = {"ok": "circle-check", "warn": "clock", "info": "info", "danger": "circle-x"}


@dataclass(frozen=True)
class TaughtTab:
    """One list of the teaching page."""

    name: str
    order: str
    empty: str


TABS = {
    "upcoming": TaughtTab("Upcoming", "start_at", "No lessons booked yet."),
    "needs-action": TaughtTab("Needs action", "start_at", "You're all caught up."),
    "past": TaughtTab("Past", "-start_at", "No lessons taught yet."),
    "cancelled": TaughtTab("Canceled", "-start_at", "Nothing canceled."),
}


def _conditions(now: datetime) -> dict[str, Q]:
    to_answer = Q(has_proposal=True, status="confirmed", start_at__gt=now) | Q(
        has_report=True, status="reported"
    )
    return {
        "upcoming": Q(status__in=["confirmed", "reported"], end_at__gt=now),
        "needs-action": to_answer,
        "past": Q(status__in=["ended", "completed", "reported", "confirmed"], end_at__lte=now)
        | Q(status__in=[*NO_SHOW]),
        "cancelled": Q(status__in=[*CANCELLED]),
    }


def taught_by(user: User, now: datetime) -> BookingQuerySet:
    """Return the person's lessons as a teacher, ready for the lists."""
    asked = Proposal.objects.alive(now).filter(booking=OuterRef("pk"), opened_by=Side.STUDENT)
    reported = LessonReport.objects.filter(
        booking=OuterRef("pk"), opened_by=Side.STUDENT, outcome="", answer=""
    )
    rows = Booking.objects.of_instructor(user)
    return rows.annotate(has_proposal=Exists(asked), has_report=Exists(reported))


def rows_of(lessons: BookingQuerySet, key: str, now: datetime) -> BookingQuerySet:
    """Return the lessons of one list in its order, the id breaking ties."""
    return lessons.filter(_conditions(now)[key]).with_people().order_by(TABS[key].order, "pk")


def tab_counts(lessons: BookingQuerySet, now: datetime) -> Mapping[str, int]:
    """Return the number of lessons in every list, by one query."""
    counts = {key.replace("-", "_"): Count("pk", filter=q) for key, q in _conditions(now).items()}
    found = lessons.aggregate(**counts)
    return {key: found[key.replace("-", "_")] for key in TABS}


@dataclass(frozen=True)
class TaughtCard:
    """A lesson with what its instructor may see and do."""

    booking: Booking
    state: Status
    badge: str
    tone: str
    proposal: Proposal | None
    report: LessonReport | None
    can_change: bool
    can_report: bool
    can_add_evidence: bool
    can_waive: bool
    can_run_late: bool

    @property
    def title(self) -> str:
        """Service and student."""
        return f"{self.booking.service_name} with {self.booking.student_name}"

    @property
    def url(self) -> str:
        """The lesson's page."""
        return reverse("lessons:taught", args=[self.booking.code])

    @property
    def asks_me(self) -> bool:
        """Whether a proposal of the student waits for an answer."""
        return self.proposal is not None and not self.proposal.is_of_instructor

    @property
    def to_answer(self) -> bool:
        """Whether a report of the student waits for an answer."""
        report = self.report
        return (
            report is not None
            and report.opened_by == Side.STUDENT
            and not report.outcome
            and not report.answer
        )

    @property
    def actions(self) -> list[dict[str, object]]:
        """What the instructor can do now, the most wanted first (S15.9)."""
        code = self.booking.code
        links = (
            (self.state is Status.CONFIRMED, "messages:about", "Message"),
            (self.can_change and self.proposal is None, "lessons:propose", "Propose a new time"),
            (self.can_change, "lessons:cancel-teaching", "Cancel"),
            (self.can_run_late, "lessons:late-teaching", "Running late"),
            (
                self.can_change and self.booking.modality == Modality.PUBLIC,
                "lessons:weather-teaching",
                "Bad weather",
            ),
            (self.can_report, "lessons:report-teaching", "Report a problem"),
            (self.to_answer, "lessons:report-teaching", "Answer the report"),
            (
                self.report is not None and not self.to_answer,
                "lessons:report-teaching",
                "See the report",
            ),
            (self.can_add_evidence, "lessons:evidence-teaching", "Add evidence"),
            (self.can_waive, "lessons:waive", "Waive the fee"),
        )
        return [
            {"url": reverse(name, args=[code]), "label": label}
            for shown, name, label in links
            if shown
        ]

    @property
    def as_component(self) -> dict[str, object]:
        """The plain values of ``components/lesson_card.html``."""
        booking = self.booking
        learner = booking.learner.name if booking.learner else ""
        return {
            "url": self.url,
            "title": self.title,
            "instructor_name": booking.student_name,
            "start_at": booking.start_at,
            "end_at": booking.end_at,
            "zone": booking.zone,
            "status": {"kind": self.tone, "icon": _ICONS[self.tone], "text": self.badge},
            "facts": [fact for fact in (learner, place_for_instructor(booking)) if fact],
            "price_text": format_money(booking.total_cents),
            "note": self._note(),
            "actions": self.actions,
        }

    def _note(self) -> str:
        if self.asks_me and self.proposal is not None:
            return f"They ask for {format_when(self.proposal.start_at, self.booking.zone)}"
        if self.proposal is not None:
            return f"You proposed {format_when(self.proposal.start_at, self.booking.zone)}"
        return self.booking.note if self.state is Status.CONFIRMED else ""


def taught_cards(bookings: Iterable[Booking], now: datetime) -> list[TaughtCard]:
    """Return the cards of some lessons; proposals and reports are read in one go each."""
    rows = list(bookings)
    ids = [row.pk for row in rows]
    proposals = {row.booking_id: row for row in Proposal.objects.alive(now).filter(booking__in=ids)}
    reports = {row.booking_id: row for row in LessonReport.objects.filter(booking__in=ids)}
    return [_card(row, proposals.get(row.pk), reports.get(row.pk), now) for row in rows]


def _card(
    booking: Booking, proposal: Proposal | None, report: LessonReport | None, now: datetime
) -> TaughtCard:
    state = current_status(booking, now)
    is_to_come = state is Status.CONFIRMED and now < booking.start_at
    badge, tone = _TONES.get(state, ("Confirmed", "ok"))
    if is_in_progress(state, start_at=booking.start_at, end_at=booking.end_at, now=now):
        badge = "Live now"
    if booking.is_called_off:
        badge, tone = "Canceled for the weather", "info"
    lost_at = report.decided_at if report and report.decided_at else booking.cancelled_at
    # Money is looked at for the few lessons that were lost in the last two days alone.
    may_waive = (
        booking.status in {Status.CANCELLED_STUDENT, Status.NO_SHOW_STUDENT}
        and lost_at is not None
        and now <= lost_at + timedelta(hours=booking.policy.waive_hours)
    )
    return TaughtCard(
        booking=booking,
        state=state,
        badge=badge,
        tone=tone,
        proposal=proposal if is_to_come else None,
        report=report,
        can_change=is_to_come,
        can_add_evidence=may_add(report, Side.INSTRUCTOR, now),
        can_report=report is None and may_report(booking, state, now),
        can_run_late=may_run_late(booking, now),
        can_waive=may_waive and waivable(booking, now, RefundTo.CARD) is not None,
    )


@dataclass(frozen=True)
class DayOfTeaching:
    """The lessons under one day heading, with a word for today and tomorrow."""

    title: str
    cards: list[TaughtCard]


def by_day(cards: Iterable[TaughtCard], now: datetime) -> list[DayOfTeaching]:
    """Group cards that are in order under the local date of their start."""
    today = now.astimezone(NEW_YORK).date()
    names = {today: "Today", today + timedelta(days=1): "Tomorrow"}
    days: list[DayOfTeaching] = []
    for card in cards:
        on = card.booking.start_at.astimezone(ZoneInfo(card.booking.zone)).date()
        title = f"{on:%A, %B} {on.day}"
        title = f"{names[on]}, {title}" if on in names else title
        if not days or days[-1].title != title:
            days.append(DayOfTeaching(title, []))
        days[-1].cards.append(card)
    return days

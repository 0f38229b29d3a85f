"""What a visitor has chosen with an instructor: service, length, place, learner, day, zone.

Spec: S12.1, S12.3, S10.4
"""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bookings.lessons.selectors import lesson_zone
from catalog.models import Instructor, Modality, Offering

DEFAULT_MINUTES = 60
MONTH, WEEK = "month", "week"
# The value of ``zone`` in the address that asks for the instructor's wall instead of one's own.
LESSON_ZONE, OWN_ZONE = "lesson", "own"


@dataclass(frozen=True)
class Choice:
    """What the address or the form says, already parsed; None where it said nothing useful."""

    service_slug: str | None = None
    duration_minutes: int | None = None
    modality: str | None = None
    local_on: date | None = None
    month: date | None = None
    start_at: datetime | None = None
    learner: str | None = None
    view: str = MONTH
    wants_lesson_zone: bool = False
    asks_why: bool = False
    notices: tuple[str, ...] = ()

    def kept_query(self) -> dict[str, str]:
        """Return what every link of the time page carries on besides the offer."""
        kept = {"learner": self.learner or "", "view": self.view if self.view == WEEK else ""}
        kept["zone"] = LESSON_ZONE if self.wants_lesson_zone else ""
        return {name: value for name, value in kept.items() if value}


@dataclass(frozen=True)
class ChosenOffer:
    """An offer with the length in minutes and the place that will be booked."""

    offering: Offering
    durations: list[tuple[int, int]]
    duration_minutes: int
    modality: str
    notices: tuple[str, ...] = ()

    @property
    def price_cents(self) -> int:
        """The lesson, without travel."""
        return dict(self.durations)[self.duration_minutes]

    @property
    def travel_fee_cents(self) -> int:
        """What the way to the student costs; nothing elsewhere."""
        return self.offering.travel_fee_cents if self.modality == Modality.AT_STUDENT else 0

    @property
    def total_cents(self) -> int:
        """Lesson and travel."""
        return self.price_cents + self.travel_fee_cents

    @property
    def is_online(self) -> bool:
        """Whether the lesson happens online."""
        return self.modality == Modality.ONLINE

    @property
    def place_words(self) -> str:
        """Where, in the middle of a sentence."""
        return str(Modality(self.modality).label).lower()

    @property
    def modalities(self) -> list[tuple[str, str]]:
        """The places on offer with their words."""
        return [(mode, Modality(mode).label) for mode in self.offering.modalities]

    def as_query(self) -> dict[str, str]:
        """Return the parameters that choose this offer again."""
        return {
            "service": self.offering.service.slug,
            "duration": str(self.duration_minutes),
            "place": self.modality,
        }


def shown_zone(instructor: Instructor, modality: str, viewer: ZoneInfo, choice: Choice) -> ZoneInfo:
    """Return the zone of the page: the viewer's for online lessons, unless they chose otherwise.

    Lessons in person happen on the instructor's wall, whoever looks. Spec: S12.3, D11.
    """
    if modality == Modality.ONLINE and not choice.wants_lesson_zone:
        return viewer
    return lesson_zone(instructor)


def choose_offer(offerings: list[Offering], choice: Choice) -> ChosenOffer:
    """Return what a choice means among these offers (at least one); says what it replaced.

    Spec: S10.4
    """
    notices = list(choice.notices)
    offering = _chosen_offering(offerings, choice, notices)
    durations = [(row.duration_minutes, row.price_cents) for row in offering.prices.all()]
    return ChosenOffer(
        offering=offering,
        durations=durations,
        duration_minutes=_chosen_minutes(durations, choice, notices),
        modality=_chosen_modality(offering, choice, notices),
        notices=tuple(notices),
    )


def _chosen_offering(offerings: list[Offering], choice: Choice, notices: list[str]) -> Offering:
    if choice.service_slug is None:
        return offerings[0]
    for offering in offerings:
        if offering.service.slug == choice.service_slug:
            return offering
    notices.append("That service is not on offer here, so we show another one.")
    return offerings[0]


def _chosen_minutes(durations: list[tuple[int, int]], choice: Choice, notices: list[str]) -> int:
    lengths = [minutes for minutes, _ in durations]
    if choice.duration_minutes in lengths:
        return choice.duration_minutes
    fallback = DEFAULT_MINUTES if DEFAULT_MINUTES in lengths else lengths[0]
    if choice.duration_minutes is not None:
        notices.append(f"That length is not on offer, so we show {fallback} minutes.")
    return fallback


def _chosen_modality(offering: Offering, choice: Choice, notices: list[str]) -> str:
    if choice.modality in offering.modalities:
        return choice.modality
    if choice.modality is not None:
        notices.append("That place is not on offer, so we show another one.")
    return offering.modalities[0]

"""Refusals of the booking services, each with the way out (Spec: R12, G3)."""

from collections.abc import Sequence
from datetime import datetime

from instainstru.errors import ConflictError, RateLimitedError


class SlotTakenError(ConflictError):
    """The start is not bookable (any more); carries the nearest bookable starts in UTC."""

    code = "slot_taken"
    told = ("nearest", "reasons")

    def __init__(
        self, *, start_at: datetime, nearest: Sequence[datetime], reasons: Sequence[str] = ()
    ) -> None:
        super().__init__(
            "This time is not available any more.",
            context={"start_at": start_at, "nearest": list(nearest), "reasons": list(reasons)},
        )
        self.start_at = start_at
        self.nearest = list(nearest)
        self.reasons = list(reasons)


class SeriesTakenError(ConflictError):
    """Some starts of a weekly series are not bookable (any more); nothing is held. Spec: R19"""

    code = "slot_taken"

    def __init__(self, starts: Sequence[datetime] = ()) -> None:
        super().__init__(
            "Some of these times are not available any more. Nothing is held.",
            context={"starts": list(starts)},
        )
        self.starts = list(starts)


class LearnerBusyError(ConflictError):
    """The learner has another lesson at that time; carries the nearest starts (Spec: R7, R12)."""

    code = "learner_busy"
    told = ("nearest",)

    def __init__(self, message: str, *, nearest: Sequence[datetime] = ()) -> None:
        super().__init__(message, context={"nearest": list(nearest)})
        self.nearest = list(nearest)


class LessonChangedError(ConflictError):
    """Somebody or the clock changed the lesson first (Spec: T15)."""

    code = "lesson_changed"


class HoldExpiredError(ConflictError):
    """The hold has lapsed (Spec: S13.2)."""

    code = "hold_expired"


class AmountChangedError(ConflictError):
    """What is to be paid or given back changed since the page was read (Spec: S11.2, S13.1)."""

    code = "amount_changed"
    told = ("card_refund_cents", "credit_cents")


class HoldLimitError(RateLimitedError):
    """Too many live holds, which come along as the way out, or too many in an hour (S17.4)."""

    code = "rate_limited"

    def __init__(
        self, message: str, *, retry_after_seconds: int, holds: Sequence[object] = ()
    ) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.holds = list(holds)

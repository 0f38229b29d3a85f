"""The reviews of a profile, one page of them, with the filter and the counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bookings.messages.masking import mask_contacts
from bookings.reviews.managers import ReviewQuerySet
from bookings.reviews.models import InstructorStatistics, Review
from catalog.models import Service
from instainstru.clock import NEW_YORK

PAGE_SIZE = 10


@dataclass(frozen=True)
class ShownReview:
    """One published review; the learner stays unnamed (Spec: S11.3)."""

    stars: int
    text: str
    reply: str
    is_no_show: bool
    author: str
    service: str
    month: str


@dataclass(frozen=True)
class Subject:
    """A service that reviews are about, with how many."""

    slug: str
    name: str
    count: int


@dataclass(frozen=True)
class ReviewPage:
    """One page of reviews, newest first; ``total`` counts those of the chosen subject."""

    rows: Sequence[ShownReview]
    subjects: Sequence[Subject]
    subject: str | None
    number: int
    pages: int
    total: int

    @property
    def previous_number(self) -> int | None:
        """The page before, with newer reviews."""
        return self.number - 1 if self.number > 1 else None

    @property
    def next_number(self) -> int | None:
        """The page after."""
        return self.number + 1 if self.number < self.pages else None


def review_subjects(statistics: InstructorStatistics, services: Sequence[Service]) -> list[Subject]:
    """Return the services with published reviews, most reviewed first. Spec: S10.7."""
    counts = statistics.reviews_by_service
    found = [
        Subject(service.slug, service.name, counts[str(service.pk)])
        for service in services
        if counts.get(str(service.pk))
    ]
    return sorted(found, key=lambda subject: (-subject.count, subject.name))


def review_page(
    statistics: InstructorStatistics,
    services: Sequence[Service],
    *,
    subject: str | None,
    number: int,
    now: datetime,
) -> ReviewPage:
    """Return a page of an instructor's published reviews by one query, none without reviews.

    An unknown subject means all; a page beyond the end is the last one. Spec: S10.1.
    """
    subjects = review_subjects(statistics, services)
    by_slug = {known.slug: known.count for known in subjects}
    chosen = subject if subject in by_slug else None
    total = by_slug[chosen] if chosen else statistics.review_count
    pages = max(1, -(-total // PAGE_SIZE))
    number = min(max(number, 1), pages)
    rows = (
        Review.objects.of_instructor(statistics.instructor_id)
        .published(now)
        .about(chosen)
        .newest_first()
    )
    return ReviewPage(
        rows=_shown(rows, (number - 1) * PAGE_SIZE) if total else [],
        subjects=subjects if len(subjects) > 1 else [],
        subject=chosen,
        number=number,
        pages=pages,
        total=total,
    )


def _shown(rows: ReviewQuerySet, start: int) -> list[ShownReview]:
    values = rows.values(
        "overall", "text", "reply", "is_no_show", "student__first_name",
        "service__name", "created_at",
    )[start : start + PAGE_SIZE]  # fmt: skip
    return [
        ShownReview(
            stars=row["overall"],
            text=mask_contacts(row["text"]),
            reply=mask_contacts(row["reply"]),
            is_no_show=row["is_no_show"],
            author=row["student__first_name"],
            service=row["service__name"],
            month=f"{row['created_at'].astimezone(NEW_YORK):%B %Y}",
        )
        for row in values
    ]

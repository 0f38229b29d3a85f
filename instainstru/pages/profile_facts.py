"""What a profile says in one line each: facts from data, and badges with their meaning (S10.1)."""

from dataclasses import dataclass
from datetime import date

from bookings.reviews.models import InstructorStatistics
from bookings.reviews.ratings import FEWEST_STUDENTS, TopRule
from catalog.models import Instructor, Policy
from catalog.selectors import months_before
from instainstru.templatetags.ui import counted

FEWEST_REPLIES = 5
MINUTES_PER_HOUR, HOURS_PER_DAY = 60, 24


@dataclass(frozen=True)
class Badge:
    """A mark with a plain explanation."""

    icon: str
    text: str
    meaning: str
    kind: str = "ok"


def facts_of(person: Instructor, statistics: InstructorStatistics) -> list[str]:
    """Return what is known beside the rating; numbers that are too small stay unsaid."""
    facts = []
    if statistics.lessons_taught:
        facts.append(counted(statistics.lessons_taught, "lesson") + " taught")
    if statistics.student_count >= FEWEST_STUDENTS:
        facts.append(f"{statistics.repeat_percent}% of students come back")
    if statistics.recent_reply_count >= FEWEST_REPLIES:
        facts.append(f"Usually answers within {_span(statistics.median_reply_minutes)}")
    if person.years_teaching:
        facts.append(counted(person.years_teaching, "year") + " teaching")
    place = person.base_neighborhood
    return [*facts, f"{place.name}, {place.borough}"]


def badges_of(
    person: Instructor, statistics: InstructorStatistics, policy: Policy, *, today: date
) -> list[Badge]:
    """Return the badges that hold on ``today`` (a New York date). Spec: S10.1."""
    name = person.user.first_name
    found = []
    checked_on, identity_on = person.background_checked_on, person.identity_verified_on
    if checked_on and checked_on >= months_before(today, policy.background_check_months):
        found.append(_background(name, checked_on, policy.background_check_months))
    if identity_on:
        meaning = (
            f"We compared {name} with an official photo document on {_day(identity_on)}. "
            "Name and photo belong to the same person."
        )
        found.append(Badge("circle-check", "Identity verified", meaning))
    rule = TopRule(policy.top_lessons, policy.top_window_days, policy.top_rating_hundredths)
    if rule.holds(
        statistics.rating,
        recent_lessons=statistics.recent_lesson_count,
        recent_no_shows=statistics.recent_no_show_count,
    ):
        found.append(_top(name, statistics, rule))
    if person.is_founding:
        meaning = (
            f"{name} was among the first {policy.founding_spots} instructors here. It says nothing "
            "about how they teach, only that they have been here from the start."
        )
        found.append(Badge("award", "Founding instructor", meaning, "brand"))
    return found


def _background(name: str, checked_on: date, months: int) -> Badge:
    meaning = (
        f"{name} passed a criminal background check on {_day(checked_on)}. It counts until "
        f"{_day(months_before(checked_on, -months))}; then it is done again or bookings stop. "
        "It does not judge how well somebody teaches."
    )
    return Badge("shield-check", f"Background checked {checked_on:%b %Y}", meaning)


def _top(name: str, statistics: InstructorStatistics, rule: TopRule) -> Badge:
    meaning = (
        f"In the last {rule.days} days {name} taught {statistics.recent_lesson_count} lessons and "
        f"missed none. Top needs at least {rule.lessons} lessons and an average of "
        f"{rule.rating_hundredths / 100:.1f} or more."
    )
    return Badge("trophy", "Top instructor", meaning, "brand")


def _span(minutes: int) -> str:
    """Return minutes rounded up to what people say: minutes, hours or days."""
    if minutes <= MINUTES_PER_HOUR:
        return counted(max(minutes, 1), "minute")
    hours = -(-minutes // MINUTES_PER_HOUR)
    return counted(hours, "hour") if hours <= HOURS_PER_DAY else counted(-(-hours // 24), "day")


def _day(on: date) -> str:
    return f"{on:%B} {on.day}, {on.year}"

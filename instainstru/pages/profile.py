"""An instructor's public profile (Spec: S10.1-S10.5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from bookings.lessons.forms import parse_choice
from bookings.lessons.selectors import Calendars, load_calendars
from bookings.reviews.lists import review_page
from bookings.reviews.selectors import statistics_of
from catalog.city_map import coverage_map
from catalog.models import Instructor, Level, Modality, Offering
from catalog.saving import mark_saved
from catalog.selectors import (
    Profile,
    ProfileOffers,
    find_profile,
    instructor_once_named,
    months_before,
    profile_offers,
)
from instainstru import clock
from instainstru.access import public
from instainstru.http import mark_private, moved_for_ever, render_page_or_fragment
from instainstru.page_store.versions import depends_on, of_instructor
from instainstru.pages.cards import TIMES_A_CARD, first_starts, offer_card
from instainstru.pages.profile_facts import badges_of, facts_of
from instainstru.pages.profile_panel import REACH_DAYS, STRIP_DAYS, build_panel
from instainstru.pages.structured_data import canonical_url, profile_data
from search.nearest import nearest_instructors

OLDEST = 99
LONGEST_PAGE_NUMBER = 6
FRAGMENTS = {"reviews": "reviews", "panel": "panel"}

_S = Instructor.Status
PUBLIC_STATES = (_S.LIVE, _S.PAUSED)
# Their owners see what the page will be; everybody else gets 404 (Spec: S10.3).
PREVIEW_STATES = (_S.DRAFT, _S.SUBMITTED, _S.IN_REVIEW, _S.CHANGES_REQUESTED)


@dataclass(frozen=True)
class _Page:
    """What was read for one answer."""

    profile: Profile
    offers: ProfileOffers
    calendars: Calendars
    now: datetime
    today: date


@public
@require_safe
def profile(request: HttpRequest, slug: str) -> HttpResponse:
    """Show who teaches, what, where, for how much, when, and what students say."""
    found = find_profile(slug, also=["statistics"])
    if found is None and (renamed := instructor_once_named(slug)):
        return moved_for_ever(request, reverse("instructor-profile", args=[renamed.slug]))
    if found is None:
        raise Http404("no such profile")
    person = found.instructor
    if person.status == _S.CLOSED:
        return render(request, "pages/profile_gone.html", _gone(_read(found)), status=410)
    if not _may_see(request, person):
        raise Http404("no such profile")
    depends_on(request, of_instructor(person.pk))
    response = render_page_or_fragment(
        request,
        "pages/profile.html",
        _context(request, _read(found)),
        fragment=FRAGMENTS.get(request.headers.get("HX-Target", ""), "panel"),
    )
    return mark_private(response) if request.user.is_authenticated else response


def _is_owner(request: HttpRequest, person: Instructor) -> bool:
    return request.user.is_authenticated and request.user.pk == person.user_id


def _may_see(request: HttpRequest, person: Instructor) -> bool:
    if person.status in PUBLIC_STATES:
        return True
    return person.status in PREVIEW_STATES and _is_owner(request, person)


def _read(found: Profile) -> _Page:
    person, now = found.instructor, clock.now()
    today = now.astimezone(clock.NEW_YORK).date()
    checked_since = months_before(today, found.policy.background_check_months)
    offers = profile_offers(
        person,
        checked_since=checked_since,
        also=["instructor__statistics"],
        nearest=nearest_instructors(person, checked_since=checked_since),
    )
    ids = {offer.instructor_id for offer in offers.similar}
    if person.status == _S.LIVE:
        ids.add(person.pk)
    last_on = today + timedelta(days=REACH_DAYS + STRIP_DAYS)
    calendars = load_calendars(ids, first_on=today, last_on=last_on, now=now)
    return _Page(found, offers, calendars, now, today)


def _gone(page: _Page) -> dict[str, Any]:
    return {"similar": _similar(page)}


def _similar(page: _Page) -> list[dict[str, Any]]:
    """Return the cards of similar instructors with their next times."""
    return [
        offer_card(offer, offer.service, first_starts(page.calendars, offer, TIMES_A_CARD))
        for offer in page.offers.similar
    ]


def _context(request: HttpRequest, page: _Page) -> dict[str, Any]:
    person, offers = page.profile.instructor, page.offers.own
    statistics, is_live = statistics_of(person), person.status == _S.LIVE
    panel = None
    if is_live and offers:
        choice = parse_choice(request.GET.dict())
        panel = build_panel(
            person, offers, choice, policy=page.profile.policy, calendars=page.calendars,
            week_on=parse_choice({"date": request.GET.get("week", "")}).local_on,
            path=request.path, now=page.now,
        )  # fmt: skip
    reviews = review_page(
        statistics,
        [offer.service for offer in offers],
        subject=request.GET.get("about"),
        number=_page_number(request.GET.get("page", "")),
        now=page.now,
    )
    similar = _similar(page)
    lengths = sorted({row.duration_minutes for offer in offers for row in offer.prices.all()})
    save: dict[str, Any] = {"slug": person.slug, "name": person.display_name}
    mark_saved(request, [save, *similar])
    return {
        "person": person,
        "save": save,
        "first_name": person.user.first_name,
        "bio": _first_and_rest(person.bio),
        "panel": panel,
        "lengths": lengths,
        "services": [_service(offer, lengths) for offer in offers],
        "map": coverage_map(
            person.base_neighborhood.name, page.profile.places if _travels(offers) else []
        ),
        "credentials": page.profile.credentials,
        "questions": page.profile.questions,
        "policy": page.profile.policy,
        "statistics": statistics,
        "facts": facts_of(person, statistics),
        "badges": badges_of(person, statistics, page.profile.policy, today=page.today),
        "reviews": reviews,
        "similar": similar,
        "is_own": _is_owner(request, person),
        "is_live": is_live,
        "is_preview": person.status in PREVIEW_STATES,
        "book_url": reverse("lessons:times", args=[person.slug]),
        "canonical_url": canonical_url(person),
        "structured_data": profile_data(person, offers, statistics, page.profile.places),
    }


def _first_and_rest(bio: str) -> tuple[str, str]:
    """Return the first paragraph, and what "Read more" opens."""
    first, _, rest = bio.strip().partition("\n\n")
    return first, rest.strip()


def _page_number(text: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) <= LONGEST_PAGE_NUMBER
    return int(text) if is_number else 1


def _service(offer: Offering, lengths: Sequence[int]) -> dict[str, Any]:
    """Return the row of the price table; a length that is not priced has None."""
    cents = {row.duration_minutes: row.price_cents for row in offer.prices.all()}
    return {
        "offer": offer,
        "prices": [(minutes, cents.get(minutes)) for minutes in lengths],
        "levels": ", ".join(Level(level).label for level in offer.levels),
        "modes": ", ".join(Modality(mode).label for mode in offer.modalities),
        "ages": _ages(offer),
    }


def _ages(offer: Offering) -> str:
    return (
        f"{offer.age_from} and up"
        if offer.age_to >= OLDEST
        else f"{offer.age_from} to {offer.age_to}"
    )


def _travels(offers: Sequence[Offering]) -> bool:
    return any(Modality.AT_STUDENT in offer.modalities for offer in offers)

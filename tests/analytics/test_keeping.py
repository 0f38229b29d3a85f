"""How long events stay, and to whom a guest's go (Spec: S3.4, S6.3, S6.8)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from accounts.models import User
from analytics.kinds import InteractionType
from analytics.models import SearchEvent, SearchImpression, SearchInteraction
from analytics.services import (
    ExecutedSearch,
    Shown,
    forget_old_events,
    record_click,
    record_search,
)
from analytics.visitors import Visitor
from instainstru.identifiers import time_ordered_id
from privacy.consents import Browser, Purpose, record_consent
from search.history import merge_guest_history
from tests.factories.accounts import student
from tests.factories.catalog import InstructorFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S3, pytest.mark.S6]

NOW = datetime(2026, 3, 4, 15, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
GUEST = "guest-key"


def event(at: datetime = NOW, *, shown: list[Shown] | None = None, **owner: Any) -> UUID:
    search = ExecutedSearch(
        search_id=time_ordered_id(),
        user_id=owner.get("user_id"),
        guest_key=owner.get("guest_key", None if owner else GUEST),
        query="piano",
        search_type="service",
        parsed={},
        filters={},
        results_count=1,
        top_ids=[],
        match="results",
        mode="lexical",
        latency_ms=1.0,
        shown=shown or [],
    )
    record_search(search, Visitor(may_be_named=True, ip_hash="digest"), now=at)
    return search.search_id


def seen(search_id: UUID, person: Any) -> None:
    """Click on an instructor that the search showed."""
    types = [InteractionType.RESULT_CLICK]
    record_click(search_id, person.slug, types, now=NOW)


def card(person: Any, position: int = 1) -> Shown:
    return Shown(position, person.pk, 1, is_close=False, factors={"relevance": 1.0})


def consented(*, is_given: bool = True) -> User:
    user = student()
    record_consent(
        by=user, purpose=Purpose.ANALYTICS, is_given=is_given, browser=Browser(page="/privacy/")
    )
    return user


def test_events_and_all_that_hangs_on_them_leave_after_ninety_days() -> None:
    """Spec: S6.3: exactly 90 days stay, a second more goes."""
    person = InstructorFactory()
    kept = event(NOW - 90 * DAY, shown=[card(person)])
    for _ in range(3):
        gone = event(NOW - 90 * DAY - SECOND, shown=[card(person)])
        seen(gone, person)
    seen(kept, person)
    assert SearchEvent.objects.forget(before=NOW - 90 * DAY, batch=2) == 3
    assert forget_old_events(now=NOW)["events"] == 0
    assert SearchEvent.objects.get().pk == kept
    assert SearchImpression.objects.get().event_id == kept
    assert SearchInteraction.objects.get().search_id == kept


def test_digests_of_networks_leave_after_thirty_days() -> None:
    """Spec: S6.3"""
    kept, gone = event(NOW - 30 * DAY), event(NOW - 30 * DAY - SECOND)
    assert forget_old_events(now=NOW) == {"events": 0, "networks": 1}
    assert forget_old_events(now=NOW) == {"events": 0, "networks": 0}
    assert SearchEvent.objects.get(pk=kept).ip_hash == "digest"
    assert SearchEvent.objects.get(pk=gone).ip_hash == ""


def test_a_guest_s_searches_follow_into_the_account_that_agreed() -> None:
    """Spec: S3.4, S17.8"""
    maya, found, others = consented(), event(), event(guest_key="another")
    for _ in range(2):
        merge_guest_history(maya, GUEST)
    assert SearchEvent.objects.get(pk=found).user == maya
    assert SearchEvent.objects.get(pk=found).guest_key is None
    assert SearchEvent.objects.get(pk=others).guest_key == "another"


@pytest.mark.parametrize("is_asked", [True, False])
def test_an_account_that_did_not_agree_gets_no_events(*, is_asked: bool) -> None:
    """Spec: S3.2"""
    found = event()
    merge_guest_history(consented(is_given=False) if is_asked else student(), GUEST)
    row = SearchEvent.objects.get(pk=found)
    assert (row.user, row.guest_key) == (None, None)


def test_the_same_search_twice_is_one_event() -> None:
    """Spec: S3.1"""
    found = event()
    search = ExecutedSearch(
        found, None, GUEST, "other", "service", {}, {}, 0, [], "none", "lexical", 1.0
    )
    record_search(search, Visitor(may_be_named=True), now=NOW)
    assert SearchEvent.objects.get().query_raw == "piano"


def test_an_erased_person_leaves_the_search_without_its_link() -> None:
    """Spec: S6.8"""
    maya = consented()
    found = event(user_id=maya.pk)
    maya.delete()
    row = SearchEvent.objects.get(pk=found)
    assert (row.user, row.query_raw) == (None, "piano")

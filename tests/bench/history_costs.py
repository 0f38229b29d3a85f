"""What keeping one search, and its event with twenty cards, takes by itself (S3.9, P10, P11)."""

import statistics
import time
from collections.abc import Callable
from secrets import token_urlsafe
from typing import Final

TIMES: Final = 2_000
CARDS: Final = 20


def measure() -> dict[str, dict[str, float]]:
    """Return p50 and p95 in milliseconds, one client after another."""
    from analytics.kinds import InteractionType
    from analytics.models import SearchEvent
    from analytics.services import ExecutedSearch, Shown, record_click, record_search
    from analytics.visitors import Visitor
    from catalog.models import Instructor
    from instainstru import clock
    from instainstru.identifiers import time_ordered_id
    from search.models import SearchHistory

    guest_key, now = token_urlsafe(24), clock.now()
    people = list(Instructor.objects.values_list("pk", "slug")[:CARDS])
    factors = dict.fromkeys(
        ("relevance", "availability", "distance", "price", "quality", "reliability", "newness"),
        0.9876,
    )
    shown = [
        Shown(place, pk, place, is_close=False, factors=factors)
        for place, (pk, _) in enumerate(people, 1)
    ]
    ids = [time_ordered_id() for _ in range(TIMES)]

    def event(number: int) -> None:
        search = ExecutedSearch(
            search_id=ids[number], user_id=None, guest_key=guest_key, query="piano in brooklyn",
            search_type="natural_language", parsed={"services": ["Piano"]}, filters={},
            results_count=CARDS, top_ids=[one.instructor_id for one in shown], match="results",
            mode="hybrid", latency_ms=12.5, shown=shown,
        )  # fmt: skip
        record_search(search, Visitor(may_be_named=True), now=now)

    def click(number: int) -> None:
        slug = people[number % len(people)][1] if people else "nobody"
        record_click(ids[number], slug, [InteractionType.RESULT_CLICK], now=now)

    def history(number: int) -> None:
        SearchHistory.objects.record(
            query=f"piano {number % 20}", results_count=7, now=now, guest_key=guest_key
        )

    try:
        return {
            "history": _times(history),
            "event_with_cards": _times(event),
            "click": _times(click),
        }
    finally:
        SearchHistory.objects.filter(guest_key=guest_key).delete()
        SearchEvent.objects.filter(pk__in=ids).delete()


def _times(call: Callable[[int], None]) -> dict[str, float]:
    took = []
    for number in range(TIMES):
        began = time.perf_counter()
        call(number)
        took.append((time.perf_counter() - began) * 1000)
    cuts = statistics.quantiles(took, n=20)
    return {"p50_ms": round(statistics.median(took), 2), "p95_ms": round(cuts[-1], 2)}

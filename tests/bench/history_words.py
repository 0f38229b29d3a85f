"""What counts as the same search, over generated strings and every character (Spec: S2.2)."""

import sys
import unicodedata
from secrets import token_urlsafe
from typing import Final

from tests.search.strings import generated_strings

BATCH: Final = 20_000
UNASSIGNED: Final = frozenset({"Cn", "Co", "Cs"})

_UNSTABLE = """
SELECT count(*) FROM unnest(%s::text[]) AS t, ii_normalize_query(t) AS once
WHERE ii_normalize_query(once) <> once
"""


def _characters() -> list[str]:
    """Return every character alone, and between letters."""
    points = range(1, sys.maxunicode + 1)
    known = [chr(each) for each in points if unicodedata.category(chr(each)) not in UNASSIGNED]
    return [form for one in known for form in (one, f"a{one}{one} {one}b")]


def compare(number: int) -> dict[str, int]:
    """Normalise twice, and search for everything: unstable texts and shared keys are counted."""
    from django.db import connection
    from django.db.models import Count, Sum

    from instainstru import clock
    from search.models import SearchHistory

    said, guest_key = generated_strings(number, seed=7), token_urlsafe(24)
    texts = [*said, *_characters()]
    unstable = 0
    with connection.cursor() as cursor:
        for first in range(0, len(texts), BATCH):
            cursor.execute(_UNSTABLE, [texts[first : first + BATCH]])
            unstable += cursor.fetchone()[0]
    kept = sum(
        SearchHistory.objects.record(
            query=text, results_count=1, now=clock.now(), guest_key=guest_key
        )
        is not None
        for text in said
    )
    rows = SearchHistory.objects.filter(guest_key=guest_key)
    keys = rows.aggregate(rows=Count("pk"), keys=Count("normalized_query", distinct=True))
    counted = rows.aggregate(total=Sum("search_count"))["total"] or 0
    rows.delete()
    return {
        "strings": number,
        "kept": kept,
        "keys": keys["keys"],
        "texts_of_characters": len(texts) - number,
        "unstable": unstable,
        "shared": keys["rows"] - keys["keys"] + abs(kept - counted),
    }

"""What a person may mean while still typing; from memory, with one query for names (Spec: S8.6)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.urls import reverse

from catalog.models import Instructor
from catalog.selectors import months_before
from search.gazetteer import Place, key_of
from search.snapshot import ServiceEntry, Snapshot
from search.text import WORD, clean_text, fold, words_of

FEWEST_LETTERS = 2
MOST_ITEMS = 8
MOST_OF = {"Recent": 3, "Services": 4, "Categories": 2, "Instructors": 2, "Neighborhoods": 3}
PLACE_WORDS = 3
HINTS = frozenset({"in", "near", "around", "at"})


@dataclass(frozen=True)
class Suggestion:
    """One line of the list: words, a quiet note and where it leads."""

    text: str
    note: str
    url: str


@dataclass(frozen=True)
class Group:
    """Suggestions of one kind."""

    label: str
    items: Sequence[Suggestion]


def suggest(
    text: str,
    snapshot: Snapshot,
    *,
    today: date,
    recent: Sequence[str] = (),
    user_id: int | None = None,
) -> list[Group]:
    """Return at most eight suggestions in groups; nothing below two letters.

    ``recent`` are the person's own searches, newest first; an empty box offers the newest ones.
    ``user_id`` is who types: neither they nor whom a block parts from them are instructors here.
    Spec: S8.6, S8.7
    """
    said = clean_text(text)
    words = words_of(fold(said))
    if not said:
        again = [Suggestion(query, "", _results(query)) for query in recent[:MOST_ITEMS]]
        return [Group("Recent", again)] if again else []
    if len("".join(words)) < FEWEST_LETTERS:
        return []
    found = {
        "Recent": _recent(words, recent),
        "Services": _services(words, snapshot),
        "Categories": _categories(words, snapshot),
        "Instructors": _instructors(said, snapshot, today, user_id),
        "Neighborhoods": _places(said, snapshot),
    }
    groups, room = [], MOST_ITEMS
    for label, items in found.items():
        kept = list(items)[: min(room, MOST_OF[label])]
        room -= len(kept)
        if kept:
            groups.append(Group(label, kept))
    return groups


def suggest_places(text: str, snapshot: Snapshot) -> list[tuple[str, str]]:
    """Return up to eight places with what they belong to: those whose name begins so come first.

    Any name that people use counts, also in the middle: "slope", "UWS". Spec: S8.1, S8.6
    """
    said = key_of(clean_text(text))
    if len(said) < FEWEST_LETTERS:
        return []
    found = dict(_places_like(said, snapshot))
    for key, place in sorted(snapshot.gazetteer.by_key.items()):
        if f" {said}" in key:
            found.setdefault(place.name, _belongs_to(place))
    return list(found.items())[:MOST_ITEMS]


def _results(query: str) -> str:
    return f"{reverse('search:results')}?{urlencode({'q': query})}"


def _starts_words(words: Sequence[str], candidates: Iterable[str]) -> bool:
    """Tell whether each word begins one of the candidates."""
    known = list(candidates)
    return all(any(one.startswith(word) for one in known) for word in words)


def _recent(words: Sequence[str], recent: Iterable[str]) -> list[Suggestion]:
    return [
        Suggestion(query, "", _results(query))
        for query in recent
        if _starts_words(words, words_of(fold(query)))
    ]


def _services(words: Sequence[str], snapshot: Snapshot) -> list[Suggestion]:
    said = " ".join(words)
    ranked: list[tuple[int, int, ServiceEntry]] = []
    for place, entry in enumerate(snapshot.services.values()):
        if entry.folded.startswith(said):
            ranked.append((0, len(entry.folded), entry))
        elif _starts_words(words, words_of(entry.folded)):
            ranked.append((1, place, entry))
        elif _starts_words(words, entry.words):
            ranked.append((2, place, entry))
    ranked.sort(key=lambda row: row[:2])
    return [Suggestion(row.name, row.category, _results(row.name)) for _, _, row in ranked]


def _categories(words: Sequence[str], snapshot: Snapshot) -> list[Suggestion]:
    return [
        Suggestion(name, "Category", reverse("catalog:category", args=[slug]))
        for name, slug in snapshot.categories.items()
        if _starts_words(words, words_of(fold(name)))
    ]


def _instructors(
    said: str, snapshot: Snapshot, today: date, user_id: int | None
) -> list[Suggestion]:
    checked_since = months_before(today, snapshot.check_months)
    rows = Instructor.objects.live().checked_since(checked_since).named(said).shown_to(user_id)
    limit = MOST_OF["Instructors"]
    return [
        Suggestion(name, headline, reverse("instructor-profile", args=[slug]))
        for name, headline, slug in rows.values_list("display_name", "headline", "slug")[:limit]
    ]


def _places(said: str, snapshot: Snapshot) -> list[Suggestion]:
    """Complete the last words to a place and keep what was said before them, letter by letter."""
    words = list(WORD.finditer(fold(said)))
    for count in range(min(PLACE_WORDS, len(words)), 0, -1):
        before, last = words[:-count], words[-count:]
        begun = key_of(" ".join(match.group() for match in last))
        start = last[0].start()
        if before and before[-1].group() in HINTS:
            start = before[-1].start()
        elif before and len(begun) < len("bay"):
            continue
        found = _places_like(begun, snapshot)
        if found:
            what = said[:start].rstrip(" ,;-")
            lines = [(f"{what} in {name}" if what else name, near) for name, near in found]
            return [Suggestion(line, near, _results(line)) for line, near in lines]
    return []


def _places_like(said: str, snapshot: Snapshot) -> list[tuple[str, str]]:
    """Return places with what they belong to; boroughs come before their neighborhoods."""
    places: dict[str, Place] = {}
    for key, place in snapshot.gazetteer.by_key.items():
        if said and key.startswith(said):
            places.setdefault(place.name, place)
    ordered = sorted(
        places.values(),
        key=lambda one: (not key_of(one.name).startswith(said), not one.is_borough, one.name),
    )
    return [(place.name, _belongs_to(place)) for place in ordered]


def _belongs_to(place: Place) -> str:
    return "Borough" if place.is_borough else place.borough

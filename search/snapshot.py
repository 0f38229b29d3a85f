"""The catalogue in process memory: names, words and places (Spec: S8.12)."""

import hashlib
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from django.db.models import Count, Max

from catalog.models import Category, Neighborhood, Policy, Service, ServicePhrase
from search.encoder.embedder import query_embedder
from search.english import FILLER_WORDS
from search.gazetteer import Gazetteer, PlaceRow, build_gazetteer
from search.ranking import Formula
from search.text import fold, words_of
from search.vectors import ServiceVectors, current_vectors
from search.vocabulary import Vocabulary, build_vocabulary

# A catalogue change is live within a minute (Spec: S7.6).
LIFETIME_SECONDS = 60
SHORTEST_EXAM = 3  # letters; "AP" stands before many subjects
_PREPARES = re.compile(r"\bprep\b")


@dataclass(frozen=True)
class ServiceEntry:
    """A service as search knows it."""

    pk: int
    name: str
    slug: str
    category: str
    category_slug: str
    subcategory: str
    words: frozenset[str] = frozenset()
    folded: str = ""


@dataclass(frozen=True)
class PlaceEntry:
    """A neighborhood with its point."""

    pk: int
    name: str
    borough: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Snapshot:
    """Everything of the catalogue that a search needs besides offers."""

    services: Mapping[int, ServiceEntry]
    places: Mapping[str, PlaceEntry]
    categories: Mapping[str, str]
    groups: Mapping[str, Sequence[int]]
    check_months: int
    strike_days: int
    strikes_review: int
    formula: Formula
    vocabulary: Vocabulary
    gazetteer: Gazetteer
    vectors: ServiceVectors | None = None
    version: str = ""
    bare_groups: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Groups by words that mean a service as soon as more is said: "fitness", "fitness coach"."""

    @cached_property
    def names(self) -> frozenset[str]:
        """The folded names of all services."""
        return frozenset(entry.folded for entry in self.services.values())

    @cached_property
    def name_words(self) -> Sequence[frozenset[str]]:
        """The words of each name of a service or a subcategory, without filler."""
        names = self.names | {fold(entry.subcategory) for entry in self.services.values()}
        return [frozenset(words_of(name)) - FILLER_WORDS for name in names]

    @cached_property
    def exams(self) -> frozenset[str]:
        """The words of exams that services prepare for: written in capitals in their names."""
        return frozenset(
            word.lower()
            for entry in self.services.values()
            if _PREPARES.search(entry.folded)
            for word in words_of(entry.name)
            if word.isupper() and len(word) >= SHORTEST_EXAM
        )

    @cached_property
    def neighborhoods(self) -> Mapping[str, frozenset[int]]:
        """The ids of the neighborhoods of each place: of itself, or of a whole borough."""
        found: dict[str, set[int]] = defaultdict(set)
        for place in self.places.values():
            found[place.name].add(place.pk)
            found[place.borough].add(place.pk)
        return {name: frozenset(ids) for name, ids in found.items()}

    def of_group(self, text: str, *, is_bare: bool = True) -> Sequence[int]:
        """Return the services of a category or subcategory that the text names.

        ``is_bare`` says that nothing but its name was said. Spec: S8.2
        """
        name = fold(text)
        return self.groups.get(name) or (self.bare_groups.get(name, ()) if is_bare else ())


_lock = threading.Lock()
_current: tuple[float, Snapshot] | None = None


def current_snapshot() -> Snapshot:
    """Return the catalogue, read again when it is older than a minute."""
    global _current  # noqa: PLW0603 - one snapshot a process is the point
    with _lock:
        if _current is None or time.monotonic() - _current[0] > LIFETIME_SECONDS:
            _current = (time.monotonic(), load_snapshot())
        return _current[1]


def forget_snapshot() -> None:
    """Read the catalogue again at the next search."""
    global _current  # noqa: PLW0603
    with _lock:
        _current = None


def load_snapshot() -> Snapshot:
    """Read the catalogue in six queries, and the vectors when they have changed."""
    services = list(Service.objects.active().select_related("category"))
    neighborhoods = list(Neighborhood.objects.all())
    policy = Policy.objects.current()
    vectors = current_vectors(query_embedder().digest)
    groups, bare_groups = _groups(services)
    phrases = ServicePhrase.objects.aggregate(count=Count("pk"), last=Max("pk"))
    return Snapshot(
        services={
            row.pk: ServiceEntry(
                row.pk,
                row.name,
                row.slug,
                row.category.name,
                row.category.slug,
                row.subcategory,
                frozenset(words_of(fold(" ".join([row.name, *row.keywords])))),
                fold(row.name),
            )
            for row in services
        },
        places={
            row.name: PlaceEntry(row.pk, row.name, row.borough, row.latitude, row.longitude)
            for row in neighborhoods
        },
        categories=dict(Category.objects.values_list("name", "slug")),
        groups=groups,
        bare_groups=bare_groups,
        check_months=policy.background_check_months,
        strike_days=policy.strike_window_days,
        strikes_review=policy.strikes_review,
        formula=formula_of(policy),
        vocabulary=build_vocabulary(
            [row.name for row in services],
            [word for row in services for word in row.keywords],
            [row.description for row in services],
            ServicePhrase.objects.filter(
                kind=ServicePhrase.Kind.COLLOQUIAL, service__is_active=True
            ).values_list("service__name", "phrase"),
        ),
        gazetteer=build_gazetteer(
            PlaceRow(row.borough, row.name, row.aliases) for row in neighborhoods
        ),
        vectors=vectors,
        version=_version(services, neighborhoods, phrases, vectors),
    )


def formula_of(policy: Policy) -> Formula:
    """Return the numbers of the order as a policy sets them. Spec: 00 section 6, S8.3"""
    return Formula(
        words_share=policy.rank_words_pct / 100,
        least_availability=policy.rank_least_availability_pct / 100,
        full_starts=policy.rank_full_starts,
        distance_km=policy.rank_distance_meters / 1000,
        price_share=policy.rank_price_pct / 100,
        price_spread=policy.rank_price_spread_pct / 100,
        imagined_reviews=policy.rank_imagined_reviews,
        usual_stars=policy.rank_usual_rating_hundredths / 100,
        reply_share=policy.rank_reply_pct / 100,
        completion_share=policy.rank_completion_pct / 100,
        boost=policy.rank_boost_pct / 100,
        boost_lessons=policy.rank_boost_lessons,
        luck=policy.rank_luck_pct / 100,
        boosted_per_page=policy.rank_boosted_per_page,
        neighbors_in_row=policy.rank_neighbors_in_row,
        page_size=policy.search_page_size,
    )


def _version(
    services: Iterable[Service],
    neighborhoods: Iterable[Neighborhood],
    phrases: Mapping[str, int | None],
    vectors: ServiceVectors | None,
) -> str:
    """Return a name for all that decides which services words mean (Spec: S8.12)."""
    said = hashlib.blake2b(digest_size=8)
    for row in services:
        said.update(f"{row.pk}|{row.name}|{row.keywords}|{row.description}\n".encode())
    for place in neighborhoods:
        said.update(f"{place.pk}|{place.name}|{place.aliases}\n".encode())
    said.update(f"{phrases}|{len(vectors.service_ids) if vectors else None}|{id(vectors)}".encode())
    return said.hexdigest()


_Groups = Mapping[str, Sequence[int]]


def _groups(services: Sequence[Service]) -> tuple[_Groups, _Groups]:
    """Return the services of each folded name of a category or subcategory, and of bare names.

    Other ways to say a name count where no service and no other group is called so. Where one is
    but for filler ("career coach"), they count alone. Spec: S8.2
    """
    found: dict[str, list[int]] = defaultdict(list)
    called: dict[str, set[str]] = defaultdict(set)
    for row in services:
        category, subcategory = fold(row.category.name), fold(row.subcategory)
        for name in {category, subcategory}:
            found[name].append(row.pk)
        called[category] |= _also_called(category, shortest_part=1)
        # One word of a subcategory ("making", "english") stands for others as well.
        called[subcategory] |= _also_called(subcategory, shortest_part=2)
    names = [fold(said) for row in services for said in (row.name, *row.keywords)]
    taken, subjects = {*found, *names}, {_subject(name) for name in names}
    others: dict[str, list[int]] = defaultdict(list)
    bare: dict[str, list[int]] = defaultdict(list)
    for name, ways in called.items():
        for way in ways - taken:
            group = bare[way] if way in subjects else others[way]
            group += [pk for pk in found[name] if pk not in group]
    return {**found, **others}, bare


def _subject(name: str) -> str:
    return " ".join(word for word in words_of(name) if word not in FILLER_WORDS)


def _also_called(name: str, *, shortest_part: int) -> set[str]:
    """Return the name without signs, its parts around "&", and all of them in the other number."""
    parts = [words_of(part) for part in re.split(r"[&,]", name)]
    said = {" ".join(part) for part in parts if len(part) >= shortest_part}
    said.add(" ".join(words_of(name)))
    return {form for one in said for form in (one, _other_number(one))}


def _other_number(name: str) -> str:
    """Return the plural of a name, or its singular where it is one: "languages", "sport"."""
    if name.endswith("ss"):
        return name
    return name.removesuffix("s") if name.endswith("s") else f"{name}s"

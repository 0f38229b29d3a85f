"""From words to services: vectors, full text and trigrams joined (Spec: S8.8, S8.9, S8.11)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog
from django.conf import settings
from django.db import OperationalError, connection

from search.encoder.embedder import query_embedder
from search.snapshot import Snapshot
from search.text import words_of

log = structlog.get_logger(__name__)

QUERY_CANCELED = "57014"

FULL_TEXT_WEIGHT, TRIGRAM_WEIGHT = 0.6, 0.4
# Beside vectors, whose scores run from 0 to 1, words only tip the scales.
TIP_WEIGHT = 0.1
LIMIT = 50
# A service counts as meant when its score is near the best one's; cosines lie closer together.
NEAR_BEST_WORDS, NEAR_BEST_COSINES = 0.72, 0.8
# Below this similarity and without a full-text hit nothing was understood (Spec: S8.9).
SURE_SIMILARITY, CLOSE_SIMILARITY = 0.5, 0.3
# With words that are alike a cosine this low will do; without them the settings decide.
ALIKE_COSINE = 0.35

_FULL_TEXT = """
WITH wanted AS (
  SELECT replace(plainto_tsquery('english', ii_unaccent(%(text)s))::text, '&', '|')::tsquery
           AS any_word,
         plainto_tsquery('english', ii_unaccent(%(text)s)) AS all_words
)
SELECT service.id,
       ts_rank_cd(service.search_vector, wanted.any_word, 1)
         + CASE WHEN service.search_vector @@ wanted.all_words THEN 0.5 ELSE 0 END AS score,
       service.search_vector @@ wanted.all_words AS is_whole,
       ts_filter(service.search_vector, '{a,b}') @@ wanted.all_words AS is_named
FROM catalog_service AS service, wanted
WHERE service.is_active AND service.search_vector @@ wanted.any_word
ORDER BY score DESC, service.position
LIMIT %(limit)s
"""

_TRIGRAM = """
SELECT phrase.service_id,
       max(GREATEST(similarity(phrase.phrase, %(text)s),
                    0.9 * strict_word_similarity(phrase.phrase, %(text)s)))
         + max(CASE WHEN phrase.phrase = %(text)s AND phrase.kind = 'name' THEN 0.2 ELSE 0 END)
         AS score
FROM catalog_servicephrase AS phrase
JOIN catalog_service AS service ON service.id = phrase.service_id AND service.is_active
WHERE phrase.phrase %% %(text)s OR phrase.phrase <<%% %(text)s
GROUP BY phrase.service_id
ORDER BY score DESC
LIMIT %(limit)s
"""


# The database takes several statements as one transaction, in which these settings hold.
_SETTINGS = """
SET LOCAL statement_timeout = '300ms';
SET LOCAL pg_trgm.similarity_threshold = 0.3;
SET LOCAL pg_trgm.strict_word_similarity_threshold = 0.5;
"""
# For callers that are in a transaction of their own.
_NO_TIMEOUT = "SET LOCAL statement_timeout TO DEFAULT"


@dataclass(frozen=True)
class Candidates:
    """Services with their fused score, best first; ``match`` is results, closest or none."""

    scores: Mapping[int, float]
    match: str
    mode: str = "lexical"
    is_makeshift: bool = False
    """Found without the database or the model that should have been asked."""
    near_best: float = NEAR_BEST_WORDS
    """The share of the best score from which on a service is meant as well."""


@dataclass(frozen=True)
class Lexical:
    """What words alone found; a whole match has all the words, a named one in name and keywords."""

    full_text: Mapping[int, float]
    trigram: Mapping[int, float]
    has_whole_match: bool
    has_named_match: bool = False

    @property
    def best_trigram(self) -> float:
        """The likeness of the best phrase, from 0 on."""
        return max(self.trigram.values(), default=0)


def retrieve_services(text: str, snapshot: Snapshot, *, sentence: str = "") -> Candidates:
    """Return the services that the words may mean.

    ``text`` holds the folded words of the subject, ``sentence`` the same with the words around
    them. Lexemes are built by the database, so no character is an operator of the query language.
    Without vectors the words alone decide. Spec: S8.8, S8.9.
    """
    if not text.strip():
        return Candidates({}, "none", mode_of(snapshot))
    try:
        full_text, trigram = _ask_database(text)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != QUERY_CANCELED:
            raise
        log.warning("search_from_memory")
        return from_memory(text, snapshot)
    found = Lexical(
        {pk: score for pk, (score, _, _) in full_text.items()},
        trigram,
        any(is_whole for _, is_whole, _ in full_text.values()),
        any(is_named for _, _, is_named in full_text.values()),
    )
    cosines = _cosines(sentence or text, text, snapshot)
    if cosines is not None:
        return fuse(cosines, found)
    return replace(fuse_words(found), is_makeshift=snapshot.vectors is not None)


def mode_of(snapshot: Snapshot) -> str:
    """Return how words are understood at present, whether or not these words needed the model.

    Spec: S8.11, S8.14
    """
    has_model = snapshot.vectors is not None and not query_embedder().is_open
    return "hybrid" if has_model else "lexical"


def _cosines(sentence: str, text: str, snapshot: Snapshot) -> Mapping[int, float] | None:
    """Return each service's mean cosine to the two query vectors; None without vectors."""
    if snapshot.vectors is None:
        return None
    encoded = query_embedder().encode([sentence, text])
    return None if encoded is None else snapshot.vectors.similarities(encoded.mean(axis=0))


def _ask_database(text: str) -> tuple[dict[int, tuple[float, bool, bool]], dict[int, float]]:
    # Settings and both questions go in one round trip; a transaction would cost two more.
    with connection.cursor() as cursor:
        statements = f"{_SETTINGS}{_FULL_TEXT};{_TRIGRAM};{_NO_TIMEOUT}"
        cursor.execute(statements, {"text": text, "limit": LIMIT})
        for _ in range(_SETTINGS.count(";")):
            cursor.nextset()
        full_text = {pk: (score, *said) for pk, score, *said in cursor.fetchall()}
        cursor.nextset()
        return full_text, dict(cursor.fetchall())


def from_memory(text: str, snapshot: Snapshot) -> Candidates:
    """Return services by shared words alone, while the database is too slow. Spec: S8.11."""
    words = set(words_of(text))
    scores = {
        entry.pk: len(words & entry.words) / len(words)
        for entry in snapshot.services.values()
        if words & entry.words
    }
    ordered = dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))
    return Candidates(ordered, "results" if ordered else "none", is_makeshift=True)


def fuse_words(found: Lexical) -> Candidates:
    """Join what words found: each scaled by its best, then 0.6 and 0.4. Spec: S8.8."""
    scores = _tipped(found, FULL_TEXT_WEIGHT, TRIGRAM_WEIGHT)
    if not scores:
        return Candidates({}, "none")
    if found.has_whole_match or found.best_trigram >= SURE_SIMILARITY:
        return Candidates(_ordered(scores), "results")
    match = "closest" if found.best_trigram >= CLOSE_SIMILARITY else "none"
    return Candidates(_ordered(scores), match)


def fuse(cosines: Mapping[int, float], found: Lexical) -> Candidates:
    """Join cosines, scaled from the least to the best, with what words found. Spec: S8.8, S8.9."""
    least, best = min(cosines.values()), max(cosines.values())
    width = (best - least) or 1
    tips = _tipped(found, TIP_WEIGHT, TIP_WEIGHT)
    scores = {pk: (cosine - least) / width + tips.get(pk, 0) for pk, cosine in cosines.items()}
    kept = dict(list(_ordered(scores).items())[:LIMIT])
    return Candidates(kept, _band(best, found), "hybrid", near_best=NEAR_BEST_COSINES)


def _band(best_cosine: float, found: Lexical) -> str:
    """Return how sure we are: vectors alone take gibberish and errands for lessons."""
    has_alike = found.best_trigram >= SURE_SIMILARITY and best_cosine >= ALIKE_COSINE
    if best_cosine >= settings.SEARCH_SURE_COSINE or has_alike:
        return "results"
    is_close = best_cosine >= settings.SEARCH_CLOSE_COSINE or found.has_named_match
    return "closest" if is_close else "none"


def _tipped(found: Lexical, full_text_weight: float, trigram_weight: float) -> dict[int, float]:
    best_text = max(found.full_text.values(), default=0) or 1
    best_trigram = found.best_trigram or 1
    return {
        pk: full_text_weight * found.full_text.get(pk, 0) / best_text
        + trigram_weight * found.trigram.get(pk, 0) / best_trigram
        for pk in {*found.full_text, *found.trigram}
    }


def _ordered(scores: Mapping[int, float]) -> dict[int, float]:
    return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))

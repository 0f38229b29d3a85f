"""Who will learn, told by an age: services for others step back (Spec: S8.1, S8.3, S8.8).

"Swimming for my 7 year old" says as much as "swimming for kids", and never means adults.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from search.parser.query import Constraints
from search.retrieval import Candidates
from search.snapshot import ServiceEntry

KIDS_CATEGORY = "kids"
OLDEST_KID, YOUNGEST_ADULT = 12, 18
# From here on the services that are made for children no longer fit, and those for adults do.
TOO_OLD_FOR_KIDS, OLD_ENOUGH_FOR_ADULTS = 15, 16
# A service for others is still found, behind those near the best.
STEP_BACK = 0.6
# One made for children wins over an equal one for everybody.
LIFT = 1.1
# Up to this age the services for the very young come before others for children.
OLDEST_TODDLER = 3
TODDLER_LIFT = 1.4

_FOR_ADULTS = re.compile(r"\b(?:adults|seniors)\b")
_FOR_TODDLERS = frozenset({"baby", "toddler", "infant", "mommy"})
_GROUP_YEARS = {"toddler": 2, "kid": 8, "teen": 14, "adult": 30, "senior": 70}


def years_of(constraints: Constraints) -> float | None:
    """Return the learner's age, or one of their age group; None when nobody said."""
    if "age" in constraints:
        return constraints["age"]
    return _GROUP_YEARS.get(constraints.get("age_group", ""))


def with_learner(sentence: str, constraints: Constraints) -> str:
    """Return the sentence with the learner of an age in the words that the catalogue uses."""
    years = constraints.get("age")
    if years is None or not sentence or years > OLDEST_KID:
        return sentence
    return f"{sentence} for {'babies and toddlers' if years < OLDEST_TODDLER else 'kids'}"


def group_names(words: str, constraints: Constraints) -> tuple[str, ...]:
    """Return the names of the group of services that a learner of this age means, best first.

    "Music" for somebody of two is "kids music" before it is all of music. Spec: S8.1, S8.8
    """
    years = years_of(constraints)
    return (f"kids {words}", words) if years is not None and years <= OLDEST_KID else (words,)


def suited(
    candidates: Candidates, constraints: Constraints, services: Mapping[int, ServiceEntry]
) -> Candidates:
    """Return the candidates with those for other learners behind."""
    years = years_of(constraints)
    if years is None or not candidates.scores:
        return candidates
    scores = {
        pk: score * _weight(services.get(pk), years) for pk, score in candidates.scores.items()
    }
    ordered = dict(sorted(scores.items(), key=lambda row: -row[1]))
    return candidates if ordered == candidates.scores else replace(candidates, scores=ordered)


def _weight(entry: ServiceEntry | None, years: float) -> float:
    if entry is None:
        return 1.0
    if entry.category_slug == KIDS_CATEGORY:
        if years >= TOO_OLD_FOR_KIDS:
            return STEP_BACK
        if years <= OLDEST_TODDLER and entry.words & _FOR_TODDLERS:
            return TODDLER_LIFT
        return LIFT if years <= OLDEST_KID else 1.0
    if years < OLD_ENOUGH_FOR_ADULTS and _FOR_ADULTS.search(entry.folded):
        return STEP_BACK
    return 1.0

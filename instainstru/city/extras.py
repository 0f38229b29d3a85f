"""Where instructors learned and what they answer, drawn so that it agrees with their offers."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from random import Random
from typing import Any

from catalog.models import Credential, Instructor, ProfileQuestion
from instainstru.city.blueprints import Blueprint
from instainstru.city.dice import dice
from instainstru.city.words import DATA_DIR, voice_of

VERIFIED_SHARE = 0.45
WITHOUT_SHARE = 0.12
MOST = 6
GROWN_UP = 18


@dataclass(frozen=True)
class _Extras:
    schools: Mapping[str, Mapping[str, Sequence[str]]]
    questions: Mapping[str, Any]


@lru_cache(maxsize=1)
def _extras() -> _Extras:
    with (DATA_DIR / "profiles.toml").open("rb") as file:
        data = tomllib.load(file)
    return _Extras({row["name"]: row for row in data["category"]}, data["questions"])


def credentials_of(instructor: Instructor, plan: Blueprint, today: date) -> Iterator[Credential]:
    """Yield up to three credentials, some of them verified; a few people list none."""
    chance = dice("credentials", instructor.slug)
    if chance.random() < WITHOUT_SHARE:
        return
    known = _extras().schools[plan.offers[0].service.category]
    drawn = [(Credential.Kind.EDUCATION, chance.choice(known["education"]))]
    extra = chance.sample(known["certificates"], chance.choice((0, 1, 1, 2)))
    drawn += [(Credential.Kind.CERTIFICATE, row) for row in extra]
    for position, (kind, row) in enumerate(drawn, start=1):
        title, issuer = row.split("|")
        is_verified = plan.dates.identity_on is not None and chance.random() < VERIFIED_SHARE
        yield Credential(
            instructor_id=instructor.pk,
            kind=kind,
            title=title,
            issuer=issuer,
            year=today.year - plan.years - chance.randrange(0, 4),
            verified_on=plan.dates.identity_on + timedelta(days=2)
            if is_verified and plan.dates.identity_on
            else None,
            position=position,
        )


def questions_of(instructor: Instructor, plan: Blueprint) -> Iterator[ProfileQuestion]:
    """Yield three to six answered questions."""
    chance = dice("questions", instructor.slug)
    pairs = list(_pairs(chance, plan))
    kept = sorted(chance.sample(range(len(pairs)), min(len(pairs), chance.randrange(3, MOST + 1))))
    for position, index in enumerate(kept, start=1):
        question, answer = pairs[index]
        yield ProfileQuestion(
            instructor_id=instructor.pk, position=position, question=question, answer=answer
        )


def _pairs(chance: Random, plan: Blueprint) -> Iterator[tuple[str, str]]:
    words, main = _extras().questions, plan.offers[0]
    modes = {mode for offer in plan.offers for mode in offer.modes}
    voice = voice_of(main.service.category, main.service.subcategory)
    yield words["first"], chance.choice(voice.first)
    yield (
        words["beginner_question"].format(name=main.service.name),
        chance.choice(words["beginner" if "beginner" in main.levels else "no_beginner"]),
    )
    if "online" in modes:
        yield words["online_question"], chance.choice(words["online"])
    if "at_student" in modes:
        yield words["travel_question"], chance.choice(words["travel"])
    if min(offer.ages[0] for offer in plan.offers) < GROWN_UP:
        yield words["parent_question"], chance.choice(words["parent"])
    yield words["often_question"], chance.choice(words["often"])
    yield words["practice_question"], chance.choice(words["practice"])
    yield words["late_question"], chance.choice(words["late"])

"""Names, headlines and bios, put together from parts that fit what the person teaches."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from instainstru.city.curriculum import Course
from instainstru.city.words import Background, Voice, people

HEADLINE_LENGTH = 80
BIO_LENGTH = (200, 2000)
_MODE_WORDS = {
    "at_student": "I come to you in {area}",
    "at_instructor": "my place is in {home}",
    "public": "we can meet at a court, park, pool or library nearby",
    "online": "online lessons work well too",
}


@dataclass(frozen=True)
class Person:
    """An invented person: names, and the languages they speak."""

    first_name: str
    last_name: str
    languages: tuple[str, ...]


def invent_person(chance: Random, course: Course = ()) -> Person:
    """Return a person whose background fits a taught language, if there is one."""
    known = people()
    taught = [known.taught[service.name] for service in course if service.name in known.taught]
    background = _background(chance, taught[0][1] if taught else "")
    spoken = ["English", *(language for language, _ in taught)]
    if background.languages and chance.random() < 0.7:
        spoken.append(chance.choice(background.languages))
    if chance.random() < 0.12:
        spoken.append(chance.choice(("Spanish", "French", "American Sign Language", "Italian")))
    return Person(
        first_name=chance.choice(background.first),
        last_name=chance.choice(background.last),
        languages=tuple(dict.fromkeys(spoken)),
    )


def _background(chance: Random, key: str) -> Background:
    known = people().backgrounds
    matching = [row for row in known if row.key == key]
    if matching and chance.random() < 0.9:
        return matching[0]
    return chance.choices(known, [row.weight for row in known])[0]


def headline_of(chance: Random, voice: Voice) -> str:
    """Return a line of at most 80 characters."""
    return f"{chance.choice(voice.past)}, {chance.choice(voice.traits)}"[:HEADLINE_LENGTH]


@dataclass(frozen=True)
class Story:
    """The facts that a bio must agree with."""

    years: int
    home: str
    borough: str
    area: str
    modes: Sequence[str]
    ages: tuple[int, int]
    languages: Sequence[str]


def bio_of(chance: Random, voice: Voice, course: Course, story: Story) -> str:
    """Return a bio of 200 to 2,000 characters in three short paragraphs."""
    names = _listed([service.name for service in course])
    opening = chance.choice(
        (
            f"I have been teaching {names} for {_years(story.years)}.",
            f"{names}: that is what I have taught in {story.borough} for {_years(story.years)}.",
            f"I live in {story.home} and have taught {names} for {_years(story.years)}.",
        )
    )
    students = f"I teach {_audience(story.ages)}."
    method = " ".join(chance.sample(voice.method, 2))
    goals = chance.sample(voice.goal, 2)
    aim = chance.choice(
        (
            f"People come to me for {goals[0]} or {goals[1]}, and most stay for more.",
            f"A typical goal is {goals[0]}; another is {goals[1]}.",
            f"Lately we have celebrated {goals[0]} and {goals[1]}.",
        )
    )
    return "\n\n".join(
        (
            f"{opening} {students} {method}",
            f"{chance.choice(voice.first)} {aim}",
            f"{_where(chance, story)} {_closing(chance, story)}",
        )
    )


def _years(years: int) -> str:
    return "a year" if years <= 1 else f"{years} years"


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:3])
    if len(shown) == 1:
        return shown[0]
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def _audience(ages: tuple[int, int]) -> str:
    youngest, oldest = ages
    if oldest <= 14:
        return f"children from {youngest} to {oldest}"
    if oldest <= 25:
        return f"young people from {youngest} to {oldest}"
    if youngest >= 40:
        return f"adults from {youngest} up"
    if youngest >= 16:
        return "adults and older teens" if youngest < 18 else "adults"
    return f"everyone from {youngest}-year-olds to grandparents"


def _where(chance: Random, story: Story) -> str:
    parts = [
        _MODE_WORDS[mode].format(area=story.area, home=story.home)
        for mode in ("at_student", "at_instructor", "public", "online")
        if mode in story.modes
    ]
    chosen = "; ".join(parts[:3])
    return f"{chosen[0].upper()}{chosen[1:]}."


def _closing(chance: Random, story: Story) -> str:
    foreign = [language for language in story.languages if language != "English"]
    if foreign and chance.random() < 0.8:
        return f"I teach in English and am happy to switch to {_listed(foreign)}."
    return chance.choice(
        (
            "Questions before the first lesson are welcome.",
            "Tell me what you would like to reach, and I will tell you honestly how long it takes.",
            "If a time does not suit you, look at next week: it changes often.",
            "I answer messages in the evening and plan every lesson ahead.",
        )
    )

"""One query while its rules read it: which characters are taken, and what was found there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from search.gazetteer import Gazetteer
from search.text import WORD, fold

TAKEN = "\x1f"  # stands for a consumed character; no rule can match across it


@dataclass(frozen=True, slots=True)
class Finding:
    """Something understood: what it is, its value and where it stands in the cleaned text."""

    key: str
    value: object
    start: int
    end: int


@dataclass(slots=True)
class Reading:
    """The state of one pass: every rule sees only what earlier rules left."""

    text: str
    folded: str = ""
    open: str = ""
    shielded: list[tuple[int, int]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    taken: list[tuple[int, int]] = field(default_factory=list)
    soft: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folded = self.open = fold(self.text)

    def matches(self, pattern: re.Pattern[str], *, shield: bool = True) -> Iterator[re.Match[str]]:
        """Yield matches in free text; with `shield`, none that lies inside a catalogue phrase."""
        position = 0
        while match := pattern.search(self.open, position):
            position = max(match.end(), match.start() + 1)
            if match.group() and not (shield and self.is_shielded(match.start(), match.end())):
                yield match

    def is_shielded(self, start: int, end: int) -> bool:
        """True if the span touches a catalogue phrase that is longer than the span itself."""
        return any(
            start < last and first < end and (first < start or end < last)
            for first, last in self.shielded
        )

    def take(self, start: int, end: int) -> None:
        """Consume a span: no later rule sees it and it leaves the residual."""
        self.open = self.open[:start] + TAKEN * (end - start) + self.open[end:]
        self.taken.append((start, end))

    def find(self, key: str, value: object, start: int, end: int) -> None:
        """Record something understood and consume its span."""
        self.findings.append(Finding(key, value, start, end))
        self.take(start, end)

    def find_softly(self, key: str, value: object, start: int, end: int) -> None:
        """Record something understood whose words also help retrieval, so they stay."""
        self.findings.append(Finding(key, value, start, end))
        self.soft.append((start, end))
        self.open = self.open[:start] + TAKEN * (end - start) + self.open[end:]

    def note(self, key: str, value: object) -> None:
        """Record something that has no words of its own."""
        self.findings.append(Finding(key, value, 0, 0))

    def values(self, key: str) -> list[object]:
        """Return all values found for a key, in order of discovery."""
        return [finding.value for finding in self.findings if finding.key == key]


def shield_phrases(
    reading: Reading, phrases: frozenset[str], longest: int, gazetteer: Gazetteer
) -> None:
    """Mark catalogue phrases of two words and more, so that no rule eats a part of them.

    A phrase that is a place itself ("jackson heights") is left to the places.
    """
    words = [(m.group().strip("'"), m.start(), m.end()) for m in WORD.finditer(reading.folded)]
    for first in range(len(words)):
        for last in range(min(first + longest, len(words)), first + 1, -1):
            said = [word for word, _, _ in words[first:last]]
            if " ".join(said) in phrases and gazetteer.find(said) is None:
                reading.shielded.append((words[first][1], words[last - 1][2]))
                break

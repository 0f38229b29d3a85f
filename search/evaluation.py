"""How good search is on queries with known answers (Spec: 04 section 6)."""

import json
import math
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from search.demand import demand_of
from search.filters import Filters
from search.parser import parse
from search.services import understand
from search.snapshot import Snapshot

SHOWN = 10


@dataclass(frozen=True)
class Answer:
    """What search made of one query, beside what was expected."""

    row: Mapping[str, Any]
    services: Sequence[str]
    constraints: Mapping[str, Any]
    match: str
    took_ms: float

    @property
    def is_first_right(self) -> bool:
        """Tell whether the best service is an acceptable one."""
        return bool(self.services) and self.services[0] in self.row["expected_services"]

    @property
    def is_in_five(self) -> bool:
        """Tell whether an acceptable service is among the first five."""
        return bool(set(self.services[:5]) & set(self.row["expected_services"]))

    @property
    def gain(self) -> float:
        """NDCG at ten: the first expected service counts 2, the others 1."""
        wanted = self.row["expected_services"]
        gains = {name: 2 if place == 0 else 1 for place, name in enumerate(wanted)}
        best = _discounted(sorted(gains.values(), reverse=True))
        return _discounted([gains.get(name, 0) for name in self.services[:SHOWN]]) / best

    @property
    def scored(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The constraints expected and found, without those that nobody scores."""
        skipped = set(self.row.get("dont_care", ()))
        expected, found = self.row.get("expected", {}), self.constraints
        return (
            {key: value for key, value in expected.items() if key not in skipped},
            {key: value for key, value in found.items() if key not in skipped},
        )


def _discounted(gains: Sequence[int]) -> float:
    return sum((2**gain - 1) / math.log2(place + 2) for place, gain in enumerate(gains[:SHOWN]))


@dataclass
class Scores:
    """Measures over a set of queries; shares are 0 to 1, times milliseconds."""

    queries: int
    first_right: float
    in_five: float
    gain: float
    precision: float
    recall: float
    f1: float
    all_right: float
    p50_ms: float
    p95_ms: float
    wrong: list[str] = field(default_factory=list, repr=False)


def answer_all(
    rows: Iterable[Mapping[str, Any]], *, now: datetime, snapshot: Snapshot
) -> list[Answer]:
    """Answer each query as a search would, without looking for instructors."""
    answers = []
    for row in rows:
        started = time.perf_counter()
        query = parse(
            row["q"], now=now, gazetteer=snapshot.gazetteer, vocabulary=snapshot.vocabulary
        )
        found = understand(query, demand_of(query, Filters()), snapshot)
        took_ms = (time.perf_counter() - started) * 1000
        answers.append(
            Answer(
                row, found.service_names, dict(query.constraints), found.candidates.match, took_ms
            )
        )
    return answers


def score(answers: Sequence[Answer]) -> Scores:
    """Return the measures of 04 section 6; raises ValueError without answers."""
    if not answers:
        raise ValueError("There are no queries to score.")
    right = wrong = missed = all_right = 0
    for answer in answers:
        expected, found = answer.scored
        hits = sum(found.get(key) == value for key, value in expected.items())
        right, wrong, missed = (
            right + hits,
            wrong + len(found) - hits,
            missed + len(expected) - hits,
        )
        all_right += expected == found
    times = sorted(answer.took_ms for answer in answers)
    return Scores(
        queries=len(answers),
        first_right=statistics.fmean(answer.is_first_right for answer in answers),
        in_five=statistics.fmean(answer.is_in_five for answer in answers),
        gain=statistics.fmean(answer.gain for answer in answers),
        precision=right / (right + wrong or 1),
        recall=right / (right + missed or 1),
        f1=2 * right / (2 * right + wrong + missed or 1),
        all_right=all_right / len(answers),
        p50_ms=statistics.median(times),
        p95_ms=times[min(len(times) - 1, int(0.95 * len(times)))],
        wrong=[answer.row["q"] for answer in answers if not answer.is_first_right],
    )


def score_by_tag(answers: Sequence[Answer]) -> dict[str, Scores]:
    """Return the measures of each tag, in the order of the alphabet."""
    groups: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        for tag in answer.row.get("tags", ()):
            groups[tag].append(answer)
    return {tag: score(groups[tag]) for tag in sorted(groups)}


def refused(answers: Sequence[Answer]) -> float:
    """Return the share of queries that search says it cannot answer."""
    return statistics.fmean(answer.match == "none" for answer in answers)


def read_queries(path: Path) -> list[dict[str, Any]]:
    """Read a file of one JSON object a line. Raises ValueError naming the line that is none."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            row["q"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}:{number} is no query: {error}") from error
        rows.append(row)
    return rows

"""The real catalogue and city as plain values, for tests without a database."""

import csv
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from search.gazetteer import Gazetteer, PlaceRow, build_gazetteer
from search.parser import ParsedQuery, parse
from search.vocabulary import Vocabulary, build_vocabulary

CATALOGUE = Path(__file__).parents[2] / "catalog" / "data"
QUERIES = Path(__file__).parent / "data"
NEW_YORK = ZoneInfo("America/New_York")
WEDNESDAY_IN_MARCH = datetime(2026, 3, 4, 10, tzinfo=NEW_YORK)
WEDNESDAY_IN_JANUARY = datetime(2026, 1, 14, 10, tzinfo=NEW_YORK)


def _rows(name: str) -> list[dict[str, str]]:
    with (CATALOGUE / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@cache
def gazetteer() -> Gazetteer:
    return build_gazetteer(
        PlaceRow(row["borough"], row["neighborhood"], row["aliases"].split("|"))
        for row in _rows("neighborhoods.csv")
    )


@cache
def vocabulary() -> Vocabulary:
    rows = _rows("services.csv")
    return build_vocabulary(
        [row["name"] for row in rows],
        [keyword for row in rows for keyword in row["keywords"].split("|")],
        [row["description"] for row in rows],
        [
            (row["service"], phrase)
            for row in _rows("colloquial.csv")
            for phrase in row["phrases"].split("|")
        ],
    )


def read(query: str, now: datetime = WEDNESDAY_IN_JANUARY, **options: Any) -> ParsedQuery:
    return parse(query, now=now, gazetteer=gazetteer(), vocabulary=vocabulary(), **options)


def constraints(query: str, now: datetime = WEDNESDAY_IN_JANUARY, **options: Any) -> dict[str, Any]:
    return dict(read(query, now, **options).constraints)

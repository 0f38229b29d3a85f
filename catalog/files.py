"""The catalogue files: one dataclass per row, every rule of a row, and the line that breaks one."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from catalog.text import fold_text, slug_of
from instainstru.errors import ValidationFailedError

DATA_DIR = Path(__file__).resolve().parent / "data"

# Brand order (Spec: 00 section 7) and the icon of each category.
CATEGORY_ICONS = {
    "Music": "music",
    "Tutoring": "graduation-cap",
    "Sports & Fitness": "dumbbell",
    "Language": "languages",
    "Arts": "palette",
    "Dance & Performance": "drama",
    "Kids": "baby",
    "Tech & Career": "laptop",
    "Hidden Gems": "gem",
}
BOROUGHS = ("Bronx", "Brooklyn", "Manhattan", "Queens", "Staten Island")

MAX_DESCRIPTION_WORDS = 12
KEYWORDS_RANGE = (3, 6)
MAX_NAME_LENGTH = 120
MAX_KEYWORD_LENGTH = 80
# A box around the five boroughs; a swapped or mistyped coordinate falls outside.
LATITUDES = (40.4, 41.0)
LONGITUDES = (-74.3, -73.6)
MAX_REPORTED_LINES = 20

Row = TypeVar("Row", bound="ServiceRow | NeighborhoodRow | AliasRow | ColloquialRow")


class CatalogFileError(ValidationFailedError):
    """A catalogue file has bad rows; nothing was imported (Spec: G13)."""


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """One service of ``services.csv``."""

    line: int
    category: str
    subcategory: str
    name: str
    slug: str
    description: str
    keywords: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NeighborhoodRow:
    """One neighborhood of ``neighborhoods.csv``; the point is a centroid in degrees."""

    line: int
    borough: str
    name: str
    slug: str
    latitude: float
    longitude: float
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AliasRow:
    """A rename: what the service was called before, and what it is called now."""

    line: int
    old_slug: str
    new_slug: str


@dataclass(frozen=True, slots=True)
class ColloquialRow:
    """What people also call a service, in whichever language, besides its name and keywords."""

    line: int
    slug: str
    phrases: tuple[str, ...]


def read_services(path: Path) -> list[ServiceRow]:
    """Return the services in file order; raise ``CatalogFileError`` naming every bad line."""
    header = ("category", "subcategory", "name", "description", "keywords")
    return _read(path, header, _service_row, _repeated("name", lambda row: row.slug))


def read_neighborhoods(path: Path) -> list[NeighborhoodRow]:
    """Return the neighborhoods; raise ``CatalogFileError`` naming every bad line."""
    header = ("borough", "neighborhood", "lat", "lng", "aliases")
    return _read(path, header, _neighborhood_row, _neighborhood_clashes)


def read_aliases(path: Path) -> list[AliasRow]:
    """Return the renames, oldest first; raise ``CatalogFileError`` naming every bad line."""
    if not path.exists():
        return []
    header = ("old_name", "new_name")
    return _read(path, header, _alias_row, _repeated("old name", lambda row: row.old_slug))


def read_colloquial(path: Path) -> list[ColloquialRow]:
    """Return what people call the services; raise ``CatalogFileError`` naming every bad line."""
    if not path.exists():
        return []
    header = ("service", "phrases")
    return _read(path, header, _colloquial_row, _repeated("service", lambda row: row.slug))


def _read(
    path: Path,
    header: Sequence[str],
    parse: Callable[[int, Mapping[str, str]], Row],
    check_together: Callable[[Sequence[Row]], Iterator[tuple[int, str]]],
) -> list[Row]:
    rows: list[Row] = []
    problems: list[tuple[int, str]] = []
    for line, cells in _cells(path, header):
        try:
            rows.append(parse(line, cells))
        except ValueError as error:
            problems.append((line, str(error)))
    problems.extend(check_together(rows))
    if problems:
        raise _file_error(path, sorted(problems))
    return rows


def _file_error(path: Path, problems: Sequence[tuple[int, str]]) -> CatalogFileError:
    shown = [f"line {line}: {problem}" for line, problem in problems[:MAX_REPORTED_LINES]]
    if len(problems) > MAX_REPORTED_LINES:
        shown.append(f"and {len(problems) - MAX_REPORTED_LINES} more")
    return CatalogFileError(
        f"{path.name}: " + "; ".join(shown) + ". Nothing was imported.",
        code="catalog_file",
        context={"lines": [line for line, _ in problems]},
    )


def _cells(path: Path, header: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = bytes(error.object[: error.start]).count(b"\n") + 1
        raise _file_error(path, [(line, "is not UTF-8")]) from error
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        if tuple(next(reader, ())) != tuple(header):
            raise _file_error(path, [(1, f"the header must be {','.join(header)}")])
        for cells in reader:
            if cells and len(cells) != len(header):
                raise _file_error(
                    path, [(reader.line_num, f"{len(cells)} cells instead of {len(header)}")]
                )
            if cells:
                yield (
                    reader.line_num,
                    dict(zip(header, (cell.strip() for cell in cells), strict=True)),
                )
    except csv.Error as error:
        raise _file_error(path, [(reader.line_num, str(error))]) from error


def _split(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split("|") if part.strip())


def _named(name: str, max_length: int = MAX_NAME_LENGTH) -> str:
    """Return the slug of a usable name, else raise ``ValueError``."""
    if not name or len(name) > max_length or not name.isprintable():
        raise ValueError(f"the name must have 1 to {max_length} printable characters")
    slug = slug_of(name)
    if not slug:
        raise ValueError(f"'{name}' has no letter or digit for a slug")
    return slug


def _service_row(line: int, cells: Mapping[str, str]) -> ServiceRow:
    slug, keywords = _named(cells["name"]), _split(cells["keywords"])
    if cells["category"] not in CATEGORY_ICONS:
        raise ValueError(f"'{cells['category']}' is not a category")
    if not cells["subcategory"]:
        raise ValueError("the subcategory is empty")
    if not 1 <= len(cells["description"].split()) <= MAX_DESCRIPTION_WORDS:
        raise ValueError(f"the description must have 1 to {MAX_DESCRIPTION_WORDS} words")
    if not KEYWORDS_RANGE[0] <= len(keywords) <= KEYWORDS_RANGE[1]:
        raise ValueError(f"{len(keywords)} keywords instead of 3 to 6")
    if any(len(keyword) > MAX_KEYWORD_LENGTH for keyword in keywords):
        raise ValueError(f"a keyword is longer than {MAX_KEYWORD_LENGTH} characters")
    return ServiceRow(
        line=line,
        category=cells["category"],
        subcategory=cells["subcategory"],
        name=cells["name"],
        slug=slug,
        description=cells["description"],
        keywords=keywords,
    )


def _neighborhood_row(line: int, cells: Mapping[str, str]) -> NeighborhoodRow:
    if cells["borough"] not in BOROUGHS:
        raise ValueError(f"'{cells['borough']}' is not a borough")
    return NeighborhoodRow(
        line=line,
        borough=cells["borough"],
        name=cells["neighborhood"],
        slug=_named(cells["neighborhood"], MAX_KEYWORD_LENGTH),
        latitude=_degrees(cells["lat"], LATITUDES),
        longitude=_degrees(cells["lng"], LONGITUDES),
        aliases=_split(cells["aliases"]),
    )


def _degrees(cell: str, limits: tuple[float, float]) -> float:
    degrees = float(cell)
    if not limits[0] <= degrees <= limits[1]:
        raise ValueError(f"{cell} is outside New York ({limits[0]} to {limits[1]})")
    return degrees


def _alias_row(line: int, cells: Mapping[str, str]) -> AliasRow:
    return AliasRow(line, old_slug=_named(cells["old_name"]), new_slug=_named(cells["new_name"]))


def _colloquial_row(line: int, cells: Mapping[str, str]) -> ColloquialRow:
    phrases = _split(cells["phrases"])
    if not phrases:
        raise ValueError("there is no phrase")
    if any(len(phrase) > MAX_KEYWORD_LENGTH for phrase in phrases):
        raise ValueError(f"a phrase is longer than {MAX_KEYWORD_LENGTH} characters")
    return ColloquialRow(line, _named(cells["service"]), phrases)


def _repeated(
    what: str, key: Callable[[Row], str]
) -> Callable[[Sequence[Row]], Iterator[tuple[int, str]]]:
    def check(rows: Sequence[Row]) -> Iterator[tuple[int, str]]:
        first_lines: dict[str, int] = {}
        for row in rows:
            first = first_lines.setdefault(key(row), row.line)
            if first != row.line:
                yield row.line, f"the {what} repeats line {first}"

    return check


def _neighborhood_clashes(rows: Sequence[NeighborhoodRow]) -> Iterator[tuple[int, str]]:
    repeated: Callable[[Sequence[NeighborhoodRow]], Iterator[tuple[int, str]]] = _repeated(
        "name", lambda row: row.slug
    )
    yield from repeated(rows)
    owners = {fold_text(row.name): row.name for row in rows}
    for row in rows:
        for alias in row.aliases:
            if owners.get(fold_text(alias), row.name) != row.name:
                yield row.line, f"the alias '{alias}' is the name of another neighborhood"

"""Pages of a list whose length is known already, and parts of one of any length."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.core import signing
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet

from instainstru.errors import ValidationFailedError

_SALT: Final = "cursor"
_START: Final = "1970-01-01T00:00:00+00:00"


class CountedPaginator(Paginator):  # type: ignore[type-arg]
    """A paginator that is told the number of rows, so that nobody counts them twice."""

    def __init__(self, rows: Any, per_page: int, *, count: int) -> None:
        super().__init__(rows, per_page)
        self.__dict__["count"] = count


@dataclass(frozen=True)
class Slice:
    """A part of a long list; ``next_cursor`` leads to the next one, empty at the end."""

    rows: list[Any]
    next_cursor: str


def slice_of(rows: QuerySet[Any], *, at: str, name: str, cursor: str, limit: int) -> Slice:
    """Return the rows after a cursor, the latest first, at most ``limit``.

    ``at`` is a field of instants, ``name`` a unique public name that breaks ties. Rows that come
    or go meanwhile never make another one appear twice. Raises ``ValidationFailedError``.
    """
    if cursor:
        instant, last = _read(cursor)
        rows = rows.filter(Q(**{f"{at}__lt": instant}) | Q(**{at: instant, f"{name}__lt": last}))
    found = list(rows.order_by(f"-{at}", f"-{name}")[: limit + 1])
    if len(found) <= limit:
        return Slice(found, "")
    edge = found[limit - 1]
    place = [getattr(edge, at).isoformat(), getattr(edge, name)]
    return Slice(found[:limit], signing.dumps(place, salt=_SALT))


def slice_by_name(rows: QuerySet[Any], *, name: str, cursor: str, limit: int) -> Slice:
    """Return the rows after a cursor in the order of a unique public name, at most ``limit``.

    Raises ``ValidationFailedError``.
    """
    if cursor:
        rows = rows.filter(**{f"{name}__gt": _read(cursor)[1]})
    found = list(rows.order_by(name)[: limit + 1])
    if len(found) <= limit:
        return Slice(found, "")
    place = [_START, getattr(found[limit - 1], name)]
    return Slice(found[:limit], signing.dumps(place, salt=_SALT))


def _read(cursor: str) -> tuple[datetime, str]:
    try:
        instant, name = signing.loads(cursor, salt=_SALT)
    except signing.BadSignature as error:
        text = "Use the cursor of an answer as it is."
        raise ValidationFailedError(text, fields={"cursor": text}) from error
    return datetime.fromisoformat(instant), name

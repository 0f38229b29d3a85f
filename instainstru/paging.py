"""Pages of a list whose length is known already."""

from typing import Any

from django.core.paginator import Paginator


class CountedPaginator(Paginator):  # type: ignore[type-arg]
    """A paginator that is told the number of rows, so that nobody counts them twice."""

    def __init__(self, rows: Any, per_page: int, *, count: int) -> None:
        super().__init__(rows, per_page)
        self.__dict__["count"] = count

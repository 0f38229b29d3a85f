"""What the gate costs: `python -m tests.bench.connect [CONNECTIONS]`. Spec: 01 section 7.

Opens connections to INT in turn with Django's own engine and with ours, in one run, so that the
machine's load touches both alike. Prints a table; the target is 3 ms median per connection and
nothing per query.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instainstru.settings")

CONNECTIONS = 200
QUERIES = 200


def milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def ask(wrapper: Any) -> None:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT 1")


def main() -> None:
    """Measure and print."""
    import django

    django.setup()
    from django.db import connections
    from django.db.backends.postgresql.base import DatabaseWrapper

    from instainstru.database.backend.base import DatabaseWrapper as Guarded

    class Plain(Guarded):
        """Ours without what it adds; Django's own would be refused."""

        get_new_connection = DatabaseWrapper.get_new_connection
        ensure_connection = DatabaseWrapper.ensure_connection
        create_cursor = DatabaseWrapper.create_cursor

    count = int(sys.argv[1]) if len(sys.argv) > 1 else CONNECTIONS
    settings = connections["default"].settings_dict
    kinds: dict[str, Callable[[], Any]] = {
        "plain": lambda: Plain(settings, alias="default"),
        "guarded": lambda: Guarded(settings, alias="default"),
    }
    connections["default"].ensure_connection()
    connecting: dict[str, list[float]] = {name: [] for name in kinds}
    asking: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(count):
        for name, make in kinds.items():
            wrapper = make()
            connecting[name].append(milliseconds(wrapper.connect))
            wrapper.close()
    for name, make in kinds.items():
        wrapper = make()
        for _ in range(QUERIES):
            asking[name].append(milliseconds(partial(ask, wrapper)))
        wrapper.close()
    for what, found in (("connection", connecting), ("query", asking)):
        plain, guarded = (statistics.median(found[name]) for name in ("plain", "guarded"))
        sys.stdout.write(
            f"{what:12}plain {plain:6.2f} ms   guarded {guarded:6.2f} ms"
            f"   overhead {guarded - plain:+.2f} ms   ratio {guarded / plain:.2f}\n"
        )


if __name__ == "__main__":
    main()

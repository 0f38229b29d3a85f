"""Many rows at once."""

from collections.abc import Iterable
from typing import TypeVar

from django.db import connection
from django.db.models import Model

Row = TypeVar("Row", bound=Model)


def insert_by_copy(model: type[Row], rows: Iterable[Row]) -> list[Row]:
    """Write rows by COPY, several times faster than ``bulk_create``, and return them with ids.

    For models whose columns are all plain: no generated and no JSON columns.
    """
    written = list(rows)
    options = model._meta  # noqa: SLF001 - Django's public name for it
    fields = options.concrete_fields
    columns = ", ".join(f'"{field.column}"' for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [options.db_table, len(written)],
        )
        for row, (pk,) in zip(written, cursor.fetchall(), strict=True):
            row.pk = pk
        with cursor.copy(f'COPY "{options.db_table}" ({columns}) FROM STDIN') as copy:
            for row in written:
                copy.write_row([getattr(row, field.attname) for field in fields])
    return written


def analyze(*models: type[Model]) -> None:
    """Tell the planner about rows that this transaction has written; it would expect none."""
    tables = ", ".join(f'"{model._meta.db_table}"' for model in models)  # noqa: SLF001
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {tables}")

"""Writing by COPY gives the rows that saving gives."""

import pytest

from accounts.models import Learner, User
from catalog.models import OfferingPrice
from instainstru import clock
from instainstru.database.bulk import copy_rows, insert_by_copy, reserve_ids
from tests.factories import accounts, catalog

pytestmark = pytest.mark.django_db


def test_instances_get_ids_and_every_column() -> None:
    person = accounts.student()
    rows = [
        Learner(manager=person, name=name, birth_year=year)
        for name, year in (("A\tb\\", 2019), ("Ö", None))
    ]
    written = insert_by_copy(Learner, rows)
    names = [field.attname for field in Learner._meta.concrete_fields]
    for row in written:
        assert Learner.objects.filter(pk=row.pk).values(*names).get() == {
            name: getattr(row, name) for name in names
        }


def test_generated_columns_are_left_to_the_database() -> None:
    offering = catalog.OfferingFactory(prices={30: 60_00})
    insert_by_copy(
        OfferingPrice, [OfferingPrice(offering=offering, duration_minutes=45, price_cents=75_00)]
    )
    assert OfferingPrice.objects.get(offering=offering, duration_minutes=45).hourly_cents == 100_00


def test_plain_rows_get_constants_defaults_and_ids() -> None:
    person = accounts.student()
    copy_rows(
        Learner,
        ("public_id", "name", "manager_id", "created_at"),
        ((f"L{name}", name, person.pk, clock.now()) for name in ("Ada", "Bo")),
        birth_year=2019,
    )
    rows = Learner.objects.filter(is_self=False).order_by("pk")
    assert [(row.public_id, row.name, row.birth_year, row.level_notes) for row in rows] == [
        ("LAda", "Ada", 2019, ""),
        ("LBo", "Bo", 2019, ""),
    ]


def test_a_default_that_differs_by_row_must_be_given() -> None:
    person = accounts.student()
    with pytest.raises(ValueError, match="public_id"):
        copy_rows(Learner, ("manager_id", "name"), [(person.pk, "Ada")])


def test_reserved_ids_are_nobody_elses() -> None:
    ids = reserve_ids(User, 3)
    assert len(set(ids)) == 3
    assert accounts.student().pk not in ids

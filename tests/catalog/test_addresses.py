"""Saved addresses: only in the city, in the nearest neighborhood or the chosen one."""

import csv
from pathlib import Path

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User
from catalog.models import Address, Neighborhood
from catalog.zip_codes import Point, is_in_city, point_of
from tests.factories.accounts import student
from tests.factories.catalog import NeighborhoodFactory
from tests.factories.lessons import HoldFactory

pytestmark = pytest.mark.django_db

PAGE = "/account/addresses/"
HOME = {"label": "Home", "street": "123 5th Ave", "unit": "4B", "zip_code": "11215"}
BOROUGHS = {
    "100": "Manhattan", "101": "Manhattan", "102": "Manhattan", "103": "Staten Island",
    "104": "Bronx", "112": "Brooklyn", "110": "Queens", "111": "Queens", "113": "Queens",
    "114": "Queens", "116": "Queens",
}  # fmt: skip


@pytest.fixture
def maya() -> User:
    return student(email="maya@example.com")


@pytest.fixture
def mine(maya) -> Client:
    client = Client()
    client.force_login(maya)
    return client


@pytest.fixture(autouse=True)
def places() -> None:
    NeighborhoodFactory()
    NeighborhoodFactory(name="Gowanus", latitude=40.6740, longitude=-73.9890)
    NeighborhoodFactory(
        name="Riverdale", borough="Bronx", latitude=40.9005, longitude=-73.9063
    )  # fmt: skip


# --- ZIP codes ------------------------------------------------------------------------------------
def test_every_code_of_the_file_lies_where_its_borough_is() -> None:
    rows = csv.DictReader(
        (Path(settings.BASE_DIR) / "catalog/data/neighborhoods.csv").open(encoding="utf-8")
    )
    named = [(row["borough"], Point(float(row["lat"]), float(row["lng"]))) for row in rows]
    codes = (Path(settings.BASE_DIR) / "catalog/data/zip_codes.csv").read_text().split()[1:]
    wrong = []
    for code in (line[:5] for line in codes):
        point = point_of(code)
        assert point is not None
        nearest = min(
            named,
            key=lambda row: (
                (row[1].latitude - point.latitude) ** 2
                + (0.76 * (row[1].longitude - point.longitude)) ** 2
            ),
        )
        if nearest[0] != BOROUGHS[code[:3]]:
            wrong.append(code)
    assert len(codes) > 200
    assert len(wrong) <= 6, wrong  # where a code lies on the border


@pytest.mark.parametrize("code", ["10001", "10118", "10314", "10475", "11201", "11004", "11697"])
def test_codes_of_the_five_boroughs_are_in_the_city(code: str) -> None:
    assert is_in_city(code)


@pytest.mark.parametrize(
    "code", ["07030", "10701", "10550", "11003", "11040", "11501", "11096", "90210", "00000"]
)
def test_codes_around_the_city_are_not(code: str) -> None:
    assert not is_in_city(code)


# --- Adding ---------------------------------------------------------------------------------------
def test_the_nearest_neighborhood_is_taken(maya, mine) -> None:
    """Spec: 02 section 5."""
    done = mine.post(PAGE, HOME, follow=True)
    address = Address.objects.get()
    assert (address.user, address.neighborhood.name) == (maya, "Park Slope")
    assert address.line == "123 5th Ave, 4B, 11215"
    page = done.content.decode()
    assert "Home is saved, in Park Slope." in page
    assert "123 5th Ave, 4B, 11215" in page


def test_a_choice_goes_before_the_nearest(mine) -> None:
    """Spec: 02 section 5."""
    mine.post(PAGE, {**HOME, "neighborhood": "gowanus", "zip_code": "11215-1234"})
    address = Address.objects.get()
    assert (address.neighborhood.name, address.zip_code) == ("Gowanus", "11215")


def test_a_code_without_a_place_asks_for_the_choice(mine) -> None:
    """Spec: G2."""
    answer = mine.post(PAGE, {**HOME, "zip_code": "10199"[:3] + "98"})
    assert answer.status_code == 422
    assert "Choose your neighborhood." in answer.content.decode()
    data = {**HOME, "zip_code": "10198", "neighborhood": "park-slope"}
    assert mine.post(PAGE, data).status_code == 303


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("label", "", "Give the address a name."),
        ("label", "x" * 41, "at most 40 characters"),
        ("street", "", "Write the street address."),
        ("street", "x" * 121, "at most 120 characters"),
        ("street", "5th\x00Ave", "can&#x27;t be shown"),
        ("unit", "x" * 21, "at most 20 characters"),
        ("zip_code", "", "Write the ZIP code."),
        ("zip_code", "1121", "Write a five-digit ZIP code."),
        ("zip_code", "abcde", "Write a five-digit ZIP code."),
        ("zip_code", "١١٢١٥", "Write a five-digit ZIP code."),
        ("zip_code", "07030", "We only serve the five boroughs."),
        ("zip_code", "90210-1234", "We only serve the five boroughs."),
        ("neighborhood", "atlantis", "Choose a neighborhood from the list."),
        ("neighborhood", "\x00", "Choose a neighborhood from the list."),
        ("neighborhood", "riverdale", "Riverdale is far from 11215. Check both."),
    ],
)
def test_bad_input_answers_422_and_keeps_the_rest(mine, field, value, message) -> None:
    """Spec: 02 section 5, G2."""
    answer = mine.post(PAGE, {**HOME, field: value})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert message in page
    assert "There is a problem" in page
    assert 'aria-invalid="true"' in page
    if field != "unit":
        assert 'value="4B"' in page
    assert not Address.objects.exists()


def test_a_label_is_used_once(mine) -> None:
    mine.post(PAGE, HOME)
    answer = mine.post(PAGE, {**HOME, "label": "HOME"})
    assert answer.status_code == 422
    assert "You already have an address called HOME." in answer.content.decode()


def test_nobody_saves_more_than_ten(maya, mine) -> None:
    """Spec: G3."""
    for number in range(10):
        assert mine.post(PAGE, {**HOME, "label": f"Place {number}"}).status_code == 303
    assert "Add an address" not in mine.get(PAGE).content.decode()
    answer = mine.post(PAGE, HOME)
    assert answer.status_code == 409
    assert "You have 10 addresses" in answer.content.decode()
    assert 'value="Home"' in answer.content.decode()


def test_the_list_asks_the_database_as_often_for_three_as_for_one(
    maya, mine, django_assert_num_queries
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    mine.post(PAGE, HOME)
    with CaptureQueriesContext(connection) as one:
        mine.get(PAGE)
    for number in range(2):
        mine.post(PAGE, {**HOME, "label": f"Place {number}"})
    mine.get(PAGE)
    with CaptureQueriesContext(connection) as three:
        mine.get(PAGE)
    assert len(three) == len(one)


# --- Changing and removing ------------------------------------------------------------------------
def test_an_address_is_changed_and_removed(mine) -> None:
    mine.post(PAGE, HOME)
    address = Address.objects.get()
    page = f"{PAGE}{address.public_id}/"
    assert 'value="123 5th Ave"' in mine.get(page).content.decode()
    assert mine.post(page, {**HOME, "unit": ""})["Location"] == PAGE
    address.refresh_from_db()
    assert address.unit == ""
    assert mine.post(page, {**HOME, "zip_code": "07030"}).status_code == 422
    assert "Remove Home?" in mine.get(f"{page}remove/").content.decode()
    assert Address.objects.exists()
    assert mine.post(f"{page}remove/")["Location"] == PAGE
    assert not Address.objects.exists()


@pytest.mark.parametrize("ending", ["", "remove/"])
def test_addresses_of_others_are_hidden(mine, ending: str) -> None:
    """Spec: G5, S17.3."""
    other = Client()
    other.force_login(student())
    other.post(PAGE, HOME)
    address = Address.objects.get()
    for name in (address.public_id, "UNKNOWN"):
        assert mine.get(f"{PAGE}{name}/{ending}").status_code == 404
        assert mine.post(f"{PAGE}{name}/{ending}", {**HOME, "label": "Mine"}).status_code == 404
    assert "123 5th Ave" not in mine.get(PAGE).content.decode()
    assert Address.objects.get().label == "Home"


def test_mass_assignment_changes_no_owner(maya, mine) -> None:
    """Spec: S17.3."""
    mine.post(PAGE, {**HOME, "user": str(student().pk), "public_id": "AAAAAAAAAA"})
    address = Address.objects.get()
    assert address.user == maya
    assert address.public_id != "AAAAAAAAAA"


def test_markup_stays_text(mine) -> None:
    """Spec: S17.3."""
    mine.post(PAGE, {**HOME, "label": "<b>Home</b>", "street": "{% now %}<script>"})
    page = mine.get(PAGE).content.decode()
    assert "&lt;b&gt;Home&lt;/b&gt;" in page
    assert "{% now %}&lt;script&gt;" in page


@pytest.mark.parametrize("wrong", [{"zip_code": "1121"}, {"zip_code": "abcde"}, {"label": "home"}])
def test_the_database_refuses_impossible_rows(maya, mine, wrong: dict[str, str]) -> None:
    mine.post(PAGE, HOME)
    fields = {**HOME, "label": "Other", **wrong}
    with pytest.raises(IntegrityError), transaction.atomic():
        Address.objects.create(user=maya, neighborhood=Neighborhood.objects.first(), **fields)


def test_checkout_begins_with_the_saved_address(maya, mine) -> None:
    """Spec: S13.1."""
    mine.post(PAGE, HOME)
    hold = HoldFactory(student=maya, address="", neighborhood=None)
    page = mine.get(f"/book/{hold.hold_id}/").content.decode()
    assert "123 5th Ave, 4B, 11215" in page

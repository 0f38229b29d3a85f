"""A renamed profile keeps every address it ever had (Spec: G10, S10.3)."""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from bookings.lessons.models import Booking
from catalog.models import Instructor
from catalog.services import rename_instructor
from instainstru.errors import ConflictError, ValidationFailedError
from tests.bookings.lessons.stage import hold_form
from tests.factories.catalog import InstructorFactory, OfferingFactory

pytestmark = [pytest.mark.S10, pytest.mark.django_db]


@pytest.fixture
def maya() -> Instructor:
    return OfferingFactory(instructor=InstructorFactory(slug="maya-c")).instructor


def rename(instructor: Instructor, slug: str) -> Instructor:
    return rename_instructor(instructor_id=instructor.pk, slug=slug)


def test_every_former_address_leads_to_the_present_one(client: Client, maya: Instructor) -> None:
    rename(maya, "maya-cohen")
    rename(maya, "maya-cohen-piano")
    for old in ("maya-c", "maya-cohen"):
        for path in ("", "book/"):
            answer = client.get(f"/i/{old}/{path}", {"duration": "60"})
            expected = f"/i/maya-cohen-piano/{path}?duration=60"
            assert (answer.status_code, answer["Location"]) == (301, expected)
    assert client.get("/i/maya-cohen-piano/").status_code == 200


def test_form_of_a_page_opened_before_the_rename_still_holds(
    client: Client, maya: Instructor
) -> None:
    rename(maya, "maya-cohen")
    answer = client.post("/i/maya-c/book/", hold_form(maya.offerings.get()))
    assert answer["Location"] == f"/book/{Booking.objects.get().hold_id}/"


def test_own_former_address_may_be_taken_back(client: Client, maya: Instructor) -> None:
    rename(maya, "maya-cohen")
    rename(maya, "maya-c")
    assert client.get("/i/maya-c/").status_code == 200
    assert client.get("/i/maya-cohen/")["Location"] == "/i/maya-c/"


def test_address_that_is_or_was_somebody_elses_is_409(client: Client, maya: Instructor) -> None:
    other = InstructorFactory(slug="leo-b")
    rename(other, "leo-brown")
    for slug in ("leo-b", "leo-brown"):
        with pytest.raises(ConflictError):
            rename(maya, slug)
    assert client.get("/i/leo-b/")["Location"] == "/i/leo-brown/"
    assert client.get("/i/maya-c/").status_code == 200


def test_new_instructor_never_gets_a_former_address(maya: Instructor) -> None:
    """Held by the database, whoever writes."""
    rename(maya, "maya-cohen")
    with pytest.raises(IntegrityError, match="leads to another instructor"), transaction.atomic():
        InstructorFactory(slug="maya-c")


@pytest.mark.parametrize("slug", ["", "Maya", "maya c", "maya/c", "máya", "-", "x" * 121, "a\x00b"])
def test_slug_is_lower_case_ascii(maya: Instructor, slug: str) -> None:
    with pytest.raises(ValidationFailedError):
        rename(maya, slug)

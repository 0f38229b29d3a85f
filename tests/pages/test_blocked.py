"""Two people who want nothing to do with each other (Spec: S5.8)."""

import pytest
from django.test import Client

from accounts.blocking import block_person
from accounts.models import Block, User
from accounts.owners import Owner
from accounts.roles import Role
from accounts.services import grant_role
from bookings.lessons.errors import SlotTakenError
from bookings.lessons.services import hold_slot
from catalog.models import Offering
from search.snapshot import forget_snapshot
from tests.bookings.lessons.stage import wanted
from tests.factories.accounts import student
from tests.factories.catalog import InstructorFactory, OfferingFactory
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.django_db, pytest.mark.S5]


@pytest.fixture
def offering() -> Offering:
    row: Offering = OfferingFactory(instructor=InstructorFactory(slug="maya-c"))
    return row


@pytest.fixture
def sam() -> User:
    return student(first_name="Sam")


@pytest.fixture
def browser(sam: User) -> Client:
    client = Client()
    client.force_login(sam)
    return client


def test_a_student_blocks_and_unblocks_an_instructor(
    browser: Client, sam: User, offering: Offering
) -> None:
    assert b"Neither of you can book" in browser.get("/i/maya-c/report/").content
    for _ in range(2):
        assert browser.post("/i/maya-c/block/")["Location"] == "/account/access/"
    assert Block.objects.get().person == offering.instructor.user
    assert offering.instructor.display_name in browser.get("/account/access/").content.decode()
    assert b"You have blocked" in browser.get("/i/maya-c/report/").content
    row = Block.objects.get()
    stranger = Client()
    stranger.force_login(student())
    assert stranger.post(f"/account/access/blocked/{row.pk}/").status_code == 404
    browser.post(f"/account/access/blocked/{row.pk}/")
    assert not Block.objects.exists()


def test_an_instructor_blocks_a_student_they_teach(sam: User, offering: Offering) -> None:
    teacher, client = offering.instructor.user, Client()
    grant_role(teacher, Role.INSTRUCTOR)
    client.force_login(teacher)
    lesson, other = BookingFactory(student=sam, offering=offering), BookingFactory()
    assert client.post(f"/teach/lessons/{other.code}/block/").status_code == 404
    client.post(f"/teach/lessons/{lesson.code}/block/")
    assert Block.objects.get().person == sam
    text = client.get("/account/access/").content.decode()
    assert sam.short_name in text
    assert sam.email not in text


@pytest.mark.parametrize("is_by_student", [True, False])
def test_nothing_new_is_booked_either_way_and_what_is_booked_stands(
    sam: User, offering: Offering, is_by_student: bool
) -> None:
    booked = BookingFactory(student=sam, offering=offering)
    one, other = sam, offering.instructor.user
    if not is_by_student:
        one, other = other, one
    hold_slot(by=Owner(user_id=sam.pk), wanted=wanted(offering, tomorrow_at(14)))
    block_person(by=one, person=other)
    with pytest.raises(SlotTakenError) as refused:
        hold_slot(by=Owner(user_id=sam.pk), wanted=wanted(offering, tomorrow_at(12)))
    # Nothing else is in the way, and nobody is told who blocked whom.
    assert (refused.value.reasons, refused.value.nearest) == (["Not available."], [])
    booked.refresh_from_db()
    assert booked.status == "confirmed"


def test_nobody_blocks_themselves(offering: Offering) -> None:
    grant_role(offering.instructor.user, Role.INSTRUCTOR)
    client = Client()
    client.force_login(offering.instructor.user)
    assert client.post("/i/maya-c/block/").status_code == 409


def test_the_way_in_is_a_form_of_somebody_signed_in(browser: Client, offering: Offering) -> None:
    assert browser.get("/i/maya-c/block/").status_code == 405
    assert browser.post("/i/nobody/block/").status_code == 404
    guest = Client().post("/i/maya-c/block/")
    assert guest["Location"] == "/accounts/login/?next=%2Fi%2Fmaya-c%2Freport%2F"


@pytest.mark.parametrize("is_by_student", [True, False])
def test_search_shows_neither_to_the_other(
    browser: Client, sam: User, offering: Offering, is_by_student: bool
) -> None:
    """S8.7: only who can truly be booked."""
    address = f"/search/?q={offering.service.name}"
    forget_snapshot()
    assert "/i/maya-c/" in browser.get(address).content.decode()
    people = (sam, offering.instructor.user)
    one, other = people if is_by_student else reversed(people)
    block_person(by=one, person=other)
    assert "/i/maya-c/" not in browser.get(address).content.decode()
    assert "/i/maya-c/" in Client().get(address).content.decode()
    forget_snapshot()

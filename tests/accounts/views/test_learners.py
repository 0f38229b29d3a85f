"""Adding, changing and removing learners."""

import threading

import pytest
import time_machine
from django.db import close_old_connections
from django.test import Client

from accounts import learners
from accounts.grants import give_grant
from accounts.models import Learner, User
from bookings.lessons.models import Booking
from instainstru.errors import ConflictError
from tests.factories.accounts import LearnerFactory, student
from tests.factories.lessons import BookingFactory, HoldFactory

pytestmark = pytest.mark.django_db

PAGE = "/account/learners/"
LEO = {"name": "Leo", "birth_year": "2016", "level_notes": "Knows two songs."}


@pytest.fixture
def maya() -> User:
    return student(email="maya@example.com")


@pytest.fixture
def mine(maya) -> Client:
    client = Client()
    client.force_login(maya)
    return client


def test_a_learner_is_added_and_shown(maya, mine) -> None:
    """Spec: 02 section 5."""
    assert mine.post(PAGE, LEO)["Location"] == PAGE
    leo = Learner.objects.get(name="Leo")
    assert (leo.manager, leo.birth_year, leo.level_notes, leo.is_self) == (
        maya, 2016, "Knows two songs.", False,
    )  # fmt: skip
    page = mine.get(PAGE).content.decode()
    assert "Maya (you)" in page
    assert "Born 2016" in page
    assert f'href="{PAGE}{leo.public_id}/"' in page
    assert f'href="{PAGE}{leo.public_id}/share/"' in page


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "", "Enter a name."),
        ("name", "  ", "Enter a name."),
        ("name", "x" * 61, "at most 60 characters"),
        ("name", "L\x00", "can&#x27;t be shown"),
        ("birth_year", "", "Enter the birth year."),
        ("birth_year", "1899", "Enter a year from 1900 to 2026."),
        ("birth_year", "2027", "Enter a year from 1900 to 2026."),
        ("birth_year", "-1", "Enter a year from 1900 to 2026."),
        ("birth_year", "2016.5", "Enter a year from 1900 to 2026."),
        ("birth_year", "9" * 30, "Enter a year from 1900 to 2026."),
        ("birth_year", "NaN", "Enter a year from 1900 to 2026."),
        ("level_notes", "x" * 501, "at most 500 characters"),
        ("level_notes", "a\x00b", "can&#x27;t be shown"),
    ],
)
def test_bad_input_answers_422_and_keeps_the_rest(mine, field, value, message) -> None:
    """Spec: G2, 02 section 5."""
    with time_machine.travel("2026-03-02T15:00:00Z", tick=False):
        answer = mine.post(PAGE, {**LEO, field: value})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert message in page
    assert 'aria-invalid="true"' in page
    if field != "level_notes":
        assert "Knows two songs." in page
    assert not Learner.objects.filter(is_self=False).exists()


@pytest.mark.parametrize("year", ["1900", "2026"])
def test_the_first_and_the_last_year_are_fine(maya, year: str) -> None:
    """Spec: 02 section 5. The year is New York's: it is still 2026 there."""
    with time_machine.travel("2027-01-01T04:59:00Z", tick=False):
        mine = Client()
        mine.force_login(maya)
        mine.post(PAGE, {**LEO, "birth_year": year})
    assert Learner.objects.filter(birth_year=year).exists()


def test_markup_stays_text(mine) -> None:
    """Spec: S17.3."""
    mine.post(PAGE, {**LEO, "name": "<b>Leo</b>", "level_notes": "{{ 7*7 }}<script>"})
    page = mine.get(PAGE).content.decode()
    assert "&lt;b&gt;Leo&lt;/b&gt;" in page
    assert "{{ 7*7 }}&lt;script&gt;" in page


def test_nobody_has_more_than_ten(maya, mine) -> None:
    """Spec: 02 section 5, G3."""
    LearnerFactory.create_batch(9, manager=maya)
    page = mine.get(PAGE).content.decode()
    assert "Add a learner" not in page
    answer = mine.post(PAGE, LEO)
    assert answer.status_code == 409
    assert "You have 10 learners" in answer.content.decode()
    assert 'value="Leo"' in answer.content.decode()
    assert Learner.objects.filter(manager=maya).count() == 10
    gone = Learner.objects.filter(manager=maya, is_self=False).first()
    mine.post(f"{PAGE}{gone.public_id}/remove/")
    assert mine.post(PAGE, LEO).status_code == 303


@pytest.mark.django_db(transaction=True)
def test_parallel_tries_add_no_eleventh() -> None:
    maya = student()
    LearnerFactory.create_batch(8, manager=maya)
    barrier = threading.Barrier(4)
    refused: list[str] = []

    def add(number: int) -> None:
        try:
            barrier.wait()
            learners.add_learner(by=maya, name=f"L{number}", birth_year=2016, level_notes="")
        except ConflictError as error:
            refused.append(error.error_code)
        finally:
            close_old_connections()

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["too_many_learners"] * 3
    assert Learner.objects.filter(manager=maya).count() == 10


# --- Changing -------------------------------------------------------------------------------------
def test_a_learner_is_changed(maya, mine) -> None:
    leo = LearnerFactory(manager=maya)
    page = mine.get(f"{PAGE}{leo.public_id}/").content.decode()
    assert f'value="{leo.name}"' in page
    assert mine.post(f"{PAGE}{leo.public_id}/", LEO)["Location"] == PAGE
    leo.refresh_from_db()
    assert (leo.name, leo.birth_year, leo.level_notes) == ("Leo", 2016, "Knows two songs.")
    assert mine.post(f"{PAGE}{leo.public_id}/", {**LEO, "name": ""}).status_code == 422


def test_people_need_not_say_how_old_they_are_themselves(maya, mine) -> None:
    own = Learner.objects.get(manager=maya)
    address = f"{PAGE}{own.public_id}/"
    assert mine.post(address, {"name": "Maya", "birth_year": ""}).status_code == 303
    assert mine.post(f"{address}remove/").status_code == 404
    assert mine.get(f"{address}remove/")["Location"] == PAGE


def test_mass_assignment_changes_no_owner(maya, mine) -> None:
    """Spec: S17.3."""
    leo, other = LearnerFactory(manager=maya), student()
    extra = {"manager": str(other.pk), "is_self": "on", "public_id": "AAAAAAAAAA"}
    mine.post(f"{PAGE}{leo.public_id}/", {**LEO, **extra})
    leo.refresh_from_db()
    assert (leo.manager, leo.is_self) == (maya, False)


@pytest.mark.parametrize("ending", ["", "remove/"])
def test_learners_of_others_are_hidden(mine, ending: str) -> None:
    """Spec: G5, S17.3."""
    theirs = LearnerFactory(manager=student())
    for address in (f"{PAGE}{theirs.public_id}/{ending}", f"{PAGE}UNKNOWN/{ending}"):
        assert mine.get(address).status_code == 404
        assert mine.post(address, LEO).status_code == 404
    theirs.refresh_from_db()
    assert theirs.name != "Leo"
    assert theirs.name not in mine.get(PAGE).content.decode()


def test_a_second_adult_changes_but_does_not_remove(maya, mine) -> None:
    """Spec: S5.5."""
    owner = student(first_name="Sam")
    leo = LearnerFactory(manager=owner, name="Leo")
    give_grant(by=owner, to=maya, on=leo, owner=owner)
    page = mine.get(PAGE).content.decode()
    assert "shared by Sam C." in page
    assert f"{leo.public_id}/remove/" not in page
    assert mine.post(f"{PAGE}{leo.public_id}/", LEO).status_code == 303
    assert mine.post(f"{PAGE}{leo.public_id}/remove/").status_code == 404
    assert Learner.objects.filter(pk=leo.pk, birth_year=2016).exists()
    LearnerFactory.create_batch(9, manager=maya)
    assert mine.post(PAGE, LEO).status_code == 409, "shared ones do not count, own ones do"


# --- Removing -------------------------------------------------------------------------------------
def test_removing_asks_first_and_deletes_whoever_had_no_lesson(maya, mine) -> None:
    leo = LearnerFactory(manager=maya, name="Leo")
    give_grant(by=maya, to=student(), on=leo, owner=maya)
    address = f"{PAGE}{leo.public_id}/remove/"
    assert "Remove Leo?" in mine.get(address).content.decode()
    assert Learner.objects.filter(pk=leo.pk).exists()
    assert mine.post(address)["Location"] == PAGE
    assert not Learner.objects.filter(pk=leo.pk).exists()
    assert mine.post(address).status_code == 404


def test_past_lessons_keep_the_name(maya, mine) -> None:
    leo = LearnerFactory(manager=maya, name="Leo", level_notes="x")
    other = student()
    give_grant(by=maya, to=other, on=leo, owner=maya)
    booking = BookingFactory(student=maya, learner=leo, status=Booking.Status.COMPLETED)
    mine.post(f"{PAGE}{leo.public_id}/remove/")
    booking.refresh_from_db()
    assert booking.learner.name == "Leo"
    assert booking.learner.level_notes == ""
    assert "Leo" not in mine.get(PAGE).content.decode().replace("Leo is off your list", "")
    assert mine.get(f"{PAGE}{leo.public_id}/").status_code == 404
    assert not Learner.objects.managed_by(other).filter(pk=leo.pk).exists()


@pytest.mark.parametrize("status", ["held", "confirmed", "reported"])
def test_lessons_to_come_keep_a_learner(maya, mine, status: str) -> None:
    """Spec: G3."""
    leo = LearnerFactory(manager=maya, name="Leo")
    if status == "held":
        HoldFactory(student=maya, learner=leo)
    else:
        BookingFactory(student=maya, learner=leo, status=status)
    answer = mine.post(f"{PAGE}{leo.public_id}/remove/")
    assert answer.status_code == 409
    assert "Leo still has lessons" in answer.content.decode()
    assert 'href="/lessons/"' in answer.content.decode()
    assert Learner.objects.get(pk=leo.pk).archived_at is None


def test_a_removed_learner_is_no_choice_at_checkout(maya) -> None:
    leo = LearnerFactory(manager=maya)
    BookingFactory(student=maya, learner=leo, status=Booking.Status.COMPLETED)
    learners.remove_learner(by=maya, learner_id=leo.public_id)
    assert leo not in Learner.objects.managed_by(maya)

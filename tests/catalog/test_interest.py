"""Keeping instructors, waiting for mail, forgetting addresses: the use-cases."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from catalog import interest
from catalog.models import (
    Favorite,
    LearningPreferences,
    ProfileReport,
    ServiceAlert,
    ServiceSuggestion,
    TeachingInterest,
    WaitlistEntry,
)
from instainstru import clock
from tests.factories.accounts import UserFactory, student
from tests.factories.catalog import (
    CategoryFactory,
    InstructorFactory,
    NeighborhoodFactory,
    OfferingFactory,
    ServiceFactory,
)

pytestmark = [pytest.mark.django_db]


@pytest.mark.S9
def test_toggling_keeps_and_lets_go() -> None:
    """S9.5."""
    user, person = student(), InstructorFactory()
    assert interest.toggle_favorite(by=user, instructor=person)
    assert [row.instructor for row in Favorite.objects.of_user(user)] == [person]
    assert not interest.toggle_favorite(by=user, instructor=person)
    assert not Favorite.objects.exists()


@pytest.mark.S9
def test_nobody_keeps_more_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """S9.5: 409; letting go still works."""
    monkeypatch.setattr(interest, "MOST_FAVORITES", 1)
    user, first, second = student(), InstructorFactory(), InstructorFactory()
    interest.toggle_favorite(by=user, instructor=first)
    with pytest.raises(interest.TooManyFavoritesError):
        interest.toggle_favorite(by=user, instructor=second)
    assert not interest.toggle_favorite(by=user, instructor=first)
    assert interest.toggle_favorite(by=user, instructor=second)


@pytest.mark.S9
def test_a_guests_favorites_move_to_the_account_without_doubles() -> None:
    """S9.5, S17.8."""
    user, known, new = student(), InstructorFactory(), InstructorFactory()
    interest.toggle_favorite(by=user, instructor=known)
    for person in (known, new, new):
        interest.keep_favorite_for_guest(guest_key="guest", instructor=person)
    interest.claim_guest_favorites(user=user, guest_key="guest")
    kept = Favorite.objects.of_user(user).values_list("instructor", flat=True)
    assert set(kept) == {known.pk, new.pk}
    assert not Favorite.objects.of_guest("guest").exists()


@pytest.mark.S9
def test_a_favorite_belongs_to_an_account_or_a_guest() -> None:
    person = InstructorFactory()
    for fields in ({}, {"user": UserFactory(), "guest_key": "both"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Favorite.objects.create(instructor=person, **fields)


@pytest.mark.S9
def test_people_without_a_public_page_are_not_listed() -> None:
    """S10.3."""
    user = student()
    for status in ("live", "paused", "suspended", "draft"):
        Favorite.objects.create(user=user, instructor=InstructorFactory(status=status))
    assert Favorite.objects.of_user(user).count() == 2


@pytest.mark.S9
def test_the_waitlist_holds_an_address_once_a_neighborhood_whatever_its_case() -> None:
    """S9.4."""
    slope, hill = NeighborhoodFactory(), NeighborhoodFactory(name="Boerum Hill")
    for email, place in (("a@b.com", slope), ("A@B.com", slope), ("a@b.com", hill)):
        interest.join_waitlist(email=email, neighborhood=place)
    assert WaitlistEntry.objects.count() == 2


@pytest.mark.S7
def test_an_alert_is_stored_once_and_armed_again_only_while_nobody_teaches() -> None:
    """S7.5."""
    oud = ServiceFactory(name="Oud")
    for email in ("a@b.com", "A@b.com"):
        interest.request_alert(email=email, service=oud)
    alert = ServiceAlert.objects.get()
    alert.notified_at, alert.removal_hash = clock.now(), "x"
    alert.save()
    offer = OfferingFactory(service=oud)
    interest.request_alert(email="a@b.com", service=oud)
    alert.refresh_from_db()
    assert alert.notified_at is not None
    offer.delete()
    interest.request_alert(email="a@b.com", service=oud)
    alert.refresh_from_db()
    assert alert.notified_at is None


@pytest.mark.S7
def test_old_addresses_of_non_users_are_forgotten() -> None:
    """S7.5, S6.3: 30 days after the mail, 365 after the request; people with accounts stay."""
    now, place, oud = clock.now(), NeighborhoodFactory(), ServiceFactory(name="Oud")
    written, asked = now - timedelta(days=31), now - timedelta(days=366)
    UserFactory(email="member@example.com")
    rows = [
        ("written@example.com", {"notified_at": written, "removal_hash": "x"}),
        ("asked@example.com", {"created_at": asked}),
        ("fresh@example.com", {}),
        ("member@example.com", {"created_at": asked}),
    ]
    for email, fields in rows:
        WaitlistEntry.objects.create(email=email, neighborhood=place, **fields)
        ServiceAlert.objects.create(email=email, service=oud, **fields)
    Favorite.objects.create(guest_key="old", instructor=InstructorFactory(), created_at=written)
    Favorite.objects.create(guest_key="new", instructor=InstructorFactory())
    assert interest.forget_old_interest(now) == 5
    kept = {"fresh@example.com", "member@example.com"}
    assert set(WaitlistEntry.objects.values_list("email", flat=True)) == kept
    assert set(ServiceAlert.objects.values_list("email", flat=True)) == kept
    assert Favorite.objects.get().guest_key == "new"


@pytest.mark.S6
def test_what_was_sent_to_staff_goes_after_a_year_to_the_second() -> None:
    """S6.3: exactly as long as the register says, also when nobody looked at it."""
    now, year = clock.now(), timedelta(days=365)
    maya, place = InstructorFactory(), NeighborhoodFactory()
    for created_at in (now - year, now - year + timedelta(seconds=1)):
        ServiceSuggestion.objects.create(name="Nose flute", created_at=created_at)
        ProfileReport.objects.create(
            instructor=maya, kind="other", text="x" * 30, created_at=created_at
        )
        TeachingInterest.objects.create(
            email=f"{created_at.second}@example.com", first_name="Ty", teaches="Oud",
            neighborhood=place, created_at=created_at,
        )  # fmt: skip
    assert interest.forget_old_interest(now) == 3
    for model in (ServiceSuggestion, ProfileReport, TeachingInterest):
        assert model.objects.get().created_at > now - year


@pytest.mark.S9
def test_answers_replace_earlier_ones() -> None:
    """S9.2."""
    user, music = student(), CategoryFactory()
    interest.save_preferences(by=user)
    interest.save_preferences(by=user, category=music, learners="child")
    answers = LearningPreferences.objects.of(user)
    assert (answers.category, answers.learners, answers.neighborhood) == (music, "child", None)


@pytest.mark.S9
def test_a_mail_cannot_be_marked_as_sent_without_a_way_out() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        WaitlistEntry.objects.create(
            email="a@b.com", neighborhood=NeighborhoodFactory(), notified_at=clock.now()
        )

"""Keep an instructor, wait for a service or a neighborhood, miss a service, say what one likes."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from catalog.models import (
    Category,
    Favorite,
    Instructor,
    LearningPreferences,
    Neighborhood,
    Offering,
    ProfileReport,
    ReturnAlert,
    Service,
    ServiceAlert,
    ServiceSuggestion,
    TeachingInterest,
    WaitlistEntry,
)
from instainstru import clock
from instainstru.errors import ConflictError

MOST_FAVORITES = 200
KEPT_AFTER_MAIL = timedelta(days=30)
KEPT_UNANSWERED = timedelta(days=365)
# Ideas, wishes to teach and reports of profiles, as the register of personal data says.
KEPT_FOR_STAFF = timedelta(days=365)
KEPT_FOR_GUEST = timedelta(days=30)


class TooManyFavoritesError(ConflictError):
    """Nobody keeps more than ``MOST_FAVORITES`` instructors."""

    code = "too_many_favorites"

    def __init__(self) -> None:
        super().__init__(
            f"You already saved {MOST_FAVORITES} instructors, which is the most. Remove one first."
        )


# --- Favorites ------------------------------------------------------------------------------------
@transaction.atomic
def toggle_favorite(*, by: User, instructor: Instructor) -> bool:
    """Keep the instructor, or let them go; tell whether they are kept now.

    Raises ``TooManyFavoritesError``. Spec: S9.5.
    """
    User.objects.select_for_update().get(pk=by.pk)
    if drop_favorite(by=by, instructor=instructor):
        return False
    keep_favorite(by=by, instructor=instructor)
    return True


@transaction.atomic
def keep_favorite(*, by: User, instructor: Instructor) -> None:
    """Keep the instructor; again changes nothing. Raises ``TooManyFavoritesError``. Spec: S9.5"""
    User.objects.select_for_update().get(pk=by.pk)
    mine = Favorite.objects.filter(user=by)
    if mine.filter(instructor=instructor).exists():
        return
    if mine.count() >= MOST_FAVORITES:
        raise TooManyFavoritesError
    Favorite.objects.create(user=by, instructor=instructor)


def drop_favorite(*, by: User, instructor: Instructor) -> bool:
    """Let the instructor go; tell whether they were kept. Spec: S9.5"""
    return bool(Favorite.objects.filter(user=by, instructor=instructor).delete()[0])


def keep_favorite_for_guest(*, guest_key: str, instructor: Instructor) -> None:
    """Remember whom a guest wants to keep until they sign in. Raises ``TooManyFavoritesError``."""
    if Favorite.objects.of_guest(guest_key).count() >= MOST_FAVORITES:
        raise TooManyFavoritesError
    row = Favorite(guest_key=guest_key, instructor=instructor)
    Favorite.objects.bulk_create([row], ignore_conflicts=True)


@transaction.atomic
def claim_guest_favorites(*, user: User, guest_key: str) -> None:
    """Give an account what the guest kept, as far as there is room. Spec: S9.5, S17.8."""
    wanted = list(Favorite.objects.of_guest(guest_key).values_list("instructor_id", flat=True))
    if not wanted:
        return
    User.objects.select_for_update().get(pk=user.pk)
    Favorite.objects.of_guest(guest_key).delete()
    known = set(Favorite.objects.filter(user=user).values_list("instructor_id", flat=True))
    new = [pk for pk in wanted if pk not in known][: max(0, MOST_FAVORITES - len(known))]
    Favorite.objects.bulk_create(Favorite(user=user, instructor_id=pk) for pk in new)


# --- Waiting for a mail ---------------------------------------------------------------------------
def join_waitlist(*, email: str, neighborhood: Neighborhood) -> None:
    """Put an address on the list of a neighborhood; a second time changes nothing. Spec: S9.4."""
    WaitlistEntry.objects.record(email, neighborhood=neighborhood)


@transaction.atomic
def request_alert(*, email: str, service: Service) -> None:
    """Ask for a mail when somebody teaches the service; a second time changes nothing.

    Somebody who was written to before waits again if nobody teaches it any more. Spec: S7.5.
    """
    ServiceAlert.objects.record(email, service=service)
    if not Offering.objects.bookable().filter(service=service).exists():
        ServiceAlert.objects.wait_again(email, clock.now(), service=service)


@transaction.atomic
def request_return(*, email: str, instructor: Instructor) -> None:
    """Ask for a mail when a paused instructor takes bookings again; a repeat changes nothing.

    Somebody who was written to before waits again if the instructor paused again. Spec: S10.3.
    """
    ReturnAlert.objects.record(email, instructor=instructor)
    if not Offering.objects.bookable().filter(instructor=instructor).exists():
        ReturnAlert.objects.wait_again(email, clock.now(), instructor=instructor)


def new_removal_token() -> tuple[str, str]:
    """Return a random token for a mail's link and the hash that is kept of it."""
    token = secrets.token_urlsafe(24)
    return token, hash_of_token(token)


def hash_of_token(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def find_waiting(token: str) -> WaitlistEntry | ServiceAlert | ReturnAlert | None:
    """Return the row whose mail carried the token, or None."""
    digest = hash_of_token(token)
    lists = (
        WaitlistEntry.objects.select_related("neighborhood"),
        ServiceAlert.objects.select_related("service"),
        ReturnAlert.objects.select_related("instructor"),
    )
    return next((row for rows in lists for row in rows.filter(removal_hash=digest)[:1]), None)


def forget_old_interest(now: datetime) -> int:
    """Delete addresses without an account, guests' rows and what people sent us, once old.

    Addresses go 30 days after the mail or 365 days after the request, what was sent to staff after
    365 days. Returns how many rows went. Spec: S7.5, S6.3.
    """
    limits = {"written_before": now - KEPT_AFTER_MAIL, "asked_before": now - KEPT_UNANSWERED}
    rows = [
        WaitlistEntry.objects.of_nobody().out_of_date(**limits),
        ServiceAlert.objects.of_nobody().out_of_date(**limits),
        ReturnAlert.objects.of_nobody().out_of_date(**limits),
        Favorite.objects.left_by_guests(now - KEPT_FOR_GUEST),
        ServiceSuggestion.objects.until(now - KEPT_FOR_STAFF),
        TeachingInterest.objects.until(now - KEPT_FOR_STAFF),
        ProfileReport.objects.until(now - KEPT_FOR_STAFF),
    ]
    return sum(part.delete()[0] for part in rows)


# --- Ideas and answers ----------------------------------------------------------------------------
def suggest_service(*, name: str, note: str) -> ServiceSuggestion:
    """Put a missed service into the catalogue's queue. Spec: S7.3."""
    return ServiceSuggestion.objects.create(name=name, note=note)


def save_preferences(
    *,
    by: User,
    category: Category | None = None,
    learners: str = "",
    neighborhood: Neighborhood | None = None,
) -> None:
    """Keep what a new user told us; nothing at all means they skipped. Spec: S9.2."""
    answers = {
        "category": category,
        "learners": learners,
        "neighborhood": neighborhood,
        "updated_at": clock.now(),
    }
    LearningPreferences.objects.update_or_create(user=by, defaults=answers)

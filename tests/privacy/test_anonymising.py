"""A copy of production loses its people and keeps its shape. Spec: S1.9."""

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection as django_connection

from accounts.models import AuditEvent, Learner, User
from bookings.lessons.models import Booking
from bookings.notifications.models import ContactMessage, OutgoingMail
from bookings.reviews.models import Review
from catalog.models import Instructor, ServiceAlert
from instainstru.database import maintenance, tiers
from instainstru.database.roles import Role
from privacy import anonymising, introspection
from privacy.anonymising import CopyRefusedError
from tests.factories.accounts import LearnerFactory, UserFactory, student
from tests.factories.catalog import ServiceFactory
from tests.factories.payments import lesson_to_pay, pay
from tests.factories.reviews import ReviewFactory

pytestmark = [pytest.mark.S1, pytest.mark.django_db(transaction=True)]

MARKER = "Quillfeather"
ADDRESS = f"{MARKER}@example.com".lower()
TEXTS = "SELECT string_agg(t::text, ' ') FROM {} AS t"


@pytest.fixture
def copy() -> Iterator[anonymising.Connection]:
    """The test database, as whoever makes a copy usable connects to it."""
    name = str(django_connection.settings_dict["NAME"])
    with maintenance.connect(tiers.decision(), name, role=Role.ADMIN) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS instainstru_guard")
        yield connection
        connection.execute("DROP TABLE IF EXISTS instainstru_guard.anonymised")


def fill() -> None:
    """Write the marker wherever people write something."""
    person = student(email=ADDRESS, first_name=MARKER, last_name=MARKER, password="x" * 12)
    EmailAddress.objects.create(user=person, email=f"second.{ADDRESS}")
    LearnerFactory(manager=person, name=MARKER, birth_year=2015, level_notes=f"{MARKER}: shy")
    paid = pay(lesson_to_pay(student=person)).booking
    Booking.objects.filter(pk=paid.pk).update(address=f"1 {MARKER} St", note=MARKER)
    review = ReviewFactory(text=f"{MARKER} was patient with us.", overall=2)
    Instructor.objects.filter(pk=review.instructor_id).update(
        display_name=MARKER, slug=MARKER.lower(), bio=f"{MARKER} plays.", studio_address=MARKER
    )
    ServiceAlert.objects.create(email=ADDRESS, service=ServiceFactory())
    ContactMessage.objects.create(name=MARKER, email=ADDRESS, topic="other", text=MARKER)
    OutgoingMail.objects.create(kind="t", to=ADDRESS, subject=MARKER, text=MARKER)
    AuditEvent.objects.create(actor=person, action="a.b", before={"name": MARKER})
    session = SessionStore()
    session["name"] = MARKER
    session.create()


def everything(copy: anonymising.Connection) -> str:
    """Return all rows of all tables as one text."""
    tables = [model._meta.db_table for model in introspection._tables()]
    rows = [copy.execute(TEXTS.format(f'"{name}"')).fetchone() for name in tables]  # type: ignore[arg-type]
    return " ".join(str(row[0]) for row in rows if row is not None)


def test_nothing_personal_is_left_and_everything_else_stays(copy: anonymising.Connection) -> None:
    fill()
    before = (User.objects.count(), Booking.objects.count(), Review.objects.count())
    assert MARKER.lower() in everything(copy).lower()
    said: list[str] = []
    anonymising.anonymise(copy, said.append)
    assert MARKER.lower() not in everything(copy).lower()
    assert (User.objects.count(), Booking.objects.count(), Review.objects.count()) == before
    assert not OutgoingMail.objects.exists()
    assert not AuditEvent.objects.exists()
    person = Learner.objects.get(birth_year=None, level_notes__startswith="Removed").manager
    assert person.email == f"person-{person.pk}@anonymised.invalid"
    assert not person.has_usable_password()
    primary = EmailAddress.objects.get(user=person, primary=True)
    assert primary.email == person.email
    assert Review.objects.get().text.startswith("Removed from this copy.")
    assert any(line.startswith("accounts_user: ") for line in said)
    Booking.objects.get(student=person).full_clean(exclude=["guest_key", "code"])
    assert triggers(copy) == set()


def triggers(copy: anonymising.Connection) -> set[Any]:
    """Return the triggers that are switched off."""
    query = "SELECT tgname FROM pg_trigger WHERE tgenabled = 'D'"
    return set(copy.execute(query).fetchall())


def test_an_interrupted_run_goes_on_where_it_was(
    copy: anonymising.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        UserFactory(first_name=MARKER)
    monkeypatch.setattr(anonymising, "BATCH", 2)
    statement, calls = anonymising._statement, []

    def broken(table: anonymising.Table, keys: list[Any]) -> Any:
        calls.append((table.name, keys))
        if len([name for name, _ in calls if name == "accounts_user"]) == 2:
            raise KeyboardInterrupt
        return statement(table, keys)

    monkeypatch.setattr(anonymising, "_statement", broken)
    with pytest.raises(KeyboardInterrupt):
        anonymising.anonymise(copy, lambda _: None)
    assert User.objects.filter(first_name=MARKER).count() == 3
    assert triggers(copy) == set()
    copy.execute("SELECT pg_advisory_unlock_all()")
    done = calls[0][1]
    calls.clear()
    monkeypatch.setattr(
        anonymising, "_statement", lambda t, k: calls.append((t.name, k)) or statement(t, k)
    )
    anonymising.anonymise(copy, lambda _: None)
    assert not User.objects.filter(first_name=MARKER).exists()
    assert done not in [keys for _, keys in calls]


def test_a_schema_of_another_release_is_refused(copy: anonymising.Connection) -> None:
    """A table or column that the registry cannot know may hold anything."""
    for change, undo in (
        ("CREATE TABLE old_diary (text text)", "DROP TABLE old_diary"),
        ("ALTER TABLE accounts_user ADD nickname text", "ALTER TABLE accounts_user DROP nickname"),
    ):
        copy.execute(change)
        try:
            with pytest.raises(CopyRefusedError, match="another release"):
                anonymising.anonymise(copy, lambda _: None)
        finally:
            copy.execute(undo)


def test_what_an_older_release_did_not_have_yet_is_not_missed(
    copy: anonymising.Connection,
) -> None:
    LearnerFactory(name=MARKER, level_notes="")
    drop = "ALTER TABLE accounts_learner DROP level_notes; ALTER TABLE django_session RENAME TO old"
    copy.execute(drop)
    try:
        with pytest.raises(CopyRefusedError, match="old"):
            anonymising.anonymise(copy, lambda _: None)
        copy.execute("ALTER TABLE old SET SCHEMA instainstru_guard")
        anonymising.anonymise(copy, lambda _: None)
        assert MARKER not in str(copy.execute("SELECT name FROM accounts_learner").fetchall())
    finally:
        copy.execute("ALTER TABLE instainstru_guard.old SET SCHEMA public")
        copy.execute("ALTER TABLE old RENAME TO django_session")
        copy.execute(
            "ALTER TABLE accounts_learner ADD level_notes varchar(500) NOT NULL DEFAULT '';"
            " ALTER TABLE accounts_learner ALTER level_notes DROP DEFAULT"
        )


def test_a_row_that_came_meanwhile_is_noticed(
    copy: anonymising.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    UserFactory(first_name=MARKER)
    batches = anonymising._batches
    monkeypatch.setattr(
        anonymising,
        "_batches",
        lambda c, table: iter(()) if table.name == "accounts_user" else batches(c, table),
    )
    with pytest.raises(CopyRefusedError, match="accounts_user"):
        anonymising.anonymise(copy, lambda _: None)


def test_two_at_once_are_refused(copy: anonymising.Connection) -> None:
    name = str(django_connection.settings_dict["NAME"])
    with maintenance.connect(tiers.decision(), name, role=Role.ADMIN) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [anonymising.LOCK])
        with pytest.raises(CopyRefusedError, match="another process"):
            anonymising.anonymise(copy, lambda _: None)

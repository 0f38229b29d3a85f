"""What staff did is written with the deed and stays as it was written."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test import Client

from accounts.audit import checked_reason, record_event
from accounts.models import AuditEvent
from instainstru import clock
from instainstru.errors import ValidationFailedError
from instainstru.request_facts import RequestFacts, answering, hashed_address, request_facts
from tests.factories.accounts import LearnerFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S5]

REASON = "She asked for it by phone."


def event(**fields: object) -> AuditEvent:
    values = {"by": UserFactory(), "on": UserFactory(), "reason": REASON, **fields}
    return record_event("role.assigned", **values)  # type: ignore[arg-type]


def test_row_says_who_did_what_to_whom_why_and_from_where() -> None:
    """Spec: S5.4, S5.9."""
    actor, person = UserFactory(), UserFactory()
    with answering(RequestFacts("request-1", "203.0.113.9")):
        row = event(by=actor, on=person, before={"roles": []}, after={"roles": ["student"]})
    row.refresh_from_db()
    assert (row.actor, row.subject, row.object_kind) == (actor, person, "user")
    assert row.object_id == person.public_id
    assert (row.before, row.after) == ({"roles": []}, {"roles": ["student"]})
    assert (row.reason, row.request_id) == (REASON, "request-1")
    assert row.ip_hash == hashed_address("203.0.113.9")
    assert "203" not in row.ip_hash


def test_object_that_is_no_person_names_the_person_it_concerns() -> None:
    learner = LearnerFactory()
    row = event(on=learner, subject=learner.manager)
    assert (row.object_kind, row.object_id) == ("learner", learner.public_id)
    assert row.subject == learner.manager


@pytest.mark.parametrize("reason", ["", "too short", " " * 40, "x" * 501])
def test_reason_outside_10_to_500_characters_is_refused(reason: str) -> None:
    """Spec: S5.9."""
    with pytest.raises(ValidationFailedError) as refusal:
        event(reason=reason)
    assert set(refusal.value.fields) == {"reason"}
    assert not AuditEvent.objects.exists()


def test_reason_of_10_and_of_500_characters_is_enough() -> None:
    assert checked_reason(" ten chars! ") == "ten chars!"
    assert checked_reason("x" * 500)


@pytest.mark.django_db(transaction=True)
def test_row_without_a_transaction_is_refused() -> None:
    with pytest.raises(TransactionManagementError):
        event()


def test_row_goes_when_the_deed_goes() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        event()
        raise RuntimeError
    assert not AuditEvent.objects.exists()


CHANGES = (
    "action = 'role.revoked'", "at = now()", "object_id = 'X'", "before = NULL", "after = '{}'",
    "reason = 'Another reason.'", "reason = ''", "request_id = 'other'", "actor_pseudonym = 'x'",
    "ip_hash = 'other'", "actor_id = subject_id", "subject_id = actor_id",
    "actor_id = NULL, action = 'role.revoked'", "actor_id = NULL, reason = 'Another reason.'",
    "public_id = 'AAAAAAAAAA'",
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_database_refuses_every_other_change(change: str) -> None:
    """Spec: S5.9."""
    row = event(before={"roles": ["student"]})
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        connection.cursor().execute(f"UPDATE accounts_auditevent SET {change} WHERE id = {row.pk}")


def test_database_refuses_to_delete_a_row_that_must_be_kept() -> None:
    row = event()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        row.delete()


@pytest.mark.S6
def test_retention_takes_out_what_is_old_enough_and_nothing_younger() -> None:
    """Spec: S6.3."""
    now = clock.now()
    ages = {"old": timedelta(days=731), "aged": timedelta(days=31), "new": timedelta(days=29)}
    rows = {
        name: AuditEvent.objects.create(
            at=now - age, action="role.assigned", object_kind="user", object_id=name, ip_hash="h"
        )
        for name, age in ages.items()
    }
    assert AuditEvent.objects.forget_outdated(now) == 2
    kept = dict(AuditEvent.objects.values_list("object_id", "ip_hash"))
    assert kept == {"aged": "", "new": "h"}
    assert AuditEvent.objects.forget_outdated(now) == 0
    assert rows["new"].pk


@pytest.mark.S6
def test_erased_person_is_replaced_by_a_pseudonym() -> None:
    """Spec: S6.8."""
    person, other = UserFactory(), UserFactory()
    acted, concerned = event(by=person, on=other), event(by=other, on=person)
    AuditEvent.objects.pseudonymise(person, "former-7K3M9Q")
    acted.refresh_from_db()
    concerned.refresh_from_db()
    assert (acted.actor, acted.actor_pseudonym, acted.reason) == (None, "former-7K3M9Q", REASON)
    assert (concerned.subject, concerned.subject_pseudonym, concerned.reason) == (
        None, "former-7K3M9Q", "",
    )  # fmt: skip
    assert concerned.actor == other


def test_request_is_known_only_while_it_is_answered(client: Client) -> None:
    client.get("/healthz", headers={"X-Request-ID": "known-request"})
    assert request_facts() == RequestFacts()


def test_rows_about_a_person_come_newest_first() -> None:
    person = UserFactory()
    first, second = event(on=person), event(on=person)
    event()
    assert list(AuditEvent.objects.about(person)) == [second, first]

"""The staff's lists of what people sent."""

import pytest
from django.test import Client

from accounts.models import AuditEvent
from accounts.roles import Role
from bookings.notifications.interest import report_profile
from catalog.interest import join_waitlist, request_alert, suggest_service
from catalog.models import ProfileReport, ServiceSuggestion
from tests.factories.accounts import VerifiedUserFactory
from tests.factories.catalog import InstructorFactory, NeighborhoodFactory, ServiceFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S5]

MAY_READ = {
    "reports": {Role.MODERATOR, Role.ADMIN},
    "suggestions": {Role.MODERATOR, Role.ADMIN},
    "teaching": {Role.MODERATOR, Role.ADMIN},
    "messages": {Role.SUPPORT, Role.MODERATOR, Role.FINANCE, Role.ADMIN},
}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("kind", sorted(MAY_READ))
def test_each_list_asks_for_its_permission(client: Client, kind: str, role: Role) -> None:
    """S5.1."""
    client.force_login(VerifiedUserFactory(role=role))
    expected = 200 if role in MAY_READ[kind] else 403
    assert client.get(f"/staff/inbox/{kind}/").status_code == expected
    assert client.post(f"/staff/inbox/{kind}/ZZZZZZZZZZ/").status_code == (
        404 if expected == 200 else 403
    )


def test_the_index_leads_to_the_first_list_a_person_may_read(client: Client) -> None:
    client.force_login(VerifiedUserFactory(role=Role.SUPPORT))
    assert client.get("/staff/inbox/")["Location"] == "/staff/inbox/messages/"
    client.force_login(VerifiedUserFactory(role=Role.STUDENT))
    assert client.get("/staff/inbox/").status_code == 403


def test_rows_are_marked_done_and_opened_again_with_a_reason(client: Client) -> None:
    """S5.9."""
    row, boss = suggest_service(name="Kazoo", note=""), VerifiedUserFactory(role=Role.ADMIN)
    client.force_login(boss)
    assert b"Kazoo" in client.get("/staff/inbox/suggestions/").content
    address = f"/staff/inbox/suggestions/{row.public_id}/"
    short = client.post(address, {"reason": "no", "to": "done"})
    assert short.status_code == 422
    assert b">no</textarea>" in short.content
    assert ServiceSuggestion.objects.get().handled_at is None
    for to in ("done", "open"):
        client.post(address, {"reason": f"Because it is {to} now.", "to": to})
        assert (ServiceSuggestion.objects.get().handled_at is not None) is (to == "done")
    events = AuditEvent.objects.filter(object_id=row.public_id).order_by("pk")
    assert [(event.action, event.actor) for event in events] == [
        ("inbox.done", boss),
        ("inbox.reopened", boss),
    ]


def test_the_second_one_is_told_what_the_first_decided(client: Client) -> None:
    """S5.10."""
    row = suggest_service(name="Kazoo", note="")
    address = f"/staff/inbox/suggestions/{row.public_id}/"
    client.force_login(VerifiedUserFactory(role=Role.MODERATOR, first_name="Mia", last_name="K"))
    client.post(address, {"reason": "We have the kazoo already.", "to": "done"})
    client.force_login(VerifiedUserFactory(role=Role.MODERATOR))
    second = client.post(address, {"reason": "I will add the kazoo.", "to": "done"})
    assert second.status_code == 409
    assert "Mia K. has marked this as done already: We have the kazoo already." in (
        second.content.decode()
    )
    assert AuditEvent.objects.filter(object_id=row.public_id).count() == 1


def test_nobody_decides_a_report_about_themselves(client: Client) -> None:
    """S5.10."""
    moderator = VerifiedUserFactory(role=Role.MODERATOR)
    person = InstructorFactory(user=moderator)
    report_profile(
        by=None, instructor=person, kind="offensive", text="Shouts at children in every lesson."
    )
    report = ProfileReport.objects.get()
    client.force_login(moderator)
    answer = client.post(
        f"/staff/inbox/reports/{report.public_id}/", {"reason": "It is not true.", "to": "done"}
    )
    assert answer.status_code == 403
    report.refresh_from_db()
    assert report.handled_at is None


def test_what_is_wanted_most_is_counted(client: Client) -> None:
    request_alert(email="a@b.com", service=ServiceFactory(name="Oud"))
    for number in range(2):
        join_waitlist(email=f"p{number}@b.com", neighborhood=NeighborhoodFactory())
    client.force_login(VerifiedUserFactory(role=Role.ADMIN))
    html = client.get("/staff/inbox/suggestions/").content.decode()
    assert "1 waiting" in html
    assert "2 waiting" in html


def test_reports_of_profiles_stand_by_urgency(client: Client) -> None:
    """S10.5: safety is urgent, what is done comes last."""
    person = InstructorFactory()
    texts = ["The degree is invented, I asked there.", "Somebody else came to our door."]
    for kind, text in zip(("safety", "misleading"), reversed(texts), strict=True):
        report_profile(by=None, instructor=person, kind=kind, text=text)
    client.force_login(VerifiedUserFactory(role=Role.MODERATOR))
    html = client.get("/staff/inbox/reports/").content.decode()
    assert html.index("Somebody else came") < html.index("The degree is invented")
    assert html.count("Urgent") == 1
    urgent = ProfileReport.objects.get(kind="safety")
    client.post(f"/staff/inbox/reports/{urgent.public_id}/", {"reason": "Called them both."})
    html = client.get("/staff/inbox/reports/").content.decode()
    assert html.index("The degree is invented") < html.index("Somebody else came")


def test_unknown_list_is_404(client: Client) -> None:
    client.force_login(VerifiedUserFactory(role=Role.ADMIN))
    assert client.get("/staff/inbox/love/").status_code == 404

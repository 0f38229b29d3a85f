"""Staff see the site as somebody sees it, and change nothing (Spec: S5.4)."""

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from unittest.mock import patch

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User, UserGrant
from accounts.roles import Role
from accounts.support_access import take_support_access
from accounts.viewing import close_ended
from instainstru import clock
from search.models import SearchHistory
from tests.factories.accounts import VerifiedUserFactory, student
from tests.factories.lessons import BookingFactory, HoldFactory
from tests.factories.staff import at_work, staff

pytestmark = [pytest.mark.django_db, pytest.mark.S5]

REASON = "The student cannot find a lesson."


@pytest.fixture
def maya() -> User:
    return student(email="maya@example.com", first_name="Maya", last_name="Cohen")


@pytest.fixture
def agent() -> User:
    return staff(Role.SUPPORT)


def action(person: User) -> str:
    return reverse("admin:accounts_user_action", args=[person.pk, "view-as"])


@pytest.fixture
def looking(agent: User, maya: User) -> Client:
    """The browser of the agent, which sees the site as Maya."""
    take_support_access(by=agent, on=maya, owner=maya, hours=1, reason=REASON)
    browser = at_work(agent)
    answer = browser.post(action(maya), {"reason": REASON})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    return browser


def test_the_site_is_shown_as_the_person_sees_it_under_a_banner(
    looking: Client, agent: User, maya: User
) -> None:
    lesson = BookingFactory(student=maya)
    html = looking.get("/lessons/").content.decode()
    assert str(lesson.code) in html
    assert "What Maya C. sees; nothing can be changed." in html
    event = AuditEvent.objects.get(action="view_as.began")
    assert (event.actor, event.subject, event.reason) == (agent, maya, REASON)


def test_nothing_can_be_changed(looking: Client, maya: User) -> None:
    for call in (looking.post, looking.put, looking.patch, looking.delete):
        refused = call("/account/", {"first_name": "Mallory"})
        assert refused.status_code == 403
        assert "Nothing can be changed here." in refused.content.decode()
    maya.refresh_from_db()
    assert maya.first_name == "Maya"


def test_looking_at_a_slow_payment_does_not_end_it(looking: Client, maya: User) -> None:
    """S5.4: the page asks the bank for the student, which would book the lesson or give it up."""
    hold = HoldFactory(student=maya)
    with patch("bookings.lessons.checkout.refresh_payment") as asked:
        assert looking.get(f"/book/{hold.hold_id}/payment/").status_code == 302
        assert looking.post(f"/book/{hold.hold_id}/payment/").status_code == 403
        assert not asked.called
        browser = Client()
        browser.force_login(maya)
        browser.get(f"/book/{hold.hold_id}/payment/")
        assert not asked.called, "nor does the student's own look (S17.10)"
        browser.post(f"/book/{hold.hold_id}/payment/")
        assert asked.called


@pytest.mark.parametrize(
    "address", ["/accounts/password/change/", "/accounts/sessions/", "/accounts/2fa/", "/admin/"]
)
def test_what_is_the_persons_alone_stays_closed(looking: Client, address: str) -> None:
    assert looking.get(address).status_code == 403


def test_searches_are_nobodys(looking: Client) -> None:
    assert looking.get("/search/?q=piano").status_code == 200
    assert not SearchHistory.objects.exists()


def test_stopping_leads_back_and_is_written_down(looking: Client, agent: User, maya: User) -> None:
    account = reverse("admin:accounts_user_change", args=[maya.pk])
    assert looking.post("/account/viewing/end/")["Location"] == account
    assert looking.get(account).status_code == 200
    assert looking.get("/lessons/").status_code == 403  # support has no lessons of its own
    assert AuditEvent.objects.get(action="view_as.ended").subject == maya
    assert looking.post("/account/viewing/end/").status_code == 409


def test_it_ends_by_itself_after_half_an_hour(agent: User, maya: User) -> None:
    with time_machine.travel("2026-03-02T15:00:00Z", tick=False) as now:
        take_support_access(by=agent, on=maya, owner=maya, hours=2, reason=REASON)
        browser = at_work(agent)
        browser.post(action(maya), {"reason": REASON})
        now.shift(29 * 60)
        assert browser.get("/lessons/").status_code == 200
        now.shift(60)
        assert browser.get("/lessons/").status_code == 403


def test_the_owner_ends_it_at_once(looking: Client, maya: User) -> None:
    assert looking.get("/lessons/").status_code == 200
    UserGrant.objects.filter(content_object=maya).delete()
    assert looking.get("/lessons/").status_code == 403


def test_it_needs_support_access_and_never_opens_staff(agent: User, maya: User) -> None:
    """S5.7."""
    browser, other = at_work(agent), VerifiedUserFactory(role=Role.FINANCE)
    assert browser.post(action(maya), {"reason": REASON}).status_code == 409
    assert browser.post(action(other), {"reason": REASON}).status_code == 403
    assert browser.post(action(agent), {"reason": REASON}).status_code == 403
    html = browser.get(reverse("admin:accounts_user_change", args=[maya.pk])).content.decode()
    assert "view-as" not in html
    assert not AuditEvent.objects.filter(action="view_as.began").exists()


def test_pages_kept_for_a_session_are_not_mixed_up(
    looking: Client, maya: User, kept_pages: None
) -> None:
    for _ in range(2):
        assert "What Maya C. sees" in looking.get("/").content.decode()
    looking.post("/account/viewing/end/")
    for _ in range(2):
        assert "What Maya C. sees" not in looking.get("/").content.decode()


def test_it_ends_with_the_role(looking: Client, agent: User) -> None:
    """S5.3: also where another role keeps somebody staff."""
    agent.groups.set([Group.objects.get(name=Role.ANALYST.value)])
    assert looking.get("/lessons/").status_code == 403


def ends(person: User) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action="view_as.ended", subject=person))


def test_the_end_by_time_is_written_down_once(agent: User, maya: User) -> None:
    """S5.4: audited, whoever comes first, and also when the browser never comes back."""
    with time_machine.travel("2026-03-02T15:00:00Z", tick=False) as now:
        take_support_access(by=agent, on=maya, owner=maya, hours=2, reason=REASON)
        browser = at_work(agent)
        browser.post(action(maya), {"reason": REASON})
        now.shift(30 * 60 - 1)
        assert browser.get("/lessons/").status_code == 200
        assert close_ended() == 0
        now.shift(1)
        assert [close_ended(), close_ended()] == [1, 0]
        now.shift(5 * 60)
        assert browser.get("/lessons/").status_code == 403
        assert browser.post("/account/viewing/end/").status_code == 409
        (event,) = ends(maya)
        assert event.actor is None
        assert event.after == {
            "how": "expired", "viewer": agent.public_id, "at": "2026-03-02T15:30:00+00:00",
        }  # fmt: skip


def test_a_look_that_the_owner_ends_is_written_down_once(looking: Client, maya: User) -> None:
    UserGrant.objects.filter(content_object=maya).delete()
    assert looking.get("/lessons/").status_code == 403
    assert [close_ended(), close_ended()] == [1, 0]
    assert ends(maya)[0].after["how"] == "access ended"


def test_who_pressed_the_button_is_not_told_twice(looking: Client, agent: User, maya: User) -> None:
    looking.post("/account/viewing/end/")
    assert close_ended(clock.now() + timedelta(hours=1)) == 0
    (event,) = ends(maya)
    assert event.actor == agent


def test_an_access_taken_anew_does_not_open_an_old_look(
    looking: Client, agent: User, maya: User
) -> None:
    UserGrant.objects.filter(content_object=maya).delete()
    assert close_ended() == 1
    take_support_access(by=agent, on=maya, owner=maya, hours=1, reason=REASON)
    assert looking.get("/lessons/").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_two_jobs_and_the_button_write_one_row() -> None:
    maya, agent = student(), staff(Role.SUPPORT)
    take_support_access(by=agent, on=maya, owner=maya, hours=1, reason=REASON)
    browser = at_work(agent)
    browser.post(action(maya), {"reason": REASON})
    gate = threading.Barrier(3)

    def end(how: Callable[[], object]) -> None:
        try:
            gate.wait()
            how()
        finally:
            connection.close()

    late = clock.now() + timedelta(hours=1)
    ways: list[Callable[[], object]] = [
        partial(close_ended, late), partial(close_ended, late),
        partial(browser.post, "/account/viewing/end/"),
    ]  # fmt: skip
    threads = [threading.Thread(target=end, args=(how,)) for how in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ends(maya)) == 1

"""The admin: who sees what, masked; and every write with its reason (Spec: S5.7-S5.11, S17.12)."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEvent, User, UserGrant
from accounts.roles import STAFF_ROLES, Role
from accounts.staff_admin import StaffAdmin
from bookings.lessons.models import BookingGrant, Strike
from bookings.notifications.models import OutgoingMail
from bookings.payments.models import LedgerTransaction, Refund
from bookings.payments.selectors import ledger_imbalances
from bookings.reviews.models import Review
from catalog.models import Policy, Service, ServicePhrase
from instainstru import clock
from tests.factories import payments as make
from tests.factories.accounts import VerifiedUserFactory, student
from tests.factories.catalog import InstructorFactory, ServiceFactory
from tests.factories.lessons import BookingFactory, tomorrow_at
from tests.factories.reviews import ReviewFactory
from tests.factories.staff import at_work, staff

pytestmark = [pytest.mark.django_db, pytest.mark.S5]

REASON = {"reason": "Asked for it in writing."}


def page(kind: str, row: Any, action: str = "") -> str:
    name = f"admin:{kind}_{'action' if action else 'change'}"
    return reverse(name, args=[row.pk, action] if action else [row.pk])


@pytest.fixture
def maya() -> User:
    return student(email="maya.cohen@example.com", first_name="Maya", last_name="Cohen")


# --- What is in it --------------------------------------------------------------------------------
def test_only_models_that_name_their_permissions_are_in_it() -> None:
    """Packages bring admins of their own, which know nothing of P1-P30."""
    registered = admin.site._registry
    assert Group not in registered
    assert all(isinstance(each, StaffAdmin) for each in registered.values())
    assert all(each.view_permissions for each in registered.values())


@pytest.mark.parametrize("role", sorted(STAFF_ROLES))
def test_the_index_shows_each_role_what_it_may_open(role: Role) -> None:
    browser = at_work(staff(role))
    answer = browser.get("/admin/")
    assert answer.status_code == 200
    for app in answer.context["app_list"]:
        for model in app["models"]:
            assert browser.get(model["admin_url"]).status_code == 200
    for queue in answer.context["queues"]:
        assert browser.get(queue["url"]).status_code == 200


def test_the_index_counts_what_waits_and_for_how_long() -> None:
    mail = OutgoingMail.objects.create(
        kind="x", to="a@b.example", subject="x", text="x", status="failed",
        created_at=clock.now() - timedelta(hours=5),
    )  # fmt: skip
    assert mail.pk
    html = at_work(staff(Role.ADMIN)).get("/admin/").content.decode()
    row = html.split("Failed mail</a>")[1].split("</tr>")[0]
    assert ">1<" in row
    assert "5 hours ago" in row
    assert "Failed mail" not in at_work(staff(Role.SUPPORT)).get("/admin/").content.decode()


def test_students_find_no_admin(maya: User) -> None:
    client = Client()
    client.force_login(maya)
    assert client.get("/admin/").status_code == 403
    assert Client().get("/admin/")["Location"].startswith("/accounts/login/")


def test_lists_ask_no_more_for_more_rows(maya: User) -> None:
    browser = at_work(staff(Role.ADMIN))

    def asked(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address).status_code == 200
        return len(captured)

    kinds = ("accounts_user", "lessons_booking", "payments_ledgertransaction", "reviews_review")
    addresses = [reverse(f"admin:{kind}_changelist") for kind in kinds]
    make.pay(make.lesson_to_pay())
    ReviewFactory()
    before = [asked(address) for address in addresses]
    for _ in range(3):
        make.pay(make.lesson_to_pay())
        ReviewFactory()
    assert [asked(address) for address in addresses] == before


# --- People ---------------------------------------------------------------------------------------
def test_people_are_masked_until_somebody_says_why(maya: User) -> None:
    """P18, S5.7, S5.9."""
    agent = staff(Role.SUPPORT)
    browser = at_work(agent)
    for address in (reverse("admin:accounts_user_changelist"), page("accounts_user", maya)):
        html = browser.get(address).content.decode()
        assert "m•••@example.com" in html
        assert "maya.cohen@example.com" not in html
        assert "Cohen" not in html
    assert AuditEvent.objects.get(action="user.read").subject == maya
    reveal = page("accounts_user", maya, "reveal")
    short = browser.post(reveal, {"reason": "please"})
    assert short.status_code == 422
    assert b"please" in short.content
    assert b"maya.cohen" not in short.content
    assert not AuditEvent.objects.filter(action="user.revealed").exists()
    shown = browser.post(reveal, REASON)
    assert b"maya.cohen@example.com" in shown.content
    assert "private, no-store" in shown["Cache-Control"]
    event = AuditEvent.objects.get(action="user.revealed")
    assert (event.actor, event.subject, event.reason) == (agent, maya, REASON["reason"])


def test_support_suspends_and_reinstates_with_a_reason(maya: User) -> None:
    browser = at_work(staff(Role.SUPPORT))
    address = page("accounts_user", maya)
    assert "/suspend/" in browser.get(address).content.decode()
    assert browser.post(page("accounts_user", maya, "suspend"), {"reason": ""}).status_code == 422
    assert browser.post(page("accounts_user", maya, "suspend"), REASON)["Location"] == address
    maya.refresh_from_db()
    assert not maya.is_active
    again = browser.post(page("accounts_user", maya, "suspend"), REASON)
    assert again.status_code == 409
    assert b"suspended already" in again.content
    html = browser.get(address).content.decode()
    assert "/suspend/" not in html
    assert "/reinstate/" in html
    browser.post(page("accounts_user", maya, "reinstate"), REASON)
    maya.refresh_from_db()
    assert maya.is_active


@pytest.mark.parametrize(
    ("role", "buttons"),
    [
        (Role.MODERATOR, {"reveal"}),
        (Role.FINANCE, {"reveal"}),
        (Role.SUPPORT, {"reveal", "suspend", "support-access"}),
        (Role.ADMIN, {"reveal", "suspend", "support-access", "assign-role", "revoke-role"}),
    ],
)
def test_buttons_are_those_that_would_not_be_refused(
    maya: User, role: Role, buttons: set[str]
) -> None:
    """S5.2: what is not shown is refused, too."""
    browser = at_work(staff(role))
    offered = browser.get(page("accounts_user", maya)).context["object_actions"]
    assert {each["url"].rstrip("/").rpartition("/")[2] for each in offered} == buttons
    every = {"reveal", "suspend", "support-access", "assign-role", "revoke-role"}
    for action in every - buttons:
        assert browser.post(page("accounts_user", maya, action), REASON).status_code == 403


def test_roles_are_given_and_taken_by_admins_never_to_themselves(maya: User) -> None:
    """S5.3, S5.4."""
    boss = staff(Role.ADMIN)
    browser = at_work(boss)
    give, take = (page("accounts_user", maya, each) for each in ("assign-role", "revoke-role"))
    assert browser.post(give, {"role": "support", **REASON}).status_code == 302
    assert AuditEvent.objects.get(action="role.assigned").after == {
        "roles": ["student", "support"]
    }  # fmt: skip
    assert browser.post(give, {"role": "support", **REASON}).status_code == 409
    assert browser.post(take, {"role": "support", **REASON}).status_code == 302
    own = page("accounts_user", boss, "assign-role")
    assert browser.post(own, {"role": "finance", **REASON}).status_code == 403
    last = page("accounts_user", boss, "revoke-role")
    refused = browser.post(last, {"role": "admin", **REASON})
    assert refused.status_code == 409
    assert b"There must be at least one admin." in refused.content


def test_an_account_is_opened_as_support_for_some_hours(maya: User) -> None:
    """S5.5."""
    agent = staff(Role.SUPPORT)
    answer = at_work(agent).post(
        page("accounts_user", maya, "support-access"), {"hours": "2", **REASON}
    )
    assert answer.status_code == 302
    assert UserGrant.objects.live().get(user=agent).content_object == maya


def test_a_change_asks_again_who_it_is(maya: User) -> None:
    """S17.12."""
    browser = at_work(staff(Role.ADMIN), is_fresh=False)
    assert browser.get(page("accounts_user", maya)).status_code == 200
    for address in (
        page("accounts_user", maya, "suspend"),
        page("catalog_service", ServiceFactory()),
        reverse("admin:catalog_policy_add"),
    ):
        assert browser.get(address)["Location"].startswith("/accounts/reauthenticate/?next=")
    asked = browser.post(page("accounts_user", maya, "suspend"), REASON)
    assert asked["Location"].startswith("/accounts/reauthenticate/")
    maya.refresh_from_db()
    assert maya.is_active


# --- What nobody changes --------------------------------------------------------------------------
def test_ledger_consents_and_audit_are_only_read(maya: User) -> None:
    """S17.12."""
    make.pay(make.lesson_to_pay())
    browser = at_work(staff(Role.ADMIN))
    browser.get(page("accounts_user", maya))
    rows = {
        "payments_ledgertransaction": LedgerTransaction.objects.first(),
        "accounts_auditevent": AuditEvent.objects.first(),
        "catalog_policy": Policy.objects.current(),
    }
    for kind, row in rows.items():
        answer = browser.get(page(kind, row))
        assert answer.status_code == 200
        assert b'name="_save"' not in answer.content
        assert browser.post(page(kind, row), {"kind": "gift", **REASON}).status_code == 403


# --- The catalogue --------------------------------------------------------------------------------
def test_keywords_are_edited_with_a_reason_and_searched_at_once() -> None:
    """P27, S7.6, S5.9."""
    service = ServiceFactory(name="Oud", description="Strings of the east", keywords=["lute"])
    moderator = staff(Role.MODERATOR)
    browser = at_work(moderator)
    data = {"description": "Strings of the east", "keywords": "lute, ud", "is_active": "on"}
    refused = browser.post(page("catalog_service", service), data)
    assert refused.status_code == 422
    assert b"lute, ud" in refused.content
    assert browser.post(page("catalog_service", service), data | REASON).status_code == 302
    assert Service.objects.get(pk=service.pk).keywords == ["lute", "ud"]
    phrases = ServicePhrase.objects.filter(service=service).values_list("phrase", flat=True)
    assert {"lute", "ud", "oud"} == set(phrases)
    event = AuditEvent.objects.get(action="service.changed")
    assert (event.actor, event.reason) == (moderator, REASON["reason"])
    assert event.after == {"keywords": ["lute", "ud"]}


def test_numbers_of_the_business_change_by_a_new_row() -> None:
    """00 section 6: effective for new rows only."""
    before = Policy.objects.current()
    browser = at_work(staff(Role.ADMIN))
    form = browser.get(reverse("admin:catalog_policy_add")).context["adminform"].form
    data = {name: form[name].value() for name in form.fields if name != "reason"}
    assert data["fee_standard_pct"] == before.fee_standard_pct
    add = reverse("admin:catalog_policy_add")
    wrong = browser.post(add, data | REASON | {"credit_cancel_hours": 90})
    assert wrong.status_code == 422
    assert browser.post(add, data | REASON | {"fee_standard_pct": 12}).status_code == 302
    now = Policy.objects.current()
    assert (now.fee_standard_pct, now.hold_minutes) == (12, before.hold_minutes)
    before.refresh_from_db()
    assert before.fee_standard_pct == 15
    assert AuditEvent.objects.get(action="policy.added").after == {"fee_standard_pct": 12}
    assert at_work(staff(Role.FINANCE)).get(add).status_code == 403


# --- Lessons, reviews, profiles -------------------------------------------------------------------
def test_support_cancels_a_lesson_and_everything_goes_back(maya: User) -> None:
    """T10, C7."""
    lesson = make.lesson_to_pay(start_at=tomorrow_at(10, days=3))
    make.pay(lesson)
    agent = staff(Role.SUPPORT)
    browser = at_work(agent)
    address = page("lessons_booking", lesson)
    assert browser.get(address).status_code == 200
    assert AuditEvent.objects.get(action="booking.read").subject == lesson.student
    cancel = page("lessons_booking", lesson, "cancel")
    assert browser.post(cancel, {"reason": "short"}).status_code == 422
    assert browser.post(cancel, REASON)["Location"] == address
    lesson.refresh_from_db()
    assert lesson.status == "cancelled_staff"
    refund = Refund.objects.get(attempt__booking=lesson)
    assert refund.amount_cents + refund.credit_cents == lesson.total_cents
    assert not ledger_imbalances()
    mails = OutgoingMail.objects.filter(kind__contains="cancelled")
    assert mails.count() == 2
    assert all("We had to cancel this lesson" in mail.text for mail in mails)
    event = AuditEvent.objects.get(action="booking.cancelled")
    assert (event.before, event.after["status"]) == ({"status": "confirmed"}, "cancelled_staff")
    assert browser.post(cancel, REASON).status_code == 409


def test_reviews_are_hidden_and_shown_again_the_second_is_told(maya: User) -> None:
    """P25, S5.10."""
    review = ReviewFactory()
    one, two = at_work(staff(Role.MODERATOR)), at_work(staff(Role.MODERATOR))
    hide = page("reviews_review", review, "hide")
    assert one.post(hide, REASON).status_code == 302
    second = two.post(hide, {"reason": "Another reason to hide it."})
    assert second.status_code == 409
    assert REASON["reason"].encode() in second.content
    assert not Review.objects.published(clock.now()).filter(pk=review.pk).exists()
    assert two.post(page("reviews_review", review, "restore"), REASON).status_code == 302
    assert Review.objects.published(clock.now()).filter(pk=review.pk).exists()


def test_nobody_decides_on_what_concerns_them() -> None:
    """S5.10."""
    moderator = staff(Role.MODERATOR)
    moderator.groups.add(Group.objects.get(name=Role.STUDENT.value))
    review = ReviewFactory(booking__student=moderator)
    profile = InstructorFactory(user=moderator)
    browser = at_work(moderator)
    assert not browser.get(page("reviews_review", review)).context["object_actions"]
    assert browser.post(page("reviews_review", review, "hide"), REASON).status_code == 403
    check = page("catalog_instructor", profile, "background-check")
    answer = browser.post(check, {"checked_on": "2026-01-01", **REASON})
    assert answer.status_code == 403


def test_a_background_check_is_recorded_and_never_put_back() -> None:
    """P26, S15.10."""
    profile = InstructorFactory(background_checked_on=clock.now().date() - timedelta(days=400))
    browser = at_work(staff(Role.MODERATOR))
    check = page("catalog_instructor", profile, "background-check")
    today = clock.now().astimezone(clock.NEW_YORK).date()
    future = browser.post(check, {"checked_on": f"{today + timedelta(days=2)}", **REASON})
    assert future.status_code == 422
    assert browser.post(check, {"checked_on": f"{today}", **REASON}).status_code == 302
    profile.refresh_from_db()
    assert profile.background_checked_on == today
    assert browser.post(check, {"checked_on": f"{today}", **REASON}).status_code == 409


def test_unknown_rows_and_actions_do_not_exist(maya: User) -> None:
    browser = at_work(staff(Role.ADMIN))
    assert browser.get("/admin/accounts/user/0/change/").status_code == 404
    assert browser.get("/admin/accounts/user/x/change/").status_code == 404
    assert browser.get(page("accounts_user", maya, "erase")).status_code == 404
    assert browser.get("/admin/auth/group/").status_code == 404


def test_support_staff_keep_no_way_to_edit_people(maya: User) -> None:
    browser = at_work(staff(Role.SUPPORT))
    changed = browser.post(page("accounts_user", maya), {"is_active": "", **REASON})
    assert changed.status_code == 403
    assert VerifiedUserFactory._meta.model.objects.get(pk=maya.pk).is_active


def test_a_list_keeps_its_filter_while_somebody_searches(maya: User) -> None:
    address = f"{reverse('admin:accounts_user_changelist')}?is_active__exact=1"
    html = at_work(staff(Role.SUPPORT)).get(address).content.decode()
    assert '<input type="hidden" name="is_active__exact" value="1">' in html


@pytest.mark.parametrize(
    "lookup",
    ["email__startswith=m", "password__startswith=x", "phone__startswith=%2B1", "last_name=Cohen"],
)
def test_filters_tell_nothing_that_is_masked(maya: User, lookup: str) -> None:
    """P18: only the filters that the list offers; Django refuses others with 400."""
    address = f"{reverse('admin:accounts_user_changelist')}?{lookup}"
    assert at_work(staff(Role.MODERATOR)).get(address).status_code == 400


@pytest.mark.parametrize(("words", "found"), [("Quarrington", 1), ("Quarr", 0), ("quarr@", 0)])
def test_people_are_found_by_whole_words_only(words: str, found: int) -> None:
    student(email="quarr@example.com", last_name="Quarrington")
    answer = at_work(staff(Role.SUPPORT)).get(
        reverse("admin:accounts_user_changelist"), {"q": words}
    )
    assert answer.context["cl"].result_count == found


@pytest.mark.parametrize("method", ["get", "head", "put", "patch"])
def test_every_way_of_reading_is_written_down(maya: User, method: str) -> None:
    """S5.7."""
    getattr(at_work(staff(Role.MODERATOR)), method)(page("accounts_user", maya))
    assert AuditEvent.objects.filter(action="user.read").exists()


def test_support_is_shown_no_way_to_suspend_who_may_do_more() -> None:
    """S5.2."""
    boss, agent = staff(Role.ADMIN), at_work(staff(Role.SUPPORT))
    assert "/suspend/" not in agent.get(page("accounts_user", boss)).content.decode()
    assert agent.post(page("accounts_user", boss, "suspend"), REASON).status_code == 403


def test_a_lesson_that_has_ended_is_not_offered_for_canceling() -> None:
    ended = BookingFactory(start_at=tomorrow_at(10, days=-3))
    browser = at_work(staff(Role.SUPPORT))
    offered = browser.get(page("lessons_booking", ended)).context["object_actions"]
    assert [each["label"] for each in offered] == ["Open as support"]


# --- A lesson opened as support -------------------------------------------------------------------
def test_support_opens_a_lesson_for_some_hours_and_the_student_ends_it(maya: User) -> None:
    """S5.5, S5.7: place and words are hidden without it; it is listed, told and ended."""
    lesson = BookingFactory(student=maya, address="45 Carroll Street", note="Ring twice")
    agent = staff(Role.SUPPORT)
    desk = at_work(agent)
    before = desk.get(page("lessons_booking", lesson)).content.decode()
    assert "45 Carroll Street" not in before
    assert "Ring twice" not in before
    form = {"hours": "2", "reason": "They cannot find the address."}
    answer = desk.post(page("lessons_booking", lesson, "support-access"), form)
    assert answer.status_code == 302
    opened = desk.get(page("lessons_booking", lesson)).content.decode()
    assert "45 Carroll Street" in opened
    assert "Ring twice" in opened
    other = at_work(staff(Role.SUPPORT)).get(page("lessons_booking", lesson)).content.decode()
    assert "45 Carroll Street" not in other
    mail = OutgoingMail.objects.get(kind="support_access")
    assert (mail.to, "one of your lessons" in mail.text) == (maya.email, True)
    grant = BookingGrant.objects.get()
    assert grant.expires_at - clock.now() <= timedelta(hours=2)
    assert AuditEvent.objects.filter(action="support_access.given", subject=maya).exists()
    BookingGrant.objects.update(expires_at=clock.now())
    assert "Ring twice" not in desk.get(page("lessons_booking", lesson)).content.decode()


def test_roles_without_users_manage_never_see_place_and_words(maya: User) -> None:
    """S5.5: the grant is checked together with the permission of the role."""
    lesson = BookingFactory(student=maya, address="45 Carroll Street", note="Ring twice")
    agent = staff(Role.FINANCE)
    BookingGrant.objects.create(
        user=agent, content_object=lesson, granted_by=agent, reason="By hand in the database.",
        expires_at=clock.now() + timedelta(hours=1),
        permission=Permission.objects.get(codename="support_access", content_type__model="booking"),
    )  # fmt: skip
    text = at_work(agent).get(page("lessons_booking", lesson)).content.decode()
    assert "Ring twice" not in text


def test_strike_is_taken_back_and_a_report_decided_in_the_admin(maya: User) -> None:
    """T14, S15.15: with a reason and an audit row; the money follows the decision."""
    lesson = BookingFactory(student=maya, status="reported")
    make.pay(lesson)
    old = BookingFactory(
        offering=lesson.offering, status="cancelled_instructor", start_at=tomorrow_at(15),
        cancelled_at=clock.now(),
    )  # fmt: skip
    strike = Strike.objects.create(instructor=lesson.instructor, booking=old, reason="no_show")
    desk = at_work(staff(Role.SUPPORT))
    assert desk.post(page("lessons_strike", strike, "withdraw"), REASON).status_code == 302
    strike.refresh_from_db()
    assert strike.withdrawn_at is not None
    form = {**REASON, "status": "no_show_instructor"}
    assert desk.post(page("lessons_booking", lesson, "decide"), form).status_code == 302
    lesson.refresh_from_db()
    assert lesson.status == "no_show_instructor"
    assert Refund.objects.get().amount_cents == lesson.total_cents
    assert ledger_imbalances() == []
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"strike.withdrawn", "booking.decided"} <= actions


def test_support_names_finance_above_its_limit(maya: User) -> None:
    """S14.9: more than $200 for one lesson is not for support."""
    lesson = BookingFactory(student=maya, price_cents=25000, address="")
    make.pay(lesson)
    desk = at_work(staff(Role.SUPPORT))
    answer = desk.post(page("lessons_booking", lesson, "cancel"), REASON)
    assert answer.status_code == 403
    assert "finance" in answer.content.decode()
    lesson.refresh_from_db()
    assert lesson.status == "confirmed"
    less = desk.post(page("lessons_booking", lesson, "cancel"), {**REASON, "card": "150.00"})
    assert less.status_code == 302
    assert Refund.objects.get().amount_cents == 15000


def test_profile_is_suspended_and_reinstated(maya: User) -> None:
    """S15.2: out of bookings and back, each with a reason; never one's own."""
    instructor = InstructorFactory()
    desk = at_work(staff(Role.MODERATOR))
    for action, status in (("suspend", "suspended"), ("reinstate", "live")):
        assert desk.post(page("catalog_instructor", instructor, action), REASON).status_code == 302
        instructor.refresh_from_db()
        assert instructor.status == status
    moderator = staff(Role.MODERATOR)
    own = InstructorFactory(user=moderator)
    answer = at_work(moderator).post(page("catalog_instructor", own, "suspend"), REASON)
    assert answer.status_code == 403

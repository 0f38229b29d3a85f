"""People in the admin: looked up with their data masked, acted on through services (P18-P20)."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import role_changes, suspension
from accounts.audit import record_event
from accounts.models import AuditEvent, User
from accounts.profile import spoken_phone
from accounts.roles import Role, roles_of
from accounts.staff_admin import ObjectAction, ReasonForm, StaffAdmin
from accounts.support_access import take_support_access
from accounts.viewing import begin_viewing, enter, may_view
from privacy.models import Consent


def masked(text: str) -> str:
    """Return the first letter and no more: enough to tell two rows apart."""
    return f"{text[:1]}•••" if text else ""


def masked_email(address: str) -> str:
    """Return an address whose name is hidden: ``s•••@example.com``."""
    name, at, host = address.partition("@")
    return f"{masked(name)}{at}{host}"


def _held(person: User) -> list[Role]:
    return roles_of(group.name for group in person.groups.all())


class RoleForm(ReasonForm):
    """Which role, and why."""

    role = forms.ChoiceField(choices=[(role.value, role.value) for role in Role])
    field_order = ("role", "reason")


class HoursForm(ReasonForm):
    """For how long, and why."""

    hours = forms.IntegerField(min_value=1, max_value=24, initial=1, label="Hours")
    field_order = ("hours", "reason")


@transaction.atomic
def reveal(by: User, person: User, given: dict[str, Any]) -> list[tuple[str, str]]:
    """Return name, address and phone of a person, and write down who asked and why. Spec: P18."""
    record_event("user.revealed", by=by, on=person, reason=given["reason"])
    return [
        ("Name", person.full_name),
        ("E-mail", person.email),
        ("Phone", spoken_phone(person.phone)),
    ]


def _suspend(by: User, person: User, given: dict[str, Any]) -> None:
    suspension.suspend_account(by=by, person=person, reason=given["reason"])


def _reinstate(by: User, person: User, given: dict[str, Any]) -> None:
    suspension.reinstate_account(by=by, person=person, reason=given["reason"])


def _assign(by: User, person: User, given: dict[str, Any]) -> None:
    role_changes.assign_role(by=by, to=person, role=Role(given["role"]), reason=given["reason"])


def _revoke(by: User, person: User, given: dict[str, Any]) -> None:
    role_changes.revoke_role(by=by, to=person, role=Role(given["role"]), reason=given["reason"])


def _open(by: User, person: User, given: dict[str, Any]) -> None:
    take_support_access(
        by=by, on=person, owner=person, hours=given["hours"], reason=given["reason"]
    )


def _view(by: User, person: User, given: dict[str, Any]) -> None:
    begin_viewing(by=by, person=person, reason=given["reason"])


def _enter(request: HttpRequest, person: User) -> HttpResponse:
    enter(request, person)
    return redirect("home")


def _is_other(by: User, person: User) -> bool:
    return by.pk != person.pk


@admin.register(User)
class UserAdmin(StaffAdmin):
    """Accounts. Names and addresses are hidden until somebody says why they need them."""

    view_permissions = ("users.view",)
    is_read_recorded = True
    list_display = (
        "public_id",
        "masked_name",
        "masked_address",
        "role_names",
        "is_active",
        "joined_at",
    )
    list_filter = ("groups", "is_active", "is_staff", "joined_at")
    search_fields = ("=public_id", "=email", "=phone", "=first_name", "=last_name")
    search_help_text = "Public id, or the whole e-mail address, phone, first or last name."
    ordering = ("-joined_at",)
    fields = (
        "public_id",
        "masked_name",
        "masked_address",
        "masked_phone",
        "role_names",
        "zone",
        "is_active",
        "is_staff",
        "joined_at",
        "last_login",
    )
    readonly_fields = fields
    object_actions = (
        ObjectAction(
            "reveal", "Show personal data", "users.view", reveal,
            shows="admin/staff_revealed.html",
        ),
        ObjectAction(
            "suspend", "Suspend", "users.manage", _suspend, is_danger=True,
            is_offered=lambda by, person: person.is_active and suspension.may_suspend(by, person),
            note="All sessions of this person end with their next request. Their lessons stay.",
            done="The account is suspended.",
        ),
        ObjectAction(
            "reinstate", "Reinstate", "users.manage", _reinstate,
            is_offered=lambda by, person: (
                not person.is_active and suspension.may_suspend(by, person)
            ),
            done="The account is open again.",
        ),
        ObjectAction(
            "assign-role", "Give a role", "roles.assign", _assign, form=RoleForm,
            is_offered=_is_other, done="The role is given.",
        ),
        ObjectAction(
            "revoke-role", "Take a role", "roles.assign", _revoke, form=RoleForm,
            is_offered=lambda _by, person: bool(_held(person)), is_danger=True,
            done="The role is taken. Their next request is made without it.",
        ),
        ObjectAction(
            "support-access", "Open as support", "users.manage", _open, form=HoursForm,
            is_offered=lambda by, person: _is_other(by, person) and not person.is_staff,
            note="The person is told by mail and can end it. It ends by itself.",
            done="You can open this account until the hours are over.",
        ),
        ObjectAction(
            "view-as", "See the site as this person", "users.manage", _view,
            is_offered=may_view, then=_enter,
            note="For at most 30 minutes. You can change nothing, and it is written down.",
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Return accounts with their roles."""
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description="Name")
    def masked_name(self, person: User) -> str:
        """First name and initial, as everybody sees them."""
        return person.short_name

    @admin.display(description="E-mail")
    def masked_address(self, person: User) -> str:
        """The address without its name."""
        return masked_email(person.email)

    @admin.display(description="Phone")
    def masked_phone(self, person: User) -> str:
        """The last two digits."""
        return f"••• {person.phone[-2:]}" if person.phone else ""

    @admin.display(description="Roles")
    def role_names(self, person: User) -> str:
        """The roles, in the order of the matrix."""
        return ", ".join(role.value for role in _held(person))


@admin.register(AuditEvent)
class AuditEventAdmin(StaffAdmin):
    """What staff did; nobody changes it, not even here."""

    view_permissions = ("system.monitor",)
    list_display = ("at", "action", "object_kind", "object_id", "by", "about", "reason")
    list_filter = ("action", "object_kind", "at")
    list_select_related = ("actor", "subject")
    search_fields = (
        "=object_id",
        "=public_id",
        "=request_id",
        "=actor__public_id",
        "=subject__public_id",
    )
    search_help_text = "An id: of the row, the request or a person."
    date_hierarchy = "at"
    ordering = ("-at", "-pk")
    fields = (
        "public_id",
        "at",
        "action",
        "object_kind",
        "object_id",
        "by",
        "about",
        "before",
        "after",
        "reason",
        "request_id",
    )
    readonly_fields = fields
    sortable_by: ClassVar[tuple[str, ...]] = ("at",)

    @admin.display(description="By")
    def by(self, event: AuditEvent) -> str:
        """Who did it: an id, a pseudonym, or the system."""
        return event.actor.public_id if event.actor else event.actor_pseudonym or "the system"

    @admin.display(description="About")
    def about(self, event: AuditEvent) -> str:
        """Whom it concerns."""
        return event.subject.public_id if event.subject else event.subject_pseudonym


@admin.register(Consent)
class ConsentAdmin(StaffAdmin):
    """What people agreed to; nobody changes it (Spec: S6.4, S17.12)."""

    view_permissions = ("users.manage",)
    list_display = ("person", "purpose", "is_given", "version", "page", "created_at")
    list_filter = ("purpose", "is_given", "created_at")
    list_select_related = ("user",)
    search_fields = ("=user__public_id",)
    search_help_text = "The person's id."
    ordering = ("-created_at",)
    fields = ("person", "purpose", "is_given", "version", "page", "created_at")
    readonly_fields = fields

    @admin.display(description="Person")
    def person(self, consent: Consent) -> str:
        """The person's id."""
        return consent.user.public_id

"""The catalogue, profiles and business numbers in the admin (P18, P26, P27, P30)."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.forms.models import model_to_dict
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import User
from accounts.staff_admin import (
    ObjectAction,
    ReasonedModelForm,
    ReasonForm,
    StaffAdmin,
    StaffQueue,
    staff_site,
    waiting_of,
)
from catalog.importer import sync_phrases
from catalog.models import (
    Category,
    Instructor,
    Neighborhood,
    Offering,
    Policy,
    ProfileReport,
    Service,
    ServiceSuggestion,
    TeachingInterest,
)
from catalog.services import (
    record_background_check,
    reinstate_instructor,
    suspend_instructor,
)
from instainstru.page_store.versions import CATALOGUE, bump
from instainstru.templatetags.ui import money_exact

MANAGE, VERIFY = "catalog.manage", "instructors.verify"


class CatalogAdmin(StaffAdmin):
    """Rows that the catalogue's staff edit; pages and search follow within a minute (S7.6)."""

    view_permissions = (MANAGE,)
    change_permission = MANAGE

    def after_change(self, row: Any, changed: Sequence[str]) -> None:
        """Outdate the pages that show the catalogue."""
        bump(CATALOGUE)


@admin.register(Category)
class CategoryAdmin(CatalogAdmin):
    """The nine categories; their addresses stay."""

    list_display = ("name", "slug", "position", "icon")
    fields = ("name", "slug", "icon")
    readonly_fields = ("slug",)


@admin.register(Service)
class ServiceAdmin(CatalogAdmin):
    """What can be learnt; names and addresses come from the catalogue files."""

    list_display = ("name", "category", "subcategory", "is_active")
    list_filter = ("category", "is_active")
    list_select_related = ("category",)
    search_fields = ("name", "=slug", "keywords")
    search_help_text = "Name, address or keyword."
    fields = ("name", "slug", "category", "subcategory", "description", "keywords", "is_active")
    readonly_fields = ("name", "slug", "category", "subcategory")

    def after_change(self, row: Service, changed: Sequence[str]) -> None:
        """Let search find the new keywords."""
        if "keywords" in changed:
            sync_phrases([row])
        super().after_change(row, changed)


@admin.register(Neighborhood)
class NeighborhoodAdmin(CatalogAdmin):
    """Where lessons happen, and what people call it."""

    list_display = ("name", "borough", "aliases")
    list_filter = ("borough",)
    search_fields = ("name", "=slug", "aliases")
    fields = ("name", "slug", "borough", "latitude", "longitude", "aliases")
    readonly_fields = ("name", "slug", "borough", "latitude", "longitude")


class BackgroundForm(ReasonForm):
    """When the check was passed, and where that is written."""

    checked_on = forms.DateField(label="Passed on", widget=forms.DateInput(attrs={"type": "date"}))
    field_order = ("checked_on", "reason")


def _check(by: User, instructor: Instructor, given: dict[str, Any]) -> None:
    record_background_check(
        by=by,
        instructor_id=instructor.pk,
        checked_on=given["checked_on"],
        reason=given["reason"],
    )


def _suspend(by: User, instructor: Instructor, given: dict[str, Any]) -> None:
    suspend_instructor(instructor.pk, by=by, reason=given["reason"])


def _reinstate(by: User, instructor: Instructor, given: dict[str, Any]) -> None:
    reinstate_instructor(instructor.pk, by=by, reason=given["reason"])


@admin.register(Instructor)
class InstructorAdmin(StaffAdmin):
    """Profiles; who looks at one is written down (Spec: S5.7)."""

    view_permissions = ("users.view", VERIFY)
    is_read_recorded = True
    list_display = (
        "display_name",
        "slug",
        "status",
        "base_neighborhood",
        "background_checked_on",
        "is_founding",
        "created_at",
    )
    list_filter = ("status", "is_founding", "base_neighborhood__borough", "background_checked_on")
    list_select_related = ("base_neighborhood",)
    search_fields = ("display_name", "=slug", "=user__public_id")
    search_help_text = "Name, address or the person's id."
    ordering = ("-created_at",)
    fields = (
        "display_name", "slug", "status", "headline", "bio", "languages", "years_teaching",
        "base_neighborhood", "zone", "is_founding", "identity_verified_on",
        "background_checked_on", "created_at",
    )  # fmt: skip
    readonly_fields = fields
    object_actions = (
        ObjectAction(
            "background-check", "Record a background check", VERIFY, _check, form=BackgroundForm,
            done="The check is recorded.",
        ),
        ObjectAction(
            "suspend", "Suspend the profile", VERIFY, _suspend, is_danger=True,
            note="It leaves search, and lessons to come are canceled with all money back.",
            done="The profile is suspended.",
            is_offered=lambda _by, row: row.status in {"live", "paused"},
        ),
        ObjectAction(
            "reinstate", "Reinstate the profile", VERIFY, _reinstate,
            done="The profile is live again.",
            is_offered=lambda _by, row: row.status == "suspended",
        ),
    )  # fmt: skip

    def parties(self, row: Instructor) -> Iterable[int | None]:
        """Return the instructor."""
        return (row.user_id,)

    def subject_of(self, row: Instructor) -> User:
        """Return the person behind the profile."""
        return row.user


@admin.register(Offering)
class OfferingAdmin(StaffAdmin):
    """Who teaches what, for how much."""

    view_permissions = ("users.view", MANAGE)
    list_display = ("instructor", "service", "price_list", "is_active")
    list_filter = ("is_active", "service__category")
    list_select_related = ("instructor", "service")
    search_fields = ("=instructor__slug", "service__name")
    search_help_text = "The instructor's address, or a service."
    ordering = ("instructor", "pk")
    fields = (
        "instructor", "service", "price_list", "modalities", "levels", "age_from", "age_to",
        "materials_note", "is_active",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Offering]:
        """Return offers with their prices."""
        return super().get_queryset(request).prefetch_related("prices")

    @admin.display(description="Prices")
    def price_list(self, offer: Offering) -> str:
        """Minutes and dollars."""
        rows = offer.prices.all()
        return ", ".join(
            f"{row.duration_minutes} min {money_exact(row.price_cents)}" for row in rows
        )


class PolicyForm(ReasonedModelForm):
    """The business numbers, beginning with those in force."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        current = model_to_dict(Policy.objects.current(), exclude=["id", "created_at"])
        kwargs["initial"] = current | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)


@admin.register(Policy)
class PolicyAdmin(StaffAdmin):
    """The business numbers: a change is a new row, for what begins after it (00 section 6)."""

    view_permissions = ("system.monitor", "refunds.issue", "payouts.manage")
    change_permission = "system.monitor"
    can_add = is_append_only = True
    form = PolicyForm
    list_display = (
        "pk",
        "created_at",
        "fee_standard_pct",
        "fee_founding_pct",
        "free_cancel_hours",
        "credit_cancel_hours",
    )
    ordering = ("-pk",)
    exclude = ("created_at",)

    def after_change(self, row: Policy, changed: Sequence[str]) -> None:
        """Outdate the pages that show the numbers."""
        bump(CATALOGUE)


def _queue(label: str, kind: str, permission: str, model: Any) -> StaffQueue:
    return StaffQueue(
        label,
        permission,
        lambda: reverse("staff-inbox", args=[kind]),
        lambda: waiting_of(model.objects.filter(handled_at__isnull=True)),
    )


for _each in (
    _queue("Reports of profiles", "reports", "reviews.moderate", ProfileReport),
    _queue("Suggested services", "suggestions", MANAGE, ServiceSuggestion),
    _queue("Wishes to teach", "teaching", VERIFY, TeachingInterest),
):
    staff_site().register_queue(_each)

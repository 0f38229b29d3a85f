"""The Django admin as staff use it: every address and control follows P1-P30 (Spec: S5.11, S17.12).

Nothing here trusts Django's own add, change and delete permissions. A model's admin names the
permissions of the product that open it; a model without one is not registered at all.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html

from accounts.audit import record_event
from accounts.enrolment import STAFF_PERMISSIONS
from accounts.models import User
from accounts.models.audit import REASON_MAX, REASON_MIN
from accounts.permissions import require_uninvolved
from accounts.reauthentication import ask_again, is_fresh
from accounts.roles import STAFF_ROLES, permissions_of
from instainstru.access import Access, has_permission
from instainstru.errors import ApplicationError
from instainstru.form_fields import PlainTextField
from instainstru.http import mark_private

ANY_STAFF: Final = tuple(sorted(STAFF_PERMISSIONS))


ENDINGS: Final = (
    "exact", "id__exact", "isnull", "gte", "gt", "lt", "lte", "year", "month", "day",
)  # fmt: skip
"""How the filters of Django's lists end their lookups."""


class Waiting(NamedTuple):
    """How much of a queue is open, and since when the oldest waits."""

    rows: int
    oldest_at: datetime | None


@dataclass(frozen=True)
class StaffQueue:
    """A line of the index: what waits, where it is worked off, and who may."""

    label: str
    permission: str
    address: Callable[[], str]
    waiting: Callable[[], Waiting]


def waiting_of(rows: models.QuerySet[Any, Any], since: str = "created_at") -> Waiting:
    """Count the open rows of a queue and find the oldest, by one query."""
    found = rows.aggregate(rows=models.Count("pk"), oldest=models.Min(since))
    return Waiting(found["rows"], found["oldest"])


class StaffAdminSite(admin.AdminSite):
    """The admin behind the product's own sign-in; only what declares its permissions is in it."""

    site_header = site_title = "InstaInstru staff"
    index_title = "What waits"
    index_template = "admin/staff_index.html"
    enable_nav_sidebar = True
    final_catch_all_view = False

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.queues: list[StaffQueue] = []

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Take models whose admin is a :class:`StaffAdmin`; installed packages bring others."""
        if admin_class is not None and issubclass(admin_class, StaffAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def register_queue(self, queue: StaffQueue) -> None:
        """Show a queue on the index."""
        self.queues.append(queue)

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether somebody is staff at all; which pages they may open is asked for each."""
        return any(has_permission(request, codename) for codename in ANY_STAFF)

    def open_to(self, view: Callable[..., Any], *permissions: str) -> Callable[..., Any]:
        """Return the view as a page of the admin, open to holders of one of the permissions."""
        page: Any = self.admin_view(view)
        page.access = Access(any_of=permissions)
        return cast("Callable[..., Any]", page)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return the index, the list of an app, the words of the widgets, and the models' own."""
        urls: list[URLPattern | URLResolver] = [
            path("", self.open_to(self.index, *ANY_STAFF), name="index"),
            path("jsi18n/", self.open_to(self.i18n_javascript, *ANY_STAFF), name="jsi18n"),
        ]
        for model_admin in self._registry.values():
            urls += model_admin.get_urls()
        labels = {model._meta.app_label for model in self._registry}  # noqa: SLF001
        page = self.open_to(self.app_index, *ANY_STAFF)
        return [
            *urls,
            *(
                path(f"{label}/", page, {"app_label": label}, name="app_list")
                for label in sorted(labels)
            ),
        ]

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        """Show what waits for this person, then what they may look at."""
        lines = [
            {"label": queue.label, "url": queue.address(), "waiting": queue.waiting()}
            for queue in self.queues
            if has_permission(request, queue.permission)
        ]
        return super().index(request, {**(extra_context or {}), "queues": lines})


class ReasonForm(forms.Form):
    """The reason that every write of staff gives (Spec: S5.9)."""

    reason = PlainTextField(
        label="Reason",
        min_length=REASON_MIN,
        max_length=REASON_MAX,
        has_lines=True,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=f"{REASON_MIN} to {REASON_MAX} characters. It is kept with your name for years.",
    )


class ReasonedModelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form of one row with the reason of the change."""

    reason = ReasonForm.base_fields["reason"]


@dataclass(frozen=True)
class ObjectAction:
    """Something staff do to one row, through a service that checks, writes and records it.

    ``run`` gets ``by``, the row and the cleaned form; what it raises is shown. ``is_offered`` tells
    for which rows the button is there. ``shows`` names a template for what the action brings to
    light instead of leading back; ``then`` answers in place of the row's page.
    """

    name: str
    label: str
    permission: str
    run: Callable[[User, Any, dict[str, Any]], Any]
    form: type[forms.Form] = ReasonForm
    is_offered: Callable[[User, Any], bool] = lambda _by, _row: True
    note: str = ""
    done: str = "Done."
    shows: str = ""
    then: Callable[[HttpRequest, Any], HttpResponse] | None = None
    is_danger: bool = field(default=False)


class StaffAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Read with one of ``view_permissions``, edit with ``change_permission``; nobody deletes.

    What an object is and who it belongs to follow from the services: ``object_actions`` are the
    only other way to change something. ``parties`` are people who must not decide on a row.
    """

    view_permissions: Sequence[str] = ()
    change_permission: str = ""
    can_add: bool = False
    is_append_only: bool = False
    """A row once written stays; a change is another row."""
    object_actions: Sequence[ObjectAction] = ()
    is_read_recorded: bool = False
    """Reading one row is written down: it is about somebody (Spec: S5.7)."""

    form = ReasonedModelForm
    actions = None
    list_per_page = 50
    show_full_result_count = False
    save_as = False
    save_on_top = False
    view_on_site = False

    def parties(self, row: Any) -> Iterable[int | None]:
        """Return the keys of the people whom a decision on the row concerns. Spec: S5.10."""
        return ()

    def subject_of(self, row: Any) -> User | None:
        """Return the person whom a row is about, for the audit."""
        return row if isinstance(row, User) else None

    def after_change(self, row: Any, changed: Sequence[str]) -> None:
        """Do what follows from an edit, in its transaction."""

    # --- Who may -------------------------------------------------------------------------------
    def has_module_permission(self, request: HttpRequest) -> bool:
        """Tell whether the model is listed for somebody."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether somebody may read."""
        return any(has_permission(request, codename) for codename in self.view_permissions)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether somebody may edit the fields."""
        return not self.is_append_only and self._may_write(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell whether somebody may add a row."""
        return self.can_add and self._may_write(request)

    def _may_write(self, request: HttpRequest) -> bool:
        return bool(self.change_permission) and has_permission(request, self.change_permission)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes rows here: they are switched off, or erased with the person."""
        return False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Allow the filters of the list alone.

        Django allows any column of the model, which would tell what is masked letter by letter.
        """
        names = [name for name in (*self.list_filter, self.date_hierarchy) if name]
        return any(
            lookup == name or lookup in {f"{name}__{end}" for end in ENDINGS} for name in names
        )

    # --- Addresses -----------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        """Return list, form and actions, each open to those who may read the model."""
        site: StaffAdminSite = cast("StaffAdminSite", self.admin_site)
        opts = self.opts
        base, name = f"{opts.app_label}/{opts.model_name}/", f"{opts.app_label}_{opts.model_name}"
        may = self.view_permissions
        urls = [path(base, site.open_to(self.changelist_view, *may), name=f"{name}_changelist")]
        if self.can_add:
            view = site.open_to(self.add_view, self.change_permission)
            urls.append(path(f"{base}add/", view, name=f"{name}_add"))
        view = site.open_to(self.change_view, *may)
        urls.append(path(f"{base}<path:object_id>/change/", view, name=f"{name}_change"))
        if self.object_actions:
            who = dict.fromkeys(action.permission for action in self.object_actions)
            view = site.open_to(self.action_view, *who)
            address = f"{base}<path:object_id>/<slug:action>/"
            urls.append(path(address, view, name=f"{name}_action"))
        return urls

    # --- Reading and editing ---------------------------------------------------------------------
    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields; whoever may edit is asked why."""
        shown = [name for name in super().get_fields(request, obj) if name != "reason"]
        if self._is_editable(request, obj):
            return [*(self._as_shown(name) for name in shown), "reason"]
        return [self._as_shown(name) for name in shown]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return what nobody edits; rows of other models are shown without a closed door."""
        return [self._as_shown(name) for name in super().get_readonly_fields(request, obj)]

    def _as_shown(self, name: Any) -> Any:
        """Return a read-only relation as a column of ours: Django would link to it regardless."""
        if name in self._relations:
            return self._relations[name]
        return name

    @cached_property
    def _relations(self) -> dict[str, Callable[[Any], Any]]:
        fields = self.opts.concrete_fields
        return {
            each.name: self._relation(each)
            for each in fields
            if each.is_relation and each.name in self.readonly_fields
        }

    def _relation(self, relation: Any) -> Callable[[Any], Any]:
        def show(row: Any) -> Any:
            other = getattr(row, relation.name)
            target: Any = self.admin_site._registry.get(relation.related_model)  # noqa: SLF001
            if other is None or target is None or not self._may_all_open(target):
                return other
            return format_html('<a href="{}">{}</a>', target.page_of(other), other)

        show.short_description = relation.verbose_name  # type: ignore[attr-defined]
        return show

    def _may_all_open(self, target: "StaffAdmin") -> bool:
        """Tell whether every role that reads these rows may read those, too."""
        held = [permissions_of(role) for role in STAFF_ROLES]
        readers = [each for each in held if not each.isdisjoint(self.view_permissions)]
        return not any(each.isdisjoint(target.view_permissions) for each in readers)

    def _is_editable(self, request: HttpRequest, obj: Any) -> bool:
        if obj is None:
            return self.has_add_permission(request)
        return self.has_change_permission(request, obj)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """List the rows; a page of staff is for no cache."""
        if any("\x00" in text for _, texts in request.GET.lists() for text in texts):
            # No text of PostgreSQL holds it; Django leads back from its other wrong filters so.
            return redirect(f"{request.path}?{ERROR_FLAG}=1")
        answer: HttpResponse = super().changelist_view(request, extra_context)
        return mark_private(answer)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """Show and take the form; changes want a fresh sign-in before anything is typed."""
        row = None if object_id is None else self._row(request, object_id)
        if self._is_editable(request, row) and not is_fresh(request):
            return ask_again(request, request.path)
        if row is not None and self.is_read_recorded and request.method != "POST":
            self._record_reading(request, row)
        extra = {
            **(extra_context or {}),
            "show_save_and_continue": False,
            "show_save_and_add_another": False,
            "object_actions": [] if row is None else self._offered(request, row),
        }
        answer: HttpResponse = super().changeform_view(request, object_id, form_url, extra)
        # A form that comes back was refused (Spec: G2).
        if request.method == "POST" and answer.status_code == 200:  # noqa: PLR2004
            answer.status_code = 422
        return mark_private(answer)

    def _row(self, request: HttpRequest, object_id: str) -> Any:
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404("no such row")
        return row

    def _record_reading(self, request: HttpRequest, row: Any) -> None:
        with transaction.atomic():
            record_event(
                f"{self.opts.model_name}.read",
                by=cast("User", request.user),
                on=row,
                subject=self.subject_of(row),
            )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save and write down what changed and why; the form's transaction holds both."""
        changed = [name for name in form.changed_data if name != "reason"]
        before = {name: _plain(form.initial.get(name)) for name in changed} if change else None
        super().save_model(request, obj, form, change)
        record_event(
            f"{self.opts.model_name}.{'changed' if change else 'added'}",
            by=cast("User", request.user),
            on=obj,
            before=before,
            after={name: _plain(form.cleaned_data[name]) for name in changed},
            reason=form.cleaned_data["reason"],
        )
        self.after_change(obj, changed)

    def log_addition(self, *_: Any) -> None:  # type: ignore[override]
        """Write nothing: the audit is the only log of what staff did."""

    def log_change(self, *_: Any) -> None:  # type: ignore[override]
        """Write nothing: the audit is the only log of what staff did."""

    # --- Acting ----------------------------------------------------------------------------------
    def _offered(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        by = cast("User", request.user)
        return [
            {"label": action.label, "url": self._address(row, action), "danger": action.is_danger}
            for action in self.object_actions
            if has_permission(request, action.permission)
            and by.pk not in self.parties(row)
            and action.is_offered(by, row)
        ]

    def _address(self, row: Any, action: ObjectAction) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_action"
        return reverse(name, args=[row.pk, action.name])

    def page_of(self, row: Any) -> str:
        """Return the address of a row's page."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return reverse(name, args=[row.pk])

    def action_view(self, request: HttpRequest, object_id: str, action: str) -> HttpResponse:
        """Ask for the reason and what else an action needs, then do it or say why not."""
        found = next((each for each in self.object_actions if each.name == action), None)
        if found is None:
            raise Http404("no such action")
        if not has_permission(request, found.permission):
            raise PermissionDenied(found.permission)
        row = self._row(request, object_id)
        if not is_fresh(request):
            return ask_again(request, request.path)
        form = found.form(request.POST if request.method == "POST" else None)
        status, brought = 200, None
        if form.is_bound:
            status = 422
            if form.is_valid():
                try:
                    brought = self._act(cast("User", request.user), row, found, form)
                except ApplicationError as error:
                    status = error.status
                    form.add_error(None, error.message)
                else:
                    if found.then is not None:
                        return found.then(request, row)
                    if not found.shows:
                        messages.success(request, found.done)
                        return redirect(self.page_of(row))
                    status = 200
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": found.label,
            "original": row,
            "action": found,
            "form": form,
            "brought": brought,
            "back": self.page_of(row),
        }
        template = found.shows if brought is not None else "admin/staff_action.html"
        return mark_private(TemplateResponse(request, template, context, status=status))

    def _act(self, by: User, row: Any, action: ObjectAction, form: forms.Form) -> Any:
        require_uninvolved(by, *self.parties(row))
        return action.run(by, row, form.cleaned_data)


def _plain(value: Any) -> Any:
    """Return a value as JSON holds it: rows by their key, dates and choices as text."""
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def staff_site() -> StaffAdminSite:
    """Return the admin of this process."""
    return cast("StaffAdminSite", admin.site)

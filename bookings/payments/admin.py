"""Money in the admin: read only, to the last cent (P23, P24; Spec: S17.12)."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from accounts.models import User
from accounts.reauthentication import ask_again, is_fresh
from accounts.staff_admin import (
    ObjectAction,
    ReasonedModelForm,
    StaffAdmin,
    StaffQueue,
    Waiting,
    staff_site,
    waiting_of,
)
from bookings.payments.models import (
    Credit,
    LedgerTransaction,
    Payee,
    PaymentAttempt,
    Payout,
    PromoCode,
    Reconciliation,
    Refund,
    TaxRecord,
)
from bookings.payments.services.payees import hold_payouts, release_payouts
from bookings.payments.services.promos import normal_code
from bookings.payments.services.tax_records import (
    TaxSheet,
    make_own_tax_records,
    read_tax_record,
)
from bookings.payments.tax_files import TAX_COLUMNS, export_tax_records, tax_id_words
from instainstru.csv_files import csv_response
from instainstru.errors import ConflictError
from instainstru.form_fields import PlainTextField
from instainstru.templatetags.ui import money_exact

UNREADABLE = "No key of this site opens it"
MONEY: tuple[str, ...] = ("refunds.issue", "payouts.manage")


class MoneyAdmin(StaffAdmin):
    """Rows that only the payment services write."""

    view_permissions: Sequence[str] = MONEY

    @admin.display(description="Card", ordering="amount_cents")
    def card(self, row: Any) -> str:
        """Cents of the card as dollars."""
        return money_exact(row.amount_cents)

    @admin.display(description="Credit", ordering="credit_cents")
    def credit(self, row: Any) -> str:
        """Cents of credit as dollars."""
        return money_exact(row.credit_cents)


@admin.register(PaymentAttempt)
class PaymentAttemptAdmin(MoneyAdmin):
    """Tries to pay."""

    list_display = (
        "idempotency_key",
        "booking",
        "status",
        "card",
        "credit",
        "decline_reason",
        "created_at",
    )
    list_filter = ("status", "gateway", "created_at")
    list_select_related = ("booking",)
    search_fields = (
        "=booking__code",
        "=booking__hold_id",
        "=gateway_reference",
        "=idempotency_key",
    )
    search_help_text = "Lesson code, hold, the gateway's reference, or the key."
    ordering = ("-created_at",)
    fields = (
        "booking", "number", "status", "card", "credit", "gateway", "gateway_reference",
        "decline_reason", "card_brand", "card_last4", "refunded_cents", "credited_cents",
        "created_at", "settled_at", "recorded_at",
    )  # fmt: skip
    readonly_fields = fields


@admin.register(Refund)
class RefundAdmin(MoneyAdmin):
    """Money on its way back."""

    list_display = ("key", "status", "card", "credit", "tries", "next_try_at", "created_at")
    list_filter = ("status", "created_at")
    search_fields = ("=key", "=gateway_reference", "=attempt__booking__code")
    search_help_text = "The key, the gateway's reference, or the lesson code."
    ordering = ("-created_at",)
    fields = (
        "key", "attempt", "status", "card", "credit", "tries", "next_try_at", "gateway_reference",
        "created_at", "settled_at",
    )  # fmt: skip
    readonly_fields = fields


@admin.register(LedgerTransaction)
class LedgerTransactionAdmin(MoneyAdmin):
    """Money events; their entries sum to zero (Spec: S14.5)."""

    list_display = ("key", "kind", "booking", "occurred_at", "entries")
    list_filter = ("kind", "occurred_at")
    list_select_related = ("booking",)
    search_fields = ("=key", "=booking__code")
    search_help_text = "The key, or the lesson code."
    ordering = ("-occurred_at", "-pk")
    date_hierarchy = "occurred_at"
    fields = (
        "key", "kind", "booking", "instructor", "student_pseudonym", "instructor_pseudonym",
        "occurred_at", "entries",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerTransaction]:
        """Return events with their entries."""
        return super().get_queryset(request).prefetch_related("entries")

    @admin.display(description="Entries")
    def entries(self, row: LedgerTransaction) -> str:
        """Accounts and amounts."""
        lines = (f"{line.account} {money_exact(line.amount_cents)}" for line in row.entries.all())
        return ", ".join(lines)


@admin.register(Credit)
class CreditAdmin(MoneyAdmin):
    """What students may spend."""

    list_display = ("key", "reason", "given", "left", "expires_at", "created_at")
    list_filter = ("reason", "expires_at")
    search_fields = ("=key", "=source_booking__code", "=user__public_id")
    search_help_text = "The key, the lesson code, or the student's id."
    ordering = ("-created_at",)
    fields = ("key", "reason", "given", "left", "source_booking", "expires_at", "created_at")
    readonly_fields = fields

    @admin.display(description="Given", ordering="amount_cents")
    def given(self, row: Credit) -> str:
        """What it was."""
        return money_exact(row.amount_cents)

    @admin.display(description="Left", ordering="remaining_cents")
    def left(self, row: Credit) -> str:
        """What is left of it."""
        return money_exact(row.remaining_cents)


def _hold(by: User, payee: Payee, given: dict[str, Any]) -> None:
    hold_payouts(by=by, payee=payee, reason=given["reason"])


def _release(by: User, payee: Payee, given: dict[str, Any]) -> None:
    release_payouts(by=by, payee=payee, reason=given["reason"])


def _make_tax_records(by: User, payee: Payee, given: dict[str, Any]) -> None:
    make_own_tax_records(by=by, payee=payee, reason=given["reason"])


@admin.register(Payee)
class PayeeAdmin(StaffAdmin):
    """Whom we pay; their bank details are at the gateway (Spec: S14.11)."""

    view_permissions = ("payouts.manage",)
    list_display = ("instructor", "last4", "changed_at", "delayed_until", "held_at")
    list_filter = ("gateway", "held_at")
    list_select_related = ("instructor",)
    search_fields = ("=instructor__slug", "=reference")
    search_help_text = "The instructor's address, or the gateway's reference."
    ordering = ("-changed_at",)
    fields = (
        "instructor", "gateway", "reference", "last4", "changed_at", "delayed_until", "held_at",
        "hold_reason",
    )  # fmt: skip
    readonly_fields = fields
    object_actions = (
        ObjectAction(
            "hold", "Hold payouts", "payouts.manage", _hold, is_danger=True,
            note="Nothing is paid out until somebody releases it. The instructor reads the reason.",
            done="The payouts are held.",
            is_offered=lambda _by, row: row.held_at is None,
        ),
        ObjectAction(
            "release", "Release payouts", "payouts.manage", _release,
            note="Payouts that waited go out within minutes.",
            done="The payouts go out again.",
            is_offered=lambda _by, row: row.held_at is not None,
        ),
        ObjectAction(
            "tax-records", "Make tax records", "payouts.manage", _make_tax_records,
            note="For each year that is over and has none yet. In January a job does it for all.",
            done="The tax records are there.",
        ),
    )  # fmt: skip

    def parties(self, row: Payee) -> Iterable[int | None]:
        """Return the instructor."""
        return (row.instructor.user_id,)

    def subject_of(self, row: Payee) -> User | None:
        """Return the instructor."""
        return row.instructor.user


@admin.register(Payout)
class PayoutAdmin(MoneyAdmin):
    """What instructors were paid, and what waits."""

    view_permissions = ("payouts.manage",)
    list_display = ("instructor", "payday", "amount", "status", "failures", "next_try_at")
    list_filter = ("status", "payday")
    list_select_related = ("instructor",)
    search_fields = ("=instructor__slug", "=gateway_reference")
    search_help_text = "The instructor's address, or the gateway's reference."
    ordering = ("-payday", "instructor")
    fields = (
        "instructor", "payday", "amount", "status", "failures", "failure_reason", "next_try_at",
        "gateway", "payee_reference", "gateway_reference", "bank_last4", "created_at", "paid_at",
        "lessons",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description="Amount", ordering="amount_cents")
    def amount(self, row: Payout) -> str:
        """Cents as dollars."""
        return money_exact(row.amount_cents)

    @admin.display(description="For")
    def lessons(self, row: Payout) -> str:
        """The money events that it settles."""
        lines = row.lines.select_related("event__booking").order_by("pk")
        return ", ".join(
            f"{line.event.kind} of {line.event.booking.code if line.event.booking else '–'}: "
            f"{money_exact(line.lesson_cents + line.tip_cents)}"
            for line in lines
        )


@admin.register(TaxRecord)
class TaxRecordAdmin(MoneyAdmin):
    """What the tax office is told; who opens one is written down (Spec: S14.12, S6.8)."""

    view_permissions = ("payouts.manage",)
    is_read_recorded = True
    list_display = ("instructor", "year", "made_at", "identified_at", "purge_on")
    list_filter = ("year",)
    list_select_related = ("instructor",)
    search_fields = ("=instructor__slug",)
    search_help_text = "The instructor's address."
    ordering = ("-year", "instructor")
    fields = (
        "instructor", "year", "legal_name", "tax_id", "gross", "by_month", "payments", "given_back",
        "fees", "earned", "paid_out", "made_at", "identified_at", "purge_on",
    )  # fmt: skip
    readonly_fields = fields

    def get_urls(self) -> list[URLPattern]:
        """Return the pages, and the year as a file."""
        view = staff_site().open_to(self.csv_view, *self.view_permissions)
        address = f"{self.opts.app_label}/{self.opts.model_name}/csv/"
        return [path(address, view, name="payments_taxrecord_csv"), *super().get_urls()]

    def csv_view(self, request: HttpRequest) -> HttpResponse:
        """Answer with the records of ``?year=``, the last one without; each is read by somebody."""
        if not is_fresh(request):
            return ask_again(request, request.get_full_path())
        rows = export_tax_records(by=cast("User", request.user), year=request.GET.get("year", ""))
        return csv_response("tax-records.csv", TAX_COLUMNS, rows)

    def subject_of(self, row: TaxRecord) -> User | None:
        """Return the instructor."""
        return row.instructor.user

    def _sheet(self, row: TaxRecord) -> TaxSheet | None:
        """Return what the record says, read once a page; None when no key opens it."""
        if not hasattr(row, "sheet"):
            try:
                row.sheet = read_tax_record(row)  # type: ignore[attr-defined]
            except ConflictError:
                row.sheet = None  # type: ignore[attr-defined]
        return cast("TaxSheet | None", row.sheet)  # type: ignore[attr-defined]

    def _say(self, row: TaxRecord, say: Callable[[TaxSheet], str]) -> str:
        sheet = self._sheet(row)
        return UNREADABLE if sheet is None else say(sheet)

    @admin.display(description="Legal name")
    def legal_name(self, row: TaxRecord) -> str:
        """As the gateway told it."""
        return self._say(row, lambda told: told.identity.legal_name if told.identity else "–")

    @admin.display(description="Tax number")
    def tax_id(self, row: TaxRecord) -> str:
        """Where it is found, and its end."""
        return self._say(row, lambda told: tax_id_words(told.identity))

    @admin.display(description="Paid for them, gross")
    def gross(self, row: TaxRecord) -> str:
        """Before fees and refunds."""
        return self._say(row, lambda told: money_exact(told.figures.gross_cents))

    @admin.display(description="January to December")
    def by_month(self, row: TaxRecord) -> str:
        """The gross of each month."""
        return self._say(row, lambda told: ", ".join(map(money_exact, told.figures.gross_by_month)))

    @admin.display(description="Payments")
    def payments(self, row: TaxRecord) -> str:
        """How many there were."""
        return self._say(row, lambda told: str(told.figures.payments))

    @admin.display(description="Given back")
    def given_back(self, row: TaxRecord) -> str:
        """Refunds."""
        return self._say(row, lambda told: money_exact(told.figures.refund_cents))

    @admin.display(description="Our fees")
    def fees(self, row: TaxRecord) -> str:
        """What the platform kept."""
        return self._say(row, lambda told: money_exact(told.figures.fee_cents))

    @admin.display(description="Earned")
    def earned(self, row: TaxRecord) -> str:
        """What was theirs."""
        return self._say(row, lambda told: money_exact(told.figures.earned_cents))

    @admin.display(description="Payouts")
    def paid_out(self, row: TaxRecord) -> str:
        """How many, and their sum."""
        return self._say(
            row, lambda told: f"{told.figures.payouts}: {money_exact(told.figures.paid_cents)}"
        )


class PromoForm(ReasonedModelForm):
    """A code as people type it."""

    uses_per_user = forms.IntegerField(min_value=1, initial=1)
    owner = PlainTextField(
        required=False,
        max_length=10,
        help_text="The public id of the only person who can use it; empty means everybody.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.owner is not None:
            self.initial["owner"] = self.instance.owner.public_id

    def clean_owner(self) -> User | None:
        """Return the person with this public id."""
        public_id = self.cleaned_data["owner"]
        owner = User.objects.filter(public_id=public_id).first() if public_id else None
        if public_id and owner is None:
            raise forms.ValidationError("We don't know this person.")
        return owner

    def clean_uses_total(self) -> int | None:
        """Refuse less than was used already; the database would."""
        total: int | None = self.cleaned_data["uses_total"]
        if total is not None and total < self.instance.uses:
            raise forms.ValidationError(f"It was used {self.instance.uses} times already.")
        return total

    def clean_code(self) -> str:
        """Return it as it is stored."""
        return normal_code(self.cleaned_data["code"])


@admin.register(PromoCode)
class PromoCodeAdmin(StaffAdmin):
    """Discounts that the platform pays (Spec: S14.7)."""

    view_permissions = MONEY
    change_permission = "payouts.manage"
    can_add = True
    form = PromoForm
    list_display = ("code", "takes_off", "uses", "uses_total", "starts_at", "ends_at", "is_active")
    list_filter = ("is_active", "ends_at")
    search_fields = ("=code",)
    search_help_text = "The code."
    ordering = ("-created_at",)
    fields = (
        "code", "amount_cents", "percent", "cap_cents", "starts_at", "ends_at", "uses",
        "uses_total", "uses_per_user", "owner", "is_active",
    )  # fmt: skip
    readonly_fields = ("uses",)
    # One labelled box; Django's own pair of boxes has no label for each.
    formfield_overrides: ClassVar[dict[Any, Any]] = {
        models.DateTimeField: {
            "form_class": forms.DateTimeField,
            "widget": forms.DateTimeInput(format="%Y-%m-%d %H:%M"),
        }
    }

    @admin.display(description="Takes off")
    def takes_off(self, row: PromoCode) -> str:
        """An amount, or a share with its cap."""
        if row.amount_cents is not None:
            return money_exact(row.amount_cents)
        cap = f", {money_exact(row.cap_cents)} at most" if row.cap_cents else ""
        return f"{row.percent} %{cap}"


@admin.register(Reconciliation)
class ReconciliationAdmin(StaffAdmin):
    """What the nightly comparison with the gateway found (Spec: S14.3)."""

    view_permissions = MONEY
    list_display = ("on", "gateway", "checked", "problem_count", "finished_at")
    list_filter = ("gateway", "on")
    ordering = ("-on",)
    fields = ("on", "gateway", "first_at", "checked", "problem_count", "told", "finished_at")
    readonly_fields = fields

    @admin.display(description="Problems")
    def told(self, row: Reconciliation) -> str:
        """Each payment that the two books tell differently."""
        return "; ".join(
            f"{one['rule']} {one['reference']}: {money_exact(one['gateway_cents'])} there, "
            f"{money_exact(one['ledger_cents'])} here"
            for one in row.problems
        )


def _stopped() -> Waiting:
    return waiting_of(Payout.objects.filter(status=Payout.Status.STOPPED))


def _differs() -> Waiting:
    newest = Reconciliation.objects.order_by("-on").values("pk")[:1]
    rows = Reconciliation.objects.filter(pk__in=newest, problem_count__gt=0)
    return waiting_of(rows, since="finished_at")


def _stuck() -> Waiting:
    return waiting_of(Refund.objects.filter(status=Refund.Status.FAILED))


def _unknown() -> Waiting:
    return waiting_of(PaymentAttempt.objects.filter(status=PaymentAttempt.Status.UNKNOWN))


staff_site().register_queue(
    StaffQueue(
        "Failed refunds",
        "refunds.issue",
        lambda: f"{reverse('admin:payments_refund_changelist')}?status__exact=failed",
        _stuck,
    )
)
staff_site().register_queue(
    StaffQueue(
        "Payments without an answer",
        "refunds.issue",
        lambda: f"{reverse('admin:payments_paymentattempt_changelist')}?status__exact=unknown",
        _unknown,
    )
)
staff_site().register_queue(
    StaffQueue(
        "Stopped payouts",
        "payouts.manage",
        lambda: f"{reverse('admin:payments_payout_changelist')}?status__exact=stopped",
        _stopped,
    )
)
staff_site().register_queue(
    StaffQueue(
        "Gateway and ledger differ",
        "payouts.manage",
        lambda: reverse("admin:payments_reconciliation_changelist"),
        _differs,
    )
)

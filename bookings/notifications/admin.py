"""Mail and texts in the admin: what was sent when, never what it says (P30)."""

from django.contrib import admin
from django.urls import reverse

from accounts.admin import masked_email
from accounts.staff_admin import StaffAdmin, StaffQueue, Waiting, staff_site, waiting_of
from bookings.notifications.models import ContactMessage, OutgoingMail, OutgoingText

MONITOR = "system.monitor"


class OutboxAdmin(StaffAdmin):
    """Rows that were or will be sent to somebody."""

    view_permissions = (MONITOR,)
    list_display = (
        "public_id", "kind", "recipient", "status", "attempts", "last_error", "created_at",
        "sent_at",
    )  # fmt: skip
    list_filter = ("status", "kind", "created_at")
    search_fields = ("=public_id", "=to", "=key")
    ordering = ("-created_at",)
    fields = (
        "public_id", "kind", "key", "recipient", "status", "attempts", "next_attempt_at",
        "last_error", "created_at", "sent_at",
    )  # fmt: skip
    readonly_fields = fields


@admin.register(OutgoingMail)
class OutgoingMailAdmin(OutboxAdmin):
    """Mails."""

    search_help_text = "Mail id, the whole address, or the key."

    @admin.display(description="To")
    def recipient(self, mail: OutgoingMail) -> str:
        """The address without its name."""
        return masked_email(mail.to)


@admin.register(OutgoingText)
class OutgoingTextAdmin(OutboxAdmin):
    """Text messages."""

    search_help_text = "Text id, the whole number with its +, or the key."

    @admin.display(description="To")
    def recipient(self, text: OutgoingText) -> str:
        """The last two digits."""
        return f"••• {text.to[-2:]}"


def _failed_texts() -> Waiting:
    return waiting_of(OutgoingText.objects.filter(status=OutgoingText.Status.FAILED))


def _failed() -> Waiting:
    return waiting_of(OutgoingMail.objects.filter(status=OutgoingMail.Status.FAILED))


def _messages() -> Waiting:
    return waiting_of(ContactMessage.objects.filter(handled_at__isnull=True))


staff_site().register_queue(
    StaffQueue(
        "Messages", "users.view", lambda: reverse("staff-inbox", args=["messages"]), _messages
    )
)
staff_site().register_queue(
    StaffQueue(
        "Failed mail",
        MONITOR,
        lambda: f"{reverse('admin:notifications_outgoingmail_changelist')}?status__exact=failed",
        _failed,
    )
)
staff_site().register_queue(
    StaffQueue(
        "Failed texts",
        MONITOR,
        lambda: f"{reverse('admin:notifications_outgoingtext_changelist')}?status__exact=failed",
        _failed_texts,
    )
)

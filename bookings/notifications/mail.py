"""Django's mail calls end in the outbox, in the caller's transaction (Spec: R15)."""

from collections.abc import Sequence
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from bookings.notifications.services import Attachment, store_mail

KIND_HEADER = "X-Mail-Kind"


class OutboxEmailBackend(BaseEmailBackend):
    """Stores one row per recipient instead of sending."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Store the messages and return how many there were; raise on line breaks in headers."""
        for message in email_messages:
            _store(message)
        return len(email_messages)


def _store(message: EmailMessage) -> None:
    alternatives = getattr(message, "alternatives", [])
    html = next((str(body) for body, kind in alternatives if kind == "text/html"), "")
    for recipient in message.recipients():
        store_mail(
            key=None,
            kind=message.extra_headers.get(KIND_HEADER, "message"),
            to=recipient,
            subject=str(message.subject),
            text=str(message.body),
            html=html,
            attachments=[_attachment(part) for part in message.attachments],
        )


def _attachment(part: Any) -> Attachment:
    name, content, content_type = part
    data = content if isinstance(content, bytes) else str(content).encode()
    return Attachment(name or "file", content_type or "application/octet-stream", data)

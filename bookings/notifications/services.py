"""Put mail into the outbox and send what is due."""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import css_inline
import structlog
from django.conf import settings
from django.core.validators import validate_email
from django.template.loader import render_to_string

from bookings.notifications.models import OutgoingMail
from bookings.notifications.relay import deliver
from bookings.notifications.transport import open_transport
from bookings.notifications.wakeup import wake_after_commit, wake_relay
from instainstru import clock
from instainstru.errors import ValidationFailedError

# As long as the register of personal data says (``personal_data.py``).
KEPT_FOR = timedelta(days=30)

STYLES = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
"""Moves styles onto elements, where every mail program reads them; dark ones stay a media query."""

log = structlog.get_logger(__name__)


class Attachment(NamedTuple):
    """A small file that travels with a mail, such as a calendar file."""

    name: str
    content_type: str
    content: bytes


def queue_mail(
    *,
    key: str | None,
    to: str,
    subject: str,
    template: str,
    context: dict[str, Any],
    attachments: Sequence[Attachment] = (),
    unsubscribe_url: str = "",
) -> OutgoingMail:
    """Write one mail in the caller's transaction and wake the relay after commit.

    ``template`` names the twins ``templates/mail/<template>.txt`` and ``.html``; both also get
    ``site_url``, ``subject`` and ``to``. ``unsubscribe_url`` stops such mails by one POST;
    only those that nobody must get have one (S13.7). A key that exists returns the first mail
    unchanged. Raises ``ValidationFailedError`` for line breaks in headers. Spec: R15, S13.5.
    """
    values = {"site_url": settings.SITE_URL, "subject": subject, "to": to, **context}
    return store_mail(
        key=key,
        kind=template,
        to=to,
        subject=subject,
        text=render_to_string(f"mail/{template}.txt", values).strip() + "\n",
        html=render_to_string(f"mail/{template}.html", values),
        attachments=attachments,
        unsubscribe_url=unsubscribe_url,
    )


def store_mail(
    *,
    key: str | None,
    kind: str,
    to: str,
    subject: str,
    text: str,
    html: str = "",
    attachments: Sequence[Attachment] = (),
    unsubscribe_url: str = "",
) -> OutgoingMail:
    """Write a mail that is rendered already; see ``queue_mail``."""
    check_headers(to=to, subject=subject, names=[attachment.name for attachment in attachments])
    fields = {
        "kind": kind,
        "to": to,
        "subject": subject,
        "text": text,
        "html": STYLES.inline(html) if html else "",
        "attachments": [_as_json(attachment) for attachment in attachments],
        "unsubscribe_url": unsubscribe_url,
        "created_at": clock.now(),
        "next_attempt_at": clock.now(),
    }
    if key is None:
        mail, is_new = OutgoingMail.objects.create(**fields), True
    else:
        mail, is_new = OutgoingMail.objects.get_or_create(key=key, defaults=fields)
    if is_new:
        wake_after_commit(wake_relay)
    return mail


def check_headers(*, to: str, subject: str, names: Sequence[str] = ()) -> None:
    """Refuse line breaks in anything that becomes a header (Spec: S17.3)."""
    if any("\n" in value or "\r" in value for value in (to, subject, *names)):
        raise ValidationFailedError("A mail header cannot contain a line break.")
    validate_email(to)


def _as_json(attachment: Attachment) -> dict[str, str]:
    return {
        "name": attachment.name,
        "content_type": attachment.content_type,
        "base64": base64.b64encode(attachment.content).decode("ascii"),
    }


def deliver_mail() -> int:
    """Send the mails that are due; return the number sent. Spec: R15, S4.2."""
    transport = open_transport()
    if transport is None:
        log.error("mail_transport_missing")
        return 0
    return deliver(OutgoingMail.objects.all(), transport)


def forget_old_mail(now: datetime | None = None) -> int:
    """Delete mails that were delivered 30 days ago; return how many. Spec: S6.5"""
    return OutgoingMail.objects.sent_until((now or clock.now()) - KEPT_FOR).delete()[0]

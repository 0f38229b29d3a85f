"""Put mail into the outbox and send what is due."""

import base64
import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import css_inline
import structlog
from django.conf import settings
from django.core.validators import validate_email
from django.db import transaction
from django.template.loader import render_to_string

from bookings.notifications.models import MAX_ATTEMPTS, OutgoingMail
from bookings.notifications.transport import Transport, open_transport
from bookings.notifications.wakeup import wake_relay
from instainstru import clock
from instainstru.errors import ValidationFailedError

BATCH_SIZE = 20
LEASE = timedelta(minutes=2)
# As long as the register of personal data says (``personal_data.py``).
KEPT_FOR = timedelta(days=30)
FIRST_RETRY_SECONDS = 30
TIME_BUDGET_SECONDS = 60

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
        transaction.on_commit(wake_relay, robust=True)
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
    """Send what is due, in batches that no other process sees; return the number sent.

    Each mail is claimed, sent and marked by itself, so a crash repeats at most the one that was
    on the wire. A failure is retried with growing pauses, 5 tries in all. Spec: R15, S4.2.
    """
    transport = open_transport()
    if transport is None:
        log.error("mail_transport_missing")
        return 0
    sent, deadline = 0, time.monotonic() + TIME_BUDGET_SECONDS
    with transport:
        while time.monotonic() < deadline:
            claimed = OutgoingMail.objects.claim(
                clock.now(), limit=BATCH_SIZE, lease=LEASE, max_attempts=MAX_ATTEMPTS
            )
            if not claimed:
                break
            sent += sum(_send_one(mail, transport) for mail in claimed)
    return sent


def _send_one(mail: OutgoingMail, transport: Transport) -> bool:
    try:
        transport.send(mail)
    except Exception as error:  # noqa: BLE001 - any failure of the transport means: try again later
        _mark_failure(mail, error)
        return False
    mail.status, mail.sent_at, mail.last_error = OutgoingMail.Status.SENT, clock.now(), ""
    mail.save(update_fields=["status", "sent_at", "last_error"])
    return True


def _mark_failure(mail: OutgoingMail, error: Exception) -> None:
    mail.last_error = type(error).__name__[:120]
    if mail.attempts >= MAX_ATTEMPTS:
        mail.status = OutgoingMail.Status.FAILED
    mail.next_attempt_at = clock.now() + retry_pause(mail.attempts)
    mail.save(update_fields=["status", "last_error", "next_attempt_at"])
    log.warning("mail_failed", mail=mail.public_id, attempts=mail.attempts, error=mail.last_error)


def forget_old_mail(now: datetime | None = None) -> int:
    """Delete mails that were delivered 30 days ago; return how many. Spec: S6.5"""
    return OutgoingMail.objects.sent_until((now or clock.now()) - KEPT_FOR).delete()[0]


def retry_pause(attempts: int) -> timedelta:
    """Return the pause after the n-th failure: 30 s, 1, 2, 4 minutes, plus up to half of it."""
    seconds = FIRST_RETRY_SECONDS * 2 ** (attempts - 1)
    return timedelta(seconds=seconds * random.uniform(1, 1.5))  # noqa: S311 - jitter, not a secret

"""Text messages as rows: written with what they tell about, to those who agreed (Spec: S13.6)."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.template.loader import render_to_string

from accounts.models import TextNumber, User
from bookings.notifications.models import InboundText, OutgoingText
from bookings.notifications.relay import deliver
from bookings.notifications.text_transport import open_text_transport
from bookings.notifications.wakeup import wake_after_commit, wake_texts
from instainstru import clock

# As long as the register of personal data says (``personal_data.py``).
KEPT_FOR = timedelta(days=30)
# A reminder that a stopped worker left behind must not arrive after the lesson.
NEWS_LIVES = timedelta(hours=1)

log = structlog.get_logger(__name__)


def queue_text(
    *, key: str, user: User, choice: str, template: str, context: dict[str, Any]
) -> OutgoingText | None:
    """Write one text in the caller's transaction, to a person who agreed and wants this kind.

    ``choice`` is a ``NotificationChoice.TextKind``, ``template`` a file of ``templates/texts/``.
    A key that exists returns the first text unchanged; None for everybody else. Spec: S13.5, S13.6
    """
    phone = TextNumber.objects.wanting([user.pk], choice).get(user.pk)
    if phone is None:
        return None
    return _store(key=key, to=phone, user=user, kind=template, text=words_of(template, context))


def send_code(user: User, phone: str, code: str) -> None:
    """Write the text with the code that proves a number; the person has just asked for it."""
    text = words_of("code", {"code": code, "person": user})
    _store(key=None, to=phone, user=None, kind="code", text=text)


def answer(*, to: str, template: str, message_id: str) -> OutgoingText:
    """Write the one answer to a text that came in."""
    text = words_of(template, {})
    return _store(key=f"answer:{message_id}", to=to, user=None, kind=template, text=text)


def words_of(template: str, context: dict[str, Any]) -> str:
    """Return what a text says: one line, whatever lines its template has."""
    values = {"site_url": settings.SITE_URL, **context}
    return " ".join(render_to_string(f"texts/{template}.txt", values).split())


def _store(*, key: str | None, to: str, user: User | None, kind: str, text: str) -> OutgoingText:
    now = clock.now()
    fields = {
        "to": to, "user": user, "kind": kind, "text": text,
        "created_at": now, "next_attempt_at": now,
    }  # fmt: skip
    if key is None:
        row, is_new = OutgoingText.objects.create(**fields), True
    else:
        row, is_new = OutgoingText.objects.get_or_create(key=key, defaults=fields)
    if is_new:
        wake_after_commit(wake_texts)
    return row


def deliver_texts() -> int:
    """Send the texts that are due, by the relay of the mails; return the number sent.

    Whether its reader still agrees is asked for each right before it leaves. Spec: S13.6, S4.2
    """
    transport = open_text_transport()
    if transport is None:
        log.error("text_transport_missing")
        return 0
    return deliver(OutgoingText.objects.all(), transport, is_wanted=_is_wanted)


def _is_wanted(text: OutgoingText) -> bool:
    """Tell whether the reader of news still agrees, and it is still news: the mail has told it.

    Codes and answers were asked for.
    """
    if text.user_id is None:
        return True
    live = TextNumber.objects.live().filter(user=text.user_id, phone=text.to)
    return clock.now() < text.created_at + NEWS_LIVES and live.exists()


def forget_old_texts(now: datetime | None = None) -> int:
    """Delete texts and what came in after 30 days; return how many. Spec: S6.3"""
    before = (now or clock.now()) - KEPT_FOR
    gone = OutgoingText.objects.over_until(before).delete()[0]
    return gone + InboundText.objects.until(before).delete()[0]

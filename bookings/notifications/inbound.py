"""Texts that people send us: STOP, HELP, START; every other word is let pass (Spec: S13.6, S17.10).

The provider posts the JSON object ``{"id", "from", "text"}``, signed over the raw body. What a text
said is not kept.
"""

import json
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.texts import restart_texts, stop_texts
from bookings.notifications.models import InboundText
from bookings.notifications.texts import answer
from instainstru.errors import RateLimitedError
from instainstru.ratelimit import HOUR, Limit, count_use
from instainstru.signatures import WebhookSignatureError, verify

WORDS = {
    **dict.fromkeys(("STOP", "CANCEL", "END", "QUIT", "UNSUBSCRIBE"), "stop"),
    "HELP": "help",
    "START": "start",
}
# A phone that answers by itself must not be answered for ever.
HELP_ANSWERS = Limit("text_help_answers", 5, HOUR)
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
LONGEST_ID = 100


@dataclass(frozen=True)
class _Message:
    message_id: str
    phone: str
    text: str


def receive_text(*, body: bytes, signature: str, now: datetime) -> None:
    """Do what a text asks for, once for each id, and write the answer as a row.

    Raises ``WebhookSignatureError`` for a body that is not the provider's, is older than five
    minutes or is no message; nothing is stored then. Spec: S17.10
    """
    verify(body, signature, secret=settings.TEXT_SECRET.encode(), now=now)
    message = _parsed(body)
    word = word_of(message.text)
    may_help = word == "help" and _may_be_helped(message.phone, now)
    with transaction.atomic():
        _, is_new = InboundText.objects.get_or_create(
            message_id=message.message_id, defaults={"word": word, "received_at": now}
        )
        if is_new and _asks_for_answer(word, message.phone, now, may_help=may_help):
            answer(to=message.phone, template=f"answer_{word}", message_id=message.message_id)


def word_of(text: str) -> str:
    """Return what a text asks for: ``stop``, ``help``, ``start``, or ``other``.

    The whole text is the word, in any case, with whatever marks around it: "Stop by at five" is
    no STOP.
    """
    plain = unicodedata.normalize("NFKC", text).strip(" \t\r\n.!?,;:'\"()*-").upper()
    return WORDS.get(plain, "other")


def _asks_for_answer(word: str, phone: str, now: datetime, *, may_help: bool) -> bool:
    if word == "stop":
        return stop_texts(phone=phone, now=now)
    if word == "start":
        return restart_texts(phone=phone)
    return may_help


def _may_be_helped(phone: str, now: datetime) -> bool:
    try:
        count_use(HELP_ANSWERS, phone, now=now)
    except RateLimitedError:
        return False
    return True


def _parsed(body: bytes) -> _Message:
    try:
        fields = json.loads(body)
        found = _Message(fields["id"], fields["from"], fields["text"])
    except (ValueError, TypeError, KeyError) as error:
        raise WebhookSignatureError("no message") from error
    texts = (found.message_id, found.phone, found.text)
    is_sound = all(isinstance(each, str) and "\x00" not in each for each in texts)
    if not is_sound or not 0 < len(found.message_id) <= LONGEST_ID:
        raise WebhookSignatureError("no message")
    if not E164.fullmatch(found.phone):
        # Short numbers of services text, too; nobody agreed to anything with one.
        return _Message(found.message_id, found.phone, "")
    return found

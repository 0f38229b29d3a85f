"""Keyed actions run once: the same key and body get the first answer again (Spec: R14)."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.owners import Owner
from bookings.lessons.errors import (
    AmountChangedError,
    HoldExpiredError,
    LearnerBusyError,
    LessonChangedError,
    SlotTakenError,
)
from bookings.lessons.locks import SlotBusyError
from bookings.lessons.models import IdempotencyRecord
from instainstru import clock
from instainstru.errors import ConflictError, ValidationFailedError

FIELD = "idempotency_key"
HEADER = "Idempotency-Key"
MAX_KEY_LENGTH = 80
# A process that died in the middle must not lock its key for a day.
ABANDONED_AFTER = timedelta(seconds=60)
KEPT_FOR = timedelta(hours=24)
# What lesson or hold say by their state, whoever asks and however often.
_DECIDED = (
    SlotTakenError,
    LearnerBusyError,
    LessonChangedError,
    HoldExpiredError,
    AmountChangedError,
)
# Card fields take part in no hash: nothing derived from a card is stored (Spec: S14.1).
LEFT_OUT = {FIELD, "csrfmiddlewaretoken", "card_number", "card_expiry", "card_cvc", "card_zip"}


class StillRunningError(ConflictError):
    """The first request with this key has not answered yet."""

    code = "still_running"


def _owner_label(owner: Owner) -> str:
    return f"user:{owner.user_id}" if owner.user_id is not None else f"guest:{owner.guest_key}"


def _body_of(request: HttpRequest) -> dict[str, str]:
    """Return the fields, and for each file a digest of what is in it."""
    body: dict[str, str] = request.POST.dict()
    for field, files in request.FILES.lists():
        for number, file in enumerate(files):
            body[f"{field} file {number}"] = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
    return body


def _body_hash(body: Mapping[str, object]) -> str:
    parts = "\n".join(f"{name}={body[name]}" for name in sorted(body) if name not in LEFT_OUT)
    return hmac.new(settings.SECRET_KEY.encode(), parts.encode(), hashlib.sha256).hexdigest()


def _sent_key(request: HttpRequest) -> str:
    """Return the key of the header that programs send, else of the form's hidden field."""
    return request.headers.get(HEADER, "") or request.POST.get(FIELD, "")


def run_once(
    request: HttpRequest,
    owner: Owner,
    action: str,
    answer: Callable[[], HttpResponse],
    *,
    page_url: str = "",
) -> HttpResponse:
    """Run ``answer`` unless this owner's key was seen; redirects are remembered for 24 hours.

    Answers that ask the person for something else (402, 409, 422) are not remembered: whoever goes
    back in the browser and chooses another time sends the old key with other fields. ``page_url``
    is where a second click can look for the result of the first, unless this address shows it
    itself. Raises ``ValidationFailedError`` for a key used with another body and
    ``StillRunningError`` while the first request runs. Spec: R14.
    """
    # PostgreSQL text holds every character but NUL.
    key = _sent_key(request).replace("\x00", "")[:MAX_KEY_LENGTH]
    if not key:
        return answer()
    try:
        record, is_first = _claim(owner, key, action, _body_hash(_body_of(request)))
    except StillRunningError as error:
        error.context |= {"back_url": page_url or request.path, "back_label": "Look again"}
        raise
    if not is_first:
        return HttpResponseRedirect(record.location, status=record.status_code)
    with _freed_after_failure(record):
        response = answer()
    if isinstance(response, HttpResponseRedirect):
        _write(record, status_code=response.status_code, location=response.url)
    else:
        _own(record).delete()
    return response


@dataclass(frozen=True)
class ProgramAnswer:
    """What a program is told about something that was done: names and a state, nobody's data."""

    status: int
    body: dict[str, str]


def run_once_for_program(
    request: HttpRequest,
    owner: Owner,
    action: str,
    body: Mapping[str, object],
    answer: Callable[[], ProgramAnswer],
) -> ProgramAnswer:
    """Do the same for a program, whose parsed ``body`` counts and whose answer is a small body.

    A refusal that the state of lesson or hold decided (409) is an answer, too: the same key gets
    it again, though the time may be free by then. Anything else that is raised frees the key.
    Raises as ``run_once`` does, and ``ValidationFailedError`` for a key of more than 80 characters.
    Spec: R14
    """
    key = _sent_key(request).replace("\x00", "")
    if not key:
        return answer()
    if len(key) > MAX_KEY_LENGTH:
        message = f"Use a key of at most {MAX_KEY_LENGTH} characters."
        raise ValidationFailedError(message, fields={HEADER: message})
    said = {name: json.dumps(value, sort_keys=True) for name, value in body.items()}
    record, is_first = _claim(owner, key, action, _body_hash(said))
    if not is_first:
        return _told_again(record)
    with _freed_after_failure(record, _keep_refusal):
        found = answer()
    _keep(record, found.status, found.body)
    return found


class RepeatedRefusalError(ConflictError):
    """The refusal that the first request with this key got."""

    told = SlotTakenError.told + AmountChangedError.told


def _told_again(record: IdempotencyRecord) -> ProgramAnswer:
    said = json.loads(record.answer)
    if record.status_code == ConflictError.status:
        raise RepeatedRefusalError(said["message"], code=said["code"], context=said["more"])
    return ProgramAnswer(record.status_code or 0, said)


def _keep_refusal(record: IdempotencyRecord, error: Exception) -> bool:
    """Keep a refusal as the answer to the key; false for one that another try may well escape."""
    if not isinstance(error, _DECIDED) or isinstance(error.__cause__, SlotBusyError):
        return False
    more = {name: error.context[name] for name in error.told if name in error.context}
    said = {"message": error.message, "code": error.error_code, "more": more}
    # A run that lost its key to this one may have done meanwhile what refuses it now.
    _own(record).update(status_code=error.status, answer=_as_json(said))
    return True


def _keep(record: IdempotencyRecord, status: int, said: Mapping[str, object]) -> None:
    _write(record, status_code=status, answer=_as_json(said))


def _as_json(said: Mapping[str, object]) -> str:
    return json.dumps(said, cls=DjangoJSONEncoder)


def _write(record: IdempotencyRecord, **answer: object) -> None:
    """Keep what was done, also when whoever took the key over from a slow run has freed it.

    A key that serves another action by now stays as it is.
    """
    same = {name: getattr(record, name) for name in ("owner", "key", "action", "body_hash")}
    if not IdempotencyRecord.objects.filter(**same).update(**answer):
        IdempotencyRecord.objects.get_or_create(
            owner=record.owner,
            key=record.key,
            defaults={**same, "created_at": record.created_at, **answer},
        )


def _own(record: IdempotencyRecord) -> QuerySet[IdempotencyRecord]:
    """Return the row while this run has the key and nothing has answered."""
    rows = IdempotencyRecord.objects.filter(pk=record.pk, created_at=record.created_at)
    return rows.filter(status_code=None)


@contextmanager
def _freed_after_failure(
    record: IdempotencyRecord,
    keep: Callable[[IdempotencyRecord, Exception], bool] = lambda _record, _error: False,
) -> Iterator[None]:
    """Free the key when nothing came of it, so that the same request may be tried again.

    ``keep`` may say that the error is the answer.
    """
    try:
        yield
    except Exception as error:
        if not keep(record, error):
            _own(record).delete()
        raise


def _claim(owner: Owner, key: str, action: str, body: str) -> tuple[IdempotencyRecord, bool]:
    now = clock.now()
    record, is_created = IdempotencyRecord.objects.get_or_create(
        owner=_owner_label(owner),
        key=key,
        defaults={"action": action, "body_hash": body, "created_at": now},
    )
    if is_created:
        return record, True
    if not hmac.compare_digest(record.body_hash, body) or record.action != action:
        raise ValidationFailedError(
            "This form was already sent with other details. Reload the page and try again.",
            code="idempotency_mismatch",
        )
    if record.status_code is not None:
        return record, False
    taken_over = IdempotencyRecord.objects.filter(
        pk=record.pk, status_code=None, created_at__lt=now - ABANDONED_AFTER
    ).update(created_at=now)
    if taken_over:
        record.created_at = now
        return record, True
    raise StillRunningError(
        "We are still working on your first click. Give it a moment.",
        context={"retry_after_seconds": 1},
    )


def delete_old_records() -> int:
    """Remove records older than 24 hours; return how many. Spec: S6.3."""
    return IdempotencyRecord.objects.filter(created_at__lt=clock.now() - KEPT_FOR).delete()[0]

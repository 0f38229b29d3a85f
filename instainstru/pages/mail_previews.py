"""Every mail and text the site writes, filled with invented people, for staff (Spec: 06 section 5).

Nothing is stored or sent. A mail without a sample, or a sample that lacks a value, fails a test.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from bookings.lessons.policies import CancelDeadlines
from bookings.notifications.services import STYLES
from bookings.notifications.texts import words_of
from bookings.notifications.views import MAIL_POLICY
from instainstru.access import requires
from instainstru.http import mark_private

PERMISSION = "system.monitor"
TEMPLATES = Path(settings.BASE_DIR) / "templates"
PARTS = frozenset({"base", "button", "lesson_facts", "lesson_series"})
SIDES = ("student", "instructor")
TEXT = "text_"
_AT = datetime(2026, 3, 7, 15, tzinfo=UTC)
_PERSON = SimpleNamespace(first_name="Maya", email="maya@example.com", short_name="Maya C.")
_POLICY = SimpleNamespace(late_move_hours=24, good_fit_per_days=90, free_cancel_hours=24)
_INSTRUCTOR = SimpleNamespace(display_name="Andre W.", slug="andre-w", user=_PERSON)
_BOOKING = SimpleNamespace(
    service_name="Piano", code="II-7K3M9Q", start_at=_AT, end_at=_AT + timedelta(hours=1),
    duration_minutes=60, zone="America/New_York", note="Bring the blue book.", status="confirmed",
    cancel_reason="illness", is_late_move=True, policy=_POLICY, instructor=_INSTRUCTOR,
    learner=SimpleNamespace(name="Leo"), get_status_display="Completed", total_cents=8500,
    price_cents=8000, travel_fee_cents=500, get_modality_display="At your place",
    is_called_off=False,
)  # fmt: skip
_PLACE = SimpleNamespace(name="Park Slope", borough="Brooklyn")
_SAMPLE: dict[str, Any] = {
    "to": "maya@example.com",
    "site_url": settings.SITE_URL,
    "url": f"{settings.SITE_URL}/lessons/II-7K3M9Q/",
    "reset_url": f"{settings.SITE_URL}/accounts/password/reset/",
    "password_reset_url": f"{settings.SITE_URL}/accounts/password/reset/",
    "sign_up_url": f"{settings.SITE_URL}/accounts/signup/",
    "sign_in_url": f"{settings.SITE_URL}/accounts/login/",
    "security_url": f"{settings.SITE_URL}/account/security/",
    "undo_url": f"{settings.SITE_URL}/accounts/login/",
    "off_url": f"{settings.SITE_URL}/account/notifications/",
    "stop_url": f"{settings.SITE_URL}/account/notifications/",
    "person": _PERSON,
    "user": _PERSON,
    "booking": _BOOKING,
    "zone": ZoneInfo("America/New_York"),
    "place": "45 Carroll Street, Park Slope",
    "other": "Andre W.",
    "deadlines": CancelDeadlines(
        free_until=_AT - timedelta(hours=24),
        credit_until=_AT - timedelta(hours=12),
        grace_minutes=10,
        now=_AT - timedelta(days=5),
    ),
    "what": "opened",
    "how_many": "2 unread messages",
    "hours": "24",
    "due": SimpleNamespace(card_refund_cents=8500, credit_cents=1000),
    "before": SimpleNamespace(start_at=_AT - timedelta(days=1)),
    "nearest": [_AT + timedelta(hours=hours) for hours in (1, 3, 24)],
    "amount_cents": 8500,
    "proposal": SimpleNamespace(
        message="My train is late.", start_at=_AT + timedelta(hours=3),
        expires_at=_AT - timedelta(hours=3), is_of_instructor=True,
    ),
    "report": SimpleNamespace(
        get_kind_display="Late", answer_by_at=_AT + timedelta(days=2), statement="Half an hour.",
        text="The picture shows somebody else.", created_at=_AT, instructor=_INSTRUCTOR,
    ),
    "notice": SimpleNamespace(minutes=10),
    "tip": SimpleNamespace(amount_cents=1000),
    "payout": SimpleNamespace(amount_cents=24450, bank_last4="6789"),
    "payee": SimpleNamespace(last4="6789", delayed_until=_AT + timedelta(days=3)),
    "review_until": _AT + timedelta(days=11),
    "report_until": _AT + timedelta(days=2),
    "items": [
        SimpleNamespace(
            title="Piano with Andre W.", what="A new time waits for your answer", at=_AT,
            url=f"{settings.SITE_URL}/lessons/II-7K3M9Q/",
        ),
    ],
    "more": 2,
    "is_last": False,
    "inviter": "Sam R.",
    "name": "Leo",
    "code": "482915",
    "agent": "Ada",
    "is_account": True,
    "until": _AT + timedelta(hours=24),
    "service": SimpleNamespace(name="Oud"),
    "first_name": "Ty",
    "teaches": "Oud",
    "message": SimpleNamespace(
        email="sam@example.com", name="Sam", text="Hello there.", created_at=_AT,
        get_topic_display="Something else",
    ),
}  # fmt: skip
_OF_KIND: dict[str, dict[str, Any]] = {
    "waitlist_open": {"place": _PLACE},
    "teaching_interest": {"place": _PLACE},
    "return_alert": {"person": _INSTRUCTOR},
    "calendar_failing": {"name": "Family", "fault": "The address does not answer."},
    "second_step": {"what": "on"},
    "lesson_not_excused": {
        "asked": SimpleNamespace(answer="You told us three days after the lesson, and no letter.")
    },
}
_VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "lesson_confirmed": {"one lesson": {}, "weekly series": {"lessons": [_BOOKING, _BOOKING]}},
    "lesson_proposal": {what: {"what": what} for what in ("opened", "declined", "lapsed")},
    # An accepted proposal is told as the move it makes.
    "lesson_moved": {
        "in time": {"booking": SimpleNamespace(**vars(_BOOKING) | {"is_late_move": False})},
        "late": {},
    },
    "lesson_report": {
        "opened": {"what": "opened"},
        "opened by you": {"what": "opened", "is_reporter": True},
        "answered": {"what": "answered", "is_reporter": True},
        "answered by you": {"what": "answered"},
        "decided": {"what": "decided"},
    },
    "calendar_failing": {"failing": {"is_dropped": False}, "dropped": {"is_dropped": True}},
    "lesson_cancelled": {
        "by the student": {},
        "for the weather": {"booking": SimpleNamespace(**vars(_BOOKING) | {"is_called_off": True})},
    },
    "lesson_weather": {
        "asked": {"question": SimpleNamespace(answer="")},
        "declined": {"question": SimpleNamespace(answer="declined")},
    },
    "lesson_goodwill": {
        "waived": {"what": "waived"},
        "emergency": {"what": "emergency"},
        "good fit": {"what": "good_fit"},
    },
}
"""Kinds that say something else on another occasion; the first is shown unless asked."""


def mail_kinds() -> list[str]:
    """Return the kinds of all mails, our own first, then those of the account pages."""
    ours = {path.stem for path in (TEMPLATES / "mail").glob("*.html")} - PARTS
    account = (TEMPLATES / "account" / "email").glob("*_message.html")
    return [*sorted(ours), *sorted(path.stem.removesuffix("_message") for path in account)]


def text_kinds() -> list[str]:
    """Return the kinds of all text messages; their names begin with ``text_``."""
    return sorted(TEXT + path.stem for path in (TEMPLATES / "texts").glob("*.txt"))


def variants_of(kind: str) -> list[str]:
    """Return the occasions on which a mail says something else; none where it never does."""
    return list(_VARIANTS.get(kind, {}))


def preview(kind: str, side: str, form: str, variant: str = "") -> str:
    """Return a mail with invented values; ``form`` is html or txt. Raises ``Http404``.

    A text message has no HTML twin.
    """
    if kind in text_kinds() and form == "txt":
        return words_of(kind.removeprefix(TEXT), _SAMPLE)
    variants = _VARIANTS.get(kind) or {"": {}}
    variant = variant or next(iter(variants))
    if kind not in mail_kinds() or side not in SIDES or variant not in variants:
        raise Http404(kind)
    is_ours = (TEMPLATES / "mail" / f"{kind}.html").exists()
    name = f"mail/{kind}.{form}" if is_ours else f"account/email/{kind}_message.{form}"
    subject = kind.replace("_", " ").capitalize()
    values = {**_SAMPLE, "subject": subject, "side": side, **_OF_KIND.get(kind, {})}
    values |= variants[variant]
    return render_to_string(name, values)


def _named(kinds: list[str]) -> list[tuple[str, str]]:
    return [(kind, kind.replace("_", " ").capitalize()) for kind in kinds]


def _asked(request: HttpRequest, kind: str) -> tuple[str, str]:
    first = next(iter(variants_of(kind)), "")
    return request.GET.get("side", SIDES[0]), request.GET.get("variant", first)


@requires(PERMISSION)
@require_safe
def previews(request: HttpRequest) -> HttpResponse:
    """List every kind of mail, then of texts."""
    context = {"kinds": _named(mail_kinds()), "texts": _named(text_kinds())}
    return mark_private(render(request, "pages/mail_previews.html", context))


@requires(PERMISSION)
@require_safe
def mail_preview(request: HttpRequest, kind: str) -> HttpResponse:
    """Show one mail as text, and lead to its HTML twin; or one text message."""
    side, variant = _asked(request, kind)
    context = {
        "kind": kind,
        "name": kind.replace("_", " ").capitalize(),
        "is_text": kind in text_kinds(),
        "side": side,
        "sides": SIDES if kind.startswith("lesson_") else (),
        "variant": variant,
        "variants": variants_of(kind),
        "text": preview(kind, side, "txt", variant).strip(),
    }
    return mark_private(render(request, "pages/mail_preview.html", context))


@requires(PERMISSION)
@require_safe
def mail_preview_html(request: HttpRequest, kind: str) -> HttpResponse:
    """Answer the HTML twin as its reader gets it; the policy allows inline styles and no script."""
    side, variant = _asked(request, kind)
    response = HttpResponse(STYLES.inline(preview(kind, side, "html", variant)))
    response["Content-Security-Policy"] = MAIL_POLICY
    return mark_private(response)

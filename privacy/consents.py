"""Write down what a person agreed to or took back (Spec: S6.4, S13.6).

The words of a question and their version stand here together: whoever changes the words gives them
a new version.
"""

from dataclasses import dataclass
from typing import Any, Final

from privacy.models import Consent

Purpose = Consent.Purpose

VERSIONS: Final = {
    Purpose.TERMS: "2026-11-01",
    Purpose.PRIVACY: "2026-11-01",
    Purpose.ANALYTICS: "2026-11-01",
    Purpose.MARKETING: "2026-11-01",
    Purpose.SMS: "2026-11-01",
}

MARKETING_WORDS: Final = "Email me tips and news now and then. I can stop it any time."
SMS_WORDS: Final = (
    "Text me about my lessons at this number. Message and data rates may apply; the number of"
    " messages depends on my lessons. Reply STOP to end, HELP for help. Not needed to book."
)


@dataclass(frozen=True)
class Browser:
    """What a request tells about where the answer came from; stored for text messages alone."""

    page: str
    ip: str | None = None
    user_agent: str = ""


def record_consent(*, by: Any, purpose: Purpose, is_given: bool, browser: Browser) -> bool:
    """Add an answer unless it is the one in force, in the same words; tell whether it was added.

    Call it in the transaction of the change that it belongs to.
    """
    newest = Consent.objects.filter(user_id=by.pk, purpose=purpose).order_by("-created_at", "-pk")
    known = newest.values_list("is_given", "version", "phone").first()
    phone = by.phone if purpose is Purpose.SMS and is_given else ""
    if known == (is_given, VERSIONS[purpose], phone) or (known is None and not is_given):
        return False
    details = {"phone": phone, **_details_of_texts(by, browser)} if purpose is Purpose.SMS else {}
    Consent.objects.create(
        user_id=by.pk,
        purpose=purpose,
        is_given=is_given,
        version=VERSIONS[purpose],
        page=browser.page[:200],
        **details,
    )
    return True


def _details_of_texts(by: Any, browser: Browser) -> dict[str, Any]:
    return {
        "name": by.full_name,
        "email": by.email,
        "ip": browser.ip,
        "user_agent": browser.user_agent[:300],
    }

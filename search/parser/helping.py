"""Words that ask for help with the product instead of a lesson."""

import re

_TOPICS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("refund", re.compile(r"\b(?:refunds?|money back|chargeback)\b")),
    (
        "cancel",
        re.compile(
            r"^\s*(?:how (?:do|can|to) (?:i )?|i (?:want|need) to |can i |"
            r"please )*cancel(?:l?ation|l?ing)?(?: policy)?\s*[?.!]*$"
            r"|\bcancel(?:l?ation|l?ing)? (?:my |a |the |our |this )?(?:\w+ )?(?:lesson|booking|"
            r"class|session|appointment|policy|account|order|subscription)\b"
        ),
    ),
    (
        "reschedule",
        re.compile(
            r"\b(?:reschedul(?:e|ing)|(?:change|move) (?:my|the|our) (?:\w+ )?(?:lesson|booking|"
            r"class|appointment)(?: time| date)?)\b"
        ),
    ),
    (
        "become_instructor",
        re.compile(
            r"\b(?:(?:become|becoming|be|apply as|apply to be|sign up as|register as|work as|"
            r"join as)(?: an?)? "
            r"(?:instructor|tutor|teacher|coach)|apply to teach|teach (?:on|for|"
            r"with) (?:instainstru|you|this site)|"
            r"how (?:do|can) (?:i|you) (?:start )?teach(?:ing)? (?:here|on)|list my (?:lessons|"
            r"services|classes))\b"
            # Whoever wants "someone to teach", or to teach their own people, looks for a lesson.
            r"|(?:^\s*|\b(?:i|we|i'd|we'd|i'm) )(?:(?:would |really |am )*(?:want|like|love|hope|"
            r"hoping|looking|ready) to|wanna) (?:start |be )?teach(?:ing)?\b"
            r"(?! (?:me|my|us|our|him|her|them|it|someone|myself|ourselves)\b)"
        ),
    ),
    ("password", re.compile(r"\b(?:change|update) (?:my |the |your )?password\b")),
    (
        "account",
        re.compile(
            r"\b(?:(?:forgot(?:ten)?|lost|reset|recover) (?:my |the )?password|password reset|"
            r"can'?t (?:log|sign) in|log ?in|delete my account|change my email)\b"
        ),
    ),
    (
        "payment",
        re.compile(
            r"\b(?:gift ?cards?|promo codes?|receipts? for my|payment (?:failed|methods?|"
            r"problem)|update my card|charged twice)\b"
        ),
    ),
    (
        "support",
        re.compile(
            r"\b(?:(?:contact|customer|talk to) (?:customer )?(?:support|service)|contact (?:us|"
            r"you)|help ?(?:center|desk)|how does (?:this|it|instainstru) work|"
            r"report an? (?:instructor|tutor|problem))\b"
        ),
    ),
)


def help_topic(folded: str) -> str | None:
    """Return the help topic that the words ask for, or None.

    Spec: S8.9
    """
    return next((topic for topic, pattern in _TOPICS if pattern.search(folded)), None)

"""What a new password may not be; named in ``AUTH_PASSWORD_VALIDATORS`` (Spec: S17.2).

Every refusal says its reason. No rule asks for capitals, digits or signs.
"""

from pathlib import Path
from typing import Any

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

MIN_LENGTH, MAX_LENGTH = 10, 128
SHORTEST_OWN_WORD = 4  # shorter ones hide in ordinary words
BRAND_WORDS = ("instainstru", "nyclessonsmarketplace")
BREACHED = Path(__file__).parent / "data" / "breached_passwords.txt"


def _letters(text: str) -> str:
    """Return the letters and digits alone, so that signs between them hide nothing."""
    return "".join(char for char in text.casefold() if char.isalnum())


class MaximumLengthValidator:
    """Keeps the cost of hashing bounded."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ``ValidationError`` for more than ``MAX_LENGTH`` characters."""
        if len(password) > MAX_LENGTH:
            raise ValidationError(f"Use at most {MAX_LENGTH} characters.", code="too_long")

    def get_help_text(self) -> str:
        """Return the rule in words."""
        return f"At most {MAX_LENGTH} characters."


class OwnWordsValidator:
    """Refuses the person's own name and e-mail."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ``ValidationError`` for a password that contains a word of the person's own."""
        found = _letters(password)
        if any(word in found for word in own_words(user)):
            raise ValidationError(self.get_help_text(), code="own_word")

    def get_help_text(self) -> str:
        """Return the rule in words."""
        return "Don't use your name or email in your password."


def own_words(user: Any) -> set[str]:
    """Return names and the parts of the e-mail that are long enough to be no coincidence."""
    if user is None:
        return set()
    first, last = _letters(user.first_name), _letters(user.last_name)
    mailbox = user.email.partition("@")[0]
    words = {first, last, first + last, _letters(mailbox), _letters(user.email)}
    return {word for word in words if len(word) >= SHORTEST_OWN_WORD}


class BrandWordsValidator:
    """Refuses our own name, the first thing that somebody would try here."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ``ValidationError`` for a password with our name in it."""
        found = _letters(password)
        if any(word in found for word in BRAND_WORDS):
            raise ValidationError(self.get_help_text(), code="brand_word")

    def get_help_text(self) -> str:
        """Return the rule in words."""
        return "Don't use the name of this site in your password."


class BreachedPasswordValidator(CommonPasswordValidator):
    """Refuses passwords known from breaches; the file says where they are from."""

    def __init__(self) -> None:
        self.passwords = set(BREACHED.read_text(encoding="utf-8").split())

    def get_error_message(self) -> str:
        """Return the reason."""
        return "This password was found in a data breach. Choose another one."

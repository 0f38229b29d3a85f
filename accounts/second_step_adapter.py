"""How allauth keeps second steps (Spec: 02 section 1)."""

from typing import Any, ClassVar

from allauth.mfa.adapter import DefaultMFAAdapter

from accounts import second_step


class SecondStepAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Seeds are encrypted in the tables; errors in our words."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "That code is wrong or was used already. Type the one shown now.",
    }

    def encrypt(self, text: str) -> str:
        """Return the text as it is stored."""
        return second_step.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Return the plain text of what is stored."""
        return second_step.decrypt(encrypted_text)

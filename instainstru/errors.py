"""Errors that a person can act on, with the status that every interface answers.

Spec: G2-G6, G12
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class ApplicationError(Exception):
    """A refusal with a plain sentence, a stable code and an HTTP status."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    told: ClassVar[tuple[str, ...]] = ()
    """What of the context programs are told beside the sentence (Spec: G12)."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        fields: Mapping[str, str] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = code or self.code
        self.fields = dict(fields or {})
        self.context = dict(context or {})

    @property
    def retry_after_seconds(self) -> int | None:
        """How long to wait before the same request may succeed; None when waiting is no help."""
        return self.context.get("retry_after_seconds")


class ValidationFailedError(ApplicationError):
    """Bad input; nothing was written and the input is kept (Spec: G2)."""

    status = 422
    code = "validation"


class ConflictError(ApplicationError):
    """The state changed meanwhile; nothing was written (Spec: G3)."""

    status = 409
    code = "conflict"


class NotFoundError(ApplicationError):
    """Unknown or somebody else's: the answer is the same (Spec: G5)."""

    status = 404
    code = "not_found"


class ForbiddenError(ApplicationError):
    """The person lacks the permission (Spec: G5)."""

    status = 403
    code = "forbidden"


class PaymentDeclinedError(ApplicationError):
    """The bank said no; nothing was charged (Spec: S14.4)."""

    status = 402
    code = "payment_declined"


class RateLimitedError(ApplicationError):
    """Too many requests; ``retry_after_seconds`` names the wait (Spec: G6)."""

    status = 429
    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message, context={"retry_after_seconds": retry_after_seconds})

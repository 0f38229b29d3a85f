"""Reads on what people agreed to."""

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from privacy.models import Consent  # noqa: F401 (named below)


class ConsentQuerySet(models.QuerySet["Consent"]):
    """Answers of people, the newest of each purpose counts."""

    def in_force(self, user: Any) -> dict[str, bool]:
        """Return the newest answer of a person by purpose; a purpose never asked is missing."""
        rows = self.filter(user_id=user.pk).order_by("purpose", "-created_at", "-pk")
        return dict(rows.distinct("purpose").values_list("purpose", "is_given"))

    def of_texts(self) -> "ConsentQuerySet":
        """Answers about text messages."""
        return self.filter(purpose="sms")

    def newest_first(self) -> "ConsentQuerySet":
        """The latest first."""
        return self.order_by("-created_at", "-pk")

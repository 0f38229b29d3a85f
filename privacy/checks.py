"""System checks of privacy. Spec: S6.5."""

from typing import Any

from django.core.checks import CheckMessage, Error

from privacy import introspection


def check_everything_is_declared(**_options: Any) -> list[CheckMessage]:
    """Fail for a model or column that no `personal_data.py` speaks about."""
    return [Error(text, id="privacy.E001") for text in introspection.undeclared()]

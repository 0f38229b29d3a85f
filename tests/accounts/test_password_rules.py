"""What a new password may not be."""

import hashlib

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import User
from accounts.password_rules import BREACHED

pytestmark = pytest.mark.S17

MAYA = User(email="m.cohen-1980@example.com", first_name="Maya", last_name="O'Neill")
ANN = User(email="al@example.com", first_name="Al", last_name="Li")


def refused(password: str, person: User | None = None) -> str:
    try:
        validate_password(password, person)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


@pytest.mark.parametrize(
    "password",
    ["quiet harbor lamp", "ааааааааая", "пароль и море", "🎹🎺🎻🥁🎷🪗🎸🪕🪘🪈", "x" * 128],
)
def test_length_alone_is_asked_for(password: str) -> None:
    """Spec: S17.2."""
    assert refused(password, MAYA) == ""


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("9 letters", "at least 10 characters"),
        ("x" * 129, "at most 128"),
        ("qwertyuiop", "too common"),
        ("  QwertyUIOP ", "too common"),
        ("1234567890", "too common"),
        ("password123", "too common"),
        ("0000000000d", "data breach"),
        ("iNSTAiNSTRU-2026", "name of this site"),
        ("insta.in.stru.x", "name of this site"),
    ],
)
def test_a_refused_password_says_why(password: str, reason: str) -> None:
    """Spec: S17.2."""
    assert reason in refused(password)


@pytest.mark.parametrize(
    "password",
    ["MAYA likes tea", "m-a-y-a-likes", "oneill-harbor", "mayaoneill99", "M.Cohen-1980 x",
     "m.cohen-1980@example.com"],
)  # fmt: skip
def test_own_name_and_email_are_refused(password: str) -> None:
    """Spec: S17.2."""
    assert "your name or email" in refused(password, MAYA)
    assert "your name or email" not in refused(password)


def test_very_short_names_are_no_reason() -> None:
    assert refused("always all alone", ANN) == ""
    assert "your name or email" in refused("al@example.com", ANN)


def test_the_bundled_list_is_the_documented_one() -> None:
    digest = hashlib.sha256(BREACHED.read_bytes()).hexdigest()
    assert digest in BREACHED.with_name("VERSION.md").read_text()
    words = BREACHED.read_text().split()
    assert all(word == word.lower() and 10 <= len(word) <= 128 for word in words)

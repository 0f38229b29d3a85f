"""Typed values from the environment; a wrong one stops the start with one line that names it.

An empty value counts as unset. Spec: 12 section 5.
"""

import os
import re
from collections.abc import Collection
from typing import Final, NoReturn
from urllib.parse import urlsplit

YES: Final = frozenset({"true", "1"})
NO: Final = frozenset({"false", "0"})


def whole_number(name: str, *, default: int, least: int, most: int) -> int:
    """Return a number from `least` to `most`; SystemExit names the variable otherwise."""
    text = _text(name)
    if not text:
        return default
    if not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
        _stop(name, f"a whole number from {least} to {most}")
    return int(text)


def flag(name: str) -> bool:
    """Return whether a switch is on; SystemExit names the variable for anything but yes and no."""
    text = _text(name).lower()
    if text and text not in YES | NO:
        _stop(name, "true, false or unset")
    return text in YES


def one_of(name: str, choices: Collection[str], *, default: str) -> str:
    """Return one of the choices, written in any case; SystemExit names the variable otherwise."""
    text = _text(name).upper() or default
    if text not in choices:
        _stop(name, f"one of {', '.join(choices)}")
    return text


def site_address(name: str, *, default: str) -> str:
    """Return scheme and host of a site, without a path; SystemExit names the variable otherwise."""
    text = _text(name).rstrip("/") or default
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        _stop(name, "an address such as https://www.example.com")
    return text


def folder(name: str, *, default: str) -> str:
    """Return the path of a part of the site, such as `admin/`; SystemExit names the variable."""
    text = _text(name).strip("/")
    if text and not re.fullmatch(r"[a-z0-9][a-z0-9/-]*", text):
        _stop(name, "a path of small letters, digits and hyphens, such as admin/")
    return f"{text}/" if text else default


def _text(name: str) -> str:
    return os.environ.get(name, "").strip()


def _stop(name: str, wanted: str) -> NoReturn:
    raise SystemExit(f"{name} must be {wanted}.")

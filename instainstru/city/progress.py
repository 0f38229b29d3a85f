"""How long steps say how far they are."""

from collections.abc import Callable

Progress = Callable[[str], None]
"""Shows one line, such as "4,000 of 20,000 students"."""

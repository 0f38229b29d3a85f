"""What a site needs before it can serve: migrations, roles, schedule, a demo city."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from django.contrib.auth import get_user_model
from django.core.management import call_command, get_commands

from instainstru.database.pending import pending_migrations

Step = Callable[[str], AbstractContextManager[None]]
"""Shows a text while the block of a long step runs."""
SYNCHRONISED: Final = ("sync_roles", "sync_schedule")


def timed(say: Callable[[str], object]) -> Step:
    """Return a step that says what begins and, when it is done, the seconds it took."""

    @contextmanager
    def step(text: str) -> Iterator[None]:
        started = time.monotonic()
        say(f"{text} …")
        yield
        say(f"{text}: {time.monotonic() - started:.1f} s")

    return step


def prepare_database(step: Step) -> None:
    """Migrate, bring roles and schedule in line with the code, and seed an empty database.

    For INT and STG; on production these are steps of the release.
    """
    if pending_migrations():
        with step("Migrating the database"):
            call_command("migrate", interactive=False, verbosity=0)
    for name in SYNCHRONISED:
        if name in get_commands():
            call_command(name, verbosity=0)
    if "seed" in get_commands() and is_empty():
        with step("Seeding the demo city"):
            call_command("seed", profile="demo")
        # Later changes are the worker's; the first visitor should not wait for it.
        with step("Teaching search what the services mean"):
            call_command("embed", verbosity=0)


def is_empty() -> bool:
    """Whether nobody has an account yet."""
    return not get_user_model()._default_manager.exists()  # noqa: SLF001 - Django's own accessor

"""Application configuration."""

from typing import TYPE_CHECKING, Any

from django.apps import AppConfig

if TYPE_CHECKING:
    from django.db.models import QuerySet


def _violations() -> list[str]:
    from bookings.messages.invariants import thread_violations

    return thread_violations()


def _unread_letters(person_id: int) -> "QuerySet[Any]":
    from bookings.messages.models import Message

    return Message.objects.unread_of(person_id)


class MessagesConfig(AppConfig):
    """Messages; the label differs because Django's own flash messages have the name."""

    name = "bookings.messages"
    label = "messaging"
    verbose_name = "Messages"

    def ready(self) -> None:
        """Count unread messages at the bell and in the digest; watch over the threads."""
        from bookings.messages import personal_data  # noqa: F401 - registers
        from bookings.messages.waiting import unread_threads
        from bookings.notifications import digest
        from instainstru import bell, invariants

        bell.register("messages", _unread_letters)
        digest.register_source(unread_threads)
        invariants.register("messages", _violations)

"""Application configuration."""

from django.apps import AppConfig


def _violations() -> list[str]:
    from bookings.messages.invariants import thread_violations

    return thread_violations()


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
        from instainstru import invariants

        digest.register_source(unread_threads)
        invariants.register("messages", _violations)

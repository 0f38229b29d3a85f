"""Application configuration."""

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from accounts.models import Learner, User


def _claim_holds(user: "User", guest_key: str) -> None:
    from bookings.lessons.services import claim_guest_holds

    claim_guest_holds(user=user, guest_key=guest_key)


def _extend_holds(guest_key: str) -> None:
    from bookings.lessons.services import extend_holds_for_sign_up

    extend_holds_for_sign_up(guest_key=guest_key)


def _keep_learner(learner: "Learner") -> None:
    from bookings.lessons.services import refuse_removal_with_lessons

    refuse_removal_with_lessons(learner)


def _lesson_violations() -> list[str]:
    from bookings.lessons.invariants import lesson_violations

    return lesson_violations()


def _finish_attempt(attempt_id: int) -> None:
    from bookings.lessons.checkout import finish_attempt

    finish_attempt(attempt_id)


class LessonsConfig(AppConfig):
    """Lessons."""

    name = "bookings.lessons"
    label = "lessons"
    verbose_name = "Lessons"

    def ready(self) -> None:
        """Keep a guest's holds through sign-in and sign-up. Spec: S17.8."""
        from accounts import learners, sign_in_hooks
        from bookings.lessons import personal_data  # noqa: F401 - registers
        from instainstru import invariants

        learners.register_removal_check(_keep_learner)
        from bookings.lessons.waiting import waiting_for_instructor, waiting_for_student
        from bookings.notifications import digest
        from bookings.payments.services.webhooks import register_settler

        digest.register_source(waiting_for_student)
        digest.register_source(waiting_for_instructor)
        invariants.register("lessons", _lesson_violations)
        register_settler(_finish_attempt)
        sign_in_hooks.register(_claim_holds)
        sign_in_hooks.register_verification_started(_extend_holds)

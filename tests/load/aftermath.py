"""``python -m tests.load.aftermath``: what the books say after a run with kills.

Asked with the codes that the site acknowledged, the learners who booked, since when, and the folder
of the sent mails, as one JSON object; lets the jobs finish what a dead process left open, then
compares.
"""

import json
import os
import re
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

AFTER_THE_LEASE: Final = timedelta(minutes=5)
MESSAGE_ID: Final = re.compile(r"^Message-ID: <(\w+)@", re.MULTILINE)


def main() -> None:
    """Print what was found as JSON."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instainstru.settings")
    os.environ["LOG_LEVEL"] = "CRITICAL"
    import django

    django.setup()
    asked = json.loads(sys.argv[1])
    finish()
    found = compare(asked["codes"], asked["learners"], asked["began"], Path(asked["mails"]))
    found["left_behind"] = left_behind(asked["stuck"])
    sys.stdout.write(json.dumps(found))


def finish() -> None:
    """Do what worker and beat would do within the next minutes."""
    import time_machine

    from bookings.lessons.checkout import finish_attempts
    from bookings.notifications.services import deliver_mail
    from bookings.payments.services import settle_refunds
    from bookings.payments.services.webhooks import process_events
    from instainstru import clock

    with time_machine.travel(clock.now() + AFTER_THE_LEASE):
        finish_attempts()
        settle_refunds(clock.now())
        process_events(clock.now())
        deliver_mail()


def compare(codes: list[str], learners: list[str], began: str, mails: Path) -> dict[str, Any]:
    """Return counts; those under ``must_be_nothing`` say that something was lost or doubled.

    Looked at are the bookings that these learners made since ``began``, an ISO instant.
    """
    from bookings.lessons.models import Booking
    from bookings.notifications.models import OutgoingMail
    from bookings.payments.models import LedgerTransaction, PaymentAttempt
    from bookings.payments.services.reconciliation import reconcile
    from instainstru import clock, invariants
    from tests.load.stress import overlaps

    mine = Booking.objects.filter(learner__public_id__in=learners, created_at__gte=began)
    lessons = list(mine.filter(status="confirmed"))
    keys = OutgoingMail.objects.exclude(key=None)
    sent = Counter(MESSAGE_ID.findall("".join(file.read_text() for file in mails.iterdir())))
    attempts = PaymentAttempt.objects.filter(booking__in=mine)
    twice = Counter(lesson.learner_id for lesson in lessons)
    return {
        "confirmed": len(lessons),
        "mails_sent": sum(sent.values()),
        "sent_again": sum(number - 1 for number in sent.values()),
        "must_be_nothing": {
            "acknowledged_and_lost": len(set(codes) - {lesson.code for lesson in lessons}),
            "booked_twice": sum(number - 1 for number in twice.values()),
            "overlaps": overlaps(),
            "charged_otherwise": _charged_otherwise(mine, lessons),
            "attempts_left_open": attempts.open().count(),
            "mails_twice": keys.count() - keys.values("key").distinct().count(),
            "mails_lost": _mails_lost(lessons, sent),
            "ledger_rows_twice": LedgerTransaction.objects.count()
            - LedgerTransaction.objects.values("key").distinct().count(),
            "books_differ": reconcile(clock.now() + timedelta(hours=1)).problems,
            "violations": {name: texts for name, texts in invariants.violations().items() if texts},
        },
    }


def left_behind(paths: list[str]) -> dict[str, Any]:
    """Return what the site knows of the holds at these addresses, by address."""
    from bookings.lessons.models import Booking

    said = ("status", "student_id", "guest_key", "learner_id", "created_at", "expires_at")
    rows = {path: Booking.objects.filter(hold_id=path.split("/")[-2]) for path in paths if path}
    return {path: str(list(row.values(*said))) for path, row in rows.items()}


def _charged_otherwise(mine: Any, lessons: list[Any]) -> list[str]:
    """Name the students whose cards paid another sum than their lessons cost."""
    from bookings.payments.models import OfflineIntent, PaymentAttempt

    student_of = dict(
        PaymentAttempt.objects.filter(booking__in=mine).values_list("idempotency_key", "student_id")
    )
    intents = OfflineIntent.objects.filter(key__in=student_of, status="succeeded")
    kept: Counter[int] = Counter()
    for key, paid_cents, returned_cents in intents.values_list(
        "key", "amount_cents", "refunded_cents"
    ):
        kept[student_of[key]] += paid_cents - returned_cents
    due: Counter[int] = Counter()
    for lesson in lessons:
        due[lesson.student_id] += lesson.total_cents
    return [
        f"student {pk}: {kept[pk]} for {due[pk]}" for pk in {*kept, *due} if kept[pk] != due[pk]
    ]


def _mails_lost(lessons: list[Any], sent: Counter[str]) -> list[str]:
    """Name the confirmations that are in no outbox, or never left it."""
    from bookings.notifications.models import OutgoingMail

    wanted = {
        f"confirmed:{lesson.pk}:{lesson.revision}:{side}"
        for lesson in lessons
        for side in ("student", "instructor")
    }
    rows = OutgoingMail.objects.filter(key__in=wanted)
    there = {key for key, name in rows.values_list("key", "public_id") if name in sent}
    return sorted(wanted - there)


if __name__ == "__main__":
    main()

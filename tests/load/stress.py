"""``bin/stress``: many people book, move, cancel and decide at once; then everything is checked.

A bounded run on a database of its own. Clients work through the services that pages and jobs
call, guests through the pages themselves, programs through the API, staff through the admin's
pages; a seed makes what they try repeatable, the machine decides who wins. Spec: 05 section 1,
benchmark targets
"""

import argparse
import json
import multiprocessing
import os
import random
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.load.programs import Desk, Program

PROCESSES = 4
# As many as a web process serves at once; whoever comes then waits in line.
SERVED_AT_ONCE = 2
INSTRUCTORS, DAYS, HOURS = 4, 10, range(9, 20)
CARD = "4242 4242 4242 4242"
SWEPT_AFTER = timedelta(minutes=2)
REASON = "The stress run decides about this lesson."


@dataclass(frozen=True)
class Plan:
    """What the clients share: the offers and people of the city, and the first day."""

    offering_ids: tuple[int, ...]
    student_ids: tuple[int, ...]
    staff_id: int
    first_day: datetime


@dataclass(frozen=True)
class Try:
    """One attempt: what, how it ended, how many milliseconds it waited in line and then took."""

    kind: str
    ended: str
    waited_ms: float
    took_ms: float


class Line:
    """Lets so many in at once and the others in the order in which they came."""

    def __init__(self, places: int) -> None:
        self._lock, self._free = threading.Lock(), places
        self._waiting: deque[threading.Event] = deque()

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            called = threading.Event()
            self._waiting.append(called)
        called.wait()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1


_line = Line(SERVED_AT_ONCE)


@dataclass(frozen=True)
class _Held:
    """A time that a student holds and will pay for."""

    student: Any
    learner_id: int
    hold_id: str
    cents: int


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instainstru.settings")
    os.environ.setdefault("LOG_LEVEL", "CRITICAL")
    import django

    django.setup()


class Client:
    """One client: tries random things with random people, and notes how each ended."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self.plan, self.luck = plan, random.Random(seed)  # noqa: S311 - a plan, not a secret
        self.tries: list[Try] = []
        self.programs: dict[int, Program] = {}
        self.desk: Desk | None = None
        self.kinds: list[tuple[str, int, Callable[[], object]]] = [
            ("create", 33, self.create),
            ("api create", 12, self.create_by_program),
            ("series", 6, self.create_series),
            ("page", 10, self.page),
            ("move", 10, self.move),
            ("api move", 5, self.move_by_program),
            ("propose", 8, self.propose),
            ("answer", 8, self.answer),
            ("cancel", 5, self.cancel),
            ("api cancel", 3, self.cancel_by_program),
            ("teacher", 3, self.teacher_cancels),
            ("staff", 3, self.staff_cancels),
        ]

    def run(self, attempts: int) -> list[Try]:
        """Try so many things."""
        from django.db import connection

        while len(self.tries) < attempts:
            names, weights, acts = zip(*self.kinds, strict=True)
            kind = self.luck.choices(range(len(names)), weights)[0]
            booked = self._try(names[kind], acts[kind])
            if isinstance(booked, _Held):
                self._try("confirm", partial(self._pay, booked))
            elif isinstance(booked, partial):
                self._try("api confirm", booked)
        connection.close()
        return self.tries

    def _try(self, kind: str, act: Callable[[], object]) -> object:
        """Do one thing and note how it ended; returns what came of it."""
        from instainstru.errors import ApplicationError

        came, found = time.perf_counter(), None
        with _line:
            began = time.perf_counter()
            try:
                found = act()
                ended = "done"
            except ApplicationError as error:
                ended = f"refused {error.status}"
            except Exception as error:  # noqa: BLE001 - what nobody expects is what is looked for
                ended = f"broken {type(error).__name__}: {str(error)[:200]}"
            took = time.perf_counter() - began
        self.tries.append(Try(kind, ended, (began - came) * 1000, took * 1000))
        return found

    def _start(self) -> datetime:
        day = self.plan.first_day + timedelta(days=self.luck.randrange(DAYS))
        hours, minutes = self.luck.choice(HOURS) - 12, self.luck.choice((0, 30))
        return day + timedelta(hours=hours, minutes=minutes)

    def _student(self) -> Any:
        from accounts.models import User

        return User.objects.get(pk=self.luck.choice(self.plan.student_ids))

    def _lesson(self) -> Any:
        """Return some confirmed lesson of the contested instructors."""
        from bookings.lessons.models import Booking
        from instainstru.errors import NotFoundError

        rows = Booking.objects.filter(
            offering__in=self.plan.offering_ids,
            status="confirmed",
            start_at__gt=self.plan.first_day,
        )
        found = rows.order_by("?").select_related("student", "instructor__user").first()
        if found is None:
            raise NotFoundError("There is no lesson yet.")
        return found

    def create(self) -> "_Held":
        """Hold a time; paying for it is an attempt of its own."""
        return self._hold([self._start()])

    def create_series(self) -> "_Held":
        """Hold the same time of two to four days in one go: all of them or none."""
        first = self._start()
        return self._hold([first + timedelta(days=day) for day in range(self.luck.randint(2, 4))])

    def _hold(self, starts: list[datetime]) -> "_Held":
        from accounts.models import Learner
        from accounts.owners import Owner
        from bookings.lessons.services import HoldRequest, hold_series, hold_slot

        student = self._student()
        learner = Learner.objects.filter(manager=student, is_self=True).get()
        wanted = HoldRequest(
            offering_id=self.luck.choice(self.plan.offering_ids),
            start_at=starts[0],
            duration_minutes=60,
            modality="online",
            learner_id=learner.pk,
        )
        owner = Owner(user_id=student.pk)
        if len(starts) > 1:
            hold = hold_series(by=owner, wanted=wanted, starts=starts)
        else:
            hold = hold_slot(by=owner, wanted=wanted)
        return _Held(student, learner.pk, hold.hold_id, len(starts) * hold.total_cents)

    def _pay(self, held: "_Held") -> None:
        from bookings.lessons.checkout import CheckoutDetails, pay_and_confirm
        from bookings.payments.services import read_card

        card, cents = read_card(CARD), held.cents
        details = CheckoutDetails(held.learner_id, None, "", "", card, shown_cents=cents)
        pay_and_confirm(by=held.student, hold_id=held.hold_id, details=details)

    def page(self) -> None:
        """Hold a time as a guest, on the page."""
        from catalog.models import Offering
        from instainstru.errors import ConflictError
        from tests.load.programs import new_browser

        offering = Offering.objects.select_related("service", "instructor").get(
            pk=self.luck.choice(self.plan.offering_ids)
        )
        fields = {
            "service": offering.service.slug,
            "duration": "60",
            "place": "online",
            "start": f"{self._start():%Y-%m-%dT%H:%M:%SZ}",
        }
        address = f"/i/{offering.instructor.slug}/book/"
        status = new_browser().post(address, fields).status_code
        if status in (409, 429):
            raise ConflictError("taken")
        if status != 302:
            raise RuntimeError(f"the page answered {status}")

    def _program(self, person: Any) -> "Program":
        from tests.load.programs import Program

        if person.pk not in self.programs:
            self.programs[person.pk] = Program(person)
        return self.programs[person.pk]

    def create_by_program(self) -> "partial[None]":
        """Hold a time through the API; paying for it is an attempt of its own."""
        from accounts.models import Learner
        from catalog.models import Offering

        student = self._student()
        offering = Offering.objects.select_related("service", "instructor").get(
            pk=self.luck.choice(self.plan.offering_ids)
        )
        learner = Learner.objects.get(manager=student, is_self=True).public_id
        program = self._program(student)
        wanted = {
            "instructor": offering.instructor.slug,
            "service": offering.service.slug,
            "duration": 60,
            "place": "online",
            "start": f"{self._start():%Y-%m-%dT%H:%M:%SZ}",
            "learner": learner,
        }
        hold = program.do("/holds/", wanted)["hold_id"]
        return partial(self._pay_by_program, program, f"/holds/{hold}/", learner)

    def _pay_by_program(self, program: "Program", hold: str, learner: str) -> None:
        body = {"learner": learner, "card_number": CARD, "terms": True}
        program.do(f"{hold}confirm/", {**body, "due_cents": program.read(hold)["due_cents"]})

    def move_by_program(self) -> None:
        """Move a lesson as its student, through the API."""
        lesson = self._lesson()
        start = f"{self._start():%Y-%m-%dT%H:%M:%SZ}"
        self._program(lesson.student).do(f"/bookings/{lesson.code}/move/", {"start": start})

    def cancel_by_program(self) -> None:
        """Cancel as the student for what is shown, through the API."""
        lesson = self._lesson()
        address, program = f"/bookings/{lesson.code}/cancel/", self._program(lesson.student)
        shown = program.read(address)
        amounts = {name: shown[name] for name in ("card_refund_cents", "credit_cents")}
        program.do(address, {"reason": "schedule", **amounts})

    def move(self) -> None:
        """Move a lesson as its student."""
        from bookings.lessons.moves import move_lesson

        lesson = self._lesson()
        move_lesson(by=lesson.student, code=lesson.code, start_at=self._start())

    def propose(self) -> None:
        """Propose another time as the instructor."""
        from bookings.lessons.moves import propose_move

        lesson = self._lesson()
        propose_move(by=lesson.instructor.user, code=lesson.code, start_at=self._start())

    def answer(self) -> None:
        """Accept or decline as the student."""
        from bookings.lessons.moves import accept_proposal, decline_proposal

        lesson = self._lesson()
        answer = self.luck.choice((accept_proposal, accept_proposal, decline_proposal))
        answer(by=lesson.student, code=lesson.code)

    def cancel(self) -> None:
        """Cancel as the student, for what is shown."""
        from bookings.lessons.cancellation import cancel_lesson, preview_cancellation
        from bookings.lessons.selectors import find_lesson
        from instainstru import clock

        lesson = self._lesson()
        found = find_lesson(by=lesson.student, code=lesson.code)
        due = preview_cancellation(found, clock.now())
        cancel_lesson(
            by=lesson.student,
            code=lesson.code,
            reason="schedule",
            expected_card_cents=due.card_refund_cents,
            expected_credit_cents=due.credit_cents,
        )

    def teacher_cancels(self) -> None:
        """Cancel as the instructor; the time stays closed."""
        from bookings.lessons.cancellation import cancel_as_instructor

        lesson = self._lesson()
        cancel_as_instructor(by=lesson.instructor.user, code=lesson.code, reason=REASON)

    def staff_cancels(self) -> None:
        """Cancel as staff on the admin's page: everything back, or what staff decide."""
        from accounts.models import User
        from tests.load.programs import Desk

        if self.desk is None:
            self.desk = Desk(User.objects.get(pk=self.plan.staff_id))
        split = self.luck.choice(({"card": "", "credit": ""}, {"card": "10.50", "credit": "5"}))
        self.desk.act(self._lesson().pk, "cancel", {**split, "reason": REASON})


def _work(job: tuple[Plan, int, int, int]) -> list[Try]:
    plan, seed, threads, attempts = job
    _set_up()
    with ThreadPoolExecutor(threads) as pool:
        runs = pool.map(lambda n: Client(plan, seed * 1000 + n).run(attempts), range(threads))
        return [one for run in runs for one in run]


def make_plan() -> Plan:
    """Return who takes part: a few instructors for everybody, so that each time is contested."""
    from accounts.demo import DEMO_PASSWORD  # noqa: F401 - the demo city is there
    from accounts.models import User
    from catalog.models import Offering
    from instainstru import clock

    offers = Offering.objects.bookable().filter(
        modalities__contains=["online"], prices__duration_minutes=60
    )
    chosen: dict[int, int] = {}
    for offering in offers.order_by("instructor_id", "pk"):
        chosen.setdefault(offering.instructor_id, offering.pk)
        if len(chosen) == INSTRUCTORS:
            break
    students = User.objects.filter(
        groups__name="student", is_active=True, instructor__isnull=True, learners__is_self=True
    )
    today = (
        clock.now().astimezone(clock.NEW_YORK).replace(hour=12, minute=0, second=0, microsecond=0)
    )
    return Plan(
        offering_ids=tuple(chosen.values()),
        student_ids=tuple(students.order_by("pk").values_list("pk", flat=True)),
        staff_id=User.objects.get(email="staff@instainstru.test").pk,
        first_day=today + timedelta(days=2),
    )


def overlaps() -> int:
    """Count pairs of rows of one instructor, or of one learner, that share an instant (R11)."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT count(*) FROM lessons_booking AS one JOIN lessons_booking AS other
              ON one.id < other.id AND one.span && other.span
             AND (one.instructor_id = other.instructor_id OR one.learner_id = other.learner_id)
            WHERE one.status IN ('held', 'confirmed', 'ended', 'reported')
              AND other.status IN ('held', 'confirmed', 'ended', 'reported')
        """)
        return int(cursor.fetchone()[0])


def _times(kind: str, tries: list[Try]) -> dict[str, int]:
    rows = [one for one in tries if one.kind == kind]
    took = sorted(one.took_ms for one in rows) or [0.0]
    waited = sorted(one.waited_ms for one in rows) or [0.0]
    said = {f"p{part}": round(took[part * len(took) // 100]) for part in (50, 95, 99)}
    return said | {"p95_in_line": round(waited[95 * len(waited) // 100])}


def check(tries: list[Try]) -> dict[str, Any]:
    """Let the jobs finish what a lost race left open; return what must be nothing, too."""
    from bookings.lessons.checkout import finish_attempts
    from bookings.notifications.models import OutgoingMail
    from bookings.payments.models import LedgerTransaction, PaymentAttempt
    from instainstru import clock, invariants

    left_open = finish_attempts(clock.now() + SWEPT_AFTER)
    charges = PaymentAttempt.objects.for_lessons().filter(status="succeeded")
    keys = OutgoingMail.objects.exclude(key=None)
    return {
        "tries": len(tries),
        "by_kind": {
            kind: dict(Counter(one.ended.split(" ")[0] for one in tries if one.kind == kind))
            for kind in sorted({one.kind for one in tries})
        },
        "finished_by_the_job": left_open,
        "ms": {kind: _times(kind, tries) for kind in ("create", "confirm")},
        "must_be_nothing": {
            "overlaps": overlaps(),
            "broken": dict(Counter(one.ended for one in tries if one.ended.startswith("broken"))),
            "charged_twice": charges.count() - charges.values("booking").distinct().count(),
            "charges_without_ledger": PaymentAttempt.objects.filter(
                status="succeeded", recorded_at=None
            ).count(),
            "mails_twice": keys.count() - keys.values("key").distinct().count(),
            "ledger_rows_twice": LedgerTransaction.objects.count()
            - LedgerTransaction.objects.values("key").distinct().count(),
            "violations": {name: texts for name, texts in invariants.violations().items() if texts},
        },
    }


def main() -> int:
    """Run, print one JSON object, and fail when something that must be nothing is not."""
    parser = argparse.ArgumentParser(prog="bin/stress", description=__doc__)
    parser.add_argument("--attempts", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(sys.argv[1:])
    _set_up()
    plan = make_plan()
    threads = -(-options.clients // PROCESSES)
    each = -(-options.attempts // (threads * PROCESSES))
    jobs = [(plan, options.seed + number, threads, each) for number in range(PROCESSES)]
    began = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        tries = [one for rows in pool.map(_work, jobs) for one in rows]
    found = check(tries)
    found["seconds"] = round(time.perf_counter() - began)
    sys.stdout.write(f"{json.dumps(found, indent=1)}\n")
    return int(any(found["must_be_nothing"].values()))


if __name__ == "__main__":
    sys.exit(main())

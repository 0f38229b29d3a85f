"""A repeated key gets the first answer, a changed body is refused (R14)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.test import RequestFactory

from bookings.lessons.errors import LessonChangedError
from bookings.lessons.idempotency import (
    ProgramAnswer,
    StillRunningError,
    delete_old_records,
    run_once,
    run_once_for_program,
)
from bookings.lessons.models import IdempotencyRecord
from instainstru import clock
from instainstru.errors import ValidationFailedError
from tests.bookings.lessons.stage import guest

pytestmark = [pytest.mark.S13, pytest.mark.django_db]


class Answer:
    """Counts how often it ran."""

    def __init__(self, response: Callable[[int], HttpResponse]) -> None:
        self.response, self.runs = response, 0

    def __call__(self) -> HttpResponse:
        self.runs += 1
        return self.response(self.runs)


def leading_on() -> Answer:
    return Answer(lambda number: HttpResponseRedirect(f"/done/{number}/"))


def sent(**body: str) -> HttpRequest:
    return RequestFactory().post("/", {"idempotency_key": "key", **body})


def test_same_key_and_body_get_the_first_answer() -> None:
    answer = leading_on()
    first = run_once(sent(a="1"), guest(), "pay", answer)
    second = run_once(sent(a="1"), guest(), "pay", answer)
    assert answer.runs == 1
    assert first["Location"] == second["Location"] == "/done/1/"


@pytest.mark.parametrize(("body", "action"), [({"a": "2"}, "pay"), ({"a": "1"}, "cancel")])
def test_same_key_for_something_else_is_refused(body: dict[str, str], action: str) -> None:
    answer = leading_on()
    run_once(sent(a="1"), guest(), "pay", answer)
    with pytest.raises(ValidationFailedError) as caught:
        run_once(sent(**body), guest(), action, answer)
    assert (caught.value.status, caught.value.error_code) == (422, "idempotency_mismatch")
    assert answer.runs == 1


def test_keys_of_different_people_are_apart() -> None:
    answer = leading_on()
    run_once(sent(), guest("one"), "pay", answer)
    run_once(sent(), guest("two"), "pay", answer)
    assert answer.runs == 2


def test_without_a_key_every_request_runs() -> None:
    answer = leading_on()
    for _ in range(2):
        run_once(RequestFactory().post("/"), guest(), "pay", answer)
    assert answer.runs == 2
    assert not IdempotencyRecord.objects.exists()


def test_running_request_is_not_run_again() -> None:
    def inner() -> HttpResponse:
        with pytest.raises(StillRunningError) as caught:
            run_once(sent(), guest(), "pay", leading_on())
        assert caught.value.status == 409
        return HttpResponseRedirect("/done/")

    assert run_once(sent(), guest(), "pay", inner)["Location"] == "/done/"


def test_key_of_a_dead_process_is_taken_over_after_a_minute() -> None:
    answer = leading_on()

    def dies() -> HttpResponse:
        raise SystemExit

    with pytest.raises(SystemExit):
        run_once(sent(), guest(), "pay", dies)
    with pytest.raises(StillRunningError):
        run_once(sent(), guest(), "pay", answer)
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        run_once(sent(), guest(), "pay", answer)
    assert answer.runs == 1


@pytest.mark.parametrize("status", [402, 409, 422])
def test_question_to_the_person_is_not_remembered(status: int) -> None:
    answer = Answer(lambda _: HttpResponse(status=status))
    for _ in range(2):
        assert run_once(sent(), guest(), "pay", answer).status_code == status
    assert answer.runs == 2
    assert not IdempotencyRecord.objects.exists()


def test_failed_run_frees_its_key() -> None:
    def fails() -> HttpResponse:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        run_once(sent(), guest(), "pay", fails)
    answer = leading_on()
    run_once(sent(), guest(), "pay", answer)
    assert answer.runs == 1


def test_nothing_derived_from_a_card_is_stored() -> None:
    """S14.1: the hash is the same whatever the card."""
    run_once(sent(a="1", card_number="4242"), guest("one"), "pay", leading_on())
    run_once(sent(a="1", card_number="0002"), guest("two"), "pay", leading_on())
    hashes = set(IdempotencyRecord.objects.values_list("body_hash", flat=True))
    assert len(hashes) == 1


def test_overlong_key_is_no_error() -> None:
    answer = leading_on()
    for _ in range(2):
        request = RequestFactory().post("/", {"idempotency_key": "k" * 5000})
        run_once(request, guest(), "pay", answer)
    assert answer.runs == 1


def test_answer_is_kept_by_a_run_that_lost_its_key_meanwhile() -> None:
    """R14: another click took the key over after a minute, was refused and freed it."""

    def slow() -> HttpResponse:
        IdempotencyRecord.objects.update(created_at=clock.now() - timedelta(seconds=61))
        assert run_once(sent(), guest(), "pay", lambda: HttpResponse(status=409)).status_code == 409
        assert not IdempotencyRecord.objects.exists()
        return HttpResponseRedirect("/done/")

    assert run_once(sent(), guest(), "pay", slow).status_code == 302
    assert run_once(sent(), guest(), "pay", lambda: HttpResponse(status=409)).url == "/done/"


def test_a_slow_run_that_fails_leaves_the_key_of_who_took_it_over() -> None:
    """R14"""

    def slow() -> HttpResponse:
        IdempotencyRecord.objects.update(created_at=clock.now() - timedelta(seconds=61))
        assert (
            run_once(sent(), guest(), "pay", lambda: HttpResponseRedirect("/done/")).status_code
            == 302
        )
        return HttpResponse(status=409)

    assert run_once(sent(), guest(), "pay", slow).status_code == 409
    assert IdempotencyRecord.objects.get().location == "/done/"


def test_a_refusal_replaces_no_answer_of_what_was_done() -> None:
    """R14: who took a key over is refused because of what the slow run did meanwhile."""

    def taken_over() -> ProgramAnswer:
        IdempotencyRecord.objects.update(created_at=clock.now() - timedelta(seconds=61))
        with pytest.raises(LessonChangedError):
            run_once_for_program(sent(), guest(), "cancel", {}, refused_after)
        return done()

    def refused_after() -> ProgramAnswer:
        rows = IdempotencyRecord.objects.all()
        rows.update(status_code=200, answer='{"state": "done"}')
        raise LessonChangedError("This lesson changed.")

    def done() -> ProgramAnswer:
        return ProgramAnswer(200, {"state": "done"})

    assert run_once_for_program(sent(), guest(), "cancel", {}, taken_over) == done()
    again = run_once_for_program(sent(), guest(), "cancel", {}, refused_after)
    assert again == done()


def test_an_answer_goes_to_no_other_action_under_its_key() -> None:
    """R14: the key was freed and serves something else by now."""

    def slow() -> HttpResponse:
        IdempotencyRecord.objects.all().delete()
        run_once(sent(a="2"), guest(), "cancel", lambda: HttpResponseRedirect("/other/"))
        return HttpResponseRedirect("/done/")

    assert run_once(sent(), guest(), "pay", slow).status_code == 302
    assert IdempotencyRecord.objects.get().location == "/other/"


def test_records_are_kept_for_a_day() -> None:
    run_once(sent(), guest(), "pay", leading_on())
    assert delete_old_records() == 0
    with time_machine.travel(clock.now() + timedelta(hours=24, seconds=1)):
        assert delete_old_records() == 1

"""Times, holds and lessons for programs: the services of the pages (Spec: S17.14, S12.4, R14)."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.owners import Owner, owner_of
from bookings.lessons import checkout
from bookings.lessons.cancellation import cancel_lesson, preview_cancellation
from bookings.lessons.held import find_held
from bookings.lessons.idempotency import ProgramAnswer, run_once_for_program
from bookings.lessons.models import Booking
from bookings.lessons.moves import move_lesson
from bookings.lessons.policies import RefundTo
from bookings.lessons.selectors import find_lesson
from bookings.lessons.serializers import (
    CancelAsked,
    ConfirmAsked,
    HoldAsked,
    HoldNamed,
    HoldTold,
    LessonNamed,
    LessonsTold,
    LessonTold,
    MoveAsked,
    PaymentNamed,
    PreviewAsked,
    PreviewTold,
    SlotsAsked,
    SlotsTold,
)
from bookings.lessons.services import hold_slot, release_hold
from bookings.lessons.slots import WantedSlot, find_slots, hold_request, instructor_of
from bookings.payments import services as payments
from instainstru import clock
from instainstru.api import ApiView, SliceAsked, read_body, read_query, require
from instainstru.api_rules import plain
from instainstru.api_schema import IDEMPOTENCY
from instainstru.paging import slice_of

CREATE = "bookings.create"


def _person(request: Request) -> User | None:
    return request.user if request.user.is_authenticated else None


def _wanted(asked: dict[str, Any]) -> WantedSlot:
    return WantedSlot(asked["service"], asked["duration"], asked["place"], asked["learner"])


class SlotsView(ApiView):
    """The bookable starts of one offer."""

    @extend_schema(operation_id="slots", parameters=[SlotsAsked], responses={200: SlotsTold})
    def get(self, request: Request, slug: str) -> Response:
        """Return every start that could be held now, on up to 62 days."""
        asked = read_query(request, SlotsAsked)
        slots = find_slots(
            instructor_of(slug),
            _wanted(asked),
            by=_owner(request),
            person=_person(request),
            first_on=asked["first_on"],
            last_on=asked["last_on"],
            now=clock.now(),
        )
        return Response(SlotsTold(slots).data)


class HoldsView(ApiView):
    """The holds of a person or guest."""

    @extend_schema(
        operation_id="holds_create",
        parameters=[IDEMPOTENCY],
        request=HoldAsked,
        responses={201: HoldNamed},
    )
    def post(self, request: Request) -> Response:
        """Keep a time for ten minutes. A time that is gone answers 409 with the nearest."""
        require(request, CREATE)
        asked = read_body(request, HoldAsked)
        owner = _owner(request)

        def hold() -> ProgramAnswer:
            instructor = instructor_of(asked["instructor"])
            wanted = hold_request(
                instructor, _wanted(asked), asked["start"], person=_person(request)
            )
            booking = hold_slot(by=owner, wanted=wanted)
            return ProgramAnswer(201, {"hold_id": booking.hold_id, "status": "held"})

        return _once(request, "api:hold", hold)


class HoldView(ApiView):
    """One hold of one's own."""

    @extend_schema(operation_id="holds_get", responses={200: HoldTold})
    def get(self, request: Request, hold_id: str) -> Response:
        """Return the hold as it stands now, with what is to be paid."""
        held = find_held(by=_owner(request), hold_id=hold_id, now=clock.now())
        return Response(HoldTold(held).data)

    @extend_schema(operation_id="holds_release", responses={204: None})
    def delete(self, request: Request, hold_id: str) -> Response:
        """Give the time back at once; doing it again changes nothing."""
        release_hold(by=_owner(request), hold_id=hold_id)
        return Response(status=204)


class ConfirmView(ApiView):
    """Paying for a hold."""

    @extend_schema(
        operation_id="holds_confirm",
        parameters=[IDEMPOTENCY],
        request=ConfirmAsked,
        responses={201: LessonNamed, 202: PaymentNamed},
    )
    def post(self, request: Request, hold_id: str) -> Response:
        """Charge once and book. 202: the bank wants something, look at the hold or its page."""
        hold = checkout.find_hold(by=_owner(request), hold_id=hold_id)
        asked = read_body(request, ConfirmAsked, person=request.user, hold=hold)

        def confirm() -> ProgramAnswer:
            number, place = asked["card_number"], asked["neighborhood"]
            details = checkout.CheckoutDetails(
                learner_id=asked["learner"].pk,
                neighborhood_id=place.pk if place else None,
                address=asked["address"],
                note=asked["note"],
                card=payments.read_card(number, bound_to=hold.hold_id) if number else None,
                shown_cents=asked["due_cents"],
            )
            result = checkout.pay_and_confirm(
                by=request.user, hold_id=hold.hold_id, details=details
            )
            if result.step is checkout.Step.CONFIRMED:
                return _lesson_named(201, result.booking)
            return ProgramAnswer(202, {"hold_id": hold.hold_id, "status": result.step.value})

        return _once(request, f"api:confirm:{hold_id}", confirm)


class BookingsView(ApiView):
    """The lessons that a person booked."""

    @extend_schema(
        operation_id="bookings_list", parameters=[SliceAsked], responses={200: LessonsTold}
    )
    def get(self, request: Request) -> Response:
        """Return a part of the list, the latest first."""
        asked = read_query(request, SliceAsked)
        lessons = Booking.objects.of_student(request.user).once_booked().with_people()
        found = slice_of(lessons, at="start_at", name="code", **asked)
        told = {"results": found.rows, "next_cursor": found.next_cursor}
        return Response(LessonsTold(told).data)


class BookingView(ApiView):
    """One lesson of one's own."""

    @extend_schema(operation_id="bookings_get", responses={200: LessonTold})
    def get(self, request: Request, code: str) -> Response:
        """Return the lesson as it stands now."""
        return Response(LessonTold(find_lesson(by=request.user, code=code)).data)


class CancelView(ApiView):
    """Cancelling a lesson: what it would give back, and doing it for exactly that."""

    @extend_schema(
        operation_id="bookings_cancel_preview",
        parameters=[PreviewAsked],
        responses={200: PreviewTold},
    )
    def get(self, request: Request, code: str) -> Response:
        """Return what cancelling now would give back, until when."""
        refund_to = RefundTo(read_query(request, PreviewAsked)["refund_to"])
        lesson = find_lesson(by=request.user, code=code)
        due = preview_cancellation(lesson, clock.now(), refund_to=refund_to)
        return Response(PreviewTold(due).data)

    @extend_schema(
        operation_id="bookings_cancel",
        parameters=[IDEMPOTENCY],
        request=CancelAsked,
        responses={200: LessonNamed},
    )
    def post(self, request: Request, code: str) -> Response:
        """Cancel for the amounts that were shown; others by now answer 409 with the new ones."""
        lesson = find_lesson(by=request.user, code=code)
        asked = read_body(request, CancelAsked)

        def cancel() -> ProgramAnswer:
            booking, _ = cancel_lesson(
                by=request.user,
                code=str(lesson.code),
                reason=asked["reason"],
                expected_card_cents=asked["card_refund_cents"],
                expected_credit_cents=asked["credit_cents"],
                refund_to=RefundTo(asked["refund_to"]),
            )
            return _lesson_named(200, booking)

        return _once(request, f"api:cancel:{code}", cancel)


class MoveView(ApiView):
    """Another time for a lesson."""

    @extend_schema(
        operation_id="bookings_move",
        parameters=[IDEMPOTENCY],
        request=MoveAsked,
        responses={200: LessonNamed},
    )
    def post(self, request: Request, code: str) -> Response:
        """Move the lesson; if the new time is refused it stays when it was."""
        lesson = find_lesson(by=request.user, code=code)
        asked = read_body(request, MoveAsked)

        def move() -> ProgramAnswer:
            moved = move_lesson(
                by=request.user,
                code=str(lesson.code),
                start_at=asked["start"],
                reason=asked["reason"],
            )
            return _lesson_named(200, moved)

        return _once(request, f"api:move:{code}", move)


def _owner(request: Request) -> Owner:
    return owner_of(plain(request))


def _once(request: Request, action: str, answer: Callable[[], ProgramAnswer]) -> Response:
    """Do it unless the key was seen. Spec: R14"""
    found = run_once_for_program(plain(request), _owner(request), action, request.data, answer)
    return Response(found.body, status=found.status)


def _lesson_named(status: int, lesson: Booking) -> ProgramAnswer:
    return ProgramAnswer(status, {"code": str(lesson.code), "status": str(lesson.status)})

"""Times, holds and lessons for programs: the services of the pages (Spec: S17.14, S12.4, R14)."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.owners import Owner, owner_of
from bookings.lessons.held import find_held
from bookings.lessons.idempotency import ProgramAnswer, run_once_for_program
from bookings.lessons.serializers import HoldAsked, HoldNamed, HoldTold, SlotsAsked, SlotsTold
from bookings.lessons.services import hold_slot, release_hold
from bookings.lessons.slots import WantedSlot, find_slots, hold_request, instructor_of
from instainstru import clock
from instainstru.api import ApiView, read_body, read_query, require
from instainstru.api_rules import plain
from instainstru.api_schema import IDEMPOTENCY

CREATE = "bookings.create"


def _person(request: Request) -> User | None:
    return request.user if request.user.is_authenticated else None


def _wanted(asked: dict[str, Any]) -> WantedSlot:
    return WantedSlot(asked["service"], asked["duration"], asked["place"], asked["learner"])


def _told(found: ProgramAnswer) -> Response:
    return Response(found.body, status=found.status)


class SlotsView(ApiView):
    """The bookable starts of one offer."""

    @extend_schema(operation_id="slots", parameters=[SlotsAsked], responses={200: SlotsTold})
    def get(self, request: Request, slug: str) -> Response:
        """Return every start that could be held now, on up to 62 days."""
        asked = read_query(request, SlotsAsked)
        slots = find_slots(
            instructor_of(slug),
            _wanted(asked),
            by=owner_of(plain(request)),
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
        owner = owner_of(plain(request))

        def hold() -> ProgramAnswer:
            instructor = instructor_of(asked["instructor"])
            wanted = hold_request(
                instructor, _wanted(asked), asked["start"], person=_person(request)
            )
            booking = hold_slot(by=owner, wanted=wanted)
            return ProgramAnswer(201, {"hold_id": booking.hold_id, "status": "held"})

        return _told(run_once_for_program(plain(request), owner, "api:hold", request.data, hold))


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


def _owner(request: Request) -> Owner:
    return owner_of(plain(request))

"""Six events of a payment in every order, each twice, for whichever gateway tells them."""

from collections.abc import Callable, Sequence
from itertools import permutations

from bookings.lessons.models import Booking
from bookings.payments.models import LedgerTransaction, WebhookEvent
from bookings.payments.selectors import ledger_imbalances
from bookings.payments.services.webhooks import process_events
from instainstru import clock
from tests.bookings.lessons.stage import hold_of
from tests.factories.accounts import student
from tests.factories.lessons import tomorrow_at


def all_orders_end_the_same(
    kinds: Sequence[str],
    first: str,
    *,
    charge: Callable[[Booking], str],
    told: Callable[[str, str, str], bytes],
    receive: Callable[[bytes], bool],
) -> None:
    """Require one lesson and one charge from each order that begins with ``first``.

    ``charge`` pays a hold at the gateway and returns the payment's reference, ``told`` is the body
    of an event of a kind with its own id, ``receive`` takes a body as the webhook does.
    """
    maya = student()
    orders = [order for order in permutations(kinds) if order[0] == first]
    for number, order in enumerate(orders):
        hold = hold_of(maya, start_at=tomorrow_at(10, days=2 + number))
        reference = charge(hold)
        for place, kind in enumerate(order):
            content = told(kind, reference, f"evt_{number}_{kind}")
            assert receive(content)
            assert receive(content)
            if place % 2:
                process_events(clock.now())
        process_events(clock.now())
        hold.refresh_from_db()
        assert hold.status == "confirmed", order
    assert LedgerTransaction.objects.filter(kind="charge").count() == len(orders) == 120
    assert WebhookEvent.objects.count() == 120 * 6
    assert ledger_imbalances() == []

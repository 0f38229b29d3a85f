"""Saved addresses: adding, changing, removing (Spec: 02 section 5)."""

from django.db import transaction

from accounts.models import User
from catalog.models import Address, Neighborhood
from catalog.zip_codes import is_in_city, is_near, point_of
from instainstru.errors import ConflictError, NotFoundError, ValidationFailedError

MOST_ADDRESSES = 10
OUTSIDE = "We only serve the five boroughs."


class TooManyAddressesError(ConflictError):
    """Nobody saves more than ``MOST_ADDRESSES``."""

    code = "too_many_addresses"

    def __init__(self) -> None:
        super().__init__(
            f"You have {MOST_ADDRESSES} addresses, which is the most. Remove one first."
        )


def neighborhood_of(zip_code: str, chosen: Neighborhood | None) -> Neighborhood:
    """Return the chosen neighborhood if it fits the ZIP code, else the nearest one.

    Raises:
        ValidationFailedError: The code is outside the city; it tells no place, so that somebody
            has to choose; or the choice is far from it.
    """
    if not is_in_city(zip_code):
        raise ValidationFailedError(OUTSIDE, fields={"zip_code": OUTSIDE})
    point = point_of(zip_code)
    if chosen is None:
        nearest = Neighborhood.objects.nearest_to(point).first() if point else None
        if nearest is None:
            raise _wrong_neighborhood("Choose your neighborhood.")
        return nearest
    if point is not None and not is_near(point, chosen):
        raise _wrong_neighborhood(f"{chosen.name} is far from {zip_code}. Check both.")
    return chosen


def _wrong_neighborhood(sentence: str) -> ValidationFailedError:
    return ValidationFailedError(sentence, fields={"neighborhood": sentence})


def find_address(*, by: User, address_id: str) -> Address:
    """Return an address of the person, else raise ``NotFoundError`` (Spec: G5)."""
    address = Address.objects.of(by).filter(public_id=address_id).first()
    if address is None:
        raise NotFoundError("We couldn't find this address.")
    return address


@transaction.atomic
def save_address(
    *,
    by: User,
    label: str,
    street: str,
    unit: str,
    zip_code: str,
    neighborhood: Neighborhood | None,
    address_id: str | None = None,
) -> Address:
    """Add an address, or change the one that is named.

    Raises:
        ValidationFailedError: The place is outside the city or does not fit, or another address
            has the label.
        TooManyAddressesError: The person has ten.
        NotFoundError: The named address is not the person's.
    """
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    place = neighborhood_of(zip_code, neighborhood)
    others = Address.objects.filter(user=by)
    if address_id is None:
        if others.count() >= MOST_ADDRESSES:
            raise TooManyAddressesError
        address = Address(user=by)
    else:
        address = find_address(by=by, address_id=address_id)
        others = others.exclude(pk=address.pk)
    if others.filter(label__iexact=label).exists():
        sentence = f"You already have an address called {label}."
        raise ValidationFailedError(sentence, fields={"label": sentence})
    address.label, address.street, address.unit = label, street, unit
    address.zip_code, address.neighborhood = zip_code, place
    address.save()
    return address


@transaction.atomic
def remove_address(*, by: User, address_id: str) -> Address:
    """Forget an address; lessons keep their own copy. Raises ``NotFoundError``."""
    address = find_address(by=by, address_id=address_id)
    address.delete()
    return address

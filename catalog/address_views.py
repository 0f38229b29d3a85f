"""The pages of saved addresses (Spec: 02 section 5)."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.views.frame import OWN, account_page
from catalog import addresses
from catalog.address_forms import AddressForm
from catalog.models import Address
from instainstru.access import requires
from instainstru.errors import ConflictError, ValidationFailedError
from instainstru.http import posted, see_other

LIST = "addresses:list"


@requires(OWN)
@require_http_methods(["GET", "HEAD", "POST"])
def address_list(request: HttpRequest) -> HttpResponse:
    """List the addresses, and add one."""
    user = cast("User", request.user)
    form = AddressForm(posted(request), auto_id="new_%s")
    problem, status = "", 422 if form.is_bound else 200
    if form.is_valid():
        try:
            address = addresses.save_address(by=user, **form.cleaned_data)
        except ValidationFailedError as error:
            form.take(error.fields)
        except ConflictError as error:
            problem, status = error.message, error.status
        else:
            place = address.neighborhood.name
            messages.success(request, f"{address.label} is saved, in {place}.")
            return see_other(request.path)
    rows = list(Address.objects.of(user))
    context = {
        "form": form,
        "problem": problem,
        "addresses": rows,
        "may_add": len(rows) < addresses.MOST_ADDRESSES or form.is_bound,
    }
    return account_page(request, "account/addresses.html", context, tab=LIST, status=status)


@requires(OWN)
@require_http_methods(["GET", "HEAD", "POST"])
def address_edit(request: HttpRequest, address_id: str) -> HttpResponse:
    """Change an address."""
    user = cast("User", request.user)
    address = addresses.find_address(by=user, address_id=address_id)
    initial: dict[str, Any] = {
        name: getattr(address, name) for name in ("label", "street", "unit", "zip_code")
    }
    form = AddressForm(
        posted(request), initial={**initial, "neighborhood": address.neighborhood.slug}
    )
    if form.is_valid():
        try:
            addresses.save_address(by=user, address_id=address_id, **form.cleaned_data)
        except ValidationFailedError as error:
            form.take(error.fields)
        else:
            messages.success(request, "Saved.")
            return see_other(reverse(LIST))
    context = {"form": form, "address": address}
    status = 422 if form.is_bound else 200
    return account_page(request, "account/address.html", context, tab=LIST, status=status)


@requires(OWN)
@require_http_methods(["GET", "HEAD", "POST"])
def address_remove(request: HttpRequest, address_id: str) -> HttpResponse:
    """Ask whether to remove an address, then do it."""
    user = cast("User", request.user)
    address = addresses.find_address(by=user, address_id=address_id)
    if request.method == "POST":
        addresses.remove_address(by=user, address_id=address_id)
        messages.success(request, f"{address.label} is removed.")
        return see_other(reverse(LIST))
    return account_page(request, "account/address_remove.html", {"address": address}, tab=LIST)

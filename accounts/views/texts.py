"""``/account/texts/``: agree to text messages, prove the number, end them (Spec: S13.6)."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts import texts
from accounts.models import User
from accounts.profile import spoken_phone
from accounts.text_forms import AgreeForm, CodeForm
from accounts.views.frame import OWN, account_page
from accounts.views.settings import NOTIFICATIONS, browser_of
from instainstru.access import requires
from instainstru.errors import ConflictError, ValidationFailedError
from instainstru.http import posted, see_other

PAGE = "accounts:texts"
STATUS = {True: 422, False: 200}


@requires(OWN)
@require_http_methods(["GET", "HEAD", "POST"])
def agree(request: HttpRequest) -> HttpResponse:
    """Show how texts stand; a POST agrees to them and has a code sent where none was typed yet."""
    user = cast("User", request.user)
    form = AgreeForm(posted(request), initial={"phone": spoken_phone(user.phone)})
    if form.is_valid():
        phone = form.cleaned_data["phone"]
        try:
            texts.agree_to_texts(by=user, phone=phone, browser=browser_of(request))
        except ValidationFailedError as error:
            form.add_error("phone", error.message)
        else:
            return see_other(reverse(PAGE))
    is_asking_again = "again" in request.GET or form.is_bound
    context = {"form": form, **_state_of(user), "is_asking_again": is_asking_again}
    return _page(request, context, status=STATUS[form.is_bound])


@requires(OWN)
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Take the code that arrived; a wrong one may be tried again, five times in all."""
    user = cast("User", request.user)
    if request.method != "POST":
        return see_other(reverse(PAGE))
    form = CodeForm(request.POST)
    if form.is_valid():
        try:
            texts.confirm_number(by=user, code=form.cleaned_data["code"])
        except ValidationFailedError as error:
            form.add_error("code", error.message)
        except ConflictError:
            return _ask_again(request)
        else:
            messages.success(request, "We text you from now on.")
            return see_other(reverse(NOTIFICATIONS))
    state = _state_of(user)
    if not state["is_waiting"]:
        return _ask_again(request)
    return _page(request, {**state, "form": form, "code_form": form}, status=422)


def _ask_again(request: HttpRequest) -> HttpResponse:
    messages.error(request, "This code can't be used any more. Ask for a new one.")
    return see_other(f"{reverse(PAGE)}?again=1")


@requires(OWN, page=PAGE)
@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """End all texts; pressed twice it changes nothing."""
    texts.end_texts(by=cast("User", request.user), browser=browser_of(request))
    messages.success(request, "We text you no more.")
    return see_other(reverse(PAGE))


def _state_of(user: User) -> dict[str, Any]:
    number = texts.number_of(user)
    return {
        "is_offered": texts.are_offered(),
        "is_live": texts.is_live(user),
        "is_waiting": texts.takes_code(number),
        "phone": spoken_phone(number.phone) if number else "",
        "code_form": CodeForm(),
    }


def _page(request: HttpRequest, context: dict[str, Any], *, status: int) -> HttpResponse:
    return account_page(request, "account/texts.html", context, tab=NOTIFICATIONS, status=status)

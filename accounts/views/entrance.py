"""The pages of signing up, in and out: allauth's views with our statuses and headers."""

from allauth.account import views as allauth_views
from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST

from accounts.adapter import AccountAdapter
from accounts.demo import DEMO_ACCOUNTS
from accounts.models import User
from accounts.sign_in_limits import normalized_email, password_tries
from accounts.views.frame import entrance
from instainstru.access import public
from instainstru.ratelimit import (
    PASSWORD_RESET_ACCOUNT,
    PASSWORD_RESET_ADDRESS,
    SIGN_UP,
    address_key_of,
    limited,
)


def _sign_in(request: HttpRequest) -> HttpResponse:
    response: HttpResponse = allauth_views.login(request)
    if isinstance(response, TemplateResponse) and response.context_data is not None:
        response.context_data["demo_accounts"] = demo_accounts()
    return response


def _sign_out(request: HttpRequest) -> HttpResponse:
    was_signed_in = request.user.is_authenticated
    response: HttpResponse = allauth_views.logout(request)
    return clear_browser(response) if was_signed_in and request.method == "POST" else response


def clear_browser(response: HttpResponse) -> HttpResponse:
    """Let the browser forget everything about the site (Spec: S17.7, S17.13)."""
    response["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return response


def _enter_code(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return HttpResponseRedirect(settings.LOGIN_REDIRECT_URL)
    response: HttpResponse = allauth_views.email_verification_sent(request)
    return response


def _set_new_password(request: HttpRequest, uidb36: str, key: str) -> HttpResponse:
    response: HttpResponse = allauth_views.password_reset_from_key(request, uidb36=uidb36, key=key)
    response["Referrer-Policy"] = "same-origin"
    return response


def _typed_login(request: HttpRequest) -> str:
    return request.POST.get("login", "")


def _typed_account(request: HttpRequest) -> str:
    return f"account {normalized_email(request.POST.get('email', ''))}"


RESET_LIMITS = ((PASSWORD_RESET_ADDRESS, address_key_of), (PASSWORD_RESET_ACCOUNT, _typed_account))

sign_in = public(password_tries(_typed_login)(entrance(_sign_in)))
sign_up = public(limited((SIGN_UP, address_key_of))(entrance(allauth_views.signup)))
sign_out = public(entrance(_sign_out))
enter_code = public(entrance(_enter_code))
inactive = public(entrance(allauth_views.account_inactive))
reset_request = public(limited(*RESET_LIMITS)(entrance(allauth_views.password_reset)))
reset_sent = public(entrance(allauth_views.password_reset_done))
reset_password = public(entrance(_set_new_password))
reset_done = public(entrance(allauth_views.password_reset_from_key_done))


def demo_accounts() -> list[dict[str, str]]:
    """Return the demo accounts that exist here, for one-click sign-in; none on PROD (Spec: G15)."""
    if settings.IS_PROD:
        return []
    known = set(
        User.objects.filter(is_demo=True, is_active=True).values_list("email", flat=True)
    )  # fmt: skip
    return [
        {"email": account.email, "label": account.label}
        for account in DEMO_ACCOUNTS
        if account.email in known
    ]


@public
@require_POST
@entrance
def demo_sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in as a demo account without a password, on INT and STG only (Spec: G15)."""
    offered = {account["email"] for account in demo_accounts()}
    email = request.POST.get("email", "")
    if email not in offered:
        raise Http404
    user = get_object_or_404(User, email=email, is_demo=True, is_active=True)
    next_url = request.POST.get("next", "")
    is_safe = AccountAdapter(request).is_safe_url(next_url)
    login = Login(user=user, email=email, redirect_url=next_url if is_safe else None)
    response: HttpResponse = perform_login(request, login)
    return response

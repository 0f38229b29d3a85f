"""Pages about who helps whom: inviting, answering, removing (Spec: S5.5)."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts import sharing
from accounts.invitations import find_invitation, is_invited
from accounts.learner_sharing import LEARNERS, find_shared_learner
from accounts.models import User
from accounts.sharing import Kind
from accounts.sharing_forms import InvitationForm
from instainstru import ratelimit
from instainstru.access import requires, signed_in
from instainstru.errors import ApplicationError
from instainstru.http import mark_private

ENDS = frozenset({"withdraw", "remove"})


@requires("account.manage_own")
@require_http_methods(["GET", "HEAD", "POST"])
def learner_share(request: HttpRequest, learner_id: str) -> HttpResponse:
    """Show which adults manage a learner, and change it."""
    learner = find_shared_learner(by=cast("User", request.user), learner_id=learner_id)
    return answer_sharing(request, LEARNERS, learner, template="sharing/learner.html")


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def learner_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Ask an invited adult whether they want to manage a learner."""
    words = {
        "heading": "Manage {name}'s lessons?",
        "explanation": "{inviter} asks you to manage {name} too. You book lessons for {name} and"
        " pay for what you book. {inviter} can remove you at any time.",
    }
    return answer_invitation(request, LEARNERS, token, words=words)


def answer_sharing(request: HttpRequest, kind: Kind, target: Any, *, template: str) -> HttpResponse:
    """Show who helps and invite somebody; ``do`` withdraws an invitation or removes a person.

    The form posts to the page itself. Errors keep the address that was typed (Spec: G2, G3).
    """
    if request.method != "POST":
        return _page(request, kind, target, template, InvitationForm())
    is_inviting = request.POST.get("do", "") not in ENDS
    form = InvitationForm(request.POST if is_inviting else None)
    try:
        if not is_inviting:
            return _end(request, kind, target)
        if form.is_valid():
            return _invite(request, kind, target, form.cleaned_data["email"])
    except ApplicationError as error:
        if is_inviting:
            form.add_error("email" if error.fields else None, error.message)
        return _page(request, kind, target, template, form, error)
    return _page(request, kind, target, template, form)


def _invite(request: HttpRequest, kind: Kind, target: Any, email: str) -> HttpResponse:
    ratelimit.count_use(ratelimit.INVITATIONS, ratelimit.session_key_of(request))
    row = sharing.invite(kind, target, by=cast("User", request.user), email=email)
    messages.success(request, f"We wrote to {row.email}. The link works for 14 days.")
    return redirect(request.path)


def _end(request: HttpRequest, kind: Kind, target: Any) -> HttpResponse:
    user, which = cast("User", request.user), request.POST.get("which", "")
    if request.POST.get("do") == "withdraw":
        sharing.withdraw(kind, target, by=user, invitation_id=which)
        messages.success(request, "The invitation is taken back.")
        return redirect(request.path)
    person = sharing.remove(kind, target, by=user, person_id=which)
    if person.pk == user.pk:
        messages.success(request, "You don't help there any more.")
        return redirect("access")
    messages.success(request, f"{person.short_name} is removed.")
    return redirect(request.path)


def _page(
    request: HttpRequest,
    kind: Kind,
    target: Any,
    template: str,
    form: InvitationForm,
    error: ApplicationError | None = None,
) -> HttpResponse:
    status = error.status if error else 422 if form.errors else 200
    context = {
        "sharing": sharing.sharing_of(kind, target, by=cast("User", request.user)),
        "target": target,
        "owner": kind.owner_of(target),
        "limit": kind.limit,
        "form": form,
        "error": error,
    }
    return mark_private(render(request, template, context, status=status))


def answer_invitation(
    request: HttpRequest, kind: Kind, token: str, *, words: dict[str, str]
) -> HttpResponse:
    """Show who asks for what; only an account with the invited address can answer."""
    user = cast("User", request.user)
    if request.method == "POST":
        if request.POST.get("answer") == "no":
            sharing.decline(kind, by=user, token=token)
            messages.success(request, "You declined the invitation.")
            return redirect("home")
        target = sharing.accept(kind, by=user, token=token)
        messages.success(request, f"You help {kind.owner_of(target).first_name} now.")
        return redirect(f"{reverse('access')}#helping")
    invitation: Any = find_invitation(kind.invitations, token)
    names = {
        "inviter": invitation.invited_by.first_name,
        "name": kind.name_of(invitation.target),
    }
    context = {
        "heading": words["heading"].format(**names),
        "explanation": words["explanation"].format(**names),
        "invitation": invitation,
        "is_invited": is_invited(user, invitation),
    }
    return mark_private(render(request, "sharing/invitation.html", context))

"""The people somebody takes lessons for (Spec: 02 section 5)."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts import learners
from accounts.models import Learner, User
from accounts.settings_forms import LearnerForm
from accounts.views.frame import OWN, account_page
from instainstru import clock
from instainstru.access import requires
from instainstru.errors import ConflictError
from instainstru.http import posted, see_other

LIST = "accounts:learners"


def _this_year() -> int:
    return clock.now().astimezone(clock.NEW_YORK).year


@requires(OWN)
@require_http_methods(["GET", "HEAD", "POST"])
def learner_list(request: HttpRequest) -> HttpResponse:
    """List the learners, and add one."""
    user = cast("User", request.user)
    form = LearnerForm(posted(request), this_year=_this_year(), auto_id="new_%s")
    context: dict[str, Any] = {"form": form}
    status = 422 if form.is_bound else 200
    if form.is_valid():
        try:
            learner = learners.add_learner(by=user, **form.cleaned_data)
        except ConflictError as error:
            context, status = context | {"problem": error.message}, error.status
        else:
            messages.success(request, f"{learner.name} can now have lessons.")
            return see_other(request.path)
    rows = list(Learner.objects.managed_by(user).select_related("manager"))
    own = sum(row.manager_id == user.pk for row in rows)
    context |= {"learners": rows, "may_add": own < learners.MOST_LEARNERS or form.is_bound}
    return account_page(request, "account/learners.html", context, tab=LIST, status=status)


@requires(OWN)
@require_http_methods(["GET", "HEAD", "POST"])
def learner_edit(request: HttpRequest, learner_id: str) -> HttpResponse:
    """Change what is known about a learner."""
    user = cast("User", request.user)
    learner = learners.find_learner(by=user, learner_id=learner_id)
    initial = {name: getattr(learner, name) for name in ("name", "birth_year", "level_notes")}
    form = LearnerForm(
        posted(request), initial=initial, this_year=_this_year(), is_self=learner.is_self
    )
    if form.is_valid():
        learners.change_learner(by=user, learner_id=learner_id, **form.cleaned_data)
        messages.success(request, "Saved.")
        return see_other(reverse(LIST))
    context = {"form": form, "learner": learner, "is_own": learner.manager_id == user.pk}
    status = 422 if form.is_bound else 200
    return account_page(request, "account/learner.html", context, tab=LIST, status=status)


@requires(OWN)
@require_http_methods(["GET", "HEAD", "POST"])
def learner_remove(request: HttpRequest, learner_id: str) -> HttpResponse:
    """Ask whether to remove a learner, then do it."""
    user = cast("User", request.user)
    learner = learners.find_learner(by=user, learner_id=learner_id)
    context: dict[str, Any] = {"learner": learner}
    status = 200
    if request.method == "POST":
        try:
            learners.remove_learner(by=user, learner_id=learner_id)
        except ConflictError as error:
            context, status = context | {"problem": error.message}, error.status
        else:
            messages.success(request, f"{learner.name} is off your list.")
            return see_other(reverse(LIST))
    elif learner.is_self or learner.manager_id != user.pk:
        return see_other(reverse(LIST))
    return account_page(request, "account/learner_remove.html", context, tab=LIST, status=status)

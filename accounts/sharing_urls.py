"""Addresses of sharing a learner."""

from django.urls import path

from accounts.views import sharing

app_name = "sharing"

urlpatterns = [
    path("account/learners/<slug:learner_id>/share/", sharing.learner_share, name="learner"),
    path(
        "invitations/learner/<slug:token>/",
        sharing.learner_invitation,
        name="learner-invitation",
    ),
]

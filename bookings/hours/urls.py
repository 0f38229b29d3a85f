"""Addresses of the pages for an instructor's own hours (Spec: 12 section 6)."""

from django.urls import path

from bookings.hours import rules_views, views

app_name = "hours"

urlpatterns = [
    path("teach/availability/", views.availability, name="availability"),
    path("teach/rules/", rules_views.rules, name="rules"),
    path("teach/rules/zone/", rules_views.zone, name="zone"),
    path("teach/availability/copy/", views.copy, name="copy"),
    path("teach/availability/time-off/", views.time_off, name="time-off"),
    path(
        "teach/availability/time-off/<int:pk>/remove/",
        views.time_off_remove,
        name="time-off-remove",
    ),
]

"""Addresses of the pages for an instructor's own hours (Spec: 12 section 6)."""

from django.urls import path

from bookings.hours import views

app_name = "hours"

urlpatterns = [
    path("teach/availability/", views.availability, name="availability"),
    path("teach/availability/copy/", views.copy, name="copy"),
    path("teach/availability/time-off/", views.time_off, name="time-off"),
    path(
        "teach/availability/time-off/<int:pk>/remove/",
        views.time_off_remove,
        name="time-off-remove",
    ),
]

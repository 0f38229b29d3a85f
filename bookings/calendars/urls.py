"""Addresses of the page of connected calendars (Spec: S15.9)."""

from django.urls import path

from bookings.calendars import views

app_name = "calendars"

urlpatterns = [
    path("teach/calendars/", views.calendars, name="list"),
    path("teach/calendars/<int:pk>/disconnect/", views.disconnect, name="disconnect"),
]

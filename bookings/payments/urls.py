"""Addresses of payments (Spec: 12 section 6)."""

from django.urls import path

from bookings.payments import views

app_name = "payments"

urlpatterns = [path("webhooks/<slug:gateway>/", views.webhook, name="webhook")]

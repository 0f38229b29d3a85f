"""Addresses of payments (Spec: 12 section 6)."""

from django.urls import path

from bookings.payments.views import earnings, webhooks

app_name = "payments"

urlpatterns = [
    path("webhooks/<slug:gateway>/", webhooks.webhook, name="webhook"),
    path("teach/earnings/", earnings.earnings, name="earnings"),
    path("teach/earnings/lessons.csv", earnings.lessons_csv, name="earnings-csv"),
    path("teach/earnings/bank/", earnings.payout_details, name="payout-details"),
    path("teach/earnings/bank/page/", earnings.payee_page, name="payee-page"),
    path("teach/earnings/bank/done/", earnings.payee_return, name="payee-return"),
]

"""One include per app; every view declares its access."""

from django.urls import include, path

from instainstru import health
from instainstru.pages import static_pages

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("accounts/", include("accounts.urls")),
    path("dev/mail/", include("bookings.notifications.urls")),
    path("", include((static_pages.urlpatterns, "legal"))),
    path("", include("bookings.lessons.urls")),
]

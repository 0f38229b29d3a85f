"""One include per app; every view declares its access."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from catalog.urls import address_urlpatterns, interest_urlpatterns, team_urlpatterns
from catalog.urls import urlpatterns as catalog_urlpatterns
from instainstru import browser_rules, error_handlers, health
from instainstru.pages import (
    access,
    api_page,
    blocked,
    favorites,
    gallery,
    help_pages,
    home,
    mail_previews,
    profile,
    profile_report,
    service,
    sitemap,
    staff_inbox,
    static_pages,
)

# The page of a service composes several apps, but its address belongs to the catalogue.
catalog_urlpatterns = [
    *catalog_urlpatterns,
    path("services/<slug:category_slug>/<slug:slug>/", service.service, name="service"),
]

urlpatterns = [
    path("", home.home, name="home"),
    path("sitemap.xml", sitemap.sitemap, name="sitemap"),
    path("robots.txt", sitemap.robots, name="robots"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("csp-report/", browser_rules.csp_report, name="csp-report"),
    path("", include("accounts.sharing_urls")),
    path("", include((team_urlpatterns, "team"))),
    path("", include((address_urlpatterns, "addresses"))),
    path("account/access/", access.who_has_access, name="access"),
    path("", include("accounts.urls")),
    path("", include("bookings.notifications.notice_views")),
    path("", include("bookings.notifications.text_views")),
    path("dev/mail/", include("bookings.notifications.urls")),
    path("preferences/", home.preferences, name="preferences"),
    path("favorites/", favorites.favorites, name="favorites"),
    path("", include(interest_urlpatterns)),
    path("", include((static_pages.legal_urlpatterns, "legal"))),
    path("", include(static_pages.urlpatterns)),
    path("", include((help_pages.urlpatterns, "help"))),
    path(settings.ADMIN_PATH, admin.site.urls),
    path("staff/inbox/", staff_inbox.index, name="staff-inbox-index"),
    path("staff/inbox/<slug:kind>/", staff_inbox.inbox, name="staff-inbox"),
    path(
        "staff/inbox/<slug:kind>/<slug:public_id>/", staff_inbox.handle, name="staff-inbox-handle"
    ),
    path("staff/api/", api_page.api_page, name="staff-api"),
    path("staff/mails/", mail_previews.previews, name="staff-mail-previews"),
    path("staff/mails/<slug:kind>/", mail_previews.mail_preview, name="staff-mail-preview"),
    path(
        "staff/mails/<slug:kind>/html/",
        mail_previews.mail_preview_html,
        name="staff-mail-preview-html",
    ),
    path("dev/gallery/", gallery.gallery, name="gallery"),
    path("", include((catalog_urlpatterns, "catalog"))),
    path("i/<slug:slug>/", profile.profile, name="instructor-profile"),
    path("i/<slug:slug>/report/", profile_report.report, name="profile-report"),
    path("i/<slug:slug>/block/", blocked.block, name="block"),
    path("teach/lessons/<slug:code>/block/", blocked.block_student, name="block-student"),
    path("account/access/blocked/<int:pk>/", blocked.unblock, name="unblock"),
    path("", include("search.urls")),
    path("", include("bookings.lessons.urls")),
    path("", include("bookings.messages.urls")),
    path("", include("bookings.calendars.urls")),
    path("", include("bookings.hours.urls")),
    path("", include("bookings.reviews.urls")),
    path("", include("bookings.payments.urls")),
    path("api/v1/", include("instainstru.api_urls")),
]

handler400 = error_handlers.bad_request
handler403 = error_handlers.forbidden
handler404 = error_handlers.not_found
handler500 = error_handlers.server_error

"""Addresses of the catalogue."""

from django.urls import path

from catalog import address_views, interest_views, team_views, views

urlpatterns = [
    path("services/", views.all_services, name="all-services"),
    path("services/suggest/", interest_views.suggest, name="suggest"),
    path("services/<slug:category_slug>/", views.category, name="category"),
    path("notify/<slug:slug>/", interest_views.notify, name="notify"),
]

interest_urlpatterns = [
    path("waitlist/", interest_views.waitlist, name="waitlist"),
    path("favorites/<slug:slug>/", interest_views.favorite, name="favorite"),
    path("i/<slug:slug>/notify/", interest_views.notify_return, name="notify-return"),
    path("mail/stop/<str:token>/", interest_views.stop_mail, name="stop-mail"),
]

address_urlpatterns = [
    path("account/addresses/", address_views.address_list, name="list"),
    path("account/addresses/<slug:address_id>/", address_views.address_edit, name="edit"),
    path(
        "account/addresses/<slug:address_id>/remove/", address_views.address_remove, name="remove"
    ),
]

team_urlpatterns = [
    path("teach/team/", team_views.team, name="own"),
    path("teach/team/<slug:slug>/", team_views.team_of, name="of"),
    path("invitations/calendar/<slug:token>/", team_views.invitation, name="invitation"),
]

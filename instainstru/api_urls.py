"""The addresses of the API under ``/api/v1/`` and who may call them (Spec: S17.14)."""

from django.urls import URLPattern, path

from instainstru.access import PUBLIC, Access
from instainstru.lazy_views import LazyView

app_name = "api"
VIEW_OWN = Access(permissions=("bookings.view_own",))
MANAGE_OWN = Access(permissions=("bookings.manage_own",))
BOOK = Access(permissions=("bookings.create",))
FAVORITES = Access(permissions=("favorites.manage_own",))
OWN = Access(permissions=("account.manage_own",))


def _at(route: str, view: str, access: Access, name: str) -> URLPattern:
    return path(route, LazyView(view, access), name=name)


urlpatterns = [
    _at("schema/", "instainstru.api_schema.SchemaView", PUBLIC, "schema"),
    _at("services/", "catalog.api.ServicesView", PUBLIC, "services"),
    _at("instructors/<slug:slug>/", "catalog.api.InstructorView", PUBLIC, "instructor"),
    _at("instructors/<slug:slug>/slots/", "bookings.lessons.api.SlotsView", PUBLIC, "slots"),
    # Signed-in people need the permission to book, which the view asks for.
    _at("holds/", "bookings.lessons.api.HoldsView", PUBLIC, "holds"),
    _at("holds/<slug:hold_id>/", "bookings.lessons.api.HoldView", PUBLIC, "hold"),
    _at("holds/<slug:hold_id>/confirm/", "bookings.lessons.api.ConfirmView", BOOK, "confirm"),
    _at("bookings/", "bookings.lessons.api.BookingsView", VIEW_OWN, "bookings"),
    _at("bookings/<slug:code>/", "bookings.lessons.api.BookingView", VIEW_OWN, "booking"),
    _at("bookings/<slug:code>/cancel/", "bookings.lessons.api.CancelView", MANAGE_OWN, "cancel"),
    _at("bookings/<slug:code>/move/", "bookings.lessons.api.MoveView", MANAGE_OWN, "move"),
    _at("favorites/", "catalog.api.FavoritesView", FAVORITES, "favorites"),
    _at("favorites/<slug:slug>/", "catalog.api.FavoriteView", FAVORITES, "favorite"),
    # Guests have searches, too; of signed-in people the view asks the permission.
    _at("history/", "search.api.HistoryView", PUBLIC, "history"),
    _at("search/", "search.api.SearchView", PUBLIC, "search"),
    _at("notifications/", "bookings.notifications.api.NoticesView", OWN, "notifications"),
]

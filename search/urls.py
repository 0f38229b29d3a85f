"""Addresses of search."""

from django.urls import path

from search import history_views, views

app_name = "search"

urlpatterns = [
    path("search/", views.results, name="results"),
    path("search/count/", views.count, name="count"),
    path("search/suggest/", views.suggestions, name="suggestions"),
    path("privacy/history/", history_views.history, name="history"),
    path("privacy/history/clear/", history_views.clear, name="history-clear"),
    path("privacy/history/undo/", history_views.undo, name="history-undo"),
    path("privacy/history/pause/", history_views.pause, name="history-pause"),
    path("privacy/history/<int:pk>/delete/", history_views.forget, name="history-forget"),
    path("search/suggest/places/", views.places, name="places"),
]

"""Addresses of search."""

from django.urls import path

from search import views

app_name = "search"

urlpatterns = [
    path("search/", views.results, name="results"),
    path("search/count/", views.count, name="count"),
    path("search/suggest/", views.suggestions, name="suggestions"),
    path("search/suggest/places/", views.places, name="places"),
]

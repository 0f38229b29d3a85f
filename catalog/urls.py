"""Addresses of the catalogue."""

from django.urls import path

from catalog import views

urlpatterns = [
    path("services/", views.all_services, name="all-services"),
    path("services/<slug:category_slug>/", views.category, name="category"),
]

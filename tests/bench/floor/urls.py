"""Addresses of the floor app; ``/early/`` is answered before any of them."""

from django.urls import path

from tests.bench.floor import views

urlpatterns = [
    path("", views.home, name="home"),
    path("bare/", views.bare, name="bare"),
    path("fragment/", views.fragment, name="fragment"),
    path("upsert/", views.upsert, name="upsert"),
    path("teachers/<slug:slug>/", views.bare, name="teacher"),
]

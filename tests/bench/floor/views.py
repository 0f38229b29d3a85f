"""The floor's pages, each as an ordinary Django project would write it."""

import random

from django.db import connection
from django.db.models import Avg, Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from tests.bench.floor.models import Category, Review, Search, Teacher

VISITORS, TEXTS = 2000, 20
UPSERT = f"""
INSERT INTO {Search._meta.db_table} AS kept (visitor, text, times) VALUES (%s, %s, 1)
ON CONFLICT (visitor, text) DO UPDATE SET times = kept.times + 1
"""  # the table's name is no input
_body: list[str] = []


@require_safe
def bare(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Say ok behind the seven usual middlewares."""
    return HttpResponse("ok")


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show sixty cards read with five queries, nothing cached."""
    teachers = Teacher.objects.select_related("category").prefetch_related("offers")
    rows = teachers.annotate(stars=Avg("reviews__stars"), review_count=Count("reviews"))
    context = {
        "categories": Category.objects.order_by("name"),
        "teachers": rows.order_by("pk")[:60],
        "reviews": Review.objects.select_related("teacher").order_by("-pk")[:10],
        "teacher_count": Teacher.objects.count(),
    }
    return render(request, "floor/home.html", context)


def fragment(request: HttpRequest) -> HttpResponse:
    """Put a ready body, kept in memory, under the name of whoever is signed in."""
    if not _body:
        _body.append(home(request).content.decode())
    return render(request, "floor/shell.html", {"body": _body[0]})


@csrf_exempt
@require_POST
def upsert(request: HttpRequest) -> HttpResponse:
    """Note a search with one statement."""
    visitor, text = random.randrange(VISITORS), f"search {random.randrange(TEXTS)}"  # noqa: S311
    with connection.cursor() as cursor:
        cursor.execute(UPSERT, [visitor, text])
    return HttpResponse("noted")

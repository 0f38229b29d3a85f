"""Help: articles that quote the business numbers in force, found by their words."""

import re
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import path
from django.utils.html import strip_tags
from django.views.decorators.http import require_safe

from catalog.models import Policy
from catalog.text import fold_text
from instainstru.access import public

LONGEST_QUERY = 200
_WORD = re.compile(r"\w+")
# Words of questions that say nothing about the subject.
_EMPTY = frozenset(
    _WORD.findall(
        "a an and are can do does for from how i if in is it long me my of on or the there to "
        "what when where which who why will with work works you your"
    )
)


@dataclass(frozen=True)
class Article:
    """One help page; its text is ``templates/help/<slug>.html``."""

    slug: str
    group: str
    title: str
    summary: str
    words: str = ""

    @property
    def template(self) -> str:
        """The text's template."""
        return f"help/{self.slug}.html"


ARTICLES = (
    Article(
        "booking", "Booking", "Book a lesson",
        "From the search to a booked lesson, without waiting for an answer.",
        "reserve schedule appointment slot approve confirm",
    ),
    Article(
        "holds", "Booking", "How long a time is held for you",
        "What a hold does, how long it lasts and what happens when it ends.",
        "expire expired timer countdown release reserve",
    ),
    Article(
        "learners", "Booking", "Book for a child or somebody else",
        "One account, several learners, who is responsible.",
        "kid kids son daughter parent age family",
    ),
    Article(
        "paying", "Paying", "Prices and paying",
        "What you pay, when your card is charged and what to do when it is declined.",
        "fee fees cost travel card decline declined charge bank price",
    ),
    Article(
        "canceling", "Changes", "Cancel a lesson",
        "What you get back depends on how early you cancel.",
        "cancel cancellation cancelled free policy emergency sick ill weather rain",
    ),
    Article(
        "refunds", "Changes", "Refunds and lesson credit",
        "Where the money goes, in which order, and how long credit is valid.",
        "refund money back credit expire card",
    ),
    Article(
        "instructor-cancels", "Changes", "If the instructor cancels or doesn't come",
        "You get everything back, and often something on top.",
        "no show late missing absent",
    ),
    Article(
        "checks", "Trust", "Background checks",
        "What is checked, how old a check may be and what it cannot promise.",
        "safe safety verified identity criminal record background",
    ),
    Article(
        "account", "Account", "Your account",
        "Sign up, log in, forget a password, log out everywhere you are.",
        "password email sign login log register delete close",
    ),
    Article(
        "saved", "Account", "Saved instructors and mail you asked for",
        "Keep people you like; hear when a service or a neighborhood opens.",
        "favorite favourite heart waitlist notify alert unsubscribe",
    ),
)  # fmt: skip
BY_SLUG = {article.slug: article for article in ARTICLES}


@public
@require_safe
def help_index(request: HttpRequest) -> HttpResponse:
    """List the articles, or those that hold the words of ``q``, titles first."""
    query = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_QUERY]
    found = find_articles(query, Policy.objects.current()) if query else []
    groups: dict[str, list[Article]] = {}
    for article in ARTICLES:
        groups.setdefault(article.group, []).append(article)
    context = {"q": query, "found": found, "groups": groups.items()}
    return render(request, "pages/help.html", context)


@public
@require_safe
def help_article(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one article."""
    article = BY_SLUG.get(slug)
    if article is None:
        raise Http404("no such article")
    others = [other for other in ARTICLES if other.group == article.group and other != article]
    context = {"article": article, "policy": Policy.objects.current(), "others": others}
    return render(request, "pages/help_article.html", context)


def find_articles(query: str, policy: Policy) -> list[Article]:
    """Return the articles that hold every word of the query as the start of one of theirs.

    Words that say nothing ("how do I") are left out, unless there are no others.
    """
    typed = _WORD.findall(fold_text(query))
    wanted = [word for word in typed if word not in _EMPTY] or typed
    ranked = []
    for article in ARTICLES:
        title = _words(f"{article.title} {article.words}")
        text = title | _words(strip_tags(render_to_string(article.template, {"policy": policy})))
        if wanted and all(_holds(text, word) for word in wanted):
            ranked.append((-sum(_holds(title, word) for word in wanted), article))
    return [article for _, article in sorted(ranked, key=lambda pair: pair[0])]


def _words(text: str) -> set[str]:
    return set(_WORD.findall(fold_text(text)))


def _holds(words: set[str], wanted: str) -> bool:
    return any(word.startswith(wanted) for word in words)


urlpatterns = [
    path("help/", help_index, name="index"),
    path("help/<slug:slug>/", help_article, name="article"),
]

"""Views whose module is imported when somebody first asks for them.

The API's framework takes memory in every process; those that only serve pages never load it.
"""

from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.module_loading import import_string

from instainstru.access import Access


class LazyView:
    """One view class of the API with the rule of who may call it.

    ``path`` is the dotted path of the class, ``access`` the rule. The token against forged requests
    is asked of guests, too: the framework would only ask signed-in people. Spec: S17.10
    """

    csrf_exempt = False

    def __init__(self, path: str, access: Access) -> None:
        self.path, self.access = path, access

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer as the view does."""
        answer: HttpResponseBase = self._view(request, *args, **kwargs)
        return answer

    @cached_property
    def _view(self) -> Any:
        return import_string(self.path).as_view(access=self.access)

    @property
    def cls(self) -> Any:
        """The class, for those who describe the API."""
        return self._view.cls

    @property
    def initkwargs(self) -> dict[str, Any]:
        """What the class is made with."""
        initkwargs: dict[str, Any] = self._view.initkwargs
        return initkwargs

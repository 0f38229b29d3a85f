import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from instainstru.database import tiers
from instainstru.database.middleware import TierHeaderMiddleware
from tests.database.conftest import Decide

pytestmark = pytest.mark.S1


@pytest.mark.parametrize(("environ", "header"), [({}, "INT"), ({tiers.S: "1"}, "STG")])
def test_responses_name_the_tier_outside_production(
    environ: dict[str, str], header: str, decide: Decide
) -> None:
    """S1.7."""
    decide(environ)
    respond = TierHeaderMiddleware(lambda _: HttpResponse())
    assert respond(HttpRequest()).headers["X-DB-Tier"] == header


def test_production_does_not_tell(decide: Decide) -> None:
    """S1.7."""
    decide({tiers.P: "1", tiers.U: "1", "PROD_DATABASE_URL": "postgresql://a@db.example/shop"})
    with pytest.raises(MiddlewareNotUsed):
        TierHeaderMiddleware(lambda _: HttpResponse())

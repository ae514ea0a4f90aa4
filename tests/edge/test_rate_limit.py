import pytest

from apimctl.domain.quota import Limit, Scope, Verdict
from apimctl.edge.rate_limit import answer_headers, relayed

HEADERS = {
    Verdict(
        is_admitted=True,
        limit=Limit(Scope.APPLICATION, "1", "application:1", 20, 60),
        remaining=3,
        reset_seconds=41,
        windows=(),
    ): ('"application";q=20;w=60', '"application";r=3;t=41'),
    Verdict(
        is_admitted=False,
        limit=Limit(Scope.SUBSCRIPTION, "1", "subscription:1", 10**9, 86_400),
        remaining=0,
        reset_seconds=86_400,
        windows=(),
    ): ('"subscription";q=1000000000;w=86400', '"subscription";r=0;t=86400'),
}


@pytest.mark.parametrize(("verdict", "fields"), HEADERS.items(), ids=["admitted", "refused"])
def test_the_tightest_limit_in_the_form_of_the_draft(verdict, fields):
    policy, service = fields
    assert answer_headers(verdict) == (("RateLimit-Policy", policy), ("RateLimit", service))
    assert relayed(verdict) == (
        (b"RateLimit-Policy", policy.encode()),
        (b"RateLimit", service.encode()),
    )


def test_where_nothing_limits_there_is_nothing_to_say():
    assert answer_headers(None) == relayed(None) == ()

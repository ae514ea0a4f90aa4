"""Which APIs answer, and where."""

import pytest


@pytest.mark.parametrize("state", ["CREATED", "RETIRED"])
def test_an_api_that_does_not_serve_is_not_there(market, state):
    stall = market.stall()
    name = market.name()
    market.changer("create_api", name=name, state=state, production_url=market.production_url)
    answer = market.gateway.get(f"/{name}/1.0.0/x", token=stall.token)
    assert (answer.status, answer.fault) == (404, 900906)


def test_a_deprecated_api_serves_and_a_retired_one_does_not(market):
    stall = market.stall()
    stall.change("change_api", name=stall.name, to="deprecate")
    assert stall.call(stall.token).status == 200
    stall.change("change_api", name=stall.name, to="retire")
    assert stall.call(stall.token).status == 404


def test_a_prototyped_api_serves(market):
    stall = market.stall(state="PROTOTYPED")
    assert stall.call(stall.token).status == 200


def test_the_default_version_answers_without_its_version(market):
    stall = market.stall(is_default_version=True)
    get = market.gateway.get
    assert get(f"/{stall.name}/a?b=c", token=stall.token).json["target"] == "/a?b=c"
    assert get(f"/{stall.name}/1.0.0/a", token=stall.token).json["target"] == "/a"
    market.changer(
        "create_api",
        name=stall.name,
        version="2.0.0",
        is_default_version=True,
        production_url=market.production_url,
    )
    moved = get(f"/{stall.name}/a", token=stall.token)
    assert (moved.status, moved.fault) == (403, 900908)
    assert get(f"/{stall.name}/1.0.0/a", token=stall.token).status == 200

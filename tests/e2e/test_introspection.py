"""``/introspect`` over the socket, and another process that changes what it tells."""

import time

import pytest

from tests.e2e.expectations import is_error, is_login_answer


@pytest.fixture(scope="module")
def stall(market):
    return market.stall()


@pytest.fixture(scope="module")
def user(market):
    return market.user()


def ask(stall, token, **fields):
    answer = stall.ask(path="/introspect", token=token, **fields)
    assert answer.status == 200, answer.body
    assert is_login_answer(answer)
    return answer.json


INACTIVE = {"active": False}


def test_an_application_token_is_told_of(stall, market):
    token = stall.ask(grant_type="client_credentials").json["access_token"]
    told = ask(stall, token)
    assert told.pop("iat") <= time.time() < told.pop("exp") <= time.time() + 3601
    token_id = told.pop("jti")
    assert told == {
        "active": True,
        "iss": market.gateway.url,
        "sub": stall.client[0],
        "client_id": stall.client[0],
        "scope": "default",
        "key_type": "PRODUCTION",
        "application": stall.name,
        "token_type": "Bearer",
    }
    market.cli.ok("token", "revoke", "--id", token_id)
    assert ask(stall, token) == INACTIVE


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "something_else"])
def test_user_tokens_are_told_of_whatever_the_hint(stall, user, which, hint):
    hints = {} if hint is None else {"token_type_hint": hint}
    told = ask(stall, stall.log_in(user)[which], **hints)
    assert (told["active"], told["username"], told["sub"]) == (True, user, user)


def test_another_client_learns_nothing(stall, market, user):
    tokens = stall.log_in(user)
    other = market.stall()
    for token in (*tokens.values(), stall.token):
        assert ask(other, token) == INACTIVE


def test_a_resource_server_may_ask_of_every_token_where_the_settings_say_so(stall, market, user):
    tokens = stall.log_in(user)
    other = market.stall()
    setting = {"file": str(market.cli.config), "key": "login_api.introspection"}
    market.changer("configure", **setting, value="any")
    told = ask(other, tokens["access_token"])
    assert (told["active"], told["client_id"]) == (True, stall.client[0])
    market.changer("configure", **setting, value=None)
    assert ask(other, tokens["access_token"]) == INACTIVE


@pytest.mark.parametrize("token", ["x", "apim_atp0_" + "0" * 36, "\u00e9", "x" * 5000, "a.b.c"])
def test_what_is_no_token_is_inactive(stall, token):
    assert ask(stall, token) == INACTIVE


def test_other_credentials_are_no_tokens(stall):
    for secret in stall.client:
        assert ask(stall, secret) == INACTIVE


def test_what_ended_is_inactive_with_the_next_request(stall, user):
    first = stall.log_in(user)
    assert ask(stall, first["access_token"])["active"]
    second = stall.refresh(first["refresh_token"]).json
    assert ask(stall, first["access_token"]) == ask(stall, first["refresh_token"]) == INACTIVE
    assert ask(stall, second["refresh_token"])["active"]
    stall.change("revoke", token=second["refresh_token"])
    assert ask(stall, second["access_token"]) == ask(stall, second["refresh_token"]) == INACTIVE
    third = stall.log_in(user)
    stall.change("expire", token=third["access_token"])
    assert ask(stall, third["access_token"]) == INACTIVE
    assert ask(stall, third["refresh_token"])["active"]


def test_an_expired_token_is_active_as_long_as_the_gateway_accepts_it(stall, market, user):
    tokens = stall.log_in(user)
    stall.change("expire", token=tokens["access_token"])
    setting = {"file": str(market.cli.config), "key": "tokens.timestamp_skew"}
    market.changer("configure", **setting, value="10m")
    assert ask(stall, tokens["access_token"])["active"]
    assert stall.call(tokens["access_token"]).status == 200
    market.changer("configure", **setting, value=None)
    assert ask(stall, tokens["access_token"]) == INACTIVE


def test_only_a_client_with_its_secret_may_ask(stall, market):
    for client in ((stall.client[0], "wrong"), ("nobody", "x")):
        answer = stall.ask(path="/introspect", client=client, token=stall.token)
        assert is_error(answer, 401, "invalid_client")
    for form in ({}, {"client_id": stall.client[0]}):
        answer = market.gateway.form("/introspect", {"token": stall.token, **form})
        assert is_error(answer, 401, "invalid_client")
    bearer = [("Authorization", f"Bearer {stall.token}")]
    answer = market.gateway.form("/introspect", {"token": stall.token}, headers=bearer)
    assert is_error(answer, 401, "invalid_client")

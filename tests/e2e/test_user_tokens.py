"""Tokens of users over the socket: log in, renew, revoke."""

import pytest

from tests.e2e.expectations import is_error, is_login_answer


@pytest.fixture(scope="module")
def stall(market):
    return market.stall()


@pytest.fixture(scope="module")
def user(market):
    return market.user()


def outcome(answer) -> int:
    return 200 if answer.status == 200 else answer.fault


def test_a_password_gives_an_access_and_a_refresh_token(stall, user):
    answer = stall.ask(grant_type="password", username=user, password=user[::-1])
    assert answer.status == 200
    assert is_login_answer(answer)
    assert list(answer.json) == [
        "access_token",
        "token_type",
        "expires_in",
        "refresh_token",
        "scope",
    ]
    assert answer.json["refresh_token"].startswith("apim_rtp0_")
    assert outcome(stall.call(answer.json["access_token"])) == 200
    assert stall.call(answer.json["refresh_token"]).fault == 900901


def test_the_user_name_may_carry_the_built_in_user_store(stall, user):
    name = f"PRIMARY/{user}"
    answer = stall.ask(grant_type="password", username=name, password=user[::-1])
    assert answer.status == 200


def test_a_wrong_password_and_an_unknown_user_look_alike(stall, user):
    grant = {"grant_type": "password"}
    answers = [
        stall.ask(**grant, username=user, password="wrong"),
        stall.ask(**grant, username=user, password=user[::-1] + " "),
        stall.ask(**grant, username="nobody", password="wrong"),
        stall.ask(**grant, username="admin", password="admin"),
        stall.ask(**grant, username=f"OTHER.COM/{user}", password=user[::-1]),
        stall.ask(**grant, username=user, password="x" * 5000),
    ]
    assert all(is_error(answer, 400, "invalid_grant") for answer in answers)
    assert len({answer.body for answer in answers}) == 1


def test_a_missing_user_name_or_password_is_invalid_request(stall, user):
    grant = {"grant_type": "password"}
    assert is_error(stall.ask(**grant, username=user), 400, "invalid_request")
    assert is_error(stall.ask(**grant, password="x"), 400, "invalid_request")
    assert is_error(stall.ask(**grant, username=user, password=""), 400, "invalid_request")
    assert is_error(stall.ask(grant_type="refresh_token"), 400, "invalid_request")


def test_a_wrong_client_learns_nothing_of_a_password(stall, user):
    wrong = (stall.client[0], "wrong")
    for password in (user[::-1], "wrong"):
        grant = {"grant_type": "password", "username": user, "password": password}
        assert is_error(stall.ask(client=wrong, **grant), 401, "invalid_client")


def test_user_tokens_obey_the_domains_of_the_key(market, user):
    stall = market.stall(domains="example.com")
    tokens = stall.log_in(user)
    allowed = {"domain": "example.com"}
    assert outcome(stall.call(tokens["access_token"])) == 900908
    assert outcome(stall.call(tokens["access_token"], headers=allowed)) == 200
    renewed = stall.refresh(tokens["refresh_token"]).json
    assert outcome(stall.call(renewed["access_token"])) == 900908
    assert outcome(stall.call(renewed["access_token"], headers=allowed)) == 200


def test_a_key_may_shorten_user_tokens_but_not_lengthen_them(market, user):
    stall = market.stall()
    stall.change("update_key", app=stall.name, validity="60s")
    assert stall.log_in(user)["expires_in"] == 60
    stall.change("update_key", app=stall.name, validity="never")
    assert stall.log_in(user)["expires_in"] == 3600
    assert stall.log_in(user, validity_period="30")["expires_in"] == 30


def test_renewing_replaces_both_tokens_at_once(stall, user):
    old = stall.log_in(user)
    assert outcome(stall.call(old["access_token"])) == 200
    answer = stall.refresh(old["refresh_token"])
    assert answer.status == 200
    assert is_login_answer(answer)
    assert set(answer.json) == set(old)
    assert not {answer.json["access_token"], answer.json["refresh_token"]} & set(old.values())
    assert outcome(stall.call(old["access_token"])) == 900904
    assert outcome(stall.call(answer.json["access_token"])) == 200


def test_an_expired_access_token_does_not_end_its_refresh_token(stall, user):
    old = stall.log_in(user)
    stall.change("expire", token=old["access_token"])
    assert outcome(stall.call(old["access_token"])) == 900903
    new = stall.refresh(old["refresh_token"])
    assert new.status == 200
    assert outcome(stall.call(new.json["access_token"])) == 200


def test_an_expired_refresh_token_is_invalid_grant(stall, user):
    tokens = stall.log_in(user)
    stall.change("expire", token=tokens["refresh_token"])
    assert is_error(stall.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    assert outcome(stall.call(tokens["access_token"])) == 200


def test_a_spent_refresh_token_revokes_the_whole_family(stall, user):
    first = stall.log_in(user)
    second = stall.refresh(first["refresh_token"]).json
    third = stall.refresh(second["refresh_token"]).json
    apart = stall.log_in(user)
    assert outcome(stall.call(third["access_token"])) == 200
    assert is_error(stall.refresh(first["refresh_token"]), 400, "invalid_grant")
    assert outcome(stall.call(third["access_token"])) == 900904
    assert is_error(stall.refresh(third["refresh_token"]), 400, "invalid_grant")
    # Another log-in of the same user is another family.
    assert outcome(stall.call(apart["access_token"])) == 200
    assert stall.refresh(apart["refresh_token"]).status == 200


@pytest.mark.parametrize("text", ["x", "apim_rtp0_" + "0" * 36, "\u00e9", "x" * 5000])
def test_a_refresh_token_that_is_none_is_invalid_grant(stall, text):
    assert is_error(stall.refresh(text), 400, "invalid_grant")


def test_an_access_token_is_no_refresh_token(stall, user):
    tokens = stall.log_in(user)
    assert is_error(stall.refresh(tokens["access_token"]), 400, "invalid_grant")
    assert is_error(stall.refresh(stall.token), 400, "invalid_grant")


def test_a_foreign_refresh_token_is_invalid_grant_and_unharmed(stall, market, user):
    tokens = stall.log_in(user)
    other = market.stall()
    assert is_error(other.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    sandbox = (stall.sandbox["consumer_key"], stall.sandbox["consumer_secret"])
    assert is_error(stall.refresh(tokens["refresh_token"], client=sandbox), 400, "invalid_grant")
    assert outcome(stall.call(tokens["access_token"])) == 200
    spent = stall.refresh(tokens["refresh_token"]).json
    assert is_error(other.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    assert outcome(stall.call(spent["access_token"])) == 200


@pytest.mark.parametrize("scope", ["default", "PRODUCTION", ""])
def test_a_renewal_may_name_the_scope_it_has(stall, user, scope):
    tokens = stall.log_in(user)
    assert stall.refresh(tokens["refresh_token"], scope=scope).json["scope"] == "default"


def test_a_renewal_cannot_widen_the_scope_and_spends_nothing(stall, user):
    tokens = stall.log_in(user)
    refused = stall.refresh(tokens["refresh_token"], scope="default more")
    assert is_error(refused, 400, "invalid_scope")
    assert outcome(stall.call(tokens["access_token"])) == 200
    assert stall.refresh(tokens["refresh_token"]).status == 200


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "something_else"])
def test_revoking_one_of_the_two_tokens_revokes_both(stall, user, which, hint):
    tokens = stall.log_in(user)
    assert outcome(stall.call(tokens["access_token"])) == 200
    hints = {} if hint is None else {"token_type_hint": hint}
    answer = stall.ask(path="/revoke", token=tokens[which], **hints)
    assert (answer.status, answer.json) == (200, {})
    assert is_login_answer(answer)
    assert outcome(stall.call(tokens["access_token"])) == 900904
    assert is_error(stall.refresh(tokens["refresh_token"]), 400, "invalid_grant")


def test_revoking_a_renewed_access_token_does_not_end_the_new_one(stall, user):
    old = stall.log_in(user)
    new = stall.refresh(old["refresh_token"]).json
    assert stall.ask(path="/revoke", token=old["access_token"]).status == 200
    assert outcome(stall.call(new["access_token"])) == 200


def test_revoking_an_unknown_or_a_foreign_token_is_200_and_changes_nothing(stall, market, user):
    tokens = stall.log_in(user)
    other = market.stall()
    for token in ("x", "apim_atp0_" + "0" * 36, *tokens.values(), stall.token):
        answer = other.ask(path="/revoke", token=token)
        assert (answer.status, answer.json) == (200, {})
    for token in stall.client:
        assert stall.ask(path="/revoke", token=token).json == {}
    assert outcome(stall.call(tokens["access_token"])) == 200
    assert outcome(stall.call(stall.token)) == 200
    assert stall.refresh(tokens["refresh_token"]).status == 200


def test_revoking_needs_a_client(stall):
    wrong = (stall.client[0], "wrong")
    answer = stall.ask(path="/revoke", client=wrong, token=stall.token)
    assert is_error(answer, 401, "invalid_client")
    answer = stall.market.gateway.form("/revoke", {"token": stall.token})
    assert is_error(answer, 401, "invalid_client")
    assert outcome(stall.call(stall.token)) == 200


def test_the_command_line_renews_and_revokes_a_user_token(stall, market, user):
    old = stall.log_in(user)
    new = market.cli.data(
        "token", "renew", "--refresh-token-stdin", stdin=old["refresh_token"] + "\n"
    )
    assert outcome(stall.call(old["access_token"])) == 900904
    assert outcome(stall.call(new["access_token"])) == 200
    market.cli.ok("token", "revoke", "--token-stdin", stdin=new["refresh_token"])
    assert outcome(stall.call(new["access_token"])) == 900904

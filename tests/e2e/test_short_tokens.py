"""A token lives at least as long as it says, though the store counts whole seconds."""

import time
from datetime import datetime

import pytest


def expires_at(cli, token) -> float:
    shown = cli.data("token", "inspect", "--token-stdin", stdin=token)
    return datetime.fromisoformat(shown["expires_at"]).timestamp()


@pytest.fixture(scope="module")
def stall(market):
    return market.stall()


def issued_by_the_login_api(stall) -> str:
    answer = stall.ask(grant_type="client_credentials", validity_period="1")
    assert answer.json["expires_in"] == 1
    return answer.json["access_token"]


def test_a_token_of_one_second_is_good_at_once(stall):
    for _ in range(5):
        assert stall.call(issued_by_the_login_api(stall)).status == 200


def test_a_token_of_the_login_api_lives_no_shorter_than_it_says(stall):
    for _ in range(3):
        before = time.time()
        token = issued_by_the_login_api(stall)
        assert before + 1 <= expires_at(stall.market.cli, token) < time.time() + 2


def test_a_token_of_the_command_line_lives_no_shorter_than_it_says(stall):
    cli = stall.market.cli
    renew = ("token", "renew", "--app", stall.name, "--validity", "1")
    for _ in range(3):
        before = time.time()
        token = cli.data(*renew)["access_token"]
        assert before + 1 <= expires_at(cli, token) < time.time() + 2

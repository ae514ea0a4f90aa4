"""Many at once: what one may win is won by one, and nobody finds the store locked."""

import contextlib
import os
import select
import subprocess
import sys

import pytest

from tests.binary import TIMEOUT_SECONDS
from tests.e2e.load import (
    BUSY_WRITER,
    ONE_OF_TWENTY,
    answers,
    connections,
    renew_at_once,
    token_request,
)

ROUNDS = 15


def test_one_refresh_token_renews_once_however_many_use_it(market):
    stall, user = market.stall(), market.user()
    tokens = stall.log_in(user)
    outcomes, (winner,) = renew_at_once(
        market.gateway, stall.client, tokens["refresh_token"], count=20
    )
    assert outcomes == ONE_OF_TWENTY
    assert stall.call(tokens["access_token"]).fault == 900904
    # The others replayed a spent token: nothing of the family is valid any more.
    assert stall.call(winner).fault == 900904


def test_many_log_ins_at_once_all_get_tokens_of_their_own(market):
    stall = market.stall()
    request = token_request(stall.client, grant_type="client_credentials")
    tokens = set()
    with connections(market.gateway, 50) as clients:
        for client in clients:
            client.sendall(request)
        for count, (_, status, content) in enumerate(answers(clients), 1):
            assert status == 200
            tokens.add(content["access_token"])
            if count == 50:
                break
    assert len(tokens) == 50
    assert {stall.call(token).status for token in tokens} == {200}


@contextlib.contextmanager
def busy_writers(cli, count):
    """Let other processes write without a pause, for as long as the block takes."""
    with contextlib.ExitStack() as stack:
        for number in range(count):
            names = stack.enter_context((cli.home / f"names-{number}").open("w+"))
            command = [sys.executable, BUSY_WRITER, cli.store, f"busy{number}x"]
            process = stack.enter_context(
                subprocess.Popen(command, stdout=names, env=cli.environ())
            )
            stack.callback(process.kill)
            while not os.fstat(names.fileno()).st_size:
                assert process.poll() is None
                select.select([], [], [], 0.01)
        yield


def test_renewing_never_finds_the_store_locked(cli):
    cli.ok("key", "generate", "--production")
    with busy_writers(cli, 2):
        renewed = [cli("token", "renew", "--json") for _ in range(ROUNDS)]
    assert [(one.code, one.stderr) for one in renewed if one.code] == []
    assert len({one.json["access_token"] for one in renewed}) == ROUNDS
    cli.ok("db", "check")


def test_the_gateway_serves_and_issues_while_others_write(own_market):
    stall = own_market.stall()
    with busy_writers(own_market.cli, 1):
        for _ in range(ROUNDS):
            answer = stall.ask(grant_type="client_credentials")
            assert answer.status == 200
            assert stall.call(answer.json["access_token"]).status == 200


@pytest.mark.parametrize("attempt", range(3))
def test_many_processes_may_be_the_first_on_a_new_machine(cli, attempt):
    names = [f"app{number}" for number in range(10)]
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(cli.start("app", "create", name, "--json")) for name in names
        ]
        outcomes = [process.communicate(timeout=TIMEOUT_SECONDS) for process in processes]
    failed = [
        error for process, (_, error) in zip(processes, outcomes, strict=True) if process.returncode
    ]
    assert failed == []
    assert {row["name"] for row in cli.data("app", "list")} == {*names, "DefaultApplication"}
    cli.ok("db", "check")

"""kill -9 in the middle of writes: what was acknowledged is there, and the store is sound."""

import subprocess
import sys

import pytest

from tests.e2e.conftest import running_gateway
from tests.e2e.load import BUSY_WRITER, answers, connections, token_request
from tests.e2e.processes import kill


@pytest.mark.parametrize("acknowledged", [1, 7, 50, 200, 500])
def test_no_acknowledged_write_of_a_killed_process_is_lost(cli, acknowledged):
    with subprocess.Popen(
        [sys.executable, BUSY_WRITER, cli.store, "app"],
        stdout=subprocess.PIPE,
        env=cli.environ(),
        text=True,
    ) as process:
        names = {process.stdout.readline().strip() for _ in range(acknowledged)}
        process.kill()
        names |= {line.strip() for line in process.stdout if line.endswith("\n")}
    assert len(names) >= acknowledged
    cli.ok("db", "check")
    assert names <= {row["name"] for row in cli.data("app", "list")}
    cli.ok("app", "create", "and on it goes")


def test_no_token_that_a_killed_gateway_gave_is_lost(own_market):
    stall = own_market.stall()
    user = own_market.user()
    tokens = stall.log_in(user)
    renewed = stall.refresh(tokens["refresh_token"]).json
    request = token_request(stall.client, grant_type="client_credentials")
    given = []
    with connections(own_market.gateway, 8) as clients:
        for client in clients:
            client.sendall(request)
        for client, status, content in answers(clients):
            assert status == 200
            given.append(content["access_token"])
            if len(given) < 300:
                client.sendall(request)
            elif len(given) == 300:
                kill(own_market.gateway)
    assert len(given) >= 300
    own_market.cli.ok("db", "check")
    with running_gateway(own_market.cli) as own_market.gateway:
        assert {stall.call(token).status for token in given} == {200}
        assert stall.call(renewed["access_token"]).status == 200
        assert stall.call(tokens["access_token"]).fault == 900904
        assert stall.ask(grant_type="client_credentials").status == 200
    own_market.cli.ok("db", "check")

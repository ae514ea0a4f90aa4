"""The token endpoints side by side: apimctl's Login API, and npm's oidc-provider."""

import base64
import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from benchmarks.calls import Call
from benchmarks.packages import install_npm
from benchmarks.peers import Peer, serving
from benchmarks.processes import PEER_CORE, free_port, running
from benchmarks.stores import BenchStore

OURS = "apimctl, durable"
OIDC_PROVIDER = "oidc-provider@9.13.3"
_OIDC_SERVER = "oidc_provider.mjs"
_CLIENT_ID = "bench"


@contextlib.contextmanager
def login_api(store: BenchStore) -> Iterator[Peer]:
    """Run apimctl: every token is on the disk before it is answered."""
    with serving(store) as (url, pid):
        call = client_credentials(f"{url}/token", store.consumer_key, store.consumer_secret)
        yield Peer(OURS, call, pid, answer=None)


@contextlib.contextmanager
def oidc_provider(folder: Path) -> Iterator[Peer]:
    """Run oidc-provider as it comes: tokens in memory, gone with it. Raises MissingPeerError."""
    home = install_npm(OIDC_PROVIDER, folder / "oidc-provider")
    # A module is looked for beside the script that imports it.
    server = home / _OIDC_SERVER
    server.write_text(Path(__file__).with_name(_OIDC_SERVER).read_text())
    secret, port = secrets.token_urlsafe(24), free_port()
    environ = {"NODE_ENV": "production", "BENCH_CLIENT_SECRET": secret}
    command: list[str | Path] = ["node", server, str(port)]
    with running(command, port, core=PEER_CORE, environ=environ, folder=home) as pid:
        call = client_credentials(f"http://127.0.0.1:{port}/token", _CLIENT_ID, secret)
        yield Peer("oidc-provider, in memory", call, pid, answer=None)


def client_credentials(url: str, client_id: str, secret: str) -> Call:
    """Return the request for a token."""
    pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    headers = {
        "Authorization": f"Basic {pair}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return Call(url, headers, "POST", "grant_type=client_credentials")

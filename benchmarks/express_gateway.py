"""Peer (e): Express Gateway with key-auth, one worker, from npm.

Its last release is old and asks for node 8.3 or newer; measured on node 20, where it runs as it is.
Keys live in its own in-memory Redis, so no socket is added to what it does.
"""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.calls import Call, ask
from benchmarks.packages import install_npm
from benchmarks.peers import Peer
from benchmarks.processes import PEER_CORE, free_port, running
from benchmarks.stores import PATH

PACKAGE = "express-gateway@1.16.11"

_USER = {"username": "bench", "firstname": "Ben", "lastname": "Ch"}
_CREDENTIAL = {"type": "key-auth", "consumerId": "bench", "credential": {}}
_SYSTEM = {
    "db": {"redis": {"emulate": True, "namespace": "EG"}},
    "crypto": {"cipherKey": "unused", "algorithm": "aes256", "saltRounds": 10},
    "session": {"secret": "unused", "resave": False, "saveUninitialized": False},
}


@contextlib.contextmanager
def express_gateway(folder: Path, backend_url: str) -> Iterator[Peer]:
    """Install it for this run, and run it. Raises MissingPeerError."""
    home = install_npm(PACKAGE, folder / "express-gateway")
    port, admin_port = free_port(), free_port()
    configuration = home / "config"
    configuration.mkdir()
    shutil.copytree(
        home / "node_modules/express-gateway/lib/config/models", configuration / "models"
    )
    # JSON is YAML.
    (configuration / "system.config.yml").write_text(json.dumps(_SYSTEM))
    gateway = json.dumps(_gateway(port, admin_port, backend_url))
    (configuration / "gateway.config.yml").write_text(gateway)
    start = f"require('express-gateway')().load({json.dumps(str(configuration))}).run()"
    environ = {"NODE_ENV": "production", "LOG_LEVEL": "error"}
    with running(
        ["node", "--eval", start], port, core=PEER_CORE, environ=environ, folder=home
    ) as pid:
        admin_url = f"http://127.0.0.1:{admin_port}"
        _post(f"{admin_url}/users", _USER)
        key = _post(f"{admin_url}/credentials", _CREDENTIAL)
        headers = {"Authorization": f"apiKey {key['keyId']}:{key['keySecret']}"}
        call = Call(f"http://127.0.0.1:{port}{PATH}", headers)
        yield Peer("Express Gateway, key-auth", call, pid)


def _gateway(port: int, admin_port: int, backend_url: str) -> dict[str, Any]:
    return {
        "http": {"port": port, "host": "127.0.0.1"},
        "admin": {"port": admin_port, "host": "127.0.0.1"},
        "apiEndpoints": {"bench": {"host": "*"}},
        "serviceEndpoints": {"backend": {"url": backend_url}},
        "policies": ["key-auth", "proxy"],
        "pipelines": {
            "bench": {
                "apiEndpoints": ["bench"],
                "policies": [
                    {"key-auth": {}},
                    {"proxy": {"action": {"serviceEndpoint": "backend"}}},
                ],
            }
        },
    }


def _post(url: str, content: dict[str, Any]) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    answer: dict[str, Any] = json.loads(ask(Call(url, headers, "POST", json.dumps(content))))
    return answer

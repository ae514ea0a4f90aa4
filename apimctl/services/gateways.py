"""Gateways that say they serve this store, and whether they answer."""

import http.client
import json
from sqlite3 import Connection
from urllib.parse import urlsplit

from apimctl.tables import gateways
from apimctl.tables.gateways import Gateway

PROBE_PATH = "/.well-known/oauth-authorization-server"
PROBE_TIMEOUT_SECONDS = 2.0
_REACHABLE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what to ask instead


def list_all(db: Connection) -> list[Gateway]:
    """Return the gateways that were started and did not say that they ended."""
    return gateways.list_all(db)


def answers(gateway: Gateway) -> bool:
    """Return whether the gateway answers at its URL, by its Login API's metadata (RFC 8414)."""
    parts = urlsplit(gateway.url)
    host = _REACHABLE.get(parts.hostname or "", parts.hostname or "")
    connection = http.client.HTTPConnection(host, parts.port, timeout=PROBE_TIMEOUT_SECONDS)
    try:
        connection.request("GET", PROBE_PATH)
        response = connection.getresponse()
        return response.status == http.HTTPStatus.OK and "token_endpoint" in json.load(response)
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()

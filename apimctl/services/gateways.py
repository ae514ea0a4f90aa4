"""Gateways that say they serve this store, and whether they answer."""

import http.client
import json
import os
import ssl
from sqlite3 import Connection
from urllib.parse import urlsplit

from apimctl.tables import gateways
from apimctl.tables.gateways import Gateway

METADATA_PATH = "/.well-known/oauth-authorization-server"
"""Where a gateway says which one it is, in the metadata of its Login API (RFC 8414)."""

ID_FIELD = "apimctl_gateway"
PROBE_TIMEOUT_SECONDS = 2.0
_EVEN_IF_EXPIRED = ssl.VerifyFlags(0x200000)  # X509_V_FLAG_NO_CHECK_TIME, which ssl does not name
_REACHABLE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - what to ask instead


def list_all(db: Connection) -> list[Gateway]:
    """Return the gateways that were started and did not say that they ended."""
    return gateways.list_all(db)


def list_running(db: Connection) -> list[Gateway]:
    """Return those whose process is alive on this machine, one per URL, the oldest first."""
    return [gateway for gateway in gateways.list_all(db) if _is_alive(gateway.process_id)]


def find_url(db: Connection) -> str | None:
    """Return the URL of a gateway that runs, None if there is none."""
    return next((gateway.url for gateway in list_running(db)), None)


def register(db: Connection, *urls: Gateway) -> None:
    """List the URLs of a gateway, and drop those whose processes ended without a word."""
    for known in gateways.list_all(db):
        if not _is_alive(known.process_id):
            gateways.delete(db, known.id, process_id=known.process_id)
    for gateway in urls:
        gateways.insert(db, gateway)


def unregister(db: Connection, gateway_id: str, *, process_id: int) -> None:
    """Drop a process of a gateway that ends, and not the one that it handed over to."""
    gateways.delete(db, gateway_id, process_id=process_id)


def local_url(gateway: Gateway) -> str:
    """Return where this machine reaches the gateway, also one that listens on every address."""
    parts = urlsplit(gateway.url)
    host = _REACHABLE.get(parts.hostname or "")
    return gateway.url if host is None else f"{parts.scheme}://{host}:{parts.port}"


def answers(gateway: Gateway) -> bool:
    """Return whether this very gateway answers at its URL, and not another one in its place."""
    parts = urlsplit(local_url(gateway))
    host = parts.hostname or ""
    connection = http.client.HTTPConnection(host, parts.port, timeout=PROBE_TIMEOUT_SECONDS)
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            host, parts.port, timeout=PROBE_TIMEOUT_SECONDS, context=trusting(gateway.certificate)
        )
    try:
        connection.request("GET", METADATA_PATH)
        metadata = json.load(connection.getresponse())
        return isinstance(metadata, dict) and metadata.get(ID_FIELD) == gateway.id
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()


def trusting(certificate: str) -> ssl.SSLContext:
    """Return a context that trusts this very certificate, and no other.

    Whatever host it names, and even if it has expired: that is a matter of the gateway's clients.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags |= _EVEN_IF_EXPIRED
    context.load_verify_locations(cadata=certificate)
    return context


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

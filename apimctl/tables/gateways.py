"""The table ``gateway``: the gateways that serve this store, for `gateway status`."""

from dataclasses import dataclass
from sqlite3 import Connection

_COLUMNS = "id, url, process_id, version, started_at, certificate, workers, admin_url"


@dataclass(frozen=True, slots=True)
class Gateway:
    """A URL of a gateway that was started and has not said that it ended.

    `certificate` is what it shows there, as PEM; empty where it speaks plain HTTP. `process_id` is
    its supervisor's, `workers` how many that one keeps; `admin_url` is empty where there is none.
    """

    id: str
    url: str
    process_id: int
    version: str
    started_at: int
    certificate: str = ""
    workers: int = 1
    admin_url: str = ""


def insert(db: Connection, gateway: Gateway) -> None:
    """Add a URL of a gateway; one that had the same URL is gone."""
    db.execute("DELETE FROM gateway WHERE url = ?", (gateway.url,))
    db.execute(
        f"INSERT INTO gateway ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            gateway.id,
            gateway.url,
            gateway.process_id,
            gateway.version,
            gateway.started_at,
            gateway.certificate,
            gateway.workers,
            gateway.admin_url,
        ),
    )


def delete(db: Connection, gateway_id: str, *, process_id: int) -> None:
    """Remove all URLs of a gateway's process that ends."""
    db.execute("DELETE FROM gateway WHERE id = ? AND process_id = ?", (gateway_id, process_id))


def list_all(db: Connection) -> list[Gateway]:
    """Return the gateways, one row per URL, the oldest first."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM gateway ORDER BY started_at, url")
    return [Gateway(*row) for row in rows]

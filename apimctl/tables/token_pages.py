"""Pages of access tokens, out of as many as there are: read in order, and no further than asked.

Tokens are indexed by key and by user, each in the order of issue and of expiry. So a page is merged
from one stream for each key (or of one user) in each partition, of which nobody reads more than the
page takes. A condition on the state is answered by the index alone.
"""

import heapq
import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from sqlite3 import Connection
from typing import Any

from apimctl.domain.models import AccessToken, TokenState
from apimctl.tables import access_tokens, partitions


class Order(StrEnum):
    """By what tokens are sorted; those of one moment by their id, those without expiry last."""

    ISSUED_AT = "issued_at"
    EXPIRES_AT = "expires_at"


@dataclass(frozen=True, slots=True)
class Place:
    """Between two tokens of an order: behind the one with this value, None for never, and id."""

    value: int | None
    id: str


@dataclass(frozen=True, slots=True)
class TokenFilter:
    """Which tokens are wanted; None for any. Points in time are UTC epoch seconds.

    `state` is as a user sees it at `now`: a stored ACTIVE may be EXPIRED.
    """

    now: int
    consumer_keys: Collection[str] | None = None
    user_id: str | None = None
    partition: str | None = None
    state: TokenState | None = None
    issued_since: int | None = None
    expires_before: int | None = None


def list_page(
    db: Connection,
    wanted: TokenFilter,
    *,
    order: Order,
    is_descending: bool,
    after: Place | None,
    limit: int,
) -> list[AccessToken]:
    """Return at most `limit` of the wanted tokens, from that place on."""
    streams = [
        stream
        for partition in partitions.list_all(db)
        if wanted.partition in {None, partition}
        for stream in _streams(db, wanted, partition, order, after, is_descending=is_descending)
    ]
    merged = heapq.merge(*streams, key=_sort_key(order), reverse=is_descending)
    return list(itertools.islice(merged, limit))


def _streams(
    db: Connection,
    wanted: TokenFilter,
    partition: str,
    order: Order,
    after: Place | None,
    *,
    is_descending: bool,
) -> Iterator[Iterator[AccessToken]]:
    """Give the streams of one partition, each in order and read only as far as it is used."""
    parts = [_issued(wanted)] if order is Order.ISSUED_AT else [_ending(wanted), _endless(wanted)]
    direction, comparison = ("DESC", "<") if is_descending else ("ASC", ">")
    for part in parts:
        if part is None:
            continue
        column, conditions = part
        values = _values(wanted)
        if after is not None:
            behind = _behind(column, comparison, after, is_descending=is_descending)
            if behind is None:
                continue
            conditions = [*conditions, behind]
            values |= {"value": after.value, "id": after.id}
        columns = "id" if column is None else f"{column} {direction}, id"
        sql = (
            f"{access_tokens.SELECT[partition]} WHERE {{}} = :of"
            f"{''.join(f' AND {condition}' for condition in conditions)}"
            f" ORDER BY {columns} {direction}"
        )
        if wanted.user_id is not None:
            rows = db.execute(sql.format("user_id"), {**values, "of": wanted.user_id})
            yield (token for token in map(access_tokens.from_row, rows) if _is_of(token, wanted))
            continue
        for consumer_key in wanted.consumer_keys or ():
            rows = db.execute(sql.format("consumer_key"), {**values, "of": consumer_key})
            yield map(access_tokens.from_row, rows)


_Part = tuple[str | None, list[str]]
"""The column a stream is sorted by before the id, None for the id alone; and its conditions."""


# A plus keeps SQLite from taking the other order's index, for a bound, and sorting all it finds.


def _issued(wanted: TokenFilter) -> _Part:
    return "issued_at", [
        *_bounds(wanted, issued_at="issued_at", expires_at="+expires_at"),
        *_state(wanted, living="(expires_at IS NULL OR expires_at > :now)", over="+expires_at"),
    ]


def _ending(wanted: TokenFilter) -> _Part:
    """Tokens that expire."""
    return "expires_at", [
        "expires_at IS NOT NULL",
        *_bounds(wanted, issued_at="+issued_at", expires_at="expires_at"),
        *_state(wanted, living="expires_at > :now", over="expires_at"),
    ]


def _endless(wanted: TokenFilter) -> _Part | None:
    """Tokens that never expire."""
    if wanted.state is TokenState.EXPIRED or wanted.expires_before is not None:
        return None
    return None, [
        "expires_at IS NULL",
        *_bounds(wanted, issued_at="+issued_at", expires_at="expires_at"),
        *_state(wanted, living="expires_at IS NULL", over="expires_at"),
    ]


def _bounds(wanted: TokenFilter, *, issued_at: str, expires_at: str) -> list[str]:
    bounds = {f"{issued_at} >= :issued_since": wanted.issued_since}
    bounds |= {f"{expires_at} < :expires_before": wanted.expires_before}
    return [condition for condition, value in bounds.items() if value is not None]


def _state(wanted: TokenFilter, *, living: str, over: str) -> list[str]:
    """Return the conditions of the state.

    `living` says that a token has not expired, `over` is the column that says that it has.
    """
    match wanted.state:
        case None:
            return []
        case TokenState.ACTIVE:
            return ["state = 'ACTIVE'", living]
        case TokenState.EXPIRED:
            return ["state = 'ACTIVE'", f"{over} <= :now"]
        case state:
            return [f"state = '{state}'"]


def _behind(
    column: str | None, comparison: str, after: Place, *, is_descending: bool
) -> str | None:
    """Return what holds behind that place, None where nothing of the stream is behind it."""
    if column is None:  # the endless ones, which are last
        if after.value is None:
            return f"id {comparison} :id"
        return None if is_descending else "1 = 1"
    if after.value is None:
        return "1 = 1" if is_descending else None
    return f"({column}, id) {comparison} (:value, :id)"


def _values(wanted: TokenFilter) -> dict[str, Any]:
    return {
        "now": wanted.now,
        "issued_since": wanted.issued_since,
        "expires_before": wanted.expires_before,
    }


def _is_of(token: AccessToken, wanted: TokenFilter) -> bool:
    return wanted.consumer_keys is None or token.consumer_key in wanted.consumer_keys


def _sort_key(order: Order) -> Any:
    if order is Order.ISSUED_AT:
        return lambda token: (token.issued_at, token.id)
    return lambda token: (token.expires_at is None, token.expires_at or 0, token.id)

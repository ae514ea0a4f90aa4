"""Lists of access tokens, page by page: narrowed, sorted, and quick over a million of them."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from sqlite3 import Connection

from apimctl.domain.models import AccessToken, Application, Key, KeyType, TokenState, User
from apimctl.domain.names import printable
from apimctl.errors import InvalidInputError
from apimctl.services import tokens
from apimctl.tables import keys, token_pages
from apimctl.tables.token_pages import Order, Place, TokenFilter

__all__ = ["Order", "Page", "TokenQuery", "list_page"]

_CURSOR = re.compile(r"(never|[0-9]{1,12})-([0-9a-f]{1,64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class TokenQuery:
    """What is asked for. None stands for all; points in time are UTC epoch seconds.

    The newest come first, by expiry those that expire soonest; `is_reversed` turns that round.
    `after` is where the page before ended, as `Page.next` has it.
    """

    limit: int
    applications: Collection[Application] | None = None
    key_type: KeyType | None = None
    user: User | None = None
    partition: str | None = None
    state: TokenState | None = None
    issued_since: int | None = None
    expires_before: int | None = None
    order: Order = Order.ISSUED_AT
    is_reversed: bool = False
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Tokens with what they belong to, and what asks for the next page: None at the end."""

    rows: list[tuple[AccessToken, Key, Application, User | None]]
    next: str | None


def list_page(db: Connection, query: TokenQuery, *, now: int) -> Page:
    """Return one page. Raises InvalidInputError for an `after` that no page ended with."""
    wanted = TokenFilter(
        now=now,
        consumer_keys=_consumer_keys(db, query),
        user_id=query.user.id if query.user else None,
        partition=query.partition,
        state=query.state,
        issued_since=query.issued_since,
        expires_before=query.expires_before,
    )
    found = token_pages.list_page(
        db,
        wanted,
        order=query.order,
        is_descending=(query.order is Order.ISSUED_AT) is not query.is_reversed,
        after=_place(query.after) if query.after is not None else None,
        limit=query.limit + 1,
    )
    shown = found[: query.limit]
    has_more = len(found) > len(shown)
    return Page(
        tokens.with_owners(db, shown), _cursor(shown[-1], query.order) if has_more else None
    )


def _consumer_keys(db: Connection, query: TokenQuery) -> frozenset[str] | None:
    """Return the keys of the tokens; None where a user is asked for and any key will do."""
    if query.user is not None and query.applications is None and query.key_type is None:
        return None
    ids = None if query.applications is None else {one.id for one in query.applications}
    if ids is not None and len(ids) == 1:
        known = keys.list_of_application(db, *ids)
    else:
        known = keys.list_all(db)
    return frozenset(
        key.consumer_key
        for key in known
        if query.key_type in {None, key.key_type} and (ids is None or key.application_id in ids)
    )


def _cursor(token: AccessToken, order: Order) -> str:
    value = token.issued_at if order is Order.ISSUED_AT else token.expires_at
    return f"{'never' if value is None else value}-{token.id}"


def _place(cursor: str) -> Place:
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise InvalidInputError(
            f"no page ended with {printable(cursor)!r}",
            hint="Copy it from the end of the page before.",
        )
    return Place(None if found[1] == "never" else int(found[1]), found[2])

"""The gateway's view of the store, in memory, and never stale.

Every request looks whether anybody has committed since: at the `wal_index`, half a microsecond, or
where that does not tell, by ``PRAGMA data_version``. Only then are the new entries of `changes`
read, and exactly what they name is forgotten. So a state change is obeyed by the very next request,
whichever process made it.

What is not in memory is read when it is asked for. Unknown tokens are remembered as well, until
the next commit.
"""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection
from typing import TypeVar

from apimctl.domain import credentials
from apimctl.domain.admission import Admitted, Facts, Presented
from apimctl.domain.bearer import presented_token, recognise
from apimctl.domain.credentials import Credential
from apimctl.domain.models import BASE_PARTITION, AccessToken, Key, Subscription
from apimctl.domain.quota import Limit
from apimctl.domain.routing import Match, Routes
from apimctl.domain.scopes import living
from apimctl.edge.limits import Limits
from apimctl.edge.wal_index import WalIndex
from apimctl.errors import StoreUnreadableError
from apimctl.store import connect, file_identity, one_state
from apimctl.store_faults import explained
from apimctl.tables import access_tokens, apis, changes, keys, resources, scopes, subscriptions
from apimctl.tables.changes import Change, ChangeKind

MOST_TOKENS = 100_000
MOST_UNKNOWN = 10_000
BUSY_TIMEOUT_SECONDS = 0.25
"""WAL readers do not wait for writers; this only covers the moments of recovery."""

_Result = TypeVar("_Result")


class ReadModel:
    """Facts about requests, from memory where they are known and from the store where not."""

    def __init__(self, path: Path, *, on_settings_changed: Callable[[], None]) -> None:
        """Read the store at `path`. Raises StoreError."""
        self._path = path
        self._on_settings_changed = on_settings_changed
        self._tokens: dict[str, AccessToken] = {}
        self._scopes: dict[str, int] = {}
        self._unknown: set[str] = set()
        self._keys: dict[str, Key | None] = {}
        self._subscriptions: dict[str, dict[str, Subscription | None]] = {}
        self._limits = Limits()
        self._db: Connection | None = None
        self._data_version = -1
        self._header: bytes | None = None
        with explained(path):
            self._open()

    def facts(
        self,
        path: str,
        method: str,
        *,
        authorization: Sequence[str],
        client_domains: Sequence[str],
        now: float,
    ) -> Facts:
        """Return what is known of a request, as of the last `refresh`.

        `path` is raw, without the query. Raises StoreError if the store has to be asked and cannot
        be.
        """
        self._open_db()
        match = self._routes.match(path, method)
        presented = Presented.NOTHING
        token = key = subscription = None
        text = presented_token(authorization)
        if text is not None:
            # What is in memory was recognised when it came there.
            known = self._tokens.get(credentials.digest(text))
            recognised = recognise(text) if known is None else None
            is_token = known is not None or recognised is not None
            presented = Presented.TOKEN if is_token else Presented.UNREADABLE
            if match is not None:
                token = self._look_up(recognised) if recognised is not None else known
                if token is not None:
                    key = self._key(token.consumer_key)
                if key is not None:
                    subscription = self._subscription(key.application_id, match.api.id)
        return Facts(match, presented, token, key, subscription, client_domains, now)

    def read(self, query: Callable[[Connection], _Result]) -> _Result:
        """Return what the store says now; the query is a short one. Raises StoreError."""
        with explained(self._path):
            return query(self._open_db())

    @property
    def scopes(self) -> Collection[str]:
        """The scopes that APIs declare, as of the last `refresh`."""
        return self._scopes.keys()

    def route(self, path: str, method: str) -> Match | None:
        """Return where a request leads, as of the last `refresh`; `path` is raw."""
        return self._routes.match(path, method)

    def limits(self, admitted: Admitted, *, client_address: str) -> tuple[Limit, ...]:
        """Return what limits a request, as of the last `refresh`.

        The address counts where it needs no token. Raises StoreError as `facts` does.
        """
        limits = self._limits.recall(admitted, client_address=client_address)
        while limits is None:
            with explained(self._path):
                self._limits.learn(self._open_db(), admitted)
            limits = self._limits.recall(admitted, client_address=client_address)
        return limits

    def refresh(self) -> None:
        """Forget what anybody has changed since: the first thing every request does.

        The settings are told first, if they changed. Raises StoreError.
        """
        db = self._open_db()
        # Before the store is read: what is committed meanwhile is another header.
        header = self._wal_index.header()
        if header is not None and header == self._header:
            return
        try:
            (data_version,) = db.execute("PRAGMA data_version").fetchone()
            if data_version != self._data_version:
                self._catch_up(db)
                self._data_version = data_version
            self._header = header
        except (sqlite3.Error, OSError):
            # What has changed is not known: nothing in memory may be used until it is.
            self._close()
            with explained(self._path):
                raise

    def check_file(self) -> None:
        """Open the store anew if another file stands at its path, or reading failed.

        Without that, a gateway would serve the file it once opened for ever, however long ago it
        was deleted or replaced. Until the file is back, `facts` raises StoreError.
        """
        try:
            identity = file_identity(self._path)
        except OSError:
            self._close()
            return
        if self._db is None or identity != self._identity:
            self._close()
            with explained(self._path):
                self._open()
            self._on_settings_changed()

    def close(self) -> None:
        """Close the connection."""
        self._close()

    def _open(self) -> None:
        self._identity = file_identity(self._path)
        self._db = connect(self._path, busy_timeout_seconds=BUSY_TIMEOUT_SECONDS)
        try:
            self._data_version = -1
            self._header = None
            self._last_change = changes.newest_id(self._db)
            self._forget_all(self._db)
            self._wal_index = WalIndex(self._db)
        except BaseException:
            # What could not be read whole is not served in part.
            self._close()
            raise

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _open_db(self) -> Connection:
        if self._db is None:
            raise StoreUnreadableError(f"the store {self._path} is not there", hint="Put it back.")
        return self._db

    def _catch_up(self, db: Connection) -> None:
        self._unknown.clear()
        last = self._last_change
        # The last change that is known is read again: where it is no more, others are missing, or
        # an older state of the file was restored.
        found = changes.list_after(db, last - 1)
        first = found[0].id if found else 0
        if not last <= first <= max(last, 1):
            self._last_change = changes.newest_id(db)
            self._forget_all(db)
            self._on_settings_changed()
            return
        for change in found:
            if change.id > last:
                self._forget(db, change)
                self._last_change = change.id

    def _forget(self, db: Connection, change: Change) -> None:
        match change.kind:
            case ChangeKind.TOKEN:
                self._tokens.pop(change.subject, None)
            case ChangeKind.KEY:
                self._keys.pop(change.subject, None)
            case ChangeKind.SUBSCRIPTIONS:
                self._subscriptions.pop(change.subject, None)
                self._limits.forget()
            case ChangeKind.APPLICATION | ChangeKind.TIER:
                self._limits.forget()
            case ChangeKind.API:
                self._subscriptions.clear()
                self._limits.forget()
                self._learn_apis(db)
            case ChangeKind.TOKENS_OF_KEY:
                self._keep_tokens(lambda token: token.consumer_key != change.subject)
            case ChangeKind.TOKENS_OF_USER:
                self._keep_tokens(lambda token: token.user_id != change.subject)
            case ChangeKind.SETTINGS:
                self._on_settings_changed()
            case ChangeKind.EVERYTHING:
                self._forget_all(db)
                self._on_settings_changed()

    def _forget_all(self, db: Connection) -> None:
        self._tokens.clear()
        self._unknown.clear()
        self._keys.clear()
        self._subscriptions.clear()
        self._limits.forget()
        self._learn_apis(db)

    def _learn_apis(self, db: Connection) -> None:
        """Read the routes and the scopes anew; the latter say what the tokens' are worth."""
        self._routes = Routes(apis.list_all(db), resources.list_by_api(db))
        declared = scopes.declared_since(db)
        if declared != self._scopes:
            self._scopes = declared
            self._tokens.clear()

    def _keep_tokens(self, is_kept: Callable[[AccessToken], bool]) -> None:
        self._tokens = {digest: token for digest, token in self._tokens.items() if is_kept(token)}

    def _look_up(self, recognised: Credential) -> AccessToken | None:
        """Return a token that is not in memory, and remember what the store says of it."""
        digest = recognised.digest
        if digest in self._unknown:
            return None
        token = self._stored(recognised)
        if token is None:
            if len(self._unknown) >= MOST_UNKNOWN:
                self._unknown.clear()
            self._unknown.add(digest)
        else:
            if len(self._tokens) >= MOST_TOKENS:
                self._tokens.pop(next(iter(self._tokens)))
            scope = living(token.scope, issued_at=token.issued_at, declared=self._scopes)
            token = self._tokens[digest] = replace(token, scope=scope)
        return token

    def _stored(self, recognised: Credential) -> AccessToken | None:
        digest, partition = recognised.digest, recognised.partition
        db = self._open_db()
        with explained(self._path):
            if partition == BASE_PARTITION:
                return access_tokens.find(db, digest, partition=partition)
            # Between two statements another process may drop the tables of a partition.
            with one_state(db):
                return access_tokens.find(db, digest, partition=partition)

    def _key(self, consumer_key: str) -> Key | None:
        try:
            return self._keys[consumer_key]
        except KeyError:
            with explained(self._path):
                key = self._keys[consumer_key] = keys.get(self._open_db(), consumer_key)
            return key

    def _subscription(self, application_id: str, api_id: str) -> Subscription | None:
        of_application = self._subscriptions.setdefault(application_id, {})
        try:
            return of_application[api_id]
        except KeyError:
            with explained(self._path):
                found = of_application[api_id] = subscriptions.find(
                    self._open_db(), application_id, api_id
                )
            return found

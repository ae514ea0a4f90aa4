"""The limits of an admitted request, from memory where its tiers are known.

Part of the read model, which says when to forget: a changed tier is obeyed by the next request.
"""

from sqlite3 import Connection

from apimctl.domain.admission import Admitted
from apimctl.domain.limits import UNAUTHENTICATED, limits_of_address, limits_of_token
from apimctl.domain.models import Key, Tier
from apimctl.domain.quota import Limit, Scope
from apimctl.errors import StoreUnreadableError
from apimctl.tables import applications, tiers

MOST_KNOWN = 100_000

_Which = tuple[str, str, str, frozenset[str]]
"""Consumer key, API, pattern and methods."""


class Limits:
    """What limits the requests of each key to each resource, and those without a token."""

    def __init__(self) -> None:
        self._tiers: dict[str, Tier] = {}
        self._known: dict[_Which, tuple[Limit, ...]] = {}

    def forget(self) -> None:
        """Read everything anew when it is asked for: tiers, or who has which, have changed."""
        self._tiers.clear()
        self._known.clear()

    def recall(self, admitted: Admitted, *, client_address: str) -> tuple[Limit, ...] | None:
        """Return what limits a request, nothing where all tiers are unlimited; None: not known.

        The address counts where the request needs no token.
        """
        if admitted.key is None:
            tier = self._tiers.get(UNAUTHENTICATED)
            return None if tier is None else limits_of_address(client_address, tier)
        return self._known.get(_which(admitted, admitted.key))

    def learn(self, db: Connection, admitted: Admitted) -> None:
        """Read what `recall` needs for the request.

        Raises sqlite3.Error, StoreUnreadableError where the store lacks a tier.
        """
        if admitted.key is None:
            self._tier(db, UNAUTHENTICATED)
            return
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[_which(admitted, admitted.key)] = self._read(db, admitted, admitted.key)

    def _read(self, db: Connection, admitted: Admitted, key: Key) -> tuple[Limit, ...]:
        subscription = admitted.subscription
        if subscription is None:
            raise ValueError("a key without a subscription is not admitted")
        return limits_of_token(
            key,
            subscription,
            admitted.resource,
            tiers={
                Scope.APPLICATION: self._tier(db, applications.find_tier(db, key.application_id)),
                Scope.RESOURCE: self._tier(db, admitted.resource.tier),
                Scope.SUBSCRIPTION: self._tier(db, subscription.tier),
            },
        )

    def _tier(self, db: Connection, name: str | None) -> Tier:
        tier = self._tiers.get(name or "") or tiers.find(db, name or "")
        if tier is None:
            raise StoreUnreadableError(f"the store has no tier {name!r}", hint="apimctl db check")
        self._tiers[tier.name] = tier
        return tier


def _which(admitted: Admitted, key: Key) -> _Which:
    resource = admitted.resource
    return key.consumer_key, admitted.api.id, resource.pattern, resource.methods

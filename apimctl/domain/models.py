"""The records everything else speaks of, frozen. Words: SPEC section 1.

Points in time are UTC epoch seconds (``*_at``), lengths are seconds (``*_seconds``). A length of
`apimctl.domain.validity.NEVER` means for ever; an ``expires_at`` of None means never.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

PRIMARY = "PRIMARY"
"""The built-in user store (SPEC section 7)."""

BASE_PARTITION = "0"
"""The partition of all tokens that are in no partition of their own (SPEC section 7)."""

DEFAULT_APPLICATION = "DefaultApplication"
ADMIN = "admin"
UNLIMITED = "Unlimited"


class KeyType(StrEnum):
    """Which backend a key's tokens reach."""

    PRODUCTION = "PRODUCTION"
    SANDBOX = "SANDBOX"


class ApiState(StrEnum):
    """Where an API stands in its life; `apimctl.domain.lifecycle` says what may follow what."""

    CREATED = "CREATED"
    PROTOTYPED = "PROTOTYPED"
    PUBLISHED = "PUBLISHED"
    BLOCKED = "BLOCKED"
    DEPRECATED = "DEPRECATED"
    RETIRED = "RETIRED"


class SubscriptionState(StrEnum):
    """Whether a subscription lets its application's tokens through."""

    UNBLOCKED = "UNBLOCKED"
    PROD_ONLY_BLOCKED = "PROD_ONLY_BLOCKED"
    BLOCKED = "BLOCKED"
    ON_HOLD = "ON_HOLD"
    REJECTED = "REJECTED"


class TokenState(StrEnum):
    """INACTIVE: replaced by a renewal. EXPIRED is never stored: `expires_at` and a clock say it."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


class AuthType(StrEnum):
    """Which kind of access token a resource asks for."""

    NONE = "None"
    APPLICATION = "Application"
    APPLICATION_USER = "Application_User"
    ANY = "Any"


class GrantType(StrEnum):
    """The grants of the Login API (RFC 6749)."""

    AUTHORIZATION_CODE = "authorization_code"
    CLIENT_CREDENTIALS = "client_credentials"
    PASSWORD = "password"  # noqa: S105 - the grant's name
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the grant's name


class TokenFormat(StrEnum):
    """What an application's access tokens look like: a random text, or a JWT (RFC 9068)."""

    OPAQUE = "opaque"
    JWT = "jwt"


class Introspection(StrEnum):
    """Of whose tokens a client may ask: its own alone, or any, as resource servers have to."""

    OWN = "own"
    ANY = "any"


class SigningAlgorithm(StrEnum):
    """How JWT access tokens are signed (RFC 7518); every reader knows RS256 (RFC 9068)."""

    ES256 = "ES256"
    RS256 = "RS256"


@dataclass(frozen=True, slots=True)
class Tier:
    """A limit by name: `requests` per `per_seconds`; both None where nothing is limited."""

    name: str
    requests: int | None
    per_seconds: int | None
    description: str = ""
    is_built_in: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """Someone who owns applications or has user tokens.

    Without a `password_hash` (argon2id, encoded) a user cannot log in.
    """

    id: str
    name: str
    userstore: str
    password_hash: str | None = field(repr=False)
    created_at: int

    @property
    def qualified_name(self) -> str:
        """``alice``, or ``FOO.COM/alice`` outside the built-in user store."""
        return self.name if self.userstore == PRIMARY else f"{self.userstore}/{self.name}"


@dataclass(frozen=True, slots=True)
class Application:
    """What subscribes to APIs and holds keys. The name is unique per owner.

    `grants` narrows what its keys may ask the Login API for; None: all that are on. A public one
    keeps no secret (RFC 6749 section 2.1), so its keys have none.
    """

    id: str
    name: str
    owner_id: str
    owner: str
    tier: str
    description: str
    created_at: int
    callback_urls: tuple[str, ...] = ()
    """Where its users may be sent back: its redirect URIs, compared exactly."""
    grants: frozenset[GrantType] | None = None
    token_format: TokenFormat = TokenFormat.OPAQUE
    is_public: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """Part of an API: methods and a URL pattern, with what they ask of a token.

    Methods and pattern name it: a method of a pattern belongs to one resource of an API.
    """

    methods: frozenset[str]
    pattern: str
    auth_type: AuthType
    tier: str = UNLIMITED
    scopes: tuple[str, ...] = ()
    """The scopes of which a token needs one; empty: it needs none."""


ALL_METHODS = frozenset({"*"})
WHOLE_API = Resource(methods=ALL_METHODS, pattern="/*", auth_type=AuthType.ANY)
"""The one resource of an API that declares none."""


@dataclass(frozen=True, slots=True)
class Api:
    """A backend behind a context and a version."""

    id: str
    name: str
    version: str
    context: str
    state: ApiState
    is_default_version: bool
    production_url: str | None
    sandbox_url: str | None
    description: str
    created_at: int
    tiers: tuple[str, ...] = ()
    """The tiers a subscription may choose; empty: every tier."""
    blocked_from: ApiState | None = None
    """What a BLOCKED API was before."""
    cors_origins: tuple[str, ...] = ()
    """The origins whose pages may read its answers, or ``*``; empty: CORS is the backend's."""
    cors_credentials: bool = False
    """Whether those pages may send cookies."""

    @property
    def reference(self) -> str:
        """``twitter:1.0.0``, as the command line names it."""
        return f"{self.name}:{self.version}"

    def endpoint(self, key_type: KeyType) -> str | None:
        """Return the backend URL for tokens of this key type, None where there is none."""
        return self.production_url if key_type is KeyType.PRODUCTION else self.sandbox_url


@dataclass(frozen=True, slots=True)
class Scope:
    """A name that tokens are asked for, declared by an API in all its versions.

    A user gets it who has one of the `roles`; where there are none, every user.
    """

    name: str
    api_name: str
    description: str
    roles: tuple[str, ...]
    created_at: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """An application may call an API, at a tier."""

    id: str
    application_id: str
    api_id: str
    tier: str
    state: SubscriptionState
    created_at: int


@dataclass(frozen=True, slots=True)
class Key:
    """The consumer key of an application for one key type.

    `validity_seconds` is None where the configured default applies, `NEVER` for never.
    `current_token_id` names the application token that the next re-generation replaces.
    """

    consumer_key: str
    application_id: str
    key_type: KeyType
    allowed_domains: tuple[str, ...]
    validity_seconds: int | None
    current_token_id: str | None
    created_at: int


@dataclass(frozen=True, slots=True)
class ConsumerSecret:
    """One secret of a key: its digest and last four characters, never the secret itself."""

    digest: str = field(repr=False)
    consumer_key: str
    hint: str
    created_at: int
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An application token (no user) or a user token. The store knows its digest only.

    `partition` is where it is kept: what its text says, and no column.
    """

    digest: str = field(repr=False)
    id: str
    consumer_key: str
    user_id: str | None
    family_id: str | None
    state: TokenState
    scope: str
    hint: str
    issued_at: int
    expires_at: int | None
    partition: str = BASE_PARTITION

    def state_at(self, now: float) -> TokenState:
        """Return the state as a user sees it: ACTIVE becomes EXPIRED when its time is over."""
        return _state_at(self.state, self.expires_at, now)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What renews a user token, once. All tokens that descend from one log-in share a family."""

    digest: str = field(repr=False)
    family_id: str
    consumer_key: str
    user_id: str
    state: TokenState
    scope: str
    hint: str
    issued_at: int
    expires_at: int | None
    partition: str = BASE_PARTITION

    def state_at(self, now: float) -> TokenState:
        """Return the state as a user sees it, as `AccessToken.state_at` does."""
        return _state_at(self.state, self.expires_at, now)


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """What a client redeems for a user's first tokens, once (RFC 6749 section 4.1).

    `redirect_uri` is None where the request named none, `code_challenge` (S256, RFC 7636) where it
    had none. The tokens it gives are of the family `family_id`, which is known from the start, so
    that a second use can end them.
    """

    digest: str = field(repr=False)
    consumer_key: str
    user_id: str
    family_id: str
    redirect_uri: str | None
    code_challenge: str | None
    scope: str
    is_spent: bool
    issued_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class WebSession:
    """A browser in which a user has logged in. The store knows the digest of its cookie only.

    `user_agent` is what the browser said of itself at the log-in, `address` where it came from.
    """

    digest: str = field(repr=False)
    user_id: str
    created_at: int
    used_at: int
    expires_at: int
    user_agent: str = ""
    address: str = ""

    @property
    def id(self) -> str:
        """What the session is told from others by; nobody gets into it by that."""
        return self.digest[:16]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What signs JWT access tokens: the public half in clear, the private one sealed.

    `newest_expiry_at` is when the last token is over that it signed, 0 if there is none.
    """

    id: str
    algorithm: SigningAlgorithm
    public_jwk: Mapping[str, str]
    sealed_private_jwk: str = field(repr=False)
    created_at: int
    retired_at: int | None = None
    newest_expiry_at: int = 0

    def is_published(self, now: float) -> bool:
        """Return whether there may be tokens that it verifies."""
        return self.retired_at is None or now < self.newest_expiry_at


class Via(StrEnum):
    """The way by which somebody did something."""

    CLI = "cli"
    LOGIN_API = "login_api"
    PORTAL = "portal"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a user of the system, a client and its user, the gateway itself."""

    name: str
    via: Via


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """That somebody did something to something. `id` is None until the store has given one."""

    at: int
    actor: Actor
    action: str
    target: str
    details: Mapping[str, Any]
    id: int | None = None


def has_expired(expires_at: int | None, now: float) -> bool:
    """Return whether the moment `expires_at` has come; None never comes."""
    return expires_at is not None and now >= expires_at


def _state_at(state: TokenState, expires_at: int | None, now: float) -> TokenState:
    is_over = state is TokenState.ACTIVE and has_expired(expires_at, now)
    return TokenState.EXPIRED if is_over else state

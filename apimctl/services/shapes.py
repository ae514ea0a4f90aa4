"""Records as JSON has them: the documented fields of every command's output, and of the audit log.

Points in time are ISO 8601 in UTC; a validity or an expiry of null means never.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from apimctl.domain.models import (
    AccessToken,
    Api,
    Application,
    AuditEntry,
    Key,
    Resource,
    Scope,
    SigningKey,
    Subscription,
    Tier,
    User,
)
from apimctl.domain.routing import base_paths
from apimctl.domain.userstores import UserStore
from apimctl.domain.validity import NEVER

if TYPE_CHECKING:
    from apimctl.services.directory_users import Checked
    from apimctl.services.inspection import Inspected

Shape = dict[str, Any]


def moment(at: int | None) -> str | None:
    """Write a point in time, None for never."""
    if at is None:
        return None
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def length(seconds: int) -> int | None:
    """Return a validity in seconds, None for never."""
    return None if seconds == NEVER else seconds


def changes(before: Shape, after: Shape) -> Shape:
    """Return the fields that are not as they were, as they are now."""
    return {name: value for name, value in after.items() if value != before[name]}


def api_shape(api: Api) -> Shape:
    """Return the fields of `api show`."""
    return {
        "name": api.name,
        "version": api.version,
        "context": api.context,
        "state": str(api.state),
        "default_version": api.is_default_version,
        "production_url": api.production_url,
        "sandbox_url": api.sandbox_url,
        "tiers": list(api.tiers),
        "paths": list(base_paths(api)),
        "cors_origins": list(api.cors_origins),
        "cors_credentials": api.cors_credentials,
        "description": api.description,
        "created_at": moment(api.created_at),
    }


def resource_shape(resource: Resource, api: Api) -> Shape:
    """Return the fields of `api resource list`."""
    return {
        "api": api.name,
        "version": api.version,
        "methods": sorted(resource.methods),
        "pattern": resource.pattern,
        "auth_type": str(resource.auth_type),
        "tier": resource.tier,
        "scopes": list(resource.scopes),
    }


def scope_shape(scope: Scope) -> Shape:
    """Return the fields of `api scope show`."""
    return {
        "api": scope.api_name,
        "name": scope.name,
        "description": scope.description,
        "roles": list(scope.roles),
        "created_at": moment(scope.created_at),
    }


def application_shape(application: Application) -> Shape:
    """Return the fields of `app show`."""
    return {
        "name": application.name,
        "owner": application.owner,
        "tier": application.tier,
        "description": application.description,
        "callback_urls": list(application.callback_urls),
        "grants": None if application.grants is None else sorted(application.grants),
        "token_format": str(application.token_format),
        "public": application.is_public,
        "created_at": moment(application.created_at),
    }


def subscription_shape(subscription: Subscription, application: Application, api: Api) -> Shape:
    """Return the fields of `subscription show`."""
    return {
        "application": application.name,
        "owner": application.owner,
        "api": api.name,
        "version": api.version,
        "tier": subscription.tier,
        "state": str(subscription.state),
        "created_at": moment(subscription.created_at),
    }


def key_shape(key: Key, application: Application, *, validity_seconds: int) -> Shape:
    """Return the fields of `key show`: no secret, those are shown once, when made."""
    return {
        "application": application.name,
        "owner": application.owner,
        "key_type": str(key.key_type),
        "consumer_key": key.consumer_key,
        "allowed_domains": list(key.allowed_domains),
        "validity_seconds": length(validity_seconds),
        "created_at": moment(key.created_at),
    }


def token_shape(
    token: AccessToken, key: Key, application: Application, *, user: User | None, now: int
) -> Shape:
    """Return the fields of `token list`."""
    return {
        "id": token.id,
        "application": application.name,
        "key_type": str(key.key_type),
        "user": user.qualified_name if user else None,
        "state": str(token.state_at(now)),
        "scope": token.scope,
        "hint": f"...{token.hint}",
        "partition": token.partition,
        "issued_at": moment(token.issued_at),
        "expires_at": moment(token.expires_at),
    }


def inspection_shape(found: "Inspected", *, now: int) -> Shape:
    """Return the fields of `token inspect`. A refresh token has no id and no format."""
    token = found.token
    is_access = isinstance(token, AccessToken)
    return {
        "type": "access_token" if is_access else "refresh_token",
        "id": token.id if isinstance(token, AccessToken) else None,
        "application": found.application.name,
        "owner": found.application.owner,
        "key_type": str(found.key.key_type),
        "consumer_key": found.key.consumer_key,
        "user": found.user.qualified_name if found.user else None,
        "state": str(token.state_at(now)),
        "scope": found.living_scope,
        "format": str(found.format) if found.format else None,
        "hint": f"...{token.hint}",
        "partition": token.partition,
        "family": token.family_id,
        "issued_at": moment(token.issued_at),
        "expires_at": moment(token.expires_at),
        "allowed_domains": list(found.key.allowed_domains),
        "apis": [api.reference for api in found.apis],
    }


def signing_key_shape(key: SigningKey, *, now: int) -> Shape:
    """Return the fields of `signing-key list`."""
    if key.retired_at is None:
        state = "signing"
    else:
        state = "published" if key.is_published(now) else "spent"
    return {
        "id": key.id,
        "algorithm": str(key.algorithm),
        "state": state,
        "created_at": moment(key.created_at),
        "retired_at": moment(key.retired_at),
        "published_until": None if key.retired_at is None else moment(key.newest_expiry_at),
    }


def tier_shape(tier: Tier) -> Shape:
    """Return the fields of `tier show`."""
    return {
        "name": tier.name,
        "requests": tier.requests,
        "per_seconds": tier.per_seconds,
        "description": tier.description,
        "built_in": tier.is_built_in,
    }


def user_shape(user: User, roles: Sequence[str]) -> Shape:
    """Return the fields of `user show`."""
    return {
        "name": user.qualified_name,
        "userstore": user.userstore,
        "has_password": user.password_hash is not None,
        "roles": list(roles),
        "created_at": moment(user.created_at),
    }


def userstore_shape(store: UserStore, *, users: int) -> Shape:
    """Return the fields of `userstore show`: whether there is a bind password, never which."""
    return {
        "domain": store.domain,
        "type": str(store.type),
        "users": users,
        "settings": asdict(store.ldap) if store.ldap else {},
        "has_bind_password": store.sealed_bind_password is not None,
        "created_at": moment(store.created_at),
    }


def audit_shape(entry: AuditEntry) -> Shape:
    """Return the fields of `audit show`."""
    return {
        "id": entry.id,
        "at": moment(entry.at),
        "actor": entry.actor.name,
        "via": str(entry.actor.via),
        "action": entry.action,
        "target": entry.target,
        "details": dict(entry.details),
    }


def directory_shape(store: UserStore, checked: "Checked") -> Shape:
    """Return the fields of `userstore test`."""
    return {
        "domain": store.domain,
        "url": store.ldap.url if store.ldap else None,
        "tls": checked.tls_version,
        "user": checked.user_name,
        "user_dn": checked.user_dn,
        "roles": None if checked.roles is None else list(checked.roles),
    }

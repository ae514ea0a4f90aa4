"""APIs: publishing backends under a context and a version (SPEC sections 1 and 5)."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from sqlite3 import Connection

from apimctl.domain.cors import check_origins
from apimctl.domain.lifecycle import next_api_state
from apimctl.domain.models import Api, ApiState
from apimctl.domain.names import (
    check_context,
    check_name,
    check_text,
    check_url,
    check_version,
    printable,
)
from apimctl.domain.routing import shared_path
from apimctl.errors import ConflictError, InvalidInputError, NotFoundError
from apimctl.services import tiers
from apimctl.services.identifiers import RandomBytes, new_id
from apimctl.tables import apis, scopes
from apimctl.tables.changes import ChangeKind, announce


@dataclass(frozen=True, slots=True)
class ApiForm:
    """What is said of an API; None is left as it is, or empty for a new one.

    An empty tier among `tiers` counts as none: alone it means every tier. So does an empty origin
    among `cors_origins`: alone it leaves CORS to the backend.
    """

    production_url: str | None = None
    sandbox_url: str | None = None
    tiers: Sequence[str] | None = None
    description: str | None = None
    is_default_version: bool | None = None
    cors_origins: Sequence[str] | None = None
    cors_credentials: bool | None = None


def resolve(db: Connection, reference: str) -> Api:
    """Return the API that ``NAME`` or ``NAME:VERSION`` names.

    Without a version it is the only one, or the default one. Raises NotFoundError, ConflictError
    where several versions are left.
    """
    name, colon, version = reference.partition(":")
    versions = apis.list_named(db, name)
    if colon:
        found = [api for api in versions if api.version == version]
    else:
        found = [api for api in versions if api.is_default_version] or versions
    if len(found) == 1:
        return found[0]
    if not found:
        known = ", ".join(api.reference for api in versions)
        raise NotFoundError(
            f"there is no API {printable(reference)!r}",
            hint=f"There is {known}." if known else "apimctl api list shows them all.",
        )
    raise ConflictError(
        f"{name!r} has {len(found)} versions and no default",
        hint=f"Name one: {', '.join(api.reference for api in found)}.",
    )


def list_all(db: Connection) -> list[Api]:
    """Return all APIs by name, the oldest version first."""
    return apis.list_all(db)


def create(
    db: Connection,
    name: str,
    *,
    context: str,
    version: str,
    state: ApiState,
    form: ApiForm,
    now: int,
    random: RandomBytes,
) -> Api:
    """Add an API. Raises InvalidInputError, ConflictError for a taken name, version or path."""
    api = Api(
        id=new_id(random),
        name=check_name(name, what="API", without=":/"),
        version=check_version(version),
        context=check_context(context),
        state=state,
        is_default_version=False,
        production_url=None,
        sandbox_url=None,
        description="",
        created_at=now,
    )
    api = _filled(db, api, form)
    _check_clashes(db, api)
    if api.is_default_version:
        apis.clear_default_version(db, api.name)
    apis.insert(db, api)
    announce(db, ChangeKind.API)
    return api


def update(db: Connection, reference: str, form: ApiForm) -> Api:
    """Change an API. Raises as `create` and `resolve`."""
    api = _filled(db, resolve(db, reference), form)
    _check_clashes(db, api)
    if api.is_default_version:
        apis.clear_default_version(db, api.name)
    apis.update(db, api)
    announce(db, ChangeKind.API)
    return api


def change_state(db: Connection, reference: str, verb: str) -> Api:
    """Publish, block, unblock, deprecate or retire an API.

    Raises ConflictError where its state does not allow that; the state it has already is fine.
    """
    api = resolve(db, reference)
    state = next_api_state(verb, api.state, blocked_from=api.blocked_from)
    if state is None:
        raise ConflictError(
            f"{api.reference} is {api.state}: it cannot {verb}",
            hint=f"apimctl api show {shlex.quote(api.reference)}",
        )
    blocked_from = api.state if verb == "block" and api.state is not state else None
    api = replace(api, state=state, blocked_from=blocked_from or _kept(api, state))
    apis.update(db, api)
    announce(db, ChangeKind.API)
    return api


def delete(db: Connection, reference: str) -> Api:
    """Remove an API with its subscriptions; with the last version go its scopes.

    Raises as `resolve`.
    """
    api = resolve(db, reference)
    apis.delete(db, api.id)
    if not apis.list_named(db, api.name):
        scopes.delete_of_api(db, api.name)
    announce(db, ChangeKind.API)
    return api


def _kept(api: Api, state: ApiState) -> ApiState | None:
    """Return what an API that stays blocked was before."""
    return api.blocked_from if state is ApiState.BLOCKED else None


def _filled(db: Connection, api: Api, form: ApiForm) -> Api:
    """Return the API with what the form says. An empty URL takes the endpoint away."""
    if form.production_url is not None:
        url = form.production_url and check_url(form.production_url, what="production URL")
        api = replace(api, production_url=url or None)
    if form.sandbox_url is not None:
        url = form.sandbox_url and check_url(form.sandbox_url, what="sandbox URL")
        api = replace(api, sandbox_url=url or None)
    if api.production_url is None and api.sandbox_url is None:
        raise InvalidInputError(
            f"{api.reference} has no backend",
            hint="Give --production-url, --sandbox-url, or both.",
        )
    if form.tiers is not None:
        names = tuple(tiers.require(db, name).name for name in dict.fromkeys(form.tiers) if name)
        api = replace(api, tiers=names)
    if form.description is not None:
        api = replace(api, description=check_text(form.description, what="description"))
    if form.is_default_version is not None:
        api = replace(api, is_default_version=form.is_default_version)
    return _shared(api, form)


def _shared(api: Api, form: ApiForm) -> Api:
    """Return the API with what the form says of CORS. Without origins there are no cookies."""
    origins = api.cors_origins if form.cors_origins is None else form.cors_origins
    is_on = any(origins)
    kept = api.cors_credentials and is_on
    has_credentials = kept if form.cors_credentials is None else form.cors_credentials
    return replace(
        api,
        cors_origins=check_origins(origins, has_credentials=has_credentials),
        cors_credentials=has_credentials,
    )


def _check_clashes(db: Connection, api: Api) -> None:
    """Raise ConflictError if another API has the name and version, the context or the path."""
    for other in apis.list_all(db):
        if other.id == api.id:
            continue
        if other.name == api.name:
            if other.version == api.version:
                raise ConflictError(
                    f"there is an API {api.reference} already",
                    hint=f"Change it: apimctl api update {shlex.quote(api.reference)}",
                )
            if other.context != api.context:
                raise ConflictError(
                    f"{other.reference} has the context {other.context}",
                    hint=f"Versions of one API share it: --context {other.context}",
                )
        elif other.context == api.context:
            raise ConflictError(
                f"the context {api.context} belongs to {other.reference}",
                hint="Choose another context.",
            )
        if other.name != api.name and (path := shared_path(api, other)):
            raise ConflictError(
                f"the path {path} belongs to {other.reference}",
                hint="Choose another context or version.",
            )

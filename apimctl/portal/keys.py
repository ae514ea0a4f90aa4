"""The forms of a key, on My Subscriptions. What they make is shown in answer, and never again."""

from sqlite3 import Connection
from typing import Any

from apimctl.domain.client_domains import parse_domains
from apimctl.domain.models import AccessToken, Key, TokenState
from apimctl.domain.validity import parse_duration_or_none, parse_validity
from apimctl.errors import ConflictError
from apimctl.portal import confirmation, made, panels, subscriptions
from apimctl.portal.panels import PATH, Panel
from apimctl.portal.replies import Redirect, Reply
from apimctl.portal.routes import Access, Post, Route
from apimctl.portal.visits import Visit
from apimctl.portal.wording import written_moment
from apimctl.services import keys, renewal, revocation
from apimctl.services.shapes import changes, key_shape, length
from apimctl.services.tokens import application_validity


def generate(visit: Visit, db: Connection) -> Reply:
    """Make a key with its secret and a first access token.

    Raises FormError, ConflictError, NotFoundError.
    """
    panel = panels.find(visit, db)
    if panel.state is not None:
        raise ConflictError(
            f"This application has a {panel.key_type.lower()} key already",
            hint="It was generated since the page was shown. Nothing was done.",
        )
    form = visit.submitted()
    domains = form.read("domains", _domains)
    validity = form.read("validity", _validity_or_default)
    form.check()
    new = keys.generate(
        db,
        panel.application,
        panel.key_type,
        allowed_domains=domains or (),
        validity_seconds=validity,
        settings=visit.settings.tokens,
        **visit.moment,
    )
    _audit(visit, db, "generate", panel, token=new.issued.token.id)
    return _show_made(
        visit,
        db,
        panel,
        new.key,
        title=f"The {panel.key_type.lower()} key was generated",
        note="",
        consumer_secret=new.consumer_secret,
        issued=new.issued,
        has_new_key=True,
    )


def update(visit: Visit, db: Connection) -> Reply:
    """Change allowed domains and validity. Raises FormError, ConflictError, NotFoundError."""
    panel = panels.find(visit, db)
    before = panel.key
    visit.require_seen(panel.seen_settings)
    form = visit.submitted()
    domains = form.read("domains", _domains)
    validity = form.read("validity", _validity_or_default)
    form.check()
    key = keys.update(
        db,
        before,
        allowed_domains=domains,
        validity_seconds=validity,
        has_default_validity=validity is None,
    )
    if key == before:
        return Redirect(subscriptions.path_of(panel.application), done="unchanged")
    changed = changes(_shape(visit, panel, before), _shape(visit, panel, key))
    _audit(visit, db, "update", panel, **changed)
    return Redirect(subscriptions.path_of(panel.application), done="key-updated")


def regenerate(visit: Visit, db: Connection) -> Reply:
    """Make a new access token in place of the current one.

    Raises FormError, ConflictError, NotFoundError.
    """
    panel = panels.find(visit, db)
    key = panel.key
    visit.require_seen(panel.seen_token)
    form = visit.submitted()
    validity = form.read("validity", _validity_or_default)
    grace = form.read("grace", _grace)
    form.check()
    issued = renewal.renew_application_token(
        db,
        key,
        validity_seconds=validity,
        grace_seconds=grace or 0,
        settings=visit.settings.tokens,
        **visit.moment,
    )
    details = {} if validity is None else {"validity_seconds": length(validity)}
    visit.audit_token(db, "token.renew", issued.token, grace_seconds=grace or 0, **details)
    current = panel.state.token if panel.state else None
    return _show_made(
        visit,
        db,
        panel,
        key,
        title=f"The {panel.key_type.lower()} access token was re-generated",
        note=_end_of_token(current, visit.now, grace or 0),
        issued=issued,
    )


def rotate(visit: Visit, db: Connection) -> Reply:
    """Make a new consumer secret in place of the current one.

    Raises FormError, ConflictError, NotFoundError.
    """
    panel = panels.find(visit, db)
    key = panel.key
    visit.require_seen(panel.seen_secret)
    form = visit.submitted()
    grace = form.read("grace", _grace)
    form.check()
    grace_seconds = grace or 0
    secret = keys.rotate(db, key, grace_seconds=grace_seconds, **visit.moment)
    _audit(visit, db, "rotate", panel, grace_seconds=grace_seconds)
    return _show_made(
        visit,
        db,
        panel,
        key,
        title=f"The {panel.key_type.lower()} consumer secret was rotated",
        note=f"The old one works until {written_moment(visit.now + grace_seconds)}."
        if grace_seconds
        else "The old one is over.",
        consumer_secret=secret,
    )


def ask_to_revoke(visit: Visit, db: Connection) -> Reply:
    """Ask whether all tokens are to be revoked. Raises NotFoundError."""
    panel = panels.find(visit, db)
    seen = panel.seen_token
    return confirmation.ask(
        f"Revoke all {panel.key_type.lower()} tokens of {panel.application.name}?",
        says=[
            "Every access token of this key stops with the next request, those of users, too.",
            "Users have to log in again. The key and its secret stay.",
            "Re-generate makes a new access token afterwards.",
        ],
        button="Revoke all tokens",
        back=subscriptions.path_of(panel.application),
        seen=seen,
    )


def revoke(visit: Visit, db: Connection) -> Reply:
    """Revoke all tokens of a key. Raises ConflictError, NotFoundError."""
    panel = panels.find(visit, db)
    key = panel.key
    visit.require_seen(panel.seen_token)
    count = revocation.revoke_all(db, key)
    whose = {"owner": panel.application.owner, "key_type": panel.key_type}
    visit.audit(db, "token.revoke", panel.application.name, **whose, revoked=count)
    return Redirect(subscriptions.path_of(panel.application), done="tokens-revoked")


def ask_to_delete(visit: Visit, db: Connection) -> Reply:
    """Ask whether a key is to be deleted. Raises NotFoundError."""
    panel = panels.find(visit, db)
    seen = panel.seen_key
    return confirmation.ask(
        f"Delete the {panel.key_type.lower()} key of {panel.application.name}?",
        says=[
            "All its tokens stop with the next request, those of users, too.",
            "Consumer key and secret are gone for good: a key that is generated later is another.",
        ],
        button="Delete key",
        back=subscriptions.path_of(panel.application),
        seen=seen,
    )


def delete(visit: Visit, db: Connection) -> Reply:
    """Remove a key with all its tokens. Raises ConflictError, NotFoundError."""
    panel = panels.find(visit, db)
    key = panel.key
    visit.require_seen(panel.seen_key)
    keys.delete(db, key)
    _audit(visit, db, "delete", panel)
    return Redirect(subscriptions.path_of(panel.application), done="key-deleted")


def _show_made(visit: Visit, db: Connection, panel: Panel, key: Key, **what: Any) -> Reply:
    shown = made.describe(visit, db, panel.application, key, **what)
    return subscriptions.show(visit, db, made=shown)


def _end_of_token(current: AccessToken | None, now: int, grace_seconds: int) -> str:
    """Return what becomes of the token that was the current one."""
    if current is None or current.state_at(now) is not TokenState.ACTIVE:
        return ""
    if not grace_seconds:
        return "The old one is revoked."
    ends_at = now + grace_seconds
    if current.expires_at is not None:
        ends_at = min(ends_at, current.expires_at)
    return f"The old one works until {written_moment(ends_at)}."


def _audit(visit: Visit, db: Connection, verb: str, panel: Panel, **details: Any) -> None:
    whose = {"owner": panel.application.owner, "key_type": panel.key_type}
    visit.audit(db, f"key.{verb}", panel.application.name, **whose, **details)


def _shape(visit: Visit, panel: Panel, key: Key) -> dict[str, Any]:
    seconds = application_validity(key, visit.settings.tokens)
    return key_shape(key, panel.application, validity_seconds=seconds)


def _domains(text: str) -> tuple[str, ...]:
    """Return the patterns of a list with commas, or a line for each. Raises InvalidInputError."""
    return parse_domains(",".join(text.splitlines()))


def _validity_or_default(text: str) -> int | None:
    """Return the validity, None for an empty text: as it is configured. Raises UsageError."""
    return parse_validity(text) if text else None


def _grace(text: str) -> int:
    """Return the grace in seconds, 0 for an empty text. Raises UsageError."""
    return parse_duration_or_none(text, what="grace") if text else 0


ROUTES = (
    *(
        Route(
            f"{PATH}/{act.__name__}",
            Access.SUBSCRIBER,
            show=subscriptions.lead_back,
            post=Post(act, again=subscriptions.show),
        )
        for act in (generate, update, regenerate, rotate)
    ),
    Route(f"{PATH}/revoke", Access.SUBSCRIBER, ask_to_revoke, Post(revoke, again=ask_to_revoke)),
    Route(f"{PATH}/delete", Access.SUBSCRIBER, ask_to_delete, Post(delete, again=ask_to_delete)),
)

"""Another process that changes the store, through the same services as the commands.

``python changer.py STORE`` reads a command a line (``{"verb": "revoke", "token": ...}``) and writes
what came of it a line, after the commit.
"""

import json
import secrets
import sys
import time
from dataclasses import replace
from pathlib import Path

from apimctl import config
from apimctl.domain import attempts, credentials
from apimctl.domain.client_domains import parse_domains
from apimctl.domain.lifecycle import SUBSCRIPTION_VERBS
from apimctl.domain.models import Actor, ApiState, AuthType, GrantType, KeyType, Via
from apimctl.domain.partitions import parse_partitions
from apimctl.domain.userstores import UserStoreType, split_name
from apimctl.domain.validity import parse_validity
from apimctl.services import (
    apis,
    applications,
    audit,
    directory_users,
    keys,
    renewal,
    resources,
    revocation,
    scopes,
    sessions,
    settings,
    storefront,
    subscriptions,
    tiers,
    tokens,
    users,
    userstores,
)
from apimctl.services.apis import ApiForm
from apimctl.services.applications import ApplicationForm
from apimctl.services.audit import AuditFilter
from apimctl.services.userstores import LdapForm
from apimctl.store import open_store
from apimctl.tables import access_tokens, failed_attempts, partitions, web_sessions
from apimctl.tables.changes import ChangeKind, announce

TOKENS = config.TokenSettings(
    application_validity_seconds=3600,
    user_validity_seconds=3600,
    refresh_validity_seconds=86_400,
    timestamp_skew_seconds=0,
    code_validity_seconds=300,
    signing=config.SigningSettings("https://changer.test", store_path=Path(sys.argv[1])),
)


def _made() -> dict:
    return {"now": int(time.time()), "random": secrets.token_bytes}


def _key(db, app, key_type):
    return keys.require(db, applications.resolve(db, app), KeyType(key_type))


def create_app(db, *, name, owner="admin", **form):
    form = ApplicationForm(**form)
    return applications.create(db, name, owner=owner, form=form, **_made()).id


def create_apps(db, *, owner, count):
    for number in range(count):
        create_app(db, name=f"{owner}-{number}", owner=owner)


def update_app(db, *, name, new_name=None, grants=None, **form):
    if grants is not None:
        form["grants"] = frozenset(map(GrantType, grants))
    found = applications.resolve(db, name)
    applications.update(db, found, ApplicationForm(**form), name=new_name)


def delete_app(db, *, name):
    applications.delete(db, applications.resolve(db, name))


def create_api(db, *, name, version="1.0.0", context=None, state="PUBLISHED", **form):
    made = {"context": context or f"/{name}", "version": version, "state": ApiState(state)}
    apis.create(db, name, form=ApiForm(**form), **made, **_made())


def update_api(db, *, name, **form):
    apis.update(db, name, ApiForm(**form))


def change_api(db, *, name, to):
    apis.change_state(db, name, to)


def delete_api(db, *, name):
    apis.delete(db, name)


def create_resource(db, *, api, pattern, methods=("*",), auth_type="Any", **asked):
    made = {"methods": methods, "auth_type": AuthType(auth_type)}
    resources.create(db, apis.resolve(db, api), pattern=pattern, **made, **asked)


def update_resource(db, *, api, pattern, auth_type=None, **asked):
    found = apis.resolve(db, api)
    wanted = auth_type and AuthType(auth_type)
    resource = resources.require(db, found, pattern)
    resources.update(db, found, resource, auth_type=wanted, **asked)


def delete_resource(db, *, api, pattern):
    found = apis.resolve(db, api)
    resources.delete(db, found, resources.require(db, found, pattern))


def declare_scope(db, *, api, name, after_seconds=0, **form):
    scopes.declare(db, api, name, now=int(time.time()) + after_seconds, **form)


def update_scope(db, *, api, name, **form):
    scopes.update(db, scopes.require(db, api, name), **form)


def delete_scope(db, *, api, name):
    scopes.delete(db, scopes.require(db, api, name))


def subscribe(db, *, app, api):
    application = applications.resolve(db, app)
    subscriptions.create(db, application, apis.resolve(db, api), tier=None, **_made())


def update_subscription(db, *, app, api, tier):
    subscriptions.update(db, applications.resolve(db, app), apis.resolve(db, api), tier=tier)


def unsubscribe(db, *, app, api):
    subscriptions.delete(db, applications.resolve(db, app), apis.resolve(db, api))


def change_subscription(db, *, app, api, to):
    application = applications.resolve(db, app)
    subscriptions.set_state(db, application, apis.resolve(db, api), SUBSCRIPTION_VERBS[to])


def generate(db, *, app, key_type="PRODUCTION", domains="", validity=None):
    made = keys.generate(
        db,
        applications.resolve(db, app),
        KeyType(key_type),
        allowed_domains=parse_domains(domains),
        validity_seconds=None if validity is None else parse_validity(validity),
        settings=TOKENS,
        **_made(),
    )
    return {
        "consumer_key": made.key.consumer_key,
        "consumer_secret": made.consumer_secret,
        "access_token": made.issued.access_token,
    }


def update_key(db, *, app, key_type="PRODUCTION", domains=None, validity=None):
    keys.update(
        db,
        _key(db, app, key_type),
        allowed_domains=None if domains is None else parse_domains(domains),
        validity_seconds=None if validity is None else parse_validity(validity),
    )


def rotate_key(db, *, app, key_type="PRODUCTION", grace_seconds=0):
    return keys.rotate(db, _key(db, app, key_type), grace_seconds=grace_seconds, **_made())


def delete_key(db, *, app, key_type="PRODUCTION"):
    keys.delete(db, _key(db, app, key_type))


def renew(db, *, app, key_type="PRODUCTION", grace_seconds=0):
    issued = renewal.renew_application_token(
        db,
        _key(db, app, key_type),
        validity_seconds=None,
        grace_seconds=grace_seconds,
        settings=TOKENS,
        **_made(),
    )
    return issued.access_token


def revoke(db, *, token):
    revocation.require_and_revoke(db, token)


def expire(db, *, token):
    """Let a token's time be over, as if it had been issued long ago."""
    record = tokens.find_access_token(db, token)
    if record:
        access_tokens.set_expiry(db, record, int(time.time()) - 1)
        announce(db, ChangeKind.TOKEN, record.digest)
    else:
        record = tokens.find_refresh_token(db, token)
        table = partitions.tables_of("refresh_token")[record.partition]
        db.execute(
            f"UPDATE {table} SET expires_at = ? WHERE digest = ?",
            (int(time.time()) - 1, record.digest),
        )


def expire_code(db, *, code):
    """Let a code's time be over."""
    db.execute(
        "UPDATE authorization_code SET expires_at = ? WHERE digest = ?",
        (int(time.time()) - 1, credentials.digest(code)),
    )


def create_user(db, *, name, password=None):
    hashed = password and users.hash_password(password)
    users.create(db, name, password_hash=hashed, **_made())


def set_roles(db, *, name, roles):
    users.set_roles(db, users.require(db, name), roles)


def create_userstore(db, *, domain, **form):
    store_type = UserStoreType.LDAP if form else UserStoreType.BUILT_IN
    made = {"form": LdapForm(**form), "store_type": store_type, "now": int(time.time())}
    userstores.create(db, domain, sealed_bind_password=None, **made)


def update_userstore(db, *, domain, **form):
    userstores.update(db, domain, LdapForm(**form), sealed_bind_password=None)


def delete_userstore(db, *, domain):
    users.delete_store(db, domain, with_users=True)


def admit(db, *, name, groups=None):
    """Let the directory have found a user's password right."""
    domain, name = split_name(name)
    directory_users.admit(db, userstores.require(db, domain), name=name, groups=groups, **_made())


def note(db, *, action, count=1):
    """Let it have been done so often."""
    actor = Actor("tester", Via.CLI)
    for _ in range(count):
        audit.record(db, actor=actor, action=action, target="it", now=int(time.time()))


def remember_failures(db, *, count, user=None, client=None, network="127.0.0.1"):
    """Let so many attempts have failed, of which none blocks any more."""
    subject = client and attempts.client_subject(client, network=network)
    if user is not None:
        subject = attempts.user_subject_at(attempts.user_subject(user), network=network)
    forgotten_at = int(time.time()) + attempts.MEMORY_SECONDS
    failed_attempts.put(db, subject, attempts.Failures(count, 0, forgotten_at))


def furnish(db, *, user, password, url, api, spare, app, tier, bare):
    """Make a user with one of everything, and return what addresses and forms name it by."""
    create_user(db, name=user, password=password)
    create_user(db, name=bare)
    for name in (api, spare):
        create_api(db, name=name, production_url=url)
    create_tier(db, name=tier)
    application_id = create_app(db, name=app, owner=user)
    subscribe(db, app=app, api=api)
    access_token = generate(db, app=app)["access_token"]
    refresh_token = log_in(db, app=app, name=user)["refresh_token"]
    note(db, action="app.create")
    owner = users.require(db, user)
    secret, other = (sessions.begin(db, owner, **_made()) for _ in range(2))
    ((subscription, _),) = storefront.list_subscribed(db, applications.resolve(db, app))
    entry = audit.list_newest(db, AuditFilter(), limit=1)[0]
    places = {
        "name": spare,
        "version": "1.0.0",
        "application": application_id,
        "subscription": subscription.id,
        "token": tokens.find_access_token(db, access_token).id,
        "session": credentials.digest(other)[:16],
        "entry": str(entry.id),
        "user": owner.id,
        "bare": users.require(db, bare).id,
        "api": api,
        "tier": tier,
    }
    return places | {
        "secret": secret,
        "access_token": access_token,
        "refresh_token": refresh_token,
    }


def remember_sign_ups(db, *, count, network="127.0.0.1"):
    """Let so many have signed up, of whom none blocks any more."""
    forgotten_at = int(time.time()) + attempts.MEMORY_SECONDS
    failures = attempts.Failures(count, 0, forgotten_at)
    failed_attempts.put(db, attempts.sign_up_subject(network), failures)


def forget_sign_ups(db):
    """Let nobody have signed up of late."""
    failed_attempts.delete_with_networks(db, attempts.SIGN_UPS)


def delete_user(db, *, name):
    users.delete(db, name)


def set_password(db, *, name, password):
    users.set_password_hash(db, name, users.hash_password(password))


def end_sessions(db, *, name):
    web_sessions.delete_of_user(db, users.require(db, name).id)


def age_sessions(db, *, name, idle_seconds=0, age_seconds=0):
    """Let a user's sessions be older, and longer without use."""
    db.execute(
        "UPDATE web_session SET used_at = used_at - ?, expires_at = expires_at - ?"
        " WHERE user_id = ?",
        (idle_seconds, age_seconds, users.require(db, name).id),
    )


def audit_of(db, *, actor):
    rows = db.execute(
        "SELECT via, action, target, details FROM audit_entry WHERE actor = ? ORDER BY id", (actor,)
    )
    return rows.fetchall()


def log_in(db, *, app, name, partitions=""):
    """Issue tokens to a user, who is made where there is none, as if a password had been right."""
    user = users.find(db, name) or users.create(db, name, password_hash=None, **_made())
    issued = tokens.issue_user_token(
        db,
        _key(db, app, "PRODUCTION"),
        user.id,
        settings=replace(TOKENS, partitions=parse_partitions(partitions)),
        **_made(),
    )
    return {"access_token": issued.access_token, "refresh_token": issued.refresh_token}


def create_tier(db, *, name, requests=1, per_seconds=60):
    tiers.create(db, name, requests=requests, per_seconds=per_seconds)


def update_tier(db, *, name, requests=None, per_seconds=None):
    tiers.update(db, name, requests=requests, per_seconds=per_seconds)


def configure(db, *, file, key, value):
    config.write(Path(file), key, value)
    settings.announce_change(db)


VERBS = {
    function.__name__: function
    for function in (
        *(create_app, create_apps, update_app, delete_app),
        *(create_api, update_api, change_api, delete_api),
        *(create_resource, update_resource, delete_resource),
        *(declare_scope, update_scope, delete_scope, set_roles),
        *(subscribe, update_subscription, unsubscribe, change_subscription),
        *(generate, update_key, rotate_key, delete_key, renew, revoke, expire, expire_code),
        *(create_userstore, update_userstore, delete_userstore),
        *(create_user, remember_failures, delete_user, log_in, admit, note),
        *(remember_sign_ups, forget_sign_ups, furnish),
        *(create_tier, update_tier, configure),
        *(set_password, end_sessions, age_sessions, audit_of),
    )
}


def main(path):
    store = open_store(Path(path), now=int(time.time()))
    for line in sys.stdin:
        command = json.loads(line)
        verb = command.pop("verb")
        with store.transaction() as db:
            result = VERBS[verb](db, **command)
        sys.stdout.write(f"{json.dumps(result)}\n")
        sys.stdout.flush()
    store.close()


if __name__ == "__main__":
    main(sys.argv[1])

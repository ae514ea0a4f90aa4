"""A store as a town with a few APIs has it: what the screenshots show. Nothing of it is real."""

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from apimctl import config
from apimctl.domain.models import ADMIN, Actor, ApiState, AuthType, KeyType, SubscriptionState, Via
from apimctl.domain.userstores import UserStoreType
from apimctl.services import (
    apis,
    applications,
    audit,
    keys,
    resources,
    scopes,
    subscriptions,
    tiers,
    users,
    userstores,
)
from apimctl.services.apis import ApiForm
from apimctl.services.applications import ApplicationForm
from apimctl.services.userstores import LdapForm
from apimctl.store import open_store

A_DAY = 86_400

SUBSCRIBER = "maria"
ADMINISTRATOR = "jonas"
PARTNERS = "PARTNERS"
CALLBACK = "https://harbour.example/back"

PEOPLE = {
    SUBSCRIBER: (),
    ADMINISTRATOR: (ADMIN,),
    "ines": ("editor",),
    "tom": (),
    "aiko": ("editor", "finance"),
    f"{PARTNERS}/harbour-taxi": (),
    f"{PARTNERS}/north-ferries": (),
}

APIS: Sequence[tuple[str, str, ApiState, str]] = (
    ("Weather", "2.1.0", ApiState.PUBLISHED, "Forecasts and measurements of 240 stations."),
    ("Weather", "1.0.0", ApiState.DEPRECATED, "As it was before the stations were renamed."),
    ("Sightings", "1.0.0", ApiState.PUBLISHED, "Which animals were seen in town, and by whom."),
    ("Ferries", "3.2.0", ApiState.PUBLISHED, "Departures, delays and free places on deck."),
    ("Parking", "1.4.0", ApiState.PUBLISHED, "Free spaces in every garage, once a minute."),
    ("Permits", "2.0.0", ApiState.PUBLISHED, "Ask for a permit and see how far it is."),
    ("Tides", "0.9.0", ApiState.PROTOTYPED, "High and low water at the harbour, ten days ahead."),
    ("Payments", "1.1.0", ApiState.BLOCKED, "Fees and fines; blocked while the bank migrates."),
    ("Archive", "1.0.0", ApiState.CREATED, "Photographs of the town since 1871."),
)

APPLICATIONS = (
    (SUBSCRIBER, "Harbour Dashboard", "The wall in the hall of the harbour office"),
    (SUBSCRIBER, "Garden App", "Tells when to water"),
    (SUBSCRIBER, "Night Batch", "Fills the warehouse at 02:00"),
    ("tom", "Commuter", "Ferries and parking on one page"),
    ("aiko", "Back Office", "Permits and payments"),
    (f"{PARTNERS}/harbour-taxi", "Dispatch", "Where to wait for whom"),
)

SUBSCRIPTIONS = (
    ("Harbour Dashboard", "Weather:2.1.0", "Gold"),
    ("Harbour Dashboard", "Ferries", "Gold"),
    ("Harbour Dashboard", "Sightings", "Unlimited"),
    ("Harbour Dashboard", "Tides", "Silver"),
    ("Garden App", "Weather:2.1.0", "Silver"),
    ("Garden App", "Sightings", "Unlimited"),
    ("Commuter", "Ferries", "Harbour"),
    ("Commuter", "Parking", "Gold"),
    ("Back Office", "Permits", "Unlimited"),
    ("Dispatch", "Ferries", "Harbour"),
    ("Dispatch", "Parking", "Harbour"),
)

KEYS = (
    ("Harbour Dashboard", KeyType.PRODUCTION, ("harbour.example", "*.harbour.example")),
    ("Harbour Dashboard", KeyType.SANDBOX, ()),
    ("Commuter", KeyType.PRODUCTION, ("commuter.example",)),
    ("Back Office", KeyType.PRODUCTION, ()),
    ("Dispatch", KeyType.SANDBOX, ()),
)


@dataclass
class ExampleStore:
    """The store and the people in it; `passwords` are those of the two who log in.

    `consumer_key` is that of an application that may send its users to `CALLBACK`.
    """

    path: Path
    backend_url: str
    settings: config.TokenSettings
    passwords: dict[str, str] = field(default_factory=dict, repr=False)
    consumer_key: str = ""
    _now: int = field(default_factory=lambda: int(time.time()) - 12 * A_DAY)

    def fill(self) -> None:
        """Make everything, over the last twelve days, with an audit log that says so."""
        store = open_store(self.path, now=self._now)
        with store.transaction() as db:
            self._add_people(db)
            self._add_apis(db)
            self._add_applications(db)
        store.close()

    @property
    def _moment(self) -> dict[str, Any]:
        return {"now": self._now, "random": secrets.token_bytes}

    @contextmanager
    def _done(
        self, db: Connection, who: str, via: Via, action: str, target: str, **details: Any
    ) -> Iterator[None]:
        """Let something be done some time after what was done before, and be in the audit log."""
        self._now += 4 * 3600 + 17 * 60 + 11
        yield
        actor = Actor(who, via)
        audit.record(db, actor=actor, action=action, target=target, now=self._now, **details)

    def _add_people(self, db: Connection) -> None:
        with self._done(db, "ops", Via.CLI, "userstore.create", PARTNERS, type="built-in"):
            userstores.create(
                db,
                PARTNERS,
                form=LdapForm(),
                store_type=UserStoreType.BUILT_IN,
                sealed_bind_password=None,
                now=self._now,
            )
        some_hash = users.hash_password(secrets.token_urlsafe())
        for name, roles in PEOPLE.items():
            password_hash = some_hash
            if name in {SUBSCRIBER, ADMINISTRATOR}:
                self.passwords[name] = secrets.token_urlsafe()
                password_hash = users.hash_password(self.passwords[name])
            with self._done(db, "ops", Via.CLI, "user.create", name, roles=list(roles)):
                users.create(db, name, password_hash=password_hash, roles=roles, **self._moment)

    def _add_apis(self, db: Connection) -> None:
        with self._done(db, ADMINISTRATOR, Via.PORTAL, "tier.create", "Harbour", requests=600):
            tiers.create(
                db, "Harbour", requests=600, per_seconds=60, description="For partners on the quay"
            )
        for name, version, state, description in APIS:
            form = ApiForm(
                production_url=self.backend_url,
                sandbox_url=self.backend_url,
                description=description,
                is_default_version=(name, version) == ("Weather", "2.1.0"),
                tiers=["Gold", "Silver", "Harbour"] if name in {"Ferries", "Parking"} else None,
            )
            reference = f"{name}:{version}"
            with self._done(
                db, "ops", Via.CLI, "api.create", reference, context=f"/{name.lower()}"
            ):
                made = {"context": f"/{name.lower()}", "version": version, "form": form}
                apis.create(db, name, state=state, **made, **self._moment)
        for name, description, roles in (
            ("weather:read", "See forecasts and measurements", ()),
            ("weather:report", "Send in a measurement of one's own", ("editor",)),
        ):
            scopes.declare(db, "Weather", name, description=description, roles=roles, now=self._now)
        weather = apis.resolve(db, "Weather:2.1.0")
        for methods, pattern, auth_type, tier, wanted in (
            (("GET",), "/stations", AuthType.NONE, "Unlimited", ()),
            (("GET",), "/forecast/{station}", AuthType.ANY, "Unlimited", ("weather:read",)),
            (("GET",), "/measurements/{station}", AuthType.ANY, "Gold", ("weather:read",)),
            (("POST",), "/measurements", AuthType.APPLICATION_USER, "Silver", ("weather:report",)),
        ):
            resources.create(
                db,
                weather,
                methods=methods,
                pattern=pattern,
                auth_type=auth_type,
                tier=tier,
                scopes=wanted,
            )

    def _add_applications(self, db: Connection) -> None:
        for owner, name, description in APPLICATIONS:
            with self._done(db, owner, Via.PORTAL, "app.create", name, owner=owner):
                callbacks = [CALLBACK] if owner == SUBSCRIBER else []
                form = ApplicationForm(description=description, callback_urls=callbacks)
                applications.create(db, name, owner=owner, form=form, **self._moment)
        for name, reference, tier in SUBSCRIPTIONS:
            app, api = applications.resolve(db, name), apis.resolve(db, reference)
            more = {"owner": app.owner, "api": api.reference, "tier": tier}
            with self._done(db, app.owner, Via.PORTAL, "subscription.create", name, **more):
                subscriptions.create(db, app, api, tier=tier, **self._moment)
        on_hold = applications.resolve(db, "Harbour Dashboard"), apis.resolve(db, "Tides")
        more = {"owner": SUBSCRIBER, "api": "Tides:0.9.0"}
        with self._done(
            db, ADMINISTRATOR, Via.PORTAL, "subscription.block", "Harbour Dashboard", **more
        ):
            subscriptions.set_state(db, *on_hold, SubscriptionState.PROD_ONLY_BLOCKED)
        self._now = int(time.time()) - 1800
        for name, key_type, domains in KEYS:
            app = applications.resolve(db, name)
            more = {"owner": app.owner, "key_type": key_type}
            with self._done(db, app.owner, Via.PORTAL, "key.generate", name, **more):
                self._now = int(time.time()) - 1800
                made = keys.generate(
                    db,
                    app,
                    key_type,
                    allowed_domains=domains,
                    validity_seconds=7 * A_DAY if domains else None,
                    settings=self.settings,
                    **self._moment,
                )
                self.consumer_key = self.consumer_key or made.key.consumer_key
